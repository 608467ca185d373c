"""How the shop is doing: the panel's first page, and what customers look at."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.api.auth import require
from app.api.context import container
from app.api.parsing import StrictParser
from app.api.rendering import json_response
from app.api.schemas.sync import OpenPagesQuerySchema, OpenPagesSchema, OverviewSchema

blueprint = Blueprint("admin_overview", __name__, url_prefix="/api/v1/admin", description="The shop at a glance")
blueprint.ARGUMENTS_PARSER = StrictParser()


@blueprint.route("/overview", methods=["GET"])
@require("viewer", "read")
@blueprint.response(200, OverviewSchema)
def overview() -> Response:
    """Return what needs somebody's attention: stock, drafts, deliveries that were given up; and how quickly pages hear of
    changes."""
    return json_response(container().sync_control.overview())


@blueprint.route("/open-pages", methods=["GET"])
@require("viewer", "read")
@blueprint.arguments(OpenPagesQuerySchema, location="query")
@blueprint.response(200, OpenPagesSchema)
def open_pages(query: dict[str, Any]) -> Response:
    """Return how many pages of customers show each of up to 200 parts right now."""
    part_ids = [int(part_id) for part_id in query["part_ids"].split(",")]
    return json_response({"open_pages": container().open_pages.of_each(part_ids)})
