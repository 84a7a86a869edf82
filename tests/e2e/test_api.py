# SPDX-License-Identifier: GPL-2.0-or-later
"""What the endpoints do, as somebody at a shell sees it: the real curl, and pages read back."""

import json
import math
import socket
import time

import prometheus_client.parser
import pytest

from harness.curl import PROMETHEUS_ACCEPT, curl_at, refused
from harness.exposition import OWN, event_numbers, types_of, value_of
from harness.http_client import crlf
from harness.process import wait_until

VICTORIA_ACCEPT = "text/plain;version=0.0.4;q=1,*/*;q=0.1"
OPENMETRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@pytest.fixture(autouse=True)
def tidy(target):
    """Removes what a test has created: a small target has no room for what they all do."""
    yield
    page = target.get("/metrics?scraper=tidy").text
    for family in {name for name in types_of(page) if not OWN.match(name)}:
        assert target.request("DELETE", f"/metrics/{family}").status == 204


def create(curl, text, *arguments):
    answer = curl("/create", "--data-binary", "@-", *arguments, data=text.encode())
    assert answer.status == 200, answer
    return answer.text


def in_order(text):
    """A reply's lines, which come in the order of the table that they are in."""
    return sorted(text.splitlines())


AS_JSON = ("-H", "Content-Type: application/json")
AS_TEXT = ("-H", "Content-Type: text/plain")


# ---- POST /create ------------------------------------------------------------------------------


def test_create_from_a_shell(curl):
    """As in README: curl -d, whose content type says form."""
    assert create(curl, 'shell_total{path="/a"} 3') == 'shell_total{path="/a"} 3\n'
    page = curl("/metrics").text
    assert '\nshell_total{path="/a"} 3\n' in page
    assert types_of(page)["shell_total"] == "counter"


FIVE_TYPES = """\
# HELP five_requests_total Requests, with a \\\\ and a \\n in its help.
# TYPE five_requests_total counter
five_requests_total{code="200",path="/"} 10
five_requests_total{code="500",path="/"} 1.5
# HELP five_temperature A gauge.
# TYPE five_temperature gauge
five_temperature -3.25
# TYPE five_duration_seconds histogram
five_duration_seconds_bucket{le="0.1"} 1
five_duration_seconds_bucket{le="1"} 2
five_duration_seconds_bucket{le="+Inf"} 3
five_duration_seconds_sum 4.5
five_duration_seconds_count 3
# TYPE five_size_bytes summary
five_size_bytes{quantile="0.5"} 7
five_size_bytes{quantile="0.99"} NaN
five_size_bytes_sum 21
five_size_bytes_count 3
# TYPE five_other untyped
five_other{a="1"} +Inf
"""


def test_create_all_five_types(curl):
    create(curl, FIVE_TYPES, *AS_TEXT)
    page = curl("/metrics").text
    for line in FIVE_TYPES.splitlines():
        assert f"{line}\n" in page, line
    assert types_of(page)["five_size_bytes"] == "summary"
    again = create(curl, FIVE_TYPES, *AS_TEXT)
    samples = [line for line in FIVE_TYPES.splitlines() if not line.startswith("#")]
    assert in_order(again) == sorted(samples), "what exists already is reported too"
    assert curl("/metrics").text.count("five_temperature -3.25\n") == 1


def test_create_json(curl):
    """The object in pingpong's documentation, unknown members and a number for a value beside."""
    family = {
        "name": "json_metric",
        "help": "Description of metric",
        "type": "counter",
        "unknown": {"deep": [1, {"er": None}]},
        "metrics": [
            {"labels": {"path": "/some/path", "receiver": "slack"}, "value": "1"},
            {"labels": {"receiver": "other", "path": "/"}, "value": 2.5, "more": []},
        ],
    }
    lines = 'json_metric{path="/some/path",receiver="slack"} 1\n'
    lines += 'json_metric{path="/",receiver="other"} 2.5\n'
    assert in_order(create(curl, json.dumps(family), *AS_JSON)) == in_order(lines)
    page = curl("/metrics").text
    assert "# HELP json_metric Description of metric\n# TYPE json_metric counter\n" in page
    both = [
        {"name": "json_gauge", "type": "gauge", "metrics": [{"labels": {}, "value": "-0.5"}]},
        {
            "name": "json_escapes",
            "metrics": [{"labels": {"a": 'q"\\\n\u00e9\U0001f600'}, "value": 1}],
        },
    ]
    text = create(curl, json.dumps(both), *AS_JSON)
    assert in_order(text) == ['json_escapes{a="q\\"\\\\\\n\u00e9\U0001f600"} 1', "json_gauge -0.5"]
    assert types_of(curl("/metrics").text)["json_gauge"] == "gauge"


@pytest.mark.parametrize(
    "body",
    ["", "{", "[]]", '{"name":"x"} x', '{"name":5}', '{"metrics":[]}', "nonsense", '"text"', "3",
     '{"name":"json_bad","metrics":[{"labels":{"a":1},"value":"1"}]}',
     '{"name":"json_bad","metrics":[{"value":"one"}]}',
     '{"name":"json_bad","type":"meter","metrics":[{"value":"1"}]}',
     '{"name":"json-bad","metrics":[{"value":"1"}]}',
     '{"name":"json_bad","metrics":[{"labels":{"a-b":"c"},"value":"1"}]}',
     '{"name":"json_bad","metrics":[{"value":"1"},{"value":01}]}'],
)  # fmt: skip
def test_bad_json_is_refused(curl, body):
    refused(curl("/create", "--data-binary", body, *AS_JSON), 400)
    assert "json_bad" not in curl("/metrics").text


def test_default_type(curl):
    create(curl, "default_a 1\n")
    answer = curl(
        "/create?type=gauge", "--data-binary", "default_b 1\n# TYPE default_c counter\ndefault_c 1"
    )
    assert answer.status == 200
    types = types_of(curl("/metrics").text)
    assert (types["default_a"], types["default_b"], types["default_c"]) == (
        "counter",
        "gauge",
        "counter",
    )
    refused(curl("/create?type=meter", "-d", "default_d 1"), 400, "type=")


def test_existing_series_keep_their_value(curl):
    create(curl, 'keep{a="1"} 5\n')
    text = create(curl, 'keep{a="1"} 7\nkeep{a="2"} 8\n')
    assert in_order(text) == ['keep{a="1"} 5', 'keep{a="2"} 8']


def test_conflicts(curl):
    create(curl, '# TYPE conflict gauge\nconflict{a="1"} 5\n')
    refused(
        curl("/create", "-d", "# TYPE conflict counter\nconflict 1"),
        409,
        "conflict",
        "gauge",
        "counter",
    )
    refused(
        curl("/create", "-d", '# TYPE conflict gauge\nconflict{b="1"} 1'), 409, "conflict", "a", "b"
    )
    create(curl, '# HELP conflict another help\n# TYPE conflict gauge\nconflict{a="2"} 6\n')
    page = curl("/metrics").text
    assert 'conflict{a="1"} 5\nconflict{a="2"} 6\n' in page and "conflict{b" not in page


def test_mixed_label_names_need_a_word(curl):
    text = 'mixed{a="1"} 1\nmixed{b="2"} 2\n'
    refused(curl("/create", "--data-binary", text), 409, "labels=any")
    assert "mixed" not in curl("/metrics").text
    answer = curl("/create?labels=any", "--data-binary", text)
    assert in_order(answer.text) == in_order(text)


BAD_LINES = [
    ("bad_sample", "line 2"),
    ("bad_sample one", "line 2"),
    ("bad-sample 1", "line 2"),
    ('bad_sample{a="1} 1', "line 2"),
    ('bad_sample{a=1} 1', "line 2"),
    ('bad_sample{a="1",a="2"} 1', "line 2"),
    ('bad_sample{__a="1"} 1', "__a"),
    ("bad_sample 1 2 3", "line 2"),
    ("# TYPE bad_sample meter\nbad_sample 1", "line 2"),
]  # fmt: skip


@pytest.mark.parametrize("line, word", BAD_LINES)
def test_all_or_nothing(curl, line, word):
    body = f'nothing{{a="1"}} 1\n{line}\nnothing{{a="2"}} 2\n'
    refused(curl("/create", "--data-binary", body), 400, word)
    page = curl("/metrics").text
    assert "nothing" not in page and "bad_sample" not in page


def test_invalid_utf8_is_refused(curl):
    answer = curl("/create", "--data-binary", "@-", data=b'utf8_bad{a="\xff"} 1\n')
    refused(answer, 400, "UTF-8")
    assert create(curl, 'utf8_good{a="\u00e9\u4e16"} 1\n') == 'utf8_good{a="\u00e9\u4e16"} 1\n'


@pytest.mark.parametrize(
    "name",
    ["pingshot_mine", "ping_request_count", "events_to_metrics", "events_to_metrics_event_count"],
)
def test_reserved_names(curl, name):
    refused(curl("/create", "-d", f"{name} 1"), 409, name)
    refused(curl("/update", "-d", f"{name} 1"), 409, name)
    refused(curl("-X", "DELETE", f"/metrics/{name}"), 409, name)


def test_values_print_as_the_shortest_that_reads_back(curl):
    values = [
        "0",
        "-0",
        "1",
        "0.1",
        "100000",
        "1e+06",
        "123456789",
        "1e21",
        "1e-7",
        "0.30000000000000004",
        "5e-324",
        "1.7976931348623157e308",
        "2.2250738585072014e-308",
        "9007199254740993",
        "3.14159",
    ]
    text = "".join(f'value{{i="{i}"}} {value}\n' for i, value in enumerate(values))
    create(curl, "# TYPE value gauge\n" + text)
    page = curl("/metrics").text
    for i, value in enumerate(values):
        (printed,) = [
            line.split(" ")[1]
            for line in page.splitlines()
            if line.startswith(f'value{{i="{i}"}} ')
        ]
        assert float(printed) == float(value) and math.copysign(1, float(printed)) == math.copysign(
            1, float(value)
        )
        digits = printed.lower().partition("e")[0].replace(".", "").strip("-0")
        assert digits == repr(float(value)).partition("e")[0].replace(".", "").strip("-0"), printed


def chunked(text):
    size = 1000
    parts = [text[i : i + size].encode() for i in range(0, len(text), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in [*parts, b""])


def by_curl(target, text):
    """Over TLS it makes the longest records that there can be."""
    words = ("-H", "Transfer-Encoding: chunked", "--data-binary", "@-")
    return curl_at(target, "/create", *words, data=text.encode())


def by_client(target, text):
    head = ("Host: a", "Content-Type: text/plain", "Transfer-Encoding: chunked")
    with target.client() as client:
        client.send(crlf("POST /create HTTP/1.1", *head) + chunked(text))
        return client.reply()


@pytest.mark.parametrize("create_chunked", [by_curl, by_client])
def test_create_that_streams(target, curl, create_chunked):
    """As many series as there is room for, chunked, far larger than any buffer."""

    def line(i):
        return f'stream{{number="{i:06}",text="{"y" * 40}"}} {i}\n'

    count = target.capacities.series_that_fit(line(0))
    text = "".join(map(line, range(count)))
    assert len(text) > 2 * target.capacities.rx_bytes
    answer = create_chunked(target, text)
    assert answer.status == 200 and in_order(answer.text) == in_order(text)
    page = curl("/metrics").text
    assert text in page
    broken = text.replace("stream", "broken")[: len(text) // 2] + "\nbroken !\n"
    assert create_chunked(target, broken).status in (400, 503)
    assert "broken" not in curl("/metrics").text
    assert curl("-X", "DELETE", "/metrics/stream").status == 204
    assert "stream" not in curl("/metrics").text


# ---- POST /update, DELETE ----------------------------------------------------------------------


def test_update(curl):
    create(
        curl,
        '# TYPE up_c counter\nup_c{a="1"} 5\n# TYPE up_g gauge\nup_g 5\n'
        "# TYPE up_u untyped\nup_u 5\n",
    )
    update = ("/update", "--data-binary")
    assert curl(*update, 'up_c{a="1"} 2.5\n').text == 'up_c{a="1"} 7.5\n'
    assert in_order(curl(*update, "up_g -1\nup_u 9\n").text) == ["up_g -1", "up_u 9"]
    assert (
        curl(*update, '{"name":"up_c","metrics":[{"labels":{"a":"1"}}]}', *AS_JSON).text
        == 'up_c{a="1"} 8.5\n'
    )
    assert curl(*update, 'up_c{a="new"} 3\n').text == 'up_c{a="new"} 3\n'
    for bad in ("-1", "NaN", "-Inf"):
        refused(curl(*update, f'up_g 100\nup_c{{a="1"}} {bad}\n'), 400, "up_c")
    refused(curl(*update, "up_g 100\nnever_made 1\n"), 404, "never_made")
    page = curl("/metrics").text
    for line in ('up_c{a="1"} 8.5', 'up_c{a="new"} 3', "up_g -1", "up_u 9"):
        assert f"\n{line}\n" in page
    assert "never_made" not in page


def test_update_of_histogram_and_summary_sets(curl):
    create(curl, FIVE_TYPES, *AS_TEXT)
    text = 'five_duration_seconds_bucket{le="1"} 20\nfive_duration_seconds_count 30\n'
    text += 'five_size_bytes{quantile="0.5"} 1\n'
    assert in_order(curl("/update", "--data-binary", text).text) == in_order(text)
    page = curl("/metrics").text
    for line in text.splitlines():
        assert f"\n{line}\n" in page


def test_delete(curl):
    create(curl, 'gone{a="1"} 1\ngone{a="2"} 1\n')
    answer = curl("-X", "DELETE", "/metrics/gone")
    assert (answer.status, answer.text) == (204, "")
    assert "gone" not in curl("/metrics").text
    refused(curl("-X", "DELETE", "/metrics/gone"), 404, "gone")
    assert create(curl, "# TYPE gone gauge\ngone 3\n") == "gone 3\n"


# ---- GET /metrics ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "accept, content_type",
    [
        (None, TEXT_TYPE),
        ("*/*", TEXT_TYPE),
        (PROMETHEUS_ACCEPT, OPENMETRICS_TYPE),
        (VICTORIA_ACCEPT, TEXT_TYPE),
        ("text/plain", TEXT_TYPE),
        ("application/openmetrics-text", OPENMETRICS_TYPE),
        ("application/openmetrics-text;q=0.1,text/plain", TEXT_TYPE),
        ("application/openmetrics-text;version=2.0.0,text/plain;q=0.5", TEXT_TYPE),
        ("application/json", TEXT_TYPE),
    ],
)
def test_format_is_negotiated(curl, accept, content_type):
    create(curl, "format_requests 1\nformat_things_total 2\n# TYPE format_u untyped\nformat_u 1\n")
    answer = curl("/metrics?scraper=format", "-H", f"Accept: {accept}" if accept else "Accept:")
    assert (answer.status, answer.content_type) == (200, content_type)
    assert (answer.text[-6:] == "# EOF\n") == (content_type == OPENMETRICS_TYPE)
    types = types_of(answer.text)
    if content_type == OPENMETRICS_TYPE:
        assert types["format_requests"] == "unknown", "so that Prometheus stores it by that name"
        assert types["format_things"] == "counter" and types["format_u"] == "unknown"
    else:
        assert types["format_requests"] == types["format_things_total"] == "counter"
        assert types["format_u"] == "untyped"
    assert "\nformat_requests 1\n" in answer.text and "\nformat_things_total 2\n" in answer.text


def test_own_metrics(target, curl):
    curl("/ping")
    curl("/nowhere")
    curl("/metrics?scraper=own")
    page = curl("/metrics?scraper=own").text
    types = types_of(page)
    assert types["pingshot_build_info"] == "gauge" and "\npingshot_build_info{" in page
    assert value_of(page, "pingshot_uptime_seconds") > 0
    assert types["events_to_metrics_event_count"] == "counter"
    assert 'events_to_metrics_scraper_counts{agent="",scraper="own"} 2\n' in page
    assert sum(line.startswith("pingshot_http_requests_total{") for line in page.splitlines()) >= 3
    for table, limit in (
        ("families", target.capacities.families),
        ("series", target.capacities.series),
        ("events", target.capacities.events),
        ("scrapers", target.capacities.scrapers),
        ("connections", target.capacities.connections),
    ):
        label = f'{{table="{table}"}}'
        used, high, most, refusals = (
            value_of(page, f"pingshot_table_{what}{label}")
            for what in ("used", "high_water", "limit", "refusals_total")
        )
        assert most == limit and 0 <= used <= high <= most and refusals >= 0


def test_head_of_metrics_takes_no_event(target, curl):
    curl("/metrics?scraper=head")
    assert curl("-X", "POST", "/event?n=1").status == 200
    assert target.request("HEAD", "/metrics?scraper=head").status == 200
    assert event_numbers(curl("/metrics?scraper=head").text) == [1]


# ---- The rest ----------------------------------------------------------------------------------


def test_ping_counts(curl):
    def pings():
        lines = curl("/metrics").text.splitlines()
        return sum(
            float(line.split()[-1]) for line in lines if line.startswith("ping_request_count")
        )

    before = pings()
    answer = curl("/ping")
    assert answer.status == 200 and answer.text.startswith("PONG - ") and len(answer.text) > 12
    assert pings() == before + 1


def test_time(target, curl):
    answer = curl("/time")
    known = time.strftime("%Y", time.gmtime()) if target.knows_time else "clock not set"
    assert answer.status == 200 and known in answer.text


def test_echo(curl):
    answer = curl("/echo?a=b", "-H", "X-Test: yes", *AS_TEXT, "--data-binary", "body of it\n")
    assert answer.status == 200 and answer.content_type.startswith("text/plain")
    for part in ("POST /echo?a=b HTTP/1.1", "X-Test: yes", "body of it"):
        assert part in answer.text


def test_welcome_lists_the_endpoints(curl):
    answer = curl("/")
    assert answer.status == 200 and answer.content_type.startswith("text/plain")
    for path in ("/metrics", "/create", "/update", "/event", "/ping", "/healthz"):
        assert path in answer.text


@pytest.mark.parametrize("path", ["/healthz", "/-/healthy", "/-/ready"])
def test_health(curl, path):
    assert curl(path).status == 200


def test_status_is_json(curl):
    create(curl, 'status{a="quote \\" and \\\\ and \u00e9"} 1\n')
    curl("/metrics?scraper=\u00e9%22%5c")
    answer = curl("/api/v1/status")
    assert answer.status == 200 and answer.content_type == "application/json"
    assert isinstance(json.loads(answer.text), dict)


# ---- At the same time --------------------------------------------------------------------------


def half_a_create(target, client, name):
    """The first half of a POST /create; what it holds is hidden."""
    body = f'{name}{{a="1"}} 1\n{name}{{a="2"}} 2\n'.encode()
    head = crlf(
        "POST /create HTTP/1.1",
        "Host: a",
        "Content-Type: text/plain",
        f"Content-Length: {len(body)}",
    )
    client.send(head + body[: len(body) // 2 + 5])
    wait_until(
        lambda: 'table="registry_transactions"} 1\n' in target.get("/metrics").text, 3, "its start"
    )
    return body[len(body) // 2 + 5 :]


def test_a_create_that_is_abandoned_leaves_nothing(target, curl):
    with target.client() as client:
        half_a_create(target, client, "abandoned")
        assert "abandoned" not in curl("/metrics").text
        client.reset()
    assert create(curl, "# TYPE abandoned gauge\nabandoned 3\n") == "abandoned 3\n"


def test_two_creates_of_one_family_at_once(target, curl):
    """The second is told to try again, and can when the first has ended."""
    with target.client() as client:
        rest = half_a_create(target, client, "at_once")
        busy = curl("/create", "--data-binary", 'at_once{a="3"} 3\n')
        refused(busy, 503, "at_once")
        refused(curl("-X", "DELETE", "/metrics/at_once"), 503, "at_once")
        assert create(curl, 'another{a="3"} 3\n') == 'another{a="3"} 3\n'
        client.send(rest)
        assert in_order(client.reply().text) == ['at_once{a="1"} 1', 'at_once{a="2"} 2']
    assert create(curl, 'at_once{a="3"} 3\n') == 'at_once{a="3"} 3\n'


def test_a_slow_scrape_while_families_come_and_go(target, curl):
    """Every line of it is whole, and no series is there twice."""

    def line(f, i):
        return f'slow_{f}{{i="{i:04}",pad="{"p" * 50}"}} 1\n'

    families = min(20, target.capacities.families // 2)
    room = target.capacities.series_that_fit(line(10, 0)) * 2 // 3
    each = room // families
    create(curl, "".join(line(f, i) for f in range(families) for i in range(each)))
    with target.client(receive_buffer_bytes=2048, timeout_s=5) as client:
        client.send(crlf("GET /metrics?scraper=slow HTTP/1.1", "Host: a"))
        client.sock.recv(1000, socket.MSG_PEEK)
        for f in range(0, families, 2):
            assert curl("-X", "DELETE", f"/metrics/slow_{f}").status == 204
            create(curl, f"# TYPE slow_{f} gauge\n" + f'slow_{f}{{j="{f}"}} 2\n')
        create(curl, "".join(f'slow_new{{i="{i}"}} 3\n' for i in range(room // 12)))
        page = client.reply().text
    parsed = list(prometheus_client.parser.text_string_to_metric_families(page))
    samples = [(s.name, tuple(s.labels.items())) for f in parsed for s in f.samples]
    assert len(samples) == len(set(samples))
    assert sum(name.startswith("slow_1_") or name == "slow_1" for name, _ in samples) == each
