# SPDX-License-Identifier: GPL-2.0-or-later
"""The real curl, as somebody at a shell uses it."""

import collections

# What Prometheus 2.42 sends.
PROMETHEUS_ACCEPT = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)

Answer = collections.namedtuple("Answer", "status text content_type")


def curl_at(target, *arguments, data=None):
    """Runs the real curl; arguments that begin with '/' are paths on the target. `data` goes to
    its standard input."""
    words = [target.url + word if word.startswith("/") else word for word in arguments]
    form = "\n%{http_code} %{content_type}"
    command = ["curl", "-q", "--noproxy", "*", "-sS", "--max-time", "20", "-w", form, *words]
    if target.authority:
        command[1:1] = ["--cacert", str(target.authority.ca)]
    done = target.namespace.command(*command, input=data, check=False)
    assert done.returncode == 0, done
    text, _, last = done.stdout.decode().rpartition("\n")
    status, _, content_type = last.partition(" ")
    return Answer(int(status), text, content_type)


def refused(answer, status, *words):
    """One line that has all these words."""
    assert answer.status == status, answer
    assert answer.text.endswith("\n") and answer.text.count("\n") == 1, answer
    for word in words:
        assert word in answer.text, answer
