# SPDX-License-Identifier: GPL-2.0-or-later
"""The webhook endpoints: what the real Alertmanager sends (payloads/ holds what it was seen to send),
taken, laid out, kept and counted; what is refused, and how; bodies at each limit."""

import json
import pathlib
import random
import re
import subprocess
import sys

import pytest

from harness.exposition import value_of
from harness.http_client import assert_error_line, crlf
from harness.process import wait_until

JSON = "application/json"
PAYLOADS = sorted((pathlib.Path(__file__).parent / "payloads").glob("*.json"))
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d[-+.eE\d]*')
ABOUT = re.compile(
    r"^notification (\d+): (?:up \d+ s|\S+) (/\S+) \((\w+)\), (\d+) bytes from ([\d.]+)(, a repeat)?(, kept cut)?$",
    re.MULTILINE,
)


def json_tool(text):
    """What `python3 -m json.tool --indent 4 --no-ensure-ascii` prints for a text."""
    command = [sys.executable, "-m", "json.tool", "--indent", "4", "--no-ensure-ascii"]
    return subprocess.run(command, input=text, capture_output=True, check=True).stdout


def laid_out(text):
    """The same, with every string and number spelt as in the text: json.tool lays out a text in
    which numbered strings stand for them, which are then put back."""
    tokens = TOKEN.findall(text)
    numbers = iter(range(len(tokens)))
    marked = TOKEN.sub(lambda _: b'"%d"' % next(numbers), text)
    return re.sub(rb'"(\d+)"', lambda match: tokens[int(match[1])], json_tool(marked))


def tokens_of(value):
    """Values and names of members, as a target's limit counts them."""
    if isinstance(value, dict):
        return 1 + sum(1 + tokens_of(member) for member in value.values())
    return 1 + sum(map(tokens_of, value)) if isinstance(value, list) else 1


def requests_total(target, path):
    page = target.get("/metrics").text
    match = re.search(
        rf'^pingshot_webhook_requests_total{{path="{path}",receiver="\w+"}} (\d+)$', page, re.M
    )
    return int(match[1])


# ---- What the real Alertmanager sends ----------------------------------------------------------


def endpoints_of(name):
    """Where a payload goes, and how its service answers: (path, status, start of the answer)."""
    if name.startswith("webhook"):
        return [("/webhook", 200, None)]
    if name.startswith("slack"):
        return [("/slack", 200, "ok")]
    accepted = '{"status":"success","message":"Event processed",'
    if name.startswith("pagerduty-v1"):
        return [("/pagerduty", 200, accepted + '"incident_key":"')]
    return [(path, 202, accepted + '"dedup_key":"') for path in ("/v2/enqueue", "/pagerduty")]


def fits(target, body):
    sizes = target.capacities
    return len(body) <= sizes.body_bytes and tokens_of(json.loads(body)) <= sizes.json_tokens


@pytest.mark.parametrize("payload", PAYLOADS, ids=lambda path: path.stem)
def test_payloads(target, payload):
    """Taken, answered, and laid out as json.tool does."""
    body = payload.read_bytes()
    for path, status, start in endpoints_of(payload.name):
        before = requests_total(target, path)
        reply = target.post(path, body, JSON)
        if not fits(target, body):
            assert reply.status == 413, reply
            assert path != "/webhook" or "max_alerts" in reply.text, reply
            assert requests_total(target, path) == before
            continue
        assert reply.status == status, reply
        expected = laid_out(body)
        if start is None:
            assert reply.headers["content-type"] == JSON
            assert reply.body == expected
        else:
            assert reply.text.startswith(start), reply
        assert requests_total(target, path) == before + 1
        listed = target.get("/webhook").text
        about = ABOUT.match(listed)
        assert about[2] == path and int(about[4]) == len(body), about
        assert about[5] == target.host_ip
        if not about[7]:
            assert listed.encode().split(b"\n", 1)[1].startswith(expected + b"\n")
    if payload.name.startswith("webhook") and fits(target, body):
        check_alerts(target, json.loads(body))
        resolve(target, json.loads(body))


def alert_lines(payload, status):
    return {
        f'pingshot_alert{{alertname="{alert["labels"]["alertname"]}",'
        f'fingerprint="{alert["fingerprint"]}",receiver="{payload["receiver"]}"}} 1'
        for alert in payload["alerts"]
        if alert["status"] == status
    }


def check_alerts(target, payload):
    """What fires is exposed, what is resolved is not."""
    lines = set(target.get("/metrics").text.splitlines())
    assert alert_lines(payload, "firing") <= lines
    assert not alert_lines(payload, "resolved") & lines


def resolve(target, payload):
    """Leaves no alert behind for those that come after it."""
    for alert in payload["alerts"]:
        alert["status"] = "resolved"
    small = [dict(alert, annotations={}, labels={"alertname": alert["labels"]["alertname"]},
                  generatorURL="") for alert in payload["alerts"]]  # fmt: skip
    for i in range(0, len(small), 3):
        text = json.dumps({"version": "4", "receiver": payload["receiver"], "alerts": small[i : i + 3]})
        assert target.post("/webhook", text, JSON).status == 200


def test_where_spellings_differ(target):
    """json.tool undoes escapes, and that is all the difference there is: in these payloads Go, which
    Alertmanager is written in, escapes & < and > as \\u0026 and so on. /webhook lays out the
    messages for others as well."""
    escapes = set()
    for payload in PAYLOADS:
        body = payload.read_bytes()
        if payload.name.startswith("webhook") or not fits(target, body):
            continue
        ours = target.post("/webhook", body, JSON).body.splitlines()
        theirs = json_tool(body).splitlines()
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs):
            if mine != other:
                found = re.findall(rb"\\u[0-9a-f]{4}", mine)
                assert found, mine
                escapes.update(found)
                for escape in found:
                    mine = mine.replace(escape, chr(int(escape[2:], 16)).encode())
                assert mine == other
    assert escapes == {rb"\u0026", rb"\u003c", rb"\u003e"}


def test_spellings_are_kept(target):
    text = rb'{"n":[1.0,1e5,-0,1E+2,0.10],"s":"\/\u00e9\ud83d\ude00","s":"\u0026"}'
    reply = target.post("/webhook", text, JSON)
    assert reply.status == 200 and reply.body == laid_out(text)


# ---- The console -------------------------------------------------------------------------------


def test_console(own_target):
    """The same text, the request's head before it."""
    target = own_target()
    body = (pathlib.Path(__file__).parent / "payloads/webhook-firing-1.json").read_bytes()
    body = body if fits(target, body) else b'{"a":[{"b":"\xc2\xb0C"},{}]}'
    assert target.post("/webhook", body, JSON).status == 200
    head = f"POST /webhook HTTP/1.1\nHost: pingshot\nContent-Type: {JSON}\nConnection: close\n"
    expected = f"{head}Content-Length: {len(body)}\n\n".encode() + laid_out(body) + b"\n"

    def printed():
        return target.process.log_path.read_bytes().replace(b"\r\n", b"\n")

    if "kept cut" not in target.get("/webhook").text:
        wait_until(lambda: expected in printed(), 20, "the notification on the console")
    about = wait_until(lambda: ABOUT.search(printed().decode()), 20, "its first line")
    assert about.groups()[:5] == ("1", "/webhook", "webhook", str(len(body)), target.host_ip)


def test_nothing_is_forged_on_the_console(own_target):
    """Whatever a client sends: no line that is not ours, nothing that a terminal obeys."""
    target = own_target()
    forged = "notification 9: forged"
    head = crlf(
        "POST /slack HTTP/1.1", "Host: a", f"Content-Type: {JSON}", "Content-Length: {}",
        f"X: \x9b2J\xc2\x9b\xc2\x85{forged}", "Authorization: Bearer s3cret",
    )  # fmt: skip
    text = '{"text":"\x7f\u009b2J\u0085%s\u2028%s\u2029%s\u202e%s \\n\\u001b[2J"}' % ((forged,) * 4)
    body = text.encode()
    with target.client() as client:
        client.send(head.replace(b"{}", b"%d" % len(body)) + body)
        assert client.reply().status == 200

    def log():
        return target.process.log_path.read_bytes().decode("utf-8", "replace")

    wait_until(lambda: r"\n\u001b[2J" in log(), 20, "the end of the notification on the console")
    shown = log()
    assert not [line for line in shown.splitlines() if line.startswith(forged)]
    assert "s3cret" not in shown and "Authorization: (not shown)" in shown
    for control in "\x7f\x85\x9b\x1b\u2028\u2029\u202e":
        assert control not in shown, hex(ord(control))
    assert r"\u007f\u009b2J\u0085" in shown


# ---- Refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path, body, status, says",
    [
        ("/webhook", b'{"a":1,}', 400, "byte 8: expected a name in double quotes, found '}'"),
        ("/webhook", b"[01]", 400, "byte 3: expected no more digits after a leading 0"),
        ("/webhook", b'"\xff"', 400, "byte 2: expected UTF-8, found byte 0xff"),
        ("/webhook", b'"\\ud800"', 400, "byte 8: expected \\u and a low surrogate"),
        ("/webhook", b"[] x", 400, "byte 4: expected nothing more after the value"),
        ("/webhook", b"", 400, "byte 1: expected a value, but the text ends"),
        ("/webhook", b'{"version":"4","alerts":[{}]}', 400, "alerts[0].labels: "),
        ("/slack", b"{", 400, "invalid_payload: byte 2: "),
        ("/slack", b"{}", 400, "no_text: "),
        ("/slack", b'{"attachments":[1]}', 400, "invalid_attachments: "),
    ],
)
def test_refusals(target, path, body, status, says):
    reply = target.post(path, body, JSON)
    assert reply.status == status and reply.text.startswith(says), reply
    assert_error_line(reply)


@pytest.mark.parametrize("path", ["/v2/enqueue", "/pagerduty"])
def test_pagerduty_refuses_in_json(target, path):
    reply = target.post(path, b'{"routing_key":"r","event_action":"trigger","payload":{}}', JSON)
    assert reply.status == 400 and reply.headers["content-type"] == JSON, reply
    answer = json.loads(reply.text)
    assert answer["status"] == "invalid event" and answer["message"] == "Event object is invalid"
    missing = [f"'payload.{name}' is missing or blank" for name in ("summary", "source", "severity")]
    assert answer["errors"] == missing
    reply = target.post(path, b'{"routing_key":', JSON)
    answer = json.loads(reply.text)
    assert reply.status == 400 and answer["status"] == "Unrecognized object", reply
    assert answer["errors"][0].startswith("JSON parse error: byte 16: expected a value"), reply


@pytest.mark.parametrize("path", ["/webhook", "/slack", "/pagerduty", "/v2/enqueue"])
def test_json_only(target, path):
    for content_type in ("text/plain", "application/x-www-form-urlencoded"):
        reply = target.post(path, b"{}", content_type)
        assert reply.status == 415 and JSON in reply.text, reply
    reply = target.request("PUT", path)
    assert reply.status == 405 and "POST" in reply.headers["allow"], reply


# ---- Limits ------------------------------------------------------------------------------------


def text_of_bytes(size):
    """A text of so many bytes, nearly all of them one string."""
    return b'["' + b"x" * (size - 4) + b'"]'


def text_of_tokens(count):
    return b"[" + b",".join([b"0"] * (count - 1)) + b"]"


def text_of_depth(depth):
    return b"[" * depth + b"]" * depth


LIMITS = {
    "bytes": (lambda sizes: sizes.body_bytes, text_of_bytes, "max_alerts"),
    "tokens": (lambda sizes: sizes.json_tokens, text_of_tokens, "more values and names"),
    "depth": (lambda sizes: sizes.json_depth, text_of_depth, "nested deeper than"),
}


def pieces_of(data):
    """Segments as they may come: bytes one by one at both ends, any size between."""
    rng = random.Random(len(data))
    edge = min(300, len(data) // 2)
    pieces = [data[i : i + 1] for i in range(edge)]
    at = edge
    while at < len(data) - edge:
        size = min(rng.randrange(1, 3000), len(data) - edge - at)
        pieces.append(data[at : at + size])
        at += size
    return pieces + [data[i : i + 1] for i in range(at, len(data))]


@pytest.mark.parametrize("dripped", [False, True], ids=["whole", "dripped"])
@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("kind", LIMITS)
def test_limits(target, kind, chunked, dripped):
    """One under, at, and one over each limit."""
    limit_of, text_of, says = LIMITS[kind]
    limit = limit_of(target.capacities)
    for size in (limit - 1, limit, limit + 1):
        body = text_of(size)
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(body)}"
        head = crlf("POST /webhook HTTP/1.1", "Host: a", f"Content-Type: {JSON}", framing)
        sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
        with target.client(timeout_s=30) as client:
            refused_early = False
            for piece in pieces_of(head + sent) if dripped else [head + sent]:
                try:
                    client.send(piece)
                except OSError:  # refused and closed before all of it came
                    refused_early = True
                    break
            reply = client.reply()
            assert not refused_early or size > limit
            assert reply.status == (413 if size > limit else 200), (size, reply)
            if size > limit:
                assert says in reply.text and str(limit) in reply.text, reply
                assert_error_line(reply)
            else:
                assert json.loads(reply.body) == json.loads(body)


# ---- What is kept ------------------------------------------------------------------------------


def test_newest_are_kept(own_target):
    """The ring of bytes holds the last ones, and lists them newest first."""
    target = own_target()
    sizes = target.capacities
    bodies = []
    with target.client() as client:
        each = min(sizes.body_bytes, sizes.notification_ring_bytes // 4)
        for i in range(12):
            bodies.append(b'["%d %s"]' % (i, b"x" * (each - 200 - i)))
            assert client.post("/webhook", bodies[-1], JSON).status == 200
        listed = client.get("/webhook").body
        assert client.request("HEAD", "/webhook").status == 200
    numbers = [int(match[0]) for match in ABOUT.findall(listed.decode())]
    assert numbers == list(range(12, 12 - len(numbers), -1)) and 2 <= len(numbers) < 12
    for number in numbers:
        assert laid_out(bodies[number - 1]) in listed


def test_larger_than_the_ring(own_target):
    """Kept cut and marked, where a body can be so large."""
    target = own_target()
    sizes = target.capacities
    body = text_of_bytes(sizes.body_bytes)
    assert target.post("/webhook", body, JSON).status == 200
    listed = target.get("/webhook").text
    if sizes.body_bytes + 1000 < sizes.notification_ring_bytes:
        assert "kept cut" not in listed and laid_out(body).decode() in listed
        return
    match = re.search(r"^\.\.\. cut: (\d+) of (\d+) bytes are kept$", listed, re.MULTILINE)
    assert ABOUT.match(listed)[7] and int(match[2]) == len(body)
    assert len(body) > int(match[1]) > sizes.notification_ring_bytes - 700


# ---- Alerts ------------------------------------------------------------------------------------


def notification(*alerts, receiver="lab"):
    """(name, fires, since when) of each."""
    return json.dumps({
        "version": "4", "receiver": receiver,
        "alerts": [{"status": "firing" if fires else "resolved", "labels": {"alertname": "A"},
                    "fingerprint": name, "startsAt": since} for name, fires, since in alerts],
    }).encode()  # fmt: skip


def firing(target):
    return sorted(re.findall(r'^pingshot_alert{.*fingerprint="(\w+)"', target.get("/metrics").text, re.M))


def test_repeats_change_a_counter(own_target):
    target = own_target()
    repeats = 'pingshot_webhook_repeats_total{path="/webhook",receiver="webhook"}'
    for fires, expected in ((True, ["f1"]), (False, [])):
        for turn in range(3):
            reply = target.post("/webhook", notification(("f1", fires, "t")), JSON)
            assert reply.status == 200
            assert firing(target) == expected
        assert value_of(target.get("/metrics").text, repeats) == (2 if fires else 4)
    assert ABOUT.match(target.get("/webhook").text)[6] == ", a repeat"


def test_full_table_of_alerts(own_target):
    target = own_target()
    limit = target.capacities.alerts
    with target.client() as client:
        for i in range(limit):
            assert client.post("/webhook", notification((f"f{i}", True, "t")), JSON).status == 200
        reply = client.post("/webhook", notification(("f0", False, "t"), ("x", True, "t"), ("y", True, "t")), JSON)
        assert reply.status == 503 and str(limit) in reply.text, reply
        assert int(reply.headers["retry-after"]) > 0
        assert_error_line(reply)
    assert firing(target) == sorted(f"f{i}" for i in range(limit)), "all or nothing"
    assert target.post("/webhook", notification(("f0", False, "t"), ("x", True, "t")), JSON).status == 200
    assert firing(target) == sorted(["x", *(f"f{i}" for i in range(1, limit))])


def test_alert_events(own_target):
    """Each change of state is one event, exactly once."""
    target = own_target(alert_events=True)
    target.get("/metrics?scraper=s")
    for fires, status in ((True, "firing"), (False, "resolved")):
        for turn in range(2):
            assert target.post("/webhook", notification(("f1", fires, "t"), receiver="r"), JSON).status == 200
        line = f'events_to_metrics{{alertname="A",fingerprint="f1",receiver="r",status="{status}"}} 1\n'
        assert target.get("/metrics?scraper=s").text.count(line) == 1
        assert "\nevents_to_metrics{" not in target.get("/metrics?scraper=s").text
