"""Which workers are alive, when beat last ticked, and where Flower is.

Workers and beat say so themselves, every other second, in Valkey, which forgets those that have stopped. How long ago it was is
measured by what is left of a key's time there: no two machines' clocks are compared.
"""

import re
import socket
import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import structlog
from redis import Redis
from redis.exceptions import RedisError

from app.contract import cache_keys

log = structlog.get_logger()

# In seconds: how often beat says that it ticks (workers have Celery's own heart, which beats as often), and how long after the
# last time a worker, which may be busy, counts as alive. Beat is remembered for a day, to say since when it is away.
EVERY = 2.0
WORKER_KEPT = 20
BEAT_KEPT = 86_400
# Seconds that Flower may take to say who it is, and bytes that it may need.
_AT_ONCE = 0.5
_HEAD = 4096
# How it asks for the password without which it does not start (flowerconfig.py); nobody else uses its name there.
_ITSELF = re.compile(
    rb'\AHTTP/1\.[01] 401 .*^WWW-Authenticate: Basic realm="flower"\r?$', re.DOTALL | re.MULTILINE | re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that is alive: which queues it takes tasks from, and how many seconds ago it said so."""

    name: str
    queues: list[str]
    seen_seconds: float


@dataclass(frozen=True, slots=True)
class Heard:
    """Who has been heard of. `beat_seconds` is how long ago beat last ticked; None if not within a day."""

    workers: list[Worker]
    beat_seconds: float | None

    def serving(self, queue: str) -> int:
        """Return how many workers take tasks from a queue."""
        return sum(queue in worker.queues for worker in self.workers)


class Heartbeats:
    """Notes signs of life, and answers who gave any.

    Args:
        client: a client of the Valkey that all processes share.
        prefix: what names there begin with.
    """

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._ticked = float("-inf")

    def worker(self, name: str, queues: Collection[str]) -> None:
        """Note that a worker is alive. Nothing is lost if Valkey does not take it: the next one comes in two seconds."""
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                pipeline.set(self._key(cache_keys.worker(name)), " ".join(sorted(queues)), ex=WORKER_KEPT)
                pipeline.sadd(self._key(cache_keys.WORKERS), name)
                pipeline.execute()
        except RedisError as error:
            log.debug("heartbeat not noted", worker=name, error=str(error))

    def beat(self) -> None:
        """Note a tick of beat's, if it is not too soon after the last."""
        if time.monotonic() < self._ticked + EVERY:
            return
        self._ticked = time.monotonic()
        try:
            self._client.set(self._key(cache_keys.BEAT), 1, ex=BEAT_KEPT)
        except RedisError as error:
            log.debug("tick not noted", error=str(error))

    def heard(self) -> Heard | None:
        """Return who is alive; None if that is not known, since Valkey is away."""
        try:
            return self._heard()
        except RedisError:
            return None

    def _heard(self) -> Heard:
        members: Any = self._client.smembers(self._key(cache_keys.WORKERS))
        names = sorted(name.decode() for name in members)
        with self._client.pipeline(transaction=False) as pipeline:
            pipeline.pttl(self._key(cache_keys.BEAT))
            for name in names:
                pipeline.get(self._key(cache_keys.worker(name)))
                pipeline.pttl(self._key(cache_keys.worker(name)))
            beat, *found = pipeline.execute()
        workers, gone = [], []
        for name, queues, left in zip(names, found[::2], found[1::2], strict=True):
            if queues is None:
                gone.append(name)
            else:
                workers.append(Worker(name, queues.decode().split(), _since(WORKER_KEPT, left)))
        if gone:
            # One that is back by now adds itself again.
            self._client.srem(self._key(cache_keys.WORKERS), *gone)
        return Heard(workers, None if beat < 0 else _since(BEAT_KEPT, beat))

    def _key(self, name: str) -> str:
        return self._prefix + name


def _since(kept: int, left_ms: int) -> float:
    return round(max(0.0, kept - left_ms / 1000), 3)


def flower_at(url: str) -> str | None:
    """Return what opens Flower: its path, if a proxy has it there, or else its address on this machine; None if Flower is not at
    `url`, whatever else may listen there."""
    asked = urlsplit(url)
    try:
        head = _head_at(asked, time.monotonic() + _AT_ONCE)
    except OSError:
        return None
    if not _ITSELF.search(head):
        return None
    return url if asked.path == "/" else asked.path


def _head_at(asked: SplitResult, deadline: float) -> bytes:
    """Ask for the first page there, without a password; return what has been answered by the deadline, at least if that is all.

    Not by an HTTP client, whose timeout begins anew with every byte.
    """
    with socket.create_connection((asked.hostname, asked.port or 80), timeout=_AT_ONCE) as connection:
        connection.sendall(f"GET {asked.path} HTTP/1.0\r\nHost: {asked.netloc}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head and len(head) < _HEAD and (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            if not (piece := connection.recv(_HEAD)):
                break
            head += piece
        return head
