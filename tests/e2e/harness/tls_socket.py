# SPDX-License-Identifier: GPL-2.0-or-later
"""A socket that speaks TLS, with the few methods that the suite uses. Unlike ssl.SSLSocket it can
be half closed below TLS, peeked at, and put over anything that has sendall and recv."""

import contextlib
import socket
import ssl

CHUNK = 1 << 16
RECORD_BYTES_MAX = 1 << 14


class TlsSocket:
    def __init__(self, sock, context, server_hostname, record_bytes=RECORD_BYTES_MAX):
        """Sends records of at most `record_bytes`."""
        self._sock = self.below = sock
        self._record_bytes = record_bytes
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._in, self._out, server_hostname=server_hostname)
        self._decrypted = b""
        self._encrypted = b""  # what `send` could not yet get rid of
        self._ended = False
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self._flush()
                self._feed()
            except ssl.SSLError:
                self._flush()  # the alert
                raise
        self._flush()

    def _flush(self):
        data = self._out.read()
        if data:
            self._sock.sendall(data)

    def _feed(self):
        data = self._sock.recv(CHUNK)
        if data:
            self._in.write(data)
        else:
            self._in.write_eof()

    def sendall(self, data):
        for start in range(0, len(data), self._record_bytes):
            self.tls.write(data[start : start + self._record_bytes])
        self._flush()

    def send(self, data):
        """For a socket that does not block: takes a record's worth once all before it is out."""
        self._send_encrypted()
        count = self.tls.write(data[: self._record_bytes]) if data else 0
        self._encrypted = self._out.read()
        with contextlib.suppress(BlockingIOError):
            self._send_encrypted()
        return count

    def _send_encrypted(self):
        while self._encrypted:
            self._encrypted = self._encrypted[self._sock.send(self._encrypted) :]

    def recv(self, size, flags=0):
        while not self._decrypted and not self._ended:
            try:
                self._decrypted = self.tls.read(CHUNK)
                self._ended = not self._decrypted
            except ssl.SSLWantReadError:
                self._flush()
                self._feed()
            except ssl.SSLZeroReturnError:
                self._ended = True
        data = self._decrypted[:size]
        if not flags & socket.MSG_PEEK:
            self._decrypted = self._decrypted[size:]
        return data

    def close_notify(self):
        """Says that nothing more will be written."""
        try:
            self.tls.unwrap()
        except ssl.SSLWantReadError:
            pass
        self._flush()

    def shutdown(self, how):
        """As a TLS client does it: close_notify, then FIN."""
        self.close_notify()
        self._sock.shutdown(how)

    def close(self):
        """As a client ends that is in no hurry: close_notify, FIN."""
        with contextlib.suppress(OSError):
            self.close_notify()
        self._sock.close()

    def __getattr__(self, name):
        return getattr(self._sock, name)
