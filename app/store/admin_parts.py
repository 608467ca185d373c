"""What the panel reads: the grid of parts, and one part with everything. Always from PostgreSQL."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, text

from app.domain.search import Typed
from app.store import search
from app.store.catalog import SHOWN_PRICE
from app.store.listing.filters import categories_below
from app.store.paging import FoundPage, Order, Position, cut
from app.store.search import Meant

AVAILABLE = "GREATEST(0, s.current_stock - s.reserved_quantity)"
CHANGED = "GREATEST(p.updated_at, s.updated_at, p.price_updated_at)"
# Whose change CHANGED is the time of: a part that was created has all three at once, by one person.
CHANGED_BY = f"""CASE {CHANGED} WHEN p.updated_at THEN p.last_updated_by WHEN s.updated_at THEN s.last_updated_by
                ELSE p.price_updated_by END"""
_COLUMNS = {"sku": ("p.sku", "text"), "part_name": ("o.sort_key", "text"), "available": (AVAILABLE, "int"),
            "updated_at": (CHANGED, "timestamptz")}  # fmt: skip
SORTS = {
    sign + name: Order(expression, type_, descending=bool(sign))
    for name, (expression, type_) in _COLUMNS.items()
    for sign in ("", "-")
}
# The part's first picture. A subselect and not a join: it is looked up for the rows that are shown, after they were sorted.
_PICTURE = """(SELECT jsonb_build_object('digest', i.digest, 'width', i.width) FROM part_images i WHERE i.part_id = p.id
                ORDER BY i.position, i.id LIMIT 1)"""
STATUSES = {
    "draft": "p.status = 'draft' AND p.archived_at IS NULL",
    "published": "p.status = 'published' AND p.archived_at IS NULL",
    "archived": "p.archived_at IS NOT NULL",
    None: "p.archived_at IS NULL",
}
# Each is counted in an index of its own, from which what is archived (in one as well) is left out.
_OVERVIEW = text(f"""
    SELECT (SELECT count(*) FROM stock_levels s WHERE {AVAILABLE} <= s.min_stock_level
              AND NOT EXISTS (SELECT FROM parts p WHERE p.id = s.part_id AND p.archived_at IS NOT NULL)) AS low_stock,
           (SELECT count(*) FROM part_search o WHERE NOT o.in_stock
              AND NOT EXISTS (SELECT FROM parts p WHERE p.id = o.part_id AND p.archived_at IS NOT NULL)) AS out_of_stock,
           (SELECT count(*) FROM parts WHERE status = 'draft' AND archived_at IS NULL) AS drafts,
           (SELECT count(*) FROM parts WHERE archived_at IS NOT NULL) AS archived
""")  # noqa: S608 — a constant
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
    """What the grid is narrowed to; None does not narrow, except that archived parts must be asked for. `currency` is that of the
    prices that are shown."""

    words: tuple[str, ...] = ()
    category: str | None = None
    status: str | None = None
    low_stock: bool | None = None
    out_of_stock: bool | None = None
    currency: str | None = None


def list_parts(
    connection: Connection, filters: GridFilters, sort: str, after: Position | None, limit: int, preferred: str | None
) -> FoundPage[Row[Any]]:
    """Return one page of the grid. Without a status, archived parts are left out. Words that no part holds find what is like
    them, on all pages as on the first. Of several prices the one in the `preferred` currency is shown, if none is asked for."""
    meant = after.meant if after else ()
    typed = search.read(connection, filters.words)
    page = _page(connection, filters, typed, sort, after, limit, meant, preferred)
    if page.items or after or not filters.words or search.is_found(connection, typed, whose="all"):
        return page
    meant = search.meaning(connection, typed, whose="all")
    return _page(connection, filters, typed, sort, None, limit, meant, preferred) if meant else page


def _narrowed(connection: Connection, filters: GridFilters, typed: Typed) -> tuple[list[str], dict[str, Any]]:
    conditions, parameters = [STATUSES[filters.status]], dict[str, Any]()
    if filters.words:
        wanted = search.conditions(typed)
        parameters |= wanted.parameters
        # `s` is the row of part_search in there, and the stock's outside.
        conditions.append(f"p.id IN (SELECT s.part_id FROM part_search s WHERE {' AND '.join(wanted.found)})")  # noqa: S608
    if filters.category is not None:
        conditions.append("p.category_id = ANY(:categories)")
        parameters["categories"] = categories_below(connection, filters.category)
    if filters.low_stock is not None:
        conditions.append(f"{AVAILABLE} {'<=' if filters.low_stock else '>'} s.min_stock_level")
    if filters.out_of_stock is not None:
        conditions.append("NOT o.in_stock" if filters.out_of_stock else "o.in_stock")
    return conditions, parameters


def _page(
    connection: Connection, filters: GridFilters, typed: Typed, sort: str, after: Position | None, limit: int, meant: Meant,
    preferred: str | None,
) -> FoundPage[Row[Any]]:  # fmt: skip
    # The id beside the key of the order, so that one index has both.
    continued, order_by = SORTS[sort].clauses("o.part_id" if sort.endswith("part_name") else "p.id", after)
    conditions, parameters = _narrowed(connection, filters, search.taken(connection, typed, meant))
    statement = text(f"""
        SELECT p.id, p.sku, p.slug, p.part_name, p.version, p.price_version,
               CASE WHEN p.archived_at IS NULL THEN p.status ELSE 'archived' END AS status,
               c.id AS category_id, c.name AS category_name, c.slug AS category_slug,
               s.current_stock, s.reserved_quantity, s.min_stock_level, s.version AS stock_version,
               s.updated_at AS stock_updated_at, s.last_updated_by, u.name AS last_updated_by_name,
               price.amount, price.currency, {_PICTURE} AS picture,
               {CHANGED} AS updated_at, {SORTS[sort].expression} AS sort_key,
               {CHANGED_BY} AS changed_by, (SELECT name FROM users WHERE id = {CHANGED_BY}) AS changed_by_name
        FROM parts p
        JOIN stock_levels s ON s.part_id = p.id
        JOIN part_search o ON o.part_id = p.id
        LEFT JOIN categories c ON c.id = p.category_id
        LEFT JOIN users u ON u.id = s.last_updated_by
        {SHOWN_PRICE}
        WHERE {" AND ".join([continued, *conditions])} ORDER BY {order_by} LIMIT :limit
    """)  # noqa: S608 — put together from constants; every value is a parameter
    position = {"after_key": after.key, "after_id": after.id} if after else {}
    shown_in = {"currency": filters.currency or preferred, "only": filters.currency is not None}
    parameters |= position | shown_in | {"limit": limit + 1}
    rows: Sequence[Row[Any]] = connection.execute(statement, parameters).all()
    shown, following = cut(rows, limit)
    return FoundPage(shown, following and Position(following.key, following.id, meant), "similar" if meant else "exact")


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


def overview(connection: Connection) -> dict[str, int]:
    """Return how many parts are low in stock, out of stock (of both, archived ones are left out), drafts, and archived."""
    return dict(connection.execute(_OVERVIEW).one()._mapping)
