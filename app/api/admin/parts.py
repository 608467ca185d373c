"""The panel's parts: list, create, read, change, archive, bring back."""

from dataclasses import asdict
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.api.auth import require, require_scope
from app.api.context import container, cursors, offload
from app.api.errors import may_answer
from app.api.intent import heeds_if_match, intent_of
from app.api.languages import explained
from app.api.parsing import StrictParser
from app.api.rendering import digest_of, json_response, page_body
from app.api.schemas.answers import (
    AdminPartPageSchema,
    AdminPartSchema,
    ContentAnswerSchema,
    CreatedPartSchema,
    PriceListAnswerSchema,
    UpdatedContentSchema,
)
from app.api.schemas.parts import (
    AdminPartQuerySchema,
    BodilessWriteSchema,
    PartCreateSchema,
    PartUpdateSchema,
    PriceListSchema,
    SpecificationListSchema,
    price_lines,
)
from app.domain.search import words_of
from app.services.rich_text import notices
from app.store.admin_parts import GridFilters

blueprint = Blueprint("admin_parts", __name__, url_prefix="/api/v1/admin/parts", description="Parts, for staff")
blueprint.ARGUMENTS_PARSER = StrictParser()


@blueprint.route("", methods=["GET"])
@require("viewer", "read")
@blueprint.arguments(AdminPartQuerySchema, location="query")
@blueprint.response(200, AdminPartPageSchema)
def list_parts(query: dict[str, Any]) -> Response:
    """List parts with their stock and price."""
    filters = GridFilters(
        words_of(query["q"]), query["category"], query["status"], query["low_stock"], query["out_of_stock"], query["currency"]
    )
    scope = f"admin parts {query['sort']} {digest_of(asdict(filters))}"
    after = cursors().read(scope, query["cursor"])
    page = container().parts.admin.list_parts(filters, query["sort"], after, query["limit"])
    return json_response(page_body(page, cursors().write(scope, page.next)) | {"match": page.match})


@blueprint.route("", methods=["POST"])
@require("editor", "content:write")
@may_answer(409)
@blueprint.arguments(PartCreateSchema)
@blueprint.response(201, CreatedPartSchema)
def create_part(body: dict[str, Any]) -> Response:
    """Create a part, with its prices, stock and specifications. `notices` says what was dropped from its description, if anything
    was."""
    specifications, prices, stock = body.pop("specifications"), body.pop("prices"), body.pop("stock")
    if prices:
        require_scope("prices:write")
    if stock:
        require_scope("stock:write")
    dropped = offload(notices, body)
    made = container().parts.create_part_with_sync(intent_of(body), body, specifications, price_lines(prices), stock)
    return json_response(made | explained(dropped, "notices", "message"), 201, {"Location": f"/api/v1/admin/parts/{made['id']}"})


@blueprint.route("/<id:part_id>", methods=["GET"])
@require("viewer", "read")
@blueprint.response(200, AdminPartSchema)
def get_part(part_id: int) -> Response:
    """Return one part with everything, and the version of each aspect."""
    return json_response(container().parts.admin.part(part_id))


@blueprint.route("/<id:part_id>", methods=["PUT"])
@require("editor", "content:write")
@heeds_if_match
@blueprint.arguments(PartUpdateSchema)
@blueprint.response(200, UpdatedContentSchema)
def update_part(body: dict[str, Any], part_id: int) -> Response:
    """Change the given content fields. `notices` says what was dropped from the description, if anything."""
    dropped = offload(notices, body)
    content = container().parts.update_part_content_with_sync(intent_of(body), part_id, body)
    return json_response(content | explained(dropped, "notices", "message"))


@blueprint.route("/<id:part_id>", methods=["DELETE"])
@require("editor", "content:write")
@heeds_if_match
@blueprint.arguments(BodilessWriteSchema, location="query")
@blueprint.response(200, ContentAnswerSchema)
def archive_part(query: dict[str, Any], part_id: int) -> Response:
    """Archive a part: gone for customers, its history kept."""
    content = container().parts.archive_part_with_sync(intent_of(query), part_id)
    return json_response(content)


@blueprint.route("/<id:part_id>/restore", methods=["POST"])
@require("editor", "content:write")
@heeds_if_match
@blueprint.arguments(BodilessWriteSchema, location="query")
@blueprint.response(200, ContentAnswerSchema)
def restore_part(query: dict[str, Any], part_id: int) -> Response:
    """Bring an archived part back as it was."""
    content = container().parts.restore_part_with_sync(intent_of(query), part_id)
    return json_response(content)


@blueprint.route("/<id:part_id>/specifications", methods=["PUT"])
@require("editor", "content:write")
@heeds_if_match
@blueprint.arguments(SpecificationListSchema)
@blueprint.response(200, ContentAnswerSchema)
def set_specifications(body: dict[str, Any], part_id: int) -> Response:
    """Replace the part's specifications; they are shown in the order in which they are sent."""
    content = container().parts.update_specifications_with_sync(intent_of(body), part_id, body["specifications"])
    return json_response(content)


@blueprint.route("/<id:part_id>/prices", methods=["PUT"])
@require("editor", "prices:write")
@heeds_if_match
@blueprint.arguments(PriceListSchema)
@blueprint.response(200, PriceListAnswerSchema)
def set_prices(body: dict[str, Any], part_id: int) -> Response:
    """Replace the part's price list."""
    lines = price_lines(body["prices"])
    return json_response(container().parts.update_prices_with_sync(intent_of(body), part_id, lines))
