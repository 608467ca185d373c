"""`sync.prune`: deletes delivered events that a newer one has superseded, and idempotency keys that no longer count, in small
batches. Safe to run concurrently."""

from collections.abc import Callable

from sqlalchemy import Engine

from app.store import idempotency, outbox

KEEP_DAYS = 14
BATCH = 1000
MAX_BATCHES = 50


def prune(engine: Engine) -> int:
    """Delete old events and keys, and return how many events; what is left after `MAX_BATCHES` waits for the next run."""
    _in_batches(lambda: idempotency.prune(engine, BATCH))
    return _in_batches(lambda: outbox.prune(engine, KEEP_DAYS, BATCH))


def _in_batches(delete: Callable[[], int]) -> int:
    deleted = 0
    for _ in range(MAX_BATCHES):
        count = delete()
        deleted += count
        if count < BATCH:
            break
    return deleted
