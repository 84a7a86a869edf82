# SPDX-License-Identifier: GPL-2.0-or-later
"""Load: wrk, and batches of pipelined requests for what wrk is too coarse to show."""

import json
import os
import select
import socket
import subprocess
from dataclasses import dataclass

HERE = os.path.dirname(os.path.abspath(__file__))


class LoadError(Exception):
    """The load did not go as it must: a refused request, a broken connection."""


@dataclass
class Result:
    rate: float  # requests a second
    cpu_us: float  # processor time of the server, microseconds a request
    bytes_each: float  # of a response, head included


def wrk(server, script, arguments, connections, seconds):
    """Runs wrk with one thread against a server. Any answer but a success is an error."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "5s",
               "-s", script, server.url, "--", *arguments]
    cpu_before = server.cpu_ns()
    run = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=seconds + 30)
    cpu_ns = server.cpu_ns() - cpu_before
    server.must_run()
    try:
        report = json.loads(run.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise LoadError(f"wrk: {run.stderr.strip() or run.stdout.strip()}") from None
    what = f"{server.name}: {script} {' '.join(arguments)}"
    if report["refused"] or report["broken"] or not report["requests"]:
        raise LoadError(f"{what}: of {report['requests']} requests {report['refused']} were refused"
                        f" and {report['broken']} broke off")
    requests = report["requests"]
    return Result(requests * 1e6 / report["us"], cpu_ns / requests / 1e3,
                  report["bytes"] / requests)


def pipelined(server, requests):
    """Sends all requests over one connection at once and reads all the answers. Returns the
    server's processor time in nanoseconds a request: it leaves out the client, which in wrk
    takes more time than a small request does in the server."""
    waiting = memoryview(b"".join(requests))
    answered = 0
    tail = b""
    marker = b"HTTP/1.1 200"
    cpu_before = server.cpu_ns()
    with socket.create_connection(server.address, timeout=5) as connection:
        connection.setblocking(False)
        while answered < len(requests):
            readable, writable, _ = select.select(
                [connection], [connection] if waiting else [], [], 5)
            if not readable and not writable:
                raise LoadError(f"{server.name}: {answered} of {len(requests)} pipelined requests"
                                " were answered, then nothing for 5 s")
            if writable:
                waiting = waiting[connection.send(waiting[:65536]):]
            if readable:
                bytes_read = connection.recv(262144)
                if not bytes_read or b"HTTP/1.1 4" in bytes_read or b"HTTP/1.1 5" in bytes_read:
                    raise LoadError(f"{server.name}: a pipelined request failed: "
                                    f"{(tail + bytes_read)[-300:]!r}")
                joined = tail + bytes_read
                answered += joined.count(marker)
                tail = joined[-(len(marker) - 1):]
    return (server.cpu_ns() - cpu_before) / len(requests)
