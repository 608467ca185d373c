"""How many open pages were told of an event.

Only the web process that a page is connected to knows of it, so each adds its own to a sum in Valkey, where that is kept for a
quarter of an hour. It answers somebody who has just changed something and looks; it is no record: what a process had not written
when it was killed, or Valkey has lost, is missing.
"""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import structlog
from redis import Redis
from redis.exceptions import RedisError

from app.contract import rooms

log = structlog.get_logger()

# In seconds: how long a sum is kept after the last addition, and for how long what is to be written is gathered.
KEPT_FOR = 900
GATHERED_FOR = 0.2


class ToldPages:
    """Counts for all processes together.

    Args:
        client: a client of the Valkey that all processes share.
        prefix: what names there begin with.
    """

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._counts = Counter[str]()
        self._signal = threading.Event()

    def start(self) -> None:
        """From now on write what is noted, in a thread of its own: nobody who is told anything waits for Valkey's answer."""
        threading.Thread(target=self._run, name="told", daemon=True).start()

    def note(self, event_id: str, pages: int) -> None:
        """Note that this process is telling so many pages of an event."""
        self._counts[event_id] += pages
        self._signal.set()

    def of(self, event_id: str) -> int | None:
        """Return how many pages were told of an event; None if none was, or it is not known (any more)."""
        return self.of_each([event_id]).get(event_id)

    def of_each(self, event_ids: Sequence[str]) -> dict[str, int]:
        """Return how many pages were told of each event; those of which none was, or of which it is not known, are left out."""
        if not event_ids:
            return {}
        try:
            found: Any = self._client.mget([self._key(event_id) for event_id in event_ids])
        except RedisError:
            return {}
        return {event_id: int(pages) for event_id, pages in zip(event_ids, found, strict=True) if pages is not None}

    def _run(self) -> None:
        while True:
            self._signal.wait()
            time.sleep(GATHERED_FOR)
            self._signal.clear()
            self.write()

    def write(self) -> None:
        """Add what was noted to the sums."""
        counts, self._counts = self._counts, Counter()
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for event_id, pages in counts.items():
                    pipeline.incrby(self._key(event_id), pages)
                    pipeline.expire(self._key(event_id), KEPT_FOR)
                pipeline.execute()
        except RedisError as error:
            log.warning("not counted how many pages were told", events=len(counts), error=str(error))

    def _key(self, event_id: str) -> str:
        return self._prefix + rooms.told(event_id)
