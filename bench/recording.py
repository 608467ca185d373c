"""Clients that read and write over real HTTP and record what they saw, for `bench.checker`."""

import math
import random
import threading
import time
import uuid
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bench.checker import Kind, Operation
from bench.system import Answer, Client, NoAnswerError, System, close_all

Answered = tuple[Answer | None, float, float]
ASPECTS = ("content", "stock", "price")
CONNECTIONS = 4


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call. Its status is None if no answer came. Times are in seconds by `time.perf_counter`."""

    method: str
    status: int | None
    cache: str | None
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Write:
    """A write as its client knows it. Unless it was answered with 200 or 409, it may or may not have happened.

    `delta` is what it adds to the stock, if it happens.
    """

    request_id: str
    part: int
    aspect: str
    version: int | None
    status: int | None
    delta: int = 0


class Recorder:
    """Sessions that read and write a few parts while its block runs.

    Each session uses several connections, so that it reaches every web process, and reads what it has just written. Half of the
    changes of stock are relative, the others set what they have read plus something and state its version; so the stock is the
    sum of the deltas, unless an update was lost.

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
        self.writes: list[Write] = []
        self.reads = 0
        self._system = system
        self._parts = parts
        self._write_share = write_share
        self._pause = pause
        self._most_reads = most_reads
        self._mark = uuid.uuid4().hex[:8]
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
            if self._read(random.choice(clients), session, part) is None:
                self._stopped.wait(0.05)  # whoever is refused does not hammer
            if self._pause:
                time.sleep(self._pause)
        close_all(clients)

    def _read(self, client: Client, session: int, part: int) -> Answer | None:
        """Read a part and record what was seen; return the answer if it shows the part."""
        answer, start, end = self._call(client, "GET", f"/parts/{part}")
        if answer is None or answer.status != HTTPStatus.OK:
            return None
        self.reads += 1
        for aspect, version in answer.body["versions"].items():
            self.history.append(Operation(Kind.READ, session, part, aspect, version, start, end))
        return answer

    def _write(self, client: Client, session: int, part: int, number: int) -> None:
        request_id = f"{self._mark}-{session}-{number}"
        aspect, delta = random.choice(ASPECTS), random.randint(1, 3)
        body: dict[str, Any]
        match aspect:
            case "content":
                method, path, body = "PUT", "", {"part_name": f"Part {request_id}"}
            case "price":
                amount = f"{random.randint(1, 10**7)}.{number % 100:02d}"
                method, path, body = "PUT", "/prices", {"prices": [{"currency": "EUR", "amount": amount}]}
            case _ if random.random() < 0.5:
                method, path, body = "POST", "/stock/adjustments", {"delta": delta, "reason": "counted"}
            case _:
                if (present := self._read(client, session, part)) is None:
                    return
                stock = present.body["stock"]
                method, path = "PUT", "/stock"
                body = {"current_stock": stock["current_stock"] + delta, "version": stock["version"]}
        answer, start, end = self._call(client, method, f"/admin/parts/{part}{path}", body, request_id)
        status = answer.status if answer else None
        if answer and status == HTTPStatus.OK:
            version = answer.body["version"]
            self.history.append(Operation(Kind.WRITE, session, part, aspect, version, start, end))
        else:
            version = None
            if status != HTTPStatus.CONFLICT:
                self.history.append(Operation(Kind.WRITE, session, part, aspect, None, start, math.inf))
        self.writes.append(Write(request_id, part, aspect, version, status, delta if aspect == "stock" else 0))

    def _call(self, client: Client, method: str, path: str, body: Any = None, request_id: str | None = None) -> Answered:
        """Call and record it; return the answer, None if none came, with the times of its beginning and end."""
        start, answer = time.perf_counter(), None
        with suppress(NoAnswerError):
            answer = client.call(method, path, body, request_id)
        end = time.perf_counter()
        self.calls.append(Call(method, answer.status if answer else None, answer.cache if answer else None, start, end))
        return answer, start, end
