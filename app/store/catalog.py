"""What customers read: the aspects of parts, pages of lists, the category tree. Loaded into the cache, never written here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, text

from app.contract.events import ListFacet
from app.domain.pricing import current_price, next_boundary
from app.domain.stock import Stock
from app.store import content, prices
from app.store.paging import Order, Page, Position, cut
from app.store.stock import public_state

_STOCK = text("""
    SELECT part_id, current_stock, reserved_quantity, min_stock_level, version, updated_at
    FROM stock_levels WHERE part_id = ANY(:part_ids)
""")
_PRICE_VERSIONS = text("SELECT id, price_version, price_updated_at FROM parts WHERE id = ANY(:part_ids)")

PUBLIC = "p.status = 'published' AND p.archived_at IS NULL"
# The same choice as `app.domain.pricing.current_price` makes for one piece.
AMOUNT = """
    COALESCE((SELECT pp.amount FROM part_prices pp
              WHERE pp.part_id = p.id AND (pp.valid_from IS NULL OR pp.valid_from <= now())
                AND (pp.valid_to IS NULL OR pp.valid_to > now())
              ORDER BY pp.min_quantity, pp.currency, pp.valid_from DESC NULLS LAST LIMIT 1),
             (SELECT amount FROM prices legacy WHERE legacy.part_id = p.id))"""
BELOW_CATEGORY = """
    p.category_id IN (
        WITH RECURSIVE below AS (
            SELECT id FROM categories WHERE id = :category_id
            UNION ALL SELECT c.id FROM categories c JOIN below ON c.parent_id = below.id)
        SELECT id FROM below)"""
ON_SALE = "(SELECT s.current_stock - s.reserved_quantity FROM stock_levels s WHERE s.part_id = p.id)"
MATCHES = "(p.sku || ' ' || p.part_name || ' ' || COALESCE(p.manufacturer_number, '')) ILIKE ALL(:patterns)"

SORTS = {
    "name": Order("p.part_name", "text"),
    "-name": Order("p.part_name", "text", descending=True),
    "price": Order(f"COALESCE({AMOUNT}, 'Infinity')", "numeric"),
    "-price": Order(f"COALESCE({AMOUNT}, -1)", "numeric", descending=True),
    "newest": Order("p.created_at", "timestamptz", descending=True),
}

_CATEGORIES = text(f"""
    SELECT c.id, c.name, c.slug, c.parent_id, c.version,
           (SELECT count(*) FROM parts p WHERE p.category_id = c.id AND {PUBLIC}) AS part_count
    FROM categories c ORDER BY c.name, c.id
""")  # noqa: S608 — constant text
_CATEGORY_ID = text("SELECT id FROM categories WHERE slug = :reference OR id::text = :reference")


@dataclass(frozen=True, slots=True)
class PartFilters:
    """What a list of parts is narrowed to; None does not narrow."""

    words: tuple[str, ...] = ()
    category: str | None = None
    in_stock: bool | None = None
    min_price: str | None = None
    max_price: str | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """One aspect of one part, as customers see it: None for what they may not see. `lasts` in seconds, None for as long as
    the version holds."""

    version: int
    public: dict[str, Any] | None
    lasts: float | None = None


def load_content(connection: Connection, part_ids: Sequence[int]) -> dict[int, Loaded]:
    """Return the content aspect of those parts that exist."""
    found = content.load(connection, part_ids)
    return {part_id: Loaded(c.version, c.public() if c.is_public else None) for part_id, c in found.items()}


def load_stock(connection: Connection, part_ids: Sequence[int]) -> dict[int, Loaded]:
    """Return the stock aspect of those parts that exist."""
    loaded = {}
    for row in connection.execute(_STOCK, {"part_ids": list(part_ids)}):
        stock = Stock(row.current_stock, row.reserved_quantity, row.min_stock_level, row.version)
        loaded[row.part_id] = Loaded(row.version, public_state(stock, row.updated_at))
    return loaded


def load_prices(connection: Connection, part_ids: Sequence[int]) -> dict[int, Loaded]:
    """Return the price aspect of those parts that exist, as of now; it lasts until the next date in the price list."""
    # The version is read before the lines: if a write comes in between, newer lines carry the older number, which its
    # event then replaces; the other way round, old lines would carry the newer number for ever.
    versions = connection.execute(_PRICE_VERSIONS, {"part_ids": list(part_ids)}).all()
    lines, legacy = prices.lines_of(connection, part_ids), prices.legacy_of(connection, part_ids)
    now = datetime.now(UTC)
    loaded = {}
    for row in versions:
        own = lines.get(row.id, [])
        boundary = next_boundary(own, now)
        public = prices.public_state(current_price(own, legacy.get(row.id), now), row.price_version, row.price_updated_at)
        loaded[row.id] = Loaded(row.price_version, public, (boundary - now).total_seconds() if boundary else None)
    return loaded


def category_id(connection: Connection, reference: str) -> int | None:
    """Return the id of the category with this slug or id, or None."""
    found = connection.execute(_CATEGORY_ID, {"reference": reference}).scalars().first()
    return None if found is None else int(found)


def like_patterns(words: Sequence[str]) -> list[str]:
    """Return ILIKE patterns that match the words literally anywhere."""
    escaped = [word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") for word in words]
    return [f"%{word}%" for word in escaped]


def searching(connection: Connection, words: Sequence[str], category: str | None) -> tuple[list[str], dict[str, Any]]:
    """Return the conditions, and their parameters, that narrow a list of parts to words and to a category with all below it."""
    conditions: list[str] = []
    parameters: dict[str, Any] = {}
    if words:
        conditions.append(MATCHES)
        parameters["patterns"] = like_patterns(words)
    if category is not None:
        conditions.append(BELOW_CATEGORY)
        parameters["category_id"] = category_id(connection, category)
    return conditions, parameters


def list_part_ids(connection: Connection, filters: PartFilters, sort: str, after: Position | None, limit: int) -> Page[int]:
    """Return one page of ids of published parts."""
    after_condition, order_by = SORTS[sort].clauses("p.id")
    searched, parameters = searching(connection, filters.words, filters.category)
    conditions = [PUBLIC, after_condition, *searched]
    if filters.in_stock is not None:
        wanted = ">" if filters.in_stock else "<="
        conditions.append(f"{ON_SALE} {wanted} 0")
    for bound, comparison in (("min_price", ">="), ("max_price", "<=")):
        if (value := getattr(filters, bound)) is not None:
            conditions.append(f"{AMOUNT} {comparison} CAST(:{bound} AS numeric)")
            parameters[bound] = value
    statement = text(f"""
        SELECT p.id, {SORTS[sort].expression} AS sort_key FROM parts p
        WHERE {" AND ".join(conditions)} ORDER BY {order_by} LIMIT :limit
    """)  # noqa: S608 — put together from constants of this module; every value is a parameter
    position = {"after_key": after and after.key, "after_id": after and after.id, "limit": limit + 1}
    rows, following = cut(connection.execute(statement, parameters | position).all(), limit)
    return Page([row.id for row in rows], following)


def list_facets(filters: PartFilters, sort: str) -> tuple[ListFacet, ...]:
    """Return what a list depends on, so that a stock change does not drop lists that do not look at stock."""
    facets = [ListFacet.CONTENT, ListFacet.CATEGORIES]
    if filters.in_stock is not None:
        facets.append(ListFacet.AVAILABILITY)
    if filters.min_price is not None or filters.max_price is not None or sort in {"price", "-price"}:
        facets.append(ListFacet.PRICE)
    return tuple(facets)


def load_categories(connection: Connection) -> list[dict[str, Any]]:
    """Return every category with the number of its own published parts."""
    return [dict(row._mapping) for row in connection.execute(_CATEGORIES)]
