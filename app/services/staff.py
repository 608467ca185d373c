"""Members of staff, and the keys of machines: made, changed and taken away, each as a unit of work that is audited."""

from app.contract.events import Actor
from app.domain.errors import InvalidFieldError, NotFoundError
from app.services.authentication import digest, hash_password, new_api_key
from app.store import users
from app.store.transaction import TransactionManager, UnitOfWork


def create_user(transactions: TransactionManager, actor: Actor, email: str, name: str, password: str, role: str) -> int:
    """Create a member of staff, or give the one with this address a new name, password and role; return the id."""
    password_hash = hash_password(password)
    return transactions.run(actor, lambda unit_of_work: users.create_user(unit_of_work, email, name, password_hash, role))


def deactivate_user(transactions: TransactionManager, actor: Actor, email: str) -> None:
    """Keep a member of staff out: sessions and keys end with it, what they did stays.

    Raises:
        NotFoundError: if there is no such active member of staff.
    """
    known = email.lower() != users.SYSTEM_EMAIL
    if not known or not transactions.run(actor, lambda unit_of_work: users.deactivate_user(unit_of_work, email)):
        raise NotFoundError(f"there is no active user {email!r}")


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
