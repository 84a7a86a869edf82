# SPDX-License-Identifier: GPL-2.0-or-later
"""TLS over the user-space TCP client of wire.py. The handshake goes through undisturbed; from its
end on the policies hold, and every offset counts bytes of ciphertext behind it."""

import bisect
import ssl

from .wire import Connection, Wire

HEADER_BYTES = 5  # of a TLS record; the last two are the length of what follows
TLS_1_3 = "TLSv1.3"


class TlsConnection(Connection):
    """A connection that speaks TLS from start_tls on."""

    def start_tls(self, context, server_hostname, policy):
        """Begins the handshake; the policy holds from its end on (see `secured`)."""
        self.secured = False
        self._policy = policy
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._in, self._out, server_hostname=server_hostname)
        self._content = bytearray()
        self._opened = 0  # bytes of `received` that were decrypted
        self._ends = []  # of each record: (bytes of content so far, its end in the stream)
        self._handshake()

    def send(self, *parts):
        """Sends a request, each part in a record of its own."""
        self._note_request()
        for part in parts:
            self._tls.write(part)
            self._send_segment(self._out.read())

    def close_notify(self):
        """Says that nothing more will be sent."""
        try:
            self._tls.unwrap()
        except ssl.SSLWantReadError:
            self._send_segment(self._out.read())

    # ---- receiving -------------------------------------------------------------------------

    def _handshake(self):
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        data = self._out.read()
        if data:
            self._send_segment(data)

    def _take(self, at, data):
        super()._take(at, data)
        while self._open_record():
            pass
        if not self.secured and self._handshake_ended():
            # Before the acknowledgement of its last byte is sent: that one brings the window.
            self.secured = True
            self.start_counting()
            self._opened = 0
            self._ends.clear()
            self.set_policy(self._policy)

    def _handshake_ended(self):
        """With TLS 1.3 the session ticket comes behind it; it is no part of a response."""
        version = self._tls.version() if self._tls.cipher() else None
        return version is not None and (version != TLS_1_3 or self._tls.session.has_ticket)

    def _open_record(self):
        """Decrypts the next record, if it is whole."""
        header = self.received[self._opened : self._opened + HEADER_BYTES]
        end = self._opened + HEADER_BYTES + int.from_bytes(header[3:], "big")
        if len(header) < HEADER_BYTES or len(self.received) < end:
            return False
        self._in.write(self.received[self._opened : end])
        self._opened = end
        if not self.secured:
            self._handshake()
        try:
            while data := self._tls.read(1 << 16):
                self._content += data
        except (ssl.SSLWantReadError, ssl.SSLZeroReturnError):
            pass
        self._ends.append((len(self._content), end))
        return True

    def _stream_offset(self, content_bytes):
        """The end of the record that brought the last of so many bytes."""
        return self._ends[bisect.bisect_left(self._ends, (content_bytes, 0))][1]


class TlsWire(Wire):
    """A wire whose connections speak TLS, of `version` when it is given."""

    connection_class = TlsConnection

    def __init__(self, target, random, version=None):
        super().__init__(target, random)
        self._server_hostname = target.ip
        self._context = target.tls
        if version:
            self._context.minimum_version = self._context.maximum_version = version

    def connect(self, **policy):
        connection = super().connect()
        connection.start_tls(self._context, self._server_hostname, policy)
        done = self.run_until(lambda: connection.secured or connection.was_reset, 20)
        assert done and connection.secured, "no TLS handshake within 20 s"
        return connection


def wire_to(target, random):
    """A wire that speaks as the target does."""
    return TlsWire(target, random) if target.tls else Wire(target, random)
