"""Set-based statements for imports and exports: one per kind of change and chunk, whatever the number of rows."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from app.store.encoding import jsonb
from app.store.transaction import UnitOfWork

_IDS_BY_SKU = text("SELECT id, sku, archived_at IS NOT NULL AS archived FROM parts WHERE sku = ANY(:skus)")
_TAKEN_SLUGS = text("SELECT slug FROM parts WHERE slug = ANY(:slugs)")
_INSERT_PARTS = text("""
    INSERT INTO parts (sku, slug, part_name, description, category_id, status, last_updated_by, price_updated_by)
    SELECT sku, slug, part_name, description, category_id, 'published', :actor_id, :actor_id
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
      AS r(sku text, slug text, part_name text, description text, category_id int)
    RETURNING id, sku
""")
_INSERT_STOCKS = text("""
    INSERT INTO stock_levels (part_id, current_stock, min_stock_level, last_updated_by)
    SELECT part_id, current_stock, min_stock_level, :actor_id
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(part_id int, current_stock int, min_stock_level int)
    RETURNING id, part_id, updated_at
""")
_UPDATE_PARTS = text("""
    UPDATE parts p
    SET part_name = r.part_name, description = r.description, category_id = r.category_id, version = p.version + 1,
        last_updated_by = :actor_id, updated_at = clock_timestamp()
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(part_id int, part_name text, description text, category_id int)
    WHERE p.id = r.part_id
""")
_UPDATE_STOCKS = text("""
    UPDATE stock_levels s
    SET current_stock = r.current_stock, min_stock_level = r.min_stock_level, version = s.version + 1,
        last_updated_by = :actor_id, updated_at = clock_timestamp()
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(part_id int, current_stock int, min_stock_level int)
    WHERE s.part_id = r.part_id
    RETURNING s.part_id, s.updated_at
""")
_TOUCH_PRICES = text("""
    UPDATE parts SET price_version = price_version + 1, price_updated_by = :actor_id, price_updated_at = clock_timestamp()
    WHERE id = ANY(:part_ids) RETURNING id, price_version, price_updated_at
""")
_CATEGORIES = text("SELECT id, name, parent_id FROM categories")
# One importer at a time makes categories, so that two of them do not make the same one twice.
_LOCK_CATEGORIES = text("SELECT pg_advisory_xact_lock(hashtext('lockstep: categories'))")
_INSERT_CATEGORY = text("""
    INSERT INTO categories (name, slug, parent_id)
    SELECT :name, free.slug, :parent_id
    FROM generate_series(1, 100000) AS n
    CROSS JOIN LATERAL (SELECT CASE n WHEN 1 THEN CAST(:slug AS text) ELSE :slug || '-' || n END AS slug) free
    WHERE NOT EXISTS (SELECT FROM categories c WHERE c.slug = free.slug)
    ORDER BY n LIMIT 1
    RETURNING id, name, slug, parent_id, version
""")
_EXPORT = text("""
    SELECT p.id FROM parts p WHERE p.archived_at IS NULL AND p.sku > :after ORDER BY p.sku LIMIT :limit
""")
_SPECIFICATION_NAMES = text("""
    SELECT s.name FROM part_specifications s JOIN parts p ON p.id = s.part_id WHERE p.archived_at IS NULL
    GROUP BY s.name ORDER BY min(s.position), s.name
""")


def ids_by_sku(connection: Connection, skus: Sequence[str]) -> Sequence[Row[Any]]:
    """Return id, SKU and whether it is archived, of those parts that exist."""
    return connection.execute(_IDS_BY_SKU, {"skus": list(skus)}).all()


def taken_slugs(connection: Connection, slugs: Sequence[str]) -> set[str]:
    """Return those of the given slugs that are in use."""
    return set(connection.execute(_TAKEN_SLUGS, {"slugs": list(slugs)}).scalars())


def insert_parts(unit_of_work: UnitOfWork, rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    """Insert published parts; return their ids by SKU."""
    inserted = unit_of_work.execute(_INSERT_PARTS, rows=jsonb(rows), actor_id=unit_of_work.actor.user_id)
    return {row.sku: row.id for row in inserted}


def insert_stocks(unit_of_work: UnitOfWork, rows: Sequence[dict[str, Any]]) -> Sequence[Row[Any]]:
    """Insert the stock rows of new parts."""
    return unit_of_work.execute(_INSERT_STOCKS, rows=jsonb(rows), actor_id=unit_of_work.actor.user_id).all()


def update_parts(unit_of_work: UnitOfWork, rows: Sequence[dict[str, Any]]) -> None:
    """Write the content columns of locked parts as their next version."""
    unit_of_work.execute(_UPDATE_PARTS, rows=jsonb(rows), actor_id=unit_of_work.actor.user_id)


def update_stocks(unit_of_work: UnitOfWork, rows: Sequence[dict[str, Any]]) -> dict[int, Any]:
    """Write the quantities of locked stock rows as their next version; return the times by part."""
    updated = unit_of_work.execute(_UPDATE_STOCKS, rows=jsonb(rows), actor_id=unit_of_work.actor.user_id)
    return {row.part_id: row.updated_at for row in updated}


def touch_prices(unit_of_work: UnitOfWork, part_ids: Sequence[int]) -> dict[int, Row[Any]]:
    """Raise the price version of locked parts; return it with its time, by part."""
    touched = unit_of_work.execute(_TOUCH_PRICES, part_ids=list(part_ids), actor_id=unit_of_work.actor.user_id)
    return {row.id: row for row in touched}


def lock_categories(unit_of_work: UnitOfWork) -> Sequence[Row[Any]]:
    """Keep others from making categories until the end of the transaction; return all there are."""
    unit_of_work.execute(_LOCK_CATEGORIES)
    return unit_of_work.execute(_CATEGORIES).all()


def insert_category(unit_of_work: UnitOfWork, name: str, slug: str, parent_id: int | None) -> Row[Any]:
    """Insert a category, with a number behind its slug if that is taken."""
    return unit_of_work.execute(_INSERT_CATEGORY, name=name, slug=slug, parent_id=parent_id).one()


def export_ids(connection: Connection, chunk: int) -> Iterator[list[int]]:
    """Yield the ids of all parts that are not archived, in the order of their SKUs, in chunks."""
    after = ""
    statement = text("SELECT sku FROM parts WHERE id = :id")
    while ids := list(connection.execute(_EXPORT, {"after": after, "limit": chunk}).scalars()):
        yield ids
        after = connection.execute(statement, {"id": ids[-1]}).scalar_one()


def specification_names(connection: Connection) -> list[str]:
    """Return every name of a specification in use."""
    return list(connection.execute(_SPECIFICATION_NAMES).scalars())


def part_exists(connection: Connection) -> bool:
    """Whether there is any part."""
    return bool(connection.execute(text("SELECT EXISTS (SELECT FROM parts)")).scalar_one())
