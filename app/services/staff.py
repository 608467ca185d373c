"""Members of staff and API keys: creating, changing and revoking them, each in an audited unit of work."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from app.contract.events import Actor
from app.domain.errors import InvalidFieldError, LastAdministratorError, NotFoundError
from app.domain.passwords import normal_email, objection, weakness
from app.services.authentication import digest, hash_password, new_api_key
from app.store import factors, users
from app.store.transaction import TransactionManager, UnitOfWork


def create_user(
    transactions: TransactionManager, actor: Actor, email: str, name: str, password: str, role: str, *, may_be_weak: bool = False
) -> int:
    """Create a member of staff, or give the one with this address a new name, password and role; return the id.

    Args:
        may_be_weak: whether a password will do that is easily guessed.

    Raises:
        InvalidFieldError: if this is not a person's address, or the password cannot be set.
        LastAdministratorError: if nobody would be left who can log in as one.
    """
    email = normal_email(email)
    if "@" not in email or email.lower() == users.SYSTEM_EMAIL:
        raise InvalidFieldError("email", f"{email!r} is no e-mail address of a person")
    password_hash = _hash_of_new(password)
    if not may_be_weak:
        _refuse_weak(password, email, name)

    def work(unit_of_work: UnitOfWork) -> int:
        before = users.lock_user(unit_of_work, email)
        user_id = users.create_user(unit_of_work, email, name, password_hash, role)
        keep_an_administrator(unit_of_work, before, role=role)
        return user_id

    return transactions.run(actor, work)


def set_password(transactions: TransactionManager, actor: Actor, email: str, password: str) -> None:
    """Give a member of staff another password; all their sessions end.

    Raises:
        NotFoundError: if there is no such member of staff.
        InvalidFieldError: if the password cannot be set.
    """
    _change(transactions, actor, email, password=password, password_hash=_hash_of_new(password))


def set_role(transactions: TransactionManager, actor: Actor, email: str, role: str) -> None:
    """Give a member of staff another role; all their sessions end.

    Raises:
        NotFoundError: if there is no such member of staff.
        LastAdministratorError: if nobody would be left who can log in as one.
    """
    _change(transactions, actor, email, role=role)


def deactivate_user(transactions: TransactionManager, actor: Actor, email: str) -> None:
    """Lock a member of staff out: their sessions and keys end, what they did stays.

    Raises:
        NotFoundError: if there is no such active member of staff.
        LastAdministratorError: if nobody would be left who can log in as an administrator.
    """
    _change(transactions, actor, email, was_active=True, is_active=False)


def activate_user(transactions: TransactionManager, actor: Actor, email: str) -> None:
    """Let a deactivated member of staff log in again, with their old password and role. Neither sessions nor keys come back.

    Raises:
        NotFoundError: if there is no such deactivated member of staff.
    """
    _change(transactions, actor, email, was_active=False, is_active=True)


def _change(
    transactions: TransactionManager, actor: Actor, email: str, *, was_active: bool | None = None, password: str | None = None,
    **wanted: Any,
) -> None:  # fmt: skip
    email = normal_email(email)

    def work(unit_of_work: UnitOfWork) -> None:
        row = users.lock_user(unit_of_work, email)
        if row is None or email.lower() == users.SYSTEM_EMAIL or was_active not in {None, row.is_active}:
            kind = {None: "", True: "active ", False: "deactivated "}[was_active]
            raise NotFoundError(f"there is no {kind}user {email!r}")
        if password is not None:
            _refuse_weak(password, row.email, row.name)
        users.change_user(unit_of_work, row, **wanted)
        keep_an_administrator(unit_of_work, row, **wanted)

    transactions.run(actor, work)


def disable_second_factor(transactions: TransactionManager, actor: Actor, email: str) -> None:
    """Let a member of staff log in with their password alone, without passkeys; all their sessions end.

    Raises:
        NotFoundError: if there is nobody of that address who has a second factor.
    """
    email = normal_email(email)

    def work(unit_of_work: UnitOfWork) -> None:
        row = users.lock_user(unit_of_work, email)
        if row is None or not factors.take_all(unit_of_work, row):
            raise NotFoundError(f"there is no user {email!r} who has a second factor")

    transactions.run(actor, work)


def keep_an_administrator(
    unit_of_work: UnitOfWork, before: Row[Any] | None, *, role: str = "admin", is_active: bool = True, **_rest: Any
) -> None:
    """Refuse a change, already made in this unit of work, that takes the last administrator's rights away.

    Args:
        before: the locked user as they were before, if they existed; the rest is what was changed about them.

    Raises:
        LastAdministratorError: if that was an administrator and no longer is, and nobody is left who can log in as one.
    """
    was_administrator = before is not None and before.role == "admin" and before.is_active
    is_administrator = role == "admin" and is_active
    if was_administrator and not is_administrator and not users.has_administrator(unit_of_work.connection):
        raise LastAdministratorError


def _hash_of_new(password: str) -> str:
    if reason := objection(password):
        raise InvalidFieldError("password", reason)
    return hash_password(password)


def _refuse_weak(password: str, email: str, name: str) -> None:
    if reason := weakness(password, email, name):
        raise InvalidFieldError("password", reason)


def create_key(
    transactions: TransactionManager, actor: Actor, name: str, role: str, user_id: int, *, scopes: Sequence[str] | None = None,
    expires_at: datetime | None = None,
) -> str:  # fmt: skip
    """Create an API key that acts as a user, and return it: it cannot be read again.

    Raises:
        InvalidFieldError: if it would have expired already.
    """
    key = new_api_key()

    def work(unit_of_work: UnitOfWork) -> int:
        return users.create_key(unit_of_work, name, digest(key), role, user_id, scopes=scopes, expires_at=expires_at)

    transactions.run(actor, work)
    return key


def revoke_key(transactions: TransactionManager, actor: Actor, name_or_id: str) -> int:
    """Revoke an API key and return its id.

    Raises:
        NotFoundError: if no working key has this name or id.
        InvalidFieldError: if several have it.
    """

    def work(unit_of_work: UnitOfWork) -> int:
        found = users.lock_keys(unit_of_work, name_or_id)
        if not found:
            raise NotFoundError(f"no working API key has the name or id {name_or_id!r}")
        if len(found) > 1:
            raise InvalidFieldError("key", f"several have this name; give one of the ids {[row.id for row in found]}")
        users.revoke_key(unit_of_work, found[0])
        return int(found[0].id)

    return transactions.run(actor, work)
