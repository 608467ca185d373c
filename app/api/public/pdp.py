"""A product page (PDP) in one answer."""

from flask import Response
from flask_smorest import Blueprint

from app.api.context import container
from app.api.rendering import public_response
from app.api.schemas.search import ProductPageSchema
from app.domain.errors import NotFoundError

blueprint = Blueprint("pdp", __name__, url_prefix="/api/v1/pdp", description="The customers' product pages")


@blueprint.route("/<reference>", methods=["GET"])
@blueprint.response(200, ProductPageSchema)
def get_product_page(reference: str) -> Response:
    """Return all that a product page needs: the part by its id or slug, breadcrumbs, related parts, price tiers, JSON-LD.

    Digits alone are an id. Whoever puts `json_ld` into a page sets it as the text of a script element; who writes it into
    HTML has to escape every `<` in it.
    """
    answer = container().parts.get_product_page(reference)
    if answer.body is None:
        raise NotFoundError("There is no such part.")
    return public_response(answer.body, answer.result)
