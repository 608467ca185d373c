"""Many open pages of one part in a process of their own, which say when the last of them was told of something.

They are `bench.pages`' pages: one event loop and raw frames, so that a thousand of them cost this machine little. Times are those
of `time.perf_counter`, which is one clock for all processes of a machine.
"""

import asyncio
import multiprocessing
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from bench.abuse import frame
from bench.pages import Pages, message

# Seconds in which pages open, and in which they are told.
OPENS_WITHIN, TOLD_WITHIN = 60.0, 10.0


class Audience:
    """So many open pages that show `parts`, while the block runs."""

    def __init__(self, url: str, parts: Sequence[int], count: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_attend, args=(url, parts, count, theirs), daemon=True)

    def __enter__(self) -> Self:
        """Open them.

        Raises:
            TimeoutError: if one of them cannot be opened.
        """
        self._process.start()
        if not self._answer(OPENS_WITHIN):
            raise TimeoutError("not all pages were opened")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Close them."""
        self._pipe.send(None)
        self._process.join(OPENS_WITHIN)
        self._process.kill()

    def expect(self, event: str) -> None:
        """From now on, count how many of them hear of this event."""
        self._pipe.send(event)
        self._answer(TOLD_WITHIN)

    def heard(self) -> float:
        """Return when the last of them heard of what is expected.

        Raises:
            TimeoutError: if one of them does not hear of it.
        """
        at = self._answer(TOLD_WITHIN)
        if not at:
            raise TimeoutError("not all pages were told")
        return at

    def _answer(self, within: float) -> float:
        if not self._pipe.poll(within):
            raise TimeoutError("the pages do not answer")
        return float(self._pipe.recv())


class _Pages:
    """What the pages have heard."""

    def __init__(self, pipe: Connection, count: int) -> None:
        self._pipe = pipe
        self._count = count
        self._expected = b"nothing yet"
        self._missing: set[int] = set()

    def expect(self, event: str) -> None:
        self._expected, self._missing = event.encode(), set(range(self._count))
        self._pipe.send(1.0)

    async def listen(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            text = await message(reader)
            if text == b"2":  # the server asks whether the page is still there
                writer.write(frame(b"3"))
            elif number in self._missing and self._expected in text:
                self._missing.remove(number)
                if not self._missing:
                    self._pipe.send(time.perf_counter())


def _attend(url: str, parts: Sequence[int], count: int, pipe: Connection) -> None:
    asyncio.run(_play(url, parts, count, pipe))


async def _play(url: str, parts: Sequence[int], count: int, pipe: Connection) -> None:
    pages, loop = Pages(url, parts), asyncio.get_running_loop()
    found = await pages.come_back(range(count), OPENS_WITHIN - 5)
    heard, over = _Pages(pipe, count), asyncio.Event()

    def obey() -> None:
        while (event := pipe.recv()) is not None:
            loop.call_soon_threadsafe(heard.expect, event)
        loop.call_soon_threadsafe(over.set)

    threading.Thread(target=obey, daemon=True).start()
    listening = [asyncio.create_task(heard.listen(number, *streams)) for number, streams in enumerate(pages.open)]
    pipe.send(float(all(page.seconds is not None for page in found)))
    await over.wait()
    for task in listening:
        task.cancel()
    pages.close()
