# SPDX-License-Identifier: GPL-2.0-or-later
"""make bench BOARD=...: what a request costs a board, in instructions of its processor.

The image runs in QEMU; icount_plugin.c counts. Each load is measured twice, and the two must agree
within a hundredth, on a busy machine as well: see board_client.py. The floor of a scrape is
board_bare.c, a fixed page that goes from flash through the very same objects of port, lwIP and board.
"""

import argparse
import contextlib
import os
import ssl
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "size"))

import board_client  # noqa: E402
import board_counters  # noqa: E402
import board_run  # noqa: E402
import elf  # noqa: E402
import linkmap  # noqa: E402
import measured  # noqa: E402
import report  # noqa: E402

EXPLANATION = """\
Instructions of the emulated processor between two sleeps in which TCP had to do: all of the board's
work for one request on its own, driver, interrupts and acknowledgements included, ticks of an idle
board left out. Each is measured two times; `apart` is how far these were apart, in percent.
"""

SERIES = 50
EVENTS = 16  # that wait, at most
TEXT = "text/plain"
SCRAPER = {"agent": "Prometheus/2.42.0+ds", "headers": [
    "Accept-Encoding: gzip", "X-Prometheus-Scrape-Timeout-Seconds: 10"]}
APART_MAX = 1.0  # percent
FEW_TIMES = 2  # in each turn, with --bars
PLUGIN = os.path.join(ROOT, "build", "icount_plugin.so")

# What these boards are held to: cost of a handshake on a Cortex-M3, of a /ping on
# mps2-an385, of a scrape as a multiple of its floor, and bytes of flash.
HANDSHAKE_BARS = dict.fromkeys(
    ("handshake", "handshake_p256", "handshake_1_2", "handshake_1_2_p256"), 4_000_000)
OF_FLOOR = ("scrape", "fixed_page")  # what it is the ratio of
BARS = {
    "mps2-an385": {"ping": 25_000, "floor": 1.5, **HANDSHAKE_BARS},
    "lm3s6965evb": {"floor": 1.5, "flash": report.FLASH_BARS["lm3s6965evb"], **HANDSHAKE_BARS},
}


def make(board, *goals):
    words = ["make", "--no-print-directory", f"-j{os.cpu_count()}", f"BOARD={board}",
             "VARIANT=bench", f"ADDRESS={board_run.ADDRESS}/{board_run.PREFIX}",
             f"GATEWAY={board_run.GATEWAY}", *goals]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise board_run.BoardError(f"{' '.join(words)}:\n{done.stderr[-1000:]}")


def variable(board, name):
    """What a board.mk says."""
    with open(os.path.join(ROOT, "board", board, "board.mk"), encoding="utf-8") as file:
        for line in file:
            words = line.split(None, 2)
            if len(words) == 3 and words[0] == name and words[1] == ":=":
                return words[2].strip()
    return ""


def typical(costs):
    """The mean without the dearest tenth: with those fell what a board does now and then."""
    return statistics.mean(sorted(costs)[:-(len(costs) // 10) or None])


class Bench:
    """One board, one image after the other."""

    LAYOUT = "{:<46}{:>12}{:>8}  {:<12}{}"

    def __init__(self, board, profiled, only_bars):
        self.board, self.profiled, self.only_bars = board, profiled, only_bars
        self.folder = os.path.join(ROOT, "build", board, "bench")
        self.bars = BARS.get(board, {})
        self.bars_left = set(self.bars)
        self.results, self.missed = {}, []
        self.image = self.counters = self.running = None

    def start(self, name):
        path = os.path.join(self.folder, name + ".elf")
        self.image = elf.Image(path)
        self.counters = board_counters.Counters(
            os.path.join(self.folder, name + ".counters"), self.image, 0, board_run.CODE_BYTES)
        self.running = board_run.Board(variable(self.board, "BOARD_QEMU"), path, self.counters,
                                       PLUGIN, variable(self.board, "BOARD_SEED"))

    def stop(self):
        if self.running is not None:
            self.running.stop()
            self.running = None

    def measure(self, key, what, load, times, prepare=lambda n: None, kernel=False):
        """Instructions for a call of `load`, which is told its number, as is `prepare`, which is called
        before it. With `kernel` its frames are the kernel's: some may come after it."""
        if self.only_bars:
            if key not in self.bars and not ("floor" in self.bars and key in OF_FLOOR):
                return None
            times = min(times, FEW_TIMES)
        turns = []
        for turn in range(3):
            before = self.counters.settled()
            costs = []
            for number in range(turn * times, (turn + 1) * times):
                prepare(number)
                begin = self.counters.work()
                load(number)
                end = self.counters.settled().instructions if kernel else self.counters.work()
                costs.append(end - begin)
            turns.append(typical(costs))
        _, *two = turns  # in the first one what is kept for the next time was made
        cost = sum(two) / 2
        apart = 100 * abs(two[0] - two[1]) / cost
        if apart > APART_MAX and not self.only_bars:
            self.missed.append(f"{what}: two measurements were {apart:.1f} % apart")
        self.results[key] = round(cost)
        self.row(what, f"{cost:,.0f}", f"{apart:.2f}", cost, key)
        if self.profiled == key:
            self._profile(before, self.counters.settled(), times)
        return cost

    def row(self, what, shown, apart="", value=None, key=None):
        """One line; that of a `key` which has a bar says whether `value` keeps it."""
        verdict, bar = "", self.bars.get(key)
        if bar is not None:
            self.bars_left.discard(key)
            verdict = "ok" if value <= bar else "MISSED"
            if value > bar:
                self.missed.append(f"{what.strip()}: {shown}, bar {bar:,}")
        print(self.LAYOUT.format(what, shown, apart, f"<= {bar:,}" if bar else "", verdict),
              flush=True)

    def bars_missed(self):
        """A line for each bar that was missed, or was not looked at: nothing gave its figure."""
        return self.missed + [f"{key}: was not measured" for key in sorted(self.bars_left)]

    def _profile(self, before, after, times):
        origins = linkmap.Components(self.image, os.path.join("build", self.board), ROOT)
        pieces = linkmap.read(self.image.path[:-4] + ".map", {".text"})
        components = self.counters.components(before, after, pieces, origins)
        for name, count in components.most_common():
            print(f"    {count / times:10,.0f} {name}")
        for name, count in self.counters.functions(before, after).most_common(45):
            print(f"    {count / times:10,.0f}   {name}")


# ---- what is measured ------------------------------------------------------------------------

def plain_http(bench):
    cable = board_client.Cable(bench.counters)
    s = board_client.Connection(cable)
    bench.measure("ping_kept", "GET /ping, connection kept", lambda n: s.request("GET", "/ping"), 50)
    bench.measure("ping", "GET /ping, a new connection each", lambda n: ping(cable), 50)
    scraper = board_client.Connection(cable)
    take_events(scraper)
    bench.measure("event", "POST /event, one scraper",
                  lambda n: s.request("POST", f"/event?type=test&number={n % EVENTS:02}"), 2 * EVENTS,
                  prepare=lambda n: n % EVENTS or take_events(scraper))
    body = "".join(f'bench_requests_total{{path="/some/path/{i}",code="200"}} {i}\n'
                   for i in range(SERIES))
    with kernels(bench) as creator:
        board_run.request(creator, "POST", "/create",
                          ("# TYPE bench_requests_total counter\n" + body).encode(), content_type=TEXT)
    update = b'bench_requests_total{path="/some/path/7",code="200"} 1'
    bench.measure("update", "POST /update, one sample of 50 series",
                  lambda n: s.request("POST", "/update", update, content_type=TEXT), 50)
    few = scrape(bench, scraper, "scrape", f"GET /metrics, {SERIES} series and own metrics")
    full = None if bench.only_bars else full_scrape(bench, scraper)
    s.close()
    scraper.close()
    cable.close()
    return few, full


def full_scrape(bench, scraper):
    with kernels(bench) as creator:
        fill(creator, SERIES)
    return scrape(bench, scraper, "scrape_full", "GET /metrics, as many series as fit")


@contextlib.contextmanager
def kernels(bench):
    """A connection of the kernel's. Its end must not be taken for the work of what comes next."""
    with board_run.connect() as s:
        yield s
    bench.counters.settled()


def ping(cable):
    """On a new connection, which the client closes, as curl does."""
    s = board_client.Connection(cable)
    s.request("GET", "/ping", closing=True)
    s.close()


def take_events(scraper):
    return scraper.request("GET", "/metrics", **SCRAPER)


def fill(s, number):
    """Series like those that are there, until the board has no place for more."""
    while True:
        body = "".join(f'bench_requests_total{{path="/some/path/{i}",code="200"}} {i}\n'
                       for i in range(number, number + 8)).encode()
        try:
            board_run.request(s, "POST", "/create", body, content_type=TEXT)
        except board_run.BoardError as refused:
            if "503" in str(refused):
                return
            raise
        number += 8


def scrape(bench, scraper, key, what):
    """Returns its cost and the page, which has no events in it."""
    take_events(scraper)
    _, page = take_events(scraper)
    cost = bench.measure(key, what, lambda n: take_events(scraper), 20)
    samples = sum(1 for line in page.splitlines() if line and not line.startswith(b"#"))
    bench.row(f"  for each of its {samples} samples", f"{cost / samples:,.0f}")
    bench.row(f"  for each of its {len(page):,} bytes", f"{cost / len(page):.2f}")
    return cost, page


# Of a client whose OpenSSL is as it was installed, and of one that has no X25519.
HANDSHAKES = (
    ("handshake", "TLS 1.3 full handshake", ssl.TLSVersion.TLSv1_3, None),
    ("handshake_p256", "TLS 1.3 full handshake, P-256", ssl.TLSVersion.TLSv1_3, "prime256v1"),
    ("handshake_1_2", "TLS 1.2 full handshake", ssl.TLSVersion.TLSv1_2, None),
    ("handshake_1_2_p256", "TLS 1.2 full handshake, P-256", ssl.TLSVersion.TLSv1_2, "prime256v1"),
)


def tls(bench):
    for key, what, version, group in HANDSHAKES:
        context = board_run.tls_context(version, group)
        bench.measure(key, f"{what}, one GET /ping",
                      lambda n, context=context: board_run.handshake(context), 4, kernel=True)
    context = board_run.tls_context(ssl.TLSVersion.TLSv1_3)
    session = board_run.handshake(context)

    def resume(_):
        nonlocal session
        session = board_run.handshake(context, session)

    bench.measure("resumption", "TLS 1.3 resumption, one GET /ping", resume, 4, kernel=True)


def note_peaks(bench):
    """What the pools and the stack have needed in all of this."""
    with board_run.connect() as s:
        _, page = board_run.request(s, "GET", "/metrics")
    peaks, limits = {}, {}
    for line in page.decode().splitlines():
        for name, into in (("high_water", peaks), ("limit", limits)):
            if line.startswith(f"pingshot_table_{name}{{"):
                into[line.split('"')[1]] = int(line.split()[-1])
    print("\nmost that was in use of each pool, and how much there is")
    for table, peak in peaks.items():
        print(f"    {table:<24}{peak:>9,} of {limits[table]:>9,}")
    bench.results["stack_bytes"] = peaks["stack_bytes"]


def floor(bench, key, scraped):
    """Compares a scrape with sending the same number of bytes from flash."""
    cost, page = scraped
    head = ("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
            f"X-Content-Type-Options: nosniff\r\nContent-Length: {len(page)}\r\n\r\n")
    with open(os.path.join(bench.folder, "page.http"), "wb") as file:
        file.write(head.encode() + page)
    make(bench.board, f"build/{bench.board}/bench/bare.elf")
    bench.start("bare")
    cable = board_client.Cable(bench.counters)
    s = board_client.Connection(cable)
    fixed = bench.measure("fixed_page" + key, "the same bytes as a fixed page from flash",
                          lambda n: take_events(s), 20)
    cable.close()
    bench.stop()
    bench.results["floor" + key] = round(cost / fixed, 2)
    bench.row("  a scrape, as a multiple of the fixed page", f"{cost / fixed:.2f}", value=cost / fixed,
              key="floor")


def run(bench):
    print(f"{bench.board}\n{EXPLANATION}")
    print(bench.LAYOUT.format("what", "instructions", "apart", "bar", ""))
    board_run.make_network()
    bench.start("pingshot")
    few, full = plain_http(bench)
    if board_run.serves_https():
        tls(bench)
    if not bench.only_bars:
        note_peaks(bench)
    idle = bench.counters.idle()
    bench.stop()
    print()
    floor(bench, "", few)
    if not bench.only_bars:
        floor(bench, "_full", full)
    sizes = report.measure(os.path.join("build", bench.board, "bench", "pingshot.elf"))
    bench.row("flash, bytes", f"{sizes.flash:,}", value=sizes.flash, key="flash")
    bench.row("static RAM with the stack, bytes", f"{sizes.ram:,}")
    if not bench.only_bars:
        bench.row("deepest stack, bytes", f"{bench.results['stack_bytes']:,}")
    bench.row("idle: instructions a tick of 1 ms", f"{idle[1] / max(idle[0], 1):,.0f}")


def main():
    parser = argparse.ArgumentParser(description="What requests cost a board, in instructions.")
    parser.add_argument("board", help="a folder of board/")
    parser.add_argument("--profile", metavar="KEY", help="where the instructions of this load go:"
                        " ping_kept, ping, update, scrape, scrape_full, handshake, handshake_p256,"
                        " handshake_1_2, handshake_1_2_p256, resumption, fixed_page or fixed_page_full")
    parser.add_argument("--strict", action="store_true", help="exit status 1 when a bar is missed")
    parser.add_argument("--bars", action="store_true", help="only what has a bar, a few times each,"
                        " and exit status 1 when one is missed")
    options = parser.parse_args()
    if os.environ.get("BENCH_NETWORK") != "own":
        os.environ["BENCH_NETWORK"] = "own"
        flags = ["-n"] if os.geteuid() == 0 else ["-Urn"]
        os.execvp("unshare", ["unshare", *flags, sys.executable, *sys.argv])
    os.chdir(ROOT)
    bench = Bench(options.board, options.profile, options.bars)
    try:
        make(options.board, "board")
        image = os.path.join(bench.folder, "pingshot.elf")
        build = measured.build_of(image)
        subprocess.run(["gcc", "-std=c11", "-D_GNU_SOURCE", "-O2", "-Wall", "-Wextra", "-Werror",
                        "-fPIC", "-shared", "-fvisibility=hidden", "-o", PLUGIN,
                        os.path.join(HERE, "icount_plugin.c")], check=True)
        run(bench)
    except (board_run.BoardError, OSError, TimeoutError) as problem:
        sys.exit(f"make bench: {problem}")
    finally:
        bench.stop()
    if not options.bars:
        measured.note(image, build, **bench.results)
    missed = bench.bars_missed()
    for line in missed:
        print(f"MISSED: {options.board}: {line}")
    return 1 if missed and (options.strict or options.bars) else 0


if __name__ == "__main__":
    sys.exit(main())
