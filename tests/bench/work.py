# SPDX-License-Identifier: GPL-2.0-or-later
"""What the servers are made to do: the metrics they hold and the loads put on them.

A load is a function of (server, connections, seconds) that returns a load.Result. Every server
gets the same bytes.
"""

import os
import socket
import ssl

import load
import servers

SERIES_A_FAMILY = 100
JSON = "application/json"
TEXT = "text/plain"


def series(count):
    """(family, host) of each of `count` series."""
    return [(f"bench_requests_{i // SERIES_A_FAMILY:03d}_total", f"host-{i % SERIES_A_FAMILY:04d}")
            for i in range(count)]


def fill(server, series_count):
    """Creates that many counters, 64 bytes each or so, in families of 100."""
    lines = []
    for i, (family, host) in enumerate(series(series_count)):
        if i % SERIES_A_FAMILY == 0:
            lines.append(f"# HELP {family} Requests served.\n# TYPE {family} counter\n")
        lines.append(f'{family}{{instance="{host}",path="/api/v1"}} {i * 37 + 0.5}\n')
    server.request("POST", "/create", "".join(lines).encode(), TEXT)


def scrape(server, scraper=""):
    """One scrape that takes the events that wait, and makes its scraper known."""
    path = "/events" if server.kind == "peer" else "/metrics"
    return server.request("GET", path + (f"?scraper={scraper}" if scraper else ""))


def total(page, name_start):
    """The sum of the series of a page whose names start so."""
    return sum(float(line.rsplit(b" ", 1)[1]) for line in page.splitlines()
               if line.startswith(name_start))


def must_have_done(server, what, counted, requested):
    """A server that answers 200 and does nothing would look fast. wrk leaves out of its count what
    was under way when it stopped, so a few more are right."""
    if counted < requested:
        raise load.LoadError(f"{server.name}: {requested} times POST /{what}, but {counted:.0f} "
                             "were counted")


def ping(server, connections, seconds):
    return load.wrk(server, "one.lua", ["GET", "/ping"], connections, seconds)


def metrics(server, connections, seconds):
    return load.wrk(server, "one.lua", ["GET", "/metrics"], connections, seconds)


def tls_ping(server, connections, seconds):
    return load.wrk(server, "one.lua", ["GET", "/ping"], connections, seconds, server.url_tls)


def tls_metrics(server, connections, seconds):
    return load.wrk(server, "one.lua", ["GET", "/metrics"], connections, seconds, server.url_tls)


def tls_connect(group):
    """The load of new TLS 1.3 connections with that key exchange: x25519 or p256."""
    def apply_load(server, connections, seconds):
        return load.tls_connections(server, "/ping", group, connections, seconds)

    return apply_load


def same_event(server, connections, seconds):
    return load.wrk(server, "one.lua", ["POST", "/event?type=reboot&message=power"],
                    connections, seconds)


def events(server, connections, seconds):
    path = "/events" if server.kind == "peer" else "/metrics"
    before = total(scrape(server), b"events_to_metrics_event_count")
    result = load.wrk(server, "events.lua", [path], connections, seconds)
    counted = total(scrape(server), b"events_to_metrics_event_count") - before
    # One request in 500 is a scrape.
    must_have_done(server, "event", counted, result.requests * 499 // 500 - 1)
    return result


def updates(series_count):
    """The load that bumps each of so many counters in turn. Always as many different requests, so
    that wrk has the same to do."""
    requests = 10000
    path = os.path.join(servers.OUT, f"updates_{series_count}.txt")
    all_series = series(series_count)
    with open(path, "w", encoding="ascii") as out:
        for i in range(requests):
            # A prime step: neighbours in time are not neighbours in memory.
            family, host = all_series[i * 7919 % series_count]
            out.write(f'{{"name":"{family}","type":"counter","metrics":[{{"labels":'
                      f'{{"instance":"{host}","path":"/api/v1"}},"value":"1"}}]}}\n')

    def apply_load(server, connections, seconds):
        before = total(server.request("GET", "/metrics"), b"bench_requests_")
        result = load.wrk(server, "bodies.lua", ["/update", JSON, path], connections, seconds)
        counted = total(server.request("GET", "/metrics"), b"bench_requests_") - before
        must_have_done(server, "update", counted, result.requests)
        return result

    return apply_load


def webhooks():
    """The load of Alertmanager's notifications, 1.8 KB each, in which an alert fires and is resolved
    in turn."""
    path = os.path.join(servers.OUT, "webhooks.txt")
    with open(path, "w", encoding="utf-8") as out:
        for name in ("firing", "resolved"):
            payload = os.path.join(servers.ROOT, "tests/e2e/payloads", f"webhook-{name}-1.json")
            with open(payload, encoding="utf-8") as file:
                out.write(file.read().strip() + "\n")

    def apply_load(server, connections, seconds):
        counter = b"peer_webhook_" if server.kind == "peer" else b"pingshot_webhook_requests_total{"
        before = total(server.request("GET", "/metrics"), counter)
        result = load.wrk(server, "bodies.lua", ["/webhook", JSON, path], connections, seconds)
        counted = total(server.request("GET", "/metrics"), counter) - before
        must_have_done(server, "webhook", counted, result.requests)
        return result

    return apply_load


def event_requests(server, first_number, count):
    """Raw requests for load.pipelined: events that all differ."""
    return [f"POST /event?type=reboot&message={first_number + i} HTTP/1.1\r\n"
            f"Host: {server.address[0]}\r\n\r\n".encode() for i in range(count)]


def tls_memory_bytes(server):
    """What pingshot's TLS holds of its pool of memory, by its own count."""
    for line in server.request("GET", "/metrics").splitlines():
        if line.startswith(b'pingshot_table_used{table="tls_memory_bytes"}'):
            return int(float(line.rsplit(b" ", 1)[1]))
    raise load.LoadError(f"{server.name}: no tls_memory_bytes in /metrics")


def memory_of_idle_sessions(server, count):
    """Bytes a TLS session takes while its connection is kept alive, one request behind it."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    before = tls_memory_bytes(server)
    sessions = []
    try:
        for _ in range(count):
            plain = socket.create_connection((server.address[0], servers.PORT_TLS), timeout=5)
            sessions.append(context.wrap_socket(plain))
            sessions[-1].sendall(b"GET /ping HTTP/1.1\r\nHost: bench\r\n\r\n")
            if not sessions[-1].recv(4096).startswith(b"HTTP/1.1 200"):
                raise load.LoadError(f"{server.name}: GET /ping over TLS was refused")
        return (tls_memory_bytes(server) - before) / count
    finally:
        for session in sessions:
            session.close()
