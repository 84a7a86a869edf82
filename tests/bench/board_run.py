# SPDX-License-Identifier: GPL-2.0-or-later
"""A board's image in QEMU on a TAP, with the plugin that counts its instructions. The caller has
made the network namespace that this is in; nothing here can reach another network."""

import os
import socket
import ssl
import subprocess
import time

ADDRESS, GATEWAY, PREFIX = "192.168.76.2", "192.168.76.1", 24
PORT, PORT_TLS = 8090, 8443
TAP = "bench0"
SEED_SH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../port/cortex-m/seed.sh")
CODE_BYTES = 1 << 20  # flash begins at 0 on every board


class BoardError(Exception):
    """The board did not start, or said what it should not."""


def command(*words):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BoardError(f"{' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def make_network():
    """The TAP. No IPv6 on this side: what the kernel asks for by itself would be counted."""
    command("ip", "link", "set", "lo", "up")
    command("ip", "tuntap", "add", "dev", TAP, "mode", "tap")
    command("sysctl", "-qw", f"net.ipv6.conf.{TAP}.disable_ipv6=1")
    command("ip", "address", "add", f"{GATEWAY}/{PREFIX}", "dev", TAP)
    command("ip", "link", "set", TAP, "up")


class Board:
    """One image that runs, until stop."""

    def __init__(self, machine, image, counters, plugin, seed_address):
        self.log_path = image + ".log"
        words = ["qemu-system-arm", "-machine", machine, "-kernel", image, "-display", "none",
                 "-monitor", "none", "-serial", f"file:{self.log_path}",
                 "-nic", f"tap,ifname={TAP},script=no,downscript=no",
                 "-plugin", counters.plugin_argument(plugin)]
        if seed_address:
            seed = image + ".seed"
            command(SEED_SH, seed)
            words += ["-device", f"loader,file={seed},addr={seed_address},force-raw=on"]
        with open(image + ".qemu", "wb") as said:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=said,
                                            stderr=subprocess.STDOUT)
        try:
            self._wait()
        except BoardError:
            self.stop()
            raise

    def _wait(self):
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise BoardError(f"QEMU ended with status {self.process.returncode}")
            try:
                connect().close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            with open(self.log_path, encoding="utf-8", errors="replace") as log:
                raise BoardError(f"no answer after 20 s; its console: {log.read()[-500:]}")
        neighbour = command("ip", "neighbor", "show", ADDRESS).split()
        mac = neighbour[neighbour.index("lladdr") + 1]
        command("ip", "neighbor", "replace", ADDRESS, "lladdr", mac, "nud", "permanent", "dev", TAP)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=10)


# ---- requests --------------------------------------------------------------------------------

SEGMENT_BYTES = 536  # that every board takes


def connect(port=PORT):
    """A connection of the kernel's, for what is not counted to the last instruction. What is has
    board_client.py."""
    s = socket.create_connection((ADDRESS, port), timeout=20)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return s


def request_bytes(method, path, body=b"", content_type=None, agent="curl/7.88.1", headers=()):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {ADDRESS}:{PORT}", f"User-Agent: {agent}",
             "Accept: */*", *headers]
    if content_type:
        lines.append(f"Content-Type: {content_type}")
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def request(s, method, path, body=b"", **words):
    """One request on a connection that is open. Returns (head, body) of a 200."""
    s.sendall(request_bytes(method, path, body, **words))
    data = b""
    while not is_whole(data):
        more = s.recv(65536)
        if not more:
            raise BoardError("the board closed the connection within a response")
        data += more
    return checked(method, path, data)


def is_chunked(head):
    return b"transfer-encoding: chunked" in head.lower()


def is_whole(data):
    """Whether all of a response has come."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return False
    if is_chunked(head):
        return body.endswith(b"\r\n0\r\n\r\n")
    return len(body) >= int(head.lower().partition(b"content-length:")[2].split()[0])


def checked(method, path, data):
    """(head, body) of a response, which must be 200."""
    head, _, body = data.partition(b"\r\n\r\n")
    if b" 200 " not in head.partition(b"\r\n")[0]:
        raise BoardError(f"{method} {path}: {head[:60]!r} {body[:200]!r}")
    return head, unchunked(body) if is_chunked(head) else body


def unchunked(body):
    parts = []
    while True:
        size, _, body = body.partition(b"\r\n")
        if int(size, 16) == 0:
            return b"".join(parts)
        parts.append(body[:int(size, 16)])
        body = body[int(size, 16) + 2:]


def serves_https():
    try:
        connect(PORT_TLS).close()
    except ConnectionRefusedError:
        return False
    return True


def tls_context(version, group=None):
    """Of a client that offers that version and, if it is given, no other group. That the peer is who
    it says is not at stake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = context.maximum_version = version
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if group:
        context.set_ecdh_curve(group)
    return context


def handshake(context, session=None):
    """A connection from SYN to both FINs, with a handshake and one GET /ping, which brings the
    tickets. Returns its session."""
    with context.wrap_socket(connect(PORT_TLS), session=session) as s:
        if s.session_reused != (session is not None):
            raise BoardError("the session was not resumed" if session else "a session was resumed")
        request(s, "GET", "/ping", headers=["Connection: close"])
        result = s.session
        while s.recv(4096):
            pass
    return result
