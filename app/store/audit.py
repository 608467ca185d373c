"""The audit trail: written from delivered events, read by the panel, never changed."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Connection, Engine, Row, text

from app.contract.drift import Difference, differences
from app.domain.audit_chain import COLUMNS
from app.store import audit_chain
from app.store.outbox import Delivery
from app.store.paging import Position

# Small: a web process does nothing else while it decodes a chunk, and a row may hold two long descriptions.
CHUNK = 20

# A condition is in the statement only if it is asked for, so that its index (its column, changed_at, id) can serve it.
_CONDITIONS = {
    "part_id": "l.part_id = :part_id",
    "table_name": "l.table_name = :table_name",
    "record_id": "l.record_id = :record_id",
    "operation": "l.operation = :operation",
    "changed_by": "l.changed_by = :changed_by",
    "request_id": "l.request_id = :request_id",
    "since": "l.changed_at >= :since",
    "until": "l.changed_at < :until",
    "after_id": "(l.changed_at, l.id) < (CAST(:after_key AS timestamptz), :after_id)",
    "newest_id": "l.id <= :newest_id",
}
# What was written by hand names the database role there (migration 0017). Clients cannot: their calls have a request id.
_AUTHOR = "CASE WHEN l.request_id IS NULL AND starts_with(l.user_agent, 'database role ') THEN l.user_agent ELSE u.name END"
_KEPT = text("""
    SELECT event_id, table_name, record_id, part_id, operation, version, old_values, new_values, changed_by, api_key_id,
           changed_at, ip_address, user_agent, request_id, reason
    FROM data_change_logs WHERE event_id = ANY(CAST(:event_ids AS uuid[])) ORDER BY id
""")
_NEWEST = text("SELECT COALESCE(max(id), 0) FROM data_change_logs")


def persist(connection: Connection, deliveries: Sequence[Delivery]) -> None:
    """Write one row per event, idempotently: existing rows stay as they are, since nothing may be changed or removed. If one says
    something else than its event, because somebody has rewritten it, the true one is appended beside it."""
    present = audit_chain.append(connection, [_row(delivery) for delivery in deliveries])
    if present:
        wrong = altered(connection, [delivery for delivery in deliveries if delivery.event_id in present])
        audit_chain.append(connection, [_restored(delivery) for delivery, _differences in wrong])


def altered(connection: Connection, deliveries: Sequence[Delivery]) -> list[tuple[Delivery, tuple[Difference, ...]]]:
    """Return those events whose row says something else than they do, and where; not those beside which there is a true one."""
    ids: dict[Any, str] = {delivery.event_id: delivery.event_id for delivery in deliveries}
    ids |= {restored_id(delivery.event_id): delivery.event_id for delivery in deliveries}
    kept: dict[str, list[Row[Any]]] = {}
    for row in connection.execute(_KEPT, {"event_ids": list(ids)}):
        kept.setdefault(ids[row.event_id], []).append(row)
    found = []
    for delivery in deliveries:
        expected = _said(_row(delivery))
        wrong = [differences(_said(row._asdict()), expected) for row in kept.get(delivery.event_id, ())]
        if wrong and all(wrong):
            found.append((delivery, wrong[0]))
    return found


def restored_id(event_id: object) -> UUID:
    """Return the event id of the row that is appended beside an altered one: always the same, so that there is one at most."""
    return uuid5(UUID(str(event_id)), "restored")


def _restored(delivery: Delivery) -> dict[str, Any]:
    return _row(delivery) | {"event_id": restored_id(delivery.event_id)}


def _said(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row says, its event's id aside, in values that are equal before it is stored and after it is read back."""
    return {name: row[name] for name in COLUMNS if name != "event_id"}


def _row(delivery: Delivery) -> dict[str, Any]:
    payload = delivery.payload
    copied = ("table_name", "record_id", "operation", "old_values", "new_values", "ip_address", "user_agent", "reason")
    return {name: payload[name] for name in copied} | {
        "event_id": delivery.event_id,
        "part_id": delivery.aggregate_id if delivery.aggregate_type == "part" else None,
        "version": delivery.version,
        "changed_by": delivery.actor_id,
        # Events from older releases lack it.
        "api_key_id": payload.get("api_key_id"),
        "changed_at": delivery.created_at,
        "request_id": delivery.request_id,
    }


def entries(
    connection: Connection, filters: dict[str, Any], after: Position | None, limit: int, newest_id: int | None = None
) -> Sequence[Row[Any]]:
    """Return rows that match all of the given filters (absent: no filter), newest change first, after a position.

    Args:
        filters: values by their names in `_CONDITIONS`.
        newest_id: rows written after this one are left out.
    """
    position = {"after_key": after.key, "after_id": after.id} if after else {}
    parameters = {name: value for name, value in (filters | position | {"newest_id": newest_id}).items() if value is not None}
    conditions = [condition for name, condition in _CONDITIONS.items() if name in parameters]
    statement = text(f"""
        SELECT l.id, l.event_id, l.table_name, l.record_id, l.part_id, l.operation, l.version, l.old_values, l.new_values,
               l.changed_by, {_AUTHOR} AS changed_by_name, l.api_key_id, k.name AS api_key_name, l.changed_at, l.ip_address,
               l.user_agent, l.request_id, l.reason
        FROM data_change_logs l LEFT JOIN users u ON u.id = l.changed_by LEFT JOIN api_keys k ON k.id = l.api_key_id
        WHERE {" AND ".join(conditions) or "true"}
        ORDER BY l.changed_at DESC, l.id DESC LIMIT :limit
    """)  # noqa: S608 — put together from constants; every value is a parameter
    return connection.execute(statement, parameters | {"limit": limit}).all()


def position_of(row: Row[Any]) -> Position:
    """Return where a page that ends with `row` continues."""
    return Position(row.changed_at.isoformat(), row.id)


def stream(reading: Engine, filters: dict[str, Any]) -> Iterator[Row[Any]]:
    """Yield every matching row that exists now, newest change first, in bounded memory.

    Each chunk is a separate statement on a separate connection: however slowly the reader consumes the rows, nothing stays open
    in between. Rows written in the meantime are left out.
    """
    with reading.connect() as connection:
        newest_id = connection.execute(_NEWEST).scalar_one()
    after: Position | None = None
    while True:
        with reading.connect() as connection:
            rows = entries(connection, filters, after, CHUNK, newest_id)
        yield from rows
        if len(rows) < CHUNK:
            return
        after = position_of(rows[-1])
