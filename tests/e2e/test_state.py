# SPDX-License-Identifier: GPL-2.0-or-later
"""--state FILE: what was answered outlives kill -9 at any moment, and nothing else appears. What boards
keep over a reset is in test_board_reset.py."""

import collections
import itertools
import json
import random
import re
import signal
import socket
import threading
import time

import pytest

from harness.exposition import event_numbers, value_of
from harness.http_client import Client, FramingError
from harness.namespace import Namespace
from harness.process import Process
from harness.target import HostTarget

LIVES = 25
SCRAPERS = ("a", "b")
FOUND = r"state: (.*)"
AMBIGUOUS = re.compile(r"events? ([\d, -]+) may come twice to (\w+)$", re.M)


# ---- a server that is started again and again on one file -----------------------------------


class Keeper:
    """pingshot on a state file, one life after another."""

    def __init__(self, binary, logs, path):
        self.namespace = Namespace()
        self.path = path
        self._start = lambda: HostTarget(
            binary, self.namespace, logs("pingshot"), words=["--state", path]
        )
        self.lives = []
        self.target = None

    def start(self):
        self.target = self._start()
        self.lives.append(self.target)
        return self.target

    def kill(self):
        assert self.target.process.stop(signal.SIGKILL) == -signal.SIGKILL
        self.target = None

    def stop(self):
        self.target.stop()
        self.target = None

    def found(self):
        """What it said of the state at its start."""
        return self.target.said(FOUND, "what it found")

    def close(self):
        if self.target:
            self.target.process.stop(signal.SIGKILL)
        self.namespace.close()


@pytest.fixture
def keeper(binary, logs, tmp_path):
    made = Keeper(binary, logs, tmp_path / "pingshot.state")
    yield made
    made.close()


# ---- a load, and what must be there afterwards ----------------------------------------------


class Ended(Exception):
    """The server is gone, or the test wants it to go."""


class Worker:
    """Asks one thing after another over one connection, in a thread of its own, until the server
    ends. What was answered and what was not is kept over the server's lives."""

    def __init__(self):
        self.answered = set()
        self.unanswered = set()
        self._again = []
        self._numbers = itertools.count(1)
        self._client = None
        self._thread = None
        self._error = None

    def begin(self, target):
        self._client = target.client()
        self._thread = threading.Thread(target=self._work)
        self._thread.start()

    def end(self):
        """After the server's end: no more is coming."""
        self._client.sock.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._client.close()
        if self._error:
            raise self._error

    def _work(self):
        try:
            while True:
                number = self._again.pop() if self._again else next(self._numbers)
                self.unanswered.add(number)
                reply = self.ask(self._client, number)
                self.unanswered.remove(number)
                if reply.status == 200:
                    self.answered.add(number)
                    self.take(number, reply)
                else:
                    assert reply.status == 503, reply  # full: try later
        except (OSError, FramingError):
            pass  # it was killed
        except Exception as error:  # noqa: BLE001, for the test's own thread
            self._error = error

    def ask(self, client, number):
        raise NotImplementedError

    def take(self, number, reply):
        """An answer has come."""

    def check(self, page):
        raise NotImplementedError


class Creator(Worker):
    """Families of two series each, with values of their own, which are deleted and made again."""

    FAMILIES = 200

    def __init__(self):
        super().__init__()
        self.possible = {}  # family: what its value may be; None: it is not there

    def ask(self, client, number):
        name = f"made_{number % self.FAMILIES}"
        before = self.possible.get(name, {None})
        if before != {None}:
            self.possible[name] = before | {None}
            assert client.request("DELETE", f"/metrics/{name}").status in (204, 404)
        self.possible[name] = self.possible.get(name, {None}) | {number}
        text = f'# TYPE {name} gauge\n{name}{{of="one"}} {number}\n{name}{{of="two"}} {number}.5\n'
        return client.post("/create", text, "text/plain")

    def take(self, number, reply):
        self.possible[f"made_{number % self.FAMILIES}"] = {number}

    def check(self, page):
        lines = re.findall(r'^(made_\d+)\{of="(\w+)"\} (\S+)$', page, re.M)
        found = {(name, of): float(value) for name, of, value in lines}
        for name, values in self.possible.items():
            one, two = found.pop((name, "one"), None), found.pop((name, "two"), None)
            assert one in values, f"{name} is {one}, not of {values}"
            assert two == (one if one is None else one + 0.5), f"half of {name}: {one}, {two}"
            self.possible[name] = {one}
        assert not found, f"never made: {found}"


class Updater(Worker):
    """Adds one to several counters at once."""

    LABELS = ("x", "y", "z")

    def prepare(self, target):
        lines = [f'added_total{{of="{of}"}} 0\n' for of in self.LABELS]
        text = "# TYPE added_total counter\n" + "".join(lines)
        assert target.post("/create", text, "text/plain").status == 200

    def ask(self, client, number):
        metrics = [{"labels": {"of": of}, "value": "1"} for of in self.LABELS]
        body = json.dumps({"name": "added_total", "type": "counter", "metrics": metrics})
        return client.post("/update", body, "application/json")

    def check(self, page):
        values = {value_of(page, f'added_total{{of="{of}"}}') for of in self.LABELS}
        assert len(values) == 1, f"half of an update: {values}"
        (value,) = values
        least, most = len(self.answered), len(self.answered) + len(self.unanswered)
        assert least <= value <= most, f"{value}, of {least} answered and {most} sent"


class Poster(Worker):
    """Events that all differ; the values say which server's number each had."""

    def __init__(self):
        super().__init__()
        self.number_of = {}  # on the server

    def ask(self, client, number):
        return client.post(f"/event?n={number}&value={number}.25")

    def take(self, number, reply):
        match = re.fullmatch(r"event (\d+) queued for 2 scrapers\n", reply.text)
        assert match, reply
        self.number_of[number] = int(match.group(1))


class RetryingPoster(Poster):
    """The same with keys: what was not answered is posted again, and is one event."""

    def __init__(self):
        super().__init__()
        self._numbers = itertools.count(1_000_000)

    def begin(self, target):
        self._again = list(self.unanswered)
        super().begin(target)

    def ask(self, client, number):
        headers = [("Idempotency-Key", f'"{number}"')]
        return client.request("POST", f"/event?n={number}&value={number}.25", b"", headers)


class Scraper(Worker):
    """Scrapes; what came whole is stored."""

    def __init__(self, name):
        super().__init__()
        self.name = name
        self.stored = []

    def ask(self, client, number):
        return client.get(
            f"/metrics?scraper={self.name}", [("X-Prometheus-Scrape-Timeout-Seconds", "5")]
        )

    def take(self, number, reply):
        self.stored += event_numbers(reply.text)


def ambiguous_of(keeper):
    """Scraper to the numbers of the events that the server said may come twice to it."""
    numbers = collections.defaultdict(set)
    for life in keeper.lives:
        for text, scraper in AMBIGUOUS.findall(life.process.log()):
            for part in text.split(","):
                first, _, last = part.strip().partition("-")
                numbers[scraper] |= set(range(int(first), int(last or first) + 1))
    return numbers


def check_events(posters, scrapers, keeper, page):
    """Every event that was answered was stored once by each scraper, one that was not by each or by
    none; twice at most when the server said so."""
    answered = set().union(*(poster.answered for poster in posters))
    unanswered = set().union(*(poster.unanswered for poster in posters))
    number_of = dict(collections.ChainMap(*(poster.number_of for poster in posters)))
    stored = {scraper.name: set(scraper.stored) for scraper in scrapers}
    for name, numbers in stored.items():
        lost = answered - numbers
        assert not lost, f"{name} never got {sorted(lost)}"
        invented = numbers - answered - unanswered
        assert not invented, f"{name} got {sorted(invented)}, which were never posted"
    assert len(set(map(frozenset, stored.values()))) == 1, "some only got to one scraper"
    told = ambiguous_of(keeper)
    doubled = 0
    for scraper in scrapers:
        twice = {n for n, times in collections.Counter(scraper.stored).items() if times > 1}
        numbers = {number_of[n] for n in twice if n in number_of}
        untold = numbers - told[scraper.name]
        assert not untold, f"{scraper.name} got {sorted(untold)} twice, and nobody was told"
        doubled += len(scraper.stored) - len(set(scraper.stored))
    assert doubled <= value_of(page, "pingshot_events_ambiguous_total")


@pytest.mark.slow(30)
def test_killed_again_and_again(keeper, request):
    seed = request.config.getoption("--seed") or random.randrange(1 << 32)
    print(f"--seed {seed}")
    chance = random.Random(seed)
    creator, updater, poster, retrying = Creator(), Updater(), Poster(), RetryingPoster()
    scrapers = [Scraper(name) for name in SCRAPERS]
    target = keeper.start()
    updater.prepare(target)
    for scraper in scrapers:
        target.get(f"/metrics?scraper={scraper.name}")
    for life in range(LIVES):
        workers = [creator, updater, poster, retrying, *scrapers]
        for worker in workers:
            worker.begin(target)
        time.sleep(chance.uniform(0.02, 0.4))
        keeper.kill()
        time.sleep(0.05)  # the kernel hands out what it has of the server's last words
        for worker in workers:
            worker.end()
        target = keeper.start()
        assert re.search(r"restored$|restored;", keeper.found())
        page = target.get("/metrics?scraper=a").text
        scrapers[0].stored += event_numbers(page)
        creator.check(page)
        updater.check(page)
    for number in retrying.unanswered.copy():
        with target.client() as client:
            retrying.take(number, retrying.ask(client, number))
            retrying.unanswered.remove(number)
            retrying.answered.add(number)
    for scraper in scrapers:
        page = target.get(f"/metrics?scraper={scraper.name}").text
        scraper.stored += event_numbers(page)
        assert event_numbers(target.get(f"/metrics?scraper={scraper.name}").text) == []
    check_events((poster, retrying), scrapers, keeper, page)
    answered = [len(worker.answered) for worker in (creator, updater, poster, retrying)]
    assert min(answered) > LIVES
    print(f"{len(poster.answered) + len(retrying.answered)} events, {len(creator.answered)} families and "
          f"{len(updater.answered)} updates were answered")  # fmt: skip


# ---- what a restart shows -------------------------------------------------------------------


def test_a_restart_goes_on(keeper):
    target = keeper.start()
    assert keeper.found() == "empty"
    text = '# HELP kept Of a test.\n# TYPE kept counter\nkept{a="1"} 2.5\nkept{a="2"} 3\n'
    assert target.post("/create", text, "text/plain").status == 200
    target.get("/metrics?scraper=a")
    target.get("/metrics?scraper=b")
    target.post("/event?n=1")
    target.get("/metrics?scraper=a")
    target.post("/event?n=2")
    before = target.get("/metrics?scraper=c").text
    keeper.stop()

    target = keeper.start()
    assert keeper.found() == "2 series, 2 events for 3 scrapers, restored"
    page = target.get("/metrics?scraper=c").text
    for line in text.splitlines():
        assert line + "\n" in page
    assert value_of(page, "events_to_metrics_event_count") == 2
    assert value_of(before, "events_to_metrics_event_count") == 2
    assert event_numbers(target.get("/metrics?scraper=a").text) == [2]
    assert event_numbers(target.get("/metrics?scraper=b").text) == [1, 2]
    assert target.post("/event?n=3").text == "event 3 queued for 3 scrapers\n"
    assert event_numbers(target.get("/metrics?scraper=c").text) == [3]
    keeper.stop()


def test_events_held_for_the_first_scraper(keeper):
    target = keeper.start()
    for number in (1, 2):
        target.post(f"/event?n={number}")
    keeper.kill()
    target = keeper.start()
    assert keeper.found() == "0 series, 2 events for 0 scrapers, restored"
    assert event_numbers(target.get("/metrics?scraper=a").text) == [1, 2]
    keeper.stop()


def test_other_options_over_a_restart(keeper, binary, logs):
    """What the options say holds from then on; the file keeps no option."""
    target = keeper.start()
    target.get("/metrics?scraper=a")
    for value in (1, 2):
        target.post(f"/event?n=1&value={value}")
    keeper.stop()
    words = ["--state", keeper.path, "--duplicate-events", "sum"]
    target = HostTarget(binary, keeper.namespace, logs("sum"), words=words)
    assert 'events_to_metrics{n="1"} 3\n' in target.get("/metrics?scraper=a").text
    target.stop()


# ---- damage ---------------------------------------------------------------------------------


def flip(path, what):
    """Changes a byte of the only place in the file that holds these bytes."""
    content = bytearray(path.read_bytes())
    assert content.count(what) == 1, what
    content[content.index(what) + len(what) // 2] ^= 1
    path.write_bytes(content)


def test_a_damaged_record_is_left_out(keeper):
    target = keeper.start()
    for name in ("first", "second"):
        target.post("/create", f'# TYPE {name} gauge\n{name}{{of="{name}_one"}} 1\n', "text/plain")
    target.get("/metrics?scraper=a")
    for name in ("third", "fourth"):
        target.post(f"/event?of={name}_one")
    keeper.kill()
    flip(keeper.path, b"second_one")
    flip(keeper.path, b"third_one")
    target = keeper.start()
    assert keeper.found() == (
        "1 series, 1 event for 1 scraper, restored; left out as damaged: 1 metric record, 1 event"
    )
    page = target.get("/metrics?scraper=a").text
    assert 'first{of="first_one"} 1\n' in page and "second_one" not in page
    assert "fourth_one" in page and "third_one" not in page
    keeper.stop()
    keeper.start()
    assert keeper.found() == "1 series, 0 events for 1 scraper, restored"
    keeper.stop()


# ---- what is refused ------------------------------------------------------------------------


def refused(keeper, binary, logs, path):
    """Starts it on `path`, where it must refuse: the line that it ends with."""
    process = Process(keeper.namespace, [binary, "--tap", "other0", "--state", path], logs("refused"))
    try:
        assert process.wait(10) == 1, process.log()
    finally:
        process.stop()
    (line,) = re.findall(r"^pingshot: (.*)$", process.log(), re.M)
    assert line.startswith(f"{path}: "), line
    return line


def test_a_foreign_file_is_left(keeper, binary, logs, tmp_path):
    path = tmp_path / "letter"
    path.write_text("Dear reader,\n" * 10)
    assert "holds no state of pingshot's" in refused(keeper, binary, logs, path)
    assert path.read_text() == "Dear reader,\n" * 10
    assert [entry.name for entry in tmp_path.iterdir()] == ["letter"]


def test_a_torn_file_is_left(keeper, binary, logs):
    keeper.start()
    keeper.kill()
    whole = keeper.path.read_bytes()
    for content, word in (
        (whole[: len(whole) // 2], "a state has "),
        (whole + b"more", "a state has "),
        (b"\0" * len(whole), "holds no state of pingshot's"),
        (whole[:10] + b"?" + whole[11:], "header is damaged"),
    ):
        keeper.path.write_bytes(content)
        assert word in refused(keeper, binary, logs, keeper.path)
        assert keeper.path.read_bytes() == content
    keeper.path.write_bytes(whole)
    keeper.start()
    keeper.stop()


def test_two_servers_never_share_it(keeper, binary, logs):
    target = keeper.start()
    assert "is in use by another pingshot" in refused(keeper, binary, logs, keeper.path)
    assert target.post("/event?n=1").status == 200
    keeper.stop()
    keeper.start()
    assert keeper.found() == "0 series, 1 event for 0 scrapers, restored"
    keeper.stop()


def test_no_place_for_it(keeper, binary, logs, tmp_path):
    line = refused(keeper, binary, logs, tmp_path / "nowhere" / "state")
    assert line.endswith(": cannot be made: No such file or directory")
    line = refused(keeper, binary, logs, tmp_path)
    assert line.endswith(": cannot be opened: Is a directory")


def test_a_disk_that_is_full(keeper, binary, logs, tmp_path):
    """Found out at the start, not in the middle of a store."""
    script = 'mount -t tmpfs -o size=1m none "$0" && exec "$@"'
    argv = ["unshare", "--mount", "sh", "-c", script, tmp_path, binary, "--state", tmp_path / "state"]
    process = Process(keeper.namespace, argv, logs("full"))
    try:
        assert process.wait(10) == 1, process.log()
    finally:
        process.stop()
    assert ": cannot be made: No space left on device\n" in process.log()
