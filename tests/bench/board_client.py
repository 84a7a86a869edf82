# SPDX-License-Identifier: GPL-2.0-or-later
"""A client whose every frame is a step of its own: it sends one, waits until the board has handled
it and sleeps again, and looks at what came. So the same request always meets the board in the same
way, however busy this machine is. How a kernel's TCP would acknowledge, and what the board finds
waiting when it looks, depends on the moment.

It has an IP and a MAC address beside the kernel's, which ignores its frames.
"""

import collections
import socket
import struct
import time

import board_run

IP, MAC = "192.168.76.50", bytes.fromhex("02005e100050")
ETH_P_ALL, ETH_IP, ETH_ARP = 3, 0x0800, 0x0806
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MSS, WINDOW = 1460, 65535
STEP_S, STEPS_MAX = 3, 5  # a step that nothing comes of is tried again
MASK = 0xFFFFFFFF


def checksum(data):
    """RFC 1071."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total >> 16) + (total & 0xFFFF)
    return total ^ 0xFFFF


class Cable:
    """Frames to the board and from it. `counters` say when it sleeps."""

    def __init__(self, counters):
        self._counters = counters
        counters.settled()  # what others made it do must not be taken for the work of a step
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self._socket.bind((board_run.TAP, ETH_P_ALL))
        self._socket.settimeout(5)
        self._board_mac = None
        self._port = 20000
        self._resolve()
        self._socket.setblocking(False)

    def close(self):
        self._socket.close()

    def next_port(self):
        self._port += 1
        return self._port

    def _resolve(self):
        """Asks for the board's MAC address, which makes this one known to it, too."""
        self._send(b"\xff" * 6, ETH_ARP, self._arp(1, b"\0" * 6))
        while self._board_mac is None:
            frame = self._socket.recv(2048)
            if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\2" and frame[:6] == MAC:
                self._board_mac = frame[22:28]

    @staticmethod
    def _arp(operation, mac):
        return (struct.pack("!HHBBH", 1, ETH_IP, 6, 4, operation) + MAC + socket.inet_aton(IP)
                + mac + socket.inet_aton(board_run.ADDRESS))

    def _send(self, mac, kind, body):
        self._socket.send(mac + MAC + struct.pack("!H", kind) + body)

    def step(self, segment, answered):
        """Has the board handle a segment of TCP (its checksum still 0), which it answers, or may
        answer. Returns the segments that it sent."""
        addresses = socket.inet_aton(IP) + socket.inet_aton(board_run.ADDRESS)
        pseudo = addresses + struct.pack("!BBH", 0, 6, len(segment))
        segment = segment[:16] + struct.pack("!H", checksum(pseudo + segment)) + segment[18:]
        head = struct.pack("!BBHHHBB", 0x45, 0, 20 + len(segment), 0, 0, 64, 6)
        head += struct.pack("!H", checksum(head + b"\0\0" + addresses)) + addresses
        collections.deque(self._received(), 0)  # the kernel's, which else leave no room
        for _ in range(STEPS_MAX):
            worked = self._counters.after_work(
                lambda: self._send(self._board_mac, ETH_IP, head + segment), STEP_S)
            came = self.wait() if worked and answered else list(self._received())
            if worked and (came or not answered):
                return came
        raise board_run.BoardError("the board does not answer")

    def wait(self):
        """The segments that come next, or none within a step's time."""
        deadline = time.monotonic() + STEP_S
        while not (came := list(self._received())) and time.monotonic() < deadline:
            time.sleep(0.001)
        return came

    def _received(self):
        while True:
            try:
                frame = self._socket.recv(2048)
            except BlockingIOError:
                return
            if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\1":
                if frame[38:42] == socket.inet_aton(IP):
                    self._send(self._board_mac, ETH_ARP, self._arp(2, self._board_mac))
            elif frame[:6] == MAC and frame[12:14] == b"\x08\x00" and frame[23] == 6:
                yield frame[34:14 + struct.unpack("!H", frame[16:18])[0]]


class Connection:
    """One TCP connection. It acknowledges each second segment, as RFC 9293 section 3.8.6.3 asks,
    and one that is left alone when the board sends no more."""

    def __init__(self, cable):
        self._cable = cable
        self._port = cable.next_port()
        self._next, self._expected = 0, 0
        self._data = b""
        self._unacknowledged = 0  # segments
        self._fin = False
        self._exchange(SYN, options=struct.pack("!BBH", 2, 4, MSS))
        self._exchange(ACK)

    def _exchange(self, flags, data=b"", options=b""):
        """Sends a segment, and takes all that the board sends for that."""
        self._take_all(self._transmit(flags, data, options))

    def _take_all(self, segments):
        came = collections.deque(segments)
        while came:
            self._take(came.popleft())
            if self._unacknowledged == 2:
                came += self._transmit(ACK)

    def _transmit(self, flags, data=b"", options=b""):
        head = struct.pack("!HHIIBBHHH", self._port, board_run.PORT, self._next, self._expected,
                           (20 + len(options)) // 4 << 4, flags, WINDOW, 0, 0)
        self._unacknowledged = 0
        self._next = (self._next + len(data) + bool(flags & (SYN | FIN))) & MASK
        return self._cable.step(head + options + data, answered=flags != ACK)

    def _take(self, segment):
        _, _, sequence, _, offset, flags = struct.unpack("!HHIIBB", segment[:14])
        data = segment[(offset >> 4) * 4:]
        if flags & RST:
            raise board_run.BoardError("the board reset the connection")
        if flags & SYN and self._expected == 0:
            self._expected = sequence
        if sequence != self._expected:
            return  # again: this machine stood still for a while
        self._expected = (sequence + len(data) + bool(flags & (SYN | FIN))) & MASK
        self._fin = self._fin or bool(flags & FIN)
        self._data += data
        self._unacknowledged += bool(data)

    def request(self, method, path, body=b"", closing=False, **words):
        """One request that fits into a segment. Returns (head, body) of a 200. When the connection
        is `closing` next, that acknowledges the last segment."""
        request = board_run.request_bytes(method, path, body, **words)
        assert len(request) <= board_run.SEGMENT_BYTES, request
        self._data = b""
        self._exchange(PSH | ACK, request)
        while not board_run.is_whole(self._data):
            if self._unacknowledged > 0:
                self._exchange(ACK)
                continue
            came = self._cable.wait()
            if not came:
                raise board_run.BoardError(f"{method} {path}: no more than {len(self._data)} bytes")
            self._take_all(came)
        if not closing and self._unacknowledged > 0:
            self._exchange(ACK)
        return board_run.checked(method, path, self._data)

    def close(self):
        self._exchange(FIN | ACK)
        if not self._fin:
            self._take_all(self._cable.wait())
        if not self._fin:
            raise board_run.BoardError("the board does not close its side")
        self._transmit(ACK)
