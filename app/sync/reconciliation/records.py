"""Compares events with what was recorded of them: the audit rows and the content versions.

A run looks at what is new since the last one, once more at the newest events, and at a slice of all others, which comes round. So
what it costs does not depend on how many events there are, and a record that is lost is found wherever it was: in the next run if
it is among the newest, and otherwise within a round.
"""

import time
from collections.abc import Iterator

from sqlalchemy import Engine

from app.contract.task_names import Effect
from app.store import outbox, positions, reconciliation

# The newest events, at which every run looks again.
RECENT = 10_000
# Ids become visible in another order than they are assigned in: what is younger than so many seconds is looked at again.
LAG = 60.0
CHUNK = 1000
NEW, OLD = "records, new", "records, old"
KINDS = {Effect.PERSIST_AUDIT: "audit_missing", Effect.SNAPSHOT_CONTENT: "snapshot_missing"}


def missing(reading: Engine, seconds: float, *, repair: bool) -> Iterator[tuple[Effect, list[int]]]:
    """Yield the events whose records are missing although they were delivered, some at a time, for about so many seconds.
    `repair` makes them due again, and remembers how far this has come."""
    with reading.connect() as connection:
        newest, settled = outbox.newest(connection), outbox.newest_before(connection, LAG)
        new, old = positions.find(connection, NEW), positions.find(connection, OLD)
    began, recent = time.monotonic(), newest - RECENT
    after = min(new.position, recent) if new else recent
    yield from _walk(reading, NEW, after, newest, settled, seconds * 2 / 3, repair=repair)
    rest = seconds - (time.monotonic() - began)
    yield from _walk(reading, OLD, old.position if old else 0, after, after, rest, repair=repair)


def _walk(
    reading: Engine, name: str, after: int, until: int, settled: int, seconds: float, *, repair: bool
) -> Iterator[tuple[Effect, list[int]]]:
    """Look at events after one id, up to another, for so many seconds; of the next ones again, if they are after `settled`."""
    deadline = time.monotonic() + seconds
    while (last := _last_of_chunk(reading, after, until)) is not None:
        with reading.connect() as connection:
            for effect in KINDS:
                if found := reconciliation.missing_records(connection, effect, after, last, repair=repair):
                    yield effect, found
            if repair:
                positions.move(connection, name, min(last, settled))
        after = last
        if time.monotonic() > deadline:
            return
    if repair and name == OLD:
        with reading.connect() as connection:
            positions.move(connection, name, until)
            positions.begin_round(connection, name)


def _last_of_chunk(reading: Engine, after: int, until: int) -> int | None:
    with reading.connect() as connection:
        return outbox.last_of(connection, after, until, CHUNK)
