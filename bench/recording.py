"""Clients that read and write over real HTTP and record what they saw, for `bench.checker`."""

import math
import random
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from bench.checker import Kind, Operation
from bench.system import Answer, Client, NoAnswerError, System, close_all

Answered = tuple[Answer | None, float, float]
ASPECTS = ("content", "stock", "price")
CONNECTIONS = 4
# Of the writes, how many are changes of the stock of so many parts in one call.
BULK_SHARE, BULK_PARTS = 0.2, 5


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP call. Its status is None if no answer came. Times are in seconds by `time.perf_counter`."""

    method: str
    path: str
    status: int | None
    cache: str | None
    start: float
    end: float

    def __str__(self) -> str:
        """Say what was asked, what was answered, and how long that took."""
        return f"{self.method} {self.path} (answer {self.status} after {self.end - self.start:.1f} s)"


@dataclass(frozen=True, slots=True)
class Write:
    """A write as its client knows it. Unless it was answered with 200 or 409, it may or may not have happened.

    `delta` is what it adds to the stock, if it happens. A call that changes several parts makes a write of each, with one
    `request_id`: all of them happen, or none.
    """

    request_id: str
    part: int
    aspect: str
    version: int | None
    status: int | None
    delta: int = 0


class Recorder:
    """Sessions that read and write a few parts while its block runs.

    Each session uses several connections, so that it reaches every web process, and reads what it has just written. Some writes
    change the stock of several parts at once. Half of the other changes of stock are relative, the rest set what they have read
    plus something and state its version; so the stock is the sum of the deltas, unless an update was lost.

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
                request_id = f"{self._mark}-{session}-{number}"
                write = self._write_many if random.random() < BULK_SHARE else self._write
                write(random.choice(clients), session, part, request_id)
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

    def _write(self, client: Client, session: int, part: int, request_id: str) -> None:
        aspect, delta = random.choice(ASPECTS), random.randint(1, 3)
        body: dict[str, Any]
        match aspect:
            case "content":
                method, path, body = "PUT", "", {"part_name": f"Part {request_id}"}
            case "price":
                amount = f"{random.randint(1, 10**7)}.{random.randint(0, 99):02d}"
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
        versions = {part: answer.body["version"]} if answer and answer.status == HTTPStatus.OK else {}
        self._note(session, request_id, aspect, {part: delta if aspect == "stock" else 0}, versions, answer, start, end)

    def _write_many(self, client: Client, session: int, part: int, request_id: str) -> None:
        parts = {part, *random.sample(self._parts, min(BULK_PARTS, len(self._parts)) - 1)}
        deltas = {one: random.randint(1, 3) for one in parts}
        changes = [{"part_id": one, "delta": delta} for one, delta in deltas.items()]
        body = {"changes": changes, "reason": "counted", "on_conflict": "fail"}
        answer, start, end = self._call(client, "POST", "/admin/stock/bulk", body, request_id)
        rows = answer.body["rows"] if answer and answer.status == HTTPStatus.OK else []
        versions = {row["part_id"]: row["after"]["version"] for row in rows}
        self._note(session, request_id, "stock", deltas, versions, answer, start, end)

    def _note(
        self, session: int, request_id: str, aspect: str, deltas: Mapping[int, int], versions: Mapping[int, int],
        answer: Answer | None, start: float, end: float,
    ) -> None:  # fmt: skip
        """Record what was answered to a write of these parts, which have these versions if it was done."""
        status = answer.status if answer else None
        for part, delta in deltas.items():
            version = versions.get(part)
            if status != HTTPStatus.CONFLICT:
                until = end if status == HTTPStatus.OK else math.inf
                self.history.append(Operation(Kind.WRITE, session, part, aspect, version, start, until))
            self.writes.append(Write(request_id, part, aspect, version, status, delta))

    def _call(self, client: Client, method: str, path: str, body: Any = None, request_id: str | None = None) -> Answered:
        """Call and record it; return the answer, None if none came, with the times of its beginning and end."""
        start, answer = time.perf_counter(), None
        with suppress(NoAnswerError):
            answer = client.call(method, path, body, request_id)
        end = time.perf_counter()
        status, cache = (answer.status, answer.cache) if answer else (None, None)
        self.calls.append(Call(method, path, status, cache, start, end))
        return answer, start, end
