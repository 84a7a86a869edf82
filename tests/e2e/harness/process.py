# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that a test starts: in a namespace, with a log file, stopped by their own pid."""

import os
import signal
import subprocess
import time


# How many times longer anything may take where other tests keep the machine busy. Nobody waits
# for it but a test that fails.
LOADED = 4


def wait_until(condition, seconds, what, interval_s=0.02):
    """Calls `condition` until it returns something true, which is returned; fails with a line that
    says `what` was waited for when that takes far longer than `seconds`, which are those of a quiet
    machine. What `condition` raises as OSError counts as "not yet"."""
    limit_s = seconds * LOADED
    deadline = time.monotonic() + limit_s
    last_error = ""
    while True:
        try:
            value = condition()
        except OSError as error:
            value = None
            last_error = f" (last error: {error})"
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {limit_s} s for {what}{last_error}")
        time.sleep(interval_s)


class Process:
    """A running program whose output goes to a log file."""

    running = []  # every process that has not been stopped: for the report of a failing test

    def __init__(self, namespace, argv, log_path, env=None, cwd=None):
        self.argv = [str(word) for word in argv]
        self.log_path = log_path
        with open(log_path, "wb") as log:
            # A suite that is killed takes its programs with it.
            self._popen = namespace.call(
                subprocess.Popen,
                ["setpriv", "--pdeathsig", "KILL", "--", *self.argv],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd or log_path.parent,  # what it makes is no business of the tree
            )
        Process.running.append(self)

    @property
    def pid(self):
        return self._popen.pid

    @property
    def exit_status(self):
        """None while it runs."""
        return self._popen.poll()

    def log(self):
        return self.log_path.read_text(errors="replace")

    def send_signal(self, number):
        self._popen.send_signal(number)

    def wait(self, seconds):
        """Exit status, or AssertionError when it does not end in time."""
        try:
            return self._popen.wait(seconds * LOADED)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.argv[0]} did not end within {seconds * LOADED} s") from None

    def stop(self, number=signal.SIGTERM, seconds=10):
        """Asks it to end, kills it when it does not, and returns its exit status."""
        try:
            if self.exit_status is None:
                self.send_signal(number)
            return self.wait(seconds)
        finally:
            if self.exit_status is None:
                self._popen.kill()
                self._popen.wait()
            if self in Process.running:
                Process.running.remove(self)

    def cpu_seconds(self):
        """User and system time used so far."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
