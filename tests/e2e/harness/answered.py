# SPDX-License-Identifier: GPL-2.0-or-later
"""A load on a pingshot that ends and comes again: what was answered must be there afterwards, what was
not may be, whole, and events are stored once by each scraper."""

import collections
import contextlib
import itertools
import json
import re
import socket
import threading
import time

from .exposition import event_numbers, value_of
from .http_client import FramingError

AMBIGUOUS = re.compile(r"events? ([\d, -]+) may come twice to (.+)$", re.M)


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
        with contextlib.suppress(OSError):  # its next life may have reset it
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

    def __init__(self, families):
        super().__init__()
        self._families = families
        self.possible = {}  # family: what its value may be; None: it is not there

    def ask(self, client, number):
        name = f"made_{number % self._families}"
        before = self.possible.get(name, {None})
        if before != {None}:
            self.possible[name] = before | {None}
            assert client.request("DELETE", f"/metrics/{name}").status in (204, 404)
        self.possible[name] = self.possible.get(name, {None}) | {number}
        text = f'# TYPE {name} gauge\n{name}{{of="one"}} {number}\n{name}{{of="two"}} {number}.5\n'
        return client.post("/create", text, "text/plain")

    def take(self, number, reply):
        self.possible[f"made_{number % self._families}"] = {number}

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


def ambiguous_of(log):
    """Scraper to the numbers of the events that the server said may come twice to it."""
    numbers = collections.defaultdict(set)
    for text, scraper in AMBIGUOUS.findall(log):
        for part in text.split(","):
            first, _, last = part.strip().partition("-")
            numbers[scraper] |= set(range(int(first), int(last or first) + 1))
    return numbers


class Load:
    """All of them at once, each over a connection of its own."""

    CONNECTIONS = 6

    def __init__(self, families):
        """`families`: how many of two series there may be, and one of three."""
        self.creator = Creator(families)
        self.updater = Updater()
        self.posters = (Poster(), RetryingPoster())
        self.scrapers = (Scraper("a"), Scraper("b"))
        self.workers = (self.creator, self.updater, *self.posters, *self.scrapers)
        assert len(self.workers) == self.CONNECTIONS

    def prepare(self, target):
        self.updater.prepare(target)
        for scraper in self.scrapers:
            target.get(f"/metrics?scraper={scraper.name}")

    def run(self, target, seconds, kill):
        """Loads it so long, then calls `kill`."""
        for worker in self.workers:
            worker.begin(target)
        time.sleep(seconds)
        kill()
        time.sleep(0.05)  # the kernel hands out what it has of the server's last words
        for worker in self.workers:
            worker.end()

    def _scrape(self, target, scraper):
        page = target.get(f"/metrics?scraper={scraper.name}").text
        scraper.stored += event_numbers(page)
        return page

    def check(self, target):
        """In its next life: the series."""
        page = self._scrape(target, self.scrapers[0])
        self.creator.check(page)
        self.updater.check(page)

    def finish(self, target, log):
        """In its last life: the events. `log` is what it said in all its lives."""
        self._retry(target)
        for scraper in self.scrapers:
            self._scrape(target, scraper)
            page = self._scrape(target, scraper)
            assert event_numbers(page) == []
        self._check_stored()
        self._check_doubled(ambiguous_of(log), value_of(page, "pingshot_events_ambiguous_total"))
        answered = [len(worker.answered) for worker in self.workers]
        print("answered: creations, updates, events, events with keys, scrapes:", answered)
        assert min(answered) > 0

    def _retry(self, target):
        """Until every event with a key was answered."""
        poster = self.posters[1]
        for number in sorted(poster.unanswered):
            with target.client() as client:
                reply = poster.ask(client, number)
            assert reply.status in (200, 503), reply
            poster.unanswered.remove(number)
            if reply.status == 200:
                poster.answered.add(number)
                poster.take(number, reply)

    def _check_stored(self):
        """Each scraper has stored every event that was answered; of the others both or none."""
        answered = set().union(*(poster.answered for poster in self.posters))
        unanswered = set().union(*(poster.unanswered for poster in self.posters))
        stored = {scraper.name: set(scraper.stored) for scraper in self.scrapers}
        for name, numbers in stored.items():
            assert not answered - numbers, f"{name} never got {sorted(answered - numbers)}"
            invented = numbers - answered - unanswered
            assert not invented, f"{name} got {sorted(invented)}, which were not posted"
        assert stored["a"] == stored["b"], "some only got to one scraper"

    def _check_doubled(self, told, told_count):
        """Twice only where the server said so."""
        number_of = dict(collections.ChainMap(*(poster.number_of for poster in self.posters)))
        doubled = 0
        for scraper in self.scrapers:
            times = collections.Counter(scraper.stored)
            numbers = {number_of[n] for n in times if times[n] > 1 and n in number_of}
            untold = numbers - told[scraper.name]
            assert not untold, f"{scraper.name} got {sorted(untold)} twice, and nobody was told"
            doubled += len(scraper.stored) - len(times)
        assert doubled <= told_count
