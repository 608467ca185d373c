"""The hash chain over the audit trail: appended to under one lock, and walked to verify it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, text

from app.domain.audit_chain import GENESIS, Head, Verifier, digest, link
from app.store.encoding import jsonb

# Rows read at once. Small, as reconciliation may run in a web process, which does nothing else meanwhile.
CHUNK = 100
# Below every id, even a forged one.
_BEFORE_ALL = -(2**63)

# Appends queue here. Ids are assigned under this lock, so id order is chain order.
_LOCK = text("SELECT last_hash FROM audit_chain WHERE id = 1 FOR UPDATE")
_PRESENT = text("SELECT event_id FROM data_change_logs WHERE event_id = ANY(CAST(:event_ids AS uuid[]))")
_INSERT = text("""
    WITH appended AS (
        INSERT INTO data_change_logs (event_id, table_name, record_id, part_id, operation, version, old_values, new_values,
                                      changed_by, api_key_id, changed_at, ip_address, user_agent, request_id, reason, hash)
        SELECT event_id, table_name, record_id, part_id, operation, version, old_values, new_values,
               changed_by, api_key_id, changed_at, ip_address, user_agent, request_id, reason, hash
        FROM jsonb_to_recordset(CAST(:rows AS jsonb))
          AS r(position int, event_id uuid, table_name text, record_id int, part_id int, operation text, version int,
               old_values jsonb, new_values jsonb, changed_by int, api_key_id int, changed_at timestamptz, ip_address text,
               user_agent text, request_id text, reason text, hash text)
        ORDER BY position
        RETURNING id
    )
    UPDATE audit_chain c SET last_id = a.last_id, last_hash = :last_hash, length = c.length + a.count
    FROM (SELECT max(id) AS last_id, count(*) AS count FROM appended) a
    WHERE c.id = 1
""")
# One statement, one snapshot: any row past the head was not appended by us.
_HEAD = text(f"""
    SELECT last_id, last_hash, length,
           (SELECT count(*) FROM data_change_logs WHERE id > COALESCE(c.last_id, CAST('{_BEFORE_ALL}' AS bigint))) AS beyond
    FROM audit_chain c WHERE id = 1
""")  # noqa: S608 — a constant
_ROWS = text("""
    SELECT id, hash, event_id, table_name, record_id, part_id, operation, version, old_values, new_values, changed_by, api_key_id,
           changed_at, ip_address, user_agent, request_id, reason
    FROM data_change_logs WHERE id > :after AND id <= :until ORDER BY id LIMIT :limit
""")
_NEWEST = text("""
    SELECT id, hash FROM data_change_logs WHERE id <= :until ORDER BY id DESC OFFSET :rows LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class Verification:
    """What a walk of the chain found; `broken` is empty if it is intact."""

    head: Head
    length: int
    broken: Sequence[str]


_HEADLESS = Verification(Head(None, GENESIS, 0), 0, ("the head is missing: the row of audit_chain was deleted",))


def append(connection: Connection, rows: Sequence[dict[str, Any]]) -> set[str]:
    """Append those of `rows` whose events are not in the trail yet, chained in the given order; return the events that were."""
    # Most of the work, so it is done before taking the lock.
    digests = [digest(row) for row in rows]
    previous = connection.execute(_LOCK).scalar_one()
    present = set(connection.execute(_PRESENT, {"event_ids": [row["event_id"] for row in rows]}).scalars())
    chained: list[dict[str, Any]] = []
    for row, row_digest in zip(rows, digests, strict=True):
        if row["event_id"] not in present:
            previous = link(previous, row_digest)
            chained.append(row | {"hash": previous, "position": len(chained)})
    if chained:
        connection.execute(_INSERT, {"rows": jsonb(chained), "last_hash": previous})
    return present


def verify(reading: Engine, noted: tuple[int, str] | None = None) -> Verification:
    """Recompute the whole chain in bounded memory.

    Args:
        noted: the id and hash of a head noted earlier. Without one, a chain that was rewritten as a whole looks intact.
    """
    with reading.connect() as connection:
        head = _head(connection)
        return _walk(connection, Verifier(head, noted), head, _BEFORE_ALL) if head else _HEADLESS


def verify_newest(reading: Engine, rows: int) -> Verification:
    """Recompute the newest `rows` of the chain: quick enough to do every few minutes."""
    with reading.connect() as connection:
        head = _head(connection)
        if head is None:
            return _HEADLESS
        before = connection.execute(_NEWEST, {"until": head.last_id, "rows": rows}).one_or_none()
        after, previous = (before.id, before.hash) if before else (_BEFORE_ALL, GENESIS)
        return _walk(connection, Verifier(head, previous=previous), head, after)


def _head(connection: Connection) -> Head | None:
    row = connection.execute(_HEAD).one_or_none()
    return Head(**row._mapping) if row else None


def _walk(connection: Connection, verifier: Verifier, head: Head, after: int) -> Verification:
    for row in _rows(connection, after, head.last_id):
        verifier.see(row._asdict())
    verifier.finish()
    return Verification(head, verifier.length, verifier.broken)


def _rows(connection: Connection, after: int, until: int | None) -> Iterator[Row[Any]]:
    while rows := connection.execute(_ROWS, {"after": after, "until": until, "limit": CHUNK}).all():
        yield from rows
        after = rows[-1].id
