"""One transaction's worth of a catalogue file: what differs from the shop, and writing just that."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from app.domain.categories import category_slug
from app.domain.content import part_slug
from app.domain.imports.rows import ImportRow
from app.domain.pricing import PriceLine, same_list
from app.domain.stock import Stock, set_quantities
from app.store import categories, content, prices, stock
from app.store.content import Content
from app.store.imports import bulk
from app.store.locks import lock_category_tree, lock_parts, lock_stocks, share_category_tree
from app.store.transaction import UnitOfWork

# Stands for a category that is still to be made, which no part is in.
_TO_BE_MADE = -1

Path = tuple[str, ...]


@dataclass(slots=True)
class ImportReport:
    """What an import did, in parts. `unchanged` ones were left alone."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0

    def add(self, other: "ImportReport") -> None:
        """Count another part of the same import in."""
        self.created += other.created
        self.changed += other.changed
        self.unchanged += other.unchanged


@dataclass(slots=True)
class Difference:
    """What a chunk says otherwise than the shop: the rows of new parts, and by part each aspect as it was and shall be."""

    new: list[ImportRow] = field(default_factory=list)
    rows: dict[int, ImportRow] = field(default_factory=dict)
    archived: int = 0
    contents: dict[int, Content] = field(default_factory=dict)
    specifications: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    stocks: dict[int, tuple[Stock, Stock]] = field(default_factory=dict)
    prices: dict[int, tuple[list[PriceLine], list[PriceLine]]] = field(default_factory=dict)

    def report(self) -> ImportReport:
        """Return the numbers of parts."""
        changed = self.contents.keys() | self.stocks.keys() | self.prices.keys()
        return ImportReport(len(self.new), len(changed), self.archived + len(self.rows) - len(changed))


class Chunk:
    """Rows of a file that are compared and written in one unit of work. Their SKUs differ."""

    def __init__(self, unit_of_work: UnitOfWork, rows: Sequence[ImportRow], reason: str) -> None:
        self._unit_of_work = unit_of_work
        self._connection = unit_of_work.connection
        self._rows = rows
        self._reason = reason
        self._paths: dict[Path, int | None] = {(): None}
        self._steps: dict[Path, list[dict[str, Any]]] = {(): []}
        self._stock_ids: dict[int, int] = {}
        self._public: set[int] = set()

    def compare(self) -> Difference:
        """Lock the parts that the rows name, and return what differs."""
        bulk.wait_long(self._unit_of_work)
        self._hold_categories()
        known = bulk.ids_by_sku(self._connection, [row.sku for row in self._rows])
        found = {row.sku: row.id for row in known if not row.archived}
        # What was archived after the file was checked stays as it is.
        archived = {row.sku for row in known if row.archived}
        difference = Difference(
            new=[row for row in self._rows if row.sku not in found and row.sku not in archived],
            rows={found[row.sku]: row for row in self._rows if row.sku in found},
            archived=len(archived),
        )
        if found:
            self._compare_parts(difference)
        return difference

    def write(self, difference: Difference) -> None:
        """Write the difference, with its events."""
        bulk.quiet_search(self._unit_of_work)
        self._make_categories(difference)
        self._change_contents(difference)
        self._change_stocks(difference.stocks)
        self._change_prices(difference.prices)
        if changed := difference.contents.keys() | difference.stocks.keys() | difference.prices.keys():
            bulk.keep_search(self._unit_of_work, list(changed))
        if difference.new:
            self._create(difference.new)

    def _hold_categories(self) -> None:
        """Find the rows' categories, and keep the tree as it is; for ourselves alone if some are to be made."""
        wanted = {row.category[:depth] for row in self._rows if row.category for depth in range(1, len(row.category) + 1)}
        if not wanted:
            return
        if self._find_categories(wanted):
            share_category_tree(self._unit_of_work)
            # One may have been moved, renamed or deleted meanwhile.
            if self._find_categories(wanted):
                return
        lock_category_tree(self._unit_of_work)
        self._find_categories(wanted)

    def _find_categories(self, wanted: Iterable[Path]) -> bool:
        """Look the paths up; return whether all of them are there."""
        known = bulk.categories(self._connection)
        for path in sorted(wanted, key=len):
            step = known.get((self._paths[path[:-1]], path[-1]))
            if step:
                self._enter(path, step)
            else:
                self._paths[path] = _TO_BE_MADE
        return _TO_BE_MADE not in self._paths.values()

    def _enter(self, path: Path, step: dict[str, Any]) -> None:
        self._paths[path] = step["id"]
        self._steps[path] = [*self._steps[path[:-1]], step]

    def _make_categories(self, difference: Difference) -> None:
        if not (difference.new or difference.contents):
            return
        for path in sorted((path for path, place in self._paths.items() if place == _TO_BE_MADE), key=len):
            parent_id = self._paths[path[:-1]]
            self._enter(path, categories.insert(self._unit_of_work, path[-1], category_slug(path[-1]), parent_id, self._reason))

    def _compare_parts(self, difference: Difference) -> None:
        part_ids = list(difference.rows)
        lock_parts(self._unit_of_work, part_ids)
        stocks = {row.part_id: row for row in lock_stocks(self._unit_of_work, part_ids)}
        contents = content.load(self._connection, part_ids)
        lines = prices.lines_of(self._connection, part_ids)
        self._stock_ids = {part_id: row.id for part_id, row in stocks.items()}
        self._public = {part_id for part_id, present in contents.items() if present.is_public}
        for part_id, row in difference.rows.items():
            self._compare_content(difference, part_id, row, contents[part_id])
            held = stock.stock_of(stocks[part_id])
            wanted = _wanted_stock(held, row)
            if wanted != held:
                difference.stocks[part_id] = held, wanted
            if row.price:
                before = lines.get(part_id, [])
                after = with_base_price(before, *row.price)
                if not same_list(after, before):
                    difference.prices[part_id] = before, after

    def _compare_content(self, difference: Difference, part_id: int, row: ImportRow, present: Content) -> None:
        specifications = merged_specifications(present.row.specifications, row)
        if specifications is not None:
            difference.specifications[part_id] = specifications
        wanted = self._wanted(row, present)
        if specifications is not None or any(getattr(present.row, name) != value for name, value in wanted.items()):
            difference.contents[part_id] = present

    def _wanted(self, row: ImportRow, present: Content) -> dict[str, Any]:
        was = present.row
        return {
            "slug": row.slug or was.slug,
            "part_name": row.part_name,
            "description": was.description if row.description is None else row.description,
            "category_id": was.category_id if row.category is None else self._paths[row.category],
            "manufacturer": _or_none(row.manufacturer, was.manufacturer),
            "manufacturer_number": _or_none(row.manufacturer_number, was.manufacturer_number),
            "status": row.status or was.status,
        }

    def _change_contents(self, difference: Difference) -> None:
        if not difference.contents:
            return
        wanted = {part_id: self._wanted(difference.rows[part_id], before) for part_id, before in difference.contents.items()}
        bulk.update_parts(self._unit_of_work, [{"part_id": part_id, **columns} for part_id, columns in wanted.items()])
        if difference.specifications:
            content.replace_specifications(self._unit_of_work, difference.specifications)
        after = content.load(self._connection, list(wanted))
        for part_id, before in difference.contents.items():
            self._unit_of_work.record(content.changed_event(before, after[part_id], self._reason))
            (self._public.add if after[part_id].is_public else self._public.discard)(part_id)

    def _change_stocks(self, pairs: Mapping[int, tuple[Stock, Stock]]) -> None:
        if not pairs:
            return
        updates = [{"part_id": part_id, **after.quantities()} for part_id, (_, after) in pairs.items()]
        times = bulk.update_stocks(self._unit_of_work, updates)
        actor = self._unit_of_work.actor
        for part_id, (before, after) in pairs.items():
            at = times[part_id]
            state = stock.full_state(part_id, after, actor.user_id, actor.name, at)
            event = stock.updated_event(
                part_id, self._stock_ids[part_id], before, after, state, at, self._reason, is_public=part_id in self._public
            )
            self._unit_of_work.record(event)

    def _change_prices(self, pairs: Mapping[int, tuple[list[PriceLine], list[PriceLine]]]) -> None:
        if not pairs:
            return
        prices.replace_lines(self._unit_of_work, {part_id: after for part_id, (_, after) in pairs.items()})
        for part_id, touched in bulk.touch_prices(self._unit_of_work, list(pairs)).items():
            before, after = pairs[part_id]
            event = prices.updated_event(
                part_id, touched.price_version, before, after, legacy=None, at=touched.price_updated_at,
                is_public=part_id in self._public, reason=self._reason,
            )  # fmt: skip
            self._unit_of_work.record(event)

    def _create(self, rows: Sequence[ImportRow]) -> None:
        slugs = self._slugs(rows)
        columns = {row.sku: self._columns(row, slugs[row.sku]) for row in rows}
        inserted = bulk.insert_parts(self._unit_of_work, list(columns.values()))
        by_id = {inserted[row.sku].id: row for row in rows}
        first = {part_id: Stock(row.current_stock or 0, 0, row.min_stock_level or 0) for part_id, row in by_id.items()}
        stock_rows = bulk.insert_stocks(
            self._unit_of_work, [{"part_id": part_id, **one.quantities()} for part_id, one in first.items()]
        )
        given = {part_id: merged_specifications([], row) or [] for part_id, row in by_id.items()}
        lists = {part_id: with_base_price([], *row.price) for part_id, row in by_id.items() if row.price}

        def write_the_rest() -> None:
            content.insert_specifications(self._unit_of_work, given)
            prices.insert_undated_lines(self._unit_of_work, lists)
            bulk.keep_search(self._unit_of_work, list(by_id))

        # The database and this process work side by side; the connection has one user at any time.
        with ThreadPoolExecutor(max_workers=1) as beside:
            written = beside.submit(write_the_rest)
            for part_id, row in by_id.items():
                path = self._steps[row.category or ()] or None
                created = content.of_new(columns[row.sku], inserted[row.sku], self._unit_of_work.actor, path, given[part_id])
                self._unit_of_work.record(content.created_event(created, self._reason))
            for stocked in stock_rows:
                part_id = stocked.part_id
                self._record_first(stocked, first[part_id], lists.get(part_id), is_public=by_id[part_id].status != "draft")
            written.result()

    def _columns(self, row: ImportRow, slug: str) -> dict[str, Any]:
        return {
            "sku": row.sku,
            "slug": slug,
            "part_name": row.part_name,
            "description": row.description or "",
            "category_id": self._paths[row.category or ()],
            "manufacturer": row.manufacturer or None,
            "manufacturer_number": row.manufacturer_number or None,
            "status": row.status or "published",
        }

    def _record_first(self, row: Any, first: Stock, lines: list[PriceLine] | None, *, is_public: bool) -> None:
        actor, at = self._unit_of_work.actor, row.updated_at
        state = stock.full_state(row.part_id, first, actor.user_id, actor.name, at)
        self._unit_of_work.record(
            stock.created_event(row.part_id, row.id, first, state, at, is_public=is_public, reason=self._reason)
        )
        if lines:
            event = prices.updated_event(
                row.part_id, 1, None, lines, legacy=None, at=at, is_public=is_public, reason=self._reason
            )
            self._unit_of_work.record(event)

    def _slugs(self, rows: Sequence[ImportRow]) -> dict[str, str]:
        """Return an address for each new part: the given one, else a free one made from its name."""
        chosen = {row.sku: row.slug for row in rows if row.slug}
        wanted = {row.sku: part_slug(row.part_name, row.sku) for row in rows if not row.slug}
        taken = set(chosen.values()) | bulk.skus_by_slug(self._connection, list(wanted.values())).keys()
        for sku, slug in wanted.items():
            candidate, number = slug, 1
            while candidate in taken:
                number += 1
                candidate = f"{slug}-{number}"
                if number == 2:
                    taken |= bulk.skus_by_slug(self._connection, [f"{slug}-{n}" for n in range(2, 1000)]).keys()
            taken.add(candidate)
            chosen[sku] = candidate
        return chosen


def _wanted_stock(held: Stock, row: ImportRow) -> Stock:
    given = {"current_stock": row.current_stock, "min_stock_level": row.min_stock_level}
    return set_quantities(held, {name: value for name, value in given.items() if value is not None})


def _or_none(given: str | None, present: str | None) -> str | None:
    return present if given is None or given == (present or "") else given or None


def merged_specifications(present: Sequence[dict[str, Any]], row: ImportRow) -> list[dict[str, Any]] | None:
    """Return the part's specifications after the import, or None if nothing changes.

    One stays if the file has no column for it, and its unit stays if its column states none. The order of the file's columns
    alone is no change: an export has one order for all parts.
    """
    given = {(column.group, column.name): (column.unit, value) for column, value in row.specifications if value}
    named = {(column.group, column.name) for column, _ in row.specifications}
    merged = []
    for one in present:
        key = one["group"], one["name"]
        if key in given:
            unit, value = given.pop(key)
            merged.append({"name": key[1], "value": value, "unit": unit or one["unit"], "group": key[0]})
        elif key not in named:
            merged.append(one)
    merged += [{"name": name, "value": value, "unit": unit, "group": group} for (group, name), (unit, value) in given.items()]
    return None if merged == list(present) else merged


def with_base_price(lines: Sequence[PriceLine], amount: Any, currency: str) -> list[PriceLine]:
    """Return the price list with this standing price for one piece; tiers, later periods and other currencies stay."""
    same_place = (currency, 1, None)
    others = [line for line in lines if (line.currency, line.min_quantity, line.valid_from) != same_place]
    return [PriceLine(currency, amount), *others]
