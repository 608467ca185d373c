"""A system under attack: raw connections, raw WebSockets, and what its processes report about themselves."""

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from bench.abuse import PARTS, Target
from bench.system import System


class Wire:
    """A WebSocket, frame by frame."""

    def __init__(self, client: socket.socket) -> None:
        self.client = client
        self._buffer = b""

    def send(self, *frames: bytes) -> None:
        """Send frames in one piece, or as much of them as the server still accepts."""
        # If the server has closed the connection, the frames that it sent say why.
        with suppress(OSError):
            self.client.sendall(b"".join(frames))

    def next(self) -> tuple[int, bytes]:
        """Return the opcode and the payload of the next frame.

        Raises:
            OSError: if there is none.
        """
        head = self._read(2)
        size = head[1] & 127
        if size > 125:
            size = int.from_bytes(self._read(2 if size == 126 else 8))
        return head[0] & 15, self._read(size)

    def until(self, opcode: int) -> bytes:
        """Return the payload of the next frame of a kind."""
        while True:
            found, payload = self.next()
            if found == opcode:
                return payload

    def close_code(self) -> int:
        """Return the code with which the server closes the connection."""
        return int(struct.unpack("!H", self.until(8)[:2])[0])

    def _read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            piece = self.client.recv(65_536)
            if not piece:
                raise ConnectionResetError("the server has closed")
            self._buffer += piece
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data


@pytest.fixture(scope="session")
def many_parts(running: System) -> list[int]:
    """As many parts as a page may watch."""
    return running.make_parts(PARTS)


@pytest.fixture
def target(system: System, many_parts: list[int]) -> Target:
    """The target of the attacks."""
    return Target(system.url, system.key, many_parts)


@pytest.fixture
def wire(target: Target) -> Iterator[Callable[..., Wire]]:
    """Open WebSockets in the customers' namespace, from an address of this machine if given; they are closed at the end."""
    made: list[Wire] = []

    def make(source: str = "") -> Wire:
        made.append(Wire(target.open_socket(source)))
        # The opening messages of Engine.IO and of the namespace.
        assert made[-1].until(1).startswith(b"0{")
        assert made[-1].until(1).startswith(b"40/customers")
        return made[-1]

    yield make
    for opened in made:
        opened.client.close()


@pytest.fixture
def raw(system: System) -> Iterator[Callable[[], socket.socket]]:
    """Open connections; they are closed at the end."""
    made: list[socket.socket] = []
    parts = urlsplit(system.url)

    def make() -> socket.socket:
        made.append(socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20))
        return made[-1]

    yield make
    for opened in made:
        opened.close()
