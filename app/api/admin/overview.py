"""The panel's first page: how the shop and its synchronisation are doing."""

from flask import Response
from flask_smorest import Blueprint

from app.api.auth import require
from app.api.context import container
from app.api.rendering import json_response
from app.api.schemas.sync import OverviewSchema

blueprint = Blueprint("admin_overview", __name__, url_prefix="/api/v1/admin/overview", description="The shop at a glance")


@blueprint.route("", methods=["GET"])
@require("viewer")
@blueprint.response(200, OverviewSchema)
def overview() -> Response:
    """Return what needs somebody's attention: stock, drafts, deliveries that were given up; and how quickly pages hear of
    changes."""
    return json_response(container().sync_control.overview())
