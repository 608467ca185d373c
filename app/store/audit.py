"""The audit trail: written from delivered events, read by the panel, never changed."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from app.store.encoding import jsonb
from app.store.outbox import Delivery

# The unique event id makes a repeated delivery harmless.
_INSERT = text("""
    INSERT INTO data_change_logs (event_id, table_name, record_id, part_id, operation, version, old_values, new_values,
                                  changed_by, changed_at, ip_address, user_agent, request_id, reason)
    SELECT event_id, table_name, record_id, part_id, operation, version, old_values, new_values,
           changed_by, changed_at, ip_address, user_agent, request_id, reason
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
      AS r(event_id uuid, table_name text, record_id int, part_id int, operation text, version int, old_values jsonb,
           new_values jsonb, changed_by int, changed_at timestamptz, ip_address text, user_agent text, request_id text,
           reason text)
    ON CONFLICT (event_id) DO NOTHING
""")
_LIST = text("""
    SELECT l.id, l.event_id, l.table_name, l.record_id, l.part_id, l.operation, l.version, l.old_values, l.new_values,
           l.changed_by, u.name AS changed_by_name, l.changed_at, l.ip_address, l.user_agent, l.request_id, l.reason
    FROM data_change_logs l LEFT JOIN users u ON u.id = l.changed_by
    WHERE (CAST(:part_id AS int) IS NULL OR l.part_id = :part_id)
      AND (CAST(:table_name AS text) IS NULL OR l.table_name = :table_name)
      AND (CAST(:record_id AS int) IS NULL OR l.record_id = :record_id)
      AND (CAST(:operation AS text) IS NULL OR l.operation = :operation)
      AND (CAST(:changed_by AS int) IS NULL OR l.changed_by = :changed_by)
      AND (CAST(:since AS timestamptz) IS NULL OR l.changed_at >= :since)
      AND (CAST(:until AS timestamptz) IS NULL OR l.changed_at < :until)
      AND (CAST(:before_id AS int) IS NULL OR l.id < :before_id)
    ORDER BY l.id DESC LIMIT :limit
""")


def persist(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Write one row per event; those that are there already stay as they are."""
    connection.execute(_INSERT, {"rows": jsonb([_row(delivery) for delivery in deliveries])})


def _row(delivery: Delivery) -> dict[str, Any]:
    payload = delivery.payload
    copied = ("table_name", "record_id", "operation", "old_values", "new_values", "ip_address", "user_agent", "reason")
    return {name: payload[name] for name in copied} | {
        "event_id": delivery.event_id,
        "part_id": delivery.aggregate_id if delivery.aggregate_type == "part" else None,
        "version": delivery.version,
        "changed_by": delivery.actor_id,
        "changed_at": delivery.created_at,
        "request_id": delivery.request_id,
    }


def entries(connection: Connection, filters: dict[str, Any], before_id: int | None, limit: int) -> Sequence[Row[Any]]:
    """Return rows, newest first, that fit all of the given filters (absent: no filter)."""
    names = ("part_id", "table_name", "record_id", "operation", "changed_by", "since", "until")
    parameters = {name: filters.get(name) for name in names}
    return connection.execute(_LIST, parameters | {"before_id": before_id, "limit": limit}).all()
