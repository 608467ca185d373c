"""How many pages of customers show certain parts now: each web process knows its own, and is asked over Valkey."""

import time
from collections.abc import Collection
from typing import Any
from uuid import uuid4

import orjson
import structlog
from redis import Redis
from redis.exceptions import RedisError

from app.contract import rooms

log = structlog.get_logger()

# Seconds that somebody waits for the answers of all processes; they take a few milliseconds.
PATIENCE = 0.3
# Seconds after which answers that nobody has fetched are forgotten.
KEPT_FOR = 10
# Seconds that the server may keep a client waiting, which must be less than the client's own time-out.
_AT_ONCE = 0.1


class OpenPages:
    """Asks, and answers for the pages of this process.

    Args:
        client: a client of the Socket.IO channel's server.
        prefix: what every name in the server begins with.
    """

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self.channel = prefix + rooms.QUESTIONS

    def count(self, part_ids: Collection[int]) -> int | None:
        """Return how many pages show at least one of the parts; None if that is not known in time."""
        if not part_ids:
            return 0
        key = f"{self._prefix}{rooms.QUESTIONS}:{uuid4().hex}"
        try:
            asked: Any = self._client.publish(self.channel, orjson.dumps({"parts": list(part_ids), "answer": key}))
            return self._sum(key, asked)
        except RedisError as error:
            log.warning("open pages not counted", error=str(error))
            return None

    def _sum(self, key: str, processes: int) -> int | None:
        deadline = time.monotonic() + PATIENCE
        counted = 0
        while processes:
            if time.monotonic() > deadline:
                return None
            found: Any = self._client.blpop([key], timeout=_AT_ONCE)
            if found is not None:
                counted += int(found[1])
                processes -= 1
        return counted

    def answer(self, question: dict[str, object], count: int) -> None:
        """Answer a question that came over the channel: so many pages of this process show one of its parts."""
        key = str(question["answer"])
        try:
            with self._client.pipeline() as pipeline:
                pipeline.rpush(key, count)
                pipeline.expire(key, KEPT_FOR)
                pipeline.execute()
        except RedisError as error:
            log.warning("open pages not told", error=str(error))
