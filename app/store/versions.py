"""Content versions: snapshots written from delivered events, each exact for its version whatever came later."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from app.contract.drift import Difference, differences
from app.contract.events import EventType, Source
from app.domain.differences import counts, summary
from app.store.encoding import jsonb
from app.store.outbox import Delivery

# Two snapshot tasks must not disagree on which version is active, so they are serialised. The lock ends with the transaction.
_TAKE_TURNS = text("SELECT pg_advisory_xact_lock(hashtext('lockstep: part_content_versions'))")
_INSERT = text("""
    INSERT INTO part_content_versions (part_id, version_number, content_snapshot, change_summary, source, change, created_by,
                                       created_at, is_active)
    SELECT part_id, version_number, content_snapshot, change_summary, source, change, created_by, created_at, false
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
      AS r(part_id int, version_number int, content_snapshot jsonb, change_summary text, source text, change jsonb,
           created_by int, created_at timestamptz)
    ON CONFLICT (part_id, version_number) DO NOTHING
""")
# Trigger `part_content_versions_say` lets nobody else change what a snapshot says (migration 0024). The summary, which a later
# release may word differently, stays.
_RESTORING = text("SELECT set_config('lockstep.restoring', :state, true)")
_RESTORE = text("""
    UPDATE part_content_versions v
    SET content_snapshot = r.content_snapshot, created_by = r.created_by, created_at = r.created_at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
      AS r(part_id int, version_number int, content_snapshot jsonb, created_by int, created_at timestamptz)
    WHERE v.part_id = r.part_id AND v.version_number = r.version_number
      AND (v.content_snapshot, v.created_by, v.created_at) IS DISTINCT FROM (r.content_snapshot, r.created_by, r.created_at)
""")
_KEPT = text("""
    SELECT v.part_id, v.version_number, v.content_snapshot, v.created_by, v.created_at
    FROM part_content_versions v
    JOIN jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(part_id int, version_number int)
      ON v.part_id = r.part_id AND v.version_number = r.version_number
""")
_DEACTIVATE = text("""
    UPDATE part_content_versions v SET is_active = false
    WHERE v.part_id = ANY(:part_ids) AND v.is_active
      AND EXISTS (SELECT FROM part_content_versions newer
                  WHERE newer.part_id = v.part_id AND newer.version_number > v.version_number)
""")
_ACTIVATE = text("""
    UPDATE part_content_versions v SET is_active = true
    WHERE v.part_id = ANY(:part_ids) AND NOT v.is_active
      AND v.version_number = (SELECT max(version_number) FROM part_content_versions WHERE part_id = v.part_id)
""")
_LIST = text("""
    SELECT v.version_number, v.created_at, v.created_by, u.name AS created_by_name, v.change_summary, v.source, v.change,
           v.is_active
    FROM part_content_versions v JOIN users u ON u.id = v.created_by
    WHERE v.part_id = :part_id AND (CAST(:before AS int) IS NULL OR v.version_number < :before)
      AND (CAST(:source AS text) IS NULL OR v.source = :source)
    ORDER BY v.version_number DESC LIMIT :limit
""")
_ONE = text("""
    SELECT v.version_number, v.created_at, v.created_by, u.name AS created_by_name, v.change_summary, v.source, v.change,
           v.is_active, v.content_snapshot
    FROM part_content_versions v JOIN users u ON u.id = v.created_by
    WHERE v.part_id = :part_id AND v.version_number = :version_number
""")
_IN_FORCE = text("""
    SELECT v.version_number, v.created_at, v.content_snapshot FROM part_content_versions v
    WHERE v.part_id = :part_id AND v.created_at <= :at ORDER BY v.version_number DESC LIMIT 1
""")
_NEWEST = text("SELECT COALESCE(max(version_number), 0) FROM part_content_versions WHERE part_id = :part_id")
# An event exists from the commit on, its snapshot only moments later.
_IS_RECORDED = text("""
    SELECT EXISTS (SELECT FROM outbox_events
                   WHERE aggregate_type = 'part' AND aggregate_id = :part_id AND aspect = 'content' AND version = :version_number)
""")
_HAPPENED = {
    EventType.PART_CREATED: "Created",
    EventType.PART_DELETED: "Archived",
    EventType.PART_RESTORED: "Restored from the archive",
}
_KINDS = {EventType.PART_CREATED: "created", EventType.PART_DELETED: "archived", EventType.PART_RESTORED: "unarchived"}


def persist(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Write one snapshot per content event and keep exactly the newest version of each part active. One that says something else
    than its event, which somebody has rewritten, is put back."""
    part_ids = sorted({delivery.aggregate_id for delivery in deliveries})
    rows = {"rows": jsonb([_row(delivery) for delivery in deliveries])}
    connection.execute(_TAKE_TURNS)
    if connection.execute(_INSERT, rows).rowcount < len(deliveries):
        connection.execute(_RESTORING, {"state": "on"})
        connection.execute(_RESTORE, rows)
        connection.execute(_RESTORING, {"state": ""})
    connection.execute(_DEACTIVATE, {"part_ids": part_ids})
    connection.execute(_ACTIVATE, {"part_ids": part_ids})


def altered(connection: Connection, deliveries: Sequence[Delivery]) -> list[tuple[Delivery, tuple[Difference, ...]]]:
    """Return those content events whose snapshot says something else than they do, and where."""
    names = [{"part_id": delivery.aggregate_id, "version_number": delivery.version} for delivery in deliveries]
    kept = {(row.part_id, row.version_number): row for row in connection.execute(_KEPT, {"rows": jsonb(names)})}
    found = []
    for delivery in deliveries:
        row = kept.get((delivery.aggregate_id, delivery.version))
        if row is not None and (wrong := differences(_said(row._asdict()), _said(_row(delivery)))):
            found.append((delivery, wrong))
    return found


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("content_snapshot", "created_by", "created_at")}


def _row(delivery: Delivery) -> dict[str, Any]:
    return {
        "part_id": delivery.aggregate_id,
        "version_number": delivery.version,
        "content_snapshot": delivery.payload["snapshot"],
        "change_summary": _summary(delivery),
        "source": _origin(delivery).get("source"),
        "change": _change(delivery),
        "created_by": delivery.actor_id,
        "created_at": delivery.created_at,
    }


def _summary(delivery: Delivery) -> str:
    payload = delivery.payload
    what = _HAPPENED.get(delivery.type) or summary(payload["old_values"], payload["new_values"])
    return f"{what} ({payload['reason']})" if payload["reason"] else what


def _origin(delivery: Delivery) -> dict[str, Any]:
    """Return by which way a change came, as far as the event says: one of an older release does not."""
    if delivery.is_by_hand:
        reason = delivery.payload["reason"]
        # Where nobody gave one, the triggers say how it was made.
        return {"source": Source.BY_HAND, "message": None if reason.startswith("by hand") else reason}
    return delivery.payload.get("origin") or {"message": delivery.payload["reason"]}


def _change(delivery: Delivery) -> dict[str, Any]:
    kind, origin = _KINDS.get(delivery.type, "changed"), _origin(delivery)
    fields = counts(delivery.payload["old_values"], delivery.payload["new_values"]) if kind == "changed" else {}
    return {"kind": kind, "fields": fields, "number": origin.get("number"), "message": origin["message"]}


def versions(
    connection: Connection, part_id: int, before: int | None, limit: int, source: str | None = None
) -> Sequence[Row[Any]]:
    """Return a part's versions below `before`, newest first, without their snapshots; with `source` only those that came so."""
    return connection.execute(_LIST, {"part_id": part_id, "before": before, "limit": limit, "source": source}).all()


def version(connection: Connection, part_id: int, version_number: int) -> Row[Any] | None:
    """Return one version with its snapshot, or None."""
    return connection.execute(_ONE, {"part_id": part_id, "version_number": version_number}).one_or_none()


def is_recorded(connection: Connection, part_id: int, version_number: int) -> bool:
    """Return whether the event exists from which a version's snapshot is written."""
    return bool(connection.execute(_IS_RECORDED, {"part_id": part_id, "version_number": version_number}).scalar_one())


def in_force(connection: Connection, part_id: int, at: datetime) -> Row[Any] | None:
    """Return the version that a part had at a moment, with its snapshot; None if there was none yet."""
    return connection.execute(_IN_FORCE, {"part_id": part_id, "at": at}).one_or_none()


def newest(connection: Connection, part_id: int) -> int:
    """Return the number of a part's newest stored version; 0 if there is none yet."""
    return int(connection.execute(_NEWEST, {"part_id": part_id}).scalar_one())
