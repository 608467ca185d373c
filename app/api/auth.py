"""Who calls, and what they may do: sessions with CSRF tokens for browsers, bearer keys for machines.

Deny by default: every admin view states its permission with `require`, and a test enumerates the routes that do not.
"""

import hmac
import ipaddress
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from flask import Response, request
from flask_smorest import Blueprint

from app.api.context import admit, authenticator, container, principal, request_id
from app.api.errors import may_answer
from app.api.parsing import StrictParser, refuse_unread
from app.api.rendering import json_response
from app.api.schemas.answers import SessionSchema
from app.api.schemas.auth import LoginSchema
from app.contract.events import Actor
from app.domain.errors import ForbiddenError, UnauthenticatedError
from app.extensions import limiter
from app.monitoring import SyncMonitoring
from app.services.authentication import COOKIE, SESSION_LIFETIME, Authenticator, Principal

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# No header should hold one, and PostgreSQL stores no NUL.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")

View = TypeVar("View", bound=Callable[..., Any])


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
    if request.method not in SAFE_METHODS and not hmac.compare_digest(sent.encode(), (principal.csrf_token or "").encode()):
        raise ForbiddenError("Send the session's `csrf_token` in the header X-CSRF-Token; GET /api/v1/auth/me returns it.")
    return principal


def require(role: str) -> Callable[[View], View]:
    """Let a view be called only by those who have at least `role`."""

    def decorate(view: View) -> View:
        # flask-smorest notes there what `arguments` declared.
        read = [parameter["in"] for parameter in getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", ())]

        @wraps(view)
        def checked(*arguments: Any, **options: Any) -> Any:
            principal = authenticate(authenticator())
            if not principal.may(role):
                raise ForbiddenError(f"This needs the role {role}; yours is {principal.role}.")
            admit(principal)
            if request.method not in SAFE_METHODS:
                refuse_unread(read)
            return view(*arguments, **options)

        checked.required_role = role  # type: ignore[attr-defined] # read by the test that enumerates routes
        return checked  # type: ignore[return-value] # wraps keeps the signature

    return decorate


def actor() -> Actor:
    """Return who makes the present change, and from where."""
    caller = principal()
    agent = _CONTROLS.sub("", request.headers.get("User-Agent", ""))[:500] or None
    address = _address(request.remote_addr or "")
    return Actor(caller.user_id, caller.name, address, agent, request_id(), caller.api_key_id)


def _address(remote: str) -> str | None:
    """Return an IP address without port and zone, or None: what a proxy has forwarded as one may be anything."""
    bare = remote[1:].partition("]")[0] if remote.startswith("[") else remote
    if bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        return str(ipaddress.ip_address(bare.partition("%")[0]))
    except ValueError:
        return None


blueprint = Blueprint("auth", __name__, url_prefix="/api/v1/auth", description="Log-in of staff")
blueprint.ARGUMENTS_PARSER = StrictParser()


def _monitoring() -> SyncMonitoring:
    return container().monitoring


@blueprint.route("/login", methods=["POST"])
@limiter.limit("10 per minute; 100 per hour", deduct_when=lambda response: response.status_code == 401)
@may_answer(401, 429)
@blueprint.arguments(LoginSchema)
@blueprint.response(200, SessionSchema)
def log_in(body: dict[str, Any]) -> Response:
    """Log in: sets the session cookie and returns the CSRF token for unsafe methods."""
    try:
        principal, token = authenticator().log_in(body["email"], body["password"])
    except UnauthenticatedError:
        _monitoring().record_login_failure()
        raise
    response = json_response({"user": principal.public(), "csrf_token": principal.csrf_token})
    response.set_cookie(
        COOKIE, token, max_age=SESSION_LIFETIME, httponly=True, samesite="Lax", secure=container().settings.production, path="/"
    )
    return response


@blueprint.route("/logout", methods=["POST"])
@require("viewer")
@blueprint.response(204)
def log_out() -> Response:
    """Log out: the session is worthless from now on."""
    authenticator().log_out(request.cookies.get(COOKIE, ""))
    response = Response(status=204)
    response.delete_cookie(COOKIE, path="/")
    return response


@blueprint.route("/me", methods=["GET"])
@require("viewer")
@blueprint.response(200, SessionSchema)
def me() -> Response:
    """Say who is logged in, with the session's CSRF token."""
    return json_response({"user": principal().public(), "csrf_token": principal().csrf_token})
