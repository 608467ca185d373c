"""Every kind of list that is cached: what it depends on, and how it is made from its question alone.

A cached list carries its kind and its question, so that reconciliation can ask it again and compare, whatever kind it is.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from app.contract.cache_keys import looked_at
from app.contract.events import ListFacet
from app.domain.measures import SpecificationFilter
from app.store import catalog, categories, lookup, product_page, restocked, search, slugs
from app.store.listing import filters
from app.store.listing.facets import load_facets
from app.store.listing.filters import PartFilters
from app.store.listing.pages import Found, list_part_ids
from app.store.listing.suggestions import suggested
from app.store.paging import Position

Query = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of list: the generations that its validity depends on, and what it says. Both follow from the question alone."""

    generations: Callable[[Query], tuple[str, ...]]
    load: Callable[[Connection, Query], Any]


def filters_of(query: Query) -> PartFilters:
    """Return the filters in a list's question."""
    stored = query["filters"]
    within = None if stored["within"] is None else tuple(stored["within"])
    said = tuple(SpecificationFilter(**one | {"values": tuple(one["values"])}) for one in stored["specifications"])
    return PartFilters(**stored | {"words": tuple(stored["words"]), "within": within, "specifications": said})


def position_of(stored: Query | None) -> Position | None:
    """Return a position as it was before it was stored."""
    return None if stored is None else Position(stored["key"], stored["id"], tuple(map(tuple, stored["meant"])))


def _answer(found: Found) -> dict[str, Any]:
    return {
        "ids": found.ids,
        "next": found.next and asdict(found.next),
        "match": search.match_of(found.meant),
        "currency": found.currency,
    }


def _page(connection: Connection, query: Query) -> dict[str, Any]:
    after = position_of(query["after"])
    return _answer(list_part_ids(connection, filters_of(query), query["sort"], after, query["limit"]))


def _suggested(connection: Connection, query: Query) -> dict[str, Any]:
    return _answer(suggested(connection, filters_of(query), query["limit"]))


def _placed(facets: Iterable[ListFacet], query: Query) -> tuple[str, ...]:
    return tuple(generation for facet in facets for generation in looked_at(facet, query["within"]))


def _related(connection: Connection, query: Query) -> list[int]:
    return product_page.neighbours(connection, query["part_id"], list(query["within"]))


def _in_stock_near(connection: Connection, query: Query) -> list[int]:
    return product_page.neighbours(connection, query["part_id"], list(query["within"]), in_stock=True)


# What depends on all categories and on which parts are in them. The list of all, with the numbers of these, is kept as it is,
# without its question.
COUNTED_CATEGORIES = (*looked_at(ListFacet.CATEGORIES), *looked_at(ListFacet.MEMBERS))
_NEIGHBOURS = (ListFacet.MEMBERS, ListFacet.NAME)
_STOCKED_NEIGHBOURS = (*_NEIGHBOURS, ListFacet.AVAILABILITY)
KINDS: dict[str, Kind] = {
    "page": Kind(lambda query: filters.looked_at(filters_of(query), query["sort"]), _page),
    "suggested": Kind(lambda query: filters.looked_at(filters_of(query), "relevance"), _suggested),
    "facets": Kind(
        lambda query: filters.looked_at_by_facets(filters_of(query)),
        lambda connection, query: load_facets(connection, filters_of(query)),
    ),
    "slug": Kind(lambda _query: looked_at(ListFacet.ADDRESS), lambda connection, query: slugs.part_of(connection, query["slug"])),
    "withdrawn": Kind(
        lambda _query: looked_at(ListFacet.ADDRESS),
        lambda connection, query: product_page.withdrawn(connection, query["part_id"]),
    ),
    # Which parts have these SKUs, and are shown; every text that parts are found by is one facet.
    "skus": Kind(
        lambda _query: looked_at(ListFacet.WORDS), lambda connection, query: lookup.parts_with(connection, query["skus"])
    ),
    # How long ago they came back is for the reader to say, or the list would change by itself.
    "restocked": Kind(
        lambda _query: (*looked_at(ListFacet.MEMBERS), *looked_at(ListFacet.AVAILABILITY)),
        lambda connection, _query: restocked.latest(connection),
    ),
    "related": Kind(lambda query: _placed(_NEIGHBOURS, query), _related),
    "in stock near": Kind(lambda query: _placed(_STOCKED_NEIGHBOURS, query), _in_stock_near),
    "tree": Kind(lambda _query: looked_at(ListFacet.CATEGORIES), lambda connection, _query: categories.nodes(connection)),
    "named categories": Kind(
        lambda _query: COUNTED_CATEGORIES,
        lambda connection, query: categories.named(connection, query["typed"], query["limit"]),
    ),
    "former category": Kind(
        lambda _query: looked_at(ListFacet.CATEGORIES), lambda connection, query: slugs.former_category(connection, query["slug"])
    ),
}


def counted_categories(connection: Connection) -> bytes:
    """Return the list of all categories as it is cached."""
    return orjson.dumps(catalog.load_categories(connection))


def body(connection: Connection, kind: str, query: Query) -> bytes:
    """Return a list as it is cached."""
    return orjson.dumps({"kind": kind, "query": query, "answer": KINDS[kind].load(connection, query)})
