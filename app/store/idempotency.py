"""Calls that their caller may send again, each named by an idempotency key: at most one of them takes effect, and the result of
that one is kept in its own transaction, to be returned to the others (docs/adr/0010).

The primary key is what allows one effect only. The advisory lock makes the others fail at once instead of waiting for a
connection each; it ends with the transaction, however that ends, so no key stays locked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, Row, text

from app.domain.errors import KeyInUseError, KeyReusedError

# How long a result is kept.
LIFETIME = timedelta(hours=24)

_FIND = text("""
    SELECT fingerprint, result, CAST(event_ids AS text[]) AS event_ids FROM idempotency_keys
    WHERE caller = :caller AND key = :key AND created_at > clock_timestamp() - :lifetime
""")
_CLAIM = text("""
    SELECT pg_try_advisory_xact_lock(hashtextextended('lockstep: key ' || :caller || ' ' || :key, 0)) AS is_ours,
           k.fingerprint, k.result, CAST(k.event_ids AS text[]) AS event_ids
    FROM (VALUES (1)) AS one
    LEFT JOIN idempotency_keys k ON k.caller = :caller AND k.key = :key AND k.created_at > clock_timestamp() - :lifetime
""")
_KEEP = text("""
    INSERT INTO idempotency_keys AS old (caller, key, fingerprint, result, event_ids)
    VALUES (:caller, :key, :fingerprint, CAST(:result AS json), CAST(:event_ids AS uuid[]))
    ON CONFLICT (caller, key) DO UPDATE
    SET fingerprint = excluded.fingerprint, result = excluded.result, event_ids = excluded.event_ids,
        created_at = clock_timestamp()
    WHERE old.created_at <= clock_timestamp() - :lifetime
""")
_PRUNE = text("""
    DELETE FROM idempotency_keys WHERE (caller, key) IN (
        SELECT caller, key FROM idempotency_keys WHERE created_at <= statement_timestamp() - :lifetime
        ORDER BY created_at LIMIT :batch
        FOR UPDATE SKIP LOCKED)
""")


@dataclass(slots=True)
class KeyedCall:
    """A call that may be sent again.

    Args:
        caller: whose keys these are; two callers' equal keys have nothing to do with each other.
        key: the name that the caller gave the call.
        fingerprint: a digest of everything that makes it this call and no other.
        is_replay: whether its result turned out to be that of an earlier call, and `event_ids` the events of that one.
    """

    caller: str
    key: str
    fingerprint: bytes
    is_replay: bool = False
    event_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Kept:
    """The result of a call that took effect."""

    result: Any


def find(connection: Connection, call: KeyedCall) -> Kept | None:
    """Return what is kept of an earlier call with this key, if anything.

    Raises:
        KeyReusedError: if that was another call.
    """
    row = connection.execute(_FIND, _named(call)).one_or_none()
    return None if row is None else _kept(row, call)


def _named(call: KeyedCall) -> dict[str, Any]:
    return {"caller": call.caller, "key": call.key, "lifetime": LIFETIME}


def _kept(row: Row[Any], call: KeyedCall) -> Kept:
    if bytes(row.fingerprint) != call.fingerprint:
        raise KeyReusedError
    call.is_replay = True
    # An older release keeps none.
    call.event_ids = row.event_ids or ()
    return Kept(row.result)


def claim(connection: Connection, call: KeyedCall) -> Kept | None:
    """Return what is kept of an earlier call; if nothing is, reserve the key until the end of the transaction.

    Raises:
        KeyReusedError: if the key belongs to another call.
        KeyInUseError: if a transaction that reserved it is still running.
    """
    row = connection.execute(_CLAIM, _named(call)).one()
    if row.fingerprint is not None:
        return _kept(row, call)
    if not row.is_ours:
        raise KeyInUseError
    # The one that held the lock until now may just have committed.
    return find(connection, call)


def keep(connection: Connection, call: KeyedCall, result: Any, event_ids: Sequence[str]) -> None:
    """Keep the result of a call in the transaction of its effect.

    Args:
        result: JSON, from which the answer can be made again.
        event_ids: of what it has changed.

    Raises:
        KeyInUseError: if one is kept already; the caller must roll back.
    """
    parameters = _named(call) | {"fingerprint": call.fingerprint}
    kept = {"result": orjson.dumps(result).decode(), "event_ids": list(event_ids)}
    if connection.execute(_KEEP, parameters | kept).rowcount == 0:
        raise KeyInUseError


def prune(engine: Engine, batch: int) -> int:
    """Delete up to `batch` keys that no longer count; return how many."""
    with engine.begin() as connection:
        return connection.execute(_PRUNE, {"batch": batch, "lifetime": LIFETIME}).rowcount
