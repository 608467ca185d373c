"""`sync.prune`: deletes delivered events that a newer one has superseded and idempotency keys that no longer count, and adds up
the counts of facets, in small batches that each commit. Safe to run concurrently."""

import time

from sqlalchemy import Engine

from app.store import facet_counts, idempotency, outbox, positions

# How old the event must be that supersedes another: what was the state so long ago is still known.
KEEP_DAYS = 14
BATCH = 1000
# A run yields to other tasks after so many seconds, and asks for another one if it is not done.
BUDGET = 2.0
# After so many days it looks again at everything that is kept: something may have been owed still when its turn came.
ROUND_DAYS = 7
WALK = "prune"
DAY = 86_400.0


def prune(engine: Engine) -> bool:
    """Delete old keys and events, and add up counts, until nothing is left or the budget is spent; return whether it may be."""
    deadline = time.monotonic() + BUDGET
    with engine.connect() as connection:
        until = outbox.newest_before(connection, KEEP_DAYS * DAY)
    has_keys = has_events = has_changes = True
    while (has_keys or has_events or has_changes) and time.monotonic() < deadline:
        has_changes = has_changes and facet_counts.fold(engine, BATCH)
        has_keys = has_keys and idempotency.prune(engine, BATCH) == BATCH
        has_events = has_events and _prune_events(engine, until)
    return has_keys or has_events or has_changes


def _prune_events(engine: Engine, until: int) -> bool:
    """Look at the next batch of events up to `until`; return whether there may be more."""
    with engine.begin() as connection:
        place = positions.find(connection, WALK, ROUND_DAYS * DAY)
        last = outbox.prune(connection, place.position if place else 0, until, BATCH)
        if last is not None:
            positions.move(connection, WALK, last)
            return True
        if place is None or not place.is_old:
            return False
        positions.begin_round(connection, WALK)
        return True
