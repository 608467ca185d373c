"""Compares events with what was recorded of them: the audit rows and the content versions.

A run looks at what is new since the last one, once more at the newest events, and at a slice of all others, which comes round. So
what it costs does not depend on how many events there are, and a record that is lost is found wherever it was: in the next run if
it is among the newest, and otherwise within a round. Whether a record says what its event does costs more to find out than
whether it is there: fewer of the newest events are compared in every run, and the round takes longer.
"""

import time
from collections.abc import Iterator, Sequence

from sqlalchemy import Engine

from app.contract.drift import Drift, DriftKind, Since
from app.contract.formats import rfc3339
from app.contract.task_names import Effect
from app.store import audit, outbox, positions, reconciliation, versions
from app.store.outbox import Delivery
from app.sync.reconciliation.cached_copies import BY

# The newest events, at which every run looks again.
RECENT = 10_000
# Ids become visible in another order than they are assigned in: what is younger than so many seconds is looked at again.
LAG = 60.0
CHUNK = 1000
NEW, OLD, COMPARED = "records, new", "records, old", "records, compared"
KINDS = {Effect.PERSIST_AUDIT: DriftKind.AUDIT_MISSING, Effect.SNAPSHOT_CONTENT: DriftKind.SNAPSHOT_MISSING}
WRONG = {Effect.PERSIST_AUDIT: DriftKind.AUDIT_WRONG, Effect.SNAPSHOT_CONTENT: DriftKind.SNAPSHOT_WRONG}
_ALTERED = {Effect.PERSIST_AUDIT: audit.altered, Effect.SNAPSHOT_CONTENT: versions.altered}
# The newest events, whose records every run compares with what they say; and how many at once, which takes a few milliseconds.
COMPARED_NEWEST = 500
AT_ONCE = 25


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


def _last_of_chunk(reading: Engine, after: int, until: int, size: int | None = None) -> int | None:
    with reading.connect() as connection:
        return outbox.last_of(connection, after, until, size or CHUNK)


def wrong(reading: Engine, seconds: float, *, move: bool) -> Iterator[tuple[dict[Effect, int], list[tuple[Effect, Drift]]]]:
    """Compare what records say with their events: those of the newest, and for about so many seconds of others, in turn.

    Yields:
        how many were compared, by effect, and what differs, some events at a time. `move` remembers how far this has come.
    """
    deadline = time.monotonic() + seconds
    with reading.connect() as connection:
        newest, place = outbox.newest(connection), positions.find(connection, COMPARED)
        recent = outbox.newest_but(connection, COMPARED_NEWEST)
    after = recent
    while (last := _last_of_chunk(reading, after, newest, AT_ONCE)) is not None:
        yield _compared(reading, after, last)
        after = last
    after = place.position if place else 0
    while (last := _last_of_chunk(reading, after, recent, AT_ONCE)) is not None and time.monotonic() < deadline:
        yield _compared(reading, after, last)
        after = last
        if move:
            with reading.connect() as connection:
                positions.move(connection, COMPARED, last)
    if last is None and place is not None and move:
        with reading.connect() as connection:
            positions.begin_round(connection, COMPARED)


def _compared(reading: Engine, after: int, until: int) -> tuple[dict[Effect, int], list[tuple[Effect, Drift]]]:
    counts: dict[Effect, int] = {}
    found: list[tuple[Effect, Drift]] = []
    with reading.connect() as connection:
        for effect, altered in _ALTERED.items():
            events = [event for event in outbox.delivered(connection, effect, after, until) if event.is_understood]
            counts[effect] = len(events)
            for event, differing in altered(connection, events):
                since = Since(event.id, event.version, rfc3339(event.created_at))
                found.append((effect, Drift(WRONG[effect], subject_of(event), differing, BY, since)))
    return counts, found


def subjects(reading: Engine, event_ids: Sequence[int]) -> list[tuple[str, Since]]:
    """Return what events are of, and when."""
    with reading.connect() as connection:
        events = outbox.events(connection, event_ids)
    return [(subject_of(event), Since(event.id, event.version, rfc3339(event.created_at))) for event in events]


def subject_of(event: Delivery) -> str:
    """Return what an event is of, as reports name it."""
    return f"{event.aggregate_type} {event.aggregate_id}, {event.aspect} version {event.version}"
