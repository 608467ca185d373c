"""What a list of parts is narrowed to, and the generations of what it looks at."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from app.contract import cache_keys
from app.contract.events import ListFacet
from app.domain.measures import SpecificationFilter
from app.store.specifications import searches

_CATEGORIES_BELOW = text("""
    WITH RECURSIVE named AS (
        SELECT id FROM categories WHERE slug = :reference OR id::text = :reference
    ), below AS (
        (SELECT id FROM named
         UNION SELECT record_id FROM former_slugs
               WHERE kind = 'category' AND slug = :reference AND NOT EXISTS (SELECT FROM named))
        UNION SELECT c.id FROM categories c JOIN below ON c.parent_id = below.id)
    SELECT id FROM below
""")


@dataclass(frozen=True, slots=True)
class PartFilters:
    """What a list of parts is narrowed to; None does not narrow. Prices are those in one currency: a list never compares two.

    `within` are the categories that `category` means, once that has been looked up.
    """

    words: tuple[str, ...] = ()
    category: str | None = None
    manufacturer: str | None = None
    in_stock: bool | None = None
    min_price: str | None = None
    max_price: str | None = None
    currency: str | None = None
    within: tuple[int, ...] | None = None
    specifications: tuple[SpecificationFilter, ...] = ()

    @property
    def is_of_category(self) -> bool:
        """Whether only the parts of one category are shown: then their facets have its specifications."""
        return self.category is not None or self.within is not None

    @property
    def cuts_groups(self) -> bool:
        """Whether of the parts of one manufacturer in one category, in stock or not, some may fit and others not."""
        return bool(self.words or self.specifications) or self.min_price is not None or self.max_price is not None


def categories_below(connection: Connection, reference: str) -> list[int]:
    """Return the ids of the category with this id or slug, today or before, and of all below it; empty if there is none."""
    return list(connection.execute(_CATEGORIES_BELOW, {"reference": reference}).scalars())


def choices_of(connection: Connection, filters: PartFilters) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the condition of each filter that has a facet of counts, or `true`, with their parameters."""
    asked = dict.fromkeys(("category", "manufacturer", "in_stock"), "true")
    parameters: dict[str, Any] = {}
    within = filters.within
    if within is None and filters.category is not None:
        within = tuple(categories_below(connection, filters.category))
    if within is not None:
        asked["category"] = "s.category_id = ANY(:categories)"
        parameters["categories"] = list(within)
    if filters.manufacturer is not None:
        asked["manufacturer"] = "s.manufacturer = :manufacturer"
        parameters["manufacturer"] = filters.manufacturer
    if filters.in_stock is not None:
        asked["in_stock"] = "s.in_stock" if filters.in_stock else "NOT s.in_stock"
    return asked, parameters


def sorted_by(sort: str) -> str | None:
    """Return the name of the specification that a list is sorted by, if it is."""
    name = sort.removeprefix("-").removeprefix("spec.")
    return name if sort.removeprefix("-").startswith("spec.") else None


def looked_at(filters: PartFilters, sort: str) -> tuple[str, ...]:
    """Return the generations that a page depends on: those of what it looks at, in the categories that it shows."""
    facets = {ListFacet.MEMBERS, *_of_filters(filters)}
    if not filters.words and sort in {"name", "-name", "relevance"}:
        facets.add(ListFacet.NAME)
    if sort in {"price", "-price"}:
        facets.add(ListFacet.PRICE)
    if sorted_by(sort) is not None:
        facets.add(ListFacet.SPECIFICATIONS)
    found = [generation for facet in sorted(facets) for generation in cache_keys.looked_at(facet, filters.within)]
    # Which specifications are meant follows from what any part says.
    if searches.beside(filters.words):
        found += cache_keys.looked_at(ListFacet.SPECIFICATIONS)
    return tuple(dict.fromkeys(found))


def looked_at_by_facets(filters: PartFilters) -> tuple[str, ...]:
    """Return the generations that facets depend on. Categories, and whatever narrows them, are counted in the whole shop."""
    everywhere = {ListFacet.CATEGORIES, ListFacet.MEMBERS, *_of_filters(filters)}
    within = {ListFacet.MANUFACTURER, ListFacet.AVAILABILITY, ListFacet.PRICE}
    if searches.beside(filters.words):
        everywhere.add(ListFacet.SPECIFICATIONS)
    if filters.is_of_category:
        within.add(ListFacet.SPECIFICATIONS)
    return tuple(
        generation
        for facets, places in ((everywhere, None), (within - everywhere, filters.within))
        for facet in sorted(facets) for generation in cache_keys.looked_at(facet, places)
    )  # fmt: skip


def _of_filters(filters: PartFilters) -> set[ListFacet]:
    is_looked_at = {
        # Names included.
        ListFacet.WORDS: bool(filters.words),
        ListFacet.MANUFACTURER: filters.manufacturer is not None,
        ListFacet.AVAILABILITY: filters.in_stock is not None,
        ListFacet.PRICE: filters.min_price is not None or filters.max_price is not None,
        ListFacet.SPECIFICATIONS: bool(filters.specifications),
        # The one in which most parts have a price is taken.
        ListFacet.CURRENCIES: filters.currency is None,
    }
    return {facet for facet, applies in is_looked_at.items() if applies}
