"""Which parts a list shows, page by page, and its facets: read from `part_search`, one narrow row per part.

A page is taken from the order's own index if its words are common and enough of its first rows match (`WALK`); else the hits are
collected by the indexes of the words and filters, and sorted. So neither a rare word nor a very common one reads the whole
catalog in order, whatever the planner thinks.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import takewhile
from typing import Any

from sqlalchemy import Connection, Row, text

from app.contract import cache_keys
from app.contract.events import ListFacet
from app.domain.facets import MAX_MANUFACTURERS, composed, specification_facets
from app.domain.measures import SpecificationFilter
from app.domain.search import BY_VALUE, Typed
from app.store import facet_counts, search, specifications
from app.store.currencies import written
from app.store.database import as_tuples, parsed
from app.store.paging import Order, Position, cut
from app.store.search import Meant, Wanted
from app.store.specifications import NOTHING_SAID, Fitting, Saying
from app.store.units import unit_of

# How many rows of an order are walked before the hits are collected: a few milliseconds, wasted if a word is rare. No more than a
# part of the hits that there may be, so that little is wasted beside what it takes to collect these, unless a single word is so
# common that so many rows are likely to have enough; for a word that is probably rare only if the hits may be very many.
WALK, WALK_OF_HITS = 2000, 0.05
# So few parts within bounds of the price are all looked at, beside a common word.
FEW = 500
# The hits of the rarest word are looked up if they are at most so many times as many as the parts that say what was typed: to
# read one and see that it is none of these takes less than to check the words on it. By a few plans, not tuned.
SAID_BY_WORDS = 3
# The place, from 0, of the hit in a sample up to which names are taken first: hundreds of hits are likely to precede it.
BEGUN = 1
# Suggestions for common words are taken from so many parts at least, and less than twice as many. If numbers that begin as it was
# typed are a crowd, only those of these parts count.
LOOKED_AT, CROWD = 512, 200

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
_TREE = text("SELECT id, slug, name, parent_id FROM categories ORDER BY search_order(name), id")
# How many of all hits are among some of the parts.
_OF_SOME = f", count(s.mark) FILTER (WHERE {search.SOME[1]}) OVER () AS of_some"
_NOT_KNOWN = "s.part_id <> ALL(CAST(:known AS int[]))"
_BY_NAME = Order("s.sort_key", "text")
# Two index lookups.
_KNOWN = "SELECT min(currency) AS first, max(currency) AS last FROM part_current_prices"
_CURRENCIES = text(_KNOWN)
_ASKED = text(f"SELECT * FROM ({_KNOWN}) known LEFT JOIN {search.READING} ON true")  # noqa: S608 — constant text
_COMMONEST = text("SELECT currency FROM part_current_prices GROUP BY currency ORDER BY count(*) DESC, currency LIMIT 1")
_PRICED_ROWS = """
    (SELECT s.*, c.amount AS price FROM part_search s
     LEFT JOIN part_current_prices c ON c.part_id = s.part_id AND c.currency = CAST(:currency AS text)) s"""


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


@dataclass(frozen=True, slots=True)
class Found:
    """One page of ids, where the next one begins, what the words were taken to mean if nothing holds them as typed, and the
    currency of the prices that were looked at, None if there are none."""

    ids: list[int]
    next: Position | None
    meant: Meant
    currency: str | None


@dataclass(frozen=True, slots=True)
class Tier:
    """Rows that come together in a list, before those of the next tier; `mark` begins their sort keys. `range` is a condition
    that an index serves, `condition` what else they match. A range of few rows is not worth a walk; in one that is not indexed, a
    walk might pass by all parts. The rows of an ordered range are read in the tier's order by one and the same index. `left` is
    all that is left to check on rows that are in none of the tiers before. An `own` tier shows only parts whose own texts, not
    just their descriptions, have the words. The rows of a tier `by_words` are found by the words, and its range is checked on
    them."""

    mark: str
    order: Order
    range: str = "true"
    condition: str = "true"
    is_walked: bool = True
    is_ordered: bool = False
    left: str = "true"
    own: bool = False
    is_indexed: bool = True
    by_words: bool = False

    def goes_with(self, other: "Tier") -> bool:
        """Whether both are collected from the same hits."""
        return self.is_walked and other.is_walked and (self.order, self.range, self.own) == (other.order, other.range, other.own)


SORTS: dict[str, tuple[Tier, ...]] = {
    "name": (Tier("0", _BY_NAME),),
    "-name": (Tier("0", Order("s.sort_key", "text", descending=True)),),
    "newest": (Tier("0", Order("s.created_at", "timestamptz", descending=True)),),
}


@dataclass(frozen=True, slots=True)
class Prices:
    """Where the prices in one currency are looked up: the rows of parts, called `s`, and the expression of the price.

    If the shop has only one currency, the price that each part shows is the price in it, and is indexed together with the other
    columns that lists use. With several, the prices in each are in `part_current_prices`.
    """

    currency: str | None
    rows: str = "part_search s"
    amount: str = "s.amount"

    def tiers(self, sort: str, *, is_bounded: bool) -> tuple[Tier, ...]:
        """Return the order of prices. Parts without a price come last in either direction; a list with bounds of the price has
        none."""
        descending = sort == "-price"
        priced = Tier("0", Order(self.amount, "numeric", descending), f"{self.amount} IS NOT NULL")
        if is_bounded:
            return (priced,)
        # Parts without a price in this currency, but perhaps in another, are in no index of their own.
        is_indexed = self.amount == "s.amount"
        return priced, Tier("1", Order("s.part_id", "int", descending), f"{self.amount} IS NULL", is_indexed=is_indexed)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a list but for what its words mean: the filters, with the keys of what parts have to say, and the order,
    with those that come first because of what they say."""

    filters: PartFilters
    sort: str
    prices: Prices
    fits: Sequence[Fitting]
    said: Saying


@dataclass(frozen=True, slots=True)
class Question:
    """The rows that a list is taken from; the conditions they must match: those of the words, for tiers that are `own` and for
    the others, and the rest; and the tiers in which rows are shown."""

    rows: str
    words: Wanted
    own: Wanted
    others: Sequence[str]
    parameters: Mapping[str, Any]
    tiers: Sequence[Tier]
    # The condition of walked tiers that a part is in none of the others, which come before.
    apart: str = "true"
    # Parts that fit specifications would be walked for in vain, unless there are common words as well. Words are checked on parts
    # if these are few.
    is_walked: bool = True
    is_few: bool = False

    def of(self, tier: Tier) -> Wanted:
        """Return the conditions of the words for a tier."""
        return self.own if tier.own else self.words


def categories_below(connection: Connection, reference: str) -> list[int]:
    """Return the ids of the category with this id or slug, today or before, and of all below it; empty if there is none."""
    return list(connection.execute(_CATEGORIES_BELOW, {"reference": reference}).scalars())


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
    if specifications.beside(filters.words):
        found += cache_keys.looked_at(ListFacet.SPECIFICATIONS)
    return tuple(dict.fromkeys(found))


def looked_at_by_facets(filters: PartFilters) -> tuple[str, ...]:
    """Return the generations that facets depend on. Categories, and whatever narrows them, are counted in the whole shop."""
    everywhere = {ListFacet.CATEGORIES, ListFacet.MEMBERS, *_of_filters(filters)}
    within = {ListFacet.MANUFACTURER, ListFacet.AVAILABILITY, ListFacet.PRICE}
    if specifications.beside(filters.words):
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


def sorted_by(sort: str) -> str | None:
    """Return the name of the specification that a list is sorted by, if it is."""
    name = sort.removeprefix("-").removeprefix("spec.")
    return name if sort.removeprefix("-").startswith("spec.") else None


def list_part_ids(connection: Connection, filters: PartFilters, sort: str, after: Position | None, limit: int) -> Found:
    """Return one page of published parts. Later pages keep the meaning that the first one gave the words.

    Raises:
        InvalidFieldError: if a bound of a specification cannot be compared with what the shop says.
    """
    meant = after.meant if after else ()
    typed, prices = _read(connection, filters)
    is_said = sort == "relevance" or BY_VALUE in meant
    said = specifications.said(connection, filters.words) if is_said else NOTHING_SAID
    asked = Asked(filters, sort, prices, _fitting(connection, filters, sort), said)
    rows, unmet = _rows(connection, *_taken(connection, asked, typed, meant), after, limit)
    if not rows and after is None:
        asked = asked if is_said else replace(asked, said=specifications.said(connection, filters.words))
        if meant := _other_meaning(connection, asked, typed, unmet):
            rows, _unmet = _rows(connection, *_taken(connection, asked, typed, meant), None, limit)
    shown, following = cut(rows, limit)
    position = following and Position(following.key, following.id, meant)
    return Found([row.id for row in shown], position, meant, prices.currency)


def suggested(connection: Connection, filters: PartFilters, limit: int) -> Found:
    """Return the first parts of a list by relevance; if it has many, the best among some of them.

    Which these are follows from the parts alone, so that the same question has the same answer until they change.
    """
    meant: Meant = ()
    typed = search.read(connection, filters.words)
    asked = Asked(filters, "relevance", Prices(None), [], specifications.said(connection, filters.words))
    rows, unmet = _suggested_rows(connection, asked, typed, limit)
    if not rows and asked.said.parts:
        meant = (BY_VALUE,) * len(typed.words)
        rows, _unmet = _suggested_rows(connection, *_taken(connection, asked, typed, meant), limit)
    if not rows and (meant := search.meaning(connection, typed, unmet=unmet)):
        rows, _unmet = _suggested_rows(connection, *_taken(connection, asked, typed, meant), limit)
    return Found([row.id for row in rows[:limit]], None, meant, None)


def _suggested_rows(connection: Connection, asked: Asked, typed: Typed, limit: int) -> tuple[Sequence[Row[Any]], Wanted | None]:
    """Return the rows, and the conditions if no part meets even those that are looked up in the index."""
    question = _question(connection, asked, typed)
    parameters = {**question.parameters, "wanted": limit, "least": LOOKED_AT, "crowd": CROWD}
    # All parts are asked first if some are too few to have that many of a rare word; they tell whether these have.
    is_rare = 2 * LOOKED_AT * question.words.share < limit
    asked_of = [
        _best(question, search.SOME[0], question.words.on_rows(), _OF_SOME),
        _best(question, "true", question.words, _OF_SOME),
    ]
    rows = connection.execute(parsed(asked_of[is_rare]), parameters).all()
    is_enough = bool(rows) and rows[0].of_some >= limit
    if is_enough is is_rare:
        rows = connection.execute(parsed(asked_of[not is_rare]), parameters).all()
    if not is_enough:
        return [row for row in rows if row.sort_key is not None], None if rows else question.words
    # Whoever types a number, or how a name begins, means that one, however common the words are.
    last = _mark(rows[-1].sort_key)
    begun = [tier for tier in question.tiers if tier.is_ordered or (tier.mark < last and not tier.is_walked)]
    each = " UNION ALL ".join(f"({_at_most(question, tier)})" for tier in begun)
    found = connection.execute(parsed(each), parameters).all() if begun else []
    number = Counter(_mark(row.sort_key) for row in found)
    by_id = {row.id: row for row in (*rows, *(row for row in found if number[_mark(row.sort_key)] < CROWD))}
    return sorted(by_id.values(), key=lambda row: (row.sort_key, row.id)), None


def _mark(sort_key: str) -> str:
    """Return the mark of a tier that a sort key begins with."""
    return search.SAID if sort_key.startswith(search.SAID) else sort_key[:1]


def _read(connection: Connection, filters: PartFilters) -> tuple[Typed, Prices]:
    """Return what was typed, as the database reads it, and the prices that are looked at, in one round trip."""
    if not filters.words:
        return search.as_read((), ()), prices_in(connection, filters.currency, connection.execute(_CURRENCIES).one())
    rows = connection.execute(_ASKED, search.asked(filters.words)).all()
    words = [row for row in rows if row.word is not None]
    return search.as_read(filters.words, words, search.shares(connection)), prices_in(connection, filters.currency, rows[0])


def _fitting(connection: Connection, filters: PartFilters, sort: str = "") -> list[Fitting]:
    is_asked = filters.specifications or sorted_by(sort) is not None
    return specifications.fitting(connection, filters.specifications) if is_asked else []


def prices_in(connection: Connection, currency: str | None, known: Row[Any]) -> Prices:
    """Return the prices in a currency; None means the only one there is, or else the one in which most parts have a price."""
    if known.first == known.last and currency in {None, known.first}:
        return Prices(known.first)
    return Prices(currency or connection.execute(_COMMONEST).scalar_one(), _PRICED_ROWS, "s.price")


def _taken(connection: Connection, asked: Asked, typed: Typed, meant: Meant) -> tuple[Asked, Typed]:
    """Return what is asked of a list, and what was typed, with its words taken for others, or by value."""
    if BY_VALUE not in meant:
        return asked, search.taken(connection, typed, meant)
    others = replace(search.read(connection, asked.said.others), among=asked.said.ids)
    # Without other words, none is more to the point than another.
    sort = "name" if asked.sort == "relevance" and not others.words else asked.sort
    return replace(asked, sort=sort, said=NOTHING_SAID), others


def _other_meaning(connection: Connection, asked: Asked, typed: Typed, unmet: Wanted | None) -> Meant:
    """Return what the words of an empty list may have been meant as; empty if it is the other filters that leave nothing, since
    some part has the words as typed."""
    filters = asked.filters
    is_narrowed = filters != PartFilters(words=filters.words, currency=filters.currency)
    if is_narrowed and search.is_found(connection, typed):
        return ()
    return _by_value(connection, asked, typed) or search.meaning(connection, typed, unmet=unmet)


def _by_value(connection: Connection, asked: Asked, typed: Typed) -> Meant:
    """Return that the words are taken by value, if some part says what they do and has the others; else nothing."""
    meant = (BY_VALUE,) * len(typed.words)
    return meant if asked.said.parts and search.is_found(connection, _taken(connection, asked, typed, meant)[1]) else ()


def load_facets(connection: Connection, filters: PartFilters) -> dict[str, Any]:
    """Return the facets of a list, each counted with all filters but its own.

    Raises:
        InvalidFieldError: if a bound of a specification cannot be compared with what the shop says.
    """
    meant: Meant = ()
    typed, prices = _read(connection, filters)
    fits: list[Fitting] = []
    if filters.is_of_category or filters.specifications:
        fits = specifications.fitting(connection, filters.specifications)
    counts = _counts(connection, filters, typed, prices, fits)
    if not counts:
        asked = Asked(filters, "name", prices, fits, specifications.said(connection, filters.words))
        if meant := _by_value(connection, asked, typed) or search.meaning(connection, typed):
            _asked, typed = _taken(connection, asked, typed, meant)
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
    chosen, choices = _choices(connection, filters)
    is_narrowed = filters.words or filters.manufacturer is not None or filters.in_stock is not None
    within, bounds = _price_bounds(filters, prices)
    if not (is_narrowed or within or fits):
        return specifications.counted_before(connection, choices["categories"])
    wanted = search.conditions(typed)
    rows, conditions = prices.rows if within else Prices(None).rows, ["s.is_public", *wanted.found, *within, *chosen.values()]
    if not (is_narrowed or within):
        rows, conditions = specifications.PUBLIC_ROWS, [chosen["category"]]
    parameters = wanted.parameters | bounds | choices | {"currency": prices.currency}
    return specifications.counted(connection, rows, conditions, parameters, fits)


def _counts(connection: Connection, filters: PartFilters, typed: Typed, prices: Prices, fits: Sequence[Fitting]) -> Sequence[Any]:
    """Return the counts of each facet; nothing at all if no published part holds the words."""
    wanted = search.conditions(typed)
    rows, narrowed = prices.rows, []
    if fits and filters.words:
        # The groups say whether any part holds the words, whatever else is asked.
        narrowed = [specifications.FITS]
    elif fits:
        rows = specifications.FITTING_ROWS.format(rows=rows)
    within, bounds = _price_bounds(filters, prices)
    chosen, choices = _choices(connection, filters)
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
    parameters = wanted.parameters | bounds | choices | {"fits": specifications.keys_of(fits), "currency": prices.currency}
    return as_tuples(connection.execute(statement, parameters))


def _choices(connection: Connection, filters: PartFilters) -> tuple[dict[str, str], dict[str, Any]]:
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


def _rows(
    connection: Connection, asked: Asked, typed: Typed, after: Position | None, limit: int
) -> tuple[list[Row[Any]], Wanted | None]:
    """Return the rows of a page, and the conditions if it is known that no part meets even those which an index looks up."""
    question = _question(connection, asked, typed)
    rows: list[Row[Any]] = []
    unmet = None
    mark = _mark(after.key) if after else ""
    tiers = [tier for tier in question.tiers if tier.mark >= mark]
    while tiers and len(rows) <= limit:
        here = Position(after.key[len(mark) :], after.id) if after and tiers[0].mark == mark else None
        found, done = _tier_rows(connection, question, tiers, here, limit + 1 - len(rows))
        if not after and not tiers[0].is_walked:
            # If the page goes on, all that these tiers have is known: the others need not look for it.
            known = {**question.parameters, "known": [row.id for row in found]}
            question = replace(question, apart=_NOT_KNOWN if found else "true", parameters=known)
        # Own words and others are only looked for together by `_best`.
        if tiers[0].own and done == len(tiers) and not (found or question.others):
            unmet = question.words
        rows += [row for row in found if row.sort_key is not None]
        del tiers[:done]
    return rows, unmet


def _question(connection: Connection, asked: Asked, typed: Typed) -> Question:
    filters, sort, prices, fits = asked.filters, asked.sort, asked.prices, asked.fits
    words = search.conditions(typed)
    within, bounds = _price_bounds(filters, prices)
    chosen, choices = _choices(connection, filters)
    others = [*within, *(condition for condition in chosen.values() if condition != "true")]
    parameters = words.parameters | bounds | choices | {"fits": specifications.keys_of(fits), "currency": prices.currency}
    by_price = sort in {"price", "-price"}
    rows = prices.rows if within or by_price else Prices(None).rows
    are_few_priced = bool(within) and words.is_frequent and _are_few(connection, prices, within, parameters)
    if are_few_priced:
        words = words.on_rows()
    # Few parts are read by their ids, however common the words are; many are narrowed to the words first.
    is_few = bool(filters.words) and specifications.are_few(connection, fits)
    is_read = bool(fits) and (is_few or not filters.words)
    is_walked = not is_read and not are_few_priced
    if is_read:
        rows = specifications.FITTING_ROWS.format(rows=rows)
    elif fits:
        others.append(specifications.FITS)
    if (name := sorted_by(sort)) is not None:
        conditions = " AND ".join(["s.is_public", *(words.checked if is_few else words.found), *others])
        placed = specifications.PLACED_ROWS.format(rows=rows, conditions=conditions)
        nothing = Wanted([], [], {})
        return Question(placed, nothing, nothing, (), parameters | {"sorted_by": name}, _by_specification(sort))
    if by_price:
        by_amount = prices.tiers(sort, is_bounded=bool(within))
        return Question(rows, words, words, others, parameters, by_amount, is_walked=is_walked, is_few=is_few)
    if sort != "relevance":
        return Question(rows, words, words, others, parameters, SORTS[sort], is_walked=is_walked, is_few=is_few)
    by_relevance, apart, own = search.tiers(typed, search.among("said") if asked.said.parts else None)
    parameters["said"] = asked.said.ids
    own = own.on_rows() if are_few_priced else own
    # The words are looked up if that takes less than to check them on all parts that say it.
    by_words = not is_few and words.most < SAID_BY_WORDS * asked.said.parts
    # The tiers of numbers are found by their index; no order begins with them that could be walked. Names that begin with what
    # was typed stand together in theirs.
    tiers = [
        Tier(one.mark, _BY_NAME, one.range, one.condition, one.mark > search.SAID, one.mark == "2", one.left, one.is_own)
        for one in by_relevance
    ]
    tiers = [replace(one, range=one.left, by_words=True) if by_words and one.mark == search.SAID else one for one in tiers]
    return Question(rows, words, own, others, parameters | own.parameters, tiers, apart, is_walked, is_few)


def _are_few(connection: Connection, prices: Prices, within: Sequence[str], parameters: Mapping[str, Any]) -> bool:
    """Whether few parts have a price within the bounds, if an index says so. The planner, which takes any word for a rare one,
    would collect the hits of a common one as well."""
    if prices.amount != Prices(None).amount:
        return False
    priced = f"SELECT FROM {prices.rows} WHERE s.is_public AND {' AND '.join(within)} LIMIT :few"
    statement = parsed(f"SELECT count(*) < :few FROM ({priced}) found")  # noqa: S608 — put together from constants; every value is a parameter
    return bool(connection.execute(statement, {**parameters, "few": FEW}).scalar_one())


def _by_specification(sort: str) -> tuple[Tier, ...]:
    """Return the order of what parts say of a specification: numbers before words; parts that do not say it come last, in either
    direction, by their names."""
    said = Tier("0", Order("s.place", "text", descending=sort.startswith("-")), "s.place IS NOT NULL", is_indexed=False)
    return said, Tier("1", _BY_NAME, "s.place IS NULL", is_indexed=False)


def _price_bounds(filters: PartFilters, prices: Prices) -> tuple[list[str], dict[str, Any]]:
    bounds = {"min_price": (">=", filters.min_price), "max_price": ("<=", filters.max_price)}
    used = {name: bound for name, bound in bounds.items() if bound[1] is not None}
    conditions = [f"{prices.amount} {comparison} CAST(:{name} AS numeric)" for name, (comparison, _value) in used.items()]
    return conditions, {name: value for name, (_comparison, value) in used.items()}


def _tier_rows(
    connection: Connection, question: Question, tiers: Sequence[Tier], after: Position | None, wanted: int
) -> tuple[Sequence[Row[Any]], int]:
    """Return rows of the first of the tiers, or of more if they are collected together, and of how many tiers there are no more,
    or more than were wanted."""
    tier, words = tiers[0], question.of(tiers[0])
    is_likely = len(words.checked) == 1 and wanted <= WALK * words.share
    walk = WALK if is_likely else min(WALK, WALK_OF_HITS * words.most)
    parameters = {**question.parameters, "wanted": wanted, "walk": int(walk)}
    if after:
        parameters |= {"after_key": after.key, "after_id": after.id}
    if not tier.is_walked:
        looked_up = list(takewhile(lambda one: not one.is_walked, tiers))
        each = [_collected(question, [one], after if one is tier else None) for one in looked_up]
        rows = connection.execute(parsed(" UNION ALL ".join(f"({one})" for one in each)), parameters).all()
        return sorted(rows, key=lambda row: (row.sort_key, row.id)), len(looked_up)
    least = WALK_OF_HITS * WALK if words.is_frequent else WALK
    if question.is_walked and tier.is_indexed and walk >= least and (words.checked or question.others):
        rows = connection.execute(_walked(question, tier, after), parameters).all()
        if len(rows) == wanted:
            return rows, 1
        if words.is_frequent and not after and tier.order == _BY_NAME and question.rows == Prices(None).rows:
            if not rows and tier.own and not search.are_common(connection, question.words):
                best = _best(replace(question, tiers=tiers), " AND ".join([*question.others, question.apart]), question.words)
                return connection.execute(parsed(best), parameters).all(), len(tiers)
            rows = connection.execute(_begun(question, tier), parameters).all()
            if len(rows) == wanted:
                return rows, 1
    together = [tier] if after else [tier, *takewhile(tier.goes_with, tiers[1:])]
    return connection.execute(parsed(_collected(question, together, after)), parameters).all(), len(together)


def _walked(question: Question, tier: Tier, after: Position | None) -> Any:
    continued, order_by = tier.order.clauses("s.part_id", after)
    words = question.of(tier).checked
    # A rare word would be walked for in vain.
    walk = f"CASE WHEN {search.is_common(words)} THEN :walk ELSE 0 END" if words else ":walk"
    return parsed(f"""
        SELECT s.part_id AS id, '{tier.mark}' || {tier.order.expression} AS sort_key
        FROM (SELECT * FROM {question.rows} WHERE s.is_public AND {tier.range} AND {continued}
              ORDER BY {order_by} LIMIT {walk}) s
        WHERE {" AND ".join([*words, *question.others, question.apart, tier.condition])} ORDER BY {order_by} LIMIT :wanted
    """)  # noqa: S608 — put together from constants; every value is a parameter


def _begun(question: Question, tier: Tier) -> Any:
    """Return the statement that collects a tier's rows among the first names only, up to one of a sample of them."""
    words, left = question.of(tier), ["s.is_public", *question.others, question.apart, tier.condition]
    _continued, order_by = tier.order.clauses("s.part_id", None)
    end = f"""SELECT s.sort_key FROM {search.sampled()} WHERE {" AND ".join([*words.checked, *left])}
              ORDER BY s.sort_key OFFSET {BEGUN} LIMIT 1"""  # noqa: S608 — as below
    # Of a range with two ends the planner expects so few rows that it looks up both in their indexes, the range and the words.
    return parsed(f"""
        SELECT s.part_id AS id, '{tier.mark}' || s.sort_key AS sort_key
        FROM (SELECT * FROM {question.rows}
              WHERE s.sort_key >= '' AND s.sort_key < ({end}) AND {" AND ".join([*words.found, *left])} OFFSET 0) s
        ORDER BY {order_by} LIMIT :wanted
    """)  # noqa: S608 — put together from constants; every value is a parameter


def _best(question: Question, among: str, words: Wanted, also: str = "") -> str:
    """Return the query of the first rows of all tiers, among those of which a condition is true. Rows that have the words which
    are looked up in the index, but not all others, come last, and without a sort key."""
    looked_up, others = words.found[: words.looked_up], words.found[words.looked_up :]
    marks = [f"WHEN NOT ({' AND '.join(others)}) THEN NULL"] if others else []
    # Of the walked tiers, which differ by the words alone, the one that is left if these are not the part's own comes first: then
    # the others need not look for them, and only what is left has its texts looked through for all of it in one piece.
    tiers = sorted(question.tiers, key=lambda tier: tier.is_walked and tier.own)
    marks += [f"WHEN {tier.left} THEN '{tier.mark}'" for tier in tiers]
    return f"""
        SELECT s.part_id AS id, s.mark || s.sort_key AS sort_key{also}
        FROM (SELECT s.part_id, s.sort_key, CASE {" ".join(marks)} END AS mark
              FROM {question.rows} WHERE {among} AND s.is_public AND {" AND ".join(looked_up)} OFFSET 0) s
        ORDER BY s.mark COLLATE "C", s.sort_key, s.part_id LIMIT :wanted
    """  # noqa: S608 — put together from constants; every value is a parameter


def _at_most(question: Question, tier: Tier) -> str:
    """Return the query of a tier's first rows, or of as many as are a crowd if no index says which are the first."""
    rows, end = question.rows, "LIMIT :crowd"
    if tier.is_ordered:
        _continued, order_by = tier.order.clauses("s.part_id", None)
        # Nearly all names that begin so have the words; the planner would sort all of them, expecting few.
        rows = f"(SELECT * FROM {rows} WHERE s.is_public AND {tier.range} ORDER BY {order_by} LIMIT :crowd) s"  # noqa: S608 — as below
        end = f"ORDER BY {order_by} LIMIT :wanted"
    words = question.words.found if tier.by_words else map(search.checked, question.words.checked)
    conditions = ["s.is_public", tier.range, tier.condition, *words]
    return f"SELECT s.part_id AS id, '{tier.mark}' || s.sort_key AS sort_key FROM {rows} WHERE {' AND '.join(conditions)} {end}"  # noqa: S608 — put together from constants; every value is a parameter


def _collected(question: Question, tiers: Sequence[Tier], after: Position | None) -> str:
    tier = tiers[0]
    continued, order_by = tier.order.clauses("s.part_id", after)
    apart = question.apart if tier.is_walked else "true"
    # Then only the range, which has few rows or the order that is wanted, is looked up in an index.
    conditions = [*question.of(tier).found, *question.others]
    if question.is_few or not (tier.is_walked or tier.by_words):
        conditions = [search.checked(one) for one in (*question.of(tier).checked, *question.others)]
    if len(tiers) == 1:
        mark, condition, by_mark = f"'{tier.mark}'", tier.condition, ""
    else:
        marks = " ".join(f"WHEN {one.left} THEN '{one.mark}'" for one in tiers)
        mark, condition, by_mark = f"CASE {marks} END", "true", "s.mark, "
    # OFFSET 0 keeps the planner from walking the order anyway, hoping to find enough matching rows.
    fence = "OFFSET 0" if conditions and not tier.is_ordered else ""
    return f"""
        SELECT s.part_id AS id, s.mark || {tier.order.expression} AS sort_key
        FROM (SELECT *, {mark} AS mark FROM {question.rows}
              WHERE {" AND ".join(["s.is_public", tier.range, apart, condition, continued, *conditions])} {fence}) s
        WHERE s.mark IS NOT NULL ORDER BY {by_mark}{order_by} LIMIT :wanted
    """  # noqa: S608 — put together from constants; every value is a parameter
