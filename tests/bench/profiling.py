# SPDX-License-Identifier: GPL-2.0-or-later
"""Where a server's time goes: perf over its process while it is under a load."""

import os
import subprocess

import servers

DATA = os.path.join(servers.OUT, "perf.data")


def record(server, apply_load, event, options):
    """Runs the load with perf on the server's process. Returns the load's result."""
    # The kernel's clock, because virtual machines often have no hardware counters.
    perf = subprocess.Popen(
        ["perf", "record", "-q", "-e", event, "-o", DATA, "-p", str(server.process.pid), *options],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    try:
        result = apply_load(server)
    finally:
        perf.terminate()
        complaint = perf.communicate(timeout=60)[1].decode().strip()
    if not os.path.exists(DATA):
        raise servers.StartError(f"perf recorded nothing: {complaint}")
    return result


def report(options, lines_max):
    command = ["perf", "report", "--stdio", "-i", DATA, *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    lines = [line.rstrip(" -") for line in done.stdout.splitlines()
             if line.strip() and not line.startswith("#")]
    return lines[:lines_max]


def profile(server, apply_load):
    """Returns the load's result and the text of three tables."""
    result = record(server, apply_load, "cpu-clock", ["-F", "4999"])
    tables = ["By program:"] + report(["--no-children", "--sort", "dso"], 5)
    tables += ["", "By function:"] + report(["--no-children", "--sort", "dso,symbol"], 30)
    record(server, apply_load, "cpu-clock:u", ["-F", "1999", "--call-graph", "dwarf,2048"])
    tables += ["", "Outside the kernel, each function with all that it calls (of the time there):"]
    tables += report(["--children", "-g", "none", "--sort", "symbol"], 50)
    return result, "\n".join(tables)
