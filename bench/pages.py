"""Pages that all come back at once, as after a restart: how long until each is served again.

`python -m bench.pages [COUNT]` (5000). Each page comes from one of many addresses of this machine, waits before it connects and
between attempts as the shop's own do (`app/frontend/shared/live/connection.ts`), watches a few parts, and asks again when it is
told to. It counts as served when it has been answered; the bench ends with exit code 1 if some never are.
"""

import argparse
import asyncio
import itertools
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench.abuse import HANDSHAKE, frame
from bench.system import System, own_stack

# Seconds before the first attempt and the most between two, each times 0.5 to 1.5.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 1.3
PARTS = 5
PAGES_PER_ADDRESS = 10
# Seconds after which a page that has not been served counts as never served.
GIVES_UP = 120.0
ANSWER_WITHIN = 20.0
_CONNECTED = b"40/customers"
_ANSWER = b"43/customers,"


@dataclass(slots=True)
class Returned:
    """What became of one page. `seconds` until it was served, None if it never was."""

    seconds: float | None = None
    refused_connections: int = 0
    refused_watches: int = 0


@dataclass(slots=True)
class Pages:
    """Pages of a running system, each watching some of `parts`."""

    system: System
    parts: Sequence[int]
    _open: list[asyncio.StreamWriter] = field(default_factory=list)

    async def come_back(self, count: int, gives_up: float = GIVES_UP) -> list[Returned]:
        """Have so many pages connect at once; return what became of each. They stay open until `close`."""
        addresses = itertools.cycle(f"127.1.{n // 250}.{1 + n % 250}" for n in range(max(1, count // PAGES_PER_ADDRESS)))
        deadline = time.perf_counter() + gives_up
        return await asyncio.gather(*(self._come_back(next(addresses), deadline) for _ in range(count)))

    def close(self) -> None:
        """Close them."""
        for writer in self._open:
            writer.transport.abort()

    async def _come_back(self, address: str, deadline: float) -> Returned:
        found, began, pause = Returned(), time.perf_counter(), FIRST_PAUSE
        while time.perf_counter() < deadline:
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            pause = min(2 * pause, LONGEST_PAUSE)
            with suppress(OSError, EOFError, TimeoutError):
                await self._connect_and_watch(address, found)
                found.seconds = time.perf_counter() - began
                return found
            found.refused_connections += 1
        return found

    async def _connect_and_watch(self, address: str, found: Returned) -> None:
        """Return once everything has been answered.

        Raises:
            OSError, EOFError, TimeoutError: the page must connect again.
        """
        parts = urlsplit(self.system.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port, local_addr=(address, 0))
        try:
            async with asyncio.timeout(ANSWER_WITHIN):
                writer.write(HANDSHAKE.format(host=parts.netloc).encode())
                if b" 101 " not in await reader.readuntil(b"\r\n\r\n"):
                    raise ConnectionRefusedError("no WebSocket")
                writer.write(frame(b"40/customers,"))
                await _next(reader, _CONNECTED)
            watch = json.dumps(["watch", {"parts": dict.fromkeys(map(str, random.sample(self.parts, PARTS)))}])
            while True:
                async with asyncio.timeout(ANSWER_WITHIN):
                    writer.write(frame(f"42/customers,0{watch}".encode()))
                    answer = json.loads((await _next(reader, _ANSWER)).partition(b",0")[2])[0]
                if "error" not in answer:
                    break
                found.refused_watches += 1
                await asyncio.sleep(answer["error"]["retry_after"])
        except BaseException:
            writer.transport.abort()
            raise
        self._open.append(writer)


async def _next(reader: asyncio.StreamReader, beginning: bytes) -> bytes:
    """Return the next message that begins so."""
    while True:
        head = await reader.readexactly(2)
        size = head[1] & 127
        if size > 125:
            size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8))
        message = await reader.readexactly(size)
        if message.startswith(beginning):
            return message
        if head[0] & 15 == 8:
            raise ConnectionResetError("the server has closed")


async def run(system: System, count: int) -> bool:
    """Print how long pages take; return whether all were served."""
    pages = Pages(system, system.make_parts(200))
    try:
        found = await pages.come_back(count)
    finally:
        pages.close()
    took = sorted(page.seconds for page in found if page.seconds is not None)
    times = (
        ", ".join(f"{share:.0%} within {took[int(share * len(took)) - 1]:.1f} s" for share in (0.5, 0.99, 1.0))
        if took
        else "none"
    )
    print(f"{len(took)} of {count} pages served: {times}")
    connections, watches = (sum(getattr(page, name) for page in found) for name in ("refused_connections", "refused_watches"))
    print(f"attempts to connect that were refused or failed: {connections}; watches told to come back: {watches}")
    return len(took) == count


def main() -> None:
    """Run it on a system of its own."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("count", nargs="?", type=int, default=5_000, help="how many pages")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lockstep-pages-") as home, own_stack(Path(home)) as system:
        sys.exit(not asyncio.run(run(system, chosen.count)))


if __name__ == "__main__":
    main()
