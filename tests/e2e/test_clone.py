# SPDX-License-Identifier: GPL-2.0-or-later
"""Cloning: the /metrics page of a real program, posted to /create as it is, comes out of pingshot
with the same families, types, help, labels and values, by the judgement of an independent parser
and of promtool."""

import re

import prometheus_client.openmetrics.parser
import prometheus_client.parser
import pytest

from harness.daemons import Alertmanager, Prometheus, Pushgateway, VictoriaMetrics
from harness.exposition import OWN, types_of
from harness.namespace import Namespace

OPENMETRICS = [("Accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")]
TEXT = [("Accept", "text/plain")]

OWN_FAMILIES = 4  # of the registry's, at most, and as many series: pingshot's own

# What promtool has to say about names that the two systems pingshot stands in for gave these.
LINT_OF_REFERENCE_NAMES = {
    'ping_request_count counter metrics should have "_total" suffix',
    'ping_request_count non-histogram and non-summary metrics should not have "_count" suffix',
    'events_to_metrics_event_count counter metrics should have "_total" suffix',
    "events_to_metrics_event_count non-histogram and non-summary metrics should not have "
    '"_count" suffix',
    'events_to_metrics_scraper_counts counter metrics should have "_total" suffix',
}
# What it has to say about a name only once it has a type.
LINT_OF_A_TYPE = [
    'counter metrics should have "_total" suffix',
    'non-histogram metrics should not have "_bucket" suffix',
    'non-histogram metrics should not have "le" label',
    'non-summary metrics should not have "quantile" label',
    'non-histogram and non-summary metrics should not have "_count" suffix',
    'non-histogram and non-summary metrics should not have "_sum" suffix',
]


def number(value):
    """Comparable also when it is not a number."""
    return repr(float(value))


def labels_key(labels):
    """The numbers in le and quantile may be spelt otherwise in the other format (1 and 1.0)."""
    return frozenset(
        (name, number(value) if name in ("le", "quantile") else value)
        for name, value in labels.items()
    )


class Page:
    """A page as a parser read it: `samples` maps (name, labels) to a value, `types` a sample's name
    to its family's type, `helps` likewise."""

    def __init__(self):
        self.samples = {}
        self.types = {}
        self.helps = {}

    def add(self, name, labels, value, kind, documentation):
        key = (name, labels_key(labels))
        assert key not in self.samples, f"twice: {key}"
        self.samples[key] = number(value)
        self.types[name] = kind
        self.helps[name] = documentation


def read_text(text):
    page = Page()
    declared = types_of(text)
    # The parser gives every counter a name with _total, also where another family has that name.
    # So counters are hidden from it; what they are is in `declared`.
    hidden = re.sub(r"^(# TYPE \S+) counter$", r"\1 untyped", text, flags=re.MULTILINE)
    for family in prometheus_client.parser.text_string_to_metric_families(hidden):
        kind = declared.get(family.name, "untyped")
        for sample in family.samples:
            if not OWN.match(sample.name):
                page.add(sample.name, sample.labels, sample.value, kind, family.documentation)
    return page


def read_openmetrics(text):
    page = Page()
    families = prometheus_client.openmetrics.parser.text_string_to_metric_families(text)
    for family in families:
        for sample in family.samples:
            if not OWN.match(sample.name):
                page.add(
                    sample.name, sample.labels, sample.value, family.type, family.documentation
                )
    return page


def type_in_openmetrics(name, kind, page):
    """A counter is one there only under a name with _total, when no family has the name without
    it."""
    if kind == "counter":
        if name.endswith("_total") and name[: -len("_total")] not in page.types:
            return "counter"
        return "unknown"
    return "unknown" if kind == "untyped" else kind


def assert_same(what, got, expected):
    """Equal dicts; the message shows only what differs."""
    differing = {
        key: (got.get(key), expected.get(key))
        for key in got.keys() | expected.keys()
        if got.get(key) != expected.get(key)
    }
    assert not differing, f"{what}: got, expected: {dict(list(differing.items())[:10])}"


def promtool(net, tools, page):
    """Exit status of `promtool check metrics` and its lines. 0: accepted, 3: accepted with lint."""
    done = net.command(tools / "promtool", "check", "metrics", input=page.encode(), check=False)
    assert done.returncode in (0, 3), (done.returncode, done.stdout, done.stderr)
    return done.returncode, set((done.stdout + done.stderr).decode().splitlines())


@pytest.fixture(scope="module")
def clone_net():
    with Namespace() as made:
        yield made


def families_in(text):
    """The page in pieces, each a family with its comments."""
    pieces = []
    current = None
    for line in text.splitlines(keepends=True):
        name = re.match(r"(?:# (?:HELP|TYPE) )?([^ {]+)", line)[1]
        if current is None or not name.startswith(current):
            current = name
            pieces.append("")
        pieces[-1] += line
    return pieces


def mixes_label_names(page):
    """Within a family without a type, whose name is that of its samples: VictoriaMetrics does."""
    names = {}
    for name, labels in page.samples:
        names.setdefault(name, set()).add(frozenset(label for label, _ in labels))
    return any(len(sets) > 1 for sets in names.values())


def as_much_as_fits(text, capacities):
    """The page's families, without those for which a small target has no room."""
    kept = ""
    used = 0
    overhead_bytes = capacities.registry_line_overhead_bytes
    for number, piece in enumerate(families_in(text)):
        lines = piece.splitlines()
        bytes_more = sum(len(line) + overhead_bytes for line in ["a family", *lines])
        if (
            max(map(len, lines)) < capacities.line_bytes
            and used + bytes_more < capacities.registry_text_bytes * 9 // 10
            and number < capacities.families - OWN_FAMILIES
            and kept.count("\n") + len(lines) < capacities.series - OWN_FAMILIES
        ):
            kept += piece
            used += bytes_more
    return kept


def page_of(kind, net, tools, folder):
    """A page with something on it: the program has answered a few requests."""
    with kind(tools, net, folder) as daemon:
        for path in ("/", "/api/v1/status/buildinfo", "/metrics", "/nowhere"):
            daemon.get(path)
        return daemon.metrics()


SOURCES = [Prometheus, Alertmanager, VictoriaMetrics, Pushgateway]


@pytest.mark.parametrize("default_type", [None, "untyped"])
@pytest.mark.parametrize("kind", SOURCES, ids=lambda kind: kind.program)
def test_clone(start_target, own_target, clone_net, tools, tmp_path, kind, default_type):
    capacities = start_target.capacities
    source_text = as_much_as_fits(page_of(kind, clone_net, tools, tmp_path), capacities)
    source = read_text(source_text)
    assert len(source.samples) > min(30, capacities.series // 8)

    query = [f"type={default_type}"] if default_type else []
    if mixes_label_names(source):
        refused = own_target().post("/create", source_text, "text/plain")
        assert refused.status == 409 and "labels=any" in refused.text, refused
        query.append("labels=any")
    target = own_target()
    created = target.post("/create?" + "&".join(query), source_text, "text/plain")
    assert created.status == 200, created
    assert_same("the reply", read_text(created.text).samples, source.samples)

    declared = types_of(source_text)
    expected_types = {
        name: kind if kind != "untyped" or name in declared else default_type or "counter"
        for name, kind in source.types.items()
    }
    text_reply = target.get("/metrics", TEXT)
    assert text_reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    clone = read_text(text_reply.text)
    assert_same("samples", clone.samples, source.samples)
    assert_same("types", clone.types, expected_types)
    assert_same("help", clone.helps, source.helps)

    open_reply = target.get("/metrics", OPENMETRICS)
    assert open_reply.headers["content-type"].startswith("application/openmetrics-text")
    assert open_reply.text.endswith("\n# EOF\n")
    clone = read_openmetrics(open_reply.text)
    assert_same("samples in OpenMetrics", clone.samples, source.samples)
    assert_same(
        "types in OpenMetrics",
        clone.types,
        {name: type_in_openmetrics(name, kind, source) for name, kind in expected_types.items()},
    )
    assert_same("help in OpenMetrics", clone.helps, source.helps)

    check_lint(clone_net, tools, source_text, text_reply.text, set(source.types) - set(declared))


def check_lint(net, tools, source_text, clone_text, untyped_names):
    """promtool finds in the clone what it found in the source; more only about names that had no
    type there."""
    _, source_lines = promtool(net, tools, source_text)
    _, clone_lines = promtool(net, tools, clone_text)
    tolerated = source_lines | LINT_OF_REFERENCE_NAMES
    tolerated |= {f"{name} {lint}" for name in untyped_names for lint in LINT_OF_A_TYPE}
    assert clone_lines <= tolerated, clone_lines - tolerated


def test_promtool_has_nothing_to_say_about_our_own_page(own_target, clone_net, tools):
    target = own_target()
    target.get("/ping")
    target.get("/nowhere")
    target.post("/event?a=b&value=-1.5e300")
    target.get("/metrics?scraper=first")
    page = target.get("/metrics", TEXT).text
    _, lines = promtool(clone_net, tools, page)
    assert lines <= LINT_OF_REFERENCE_NAMES, lines - LINT_OF_REFERENCE_NAMES
    text = target.get("/metrics", OPENMETRICS).text
    families = list(prometheus_client.openmetrics.parser.text_string_to_metric_families(text))
    assert {family.name for family in families} >= {"pingshot_build_info", "ping_request_count"}


def test_clone_of_a_clone(start_target, own_target, clone_net, tools, tmp_path):
    """What came out goes in again: pages in both formats, pingshot's own names left out."""
    source_text = page_of(Pushgateway, clone_net, tools, tmp_path)
    source_text = as_much_as_fits(source_text, start_target.capacities)
    first = own_target()
    assert first.post("/create", source_text, "text/plain").status == 200
    expected = read_text(first.get("/metrics", TEXT).text)
    for accept in (TEXT, OPENMETRICS):
        reply = first.get("/metrics", accept)
        page = "".join(
            line + "\n"
            for line in reply.text.splitlines()
            if not OWN.match(line) and not OWN.match(line[len("# HELP ") :])
        )
        again = own_target()
        created = again.post("/create", page, reply.headers["content-type"])
        assert created.status == 200, created
        clone = read_text(again.get("/metrics", TEXT).text)
        assert_same("samples", clone.samples, expected.samples)
