"""What staff do about their own log-in: change the password, list and end their sessions."""

from typing import Any

import structlog
from flask import Response
from flask_smorest import Blueprint

from app.api.auth import actor, attempt, caller, logged_in, require
from app.api.context import authenticator, container, cursors, principal
from app.api.errors import may_answer
from app.api.idempotency import keeps_no_answer, keyed_call
from app.api.parsing import StrictParser
from app.api.rendering import json_response
from app.api.schemas.answers import SessionSchema
from app.api.schemas.auth import OwnSessionPageSchema, PasswordSchema
from app.api.schemas.parts import PageQuerySchema
from app.contract.formats import rfc3339
from app.domain.errors import ForbiddenError, InvalidFieldError, NotFoundError, UnauthenticatedError
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
@may_answer(429)
@keeps_no_answer("It holds the session's secrets; the old session is over, so a repeated call answers 401.")
@blueprint.arguments(PasswordSchema)
@blueprint.response(200, SessionSchema)
def change_password(body: dict[str, Any]) -> Response:
    """Change your password: ends all your sessions, and opens a new one in place of this one."""
    me = _person()
    try:
        with attempt(me.email):
            who, token = authenticator().change_password(
                container().transactions, actor(), me.email, body["current_password"], body["new_password"], caller()
            )
    except UnauthenticatedError as error:
        security.warning("password_change_refused")
        # Not 401: the session is still valid.
        raise InvalidFieldError("current_password", "this is not your password") from error
    return logged_in(who, token)


@blueprint.route("/sessions", methods=["GET"])
@require("viewer", ANY_SCOPE)
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, OwnSessionPageSchema)
def list_sessions(query: dict[str, Any]) -> Response:
    """List your sessions, newest first: since when, until when, and from where."""
    me = _person()
    rows, following = users.sessions_of(
        container().reading, me.user_id, authenticator().idle, cursors().read("sessions", query["cursor"]), query["limit"]
    )
    items = [
        {
            "id": row.id, "created_at": rfc3339(row.created_at), "expires_at": rfc3339(row.expires_at),
            "ip_address": row.ip_address, "user_agent": row.user_agent, "is_current": row.token_digest == me.digest,
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
