# SPDX-License-Identifier: GPL-2.0-or-later
"""Load: wrk, new TLS connections, and batches of pipelined requests for what wrk is too coarse to
show."""

import json
import os
import resource
import socket
import subprocess
from dataclasses import dataclass

import servers

HERE = os.path.dirname(os.path.abspath(__file__))


class LoadError(Exception):
    """The load did not go as it must: a refused request, a broken connection."""


@dataclass
class Result:
    requests: int
    others: float  # share of the cores that neither the server nor the load used, but somebody did
    rate: float  # requests a second
    cpu_us: float  # processor time of the server, microseconds a request
    bytes_each: float  # of a response, head included


def _busy_s():
    """Processor time that the cores we may use have spent on anything, in seconds."""
    cores = {f"cpu{number}" for number in os.sched_getaffinity(0)}
    ticks = 0
    with open("/proc/stat", encoding="ascii") as stat:
        for line in stat:
            name, *times = line.split()
            if name in cores:
                user, nice, system, _idle, _wait, irq, softirq, steal = map(int, times[:8])
                ticks += user + nice + system + irq + softirq + steal
    return ticks / os.sysconf("SC_CLK_TCK")


def _children_s():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def wrk(server, script, arguments, connections, seconds, url=None):
    """Runs wrk with one thread against a server. Any answer but a success is an error."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "5s",
               "-s", script, url or server.url, "--", *arguments]
    return _measured(server, command, seconds, f"{script} {' '.join(arguments)}")


def tls_connections(server, path, group, connections, seconds):
    """New TLS 1.3 connections, so many at once, each for one GET; a "request" is all of that."""
    command = [servers.TLS_CONNECT, server.address[0], str(servers.PORT_TLS), path, group,
               str(connections), str(seconds)]
    return _measured(server, command, seconds, f"tls_connect {path}")


def _measured(server, command, seconds, what):
    """Runs a program that loads the server and says in JSON, on its last line, what it did."""
    cpu_before, busy_before, load_before = server.cpu_ns(), _busy_s(), _children_s()
    run = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=seconds + 30)
    cpu_ns = server.cpu_ns() - cpu_before
    others_s = _busy_s() - busy_before - (_children_s() - load_before) - cpu_ns / 1e9
    server.must_run()
    try:
        report = json.loads(run.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        raise LoadError(f"{command[0]}: {run.stderr.strip() or run.stdout.strip()}") from None
    if report["refused"] or report["broken"] or not report["requests"]:
        raise LoadError(f"{server.name}: {what}: of {report['requests']} requests"
                        f" {report['refused']} were refused and {report['broken']} broke off."
                        f" {run.stderr.strip()}")
    requests = report["requests"]
    seconds = report["us"] / 1e6
    others = max(0.0, others_s) / (seconds * len(os.sched_getaffinity(0)))
    return Result(requests, others, requests / seconds, cpu_ns / requests / 1e3,
                  report["bytes"] / requests)


def pipelined(server, requests, depth=64):
    """Sends the requests over one connection, `depth` at a time, and reads all the answers.
    Returns the server's processor time in nanoseconds a request: it leaves out the client, which
    in wrk takes more time than a small request does in the server."""
    cpu_before = server.cpu_ns()
    with socket.create_connection(server.address, timeout=5) as connection:
        for start in range(0, len(requests), depth):
            group = requests[start:start + depth]
            connection.sendall(b"".join(group))
            answers = b""
            while answers.count(b"HTTP/1.1 200") < len(group) or not answers.endswith(b"\n"):
                try:
                    more = connection.recv(65536)
                except TimeoutError:
                    more = b""
                answers += more
                if not more or b"HTTP/1.1 4" in answers or b"HTTP/1.1 5" in answers:
                    raise LoadError(f"{server.name}: pipelined requests failed or were not all"
                                    f" answered; the last answer: {answers[-200:]!r}")
    return (server.cpu_ns() - cpu_before) / len(requests)
