"""What one WebSocket may send and hold."""

import json
import random
import struct
from collections.abc import Callable

import psutil  # type: ignore[import-untyped]  # publishes no types
import pytest

from app.live.budgets import MAX_MESSAGE
from bench.abuse import Target, frame
from bench.system import System, wait_until
from tests.abuse.conftest import Wire

Open = Callable[..., Wire]
TOO_BIG, POLICY, PROTOCOL, UNSUPPORTED = 1009, 1008, 1002, 1003


def asked(target: Target, number: int = 0, count: int = 200) -> bytes:
    parts = {str(part): None for part in target.parts[:count]}
    return frame(b"42/customers,%d%s" % (number, json.dumps(["watch", {"parts": parts}]).encode()))


def answer(wire: Wire) -> dict:
    """Return the next acknowledgement."""
    while not (text := wire.until(1)).startswith(b"43/customers,"):
        pass
    return json.loads(text[text.index(b"[") :])[0]


@pytest.mark.parametrize("length", [MAX_MESSAGE + 1, 120_000_000, 2**62])
def test_a_message_is_refused_by_its_head_before_any_of_it_has_come(wire: Open, length: int) -> None:
    villain = wire()
    villain.send(frame(b"", length=length))
    assert villain.close_code() == TOO_BIG


def test_fragments_are_counted_together(wire: Open) -> None:
    villain = wire()
    piece = b"4" + b"a" * (MAX_MESSAGE // 4)
    villain.send(frame(piece, final=False), *[frame(piece, 0, final=False)] * 4)
    assert villain.close_code() == TOO_BIG


@pytest.mark.parametrize(
    "flood",
    [
        [frame(b"", 9)] * 1_000, [frame(b"x" * 125, 10)] * 1_000,
        [frame(b"4", final=False), *[frame(b"", 0, final=False)] * 1_000],
        [frame(b"3")] * 1_000, [frame(b"2" + b"a" * 60_000)] * 20,
    ],
    ids=["pings", "pongs", "empty fragments", "packets", "bytes"],
)  # fmt: skip
def test_a_flood_of_any_kind_of_frame_is_ended(wire: Open, flood: list[bytes]) -> None:
    villain = wire()
    villain.send(*flood)
    assert villain.close_code() == POLICY


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (frame(b"4", 2), UNSUPPORTED), (frame(b"x"), PROTOCOL), (frame(b""), PROTOCOL), (frame(b"4", 0), PROTOCOL),
        (frame(b"4", 3), PROTOCOL), (frame(b"4", 9, final=False), PROTOCOL), (frame(b"x" * 126, 9), PROTOCOL),
        (b"\x81\x014", PROTOCOL), (b"\xc1\x81\0\0\0\x004", PROTOCOL), (frame(b"4\xff"), 1007),
        (frame(b"4", final=False) + frame(b"4"), PROTOCOL),
    ],
    ids=["binary", "no packet", "empty", "continues nothing", "opcode", "ping in pieces", "long ping", "unmasked", "compressed",
         "no UTF-8", "message within a message"],
)  # fmt: skip
def test_what_is_no_message_is_refused_with_its_code(wire: Open, sent: bytes, code: int) -> None:
    villain = wire()
    villain.send(sent)
    assert villain.close_code() == code


def test_an_honest_page_may_speak_in_pieces_and_ping(wire: Open, target: Target) -> None:
    page = wire()
    whole = b'42/customers,7["watch",{"parts":{"%d":null}}]' % target.parts[0]
    page.send(frame(whole[:10], final=False), frame(b"hello", 9), frame(whole[10:20], 0, final=False), frame(whole[20:], 0))
    assert page.until(10) == b"hello"
    assert [part["id"] for part in answer(page)["parts"]] == [target.parts[0]]
    page.send(frame(struct.pack("!H", 1000), 8))
    assert page.close_code() == 1000


def test_compression_is_not_agreed_to(target: Target) -> None:
    with target.connect() as client:
        client.sendall(
            f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {target.host}\r\nConnection: keep-alive, Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n".encode()
        )
        head = client.recv(4096).split(b"\r\n\r\n")[0].lower()
    assert head.startswith(b"http/1.1 101")
    assert b"sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=" in head
    assert b"extensions" not in head


def test_one_watch_at_a_time_a_socket_and_a_budget_of_parts(wire: Open, target: Target) -> None:
    page = wire()
    page.send(*[asked(target, number) for number in range(8)])
    answers = [answer(page) for _ in range(8)]
    served = [found for found in answers if "error" not in found]
    refused = [found["error"] for found in answers if "error" in found]
    assert served
    assert refused
    assert all(len(found["parts"]) == len(target.parts) for found in served)
    assert {error["code"] for error in refused} == {"busy"}
    assert all(0 < error["retry_after"] <= 60 for error in refused)


def test_fifty_honest_pages_behind_one_address_are_never_busy(wire: Open, target: Target) -> None:
    """They reconnect together after a restart, watch 200 parts each, and watch once more because of a `resync`."""
    # One that no other test has made requests from: what an address may ask for comes back slowly.
    address = f"127.{random.randrange(1, 255)}.{random.randrange(255)}.{random.randrange(1, 255)}"
    pages = [wire(address) for _ in range(50)]
    for number in (1, 2):
        for page in pages:
            page.send(asked(target, number))
        assert all("error" not in answer(page) for page in pages)


@pytest.mark.parametrize("event", ["watch", "unwatch"])
def test_long_lists_are_refused_unread(wire: Open, event: str) -> None:
    page = wire()
    parts: object = {str(n): None for n in range(1, 5_000)} if event == "watch" else [1] * 20_000
    page.send(frame(b"42/customers,1" + json.dumps([event, {"parts": parts}], separators=(",", ":")).encode()))
    assert answer(page)["error"]["code"] == "too_many_parts"


def test_who_never_reads_holds_little_memory(wire: Open, target: Target, system: System) -> None:
    assert system.stack is not None
    processes = [psutil.Process(system.stack.pid(f"web-{n}")) for n in (1, 2)]

    def held() -> int:
        return sum(process.memory_info().rss for process in processes)

    before = held()
    for _ in range(20):
        silent = wire()
        silent.send(*[asked(target, number) for number in range(80)])
    assert wait_until(lambda: "error" not in answer_of_another(wire, target), within=30, every=0.5)
    assert held() - before < 150_000_000


def answer_of_another(wire: Open, target: Target) -> dict:
    page = wire()
    page.send(asked(target, count=1))
    return answer(page)
