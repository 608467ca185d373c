"""An HTTP server of a few lines that records what arrives, and answers what it is told to: races can be played step by step."""

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[["Asked"], tuple[int, dict[str, str], str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request that arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Origin:
    """What it was asked, and what it answers."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    answer: Answer = lambda _asked: (200, {}, "")
    connections: set[socket.socket] = field(default_factory=set)

    def hang_up(self) -> None:
        """Close every connection from this end."""
        for connection in self.connections:
            connection.shutdown(socket.SHUT_RDWR)
        self.connections.clear()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, origin: Origin) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.origin = origin

    def handle_error(self, *_about: object) -> None:
        # Whoever asked has hung up.
        if not isinstance(sys.exception(), ConnectionError):
            raise


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.origin.connections.add(self.connection)

    def handle_one_request(self) -> None:
        # Whatever the method is called.
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        asked = Asked(self.command, self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.server.origin.asked.append(asked)
        status, headers, text = self.server.origin.answer(asked)
        self.send_response(status)
        has_body = status != HTTPStatus.NOT_MODIFIED
        for name, value in (headers | {"Content-Length": str(len(text))} if has_body else headers).items():
            self.send_header(name, value)
        self.end_headers()
        if has_body and self.command != "HEAD":
            self.wfile.write(text.encode())

    def log_message(self, *_arguments: object) -> None:
        pass


@contextmanager
def origin() -> Iterator[Origin]:
    """Serve until the block ends."""
    made = Origin()
    server = _Server(made)
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
