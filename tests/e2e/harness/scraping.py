# SPDX-License-Identifier: GPL-2.0-or-later
"""A scraper as simple as can be: for tests of what else may go on meanwhile."""

import time


def scrape_while(target, seconds, interval_s=0.2, timeout_s=5):
    """Scrapes as Prometheus does, over one connection which it dials again when it was closed; the
    pages. A refused or broken scrape fails the test."""
    headers = [
        ("User-Agent", "Prometheus/2.42.0"),
        ("X-Prometheus-Scrape-Timeout-Seconds", str(timeout_s)),
    ]
    pages = []
    deadline = time.monotonic() + seconds
    client = target.client(timeout_s)
    while time.monotonic() < deadline:
        reply = client.get("/metrics", headers)
        assert reply.status == 200
        pages.append(reply.text)
        if reply.says_close():
            assert client.is_closed()
            client.close()
            client = target.client(timeout_s)
        time.sleep(interval_s)
    client.close()
    return pages
