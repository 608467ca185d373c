"""Exporting the catalog as the CSV that an import reads: every part that is not archived, in bounded memory."""

import csv
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, TextIO

from sqlalchemy import Engine

from app.domain.imports import paths
from app.domain.imports.columns import KNOWN, Specification, header_of
from app.domain.imports.entities import literal
from app.domain.imports.missing import protected
from app.domain.pricing import PriceLine
from app.domain.spreadsheets import BYTE_ORDER_MARK, spreadsheet_safe
from app.store import admin_parts, content, prices
from app.store.content import Content
from app.store.currencies import written
from app.store.imports import bulk

CHUNK = 500


def export_parts(reading: Engine, out: TextIO) -> int:
    """Write all parts that are not archived, and return their number."""
    with reading.connect() as connection:
        columns = bulk.specifications(connection)
        out.write(BYTE_ORDER_MARK)
        # With the line ends of RFC 4180, the writer puts every cell with one of their characters into quotes.
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([*KNOWN, *map(spreadsheet_safe, map(header_of, columns))])
        count = 0
        for ids in bulk.export_ids(connection, CHUNK):
            contents, lists = content.load(connection, ids), prices.lines_of(connection, ids)
            stocks = admin_parts.quantities(connection, ids)
            for part_id in ids:
                row = _row(contents[part_id], stocks[part_id], lists.get(part_id, []), columns)
                writer.writerow(_cell(value, name) for value, name in zip_longest(row, KNOWN))
            count += len(ids)
    return count


def _cell(value: str, field: str | None) -> str:
    safe = spreadsheet_safe(value)
    if safe == value:
        safe = protected(value, is_specification=field is None)
    return safe if safe != value or field == "description" else literal(value)


def _row(part: Content, quantities: Any, lines: Sequence[PriceLine], columns: Sequence[Specification]) -> list[str]:
    base = next((line for line in lines if line.min_quantity == 1 and not line.valid_from and not line.valid_to), None)
    category = part.category()
    values = {Specification(one["name"], one["unit"], one["group"]): one["value"] for one in part.row.specifications}
    row = part.row
    return [
        row.sku,
        row.part_name,
        row.slug,
        row.status,
        row.description,
        paths.written([step["name"] for step in category["path"]]) if category else "",
        row.manufacturer or "",
        row.manufacturer_number or "",
        *((_unmistakable(written(base.amount, base.currency)), base.currency) if base else ("", "")),
        str(quantities.current_stock),
        str(quantities.min_stock_level),
        *(values.get(column, "") for column in columns),
    ]


def _unmistakable(amount: str) -> str:
    """Return an amount that no reader takes for thousands: 1.250 might be one thousand and more, 1.2500 is not."""
    return f"{amount}0" if amount[-4:-3] == "." else amount
