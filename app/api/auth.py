"""Who calls, and what they may do: sessions with CSRF tokens for browsers, bearer keys for machines.

Deny by default: every admin view states its permission with `require`, and a test enumerates the routes that do not.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import Response, g, request
from flask_smorest import Blueprint
from sqlalchemy import Engine

from app.api.parsing import StrictParser
from app.api.rendering import json_response
from app.api.schemas.auth import LoginSchema
from app.contract.events import Actor
from app.domain.errors import ForbiddenError, UnauthenticatedError
from app.extensions import limiter
from app.store import users
from app.sync.monitoring import SyncMonitoring

COOKIE = "lockstep_session"
SESSION_LIFETIME = timedelta(hours=12)
KEY_PREFIX = "lsk_"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# Each role may do what those before it may.
ROLES = ("viewer", "stock", "editor", "admin")
# OWASP's parameters for Argon2id; the library's defaults cost five times as much.
HASHER = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)

View = TypeVar("View", bound=Callable[..., Any])
Offload = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls. `csrf_token` is None for machines, which need none."""

    user_id: int
    email: str
    name: str
    role: str
    csrf_token: str | None

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
        return row and Principal(row.id, row.email, row.name, row.role, None)


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


def authenticate(authenticator: Authenticator) -> Principal:
    """Return who makes the present request.

    Raises:
        UnauthenticatedError: without a valid session or key.
        ForbiddenError: if an unsafe method lacks the session's CSRF token.
    """
    authorization = request.headers.get("Authorization", "")
    if authorization:
        scheme, _, key = authorization.partition(" ")
        principal = authenticator.by_key(key.strip()) if scheme.lower() == "bearer" else None
        if principal is None:
            raise UnauthenticatedError("This API key is not valid; send `Authorization: Bearer <key>` with a present one.")
        return principal
    principal = authenticator.by_session(request.cookies.get(COOKIE, ""))
    if principal is None:
        raise UnauthenticatedError
    sent = request.headers.get("X-CSRF-Token", "")
    if request.method not in SAFE_METHODS and not hmac.compare_digest(sent, principal.csrf_token or ""):
        raise ForbiddenError("Send the session's `csrf_token` in the header X-CSRF-Token; GET /api/v1/auth/me returns it.")
    return principal


def require(role: str) -> Callable[[View], View]:
    """Let a view be called only by those who have at least `role`."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(*arguments: Any, **options: Any) -> Any:
            principal = authenticate(g.authenticator)
            if not principal.may(role):
                raise ForbiddenError(f"This needs the role {role}; yours is {principal.role}.")
            g.principal = principal
            return view(*arguments, **options)

        checked.required_role = role  # type: ignore[attr-defined] # read by the test that enumerates routes
        return checked  # type: ignore[return-value] # wraps keeps the signature

    return decorate


def actor() -> Actor:
    """Return who makes the present change, and from where."""
    principal: Principal = g.principal
    agent = request.headers.get("User-Agent", "")[:500] or None
    return Actor(principal.user_id, principal.name, request.remote_addr, agent, g.request_id)


blueprint = Blueprint("auth", __name__, url_prefix="/api/v1/auth", description="Log-in of staff")
blueprint.ARGUMENTS_PARSER = StrictParser()


def _monitoring() -> SyncMonitoring:
    monitoring: SyncMonitoring = g.core.monitoring
    return monitoring


@blueprint.route("/login", methods=["POST"])
@limiter.limit("10 per minute; 100 per hour", deduct_when=lambda response: response.status_code == 401)
@blueprint.arguments(LoginSchema)
def log_in(body: dict[str, Any]) -> Response:
    """Log in: sets the session cookie and returns the CSRF token for unsafe methods."""
    try:
        principal, token = g.authenticator.log_in(body["email"], body["password"])
    except UnauthenticatedError:
        _monitoring().record_login_failure()
        raise
    response = json_response({"user": principal.public(), "csrf_token": principal.csrf_token})
    response.set_cookie(
        COOKIE, token, max_age=SESSION_LIFETIME, httponly=True, samesite="Lax", secure=g.core.settings.production, path="/"
    )
    return response


@blueprint.route("/logout", methods=["POST"])
@require("viewer")
def log_out() -> Response:
    """Log out: the session is worthless from now on."""
    g.authenticator.log_out(request.cookies.get(COOKIE, ""))
    response = Response(status=204)
    response.delete_cookie(COOKIE, path="/")
    return response


@blueprint.route("/me", methods=["GET"])
@require("viewer")
def me() -> Response:
    """Say who is logged in, with the session's CSRF token."""
    return json_response({"user": g.principal.public(), "csrf_token": g.principal.csrf_token})
