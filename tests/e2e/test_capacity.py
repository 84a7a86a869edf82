# SPDX-License-Identifier: GPL-2.0-or-later
"""What happens at the limits: full tables, slow and stalled clients, more clients than the pool of
connections has room for."""

import concurrent.futures
import contextlib
import itertools
import re
import socket
import struct
import time

import prometheus_client.parser
import pytest

from harness.exposition import OWN, value_of
from harness.http_client import Client, FramingError, assert_error_line, crlf
from harness.process import wait_until
from harness.scraping import scrape_while

HOST = "Host: pingshot"
TEXT = "Content-Type: text/plain"


# ---- Full tables ------------------------------------------------------------------------------


def is_refused(reply, table):
    assert reply.status == 503 and f"table {table} is full" in reply.text, reply
    assert int(reply.headers["retry-after"]) > 0
    assert_error_line(reply)


def test_one_series_too_many(own_target):
    target = own_target()
    limit = target.capacities.series
    lines = "".join(f'full{{i="{i}"}} 1\n' for i in range(limit + 1))
    is_refused(target.post("/create", lines, "text/plain"), "series")
    assert "\nfull" not in target.get("/metrics").text, "all or nothing"
    assert target.post("/create", "full 1\n", "text/plain").status == 200


PARTS = ("network_receive", "network_transmit", "disk_reads", "disk_writes", "filesystem_journal",
         "softnet_backlog", "netstat_segments", "nf_conntrack", "schedstat_wait", "interrupts_local",
         "pressure_memory", "edac_channel")  # fmt: skip
COUNTED = ("bytes", "packets", "errs", "drops", "fifo", "frames", "merged", "retries", "timeouts",
           "completed", "discards", "seconds")  # fmt: skip
VALUES = (
    lambda i: i % 7,
    lambda i: 1763862894 + i,
    lambda i: 12345.67 + i,
    lambda i: 1.7e9 + i / 1024,  # longer than boards keep
    lambda i: i * 1.25e-7,
    lambda i: 9007199254740993.0 * (i + 1),
)


def exporter_page(series, families):
    """As many series with lines like node_exporter's, over at most so many families. Returns the page
    and its samples."""
    page, samples = [], {}
    names = [f"node_{part}_{counted}_total" for part, counted in itertools.product(PARTS, COUNTED)]
    names = names[: min(families, series // 10)]
    for i in range(series):
        name = names[i * len(names) // series]
        if not page or not page[-1].startswith(name):
            page.append(f"# HELP {name} Device statistic {name[5:-6]}.\n# TYPE {name} counter\n")
        labels = {"device": f"eth{i % 4}", "queue": f"{i}"}
        value = VALUES[i % len(VALUES)](i)
        page.append(f'{name}{{device="{labels["device"]}",queue="{i}"}} {value!r}\n')
        samples[(name, *sorted(labels.items()))] = value
    return "".join(page), samples


def samples_of(page):
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in prometheus_client.parser.text_string_to_metric_families(page)
        for sample in family.samples
        if not OWN.match(sample.name)
    }


def test_every_series_with_a_real_line(own_target):
    """A board's text of series has room for as many lines as exporters have, not for short ones
    only."""
    target = own_target()
    used = value_of(target.get("/metrics").text, 'pingshot_table_used{table="series"}')
    count = target.capacities.series - int(used)
    page, samples = exporter_page(count, target.capacities.families - 4)
    lines = [line.rsplit(" ", 1)[0] for line in page.splitlines() if not line.startswith("#")]
    assert len(lines) == count and sum(map(len, lines)) / count >= 55
    reply = target.post("/create", page, "text/plain")
    assert reply.status == 200 and samples_of(reply.text) == samples
    assert samples_of(target.get("/metrics").text) == samples

    is_refused(target.post("/create", "one_more 1\n", "text/plain"), "series")
    also = lines[0].replace('queue="', 'queue="more')
    is_refused(target.post("/update", f"{lines[1]} 1\n{also} 1\n", "text/plain"), "series")
    assert samples_of(target.get("/metrics").text) == samples

    assert target.post("/update", page, "text/plain").status == 200
    twice = {key: 2 * value for key, value in samples.items()}
    assert samples_of(target.get("/metrics").text) == twice


def test_full_family_table(own_target):
    target = own_target()
    limit = target.capacities.families
    lines = "".join(f"full_{i} 1\n" for i in range(limit + 1))
    reply = target.post("/create", lines, "text/plain")
    is_refused(reply, "families")
    assert "full_" not in target.get("/metrics").text, "all or nothing"


def test_full_event_table(own_target):
    target = own_target()
    limit = target.capacities.events
    with target.client() as client:
        for i in range(limit):
            assert client.post(f"/event?i={i}").status == 200
        reply = client.post("/event?i=more")
        assert reply.status == 503, reply
        assert int(reply.headers["retry-after"]) > 0
        assert_error_line(reply)
        page = client.get("/metrics").text
        assert page.count("\nevents_to_metrics{") == limit
        assert 'i="more"' not in page
        client.get("/ping")  # its bytes acknowledge the last of the page
        assert client.post("/event?i=again").status == 200
        assert 'events_to_metrics{i="again"} 1\n' in client.get("/metrics").text


def test_full_scraper_table(own_target):
    target = own_target()
    limit = target.capacities.scrapers
    announced = [("X-Prometheus-Scrape-Timeout-Seconds", "10")]
    for i in range(limit):
        assert target.get(f"/metrics?scraper=s{i}", announced).status == 200
    reply = target.get("/metrics?scraper=one-more", announced)
    assert reply.status == 503 and "scraper" in reply.text, reply
    assert int(reply.headers["retry-after"]) > 0
    assert_error_line(reply)
    assert target.get("/metrics?scraper=s0", announced).status == 200


# ---- Slow and idle clients ---------------------------------------------------------------------


def ends_with_408(client, started, limit_s):
    reply = client.reply()
    assert reply.status == 408, reply
    assert_error_line(reply)
    assert client.is_closed()
    took = time.monotonic() - started
    assert took > limit_s - 1, f"{took} s"


def slow_head(target, limit_s):
    with target.client(timeout_s=limit_s + 10) as client:
        client.send(b"GET /ping HT")
        ends_with_408(client, time.monotonic(), limit_s)


def trickled_head(target, limit_s):
    """A byte now and then does not help."""
    with target.client(timeout_s=0.5) as client:
        started = time.monotonic()
        client.send(b"GET /ping HTTP/1.1\r\nX: ")
        with contextlib.suppress(OSError):
            while time.monotonic() < started + limit_s + 30:
                client.send(b"x")
                with contextlib.suppress(TimeoutError):
                    if client.sock.recv(1, 2):  # MSG_PEEK
                        break
        ends_with_408(client, started, limit_s)


def slow_body(target, limit_s):
    with target.client(timeout_s=limit_s + 10) as client:
        client.send(
            crlf("POST /create HTTP/1.1", HOST, TEXT, "Content-Length: 100") + b"http_c 1\n"
        )
        ends_with_408(client, time.monotonic(), limit_s)


def slow_second_request(target, limit_s):
    with target.client(timeout_s=limit_s + 10) as client:
        assert client.get("/ping").status == 200
        client.send(b"G")
        ends_with_408(client, time.monotonic(), limit_s)


def stalled_reader(target, limit_s):
    """Takes nothing of its response: cut off, however long it would wait."""
    del limit_s
    with target.client(timeout_s=1, receive_buffer_bytes=2048) as client:
        count = 4 + target.capacities.send_bytes // 4000  # beyond all buffers on the way
        client.send(crlf("GET /metrics?scraper=stalled HTTP/1.1", HOST) * count)
        time.sleep(target.capacities.stall_timeout_s + 8)
        with pytest.raises((FramingError, ConnectionResetError)):
            for _ in range(count):
                client.reply()


def idle_client(target, limit_s):
    """A kept-alive connection between two requests is not slow: VictoriaMetrics needs it."""
    with target.client() as client:
        assert client.get("/ping").status == 200
        assert not client.is_closed(limit_s + 5)
        assert client.get("/ping").status == 200


def somebody_else(target):
    """Over plain HTTP where two sessions of TLS are all that there is: with both taken neither would
    be kept for a second request."""
    if target.clients_max > 2:
        return target.client()
    return Client(target.namespace, (target.ip, target.port_http), 10 * target.patience)


@pytest.mark.slow(38)
def test_slow_clients(own_target):
    """As many at once as there are connections for; meanwhile everybody else is served."""
    target = own_target()
    kinds = [slow_head, trickled_head, slow_body, slow_second_request, stalled_reader, idle_client]
    at_once = max(1, min(len(kinds), target.clients_max - 3))
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        running = [pool.submit(kind, target, target.capacities.request_timeout_s) for kind in kinds]
        with somebody_else(target) as client:
            while not all(future.done() for future in running):
                assert client.get("/ping").status == 200
                time.sleep(0.1)
        for future in running:
            future.result()
    assert "http_c" not in target.get("/metrics").text


@pytest.mark.parametrize(
    "kind",
    ["trickling"]
    + [
        pytest.param(kind, marks=pytest.mark.slow(3))
        for kind in ("idle", "kept alive", "reconnecting", "reading nothing")
    ],
)
def test_many_clients_do_not_stop_a_scrape(own_target, kind):
    """More clients than the pool has room for."""
    target = own_target()
    crowd = target.capacities.connections * 3 // 2
    clients = []

    def join():
        client = target.client(timeout_s=1, receive_buffer_bytes=2048)
        clients.append(client)
        with contextlib.suppress(OSError, FramingError):
            if kind == "kept alive":
                client.get("/ping")
            elif kind == "reading nothing":
                client.send(crlf("GET /metrics?scraper=lazy HTTP/1.1", HOST) * 10)
            elif kind != "idle":
                client.send(b"GET /ping HTTP/1.1\r\n")

    def trouble():
        for i, client in enumerate(clients):
            with contextlib.suppress(OSError):
                if kind == "trickling":
                    client.send(b"x")
                elif kind == "reconnecting" and i % 10 == 0:
                    client.reset()
        if kind == "reconnecting":
            with contextlib.suppress(OSError):
                join()

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        # Where memory is short a scrape waits until one that reads nothing is given up.
        timeout_s, least = (10, 1) if kind == "reading nothing" else (5, 3)
        scrapes = pool.submit(scrape_while, target, 2.5, timeout_s=timeout_s)
        for _ in range(crowd):
            with contextlib.suppress(OSError):
                join()
        while not scrapes.done():
            trouble()
            time.sleep(0.1)
        assert len(scrapes.result()) >= least
    for client in clients:
        client.close()
    wait_until(lambda: target.get("/ping").status == 200, 5, "an answer after the crowd has gone")


# ---- Clients that send more than they read -----------------------------------------------------


def test_bytes_from_a_client_that_reads_nothing(own_target):
    """Each of them is a frame on the wire; together they must not use up what all share."""
    target = own_target()
    lines = "".join(f'page{{i="{i}"}} 1\n' for i in range(target.capacities.series // 2))
    assert target.post("/create", lines, "text/plain").status == 200
    with target.client(receive_buffer_bytes=2048) as client:
        client.sock.setblocking(False)
        client.sock.send(crlf("GET /metrics HTTP/1.1", HOST))
        sent = 0
        deadline = time.monotonic() + 10
        while sent < 20000 and time.monotonic() < deadline:
            try:
                sent += client.sock.send(b"x")
            except BlockingIOError:
                time.sleep(0.01)
        frames = value_of(target.get("/metrics").text, 'pingshot_table_used{table="network_frames"}')
        # The one that asks for this page, and one that just came.
        assert frames <= 4, f"{frames} frames held, {sent} bytes sent"


def test_pipelining_deeper_than_every_buffer(own_target):
    """The requests fill what the server can hold, the replies what it can send: each waits for the
    other, and TCP's own retransmissions must not be what gets it going again."""
    target = own_target()
    count = 3000
    requests = crlf("GET /healthz HTTP/1.1", HOST) * count
    with target.client() as client:
        client.sock.setblocking(False)
        sent = 0
        replies = bytearray()
        deadline = time.monotonic() + 60
        while replies.count(b"HTTP/1.1 200 OK") < count:
            assert time.monotonic() < deadline, f"{len(replies)} bytes read, {sent} bytes sent"
            with contextlib.suppress(BlockingIOError):
                sent += client.sock.send(requests[sent : sent + 65536])
            with contextlib.suppress(BlockingIOError):
                replies += client.sock.recv(1 << 18)
        # TCP_INFO: tcpi_total_retrans, a 32-bit number at offset 100 (linux/tcp.h)
        info = client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
        assert struct.unpack_from("I", info, 100)[0] == 0, "retransmissions on a link without loss"


def pipeline(target, count):
    """Sends so many requests as fast as TCP takes them, and reads what comes. Who is told that a
    session is needed for others goes on with a new connection."""
    deadline = time.monotonic() + 60
    while count > 0:
        requests = crlf("GET /healthz HTTP/1.1", HOST) * count
        with target.client() as client:
            client.sock.setblocking(False)
            sent = answered = 0
            replies = bytearray()
            while answered < count and b"\r\nConnection: close" not in replies:
                assert time.monotonic() < deadline, f"{answered} replies, {sent} bytes sent"
                with contextlib.suppress(BlockingIOError):
                    sent += client.sock.send(requests[sent : sent + 65536])
                with contextlib.suppress(BlockingIOError):
                    replies += client.sock.recv(1 << 18)
                answered = replies.count(b"HTTP/1.1 200 OK")
                time.sleep(0.001)  # for the other threads
            assert answered > 0
            count -= answered


@pytest.mark.slow(4)
@pytest.mark.parametrize("clients", [2, 4])
def test_pipelining_clients_disturb_nobody(own_target, clients):
    """What they have sent and the server has not taken must leave room for answers: their own, which
    all waits for, and those of others."""
    target = own_target()
    clients = min(clients, target.clients_max - 1)  # with all sessions taken none is kept
    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        running = [pool.submit(pipeline, target, 5000) for _ in range(clients)]
        while not all(future.done() for future in running):
            with Client(target.namespace, (target.ip, target.port_http), 5) as client:
                assert client.get("/ping").status == 200
            concurrent.futures.wait(running, timeout=0.2)
        for future in running:
            future.result()
