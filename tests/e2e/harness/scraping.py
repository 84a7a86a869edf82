# SPDX-License-Identifier: GPL-2.0-or-later
"""A scraper as simple as can be: for tests of what else may go on meanwhile."""

import time


def scrape_while(target, seconds, interval_s=0.2, timeout_s=5):
    """Scrapes as Prometheus does: over one connection, which it dials again for the next scrape
    when it was closed; every interval, of which those are left out that come while it still waits
    for a page. Returns the pages. A refused or broken scrape fails the test."""
    headers = [
        ("User-Agent", "Prometheus/2.42.0"),
        ("X-Prometheus-Scrape-Timeout-Seconds", str(timeout_s)),
    ]
    pages = []
    client = None
    begin = time.monotonic()
    deadline = begin + seconds
    while begin < deadline:
        client = client or target.client(timeout_s)
        reply = client.get("/metrics", headers)
        assert reply.status == 200
        pages.append(reply.text)
        if reply.says_close():
            assert client.is_closed()
            client.close()
            client = None
        while begin <= time.monotonic():
            begin += interval_s
        time.sleep(max(0, begin - time.monotonic()))
    if client:
        client.close()
    return pages
