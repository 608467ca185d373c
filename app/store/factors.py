"""Second factors and passkeys: how people log in besides by their password. Changes are audited as those of the user."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from app.store import users
from app.store.transaction import UnitOfWork

_INSERT = text("""
    INSERT INTO second_factors (user_id, nonce, last_step, recovery_digests) VALUES (:user_id, :nonce, :step, :digests)
    ON CONFLICT (user_id) DO NOTHING
""")
_OF = text("""
    SELECT nonce, last_step, created_at, cardinality(recovery_digests) AS recovery_codes FROM second_factors
    WHERE user_id = :user_id
""")
_LOCK = text("SELECT nonce, last_step FROM second_factors WHERE user_id = :user_id FOR NO KEY UPDATE")
_USE_STEP = text("UPDATE second_factors SET last_step = :step WHERE user_id = :user_id")
_USE_RECOVERY_CODE = text("""
    UPDATE second_factors SET recovery_digests = array_remove(recovery_digests, :digest)
    WHERE user_id = :user_id AND :digest = ANY(recovery_digests)
""")
_DELETE = text("DELETE FROM second_factors WHERE user_id = :user_id")
_PASSKEYS = text("""
    SELECT id, name, credential_id, created_at, last_used_at FROM passkeys WHERE user_id = :user_id ORDER BY id
""")
_INSERT_PASSKEY = text("""
    INSERT INTO passkeys (user_id, name, credential_id, public_key, sign_count, last_challenge)
    VALUES (:user_id, :name, :credential_id, :public_key, :sign_count, :challenge)
    ON CONFLICT (credential_id) DO NOTHING RETURNING id, name, credential_id, created_at, last_used_at
""")
_DELETE_PASSKEY = text("DELETE FROM passkeys WHERE user_id = :user_id AND id = :id RETURNING name")
_DELETE_PASSKEYS = text("DELETE FROM passkeys WHERE user_id = :user_id RETURNING name")
_OWNER = text("SELECT u.email FROM passkeys p JOIN users u ON u.id = p.user_id WHERE p.credential_id = :credential_id")
# The user first, as whoever removes a passkey does: two that wait for each other would end in an error.
_LOCK_PASSKEY = text("""
    WITH owner AS MATERIALIZED (
        SELECT id, email, name, role, version FROM users
        WHERE id = (SELECT user_id FROM passkeys WHERE credential_id = :credential_id) AND is_active FOR SHARE)
    SELECT o.*, p.id AS passkey_id, p.public_key, p.sign_count, p.last_challenge
    FROM owner o JOIN passkeys p ON p.user_id = o.id
    WHERE p.credential_id = :credential_id FOR NO KEY UPDATE OF p
""")
_USE_PASSKEY = text("""
    UPDATE passkeys SET sign_count = :sign_count, last_challenge = :challenge, last_used_at = clock_timestamp() WHERE id = :id
""")


def of(connection: Connection, user_id: int) -> Row[Any] | None:
    """Return a user's second factor, or None."""
    return connection.execute(_OF, {"user_id": user_id}).one_or_none()


def lock(connection: Connection, user_id: int) -> Row[Any] | None:
    """Lock a user's second factor, so that two log-ins cannot use the same code, and return it, or None."""
    return connection.execute(_LOCK, {"user_id": user_id}).one_or_none()


def use_step(connection: Connection, user_id: int, step: int) -> None:
    """Note that a locked factor's code of this time step is used."""
    connection.execute(_USE_STEP, {"user_id": user_id, "step": step})


def use_recovery_code(connection: Connection, user_id: int, digest: str) -> bool:
    """Take a recovery code, by its digest, from those that are left; return whether it was one."""
    return connection.execute(_USE_RECOVERY_CODE, {"user_id": user_id, "digest": digest}).rowcount > 0


def turn_on(unit_of_work: UnitOfWork, user: Row[Any], nonce: str, step: int, digests: Sequence[str], keeps_session: str) -> bool:
    """Give a locked user a second factor; all their sessions but one (by digest) end.

    Returns:
        False, and changes nothing, if they have one.
    """
    if unit_of_work.execute(_INSERT, user_id=user.id, nonce=nonce, step=step, digests=list(digests)).rowcount == 0:
        return False
    users.change_user(unit_of_work, user, proof=({"second_factor": False}, {"second_factor": True}))
    users.close_sessions_of(unit_of_work, user.id, keeps_session)
    return True


def turn_off(unit_of_work: UnitOfWork, user: Row[Any], keeps_session: str) -> bool:
    """Take a locked user's second factor away; all their sessions but one (by digest) end.

    Returns:
        False, and changes nothing, if they have none.
    """
    if unit_of_work.execute(_DELETE, user_id=user.id).rowcount == 0:
        return False
    users.change_user(unit_of_work, user, proof=({"second_factor": True}, {"second_factor": False}))
    users.close_sessions_of(unit_of_work, user.id, keeps_session)
    return True


def take_all(unit_of_work: UnitOfWork, user: Row[Any], reason: str | None = None) -> bool:
    """Leave a locked user nothing but the password: no second factor, no passkeys, no sessions.

    Returns:
        False, and changes nothing, if there was nothing but that.
    """
    taken: dict[str, Any] = {}
    if unit_of_work.execute(_DELETE, user_id=user.id).rowcount:
        taken["second_factor"] = True
    if names := unit_of_work.execute(_DELETE_PASSKEYS, user_id=user.id).scalars().all():
        taken["passkeys"] = sorted(names)
    if not taken:
        return False
    left = {name: type(value)() for name, value in taken.items()}
    users.change_user(unit_of_work, user, proof=(taken, left), reason=reason)
    users.close_sessions_of(unit_of_work, user.id)
    return True


def passkeys(connection: Connection, user_id: int) -> Sequence[Row[Any]]:
    """Return a user's passkeys, oldest first."""
    return connection.execute(_PASSKEYS, {"user_id": user_id}).all()


def add_passkey(unit_of_work: UnitOfWork, user: Row[Any], **values: Any) -> Row[Any] | None:
    """Give a locked user a passkey and return it as `passkeys` does; None, changing nothing, if somebody has it already."""
    row: Row[Any] | None = unit_of_work.execute(_INSERT_PASSKEY, user_id=user.id, **values).one_or_none()
    if row is not None:
        users.change_user(unit_of_work, user, proof=({"passkey": None}, {"passkey": row.name}))
    return row


def remove_passkey(unit_of_work: UnitOfWork, user: Row[Any], passkey_id: int, kept: str) -> bool:
    """Take one of a locked user's passkeys away, and with it the sessions that it opened, but for the one with the digest `kept`;
    return whether it existed."""
    users.part_session_from_passkey(unit_of_work, kept, passkey_id)
    name = unit_of_work.execute(_DELETE_PASSKEY, user_id=user.id, id=passkey_id).scalar_one_or_none()
    if name is None:
        return False
    users.change_user(unit_of_work, user, proof=({"passkey": name}, {"passkey": None}))
    return True


def owner(connection: Connection, credential_id: bytes) -> str | None:
    """Return the e-mail address of a passkey's owner, or None."""
    return connection.execute(_OWNER, {"credential_id": credential_id}).scalar_one_or_none()


def lock_passkey(connection: Connection, credential_id: bytes) -> Row[Any] | None:
    """Lock a passkey of an active user, and return it with the user (`id`, `email`, `name`, `role`, `version`), or None."""
    return connection.execute(_LOCK_PASSKEY, {"credential_id": credential_id}).one_or_none()


def use_passkey(connection: Connection, passkey_id: int, sign_count: int, challenge: int) -> None:
    """Note that a locked passkey has answered the challenge made then."""
    connection.execute(_USE_PASSKEY, {"id": passkey_id, "sign_count": sign_count, "challenge": challenge})
