"""What was: a part's content versions, and the audit trail."""

from typing import Any

from flask import Response, g
from flask_smorest import Blueprint

from app.api.auth import require
from app.api.parsing import StrictParser
from app.api.rendering import json_response
from app.api.schemas.answers import AuditPageSchema, VersionPageSchema, VersionSchema
from app.api.schemas.parts import PageQuerySchema
from app.api.schemas.sync import AuditQuerySchema
from app.store.paging import Position

blueprint = Blueprint("admin_history", __name__, url_prefix="/api/v1/admin", description="Versions and audit trail")
blueprint.ARGUMENTS_PARSER = StrictParser()


def _page(scope: str, rows: list[dict[str, Any]], limit: int, key: str) -> Response:
    shown = rows[:limit]
    following = Position("", shown[-1][key]) if len(rows) > limit else None
    return json_response({"items": shown, "next_cursor": g.cursors.write(scope, following)})


@blueprint.route("/parts/<id:part_id>/versions", methods=["GET"])
@require("viewer")
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, VersionPageSchema)
def list_versions(query: dict[str, Any], part_id: int) -> Response:
    """List a part's content versions, newest first."""
    scope = f"versions {part_id}"
    after = g.cursors.read(scope, query["cursor"])
    rows = g.core.parts.panel.versions(part_id, after and after.id, query["limit"])
    return _page(scope, rows, query["limit"], "version_number")


@blueprint.route("/parts/<id:part_id>/versions/<int:number>", methods=["GET"])
@require("viewer")
@blueprint.response(200, VersionSchema)
def get_version(part_id: int, number: int) -> Response:
    """Return one content version with its snapshot."""
    return json_response(g.core.parts.panel.version(part_id, number))


@blueprint.route("/audit", methods=["GET"])
@require("viewer")
@blueprint.arguments(AuditQuerySchema, location="query")
@blueprint.response(200, AuditPageSchema)
def list_audit(query: dict[str, Any]) -> Response:
    """List changes, newest first: who, when, from where, old and new."""
    limit, cursor = query.pop("limit"), query.pop("cursor")
    after = g.cursors.read("audit", cursor)
    rows = g.core.parts.panel.audit(query, after and after.id, limit)
    return _page("audit", rows, limit, "id")
