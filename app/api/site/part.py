"""A part's page."""

from typing import Any

from flask import Response

from app.api.context import container
from app.api.rendering import moved_response
from app.api.site.files import Frame
from app.api.site.formats import Formats, formats
from app.api.site.pages import Asked, Page, answer, part_address, picture_properties, shortened, stock_text
from app.cache.manager import Result
from app.contract.events import ListFacet
from app.domain.stock import MAX_QUANTITY
from app.services.product_page import Withdrawn
from app.services.rich_text import plain


def not_found() -> Page:
    """Return the page that says that there is none."""
    texts = formats().texts
    return Page(texts["notFound"]["title"], texts["server"]["notFoundDescription"], "site/not_found.html", status=404)


def _gone(page: dict[str, Any], result: Result, tokens: dict[str, str]) -> Page:
    part, texts = page["part"], formats().texts
    others = [other for other in page["related"] if other not in page["alternatives"]]
    return Page(
        title=texts["part"]["goneNamed"].format(name=part["part_name"]),
        description=texts["server"]["goneDescription"],
        template="site/gone.html",
        module="PartPage",
        shown=page | {"related": others},
        here=part_address(part),
        answers=[Asked(f"/pdp/{part['id']}", {}, {"withdrawn": page}, 404)],
        tokens=tokens,
        result=result,
        status=410,
    )


def part_page(frame: Frame, name: str, part_id: int, slug: str | None) -> Response:
    """Answer a request for a part's page. Any slug redirects to the current one: links outlive names.

    Raises:
        BusyError: if the part cannot be read now.
    """
    parts = container().parts
    tree = parts.catalog.catalog_token([ListFacet.CATEGORIES])
    found = parts.get_product_page(str(part_id)) if part_id <= MAX_QUANTITY else None
    if found is None or found.body is None:
        return answer(frame, not_found())
    tokens = {"categories": tree} if tree else {}
    if isinstance(found.body, Withdrawn):
        return answer(frame, _gone(found.body.page, found.result, tokens))
    body, part = found.body, found.body["part"]
    address = part_address(part)
    if slug is not None and f"/{name}" != address:
        return moved_response(address)
    return answer(
        frame,
        Page(
            title=part["part_name"],
            description=_described(part, formats()),
            template="site/part.html",
            module="PartPage",
            shown=_shown(body),
            here=address,
            address=address,
            json_ld=body["json_ld"],
            properties=_properties(part),
            answers=[Asked(f"/pdp/{part_id}", {}, body)],
            tokens=tokens,
            result=found.result,
        ),
    )


def _shown(body: dict[str, Any]) -> dict[str, Any]:
    part = body["part"]
    groups: dict[str, list[dict[str, Any]]] = {}
    for specification in part["specifications"]:
        groups.setdefault(specification["group"], []).append(specification)
    return {
        "part": part,
        "breadcrumbs": body["breadcrumbs"],
        "maker": " · ".join(filter(None, (part["manufacturer"], part["manufacturer_number"]))),
        "tiers": _tiers(body),
        "groups": groups,
        "alternatives": body["alternatives"],
        "related": [other for other in body["related"] if other not in body["alternatives"]],
    }


def _tiers(body: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the prices by quantity, each with the quantities it is for and how much it saves, in percent."""
    tiers = sorted(body["tiers"], key=lambda tier: tier["min_quantity"])
    ends = [*(tier["min_quantity"] - 1 for tier in tiers[1:]), None]
    return [
        {"amount": tier["amount"], "range": _range(tier["min_quantity"], end), "saving": _saving(tier, body["part"]["price"])}
        for tier, end in zip(tiers, ends, strict=False)
    ]


def _range(begin: int, end: int | None) -> str:
    number, texts = formats().number, formats().texts["price"]
    if end is None:
        return str(texts["orMore"].format(count=number(begin)))
    return number(begin) if begin == end else str(texts["between"].format(**{"from": number(begin), "to": number(end)}))


def _saving(tier: dict[str, Any], price: dict[str, Any]) -> int:
    # Never rounded up to 100 %; a half is rounded up, as browsers do it. A price of nothing saves nothing.
    whole = float(price["amount"])
    return min(99, int((1 - float(tier["amount"]) / whole) * 100 + 0.5)) if whole else 0


def _described(part: dict[str, Any], formats: Formats) -> str:
    """Return a part's description in as few words as search engines show; without one, what there is to know of it."""
    if text := plain(part["description"]):
        return shortened(text)
    price, texts = part["price"], formats.texts["server"]
    costs = formats.price(price["amount"], price["currency"]) if price else formats.texts["price"]["none"]
    text = texts["partDescriptionByMaker" if part["manufacturer"] else "partDescription"]
    known = {"name": part["part_name"], "maker": part["manufacturer"], "sku": part["sku"], "price": costs}
    return shortened(text.format(**known, stock=stock_text(part["stock"], formats)))


def _properties(part: dict[str, Any]) -> dict[str, str]:
    """Return a part in the words of the Open Graph protocol."""
    properties = {"og:type": "product", "product:retailer_item_id": part["sku"]}
    if part["images"]:
        properties |= picture_properties(part["images"][0])
    if part["manufacturer"]:
        properties["product:brand"] = part["manufacturer"]
    if part["price"]:
        properties |= {"product:price:amount": part["price"]["amount"], "product:price:currency": part["price"]["currency"]}
    properties["product:availability"] = "in stock" if part["stock"]["is_in_stock"] else "out of stock"
    return properties
