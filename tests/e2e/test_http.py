# SPDX-License-Identifier: GPL-2.0-or-later
"""HTTP/1.1 and 1.0 as raw bytes on a socket: the happy path and every refusal of SPEC section 2,
each in one write and in a segment for each byte."""

import contextlib
import dataclasses

import pytest

from harness.http_client import FramingError, assert_error_line, crlf


@dataclasses.dataclass
class Case:
    name: str
    request: bytes
    status: int
    closes: bool = False
    says: str = ""  # a word that the body must have
    headers: dict = dataclasses.field(default_factory=dict)  # a value that each must contain
    method: str = "GET"

    def __post_init__(self):
        self.closes = self.closes or self.status in (408, 414, 431, 501, 505)


HOST = "Host: pingshot"
TEXT = "Content-Type: text/plain"
FORM = "Content-Type: application/x-www-form-urlencoded"
JSON = "Content-Type: application/json"


def body_request(target, content_type, body, *headers):
    return (
        crlf(
            f"POST {target} HTTP/1.1", HOST, content_type, f"Content-Length: {len(body)}", *headers
        )
        + body
    )


def chunked_request(target, content_type, framed, *headers):
    return (
        crlf(f"POST {target} HTTP/1.1", HOST, content_type, "Transfer-Encoding: chunked", *headers)
        + framed
    )


OK = [
    Case("get", crlf("GET /ping HTTP/1.1", HOST), 200, says="PONG - "),
    Case("lower-case header names", crlf("GET /ping HTTP/1.1", "hOST:pingshot"), 200),
    Case("blanks around a value", crlf("GET /ping HTTP/1.1", "Host: \t pingshot \t"), 200),
    Case("empty lines before the request", b"\r\n" + crlf("GET /ping HTTP/1.1", HOST), 200),
    Case("absolute form", crlf("GET http://pingshot/ping HTTP/1.1", HOST), 200, says="PONG"),
    Case("query ignored", crlf("GET /ping?a=b&c HTTP/1.1", HOST), 200, says="PONG"),
    Case("percent-decoded path", crlf("GET /%70in%67 HTTP/1.1", HOST), 200, says="PONG"),
    Case("close asked for", crlf("GET /ping HTTP/1.1", HOST, "Connection: close"), 200, True),
    Case("close in a list", crlf("GET /ping HTTP/1.1", HOST, "Connection: foo, CLOSE"), 200, True),
    Case("1.0", crlf("GET /ping HTTP/1.0"), 200, True, says="PONG"),
    Case("1.0 kept alive", crlf("GET /ping HTTP/1.0", "Connection: keep-alive"), 200),
    Case("1.0, length unknown", crlf("GET /metrics?scraper=old HTTP/1.0"), 200, True, "pingshot_"),
    Case("head", crlf("HEAD /ping HTTP/1.1", HOST), 200, method="HEAD"),
    Case("head of metrics", crlf("HEAD /metrics HTTP/1.1", HOST), 200, method="HEAD"),
    Case("healthz", crlf("GET /healthz HTTP/1.1", HOST), 200),
    Case("healthy", crlf("GET /-/healthy HTTP/1.1", HOST), 200),
    Case("ready", crlf("GET /-/ready HTTP/1.1", HOST), 200),
    Case(
        "same lengths twice", b"GET /ping HTTP/1.1\r\nHost: a\r\nContent-Length: 0, 0\r\n\r\n", 200
    ),
    Case("unused body", crlf("GET /ping HTTP/1.1", HOST, "Content-Length: 5") + b"hello", 200),
    Case("body", body_request("/echo", TEXT, b"hello\n"), 200, says="hello"),
    Case(
        "chunks",
        chunked_request("/echo", TEXT, b"2\r\nhe\r\n003\r\nllo\r\n0\r\n\r\n"),
        200,
        says="hello",
    ),
    Case(
        "chunk extensions and trailers",
        chunked_request("/echo", TEXT, b'5;a=b; c="d"\r\nhello\r\n0;x\r\nTrailer: 1\r\n\r\n'),
        200,
        says="hello",
    ),
    Case(
        "media type parameters",
        body_request("/create", TEXT + "; charset=utf-8", b"http_a 1\n"),
        200,
    ),
    Case(
        "media type case", body_request("/create", "Content-Type: TEXT/Plain", b"http_a 1\n"), 200
    ),
    Case(
        "event without a body", crlf("POST /event?http=1 HTTP/1.1", HOST, "Content-Length: 0"), 200
    ),
    Case("event without a length", crlf("POST /event?http=1 HTTP/1.1", HOST), 200),
]

MALFORMED = [
    Case("no target", crlf("GET", HOST), 400, True),
    Case("no version", crlf("GET /ping", HOST), 400, True),
    Case("two blanks", crlf("GET  /ping HTTP/1.1", HOST), 400, True),
    Case("blank in the target", crlf("GET /pi ng HTTP/1.1", HOST), 400, True),
    Case("blank before the method", crlf(" GET /ping HTTP/1.1", HOST), 400, True),
    Case("method not a token", crlf("G(T /ping HTTP/1.1", HOST), 400, True),
    Case("version misspelt", crlf("GET /ping HTTP/1.1x", HOST), 400, True),
    Case("version in lower case", crlf("GET /ping http/1.1", HOST), 400, True),
    Case("not HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400, True),
    Case("relative target", crlf("GET ping HTTP/1.1", HOST), 400, True),
    Case("percent and no hex", crlf("GET /%zz HTTP/1.1", HOST), 400),
    Case("NUL in the target", b"GET /pi\0ng HTTP/1.1\r\nHost: a\r\n\r\n", 400, True),
    Case("NUL in a header", b"GET /ping HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n", 400, True),
    Case("bare CR in the request line", b"GET /ping HTTP/1.1\rHost: a\r\n\r\n", 400, True),
    Case("bare CR in a header", b"GET /ping HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400, True),
    Case("bare LF", b"GET /ping HTTP/1.1\nHost: a\n\n", 400, True),
    Case("no colon", crlf("GET /ping HTTP/1.1", HOST, "nonsense"), 400, True),
    Case("blank before the colon", crlf("GET /ping HTTP/1.1", HOST, "X : y"), 400, True),
    Case("no header name", crlf("GET /ping HTTP/1.1", HOST, ": y"), 400, True),
    Case("folded header", crlf("GET /ping HTTP/1.1", HOST, "X: a", " b"), 400, True),
    Case("no Host", crlf("GET /ping HTTP/1.1"), 400, True, "Host"),
    Case("two Hosts", crlf("GET /ping HTTP/1.1", HOST, HOST), 400, True, "Host"),
    Case(
        "lengths differ",
        crlf("GET /ping HTTP/1.1", HOST, "Content-Length: 1", "Content-Length: 2") + b"ab",
        400,
        True,
        "Content-Length",
    ),
    Case(
        "lengths differ in a list",
        crlf("GET /ping HTTP/1.1", HOST, "Content-Length: 1, 2"),
        400,
        True,
        "Content-Length",
    ),
    Case(
        "negative length",
        crlf("POST /echo HTTP/1.1", HOST, TEXT, "Content-Length: -1"),
        400,
        True,
        "Content-Length",
    ),
    Case(
        "length not a number",
        crlf("POST /echo HTTP/1.1", HOST, TEXT, "Content-Length: 1x"),
        400,
        True,
        "Content-Length",
    ),
    Case(
        "empty length",
        crlf("POST /echo HTTP/1.1", HOST, TEXT, "Content-Length:"),
        400,
        True,
        "Content-Length",
    ),
    Case(
        "length and chunked",
        chunked_request("/echo", TEXT, b"0\r\n\r\n", "Content-Length: 5"),
        400,
        True,
        "Transfer-Encoding",
    ),
    Case(
        "chunked and length",
        crlf("POST /echo HTTP/1.1", HOST, TEXT, "Content-Length: 5", "Transfer-Encoding: chunked")
        + b"0\r\n\r\n",
        400,
        True,
        "Transfer-Encoding",
    ),
    Case(
        "chunked in 1.0",
        crlf("POST /echo HTTP/1.0", TEXT, "Transfer-Encoding: chunked") + b"0\r\n\r\n",
        400,
        True,
    ),
    Case("chunk size not hex", chunked_request("/echo", TEXT, b"xyz\r\n"), 400, True, "chunk"),
    Case("chunk size empty", chunked_request("/echo", TEXT, b"\r\n"), 400, True, "chunk"),
    Case(
        "chunk size negative",
        chunked_request("/echo", TEXT, b"-5\r\nhello\r\n"),
        400,
        True,
        "chunk",
    ),
    Case(
        "chunk size too large", chunked_request("/echo", TEXT, b"fffffffff\r\n"), 400, True, "chunk"
    ),
    Case(
        "chunk without its end",
        chunked_request("/echo", TEXT, b"2\r\nhello\r\n0\r\n\r\n"),
        400,
        True,
        "chunk",
    ),
    Case(
        "bare LF in a chunk size",
        chunked_request("/echo", TEXT, b"5\nhello\r\n0\r\n\r\n"),
        400,
        True,
        "chunk",
    ),
]

REFUSED = [
    Case("unknown path", crlf("GET /nowhere HTTP/1.1", HOST), 404, says="/nowhere"),
    Case("webhook with a slash", body_request("/webhook/", JSON, b"{}"), 404),
    Case("path is case-sensitive", crlf("GET /Ping HTTP/1.1", HOST), 404),
    Case("post to ping", body_request("/ping", TEXT, b"x"), 405, headers={"allow": "GET, HEAD"}),
    Case("get of create", crlf("GET /create HTTP/1.1", HOST), 405, headers={"allow": "POST"}),
    Case(
        "put to metrics",
        crlf("PUT /metrics HTTP/1.1", HOST, "Content-Length: 0"),
        405,
        headers={"allow": "GET"},
    ),
    Case(
        "delete of a path without a family",
        crlf("DELETE /metrics HTTP/1.1", HOST),
        405,
        headers={"allow": "GET, HEAD"},
    ),
    Case(
        "get of a family",
        crlf("GET /metrics/http_a HTTP/1.1", HOST),
        405,
        headers={"allow": "DELETE"},
    ),
    Case("unknown method", crlf("BREW /ping HTTP/1.1", HOST), 405, headers={"allow": "GET"}),
    Case(
        "create without a type",
        crlf("POST /create HTTP/1.1", HOST, "Content-Length: 4") + b"a 1\n",
        415,
        says="text/plain",
    ),
    Case(
        "create with a wrong type",
        body_request("/create", "Content-Type: image/png", b"a 1\n"),
        415,
        says="application/json",
    ),
    Case(
        "update with a wrong type",
        body_request("/update", "Content-Type: text/html", b"a 1\n"),
        415,
        says="application/openmetrics-text",
    ),
    Case(
        "event with JSON",
        body_request("/event", JSON, b"{}"),
        415,
        says="application/x-www-form-urlencoded",
    ),
    Case(
        "unknown coding",
        crlf("POST /echo HTTP/1.1", HOST, TEXT, "Transfer-Encoding: gzip"),
        501,
        says="chunked",
    ),
    Case(
        "two codings",
        crlf("POST /echo HTTP/1.1", HOST, TEXT, "Transfer-Encoding: gzip, chunked"),
        501,
        says="chunked",
    ),
    Case("version 2.0", crlf("GET /ping HTTP/2.0", HOST), 505, says="HTTP/1.1"),
    Case("h2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    Case("version 0.9", crlf("GET /ping HTTP/0.9", HOST), 505),
    Case("version 3.0", crlf("GET /ping HTTP/3.0", HOST), 505),
]


def check(client, case):
    reply = client.reply(case.method)
    assert reply.status == case.status, reply
    if case.method == "HEAD":
        assert reply.body == b""
    elif case.status >= 400:
        assert_error_line(reply)
    assert case.says in reply.text, reply
    for name, value in case.headers.items():
        assert value in reply.headers.get(name, ""), reply
    if case.closes:
        assert reply.says_close() or reply.version == "HTTP/1.0", reply
        assert client.is_closed()
    else:
        assert not reply.says_close(), reply
        after = client.get("/ping")  # still in step: the next response is the next request's
        assert after.status == 200 and after.text.startswith("PONG"), after


@pytest.mark.parametrize("how", ["whole", "bytewise"])
@pytest.mark.parametrize("case", OK + MALFORMED + REFUSED, ids=lambda case: case.name)
def test_request(target, case, how):
    with target.client() as client:
        if how == "whole":
            client.send(case.request)
        else:
            client.send_bytewise(case.request)
        check(client, case)


# ---- Limits: one byte below, one byte above ---------------------------------------------------


def get_with_line(length):
    frame = len("GET /ping? HTTP/1.1")
    return crlf(f"GET /ping?{'x' * (length - frame)} HTTP/1.1", HOST)


def first_refused(target, request_of, low, high, status):
    """The smallest size that gets `status`; every smaller one that was tried got 200."""
    while low < high:
        middle = (low + high) // 2
        with target.client() as client:
            client.send(request_of(middle))
            reply = client.reply()
            assert reply.status in (200, status), reply
            if reply.status == 200:
                low = middle + 1
            else:
                assert_error_line(reply)
                assert client.is_closed()
                high = middle
    return low


def test_longest_request_line(target):
    limit = first_refused(target, get_with_line, 100, 4 * target.capacities.rx_bytes, 414)
    assert limit == target.capacities.request_line_bytes + 1
    for how in ("send", "send_bytewise"):
        with target.client() as client:
            getattr(client, how)(get_with_line(limit - 1))
            assert client.reply().status == 200
        with target.client() as client:
            getattr(client, how)(get_with_line(limit))
            assert client.reply().status == 414
            assert client.is_closed()


def test_longest_headers(target):
    def request(length):
        return crlf("GET /ping HTTP/1.1", HOST, "X: " + "x" * length)

    limit = first_refused(target, request, 100, 4 * target.capacities.rx_bytes, 431)
    assert target.capacities.rx_bytes - 100 < limit <= target.capacities.rx_bytes
    many = crlf("GET /ping HTTP/1.1", HOST, *(f"X-{i}: {'y' * 50}" for i in range(limit // 40)))
    for data in (request(limit), many):
        for how in ("send", "send_bytewise"):
            with target.client() as client:
                getattr(client, how)(data)
                reply = client.reply()
                assert reply.status == 431, reply
                assert client.is_closed()


def test_endless_request_line_is_refused_before_it_ends(target):
    with target.client() as client:
        with contextlib.suppress(OSError):
            client.send(b"GET /" + b"x" * (8 * target.capacities.rx_bytes))
        assert client.reply().status == 414
        assert client.is_closed()


def test_largest_body(target):
    """A body that has to be whole; exposition text streams and has no limit of its own."""
    limit = target.capacities.body_bytes
    prefix, suffix = b'{"name":"http_body","ignored":"', b'"}'

    def json_of(size):
        return prefix + b"x" * (size - len(prefix) - len(suffix)) + suffix

    assert target.post("/create", json_of(limit), "application/json").status == 200
    refused = crlf("POST /create HTTP/1.1", HOST, JSON, f"Content-Length: {limit + (1 << 20)}")
    with target.client() as client:  # refused on its head: nothing of it need be sent
        client.send(refused)
        reply = client.reply()
        assert reply.status == 413 and str(limit) in reply.text, reply
        assert client.is_closed()
    assert target.post("/create", json_of(limit + 1), "application/json").status == 413
    with target.client() as client:  # the length is not announced
        client.send(crlf("POST /create HTTP/1.1", HOST, JSON, "Transfer-Encoding: chunked"))
        with contextlib.suppress(OSError):
            client.send(b"%x\r\n%s\r\n0\r\n\r\n" % (limit + 1, json_of(limit + 1)))
        reply = client.reply()
        assert reply.status == 413, reply
        assert client.is_closed()
    assert target.request("DELETE", "/metrics/http_body").status == 204


# ---- Connections ------------------------------------------------------------------------------


def test_keep_alive(target):
    with target.client() as client:
        for _ in range(min(50, target.capacities.events // 3)):
            assert client.get("/ping").status == 200
            assert client.post("/event?http=keep").status == 200
            assert client.get("/nowhere").status == 404
            assert client.request("HEAD", "/ping").status == 200
        assert not client.is_closed(0.1)


@pytest.mark.parametrize("how", ["send", "send_bytewise"])
def test_pipelining(target, how):
    requests = [
        (crlf("GET /ping HTTP/1.1", HOST), 200, "PONG"),
        (body_request("/echo", TEXT, b"first\n"), 200, "first"),
        (crlf("GET /nowhere HTTP/1.1", HOST), 404, "nowhere"),
        (chunked_request("/echo", TEXT, b"6\r\nsecond\r\n0\r\n\r\n"), 200, "second"),
        (crlf("GET /metrics?scraper=pipeline HTTP/1.1", HOST), 200, "pingshot_"),
        (crlf("GET /metrics?scraper=pipeline HTTP/1.1", HOST), 200, "pingshot_"),
        (crlf("GET /ping HTTP/1.1", HOST, "Connection: close"), 200, "PONG"),
        (crlf("GET /time HTTP/1.1", HOST), None, ""),
    ]
    with target.client() as client:
        getattr(client, how)(b"".join(request for request, _, _ in requests))
        for _, status, text in requests[:-1]:
            reply = client.reply()
            assert reply.status == status and text in reply.text, reply
        assert client.is_closed(), "nothing after close is answered"


def test_many_requests_in_one_segment(target):
    """More than the receive buffer holds."""
    count = 4 * target.capacities.rx_bytes // 40
    with target.client() as client:
        client.send(crlf("GET /ping HTTP/1.1", HOST) * count)
        for _ in range(count):
            assert client.reply().status == 200


def test_continue(target):
    head = crlf("POST /echo HTTP/1.1", HOST, TEXT, "Content-Length: 5", "Expect: 100-continue")
    with target.client() as client:
        client.send(head)
        assert client.interim() == 100
        client.send(b"hello")
        reply = client.reply()
        assert reply.status == 200 and "hello" in reply.text
    with target.client() as client:  # the body came at once: either is right
        client.send(head + b"hello")
        reply = client.reply()
        reply = client.reply() if reply.status == 100 else reply
        assert reply.status == 200 and "hello" in reply.text
        assert client.get("/ping").status == 200


def test_refusal_instead_of_continue(target):
    with target.client() as client:
        client.send(
            crlf(
                "POST /create HTTP/1.1",
                HOST,
                "Content-Type: image/png",
                "Content-Length: 5",
                "Expect: 100-continue",
            )
        )
        assert client.reply().status == 415


def test_head_has_the_headers_of_get(target):
    for path in ("/ping", "/metrics", "/time", "/", "/healthz", "/api/v1/status"):
        head, get = target.request("HEAD", path), target.get(path)
        assert head.status == get.status == 200, path
        assert head.headers["content-type"] == get.headers["content-type"], path


def test_half_closed_client_gets_its_response(target):
    """FIN after the request, as from `printf ... | nc -N`."""
    with target.client() as client:
        client.send(crlf("GET /ping HTTP/1.1", HOST))
        client.sock.shutdown(1)
        assert client.reply().status == 200
        assert client.is_closed()


def test_closed_in_the_middle_of_a_request(target):
    for part in (b"", b"GET /pi", crlf("GET /ping HTTP/1.1", HOST)[:-2]):
        with target.client() as client:
            client.send(part)
            client.sock.shutdown(1)
            try:
                assert client.is_closed()
            except FramingError:
                pytest.fail(f"an answer to half a request, {part!r}")
    with target.client() as client:
        client.send(
            crlf("POST /create HTTP/1.1", HOST, TEXT, "Content-Length: 100") + b"http_half 1\n"
        )
        client.sock.shutdown(1)
        client.is_closed()
    assert "http_half" not in target.get("/metrics").text


# ---- Decoding ---------------------------------------------------------------------------------


def test_query_and_form_are_decoded(target):
    query = "/event?plus=a+b%2Bc&percent=%41%c3%a9%22%5c&empty="
    with target.client() as client:
        client.get("/metrics?scraper=decode")
        assert client.post(query, b"form=x+y%26z&amp=1").status == 200
        page = client.get("/metrics?scraper=decode").text
    labels = 'amp="1",form="x y&z",percent="Aé\\"\\\\",plus="a b+c"'
    assert f"events_to_metrics{{{labels}}} 1\n" in page


@pytest.mark.parametrize("query", ["a=%", "a=%4", "a=%4g", "%=1", "a=%ff"])
def test_bad_encoding_in_a_query(target, query):
    reply = target.post(f"/event?{query}")
    assert reply.status == 400
    assert_error_line(reply)
