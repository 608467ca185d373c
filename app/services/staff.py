"""Members of staff, and the keys of machines: made, changed and taken away, each as a unit of work that is audited."""

from typing import Any

from app.contract.events import Actor
from app.domain.errors import InvalidFieldError, NotFoundError
from app.domain.passwords import normal_email, objection
from app.services.authentication import digest, hash_password, new_api_key
from app.store import users
from app.store.transaction import TransactionManager, UnitOfWork


def create_user(transactions: TransactionManager, actor: Actor, email: str, name: str, password: str, role: str) -> int:
    """Create a member of staff, or give the one with this address a new name, password and role; return the id.

    Raises:
        InvalidFieldError: if this is no address of a person, or the password cannot be set.
    """
    email = normal_email(email)
    if "@" not in email or email.lower() == users.SYSTEM_EMAIL:
        raise InvalidFieldError("email", f"{email!r} is no e-mail address of a person")
    password_hash = _hash_of_new(password)
    return transactions.run(actor, lambda unit_of_work: users.create_user(unit_of_work, email, name, password_hash, role))


def set_password(transactions: TransactionManager, actor: Actor, email: str, password: str) -> None:
    """Give a member of staff another password; their sessions end with the old one.

    Raises:
        NotFoundError: if there is no such member of staff.
        InvalidFieldError: if the password cannot be set.
    """
    _change(transactions, actor, email, password_hash=_hash_of_new(password))


def set_role(transactions: TransactionManager, actor: Actor, email: str, role: str) -> None:
    """Give a member of staff another role; their sessions end with the old one.

    Raises:
        NotFoundError: if there is no such member of staff.
    """
    _change(transactions, actor, email, role=role)


def deactivate_user(transactions: TransactionManager, actor: Actor, email: str) -> None:
    """Keep a member of staff out: sessions and keys end with it, what they did stays.

    Raises:
        NotFoundError: if there is no such active member of staff.
    """
    _change(transactions, actor, email, was_active=True, is_active=False)


def activate_user(transactions: TransactionManager, actor: Actor, email: str) -> None:
    """Let a deactivated member of staff log in again, with their old password and role. Neither sessions nor keys come back.

    Raises:
        NotFoundError: if there is no such deactivated member of staff.
    """
    _change(transactions, actor, email, was_active=False, is_active=True)


def _change(transactions: TransactionManager, actor: Actor, email: str, *, was_active: bool | None = None, **wanted: Any) -> None:
    email = normal_email(email)

    def work(unit_of_work: UnitOfWork) -> None:
        row = users.lock_user(unit_of_work, email)
        if row is None or email.lower() == users.SYSTEM_EMAIL or was_active not in {None, row.is_active}:
            kind = {None: "", True: "active ", False: "deactivated "}[was_active]
            raise NotFoundError(f"there is no {kind}user {email!r}")
        users.change_user(unit_of_work, row, **wanted)

    transactions.run(actor, work)


def _hash_of_new(password: str) -> str:
    if reason := objection(password):
        raise InvalidFieldError("password", reason)
    return hash_password(password)


def create_key(transactions: TransactionManager, actor: Actor, name: str, role: str, user_id: int) -> str:
    """Create an API key that acts as a user, and return it: it is nowhere to be read again."""
    key = new_api_key()
    transactions.run(actor, lambda unit_of_work: users.create_key(unit_of_work, name, digest(key), role, user_id))
    return key


def revoke_key(transactions: TransactionManager, actor: Actor, name_or_id: str) -> int:
    """Make an API key worthless and return its id.

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
