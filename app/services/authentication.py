"""Who somebody is: passwords, sessions and API keys. Knows no request; `app.api.auth` and `app.live.admin` ask it."""

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Engine

from app.domain.errors import UnauthenticatedError
from app.store import users

COOKIE = "lockstep_session"
SESSION_LIFETIME = timedelta(hours=12)
KEY_PREFIX = "lsk_"
# Each role may do what those before it may.
ROLES = ("viewer", "stock", "editor", "admin")
# OWASP's parameters for Argon2id; the library's defaults cost five times as much.
HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)

Offload = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: a person, or a machine (`api_key_id`), whose `csrf_token` is None since it needs none."""

    user_id: int
    email: str
    name: str
    role: str
    csrf_token: str | None
    api_key_id: int | None = None

    def may(self, role: str) -> bool:
        """Whether this role includes what `role` may do."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def public(self) -> dict[str, Any]:
        """Return what the panel shows of its user."""
        return {"id": self.user_id, "email": self.email, "name": self.name, "role": self.role}


class Authenticator:
    """Checks passwords, sessions and API keys.

    Args:
        reading: for look-ups; engine: for writes.
        offload: runs a slow function beside the event loop.
    """

    def __init__(self, engine: Engine, reading: Engine, offload: Offload) -> None:
        self._engine = engine
        self._reading = reading
        self._offload = offload
        self._nobody = HASHER.hash(secrets.token_hex(16))

    def log_in(self, email: str, password: str) -> tuple[Principal, str]:
        """Return who that is and a new session token.

        Raises:
            UnauthenticatedError: after the same work whether the address or the password is wrong.
        """
        user = users.by_email(self._reading, email)
        known = user.password_hash if user and user.password_hash else self._nobody
        right = self._offload(_verify, known, password)
        if user is None or not right:
            raise UnauthenticatedError("The address or the password is wrong.")
        token, csrf_token = secrets.token_urlsafe(32), secrets.token_urlsafe(24)
        users.open_session(self._engine, digest(token), csrf_token, user.id, SESSION_LIFETIME)
        return Principal(user.id, user.email, user.name, user.role, csrf_token), token

    def log_out(self, token: str) -> None:
        """Make a session token worthless."""
        users.close_session(self._engine, digest(token))

    def by_session(self, token: str) -> Principal | None:
        """Return whose session that is, if it is one."""
        row = users.by_session(self._reading, digest(token))
        return row and Principal(row.id, row.email, row.name, row.role, row.csrf_token)

    def by_key(self, key: str) -> Principal | None:
        """Return whom an API key acts as, if it is one."""
        row = users.by_key(self._reading, digest(key)) if key.startswith(KEY_PREFIX) else None
        return row and Principal(row.id, row.email, row.name, row.role, None, row.api_key_id)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def hash_password(password: str) -> str:
    """Return what is kept of a password."""
    return HASHER.hash(password)


def digest(token: str) -> str:
    """Return what is kept of a random token; it has entropy enough to need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_api_key() -> str:
    """Return a new API key, to be shown once."""
    return KEY_PREFIX + secrets.token_urlsafe(32)
