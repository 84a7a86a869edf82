# SPDX-License-Identifier: GPL-2.0-or-later
"""A TCP client in user space, on a packet socket, with its own IP and MAC beside the host's: the
test decides which byte is acknowledged, how wide the window is, and when the client goes silent.

The kernel ignores its frames, since they are for another MAC. Everything runs on the caller's
thread, inside Wire.run_until and Wire.run_for.
"""

import bisect
import contextlib
import select
import socket
import struct
import time

ETH_P_ALL = 3
ETH_IP, ETH_ARP = 0x0800, 0x0806
SO_RCVBUFFORCE = 33
RECEIVE_BUFFER_BYTES = 32 << 20
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MASK = 0xFFFFFFFF
MSS = 1460
SEGMENT_BYTES_MAX = 536  # what every TCP takes: RFC 9293 section 3.7.1
WINDOW_MAX = 65535


def internet_checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total > 0xFFFF:
        total = (total >> 16) + (total & 0xFFFF)
    return total ^ 0xFFFF


def response_bytes(data):
    """Length of the first whole HTTP response in `data`, or None while it is not whole."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return None
    head = bytes(data[:end]).lower()
    at = end + 4
    length = head.find(b"\r\ncontent-length:")
    if length >= 0:
        at += int(head[length + 17 :].split(b"\r\n", 1)[0])
        return at if len(data) >= at else None
    assert b"transfer-encoding: chunked" in head, head
    while True:
        line = data.find(b"\r\n", at)
        if line < 0:
            return None
        size = int(bytes(data[at:line]), 16)
        at = line + 2 + size + 2
        if len(data) < at:
            return None
        if size == 0:
            return at


class Connection:
    """One TCP connection. Set the policy before or after `send`; it holds from the next segment.

    ack_limit: how many bytes of the server's stream are acknowledged at most (None: all).
    hold_last: of what has arrived the last byte is never acknowledged.
    right_edge: the server may send the stream up to here (None: a window that is never full).
    silent: nothing at all is sent, whatever arrives.
    rst_on_data: what arrives is answered with RST, as a kernel does after close().
    drop: called with (offset, payload) of each arriving data segment; True loses it.
    """

    def __init__(self, wire, local_port):
        self._wire = wire
        self.local_port = local_port
        self.ack_limit = None
        self.hold_last = False
        self.right_edge = None
        self.silent = False
        self.rst_on_data = False
        self.drop = None
        self._next = wire.random.getrandbits(32)  # next sequence number to send
        self._waiting = b""  # what the server's window had no room for
        self._server_edge = 0  # sequence number up to which there is room
        self._first = None  # sequence number of the stream's first byte
        self.acked = 0  # bytes of the server's stream acknowledged so far
        self.received = bytearray()
        self._fin_acked = False
        self._segment_ends = []  # offsets behind each, its FIN counted
        self._ahead = {}  # offset: payload, received before what precedes it
        self._fin_at = None  # offset of the server's FIN
        self._content = self.received  # what HTTP sees of the stream
        self._request_at = 0  # where in the content the response to the last request begins
        self._sent_at = 0  # where in the stream
        self.was_reset = False
        self.segments = 0  # that brought data
        self._transmit(SYN, options=struct.pack("!BBH", 2, 4, MSS))
        self._next = (self._next + 1) & MASK

    def set_policy(self, policy):
        for name, value in policy.items():
            assert hasattr(self, name), name
            setattr(self, name, value)

    def start_counting(self):
        """What comes next is the first byte of the stream, for every offset."""
        self._first = (self._first + len(self.received)) & MASK
        self.received.clear()
        self._segment_ends.clear()
        self.acked = 0

    @property
    def established(self):
        return self._first is not None

    @property
    def server_closed(self):
        """The server's FIN has come, and everything before it."""
        return self._fin_at is not None and len(self.received) >= self._fin_at

    # ---- sending ---------------------------------------------------------------------------

    def send(self, data):
        """Sends a request; a short one is one segment."""
        self._note_request()
        self._send_segment(data)

    def _note_request(self):
        self._request_at = len(self._content)
        self._sent_at = len(self.received)

    def _send_segment(self, data):
        """Now, or piece by piece as the server's window has room: it is never asked for more."""
        self._waiting += data
        while self._waiting:
            piece = self._waiting[:SEGMENT_BYTES_MAX]
            room = (self._server_edge - self._next) & MASK
            if not len(piece) <= room <= MASK // 2:
                break
            self._waiting = self._waiting[len(piece) :]
            self._transmit(PSH | ACK, piece)
            self._next = (self._next + len(piece)) & MASK

    def acknowledge(self):
        """Sends an acknowledgement of what the policy allows."""
        self._transmit(ACK)

    def fin(self):
        self._transmit(FIN | ACK)
        self._next = (self._next + 1) & MASK

    def rst(self):
        self._transmit(RST | ACK)
        self._wire.forget(self)

    def _transmit(self, flags, data=b"", options=b""):
        ack = 0
        if flags & ACK:
            ack = (self._first + self._advance_ack()) & MASK
        window = WINDOW_MAX
        if self.right_edge is not None:
            window = max(0, min(WINDOW_MAX, self.right_edge - self.acked))
        head = struct.pack(
            "!HHIIBBHHH",
            self.local_port,
            self._wire.server_port,
            self._next,
            ack,
            (20 + len(options)) // 4 << 4,
            flags,
            window,
            0,
            0,
        )
        self._wire.transmit_tcp(head + options + data)

    def _advance_ack(self):
        """What to acknowledge, as an offset in the stream. Never takes back what was said."""
        limit = len(self.received) - (1 if self.hold_last else 0)
        if self.ack_limit is not None:
            limit = min(limit, self.ack_limit)
        self.acked = max(self.acked, limit)
        may_be_all = self.ack_limit is None or self.ack_limit > self.acked
        if self.server_closed and self.acked == len(self.received) and may_be_all:
            self._fin_acked = True
        return self.acked + self._fin_acked

    # ---- receiving -------------------------------------------------------------------------

    def on_segment(self, segment):
        _, _, sequence, ack, offset, flags, window = struct.unpack("!HHIIBBH", segment[:16])
        data = segment[(offset >> 4) * 4 :]
        if flags & RST:
            self.was_reset = True
            self._wire.forget(self)
            return
        self._server_edge = (ack + window) & MASK
        if flags & SYN:
            if not self.established:
                self._first = (sequence + 1) & MASK
            if not self.silent:
                self._transmit(ACK)
            return
        if not self.established:
            return
        if self._waiting and not self.silent:
            self._send_segment(b"")
        at = (sequence - self._first) & MASK
        if at > MASK // 2:
            at -= MASK + 1  # before the first byte: a keep-alive probe
        if data:
            self.segments += 1
            if self.drop and self.drop(at, data):
                return
            bisect.insort(self._segment_ends, at + len(data) + bool(flags & FIN))
            self._take(at, data)
        if flags & FIN:
            self._fin_at = at + len(data)
        if (data or flags & FIN or at < len(self.received)) and not self.silent:
            if self.rst_on_data and data:
                self.rst()
            else:
                self._transmit(ACK)

    def _take(self, at, data):
        self._ahead[at] = max(data, self._ahead.get(at, b""), key=len)
        progress = True
        while progress:
            progress = False
            for start in sorted(self._ahead):
                if start > len(self.received):
                    break
                self.received += self._ahead.pop(start)[len(self.received) - start :]
                progress = True
                break

    # ---- responses -------------------------------------------------------------------------

    def response(self):
        """The response to the last request, or None while it is not whole."""
        data = self._content[self._request_at :]
        size = response_bytes(data)
        return None if size is None else bytes(data[:size])

    def response_end(self):
        """Its end as an offset in the stream, or None while it is not whole."""
        response = self.response()
        return response and self._stream_offset(self._request_at + len(response))

    def response_size(self):
        """Bytes of the stream that carry it, once it is whole."""
        return self.response_end() - self._sent_at

    def response_acknowledged(self):
        """Its last byte has come and was acknowledged, with what else was in that segment: lwIP
        takes no notice before, nor does any TCP acknowledge less."""
        end = self.response_end()
        if end is None:
            return False
        segment_end = self._segment_ends[bisect.bisect_left(self._segment_ends, end)]
        return self.acked + self._fin_acked >= segment_end

    def _stream_offset(self, content_bytes):
        """Where in the stream the content has so many bytes."""
        return content_bytes


class Wire:
    """The client's end of the cable."""

    connection_class = Connection

    def __init__(self, target, random, ip="192.168.76.50", mac="02:00:5e:10:00:50"):
        self.random = random
        self.server_port = target.port
        self._ip = socket.inet_aton(ip)
        self._mac = bytes.fromhex(mac.replace(":", ""))
        self._server_ip = socket.inet_aton(target.ip)
        self._server_mac = None
        self._connections = {}
        self._port = random.randrange(1024, 65535)
        self._sock = target.namespace.socket(
            socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL)
        )
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        with contextlib.suppress(PermissionError):  # beyond what an ordinary user is given
            self._sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
        target.namespace.call(self._sock.bind, (target.interface, ETH_P_ALL))
        self._sock.setblocking(False)
        self._resolve()

    def close(self):
        """Resets what is still open."""
        for connection in list(self._connections.values()):
            if connection.established:
                connection.rst()
        self._sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def open(self, **policy):
        """Starts a connection; it is established by a later run_until."""
        self._port = self._port + 1 if self._port < 65535 else 1024
        connection = self.connection_class(self, self._port)
        connection.set_policy(policy)
        self._connections[self._port] = connection
        return connection

    def connect(self, **policy):
        connection = self.open(**policy)
        assert self.run_until(lambda: connection.established, 20), "no SYN, ACK within 20 s"
        return connection

    def forget(self, connection):
        self._connections.pop(connection.local_port, None)

    def exchange(self, connection, *request, seconds=10):
        """Sends a request, over TLS in parts, and returns the response, whole and acknowledged."""
        connection.send(*request)
        done = self.run_until(
            lambda: connection.response() is not None or connection.was_reset, seconds
        )
        assert done and not connection.was_reset, (connection.was_reset, connection.received[-200:])
        return connection.response()

    # ---- frames ----------------------------------------------------------------------------

    def run_until(self, condition, seconds):
        """Handles frames until the condition holds; whether it does."""
        deadline = time.monotonic() + seconds
        while not condition():
            if not self._one_frame():
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                select.select([self._sock], [], [], min(left, 0.1))
        return True

    def run_for(self, seconds):
        self.run_until(lambda: False, seconds)

    def _one_frame(self):
        try:
            frame = self._sock.recv(65535)
        except BlockingIOError:
            return False
        except OSError:  # the cable is unplugged
            time.sleep(0.01)
            return False
        kind = frame[12:14]
        if kind == b"\x08\x06":
            self._on_arp(frame[14:42])
        elif kind == b"\x08\x00" and frame[:6] == self._mac and frame[23] == 6:
            self._on_ip(frame[14:])
        return True

    def _on_ip(self, packet):
        start = (packet[0] & 15) * 4
        segment = packet[start : struct.unpack("!H", packet[2:4])[0]]
        connection = self._connections.get(struct.unpack("!H", segment[2:4])[0])
        if connection:
            connection.on_segment(segment)

    def _on_arp(self, packet):
        operation, mac, ip, wanted = packet[6:8], packet[8:14], packet[14:18], packet[24:28]
        if ip == self._server_ip:
            self._server_mac = mac
        if operation == b"\0\1" and wanted == self._ip:
            self._transmit_arp(2, mac, ip)

    def _transmit_arp(self, operation, mac, ip):
        body = struct.pack("!HHBBH", 1, ETH_IP, 6, 4, operation) + self._mac + self._ip
        broadcast = b"\xff" * 6
        self._transmit(mac if operation == 2 else broadcast, ETH_ARP, body + mac + ip)

    def _resolve(self):
        for _ in range(10):
            self._transmit_arp(1, b"\0" * 6, self._server_ip)
            if self.run_until(lambda: self._server_mac is not None, 0.5):
                return
        raise AssertionError("the target does not answer ARP")

    def transmit_tcp(self, segment):
        pseudo = self._ip + self._server_ip + struct.pack("!BBH", 0, 6, len(segment))
        checksum = internet_checksum(pseudo + segment)
        segment = segment[:16] + struct.pack("!H", checksum) + segment[18:]
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, 64, 6, 0)
        head += self._ip + self._server_ip
        head = head[:10] + struct.pack("!H", internet_checksum(head)) + head[12:]
        self._transmit(self._server_mac, ETH_IP, head + segment)

    def _transmit(self, mac, kind, body):
        try:
            self._sock.send(mac + self._mac + struct.pack("!H", kind) + body)
        except OSError:  # the cable is unplugged: the frame is lost, as on a real one
            pass
