"""What administrators do about the staff and the machines: list, add and change people, reset passwords, make and revoke keys.

Passwords and keys are made here and shown once. What is kept of a call that may be sent again holds a nonce in their place, of
which the same answer is made (`app.services.authentication.ShownOnce`).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row

from app.contract.events import Actor
from app.contract.formats import rfc3339
from app.domain.errors import DuplicateError, NotFoundError, SystemUserError
from app.domain.passwords import normal_email
from app.services.authentication import ONE_TIME_PASSWORD_LASTS, ShownOnce, digest, hash_password
from app.services.intent import Intent
from app.services.offload import Offload
from app.services.staff import keep_an_administrator
from app.store import factors, users
from app.store.paging import Page, Position
from app.store.transaction import TransactionManager, UnitOfWork


class People:
    """The use cases behind `/admin/users` and `/admin/api-keys`.

    Args:
        shown_once: makes passwords and keys.
        offload: runs a slow function outside the event loop, if there is one.
    """

    def __init__(self, transactions: TransactionManager, reading: Engine, shown_once: ShownOnce, offload: Offload) -> None:
        self._transactions = transactions
        self._reading = reading
        self._shown_once = shown_once
        self._offload = offload

    def users(self, after: Position | None, limit: int) -> Page[dict[str, Any]]:
        """Return one page of the staff."""
        with self._reading.connect() as connection:
            rows, following = users.people(connection, after, limit)
        return Page([_person(row) for row in rows], following)

    def add_user(self, intent: Intent, email: str, name: str | None, role: str, *, is_active: bool) -> dict[str, Any]:
        """Add a member of staff and return them with a one-time `password`.

        Raises:
            DuplicateError: if somebody has this address.
        """
        email = normal_email(email)
        nonce, password_hash = self._new_password()

        def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
            user_id = users.insert_user(
                unit_of_work, email, name or email, role, password_hash,
                is_active=is_active, password_lasts=ONE_TIME_PASSWORD_LASTS, reason=intent.reason,
            )  # fmt: skip
            if user_id is None:
                raise DuplicateError("email", email)
            return _changed_person(unit_of_work, user_id) | {"nonce": nonce}

        return self._with_password(self._transactions.run(intent.actor, work, intent.call))

    def change_user(self, intent: Intent, user_id: int, changes: dict[str, Any]) -> dict[str, Any]:
        """Change a member of staff and return them; values that are already so change nothing.

        Raises:
            NotFoundError, SystemUserError, ConcurrencyError, DuplicateError.
            LastAdministratorError: if nobody would be left who can log in as one.
        """
        if "email" in changes:
            changes = changes | {"email": normal_email(changes["email"])}

        def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
            row = _locked_user(unit_of_work, intent, user_id)
            holder = users.lock_user(unit_of_work, changes["email"]) if "email" in changes else None
            if holder is not None and holder.id != user_id:
                raise DuplicateError("email", changes["email"])
            users.change_user(unit_of_work, row, reason=intent.reason, **changes)
            keep_an_administrator(unit_of_work, row, **changes)
            return _changed_person(unit_of_work, user_id, row.version)

        return self._transactions.run(intent.actor, work, intent.call)

    def reset_password(self, intent: Intent, user_id: int) -> dict[str, Any]:
        """Give a member of staff a one-time `password`, and return them with it; all their sessions end.

        Raises:
            NotFoundError, SystemUserError, ConcurrencyError.
        """
        nonce, password_hash = self._new_password()

        def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
            row = _locked_user(unit_of_work, intent, user_id)
            lasts = ONE_TIME_PASSWORD_LASTS
            users.change_user(unit_of_work, row, password_hash=password_hash, password_lasts=lasts, reason=intent.reason)
            return _changed_person(unit_of_work, user_id, row.version) | {"nonce": nonce}

        return self._with_password(self._transactions.run(intent.actor, work, intent.call))

    def take_second_factor(self, intent: Intent, user_id: int) -> None:
        """Take a member of staff's second factor and passkeys away: their password alone opens the panel. All their sessions end.

        Raises:
            NotFoundError, SystemUserError, ConcurrencyError.
        """

        def work(unit_of_work: UnitOfWork) -> None:
            row = _locked_user(unit_of_work, intent, user_id)
            if not factors.take_all(unit_of_work, row, intent.reason):
                raise NotFoundError(f"The member of staff {user_id} has no second factor.")

        self._transactions.run(intent.actor, work, intent.call)

    def keys(self, after: Position | None, limit: int) -> Page[dict[str, Any]]:
        """Return one page of the API keys that are not revoked, newest first."""
        with self._reading.connect() as connection:
            rows, following = users.keys(connection, after, limit)
        return Page([_key(row) for row in rows], following)

    def add_key(
        self, intent: Intent, name: str, role: str, scopes: Sequence[str] | None, expires_at: datetime | None
    ) -> dict[str, Any]:
        """Make an API key that acts as the system user, and return what is known of it with the `key` itself.

        Raises:
            InvalidFieldError: if it would have expired already.
        """
        nonce = self._shown_once.new()
        key_digest = digest(self._shown_once.api_key(nonce))

        def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
            acts_as = users.system(unit_of_work.connection).id
            key_id = users.create_key(
                unit_of_work, name, key_digest, role, acts_as, scopes=scopes, expires_at=expires_at, reason=intent.reason
            )
            return _key(users.key(unit_of_work.connection, key_id)) | {"nonce": nonce}

        made = self._transactions.run(intent.actor, work, intent.call)
        nonce = made.pop("nonce")
        return {**made, "key": self._shown_once.api_key(nonce)}

    def revoke_key(self, intent: Intent, key_id: int) -> None:
        """Revoke an API key: nothing that is sent with it is done any more, and its open panels end.

        Raises:
            NotFoundError, ConcurrencyError.
        """

        def work(unit_of_work: UnitOfWork) -> None:
            row = users.lock_key(unit_of_work, key_id)
            if row is None:
                raise NotFoundError(f"There is no API key {key_id}.")
            intent.expected.check("api_key", row.version, _key(users.key(unit_of_work.connection, key_id)))
            users.revoke_key(unit_of_work, row, intent.reason)

        self._transactions.run(intent.actor, work, intent.call)

    def _new_password(self) -> tuple[str, str]:
        nonce = self._shown_once.new()
        return nonce, self._offload(hash_password, self._shown_once.password(nonce))

    def _with_password(self, made: dict[str, Any]) -> dict[str, Any]:
        nonce = made.pop("nonce")
        return {**made, "password": self._shown_once.password(nonce)}


def _locked_user(unit_of_work: UnitOfWork, intent: Intent, user_id: int) -> Row[Any]:
    row = users.lock_user_by_id(unit_of_work, user_id)
    if row is None:
        raise NotFoundError(f"There is no member of staff {user_id}.")
    if row.email == users.SYSTEM_EMAIL:
        raise SystemUserError
    intent.expected.check("user", row.version, _person(users.person(unit_of_work.connection, user_id)))
    return row


def _changed_person(unit_of_work: UnitOfWork, user_id: int, version_before: int = 0) -> dict[str, Any]:
    """Return a member of staff after a change, whose event is only written at the commit."""
    person = _person(users.person(unit_of_work.connection, user_id))
    return person if person["version"] == version_before else person | {"changed_by": _named(unit_of_work.actor)}


def _named(actor: Actor) -> dict[str, Any]:
    return {"id": actor.user_id, "name": actor.name}


def _person(row: Row[Any]) -> dict[str, Any]:
    at = rfc3339(row.updated_at)
    return {
        "id": row.id,
        "email": row.email,
        "name": row.name,
        "role": row.role,
        "is_active": row.is_active,
        "password_expires_at": _moment(row.password_expires_at),
        "has_second_factor": row.has_second_factor,
        "passkeys": row.passkeys,
        "version": row.version,
        "created_at": rfc3339(row.created_at),
        "updated_at": at,
        "changed_by": {"id": row.changed_by, "name": row.changed_by_name} if row.changed_by else None,
        "changed_at": at,
    }


def _key(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "role": row.role,
        "scopes": row.scopes,
        "acts_as": {"id": row.user_id, "name": row.user_name},
        "created_at": rfc3339(row.created_at),
        "expires_at": _moment(row.expires_at),
        "last_used_at": _moment(row.last_used_at),
        "version": row.version,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
