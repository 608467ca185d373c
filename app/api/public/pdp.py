"""A product page (PDP) in one response."""

from flask import Response
from flask_smorest import Blueprint

from app.api.context import admit_customer, container, dismiss_customer
from app.api.errors import problem
from app.api.kept import keep_response, kept_answer
from app.api.rendering import moved_response
from app.api.schemas.search import ProductPageSchema
from app.domain.errors import NotFoundError
from app.services.product_page import Moved, Withdrawn

blueprint = Blueprint("pdp", __name__, url_prefix="/api/v1/pdp", description="The customers' product pages")
blueprint.before_request(admit_customer)
blueprint.before_request(kept_answer)
blueprint.teardown_request(dismiss_customer)


@blueprint.route("/<reference>", methods=["GET"])
@blueprint.response(200, ProductPageSchema)
@blueprint.alt_response(301, description="The part has another slug now: `Location` is its page.")
def get_product_page(reference: str) -> Response:
    """Return everything that a product page needs: the part by its id or slug, breadcrumbs, related and
    alternative parts, price tiers, JSON-LD.

    Digits alone are an id. A former slug of the part redirects to the current one. Of a part that is no longer sold, the problem
    (404) says as `withdrawn` what it was called and what there is instead. To put `json_ld` into a page, set it as the
    text of a script element; if you write it into HTML, escape every `<` in it.
    """
    answer = container().parts.get_product_page(reference)
    if answer.body is None:
        raise NotFoundError("There is no such part.")
    if isinstance(answer.body, Withdrawn):
        return problem(404, "This part is no longer sold.", withdrawn=answer.body.page)
    if isinstance(answer.body, Moved):
        return moved_response(f"{blueprint.url_prefix}/{answer.body.slug}")
    return keep_response(answer.body, answer.result)
