# SPDX-License-Identifier: GPL-2.0-or-later
"""What make does with what it is given for a board: bad words are one clear line, and what was built
before stays as it was."""

import os
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = ROOT / f"build/mps2-an385/given-{os.getpid()}"  # for each process that tests


def make(*words, target="board_config.h"):
    """(exit status, what it said without make's own last lines), of no more than what is checked."""
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    done = subprocess.run(
        ["make", "-s", "BOARD=mps2-an385", f"VARIANT={FOLDER.name}", *words,
         f"{FOLDER.relative_to(ROOT)}/{target}"],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    lines = (done.stdout + done.stderr).splitlines(keepends=True)
    return done.returncode, "".join(line for line in lines if not line.startswith("make: ***"))


def contents():
    return {path: path.read_bytes() for path in FOLDER.rglob("*") if path.is_file()}


@pytest.fixture
def built():
    """What is there after a good build, with a certificate made for it."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    status, said = make("ADDRESS=192.168.76.2/24", "PORT=9000")
    assert status == 0 and said.startswith("  certificate: self-signed") and said.count("\n") == 1
    yield contents()
    shutil.rmtree(FOLDER)


def test_bad_words_are_one_line_and_change_nothing(built):
    for words in (
        ["ADDRESS=192.168.76.256/24"],
        ["ADDRESS=localhost/24"],
        ["ADDRESS=192.168.1.5"],
        ["ADDRESS=10.0.0.0/24"],
        ["NTP=1:2", "ADDRESS=10.0.0.2/24"],
        ["PORT=70000", "ADDRESS=10.0.0.2/24"],
        ["CERT=gone.crt", "KEY=gone.key", "ADDRESS=10.0.0.2/24", "PORT=9001"],
        ["KEY=gone.key", "PORT=9001"],
    ):
        status, said = make(*words)
        assert status == 2, words
        assert said.startswith(f"make: {words[0].split('/')[0]}") and said.count("\n") == 1, said
        assert contents() == built, words


@pytest.mark.usefixtures("built")
def test_another_certificate_is_linked_at_once():
    """The linker's file is looked at again behind what makes it."""
    found = set()
    for host in (3, 4):
        status, said = make(f"ADDRESS=192.168.76.{host}/24", target="tls/certificate.o")
        fingerprint = said.splitlines()[0].rpartition(" ")[2].encode()
        assert status == 0 and fingerprint in (FOLDER / "tls/certificate.o").read_bytes()
        found.add(fingerprint)
    assert len(found) == 2


def test_a_chain_must_fit_the_board(built):
    """By what its limits.h and wolfSSL's settings say."""
    chain, key = FOLDER / "chain.crt", FOLDER / "tls/self-signed.key"
    chain.write_bytes((FOLDER / "tls/self-signed.crt").read_bytes() * 9)
    before = contents()
    status, said = make(f"CERT={chain}", f"KEY={key}")
    assert status == 2 and "CFG_TLS_CHAIN_BYTES_MAX is 3072" in said and said.count("\n") == 1, said
    assert contents() == before


@pytest.mark.parametrize(
    "words, said, forwarded",
    [
        ({}, "http://127.0.0.1:8090 and https://127.0.0.1:8443, ", (8090, 8443)),
        ({"PORT": "9000", "DISABLE_TLS": "1"}, "http://127.0.0.1:9000, ", (9000,)),
        ({"DISABLE_HTTP": "1", "DISABLE_TLS": "0"}, "https://127.0.0.1:8443, ", (8443,)),
    ],
)
def test_qemu_offers_what_is_served(tmp_path, words, said, forwarded):
    """With a QEMU that only tells what it was given."""
    qemu = tmp_path / "qemu-system-arm"
    qemu.write_text("#!/bin/sh\necho \"$@\"\n")
    qemu.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", **words}
    out = subprocess.run(
        [ROOT / "port/cortex-m/qemu.sh", "some.elf", "some-machine"],
        env=environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert out.startswith(said)
    for port in (8090, 8443, 9000):
        assert (f"hostfwd=tcp:127.0.0.1:{port}-:{port}" in out) == (port in forwarded), out


def test_flash_leaves_a_seed(tmp_path):
    """With an OpenOCD that only tells what it was given: in RAM, behind the reset, another one each
    time, and no longer on disk."""
    image = "build/lm3s6965evb/pingshot"
    loaded = tmp_path / "seed"
    openocd = tmp_path / "openocd"
    openocd.write_text(f"#!/bin/sh\ncp {image}.seed {loaded}\nprintf '%s\\n' \"$@\"\n")
    openocd.chmod(0o755)
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    environment["PATH"] = f"{tmp_path}:{environment['PATH']}"
    seeds = set()
    for _ in range(2):
        out = subprocess.run(
            ["make", "-s", "BOARD=lm3s6965evb", "flash"],
            cwd=ROOT, env=environment, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        commands = out[out.index("program ") :].splitlines()
        assert [line for line in commands if line != "-c"] == [
            f"program {image}.elf verify", "reset halt",
            f"load_image {image}.seed 0x2000ffd8 bin", "resume", "shutdown",
        ]  # fmt: skip
        assert not (ROOT / f"{image}.seed").exists()
        seed = loaded.read_bytes()
        assert len(seed) == 40 and seed.startswith(b"pingseed")
        seeds.add(seed)
    assert len(seeds) == 2
