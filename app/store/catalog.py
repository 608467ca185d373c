"""What customers read: the aspects of parts, pages of lists, the category tree. Loaded into the cache, never written here."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from app.domain.pictures import addressed
from app.domain.pricing import current_price, next_boundary
from app.domain.stock import Stock
from app.store import content, prices
from app.store.stock import public_state

_STOCK = text("""
    SELECT part_id, current_stock, reserved_quantity, min_stock_level, version, updated_at
    FROM stock_levels WHERE part_id = ANY(:part_ids)
""")
# With the database's clock, which also says when a date of a price list has come: the web servers' may differ.
_PRICE_VERSIONS = text("""
    SELECT id, price_version, price_updated_at, statement_timestamp() AS moment FROM parts WHERE id = ANY(:part_ids)
""")

PUBLIC = "p.status = 'published' AND p.archived_at IS NULL"
# The same choice as `app.domain.pricing.current_price` makes for one piece, but the price in `:currency` before all others, and
# no other if `:only` that will do; NULL has no preference.
SHOWN_PRICE = """
    LEFT JOIN LATERAL (
        SELECT found.amount, found.currency FROM (
            SELECT pp.amount, pp.currency, pp.min_quantity, pp.valid_from FROM part_prices pp
            WHERE pp.part_id = p.id AND (pp.valid_from IS NULL OR pp.valid_from <= now())
              AND (pp.valid_to IS NULL OR pp.valid_to > now())
            UNION ALL
            SELECT legacy.amount, legacy.currency, NULL, NULL FROM prices legacy WHERE legacy.part_id = p.id) found
        -- The legacy price counts only while no line of the list is in force.
        ORDER BY found.min_quantity IS NULL, found.currency IS DISTINCT FROM CAST(:currency AS text), found.min_quantity,
                 found.currency, found.valid_from DESC NULLS LAST LIMIT 1) price
      ON NOT :only OR price.currency = CAST(:currency AS text)"""
_CATEGORIES = text(f"""
    SELECT c.id, c.name, c.slug, c.parent_id, c.description, c.picture, c.version, search_order(c.name) AS sort_key,
           (SELECT count(*) FROM parts p WHERE p.category_id = c.id AND {PUBLIC}) AS part_count
    FROM categories c ORDER BY sort_key, c.id
""")  # noqa: S608 — constant text
_PLACES = text("SELECT id, category_id FROM parts WHERE id = ANY(:part_ids)")
_VERSIONS = text(f"""
    SELECT p.id, p.version AS content, s.version AS stock, p.price_version AS price
    FROM parts p JOIN stock_levels s ON s.part_id = p.id WHERE p.id = ANY(:part_ids) AND {PUBLIC}
""")  # noqa: S608 — constant text


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
    loaded = {}
    for row in versions:
        own, now = lines.get(row.id, []), row.moment
        boundary = next_boundary(own, now)
        public = prices.public_state(current_price(own, legacy.get(row.id), now), row.price_version, row.price_updated_at)
        loaded[row.id] = Loaded(row.price_version, public, (boundary - now).total_seconds() if boundary else None)
    return loaded


def places(connection: Connection, part_ids: Sequence[int]) -> dict[int, tuple[int, ...]]:
    """Return the category in which each of the parts that exist stands; of one without a category, none."""
    rows = connection.execute(_PLACES, {"part_ids": list(part_ids)})
    return {row.id: () if row.category_id is None else (row.category_id,) for row in rows}


def load_versions(connection: Connection, part_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Return the versions of the aspects of those parts that customers may see."""
    rows = connection.execute(_VERSIONS, {"part_ids": list(part_ids)})
    return {row.id: {"content": row.content, "stock": row.stock, "price": row.price} for row in rows}


def load_categories(connection: Connection) -> list[dict[str, Any]]:
    """Return every category with the number of its own published parts, and its place in the order of names."""
    return [{**row._mapping, "picture": row.picture and addressed(row.picture)} for row in connection.execute(_CATEGORIES)]
