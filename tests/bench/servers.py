# SPDX-License-Identifier: GPL-2.0-or-later
"""The servers under load: how each is built, started, asked and stopped."""

import glob
import http.client
import itertools
import os
import signal
import socket
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
OUT = os.path.join(ROOT, "build", "bench")
HOST = os.path.join(ROOT, "build", "host")

PEER = os.path.join(OUT, "peer")
BARE = os.path.join(OUT, "bare_server")
PINGSHOT = os.path.join(HOST, "pingshot")
TLS_CONNECT = os.path.join(OUT, "tls_connect")
CERTIFICATE = os.path.join(OUT, "server.crt")
KEY = os.path.join(OUT, "server.key")
PORT = 8090
PORT_TLS = 8443


class StartError(Exception):
    """A server could not be built or did not start."""


def run(what, command, **options):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, **options)
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"status {done.returncode}"]
        raise StartError(f"{command[0]}, for {what}: {said[0]}")


def build():
    """Builds the peer and what is written in C, and makes a certificate."""
    build_ours()
    environment = dict(os.environ, GO111MODULE="off", GOPATH="/usr/share/gocode",
                       GOCACHE=os.path.join(OUT, "go-cache"), GOFLAGS="")
    run("the peer", ["go", "build", "-o", PEER, os.path.join(HERE, "peer", "main.go")],
        env=environment)
    run("the certificate",
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "30", "-subj", "/CN=bench", "-keyout", KEY, "-out", CERTIFICATE])


def build_ours():
    """Builds the bare server and the load of TLS connections; pingshot itself is built by make."""
    if not os.path.exists(PINGSHOT):
        raise StartError("build/host/pingshot is missing: run make first")
    os.makedirs(OUT, exist_ok=True)
    # The very objects of pingshot, so that both stand on the same stack; the linker leaves out
    # what the bare server does not call.
    lwip = os.environ.get("LWIP_DIR", "third_party/lwip")
    run("the bare server",
        ["gcc", "-std=c11", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE",
         "-include", "port/posix/limits.h", "-iquote", "port", "-iquote", "app",
         "-I", "port/lwip", "-isystem", f"{lwip}/src/include",
         "-isystem", f"{lwip}/contrib/addons/tcp_isn",
         "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections",
         "-o", BARE, os.path.join(HERE, "bare_server.c"), *_objects()])
    _build_tls_connect()


def _build_tls_connect():
    """With pingshot's objects of wolfSSL's ciphers, and its protocol built again as a client."""
    wolfssl = os.environ.get("WOLFSSL_DIR", "third_party/wolfssl")
    again = ("ssl", "internal", "tls", "tls13", "keys", "wolfio", "asn")
    sources = [f"{wolfssl}/{'wolfcrypt/' * (name == 'asn')}src/{name}.c" for name in again]
    objects = [path for path in glob.glob(os.path.join(HOST, "wolfssl", "wolfcrypt", "src", "*.o"))
               if os.path.basename(path) != "asn.o"]
    flags = ["gcc", "-std=gnu11", "-O2", "-g", "-D_GNU_SOURCE", "-DWOLFSSL_USER_SETTINGS",
             "-DCFG_TLS_CLIENT=1", "-DHAVE_PK_CALLBACKS", "-DNO_WOLF_PRIVATE_KEY_ID",
             "-include", "port/posix/limits.h",
             "-iquote", "port", "-I", "port/wolfssl", "-isystem", wolfssl,
             "-ffunction-sections", "-fdata-sections"]
    ours = os.path.join(HERE, "tls_connect.c")
    inputs = [ours, os.path.join(ROOT, "port/wolfssl/user_settings.h"), *objects]
    if os.path.exists(TLS_CONNECT) and all(
            os.path.getmtime(path) < os.path.getmtime(TLS_CONNECT) for path in inputs):
        return
    archive = os.path.join(OUT, "tls_client.o")
    run("the TLS load", [*flags, "-w", "-r", "-o", archive, *sources])
    run("the TLS load", [*flags, "-Wall", "-Wextra", "-Werror", "-Wl,--gc-sections",
                         "-o", TLS_CONNECT, ours, archive, *objects])


def _objects():
    """The objects in build/host that belong to a source that still exists, but pingshot's main."""
    sources = (glob.glob("app/**/*.c", root_dir=ROOT, recursive=True)
               + glob.glob("port/*.c", root_dir=ROOT)
               + glob.glob("port/posix/*.c", root_dir=ROOT))
    sources.remove("port/posix/main.c")
    ours = [os.path.join(HOST, source[:-1] + "o") for source in sources]
    return ours + glob.glob(os.path.join(HOST, "lwip", "**", "*.o"), recursive=True)


class Server:
    """A process that answers HTTP at an address."""

    def __init__(self, kind, command, host, name=None):
        self.kind = kind
        self.name = name or kind
        self.address = (host, PORT)
        self.url = f"http://{host}:{PORT}"
        self.url_tls = f"https://{host}:{PORT_TLS}"
        self.log_path = os.path.join(OUT, self.name + ".log")
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=subprocess.STDOUT, cwd=ROOT)
        try:
            self._wait_until_it_listens()
        except StartError:
            self.stop()
            raise

    def _wait_until_it_listens(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            self.must_run()
            try:
                socket.create_connection(self.address, timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise StartError(f"{self.name} does not answer at {self.url} after 10 s")

    def must_run(self):
        if self.process.poll() is not None:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                said = log.read().strip()[-500:]
            raise StartError(f"{self.name} ended with status {self.process.returncode}: {said}")

    def request(self, method, path, body=None, content_type=None):
        """One request over a connection of its own. Returns the body of a 200."""
        connection = http.client.HTTPConnection(*self.address, timeout=10)
        headers = {"Content-Type": content_type} if content_type else {}
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            answer = response.read()
        finally:
            connection.close()
        if response.status != 200:
            raise StartError(f"{self.name}: {method} {path}: {response.status} {answer[:300]!r}")
        return answer

    def cpu_ns(self):
        """Processor time so far: of all threads, in user space and in the kernel."""
        total = 0
        for task in glob.glob(f"/proc/{self.process.pid}/task/*/schedstat"):
            with open(task, encoding="ascii") as schedstat:
                total += int(schedstat.read().split()[0])
        return total

    def peak_kb(self):
        """The largest resident memory so far, in KB."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            for line in status:
                if line.startswith("VmHWM:"):
                    return int(line.split()[1])
        raise StartError(f"{self.name}: no VmHWM in /proc")

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def peer():
    return Server("peer", [PEER, "-listen", f"127.0.0.1:{PORT}", "-listen-tls",
                           f"127.0.0.1:{PORT_TLS}", "-cert", CERTIFICATE, "-key", KEY],
                  "127.0.0.1")


_networks = itertools.count(1)


def _on_tap(kind, program, options):
    """A server with a TAP and a network of its own: several run at once, one of them is loaded."""
    number = next(_networks)
    network = f"192.168.{100 + number}"
    return Server(kind, [program, "--tap", f"bench{number}", "--address", f"{network}.2/24",
                         "--gateway", f"{network}.1", *options], f"{network}.2", f"{kind}{number}")


def pingshot(mtu=1500, options=()):
    return _on_tap("pingshot", PINGSHOT,
                   ["--mtu", str(mtu), "--cert", CERTIFICATE, "--key", KEY, *options])


def new_state(name):
    """The option that keeps the state in a new file."""
    path = os.path.join(OUT, f"{name}.state")
    if os.path.exists(path):
        os.remove(path)
    return ("--state", path)


def bare(page_path, mtu=1500):
    """Answers any path with a few bytes, and /metrics with the page in that file."""
    return _on_tap("bare", BARE, ["--mtu", str(mtu), "--page", page_path])


if __name__ == "__main__":  # in `make test`, which does not measure: whether they still build
    build_ours()
