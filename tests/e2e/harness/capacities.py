# SPDX-License-Identifier: GPL-2.0-or-later
"""The sizes and times of a target, as its build has them: app/config.h and lwIP's options under the
target's limits.h, read by the preprocessor."""

import functools
import pathlib
import re
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[3]


class Capacities:
    """Attributes are sizes (tables by their number of entries) and times that clients can see."""

    def __init__(self, limits_header):
        self._macros = _macros_of(limits_header)
        self.families = self._value("CFG_FAMILIES_MAX")
        self.series = self._value("CFG_SERIES_MAX")
        self.registry_text_bytes = self._value("CFG_REGISTRY_TEXT_BYTES")
        # What a line takes there at most besides itself.
        self.registry_line_overhead_bytes = self._value("CFG_REGISTRY_VALUE_BYTES") + 10
        self.line_bytes = self._value("CFG_LINE_BYTES")
        self.events = self._value("CFG_EVENTS_MAX")
        self.event_text_bytes = self._value("CFG_EVENT_TEXT_BYTES")
        self.scrapers = self._value("CFG_SCRAPERS_MAX")
        self.scrapes_in_flight = self._value("CFG_SCRAPES_IN_FLIGHT_MAX")
        self.idempotency_keys = self._value("CFG_IDEMPOTENCY_KEYS")
        self.connections = self._value("CFG_CONNECTIONS_MAX")
        self.tls_sessions = self._value("CFG_TLS_SESSIONS_MAX")
        self.tls_waiting = self._value("CFG_TLS_WAITING_MAX")
        self.heap_bytes = self._value("CFG_NET_HEAP_SLABS") * (64 << 10) or self._value(
            "CFG_NET_HEAP_BYTES"
        )
        self.send_bytes = self._value("TCP_SND_BUF")
        self.rx_bytes = self._value("CFG_HTTP_RX_BYTES")
        self.request_line_bytes = self._value("CFG_HTTP_REQUEST_LINE_BYTES")
        self.body_bytes = self._value("CFG_HTTP_BODY_BYTES")
        self.json_tokens = self._value("CFG_JSON_TOKENS_MAX")
        self.json_depth = self._value("CFG_JSON_DEPTH_MAX")
        self.alerts = self._value("CFG_ALERTS_MAX")
        self.notification_ring_bytes = self._value("CFG_NOTIFICATION_RING_BYTES")
        self.request_timeout_s = self._value("CFG_HTTP_REQUEST_TIMEOUT_MS") / 1000
        self.stall_timeout_s = self._value("CFG_HTTP_STALL_TIMEOUT_MS") / 1000

    def series_that_fit(self, line):
        """How many series like this line (of exposition text) there is room for, roughly."""
        in_text = self.registry_text_bytes // (len(line) + self.registry_line_overhead_bytes)
        return min(self.series, in_text) * 9 // 10

    def _value(self, name):
        text = re.sub(r"\b(CFG|TCP)_\w+", lambda match: str(self._value(match[0])), self._macros[name])
        numbers = re.sub(r"(?<=\d)[uUlL]+\b", "", text)
        assert re.fullmatch(r"[0-9a-fxA-FX+*/() -]+", numbers), f"{name} is {text}"
        return eval(numbers.replace("/", "//"), {"__builtins__": {}})


@functools.cache
def _macros_of(limits_header):
    done = subprocess.run(
        ["cc", "-E", "-dM", "-include", ROOT / limits_header, "-iquote", ROOT / "app",
         "-I", ROOT / "port/lwip", ROOT / "port/lwip/lwipopts.h"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return dict(re.findall(r"^#define ((?:CFG|TCP)_\w+) (.+)$", done.stdout, re.MULTILINE))
