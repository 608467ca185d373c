"""Where rows of a catalog file differ from the shop. Comparing locks the parts and writes nothing."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app.domain.imports.merging import merged_columns, merged_specifications, merged_stock, with_base_price
from app.domain.imports.rows import ImportRow
from app.domain.pricing import PriceLine, same_list
from app.domain.stock import Stock
from app.services.imports.places import Places, hold
from app.store import content, prices, stock
from app.store.content import Content
from app.store.imports import bulk
from app.store.locks import lock_parts, lock_stocks
from app.store.transaction import UnitOfWork


@dataclass(slots=True)
class ImportReport:
    """What an import did, counted in parts. `unchanged` ones were left alone."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0

    def add(self, other: "ImportReport") -> None:
        """Add the counts of another chunk of the same import."""
        self.created += other.created
        self.changed += other.changed
        self.unchanged += other.unchanged


class ContentChange(NamedTuple):
    """A part's present content, and the row that changes it; `specifications` only if they change."""

    row: ImportRow
    present: Content
    specifications: list[dict[str, Any]] | None


class StockChange(NamedTuple):
    """A part's stock before and after."""

    row_id: int
    before: Stock
    after: Stock


class PriceChange(NamedTuple):
    """A part's price list before and after."""

    before: list[PriceLine]
    after: list[PriceLine]


@dataclass(frozen=True, slots=True)
class Difference:
    """Where rows differ from the shop: the rows of new parts, and by part each aspect that changes."""

    new: Sequence[ImportRow]
    # How many of the rows' parts already exist, archived ones included.
    known: int
    places: Places
    contents: dict[int, ContentChange] = field(default_factory=dict)
    stocks: dict[int, StockChange] = field(default_factory=dict)
    prices: dict[int, PriceChange] = field(default_factory=dict)
    # The compared parts that customers saw before.
    public: set[int] = field(default_factory=set)

    @property
    def changed(self) -> AbstractSet[int]:
        """The ids of the parts that change."""
        return self.contents.keys() | self.stocks.keys() | self.prices.keys()

    def report(self, late: int = 0) -> ImportReport:
        """Return the counts; `late` of the new parts were created by somebody else."""
        return ImportReport(len(self.new) - late, len(self.changed), self.known - len(self.changed))


def compare(unit_of_work: UnitOfWork, rows: Sequence[ImportRow]) -> Difference:
    """Lock the parts that the rows name, each once, and return what differs."""
    bulk.wait_long(unit_of_work)
    places = hold(unit_of_work, dict.fromkeys(row.category for row in rows if row.category))
    known = {found.sku: found for found in bulk.ids_by_sku(unit_of_work.connection, [row.sku for row in rows])}
    # A part that was archived after the file was checked stays as it is.
    present = {known[row.sku].id: row for row in rows if row.sku in known and not known[row.sku].archived}
    difference = Difference([row for row in rows if row.sku not in known], len(known), places)
    if present:
        _compare_parts(unit_of_work, present, difference)
    return difference


def _compare_parts(unit_of_work: UnitOfWork, rows: dict[int, ImportRow], difference: Difference) -> None:
    """Lock the parts, and add what differs in each."""
    part_ids = list(rows)
    lock_parts(unit_of_work, part_ids)
    stocks = {found.part_id: found for found in lock_stocks(unit_of_work, part_ids)}
    contents = content.load(unit_of_work.connection, part_ids)
    lists = prices.lines_of(unit_of_work.connection, part_ids)
    for part_id, row in rows.items():
        present = contents[part_id]
        if change := _content_change(row, present, difference.places):
            difference.contents[part_id] = change
        held = stock.stock_of(stocks[part_id])
        after = merged_stock(row, held)
        if after != held:
            difference.stocks[part_id] = StockChange(stocks[part_id].id, held, after)
        if row.price:
            before = lists.get(part_id, [])
            lines = with_base_price(before, *row.price)
            if not same_list(lines, before):
                difference.prices[part_id] = PriceChange(before, lines)
        if present.is_public:
            difference.public.add(part_id)


def _content_change(row: ImportRow, present: Content, places: Places) -> ContentChange | None:
    specifications = merged_specifications(row, present.row.specifications)
    wanted = merged_columns(row, present.row, places[row.category or ()].id)
    if specifications is None and all(getattr(present.row, name) == value for name, value in wanted.items()):
        return None
    return ContentChange(row, present, specifications)
