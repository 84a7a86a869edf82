# SPDX-License-Identifier: GPL-2.0-or-later
"""make bench: pingshot's speed and memory, as ratios measured in one run.

Three servers take the same load in turn, round after round, so that whatever else the machine
does hits all of them: pingshot on a TAP; the peer, which is the same routes in Go on the kernel's
loopback; and a bare lwIP server with fixed replies on a TAP, the floor of pingshot's own stack.
"""

import argparse
import os
import platform
import signal
import statistics
import sys
import time

import load
import profiling
import servers
import work

EXPLANATION = """\
Each ratio is the median over the rounds, with the lowest and the highest in brackets; the third of
the rounds in which other processes disturbed most does not count. The load is wrk with one thread,
and for new TLS connections tests/bench/tls_connect.c, one thread too: each is a full TLS 1.3
handshake, ECDSA P-256 and AES-128-GCM for all, one GET /ping and a close.
The load and the server share two processor cores and are not pinned: the peer's threads may use
both, as may the kernel's side of a TAP.
"us" is the processor time a request takes in the server's process, kernel included. Rows that
compare pingshot with itself compare that time; those called pipelined show it alone, in ns. Rows
without a bar inform: with one connection both sides sleep and wake, so the rate depends on where
the kernel puts the two processes.
"""


# ---- The table -----------------------------------------------------------------------------

class Table:
    """One row a comparison: of pingshot with another server, or with itself in another state."""

    LAYOUT = "{:<43} {:<15} {:>18} {:>18}  {:<20} {:<6} {}"

    def __init__(self):
        self.missed = []
        self.notes = []
        self.others = []  # see take_turns
        print(self.LAYOUT.format("what", "compared with", "there", "pingshot", "ratio", "bar", ""))
        print(self.LAYOUT.format(*("-" * n for n in (43, 15, 18, 18, 20, 6, 6))), flush=True)

    def row(self, what, other, there, ours, ratios, bar=None):
        """`bar`: a text such as ">= 2" or "<= 1.3", or None for a row that only informs."""
        ratio = statistics.median(ratios)
        verdict = ""
        if bar:
            limit = float(bar[2:])
            met = ratio >= limit if bar.startswith(">=") else ratio <= limit
            verdict = "ok" if met else "MISSED"
            if not met:
                self.missed.append(f"{what}, compared with {other}: {ratio:.2f}, bar {bar}")
        spread = f"{ratio:.2f}"
        if len(ratios) > 1:
            spread += f" ({min(ratios):.2f}-{max(ratios):.2f})"
        print(self.LAYOUT.format(what, other, there, ours, spread, bar or "", verdict), flush=True)


def shown(results):
    rate = statistics.median(result.rate for result in results)
    cpu_us = statistics.median(result.cpu_us for result in results)
    return f"{rate:,.0f}/s {cpu_us:.{0 if cpu_us >= 100 else 1}f} us"


def take_turns(loads, connections, rounds, seconds, others):
    """`loads`: (server, load). Returns the results of each, by round, of the quieter two thirds of
    the rounds: those in which other processes used least of the cores. Notes that in `others`."""
    taken = []
    order = list(range(len(loads)))
    for _ in range(rounds):
        results = {}
        for i in order:
            server, apply_load = loads[i]
            results[i] = apply_load(server, connections, seconds)
        taken.append(results)
        order.reverse()  # nobody always comes after the same one
    taken.sort(key=lambda results: max(result.others for result in results.values()))
    del taken[(2 * rounds + 2) // 3:]
    others += [result.others for results in taken for result in results.values()]
    return [[results[i] for results in taken] for i in range(len(loads))]


def compare(table, what, apply_load, ours, others, options, connections=16):
    """Rows that compare rates. `others`: (server, bar or None)."""
    loads = [(server, apply_load) for server in [ours] + [server for server, _ in others]]
    rounds = options.rounds if any(bar for _, bar in others) else min(3, options.rounds)
    results = take_turns(loads, connections, rounds, options.seconds, table.others)
    what = f"{what}, {connections} conn"
    for (server, bar), theirs in zip(others, results[1:]):
        ratios = [a.rate / b.rate for a, b in zip(results[0], theirs)]
        table.row(what, server.kind, shown(theirs), shown(results[0]), ratios, bar)


def compare_states(table, what, state, small, large, options):
    """A row that says how much dearer a request is in a fuller table, by the server's processor
    time: rates would hide some of it behind wrk's own. `small`, `large`: (server, load)."""
    before, after = take_turns([small, large], 16, options.rounds, options.seconds,
                               table.others)
    ratios = [b.cpu_us / a.cpu_us for a, b in zip(before, after)]
    table.row(what, state, shown(before), shown(after), ratios, "<= 1.3")


# ---- The comparisons -----------------------------------------------------------------------

def save_page(server):
    """The page that the bare server sends: pingshot's own."""
    path = os.path.join(servers.OUT, "page.txt")
    with open(path, "wb") as out:
        out.write(server.request("GET", "/metrics"))
    return path


def check_page(server, series_count):
    """That it exposes every series, so that all do the same work. Returns the page's size."""
    page = server.request("GET", "/metrics")
    found = page.count(b"\nbench_requests_")
    if found != series_count:
        raise load.LoadError(f"{server.name}: {found} of {series_count} series in /metrics")
    return len(page)


def small_mtu(table, options):
    """MTU 1500: every route against the peer, /metrics against the bare server too."""
    peer = options.started(servers.peer())
    ours = options.started(servers.pingshot())
    for server in (peer, ours):
        work.fill(server, 1000)
        work.scrape(server)
    bare = options.started(servers.bare(save_page(ours)))
    sizes = [check_page(server, 1000) for server in (peer, ours)]
    table.notes.append(
        f"/metrics with 1,000 series: peer {sizes[0]:,} bytes, pingshot {sizes[1]:,} (with its own"
        " metrics); the bare server's page is pingshot's.")

    routes = [("GET /ping", work.ping, [(peer, ">= 2"), (bare, None)]),
              ("POST /event, all differ", work.events, [(peer, ">= 2")]),
              ("POST /update, JSON", work.updates(1000), [(peer, ">= 2")]),
              ("POST /webhook, Alertmanager's 1.8 KB", work.webhooks(), [(peer, ">= 2")]),
              ("GET /metrics, 1,000 series", work.metrics, [(peer, ">= 4"), (bare, ">= 0.8")])]
    for what, apply_load, others in routes:
        compare(table, what, apply_load, ours, others, options)
    table.row("peak memory (VmHWM) after these loads", "peer", f"{peer.peak_kb():,} KB",
              f"{ours.peak_kb():,} KB", [ours.peak_kb() / peer.peak_kb()], "<= 1")
    for what, apply_load, others in routes:
        compare(table, what, apply_load, ours, [(server, None) for server, _ in others], options,
                connections=1)
    options.stop(ours, bare)
    return peer


def https(table, peer, options):
    """The same over TLS. The peer holds its 1,000 series already."""
    ours = options.started(servers.pingshot())
    work.fill(ours, 1000)
    for server in (peer, ours):
        work.scrape(server)
        check_page(server, 1000)
    idle = 16
    each = work.memory_of_idle_sessions(ours, idle)
    table.notes.append(f"A TLS session at rest takes {each:,.0f} bytes of pingshot's pool"
                       f" (mean of {idle}, TLS 1.3, one request behind it).")
    for what, apply_load, bar in (
            ("new TLS 1.3 connections, X25519", work.tls_connect("x25519"), ">= 1.5"),
            ("new TLS 1.3 connections, P-256", work.tls_connect("p256"), None),
            ("HTTPS GET /ping, kept alive", work.tls_ping, ">= 1.5"),
            ("HTTPS GET /metrics, 1,000 series", work.tls_metrics, ">= 4")):
        compare(table, what, apply_load, ours, [(peer, bar)], options)
    options.stop(ours)


def large_mtu(table, peer, options):
    ours = options.started(servers.pingshot(mtu=9000))
    work.fill(ours, 1000)
    work.scrape(ours)
    bare = options.started(servers.bare(save_page(ours), mtu=9000))
    compare(table, "GET /metrics, MTU 9000", work.metrics, ours,
            [(peer, ">= 8"), (bare, ">= 0.7")], options)
    options.stop(ours, bare)


def fuller_tables(table, peer, options):
    """With --duplicate-events last, as the peer does: one label set, overwritten while it waits,
    so the number of waiting events stays small however long the load lasts."""
    last = ("--duplicate-events", "last")
    few, many, crowd = (options.started(servers.pingshot(options=last)) for _ in range(3))
    kept = options.started(servers.pingshot(options=last + servers.new_state("last")))
    for server, series_count, scrapers in ((few, 10, 1), (many, 10000, 1), (crowd, 10, 32),
                                           (kept, 10, 1)):
        work.fill(server, series_count)
        check_page(server, series_count)
        for scraper in range(scrapers):
            work.scrape(server, scraper)

    compare(table, "POST /event, same labels (last)", work.same_event, few, [(peer, ">= 2")],
            options)
    compare_states(table, "POST /update, 10,000 series", "10 series",
                   (few, work.updates(10)), (many, work.updates(10000)), options)
    compare_states(table, "POST /event, 10,000 series", "10 series",
                   (few, work.same_event), (many, work.same_event), options)
    compare_states(table, "POST /event, 32 scrapers", "1 scraper",
                   (few, work.same_event), (crowd, work.same_event), options)
    compare_states(table, "POST /update, --state FILE", "without",
                   (few, work.updates(10)), (kept, work.updates(10)), options)
    compare_states(table, "POST /event, --state FILE", "without",
                   (few, work.same_event), (kept, work.same_event), options)
    options.stop(few, many, crowd, kept)


def waiting_events(table, options):
    """Events that all differ and wait, with the default options: batches over one connection, in
    nanoseconds of the server's processor time, which wrk's own time cannot hide. The scrapes that
    empty the table between batches are not counted. The cheapest batch of each state counts:
    whatever else the machine does only ever adds."""
    batch = 3000
    one, many, crowd = (options.started(servers.pingshot()) for _ in range(3))
    kept = options.started(servers.pingshot(options=servers.new_state("waiting")))
    scrapers = {one: 1, many: 1, crowd: 32, kept: 1}
    costs = {server: [] for server in scrapers}
    for server, series_count in ((one, 10), (many, 10000), (crowd, 10), (kept, 10)):
        work.fill(server, series_count)
    for turn in range(options.batches):
        for server in scrapers:
            for scraper in range(scrapers[server]):
                work.scrape(server, scraper)
            requests = work.event_requests(server, turn * batch, batch)
            costs[server].append(load.pipelined(server, requests))
    cheapest = {server: min(costs[server]) for server in costs}
    for what, state, server in (("10,000 series", "10 series", many),
                                ("32 scrapers", "1 scraper", crowd),
                                ("--state FILE", "without", kept)):
        table.row(f"POST /event, pipelined, {what}", state, f"{cheapest[one]:,.0f} ns",
                  f"{cheapest[server]:,.0f} ns", [cheapest[server] / cheapest[one]], "<= 1.3")
    options.stop(*scrapers)


# ---- Where the time goes ---------------------------------------------------------------------

def profile(options):
    """perf over one server under one load, instead of the comparisons."""
    name = options.perf
    if options.server == "peer":
        server = options.started(servers.peer())
    else:
        server = options.started(servers.pingshot(mtu=options.mtu))
    if options.server != "bare":
        work.fill(server, 1000)
        work.scrape(server)
    else:
        work.fill(server, 1000)
        server = options.started(servers.bare(save_page(server), mtu=options.mtu))
    loads = {"event": work.events, "metrics": work.metrics, "ping": work.ping,
             "update": work.updates(1000), "webhook": work.webhooks(), "tls-connect": work.tls_connect("x25519"),
             "tls-ping": work.tls_ping, "tls-metrics": work.tls_metrics}
    result, tables = profiling.profile(
        server, lambda loaded: loads[name](loaded, 16, options.seconds))
    print(f"{server.kind}, /{name}, 16 connections, MTU {options.mtu}: {shown([result])}\n")
    print(tables)
    return 0


# ---- Main ----------------------------------------------------------------------------------

class Options:
    """What the command line said, and the servers that run."""

    def __init__(self, arguments):
        self.rounds = 3 if arguments.quick else arguments.rounds
        self.seconds = arguments.seconds
        self.batches = 8 if arguments.quick else 24
        self.strict = arguments.strict
        self.perf = arguments.perf
        self.server = arguments.server
        self.mtu = arguments.mtu
        self.running = []

    def started(self, server):
        self.running.append(server)
        return server

    def stop(self, *stopping):
        for server in stopping:
            server.stop()
            self.running.remove(server)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description="pingshot's speed and memory, compared with a peer in Go and with a bare lwIP"
        " server in the same run")
    parser.add_argument("--quick", action="store_true", help="3 rounds: a rough look")
    parser.add_argument("--rounds", type=int, default=9, help="times each is measured (default 9)")
    parser.add_argument("--seconds", type=int, default=1, help="length of a load (default 1)")
    parser.add_argument("--strict", action="store_true", help="exit status 1 when a bar is missed")
    parser.add_argument("--perf", choices=("event", "metrics", "ping", "update", "webhook", "tls-connect",
                                           "tls-ping", "tls-metrics"),
                        help="instead: where the time goes under this load")
    parser.add_argument("--server", choices=("pingshot", "bare", "peer"), default="pingshot",
                        help="with --perf: which one (default pingshot)")
    parser.add_argument("--mtu", type=int, default=1500, help="with --perf (default 1500)")
    arguments = parser.parse_args()
    if arguments.rounds < 1 or arguments.seconds < 1:
        parser.error("--rounds and --seconds: give 1 or more")
    return arguments


def enter_namespace():
    """Runs this program again in a network of its own, which ends with it."""
    if os.environ.get("BENCH_NETWORK") != "own":
        os.environ["BENCH_NETWORK"] = "own"
        flags = ["-n"] if os.geteuid() == 0 else ["-Urn"]
        os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.argv])
    servers.run("the loopback", ["ip", "link", "set", "lo", "up"])


def machine():
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as cpuinfo:
        for line in cpuinfo:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return f"{model}, {os.cpu_count()} cores, Linux {platform.release()}"


def measure(options):
    print(f"Machine: {machine()}\n{options.rounds} rounds of {options.seconds} s\n{EXPLANATION}",
          flush=True)
    began = time.monotonic()
    table = Table()
    peer = small_mtu(table, options)
    https(table, peer, options)
    large_mtu(table, peer, options)
    fuller_tables(table, peer, options)
    options.stop(peer)
    waiting_events(table, options)
    table.notes.append(f"Other processes used {statistics.mean(table.others):.0%} of the cores on"
                       f" average, {max(table.others):.0%} at worst: the less, the surer.")
    print("", *table.notes, f"{time.monotonic() - began:.0f} s. Bars missed: {len(table.missed)}",
          sep="\n")
    for line in table.missed:
        print(f"MISSED: {line}")
    return 1 if table.missed and options.strict else 0


def main():
    arguments = parse_arguments()
    enter_namespace()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = Options(arguments)
    try:
        servers.build()
        return profile(options) if options.perf else measure(options)
    except (servers.StartError, load.LoadError, OSError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        options.stop(*list(options.running))


if __name__ == "__main__":
    sys.exit(main())
