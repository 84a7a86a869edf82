# SPDX-License-Identifier: GPL-2.0-or-later
"""Exposition pages, as tests look at them."""

import collections
import re

from .http_client import ResponseReader

EVENT = re.compile(r"^events_to_metrics(?:\{(.*)\})? (\S+)(?: (\S+))?$", re.MULTILINE)
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
TYPE = re.compile(r"^# TYPE (\S+) (\S+)$", re.MULTILINE)

# Names of pingshot's own.
OWN = re.compile(r"pingshot_|ping_request_count|events_to_metrics")

Event = collections.namedtuple("Event", "labels value timestamp")


def labels_of(text):
    """The labels between braces, as a dict of values unescaped."""
    plain = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}
    return {
        name: re.sub(r"\\.", lambda match: plain[match.group()], value)
        for name, value in LABEL.findall(text or "")
    }


def events_of(page):
    """The one-shot events of a page, in its order."""
    return [
        Event(labels_of(labels), float(value), timestamp and float(timestamp))
        for labels, value, timestamp in EVENT.findall(page)
    ]


def event_numbers(page):
    """Values of the label `n` of the page's events, as numbers, in the page's order."""
    return [int(event.labels["n"]) for event in events_of(page)]


def event_numbers_of_response(raw):
    """The same, of a whole HTTP response."""
    return event_numbers(ResponseReader(raw).reply().text)


def types_of(page):
    """Family name to type, as declared."""
    return dict(TYPE.findall(page))


def value_of(page, series):
    """The value of a series, named as the page spells it."""
    for line in page.splitlines():
        if line.startswith(series + " "):
            return float(line[len(series) + 1 :].split()[0])
    raise AssertionError(f"no series {series} in the page")
