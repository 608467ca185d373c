"""How a web process reads a request's head: as eventlet does, but strictly, in bounded time, and refusing what two servers could
interpret differently (request smuggling).

Imported only by `wsgi.py`, after eventlet has patched the process.
"""

import re
import socket
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import eventlet
import eventlet.hubs
import eventlet.wsgi
import orjson

from app.live.body import HEADER, Body

# Seconds for the head of a request from its first byte, and for the first byte of a new connection.
HEAD_PATIENCE = 10.0
# Seconds that we keep reading from a client after refusing it, so that the answer reaches it.
LINGER = 1.0
# What is more than this we read slowly: to close would take the answer away from a client that has not looked yet.
LINGER_AT_ONCE = 4_000_000
LINGER_PAUSE = 0.01
_REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [\x21-\x7e\x80-\xff]+ HTTP/[0-9]\.[0-9]\r\n")
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
# A target that is a whole address, as proxies are sent.
_ABSOLUTE = re.compile(r"https?://(?P<host>[^/?]+)(?P<rest>.*)", re.IGNORECASE)
_HOST = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~!$&'()*+,;=%-]*)(?::[0-9]*)?")
_LENGTH = re.compile(r"[0-9]{1,18}")
# Headers that may appear only once: a second could contradict the first.
_ONCE = ("Host", "Content-Length", "Transfer-Encoding", "Idempotency-Key")


class _NoHeaderError(Exception):
    """A line among the headers is not a header."""


class _HeaderLines:
    """The lines of a head: only complete headers, each on one line that ends with CRLF."""

    def __init__(self, lines: Any) -> None:
        self._lines = lines

    def readline(self, size: int = -1) -> bytes:
        line: bytes = self._lines.readline(size)
        if line != b"\r\n" and not HEADER.fullmatch(line):
            raise _NoHeaderError
        return line


class HttpProtocol(eventlet.wsgi.HttpProtocol):  # type: ignore[misc] # eventlet is untyped
    """Speaks HTTP/1.1 on one connection."""

    rfile: Any
    raw_requestline: bytes
    path: str
    _is_new = True
    _is_too_slow = False
    _lingers = False
    _deadline: Any = None

    def handle_one_request(self) -> None:
        """Wait for a request and answer it."""
        self.server.connections.waits(self.conn_state)
        try:
            super().handle_one_request()
        finally:
            self._cancel_deadline()
        # Pipelined requests are answered without ever waiting for I/O, so yield to the other connections.
        eventlet.sleep(0)

    def _read_request_line(self) -> Any:
        if not self._await_request():
            return b""
        line = super()._read_request_line()
        # Skip one extra empty line, which some clients send after a body (RFC 9112: 2.2).
        return super()._read_request_line() if line == b"\r\n" else line

    def _await_request(self) -> bool:
        """Wait for the first byte, which may take a while, then set a deadline for the rest; return whether one came."""
        if self._is_new:
            self.connection.settimeout(HEAD_PATIENCE)
            self._is_new = False
        try:
            begun = self.rfile.peek(1)
        except OSError:
            return False
        if begun and b"\r\n\r\n" not in begun:
            self._deadline = eventlet.hubs.get_hub().schedule_call_global(HEAD_PATIENCE, self._end_head)
        return bool(begun)

    def _end_head(self) -> None:
        self._is_too_slow = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RD)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def parse_request(self) -> bool:
        """Read a request's head; answer 400 and close if malformed or ambiguous (RFC 9112: 2.2, 3, 3.2, 5.1, 5.2, 6.1, 6.3)."""
        self.close_connection = True
        self.command, self.request_version = None, "HTTP/1.1"
        self.rfile = _HeaderLines(self.rfile)
        try:
            if not _REQUEST_LINE.fullmatch(self.raw_requestline):
                return self._refuse("The first line is no request")
            # Python would take some of these bytes for spaces: those of à and Å have one.
            self.raw_requestline = _BEYOND_ASCII.sub(lambda byte: b"%%%02X" % byte[0][0], self.raw_requestline)
            if not super().parse_request():
                return False
        except _NoHeaderError:
            return self._refuse("A line of the headers is no header")
        self._cancel_deadline()
        if reason := self._doubt() or self._take_target():
            return self._refuse(reason)
        self.server.connections.works(self.conn_state)
        return True

    def _refuse(self, reason: str) -> bool:
        if self._is_too_slow:
            self.send_error(HTTPStatus.REQUEST_TIMEOUT, f"The head of a request has {HEAD_PATIENCE:.0f} seconds")
        else:
            self.send_error(HTTPStatus.BAD_REQUEST, reason)
        return False

    def _doubt(self) -> str | None:
        if repeated := [name for name in _ONCE if len(self.headers.get_all(name, [])) > 1]:
            return f"More than one {repeated[0]}"
        host = self.headers.get("Host")
        if host is None and self.request_version != "HTTP/1.0":
            return "There is no Host"
        if host is not None and not _HOST.fullmatch(host.strip(" \t")):
            return "Host is no host"
        if not _LENGTH.fullmatch(self.headers.get("Content-Length", "0").strip(" \t")):
            return "Content-Length is no number"
        coding = self.headers.get("Transfer-Encoding")
        if coding is not None and (coding.strip(" \t").lower() != "chunked" or self.request_version == "HTTP/1.0"):
            return "The only known Transfer-Encoding is chunked, and HTTP of version 1.0 has none"
        return None

    def _take_target(self) -> str | None:
        """Take the host and the path from a target that is a whole address: then its host counts, and not the header's (RFC 9112,
        3.2.2). Return what is wrong with one that is neither that nor a path."""
        if found := _ABSOLUTE.fullmatch(self.path):
            if not _HOST.fullmatch(found["host"]):
                return "The address that is asked for has no host"
            del self.headers["Host"]
            self.headers["Host"] = found["host"]
            self.path = found["rest"] if found["rest"].startswith("/") else f"/{found['rest']}"
        elif not self.path.startswith("/") and self.path != "*":
            return "What is asked for is no path"
        return None

    def send_error(self, code: int, message: str | None = None, _explain: str | None = None) -> None:
        """Answer with a problem and close. Nothing is logged, since anybody could fill the disk that way."""
        status = HTTPStatus(code)
        problem = {
            "type": "about:blank", "title": status.phrase, "status": code, "detail": message or status.description,
            "code": status.name.lower(), "request_id": uuid4().hex,
        }  # fmt: skip
        body = orjson.dumps(problem)
        self.wfile.write(
            f"HTTP/1.1 {code} {status.phrase}\r\nContent-Type: application/problem+json\r\nContent-Length: {len(body)}\r\n"
            f"X-Request-ID: {problem['request_id']}\r\nConnection: close\r\n\r\n".encode()
            + (b"" if self.command == "HEAD" else body)
        )
        self.close_connection = True
        self._lingers = True

    def get_environ(self) -> dict[str, Any]:
        """Return the WSGI environment. A chunked body marks its own end; Werkzeug is told to rely on that."""
        environ: dict[str, Any] = super().get_environ()
        body = Body(environ["eventlet.input"])
        environ["wsgi.input"] = environ["eventlet.input"] = body
        environ["wsgi.input_terminated"] = body.chunked_input
        # A client answered before all of its body has arrived, or refused a WebSocket, must still receive the answer.
        self._lingers = body.chunked_input or bool(body.content_length) or "HTTP_UPGRADE" in environ
        return environ

    def finish(self) -> None:
        """Close the connection: our side first, and the client's once it has noticed."""
        if self._lingers and not self._is_too_slow:
            with suppress(OSError, ValueError, eventlet.Timeout), eventlet.Timeout(LINGER):
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_WR)
                left = LINGER_AT_ONCE
                while piece := self.rfile.read1(65_536):
                    left -= len(piece)
                    eventlet.sleep(0 if left > 0 else LINGER_PAUSE)
        super().finish()
