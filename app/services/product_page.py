"""A product page in one answer, composed from the same cached aspects as every other answer: no copy of its own can go stale."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from app.cache.manager import Result
from app.domain.content import forbidden_characters
from app.domain.stock import MAX_QUANTITY
from app.services.catalog import Answer, CatalogReader, worst
from app.services.rich_text import plain

# No slug is longer.
MAX_SLUG = 300


@dataclass(frozen=True, slots=True)
class Moved:
    """The part has another slug now."""

    slug: str


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Customers have seen the part, which is archived now.

    Attributes:
        page: what it was called and where it stood, and what is shown instead.
    """

    page: dict[str, Any]


def product_page(reader: CatalogReader, reference: str) -> Answer:
    """Return everything a part's page needs; the body is None if customers may not see it, and never have, `Withdrawn` if it is
    archived, and `Moved` for a former slug.

    Args:
        reference: the part's id, or its slug. Digits alone are an id.
    """
    part_id, found = _part_id(reader, reference)
    if part_id is None:
        return Answer(None, found)
    parts, read = reader.parts([part_id], counted="pdp")
    if part_id not in parts:
        return _withdrawn(reader, part_id, worst(found, read))
    part = parts[part_id]
    if not _is_id(reference) and reference != part["slug"]:
        return Answer(Moved(part["slug"]), worst(found, read))
    related, alternatives, shown = reader.around(part)
    page = {
        "part": part,
        "breadcrumbs": breadcrumbs(part),
        "related": related,
        "alternatives": alternatives,
        "tiers": part["price"]["tiers"] if part["price"] else [],
        "json_ld": json_ld(part),
        "versions": part["versions"],
    }
    return Answer(page, worst(found, read, shown))


def _withdrawn(reader: CatalogReader, part_id: int, result: Result) -> Answer:
    gone, asked = reader.withdrawn(part_id)
    if gone is None:
        return Answer(None, worst(result, asked))
    related, alternatives, shown = reader.around(gone)
    # What it measured only serves to find what could take its place.
    del gone["specifications"]
    page = {"part": gone, "breadcrumbs": breadcrumbs(gone), "related": related, "alternatives": alternatives}
    return Answer(Withdrawn(page), worst(result, asked, shown))


def _part_id(reader: CatalogReader, reference: str) -> tuple[int | None, Result]:
    if _is_id(reference):
        # A number larger than the column can hold is nobody's id.
        number = int(reference[:20])
        return (number if number <= MAX_QUANTITY else 0), Result.HIT
    if len(reference) > MAX_SLUG or forbidden_characters(reference):
        return None, Result.HIT
    return reader.lookup("pdp", "slug", {"slug": reference})


def _is_id(reference: str) -> bool:
    return reference.isascii() and reference.isdigit()


def breadcrumbs(part: dict[str, Any]) -> list[dict[str, str]]:
    """Return the path to a part's category from the root, each step with its address on the customers' site."""
    steps = part["category"]["path"] if part["category"] else []
    return [{"name": step["name"], "slug": step["slug"], "url": category_address(step["slug"])} for step in steps]


def category_address(slug: str) -> str:
    """Return the address of a category's page on the customers' site."""
    return f"/c/{quote(slug, safe='')}"


def json_ld(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part as a schema.org Product. Addresses are relative to the site; what is unknown is left out."""
    path = part["category"]["path"] if part["category"] else []
    described = {
        "@context": "https://schema.org",
        "@type": "Product",
        "sku": part["sku"],
        "mpn": part["manufacturer_number"],
        "brand": part["manufacturer"] and {"@type": "Brand", "name": part["manufacturer"]},
        "name": part["part_name"],
        "description": plain(part["description"]),
        "image": [image["url"] for image in part["images"]],
        "category": " > ".join(step["name"] for step in path),
        "url": _address(part),
        "offers": part["price"] and _offer(part),
        "mainEntityOfPage": _page(part),
    }
    return {name: value for name, value in described.items() if value}


def _page(part: dict[str, Any]) -> dict[str, Any]:
    """Return the page itself with its breadcrumbs. The last step is the current page, and needs no address."""
    steps = [*breadcrumbs(part), {"name": part["part_name"]}]
    return {"@type": "ItemPage", "url": _address(part), "breadcrumb": breadcrumb_list(steps)}


def breadcrumb_list(steps: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the way to a page as schema.org describes it, from steps with a `name` and perhaps a `url`."""
    listed = [
        {"@type": "ListItem", "position": place, "name": step["name"]} | ({"item": step["url"]} if "url" in step else {})
        for place, step in enumerate(steps, 1)
    ]
    return {"@type": "BreadcrumbList", "itemListElement": listed}


def _offer(part: dict[str, Any]) -> dict[str, Any]:
    in_stock = part["stock"]["is_in_stock"]
    return {
        "@type": "Offer",
        "price": part["price"]["amount"],
        "priceCurrency": part["price"]["currency"],
        "availability": f"https://schema.org/{'InStock' if in_stock else 'OutOfStock'}",
        "itemCondition": "https://schema.org/NewCondition",
        "url": _address(part),
    }


def _address(part: dict[str, Any]) -> str:
    return f"/parts/{part['id']}/{quote(part['slug'], safe='')}"
