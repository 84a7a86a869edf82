# SPDX-License-Identifier: GPL-2.0-or-later
"""What the network gives and asks: addresses by DHCP and SLAAC, time by SNTP, names by mDNS, on a
LAN with a real router, time server and browser."""

import datetime
import os
import re
import socket
import struct
import time

import pytest

from harness.daemons import Prometheus
from harness.exposition import events_of
from harness.lan import PREFIX, ROUTER_IP6, Browser, Router, TimeServer
from harness.namespace import Namespace
from harness.process import wait_until
from harness.target import Target
from harness.wire import internet_checksum

NAME = "pingshot"
SERVICE = "_prometheus-http._tcp.local."


def parse_time(text):
    """Seconds since 1970 of GET /time, or None when it says that the clock is not set."""
    if text.startswith("clock not set"):
        return None
    return datetime.datetime.fromisoformat(text.strip().replace("Z", "+00:00")).timestamp()


def time_of(target):
    reply = target.get("/time")
    assert reply.status == 200, reply
    return parse_time(reply.text)


def assert_right_time(target):
    """At once, or when it has asked again because the first answer was long under way."""
    wait_until(
        lambda: abs(time_of(target) - time.time()) < target.clock_error_s,
        10 * target.patience,
        "its time to be that of the server",
    )


def global_address(target):
    """Its address in PREFIX, when it has said one."""
    return target.said(rf"http://\[({PREFIX}[0-9a-f:]+)\]:", "an IPv6 address by SLAAC")


def unplug(target):
    """Pulls the cable and waits until that is noticed."""
    before = target.process.log().count("link down")
    target.set_cable(False)
    wait_until(
        lambda: target.process.log().count("link down") > before,
        10 * target.patience,
        "the link to be seen down",
    )


def curl(target, url):
    """The body of what the real curl gets."""
    done = target.namespace.command(
        "curl", "-q", "--noproxy", "*", "-sS", "--fail", "--globoff", "--max-time", "20", url
    )
    return done.stdout.decode()


class Lan:
    """A namespace with a router and, unless told otherwise, a time server."""

    def __init__(self, folder, tools, lease_ip=Target.ip, has_time=True):
        self.folder = folder
        self.tools = tools
        self.namespace = Namespace()
        self.router = Router(
            self.namespace, folder / "router", Target.interface, Target.host_ip, lease_ip
        )
        self.others = []
        if has_time:
            self.add_time_server()

    def add_time_server(self):
        self.others.append(TimeServer(self.namespace, self.folder / "time", self.tools))

    def add_browser(self, **options):
        log_path = self.folder / f"mdns-{len(self.others)}.log"
        browser = Browser(self.namespace, log_path, Target.host_ip, **options)
        self.others.append(browser)
        return browser

    def close(self):
        for other in [*self.others, self.router]:
            other.stop()
        self.namespace.close()


@pytest.fixture
def make_lan(tmp_path, tools):
    made = []

    def make(**options):
        made.append(Lan(tmp_path / f"lan-{len(made)}", tools, **options))
        return made[-1]

    yield make
    for lan in made:
        lan.close()


@pytest.fixture(scope="module")
def lan(tmp_path_factory, tools):
    made = Lan(tmp_path_factory.mktemp("lan"), tools)
    yield made
    made.close()


@pytest.fixture(scope="module")
def leased(lan, start_target):
    """A target that asks the LAN for everything, shared by this module's tests."""
    running = start_target(lan.namespace, dhcp=True, ntp="dhcp")
    lan.router.take_prefix()
    yield running
    running.stop()


# ---- addresses -------------------------------------------------------------------------------


def test_dhcp_lease(leased, lan):
    assert lan.router.count("DHCPACK") >= 1
    assert f" {NAME}\n" in lan.router.process.log(), "its host name was not told to the server"
    assert f"http://{leased.ip}:" in leased.process.log()


def test_link_down_and_up(leased, lan):
    """The lease is confirmed again, and connections go on."""
    with leased.client() as client:
        assert client.get("/healthz").status == 200
        requests, acks = lan.router.count("DHCPREQUEST"), lan.router.count("DHCPACK")
        discovers = lan.router.count("DHCPDISCOVER")
        unplug(leased)
        leased.set_cable(True)
        lan.router.take_prefix()  # Linux takes it from a link that goes down
        wait_until(
            lambda: lan.router.count("DHCPREQUEST") > requests
            and lan.router.count("DHCPACK") > acks,
            10 * leased.patience,
            "the lease to be confirmed",
        )
        assert lan.router.count("DHCPDISCOVER") == discovers, "it began anew"
        assert client.get("/healthz").status == 200


@pytest.mark.slow(100)
def test_dhcp_renewal(make_lan, start_target):
    """When the server's T1 has passed, long before the lease is over; nothing else happens."""
    lan = make_lan(has_time=False)
    target = start_target(lan.namespace, dhcp=True, ntp="dhcp")
    try:
        discovers, acks = lan.router.count("DHCPDISCOVER"), lan.router.count("DHCPACK")
        wait_until(
            lambda: lan.router.count("DHCPACK") > acks, lan.router.LEASE_S, "the lease's renewal"
        )
        assert lan.router.count("DHCPDISCOVER") == discovers, "it lost the lease"
        assert target.get("/healthz").status == 200
        assert target.process.log().count(f"ready: http://{target.ip}:") == 1, "old news was told"
    finally:
        target.stop()


def test_dhcp_another_address(make_lan, start_target):
    """The server has forgotten the lease when the cable is plugged in again: another address."""
    lan = make_lan(has_time=False)
    target = start_target(lan.namespace, dhcp=True, ntp="dhcp")
    try:
        unplug(target)
        lan.router.lease_another("192.168.76.99")
        target.set_cable(True)
        wait_until(
            lambda: "http://192.168.76.99:" in target.process.log(),
            30 * target.patience,
            "the new address",
        )
        assert curl(target, f"http://192.168.76.99:{target.port}/healthz") == "ok\n"
    finally:
        target.stop()


def test_ipv6_addresses(leased):
    """The same interface identifier under both prefixes, made of the MAC address; both serve, and a
    client is told by its own."""
    own, local = global_address(leased), leased.link_local_address()
    assert own.removeprefix(PREFIX) == local.removeprefix("fe80::")
    assert curl(leased, f"http://[{own}]:{leased.port}/ping").startswith("PONG")
    assert curl(leased, f"http://[{local}%25{leased.interface}]:{leased.port}/ping").startswith(
        "PONG"
    )
    page = curl(leased, f"http://[{own}]:{leased.port}/metrics")
    assert f'{{agent="curl",scraper="{ROUTER_IP6}"}}' in page
    page = curl(leased, f"http://[{local}%25{leased.interface}]:{leased.port}/metrics")
    assert re.search(r'\{agent="curl",scraper="fe80::[0-9a-f:]+"\}', page)


def assert_echo(target, address, size):
    """Pings it with `size` bytes, which must come back."""
    six = ":" in address
    family = socket.AF_INET6 if six else socket.AF_INET
    protocol = socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP
    request = struct.pack("!BBHHH", 128 if six else 8, 0, 0, os.getpid() & 0xFFFF, size)
    request += os.urandom(size)
    if not six:  # the kernel does it for the other
        request = request[:2] + struct.pack("!H", internet_checksum(request)) + request[4:]
    with target.namespace.socket(family, socket.SOCK_RAW, protocol) as sock:
        sock.settimeout(5 * target.patience)
        sock.sendto(request, (address, 0))
        while True:
            message = sock.recv(2000)
            message = message if six else message[20:]
            if message[0] == (129 if six else 0) and message[4:8] == request[4:8]:
                assert message[8:] == request[8:]
                return


def test_pings_of_both_families(leased):
    for address in (leased.ip, global_address(leased)):
        for size in (0, 56, 1400):
            assert_echo(leased, address, size)


def test_prometheus_over_ipv6(leased, lan, tmp_path):
    address = global_address(leased)
    series = 'events_to_metrics{type="six"}'
    configs = [{"targets": [f"[{address}]:{leased.port}"]}]
    with Prometheus(
        lan.tools, leased.namespace, tmp_path, leased, static_configs=configs
    ) as prometheus:
        wait_until(lambda: prometheus.query("up == 1"), 20 * leased.patience, "a first scrape")
        for number in range(1, 4):
            assert leased.post(f"/event?type=six&value={number}").status == 200
            wait_until(
                lambda n=number: [v[-1] for _, v in prometheus.samples(series)] == [n],
                20 * leased.patience,
                f"event {number} to be stored",
            )
        assert [values for _, values in prometheus.samples(series)] == [[1, 2, 3]]
        assert not prometheus.query("up == 0")


# ---- time ------------------------------------------------------------------------------------


def test_time_of_the_server_that_dhcp_names(leased):
    wait_until(lambda: time_of(leased) is not None, 40 * leased.patience, "the time")
    assert " by SNTP" in leased.process.log()
    assert_right_time(leased)


@pytest.mark.slow(60)
def test_unknown_until_the_server_answers(make_lan, start_target):
    """Over IPv6; and an event that happened at a time unknown goes without it. So may, on a small
    board, one whose labels share a bucket with such a one's (app/events/event_times.h): not all of
    eight."""
    lan = make_lan(has_time=False)
    target = start_target(lan.namespace, ntp=ROUTER_IP6, explicit_timestamps=True)
    try:
        lan.router.take_prefix()
        global_address(target)
        assert time_of(target) is None
        target.get("/metrics")
        assert target.post("/event?type=early").status == 200
        (early,) = events_of(target.get("/metrics").text)
        assert early.labels == {"type": "early"} and early.timestamp == ""
        assert target.post("/event?type=between").status == 200
        lan.add_time_server()
        wait_until(lambda: time_of(target) is not None, 90, "the time", interval_s=0.5)
        assert_right_time(target)
        for i in range(8):
            assert target.post(f"/event?type=late-{i}").status == 200
        between, *late = sorted(
            events_of(target.get("/metrics").text), key=lambda event: event.labels["type"]
        )
        assert between.timestamp == "" and len(late) == 8
        times_s = [event.timestamp / 1000 for event in late if event.timestamp != ""]
        assert len(times_s) >= 2
        assert all(abs(at_s - time.time()) < target.clock_error_s + 5 for at_s in times_s)
    finally:
        target.stop()


# ---- name ------------------------------------------------------------------------------------


def test_mdns(leased, lan):
    browser = lan.add_browser()
    own, local = global_address(leased), leased.link_local_address()
    wanted = {leased.ip, own, local}
    service = browser.service(NAME)
    assert service["host"] == f"{NAME}.local."
    assert service["port"] == leased.port
    assert service["properties"] == {"path": "/metrics"}
    assert set(service["addresses"]) == wanted


def test_mdns_is_announced_again(leased, lan):
    """When the link comes back, to those that ask nothing."""
    browser = lan.add_browser()
    browser.service(NAME)
    unplug(leased)
    before = browser.records(f"{NAME}.{SERVICE}")
    leased.set_cable(True)
    lan.router.take_prefix()
    wait_until(
        lambda: browser.records(f"{NAME}.{SERVICE}") > before,
        20 * leased.patience,
        "the announcement",
    )


def test_mdns_name_taken(make_lan, start_target):
    """Somebody else has the name and defends it: the next number, for host and service."""
    lan = make_lan(has_time=False)
    target = start_target(lan.namespace)
    try:
        target.said(rf"the name is ({NAME})\.local", "its name")
        browser = lan.add_browser(claim=NAME)
        service = browser.service(f"{NAME}-2", 30 * target.patience)
        assert service["host"] == f"{NAME}-2.local."
        assert f"the name {NAME}.local is taken by another host" in target.process.log()
        assert target.get("/healthz").status == 200
    finally:
        target.stop()


def test_mdns_of_https(make_lan, start_target, authority):
    """Without plain HTTP it is the other port, and the record says so."""
    lan = make_lan(has_time=False)
    target = start_target(lan.namespace, authority=authority, words=["--disable-http"])
    try:
        service = lan.add_browser().service(NAME)
        assert service["port"] == target.port_tls
        assert service["properties"] == {"path": "/metrics", "scheme": "https"}
    finally:
        target.stop()
