# SPDX-License-Identifier: GPL-2.0-or-later
"""A strict HTTP/1.1 client over a plain socket: tests send exact bytes and see exact framing."""

import socket

from .tls_socket import TlsSocket


class FramingError(AssertionError):
    """The server's bytes are not a well-formed HTTP response."""


class Reply:
    """One response. `headers` has lower-case names; a name that came twice is an error unless
    HTTP lets it."""

    def __init__(self, version, status, reason, headers, body, size):
        self.version = version
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
        self.size = size  # bytes on the wire, head and framing included

    @property
    def text(self):
        return self.body.decode()

    def says_close(self):
        return "close" in self.headers.get("connection", "").lower()

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.headers} {self.body[:300]!r}>"


def crlf(*lines):
    """A head: lines joined by CR LF, with the empty line at the end."""
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def assert_error_line(reply):
    """One line of printable text, which says something."""
    assert reply.headers.get("content-type", "").startswith("text/plain"), reply
    assert reply.text.endswith("\n") and reply.text.count("\n") == 1, reply
    assert reply.text.strip().isprintable() and len(reply.text) > 10, reply


def parse_head(head):
    """Version, status, reason and headers of a response head, without its empty line."""
    lines = head.split(b"\r\n")
    for line in lines:
        if b"\n" in line or b"\r" in line or b"\0" in line:
            raise FramingError(f"a bare control character in the head: {line!r}")
    parts = lines[0].split(b" ", 2)
    if len(parts) != 3 or parts[0] not in (b"HTTP/1.1", b"HTTP/1.0") or len(parts[1]) != 3:
        raise FramingError(f"status line: {lines[0]!r}")
    headers = {}
    for line in lines[1:]:
        name, colon, value = line.partition(b":")
        key = name.decode("ascii").lower()
        if not colon or not key or key != key.strip() or key in headers:
            raise FramingError(f"header line: {line!r}")
        headers[key] = value.decode("latin-1").strip()
    return parts[0].decode(), int(parts[1]), parts[2].decode(), headers


class ResponseReader:
    """Takes responses apart, strictly. This one reads bytes that are all there."""

    def __init__(self, received=b""):
        self._buffer = bytes(received)
        self._consumed = 0

    def _more(self):
        """Receives more into the buffer; False at the end of the stream."""
        return False

    def _take(self, n):
        while len(self._buffer) < n:
            if not self._more():
                raise FramingError(f"closed in the middle of a response: {self._buffer[:300]!r}")
        data, self._buffer = self._buffer[:n], self._buffer[n:]
        self._consumed += n
        return data

    def _take_until(self, mark):
        while mark not in self._buffer:
            if not self._more():
                raise FramingError(f"closed in the middle of a response: {self._buffer[:300]!r}")
        return self._take(self._buffer.index(mark) + len(mark))[: -len(mark)]

    def interim(self):
        """An interim (1xx) response head: its status."""
        _, status, _, headers = parse_head(self._take_until(b"\r\n\r\n"))
        if not 100 <= status < 200 or headers:
            raise FramingError(f"expected a bare 1xx, got {status} {headers}")
        return status

    def reply(self, method="GET"):
        start = self._consumed
        version, status, reason, headers = parse_head(self._take_until(b"\r\n\r\n"))
        if method == "HEAD" or status in (204, 304):
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            if "content-length" in headers:
                raise FramingError(f"both lengths: {headers}")
            body = self._chunks()
        elif "content-length" in headers:
            body = self._take(int(headers["content-length"]))
        else:
            body = self._until_close()
        return Reply(version, status, reason, headers, body, self._consumed - start)

    def _chunks(self):
        parts = []
        while True:
            size = int(self._take_until(b"\r\n"), 16)
            chunk = self._take(size)
            if self._take(2) != b"\r\n":
                raise FramingError("a chunk does not end with CR LF")
            if size == 0:
                return b"".join(parts)
            parts.append(chunk)

    def _until_close(self):
        while self._more():
            pass
        return self._take(len(self._buffer))


class Client(ResponseReader):
    """One connection to a server."""

    def __init__(
        self, namespace, address, timeout_s=10, receive_buffer_bytes=None, tls=None, tls_options={}
    ):
        super().__init__()
        self.sock = namespace.socket()
        self.sock.settimeout(timeout_s)
        if receive_buffer_bytes:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer_bytes)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.sock.connect(address)
            if tls:
                self.sock = TlsSocket(self.sock, tls, address[0], **tls_options)
        except OSError:
            self.sock.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Closes with RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        getattr(self.sock, "below", self.sock).close()

    # ---- sending ---------------------------------------------------------------------------

    def send(self, data):
        self.sock.sendall(data)

    def send_bytewise(self, data):
        """A segment for each byte (TCP_NODELAY is set). Stops without an error when the server
        has closed: it may refuse before it has read everything."""
        try:
            for i in range(len(data)):
                self.sock.sendall(data[i : i + 1])
        except (BrokenPipeError, ConnectionResetError):
            pass

    def request(self, method, target, body=None, headers=(), host="pingshot"):
        """Sends a request and returns its reply. `headers` are (name, value) pairs."""
        lines = [f"{method} {target} HTTP/1.1", f"Host: {host}"]
        lines += [f"{name}: {value}" for name, value in headers]
        if body is not None:
            body = body.encode() if isinstance(body, str) else body
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + (body or b""))
        return self.reply(method)

    def get(self, target, headers=()):
        return self.request("GET", target, headers=headers)

    def post(self, target, body=b"", content_type="application/x-www-form-urlencoded"):
        return self.request("POST", target, body, [("Content-Type", content_type)])

    # ---- receiving -------------------------------------------------------------------------

    def _more(self):
        data = self.sock.recv(1 << 16)
        self._buffer += data
        return bool(data)

    def is_closed(self, within_s=2.0):
        """True when the server ends the connection, with nothing more said, in that time."""
        if self._buffer:
            raise FramingError(f"bytes after the response: {self._buffer[:300]!r}")
        before = self.sock.gettimeout()
        self.sock.settimeout(within_s)
        try:
            data = self.sock.recv(4096)
        except ConnectionResetError:
            return True
        except (TimeoutError, BlockingIOError):
            return False
        finally:
            self.sock.settimeout(before)
        if data:
            raise FramingError(f"bytes after the response: {data[:300]!r}")
        return True
