# SPDX-License-Identifier: GPL-2.0-or-later
"""What is tested: a running pingshot, wherever it runs. The Linux process is here, a board in QEMU
is in board.py."""

import re

from .capacities import Capacities
from .http_client import Client
from .process import Process, wait_until


class Target:
    """What the tests know of a pingshot. Its own side of the cable is `interface` in `namespace`.

    A test asks for something other than the defaults by what it means, as keywords; each kind of
    target has its own way to it (on the host an option of the command line, on a board a build):

    duplicates: "queue", "last" or "sum": what becomes of events with the same labels
    explicit_timestamps: events carry their time
    scraper_timeout_s: when a scraper is forgotten
    trust_proxy: X-Forwarded-For and X-Real-Ip are believed
    alert_events: an alert that changes state is an event
    client_ca: path of the CA that clients' certificates must come from
    dhcp: the address comes by DHCP, and must then be `ip`
    ntp: where the time comes from: a server's address, or "dhcp"
    """

    interface = "pingshot0"
    host_ip = "192.168.76.1"
    ip = "192.168.76.2"
    port_http = 8090
    port_tls = 8443
    capacities = None  # capacities.Capacities
    knows_time = True  # from its start on
    tls_options = {}  # of clients, for tls_socket.TlsSocket
    cut_step = 1  # where every byte is tried, as time allows: a handshake for each takes its own
    clock_error_s = 0.5  # how far its time may be off
    patience = 1  # how many times longer than on the host anything may take

    def __init__(self, namespace, authority, process):
        """`process` is running; waits until it answers. With an `authority`
        (certificates.Authority) everything goes over HTTPS."""
        self.namespace = namespace
        self.authority = authority
        self.process = process
        self.port = self.port_tls if authority else self.port_http
        try:
            wait_until(self._answers, 10 * self.patience, f"{self.name} to be ready")
        except AssertionError:
            self.process.stop()
            raise

    @property
    def address(self):
        return (self.ip, self.port)

    @property
    def url(self):
        return f"{'https' if self.authority else 'http'}://{self.ip}:{self.port}"

    @property
    def clients_max(self):
        """How many can be connected at once."""
        if self.authority:
            return min(self.capacities.connections, self.capacities.tls_sessions)
        return self.capacities.connections

    @property
    def tls(self):
        return self.authority.client_context() if self.authority else None

    def _answers(self):
        if self.process.exit_status is not None:
            raise AssertionError(
                f"{self.name} ended with status {self.process.exit_status}: {self.process.log()}"
            )
        with Client(self.namespace, self.address, timeout_s=1, tls=self.tls) as client:
            return client.get("/healthz").status == 200

    def client(self, timeout_s=10, **kwargs):
        return Client(
            self.namespace,
            self.address,
            timeout_s * self.patience,
            tls=self.tls,
            tls_options=self.tls_options,
            **kwargs,
        )

    def request(self, method, path, body=None, headers=()):
        """One request on a connection of its own."""
        with self.client() as client:
            return client.request(method, path, body, [*headers, ("Connection", "close")])

    def get(self, path, headers=()):
        return self.request("GET", path, headers=headers)

    def post(self, path, body=b"", content_type="application/x-www-form-urlencoded"):
        return self.request("POST", path, body, [("Content-Type", content_type)])

    def said(self, pattern, what):
        """Waits until its console says something, and returns the pattern's group of the last."""
        found = wait_until(
            lambda: re.findall(pattern, self.process.log()), 20 * self.patience, what
        )
        return found[-1]

    def link_local_address(self):
        """Its IPv6 address of this link."""
        return self.said(r"address (fe80:[0-9a-f:]+) on this link", "a link-local address")

    def set_cable(self, plugged):
        """Pulls or plugs the network cable."""
        raise NotImplementedError

    def stop(self):
        """Ends it and checks how it was."""
        if self.process.exit_status is not None:
            status = self.process.stop()
            raise AssertionError(f"{self.name} had ended with {status}: {self.process.log()}")
        status = self.process.stop()
        assert status == 0, f"exit status {status} after SIGTERM: {self.process.log()}"
        self.check_after_stop()

    def check_after_stop(self):
        """Whether it left what it should."""


class HostTarget(Target):
    """build/host/pingshot on a TAP of its own in `namespace`."""

    name = "host"
    capacities = Capacities("port/posix/limits.h")

    def __init__(self, binary, namespace, log_path, words=(), authority=None, env=None, **wishes):
        """`words` are given on its command line beside those that the wishes make."""
        argv = [binary, *words, *self.words_of(**wishes)]
        if authority:
            argv += ["--cert", authority.server[0], "--key", authority.server[1]]
        super().__init__(namespace, authority, Process(namespace, argv, log_path, env=env))

    @staticmethod
    def words_of(
        duplicates=None,
        explicit_timestamps=False,
        scraper_timeout_s=None,
        trust_proxy=False,
        alert_events=False,
        client_ca=None,
        dhcp=False,
        ntp=None,
    ):
        words = ["--duplicate-events", duplicates] if duplicates else []
        words += ["--explicit-timestamps"] if explicit_timestamps else []
        words += ["--scraper-timeout", f"{scraper_timeout_s}s"] if scraper_timeout_s else []
        words += ["--trust-proxy"] if trust_proxy else []
        words += ["--alert-events"] if alert_events else []
        words += ["--client-ca", client_ca] if client_ca else []
        words += ["--dhcp", "--gateway", HostTarget.host_ip] if dhcp else []
        words += ["--sntp", ntp] if ntp else []
        return words

    def set_cable(self, plugged):
        state = "up" if plugged else "down"
        self.namespace.command("ip", "link", "set", self.interface, state)

    def check_after_stop(self):
        assert self.interface not in self.namespace.interfaces(), "the TAP is still there"
