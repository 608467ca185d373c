"""The facets of a list, each counted with all filters but its own."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from app.domain.facets import MAX_MANUFACTURERS, composed, specification_facets
from app.domain.search import Typed
from app.store import facet_counts, search
from app.store.currencies import written
from app.store.database import as_tuples, parsed
from app.store.listing.filters import PartFilters, choices_of
from app.store.listing.meanings import by_value, taken
from app.store.listing.questions import Asked, Prices, price_bounds, read
from app.store.search import Meant
from app.store.specifications import searches
from app.store.specifications.counts import PUBLIC_ROWS, counted, counted_before
from app.store.specifications.fits import FITS, FITTING_ROWS, Fitting, keys_of, keys_that_fit
from app.store.units import unit_of

_TREE = text("SELECT id, slug, name, parent_id FROM categories ORDER BY search_order(name), id")


def load_facets(connection: Connection, filters: PartFilters) -> dict[str, Any]:
    """Return the facets of a list, each counted with all filters but its own.

    Raises:
        InvalidFieldError: if a bound of a specification cannot be compared with what the shop says.
    """
    meant: Meant = ()
    typed, prices = read(connection, filters)
    fits: list[Fitting] = []
    if filters.is_of_category or filters.specifications:
        fits = keys_that_fit(connection, filters.specifications)
    counts = _counts(connection, filters, typed, prices, fits)
    if not counts:
        asked = Asked(filters, "name", prices, fits, searches.said(connection, filters.words))
        if meant := by_value(connection, asked, typed) or search.meaning(connection, typed):
            _asked, typed = taken(connection, asked, typed, meant)
            counts = _counts(connection, filters, typed, prices, fits)
    tree = as_tuples(connection.execute(_TREE)) if counts else []
    facets = composed(counts, tree)
    ends = {end: written(Decimal(amount), prices.currency or "") for end, amount in (facets["price"] or {}).items()}
    said = _counts_of_specifications(connection, filters, typed, prices, fits) if filters.is_of_category else ()
    return facets | {
        "specifications": specification_facets(said, unit_of),
        "price": ends or None,
        "currency": prices.currency,
        "match": search.match_of(meant),
    }


def _counts_of_specifications(
    connection: Connection, filters: PartFilters, typed: Typed, prices: Prices, fits: Sequence[Fitting]
) -> Sequence[Any]:
    """Return what the parts of a list say in their specifications, counted."""
    chosen, choices = choices_of(connection, filters)
    is_narrowed = filters.words or filters.manufacturer is not None or filters.in_stock is not None
    within, bounds = price_bounds(filters, prices)
    if not (is_narrowed or within or fits):
        return counted_before(connection, choices["categories"])
    wanted = search.conditions(typed)
    rows, conditions = prices.rows if within else Prices(None).rows, ["s.is_public", *wanted.found, *within, *chosen.values()]
    if not (is_narrowed or within):
        rows, conditions = PUBLIC_ROWS, [chosen["category"]]
    parameters = wanted.parameters | bounds | choices | {"currency": prices.currency}
    return counted(connection, rows, conditions, parameters, fits)


def _counts(connection: Connection, filters: PartFilters, typed: Typed, prices: Prices, fits: Sequence[Fitting]) -> Sequence[Any]:
    """Return the counts of each facet; nothing at all if no published part holds the words."""
    wanted = search.conditions(typed)
    rows, narrowed = prices.rows, []
    if fits and filters.words:
        # The groups say whether any part holds the words, whatever else is asked.
        narrowed = [FITS]
    elif fits:
        rows = FITTING_ROWS.format(rows=rows)
    within, bounds = price_bounds(filters, prices)
    chosen, choices = choices_of(connection, filters)
    counted = " AND ".join([*within, *narrowed]) or "true"
    both = f"min({prices.amount}) AS low, max({prices.amount}) AS high"
    if filters.words or fits:
        left = " AND ".join(narrowed) or "true"
        group = ", " + both.replace(") AS", f") FILTER (WHERE {left}) AS")
        ends = f"SELECT min(s.low) AS low, max(s.high) AS high FROM groups s WHERE {' AND '.join(chosen.values())}"  # noqa: S608 — as below
    else:
        # Of the whole shop, more time would go into comparing the prices of each group than into counting.
        group, narrower = "", [condition for condition in chosen.values() if condition != "true"]
        # Beside a count, the planner does not seek the ends in the order of prices, passing by all that the filters leave out.
        beside = "count(*), " if narrower else ""
        ends = f"SELECT {beside}{both} FROM {rows} WHERE {' AND '.join(['s.is_public', *narrower])}"  # noqa: S608 — as below
    groups = f"""
        SELECT s.category_id, s.manufacturer, s.in_stock, count(*) FILTER (WHERE {counted}) AS count{group}
        FROM {rows} WHERE {" AND ".join(["s.is_public", *wanted.found])} GROUP BY s.category_id, s.manufacturer, s.in_stock"""  # noqa: S608 — as below
    if not filters.cuts_groups:
        groups = facet_counts.GROUPS
        if filters.is_of_category and prices.amount == Prices(None).amount:
            ends = facet_counts.ENDS.format(conditions=" AND ".join(chosen.values()))
    statement = parsed(f"""
        WITH groups AS MATERIALIZED ({groups}), ends AS ({ends})
        SELECT 'category' AS facet, s.category_id::text AS value, sum(s.count)::int AS count, NULL AS low, NULL AS high
        FROM groups s WHERE {chosen["manufacturer"]} AND {chosen["in_stock"]} GROUP BY s.category_id
        UNION ALL (SELECT 'manufacturer', s.manufacturer, sum(s.count)::int, NULL, NULL
                   FROM groups s WHERE s.manufacturer IS NOT NULL AND {chosen["category"]} AND {chosen["in_stock"]}
                   GROUP BY s.manufacturer HAVING sum(s.count) > 0
                   ORDER BY sum(s.count) DESC, search_order(s.manufacturer), s.manufacturer COLLATE "C"
                   LIMIT {MAX_MANUFACTURERS})
        UNION ALL SELECT 'in_stock', s.in_stock::text, sum(s.count)::int, NULL, NULL
        FROM groups s WHERE {chosen["category"]} AND {chosen["manufacturer"]} GROUP BY s.in_stock
        UNION ALL SELECT 'total', NULL, COALESCE(sum(s.count), 0)::int,
                         (SELECT low::text FROM ends), (SELECT high::text FROM ends)
        FROM groups s WHERE {" AND ".join(chosen.values())} HAVING EXISTS (SELECT FROM groups)
    """)  # noqa: S608 — put together from constants; every value is a parameter
    parameters = wanted.parameters | bounds | choices | {"fits": keys_of(fits), "currency": prices.currency}
    return as_tuples(connection.execute(statement, parameters))
