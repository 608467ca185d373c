"""Importing and exporting the catalogue as CSV: set-based, by SKU; what is the same already costs no write and no event."""

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, TextIO, TypeVar

from sqlalchemy import Engine

from app.contract.events import Actor, Aspect, Event, EventType, ListFacet
from app.contract.formats import money
from app.domain.content import slug_of
from app.domain.imports import KNOWN, PATH_SEPARATOR, ImportFileError, ImportRow, RowError, read_rows, spreadsheet_safe
from app.domain.pricing import PriceLine, same_list
from app.domain.stock import Stock, set_quantities
from app.store import content, imports, panel, prices, stock
from app.store.content import Content
from app.store.locks import lock_parts, lock_stocks
from app.store.transaction import TransactionManager, UnitOfWork

CHUNK = 500
MOST_ERRORS = 200

T = TypeVar("T")
Open = Callable[[], TextIO]
Progress = Callable[[int], None]


@dataclass(slots=True)
class ImportReport:
    """What an import did, in parts. `unchanged` ones were left alone."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0


def import_parts(
    transactions: TransactionManager, reading: Engine, actor: Actor, open_file: Open, progress: Progress = lambda _rows: None
) -> ImportReport:
    """Import a CSV file. It is checked as a whole before anything is written; then each chunk is one transaction.

    Args:
        open_file: opens the file anew; it is read twice, so that memory stays bounded.
        progress: told the number of rows after each chunk.

    Raises:
        ImportFileError: with every error (the first 200); nothing was applied.
    """
    check(reading, open_file)
    report = ImportReport()
    with open_file() as lines:
        rows = (row for row in read_rows(lines) if isinstance(row, ImportRow))
        for chunk in _chunks(rows):
            done = transactions.run(actor, partial(_apply, chunk))
            report.created += done.created
            report.changed += done.changed
            report.unchanged += done.unchanged
            progress(len(chunk))
    return report


def check(reading: Engine, open_file: Open) -> int:
    """Return the number of rows of a file that can be imported.

    Raises:
        ImportFileError: with what is wrong, line by line.
    """
    errors: list[RowError] = []
    count = 0
    try:
        with open_file() as lines, reading.connect() as connection:
            for chunk in _chunks(read_rows(lines)):
                errors += [row for row in chunk if isinstance(row, RowError)]
                rows = {row.sku: row for row in chunk if isinstance(row, ImportRow)}
                count += len(rows)
                archived = [found.sku for found in imports.ids_by_sku(connection, list(rows)) if found.archived]
                errors += [
                    RowError(rows[sku].line, "sku", f"{sku!r} is archived; restore it first, or leave it out") for sku in archived
                ]
    except UnicodeDecodeError as error:
        errors.append(RowError(1, "file", f"is not UTF-8 (byte {error.start}: {error.reason}); save it as UTF-8"))
    if not count and not errors:
        errors.append(RowError(1, "file", "has a header and no rows"))
    if errors:
        raise ImportFileError(errors[:MOST_ERRORS])
    return count


def has_parts(reading: Engine) -> bool:
    """Whether there is any part yet."""
    with reading.connect() as connection:
        return bool(imports.part_exists(connection))


def _chunks(rows: Iterator[T]) -> Iterator[list[T]]:
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _apply(rows: Sequence[ImportRow], unit_of_work: UnitOfWork) -> ImportReport:
    return _Chunk(unit_of_work, rows).apply()


class _Chunk:
    """One transaction's worth of rows."""

    def __init__(self, unit_of_work: UnitOfWork, rows: Sequence[ImportRow]) -> None:
        self._unit_of_work = unit_of_work
        self._connection = unit_of_work.connection
        self._rows = rows
        self._categories: dict[tuple[str, ...], int | None] = {(): None}

    def apply(self) -> ImportReport:
        """Write what differs, with its events."""
        found = {row.sku: row.id for row in imports.ids_by_sku(self._connection, [row.sku for row in self._rows])}
        self._resolve_categories()
        lock_parts(self._unit_of_work, list(found.values()))
        stocks = {row.part_id: row for row in lock_stocks(self._unit_of_work, list(found.values()))}
        contents = content.load(self._connection, list(found.values()))
        new = [row for row in self._rows if row.sku not in found]
        old = {found[row.sku]: row for row in self._rows if row.sku in found}
        touched = self._change_content(old, contents)
        touched |= self._change_stock(old, contents, stocks)
        touched |= self._change_prices(old, contents)
        self._create(new)
        return ImportReport(created=len(new), changed=len(touched), unchanged=len(old) - len(touched))

    def _resolve_categories(self) -> None:
        wanted = {row.category[:depth] for row in self._rows if row.category for depth in range(1, len(row.category) + 1)}
        if not wanted:
            return
        by_parent = {(row.parent_id, row.name): row.id for row in imports.lock_categories(self._unit_of_work)}
        for path in sorted(wanted, key=len):
            parent_id = self._categories[path[:-1]]
            known = by_parent.get((parent_id, path[-1]))
            self._categories[path] = known if known is not None else self._create_category(path, parent_id)

    def _create_category(self, path: tuple[str, ...], parent_id: int | None) -> int:
        row = imports.insert_category(self._unit_of_work, path[-1], slug_of(path[-1]) or "category", parent_id)
        values = {"name": row.name, "slug": row.slug, "parent_id": row.parent_id, "version": row.version}
        self._unit_of_work.record(
            Event(
                type=EventType.CATEGORY_CREATED, aggregate_type="category", aggregate_id=row.id, aspect=Aspect.CONTENT,
                version=row.version, table_name="categories", record_id=row.id, operation="INSERT", old_values=None,
                new_values=values, public={"id": row.id, **values}, state={"id": row.id, **values},
                lists=(ListFacet.CATEGORIES,), reason="import",
            )
        )  # fmt: skip
        return int(row.id)

    def _wanted(self, row: ImportRow, before: Content) -> dict[str, Any]:
        category_id = before.row.category_id if row.category is None else self._categories[row.category]
        description = before.row.description if row.description is None else row.description
        return {"part_name": row.part_name, "description": description, "category_id": category_id}

    def _change_content(self, rows: dict[int, ImportRow], before: dict[int, Content]) -> set[int]:
        changes: dict[int, dict[str, Any]] = {}
        lists: dict[int, Sequence[dict[str, Any]]] = {}
        for part_id, row in rows.items():
            present = before[part_id].row
            wanted = self._wanted(row, before[part_id])
            merged = _merged(present.specifications, row)
            if merged is not None:
                lists[part_id] = merged
            if part_id in lists or any(getattr(present, name) != value for name, value in wanted.items()):
                changes[part_id] = wanted
        if changes:
            imports.update_parts(self._unit_of_work, [{"part_id": part_id, **wanted} for part_id, wanted in changes.items()])
            if lists:
                content.replace_specifications(self._unit_of_work, lists)
            after = content.load(self._connection, list(changes))
            for part_id in changes:
                self._unit_of_work.record(content.changed_event(before[part_id], after[part_id], "import"))
        return set(changes)

    def _change_stock(self, rows: dict[int, ImportRow], contents: dict[int, Content], stocks: dict[int, Any]) -> set[int]:
        pairs: dict[int, tuple[Stock, Stock]] = {}
        for part_id, row in rows.items():
            present = stock.stock_of(stocks[part_id])
            given = {"current_stock": row.current_stock, "min_stock_level": row.min_stock_level}
            wanted = set_quantities(present, {name: value for name, value in given.items() if value is not None})
            if wanted != present:
                pairs[part_id] = (present, wanted)
        if pairs:
            updates = [{"part_id": part_id, **after.quantities()} for part_id, (_, after) in pairs.items()]
            times = imports.update_stocks(self._unit_of_work, updates)
            actor = self._unit_of_work.actor
            for part_id, (present, after) in pairs.items():
                at = times[part_id]
                state = stock.full_state(part_id, after, actor.user_id, actor.name, at)
                public = contents[part_id].is_public
                self._unit_of_work.record(
                    stock.updated_event(part_id, stocks[part_id].id, present, after, state, at, "import", is_public=public)
                )
        return set(pairs)

    def _change_prices(self, rows: dict[int, ImportRow], contents: dict[int, Content]) -> set[int]:
        present = prices.lines_of(self._connection, list(rows))
        wanted = {part_id: _with_base_price(present.get(part_id, []), *row.price) for part_id, row in rows.items() if row.price}
        changed = {part_id: lines for part_id, lines in wanted.items() if not same_list(lines, present.get(part_id, []))}
        if changed:
            prices.replace_lines(self._unit_of_work, changed)
            for part_id, touched in imports.touch_prices(self._unit_of_work, list(changed)).items():
                self._unit_of_work.record(
                    prices.updated_event(
                        part_id, touched.price_version, present.get(part_id, []), changed[part_id], legacy=None,
                        at=touched.price_updated_at, is_public=contents[part_id].is_public, reason="import",
                    )
                )  # fmt: skip
        return set(changed)

    def _create(self, rows: Sequence[ImportRow]) -> None:
        if not rows:
            return
        slugs = self._free_slugs(rows)
        ids = imports.insert_parts(
            self._unit_of_work,
            [
                {
                    "sku": row.sku, "slug": slugs[row.sku], "part_name": row.part_name, "description": row.description or "",
                    "category_id": self._categories[row.category or ()],
                }
                for row in rows
            ],
        )  # fmt: skip
        by_id = {ids[row.sku]: row for row in rows}
        first = {part_id: Stock(row.current_stock or 0, 0, row.min_stock_level or 0) for part_id, row in by_id.items()}
        stock_rows = imports.insert_stocks(
            self._unit_of_work, [{"part_id": part_id, **one.quantities()} for part_id, one in first.items()]
        )
        content.replace_specifications(self._unit_of_work, {part_id: _specifications(row) for part_id, row in by_id.items()})
        lists = {part_id: [PriceLine(row.price[1], row.price[0])] for part_id, row in by_id.items() if row.price}
        prices.replace_lines(self._unit_of_work, lists)
        actor = self._unit_of_work.actor
        for created in content.load(self._connection, list(by_id)).values():
            self._unit_of_work.record(content.created_event(created, "import"))
        for row in stock_rows:
            one, at = first[row.part_id], row.updated_at
            state = stock.full_state(row.part_id, one, actor.user_id, actor.name, at)
            self._unit_of_work.record(stock.created_event(row.part_id, row.id, one, state, at, is_public=True))
            if row.part_id in lists:
                self._unit_of_work.record(
                    prices.updated_event(row.part_id, 1, None, lists[row.part_id], legacy=None, at=at, is_public=True)
                )

    def _free_slugs(self, rows: Sequence[ImportRow]) -> dict[str, str]:
        wanted = {row.sku: slug_of(row.part_name, row.sku) or "part" for row in rows}
        taken = imports.taken_slugs(self._connection, list(wanted.values()))
        free: dict[str, str] = {}
        for sku, slug in wanted.items():
            candidate, number = slug, 1
            while candidate in taken:
                number += 1
                candidate = f"{slug}-{number}"
                if number == 2:
                    taken |= imports.taken_slugs(self._connection, [f"{slug}-{n}" for n in range(2, 1000)])
            taken.add(candidate)
            free[sku] = candidate
        return free


def _specifications(row: ImportRow) -> list[dict[str, Any]]:
    return [{"name": name, "value": value, "unit": "", "group": ""} for name, value in row.specifications if value]


def _merged(present: Sequence[dict[str, Any]], row: ImportRow) -> list[dict[str, Any]] | None:
    """Return the part's specifications after the import, or None if nothing changes.

    A specification stays if the file has no column for it, or if a file cannot express it (it has a unit or a group). The order
    of the file's columns alone is no change: an export has one order for all parts.
    """
    columns = {name for name, _ in row.specifications}
    kept = [one for one in present if one["name"] not in columns or one["unit"] or one["group"]]
    before = {one["name"]: one["value"] for one in present if one not in kept}
    wanted = _specifications(row)
    return None if before == {one["name"]: one["value"] for one in wanted} else [*wanted, *kept]


def _with_base_price(lines: Sequence[PriceLine], amount: Any, currency: str) -> list[PriceLine]:
    """Return the price list with this standing price for one piece; tiers, periods and other currencies stay."""
    base = PriceLine(currency, amount)
    same_place = (currency, 1, None, None)
    others = [line for line in lines if (line.currency, line.min_quantity, line.valid_from, line.valid_to) != same_place]
    return [base, *others]


def export_parts(reading: Engine, out: TextIO) -> int:
    """Write all parts that are not archived as the CSV that `import_parts` reads; return their number."""
    with reading.connect() as connection:
        names = [name for name in imports.specification_names(connection) if name not in KNOWN]
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([*KNOWN, *names])
        count = 0
        for ids in imports.export_ids(connection, CHUNK):
            contents, lists = content.load(connection, ids), prices.lines_of(connection, ids)
            stocks = panel.quantities(connection, ids)
            for part_id in ids:
                row = _export_row(contents[part_id], stocks[part_id], lists.get(part_id, []), names)
                writer.writerow([spreadsheet_safe(cell) for cell in row])
            count += len(ids)
    return count


def _export_row(part: Content, quantities: Any, lines: Sequence[PriceLine], names: Sequence[str]) -> list[str]:
    base = next((line for line in lines if line.min_quantity == 1 and not line.valid_from and not line.valid_to), None)
    category = part.category()
    path = PATH_SEPARATOR.join(step["name"] for step in category["path"]) if category else ""
    plain = {one["name"]: one["value"] for one in part.row.specifications if not one["unit"] and not one["group"]}
    row = part.row
    price = [money(base.amount), base.currency] if base else ["", ""]
    counts = [str(quantities.current_stock), str(quantities.min_stock_level)]
    return [row.sku, row.part_name, row.description, path, *price, *counts, *(plain.get(name, "") for name in names)]
