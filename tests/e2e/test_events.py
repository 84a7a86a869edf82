# SPDX-License-Identifier: GPL-2.0-or-later
"""One-shot events as somebody at a shell sees them: POST /event, and who is given what. That no
event is lost or doubled is shown by test_cut.py and test_scrapers.py."""

import time

import pytest

from harness.curl import PROMETHEUS_ACCEPT, curl_at, refused
from harness.exposition import EVENT, events_of, types_of, value_of
from harness.process import wait_until


def post(target, query, *arguments):
    return curl_at(target, "-X", "POST", f"/event?{query}", *arguments)


def lines_of(target, scraper="s", *arguments):
    """The event lines of a scrape."""
    page = curl_at(target, f"/metrics?scraper={scraper}", *arguments).text
    return [match.group() for match in EVENT.finditer(page)]


def test_event_line(target):
    lines_of(target, "line")
    answer = post(target, "type=test&message=x&value=42.5")
    assert answer.status == 200 and answer.text.count("\n") == 1
    page = curl_at(target, "/metrics?scraper=line").text
    assert 'events_to_metrics{message="x",type="test"} 42.5\n' in page
    assert types_of(page)["events_to_metrics"] == "gauge"
    assert "# HELP events_to_metrics " in page
    assert lines_of(target, "line") == []


def test_event_receipt_and_hold_until_the_first_scraper(own_target):
    target = own_target()
    assert post(target, "a=1").text == "event 1 queued for the first scraper that comes\n"
    assert lines_of(target, "first") == ['events_to_metrics{a="1"} 1']
    assert lines_of(target, "second") == [], "a later scraper starts from when it was first seen"
    assert post(target, "a=2").text == "event 2 queued for 2 scrapers\n"
    assert lines_of(target, "first") == lines_of(target, "second") == ['events_to_metrics{a="2"} 1']
    assert value_of(curl_at(target, "/metrics").text, "events_to_metrics_event_count") == 2


@pytest.mark.parametrize(
    "arguments, line",
    [
        (("/event?b=2&a=1",), 'events_to_metrics{a="1",b="2"} 1'),
        (("/event", "-d", "b=2&a=1&value=-3"), 'events_to_metrics{a="1",b="2"} -3'),
        (("/event?b=2", "-d", "a=1"), 'events_to_metrics{a="1",b="2"} 1'),
        (
            ("/event?two+words=a+b&more%20of%20it=c",),
            'events_to_metrics{more_of_it="c",two_words="a b"} 1',
        ),
        (("/event?empty=&a=1",), 'events_to_metrics{a="1"} 1'),
        (("/event",), "events_to_metrics 1"),
        (("/event?value=1e3",), "events_to_metrics 1000"),
        (("/event?a=%22%5C%0A",), 'events_to_metrics{a="\\"\\\\\\n"} 1'),
    ],
)
def test_event_labels(target, curl, arguments, line):
    lines_of(target, "labels")
    assert curl("-X", "POST", *arguments).status == 200
    assert lines_of(target, "labels") == [line]


@pytest.mark.parametrize(
    "query, word",
    [
        ("a=1&value=x", "value"),
        ("value=", "value"),
        ("1a=x", "1a"),
        ("a-b=x", "a-b"),
        ("__name__=x", "__name__"),
        ("a=1&a=2", "a"),
        ("a+b=1&a_b=2", "a_b"),
        ("a=%FF", "UTF-8"),
    ],
)
def test_bad_event(target, query, word):
    lines_of(target, "bad")
    refused(post(target, query), 400, word)
    assert lines_of(target, "bad") == []


def test_event_too_large(target):
    limit = target.capacities.event_text_bytes
    refused(post(target, f"a={'x' * limit}"), 413, str(limit))


QUEUED = [["1"], ["2"], ["4"], []]


@pytest.mark.parametrize(
    "wishes, scrapes",
    [
        ({}, QUEUED),
        ({"duplicates": "queue"}, QUEUED),
        ({"duplicates": "last"}, [["4"], []]),
        ({"duplicates": "sum"}, [["7"], []]),
    ],
    ids=["default", "queue", "last", "sum"],
)
def test_duplicates(own_target, wishes, scrapes):
    target = own_target(**wishes)
    lines_of(target)
    for value in (1, 2, 4):
        assert post(target, f"a=1&value={value}").status == 200
    assert post(target, "a=2&value=9").status == 200
    first, *others = [lines_of(target) for _ in scrapes]
    assert 'events_to_metrics{a="2"} 9' in first
    first.remove('events_to_metrics{a="2"} 9')
    wanted = [[f'events_to_metrics{{a="1"}} {value}' for value in values] for values in scrapes]
    assert [first, *others] == wanted


def test_explicit_timestamps(own_target):
    target = own_target(explicit_timestamps=True)
    lines_of(target)
    before = time.time()
    for value in (1, 2):
        post(target, f"a=1&value={value}")
    after = time.time()
    page = curl_at(target, "/metrics?scraper=s").text
    events = events_of(page)
    assert [event.value for event in events] == [1, 2], "both in one scrape, oldest first"
    stamps = [event.timestamp / 1000 for event in events]
    assert before - 0.1 <= stamps[0] < stamps[1] <= after + 0.1
    post(target, "a=1&value=3")
    page = curl_at(target, "/metrics?scraper=s", "-H", f"Accept: {PROMETHEUS_ACCEPT}").text
    (event,) = events_of(page)
    assert stamps[1] < event.timestamp <= time.time() + 0.1, "in seconds there"


# ---- Who is who --------------------------------------------------------------------------------


def test_curl_takes_nothing_from_prometheus(own_target):
    target = own_target()
    agent = ("-A", "Prometheus/2.42.0+ds")

    def scrape(*arguments):
        return events_of(curl_at(target, "/metrics", *arguments).text)

    scrape(*agent)
    scrape()
    post(target, "a=1")
    assert len(scrape()) == 1 and scrape() == []
    assert len(scrape("-A", "Prometheus/2.43.0")) == 1, "another version is the same product"
    assert scrape(*agent) == []
    page = curl_at(target, "/metrics").text
    assert (
        f'events_to_metrics_scraper_counts{{agent="Prometheus",scraper="{target.host_ip}"}} 3\n'
        in page
    )


def test_scraper_parameter(own_target):
    target = own_target()
    for name in ("a", "b%20c"):
        lines_of(target, name)
    post(target, "x=1")
    assert len(lines_of(target, "a")) == len(lines_of(target, "b+c")) == 1
    refused(curl_at(target, f"/metrics?scraper={'x' * 64}"), 400, "63")


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-Ip"])
@pytest.mark.parametrize("trusted", [True, False])
def test_behind_a_proxy(own_target, header, trusted):
    target = own_target(trust_proxy=trusted)

    def scrape(client):
        return events_of(curl_at(target, "/metrics", "-H", f"{header}: {client}").text)

    scrape("10.0.0.1")
    scrape("10.0.0.2")
    receipt = post(target, "a=1").text
    assert receipt == f"event 1 queued for {2 if trusted else 1} scraper{'s' if trusted else ''}\n"
    assert len(scrape("10.0.0.1")) == 1
    assert len(scrape("10.0.0.2")) == (1 if trusted else 0)


def test_a_scraper_is_forgotten(own_target):
    """After the scraper timeout what waited for it alone is released."""
    target = own_target(scraper_timeout_s=3)
    lines_of(target, "stays")
    lines_of(target, "goes")
    assert " 2 scrapers" in post(target, "a=1").text
    assert len(lines_of(target, "stays")) == 1

    def forgotten():
        page = curl_at(target, "/metrics?scraper=stays").text
        return 'scraper="goes"' not in page and page

    page = wait_until(forgotten, 6, "the scraper to be forgotten", 0.2)
    assert value_of(page, 'pingshot_table_used{table="events"}') == 0
    assert " 1 scraper\n" in post(target, "a=2").text
    assert lines_of(target, "goes") == [], "it is new, and was not there when that came"
    assert len(lines_of(target, "stays")) == 1


def test_a_full_table_drains_when_its_scraper_is_forgotten(own_target):
    target = own_target(scraper_timeout_s=8)  # long enough to fill the table within
    lines_of(target, "goes")
    with target.client() as client:
        for i in range(target.capacities.events):
            assert client.post(f"/event?i={i}").status == 200
        assert client.post("/event?i=more").status == 503
        wait_until(lambda: client.post("/event?i=more").status == 200, 10, "room", 0.2)
