"""Users, sessions and API keys. Changes to who may do what are audited like all others."""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, Row, TextClause, text
from sqlalchemy.exc import SQLAlchemyError

from app.contract.events import AggregateType, Aspect, Event, EventType
from app.contract.formats import rfc3339
from app.domain.errors import InvalidFieldError
from app.store.database import run_directly
from app.store.paging import Position, cut
from app.store.transaction import UnitOfWork

log = structlog.get_logger()

LARGEST_ID = 2**31 - 1
SYSTEM_EMAIL = "system@lockstep.invalid"
_KEY_ID = re.compile(r"[0-9]{1,9}")

_BY_EMAIL = text("""
    SELECT id, email, name, role, password_hash, version,
           COALESCE(password_expires_at <= clock_timestamp(), false) AS is_password_expired
    FROM users WHERE lower(email) = lower(:email) AND is_active
""")
_VALID_SESSION = "s.expires_at > clock_timestamp() AND s.last_seen_at > clock_timestamp() - :idle"
_BY_SESSION = text(f"""
    SELECT u.id, u.email, u.name, u.role, s.csrf_token, s.id AS session_id,
           COALESCE(s.proven_at, s.created_at) > clock_timestamp() - interval '10 minutes' AS is_proven,
           s.last_seen_at < clock_timestamp() - interval '1 minute' AS is_use_to_note
    FROM user_sessions s JOIN users u ON u.id = s.user_id
    WHERE s.token_digest = :digest AND {_VALID_SESSION} AND u.is_active
""")  # noqa: S608 — a constant
_VALID_KEY = "k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp()) AND u.is_active"
_RANKS = "ARRAY['viewer', 'stock', 'editor', 'admin']"
# Never more than the role of whom it acts as.
_ROLE_OF_KEY = f"({_RANKS})[LEAST(array_position({_RANKS}, k.role::text), array_position({_RANKS}, u.role::text))]"
_BY_KEY = text(f"""
    SELECT u.id, u.email, u.name, {_ROLE_OF_KEY} AS role, k.id AS api_key_id, k.scopes,
           COALESCE(k.last_used_at < clock_timestamp() - interval '1 minute', true) AS is_use_to_note
    FROM api_keys k JOIN users u ON u.id = k.user_id
    WHERE k.key_digest = :digest AND {_VALID_KEY}
""")  # noqa: S608 — a constant
# Whoever has locked the row is not waited for: the next use is noted as well.
_NOTE_USE_OF_KEY = text("""
    UPDATE api_keys SET last_used_at = clock_timestamp()
    WHERE id = (SELECT id FROM api_keys
                WHERE id = :id AND COALESCE(last_used_at < clock_timestamp() - interval '1 minute', true)
                FOR NO KEY UPDATE SKIP LOCKED)
""")
_NOTE_USE_OF_SESSION = text("""
    UPDATE user_sessions SET last_seen_at = clock_timestamp()
    WHERE id = (SELECT id FROM user_sessions WHERE id = :id AND last_seen_at < clock_timestamp() - interval '1 minute'
                FOR NO KEY UPDATE SKIP LOCKED)
""")
_RIGHTS = text(f"""
    SELECT s.token_digest AS digest, u.role FROM user_sessions s JOIN users u ON u.id = s.user_id
    WHERE s.token_digest = ANY(:digests) AND {_VALID_SESSION} AND u.is_active
    UNION ALL
    SELECT k.key_digest, {_ROLE_OF_KEY} FROM api_keys k JOIN users u ON u.id = k.user_id
    WHERE k.key_digest = ANY(:digests) AND {_VALID_KEY} AND (k.scopes IS NULL OR :scope = ANY(k.scopes))
""")  # noqa: S608 — a constant
# The lock waits for a concurrent change to the user, and then sees its result.
_OPEN_SESSION = text("""
    INSERT INTO user_sessions (token_digest, csrf_token, user_id, expires_at, ip_address, user_agent, passkey_id)
    SELECT :digest, :csrf_token, id, clock_timestamp() + :lifetime, :ip_address, :user_agent, :passkey_id FROM users
    WHERE id = :user_id AND version = :version AND is_active FOR SHARE
""")
_PROVE_SESSION = text("UPDATE user_sessions SET proven_at = clock_timestamp() WHERE token_digest = :digest")
_CLOSE_SESSION = text("DELETE FROM user_sessions WHERE token_digest = :digest")
_SESSIONS_OF = text(f"""
    SELECT id, id AS sort_key, created_at, expires_at, last_seen_at, ip_address, user_agent, token_digest FROM user_sessions s
    WHERE user_id = :user_id AND {_VALID_SESSION} AND id < :before ORDER BY id DESC LIMIT :limit
""")  # noqa: S608 — a constant
_CLOSE_ONE_OF = text("DELETE FROM user_sessions WHERE user_id = :user_id AND id = :id")
_CLOSE_SESSIONS_OF = text("""
    DELETE FROM user_sessions WHERE user_id = :user_id AND token_digest IS DISTINCT FROM CAST(:kept AS text)
""")
# Two log-ins that clean up at once must not wait for each other.
_FORGET_EXPIRED = text("""
    DELETE FROM user_sessions
    WHERE id IN (SELECT id FROM user_sessions WHERE expires_at < statement_timestamp()
                 ORDER BY expires_at LIMIT 1000 FOR UPDATE SKIP LOCKED)
""")
_REHASH = text("UPDATE users SET password_hash = :new WHERE id = :id AND password_hash = :old")
# Whoever changes the staff holds this until the end of the transaction: two administrators who each take the other's rights away
# at once would leave none, and two who choose the same address would meet in its index.
_LOCK_STAFF = text("SELECT pg_advisory_xact_lock(hashtext('lockstep: staff'))")
_LOCK_USER = text("""
    SELECT id, email, name, role, is_active, version FROM users WHERE lower(email) = lower(:email) FOR NO KEY UPDATE
""")
_LOCK_USER_BY_ID = text("SELECT id, email, name, role, is_active, version FROM users WHERE id = :id FOR NO KEY UPDATE")
_INSERT_USER = text("""
    INSERT INTO users (email, name, password_hash, role, is_active, password_expires_at)
    VALUES (:email, :name, :password_hash, :role, :is_active, clock_timestamp() + CAST(:password_lasts AS interval))
    ON CONFLICT ((lower(email))) DO NOTHING RETURNING id
""")
_UPDATE_USER = text("""
    UPDATE users
    SET email = :email, name = :name, role = :role, is_active = :is_active,
        password_hash = COALESCE(:password_hash, password_hash),
        password_expires_at = CASE WHEN CAST(:password_hash AS text) IS NULL THEN password_expires_at
                                   ELSE clock_timestamp() + CAST(:password_lasts AS interval) END,
        version = :version, updated_at = clock_timestamp()
    WHERE id = :id
""")
# Who last changed somebody is in the newest event about them, which is never pruned.
_PEOPLE = text("""
    SELECT u.id, u.id AS sort_key, u.email, u.name, u.role, u.is_active, u.password_expires_at, u.version, u.created_at,
           u.updated_at, EXISTS (SELECT FROM second_factors f WHERE f.user_id = u.id) AS has_second_factor,
           (SELECT count(*) FROM passkeys p WHERE p.user_id = u.id) AS passkeys,
           last.id AS changed_by, last.name AS changed_by_name
    FROM users u
    LEFT JOIN LATERAL (
        SELECT a.id, a.name FROM outbox_events e JOIN users a ON a.id = e.actor_id
        WHERE e.aggregate_type = 'user' AND e.aggregate_id = u.id AND e.aspect = 'content'
        ORDER BY e.version DESC LIMIT 1) last ON true
    WHERE (CAST(:id AS int) IS NULL OR u.id = :id) AND u.id > :after AND u.email <> :system
    ORDER BY u.id LIMIT :limit
""")
_INSERT_KEY = text("""
    INSERT INTO api_keys (name, key_digest, role, scopes, user_id, expires_at)
    VALUES (:name, :digest, :role, :scopes, :user_id, :expires_at)
    RETURNING id, COALESCE(expires_at > clock_timestamp(), true) AS is_valid
""")
_KEYS = text("""
    SELECT k.id, k.id AS sort_key, k.name, k.role, k.scopes, k.user_id, u.name AS user_name, k.created_at, k.expires_at,
           k.last_used_at, k.version
    FROM api_keys k JOIN users u ON u.id = k.user_id
    WHERE (CAST(:id AS int) IS NULL OR k.id = :id) AND k.id < :before AND k.revoked_at IS NULL ORDER BY k.id DESC LIMIT :limit
""")
_LOCK_KEY = text("SELECT id, name, version FROM api_keys WHERE revoked_at IS NULL AND id = :id FOR NO KEY UPDATE")
_LOCK_KEYS = text("""
    SELECT id, name, version FROM api_keys
    WHERE revoked_at IS NULL AND (name = :name OR id = :id) ORDER BY id FOR NO KEY UPDATE
""")
_LOCK_KEYS_OF = text("""
    SELECT id, name, version FROM api_keys WHERE revoked_at IS NULL AND user_id = :user_id ORDER BY id FOR NO KEY UPDATE
""")
_REVOKE_KEY = text("""
    UPDATE api_keys SET revoked_at = clock_timestamp(), version = :version WHERE id = :id RETURNING revoked_at
""")
_SYSTEM = text("SELECT id, name FROM users WHERE email = :email")
_PART_SESSION = text("""
    UPDATE user_sessions SET passkey_id = NULL WHERE token_digest = :digest AND passkey_id = :passkey_id
""")
_HAS_ADMIN = text("""
    SELECT EXISTS (SELECT FROM users WHERE role = 'admin' AND is_active AND password_hash IS NOT NULL
                     AND (password_expires_at IS NULL OR password_expires_at > clock_timestamp()))
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSession:
    """A session to be stored: digest and token, how long it lasts, where the log-in came from, and the passkey if by one."""

    digest: str
    csrf_token: str
    lifetime: timedelta
    ip_address: str | None
    user_agent: str | None
    passkey_id: int | None = None


def by_email(engine: Engine, email: str) -> Row[Any] | None:
    """Return the active user with this address, ignoring case, or None."""
    with engine.connect() as connection:
        return connection.execute(_BY_EMAIL, {"email": email}).one_or_none()


def by_session(engine: Engine, digest: str, idle: timedelta, *, is_use: bool) -> Row[Any] | None:
    """Return whom a session belongs to that has not ended, with its CSRF token, or None.

    Args:
        engine: one whose every statement is its own transaction.
        idle: how long after its last use it ends.
        is_use: whether to note this as a use, once a minute at most.
    """
    with engine.connect() as connection:
        row: Row[Any] | None = next(iter(run_directly(connection, _BY_SESSION, digest=digest, idle=idle)), None)
        if row is not None and is_use and row.is_use_to_note:
            _note_use(connection, _NOTE_USE_OF_SESSION, row.session_id)
        return row


def by_key(engine: Engine, digest: str) -> Row[Any] | None:
    """Return whom a valid API key acts as, with the key's own role and scopes, or None; note the use, once a minute at most.

    Args:
        engine: one whose every statement is its own transaction.
    """
    with engine.connect() as connection:
        row: Row[Any] | None = next(iter(run_directly(connection, _BY_KEY, digest=digest)), None)
        if row is not None and row.is_use_to_note:
            _note_use(connection, _NOTE_USE_OF_KEY, row.api_key_id)
        return row


def _note_use(connection: Connection, statement: TextClause, id_: int) -> None:
    try:
        connection.execute(statement, {"id": id_})
    except SQLAlchemyError as error:
        # The call that it was sent with need not write anything; if it does, it fails by itself.
        log.warning("the use of a session or API key is not noted", id=id_, error=str(error).splitlines()[0])


def rights(engine: Engine, digests: Sequence[str], *, scope: str, idle: timedelta) -> dict[str, str]:
    """Return the role that each of these sessions and keys gives now; ended ones and keys without the scope are left out."""
    parameters = {"digests": list(digests), "scope": scope, "idle": idle}
    with engine.connect() as connection:
        return {row.digest: row.role for row in connection.execute(_RIGHTS, parameters)}


def open_session(connection: Connection, user: Row[Any], session: NewSession, *, replaces: str | None = None) -> bool:
    """Store a session of a user as previously read; delete expired sessions, and the one (by digest) that this replaces.

    Returns:
        False, and stores nothing, if the user has changed since.
    """
    if connection.execute(_OPEN_SESSION, asdict(session) | {"user_id": user.id, "version": user.version}).rowcount == 0:
        return False
    connection.execute(_CLOSE_SESSION, {"digest": replaces})
    connection.execute(_FORGET_EXPIRED)
    return True


def prove_session(connection: Connection, digest: str) -> None:
    """Note that a session's owner has just proven who they are, which counts for ten minutes as a log-in does."""
    connection.execute(_PROVE_SESSION, {"digest": digest})


def sessions_of(
    engine: Engine, user_id: int, idle: timedelta, after: Position | None, limit: int
) -> tuple[Sequence[Row[Any]], Position | None]:
    """Return a page of a user's sessions, newest first, and where the next one begins."""
    parameters = {"user_id": user_id, "idle": idle, "before": after.id if after else LARGEST_ID, "limit": limit + 1}
    with engine.connect() as connection:
        return cut(connection.execute(_SESSIONS_OF, parameters).all(), limit)


def close_session_of(connection: Connection, user_id: int, session_id: int) -> bool:
    """End one of a user's sessions; return whether it existed."""
    return connection.execute(_CLOSE_ONE_OF, {"user_id": user_id, "id": session_id}).rowcount > 0


def close_session(engine: Engine, digest: str) -> None:
    """End a session at once."""
    with engine.begin() as connection:
        connection.execute(_CLOSE_SESSION, {"digest": digest})


def rehash(engine: Engine, user_id: int, old: str, new: str) -> None:
    """Store another hash of the same password. That changes nothing about the user, so nothing is recorded."""
    with engine.begin() as connection:
        connection.execute(_REHASH, {"id": user_id, "old": old, "new": new})


def create_user(unit_of_work: UnitOfWork, email: str, name: str, password_hash: str, role: str) -> int:
    """Create a user, or give the one with this address a new name, password and role; return the id."""
    user_id = insert_user(unit_of_work, email, name, role, password_hash)
    if user_id is None:
        row = unit_of_work.execute(_LOCK_USER, email=email).one()
        change_user(unit_of_work, row, password_hash=password_hash, name=name, role=role, is_active=True)
        return int(row.id)
    return user_id


def insert_user(
    unit_of_work: UnitOfWork, email: str, name: str, role: str, password_hash: str, *, is_active: bool = True,
    password_lasts: timedelta | None = None, reason: str | None = None,
) -> int | None:  # fmt: skip
    """Create a user and return the id; None if the address is taken.

    Args:
        password_lasts: how long a one-time password lasts; None for one of the person's own.
    """
    unit_of_work.execute(_LOCK_STAFF)
    values = {"email": email, "name": name, "role": role, "is_active": is_active}
    user_id = unit_of_work.execute(
        _INSERT_USER, **values, password_hash=password_hash, password_lasts=password_lasts
    ).scalar_one_or_none()
    if user_id is None:
        return None
    new = values | {"password": "set", "version": 1}
    unit_of_work.record(_event(EventType.USER_CREATED, "user", "users", user_id, None, new, reason))
    return int(user_id)


def lock_user(unit_of_work: UnitOfWork, email: str) -> Row[Any] | None:
    """Lock the user with this address, active or not, and return them."""
    unit_of_work.execute(_LOCK_STAFF)
    return unit_of_work.execute(_LOCK_USER, email=email).one_or_none()


def lock_user_by_id(unit_of_work: UnitOfWork, user_id: int) -> Row[Any] | None:
    """Lock a user, active or not, and return them."""
    unit_of_work.execute(_LOCK_STAFF)
    return unit_of_work.execute(_LOCK_USER_BY_ID, id=user_id).one_or_none()


def change_user(
    unit_of_work: UnitOfWork, row: Row[Any], *, password_hash: str | None = None, password_lasts: timedelta | None = None,
    proof: tuple[dict[str, Any], dict[str, Any]] | None = None, reason: str | None = None, **wanted: Any,
) -> None:  # fmt: skip
    """Give a locked user another password, role, name or address, or set `is_active`, and record what changed; if nothing does,
    do nothing. Neither a password nor its hash gets into the trail.

    A new password or role, or a change of `is_active`, ends their sessions. The last also revokes their keys for good.

    Args:
        password_lasts: how long a one-time password lasts; None for one of the person's own.
        proof: what else has just been changed of how they log in, to be recorded: what it was, and is.
    """
    before = {"email": row.email, "name": row.name, "role": row.role, "is_active": row.is_active}
    after = before | wanted
    changed = [column for column in after if after[column] != before[column]]
    if not changed and password_hash is None and proof is None:
        return
    old = {column: before[column] for column in changed} | {"version": row.version}
    new = {column: after[column] for column in changed} | {"version": row.version + 1}
    if password_hash is not None:
        old, new = old | {"password": "set"}, new | {"password": "changed"}
    if proof is not None:
        old, new = old | proof[0], new | proof[1]
    unit_of_work.execute(
        _UPDATE_USER, id=row.id, password_hash=password_hash, password_lasts=password_lasts, version=row.version + 1, **after
    )
    unit_of_work.record(_event(EventType.USER_UPDATED, "user", "users", row.id, old, new, reason))
    if password_hash is not None or {"role", "is_active"} & {*changed}:
        close_sessions_of(unit_of_work, row.id)
    if "is_active" in changed:
        for key in unit_of_work.execute(_LOCK_KEYS_OF, user_id=row.id).all():
            revoke_key(unit_of_work, key, reason)


def part_session_from_passkey(unit_of_work: UnitOfWork, digest: str, passkey_id: int) -> None:
    """Have a session go on without the passkey that opened it, if that did."""
    unit_of_work.execute(_PART_SESSION, digest=digest, passkey_id=passkey_id)


def close_sessions_of(unit_of_work: UnitOfWork, user_id: int, kept: str | None = None) -> None:
    """End all sessions of a user, but one if it is named by its digest."""
    unit_of_work.execute(_CLOSE_SESSIONS_OF, user_id=user_id, kept=kept)


def people(connection: Connection, after: Position | None, limit: int) -> tuple[Sequence[Row[Any]], Position | None]:
    """Return a page of the staff in the order of their ids, without the system user, and where the next one begins."""
    parameters = {"id": None, "after": after.id if after else 0, "system": SYSTEM_EMAIL, "limit": limit + 1}
    return cut(connection.execute(_PEOPLE, parameters).all(), limit)


def person(connection: Connection, user_id: int) -> Row[Any]:
    """Return an existing member of staff as `people` does."""
    return connection.execute(_PEOPLE, {"id": user_id, "after": 0, "system": SYSTEM_EMAIL, "limit": 1}).one()


def create_key(
    unit_of_work: UnitOfWork, name: str, digest: str, role: str, user_id: int, *, scopes: Sequence[str] | None = None,
    expires_at: datetime | None = None, reason: str | None = None,
) -> int:  # fmt: skip
    """Store the digest of a new API key; return its id.

    Args:
        scopes: what the key is limited to within its role; None for nothing.

    Raises:
        InvalidFieldError: if it would have expired already.
    """
    given = {"name": name, "role": role, "user_id": user_id}
    limits = None if scopes is None else list(dict.fromkeys(scopes))
    row = unit_of_work.execute(_INSERT_KEY, **given, digest=digest, scopes=limits, expires_at=expires_at).one()
    if not row.is_valid:
        raise InvalidFieldError("expires_at", "give a moment that is still to come")
    values = given | {"version": 1}
    values |= ({"scopes": limits} if limits else {}) | ({"expires_at": rfc3339(expires_at)} if expires_at else {})
    unit_of_work.record(_event(EventType.API_KEY_CREATED, "api_key", "api_keys", row.id, None, values, reason))
    return int(row.id)


def keys(connection: Connection, after: Position | None, limit: int) -> tuple[Sequence[Row[Any]], Position | None]:
    """Return a page of the API keys that are not revoked, newest first, and where the next one begins."""
    parameters = {"id": None, "before": after.id if after else LARGEST_ID, "limit": limit + 1}
    return cut(connection.execute(_KEYS, parameters).all(), limit)


def key(connection: Connection, key_id: int) -> Row[Any]:
    """Return an unrevoked API key as `keys` does."""
    return connection.execute(_KEYS, {"id": key_id, "before": LARGEST_ID, "limit": 1}).one()


def lock_key(unit_of_work: UnitOfWork, key_id: int) -> Row[Any] | None:
    """Lock an unrevoked key and return it."""
    return unit_of_work.execute(_LOCK_KEY, id=key_id).one_or_none()


def lock_keys(unit_of_work: UnitOfWork, name_or_id: str) -> Sequence[Row[Any]]:
    """Lock the unrevoked keys with this name or id and return them."""
    key_id = int(name_or_id) if _KEY_ID.fullmatch(name_or_id) else None
    return unit_of_work.execute(_LOCK_KEYS, name=name_or_id, id=key_id).all()


def revoke_key(unit_of_work: UnitOfWork, row: Row[Any], reason: str | None = None) -> None:
    """Revoke a locked key."""
    at = unit_of_work.execute(_REVOKE_KEY, id=row.id, version=row.version + 1).scalar_one()
    old = {"revoked_at": None, "version": row.version}
    new = {"revoked_at": rfc3339(at), "version": row.version + 1}
    unit_of_work.record(_event(EventType.API_KEY_REVOKED, "api_key", "api_keys", row.id, old, new, reason))


def _event(
    kind: EventType, aggregate: AggregateType, table: str, record_id: int, old: dict[str, Any] | None, new: dict[str, Any],
    reason: str | None,
) -> Event:  # fmt: skip
    return Event(
        type=kind,
        aggregate_type=aggregate,
        aggregate_id=record_id,
        aspect=Aspect.CONTENT,
        version=new["version"],
        table_name=table,
        record_id=record_id,
        operation="UPDATE" if old else "INSERT",
        old_values=old,
        new_values=new,
        reason=reason,
    )


def has_administrator(connection: Connection) -> bool:
    """Whether anybody can log in as an administrator."""
    return bool(connection.execute(_HAS_ADMIN).scalar_one())


def system(connection: Connection) -> Row[Any]:
    """Return the user to whom automatic changes are attributed."""
    return connection.execute(_SYSTEM, {"email": SYSTEM_EMAIL}).one()
