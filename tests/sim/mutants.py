#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Bugs put into the server on purpose: the simulator must find each of them within SEEDS seeds.

Each is one exact change of one source file, compiled and linked into a server of its own; a text
that is not there any more is an error, so a mutant cannot go stale unseen.

    tests/sim/mutants.py --sim build/sim --compile 'cc ... -c' --link 'cc -shared ...' [NAME...]
"""

import argparse
import os
import shlex
import subprocess
import sys

# So many seeds are played at most; each of these is found within a few dozen.
SEEDS = 1500

MUTANTS = {
    "commit-on-send": (
        "app/http/handlers_scrape.c",
        "    delivery_sent(&app->state->delivery, scrape->events.handle);\n    return true;",
        "    delivery_commit(&app->state->delivery, scrape->events.handle, app->http.now_ms);\n"
        "    return true;",
    ),
    "no-rollback-on-reset": (
        "app/events/delivery.c",
        "        end_rolled_back(d, &d->scrapes[index]);\n        d->counts.rollbacks_connection++;",
        "        d->scrapes[index].handle = 0;\n        d->counts.rollbacks_connection++;",
    ),
    "no-rollback-on-board-reset": (
        "app/events/delivery_recover.c",
        "        if (is_in_state(&d->scrapes[i], DELIVERY_RECORD_DELIVERED)) {",
        "        if (is_in_state(&d->scrapes[i], DELIVERY_RECORD_DELIVERED) ||\n"
        "            is_in_state(&d->scrapes[i], DELIVERY_RECORD_SENT)) {",
    ),
    "commit-after-timeout": (
        "app/events/delivery.c",
        "    return clock_reached(now_ms, scrape->started_ms + scrape->timeout_ms + 1u);",
        "    (void)scrape;\n    (void)now_ms;\n    return false;",
    ),
    "ambiguous-and-not-told": (
        "app/events/delivery.c",
        "    if (scrape->seal != 0) {\n        delivery_record_ambiguous(d, scrape);",
        "    if (scrape->seal == 1u) {\n        delivery_record_ambiguous(d, scrape);",
    ),
    "keys-forgotten-on-board-reset": (
        "app/state.c",
        "    idempotency_recover(",
        "    idempotency_init(&s->idempotency, old_key);\n    idempotency_recover(",
    ),
    "in-flight-to-a-second-scrape": (
        "app/events/delivery.c",
        "    if (e->in_flight & bit || !follows_older(d, scrape, e, bit, stamp)) {",
        "    if (!follows_older(d, scrape, e, bit, stamp)) {",
    ),
}


def build(name, args):
    """The server with this bug: its path."""
    source, old, new = MUTANTS[name]
    with open(source, encoding="utf-8") as file:
        text = file.read()
    if text.count(old) != 1:
        sys.exit(f"sim-mutants: {name}: {source} has its text {text.count(old)} times, not once;"
                 " adapt it in tests/sim/mutants.py")
    base = os.path.join(args.sim, "mutants", name)
    os.makedirs(os.path.dirname(base), exist_ok=True)
    with open(base + ".c", "w", encoding="utf-8") as file:
        file.write(f'#line 1 "{source}"\n' + text.replace(old, new))
    subprocess.run(shlex.split(args.compile) + ["-o", base + ".o", base + ".c"], check=True)
    # In front of the archive, so that the linker does not look for the right one there.
    subprocess.run(shlex.split(args.link.replace("@MUTANT@", base + ".o")) + ["-o", base + ".so"],
                   check=True)
    return base + ".so"


def find(name, server, args):
    """The seed that shows the bug, or None. Few seeds first: most need no more."""
    first = 1
    for count in (100, 400, SEEDS - 500):
        run = subprocess.run([os.path.join(args.sim, "sim"), args.sim, f"SEEDS={count}",
                              f"FIRST={first}", f"SERVER={server}"],
                             stdout=subprocess.PIPE, text=True, check=False)
        failures = [line for line in run.stdout.splitlines() if line.startswith("sim: seed ")]
        if failures:
            failures.sort(key=lambda line: int(line.split()[2].rstrip(":")))
            return failures[0].split("; again")[0]
        first += count
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sim", required=True)
    parser.add_argument("--compile", required=True)
    parser.add_argument("--link", required=True)
    parser.add_argument("names", nargs="*", default=list(MUTANTS))
    args = parser.parse_args()
    missed = 0
    for name in args.names or MUTANTS:
        found = find(name, build(name, args), args)
        if found:
            print(f"  FOUND  {name}: {found[5:]}", flush=True)
        else:
            print(f"  MISSED {name}: {SEEDS} seeds go well with it", flush=True)
            missed += 1
    print(f"sim-mutants: {len(args.names or MUTANTS) - missed} found, {missed} missed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
