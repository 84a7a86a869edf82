# SPDX-License-Identifier: GPL-2.0-or-later
"""Exactly once at its worst: over a link that loses a frame in ten, doubles and reorders (harness/
relay.py), the server killed with -9 again and again and started on its state file, posters that
retry with their Idempotency-Key until they are answered, and a real Prometheus that scrapes."""

import concurrent.futures
import contextlib
import dataclasses
import itertools
import json
import random
import re
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from harness.answered import ambiguous_of
from harness.daemons import Prometheus
from harness.http_client import Client, FramingError
from harness.namespace import Namespace
from harness.process import Process, wait_until
from harness.target import HostTarget

SECONDS = 60
LIFE_S = 5
POSTERS = 4
PAUSE_S = 0.5  # of a poster, so that pages stay short enough to come through now and then
# Over before the next scrape's request, which would bring an acknowledgement that was lost.
SCRAPE_TIMEOUT = "800ms"
ANSWER_S = 2  # a poster waits no longer, and asks again
SETTLE_S = 60
STAMPED = {"timestamps": ["--explicit-timestamps"], "plain": []}
ANSWER = re.compile(r"event (\d+) queued for (?:1 scraper|the first scraper that comes)\n")


class Lives:
    """pingshot on a state file behind the bad link, one life after another. Prometheus and clients
    take it for a target."""

    ip, port, authority = HostTarget.ip, HostTarget.port_http, None
    address = (ip, port)

    def __init__(self, stack, binary, logs, state, words=(), seed=0):
        """All ends with `stack`."""
        self.namespace = stack.enter_context(Namespace())
        self._stack = stack
        self._logs = logs
        # A socket's path must be short.
        socket_path = f"{stack.enter_context(tempfile.TemporaryDirectory())}/frames"
        script = Path(__file__).parent / "harness/relay.py"
        interface, host_ip = HostTarget.interface, HostTarget.host_ip
        self.relay = Process(
            self.namespace,
            [sys.executable, "-B", script, socket_path, interface, f"{host_ip}/24", seed],
            logs("relay"),
        )
        stack.callback(self.relay.stop)
        wait_until(lambda: "listening" in self.relay.log(), 10, "the relay to listen")
        # Each life has a MAC of its own, and who says so may be lost: the kernel is to ask soon.
        for name, value in (
            ("base_reachable_time_ms", 500),
            ("retrans_time_ms", 100),
            ("delay_first_probe_time", 1),
        ):
            setting = f"net.ipv4.neigh.{interface}.{name}={value}"
            self.namespace.command("sysctl", "-q", "-w", setting)
        self._argv = [binary, "--passt", socket_path, "--disable-tls", "--state", state, *words]
        self._lives = []

    def start(self):
        life = Process(self.namespace, self._argv, self._logs("pingshot"))
        self._stack.callback(life.stop)
        self._lives.append(life)

    @property
    def process(self):
        return self._lives[-1]

    def kill(self):
        life = self.process
        assert life.exit_status is None, f"it had ended: {life.log()}"
        assert life.stop(signal.SIGKILL) == -signal.SIGKILL

    def heal(self):
        """From now on the link is good. What it did so far."""
        self.relay.send_signal(signal.SIGUSR1)
        return json.loads(
            wait_until(lambda: re.search(r"^{.*}$", self.relay.log(), re.M), 10, "it to be well")[0]
        )

    def client(self):
        return Client(self.namespace, self.address, ANSWER_S)

    def told(self):
        """Numbers of the events that it said may come twice."""
        told = [ambiguous_of(life.log()) for life in self._lives]
        return set().union(*(life[f"Prometheus at {HostTarget.host_ip}"] for life in told))

    def stop(self):
        """Stops the server and the relay, which must leave nothing behind."""
        assert self.process.stop() == 0, self.process.log()
        assert self.relay.stop() == 0, self.relay.log()
        assert self.namespace.interfaces() == ["lo"]


class Poster:
    """Posts one event after another, each as often as it takes."""

    numbers = itertools.count(1)

    def __init__(self, lives):
        self._lives = lives
        self._enough = threading.Event()
        self._given_up = False
        self._client = None
        self.number_of = {}  # label n to the event's number
        self.tries = 0
        self._pool = concurrent.futures.ThreadPoolExecutor(1)
        self._work = self._pool.submit(self._post_all)

    def _post_all(self):
        while not self._enough.wait(PAUSE_S):
            n = next(Poster.numbers)
            self.number_of[n] = self._post(n)
        self._hang_up()

    def _hang_up(self):
        if self._client:
            self._client.close()
        self._client = None

    def _post(self, n):
        key = [("Idempotency-Key", f'"lossy-{n}"')]
        while not self._given_up:
            self.tries += 1
            try:
                self._client = self._client or self._lives.client()
                reply = self._client.request("POST", f"/event?n={n}&value={n}", b"", key)
                if reply.says_close():
                    self._hang_up()
            except (OSError, FramingError):
                self._hang_up()
                time.sleep(0.05)
                continue
            if reply.status == 200:
                match = ANSWER.fullmatch(reply.text)
                assert match, reply
                return int(match.group(1))
            # That key is still being answered on another connection, or the table is full.
            assert reply.status in (409, 503), reply
            time.sleep(0.05)
        raise AssertionError(f"event {n} was never answered")

    def finish(self):
        """Waits for the answer to its last one."""
        self._enough.set()
        self._work.result(timeout=SETTLE_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._enough.set()
        self._given_up = True
        self._pool.shutdown()


def stored_by(prometheus):
    """Label n to the samples of that event."""
    samples = prometheus.samples("events_to_metrics")
    return {int(labels["n"]): values for labels, values in samples}


def good_scrapes(prometheus):
    return sum(int(value) for _, (_, value) in prometheus.query("sum_over_time(up[1h])"))


def nothing_waits(prometheus):
    """Whether the server thinks that all its events are delivered."""
    return bool(prometheus.query('pingshot_table_used{table="events"} == 0'))


def check(variant, number_of, stored, told, counted):
    assert len(set(number_of.values())) == len(number_of), "two posts were answered as one event"
    assert not set(number_of) - set(stored), "lost"
    assert not set(stored) - set(number_of), "invented"
    wrong = {n: values for n, values in stored.items() if set(values) != {float(n)}}
    assert not wrong, wrong
    doubled = {n: values for n, values in stored.items() if len(values) > 1}
    if variant == "timestamps":
        assert not doubled, doubled
    untold = {number_of[n] for n in doubled} - told
    assert not untold, f"events {sorted(untold)} came twice, and nobody was told"
    assert sum(len(values) - 1 for values in doubled.values()) <= counted
    return doubled


def live_and_die(lives, seconds, chance):
    """So many seconds of lives that are cut short; the last one goes on."""
    deadline = time.monotonic() + seconds
    count = 1
    while time.monotonic() < deadline:
        time.sleep(LIFE_S * chance.uniform(0.8, 1.2))
        lives.kill()
        lives.start()
        count += 1
    return count


def campaign(variant, binary, tools, logs, folder, seconds, seed):
    with contextlib.ExitStack() as stack:
        folder.mkdir()
        lives = Lives(stack, binary, logs, folder / "state", STAMPED[variant], seed)
        lives.start()
        prometheus = stack.enter_context(
            Prometheus(
                tools, lives.namespace, folder / "prometheus", lives, scrape_timeout=SCRAPE_TIMEOUT
            )
        )
        posters = [stack.enter_context(Poster(lives)) for _ in range(POSTERS)]
        lives_count = live_and_die(lives, seconds, random.Random(seed))
        did = lives.heal()
        for poster in posters:
            poster.finish()
        number_of = {n: number for poster in posters for n, number in poster.number_of.items()}
        scrapes_when_healed = good_scrapes(prometheus)
        wait_until(
            lambda: good_scrapes(prometheus) > scrapes_when_healed + 5
            and nothing_waits(prometheus),
            SETTLE_S,
            "nothing to wait for a scrape any more",
            0.5,
        )
        stored = stored_by(prometheus)
        ((_, (_, counted)),) = prometheus.query("pingshot_events_ambiguous_total")
        doubled = check(variant, number_of, stored, lives.told(), float(counted))
        ((_, (_, scrapes)),) = prometheus.query("count_over_time(up[1h])")
        tries = sum(poster.tries for poster in posters)
        print(
            f"{variant}: {lives_count} lives, {len(number_of)} events posted in {tries} tries, "
            f"{good_scrapes(prometheus)} of {scrapes} scrapes good, "
            f"{len(doubled)} events doubled, {counted} counted; {did}"
        )
        assert did["lost"] and did["doubled"] and did["late"], did
        lives.stop()


def campaigns(seed, binary, tools, logs, folder, seconds):
    """Both variants side by side."""
    with concurrent.futures.ThreadPoolExecutor(len(STAMPED)) as pool:
        runs = [
            pool.submit(campaign, variant, binary, tools, logs, folder / variant, seconds, seed)
            for variant in STAMPED
        ]
    for run in runs:
        run.result()


@pytest.mark.slow(120)
def test_every_event_once(seed, binary, tools, logs, tmp_path):
    campaigns(seed, binary, tools, logs, tmp_path, SECONDS)


def test_every_event_once_in_short(seed, binary, tools, logs, tmp_path):
    campaigns(seed, binary, tools, logs, tmp_path, LIFE_S)


def test_a_relay_that_is_killed_leaves_nothing(binary, logs, tmp_path):
    with contextlib.ExitStack() as stack:
        lives = Lives(stack, binary, logs, tmp_path / "state")
        lives.start()
        wait_until(lambda: " ready: " in lives.process.log(), 10, "the server to be ready")
        assert HostTarget.interface in lives.namespace.interfaces()
        assert lives.relay.stop(signal.SIGKILL) == -signal.SIGKILL
        assert lives.process.wait(10) == 1
        assert "passt has closed its socket" in lives.process.log()
        assert lives.namespace.interfaces() == ["lo"]
