"""What customers read: parts and categories. No login, read only, always with a strong ETag."""

from typing import Any

from flask import Response, g
from flask_smorest import Blueprint

from app.api.parsing import StrictParser
from app.api.rendering import page_body, public_response
from app.api.schemas.answers import CategoryPageSchema, PublicPartPageSchema, PublicPartSchema
from app.api.schemas.parts import PublicPartQuerySchema
from app.domain.errors import NotFoundError
from app.store.catalog import PartFilters

blueprint = Blueprint("public", __name__, url_prefix="/api/v1", description="The customers' side")
blueprint.ARGUMENTS_PARSER = StrictParser()


@blueprint.route("/parts", methods=["GET"])
@blueprint.arguments(PublicPartQuerySchema, location="query")
@blueprint.response(200, PublicPartPageSchema)
def list_parts(query: dict[str, Any]) -> Response:
    """List published parts."""
    bounds = {name: None if query[name] is None else str(query[name]) for name in ("min_price", "max_price")}
    filters = PartFilters(tuple(query["q"].lower().split()[:10]), query["category"], query["in_stock"], **bounds)
    scope = f"parts {query['sort']}"
    after = g.cursors.read(scope, query["cursor"])
    answer = g.core.parts.catalog.list_parts(filters, query["sort"], after, query["limit"])
    return public_response(page_body(answer.body, g.cursors.write(scope, answer.body.next)), answer.result)


@blueprint.route("/parts/<id:part_id>", methods=["GET"])
@blueprint.response(200, PublicPartSchema)
def get_part(part_id: int) -> Response:
    """Return one published part."""
    answer = g.core.parts.get_part_with_real_time_data(part_id)
    if answer.body is None:
        raise NotFoundError(f"There is no part {part_id}.")
    return public_response(answer.body, answer.result)


@blueprint.route("/categories", methods=["GET"])
@blueprint.response(200, CategoryPageSchema)
def categories() -> Response:
    """Return all categories, each with its parent and the number of its own published parts."""
    answer = g.core.parts.catalog.categories()
    return public_response({"items": answer.body, "next_cursor": None}, answer.result)
