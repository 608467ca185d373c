"""Changes of many parts at once, for the panel."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.api.auth import require
from app.api.context import container
from app.api.errors import may_answer
from app.api.intent import intent_of
from app.api.languages import explained
from app.api.parsing import StrictParser
from app.api.rendering import json_response
from app.api.schemas.bulk import (
    DryRunQuerySchema,
    PartBulkAnswerSchema,
    PartBulkSchema,
    StockBulkAnswerSchema,
    StockBulkSchema,
)
from app.services.bulk import Manner

blueprint = Blueprint("admin_bulk", __name__, url_prefix="/api/v1/admin", description="Many parts at once, for staff")
blueprint.ARGUMENTS_PARSER = StrictParser()


@blueprint.route("/stock/bulk", methods=["POST"])
@require("stock", "stock:write")
@may_answer(404)
@blueprint.arguments(DryRunQuerySchema, location="query")
@blueprint.arguments(StockBulkSchema)
@blueprint.response(200, StockBulkAnswerSchema)
def change_stocks(query: dict[str, Any], body: dict[str, Any]) -> Response:
    """Set the stock of up to 1,000 parts, or adjust it, in one transaction; with `dry_run` only say what would be done.

    A row that cannot be made refuses all of them, with the answer that the call for its part alone would give and every such row
    in `rows`; with `on_conflict: skip` these rows are left out instead. A dry run answers 200 with the outcome of each.
    """
    answer = container().parts.change_stocks_with_sync(intent_of(body), body["changes"], _manner(query, body))
    return json_response(explained(answer, "rows", "detail"))


@blueprint.route("/parts/bulk", methods=["POST"])
@require("editor", "content:write")
@may_answer(404)
@blueprint.arguments(DryRunQuerySchema, location="query")
@blueprint.arguments(PartBulkSchema)
@blueprint.response(200, PartBulkAnswerSchema)
def place_parts(query: dict[str, Any], body: dict[str, Any]) -> Response:
    """Place, archive or restore up to 1,000 parts, in one transaction; with `dry_run` only say what would be done.

    All get the same (`part_ids`, `set`), or each its own (`changes`). Parts that cannot be changed are treated as in a bulk of
    stock.
    """
    field = "changes" if "changes" in body else "part_ids"
    changes = body["changes"] if field == "changes" else [{"part_id": part_id, **body["set_"]} for part_id in body["part_ids"]]
    answer = container().parts.place_parts_with_sync(intent_of(body), changes, _manner(query, body), field)
    return json_response(explained(answer, "rows", "detail"))


def _manner(query: dict[str, Any], body: dict[str, Any]) -> Manner:
    return Manner(skips=body["on_conflict"] == "skip", dry_run=query["dry_run"])
