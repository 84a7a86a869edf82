# SPDX-License-Identifier: GPL-2.0-or-later
"""HTTPS: real clients of every kind, certificates good and bad, hostile handshakes, and pools that
do not grow. The whole suite over HTTPS is `pytest tests/e2e --scheme https`."""

import concurrent.futures
import contextlib
import json
import random
import re
import shutil
import socket
import string
import subprocess
import time

import pytest

from harness.daemons import Prometheus
from harness.http_client import Client, ResponseReader, crlf
from harness.namespace import Namespace
from harness.process import Process, wait_until
from harness.target import HostTarget
from harness.tls_wire import TlsWire

HANDSHAKE_TIMEOUT_S = 10


class WithClient:
    """An authority whose clients have a certificate."""

    def __init__(self, authority):
        self.ca = authority.ca
        self.server = authority.server
        pair = authority.sign("tester", usage="clientAuth")
        self._context = authority.client_context(pair)

    def client_context(self):
        return self._context


class WithServer:
    """An authority, and a server's certificate in place of the usual one."""

    def __init__(self, authority, server):
        self.ca = authority.ca
        self.server = server
        self.client_context = authority.client_context


@pytest.fixture(scope="module")
def mutual(start_target, authority):
    """A pingshot that wants clients' certificates."""
    with Namespace() as net:
        running = start_target(net, authority=WithClient(authority), client_ca=authority.ca)
        yield running
        running.stop()


def curl(target, *arguments, ca=None):
    """(exit status, standard output, standard error) of curl on the target's URL."""
    done = target.namespace.command(
        "curl", "-q", "--noproxy", "*", "-sS", "--max-time", "15",
        "--cacert", str(ca or target.authority.ca), *map(str, arguments), check=False,
    )  # fmt: skip
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def s_client(target, *arguments, said=b"", seconds=1.0):
    """What openssl s_client prints; `said` are (pause, bytes) pairs for its standard input."""
    popen = target.namespace.call(
        subprocess.Popen,
        ["openssl", "s_client", "-connect", f"{target.ip}:8443", *map(str, arguments)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        for pause_s, data in said or ():
            time.sleep(pause_s)
            popen.stdin.write(data)
            popen.stdin.flush()
        time.sleep(seconds if said else 0)
        out, _ = popen.communicate(timeout=15)
    except BrokenPipeError:
        out, _ = popen.communicate(timeout=15)
    finally:
        popen.kill()
        popen.wait()
    return out.decode(errors="replace")


def counters(target):
    """pingshot's own samples that are about TLS."""
    text = target.get("/metrics?scraper=counters").text
    return {
        name: float(value)
        for name, value in re.findall(r"^(pingshot_t\w+\{[^}]*\}|pingshot_tls\w+) (\S+)$", text, re.M)
    }


def works(target):
    return target.get("/ping").status == 200


# ---- Clients -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options, version",
    [(["--tlsv1.3"], "TLSv1.3"), (["--tls-max", "1.2"], "TLSv1.2"),
     (["--http2"], "TLSv1.3"), (["--no-alpn"], "TLSv1.3"),
     (["--curves", "P-256"], "TLSv1.3"), (["--curves", "X25519"], "TLSv1.3"),
     (["--tls-max", "1.2", "--curves", "P-256"], "TLSv1.2")],
    ids=" ".join,
)  # fmt: skip
def test_curl(target, options, version):
    status, out, err = curl(target, "-v", *options, f"{target.url}/ping")
    assert status == 0 and out.startswith("PONG"), (out, err)
    assert f"SSL connection using {version}" in err, err
    assert "HTTP/1.1 200" in err, err


def test_ipv6(target):
    """On the address of this link; the certificate names another, which curl is to expect."""
    where = f"::[{target.link_local_address()}%{target.interface}]:{target.port}"

    def ask():
        return curl(target, "--connect-to", where, f"{target.url}/metrics")

    # Until the kernel's own address of the link is no duplicate (RFC 4862 section 5.4) it cannot
    # connect, which is curl's 7.
    wait_until(lambda: ask()[0] != 7, 10, "an address to connect from")
    status, out, err = ask()
    assert status == 0, err
    assert re.search(r'\{agent="curl",scraper="fe80::[0-9a-f:]+"\}', out)


def test_any_server_name(target):
    status, out, _ = curl(
        target, "--resolve", f"pingshot.local:8443:{target.ip}", "https://pingshot.local:8443/ping"
    )
    assert status == 0 and out.startswith("PONG")


@pytest.mark.parametrize("kind", ["rsa", "chain", "rsa-chain"])
def test_certificates(binary, logs, authority, kind):
    key_type = "rsa" if kind.startswith("rsa") else "ec"
    make = authority.chain if kind.endswith("chain") else authority.sign
    cert, key = make(f"own-{kind}", key_type)
    with Namespace() as net:
        process = Process(
            net, [binary, "--cert", cert, "--key", key, "--disable-http", "--disable-insecure",
                  "--ca", authority.ca], logs("pingshot"),
        )  # fmt: skip
        try:
            wait_until(lambda: "ready" in process.log(), 5, "its URL")
            for version in (["--tlsv1.3"], ["--tls-max", "1.2"]):
                done = net.command(
                    "curl", "-q", "-sS", "--noproxy", "*", "--max-time", "10", "--cacert",
                    str(authority.ca), *version, f"https://{HostTarget.ip}:8443/ping",
                )  # fmt: skip
                assert done.stdout.startswith(b"PONG")
        finally:
            assert process.stop() == 0


@pytest.mark.parametrize(
    "options",
    [["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"], ["-tls1", "-cipher", "ALL:@SECLEVEL=0"],
     ["-tls1_2", "-cipher", "AES128-GCM-SHA256:@SECLEVEL=0"],
     ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"],
     ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0"],
     ["-tls1_2", "-cipher", "DHE-RSA-AES128-GCM-SHA256:aNULL:@SECLEVEL=0"],
     ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256"]],
    ids=" ".join,
)  # fmt: skip
def test_old_and_weak_is_refused(target, options):
    before = counters(target)
    text = s_client(target, *options)
    assert "Cipher is (NONE)" in text or "no ciphers available" in text, text
    assert "alert" in text, text
    after = counters(target)
    causes = [f'pingshot_tls_failures_total{{cause="{c}"}}' for c in ("version", "cipher")]
    assert sum(after[c] for c in causes) == sum(before[c] for c in causes) + 1


def test_renegotiation_is_refused(target):
    with target.client() as other:
        assert other.get("/ping").status == 200
        text = s_client(
            target, "-tls1_2", "-CAfile", target.authority.ca,
            said=[(0.5, b"R\n"), (0.5, b"GET /ping HTTP/1.0\r\n\r\n")],
        )  # fmt: skip
        assert "RENEGOTIATING" in text and "PONG" not in text, text
        assert other.get("/ping").status == 200
    assert works(target)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_resumption(target, tmp_path, version):
    ticket = tmp_path / "ticket"
    name = 'pingshot_tls_handshakes_total{resumed="yes"}'
    s_client(target, version, "-sess_out", ticket, said=[(2, b"Q\n")], seconds=0.5)
    before = counters(target)[name]
    text = s_client(target, version, "-sess_in", ticket, said=[(2, b"Q\n")], seconds=0.5)
    assert "Reused, TLSv1" in text, text
    assert counters(target)[name] == before + 1


# ---- Mutual TLS --------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [["--tlsv1.3"], ["--tls-max", "1.2"]], ids=" ".join)
def test_client_certificates(mutual, authority, tmp_path, version):
    other = type(authority)(tmp_path / "other", "other")
    cases = {
        "good": authority.sign("client-good", usage="clientAuth"),
        "good-rsa": authority.sign("client-rsa", "rsa", usage="clientAuth"),
        "stranger": other.sign("client-stranger", usage="clientAuth"),
        "expired": authority.sign("client-expired", days=(-9, -1), usage="clientAuth"),
        "early": authority.sign("client-early", days=(5, 9), usage="clientAuth"),
    }
    for name, (cert, key) in cases.items():
        status, out, err = curl(
            mutual, *version, "--cert", cert, "--key", key, f"{mutual.url}/ping"
        )
        if name.startswith("good"):
            assert status == 0 and out.startswith("PONG"), (name, err)
        else:
            assert status != 0 and not out, name
    status, out, _ = curl(mutual, *version, f"{mutual.url}/ping")
    assert status != 0 and not out
    assert works(mutual)


@pytest.mark.slow(12)
def test_prometheus_with_a_client_certificate(mutual, authority, tools, tmp_path):
    cert, key = authority.sign("prometheus", usage="clientAuth")
    tls = {"ca_file": str(authority.ca), "cert_file": str(cert), "key_file": str(key)}
    with Prometheus(tools, mutual.namespace, tmp_path, mutual, tls_config=tls) as prometheus:
        wait_until(
            lambda: prometheus.query('up{job="pingshot"} == 1'), 10, "a scrape", interval_s=0.2
        )
        with mutual.client() as client:
            for n in range(50):
                assert client.post(f"/event?n={n}").status == 200
                time.sleep(0.05)

        def found():
            counts = prometheus.query("count_over_time(events_to_metrics[1h])")
            return {labels["n"]: int(float(value[1])) for labels, value in counts}

        wait_until(lambda: len(found()) == 50, 10, "every event", interval_s=0.2)
        time.sleep(2.5)  # two more scrapes: nothing may come twice
        assert found() == {str(n): 1 for n in range(50)}


# ---- Certificate files -------------------------------------------------------------------------


def bad_files(authority, folder):
    """name: (options, words of the line)."""
    cert, key = authority.sign("files")
    _, other_key = authority.sign("files-other")
    own = type(authority)(folder / "own", "own")
    text = folder / "text"
    text.write_text("certainly no certificate\n")
    empty = folder / "empty"
    empty.write_text("")
    expired = authority.sign("files-expired", days=(-9, -1))
    early = authority.sign("files-early", days=(5, 9))
    gone = folder / "gone"
    strict = ["--disable-insecure"]
    pair = lambda c, k: ["--cert", c, "--key", k]  # noqa: E731
    return {
        "cert unreadable": (pair(gone, key), [gone, "No such file"]),
        "key unreadable": (pair(cert, gone), [gone, "No such file"]),
        "cert is a folder": (pair(folder, key), [folder, "directory"]),
        "cert not PEM": (pair(text, key), [text, "PEM"]),
        "cert empty": (pair(empty, key), [empty, "PEM"]),
        "key not PEM": (pair(cert, text), [text, "PEM"]),
        "key is a certificate": (pair(cert, cert), [cert, "PEM"]),
        "key does not match": (pair(cert, other_key), [other_key, "match"]),
        "expired": ([*pair(*expired), *strict], [expired[0], "expired"]),
        "not yet valid": ([*pair(*early), *strict], [early[0], "not yet valid"]),
        "self-signed": ([*pair(own.ca, own.ca_key), *strict], [own.ca, "self-signed"]),
        "does not chain": (
            [*pair(cert, key), *strict, "--ca", own.ca],
            [cert, "does not chain"],
        ),
        "ca unreadable": ([*pair(cert, key), "--ca", gone], [gone, "No such file"]),
        "ca not PEM": ([*pair(cert, key), "--ca", text], [text, "PEM"]),
        "client-ca unreadable": ([*pair(cert, key), "--client-ca", gone], [gone, "No such file"]),
        "client-ca not PEM": ([*pair(cert, key), "--client-ca", text], [text, "PEM"]),
        "none and strict": (strict, ["server.crt", "--disable-insecure"]),
    }


def test_bad_files_are_one_line(binary, authority, tmp_path):
    with Namespace() as net:
        for name, (options, words) in bad_files(authority, tmp_path).items():
            done = net.command(str(binary), *map(str, options), check=False, cwd=tmp_path)
            err = done.stderr.decode()
            assert done.returncode == 1, (name, err)
            assert err.count("\n") == 1 and err.startswith("pingshot: "), (name, err)
            for word in words:
                assert str(word) in err, (name, err)
            assert net.interfaces() == ["lo"], name


def test_what_strict_refuses_is_a_warning_without(binary, logs, authority):
    cert, key = authority.sign("warned", days=(-9, -1))
    with Namespace() as net:
        process = Process(net, [binary, "--cert", cert, "--key", key], logs("pingshot"))
        wait_until(lambda: "ready" in process.log(), 5, "its URL")
        assert process.stop() == 0
        assert f"warn  {cert}: the certificate has expired" in process.log()


def test_a_certificate_is_made_once(binary, logs, tmp_path):
    with Namespace() as net:
        prints = []
        for _ in range(2):
            process = Process(net, [binary], logs("pingshot"), cwd=tmp_path)
            wait_until(lambda: "ready" in process.log(), 5, "its URL")  # noqa: B023
            for flag, url in (("--http1.1", "http://"), ("--tlsv1.3", "https://")):
                port = 8090 if url == "http://" else 8443
                done = net.command(
                    "curl", "-q", "-sS", "--noproxy", "*", "--cacert",
                    str(tmp_path / "server.crt"), flag, f"{url}{HostTarget.ip}:{port}/ping",
                )  # fmt: skip
                assert done.stdout.startswith(b"PONG")
            assert process.stop() == 0
            prints.append(re.search(r"SHA-256 fingerprint ([0-9A-F:]{95})$", process.log(), re.M)[1])
        assert prints[0] == prints[1]
        shown = subprocess.run(
            ["openssl", "x509", "-in", tmp_path / "server.crt", "-noout", "-fingerprint", "-sha256"],
            capture_output=True, check=True,
        )  # fmt: skip
        assert prints[0] in shown.stdout.decode()
    assert (tmp_path / "server.key").stat().st_mode & 0o777 == 0o600


def test_several_starts_make_one_certificate(binary, logs, tmp_path):
    """In one folder at the same time."""
    with contextlib.ExitStack() as stack:
        nets = [stack.enter_context(Namespace()) for _ in range(6)]
        pool = stack.enter_context(concurrent.futures.ThreadPoolExecutor(len(nets)))
        for i in range(5):
            folder = tmp_path / str(i)
            folder.mkdir()
            start = lambda net: Process(net, [binary], logs("pingshot"), cwd=folder)  # noqa: B023
            processes = list(pool.map(start, nets))
            for process in processes:
                wait_until(lambda: "ready" in process.log(), 10, "its URL")  # noqa: B023
            said = "".join(process.log() for process in processes)
            assert [process.stop() for process in processes] == [0] * len(nets)
            prints = re.findall(r"SHA-256 fingerprint ([0-9A-F:]{95})$", said, re.M)
            assert len(prints) == len(nets) and len(set(prints)) == 1
            assert said.count("made the certificate") == 1


@pytest.mark.parametrize("off, on", [("--disable-http", 8443), ("--disable-tls", 8090)])
def test_one_port_only(binary, logs, tmp_path, off, on):
    with Namespace() as net:
        process = Process(net, [binary, off], logs("pingshot"), cwd=tmp_path)
        try:
            wait_until(lambda: "ready" in process.log(), 5, "its URL")
            for port in (8090, 8443):
                sock = net.socket()
                sock.settimeout(3)
                refused = sock.connect_ex((HostTarget.ip, port)) != 0
                sock.close()
                assert refused == (port != on)
        finally:
            assert process.stop() == 0
    assert (tmp_path / "server.key").exists() == (off == "--disable-http")


# ---- Hostile peers -----------------------------------------------------------------------------


def raw(target):
    sock = target.namespace.socket()
    sock.settimeout(HANDSHAKE_TIMEOUT_S + 5)
    sock.connect((target.ip, 8443))
    return sock


def is_over(sock):
    """The server ends it; what it says before that is at most an alert."""
    said = b""
    try:
        while data := sock.recv(4096):
            said += data
    except ConnectionResetError:
        pass
    return len(said) <= 7 and (not said or said[0] == 21)


@pytest.mark.parametrize(
    "data",
    [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 100, b"\xff" * 100,
     b"\x16\x03\x01\xff\xff" + b"a" * 100, b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
     b"\x17\x03\x03\x00\x20" + b"a" * 32, b"\x15\x03\x03\x00\x02\x02\x28"],
    ids=["http", "zeros", "ones", "too-long", "short-hello", "data-first", "alert-first"],
)  # fmt: skip
def test_garbage(target, data):
    before = counters(target)
    with raw(target) as sock:
        sock.sendall(data)
        assert is_over(sock)
    after = counters(target)
    failures = [name for name in before if name.startswith("pingshot_tls_failures")]
    assert sum(after[n] for n in failures) == sum(before[n] for n in failures) + 1
    assert after['pingshot_table_used{table="tls_sessions"}'] == 1  # this scrape's


@pytest.mark.slow(10)
def test_stalled_handshakes_end_and_disturb_nobody(target):
    name = 'pingshot_tls_failures_total{cause="timeout"}'
    before = counters(target)[name]
    begin = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
    started = time.monotonic()
    count = max(1, min(20, target.clients_max - 2))
    silent = [raw(target) for _ in range(count)]
    for sock in silent[: count // 2]:
        sock.sendall(begin)
    while time.monotonic() < started + HANDSHAKE_TIMEOUT_S - 2:
        for sock in silent[: count // 4]:
            with contextlib.suppress(ConnectionError):  # ended early where others wait for a turn
                sock.sendall(b"\0")  # trickles
        assert works(target)
        time.sleep(1)
    for sock in silent:
        assert is_over(sock)
        sock.close()
    assert counters(target)[name] == before + count


def test_truncation_is_counted(target):
    before = counters(target)["pingshot_tls_truncations_total"]
    client = target.client()
    assert client.get("/ping").status == 200
    client.sock.below.shutdown(socket.SHUT_WR)  # FIN, and no close_notify
    assert client.is_closed()
    client.sock.below.close()
    assert counters(target)["pingshot_tls_truncations_total"] == before + 1


def test_a_scrape_cut_by_reset_loses_nothing(target):
    target.get("/metrics?scraper=cut")  # from here on it is known
    count = target.capacities.events // 2
    message = "x" * (target.capacities.event_text_bytes // 2)
    with target.client() as client:
        for n in range(count):
            assert client.post(f"/event?n={n}&message={message}").status == 200
    for _ in range(5):
        cut = target.client(receive_buffer_bytes=4096)
        cut.send(b"GET /metrics?scraper=cut HTTP/1.1\r\nHost: x\r\n\r\n")
        cut.sock.recv(10000)
        cut.reset()
    text = target.get("/metrics?scraper=cut").text
    assert len(re.findall(r"^events_to_metrics\{", text, re.M)) == count
    assert "events_to_metrics{" not in target.get("/metrics?scraper=cut").text


# ---- Load --------------------------------------------------------------------------------------


def pools(target):
    return {k: v for k, v in counters(target).items() if "tls_" in k and "table_used" in k}


def test_big_posts(target):
    body = bytes(range(256)) * min(400, target.capacities.body_bytes // 256)
    with target.client() as client:
        for _ in range(20):
            reply = client.request("POST", "/echo", body, [("Content-Type", "text/plain")])
            assert reply.status == 200 and reply.body.endswith(body)


def echoes(target, choice, count):
    """Has so many requests of 600 bytes sent back, each in records of 1 to 20 bytes, each record
    in a segment of its own. Who is told that others need the session comes again."""
    client = target.client()
    for _ in range(count):
        body = "".join(choice.choices(string.ascii_letters, k=520))
        head = ("Host: pingshot", "Content-Type: text/plain", f"Content-Length: {len(body)}")
        request = crlf("POST /echo HTTP/1.1", *head) + body.encode()
        while request:
            size = choice.randint(1, 20)
            client.send(request[:size])
            request = request[size:]
        reply = client.reply()
        assert reply.status == 200 and reply.text.endswith(body), (body, reply)
        if reply.says_close():
            client.close()
            client = target.client()
    client.close()


def test_small_records_of_many_clients(own_target, seed):
    """As many at once as there are sessions."""
    target = own_target()
    count = target.clients_max
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        running = [pool.submit(echoes, target, random.Random(seed + i), 10) for i in range(count)]
        for client in running:
            client.result()


def test_no_upload_has_to_ask_for_room(target, seed):
    """What TCP's window was given back is told in time: this client never asks (RFC 9293 section
    3.8.6.1), and where one does, a request takes seconds."""
    rng = random.Random(seed)
    with TlsWire(target, rng) as wire:
        connection = wire.connect()
        for _ in range(150):
            body = bytes(rng.choices(b"abc\n", k=rng.randrange(1, 1025)))
            length = f"Content-Length: {len(body)}"
            head = crlf("POST /echo HTTP/1.1", "Host: pingshot", length)
            at = rng.randrange(len(body) + 1)
            parts = rng.choice([(head + body,), (head, body), (head + body[:at], body[at:])])
            response = wire.exchange(connection, *(part for part in parts if part))
            reply = ResponseReader(response).reply()
            assert reply.status == 200 and reply.body.endswith(body)


def test_a_thousand_handshakes_leave_nothing(target):
    before = pools(target)
    context = target.authority.client_context()
    handshakes = counters(target)['pingshot_tls_handshakes_total{resumed="no"}']

    def one(_):
        with Client(target.namespace, target.address, tls=context) as client:
            assert client.get("/ping").status == 200

    for n in range(1000):
        one(n)
    with concurrent.futures.ThreadPoolExecutor(min(16, max(2, target.clients_max // 3))) as many:
        list(many.map(one, range(320)))
    now = counters(target)
    assert now['pingshot_tls_handshakes_total{resumed="no"}'] >= handshakes + 1320
    wait_until(lambda: pools(target) == before, 5, "empty pools")
    assert now['pingshot_table_refusals_total{table="tls_sessions"}'] == 0
    assert now['pingshot_table_refusals_total{table="tls_memory_bytes"}'] == 0
    assert now['pingshot_table_high_water{table="tls_sessions"}'] <= 40


@pytest.mark.slow(55)
def test_testssl_finds_nothing_medium(start_target, authority, tmp_path):
    """With a certificate as a CA in earnest makes it: half a year, and where its CRL is."""
    testssl = shutil.which("testssl") or shutil.which("testssl.sh")
    if not testssl:
        pytest.fail("testssl.sh is not installed: third_party/packages.sh test")
    extra = "crlDistributionPoints=URI:http://crl.example/ca.crl\n"
    cert, key = authority.sign("testssl", days=(-1, 180), extra=extra)
    with Namespace() as net:
        target = start_target(net, authority=WithServer(authority, (cert, key)))
        findings = run_testssl(testssl, target, tmp_path)
        target.stop()
    assert [row for row in findings if row["severity"] in ("MEDIUM", "HIGH", "CRITICAL")] == []
    assert len(findings) > 100


def run_testssl(testssl, target, tmp_path):
    report = tmp_path / "report.json"
    popen = target.namespace.call(
        subprocess.Popen,
        [testssl, "--quiet", "--color", "0", "--warnings", "batch", "--jsonfile", report,
         "--add-ca", target.authority.ca, "--nodns", "min", f"{target.ip}:8443"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    popen.wait(timeout=600)
    assert works(target)
    return json.loads(report.read_text())
