# SPDX-License-Identifier: GPL-2.0-or-later
"""More clients than there are sessions of TLS: handshakes wait for each other, those that stall lose
their turn, idle connections make room, and a scraper is always served."""

import concurrent.futures
import contextlib
import threading
import time

import pytest

from harness.exposition import value_of
from harness.process import wait_until
from harness.scraping import scrape_while

# Half of a ClientHello's first bytes: RFC 8446 sections 4 and 5.1.
BEGIN = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


def number(target, name):
    return value_of(target.get("/metrics?scraper=numbers").text, name)


def refusals(target):
    tables = ("tls_sessions", "tls_waiting", "tls_memory_bytes")
    page = target.get("/metrics?scraper=numbers").text
    return [value_of(page, f'pingshot_table_refusals_total{{table="{name}"}}') for name in tables]


def silent_client(target):
    sock = target.namespace.socket()
    sock.settimeout(10 * target.patience)
    sock.connect(target.address)
    return sock


def together(target, count, job):
    """What `count` clients get that begin at the same moment."""
    gate = threading.Barrier(count)

    def one(_):
        gate.wait()
        return job()

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


def test_handshakes_at_the_same_moment(target):
    count = target.capacities.tls_sessions + target.capacities.tls_waiting
    before = refusals(target)
    for _ in range(3):
        assert {reply.status for reply in together(target, count, lambda: target.get("/ping"))} == {200}
    assert refusals(target) == before
    assert number(target, 'pingshot_table_high_water{table="tls_waiting"}') >= 1


@pytest.mark.parametrize("said", [b"", BEGIN], ids=["nothing", "the beginning"])
def test_stalled_handshakes_lose_their_turn(target, said):
    name = 'pingshot_tls_failures_total{cause="timeout"}'
    before = number(target, name)
    stalled = [silent_client(target) for _ in range(target.capacities.tls_sessions)]
    for sock in stalled:
        sock.sendall(said)
    # It would be refused if it had to wait for as long as a handshake may last.
    assert target.get("/ping").status == 200
    for sock in stalled:
        sock.close()
    assert number(target, name) > before


def test_the_longest_idle_makes_room_and_a_scraper_stays(target):
    announced = [("X-Prometheus-Scrape-Timeout-Seconds", "10")]
    with contextlib.ExitStack() as stack:
        scraper = stack.enter_context(target.client())
        assert scraper.get("/metrics?scraper=stays", announced).status == 200
        idle = [
            stack.enter_context(target.client()) for _ in range(target.capacities.tls_sessions - 1)
        ]
        for _ in range(3):
            assert target.get("/ping").status == 200
        closed = [client.is_closed(0.1) for client in idle]
        assert closed == [True] + [False] * (len(idle) - 1)
        assert scraper.get("/metrics?scraper=stays", announced).status == 200


def test_the_last_session_is_not_to_be_kept(target):
    def says_close(clients):
        return [client.get("/ping").says_close() for client in clients]

    with contextlib.ExitStack() as stack:
        limit = target.capacities.tls_sessions
        kept = [stack.enter_context(target.client()) for _ in range(limit - 1)]
        assert not any(says_close(kept))
        assert says_close([stack.enter_context(target.client())]) == [True]
    wait_until(lambda: target.get("/ping").status == 200, 10, "a place")


@pytest.mark.slow(30)
def test_a_scrape_never_fails_while_clients_hammer(own_target):
    """Some come for each request anew, some keep their connection as long as they may: with the
    scraper as many as have a place to wait in."""
    target = own_target()
    count = min(8, target.capacities.tls_sessions + target.capacities.tls_waiting - 1)
    over = threading.Event()

    def hammer(keeps):
        served = 0
        while not over.is_set():
            with contextlib.suppress(OSError), target.client() as client:
                while not over.is_set():
                    reply = client.get("/ping")
                    assert reply.status == 200
                    served += 1
                    if reply.says_close() or not keeps:
                        break
        return served

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        hammers = [pool.submit(hammer, i % 2) for i in range(count)]
        time.sleep(1)
        try:
            assert len(scrape_while(target, 20, interval_s=1, timeout_s=10)) >= 10
        finally:
            over.set()
        assert min(one.result() for one in hammers) >= 3
    assert target.get("/ping").status == 200
