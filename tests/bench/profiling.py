# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a server's time goes: perf over its process while it is under a load."""

import os
import subprocess

import servers

DATA = os.path.join(servers.OUT, "perf.data")


def record(server, apply_load, seconds):
    """Returns the load's result, the shares of programs and kernel, and those of functions."""
    # The kernel's clock, because virtual machines often have no hardware counters.
    perf = subprocess.Popen(
        ["perf", "record", "-q", "-e", "cpu-clock", "-F", "4999", "-o", DATA,
         "-p", str(server.process.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        result = apply_load(server, 16, seconds)
    finally:
        perf.terminate()
        complaint = perf.communicate(timeout=30)[1].decode().strip()
    objects, symbols = report("dso"), report("dso,symbol")
    if not symbols:
        raise servers.StartError(f"perf recorded nothing: {complaint}")
    return result, objects[:5], symbols[:40]


def report(sort):
    command = ["perf", "report", "--stdio", "-i", DATA, "--no-children", "--sort", sort]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return [line for line in done.stdout.splitlines() if line and not line.startswith("#")]
