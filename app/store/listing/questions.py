"""A list's question to `part_search`: the rows that it is taken from, their conditions, and the tiers in which they are shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, text

from app.domain.search import Typed
from app.store import search
from app.store.database import parsed
from app.store.listing.filters import PartFilters, choices_of, sorted_by
from app.store.paging import Order
from app.store.search import Wanted, reading
from app.store.specifications.fits import FITS, FITTING_ROWS, Fitting, are_few, keys_of, keys_that_fit
from app.store.specifications.orders import PLACED_ROWS, SAYING_ROWS
from app.store.specifications.searches import Saying

# So few parts within bounds of the price are all looked at, beside a common word.
FEW = 500
# The hits of the rarest word are looked up if they are at most so many times as many as the parts that say what was typed: to
# read one and see that it is none of these takes less than to check the words on it. By a few plans, not tuned.
SAID_BY_WORDS = 3
BY_NAME = Order("s.sort_key", "text")
# Two index lookups.
_KNOWN = "SELECT min(currency) AS first, max(currency) AS last FROM part_current_prices"
_CURRENCIES = text(_KNOWN)
_ASKED = text(f"SELECT * FROM ({_KNOWN}) known LEFT JOIN {search.READING} ON true")  # noqa: S608 — constant text
_COMMONEST = text("SELECT currency FROM part_current_prices GROUP BY currency ORDER BY count(*) DESC, currency LIMIT 1")
_PRICED_ROWS = """
    (SELECT s.*, c.amount AS price FROM part_search s
     LEFT JOIN part_current_prices c ON c.part_id = s.part_id AND c.currency = CAST(:currency AS text)) s"""


@dataclass(frozen=True, slots=True)
class Tier:
    """Rows that come together in a list, before those of the next tier; `mark` begins their sort keys. `range` is a condition
    that an index serves, `condition` what else they match. A range of few rows is not worth a walk; in one that is not indexed, a
    walk might pass by all parts. The rows of an ordered range are read in the tier's order by one and the same index. `left` is
    all that is left to check on rows that are in none of the tiers before. An `own` tier shows only parts whose own texts, not
    just their descriptions, have the words. The rows of a tier `by_words` are found by the words, and its range is checked on
    them. `rows` are its own, if it has other ones than the question."""

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
    rows: str = ""

    def goes_with(self, other: "Tier") -> bool:
        """Whether both are collected from the same hits."""
        return self.is_walked and other.is_walked and (self.order, self.range, self.own) == (other.order, other.range, other.own)


SORTS: dict[str, tuple[Tier, ...]] = {
    "name": (Tier("0", BY_NAME),),
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


def read(connection: Connection, filters: PartFilters) -> tuple[Typed, Prices]:
    """Return what was typed, as the database reads it, and the prices that are looked at, in one round trip."""
    if not filters.words:
        return search.as_read((), ()), prices_in(connection, filters.currency, connection.execute(_CURRENCIES).one())
    rows = connection.execute(_ASKED, search.asked(filters.words)).all()
    words = [row for row in rows if row.word is not None]
    return search.as_read(filters.words, words, reading.shares(connection)), prices_in(connection, filters.currency, rows[0])


def prices_in(connection: Connection, currency: str | None, known: Row[Any]) -> Prices:
    """Return the prices in a currency; None means the only one there is, or else the one in which most parts have a price."""
    if known.first == known.last and currency in {None, known.first}:
        return Prices(known.first)
    return Prices(currency or connection.execute(_COMMONEST).scalar_one(), _PRICED_ROWS, "s.price")


def fitting(connection: Connection, filters: PartFilters, sort: str = "") -> list[Fitting]:
    """Return what parts have to say to fit the filters by specifications, if a list is narrowed or sorted by any."""
    is_asked = filters.specifications or sorted_by(sort) is not None
    return keys_that_fit(connection, filters.specifications) if is_asked else []


def question_of(connection: Connection, asked: Asked, typed: Typed) -> Question:
    """Return what is asked as a question to the rows of parts."""
    filters, sort, prices, fits = asked.filters, asked.sort, asked.prices, asked.fits
    words = search.conditions(typed)
    within, bounds = price_bounds(filters, prices)
    chosen, choices = choices_of(connection, filters)
    others = [*within, *(condition for condition in chosen.values() if condition != "true")]
    parameters = words.parameters | bounds | choices | {"fits": keys_of(fits), "currency": prices.currency}
    by_price = sort in {"price", "-price"}
    rows = prices.rows if within or by_price else Prices(None).rows
    are_few_priced = bool(within) and words.is_frequent and _are_few(connection, prices, within, parameters)
    if are_few_priced:
        words = words.on_rows()
    # Few parts are read by their ids, however common the words are; many are narrowed to the words first.
    is_few = bool(filters.words) and are_few(connection, fits)
    is_read = bool(fits) and (is_few or not filters.words)
    is_walked = not is_read and not are_few_priced
    if is_read:
        rows = FITTING_ROWS.format(rows=rows)
    elif fits:
        others.append(FITS)
    if (name := sorted_by(sort)) is not None:
        conditions = " AND ".join(["s.is_public", *(words.checked if is_few else words.found), *others])
        saying, placed = (each.format(rows=rows, conditions=conditions) for each in (SAYING_ROWS, PLACED_ROWS))
        nothing = Wanted([], [], {})
        return Question(placed, nothing, nothing, (), parameters | {"sorted_by": name}, _by_specification(sort, saying))
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
        Tier(one.mark, BY_NAME, one.range, one.condition, not one.is_rare, one.mark == "2", one.left, one.is_own)
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


def _by_specification(sort: str, saying: str) -> tuple[Tier, ...]:
    """Return the order of what parts say of a specification: numbers before words; parts that do not say it come last, in either
    direction, by their names."""
    said = Tier("0", Order("s.place", "text", descending=sort.startswith("-")), is_indexed=False, rows=saying)
    return said, Tier("1", BY_NAME, "s.place IS NULL", is_indexed=False)


def price_bounds(filters: PartFilters, prices: Prices) -> tuple[list[str], dict[str, Any]]:
    """Return the conditions of the bounds of the price, with their parameters."""
    bounds = {"min_price": (">=", filters.min_price), "max_price": ("<=", filters.max_price)}
    used = {name: bound for name, bound in bounds.items() if bound[1] is not None}
    conditions = [f"{prices.amount} {comparison} CAST(:{name} AS numeric)" for name, (comparison, _value) in used.items()]
    return conditions, {name: value for name, (_comparison, value) in used.items()}
