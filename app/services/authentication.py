"""Who a caller is: passwords, sessions and API keys. Independent of requests; `app.api.auth` and `app.live.admin` call it."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Engine, Row

from app.contract.events import Actor
from app.domain.addresses import client_of
from app.domain.errors import (
    BusyError,
    DatabaseConsistencyError,
    InvalidFieldError,
    UnauthenticatedError,
    WrongPasskeyError,
)
from app.domain.passwords import objection, possible_forms, prepared, weakness
from app.domain.turns import Turns
from app.services.offload import Offload
from app.store import users
from app.store.transaction import TransactionManager, UnitOfWork

COOKIE = "lockstep_session"
SESSION_LIFETIME = timedelta(hours=12)
KEY_PREFIX = "lsk_"
# A password that an administrator has had made is to be replaced within this time.
ONE_TIME_PASSWORD_LASTS = timedelta(days=7)
# Each role includes the rights of those before it.
ROLES = ("viewer", "stock", "editor", "admin")
# What an API key may be limited to, within its role. One without scopes may do all that its role may.
SCOPES = ("read", "stock:write", "content:write", "prices:write", "imports:write", "audit:read", "sync")
# Beside those, what a call may need: any key will do, since it is about the caller alone; or one without scopes, since whoever
# makes users and keys could give themselves everything.
ANY_SCOPE, NO_SCOPE = "any", "none"
# OWASP's parameters for Argon2id; the library's defaults cost five times as much.
HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
# Thousands of guesses must not take machine and database from everybody: how many hashes a process computes at once, each taking
# 19 MB and a core, and how many may wait, a second's work.
HASHES_AT_ONCE = 2
MAX_WAITING = 32
# Seconds, for a machine that has much else to do.
MAX_WAIT = 20.0
# Checks a code of a user's second factor, if they have one, and uses it up: `SecondFactors.check`.
CheckFactor = Callable[[Connection, int, str | None], None]
# Finds whose passkey was used, and uses its answer up: `Passkeys.check`.
ProveByPasskey = Callable[[Connection], Row[Any]]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls: a person, or a machine (`api_key_id`), whose `csrf_token` is None since it needs none.

    `digest` is what is stored of the session token or the key.
    """

    user_id: int
    email: str
    name: str
    role: str
    csrf_token: str | None
    digest: str
    api_key_id: int | None = None
    # None if nothing but the role is the limit, as for every person.
    scopes: frozenset[str] | None = None
    # Whether a person has proven who they are just now, by logging in or after it.
    is_proven: bool = False

    @property
    def identity(self) -> str:
        """Who is counted, and whose idempotency keys are whose: the API key, or the person, whatever their session."""
        return f"user {self.user_id}" if self.api_key_id is None else f"key {self.api_key_id}"

    def may(self, role: str) -> bool:
        """Whether this role includes what `role` may do."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def covers(self, scope: str) -> bool:
        """Whether whoever calls is not limited to other scopes than this one."""
        return self.scopes is None or scope == ANY_SCOPE or (scope in SCOPES and scope in self.scopes)

    def public(self) -> dict[str, Any]:
        """Return what the panel shows of its user."""
        return {"id": self.user_id, "email": self.email, "name": self.name, "role": self.role}


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a log-in comes from: the network address and the user agent, as far as they are known."""

    address: str | None = None
    agent: str | None = None


class Site(NamedTuple):
    """Where the panel is: the host that passkeys belong to, and the origin of its pages."""

    host: str
    origin: str


class Authenticator:
    """Checks passwords, sessions and API keys.

    Args:
        reading: for look-ups; engine: for writes.
        offload: runs a slow function off the event loop.
        check_factor: checks the second factor once the password is right.
        idle: how long after its last use a session ends.
    """

    def __init__(self, engine: Engine, reading: Engine, offload: Offload, check_factor: CheckFactor, idle: timedelta) -> None:
        self.idle = idle
        self._engine = engine
        self._reading = reading
        self._offload = offload
        self._check_factor = check_factor
        self._turns = Turns(HASHES_AT_ONCE, MAX_WAITING, MAX_WAIT)
        self._nobody = HASHER.hash(secrets.token_hex(16))

    def log_in(
        self, email: str, password: str, caller: Caller, code: str | None = None, replaces: str = ""
    ) -> tuple[Principal, str]:
        """Return who that is and a new session token. The session of the token in `replaces` ends.

        Raises:
            UnauthenticatedError: if the address or the password is wrong, after the same amount of work for either.
            SecondFactorRequiredError, WrongCodeError: if they are right, but the second factor's `code` is missing or wrong.
            BusyError: if too many are logging in.
        """
        for _ in range(2):
            user, form = self._checked(email, password, caller.address)
            token, session = _new_session(caller)
            with self._engine.begin() as connection:
                opens = users.open_session(connection, user, session, replaces=digest(replaces))
                if opens:
                    self._check_factor(connection, user.id, code)
            if opens:
                self._modernise(user.id, user.password_hash, form)
                return _person(user, session), token
            # The user has changed since being read; it may have been the password.
        raise DatabaseConsistencyError

    def change_password(
        self, transactions: TransactionManager, actor: Actor, email: str, current: str, wanted: str, caller: Caller
    ) -> tuple[Principal, str]:
        """Replace a user's password, given the current one. All their sessions end; return the user and a new session's token.

        Raises:
            InvalidFieldError: if the new password cannot be set.
            UnauthenticatedError: if the current one is wrong.
            BusyError: if too many passwords are being checked.
        """
        if reason := objection(wanted):
            raise InvalidFieldError("new_password", reason)
        user, _ = self._checked(email, current, caller.address)
        if reason := weakness(wanted, user.email, user.name):
            raise InvalidFieldError("new_password", reason)
        with self._turns.turn(email):
            password_hash = self._offload(hash_password, wanted)
        token, session = _new_session(caller)

        def work(unit_of_work: UnitOfWork) -> None:
            row = users.lock_user(unit_of_work, email)
            if row is None or row.version != user.version:
                raise DatabaseConsistencyError
            users.change_user(unit_of_work, row, password_hash=password_hash)
            changed = users.lock_user(unit_of_work, email)
            if changed is None or not users.open_session(unit_of_work.connection, changed, session):
                raise DatabaseConsistencyError

        transactions.run(actor, work)
        return _person(user, session), token

    def _checked(self, email: str, password: str, address: str | None = None) -> tuple[Row[Any], str]:
        """Return the user whose password this is, and the form in which it was hashed. Clients have their turns alternately.

        Raises:
            UnauthenticatedError: if there is none.
            BusyError: if too many passwords are being checked.
        """
        with self._turns.turn(client_of(address) if address else email):
            user = users.by_email(self._reading, email)
            known = user.password_hash if user and user.password_hash and not user.is_password_expired else self._nobody
            form = self._offload(_matching_form, known, password)
        if user is None or form is None:
            raise UnauthenticatedError("The address or the password is wrong.")
        return user, form

    def prove(self, email: str, password: str) -> None:
        """Check a user's password.

        Raises:
            UnauthenticatedError, BusyError.
        """
        self._checked(email, password)

    def enter(self, prove: ProveByPasskey, caller: Caller, replaces: str = "") -> tuple[Principal, str]:
        """Return whom `prove` finds, and a new session token. The session of the token in `replaces` ends.

        Raises:
            UnauthenticatedError: if it finds nobody.
        """
        with self._engine.begin() as connection:
            user = prove(connection)
            token, session = _new_session(caller, user.passkey_id)
            if not users.open_session(connection, user, session, replaces=digest(replaces)):
                raise DatabaseConsistencyError
        return _person(user, session), token

    def step_up(
        self, me: Principal, password: str | None = None, code: str | None = None, prove: ProveByPasskey | None = None
    ) -> None:
        """Note that the owner of a session has just proven who they are, as they do to log in: by a passkey, or else by their
        password, with a code if they have a second factor.

        Raises:
            UnauthenticatedError: if what is sent is wrong.
            SecondFactorRequiredError: if the password is right, and a code is needed, too.
            BusyError: if too many passwords are being checked.
        """
        if prove is None:
            self._checked(me.email, password or "")
        with self._engine.begin() as connection:
            if prove is None:
                self._check_factor(connection, me.user_id, code)
            elif prove(connection).id != me.user_id:
                raise WrongPasskeyError
            users.prove_session(connection, me.digest)

    def log_out(self, token: str) -> None:
        """Invalidate a session token."""
        users.close_session(self._engine, digest(token))

    def by_session(self, token: str, *, is_use: bool) -> Principal | None:
        """Return whose session this token opens, if any.

        Args:
            is_use: whether somebody is there, so that the session goes on.
        """
        row = users.by_session(self._reading, digest(token), self.idle, is_use=is_use)
        return row and Principal(row.id, row.email, row.name, row.role, row.csrf_token, digest(token), is_proven=row.is_proven)

    def by_key(self, key: str) -> Principal | None:
        """Return whom an API key acts as, if it is valid, and note its use."""
        row = users.by_key(self._reading, digest(key)) if key.startswith(KEY_PREFIX) else None
        if row is None:
            return None
        scopes = None if row.scopes is None else frozenset(row.scopes)
        return Principal(row.id, row.email, row.name, row.role, None, digest(key), row.api_key_id, scopes)

    def _modernise(self, user_id: int, known: str, form: str) -> None:
        """Store the hash of a password's prepared form, if the stored one is of another form or has outdated parameters."""
        if form == prepared(form) and not HASHER.check_needs_rehash(known):
            return
        # If no turn is free, the next log-in will do.
        with suppress(BusyError), self._turns.turn():
            users.rehash(self._engine, user_id, known, self._offload(hash_password, form))


def _new_session(caller: Caller, passkey_id: int | None = None) -> tuple[str, users.NewSession]:
    """Return a new session's token, and what is stored of it."""
    token = secrets.token_urlsafe(32)
    return token, users.NewSession(
        digest=digest(token),
        csrf_token=secrets.token_urlsafe(24),
        lifetime=SESSION_LIFETIME,
        ip_address=caller.address,
        user_agent=caller.agent,
        passkey_id=passkey_id,
    )


def _person(user: Row[Any], session: users.NewSession) -> Principal:
    return Principal(user.id, user.email, user.name, user.role, session.csrf_token, session.digest)


def _matching_form(password_hash: str, password: str) -> str | None:
    """Return the form of a typed password that matches a hash, or None."""
    return next((form for form in possible_forms(password) if _verify(password_hash, form)), None)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return HASHER.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def hash_password(password: str) -> str:
    """Return what is stored of a password."""
    return HASHER.hash(prepared(password))


def session_cookie(*, https_only: bool) -> str:
    """Return the name of the session's cookie. With the prefix browsers take it over HTTPS and from this very host alone."""
    return f"__Host-{COOKIE}" if https_only else COOKIE


def digest(token: str) -> str:
    """Return what is stored of a random token, which has enough entropy to need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_api_key() -> str:
    """Return a new API key, to be shown once."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def readable(random: bytes) -> str:
    """Return a hundred bits of `random` in groups of letters and digits that can be read out."""
    signs = base64.b32encode(random).decode().lower()
    return "-".join(signs[start : start + 5] for start in range(0, 20, 5))


class ShownOnce:
    """Makes the secrets that are shown once: of a random nonce and the application's own secret, so that the answer to a call
    that is sent again can be made from what the database keeps of it, and by nobody who has no more than that.

    Args:
        secret: the application's secret key.
    """

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def new(self) -> str:
        """Return a nonce."""
        return secrets.token_urlsafe(32)

    def api_key(self, nonce: str) -> str:
        """Return the API key of a nonce."""
        return KEY_PREFIX + base64.urlsafe_b64encode(self._digest("API key", nonce)).rstrip(b"=").decode()

    def password(self, nonce: str) -> str:
        """Return the one-time password of a nonce."""
        return readable(self._digest("password", nonce))

    def totp_secret(self, nonce: str) -> str:
        """Return the secret of a nonce that an authenticator app makes its codes of: 160 bits, as RFC 4226 recommends."""
        return base64.b32encode(self._digest("TOTP", nonce)[:20]).decode()

    def _digest(self, kind: str, nonce: str) -> bytes:
        return hmac.digest(self._secret, f"{kind} {nonce}".encode(), "sha256")
