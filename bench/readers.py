"""Readers in a process of their own, which cost the machine little: raw keep-alive connections, one event loop.

`Readers` starts `python -m bench.readers`, which reads until its standard input ends and then writes down what it saw. Half of
the answers are lists of a category, whose every item counts as a read of a part; the others are of one part, every second of them
with the tag of the answer held, so that 304 says that it is still true.
"""

import asyncio
import itertools
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from bench.checker import Kind, Operation

ROOT = Path(__file__).parents[1]
# A read that takes longer has no answer.
TIMEOUT = 10.0
# Whoever was refused waits this long, in seconds.
RESPITE = 0.05
# Connections of a session, each to a process of the kernel's choice.
CONNECTIONS = 2
# Their sessions begin here, so that they are nobody else's.
FIRST_SESSION = 1000

ACCEPTABLE = {"read 200", "read 304", "read 503", "read None"}

Versions = dict[str, int]
# A session, a part, the versions that it was shown, and when the read began and ended (`time.perf_counter`, one clock for all).
Seen = tuple[int, int, Versions, float, float]


@dataclass
class Record:
    """What readers saw: `calls` counts answers by their status, and those of parts by what the cache did.

    `missing` are lists without a part that belongs to them.
    """

    seen: list[Seen] = field(default_factory=list)
    calls: Counter[str] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)

    def history(self) -> list[Operation]:
        """Return the reads for `bench.checker`."""
        return [
            Operation(Kind.READ, session, part, aspect, version, start, end)
            for session, part, versions, start, end in self.seen for aspect, version in versions.items()
        ]  # fmt: skip

    def strange(self) -> list[str]:
        """Return the answers that nobody who reads these parts should get, whatever happens."""
        return [f"{count} × {kind}" for kind, count in self.calls.items() if kind not in ACCEPTABLE and kind.startswith("read")]


class Readers:
    """Sessions that read parts while the block runs; afterwards `record` has what they saw.

    Args:
        addresses: of the web processes, each `host:port`.
        category: whose parts these are, and no others.
        sessions: how many; each waits for its answer before it asks again.
        pause: seconds between two reads of a session.
    """

    def __init__(self, addresses: Sequence[str], parts: Sequence[int], category: int, *, sessions: int, pause: float) -> None:
        self.record = Record()
        self._task = [list(addresses), list(parts), category, sessions, pause]

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.readers", orjson.dumps(self._task).decode()],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        said, _ = self._process.communicate(timeout=3 * TIMEOUT)
        found = orjson.loads(said)
        self.record = Record([tuple(one) for one in found["seen"]], Counter(found["calls"]), found["missing"])


class Connection:
    """A keep-alive connection, opened when needed."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def get(self, path: str, tag: bytes | None) -> tuple[int, bytes, bytes]:
        """Return the status, the head and the body of an answer.

        Raises:
            OSError: there is none, or not in time.
        """
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._ask(path, tag)
        except (OSError, EOFError, asyncio.LimitOverrunError) as error:
            self.close()
            raise OSError(str(error)) from error

    async def _ask(self, path: str, tag: bytes | None) -> tuple[int, bytes, bytes]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(*self._address.split(":"))
        reader, writer = self._streams
        condition = b"If-None-Match: " + tag + b"\r\n" if tag else b""
        writer.write(b"GET /api/v1%s HTTP/1.1\r\nHost: %s\r\n%s\r\n" % (path.encode(), self._address.encode(), condition))
        head = await reader.readuntil(b"\r\n\r\n")
        length = header(head, b"Content-Length")
        if header(head, b"Transfer-Encoding") == b"chunked":
            body = await _chunks(reader)
        else:
            body = await reader.readexactly(int(length)) if length else b""
        if header(head, b"Connection") == b"close":
            self.close()
        return int(head[9:12]), head, body

    def close(self) -> None:
        """Close it; the next request opens another."""
        if self._streams is not None:
            self._streams[1].transport.abort()
        self._streams = None


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    chunks: list[bytes] = []
    while (size := int(await reader.readline(), 16)) > 0:
        chunks.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(chunks)


def header(head: bytes, name: bytes) -> bytes | None:
    """Return a header's value, or None."""
    _, found, rest = head.partition(b"\r\n" + name + b": ")
    return rest.partition(b"\r\n")[0] if found else None


async def read(record: Record, session: int, addresses: Sequence[str], parts: Sequence[int], category: int, pause: float) -> None:
    """Read until cancelled."""
    connections = [Connection(address) for address in addresses for _ in range(CONNECTIONS)]
    held: dict[int, tuple[bytes | None, Versions]] = {}
    for number in itertools.count(session):
        connection, part = random.choice(connections), random.choice(parts)
        asks_list, tag = number % 2 == 0, None
        if number % 4 == 1 and part in held:
            tag = held[part][0]
        path = f"/parts?category={category}&sort=newest&limit=100" if asks_list else f"/parts/{part}"
        start = time.perf_counter()
        try:
            status, head, body = await connection.get(path, tag)
        except OSError:
            record.calls["read None"] += 1
            await asyncio.sleep(RESPITE)
            continue
        end = time.perf_counter()
        record.calls[f"read {status}"] += 1
        if status == HTTPStatus.OK:
            answer = orjson.loads(body)
            shown: dict[int, Versions] = {one["id"]: one["versions"] for one in (answer["items"] if asks_list else [answer])}
            if asks_list:
                record.missing += [f"list without part {one} at {start:.4f}..{end:.4f}" for one in parts if one not in shown]
            else:
                held[part] = header(head, b"Etag"), shown[part]
            record.calls[f"cache {(header(head, b'X-Cache') or b'').decode()}"] += 1
            record.seen += [(session, one, versions, start, end) for one, versions in shown.items()]
        elif status == HTTPStatus.NOT_MODIFIED:
            record.seen.append((session, part, held[part][1], start, end))
        await asyncio.sleep(pause if status < HTTPStatus.INTERNAL_SERVER_ERROR else max(pause, RESPITE))


async def serve(addresses: Sequence[str], parts: Sequence[int], category: int, sessions: int, pause: float) -> Record:
    """Let the sessions read until standard input ends; return what they saw."""
    record = Record()
    tasks = [
        asyncio.create_task(read(record, FIRST_SESSION + number, addresses, parts, category, pause)) for number in range(sessions)
    ]
    ended = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    await asyncio.wait([ended, *tasks], return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task  # a session that has failed by itself fails us
    return record


def main() -> None:
    """Read as the argument says, and write down what was seen."""
    task: list[Any] = orjson.loads(sys.argv[1])
    record = asyncio.run(serve(*task))
    sys.stdout.buffer.write(orjson.dumps({"seen": record.seen, "calls": record.calls, "missing": record.missing}))


if __name__ == "__main__":
    main()
