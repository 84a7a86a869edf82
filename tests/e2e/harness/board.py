# SPDX-License-Identifier: GPL-2.0-or-later
"""Boards in QEMU, and the images that they run."""

import fcntl
import json
import os
import pathlib
import re
import socket
import subprocess

from . import stack
from .capacities import ROOT, Capacities
from .process import Process
from .target import Target


def _word(name, value):
    """Of a setting in the name of an image's folder. Of a path it is only the file's name: its
    folder is another one in each test run."""
    word = f"{name.lower()}_{value.stem if isinstance(value, pathlib.Path) else value}"
    return word.replace(":", ".")  # of an IPv6 address; make takes it for its own


class Board:
    """A folder of board/."""

    def __init__(self, name):
        self.name = name
        text = (ROOT / "board" / name / "board.mk").read_text()
        settings = dict(re.findall(r"^(BOARD_\w+)\s*:=\s*(\S+)", text, re.MULTILINE))
        self.machine = settings["BOARD_QEMU"]
        self.seed_address = settings["BOARD_SEED"]
        self.capacities = Capacities(f"board/{name}/limits.h")

    @staticmethod
    def settings_of(
        authority,
        duplicates=None,
        explicit_timestamps=False,
        scraper_timeout_s=None,
        trust_proxy=False,
        alert_events=False,
        dhcp=False,
        ntp=None,
    ):
        """What make is given for what a test wishes."""
        settings = {
            "CERT": authority and authority.server[0],
            "KEY": authority and authority.server[1],
            "DUPLICATE_EVENTS": duplicates,
            "EXPLICIT_TIMESTAMPS": explicit_timestamps and 1,
            "SCRAPER_TIMEOUT": scraper_timeout_s,
            "TRUST_PROXY": trust_proxy and 1,
            "ALERT_EVENTS": alert_events and 1,
            "ADDRESS": dhcp and "dhcp",
            "NTP": ntp,
        }
        return {name: value for name, value in settings.items() if value}

    def image(self, run_folder, **settings):
        """Paths of an image built with these settings of make, and of what harness/stack.py knows
        of it; built once in a test run, whose worker processes share `run_folder`."""
        fixed = {} if "ADDRESS" in settings else {"GATEWAY": Target.host_ip}
        words = {"ADDRESS": f"{Target.ip}/24", **fixed, **settings}
        variant = "-".join(["e2e", *(_word(name, settings[name]) for name in sorted(settings))])
        with open(run_folder / f"{self.name}.lock", "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            image = ROOT / "build" / self.name / variant / "pingshot.elf"
            facts = run_folder / f"{self.name}-{variant}.json"
            if not facts.exists():
                self._make(VARIANT=variant, **words)
                stack.write_facts(image, facts)
        return image, facts

    def _make(self, **words):
        environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
        done = subprocess.run(
            ["make", "-s", "-C", ROOT, f"BOARD={self.name}", *(f"{k}={v}" for k, v in words.items())],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment,
        )  # fmt: skip
        assert done.returncode == 0, f"make {words}: {done.stdout}{done.stderr}"


class BoardTarget(Target):
    """A board's image in QEMU, its Ethernet on a TAP in `namespace`."""

    knows_time = False
    tls_options = {"record_bytes": 2048}  # it has no memory for the longest ones
    clock_error_s = 10  # on a busy machine QEMU lets ticks go
    patience = 4

    @property
    def cut_step(self):
        return 11 if self.authority else 3

    def __init__(self, board, image, namespace, log_path, authority=None, resets=False, seeded=True):  # fmt: skip
        """`image` is what Board.image returned. With `resets` the test makes it reset, otherwise it
        must not. Without `seeded` it has no source of randomness."""
        self.name = board.name
        self.capacities = board.capacities
        self.seed_address = int(board.seed_address, 0)
        self.image, self._facts = image
        self._resets = resets
        self._monitor_path = log_path.with_suffix(".monitor")
        seed = log_path.with_suffix(".seed")
        subprocess.run([ROOT / "port/cortex-m/seed.sh", seed], check=True)
        namespace.command("ip", "tuntap", "add", "dev", self.interface, "mode", "tap")
        namespace.command("ip", "address", "add", f"{self.host_ip}/24", "dev", self.interface)
        namespace.command("ip", "link", "set", self.interface, "up")
        argv = ["qemu-system-arm", "-M", board.machine, "-kernel", self.image]
        argv += ["-display", "none", "-monitor", "none", "-serial", "stdio"]
        argv += ["-qmp", f"unix:{self._monitor_path},server=on,wait=off"]
        argv += ["-nic", f"tap,id=cable,ifname={self.interface},script=no,downscript=no"]
        if seeded:
            argv += ["-device", f"loader,file={seed},addr={board.seed_address},force-raw=on"]
        super().__init__(namespace, authority, Process(namespace, argv, log_path))

    def monitor(self, command, **arguments):
        """Has QEMU's monitor (QMP) execute a command, and returns its result."""
        with socket.socket(socket.AF_UNIX) as sock, sock.makefile("rw") as file:
            sock.settimeout(10)
            sock.connect(str(self._monitor_path))
            result = None
            for request in ({"execute": "qmp_capabilities"},
                            {"execute": command, "arguments": arguments}):  # fmt: skip
                file.write(json.dumps(request) + "\n")
                file.flush()
                while "return" not in (result := json.loads(file.readline())):
                    assert "error" not in result, result
            return result["return"]

    def memory(self, address, size):
        """What is there, as bytes."""
        dump = self.process.log_path.with_suffix(".memory")
        self.monitor("pmemsave", val=address, size=size, filename=str(dump))
        return dump.read_bytes()

    def note_stack(self):
        """What its stack was painted for; at its end, and before a reset, which paints it anew."""
        stack.note(self, self._facts)

    def reset(self):
        """As its reset button does."""
        self.note_stack()
        self.monitor("system_reset")

    def stop(self):
        try:
            if self.process.exit_status is None:
                self.note_stack()
        finally:
            super().stop()

    def set_cable(self, plugged):
        self.monitor("set_link", name="cable", up=plugged)

    def check_after_stop(self):
        self.namespace.command("ip", "link", "delete", self.interface)
        starts = re.findall(r"^.*, reset: .*$", self.process.log(), re.MULTILINE)
        assert self._resets or len(starts) == 1, f"{self.name} was reset: {starts}"
