"""The staff and the machines' API keys, for administrators."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.api.auth import require
from app.api.context import container, cursors
from app.api.intent import heeds_if_match, intent_of
from app.api.parsing import StrictParser
from app.api.rendering import json_response, page_body
from app.api.schemas.parts import BodilessWriteSchema, PageQuerySchema
from app.api.schemas.people import (
    ApiKeyPageSchema,
    KeyCreateSchema,
    NewApiKeySchema,
    PasswordResetSchema,
    StaffCreateSchema,
    StaffMemberSchema,
    StaffPageSchema,
    StaffPasswordSchema,
    StaffUpdateSchema,
)
from app.services.authentication import NO_SCOPE

blueprint = Blueprint("admin_people", __name__, url_prefix="/api/v1/admin", description="Staff and API keys")
blueprint.ARGUMENTS_PARSER = StrictParser()


@blueprint.route("/users", methods=["GET"])
@require("admin", NO_SCOPE)
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, StaffPageSchema)
def list_users(query: dict[str, Any]) -> Response:
    """List the members of staff, deactivated ones included."""
    page = container().people.users(cursors().read("staff", query["cursor"]), query["limit"])
    return json_response(page_body(page, cursors().write("staff", page.next)))


@blueprint.route("/users", methods=["POST"])
@require("admin", NO_SCOPE, step_up=True)
@blueprint.arguments(StaffCreateSchema)
@blueprint.response(201, StaffPasswordSchema)
def add_user(body: dict[str, Any]) -> Response:
    """Add a member of staff. The answer holds a one-time password, shown only here, which they replace within seven days."""
    intent = intent_of(body)
    made = container().people.add_user(intent, body["email"], body.get("name"), body["role"], is_active=body["is_active"])
    return json_response(made, 201)


@blueprint.route("/users/<id:user_id>", methods=["PUT"])
@require("admin", NO_SCOPE, step_up=True)
@heeds_if_match
@blueprint.arguments(StaffUpdateSchema)
@blueprint.response(200, StaffMemberSchema)
def change_user(body: dict[str, Any], user_id: int) -> Response:
    """Change a member of staff. Another role ends their sessions, and so does a deactivation, which also revokes the keys that
    act as them. The last administrator keeps that role."""
    return json_response(container().people.change_user(intent_of(body), user_id, body))


@blueprint.route("/users/<id:user_id>/password", methods=["POST"])
@require("admin", NO_SCOPE, step_up=True)
@heeds_if_match
@blueprint.arguments(PasswordResetSchema)
@blueprint.response(200, StaffPasswordSchema)
def reset_password(body: dict[str, Any], user_id: int) -> Response:
    """Give a member of staff a one-time password, shown only here, which they replace within seven days. Their sessions end."""
    return json_response(container().people.reset_password(intent_of(body), user_id))


@blueprint.route("/users/<id:user_id>/second-factor", methods=["DELETE"])
@require("admin", NO_SCOPE, step_up=True)
@heeds_if_match
@blueprint.arguments(BodilessWriteSchema, location="query")
@blueprint.response(204)
def take_second_factor(query: dict[str, Any], user_id: int) -> Response:
    """Take the second factor and the passkeys of a member of staff away, who lost them: their password alone opens the panel.
    Their sessions end."""
    container().people.take_second_factor(intent_of(query), user_id)
    return Response(status=204)


@blueprint.route("/api-keys", methods=["GET"])
@require("admin", NO_SCOPE)
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, ApiKeyPageSchema)
def list_keys(query: dict[str, Any]) -> Response:
    """List the API keys that are not revoked, newest first."""
    page = container().people.keys(cursors().read("API keys", query["cursor"]), query["limit"])
    return json_response(page_body(page, cursors().write("API keys", page.next)))


@blueprint.route("/api-keys", methods=["POST"])
@require("admin", NO_SCOPE, step_up=True)
@blueprint.arguments(KeyCreateSchema)
@blueprint.response(201, NewApiKeySchema)
def add_key(body: dict[str, Any]) -> Response:
    """Make an API key, for a machine. The answer holds the key, shown only here."""
    intent = intent_of(body)
    made = container().people.add_key(intent, body["name"], body["role"], body["scopes"], body["expires_at"])
    return json_response(made, 201)


@blueprint.route("/api-keys/<id:key_id>", methods=["DELETE"])
@require("admin", NO_SCOPE)
@heeds_if_match
@blueprint.arguments(BodilessWriteSchema, location="query")
@blueprint.response(204)
def revoke_key(query: dict[str, Any], key_id: int) -> Response:
    """Revoke an API key for good, and end the panels that it has open."""
    container().people.revoke_key(intent_of(query), key_id)
    return Response(status=204)
