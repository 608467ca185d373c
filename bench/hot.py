"""`python -m bench.hot [SOURCES]`: the hottest calls beside a bare route of the same web processes. Prints; asserts nothing.

In each round every call is made for a few seconds, by one client and by sixteen; the yardstick, a route that does nothing, is
part of each round. So the ratios, medians of the rounds, bear it if the machine is busier in one round than in another. The
clients are one process with plain sockets. Its share of a core is printed: near 1 it is the client that is measured.
"""

import selectors
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from rich.console import Console
from rich.table import Table

from bench.system import System, own_stack
from config import REPOSITORY

ROUNDS = 3
SECONDS = 3.0
CLIENTS = 16
PARTS = 100
BARE = "bare route"


@dataclass(frozen=True, slots=True)
class Measured:
    """What clients saw: seconds of each answer, answers a second, and how much of a core the clients took."""

    seconds: Sequence[float]
    rate: float
    share: float


class _Connection:
    """A keep-alive connection that sends the next request when the answer to the one before is complete."""

    def __init__(self, address: tuple[str, int], requests: Sequence[bytes], first: int, status: bytes) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests, self._next, self._status = requests, first, status
        self.sent_at = 0.0
        self._read = b""

    def send(self) -> None:
        self.sent_at = time.perf_counter()
        self.socket.sendall(self._requests[self._next % len(self._requests)])
        self._next += 1
        self._read = b""

    def is_answered(self) -> bool:
        self._read += self.socket.recv(1 << 18)
        head, end, body = self._read.partition(b"\r\n\r\n")
        if not end:
            return False
        if not head.startswith(b"HTTP/1.1 " + self._status):
            raise RuntimeError(self._read.decode(errors="replace"))
        _, _, length = head.lower().partition(b"\r\ncontent-length: ")
        return self._status == b"304" or len(body) == int(length.split(b"\r\n", 1)[0])


def measure(address: tuple[str, int], requests: Sequence[bytes], clients: int, status: bytes = b"200") -> Measured:
    """Have so many clients send `requests` for `SECONDS`, each the next one once it has its answer."""
    selector, seconds = selectors.DefaultSelector(), list[float]()
    connections = [_Connection(address, requests, number * 7, status) for number in range(clients)]
    for connection in connections:
        selector.register(connection.socket, selectors.EVENT_READ, connection)
        connection.send()
    began, spent = time.perf_counter(), time.process_time()
    while time.perf_counter() < began + SECONDS:
        for key, _ in selector.select(1):
            if key.data.is_answered():
                seconds.append(time.perf_counter() - key.data.sent_at)
                key.data.send()
    took, spent = time.perf_counter() - began, time.process_time() - spent
    for connection in connections:
        connection.socket.close()
    return Measured(seconds, len(seconds) / took, spent / took)


def request(system: System, method: str, path: str, body: str = "", **headers: str) -> bytes:
    """Return a request as it is sent."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {system.address}", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", body]).encode()


def calls(system: System) -> dict[str, tuple[Sequence[bytes], bytes]]:
    """Return what is measured: by name, the requests that take turns, and the status of their answers."""
    parts = system.make_parts(PARTS)
    made: dict[str, tuple[Sequence[bytes], bytes]] = {BARE: ([request(system, "GET", "/healthz")], b"200")}
    for name, paths in {
        "part": [f"/api/v1/parts/{part}" for part in parts],
        "list of 24": ["/api/v1/parts?limit=24"],
        "product page": [f"/api/v1/pdp/{part}" for part in parts],
    }.items():
        made[name] = [request(system, "GET", path) for path in paths], b"200"
        held = [request(system, "GET", path, **{"If-None-Match": _tag(system, path)}) for path in paths]
        made[f"{name}, 304"] = held, b"304"
    key, body = f"Bearer {system.key}", '{"delta": 1, "reason": "bench"}'
    paths = [f"/api/v1/admin/parts/{part}/stock/adjustments" for part in parts]
    # Last, since they change what the others read.
    made["stock write"] = [request(system, "POST", path, body, Authorization=key) for path in paths], b"200"
    return made


def _tag(system: System, path: str) -> str:
    parts = urlsplit(system.url)
    with closing(socket.create_connection((parts.hostname, parts.port))) as line:
        line.sendall(request(system, "GET", path))
        head = line.recv(1 << 18).decode(errors="replace")
    return next(row.partition(": ")[2] for row in head.split("\r\n") if row.lower().startswith("etag:"))


def main(sources: Path) -> None:
    """Measure and print.

    Args:
        sources: the tree that is measured.
    """
    measured: dict[tuple[str, int], list[Measured]] = {}
    with tempfile.TemporaryDirectory(prefix="lockstep-") as home, own_stack(Path(home), sources=sources) as system:
        parts = urlsplit(system.url)
        address = parts.hostname or "127.0.0.1", parts.port or 80
        for _ in range(ROUNDS):
            for name, (requests, status) in calls(system).items():
                for clients in (1, CLIENTS):
                    measured.setdefault((name, clients), []).append(measure(address, requests, clients, status))
    _print(measured)


def _print(measured: dict[tuple[str, int], list[Measured]]) -> None:
    def p50(name: str) -> list[float]:
        return [1000 * median(one.seconds) for one in measured[name, 1]]

    def rates(name: str) -> list[float]:
        return [one.rate for one in measured[name, CLIENTS]]

    def ratio(of: Callable[[str], list[float]], name: str) -> float:
        return median(mine / bare for mine, bare in zip(of(name), of(BARE), strict=True))

    columns = ("p50 ms, 1 client", "x bare", f"a second, {CLIENTS} clients", "of bare", "client's share of a core")
    table = Table("", *columns)
    for name in dict.fromkeys(name for name, _ in measured):
        share = median(one.share for one in measured[name, CLIENTS])
        alone, together = f"{median(p50(name)):.2f}", f"{median(rates(name)):.0f}"
        table.add_row(name, alone, f"{ratio(p50, name):.1f}", together, f"{ratio(rates, name):.2f}", f"{share:.2f}")
    Console(width=130).print(table)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else REPOSITORY)
