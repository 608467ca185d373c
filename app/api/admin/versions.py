"""A part's content versions: list, one, what differs, the way back, and what customers saw at a given time."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.api.auth import require
from app.api.context import container, cursors
from app.api.intent import heeds_if_match, intent_of
from app.api.languages import explained
from app.api.parsing import StrictParser
from app.api.rendering import json_response
from app.api.schemas.answers import VersionPageSchema, VersionSchema
from app.api.schemas.history import (
    AsOfSchema,
    DiffQuerySchema,
    MomentQuerySchema,
    RestoredSchema,
    RestorePreviewSchema,
    RestoreQuerySchema,
    RestoreSchema,
    VersionDiffSchema,
    VersionsQuerySchema,
)
from app.services.versions import Wish
from app.store.paging import Position

blueprint = Blueprint("admin_versions", __name__, url_prefix="/api/v1/admin/parts", description="Content versions")
blueprint.ARGUMENTS_PARSER = StrictParser()


@blueprint.route("/<id:part_id>/versions", methods=["GET"])
@require("viewer", "read")
@blueprint.arguments(VersionsQuerySchema, location="query")
@blueprint.response(200, VersionPageSchema)
def list_versions(query: dict[str, Any], part_id: int) -> Response:
    """List a part's content versions, newest first; all, or those that came by one way."""
    scope, limit = f"versions {part_id}", query["limit"]
    after = cursors().read(scope, query["cursor"])
    rows = container().parts.admin.versions(part_id, after.id if after else None, limit, query["source"])
    following = Position("", rows[limit - 1]["version_number"]) if len(rows) > limit else None
    return json_response({"items": rows[:limit], "next_cursor": cursors().write(scope, following)})


@blueprint.route("/<id:part_id>/versions/<id:number>", methods=["GET"])
@require("viewer", "read")
@blueprint.response(200, VersionSchema)
def get_version(part_id: int, number: int) -> Response:
    """Return one content version with its snapshot.

    It is kept moments after the write that made it; until then the answer is 404 with the code `not_kept_yet`.
    """
    return json_response(container().parts.admin.version(part_id, number))


@blueprint.route("/<id:part_id>/versions/<id:number>/diff", methods=["GET"])
@require("viewer", "read")
@blueprint.arguments(DiffQuerySchema, location="query")
@blueprint.response(200, VersionDiffSchema)
def diff_versions(query: dict[str, Any], part_id: int, number: int) -> Response:
    """Say what leads from this version to another: field by field, texts by words, lists by items."""
    return json_response(container().parts.admin.version_diff(part_id, number, query["to"]))


@blueprint.route("/<id:part_id>/versions/<id:number>/restore", methods=["POST"])
@require("editor", "content:write")
@heeds_if_match
@blueprint.arguments(RestoreQuerySchema, location="query")
@blueprint.arguments(RestoreSchema, required=False)
@blueprint.response(200, {"oneOf": [RestoredSchema, RestorePreviewSchema]})
def restore_version(query: dict[str, Any], body: dict[str, Any], part_id: int, number: int) -> Response:
    """Make this version's content the present one, as a new version; with `dry_run` only say what would change.

    Stock and prices stay as they are, and so does the status, draft or published, unless `fields` names it; what a rehearsal
    finds different there and leaves alone is in `kept`. What is the same already makes no version.
    """
    wish, intent = Wish(part_id, number, body["fields_"]), intent_of(body)
    if query["dry_run"]:
        preview = container().parts.admin.rehearse_restore(wish, intent.expected)
        return json_response(explained(preview, "blocked", "reason"))
    content = container().parts.restore_version_with_sync(intent, wish)
    return json_response(content | {"restored_from": number})


@blueprint.route("/<id:part_id>/as-of", methods=["GET"])
@require("viewer", "read")
@blueprint.arguments(MomentQuerySchema, location="query")
@blueprint.response(200, AsOfSchema)
def part_as_of(query: dict[str, Any], part_id: int) -> Response:
    """Return the part as customers saw it at a given time: content, price and stock."""
    return json_response(container().parts.admin.part_as_of(part_id, query["at"]))
