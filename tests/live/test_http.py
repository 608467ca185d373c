"""HTTP over raw sockets: complete chunked bodies, and nothing that two servers could interpret differently."""

import json
import socket
from contextlib import suppress
from urllib.parse import urlsplit

import pytest

from bench.system import Client, System, close_all

BODY = b'{"current_stock": 77}'


def answer(system: System, head: str, body: bytes = b"") -> bytes:
    """Send the bytes of one request, and return everything that comes back until the server closes."""
    parts = urlsplit(system.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(head.replace("\n", "\r\n").encode("latin-1") + b"\r\n" + body)
        received = b""
        # A client that is refused early may find the connection reset.
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                received += piece
    return received


def put(part_id: int, key: str, *headers: str) -> str:
    lines = (
        f"PUT /api/v1/admin/parts/{part_id}/stock HTTP/1.1", "Host: shop", f"Authorization: Bearer {key}",
        "Content-Type: application/json", "Connection: close", *headers,
    )  # fmt: skip
    return "".join(f"{line}\n" for line in lines)


def stock(client: Client, part_id: int) -> int:
    return int(client.call("GET", f"/admin/parts/{part_id}").body["stock"]["current_stock"])


def chunks(body: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:5], body[5:])) + b"0\r\n\r\n"


def test_a_body_in_chunks_is_read_whole(system: System, client: Client, part_id: int) -> None:
    received = answer(system, put(part_id, system.key, "Transfer-Encoding: chunked"), chunks(BODY))
    assert received.startswith(b"HTTP/1.1 200")
    assert stock(client, part_id) == 77


@pytest.mark.parametrize(
    ("body", "status"),
    [(chunks(b'{"reason": "' + b"x" * 1_000_001 + b'"}'), 413), (b"ZZ\r\n", 400), (b"5\r\n{", 400), (b"", 400)],
    ids=["too long", "no length", "cut off", "none"],
)
def test_a_bad_body_in_chunks_is_refused_as_a_problem(
    body: bytes, status: int, system: System, client: Client, part_id: int
) -> None:
    received = answer(system, put(part_id, system.key, "Transfer-Encoding: chunked"), body)
    assert received.startswith(b"HTTP/1.1 %d" % status)
    assert json.loads(received.split(b"\r\n\r\n", 1)[1])["status"] == status
    assert stock(client, part_id) == 1000


@pytest.mark.parametrize(
    "headers",
    [
        ["Content-Length: 21", "Transfer-Encoding: chunked"], ["Content-Length: 21", "Content-Length: 5"],
        ["Content-Length: -21"], ["Content-Length: +21"], ["Content-Length: 2_1"], ["Content-Length : 21"],
        ["Transfer-Encoding: xchunked"], ["Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], ["Content-Length: 21", "Host: other"],
        ["Content-Length: 21", "Idempotency-Key: a", "Idempotency-Key: b"], ["Content-Length: 21", "no header"],
        ["Content-Length: 21", "X-A: b\n c"],
    ],
    ids=lambda headers: " ".join(headers)[:60],
)  # fmt: skip
def test_a_request_that_two_servers_could_read_differently_is_refused(
    headers: list[str], system: System, client: Client, part_id: int
) -> None:
    received = answer(system, put(part_id, system.key, *headers), BODY)
    assert received.startswith((b"HTTP/1.0 400", b"HTTP/1.1 400"))
    assert received.count(b"HTTP/1.") == 1
    assert stock(client, part_id) == 1000


@pytest.mark.parametrize("headers", [[f"X-A: {'a' * 65_536}"], [f"X-{n}: {'a' * 1000}" for n in range(100)]], ids=["one", "all"])
def test_headers_without_bounds_are_not_read(headers: list[str], system: System, client: Client, part_id: int) -> None:
    received = answer(system, put(part_id, system.key, "Content-Length: 21", *headers), BODY)
    # The answer itself may get lost, since the server does not read the rest.
    assert received.startswith(b"HTTP/1.0 400") or not received
    assert stock(client, part_id) == 1000


def test_the_next_page_after_a_write_shows_it_on_every_process(system: System, client: Client, part_id: int) -> None:
    processes = system.clients_of_every_process()
    try:
        for amount in ("7.00", "8.50", "9.25"):
            client.call("PUT", f"/admin/parts/{part_id}/prices", {"prices": [{"currency": "EUR", "amount": amount}]})
            client.call("PUT", f"/admin/parts/{part_id}", {"part_name": f"Part at {amount}"})
            for process in processes:
                for path in (f"/parts/{part_id}", f"/parts?q=Part+at+{amount}"):
                    page = process.call("GET", path, base="").body.decode()
                    assert f"€{amount}" in page, path
                    assert f"Part at {amount}" in page, path
                    assert f'"amount":"{amount}"' in page, path
    finally:
        close_all(processes)
