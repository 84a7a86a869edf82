# SPDX-License-Identifier: GPL-2.0-or-later
"""What a LAN has beside pingshot: a router with DHCP and router advertisements (dnsmasq), a time
server (chronyd), and somebody who browses for services (python3-zeroconf). They need not wait for
the target's TAP: they take it up when it appears."""

import json
import pathlib
import re
import sys

from .process import Process, wait_until

PREFIX = "fd00:76::"
ROUTER_IP6 = f"{PREFIX}1"


class Router:
    """dnsmasq on the target's TAP. It has one address to lease, and the network PREFIX/64."""

    # A lease is at least two minutes; it is to be renewed earlier.
    LEASE_S = 120
    RENEW_S = 30
    REBIND_S = 90

    def __init__(self, namespace, folder, interface, host_ip, lease_ip):
        self.namespace = namespace
        self.interface = interface
        self.host_ip = host_ip
        self.folder = folder
        self._count = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._start(lease_ip)

    def _start(self, lease_ip):
        self._count += 1
        self.process = Process(
            self.namespace,
            [
                "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--log-facility=-",
                "--user=root", "--pid-file=", "--port=0", "--log-dhcp", "--no-ping",
                f"--interface={self.interface}", "--bind-dynamic", "--dhcp-authoritative",
                f"--dhcp-leasefile={self.folder / 'leases'}",
                f"--dhcp-range={lease_ip},{lease_ip},{self.LEASE_S}",
                f"--dhcp-option=option:ntp-server,{self.host_ip}",
                f"--dhcp-option-force=option:T1,{self.RENEW_S}",
                f"--dhcp-option-force=option:T2,{self.REBIND_S}",
                "--enable-ra", f"--dhcp-range={PREFIX},ra-only",
            ],
            self.folder / f"dnsmasq-{self._count}.log",
        )  # fmt: skip

    def lease_another(self, lease_ip):
        """From now on it knows nothing of the old address and leases this one."""
        self.stop()
        (self.folder / "leases").unlink()
        self._start(lease_ip)

    def take_prefix(self):
        """Gives the host's side of the cable, which is there now, the router's IPv6 address; it is
        not to make itself another by the router's own advertisements."""
        accept_ra = pathlib.Path("/proc/sys/net/ipv6/conf") / self.interface / "accept_ra"
        self.namespace.call(accept_ra.write_text, "0")
        self.namespace.command(
            "ip", "-6", "address", "replace", f"{ROUTER_IP6}/64", "dev", self.interface, "nodad"
        )

    def count(self, message):
        """How often it has had or sent a DHCP message: "DHCPREQUEST", "DHCPACK"."""
        return len(re.findall(rf"\b{message}\(", self.process.log()))

    def stop(self):
        self.process.stop()


class TimeServer:
    """chronyd that serves this machine's clock and leaves it alone."""

    def __init__(self, namespace, folder, tools):
        folder.mkdir(parents=True, exist_ok=True)
        config = folder / "chrony.conf"
        config.write_text(
            f"local stratum 8\nallow all\ncmdport 0\nbindcmdaddress /\npidfile {folder}/pid\n"
        )
        self.process = Process(
            namespace,
            [tools.parent / "sbin/chronyd", "-n", "-x", "-u", "root", "-f", config],
            folder / "chronyd.log",
        )

    def stop(self):
        self.process.stop()


class Browser:
    """Somebody on the LAN who speaks mDNS: harness/mdns.py in a process of its own. It browses
    for what Prometheus can scrape; with a `claim` it has that host name itself."""

    def __init__(self, namespace, log_path, host_ip, claim=None):
        script = pathlib.Path(__file__).with_name("mdns.py")
        words = [sys.executable, "-B", script, host_ip, *([claim] if claim else [])]
        self.process = Process(namespace, words, log_path)
        wait_until(lambda: "listening" in self.process.log(), 10, "the mDNS browser to start")

    def lines(self, kind):
        """What it has seen of one kind, oldest first."""
        if self.process.exit_status is not None:
            raise AssertionError(f"the mDNS browser ended: {self.process.log()}")
        lines = [json.loads(line) for line in self.process.log().splitlines() if line[:1] == "{"]
        return [line for line in lines if line["kind"] == kind]

    def service(self, name, seconds=20):
        """The service of this name, when it is seen: port, host, addresses and properties."""
        found = wait_until(
            lambda: [line for line in self.lines("service") if line["name"] == name],
            seconds,
            f"the service {name}",
        )
        return found[-1]

    def records(self, name):
        """How many records of this name it has received."""
        return sum(line["name"] == name for line in self.lines("record"))

    def stop(self):
        self.process.stop()
