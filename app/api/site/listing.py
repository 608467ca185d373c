"""The list of parts as a page: of everything, of a category, or of what else the address asks for."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from flask import Response
from marshmallow import ValidationError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from app.api.context import container
from app.api.languages import said
from app.api.public.catalog import facets_of, page_of_categories, page_of_parts
from app.api.rendering import moved_response
from app.api.schemas.categories import CategoryQuerySchema
from app.api.schemas.search import PublicPartQuerySchema
from app.api.site import filtering
from app.api.site.categories import below
from app.api.site.files import Frame
from app.api.site.formats import formats
from app.api.site.pages import Asked, Page, answer, part_address, picture_properties, shortened
from app.cache.manager import Result
from app.contract.events import ListFacet
from app.domain.content import normalised, pasted, without_forbidden
from app.domain.errors import BusyError, InvalidFieldError
from app.services.catalog import worst
from app.services.product_page import breadcrumb_list, breadcrumbs, category_address
from app.services.rich_text import plain

# As the application asks for them (`stores/catalog.ts`), in its order.
PAGE_SIZE = 24
_FILTERS = ("q", "category", "manufacturer", "in_stock", "min_price", "max_price", "currency")
_CHOICES = ("manufacturer", "in_stock", "min_price", "max_price")
_LONGEST = 200
# What is said if it counts for nothing, in the words of `catalog.ignored`; and values that choose nothing.
_SAID = {"min_price": "price", "max_price": "price", "currency": "currency", "in_stock": "in_stock", "sort": "sort"}
_NO_CHOICE = {"false", "relevance"}
_LONGEST_SAID = 40
_CODE = re.compile("[A-Z]{3}")
_SCHEMA, _ALL_CATEGORIES = PublicPartQuerySchema(), CategoryQuerySchema().load({})


def asks_for_a_list(address: MultiDict[str, str]) -> bool:
    """Whether a page's address has anything in its query that only lists understand."""
    return not {*_FILTERS, "sort", "cursor", "view"}.isdisjoint(address) or any(map(filtering.is_filter, address))


def moved_to_list(address: MultiDict[str, str]) -> Response:
    """Redirect to the page of the list that the query of an address asks for: a category has a page of its own."""
    reference = read(address).get("category")
    category = container().parts.catalog.category(reference) if reference else None
    return moved_response(_moved(category["slug"] if category else reference, address), keeps_query=False)


def list_page(frame: Frame, address: MultiDict[str, str], slug: str | None) -> Response:
    """Answer a request for a page of the list.

    Args:
        address: the query of the page's address. What is wrong in it counts for nothing, or is said, as in the application.
        slug: of the category whose page it is; a former slug or an id redirects to the present one.

    Raises:
        BusyError: if the list cannot be read now.
    """
    wanted = address.copy()
    if slug is not None:
        wanted["category"] = slug
    typed = read(wanted)
    catalog = container().parts.catalog
    if slug is None and "category" in typed:
        return moved_to_list(address)
    category = catalog.category(typed["category"]) if "category" in typed else None
    if category and category["slug"] != slug:
        return moved_response(_moved(category["slug"], address), keeps_query=False)
    # What tells of changes is read before what may change.
    tokens = {"catalog": catalog.catalog_token(), "categories": catalog.catalog_token([ListFacet.CATEGORIES])}
    filters, is_table = _filters_in(typed), "view" in typed
    asked = filters | {"sort": typed["sort"], "limit": str(PAGE_SIZE)}
    if "cursor" in typed:
        asked["cursor"] = typed["cursor"]
    if is_table:
        asked["include"] = "specifications"
    try:
        found, result, refused = _found(asked)
    except BadRequest:
        # A cursor of another list, or of an earlier key: the list begins anew.
        return moved_response(_address(filters, typed["sort"], is_table=is_table), keeps_query=False)
    tree, read_tree = page_of_categories(_ALL_CATEGORIES)
    node = next((node for node in tree["items"] if category and node["id"] == category["id"]), None)
    about, pictured = (node["description"], node["picture"]) if node else ("", None)
    facets = None if refused else _facets(filters)
    answers = [Asked("/categories", {}, tree)]
    if refused:
        answers += [
            Asked(path, query, {"errors": refused}, 422) for path, query in (("/parts", asked), ("/parts/facets", filters))
        ]
    else:
        answers.append(Asked("/parts", asked, found))
    if facets:
        answers.append(Asked("/parts/facets", filters, facets))
    here = _address(filters, typed["sort"], typed.get("cursor", ""), is_table=is_table)
    is_plain = typed.keys() <= {"category", "sort"} and typed["sort"] == "name" and bool(found["items"])
    return answer(
        frame,
        Page(
            title=category["name"] if category else formats().texts["catalog"]["title"],
            description=_description(category, about),
            template="site/list.html",
            module="CatalogPage",
            shown=_shown(typed, category, found, tree["items"], facets, refused)
            | {"about": about, "pictured": pictured, "ignored": _ignored(address, typed)},
            address=_address(filters) if is_plain else None,
            json_ld=_json_ld(category, found["items"], _address(filters)) if is_plain else None,
            here=here,
            properties={"og:type": "website"} | (picture_properties(pictured) if pictured else {}),
            answers=answers,
            tokens={name: token for name, token in tokens.items() if token},
            result=worst(result, read_tree),
            status=404 if slug is not None and not category else 200,
        ),
    )


def _found(asked: dict[str, Any]) -> tuple[dict[str, Any], Result, dict[str, list[str]]]:
    """Return a page of parts and how the cache answered; or none, and what the API says is wrong, by the filter's name.

    Raises:
        BadRequest: if its cursor is none of this list.
    """
    try:
        return *page_of_parts(_SCHEMA.load(asked)), {}
    except ValidationError as error:
        refused = error.messages_dict
    except InvalidFieldError as error:
        # Only the shop's data tell whether a bound can be compared with them.
        refused = {error.field: [error.message]}
    return {"items": [], "next_cursor": None, "match": "exact"}, Result.HIT, said(refused, formats().language)


def _description(category: dict[str, Any] | None, about: str) -> str:
    texts = formats().texts["server"]
    if about:
        return shortened(plain(about))
    return str(texts["categoryDescription"].format(category=category["name"]) if category else texts["description"])


def read(address: MultiDict[str, str]) -> dict[str, Any]:
    """Return what a page's address asks for, each value as the API takes it; what it does not take is left out."""
    typed: dict[str, Any] = {}
    for name in (*_FILTERS, "sort", "cursor"):
        value = _cleaned(address.get(name, ""))
        if name in {"min_price", "max_price"}:
            value = formats().meant(value)
        typed[name] = value[:_LONGEST].rstrip() if name == "q" else value
    typed = {name: value for name, value in typed.items() if value and not (name == "in_stock" and value != "true")}
    # What is wrong with a filter by a specification is said: there are many ways to write a measure.
    typed = _accepted(typed) | _specified(address)
    prices = sorted(Decimal(typed[name]) for name in ("min_price", "max_price") if name in typed)
    names = [name for name in ("min_price", "max_price") if name in typed]
    # Prices from 20 to 10 are prices from 10 to 20.
    typed |= {name: f"{price.normalize():f}" for name, price in zip(names, prices, strict=True)}
    usual = "relevance" if "q" in typed else "name"
    if typed.get("sort", "relevance") == "relevance":
        typed["sort"] = usual
    if address.get("view") == "table":
        typed["view"] = "table"
    return typed


def _specified(address: MultiDict[str, str]) -> dict[str, list[str]]:
    """Return the filters by specifications as the application reads them: each value once, and one end of a range."""
    read = {}
    for name in filter(filtering.is_filter, address):
        values = [value for value in dict.fromkeys(_cleaned(value)[:_LONGEST] for value in address.getlist(name)) if value]
        if values:
            read[name] = [formats().meant(values[0])] if filtering.is_end(name) else values
    return read


def _cleaned(value: str) -> str:
    return normalised(without_forbidden(pasted(value)))


def _accepted(typed: dict[str, Any]) -> dict[str, Any]:
    """Return what the API takes of this."""
    refused = _SCHEMA.validate(typed)
    # Which currencies there are, the application leaves to the API, and shows what that says.
    return {
        name: value for name, value in typed.items() if name not in refused or (name == "currency" and _CODE.fullmatch(value))
    }


def _ignored(address: MultiDict[str, str], typed: Mapping[str, Any]) -> list[str]:
    """Return what is said of that in an address which counts for nothing, with how to write it."""
    texts, found = formats().texts["catalog"]["ignored"], []
    for name, kind in _SAID.items():
        sent = _cleaned(address.get(name, ""))
        is_read = name in typed and (name != "sort" or sent == typed[name])
        if sent and not is_read and sent not in _NO_CHOICE:
            found.append(texts[kind].format(value=sent[:_LONGEST_SAID].rstrip()))
    return found


def _filters_in(typed: dict[str, Any]) -> dict[str, Any]:
    """Return what the list is narrowed to, in the order in which the application asks for it."""
    return {name: typed[name] for name in (*_FILTERS, *filter(filtering.is_filter, typed)) if name in typed}


def _facets(filters: dict[str, Any]) -> dict[str, Any] | None:
    """Return the counts of the filters, without which a list is a list all the same."""
    try:
        return facets_of(_SCHEMA.load(filters))[0]
    except (BusyError, OperationalError, PoolTimeoutError):
        return None


def _shown(
    typed: dict[str, Any], category: dict[str, Any] | None, found: dict[str, Any], tree: list[dict[str, Any]],
    facets: dict[str, Any] | None, refused: dict[str, list[str]],
) -> dict[str, Any]:  # fmt: skip
    written = formats()
    texts = written.texts["catalog"]
    parts, following = found["items"], found["next_cursor"]
    filters, sort, is_table = _filters_in(typed), typed["sort"], "view" in typed
    q = typed.get("q", "")
    is_filtered = any(name in typed for name in _CHOICES) or any(map(filtering.is_filter, typed))
    sorts = {value: label for value, label in texts["sorts"].items() if q or value != "relevance"}
    if filtering.is_sort(sort):
        sorts[sort] = filtering.sort_label(sort, written.texts)
    chips = filtering.chips(filters, facets, written, lambda others: _address(others, sort, is_table=is_table))
    kept: dict[str, Any] = {name: typed[name] for name in ("q", "category") if name in typed}
    table = None
    if is_table:
        table = filtering.table(parts, facets, sort, written.texts, lambda by: _address(filters, by, is_table=True))
    return {
        "heading": category["name"] if category else texts["title"],
        "query": dict.fromkeys(_FILTERS, "") | typed,
        "parts": parts,
        "match": found["match"],
        "sorts": sorts,
        "categories": _options(tree, facets, typed.get("category")),
        "steps": breadcrumbs({"category": category})[:-1] if category else None,
        "children": below(tree, category["id"]) if category else [],
        "manufacturers": _manufacturers(typed.get("manufacturer"), facets),
        "range": facets and facets["price"],
        "in_stock": facets and facets["availability"]["in_stock"],
        "summary": "" if refused else _summary(len(parts), is_first="cursor" not in typed, has_more=following is not None),
        "misunderstood": filtering.misunderstood(refused, written.texts),
        "total": facets["total"] if facets and following and "cursor" not in typed else None,
        "empty": texts["noCategory"]
        if "category" in typed and not category
        else _empty(q, is_filtered=is_filtered, is_category=category is not None),
        "is_filtered": is_filtered,
        "cleared": _address(kept, is_table=is_table),
        "first_page": _address(filters, sort, is_table=is_table) if "cursor" in typed else None,
        "next": following and _address(filters, sort, following, is_table=is_table),
        "views": [
            {
                "label": written.texts["table"][name],
                "icon": icon,
                "is_shown": shows == is_table,
                "url": _address(filters, sort, is_table=shows),
            }
            for name, icon, shows in (("cards", "grid", False), ("table", "table", True))
        ],
        "chips": chips,
        "specifications": filtering.specifications(filters, facets, refused, written),
        "table": table,
    }


def _summary(count: int, *, is_first: bool, has_more: bool) -> str:
    written = formats()
    texts = written.texts["catalog"]
    if not count:
        return str(texts["emptyTitle"])
    if is_first and has_more:
        return str(texts["shownFirst"].format(count=written.number(count)))
    return written.counted(texts["shown" if is_first else "continued"], count)


def _empty(q: str, *, is_filtered: bool, is_category: bool) -> str:
    texts = formats().texts["catalog"]
    if q:
        return str(texts["emptyFilteredSearch" if is_filtered else "emptySearch"].format(q=q))
    return str(texts["emptyFilters" if is_filtered else "emptyCategory" if is_category else "emptyShop"])


def _options(tree: list[dict[str, Any]], facets: dict[str, Any] | None, chosen: str | None) -> list[dict[str, Any]]:
    """Return the categories to choose from, children behind their parent and indented; the chosen one in any case."""
    counts = facets and {one["slug"]: one["count"] for one in facets["categories"]}
    children: dict[int | None, list[dict[str, Any]]] = {}
    for node in tree:
        children.setdefault(node["parent_id"], []).append(node)

    def options_below(parent: int | None, depth: int) -> list[dict[str, Any]]:
        options = []
        for node in children.get(parent, []):
            count = None if counts is None else counts.get(node["slug"], 0)
            options.append({"slug": node["slug"], "label": "\u2003" * depth + node["name"], "count": count})
            options += options_below(node["id"], depth + 1)
        return options

    options = options_below(None, 0)
    is_known = chosen is None or any(one["slug"] == chosen for one in options)
    return options if is_known else [{"slug": chosen, "label": chosen, "count": None if counts is None else 0}, *options]


def _manufacturers(chosen: str | None, facets: dict[str, Any] | None) -> list[dict[str, Any]]:
    known: list[dict[str, Any]] = facets["manufacturers"] if facets else []
    return [{"value": chosen, "count": None}, *known] if chosen and all(one["value"] != chosen for one in known) else known


def _address(filters: Mapping[str, Any], sort: str = "", cursor: str = "", *, is_table: bool = False) -> str:
    """Return the address of a page of a list, as short as the application writes it."""
    usual = "relevance" if filters.get("q") else "name"
    query = {**filters, "sort": "" if sort == usual else sort, "view": "table" if is_table else "", "cursor": cursor}
    query = {name: value for name, value in query.items() if value}
    path = category_address(query.pop("category")) if "category" in query else "/parts"
    return f"{path}?{urlencode(query, doseq=True)}" if query else path


def _moved(category: str | None, address: MultiDict[str, str]) -> str:
    """Return the address of the list, or of a category's page, with whatever else an address asks for."""
    others = urlencode([(name, value) for name, value in address.items(multi=True) if name != "category"])
    path = category_address(category) if category else "/parts"
    return f"{path}?{others}" if others else path


def _json_ld(category: dict[str, Any] | None, parts: list[dict[str, Any]], address: str) -> dict[str, Any]:
    """Return the list as schema.org describes one."""
    listed = [
        {"@type": "ListItem", "position": place, "name": part["part_name"], "url": part_address(part)}
        for place, part in enumerate(parts, 1)
    ]
    described = {
        "@context": "https://schema.org",
        "@type": "CollectionPage",
        "name": category["name"] if category else formats().texts["shop"]["name"],
        "url": address,
        "mainEntity": {"@type": "ItemList", "itemListElement": listed},
    }
    if category:
        steps = [{"name": formats().texts["part"]["home"], "url": "/parts"}, *breadcrumbs({"category": category})]
        described["breadcrumb"] = breadcrumb_list(steps)
    return described
