# SPDX-License-Identifier: GPL-2.0-or-later
"""Very many connections: lwIP's pool of them, full of those in TIME_WAIT, must neither stall nor
leak, whichever side closes first and however soon a client's port comes back."""

import time

import pytest

from harness.process import Process
from harness.exposition import value_of
from harness.scraping import scrape_while

CONNECTIONS = 200_000
HAMMERS = 16
HAMMERED_LEAST = 100 * HAMMERS
# So many that a client which closes first does not run out of ports.
CLIENTS = ["192.168.76.1", *(f"192.168.76.{100 + i}" for i in range(HAMMERS - 1))]
SERVED = 'pingshot_http_requests_total{code="200",handler="/ping"}'


def connections(target, program, logs, count, number=0, options=()):
    """Starts the client that makes so many connections. One that has another `number` has another
    address for those that the server closes first."""
    for address in CLIENTS[1:]:
        target.namespace.command(
            "ip", "address", "replace", f"{address}/24", "dev", target.interface
        )
    target.namespace.command("sysctl", "-q", "-w", "net.ipv4.ip_local_port_range=1024 65535")
    clients = CLIENTS[number:] + CLIENTS[:number]
    argv = [program, target.ip, target.port, count, *clients, *options]
    return Process(target.namespace, argv, logs("connections"))


@pytest.mark.slow(300)
def test_connections_one_after_another(own_target, connections_program, logs):
    target = own_target()
    target.get("/metrics?scraper=endurance")
    client = connections(target, connections_program, logs, CONNECTIONS)
    status = client.wait(900)
    print(client.log())
    client.stop()
    assert status == 0, client.log()
    target.post("/event?after=endurance")
    assert 'after="endurance"' in target.get("/metrics?scraper=endurance").text


@pytest.mark.slow(30)
def test_a_scrape_never_fails_while_clients_hammer(own_target, connections_program, logs):
    target = own_target()
    hammers = [
        connections(target, connections_program, logs, 10_000_000, number, ["-k"])
        for number in range(HAMMERS)
    ]
    try:
        time.sleep(1)
        pages = scrape_while(target, 20, interval_s=1)
        assert all(hammer.exit_status is None for hammer in hammers)
    finally:
        for hammer in hammers:
            hammer.stop()
    assert len(pages) >= 15  # a slow one leaves seconds out
    served = [value_of(page, SERVED) for page in pages]
    assert all(later > earlier for earlier, later in zip(served, served[1:])), served
    assert served[-1] - served[0] >= HAMMERED_LEAST, served
    assert target.get("/ping").status == 200
