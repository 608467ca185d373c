"""The home page: the main categories, what is new, and what is back in stock."""

from typing import Any

from flask import Response

from app.api.context import container
from app.api.public.catalog import page_of_categories, page_of_parts, restocked_parts
from app.api.schemas.categories import CategoryQuerySchema
from app.api.schemas.search import PublicPartQuerySchema, RestockedQuerySchema
from app.api.site.categories import below
from app.api.site.files import Frame
from app.api.site.formats import formats
from app.api.site.pages import Asked, Page, answer
from app.contract.events import ListFacet
from app.services.catalog import worst

# As the application asks for them (`composables/useHomeParts.ts`), in its order.
_NEWEST = {"sort": "newest", "limit": "8"}
_RESTOCKED = {"limit": "4"}
# Of a main category; whoever wants the others opens it.
SUBCATEGORIES = 4


def home_page(frame: Frame) -> Response:
    """Answer a request for the home page.

    Raises:
        BusyError: if it cannot be read now.
    """
    catalog = container().parts.catalog
    # What tells of changes is read before what may change.
    tokens = {"catalog": catalog.catalog_token(), "categories": catalog.catalog_token([ListFacet.CATEGORIES])}
    newest, result = page_of_parts(PublicPartQuerySchema().load(_NEWEST))
    restocked, read_restocked = restocked_parts(RestockedQuerySchema().load(_RESTOCKED))
    tree, read_tree = page_of_categories(CategoryQuerySchema().load({}))
    texts = formats().texts
    return answer(
        frame,
        Page(
            title="",
            description=texts["server"]["description"],
            template="site/home.html",
            module="HomePage",
            shown={"newest": newest["items"], "restocked": restocked["items"], "categories": _main(tree["items"])},
            address="/",
            json_ld=_json_ld(texts["shop"]["name"]),
            properties={"og:type": "website"},
            answers=[
                Asked("/parts", _NEWEST, newest),
                Asked("/parts/restocked", _RESTOCKED, restocked),
                Asked("/categories", {}, tree),
            ],
            tokens={name: token for name, token in tokens.items() if token},
            result=worst(result, read_restocked, read_tree),
        ),
    )


def _main(tree: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        main | {"path": [{"slug": main["slug"]}], "children": below(tree, main["id"])[:SUBCATEGORIES]}
        for main in below(tree, None)
    ]


def _json_ld(name: str) -> dict[str, Any]:
    """Return the site as schema.org describes one, with how to search it."""
    return {
        "@context": "https://schema.org",
        "@type": "WebSite",
        "name": name,
        "url": "/",
        "potentialAction": {
            "@type": "SearchAction",
            "target": {"@type": "EntryPoint", "urlTemplate": "/parts?q={search_term_string}"},
            "query-input": "required name=search_term_string",
        },
    }
