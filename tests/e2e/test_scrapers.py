# SPDX-License-Identifier: GPL-2.0-or-later
"""Real scrapers: a Prometheus and a VictoriaMetrics, started here, scrape every second while events
are posted; each must have stored every event exactly once, and lost no scrape."""

import concurrent.futures
import contextlib
import dataclasses
import itertools
import time

import pytest

from harness.daemons import Prometheus, VictoriaMetrics
from harness.namespace import Namespace
from harness.process import wait_until

SCRAPES_S = 60
SETTLE_S = 20


@dataclasses.dataclass(frozen=True)
class Variant:
    """A server with what is wished of it, and who scrapes it."""

    name: str
    wishes: dict
    scrapers: tuple  # of (class, keyword arguments)


STAMPED = {"explicit_timestamps": True}
VARIANTS = [
    Variant("prometheus", {}, ((Prometheus, {}),)),
    Variant("prometheus-timestamps", STAMPED, ((Prometheus, {}),)),
    Variant("victoria", {}, ((VictoriaMetrics, {}),)),
    Variant("victoria-timestamps", STAMPED, ((VictoriaMetrics, {}),)),
    Variant("victoria-stream", {}, ((VictoriaMetrics, {"stream_parse": True}),)),
    Variant(
        "three-at-once",
        {},
        (
            (Prometheus, {}),
            (VictoriaMetrics, {}),
            (Prometheus, {"port": 9099, "params": {"scraper": ["b"]}}),
        ),
    ),
]


class Posted:
    """Posts events and remembers what each scraper has to find: label set to values, in order."""

    def __init__(self, connect):
        """`connect()` is a new connection; each is kept as long as it may be."""
        self._connect = connect
        self._client = None
        self._numbers = itertools.count(1)
        self.expected = {}

    def post(self, **labels):
        value = next(self._numbers)
        query = "&".join(f"{name}={text}" for name, text in labels.items())
        client = self._client or self._connect()
        reply = client.post(f"/event?{query}&value={value}")
        assert reply.status == 200, reply
        self._client = client
        if reply.says_close():
            client.close()
            self._client = None
        assert reply.text.startswith(f"event {value} queued for "), reply
        self.expected.setdefault(frozenset(labels.items()), []).append(float(value))
        return reply.text


def post_for(posted, seconds, burst):
    """Single events, repeats of one label set at once and over time, and bursts of so many."""
    deadline = time.monotonic() + seconds
    for i in itertools.count():
        posted.post(kind="single", i=str(i))
        if i % 3 == 0:
            posted.post(kind="again")
        if i % 25 == 10:
            for _ in range(4):
                posted.post(kind="repeat", i=str(i))
        if i % 50 == 20:
            for k in range(burst):
                posted.post(kind="burst", i=str(i), k=str(k))
        left = deadline - time.monotonic()
        if left <= 0:
            return
        time.sleep(min(0.35, left))


def found_by(scraper):
    """Label set to stored values. The labels that scraping adds are taken off."""
    return {
        frozenset(
            (k, v) for k, v in labels.items() if k not in ("__name__", "instance", "job")
        ): values
        for labels, values in scraper.samples("events_to_metrics")
    }


def counts_by(scraper):
    """The same, counted by the scraper's own count_over_time."""
    return {
        frozenset((k, v) for k, v in labels.items() if k not in ("instance", "job")): float(value)
        for labels, (_, value) in scraper.query("count_over_time(events_to_metrics[1h])")
    }


def check_events(scraper, expected):
    name = scraper.program
    found = found_by(scraper)
    missing = {labels: values for labels, values in expected.items() if labels not in found}
    assert not missing, f"{name} never saw {missing}"
    wrong = {
        tuple(labels): (values, expected.get(labels))
        for labels, values in found.items()
        if values != expected.get(labels)
    }
    assert not wrong, f"{name}: stored, posted: {wrong}"
    wanted = {labels: len(values) for labels, values in expected.items()}
    assert counts_by(scraper) == wanted, name


def check_up(scraper, seconds):
    ((_, (_, lowest)),) = scraper.query("min_over_time(up[1h])")
    assert float(lowest) == 1, f"{scraper.program}: a scrape failed"
    ((_, (_, count)),) = scraper.query("count_over_time(up[1h])")
    assert float(count) >= 0.7 * seconds, f"{scraper.program}: {count} scrapes"


def campaign(variant, start_target, tools, folder, seconds):
    """Runs one variant from start to end. Its assertions are the test's."""
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(Namespace())
        target = start_target(net, **variant.wishes)
        posted = Posted(lambda: stack.enter_context(target.client()))
        early = []
        if len(variant.scrapers) == 1:  # with more, only the first of them gets what came before
            early = [posted.post(kind="early", i=str(i)) for i in range(3)]
        assert all(
            text.endswith("queued for the first scraper that comes\n") for text in early
        ), early
        scrapers = [
            stack.enter_context(kind(tools, net, folder / f"{i}", target, **arguments))
            for i, (kind, arguments) in enumerate(variant.scrapers)
        ]
        for scraper in scrapers:
            wait_until(lambda: scraper.query("up"), 20, f"{scraper.program} to scrape", 0.2)
        started = time.monotonic()
        assert f" {len(scrapers)} scraper" in posted.post(kind="first")
        post_for(posted, seconds, burst=min(60, target.capacities.events // 4))
        for scraper in scrapers:
            wait_until(
                lambda: sum(counts_by(scraper).values()) >= sum(map(len, posted.expected.values())),
                SETTLE_S,
                f"{scraper.program} to have every event",
                0.5,
            )
        time.sleep(2.5)  # two more scrapes: nothing may come twice
        for scraper in scrapers:
            check_events(scraper, posted.expected)
            check_up(scraper, time.monotonic() - started)
        target.stop()


@pytest.fixture(scope="module")
def campaigns(request, way, start_target, tools, tmp_path_factory):
    """All variants that were selected run at the same time, each in a network of its own."""
    selected = [
        item.callspec.params["variant"]
        for item in request.session.items
        if item.module is request.module
        and item.function.__name__ == "test_every_event_once"
        and item.callspec.params["way"] == way
    ]
    folder = tmp_path_factory.mktemp("scrapers")
    with concurrent.futures.ThreadPoolExecutor(max(1, len(selected))) as pool:
        yield {
            variant.name: pool.submit(
                campaign, variant, start_target, tools, folder / variant.name, SCRAPES_S
            )
            for variant in selected
        }


@pytest.mark.slow(70)
@pytest.mark.xdist_group("campaigns")
@pytest.mark.parametrize("variant", VARIANTS, ids=lambda variant: variant.name)
def test_every_event_once(campaigns, variant):
    campaigns[variant.name].result(timeout=SCRAPES_S + 180)


def test_every_event_once_in_short(start_target, tools, tmp_path):
    campaign(VARIANTS[0], start_target, tools, tmp_path, 2)


@pytest.mark.slow(30)
def test_victoria_loses_no_scrape_to_an_idle_connection(start_target, tools, tmp_path):
    """At an interval longer than the time allowed for a request's head."""
    with Namespace() as net:
        target = start_target(net)
        with VictoriaMetrics(tools, net, tmp_path, target, interval_s=12) as scraper:
            wait_until(lambda: scraper.query("up"), 20, "the first scrape", 0.5)
            wait_until(
                lambda: scraper.query("count_over_time(up[1h]) >= 3"), 40, "the third scrape", 0.5
            )
            check_up(scraper, 0)
        target.stop()
