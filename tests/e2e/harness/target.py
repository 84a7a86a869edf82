# SPDX-License-Identifier: GPL-2.0-or-later
"""What is tested: a running pingshot, wherever it runs. The host build is the first target; a
board in QEMU is another class with the same attributes."""

import dataclasses

from .http_client import Client
from .process import Process, wait_until


@dataclasses.dataclass(frozen=True)
class Capacities:
    """Sizes of a target's tables (port/posix/limits.h, board/<name>/limits.h)."""

    families: int
    series: int
    events: int
    event_text_bytes: int
    scrapers: int
    scrapes_in_flight: int
    connections: int
    rx_bytes: int
    body_bytes: int


@dataclasses.dataclass(frozen=True)
class Limits:
    """Times of a target that clients can see (app/config.h)."""

    request_timeout_s: float = 10
    stall_timeout_s: float = 30


class HostTarget:
    """build/host/pingshot on a TAP of its own in `namespace`."""

    name = "host"
    interface = "pingshot0"
    host_ip = "192.168.76.1"
    ip = "192.168.76.2"
    port = 8090
    limits = Limits()
    capacities = Capacities(
        families=1024,
        series=16384,
        events=4096,
        event_text_bytes=1024,
        scrapers=32,
        scrapes_in_flight=64,
        connections=128,
        rx_bytes=16384,
        body_bytes=1 << 20,
    )

    def __init__(self, binary, namespace, log_path, options=(), env=None, authority=None):
        """With an `authority` (certificates.Authority) everything goes over HTTPS."""
        self.namespace = namespace
        self.options = list(options)
        self.authority = authority
        if authority:
            self.port = 8443
            self.options += authority.server_options
        self.process = Process(namespace, [binary, *self.options], log_path, env=env)
        try:
            wait_until(self._answers, 10, f"{binary} to be ready")
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
    def tls(self):
        return self.authority.client_context() if self.authority else None

    def _answers(self):
        if self.process.exit_status is not None:
            raise AssertionError(
                f"pingshot ended with status {self.process.exit_status}: {self.process.log()}"
            )
        with Client(self.namespace, self.address, timeout_s=1, tls=self.tls) as client:
            return client.get("/healthz").status == 200

    def client(self, **kwargs):
        return Client(self.namespace, self.address, tls=self.tls, **kwargs)

    def request(self, method, path, body=None, headers=()):
        """One request on a connection of its own."""
        with self.client() as client:
            return client.request(method, path, body, [*headers, ("Connection", "close")])

    def get(self, path, headers=()):
        return self.request("GET", path, headers=headers)

    def post(self, path, body=b"", content_type="application/x-www-form-urlencoded"):
        return self.request("POST", path, body, [("Content-Type", content_type)])

    def set_cable(self, plugged):
        """Pulls or plugs the network cable."""
        state = "up" if plugged else "down"
        self.namespace.command("ip", "link", "set", self.interface, state)

    def stop(self):
        """Ends it and checks that it left nothing behind."""
        if self.process.exit_status is not None:
            status = self.process.stop()
            raise AssertionError(f"pingshot had ended with status {status}: {self.process.log()}")
        status = self.process.stop()
        assert status == 0, f"exit status {status} after SIGTERM: {self.process.log()}"
        assert self.interface not in self.namespace.interfaces(), "the TAP is still there"
