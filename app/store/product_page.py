"""What a product page looks up besides the part itself: whether it is gone, related parts, and what could take its place."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, TextClause, text

MAX_NEIGHBOURS = 8

# An archived draft never existed for customers, so it is not gone either.
_IS_GONE = text("SELECT EXISTS (SELECT FROM parts WHERE id = :part_id AND archived_at IS NOT NULL AND status = 'published')")
_SORT_KEY = text("SELECT sort_key FROM part_search WHERE part_id = :part_id")


def _side(compared: str, order: str, condition: str = "") -> TextClause:
    """Return the statement for the published parts of some categories on one side of a name, nearest first."""
    return text(f"""
        SELECT part_id FROM part_search
        WHERE is_public AND category_id = ANY(:categories) AND (sort_key, part_id) {compared} (:sort_key, :part_id) {condition}
        ORDER BY sort_key {order}, part_id {order} LIMIT :most
    """)  # noqa: S608 — constant text


_ANY = _side("<", "DESC"), _side(">", "ASC")
_IN_STOCK = _side("<", "DESC", "AND in_stock"), _side(">", "ASC", "AND in_stock")


def is_gone(connection: Connection, part_id: int) -> bool:
    """Return whether this part was published and is now archived."""
    return bool(connection.execute(_IS_GONE, {"part_id": part_id}).scalar_one())


def neighbours(connection: Connection, part_id: int, categories: Sequence[int], *, in_stock: bool = False) -> list[int]:
    """Return up to eight published parts of these categories whose names sort next to this part's, nearest first; on request
    only of those in stock."""
    sort_key = connection.execute(_SORT_KEY, {"part_id": part_id}).scalar_one_or_none()
    if sort_key is None:
        return []
    parameters: dict[str, Any] = {"part_id": part_id, "sort_key": sort_key, "categories": categories, "most": MAX_NEIGHBOURS}
    sides = _IN_STOCK if in_stock else _ANY
    before, behind = (connection.execute(side, parameters).scalars().all() for side in sides)
    nearest = [other for pair in zip_longest(before, behind) for other in pair if other is not None]
    return nearest[:MAX_NEIGHBOURS]
