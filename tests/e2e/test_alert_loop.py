# SPDX-License-Identifier: GPL-2.0-or-later
"""The whole loop with the real Prometheus and the real Alertmanager: a metric made with curl is
bumped, Prometheus scrapes it, a rule fires, Alertmanager notifies pingshot in the place of a generic
receiver, of Slack and of PagerDuty; what arrived is in /metrics, under GET /webhook, on the console."""

import json
import re

import pytest

from harness.curl import curl_at
from harness.daemons import Alertmanager, Prometheus
from harness.process import wait_until

PATHS = {"/webhook": "webhook", "/slack": "slack", "/v2/enqueue": "pagerduty"}
RULE = {
    "alert": "LabHot",
    "expr": "lab_celsius > 50",
    "labels": {"severity": "critical"},
    "annotations": {"summary": "Bench {{ $labels.bench }} has {{ $value }} °C & more"},
}
# An event's labels: alertname, fingerprint, receiver and status.
EVENT_BYTES = len('alertname="LabHot",fingerprint="0123456789abcdef",receiver="lab",status="resolved"')
RESOLVED = {
    "/webhook": lambda body: body["alerts"][0]["status"] == "resolved",
    "/slack": lambda body: body["attachments"][0]["title"].startswith("[RESOLVED]"),
    "/v2/enqueue": lambda body: body["event_action"] == "resolve",
}


def receiver_of(target):
    """All of Alertmanager's ways to the target."""
    http = {"http_config": {"tls_config": {"ca_file": str(target.authority.ca)}}} if target.authority else {}
    more = {"send_resolved": True, **http}
    return {
        "name": "lab",
        "webhook_configs": [{"url": f"{target.url}/webhook", "max_alerts": 1, **more}],
        "slack_configs": [{"api_url": f"{target.url}/slack", "channel": "#lab", **more}],
        "pagerduty_configs": [{"routing_key": "made-up", "url": f"{target.url}/v2/enqueue", **more}],
    }


class Loop:
    """The metric that is bumped, and what comes back of it."""

    def __init__(self, target):
        self._target = target
        self.rounds = 0

    def taken(self):
        """How many notifications came to each path, by the counters; and what fires."""
        page = self._target.get("/metrics?scraper=test").text
        counts = {
            path: int(count)
            for path, count in re.findall(
                r'^pingshot_webhook_requests_total{path="([^"]*)",receiver="\w+"} (\d+)$', page, re.M
            )
        }
        return {path: counts[path] for path in PATHS}, re.findall(r"^pingshot_alert{(.*)} 1$", page, re.M)

    def set(self, value):
        answer = curl_at(self._target, "-d", f'lab_celsius{{bench="a"}} {value}', "/update")
        assert answer.status == 200, answer

    def half_a_round(self, fires):
        """Bumps the metric and waits until all three receivers have heard of it, once."""
        expected = self.rounds * 2 + (1 if fires else 2)
        self.set(99 if fires else 9)

        def has_come():
            counts, alerts = self.taken()
            assert max(counts.values()) <= expected, f"one too many: {counts}, round {self.rounds}"
            return set(counts.values()) == {expected} and len(alerts) == fires

        wait_until(has_come, 40 * self._target.patience, f"round {self.rounds}, fires={fires}", 0.05)

    def round(self):
        self.half_a_round(True)
        self.half_a_round(False)
        self.rounds += 1


def bodies_listed(target):
    """(path, body or None when it is kept cut) of what GET /webhook lists, newest first."""
    listed = target.get("/webhook").text
    parts = re.split(r"^notification \d+: (?:up \d+ s|\S+) (/\S+) .*$", listed, flags=re.M)[1:]
    return [
        (path, None if "\n... cut: " in text else json.loads(text))
        for path, text in zip(parts[::2], parts[1::2])
    ]


@pytest.mark.slow(120)
def test_loop(own_target, start_target, tools, tmp_path):
    """Every notification arrives, once: 50 times round on the host, ten on an emulated board."""
    as_events = start_target.capacities.event_text_bytes >= EVENT_BYTES
    target = own_target(alert_events=as_events)
    rounds = 50 if target.name == "host" else 10
    made = curl_at(target, "-d", 'lab_celsius{bench="a"} 9', "/create?type=gauge")
    assert made.status == 200, made
    timing = {"group_wait": "10ms", "group_interval": "100ms", "repeat_interval": "1h"}
    route = {"receiver": "lab", "group_by": ["alertname"], **timing}
    config = {"route": route, "receivers": [receiver_of(target)]}
    with (
        Alertmanager(tools, target.namespace, tmp_path / "alertmanager", config) as alertmanager,
        Prometheus(
            tools, target.namespace, tmp_path / "prometheus", target, 1,
            rules=[RULE], alertmanager=alertmanager,
        ) as prometheus,
    ):  # fmt: skip
        loop = Loop(target)
        for _ in range(rounds):
            loop.round()
        check_what_is_kept(target, rounds)
        check_what_prometheus_saw(target, prometheus, rounds if as_events else 0)


def check_what_is_kept(target, rounds):
    """In order, firing and resolved in turn at each receiver; all of it where there is room."""
    bodies = bodies_listed(target)
    if target.name == "host":
        assert len(bodies) == 6 * rounds
    assert bodies
    for path in PATHS:
        mine = [body and RESOLVED[path](body) for listed, body in bodies if listed == path]
        assert all(known in (None, i % 2 == 0) for i, known in enumerate(mine)), (path, mine)
    text = target.process.log()
    for path, receiver in PATHS.items():
        assert f" {path} ({receiver}), " in text
    assert "User-Agent: Alertmanager/" in text and "LabHot" in text
    page = target.get("/metrics?scraper=test").text
    assert 'pingshot_webhook_repeats_total{path="/webhook",receiver="webhook"} 0\n' in page
    assert not re.search(r'pingshot_http_requests_total{code="[45]..",handler="/(webhook|slack|v2)', page)


def check_what_prometheus_saw(target, prometheus, rounds):
    """The alert as a series while it fired, and each change of its state as one event, if it is."""
    series = prometheus.query("max_over_time(pingshot_alert[1h])")
    assert [labels["alertname"] for labels, _ in series] == ["LabHot"], series
    expected = {"firing": rounds, "resolved": rounds} if rounds else {}

    def counted():
        samples = prometheus.samples('events_to_metrics{alertname="LabHot"}')
        return {labels["status"]: len(values) for labels, values in samples}

    # Prometheus gives up a scrape of its own accord when it is late: that would be another matter.
    assert prometheus.query("min_over_time(up[1h])")[0][1][1] == "1", "a scrape has failed"
    try:
        wait_until(lambda: counted() == expected, 20 * target.patience, "the last event's scrape", 0.2)
    except AssertionError:
        assert counted() == expected
