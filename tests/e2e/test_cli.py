# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: options, exit statuses, signals, missing privilege, and `make run`'s script."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from harness.exposition import events_of
from harness.http_client import Client
from harness.namespace import Namespace
from harness.process import Process, wait_until
from harness.target import HostTarget

AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all"]
IN_A_USER_NAMESPACE = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]


def is_real_root():
    """Not only the root of a user namespace, which knows no other user."""
    return pathlib.Path("/proc/self/uid_map").read_text().split() == ["0", "0", "4294967295"]


# A command that runs another as an ordinary user.
AS_ORDINARY_USER = AS_NOBODY if is_real_root() else IN_A_USER_NAMESPACE


def run(net, *argv, env=None):
    """Runs it to its end: (exit status, standard output, standard error)."""
    done = net.command(
        *map(str, argv), check=False, stdin=subprocess.DEVNULL, env={**os.environ, **(env or {})}
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def is_one_line(text):
    return text.endswith("\n") and text.count("\n") == 1 and len(text) > 15


@pytest.fixture
def for_everyone(binary):
    """A copy of what `make run` needs, where any user may read it; nothing else in it."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        root = pathlib.Path(folder)
        source = pathlib.Path(__file__).resolve().parents[2]
        for path, original in (
            ("build/host/pingshot", binary),
            ("port/posix/run.sh", source / "port/posix/run.sh"),
        ):
            (root / path).parent.mkdir(parents=True)
            shutil.copy(original, root / path)
        (root / "tmp").mkdir()
        for path in [root, *root.rglob("*")]:
            path.chmod(0o755)
        (root / "tmp").chmod(0o777)
        yield root


# ---- Options -----------------------------------------------------------------------------------


def test_help(net, binary):
    status, out, err = run(net, binary, "--help")
    assert (status, err) == (0, "")
    for option in ("--port", "--tap", "--passt", "--address", "--gateway", "--mtu", "--dhcp",
                   "--explicit-timestamps", "--scraper-timeout", "--duplicate-events",
                   "--trust-proxy", "--help", "--version", "--port-tls", "--cert", "--key", "--ca",
                   "--client-ca", "--state", "--disable-insecure", "--disable-tls", "--disable-http"):  # fmt: skip
        assert option in out
    for default in ("8090", "8443", "server.crt", "server.key", "pingshot0", "192.168.76.2/24", "1500"):
        assert default in out
    assert max(map(len, out.splitlines())) <= 100


def test_version(net, binary):
    status, out, err = run(net, binary, "--version")
    assert (status, err) == (0, "")
    assert re.fullmatch(r"pingshot \S.*\n", out)


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["--nonsense"], "--nonsense"),
        (["-x"], "-x"),
        (["word"], "word"),
        (["--port"], "--port"),
        (["--port", "0"], "--port"),
        (["--port", "65536"], "--port"),
        (["--port", "80x"], "--port"),
        (["--port="], "--port"),
        (["--port", "-1"], "--port"),
        (["--port-tls", "0"], "--port-tls"),
        (["--port-tls", "8090"], "--port-tls"),
        (["--cert", ""], "--cert"),
        (["--key"], "--key"),
        (["--disable-tls", "--disable-http"], "--disable-http"),
        (["--disable-tls", "--client-ca", "x"], "--client-ca"),
        (["--disable-tls", "--ca", "x"], "--ca"),
        (["--disable-tls", "--disable-insecure"], "--disable-insecure"),
        (["--tap", "a-name-far-too-long"], "--tap"),
        (["--tap", ""], "--tap"),
        (["--tap", "a/b"], "--tap"),
        (["--address", "192.168.76"], "--address"),
        (["--address", "192.168.76.2/33"], "--address"),
        (["--address", "192.168.76.256/24"], "--address"),
        (["--gateway", "nowhere"], "--gateway"),
        (["--gateway", "10.0.0.1"], "--gateway"),
        (["--state", ""], "--state"),
        (["--mtu", "100"], "--mtu"),
        (["--mtu", "9001"], "--mtu"),
        (["--scraper-timeout", "0"], "--scraper-timeout"),
        (["--scraper-timeout", "soon"], "--scraper-timeout"),
        (["--scraper-timeout", "99999999999"], "--scraper-timeout"),
        (["--duplicate-events", "first"], "--duplicate-events"),
        (["--explicit-timestamps=perhaps"], "--explicit-timestamps"),
    ],
    ids=" ".join,
)
def test_bad_option(net, binary, arguments, word):
    status, out, err = run(net, binary, *arguments)
    assert (status, out) == (2, "")
    assert is_one_line(err) and word in err, err


def test_options_are_obeyed(binary, logs):
    with Namespace() as net:
        process = Process(
            net,
            [binary, "--tap", "lab7", "--address=10.9.8.7/16", "--gateway", "10.9.0.1", "--mtu",
             "9000", "--port=80", "--scraper-timeout", "10m", "--duplicate-events=sum"],
            logs("options"),
        )  # fmt: skip
        try:
            wait_until(lambda: "http://10.9.8.7" in process.log(), 5, "its URL")
            link = net.command("ip", "-o", "address", "show", "lab7").stdout.decode()
            assert "10.9.0.1/16" in link
            assert "mtu 9000" in net.command("ip", "link", "show", "lab7").stdout.decode()
            with Client(net, ("10.9.8.7", 80)) as client:
                assert client.get("/ping").status == 200
        finally:
            assert process.stop() == 0
        assert net.interfaces() == ["lo"]


def test_timestamps_by_the_environment(binary, logs):
    with Namespace() as net:
        env = {"USE_EXPLICIT_TIMESTAMPS": "true"}
        target = HostTarget(binary, net, logs("pingshot"), env=env)
        target.post("/event?a=1")
        (event,) = events_of(target.get("/metrics").text)
        assert abs(event.timestamp / 1000 - time.time()) < 5
        target.stop()


# ---- Start and stop ----------------------------------------------------------------------------


def test_it_says_what_to_type(own_target):
    target = own_target()
    log = wait_until(lambda: "curl" in target.process.log() and target.process.log(), 5, "its help")
    assert target.url in log


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("busy", [False, True])
def test_signals_end_it(binary, logs, number, busy):
    with Namespace() as net:
        target = HostTarget(binary, net, logs("pingshot"))
        clients = []
        if busy:
            clients = [target.client() for _ in range(10)]
            clients[0].send(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
            clients[1].send(b"POST /create HT")
        assert target.process.stop(number, seconds=3) == 0, target.process.log()
        assert target.interface not in net.interfaces()
        for client in clients:
            client.close()


def test_tap_in_use(target, binary):
    status, _, err = run(target.namespace, binary)
    assert status == 1
    assert is_one_line(err) and target.interface in err, err
    assert target.get("/ping").status == 200, "the first one goes on"


def test_no_tun_device(binary):
    """A machine without /dev/net/tun."""
    with Namespace() as net:
        script = 'mount -t tmpfs none /dev/net && exec "$@"'
        status, _, err = run(net, "unshare", "--mount", "sh", "-c", script, "sh", binary)
    assert status == 1 and is_one_line(err) and "/dev/net/tun" in err, err


def test_missing_privilege(net, for_everyone):
    status, _, err = run(net, *AS_ORDINARY_USER, for_everyone / "build/host/pingshot")
    assert status == 1
    assert is_one_line(err), err


def test_passt_socket_missing(net, binary):
    status, _, err = run(net, binary, "--passt", "/nowhere/passt.socket")
    assert status == 1
    assert is_one_line(err) and "/nowhere/passt.socket" in err, err


def test_a_tap_made_beforehand_is_used_and_left(binary, logs):
    """As `ip tuntap add ... user` makes one for an ordinary user."""
    with Namespace() as net:
        net.command("ip", "tuntap", "add", "dev", "pingshot0", "mode", "tap", "user", "0")
        net.command("ip", "address", "add", "192.168.76.1/24", "dev", "pingshot0")
        net.command("ip", "link", "set", "pingshot0", "up")
        target = HostTarget(binary, net, logs("pingshot"))
        assert target.get("/ping").status == 200
        assert target.process.stop() == 0
        assert "pingshot0" in net.interfaces(), "it is not ours to remove"


def test_closed_standard_output(binary, logs):
    with Namespace() as net:
        shell = ["sh", "-c", 'exec "$0" >&- 2>&-', binary]
        process = Process(net, shell, logs("closed"))
        try:

            def answers():
                with Client(net, (HostTarget.ip, HostTarget.port_http), timeout_s=1) as client:
                    return client.get("/ping").status == 200

            wait_until(answers, 5, "an answer")
        finally:
            assert process.stop() == 0


# ---- make run, without privilege ---------------------------------------------------------------


def processes_in(net):
    """Pids of the processes in a namespace, this one aside."""
    inode = net.call(os.readlink, "/proc/thread-self/ns/net")
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if os.readlink(entry / "ns/net") == inode:
                    found.append((int(entry.name), (entry / "cmdline").read_bytes()))
            except OSError:
                continue
    return found


WITHOUT_TUN = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /dev/net && exec "$0"']
USERS = [("ordinary user", AS_ORDINARY_USER)]
if is_real_root():  # as in a container: root, and no TUN
    USERS.append(("root without TUN", WITHOUT_TUN))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("user", USERS, ids=lambda user: user[0])
def test_run_over_passt(for_everyone, logs, user, number):
    """Nothing is made on the machine but a port on 127.0.0.1."""
    with Namespace() as net:
        process = Process(
            net,
            [*user[1], for_everyone / "port/posix/run.sh"],
            logs("run.sh"),
            env={"TMPDIR": str(for_everyone / "tmp"), "HOME": "/"},
            cwd="/",
        )

        def answers():
            assert process.exit_status is None, process.log()
            with Client(net, ("127.0.0.1", 8090), timeout_s=1) as client:
                return client.get("/ping")

        try:
            reply = wait_until(answers, 15, "an answer over passt", 0.1)
            assert reply.status == 200 and reply.text.startswith("PONG"), reply
            assert "http://127.0.0.1:8090" in process.log()
            assert net.interfaces() == ["lo"]
        finally:
            status = process.stop(number)
        assert status == 0, process.log()
        wait_until(lambda: not processes_in(net), 5, "no process left behind")
        assert list((for_everyone / "tmp").iterdir()) == []
