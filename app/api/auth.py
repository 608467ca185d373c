"""Authentication and authorisation: sessions with CSRF tokens for browsers, bearer keys for machines.

Deny by default: every admin view states its permission with `require`, and a test enumerates the routes that do not.
"""

import hmac
import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog
from flask import Response, request
from flask_smorest import Blueprint
from werkzeug.exceptions import BadRequest

from app.api.context import admit, authenticator, container, login_limits, note_quota, passkeys, principal, request_id
from app.api.errors import may_answer
from app.api.idempotency import keeps_no_answer, sent_key
from app.api.parsing import StrictParser, refuse_unread
from app.api.rate_limits import limit_calls
from app.api.rendering import json_response
from app.api.schemas.answers import SessionSchema
from app.api.schemas.auth import LoginSchema, PasskeyAnswerSchema, PasskeyOptionsSchema
from app.arrival import address_of, limited_client
from app.contract.events import Actor
from app.domain.errors import (
    ForbiddenError,
    NotFoundError,
    SecondFactorRequiredError,
    StepUpRequiredError,
    TooManyAttemptsError,
    UnauthenticatedError,
)
from app.domain.origins import normal_origin
from app.logs import SECURITY
from app.monitoring import SyncMonitoring
from app.services.authentication import (
    ANY_SCOPE,
    NO_SCOPE,
    SESSION_LIFETIME,
    Authenticator,
    Caller,
    Principal,
    ProveByPasskey,
    Site,
    session_cookie,
)
from app.services.login_limits import DEVICE_LIFETIME
from config import FLOWER_USER

security = structlog.get_logger(channel=SECURITY)

# Identifies a browser that has logged in before; see `app.services.login_limits`.
DEVICE_COOKIE = "lockstep_device"
# What the panel says of a call that it makes by itself, while nobody touches it: that keeps no session open.
UNATTENDED = "X-Unattended"
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# The headers by which a write can depend on the present state (RFC 9110, 13.1).
CONDITIONS = ("If-Match", "If-None-Match", "If-Unmodified-Since")
# No header should contain one, and PostgreSQL cannot store NUL.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]")

View = TypeVar("View", bound=Callable[..., Any])


def authenticate(authenticator: Authenticator) -> Principal:
    """Return who is making the current request.

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
    principal = authenticator.by_session(session_token(), is_use=UNATTENDED not in request.headers)
    if principal is None:
        raise UnauthenticatedError
    sent = request.headers.get("X-CSRF-Token", "")
    if request.method not in SAFE_METHODS and not hmac.compare_digest(sent.encode(), (principal.csrf_token or "").encode()):
        raise ForbiddenError("Send the session's `csrf_token` in the header X-CSRF-Token; GET /api/v1/auth/me returns it.")
    return principal


def session_token() -> str:
    """Return the token of the session that the current request belongs to; empty if it has none."""
    return request.cookies.get(_session_cookie(), "")


def _session_cookie() -> str:
    return session_cookie(https_only=container().settings.production)


def require(role: str, scope: str, *, step_up: bool = False) -> Callable[[View], View]:
    """Let a view be called only by those who have at least `role`.

    Args:
        scope: what an API key that is limited to scopes needs, too: one of `SCOPES`, `ANY_SCOPE` or `NO_SCOPE`.
        step_up: whether a person has to have proven who they are within the last ten minutes: a session that was left open, or
            stolen, does nothing with it. API keys are not asked.
    """

    def decorate(view: View) -> View:
        # Where flask-smorest records what `arguments` declared.
        read = [parameter["in"] for parameter in getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", ())]
        unheeded = [name for name in CONDITIONS if name != "If-Match" or not getattr(view, "heeds_if_match", False)]

        @wraps(view)
        def checked(*arguments: Any, **options: Any) -> Any:
            _let_in(role, scope)
            if step_up and principal().api_key_id is None and not principal().is_proven:
                raise StepUpRequiredError
            if request.method not in SAFE_METHODS:
                sent_key()
                refuse_unread(read)
                _refuse_conditions(unheeded)
            return view(*arguments, **options)

        # Read by the tests that enumerate routes, and by app.api.openapi.
        checked.required_role, checked.required_scope = role, scope  # type: ignore[attr-defined]
        checked.needs_step_up = step_up  # type: ignore[attr-defined]
        return checked  # type: ignore[return-value] # wraps keeps the signature

    return decorate


def _refuse_conditions(unheeded: Sequence[str]) -> None:
    """Refuse the current request if it is to be made only under a condition that nobody would look at.

    Raises:
        BadRequest: if it is.
    """
    for name in unheeded:
        if name in request.headers:
            raise BadRequest(f"This call does not heed {name}; leave it out.")


def _let_in(role: str, scope: str) -> None:
    """Let whoever is making the current request go on, if they have at least `role` and this scope.

    Raises:
        UnauthenticatedError, ForbiddenError, TooManyCallsError.
    """
    try:
        principal = authenticate(authenticator())
    except (UnauthenticatedError, ForbiddenError) as error:
        # A session that has ended is every day's.
        if request.headers.get("Authorization") or isinstance(error, ForbiddenError):
            _refused(error.code)
        raise
    admit(principal)
    limit_calls(principal)
    if not principal.may(role):
        _refused("role", has=principal.role, needs=role)
        raise ForbiddenError(f"This needs the role {role}; yours is {principal.role}.")
    require_scope(scope)


def require_scope(scope: str) -> None:
    """Refuse the current request if it is made with a key that is limited to other scopes; for what only some bodies need.

    Raises:
        ForbiddenError: if it is.
    """
    scopes = principal().scopes
    if scopes is None or principal().covers(scope):
        return
    has = ", ".join(sorted(scopes))
    _refused("scope", has=has, needs=scope)
    if scope == NO_SCOPE:
        raise ForbiddenError(f"This needs a key without scopes, or a person; this key is limited to {has}.")
    raise ForbiddenError(f"This needs a key with the scope {scope}; this one is limited to {has}.")


def _refused(reason: str, **more: str) -> None:
    security.warning("access_refused", reason=reason, method=request.method, path=request.path[:200], **more)


def actor() -> Actor:
    """Return who is making the current change, and from where."""
    who, here = principal(), caller()
    return Actor(who.user_id, who.name, here.address, here.agent, request_id(), who.api_key_id)


def caller() -> Caller:
    """Return where the current request comes from."""
    agent = _CONTROLS.sub("", request.headers.get("User-Agent", ""))[:500] or None
    return Caller(address_of(request.environ), agent)


blueprint = Blueprint("auth", __name__, url_prefix="/api/v1/auth", description="Log-in of staff")
blueprint.ARGUMENTS_PARSER = StrictParser()


def _monitoring() -> SyncMonitoring:
    return container().monitoring


@blueprint.route("/login", methods=["POST"])
@may_answer(401, 429, 503)
@keeps_no_answer("It holds the session's secrets; a repeated log-in opens a session of its own.")
@blueprint.arguments(LoginSchema)
@blueprint.response(200, SessionSchema)
def log_in(body: dict[str, Any]) -> Response:
    """Log in: sets the session cookie and returns the CSRF token for unsafe methods. A session whose cookie is sent ends. Whoever
    has a second factor is answered `second_factor_required` until they send a `code`, too."""
    sent_key()
    email, password, code = body["email"], body["password"], body.get("code")
    return _entered(email, lambda: authenticator().log_in(email, password, caller(), code, replaces=session_token()))


@blueprint.route("/passkey-challenge", methods=["POST"])
@keeps_no_answer("It changes nothing, and each call makes another challenge.")
@may_answer(400)
@blueprint.response(200, PasskeyOptionsSchema)
def challenge_passkey() -> Response:
    """Get a challenge for any passkey of this host, to log in with or for a step-up. It is to be answered within five minutes."""
    sent_key()
    return json_response(passkeys().challenge(site()))


@blueprint.route("/login/passkey", methods=["POST"])
@may_answer(401, 429, 503)
@keeps_no_answer("It holds the session's secrets, and an answer of a passkey counts once.")
@blueprint.arguments(PasskeyAnswerSchema)
@blueprint.response(200, SessionSchema)
def log_in_by_passkey(body: dict[str, Any]) -> Response:
    """Log in with a passkey, without address, password or code; otherwise as `POST /auth/login`."""
    sent_key()
    account = passkeys().account(body["credential"])
    enter = proof_by_passkey(body)
    return _entered(account, lambda: authenticator().enter(enter, caller(), replaces=session_token()), by="passkey")


def _entered(account: str, enter: Callable[[], tuple[Principal, str]], **how: str) -> Response:
    """Return the answer to a log-in. It is counted as an attempt at that account, and the security log says what came of it.

    Args:
        how: what the log says besides.
    """
    try:
        with attempt(account):
            who, token = enter()
    except SecondFactorRequiredError:
        security.info("second_factor_asked", account=account)
        raise
    except (UnauthenticatedError, TooManyAttemptsError) as error:
        _monitoring().record_login_failure()
        # What is no address may be a password in the wrong field.
        security.warning("log_in_refused", account=account[:254] if "@" in account else None, reason=error.code, **how)
        raise
    security.info("log_in", actor=who.name, actor_id=who.user_id, account=who.email, **how)
    return logged_in(who, token)


def proof_by_passkey(answer: dict[str, Any]) -> ProveByPasskey:
    """Return the check of a passkey's answer, to be made within a transaction."""
    here = site()
    return lambda connection: passkeys().check(connection, here, answer["ticket"], answer["credential"])


def site() -> Site:
    """Return where the panel is that the current request comes from: what its browser asks for, at a host that is served."""
    origin = normal_origin(f"{request.scheme}://{request.host}")
    return Site(urlsplit(origin).hostname or "", origin)


def attempt(account: str) -> AbstractContextManager[None]:
    """Count an attempt to log in while the block makes it; see `LoginLimits.attempt`."""
    client, device = limited_client(request.environ), request.cookies.get(_device_cookie())
    attempted: AbstractContextManager[None] = login_limits().attempt(account, client, note_quota, device)
    return attempted


def logged_in(who: Principal, token: str) -> Response:
    """Return the answer to a log-in, with the session's cookie and the one that identifies the browser from now on."""
    response = json_response({"user": who.public(), "csrf_token": who.csrf_token})
    _set_cookie(response, _session_cookie(), token, int(SESSION_LIFETIME.total_seconds()), "/")
    _set_cookie(response, _device_cookie(), login_limits().new_device(who.email), DEVICE_LIFETIME, blueprint.url_prefix)
    return response


def _device_cookie() -> str:
    return f"__Secure-{DEVICE_COOKIE}" if container().settings.production else DEVICE_COOKIE


def _set_cookie(response: Response, name: str, value: str, seconds: int, path: str) -> None:
    secure = container().settings.production
    response.set_cookie(name, value, max_age=seconds, httponly=True, samesite="Lax", secure=secure, path=path)


@blueprint.route("/logout", methods=["POST"])
@require("viewer", ANY_SCOPE)
@keeps_no_answer("The session is over, so a repeated call answers 401.")
@blueprint.response(204)
def log_out() -> Response:
    """Log out: the session is invalid from now on."""
    authenticator().log_out(session_token())
    security.info("log_out")
    response = Response(status=204)
    # Browsers heed this for a name with a prefix only if it has the attributes that the prefix demands.
    _set_cookie(response, _session_cookie(), "", 0, "/")
    return response


@blueprint.route("/me", methods=["GET"])
@require("viewer", ANY_SCOPE)
@blueprint.response(200, SessionSchema)
def me() -> Response:
    """Return who is logged in, with the session's CSRF token."""
    return json_response({"user": principal().public(), "csrf_token": principal().csrf_token})


@blueprint.route("/allows/flower", methods=["GET"])
@require("admin", NO_SCOPE)
@may_answer(404)
@blueprint.response(204)
def allows_flower() -> Response:
    """Tell the proxy in front that whoever asks it for Flower may open it.

    The proxy sends Flower the answer's X-Flower-Authorization as Authorization, and lets nobody make this call from outside.
    """
    password = container().settings.flower_password
    if not password:
        raise NotFoundError("Flower's password is not known here; set LOCKSTEP_FLOWER_PASSWORD for the web processes, too.")
    response = Response(status=204)
    response.headers["X-Flower-Authorization"] = f"Basic {b64encode(f'{FLOWER_USER}:{password}'.encode()).decode()}"
    return response
