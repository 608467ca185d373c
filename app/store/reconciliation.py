"""Comparisons of the source tables with what was recorded of them, for reconciliation; and the log of its runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, text

from app.contract.events import Aspect
from app.contract.task_names import Effect
from app.store import by_hand, drift, outbox
from app.store.encoding import jsonb

_LOCK = text("SELECT pg_try_advisory_lock(hashtext('lockstep: ' || :name))")
_UNLOCK = text("SELECT pg_advisory_unlock(hashtext('lockstep: ' || :name))")

# Delivered, yet missing: somebody deleted the row, or a restore brought back an older table. To be delivered again.
_NOT_RECORDED = {
    Effect.PERSIST_AUDIT: "NOT EXISTS (SELECT FROM data_change_logs l WHERE l.event_id = e.event_id)",
    Effect.SNAPSHOT_CONTENT: (
        "NOT EXISTS (SELECT FROM part_content_versions v WHERE v.part_id = e.aggregate_id AND v.version_number = e.version)"
    ),
}
# Both ranges are stated, so that each table is read from its own primary key.
_MISSING_RECORDS = {
    effect: text(f"""
        SELECT e.id FROM outbox_events e JOIN outbox_deliveries d ON d.event_id = e.id
        WHERE e.id > :after AND e.id <= :until AND d.event_id > :after AND d.event_id <= :until
          AND d.effect = '{effect}' AND d.state = 'done' AND {condition}
    """)  # noqa: S608 — constants of this module
    for effect, condition in _NOT_RECORDED.items()
}
_PART_SLICE = text("SELECT id FROM parts WHERE id > :after ORDER BY id LIMIT :limit")
# The newest events, of which an import leaves many.
_RECENT_PARTS = text("""
    SELECT aggregate_id FROM (
        SELECT aggregate_id, created_at FROM outbox_events
        WHERE aggregate_type = 'part' AND created_at > statement_timestamp() - make_interval(secs => :seconds)
        ORDER BY created_at DESC LIMIT :limit) newest
    GROUP BY aggregate_id ORDER BY max(created_at) DESC
""")
# An aspect whose newest event disagrees with its row was written around the application. A row may be in the middle of a write
# right now, so it is checked again under its lock before anything is done about it.
_STOCK_DRIFT = text("""
    SELECT s.part_id FROM stock_levels s
    CROSS JOIN LATERAL (
        SELECT e.version, e.payload -> 'state' AS state FROM outbox_events e
        WHERE e.aggregate_type = 'part' AND e.aggregate_id = s.part_id AND e.aspect = 'stock'
        ORDER BY e.version DESC LIMIT 1) last
    WHERE s.part_id = ANY(:part_ids)
      AND (s.version, s.current_stock, s.reserved_quantity, s.min_stock_level)
       IS DISTINCT FROM (last.version, (last.state ->> 'current_stock')::int, (last.state ->> 'reserved_quantity')::int,
                         (last.state ->> 'min_stock_level')::int)
""")
_LAST_STATES = text("""
    SELECT DISTINCT ON (e.aggregate_id) e.aggregate_id, e.version, e.payload FROM outbox_events e
    WHERE e.aggregate_type = 'part' AND e.aggregate_id = ANY(:part_ids) AND e.aspect = :aspect
    ORDER BY e.aggregate_id, e.version DESC
""")
_BEGIN_RUN = text("INSERT INTO sync_runs (kind, dry_run) VALUES (:kind, :dry_run) RETURNING id")
_FINISH_RUN = text("UPDATE sync_runs SET finished_at = clock_timestamp(), report = CAST(:report AS jsonb) WHERE id = :id")
_LAST_RUN = text("""
    SELECT started_at, finished_at, dry_run, report FROM sync_runs
    WHERE kind = :kind AND finished_at IS NOT NULL AND NOT dry_run ORDER BY id DESC LIMIT 1
""")
_FORGET_RUNS = text("DELETE FROM sync_runs WHERE started_at < statement_timestamp() - interval '30 days'")


def try_lock(connection: Connection, name: str) -> bool:
    """Try to take the session-level lock of that name; return whether that worked."""
    return bool(connection.execute(_LOCK, {"name": name}).scalar_one())


def unlock(connection: Connection, name: str) -> None:
    """Release the lock of that name."""
    connection.execute(_UNLOCK, {"name": name})


def missing_records(connection: Connection, effect: Effect, after: int, until: int, *, repair: bool) -> list[int]:
    """Return the events after one id, up to another, whose record is missing although delivered; `repair` makes them due."""
    missing = list(connection.execute(_MISSING_RECORDS[effect], {"after": after, "until": until}).scalars())
    if missing and repair:
        outbox.deliver_again(connection, effect, missing, "record missing")
    return missing


def part_slice(connection: Connection, after: int, limit: int) -> list[int]:
    """Return the next ids of parts after `after`; empty at the end."""
    return list(connection.execute(_PART_SLICE, {"after": after, "limit": limit}).scalars())


def recently_changed(connection: Connection, seconds: float, limit: int) -> list[int]:
    """Return the parts of the newest `limit` events of the last `seconds`, that of the newest one first."""
    return list(connection.execute(_RECENT_PARTS, {"seconds": seconds, "limit": limit}).scalars())


def stock_drift(connection: Connection, part_ids: Sequence[int]) -> list[int]:
    """Return those parts whose stock row differs from its newest event."""
    return list(connection.execute(_STOCK_DRIFT, {"part_ids": list(part_ids)}).scalars())


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the newest event of an aspect says."""

    version: int
    payload: dict[str, Any]


def last_states(connection: Connection, part_ids: Sequence[int], aspect: Aspect) -> dict[int, Recorded]:
    """Return the newest event of an aspect, by part."""
    rows = connection.execute(_LAST_STATES, {"part_ids": list(part_ids), "aspect": aspect})
    return {row.aggregate_id: Recorded(row.version, by_hand.unpacked(row.payload)) for row in rows}


def begin_run(engine: Engine, kind: str, *, dry_run: bool) -> int:
    """Record the start of a run; return its id."""
    with engine.begin() as connection:
        return int(connection.execute(_BEGIN_RUN, {"kind": kind, "dry_run": dry_run}).scalar_one())


def finish_run(engine: Engine, run_id: int, report: dict[str, Any]) -> None:
    """Record what a run found, and delete old runs and findings."""
    with engine.begin() as connection:
        connection.execute(_FINISH_RUN, {"id": run_id, "report": jsonb(report)})
        connection.execute(_FORGET_RUNS)
        drift.forget(connection)


def last_run(connection: Connection, kind: str) -> Row[Any] | None:
    """Return the last finished run of that kind that was not a dry run."""
    return connection.execute(_LAST_RUN, {"kind": kind}).one_or_none()
