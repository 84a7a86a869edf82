# SPDX-License-Identifier: GPL-2.0-or-later
"""A scrape that is cut anywhere loses nothing, and one that arrived is never repeated. The scraper
is a TCP client in user space, which decides what is acknowledged, byte by byte: over TLS, bytes of
the ciphertext that carries the response."""

import concurrent.futures
import itertools
import random
import ssl
import time

import pytest

from harness.exposition import event_numbers, event_numbers_of_response
from harness.http_client import Client
from harness.namespace import Namespace
from harness.process import wait_until
from harness.tls_wire import TlsWire, wire_to

# Cuts that end by the scrape timeout share one wait: as many as scrapes can be in flight.
BATCH_SCRAPERS_MAX = 8
BATCH_TIMEOUT_S = 0.4
BATCHES_MAX = 120  # a small target takes few at once: it is cut at fewer places
BATCHES_FEW = 16


def scrape_request(scraper="cut", timeout_s=10.0):
    return (
        f"GET /metrics?scraper={scraper} HTTP/1.1\r\nHost: pingshot\r\n"
        f"X-Prometheus-Scrape-Timeout-Seconds: {timeout_s}\r\n\r\n"
    ).encode()


@pytest.fixture
def wire(target, seed):
    with wire_to(target, random.Random(seed)) as made:
        yield made


class Poster:
    """Posts events numbered by their label n, over one kept-alive connection of plain HTTP: where
    TLS has few sessions they are for the scrapes."""

    numbers = itertools.count(1)

    def __init__(self, target):
        self._client = Client(target.namespace, (target.ip, target.port_http))

    def post(self):
        number = next(Poster.numbers)
        reply = self._client.post(f"/event?n={number}")
        assert reply.status == 200, reply
        return number

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._client.close()


@pytest.fixture
def poster(target):
    with Poster(target) as made:
        yield made


class Scraper:
    """Whole scrapes by one scraper, over a connection of the wire that is kept while it may be."""

    def __init__(self, wire, name="cut"):
        self._wire = wire
        self._request = scrape_request(name)
        self._connection = None
        self._size = None

    def response(self):
        self._connection = self._connection or self._wire.connect()
        response = self._wire.exchange(self._connection, self._request)
        self._size = self._connection.response_size()
        if b"\r\nConnection: close\r\n" in response:
            self.leave()
        return response

    def leave(self):
        """Goes without a connection until its next scrape."""
        self._connection.rst()
        self._connection = None

    def events(self):
        """Numbers of the events in a scrape that arrives whole."""
        return event_numbers_of_response(self.response())

    def events_until(self, count):
        """The same, and of more scrapes while those are fewer than `count`: the machine that runs
        the target may be late with giving up a scrape."""
        got = self.events()
        for _ in range(20):
            if len(got) >= count:
                break
            self._wire.run_for(0.1)
            got += self.events()
        return got

    def response_size(self):
        """Bytes of the stream that bring a scrape: over TLS, of ciphertext."""
        self.response()
        return self._size


def cut_scrape(wire, acked_bytes, request, seconds=5, **policy):
    """Sends a scrape of which only so many bytes are acknowledged, and waits until the server has
    sent what it can: the whole response, or what its congestion window lets it."""
    connection = wire.connect(ack_limit=acked_bytes, **policy)
    connection.send(request)
    wire.run_until(
        lambda: connection.was_reset
        or (connection.received and (connection.acked >= acked_bytes or connection.response())),
        seconds,
    )
    return connection


def all_cuts(scraper, step=1):
    """Each number of acknowledged bytes to try, up to a little beyond the page's end: a page with
    events is longer than the one measured here."""
    return range(0, scraper.response_size() + 400, step)


# ---- Cut by RST ----------------------------------------------------------------------------


def cut_by_reset_everywhere(wire, poster, step):
    scraper = Scraper(wire)
    lost = delivered = 0
    for acked_bytes in all_cuts(scraper, step):
        number = poster.post()
        connection = cut_scrape(wire, acked_bytes, scrape_request())
        arrived = connection.response_acknowledged()
        connection.rst()
        expected = [] if arrived else [number]
        assert scraper.events() == expected, f"cut after {acked_bytes} acknowledged bytes"
        lost += not arrived
        delivered += arrived
    print(f"{lost} cuts lost the scrape, {delivered} did not")
    assert lost > 1000 / step and delivered > 0


def test_cut_by_reset(wire, poster):
    cut_by_reset_everywhere(wire, poster, step=41)


def test_cut_by_reset_over_tls_1_2(target, seed):
    with TlsWire(target, random.Random(seed), ssl.TLSVersion.TLSv1_2) as wire:
        with Poster(target) as poster:
            cut_by_reset_everywhere(wire, poster, step=41)


@pytest.mark.slow(18)
def test_cut_by_reset_at_every_byte(target, wire, poster):
    cut_by_reset_everywhere(wire, poster, step=target.cut_step)


# ---- Cut by silence, FIN, or a closed window -------------------------------------------------


def go_silent(wire, acked_bytes, request):
    """Acknowledges so much, then nothing is heard of it any more."""
    connection = cut_scrape(wire, acked_bytes, request)
    connection.silent = True
    return connection


def close_socket(wire, acked_bytes, request):
    """FIN, and RST to what comes after it: a program that closed its socket, or died. Over TLS
    every other one says close_notify before, as a program does that has not died."""
    connection = cut_scrape(wire, acked_bytes, request)
    if isinstance(wire, TlsWire) and wire.random.random() < 0.5:
        connection.close_notify()
    connection.fin()
    connection.rst_on_data = True
    return connection


def close_window(wire, acked_bytes, request):
    """Takes so much and no more, as a program that stops reading; probes are answered."""
    connection = wire.connect(ack_limit=acked_bytes, right_edge=acked_bytes)
    connection.send(request)
    wire.run_until(lambda: connection.acked >= acked_bytes, 0.001)
    return connection


ENDINGS = [go_silent, close_socket, close_window]


def cut_batch(wire, poster, scrapers, cuts):
    """Cuts as many scrapes as there are `cuts` (pairs of an ending and a byte count), a round of
    events for each pass over the scrapers; when their timeouts have passed, each scraper must get
    what it has not acknowledged, once."""
    pending = {name: set() for name in scrapers}
    opened = []
    numbers = []
    for start in range(0, len(cuts), len(scrapers)):
        numbers.append(poster.post())
        for name, (ending, acked_bytes) in zip(scrapers, cuts[start : start + len(scrapers)]):
            request = scrape_request(name, BATCH_TIMEOUT_S)
            opened.append((name, ending(wire, acked_bytes, request)))
    wire.run_for(BATCH_TIMEOUT_S + 0.25)
    for name, scraper in scrapers.items():
        taken = [
            number
            for owner, connection in opened
            if owner == name and connection.response_acknowledged()
            for number in event_numbers_of_response(connection.response())
        ]
        assert len(taken) == len(set(taken)), f"{name}: {taken}"
        pending[name] = set(numbers) - set(taken)
        got = scraper.events_until(len(pending[name]))
        assert sorted(got) == sorted(pending[name]), f"{name} of {cuts}"
    for _, connection in opened:
        if not connection.was_reset:
            connection.rst()


def cut_by_timeout_everywhere(target, seed, endings, step, batches_max):
    with wire_to(target, random.Random(seed)) as wire, Poster(target) as poster:
        count = min(BATCH_SCRAPERS_MAX, target.capacities.scrapers - 1, target.clients_max // 3)
        count = max(1, count)
        scrapers = {f"cut{i}": Scraper(wire, f"cut{i}") for i in range(count)}
        for scraper in scrapers.values():
            scraper.events()
        poster_and_spare = 2
        size = max(1, target.clients_max - count - poster_and_spare)
        room = target.capacities.heap_bytes // target.capacities.send_bytes
        size = min(size, target.capacities.scrapes_in_flight, room)
        places = all_cuts(scrapers["cut0"])
        step = max(step, 1 + len(places) * len(endings) // (batches_max * size))
        cuts = [(ending, acked_bytes) for acked_bytes in places[::step] for ending in endings]
        for start in range(0, len(cuts), size):
            cut_batch(wire, poster, scrapers, cuts[start : start + size])


@pytest.mark.parametrize("ending", ENDINGS)
def test_cut_by_timeout(target, seed, ending):
    cut_by_timeout_everywhere(target, seed, [ending], 131, BATCHES_FEW)


@pytest.mark.slow(100)
def test_cut_by_timeout_at_every_byte(start_target, seed):
    """Each ending has a server of its own, so that their waits pass together."""

    def run(ending):
        with Namespace() as net:
            target = start_target(net)
            try:
                cut_by_timeout_everywhere(target, seed, [ending], 1, BATCHES_MAX)
            finally:
                target.stop()

    with concurrent.futures.ThreadPoolExecutor(len(ENDINGS)) as pool:
        for result in [pool.submit(run, ending) for ending in ENDINGS]:
            result.result(timeout=600)


# ---- Delivered ------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", ["reset", "silent", "fin"])
def test_the_last_acknowledgement_delivers(wire, poster, ending):
    """Whatever becomes of the connection after its last byte was acknowledged."""
    scraper = Scraper(wire)
    scraper.events()
    number = poster.post()
    connection = wire.connect()
    response = wire.exchange(connection, scrape_request(timeout_s=0.3))
    assert event_numbers_of_response(response) == [number]
    if ending == "reset":
        connection.rst()
    elif ending == "fin":
        connection.fin()
        connection.rst_on_data = True
    else:
        connection.silent = True
    assert scraper.events() == []
    wire.run_for(0.6)
    assert scraper.events() == []


def test_an_acknowledgement_after_the_scrape_timeout_is_too_late(wire, poster):
    scraper = Scraper(wire)
    scraper.events()
    number = poster.post()
    connection = wire.connect(ack_limit=0)
    connection.send(scrape_request(timeout_s=0.3))
    assert wire.run_until(lambda: connection.received, 10)
    started = time.monotonic()
    wire.run_until(lambda: time.monotonic() > started + 0.6, 2)
    connection.ack_limit = None
    connection.acknowledge()
    # When the page was not all with TCP by then, the server has given it up.
    over = wire.run_until(lambda: connection.response_acknowledged() or connection.was_reset, 5)
    assert over
    if not connection.was_reset:
        assert event_numbers_of_response(connection.response()) == [number]
    assert scraper.events() == [number], "the scraper had given up before the last byte came"
    assert scraper.events() == []


@pytest.mark.parametrize("ending", ["reset", "late"])
def test_all_but_the_last_byte_is_not_enough(wire, poster, ending):
    scraper = Scraper(wire)
    scraper.events()
    scraper.leave()  # or the page would be followed by an end, where there are two sessions of TLS
    number = poster.post()
    connection = wire.connect(hold_last=True)
    connection.send(scrape_request(timeout_s=0.3))
    assert wire.run_until(connection.response, 20)
    end = connection.response_end()
    assert wire.run_until(lambda: connection.acked == end - 1, 10)
    if ending == "reset":
        connection.rst()
    else:
        wire.run_for(0.6)
        connection.hold_last = False
        connection.acknowledge()
        assert connection.response_acknowledged()
    assert scraper.events() == [number]
    assert scraper.events() == []


def test_lost_segments_are_sent_again_and_delivered_once(wire, poster, seed):
    choice = random.Random(seed + 1)
    scraper = Scraper(wire)
    scraper.events()
    for _ in range(2):
        number = poster.post()
        seen = set()

        def lose(offset, _):
            first_time = offset not in seen
            seen.add(offset)
            return first_time and (offset == 0 or choice.random() < 0.5)

        connection = wire.connect(drop=lose)
        response = wire.exchange(connection, scrape_request(timeout_s=30), seconds=30)
        assert event_numbers_of_response(response) == [number]
        connection.rst()
        assert scraper.events() == []


# ---- Concurrent scrapes ----------------------------------------------------------------------


def test_two_scrapes_at_once_never_carry_the_same_event(wire, poster):
    scraper = Scraper(wire)
    scraper.events()
    first = poster.post()
    held = wire.connect(ack_limit=0)
    held.send(scrape_request(timeout_s=20))
    assert wire.run_until(lambda: held.received, 10)
    assert scraper.events() == [], "that event is in flight to the first scrape"
    second = poster.post()
    assert scraper.events() == [second]
    assert scraper.events() == []
    held.rst()
    assert scraper.events() == [first]
    assert scraper.events() == []


def test_a_scrape_cut_for_one_scraper_is_whole_for_another(wire, poster):
    cut, other = Scraper(wire, "cut"), Scraper(wire, "other")
    cut.events()
    cut.leave()  # with two sessions of TLS the other needs the second
    other.events()
    number = poster.post()
    connection = cut_scrape(wire, 10, scrape_request("cut"))
    assert other.events() == [number]
    connection.rst()
    assert other.events() == []
    assert cut.events() == [number]


# ---- A big page ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def big_target(start_target):
    """Full of series: a page far larger than what fits the TCP buffers of both sides."""
    with Namespace() as net:
        target = start_target(net)

        def line(i):
            return f'big_page_total{{series="{i:05}",text="{"x" * 60}"}} {i}\n'

        count = target.capacities.series_that_fit(line(0))
        body = "# TYPE big_page_total counter\n" + "".join(map(line, range(count)))
        reply = target.post("/create", body, "text/plain")
        assert reply.status == 200, reply
        yield target
        target.stop()


@pytest.fixture
def big_wire(big_target, seed):
    with wire_to(big_target, random.Random(seed)) as made:
        yield made


def big_cuts(wire, target, seed, count):
    choice = random.Random(seed + 2)
    scraper = Scraper(wire)
    with Poster(target) as poster:
        size = scraper.response_size()
        assert size > 2 * target.capacities.send_bytes
        for _ in range(count):
            number = poster.post()
            acked_bytes = choice.randrange(size)
            connection = cut_scrape(wire, acked_bytes, scrape_request())
            assert not connection.response_acknowledged()
            connection.rst()
            assert scraper.events() == [number], f"cut after {acked_bytes} acknowledged bytes"


def test_big_page_cut_at_random(big_wire, big_target, seed):
    big_cuts(big_wire, big_target, seed, 5)


@pytest.mark.slow(4)
def test_big_page_cut_at_random_often(big_wire, big_target, seed):
    big_cuts(big_wire, big_target, seed, 60)


def scrape(target, name="cut"):
    """A whole scrape by the kernel's TCP."""
    with target.client() as client:
        reply = client.get(f"/metrics?scraper={name}")
        assert reply.status == 200
        return reply.text


def test_a_client_that_stops_reading(big_target):
    scrape(big_target)
    with Poster(big_target) as poster:
        number = poster.post()
    with big_target.client(receive_buffer_bytes=2048) as stalled:
        stalled.send(scrape_request(timeout_s=0.3))
        stalled.sock.recv(100)
        time.sleep(0.6)
        assert event_numbers(scrape(big_target)) == [number]
        assert event_numbers(scrape(big_target)) == []


def test_a_client_that_dies_while_reading(big_target):
    """close() with bytes unread: the kernel sends RST."""
    scrape(big_target)
    with Poster(big_target) as poster:
        number = poster.post()
    client = big_target.client(receive_buffer_bytes=2048)
    client.send(scrape_request(timeout_s=20))
    client.sock.recv(1000)
    client.close()
    wait_until(lambda: event_numbers(scrape(big_target)) == [number], 3, "the event to come again")
    assert event_numbers(scrape(big_target)) == []


# ---- Cable -----------------------------------------------------------------------------------


@pytest.fixture
def unplug(big_target):
    """unplug(seconds, wire): takes the cable out for that long, and puts it back in any case."""

    def out(seconds, wire):
        big_target.set_cable(False)
        used_before = big_target.process.cpu_seconds()
        wire.run_for(seconds)
        assert big_target.process.cpu_seconds() - used_before < 0.5 * seconds, "it spins"
        big_target.set_cable(True)

    yield out
    big_target.set_cable(True)


def half_a_scrape(wire, timeout_s):
    half = Scraper(wire, "other").response_size() // 2
    connection = wire.connect(ack_limit=half)
    connection.send(scrape_request(timeout_s=timeout_s))
    assert wire.run_until(lambda: connection.acked == half, 20)
    return connection


def test_cable_unplugged_for_longer_than_the_scrape(big_wire, big_target, unplug):
    Scraper(big_wire).events()
    with Poster(big_target) as poster:
        number = poster.post()
    half_a_scrape(big_wire, timeout_s=0.5)
    unplug(1.0, big_wire)
    scraper = Scraper(big_wire)
    assert scraper.events() == [number]
    assert scraper.events() == []


def test_cable_unplugged_for_a_moment(big_wire, big_target, unplug):
    """The same scrape goes on when the cable is back, and its events come once."""
    Scraper(big_wire).events()
    with Poster(big_target) as poster:
        number = poster.post()
    connection = half_a_scrape(big_wire, timeout_s=60)
    unplug(0.7, big_wire)
    connection.ack_limit = None
    connection.acknowledge()
    assert big_wire.run_until(connection.response_acknowledged, 40)
    assert event_numbers_of_response(connection.response()) == [number]
    assert Scraper(big_wire).events() == []
