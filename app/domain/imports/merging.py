"""How a row changes an existing part: whatever the row does not state stays."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from app.domain.imports.columns import Specification
from app.domain.imports.rows import ImportRow
from app.domain.pricing import PriceLine
from app.domain.stock import Stock, set_quantities


def merged_columns(row: ImportRow, present: Any, category_id: int | None) -> dict[str, Any]:
    """Return the part's own columns after the import.

    Args:
        present: the part's row in the database.
        category_id: of the row's category, if it names one.
    """
    return {
        "slug": row.slug or present.slug,
        "part_name": row.part_name,
        "description": present.description if row.description is None else row.description,
        "category_id": present.category_id if row.category is None else category_id,
        "manufacturer": _or_none(row.manufacturer, present.manufacturer),
        "manufacturer_number": _or_none(row.manufacturer_number, present.manufacturer_number),
        "status": row.status or present.status,
    }


def _or_none(given: str | None, present: str | None) -> str | None:
    return present if given is None or given == (present or "") else given or None


def merged_specifications(row: ImportRow, present: Sequence[dict[str, Any]]) -> list[dict[str, Any]] | None:
    """Return the part's specifications after the import, or None if nothing changes.

    A specification stays if the file has no column for it, keeps its unit if its column states none, and its spelling if the
    column's name is only alike. The order of the file's columns alone is not a change: an export has one order for all parts.
    """
    given = {(column.group, column.name): (column.unit, value) for column, value in row.specifications if value}
    named = {(column.group, column.name): column for column, _ in row.specifications}
    own = {(one["group"], one["name"]) for one in present}
    others = {column.compared: key for key, column in named.items() if key not in own} if own else {}
    merged = []
    for one in present:
        key = one["group"], one["name"]
        if others and key not in named:
            key = others.get(Specification(one["name"], group=one["group"]).compared, key)
        if key in given:
            unit, value = given.pop(key)
            merged.append(one | {"value": value, "unit": unit or one["unit"]})
        elif key not in named:
            merged.append(one)
    merged += [{"name": name, "value": value, "unit": unit, "group": group} for (group, name), (unit, value) in given.items()]
    return None if merged == list(present) else merged


def merged_stock(row: ImportRow, held: Stock) -> Stock:
    """Return the part's stock after the import; the same version if nothing changes."""
    given = {"current_stock": row.current_stock, "min_stock_level": row.min_stock_level}
    return set_quantities(held, {name: value for name, value in given.items() if value is not None})


def with_base_price(lines: Sequence[PriceLine], amount: Decimal, currency: str) -> list[PriceLine]:
    """Return the price list with this undated price for one piece; tiers, dated periods and other currencies stay."""
    same_place = (currency, 1, None)
    others = [line for line in lines if (line.currency, line.min_quantity, line.valid_from) != same_place]
    return [PriceLine(currency, amount), *others]
