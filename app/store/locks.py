"""The lock order, in one place: category rows, then part rows, then stock rows; within a kind by id, ascending.

Every writer takes its row locks through this file. NO KEY UPDATE suffices: our writes never change a referenced key, and
it lets foreign key checks pass.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text

from app.domain.errors import NotFoundError
from app.store.transaction import UnitOfWork

# The name of the last writer is a sub-select and not a join: after a wait, PostgreSQL evaluates it anew for the newer row.
_LOCK_STOCK = text("""
    SELECT s.id, s.part_id, s.current_stock, s.reserved_quantity, s.min_stock_level, s.version, s.updated_at,
           s.last_updated_by, (SELECT name FROM users WHERE id = s.last_updated_by) AS last_updated_by_name,
           p.archived_at, p.status = 'published' AND p.archived_at IS NULL AS is_public
    FROM stock_levels s JOIN parts p ON p.id = s.part_id
    WHERE s.part_id = :part_id
    FOR NO KEY UPDATE OF s
""")

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

_LOCK_STOCKS = text("""
    SELECT id, part_id, current_stock, reserved_quantity, min_stock_level, version
    FROM stock_levels WHERE part_id = ANY(:part_ids) ORDER BY part_id FOR NO KEY UPDATE
""")


def lock_stock(unit_of_work: UnitOfWork, part_id: int) -> Row[Any]:
    """Lock one part's stock and return it as it is now, with whether customers may see the part.

    Raises:
        NotFoundError: if there is no such part.
    """
    row = unit_of_work.execute(_LOCK_STOCK, part_id=part_id).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no part {part_id}.")
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


def lock_parts(unit_of_work: UnitOfWork, part_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Lock the parts that exist, in the order of their ids."""
    return unit_of_work.execute(_LOCK_PARTS, part_ids=list(part_ids)).all()


def lock_stocks(unit_of_work: UnitOfWork, part_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Lock the stock of the parts that exist, in the order of their ids; take part locks first."""
    return unit_of_work.execute(_LOCK_STOCKS, part_ids=list(part_ids)).all()
