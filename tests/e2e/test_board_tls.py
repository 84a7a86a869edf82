# SPDX-License-Identifier: GPL-2.0-or-later
"""HTTPS on a board: nothing random is used twice, none without a seed, versions and groups, and a
build takes no certificate that could not be served."""

import hashlib
import os
import re
import ssl
import subprocess

import pytest

from harness.capacities import ROOT
from harness.debugger import NO_CODE, PC, attached_to, symbols_of
from harness.http_client import Client
from harness.process import wait_until

SCRIPT = ROOT / "port" / "cortex-m" / "certificate.sh"
PORT_TLS = 8443
KEY_SHARE = 51  # RFC 8446 section 4.2
SEED_BYTES = 40  # port/cortex-m/seed.h

# ---- Randomness --------------------------------------------------------------------------------


def connected(target, port, timeout_s=20):
    sock = target.namespace.socket()
    sock.settimeout(timeout_s)
    sock.connect((target.ip, port))
    return sock


def server_hello(target):
    """Random and key share of one ServerHello of TLS 1.3: RFC 8446 section 4.1.3."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    came, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(came, out, server_hostname=target.ip)
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    with connected(target, PORT_TLS) as sock:
        sock.sendall(out.read())
        data = b""
        while len(data) < 5 or len(data) < 5 + int.from_bytes(data[3:5], "big"):
            part = sock.recv(4096)
            assert part, data
            data += part
    assert data[0] == 22 and data[5] == 2, data
    hello = data[9:]
    random, rest = hello[2:34], hello[34:]
    rest = rest[1 + rest[0] + 3 :]  # session id, suite, compression
    extensions = rest[2 : 2 + int.from_bytes(rest[:2], "big")]
    while extensions:
        kind, length = (int.from_bytes(extensions[at : at + 2], "big") for at in (0, 2))
        if kind == KEY_SHARE:
            return random, extensions[8 : 4 + length]
        extensions = extensions[4 + length :]
    raise AssertionError(f"no key share in {data}")


def wait_for_start(board, number):
    said = lambda: len(re.findall(r", reset: ", board.process.log()))  # noqa: E731
    wait_until(lambda: said() >= number, 20, f"start {number}")
    wait_until(lambda: board.get("/healthz").status == 200, 40, "it to serve")


def test_nothing_random_is_used_twice(own_target):
    """The loader's seed is the same at each start; the third start also finds its retained memory
    damaged."""
    board = own_target(resets=True)
    values = []
    for number in (2, 3, 4):
        values += [value for _ in range(3) for value in server_hello(board)]
        if number == 3:
            with attached_to(board) as debugger:
                debugger.write(symbols_of(board.image)["kept"], b"gone")
        board.reset()
        wait_for_start(board, number)
    values += [value for _ in range(3) for value in server_hello(board)]
    assert len(set(values)) == len(values) == 24


def refuses_https(board):
    assert "HTTPS is off: no entropy" in board.process.log().rpartition(", reset: ")[2]
    assert board.get("/ping").status == 200
    with pytest.raises(ConnectionRefusedError):
        connected(board, PORT_TLS)
    return True


def test_without_a_seed_only_http(own_target):
    assert refuses_https(own_target(authority=None, seeded=False))


def place(board, data):
    """Puts bytes where a seed may be: no loader puts them there again."""
    with attached_to(board) as debugger:
        debugger.write(board.seed_address, data)
    board.reset()


def test_what_lies_there_by_chance_is_no_seed(own_target):
    """As RAM holds it when power comes on, another time the same."""
    board = own_target(authority=None, seeded=False, resets=True)
    place(board, os.urandom(SEED_BYTES))
    wait_for_start(board, 2)
    assert refuses_https(board)


def test_one_seed_is_enough_until_power_is_gone(own_target):
    """It is wiped when it is taken; what a run leaves serves the next one, whatever ended it."""
    board = own_target(authority=None, seeded=False, resets=True)
    place(board, b"pingseed" + os.urandom(SEED_BYTES - 8))
    wait_for_start(board, 2)
    values = [*server_hello(board), *server_hello(board)]
    assert board.memory(board.seed_address, SEED_BYTES) == bytes(SEED_BYTES)
    with attached_to(board) as debugger:
        debugger.set_register(PC, NO_CODE)
    wait_for_start(board, 3)
    values += [*server_hello(board), *server_hello(board)]
    board.reset()
    wait_for_start(board, 4)
    values += [*server_hello(board), *server_hello(board)]
    assert len(set(values)) == len(values) == 12
    with attached_to(board) as debugger:
        debugger.write(symbols_of(board.image)["kept"], b"gone")
    board.reset()
    wait_for_start(board, 5)
    assert refuses_https(board)


# ---- Versions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
@pytest.mark.parametrize("group", ["X25519", "prime256v1"])
def test_versions_and_groups(target, version, group):
    context = target.authority.client_context()
    context.minimum_version = context.maximum_version = getattr(ssl.TLSVersion, version)
    if group != "X25519":
        context.set_ecdh_curve(group)
    with Client(target.namespace, target.address, 30, tls=context) as client:
        assert client.get("/ping").status == 200


# ---- The build ---------------------------------------------------------------------------------


def build(folder, cert="", key="", address="192.168.76.2/24", chain_bytes_max="(3 * 1024)"):
    """(exit status, what it said) of the script that make runs."""
    done = subprocess.run(
        [SCRIPT, folder, chain_bytes_max], cwd=ROOT, capture_output=True, text=True,
        env={**os.environ, "CERT": str(cert), "KEY": str(key), "ADDRESS": address},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def pairs(authority, tmp_path):
    """name: (certificate, key, words of the refusal)."""
    cert, key = authority.sign("image")
    text = tmp_path / "text"
    text.write_text("certainly no certificate\n")
    gone = tmp_path / "gone"
    locked = tmp_path / "locked.key"
    subprocess.run(["openssl", "pkey", "-in", key, "-aes128", "-passout", "pass:x", "-out", locked],
                   check=True)  # fmt: skip
    reversed_chain = tmp_path / "reversed.crt"
    reversed_chain.write_text(cert.read_text() + authority.sign("image-other")[0].read_text())
    return {
        "no key": (cert, "", "give KEY="),
        "no certificate": ("", key, "give CERT="),
        "certificate not there": (gone, key, "cannot be read"),
        "key not there": (cert, gone, "cannot be read"),
        "certificate not PEM": (text, key, "PEM"),
        "key not PEM": (cert, text, "PEM"),
        "key with a password": (cert, locked, "without a password"),
        "another's key": (cert, authority.sign("image-2")[1], "is not the key"),
        "RSA": (*authority.sign("image-rsa", "rsa"), "P-256"),
        "expired": (*authority.sign("image-expired", days=(-9, -1)), "expired"),
        "not yet valid": (*authority.sign("image-early", days=(5, 9)), "not yet valid"),
        "chain out of order": (reversed_chain, key, "number 2 has not issued"),
    }


@pytest.mark.usefixtures("way")
def test_bad_pairs_are_one_line_and_change_nothing(authority, tmp_path, pairs):
    folder = tmp_path / "image"
    pair = authority.chain("image-good")
    assert build(folder, *pair)[0] == 0
    before = contents(folder)
    for name, (cert, key, words) in pairs.items():
        status, said = build(folder, cert, key)
        assert status == 2 and words in said, (name, said)
        assert said.startswith("make: ") and said.count("\n") == 1, (name, said)
        assert contents(folder) == before, name
    bytes_needed = len(before["chain.bin"])
    status, said = build(folder, *pair, chain_bytes_max=str(bytes_needed - 1))
    assert status == 2 and f"a chain of {bytes_needed} bytes" in said and said.count("\n") == 1, said
    assert contents(folder) == before
    assert build(folder, *pair, chain_bytes_max=str(bytes_needed))[0] == 0


@pytest.mark.usefixtures("way")
def test_a_pair_is_made_once(tmp_path):
    folder = tmp_path / "image"
    status, said = build(folder)
    before = contents(folder)
    fingerprint = hashlib.sha256(before["chain.bin"][3:]).hexdigest().upper()
    assert status == 0 and fingerprint in said.replace(":", "")
    assert said.startswith("  certificate: ") and said.count("\n") == 1, said
    assert fingerprint in before["certificate.S"].decode().replace(":", "")
    for path in folder.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
    assert build(folder) == (0, said) and contents(folder) == before
    assert build(folder, address="192.168.76.9/24")[0] == 0
    assert contents(folder)["chain.bin"] != before["chain.bin"]
