# SPDX-License-Identifier: GPL-2.0-or-later
"""Very many connections: lwIP's pool of them, full of those in TIME_WAIT, must neither stall nor
leak, whichever side closes first and however soon a client's port comes back."""

import time

import pytest

from harness.process import Process
from harness.scraping import scrape_while

CONNECTIONS = {"host": 200_000, "mps2-an385": 200_000}
CONNECTIONS_ELSEWHERE = 20_000
HAMMERS = 16
CLIENTS = ["192.168.76.1", *(f"192.168.76.{100 + i}" for i in range(4))]


def connections(target, program, logs, count, *options):
    """Starts the client that makes so many connections."""
    for address in CLIENTS[1:]:
        target.namespace.command(
            "ip", "address", "replace", f"{address}/24", "dev", target.interface
        )
    target.namespace.command("sysctl", "-q", "-w", "net.ipv4.ip_local_port_range=1024 65535")
    argv = [program, target.ip, target.port, count, *CLIENTS, *options]
    return Process(target.namespace, argv, logs("connections"))


@pytest.mark.slow(300)
def test_connections_one_after_another(way, own_target, connections_program, logs):
    target = own_target()
    target.get("/metrics?scraper=endurance")
    count = CONNECTIONS.get(way.target, CONNECTIONS_ELSEWHERE)
    client = connections(target, connections_program, logs, count)
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
        connections(target, connections_program, logs, 10_000_000, "-k") for _ in range(HAMMERS)
    ]
    try:
        time.sleep(1)
        assert scrape_while(target, 20, interval_s=1) >= 10
        assert all(hammer.exit_status is None for hammer in hammers)
    finally:
        for hammer in hammers:
            hammer.stop()
    assert target.get("/ping").status == 200
