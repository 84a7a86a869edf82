# SPDX-License-Identifier: GPL-2.0-or-later
"""A bad link between a pingshot and its network: frames are lost, doubled, and late, so that others
overtake them. It is a program of its own, with pingshot's frame socket (--passt SOCKET) on one side
and a TAP, which it makes, on the other.

    relay.py SOCKET TAP ADDRESS/BITS SEED

It listens at SOCKET for one pingshot after another; while there is none, frames are lost. SIGUSR1
heals the link: from then on nothing is lost, doubled or late. At its end (SIGTERM) and when it is
healed it prints what it did so far, as a line of JSON.
"""

import fcntl
import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import time

LOST = 0.10
DOUBLED = 0.05
LATE = 0.10
LATE_MAX_S = 0.03
LATER_COPY_MAX_S = 0.1  # a doubled frame's second one

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
FRAME_BYTES_MAX = 65535 + 14
BACKLOG_BYTES_MAX = 1 << 20  # of a pingshot that does not read


class Link:
    """What becomes of frames: those that have arrived, and those that are still on their way."""

    def __init__(self, seed):
        self._random = random.Random(seed)
        self._on_the_way = []  # a heap of (when, number, frame, where to)
        self.healed = False
        self.counts = {"frames": 0, "lost": 0, "doubled": 0, "late": 0}

    def take(self, frame, deliver):
        """A frame that was sent."""
        self.counts["frames"] += 1
        if self.healed:
            deliver(frame)
            return
        now = time.monotonic()
        if self._random.random() < LOST:
            self.counts["lost"] += 1
            return
        if self._random.random() < DOUBLED:
            self.counts["doubled"] += 1
            self._put_off(now, LATER_COPY_MAX_S, frame, deliver)
        if self._random.random() < LATE:
            self.counts["late"] += 1
            self._put_off(now, LATE_MAX_S, frame, deliver)
        else:
            deliver(frame)

    def _put_off(self, now, seconds_max, frame, deliver):
        when = now + self._random.uniform(0, seconds_max)
        heapq.heappush(self._on_the_way, (when, self._random.random(), frame, deliver))

    def wait_s(self):
        """Seconds until the next one arrives, or None."""
        if not self._on_the_way:
            return None
        return max(0, self._on_the_way[0][0] - time.monotonic())

    def deliver_due(self):
        while self._on_the_way and self._on_the_way[0][0] <= time.monotonic():
            _, _, frame, deliver = heapq.heappop(self._on_the_way)
            deliver(frame)


class Pingshot:
    """The frame socket: each frame with its length before it, big-endian."""

    def __init__(self, path):
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(path)
        self._listener.listen()
        self._peer = None
        self._input = b""
        self._output = b""

    def readers(self):
        return [self._listener, *([self._peer] if self._peer else [])]

    def writers(self):
        return [self._peer] if self._peer and self._output else []

    def accept(self):
        """The one before is dead, or will be: there is one pingshot at a time."""
        self._hang_up()
        self._peer, _ = self._listener.accept()
        self._peer.setblocking(False)

    def _hang_up(self):
        if self._peer:
            self._peer.close()
        self._peer = None
        self._input = b""
        self._output = b""

    def read(self):
        """The frames that have come."""
        try:
            data = self._peer.recv(1 << 18)
        except ConnectionResetError:
            data = b""
        if not data:
            self._hang_up()
            return []
        self._input += data
        frames = []
        while len(self._input) >= 4:
            size = 4 + struct.unpack("!I", self._input[:4])[0]
            if len(self._input) < size:
                break
            frames.append(self._input[4:size])
            self._input = self._input[size:]
        return frames

    def send(self, frame):
        if self._peer and len(self._output) < BACKLOG_BYTES_MAX:
            self._output += struct.pack("!I", len(frame)) + frame

    def flush(self):
        try:
            while self._peer and self._output:
                self._output = self._output[self._peer.send(self._output) :]
        except BlockingIOError:
            pass
        except (BrokenPipeError, ConnectionResetError):
            self._hang_up()


class Tap:
    def __init__(self, name, address):
        self._fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        request = struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI)
        fcntl.ioctl(self._fd, TUNSETIFF, request)
        subprocess.run(["ip", "address", "add", address, "dev", name], check=True)
        subprocess.run(["ip", "link", "set", name, "up"], check=True)

    def fileno(self):
        return self._fd

    def read(self):
        """The frames that have come."""
        frames = []
        try:
            while True:
                frames.append(os.read(self._fd, FRAME_BYTES_MAX))
        except BlockingIOError:
            return frames

    def send(self, frame):
        try:
            os.write(self._fd, frame)
        except BlockingIOError:
            pass  # one more that is lost


def run(pingshot, tap, link):
    while True:
        readable, _, _ = select.select(
            [tap, *pingshot.readers()], pingshot.writers(), [], link.wait_s()
        )
        if tap in readable:
            for frame in tap.read():
                link.take(frame, pingshot.send)
        for ready in readable:
            if ready is tap:
                continue
            if ready is pingshot.readers()[0]:
                pingshot.accept()
            elif ready in pingshot.readers():
                for frame in pingshot.read():
                    link.take(frame, tap.send)
        link.deliver_due()
        pingshot.flush()


def main():
    path, name, address, seed = sys.argv[1:]
    link = Link(int(seed))

    def heal(*_):
        link.healed = True
        print(json.dumps(link.counts), flush=True)

    def end(*_):
        print(json.dumps(link.counts), flush=True)
        sys.exit(0)

    signal.signal(signal.SIGUSR1, heal)
    signal.signal(signal.SIGTERM, end)
    tap = Tap(name, address)
    pingshot = Pingshot(path)
    print("listening", flush=True)
    run(pingshot, tap, link)


if __name__ == "__main__":
    main()
