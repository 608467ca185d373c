"""What customers read: parts and categories. No login, read only, always with a strong ETag."""

from dataclasses import asdict
from time import time
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.api.context import admit_customer, container, cursors, dismiss_customer
from app.api.idempotency import keeps_no_answer, sent_key
from app.api.kept import keep_response, kept_answer
from app.api.parsing import StrictParser
from app.api.rendering import digest_of, json_response, page_body, public_response
from app.api.schemas.answers import CategoryPageSchema, PublicPartSchema
from app.api.schemas.categories import CategoryQuerySchema
from app.api.schemas.search import (
    FacetsSchema,
    FilterQuerySchema,
    LookedUpSchema,
    LookupQuerySchema,
    LookupSchema,
    PartsBySkuSchema,
    PublicPartPageSchema,
    PublicPartQuerySchema,
    RestockedQuerySchema,
    RestockedSchema,
    SkusQuerySchema,
    SuggestionsSchema,
    SuggestQuerySchema,
)
from app.cache.manager import Result
from app.domain.errors import NotFoundError
from app.domain.search import words_of
from app.services import lookup
from app.store.listing.filters import PartFilters
from app.store.paging import FoundPage, page_by_name

blueprint = Blueprint("public", __name__, url_prefix="/api/v1", description="The customers' side")
blueprint.before_request(admit_customer)
blueprint.before_request(kept_answer)
blueprint.teardown_request(dismiss_customer)
blueprint.ARGUMENTS_PARSER = StrictParser()


@blueprint.route("/parts", methods=["GET"])
@blueprint.arguments(PublicPartQuerySchema, location="query")
@blueprint.response(200, PublicPartPageSchema)
def list_parts(query: dict[str, Any]) -> Response:
    """List published parts."""
    return keep_response(*page_of_parts(query))


@blueprint.route("/parts/facets", methods=["GET"])
@blueprint.arguments(FilterQuerySchema, location="query")
@blueprint.response(200, FacetsSchema)
def facets(query: dict[str, Any]) -> Response:
    """Count the published parts that each choice of a filter would leave."""
    return keep_response(*facets_of(query))


def page_of_parts(query: dict[str, Any]) -> tuple[dict[str, Any], Result]:
    """Return the page of parts that a query asks for, and how the cache answered.

    Raises:
        BadRequest: if its cursor is none of this list.
        InvalidFieldError: if a bound of a specification cannot be compared with what the shop says.
    """
    filters = _filters(query)
    sort = query["sort"] or "relevance"
    if sort == "relevance" and not filters.words:
        sort = "name"
    scope = f"parts {sort} {digest_of(asdict(filters))}"
    after = cursors().read(scope, query["cursor"])
    with_specifications = query["include"] == "specifications"
    catalog = container().parts.catalog
    answer = catalog.list_parts(filters, sort, after, query["limit"], with_specifications=with_specifications)
    page: FoundPage[dict[str, Any]] = answer.body
    return page_body(page, cursors().write(scope, page.next)) | {"match": page.match}, answer.result


def facets_of(query: dict[str, Any]) -> tuple[dict[str, Any], Result]:
    """Return how many parts each choice of a filter would leave, and how the cache answered.

    Raises:
        InvalidFieldError: if a bound of a specification cannot be compared with what the shop says.
    """
    answer = container().parts.catalog.facets(_filters(query))
    return answer.body, answer.result


def page_of_categories(query: dict[str, Any]) -> tuple[dict[str, Any], Result]:
    """Return the page of categories that a query asks for, and how the cache answered."""
    after = cursors().read("categories", query["cursor"])
    answer = container().parts.catalog.categories()
    page = page_by_name(answer.body, query["limit"], after)
    return page_body(page, cursors().write("categories", page.next)), answer.result


@blueprint.route("/parts/suggest", methods=["GET"])
@blueprint.arguments(SuggestQuerySchema, location="query")
@blueprint.response(200, SuggestionsSchema)
def suggest(query: dict[str, Any]) -> Response:
    """Return parts and categories that somebody may be looking for who has typed this much."""
    answer = container().parts.catalog.suggest(words_of(query["q"]), query["limit"])
    return keep_response(answer.body, answer.result)


def _filters(query: dict[str, Any]) -> PartFilters:
    lowest, highest = (None if query[name] is None else str(query[name]) for name in ("min_price", "max_price"))
    return PartFilters(
        words_of(query["q"]), query["category"], query["manufacturer"], query["in_stock"], lowest, highest, query["currency"],
        specifications=query["specifications"],
    )  # fmt: skip


@blueprint.route("/parts/restocked", methods=["GET"])
@blueprint.arguments(RestockedQuerySchema, location="query")
@blueprint.response(200, RestockedSchema)
def restocked(query: dict[str, Any]) -> Response:
    """List the published parts that have come back into stock in the last two weeks, the last one first."""
    return public_response(*restocked_parts(query))


def restocked_parts(query: dict[str, Any]) -> tuple[dict[str, Any], Result]:
    """Return what has just come back into stock, and how the cache answered."""
    answer = container().parts.catalog.restocked(query["limit"], time())
    return {"items": answer.body}, answer.result


@blueprint.route("/parts/by-sku", methods=["GET"])
@blueprint.arguments(SkusQuerySchema, location="query")
@blueprint.response(200, PartsBySkuSchema)
def parts_by_sku(query: dict[str, Any]) -> Response:
    """Return published parts by their SKUs, as in a list."""
    answer = container().parts.catalog.by_sku(query["sku"], query["currency"])
    return keep_response(answer.body, answer.result)


@blueprint.route("/parts/lookup", methods=["POST"])
@keeps_no_answer("It changes nothing.")
@blueprint.arguments(LookupQuerySchema, location="query")
@blueprint.arguments(LookupSchema)
@blueprint.response(200, LookedUpSchema)
def look_up(query: dict[str, Any], body: dict[str, Any]) -> Response:
    """Say of each line of a list which part it means, what so many cost, and whether they are there; changes nothing.

    A text means a part if it is its SKU or, but for case, accents and punctuation, the SKU or manufacturer's number of that part
    alone. Otherwise `candidates` suggests up to five; at most fifty different texts of a list get suggestions.
    """
    sent_key()
    lines = lookup.look_up(container().parts.catalog, body["lines"], query["currency"])
    return json_response({"lines": lines})


@blueprint.route("/parts/<id:part_id>", methods=["GET"])
@blueprint.response(200, PublicPartSchema)
def get_part(part_id: int) -> Response:
    """Return one published part."""
    answer = container().parts.get_part_with_real_time_data(part_id)
    if answer.body is None:
        raise NotFoundError(f"There is no part {part_id}.")
    return keep_response(answer.body, answer.result)


@blueprint.route("/categories", methods=["GET"])
@blueprint.arguments(CategoryQuerySchema, location="query")
@blueprint.response(200, CategoryPageSchema)
def categories(query: dict[str, Any]) -> Response:
    """List categories by name, each with its parent and the number of its own published parts."""
    return keep_response(*page_of_categories(query))
