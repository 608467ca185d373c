"""What the panel reads: the grid of parts, and one part with everything. Always from PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from app.store.catalog import AMOUNT, searching
from app.store.paging import Order, Page, Position, cut

AVAILABLE = "GREATEST(0, s.current_stock - s.reserved_quantity)"
CHANGED = "GREATEST(p.updated_at, s.updated_at, p.price_updated_at)"
_COLUMNS = {"sku": ("p.sku", "text"), "part_name": ("p.part_name", "text"), "available": (AVAILABLE, "int"),
            "updated_at": (CHANGED, "timestamptz")}  # fmt: skip
SORTS = {
    sign + name: Order(expression, type_, descending=bool(sign))
    for name, (expression, type_) in _COLUMNS.items()
    for sign in ("", "-")
}
STATUSES = {
    "draft": "p.status = 'draft' AND p.archived_at IS NULL",
    "published": "p.status = 'published' AND p.archived_at IS NULL",
    "archived": "p.archived_at IS NOT NULL",
    None: "p.archived_at IS NULL",
}
_STOCK = text("""
    SELECT s.id, s.part_id, s.current_stock, s.reserved_quantity, s.min_stock_level, s.version, s.updated_at,
           s.last_updated_by, u.name AS last_updated_by_name
    FROM stock_levels s LEFT JOIN users u ON u.id = s.last_updated_by WHERE s.part_id = :part_id
""")
_QUANTITIES = text("SELECT part_id, current_stock, min_stock_level FROM stock_levels WHERE part_id = ANY(:part_ids)")
_PRICE = text("""
    SELECT p.price_version, p.price_updated_at, p.price_updated_by, u.name AS price_updated_by_name
    FROM parts p LEFT JOIN users u ON u.id = p.price_updated_by WHERE p.id = :part_id
""")


@dataclass(frozen=True, slots=True)
class GridFilters:
    """What the grid is narrowed to; None does not narrow, except that archived parts must be asked for."""

    words: tuple[str, ...] = ()
    category: str | None = None
    status: str | None = None
    low_stock: bool | None = None


def list_parts(connection: Connection, filters: GridFilters, sort: str, after: Position | None, limit: int) -> Page[Row[Any]]:
    """Return one page of the grid. Without a status, archived parts are left out."""
    after_condition, order_by = SORTS[sort].clauses("p.id")
    searched, parameters = searching(connection, filters.words, filters.category)
    conditions = [STATUSES[filters.status], after_condition, *searched]
    if filters.low_stock is not None:
        conditions.append(f"{AVAILABLE} {'<=' if filters.low_stock else '>'} s.min_stock_level")
    statement = text(f"""
        SELECT p.id, p.sku, p.slug, p.part_name, p.version, p.price_version,
               CASE WHEN p.archived_at IS NULL THEN p.status ELSE 'archived' END AS status,
               c.id AS category_id, c.name AS category_name, c.slug AS category_slug,
               s.current_stock, s.reserved_quantity, s.min_stock_level, s.version AS stock_version,
               s.updated_at AS stock_updated_at, s.last_updated_by, u.name AS last_updated_by_name,
               {AMOUNT} AS amount,
               COALESCE((SELECT pp.currency FROM part_prices pp WHERE pp.part_id = p.id ORDER BY pp.min_quantity, pp.currency
                         LIMIT 1), (SELECT currency FROM prices l WHERE l.part_id = p.id)) AS currency,
               {CHANGED} AS updated_at, {SORTS[sort].expression} AS sort_key
        FROM parts p
        JOIN stock_levels s ON s.part_id = p.id
        LEFT JOIN categories c ON c.id = p.category_id
        LEFT JOIN users u ON u.id = s.last_updated_by
        WHERE {" AND ".join(conditions)} ORDER BY {order_by} LIMIT :limit
    """)  # noqa: S608 — put together from constants; every value is a parameter
    position = {"after_key": after and after.key, "after_id": after and after.id, "limit": limit + 1}
    rows: Sequence[Row[Any]] = connection.execute(statement, parameters | position).all()
    return Page(*cut(rows, limit))


def stock_row(connection: Connection, part_id: int) -> Row[Any]:
    """Return an existing part's stock row with the name of who changed it last."""
    return connection.execute(_STOCK, {"part_id": part_id}).one()


def price_row(connection: Connection, part_id: int) -> Row[Any]:
    """Return an existing part's price version, with who changed it last and when."""
    return connection.execute(_PRICE, {"part_id": part_id}).one()


def quantities(connection: Connection, part_ids: Sequence[int]) -> dict[int, Row[Any]]:
    """Return current_stock and min_stock_level of the given parts."""
    rows = connection.execute(_QUANTITIES, {"part_ids": list(part_ids)})
    return {row.part_id: row for row in rows}
