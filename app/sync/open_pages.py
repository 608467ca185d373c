"""How many pages of customers show certain parts now: each web process knows its own, and is asked over Valkey."""

import time
from collections import Counter
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
        counted = self._ask(part_ids, each=False)
        return None if counted is None else sum(counted)

    def of_each(self, part_ids: Collection[int]) -> dict[str, int] | None:
        """Return how many pages show each of the parts, by id, without those that none shows; None if that is not known in
        time."""
        counted = self._ask(part_ids, each=True)
        # A process of the release before takes the question for the other one.
        if counted is None or not all(isinstance(one, dict) for one in counted):
            return None
        return dict(sum((Counter(one) for one in counted), Counter()))

    def _ask(self, part_ids: Collection[int], *, each: bool) -> list[Any] | None:
        """Return what every process answered; None if not all did in time."""
        if not part_ids:
            return []
        key = f"{self._prefix}{rooms.QUESTIONS}:{uuid4().hex}"
        question = {"parts": list(part_ids), "answer": key, "each": each}
        try:
            asked: Any = self._client.publish(self.channel, orjson.dumps(question))
            return self._answers(key, asked)
        except RedisError as error:
            log.warning("open pages not counted", error=str(error))
            return None

    def _answers(self, key: str, processes: int) -> list[Any] | None:
        deadline = time.monotonic() + PATIENCE
        answers: list[Any] = []
        while len(answers) < processes:
            if time.monotonic() > deadline:
                return None
            found: Any = self._client.blpop([key], timeout=_AT_ONCE)
            if found is not None:
                answers.append(orjson.loads(found[1]))
        return answers

    def answer(self, question: dict[str, object], counted: int | dict[str, int]) -> None:
        """Answer a question that came over the channel: so many pages of this process show one of its parts; or, if it asks of
        each, so many show which."""
        key = str(question["answer"])
        try:
            with self._client.pipeline() as pipeline:
                pipeline.rpush(key, orjson.dumps(counted))
                pipeline.expire(key, KEPT_FOR)
                pipeline.execute()
        except RedisError as error:
            log.warning("open pages not told", error=str(error))
