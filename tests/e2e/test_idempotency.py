# SPDX-License-Identifier: GPL-2.0-or-later
"""Retried POSTs with an Idempotency-Key, as clients send them: what was done is answered again and
not done again, for as long as the key is kept."""

import json
import uuid

import pytest

from harness.curl import curl_at, refused
from harness.exposition import event_numbers, value_of
from harness.http_client import assert_error_line, crlf
from harness.process import wait_until

FORM = "application/x-www-form-urlencoded"
REPEATS = "pingshot_http_repeats_total"


@pytest.fixture
def key():
    return str(uuid.uuid4())


@pytest.fixture(autouse=True)
def tidy(target):
    """A small target has no room for what all tests create."""
    yield
    target.request("DELETE", "/metrics/keyed_total")
    target.get("/metrics?scraper=keyed")


def send(client, path, key, body=None, content_type=None):
    headers = [("Idempotency-Key", key)] + ([("Content-Type", content_type)] if content_type else [])
    return client.request("POST", path, body, headers)


def post(target, path, key, body=None, content_type=None):
    with target.client() as client:
        return send(client, path, key, body, content_type)


def page_value(target, series):
    return value_of(target.get("/metrics?scraper=onlooker").text, series)


def numbers_waiting(target):
    return event_numbers(target.get("/metrics?scraper=keyed").text)


def refused_as_reused(reply):
    assert reply.status == 422 and "Idempotency-Key" in reply.text, reply
    assert_error_line(reply)


# ---- events ------------------------------------------------------------------------------------


def test_curl_retries(target, key):
    """As README has it, and each scraper is given it once."""
    numbers_waiting(target)
    repeats = page_value(target, REPEATS)
    words = ("-H", f'Idempotency-Key: "{key}"', "-d", "n=1&type=reboot")
    first = curl_at(target, "/event", *words)
    assert first.status == 200 and first.text.startswith("event "), first
    for _ in range(3):
        assert curl_at(target, "/event", *words) == first
    assert post(target, "/event", key, "n=1&type=reboot", FORM).text == first.text, "without quotes"
    assert numbers_waiting(target) == [1]
    assert curl_at(target, "/event", *words) == first, "also when it is delivered"
    assert numbers_waiting(target) == []
    assert page_value(target, REPEATS) == repeats + 5
    refused(curl_at(target, "/event", *words[:-1], "n=2&type=reboot"), 422, "Idempotency-Key")
    refused(curl_at(target, "/event?n=1&type=reboot", "-X", "POST", *words[:2]), 422)
    assert numbers_waiting(target) == []


def test_the_answer_was_lost(target, key):
    """The client resets before it has read, and asks again."""
    numbers_waiting(target)
    request = crlf("POST /event?n=7 HTTP/1.1", "Host: a", f"Idempotency-Key: {key}")
    posted = page_value(target, "events_to_metrics_event_count")
    client = target.client()
    client.send(request)
    wait_until(
        lambda: page_value(target, "events_to_metrics_event_count") == posted + 1,
        10 * target.patience, "the event to be posted",
    )  # fmt: skip
    client.reset()
    assert post(target, "/event?n=7", key).status == 200
    assert numbers_waiting(target) == [7]


def half_posted(client, key, body):
    """A request whose head is with the server, since it asks for the body, of which half follows."""
    client.send(
        crlf("POST /event HTTP/1.1", "Host: a", f"Content-Type: {FORM}", "Expect: 100-continue",
             f"Idempotency-Key: {key}", f"Content-Length: {len(body)}")
    )  # fmt: skip
    assert client.interim() == 100
    client.send(body[: len(body) // 2])


def test_under_way(target, key):
    numbers_waiting(target)
    with target.client() as client:
        half_posted(client, key, b"n=8&x=y")
        reply = post(target, "/event", key, "n=8&x=y", FORM)
        assert reply.status == 409 and reply.headers["retry-after"] == "1", reply
        assert_error_line(reply)
        client.send(b"&x=y")
        first = client.reply()
        assert first.status == 200, first
        assert post(target, "/event", key, "n=8&x=y", FORM).text == first.text
    assert numbers_waiting(target) == [8]


def test_lost_in_the_body(target, key):
    """A request that did not come whole was none, and the retry is the first."""
    numbers_waiting(target)
    with target.client() as client, target.client() as other:
        half_posted(client, key, b"n=9&x=y")
        client.reset()
        reply = wait_until(
            lambda: (lambda r: r.status != 409 and r)(send(other, "/event", key, "n=9", FORM)),
            10 * target.patience, "the key to be free",
        )  # fmt: skip
        assert reply.status == 200, reply
        assert send(other, "/event", key, "n=9", FORM).text == reply.text
    assert numbers_waiting(target) == [9]


def test_chunked_and_pipelined(target, key):
    """How a body is framed does not matter, and several may be under way on one connection."""
    numbers_waiting(target)
    head = ("POST /event HTTP/1.1", "Host: a", f"Content-Type: {FORM}", f"Idempotency-Key: {key}")
    whole = crlf(*head, "Content-Length: 8") + b"n=10&x=y"
    chunked = crlf(*head, "Transfer-Encoding: chunked") + b"5;a=b\r\nn=10&\r\n3\r\nx=y\r\n0\r\n\r\n"
    with target.client() as client:
        client.send(whole + chunked + whole)
        first = client.reply()
        assert first.status == 200, first
        assert [client.reply().text for _ in range(2)] == [first.text] * 2
        client.send_bytewise(chunked.replace(b"x=y", b"x=z"))
        refused_as_reused(client.reply())
        client.send_bytewise(chunked)
        assert client.reply().text == first.text
    assert numbers_waiting(target) == [10]


def test_refused_requests_leave_the_key_free(target, key):
    numbers_waiting(target)
    for path, body, content_type, status in (
        ("/event?value=many", None, None, 400),
        ("/event", "{}", "application/json", 415),
        ("/update", "unheard_of_total 1\n", "text/plain", 404),
        ("/create", "keyed_total 1\nkeyed_total\n", "text/plain", 400),
        ("/create", "{", "application/json", 400),
    ):
        assert post(target, path, key, body, content_type).status == status, path
    assert post(target, "/event?n=11", key).status == 200
    assert numbers_waiting(target) == [11]


def test_as_many_as_are_kept(target):
    """The oldest key is replaced, no other; a retry that comes after that is a new request."""
    kept = target.capacities.idempotency_keys
    run = uuid.uuid4()
    with target.client() as client:
        answers = []
        for n in range(kept + 1):
            reply = send(client, f"/event?n={n}", f"{run}-{n}")
            while reply.status == 503:  # the events' table is full: what is scraped makes room
                numbers_waiting(target)
                reply = send(client, f"/event?n={n}", f"{run}-{n}")
            answers.append(reply.text)
        numbers_waiting(target)
        table = '{table="idempotency_keys"}'
        assert page_value(target, f"pingshot_table_limit{table}") == kept
        assert page_value(target, f"pingshot_table_used{table}") == kept
        for n in range(kept, 0, -1):
            assert send(client, f"/event?n={n}", f"{run}-{n}").text == answers[n]
        assert numbers_waiting(target) == []
        late = send(client, "/event?n=0", f"{run}-0")
        assert late.status == 200 and late.text != answers[0]
        assert numbers_waiting(target) == [0]


# ---- keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    ["", '""', '"a', "a b", "a, b", '"a", "b"', '"a";b', '"\\a"', "\xe9", "k" * 256, f'"{"k" * 256}"'],
)
def test_bad_keys(target, value):
    with target.client() as client:
        head = ("POST /event?n=12 HTTP/1.1", "Host: a", f"Idempotency-Key: {value}")
        client.send(crlf(*head))
        reply = client.reply()
        assert reply.status == 400 and "Idempotency-Key: must be " in reply.text, reply
        assert_error_line(reply)
        client.send(crlf("POST /event?n=12 HTTP/1.1", "Host: a", *["Idempotency-Key: a"] * 2))
        assert client.reply().status == 400
    assert numbers_waiting(target) == []


# ---- metrics -----------------------------------------------------------------------------------


def test_update_adds_once(target, key):
    """The lines are as they now stand."""
    body = 'keyed_total{a="1"} 2\n'
    create = f"create-{key}"
    assert post(target, "/create", create, body, "text/plain").text == body
    for _ in range(3):
        assert post(target, "/update", key, body, "text/plain").text == 'keyed_total{a="1"} 4\n'
    assert target.post("/update", 'keyed_total{a="1"} 1\n').status == 200
    assert post(target, "/update", key, body, FORM).text == 'keyed_total{a="1"} 5\n'
    assert post(target, "/create", create, body, "text/plain").text == 'keyed_total{a="1"} 5\n'
    assert page_value(target, 'keyed_total{a="1"}') == 5
    refused_as_reused(post(target, "/update", key, body + body, "text/plain"))
    refused_as_reused(post(target, "/update", key, body[:-3], "text/plain"))
    refused_as_reused(post(target, "/create", key, body, "text/plain"))
    refused_as_reused(post(target, "/update?labels=any", key, body, "text/plain"))
    assert page_value(target, 'keyed_total{a="1"}') == 5
    assert target.request("DELETE", "/metrics/keyed_total").status == 204
    assert post(target, "/create", create, body, "text/plain").text == "", "and is not made again"


def test_update_json_adds_once(target, key):
    family = {"name": "keyed_total", "metrics": [{"labels": {"a": "1"}}]}
    body = json.dumps(family)
    assert post(target, "/create", f"create-{key}", body, "application/json").status == 200
    for _ in range(3):
        reply = post(target, "/update", key, body, "application/json")
        assert reply.text == 'keyed_total{a="1"} 1\n', reply
    refused_as_reused(post(target, "/update", key, body + " ", "application/json"))
    refused_as_reused(post(target, "/update", key, body, "text/plain"))


def test_a_large_body_again(target, key):
    """One that streams, in pieces, over many segments."""
    line = 'keyed_total{padding="' + "p" * 40 + '",run="%05d"} %d\n'
    count = min(200, target.capacities.series_that_fit(line) // 2)
    body = "".join(line % (n, n) for n in range(count))
    first = post(target, "/create", key, body, "text/plain")
    assert first.status == 200 and sorted(first.text.splitlines()) == body.splitlines(), first
    again = post(target, "/create", key, body, "text/plain")
    assert (again.status, again.text) == (200, first.text)
    other = body[: -len("9\n")] + "x\n"
    refused_as_reused(post(target, "/create", key, other, "text/plain"))
    assert page_value(target, 'pingshot_table_used{table="registry_transactions"}') == 0
