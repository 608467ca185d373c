"""What a hostile client can do to others: runs attacks against a running system, and measures how a neighbour is affected.

`python -m bench.abuse [--url URL --key KEY] [--seconds 4] [NAME…]`. Without a URL it runs its own system. Every attack ends by
itself after the given seconds and contacts only the given address. Attackers are separate processes, so that they do not slow
down the neighbour, which measures.
"""

import argparse
import asyncio
import http.client
import io
import itertools
import json
import multiprocessing
import os
import select
import socket
import statistics
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from pathlib import Path
from urllib.parse import urlsplit

from PIL import Image

from bench.system import Client, NoAnswerError, System, close_all, own_stack

QUIET_SECONDS = 2.0
IDLE_CONNECTIONS = 2_500
PARTS = 200
# The neighbour's connections, if it cannot be determined which process has which.
NEIGHBOURS = 6
HANDSHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
PUT = "PUT /api/v1/admin/parts/{part}/stock HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"


@dataclass(frozen=True, slots=True)
class Target:
    """Whom to attack, and from which address of this machine, if not from the usual one."""

    url: str
    key: str
    parts: Sequence[int]
    source: str = ""

    @property
    def host(self) -> str:
        """Host and port."""
        return urlsplit(self.url).netloc

    def connect(self, timeout: float = 10.0, source: str = "") -> socket.socket:
        """Open a connection."""
        parts = urlsplit(self.url)
        return socket.create_connection(
            (parts.hostname or "", parts.port or 80), timeout=timeout, source_address=(source or self.source, 0)
        )

    def open_socket(self, source: str = "") -> socket.socket:
        """Open a WebSocket, from an address of this machine if given, and enter the customers' namespace.

        Raises:
            OSError: the server refuses it.
        """
        client = self.connect(source=source)
        client.sendall(HANDSHAKE.format(host=self.host).encode())
        head = b""
        # Byte by byte: the first frames may follow at once.
        while not head.endswith(b"\r\n\r\n") and (byte := client.recv(1)):
            head += byte
        if not head.startswith(b"HTTP/1.1 101"):
            client.close()
            raise ConnectionRefusedError("no WebSocket")
        client.sendall(frame(b"40/customers,"))
        return client


def frame(payload: bytes, opcode: int = 1, *, final: bool = True, length: int | None = None) -> bytes:
    """Return a client's frame, masked with zeros. `length` overrides the length that its head states."""
    size = len(payload) if length is None else length
    head = struct.pack("!B", opcode | (0x80 if final else 0))
    if size < 126:
        head += struct.pack("!B", 0x80 | size)
    elif size < 65_536:
        head += struct.pack("!BH", 0x80 | 126, size)
    else:
        head += struct.pack("!BQ", 0x80 | 127, size)
    return head + b"\0\0\0\0" + payload


def _until(seconds: float) -> Iterator[int]:
    deadline = time.monotonic() + seconds
    return itertools.takewhile(lambda _n: time.monotonic() < deadline, itertools.count())


def _again_and_again(seconds: float, attempt: Callable[[float], None]) -> None:
    """Attack until the time is over; reconnect after being cut off, at most fifty times a second."""
    deadline = time.monotonic() + seconds
    for _ in _until(seconds):
        with suppress(OSError):
            attempt(deadline)
        time.sleep(0.02)


def _pour(client: socket.socket, data: bytes, deadline: float) -> None:
    """Send `data` repeatedly until cut off or out of time; read nothing."""
    with client:
        client.settimeout(1)
        while time.monotonic() < deadline:
            client.sendall(data)


def idle_connections(target: Target, seconds: float) -> None:
    """Connections that say nothing."""
    connections: list[socket.socket] = []
    deadline = time.monotonic() + seconds
    while len(connections) < IDLE_CONNECTIONS and time.monotonic() < deadline:
        with suppress(OSError):
            connections.append(target.connect())
    time.sleep(max(0.0, deadline - time.monotonic()))
    for connection in connections:
        connection.close()


def slow_heads(target: Target, seconds: float) -> None:
    """Requests whose heads never end."""
    connections = [target.connect() for _ in range(300)]
    for _ in _until(seconds):
        for connection in connections:
            with suppress(OSError):
                connection.sendall(b"GET / HTTP/1.1\r\nX-A: a\r\n"[:8])
        time.sleep(0.2)
    for connection in connections:
        connection.close()


def endless_fragments(target: Target, seconds: float) -> None:
    """A message whose fragments never end."""

    def attempt(deadline: float) -> None:
        client = target.open_socket()
        client.sendall(frame(b"4", final=False))
        _pour(client, frame(b"a" * 16_000, 0, final=False) * 16, deadline)

    _again_and_again(seconds, attempt)


def empty_fragments(target: Target, seconds: float) -> None:
    """A message of empty fragments."""

    def attempt(deadline: float) -> None:
        client = target.open_socket()
        client.sendall(frame(b"4", final=False))
        _pour(client, frame(b"", 0, final=False) * 10_000, deadline)

    _again_and_again(seconds, attempt)


def one_huge_message(target: Target, seconds: float) -> None:
    """One frame of 120 MB."""

    def attempt(deadline: float) -> None:
        client = target.open_socket()
        client.sendall(frame(b"4", length=120_000_000))
        _pour(client, b"a" * 1_000_000, deadline)

    _again_and_again(seconds, attempt)


def pings(target: Target, seconds: float) -> None:
    """An endless stream of control frames."""
    _again_and_again(seconds, lambda deadline: _pour(target.open_socket(), frame(b"x", 9) * 10_000, deadline))


def watches(target: Target, seconds: float) -> None:
    """Twenty sockets that each watch 200 parts ninety times a second, and read the answers."""
    asked = json.dumps(["watch", {"parts": {str(part): None for part in target.parts[:PARTS]}}]).encode()
    sockets = [target.open_socket() for _ in range(20)]
    for number in _until(seconds):
        for client in list(sockets):
            try:
                client.sendall(frame(b"42/customers,%d%s" % (number, asked)))
            except OSError:
                sockets.remove(client)
                client.close()
                with suppress(OSError):
                    sockets.append(target.open_socket())
        while ready := select.select(sockets, [], [], 0)[0]:
            for client in ready:
                with suppress(OSError):
                    if not client.recv(1_000_000):
                        sockets.remove(client)
        time.sleep(1 / 90)


def searches(target: Target, seconds: float) -> None:
    """Twenty clients that ask ten times a second for what nobody has asked for before."""
    numbers = itertools.count(1)

    def search() -> None:
        connection = http.client.HTTPConnection(target.host, timeout=30, source_address=(target.source, 0))
        due = time.monotonic()
        for _ in _until(seconds):
            due += 0.1
            with suppress(OSError, http.client.HTTPException):
                connection.request("GET", f"/api/v1/parts?q=steel&limit=20&max_price={800_000 + next(numbers) / 100:.2f}")
                connection.getresponse().read()
            time.sleep(max(0.0, due - time.monotonic()))
        connection.close()

    _side_by_side(20, search)


def never_reading(target: Target, seconds: float) -> None:
    """Sockets that ask for a lot and read none of it."""
    asked = json.dumps(["watch", {"parts": {str(part): None for part in target.parts[:PARTS]}}]).encode()

    def attempt(deadline: float) -> None:
        with target.open_socket() as client:
            client.settimeout(1)
            for number in range(200):
                if time.monotonic() > deadline:
                    return
                client.sendall(frame(b"42/customers,%d%s" % (number, asked)))
                time.sleep(0.02)

    _again_and_again(seconds, attempt)


def _envelope(head: str, piece: bytes) -> Callable[[Target, float], None]:
    def attack(target: Target, seconds: float) -> None:
        def attempt(deadline: float) -> None:
            client = target.connect()
            client.sendall((PUT + head).format(part=target.parts[0], host=target.host, key="none").encode())
            _pour(client, piece, deadline)

        _again_and_again(seconds, attempt)

    return attack


def chunk_extensions(target: Target, seconds: float) -> None:
    """A chunk whose extension never ends."""
    _envelope("Transfer-Encoding: chunked\r\n\r\n1;a=", b"a" * 1_000_000)(target, seconds)


def trailers(target: Target, seconds: float) -> None:
    """A body whose trailers never end."""
    _envelope("Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-A: aaaaaaaaaa\r\n" * 50_000)(target, seconds)


def tiny_chunks(target: Target, seconds: float) -> None:
    """A body in chunks of one byte."""
    _envelope("Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n" * 50_000)(target, seconds)


def pipelining(target: Target, seconds: float) -> None:
    """Thousands of requests in one piece."""

    def attempt(deadline: float) -> None:
        client = target.connect()
        reader = threading.Thread(target=_drain, args=(client, deadline), daemon=True)
        reader.start()
        _pour(client, f"GET /healthz HTTP/1.1\r\nHost: {target.host}\r\n\r\n".encode() * 2_000, deadline)

    _again_and_again(seconds, attempt)


def _drain(client: socket.socket, deadline: float) -> None:
    with suppress(OSError, ValueError):
        while time.monotonic() < deadline and client.recv(1_000_000):
            pass


def scrapes(target: Target, seconds: float) -> None:
    """Eight clients that request /metrics continuously."""

    def scrape() -> None:
        for _ in _until(seconds):
            connection = http.client.HTTPConnection(target.host, timeout=30)
            with suppress(OSError, http.client.HTTPException):
                connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {target.key}"})
                connection.getresponse().read()
            connection.close()

    _side_by_side(8, scrape)


def uploads(target: Target, seconds: float) -> None:
    """Six concurrent uploads of pictures of forty million pixels."""
    picture = io.BytesIO()
    noise = Image.effect_noise((500, 400), 60).convert("RGB")
    whole = Image.new("RGB", (8_000, 5_000))
    for x, y in itertools.product(range(0, 8_000, 500), range(0, 5_000, 400)):
        whole.paste(noise, (x, y))
    whole.save(picture, "JPEG", quality=60)
    boundary = "lockstep-boundary"
    body = (
        (
            f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
        ).encode()
        + picture.getvalue()
        + f"\r\n--{boundary}--\r\n".encode()
    )
    headers = {"Authorization": f"Bearer {target.key}", "Content-Type": f"multipart/form-data; boundary={boundary}"}
    parts = iter(target.parts)
    deadline = time.monotonic() + seconds

    def upload() -> None:
        while time.monotonic() < deadline:
            connection = http.client.HTTPConnection(target.host, timeout=60)
            with suppress(OSError, http.client.HTTPException):
                connection.request("POST", f"/api/v1/admin/parts/{next(parts)}/images", body, headers)
                connection.getresponse().read()
            connection.close()

    _side_by_side(6, upload)


def nonsense(target: Target, seconds: float) -> None:
    """Everything that makes a server log errors: bad heads, truncated bodies, bad WebSocket messages."""
    login = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
    heads = [
        b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\r\n",
        b"GET /api/v1/parts/%00 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        login + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n", login + b"Content-Length: 50\r\n\r\n{",
    ]  # fmt: skip
    for number in _until(seconds):
        with suppress(OSError), target.connect() as client:
            client.sendall(heads[number % len(heads)])
        if number % 10 == 0:
            with suppress(OSError), target.open_socket() as client:
                for message in (b"", b"x", b"4" + b"[" * 20_000, b"42/customers,[[]]", b'42/admin,["a"]'):
                    client.sendall(frame(message))
        time.sleep(0.002)


def _side_by_side(count: int, work: Callable[[], None]) -> None:
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


ATTACKS: dict[str, Callable[[Target, float], None]] = {
    attack.__name__: attack
    for attack in (
        idle_connections, slow_heads, endless_fragments, empty_fragments, one_huge_message, pings, watches, searches,
        never_reading, chunk_extensions, trailers, tiny_chunks, pipelining, scrapes, uploads, nonsense,
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Felt:
    """The neighbour's response times, in milliseconds, on the worst of its connections; `failed` calls were not answered 200."""

    p50: float
    p95: float
    p99: float
    calls: int
    failed: int


class Neighbour:
    """A client that reads a page of the catalog repeatedly, over one connection to each process."""

    PATH = "/parts?limit=20"

    def __init__(self, system: System) -> None:
        """Open the connections."""
        self._clients = system.clients_of_every_process() if system.stack else [system.client() for _ in range(NEIGHBOURS)]
        for client in self._clients:
            client.call("GET", self.PATH)

    def close(self) -> None:
        """Close them."""
        close_all(self._clients)

    def measure(self, seconds: float) -> Felt:
        """Read for this long."""
        found: list[Felt] = []
        threads = [threading.Thread(target=self._read, args=(client, seconds, found)) for client in self._clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        p50, p95, p99 = (max(getattr(felt, name) for felt in found) for name in ("p50", "p95", "p99"))
        return Felt(p50, p95, p99, sum(felt.calls for felt in found), sum(felt.failed for felt in found))

    def _read(self, client: Client, seconds: float, found: list[Felt]) -> None:
        took, failed = [], 0
        for _ in _until(seconds):
            began = time.perf_counter()
            try:
                failed += client.call("GET", self.PATH).status != http.HTTPStatus.OK
            except NoAnswerError:
                failed += 1
            took.append((time.perf_counter() - began) * 1000)
            time.sleep(0.003)
        cuts = statistics.quantiles(took, n=100, method="inclusive") if len(took) > 1 else took * 99
        found.append(Felt(cuts[49], cuts[94], cuts[98], len(took), failed))


@contextmanager
def under_attack(name: str, target: Target, seconds: float, *, is_elsewhere: bool = False) -> Iterator[None]:
    """Run an attack in another process; the block starts once the attack has started.

    Args:
        is_elsewhere: the attacker gets only CPU time that nobody else wants, as if it had a machine of its own.
    """
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    attacker = context.Process(target=_attack, args=(name, target, seconds, begun, 19 if is_elsewhere else 0), daemon=True)
    attacker.start()
    try:
        begun.wait(30)
        yield
    finally:
        attacker.join(seconds + 60)
        if attacker.is_alive():
            attacker.kill()
            attacker.join()


def _attack(name: str, target: Target, seconds: float, begun: Event, niceness: int) -> None:
    _give_way(niceness)
    begun.set()
    ATTACKS[name](target, seconds)


def _give_way(niceness: int) -> None:
    os.nice(niceness)
    # Linux weighs sessions against each other first, by a value of their own.
    os.setsid()
    with suppress(OSError):
        Path("/proc/self/autogroup").write_text(str(niceness), encoding="ascii")


class _Sink(asyncio.Protocol):
    """Answers whatever it is sent at once, with next to nothing."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if b"Upgrade: websocket" in data:
            self._transport.write(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        elif data.startswith(b"GET "):
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        else:
            self._transport.write(b"\x81\x012")


@contextmanager
def a_sink() -> Iterator[str]:
    """Run something that takes what a server is sent, answers at once and does nothing, at an address of this machine, which is
    yielded. It gets only CPU time that nobody else wants, as an attacker that is elsewhere does."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = multiprocessing.get_context("spawn").Process(target=_sink, args=(listener,), daemon=True)
        process.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            process.kill()
            process.join()


def _sink(listener: socket.socket) -> None:
    _give_way(19)

    async def serve() -> None:
        await (await asyncio.get_running_loop().create_server(_Sink, sock=listener)).serve_forever()

    asyncio.run(serve())


def play(system: System, name: str, parts: Sequence[int], seconds: float) -> tuple[Felt, Felt]:
    """Run one attack; return the neighbour's figures before and during it."""
    neighbour = Neighbour(system)
    try:
        quiet = neighbour.measure(QUIET_SECONDS)
        with under_attack(name, Target(system.url, system.key, parts), seconds):
            return quiet, neighbour.measure(seconds)
    finally:
        neighbour.close()


def main() -> None:
    """Run the attacks and print the neighbour's figures."""
    parser = argparse.ArgumentParser(prog="python -m bench.abuse", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"attacks to run (default: all): {', '.join(ATTACKS)}")
    parser.add_argument("--url", help="a running system; default: one of its own")
    parser.add_argument("--key", help="an administrator's API key for it")
    parser.add_argument("--seconds", type=float, default=4.0, help="how long each attack lasts")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - ATTACKS.keys():
        parser.error(f"there is no attack {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="lockstep-abuse-") as home:
        if chosen.url:
            _play_all(System(chosen.url.rstrip("/"), chosen.key or os.environ.get("LOCKSTEP_KEY", "")), chosen)
        else:
            with own_stack(Path(home)) as system:
                _play_all(system, chosen)


def _play_all(system: System, chosen: argparse.Namespace) -> None:
    parts = system.make_parts(PARTS)
    print(f"{'attack':20} {'quiet p50':>9} {'p95':>8} {'p99':>8}   {'under it p50':>12} {'p95':>8} {'p99':>8}  not answered")
    for name in chosen.names or ATTACKS:
        quiet, felt = play(system, name, parts, chosen.seconds)
        print(
            f"{name:20} {quiet.p50:9.1f} {quiet.p95:8.1f} {quiet.p99:8.1f}   {felt.p50:12.1f} {felt.p95:8.1f} {felt.p99:8.1f}"
            f"  {felt.failed} of {felt.calls}",
            flush=True,
        )


if __name__ == "__main__":
    main()
