"""The catalog's lock order, in one place: the tree, a category's row, part rows, stock rows; within a kind by ascending id.

Code that writes categories, parts, prices or stock takes its row locks here. Users, keys, import jobs and deliveries are locked
in the files that write them, never together with any of these. NO KEY UPDATE suffices, except where noted: our writes never
change a referenced key, and it lets foreign key checks pass.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Row, text

from app.domain.errors import NotFoundError
from app.store.transaction import UnitOfWork

# `seen` differs for each version of the row, even if that was written with the triggers switched off. The moment of the next
# version is never before that of this one, even if the clock is set back: pages show the latest of what they have been told.
# The last writer's name is a subselect and not a join: after a wait, PostgreSQL re-evaluates it for the newer row.
_STOCK = """
    SELECT s.id, s.part_id, s.current_stock, s.reserved_quantity, s.min_stock_level, s.version, s.updated_at,
           s.last_updated_by, (SELECT name FROM users WHERE id = s.last_updated_by) AS last_updated_by_name,
           CAST(s.xmin AS text) AS seen, GREATEST(clock_timestamp(), s.updated_at) AS moment,
           p.archived_at, p.status = 'published' AND p.archived_at IS NULL AS is_public
    FROM stock_levels s JOIN parts p ON p.id = s.part_id
    WHERE s.part_id = :part_id
"""
_SEE_STOCK = text(_STOCK)
_LOCK_STOCK = text(f"{_STOCK} FOR NO KEY UPDATE OF s")

_LOCK_PARTS = text("""
    SELECT p.id, p.sku, p.slug, p.part_name, p.description, p.category_id, p.manufacturer, p.manufacturer_number, p.status,
           p.archived_at, p.version, p.price_version, p.price_boundary, p.updated_at, p.price_updated_at,
           p.last_updated_by, (SELECT name FROM users WHERE id = p.last_updated_by) AS last_updated_by_name,
           p.price_updated_by, (SELECT name FROM users WHERE id = p.price_updated_by) AS price_updated_by_name,
           p.status = 'published' AND p.archived_at IS NULL AS is_public
    FROM parts p
    WHERE p.id = ANY(:part_ids)
    ORDER BY p.id
    FOR NO KEY UPDATE OF p
""")

# Whatever changes the tree, imports included, holds this until the end of the transaction: two concurrent moves could each be
# valid by itself and together form a cycle.
_LOCK_CATEGORY_TREE = text("SELECT pg_advisory_xact_lock(hashtext('lockstep: categories'))")
# FOR UPDATE, unlike all others: the foreign key of a part that enters a category takes FOR KEY SHARE on its row, and must wait.
_CLOSE_CATEGORY = text("SELECT id FROM categories WHERE id = :category_id FOR UPDATE")
# What the foreign key of a part that enters it takes anyway, but before the parts' rows: whoever deletes the category waits for
# those that are in it, while we would wait for the category.
_HOLD_CATEGORY = text("SELECT id FROM categories WHERE id = :category_id FOR KEY SHARE")

# Served by ix_parts_price_boundary. The statement's start may be earlier than a price written while it was looking for rows.
_LOCK_DUE_PRICES = text("""
    SELECT p.id, p.price_version, p.price_updated_at, GREATEST(statement_timestamp(), p.price_updated_at) AS moment,
           p.status = 'published' AND p.archived_at IS NULL AS is_public
    FROM parts p
    WHERE p.price_boundary <= statement_timestamp() AND p.id <> ALL(CAST(:besides AS bigint[]))
    ORDER BY p.id LIMIT :most
    FOR NO KEY UPDATE OF p SKIP LOCKED
""")

_LOCK_STOCKS = text("""
    SELECT s.id, s.part_id, s.current_stock, s.reserved_quantity, s.min_stock_level, s.version, s.updated_at,
           s.last_updated_by, (SELECT name FROM users WHERE id = s.last_updated_by) AS last_updated_by_name
    FROM stock_levels s WHERE s.part_id = ANY(:part_ids) ORDER BY s.part_id FOR NO KEY UPDATE OF s
""")


def lock_category_tree(unit_of_work: UnitOfWork) -> None:
    """Keep others from changing the category tree until the end of the transaction; take it before any row lock."""
    unit_of_work.execute(_LOCK_CATEGORY_TREE)


def close_category(unit_of_work: UnitOfWork, category_id: int) -> None:
    """Keep parts from entering a category that is about to be deleted; take it before the locks of its parts."""
    unit_of_work.execute(_CLOSE_CATEGORY, category_id=category_id)


def hold_category(unit_of_work: UnitOfWork, category_id: int) -> bool:
    """Keep a category from being deleted, and return whether it is there; take it before the locks of parts that enter it."""
    return unit_of_work.execute(_HOLD_CATEGORY, category_id=category_id).one_or_none() is not None


def lock_stock(unit_of_work: UnitOfWork, part_id: int) -> Row[Any]:
    """Lock one part's stock, if the unit of work locks, and return its present row, including whether customers may see the part.

    Raises:
        NotFoundError: if there is no such part.
    """
    rows = unit_of_work.rows(_LOCK_STOCK if unit_of_work.locks else _SEE_STOCK, part_id=part_id)
    if not rows:
        raise NotFoundError(f"There is no part {part_id}.")
    row: Row[Any] = rows[0]
    return row


def lock_part(unit_of_work: UnitOfWork, part_id: int) -> Row[Any]:
    """Lock one part's content and prices and return the row as it is now.

    Raises:
        NotFoundError: if there is no such part.
    """
    rows = lock_parts(unit_of_work, [part_id])
    if not rows:
        raise NotFoundError(f"There is no part {part_id}.")
    return rows[0]


def lock_due_prices(unit_of_work: UnitOfWork, most: int, besides: Collection[int] = ()) -> Sequence[Row[Any]]:
    """Lock up to `most` parts whose dated price change is due, with the moment; those in `besides`, and rows that others have
    locked, are skipped."""
    return unit_of_work.execute(_LOCK_DUE_PRICES, most=most, besides=list(besides)).all()


def lock_parts(unit_of_work: UnitOfWork, part_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Lock those of the parts that exist, in id order."""
    return unit_of_work.execute(_LOCK_PARTS, part_ids=list(part_ids)).all()


def lock_stocks(unit_of_work: UnitOfWork, part_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Lock the stock of those of the parts that exist, in id order; take part locks first."""
    return unit_of_work.execute(_LOCK_STOCKS, part_ids=list(part_ids)).all()
