"""Pages that all come back at once, as after a restart: how long until each is served again, and what others notice.

`python -m bench.pages [COUNT…] [--killed] [--processes N]` (5000). Each page comes from one of many addresses of this machine,
waits before it connects, between attempts and for answers as the shop's own do (`app/frontend/shared/live/connection.ts`),
watches a few parts, and asks again when it is told to. It counts as served when it has been answered; the bench ends with exit
code 1 if some never are. Meanwhile a neighbour reads a cached list over and over on a connection to each process. With `--killed`
the web processes are killed when the pages begin, and nobody else is measured.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bench.abuse import HANDSHAKE, Felt, Neighbour, frame
from bench.system import System, own_stack

# Seconds before the first attempt; the most between two at first, until which attempt, and later; each times 0.5 to 1.5.
FIRST_PAUSE, SHORT_PAUSE, SHORT_ATTEMPTS, LONG_PAUSE = 0.5, 1.3, 4, 8.0
# Seconds in which the socket must be open, until that attempt and at most later; and in which a question must be answered.
OPENS_WITHIN, OPENS_WITHIN_AT_MOST, ANSWER_WITHIN = 2.5, 20.0, 10.0
PARTS = 5
PAGES_PER_ADDRESS = 10
# Seconds after which a page that has not been served counts as never served.
GIVES_UP = 120.0
# Seconds for which the neighbour is measured at a time.
WINDOW = 2.0
_OPENED = b"0{"
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
    """Pages of the system at `url`, each watching some of `parts`."""

    url: str
    parts: Sequence[int]
    open: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)

    async def come_back(self, numbers: Sequence[int], gives_up: float = GIVES_UP) -> list[Returned]:
        """Have the pages of these numbers connect at once; return what became of each. They stay open until `close`."""
        deadline = time.perf_counter() + gives_up
        return await asyncio.gather(*(self._come_back(_address(number), deadline) for number in numbers))

    def close(self) -> None:
        """Close them."""
        for _reader, writer in self.open:
            writer.transport.abort()

    async def _come_back(self, address: str, deadline: float) -> Returned:
        found, began, attempt, pause = Returned(), time.perf_counter(), 0, FIRST_PAUSE
        while time.perf_counter() < deadline:
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))
            opens_within = min(OPENS_WITHIN_AT_MOST, OPENS_WITHIN * 2 ** max(0, attempt - SHORT_ATTEMPTS))
            attempt += 1
            pause = min(FIRST_PAUSE * 2**attempt, LONG_PAUSE, SHORT_PAUSE * 2 ** max(0, attempt - SHORT_ATTEMPTS))
            with suppress(OSError, EOFError, TimeoutError):
                await self._connect_and_watch(address, opens_within, found)
                found.seconds = time.perf_counter() - began
                return found
            found.refused_connections += 1
        return found

    async def _connect_and_watch(self, address: str, opens_within: float, found: Returned) -> None:
        """Return once everything has been answered.

        Raises:
            OSError, EOFError, TimeoutError: the page must connect again.
        """
        parts = urlsplit(self.url)
        opens_until = asyncio.get_running_loop().time() + opens_within
        async with asyncio.timeout_at(opens_until):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port, local_addr=(address, 0))
        try:
            async with asyncio.timeout_at(opens_until):
                writer.write(HANDSHAKE.format(host=parts.netloc).encode())
                if b" 101 " not in await reader.readuntil(b"\r\n\r\n"):
                    raise ConnectionRefusedError("no WebSocket")
                await _next(reader, _OPENED)
            async with asyncio.timeout(ANSWER_WITHIN):
                writer.write(frame(b"40/customers,"))
                await _next(reader, _CONNECTED)
            shown = random.sample(self.parts, min(PARTS, len(self.parts)))
            watch = json.dumps(["watch", {"parts": dict.fromkeys(map(str, shown))}])
            while True:
                async with asyncio.timeout(ANSWER_WITHIN):
                    writer.write(frame(f"42/customers,0{watch}".encode()))
                    answer = json.loads((await _next(reader, _ANSWER)).partition(b",0")[2])[0]
                if "error" not in answer:
                    break
                found.refused_watches += 1
                await asyncio.sleep(answer["error"]["retry_after"] * random.uniform(1, 1.5))
        except BaseException:
            writer.transport.abort()
            raise
        self.open.append((reader, writer))


async def _next(reader: asyncio.StreamReader, beginning: bytes) -> bytes:
    """Return the next message that begins so."""
    while not (found := await message(reader)).startswith(beginning):
        pass
    return found


async def message(reader: asyncio.StreamReader) -> bytes:
    """Return the next message.

    Raises:
        ConnectionResetError, EOFError: if the server closes the connection.
    """
    head = await reader.readexactly(2)
    size = head[1] & 127
    if size > 125:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8))
    text = await reader.readexactly(size)
    if head[0] & 15 == 8:
        raise ConnectionResetError("the server has closed")
    return text


def _address(number: int) -> str:
    """Return the address of a page."""
    place = number // PAGES_PER_ADDRESS
    return f"127.1.{place // 250}.{1 + place % 250}"


def come_back(url: str, parts: Sequence[int], numbers: Sequence[int]) -> list[Returned]:
    """Have these pages come back, in an event loop of their own; return what became of them, once that is known."""

    async def play() -> list[Returned]:
        pages = Pages(url, parts)
        try:
            return await pages.come_back(numbers)
        finally:
            pages.close()

    return asyncio.run(play())


def all_come_back(system: System, parts: Sequence[int], count: int, processes: int) -> list[Returned]:
    """Have so many pages come back at once, in so many processes: one is soon busy itself."""
    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        # Until all have started, nobody begins.
        list(pool.map(time.sleep, [0.5] * processes))
        found = pool.map(
            come_back, [system.url] * processes, [parts] * processes, [range(n, count, processes) for n in range(processes)]
        )
        return [page for own in found for page in own]


class Beside:
    """A neighbour of the pages, measured in windows of `WINDOW` seconds."""

    def __init__(self, system: System) -> None:
        """Measure the quiet before."""
        self._neighbour = Neighbour(system)
        self.quiet = self._neighbour.measure(2 * WINDOW)
        self.felt: list[Felt] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._measure)

    def __enter__(self) -> "Beside":
        """Measure until the block ends."""
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """Stop."""
        self._over.set()
        self._thread.join()
        self._neighbour.close()

    def _measure(self) -> None:
        while not self._over.is_set():
            self.felt.append(self._neighbour.measure(WINDOW))


def print_pages(found: Sequence[Returned]) -> None:
    """Print how long they took."""
    took = sorted(page.seconds for page in found if page.seconds is not None)
    times = (
        ", ".join(f"{share:.0%} within {took[int(share * len(took)) - 1]:.1f} s" for share in (0.5, 0.99, 1.0))
        if took
        else "none"
    )
    print(f"{len(took)} of {len(found)} pages served: {times}")
    connections, watches = (sum(getattr(page, name) for page in found) for name in ("refused_connections", "refused_watches"))
    print(f"attempts to connect that were refused or failed: {connections}; watches told to come back: {watches}", flush=True)


def print_neighbour(beside: Beside) -> None:
    """Print what a neighbour noticed: in milliseconds, in all of the quiet, and in the median and the worst of the windows."""
    for name in ("p50", "p95", "p99"):
        quiet, felt = getattr(beside.quiet, name), sorted(getattr(felt, name) for felt in beside.felt)
        middle = felt[len(felt) // 2]
        print(f"neighbour's {name}: {quiet:.1f} -> {middle:.1f} ({middle / quiet:.1f} times), at worst {felt[-1]:.1f}")
    calls, failed = sum(felt.calls for felt in beside.felt), sum(felt.failed for felt in beside.felt)
    print(f"not answered 200: {failed} of {calls}")


def kill_web(system: System) -> None:
    """Kill every web process; the stack starts others."""
    assert system.stack is not None
    for number in range(system.stack.settings.web_concurrency):
        os.kill(system.stack.pid(f"web-{number + 1}"), signal.SIGKILL)


def run(system: System, count: int, processes: int, *, killed: bool) -> bool:
    """Print how long pages take; return whether all were served."""
    parts = system.make_parts(200)
    if killed:
        kill_web(system)
        found = all_come_back(system, parts, count, processes)
        print_pages(found)
    else:
        with Beside(system) as beside:
            found = all_come_back(system, parts, count, processes)
        print_pages(found)
        print_neighbour(beside)
    return all(page.seconds is not None for page in found)


def main() -> None:
    """Run it on a system of its own."""
    parser = argparse.ArgumentParser(prog="python -m bench.pages", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("counts", nargs="*", type=int, default=[5_000], metavar="COUNT", help="how many pages")
    parser.add_argument("--processes", type=int, default=2, help="in how many processes they are")
    parser.add_argument("--killed", action="store_true", help="kill the web processes first")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="lockstep-pages-") as home, own_stack(Path(home)) as system:
        all_served = [run(system, count, chosen.processes, killed=chosen.killed) for count in chosen.counts]
    sys.exit(not all(all_served))


if __name__ == "__main__":
    main()
