"""Clients that read and write over real HTTP and record what they saw, for `bench.checker`."""

import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass

from bench.checker import Kind, Operation
from bench.system import Client, NoAnswerError, System, close_all

ASPECTS = ("content", "stock", "price")
CONNECTIONS = 4


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call. Its status is None if no answer came."""

    method: str
    status: int | None
    cache: str | None
    start: float
    end: float


class Recorder:
    """Sessions that read and write a few parts while its block runs.

    Each session uses several connections, so that it reaches every web process, and reads what it has just written.

    Args:
        sessions: how many, each a thread.
        write_share: the probability that a call is a write.
        pause: seconds between two calls of a session.
        most_reads: reads after which the sessions end by themselves.
    """

    def __init__(
        self, system: System, parts: Sequence[int], *, sessions: int = 4, write_share: float = 0.05, pause: float = 0.0,
        most_reads: int = 10**9,
    ) -> None:  # fmt: skip
        self.history: list[Operation] = []
        self.calls: list[Call] = []
        self.reads = 0
        self._system = system
        self._parts = parts
        self._write_share = write_share
        self._pause = pause
        self._most_reads = most_reads
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(sessions)]

    def __enter__(self) -> "Recorder":
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        """End each session after its current call."""
        self._stopped.set()
        self.join()

    def join(self) -> None:
        """Wait until the sessions have ended."""
        for thread in self._threads:
            thread.join()

    @property
    def running(self) -> bool:
        """Whether a session is still running."""
        return any(thread.is_alive() for thread in self._threads)

    def _run(self, session: int) -> None:
        clients, number = [self._system.client() for _ in range(CONNECTIONS)], 0
        while not self._stopped.is_set() and self.reads < self._most_reads:
            part = random.choice(self._parts)
            if random.random() < self._write_share:
                number += 1
                self._write(random.choice(clients), session, part, number)
            self._read(random.choice(clients), session, part)
            if self._pause:
                time.sleep(self._pause)
        close_all(clients)

    def _read(self, client: Client, session: int, part: int) -> None:
        start = time.perf_counter()
        try:
            answer = client.call("GET", f"/parts/{part}")
        except NoAnswerError:
            self.calls.append(Call("GET", None, None, start, time.perf_counter()))
            return
        end = time.perf_counter()
        self.calls.append(Call("GET", answer.status, answer.cache, start, end))
        if answer.status == 200:
            self.reads += 1
            for aspect, version in answer.body["versions"].items():
                self.history.append(Operation(Kind.READ, session, part, aspect, version, start, end))

    def _write(self, client: Client, session: int, part: int, number: int) -> None:
        aspect = random.choice(ASPECTS)
        mark = f"{session}.{number:06d}"
        match aspect:
            case "content":
                method, path, body = "PUT", "", {"part_name": f"Part {mark} {random.random()}"}
            case "price":
                amount = f"{random.randint(1, 10**7)}.{number % 100:02d}"
                method, path, body = "PUT", "/prices", {"prices": [{"currency": "EUR", "amount": amount}]}  # type: ignore[dict-item]
            case _:
                method, path, body = "POST", "/stock/adjustments", {"delta": 1, "reason": "counted"}  # type: ignore[dict-item]
        start = time.perf_counter()
        try:
            answer = client.call(method, f"/admin/parts/{part}{path}", body)
        except NoAnswerError:
            self.calls.append(Call(method, None, None, start, time.perf_counter()))
            self.history.append(Operation(Kind.WRITE, session, part, aspect, None, start))
            return
        end = time.perf_counter()
        self.calls.append(Call(method, answer.status, None, start, end))
        version = answer.body["version"] if answer.status == 200 else None
        self.history.append(Operation(Kind.WRITE, session, part, aspect, version, start, end if version else float("inf")))
