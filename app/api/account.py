"""What staff do about their own log-in: change the password, have a second factor, list and end their sessions."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from flask import Response
from flask_smorest import Blueprint

from app.api.auth import actor, attempt, caller, logged_in, proof_by_passkey, require, site
from app.api.context import authenticator, container, cursors, passkeys, principal
from app.api.errors import may_answer
from app.api.idempotency import keeps_no_answer, keyed_call
from app.api.parsing import StrictParser
from app.api.rendering import json_response
from app.api.schemas.answers import SessionSchema
from app.api.schemas.auth import (
    FactorOfferSchema,
    FactorOffSchema,
    FactorOnSchema,
    FactorSchema,
    OwnSessionPageSchema,
    PasskeyCreateSchema,
    PasskeyOptionsSchema,
    PasskeySchema,
    PasskeysSchema,
    PasswordSchema,
    RecoveryCodesSchema,
    StepUpSchema,
)
from app.api.schemas.parts import PageQuerySchema
from app.contract.formats import rfc3339
from app.domain.errors import (
    ForbiddenError,
    InvalidFieldError,
    NotFoundError,
    SecondFactorRequiredError,
    UnauthenticatedError,
    WrongCodeError,
    WrongPasskeyError,
)
from app.logs import SECURITY
from app.services.authentication import ANY_SCOPE, Principal
from app.store import users
from app.store.transaction import UnitOfWork

security = structlog.get_logger(channel=SECURITY)

blueprint = Blueprint("account", __name__, url_prefix="/api/v1/auth", description="One's own log-in")
blueprint.ARGUMENTS_PARSER = StrictParser()


def _person() -> Principal:
    """Return the person making the request.

    Raises:
        ForbiddenError: if it is made with an API key, which has no password and no sessions.
    """
    caller = principal()
    if caller.api_key_id is not None:
        raise ForbiddenError("An API key has neither a password nor sessions; log in as a person.")
    return caller


@blueprint.route("/password", methods=["PUT"])
@require("viewer", ANY_SCOPE)
@keeps_no_answer("It holds the session's secrets; the old session is over, so a repeated call answers 401.")
@blueprint.arguments(PasswordSchema)
@blueprint.response(200, SessionSchema)
def change_password(body: dict[str, Any]) -> Response:
    """Change your password: ends all your sessions, and opens a new one in place of this one."""
    me = _person()
    with _proving(me, "password_change_refused", "current_password"):
        who, token = authenticator().change_password(
            container().transactions, actor(), me.email, body["current_password"], body["new_password"], caller()
        )
    return logged_in(who, token)


@blueprint.route("/second-factor", methods=["GET"])
@require("viewer", ANY_SCOPE)
@blueprint.response(200, FactorSchema)
def second_factor() -> Response:
    """Say since when you have a second factor, and how many recovery codes are left."""
    return json_response(container().second_factors.state(_person().user_id))


@blueprint.route("/second-factor", methods=["POST"])
@require("viewer", ANY_SCOPE, step_up=True)
@keeps_no_answer("It changes nothing, and each call offers another secret.")
@blueprint.response(200, FactorOfferSchema)
def offer_second_factor() -> Response:
    """Get a new secret for an authenticator app. Within ten minutes a code of the app turns it on (`PUT`)."""
    return json_response(container().second_factors.offer(_person()))


@blueprint.route("/second-factor", methods=["PUT"])
@require("viewer", ANY_SCOPE, step_up=True)
@may_answer(409)
@keeps_no_answer("It holds the recovery codes; to get others, turn the second factor off and on again.")
@blueprint.arguments(FactorOnSchema)
@blueprint.response(200, RecoveryCodesSchema)
def turn_second_factor_on(body: dict[str, Any]) -> Response:
    """Turn the second factor on: from now on a log-in needs a code. The answer holds ten recovery codes, shown only here. Your
    other sessions end."""
    codes = container().second_factors.turn_on(actor(), _person(), body["ticket"], body["code"])
    return json_response({"recovery_codes": codes})


@blueprint.route("/second-factor/off", methods=["POST"])
@require("viewer", ANY_SCOPE)
@may_answer(404)
@keeps_no_answer("It uses up a code, so a repeated call is refused.")
@blueprint.arguments(FactorOffSchema)
@blueprint.response(204)
def turn_second_factor_off(body: dict[str, Any]) -> Response:
    """Turn the second factor off, given the password and a code. Your other sessions end."""
    me = _person()
    with _proving(me, "second_factor_kept", "password"):
        authenticator().prove(me.email, body["password"])
        container().second_factors.turn_off(actor(), me, body["code"])
    return Response(status=204)


@blueprint.route("/passkeys", methods=["GET"])
@require("viewer", ANY_SCOPE)
@blueprint.response(200, PasskeysSchema)
def list_passkeys() -> Response:
    """List your passkeys, oldest first."""
    return json_response({"items": passkeys().of(_person().user_id)})


@blueprint.route("/passkeys/offer", methods=["POST"])
@require("viewer", ANY_SCOPE, step_up=True)
@keeps_no_answer("It changes nothing, and each call makes another offer.")
@blueprint.response(200, PasskeyOptionsSchema)
def offer_passkey() -> Response:
    """Get what your browser needs to make a passkey. Within five minutes it can be added (`POST /auth/passkeys`)."""
    return json_response(passkeys().offer(_person(), site()))


@blueprint.route("/passkeys", methods=["POST"])
@require("viewer", ANY_SCOPE, step_up=True)
@may_answer(409)
@keeps_no_answer("A passkey is added once; a repeated call is refused.")
@blueprint.arguments(PasskeyCreateSchema)
@blueprint.response(201, PasskeySchema)
def add_passkey(body: dict[str, Any]) -> Response:
    """Add the passkey that your browser made for an offer: it logs you in at this host, without password and code."""
    me = _person()
    return json_response(passkeys().add(actor(), me, site(), body["name"], body["ticket"], body["credential"]), 201)


@blueprint.route("/passkeys/<id:passkey_id>", methods=["DELETE"])
@require("viewer", ANY_SCOPE, step_up=True)
@blueprint.response(204)
def remove_passkey(passkey_id: int) -> Response:
    """Remove one of your passkeys: it opens nothing any more, and the sessions that it opened end, but for this one."""
    passkeys().remove(actor(), _person(), passkey_id, keyed_call())
    return Response(status=204)


@blueprint.route("/step-up", methods=["POST"])
@require("viewer", ANY_SCOPE)
@keeps_no_answer("It changes nothing but the session.")
@blueprint.arguments(StepUpSchema)
@blueprint.response(204)
def step_up(body: dict[str, Any]) -> Response:
    """Prove who you are, as you do to log in: by your password, with a `code` if you have a second factor, or by a passkey. For
    ten minutes calls that are answered `step_up_required` are allowed then, as they are after a log-in."""
    me = _person()
    if "passkey" not in body and "password" not in body:
        raise InvalidFieldError("password", "send your password, or a `passkey`")
    with _proving(me, "step_up_refused", "password"):
        passkey = proof_by_passkey(body["passkey"]) if "passkey" in body else None
        authenticator().step_up(me, body.get("password"), body.get("code"), passkey)
    security.info("step_up")
    return Response(status=204)


@contextmanager
def _proving(me: Principal, refusal: str, field: str) -> Iterator[None]:
    """Count the proof that the block asks for as an attempt to log in.

    Args:
        refusal: what the security log says if it fails.
        field: what held the password.

    Raises:
        InvalidFieldError: if it fails. Not 401: the session is still valid.
    """
    try:
        with attempt(me.email):
            yield
    except SecondFactorRequiredError as error:
        raise InvalidFieldError("code", "send a code of your second factor, too") from error
    except WrongCodeError as error:
        security.warning(refusal)
        raise InvalidFieldError("code", "this code is wrong, or was used already") from error
    except WrongPasskeyError as error:
        security.warning(refusal)
        raise InvalidFieldError("passkey", "this is none of your passkeys, or its answer came too late") from error
    except UnauthenticatedError as error:
        security.warning(refusal)
        raise InvalidFieldError(field, "this is not your password") from error


@blueprint.route("/sessions", methods=["GET"])
@require("viewer", ANY_SCOPE)
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, OwnSessionPageSchema)
def list_sessions(query: dict[str, Any]) -> Response:
    """List your sessions, newest first: since when, until when, when used last, and from where."""
    me = _person()
    rows, following = users.sessions_of(
        container().reading, me.user_id, authenticator().idle, cursors().read("sessions", query["cursor"]), query["limit"]
    )
    items = [
        {
            "id": row.id, "created_at": rfc3339(row.created_at), "expires_at": rfc3339(row.expires_at),
            "last_seen_at": rfc3339(row.last_seen_at), "ip_address": row.ip_address, "user_agent": row.user_agent,
            "is_current": row.token_digest == me.digest,
        }
        for row in rows
    ]  # fmt: skip
    return json_response({"items": items, "next_cursor": cursors().write("sessions", following)})


@blueprint.route("/sessions/<id:session_id>", methods=["DELETE"])
@require("viewer", ANY_SCOPE)
@blueprint.response(204)
def end_session(session_id: int) -> Response:
    """End one of your sessions, with its open panels. Ending the current one logs you out."""
    me = _person()

    def work(unit_of_work: UnitOfWork) -> None:
        if not users.close_session_of(unit_of_work.connection, me.user_id, session_id):
            raise NotFoundError("You have no such session.")

    container().transactions.run(actor(), work, keyed_call())
    security.info("session_ended", session=session_id)
    return Response(status=204)
