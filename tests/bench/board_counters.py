# SPDX-License-Identifier: GPL-2.0-or-later
"""What icount_plugin.c counts while a board runs in QEMU, and which functions it was."""

import array
import bisect
import collections
import mmap
import os
import struct
import time

HEAD = struct.Struct("<5Q")
SETTLED_S = 0.35  # longer than a delayed acknowledgement (Linux: 40 ms, lwIP: 250 ms)

Count = collections.namedtuple("Count", "bursts instructions profile")


class Counters:
    """The plugin's file. `image` is the elf.Image that runs."""

    # All of TCP passes through these. What else a board does by itself (it announces its name, asks
    # for routers, tells of its groups) comes when it comes, and no request causes it.
    MARKS = ("tcp_input", "tcp_output")

    def __init__(self, path, image, base, size):
        self.path, self._image, self._base, self._size = path, image, base, size
        self._map = None
        if os.path.exists(path):
            os.unlink(path)

    def plugin_argument(self, plugin):
        marks = "".join(f",mark={symbol.address & ~1:#x}" for symbol in self._image.symbols
                        if symbol.name.partition(".")[0] in self.MARKS)
        return f"{plugin},out={self.path},base={self._base:#x},bytes={self._size:#x}{marks}"

    def _read(self):
        if self._map is None:
            with open(self.path, "rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return HEAD.unpack_from(self._map)

    def settled(self):
        """The work so far, once the board has had none for a while."""
        deadline = time.monotonic() + 30
        last, since = None, time.monotonic()
        while time.monotonic() < deadline:
            bursts, instructions, *_ = self._read()
            if bursts != last:
                last, since = bursts, time.monotonic()
            elif time.monotonic() - since > SETTLED_S:
                profile = array.array("Q")
                profile.frombytes(self._map[HEAD.size:])
                return Count(bursts, instructions, profile)
            time.sleep(0.02)
        raise TimeoutError("the board does not come to rest")

    def after_work(self, cause, seconds):
        """Calls `cause`, which makes work, and waits until the board has done it and sleeps. Whether
        it did in time."""
        bursts = self._read()[0]
        cause()
        deadline = time.monotonic() + seconds
        while self._read()[0] == bursts or self._read()[4] != 0:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.0001)
        return True

    def work(self):
        """Instructions of the work so far."""
        return self._read()[1]

    def idle(self):
        """(bursts, instructions) of idling so far."""
        return self._read()[2:4]

    def functions(self, before, after):
        """{function: instructions} between two counts."""
        found = collections.Counter()
        for slot, (old, new) in enumerate(zip(before.profile, after.profile)):
            if new != old:
                function = self._image.function_at(self._base + 2 * slot)
                found[function[1] if function else "?"] += new - old
        return found

    def components(self, before, after, pieces, origins):
        """{component: instructions}: of the pieces of the image (linkmap.py)."""
        found = collections.Counter()
        starts = [piece.address for piece in pieces]
        names = {}
        for slot, (old, new) in enumerate(zip(before.profile, after.profile)):
            if new != old:
                index = bisect.bisect_right(starts, self._base + 2 * slot) - 1
                if index not in names:
                    names[index] = max(origins.of(pieces[index]).items(), key=lambda i: i[1])[0]
                found[names[index]] += new - old
        return found
