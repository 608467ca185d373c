"""Heads and bodies parsed strictly, and segments sent without delay."""

import json
import re
import socket
import time
from collections.abc import Callable
from contextlib import suppress

import psutil  # type: ignore[import-untyped]  # publishes no types
import pytest

from bench.abuse import Target, frame
from bench.system import System
from tests.abuse.conftest import Wire

Raw = Callable[[], socket.socket]


def everything(connection: socket.socket) -> bytes:
    """Return everything received until the server closes."""
    received = b""
    with suppress(OSError):
        while piece := connection.recv(65_536):
            received += piece
    return received


def status(received: bytes) -> int:
    return int(received.split(b" ", 2)[1]) if received else 0


GET, POST = b"GET / HTTP/1.1\r\nHost: a\r\n", b"POST / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\nHost: a\n\n", b"GET / HTTP/1.1\r\nHost: a\n\r\n", GET + b"\n",
        b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", GET + b"X: b\0c\r\n\r\n", GET + b"X: b\x0bc\r\n\r\n",
        GET + b"X: b\x7f\r\n\r\n", GET + b": b\r\n\r\n", GET + b"X : b\r\n\r\n", GET + b"X\r\n\r\n",
        GET + b"\tX: b\r\n\r\n", b"GET / HTTP/1.1\r\n X: b\r\nHost: a\r\n\r\n",
        b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / http/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1 \r\nHost: a\r\n\r\n", b"GET /\r\n", b"GET / HTTP/1.10\r\nHost: a\r\n\r\n",
        b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a,b\x80\r\n\r\n", POST + b"Content-Length: 0x1\r\n\r\na",
        POST + b"Content-Length: 1,1\r\n\r\na", POST + b"Content-Length: \r\n\r\n",
        POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n",
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    ],
    ids=lambda head: repr(head)[:60],
)  # fmt: skip
def test_a_head_that_is_not_surely_one_is_refused(raw: Raw, head: bytes) -> None:
    connection = raw()
    connection.sendall(head)
    received = everything(connection)
    assert status(received) == 400
    assert json.loads(received.split(b"\r\n\r\n", 1)[1])["code"] == "bad_request"


@pytest.mark.parametrize(
    "head",
    [
        b"GET /healthz HTTP/1.1\r\nhost:a\r\n\r\n", b"GET /healthz HTTP/1.0\r\n\r\n",
        b"\r\nGET /healthz HTTP/1.1\r\nHost: a:80\r\n\r\n",
        # Python takes A0 and 85 for spaces.
        b"GET /healthz?q=\xc3\xa0\xc3\x85 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /healthz?q=\xff HTTP/1.1\r\nHost: a\r\n\r\n", b"GET http://a/healthz HTTP/1.1\r\nHost: b\r\n\r\n",
        b"GET /healthz?q=\xc3\xa9 HTTP/1.1\r\nHost: [::1]:80\r\nX-Name: J\xf8rgen\r\nX-Empty:\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\nX-Trailer: a\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}",
    ],
    ids=[
        "small letters", "1.0 without Host", "an empty line", "like spaces", "no UTF-8", "a whole address", "more than ASCII",
        "a body", "chunks", "Expect",
    ],
)  # fmt: skip
def test_a_head_that_is_unusual_and_right_is_taken(raw: Raw, head: bytes) -> None:
    connection = raw()
    connection.sendall(head)
    assert connection.recv(4096).startswith(b"HTTP/1.1 200")


def chunked(target: Target, body: bytes, key: str) -> bytes:
    head = (
        f"PUT /api/v1/admin/parts/{target.parts[0]}/stock HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    return head.encode() + body


@pytest.mark.parametrize(
    "body",
    [
        b"0x14\r\n", b"+14\r\n", b"-14\r\n", b"1_4\r\n", b" 14\r\n", b"14 \r\n", b"\r\n", b";a\r\n", b"14\n", b"14\r",
        b"14;a\0\r\n",
        b"14;a\rb\r\n",
        b"F" * 17 + b"\r\n", b"14;" + b"a" * 2_000 + b"\r\n", b"\xd9\xa1\r\n",
    ],
    ids=repr,
)  # fmt: skip
def test_a_chunk_whose_size_is_none_is_refused(raw: Raw, target: Target, body: bytes) -> None:
    connection = raw()
    connection.sendall(chunked(target, body + b'{"current_stock": 1}\r\n0\r\n\r\n', target.key))
    received = everything(connection)
    assert status(received) == 400
    assert received.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize(
    "rest",
    [
        b"0\r\nX\r\n\r\n",
        b"0\r\n" + b"X: aaaaaaaaaaaaa\r\n" * 1_000 + b"\r\n",
        b"0\r\nX: a\0\r\n\r\n",
        b"15\r\nGET / HTTP/1.1\r\n0\r\n\r\n",
    ],
    ids=["no trailer", "too many trailers", "NUL", "cut off"],
)
def test_after_an_end_that_is_none_nothing_more_is_read_from_the_connection(raw: Raw, target: Target, rest: bytes) -> None:
    connection = raw()
    smuggled = f"GET /healthz HTTP/1.1\r\nHost: {target.host}\r\n\r\n".encode()
    connection.sendall(chunked(target, b"2\r\n{}\r\n" + rest, target.key) + smuggled)
    connection.shutdown(socket.SHUT_WR)
    received = everything(connection)
    assert received.count(b"HTTP/1.1 ") == 1
    assert status(received) in (400, 422)


@pytest.mark.parametrize("end", [b"0\r\n", b"1;a="], ids=["trailers", "an extension"])
def test_what_stands_around_a_body_is_not_kept_in_memory(raw: Raw, target: Target, system: System, end: bytes) -> None:
    """Not even for a client that has not logged in."""
    assert system.stack is not None
    processes = [psutil.Process(system.stack.pid(f"web-{n}")) for n in (1, 2)]
    before = sum(process.memory_info().rss for process in processes)
    connection = raw()
    piece = b"X: aaaaaaaaaaaaa\r\n" * 60_000 if end == b"0\r\n" else b"a" * 1_000_000
    with pytest.raises(OSError):  # noqa: PT012 — the server may end any of these
        connection.sendall(chunked(target, end, "none"))
        for _ in range(60):
            connection.sendall(piece)
        assert everything(connection) == b"it took all of that"
    assert sum(process.memory_info().rss for process in processes) - before < 30_000_000


def test_a_body_of_tiny_chunks_is_refused_when_it_is_mostly_envelope(raw: Raw, target: Target) -> None:
    connection = raw()
    connection.sendall(chunked(target, b"1\r\n \r\n" * 20_000 + b"0\r\n\r\n", target.key))
    assert status(everything(connection)) == 400


def test_who_sends_megabytes_that_are_refused_still_receives_the_answer(raw: Raw, target: Target) -> None:
    connection = raw()
    head = f"POST /api/v1/admin/imports HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {target.key}\r\n"
    connection.sendall(f"{head}Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 60000000\r\n\r\n".encode())
    # It looks for an answer only after so much, as a busy proxy does.
    for _ in range(180):
        connection.sendall(b"x" * 50_000)
    assert status(everything(connection)) == 413


def test_a_head_has_its_time(raw: Raw) -> None:
    """A client that trickles bytes is disconnected all the same, and so is one that sends none at all."""
    dribbling, silent = raw(), raw()
    dribbling.settimeout(1)
    received = b""
    for byte in b"GET / HTTP/1.1\r\nX: " + b"a" * 60:
        with suppress(OSError):
            dribbling.sendall(bytes([byte]))
        with suppress(TimeoutError, ConnectionError):
            received = dribbling.recv(4096)
            break
    assert status(received) == 408
    assert everything(silent) == b""


def test_pipelined_requests_are_answered_in_order(raw: Raw, target: Target) -> None:
    connection = raw()
    paths = [f"/api/v1/parts/{part}" for part in target.parts[:20]]
    connection.sendall("".join(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n" for path in paths[:-1]).encode())
    connection.sendall(f"GET {paths[-1]} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
    received = everything(connection)
    assert re.findall(rb"HTTP/1.1 (\d+)", received) == [b"200"] * 20
    ids = [received.index(f'"id":{part},'.encode()) for part in target.parts[:20]]
    assert ids == sorted(ids)


SIZES = (1, 8, 20, 50, 120, 200)


def test_no_answer_of_any_size_waits_for_an_acknowledgement(raw: Raw) -> None:
    """Without TCP_NODELAY each answer of two segments waits some 40 ms for the client's delayed acknowledgement, every time."""
    connection = raw()
    connection.settimeout(10)
    fastest: dict[int, float] = {}
    for limit in SIZES:
        request = f"GET /api/v1/parts?limit={limit} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
        fastest[limit] = min(_round(connection, request) for _ in range(12))
    # A waiting answer would wait every time; a busy machine slows down only some of a dozen.
    assert max(fastest.values()) < max(5 * fastest[1], 0.035), fastest


def _round(connection: socket.socket, request: bytes) -> float:
    # Delay acknowledgements, as most clients do after a first exchange.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
    began = time.perf_counter()
    connection.sendall(request)
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(1_000_000)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(body) < length:
        body += connection.recv(1_000_000)
    return time.perf_counter() - began


def test_no_event_waits_for_the_one_before_to_be_acknowledged(wire: Callable[[], Wire]) -> None:
    """Two frames go out one after the other; the second is not held back."""
    page = wire()
    page.client.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)

    def gap() -> float:
        page.send(frame(b"a", 9), frame(b"b", 9))
        assert page.until(10) == b"a"
        began = time.perf_counter()
        assert page.until(10) == b"b"
        return time.perf_counter() - began

    assert min(gap() for _ in range(15)) < 0.02
