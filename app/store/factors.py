"""Second factors: what is kept of apps and recovery codes. To turn one on or off changes the user, and is audited as that."""

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


def turn_on(
    unit_of_work: UnitOfWork, user: Row[Any], nonce: str, step: int, digests: Sequence[str], keeps_session: str
) -> bool:  # fmt: skip
    """Give a locked user a second factor; all their sessions but one (by digest) end.

    Returns:
        False, and changes nothing, if they have one.
    """
    if unit_of_work.execute(_INSERT, user_id=user.id, nonce=nonce, step=step, digests=list(digests)).rowcount == 0:
        return False
    users.change_user(unit_of_work, user, second_factor=True, keeps_session=keeps_session)
    return True


def turn_off(
    unit_of_work: UnitOfWork, user: Row[Any], keeps_session: str | None = None, reason: str | None = None
) -> bool:  # fmt: skip
    """Take a locked user's second factor away; all their sessions, but one if it is named, end.

    Returns:
        False, and changes nothing, if they have none.
    """
    if unit_of_work.execute(_DELETE, user_id=user.id).rowcount == 0:
        return False
    users.change_user(unit_of_work, user, second_factor=False, keeps_session=keeps_session, reason=reason)
    return True
