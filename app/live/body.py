"""How a web process reads a request's body: strictly, in bounded memory, not for ever, and never holding the event loop.

Imported by `app/live/protocol.py` alone, and after eventlet has patched the process.
"""

import io
import re
import time
from typing import Any

import eventlet
import eventlet.wsgi
from eventlet.wsgi import ChunkReadError

# A chunk's size and its extensions, which nobody is obliged to understand (RFC 9112: 7.1). No sign, no `0x`, no space.
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,16})(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")
# A header or a trailer: a name, a colon straight behind it, and what can be seen.
HEADER = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*\r\n")
# Bytes of a line that announces a chunk, and of all trailers.
MAX_CHUNK_LINE = 1_024
MAX_TRAILERS = 8_192
# Bytes around the chunks beyond twice their content: the bound that Go's net/http has against bodies that are all envelope.
MAX_ENVELOPE = 16_384
# Seconds that a body may keep us waiting, and bytes for each further second.
PATIENCE = 20.0
SLOWEST = 1_000
# Bytes and pieces after which the other connections get their turn: what has arrived already is read without one.
_SLICE = 65_536
_SLICE_PIECES = 64
# Bytes of a body nobody wanted that are read so that the connection can go on; beyond them it is closed.
MAX_DISCARDED = 65_536


class Body(eventlet.wsgi.Input):  # type: ignore[misc] # eventlet is untyped
    """`wsgi.input` of one request."""

    def __init__(self, read: eventlet.wsgi.Input) -> None:
        """Stand in for eventlet's own input."""
        super().__init__(read.rfile, read.content_length, read._sock, read.wfile, read.wfile_line, read.chunked_input)
        self._buffered: io.BufferedReader | None = None

    def read(self, length: int | None = None) -> bytes:
        """Return so many bytes, or all."""
        return self._reader.read(-1 if length is None else length)

    def readline(self, size: int | None = None) -> bytes:
        """Return a line, or so much of it."""
        return self._reader.readline(-1 if size is None else size)

    def readlines(self, hint: int | None = None) -> list[bytes]:
        """Return lines until they have so many bytes."""
        return self._reader.readlines(-1 if hint is None else hint)

    def __iter__(self) -> Any:
        return iter(self._reader)

    def discard(self, buffer_size: int = 16_384) -> None:
        """Read what is left, so that the next request can be.

        Raises:
            OSError: it is not worth that.
        """
        left = MAX_DISCARDED
        while left > 0 and (piece := self.read(min(buffer_size, left))):
            left -= len(piece)
        if left <= 0:
            raise OSError("what is left of the body is too long to be read for nothing")

    @property
    def _reader(self) -> io.BufferedReader:
        # Most requests have no body, and need no buffer.
        if self._buffered is None:
            if self.should_send_hundred_continue:
                self.send_hundred_continue_response()
                self.is_hundred_continue_response_sent = True
            self._buffered = io.BufferedReader((_InChunks if self.chunked_input else _Counted)(self))
        return self._buffered


class _Counted(io.RawIOBase):
    """A body whose length is known."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._timeout = body._sock.gettimeout()
        self._waited = 0.0
        self._received = self._slice = self._pieces = 0

    def readable(self) -> bool:
        """It is for reading."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what comes next; 0 at the end."""
        size = min(len(buffer), self._body.content_length - self._body.position)
        if size <= 0:
            return 0
        data = self._receive(size)
        self._body.position += len(data)
        buffer[: len(data)] = data
        return len(data)

    def _receive(self, size: int) -> bytes:
        """Return up to `size` bytes of the body as soon as there are any, none at the connection's end.

        Raises:
            TimeoutError: it comes too slowly.
        """
        data: bytes = self._patiently(self._body.rfile.read1, size)
        self._received += len(data)
        self._slice += len(data)
        self._pieces += 1
        if self._slice > _SLICE or self._pieces > _SLICE_PIECES:
            self._slice = self._pieces = 0
            eventlet.sleep(0)
        return data

    def _patiently(self, read: Any, size: int) -> bytes:
        sock = self._body._sock
        sock.settimeout(max(0.01, PATIENCE + self._received / SLOWEST - self._waited))
        began = time.monotonic()
        try:
            return bytes(read(size))
        finally:
            self._waited += time.monotonic() - began
            sock.settimeout(self._timeout)


class _InChunks(_Counted):
    """A body in chunks. After its first fault, each further reading meets that fault again."""

    def __init__(self, body: Body) -> None:
        super().__init__(body)
        self._left = 0
        self._is_first = True
        self._ended = False
        self._envelope = 0
        self._fault: ChunkReadError | None = None

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what comes next; 0 at the end.

        Raises:
            ChunkReadError: these are no chunks, or they have too much around them.
        """
        if self._fault is not None:
            raise self._fault
        try:
            return self._read_chunk(buffer)
        except ChunkReadError as error:
            self._fault = error
            raise
        except OSError as error:
            self._fault = ChunkReadError(str(error))
            raise

    def _read_chunk(self, buffer: Any) -> int:
        if self._ended:
            return 0
        if self._left == 0:
            self._left = self._next_size()
            if self._left == 0:
                self._read_trailers()
                self._ended = True
                return 0
        data = self._receive(min(len(buffer), self._left))
        if not data:
            raise ChunkReadError("the body ends within a chunk")
        self._left -= len(data)
        buffer[: len(data)] = data
        return len(data)

    def _next_size(self) -> int:
        if not self._is_first and self._line(2) != b"\r\n":
            raise ChunkReadError("a chunk is longer than it says")
        self._is_first = False
        line = self._line(MAX_CHUNK_LINE)
        if not (matched := _CHUNK.fullmatch(line)):
            raise ChunkReadError("the size of a chunk is none")
        size = int(matched[1], 16)
        # Until the chunk itself is read, it is not content yet.
        self._envelope += len(line) + 2
        if self._envelope > MAX_ENVELOPE + 2 * self._received:
            raise ChunkReadError("the chunks are more envelope than content")
        return size

    def _read_trailers(self) -> None:
        left = MAX_TRAILERS
        while (line := self._line(left + 1)) != b"\r\n":
            left -= len(line)
            if left < 0 or not HEADER.fullmatch(line):
                raise ChunkReadError("the trailers are none, or too long")

    def _line(self, size: int) -> bytes:
        # A line that comes byte by byte keeps us waiting only for as long as the body may.
        line = b""
        while len(line) < size and not line.endswith(b"\n"):
            ahead = self._patiently(self._body.rfile.peek, 1)[: size - len(line)]
            if not ahead:
                break
            line += self._body.rfile.read(len(ahead[: ahead.find(b"\n") + 1] or ahead))
        self._pieces += 1
        return line
