"""`sync.prune`: deletes delivered events that a newer one has superseded, in small batches. Safe to run concurrently."""

from sqlalchemy import Engine

from app.store import outbox

KEEP_DAYS = 14
BATCH = 1000
MAX_BATCHES = 50


def prune(engine: Engine) -> int:
    """Delete old events and return how many; what is left after `MAX_BATCHES` waits for the next run."""
    deleted = 0
    for _ in range(MAX_BATCHES):
        count = outbox.prune(engine, KEEP_DAYS, BATCH)
        deleted += count
        if count < BATCH:
            break
    return deleted
