"""The panel's stock: setting a count, adjusting it."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.api.auth import require
from app.api.context import container
from app.api.intent import heeds_if_match, intent_of
from app.api.parsing import StrictParser
from app.api.rendering import json_response
from app.api.schemas.answers import AdminStockSchema
from app.api.schemas.parts import StockAdjustmentSchema, StockUpdateSchema

blueprint = Blueprint("admin_stock", __name__, url_prefix="/api/v1/admin/parts", description="Stock, for staff")
blueprint.ARGUMENTS_PARSER = StrictParser()


@blueprint.route("/<id:part_id>/stock", methods=["PUT"])
@require("stock", "stock:write")
@heeds_if_match
@blueprint.arguments(StockUpdateSchema)
@blueprint.response(200, AdminStockSchema)
def set_stock(body: dict[str, Any], part_id: int) -> Response:
    """Set the given quantities. With `version` or `If-Match`, only if nobody has changed the stock since."""
    return json_response(container().parts.update_stock_with_sync(intent_of(body), part_id, body))


@blueprint.route("/<id:part_id>/stock/adjustments", methods=["POST"])
@require("stock", "stock:write")
@heeds_if_match
@blueprint.arguments(StockAdjustmentSchema)
@blueprint.response(200, AdminStockSchema)
def adjust_stock(body: dict[str, Any], part_id: int) -> Response:
    """Add pieces to the stock, or remove them; needs no version, since adjustments commute (`If-Match` is honoured)."""
    return json_response(container().parts.adjust_stock_with_sync(intent_of(body), part_id, body["delta"]))
