# SPDX-License-Identifier: GPL-2.0-or-later
"""What make is given for a board: good values become C, bad ones one clear line."""

import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def configure(tmp_path):
    """configure(command..., NAME=value, ...) runs config.sh; returns its exit status, stderr and
    #defines."""
    header = tmp_path / "board_config.h"

    def run(*command, **words):
        environment = {"PATH": os.environ["PATH"], **words}
        done = subprocess.run(
            [ROOT / "port/cortex-m/config.sh", "some-board", header, *command],
            env=environment, capture_output=True, text=True,
        )  # fmt: skip
        text = header.read_text() if header.exists() else ""
        defines = dict(re.findall(r"^#define CFG_BOARD_?(\w*) (.*)$", text, re.MULTILINE))
        return done.returncode, done.stderr, defines

    run.header = header
    return run


def test_without_anything_it_is_dhcp(configure):
    status, errors, defines = configure()
    assert (status, errors) == (0, "")
    assert defines == {
        "": '"some-board"', "DHCP": "true", "ADDRESS": "0", "NETMASK": "0", "GATEWAY": "0",
        "PORT": "8090", "PORT_TLS": "8443", "DISABLE_HTTP": "false", "DISABLE_TLS": "false",
        "EXPLICIT_TIMESTAMPS": "false", "DUPLICATES": "DELIVERY_QUEUE",
        "SCRAPER_TIMEOUT_MS": "600000u", "TRUST_PROXY": "false", "ALERT_EVENTS": "false",
        "NTP": '"dhcp"',
    }  # fmt: skip


@pytest.mark.parametrize(
    "words, wanted",
    [
        ({"ADDRESS": "dhcp"}, {"DHCP": "true"}),
        (
            {"ADDRESS": "192.168.76.2/24", "GATEWAY": "192.168.76.1"},
            {"DHCP": "false", "ADDRESS": "0xc0a84c02u", "NETMASK": "0xffffff00",
             "GATEWAY": "0xc0a84c01u"},
        ),
        ({"ADDRESS": "10.255.0.9/8"}, {"ADDRESS": "0x0aff0009u", "NETMASK": "0xff000000", "GATEWAY": "0"}),
        ({"ADDRESS": "192.168.76.2/24"}, {"NTP": "NULL"}),
        ({"NTP": "10.0.0.1"}, {"DHCP": "true", "NTP": '"10.0.0.1"'}),
        ({"NTP": "2001:db8::1", "ADDRESS": "10.0.0.2/30"}, {"NTP": '"2001:db8::1"'}),
        ({"NTP": "fe80::1"}, {"NTP": '"fe80::1"'}),
        ({"NTP": "::1:0"}, {"NTP": '"::1:0"'}),
        ({"NTP": "2001:DB8::"}, {"NTP": '"2001:DB8::"'}),
        ({"NTP": "1:2:3:4:5:6:7:8"}, {"NTP": '"1:2:3:4:5:6:7:8"'}),
        ({"NTP": "1:2:3:4:5:6:7::"}, {"NTP": '"1:2:3:4:5:6:7::"'}),
        ({"NTP": "::2:3:4:5:6:7:8"}, {"NTP": '"::2:3:4:5:6:7:8"'}),
        ({"ADDRESS": "10.0.0.2/30"}, {"NETMASK": "0xfffffffc"}),
        ({"ADDRESS": "200.0.0.2/1"}, {"NETMASK": "0x80000000"}),
        ({"PORT": "1", "PORT_TLS": "65535"}, {"PORT": "1", "PORT_TLS": "65535"}),
        ({"DISABLE_TLS": "1"}, {"DISABLE_TLS": "true", "DISABLE_HTTP": "false"}),
        ({"DISABLE_HTTP": "1", "DISABLE_TLS": "0"}, {"DISABLE_TLS": "false", "DISABLE_HTTP": "true"}),
        ({"EXPLICIT_TIMESTAMPS": "1", "TRUST_PROXY": "1", "ALERT_EVENTS": "1"},
         {"EXPLICIT_TIMESTAMPS": "true", "TRUST_PROXY": "true", "ALERT_EVENTS": "true"}),
        ({"DUPLICATE_EVENTS": "last"}, {"DUPLICATES": "DELIVERY_LAST"}),
        ({"DUPLICATE_EVENTS": "sum"}, {"DUPLICATES": "DELIVERY_SUM"}),
        ({"SCRAPER_TIMEOUT": "5"}, {"SCRAPER_TIMEOUT_MS": "5000u"}),
    ],
)  # fmt: skip
def test_values(configure, words, wanted):
    status, errors, defines = configure(**words)
    assert (status, errors) == (0, "")
    assert {name: defines[name] for name in wanted} == wanted


@pytest.mark.parametrize(
    "words, named",
    [
        ({"ADDRESS": "192.168.76.2"}, "ADDRESS=192.168.76.2"),
        ({"ADDRESS": "192.168.76.2/0"}, "ADDRESS=192.168.76.2/0"),
        ({"ADDRESS": "192.168.76.2/31"}, "ADDRESS=192.168.76.2/31"),
        ({"ADDRESS": "192.168.76.2/24x"}, "ADDRESS="),
        ({"ADDRESS": "192.168.76/24"}, "ADDRESS=192.168.76"),
        ({"ADDRESS": "192.168.76.256/24"}, "ADDRESS=192.168.76.256"),
        ({"ADDRESS": "192.168.76.02/24"}, "ADDRESS=192.168.76.02"),
        ({"ADDRESS": "192.168.76.2.1/24"}, "ADDRESS=192.168.76.2.1"),
        ({"ADDRESS": "a.b.c.d/24"}, "ADDRESS=a.b.c.d"),
        ({"ADDRESS": "192.168.76.0/24"}, "ADDRESS=192.168.76.0/24"),
        ({"ADDRESS": "192.168.76.255/24"}, "ADDRESS=192.168.76.255/24"),
        ({"ADDRESS": "127.0.0.1/8"}, "ADDRESS=127.0.0.1/8"),
        ({"ADDRESS": "224.0.0.5/24"}, "ADDRESS=224.0.0.5/24"),
        ({"ADDRESS": "192.168.76.2/24", "GATEWAY": "192.168.76"}, "GATEWAY=192.168.76"),
        ({"ADDRESS": "192.168.76.2/24", "GATEWAY": "192.168.77.1"}, "GATEWAY=192.168.77.1"),
        ({"ADDRESS": "192.168.76.2/24", "GATEWAY": "192.168.76.2"}, "GATEWAY=192.168.76.2"),
        ({"ADDRESS": "192.168.76.2/24", "GATEWAY": "192.168.76.0"}, "GATEWAY=192.168.76.0"),
        ({"ADDRESS": "192.168.76.2/24", "GATEWAY": "192.168.76.255"}, "GATEWAY=192.168.76.255"),
        ({"GATEWAY": "192.168.76.1"}, "GATEWAY=192.168.76.1"),
        ({"NTP": "pool.example"}, "NTP=pool.example"),
        ({"NTP": "10.0.0"}, "NTP=10.0.0"),
        ({"NTP": "0.0.0.0"}, "NTP=0.0.0.0"),
        ({"NTP": "224.0.1.1"}, "NTP=224.0.1.1"),
        ({"NTP": "1:2"}, "NTP=1:2"),
        ({"NTP": ":"}, "NTP=:"),
        ({"NTP": "::"}, "NTP=::"),
        ({"NTP": "0::0"}, "NTP=0::0"),
        ({"NTP": "ff02::101"}, "NTP=ff02::101"),
        ({"NTP": "2001:db8:::1"}, "NTP=2001:db8:::1"),
        ({"NTP": "2001:db8::1::"}, "NTP=2001:db8::1::"),
        ({"NTP": ":1:2:3:4:5:6:7"}, "NTP=:1:2:3:4:5:6:7"),
        ({"NTP": "1:2:3:4:5:6:7"}, "NTP=1:2:3:4:5:6:7"),
        ({"NTP": "1:2:3:4:5:6:7:8:9"}, "NTP=1:2:3:4:5:6:7:8:9"),
        ({"NTP": "1:2:3:4::5:6:7:8"}, "NTP=1:2:3:4::5:6:7:8"),
        ({"NTP": "12345::1"}, "NTP=12345::1"),
        ({"NTP": "::ffff:10.0.0.1"}, "NTP=::ffff:10.0.0.1"),
        ({"NTP": "dhcp", "ADDRESS": "10.0.0.2/30"}, "NTP=dhcp"),
        ({"PORT": "0"}, "PORT=0"),
        ({"PORT": "65536"}, "PORT=65536"),
        ({"PORT": "http"}, "PORT=http"),
        ({"PORT_TLS": "08443"}, "PORT_TLS=08443"),
        ({"PORT": "8443"}, "PORT=8443"),
        ({"EXPLICIT_TIMESTAMPS": "yes"}, "EXPLICIT_TIMESTAMPS=yes"),
        ({"DISABLE_HTTP": "1", "DISABLE_TLS": "1"}, "DISABLE_HTTP=1 DISABLE_TLS=1"),
        ({"DUPLICATE_EVENTS": "first"}, "DUPLICATE_EVENTS=first"),
        ({"SCRAPER_TIMEOUT": "0"}, "SCRAPER_TIMEOUT=0"),
        ({"SCRAPER_TIMEOUT": "10m"}, "SCRAPER_TIMEOUT=10m"),
        ({"SCRAPER_TIMEOUT": "1000000"}, "SCRAPER_TIMEOUT=1000000"),
    ],
)  # fmt: skip
def test_a_bad_value_is_one_clear_line(configure, words, named):
    status, errors, defines = configure(**words)
    assert status == 2
    assert errors.count("\n") == 1 and named in errors, errors
    assert not defines, "nothing was to be written"


def test_the_header_is_touched_only_when_it_changes(configure):
    configure(PORT="9000")
    os.utime(configure.header, (1, 1))
    configure(PORT="9000")
    assert configure.header.stat().st_mtime == 1
    configure(PORT="9001")
    assert configure.header.stat().st_mtime > 1


def test_nothing_is_written_when_what_checks_the_rest_refuses(configure):
    assert configure("false", PORT="9000")[2] == {}
    assert configure("true", PORT="9000")[2]["PORT"] == "9000"
    status, errors, defines = configure("sh", "-c", "echo 'make: no' >&2; exit 2", PORT="9001")
    assert (status, errors, defines["PORT"]) == (2, "make: no\n", "9000")


def test_it_checks_first(configure, tmp_path):
    assert configure("touch", tmp_path / "ran", PORT="0")[0] == 2
    assert not (tmp_path / "ran").exists()
