"""What a product page looks up besides the part itself: whether it is gone, and related parts."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, text

MAX_NEIGHBOURS = 8

# An archived draft never existed for customers, so it is not gone either.
_IS_GONE = text("SELECT EXISTS (SELECT FROM parts WHERE id = :part_id AND archived_at IS NOT NULL AND status = 'published')")
_SORT_KEY = text("SELECT sort_key FROM part_search WHERE part_id = :part_id")
_BEFORE = text("""
    SELECT part_id FROM part_search
    WHERE is_public AND category_id = ANY(:categories) AND (sort_key, part_id) < (:sort_key, :part_id)
    ORDER BY sort_key DESC, part_id DESC LIMIT :most
""")
_BEHIND = text("""
    SELECT part_id FROM part_search
    WHERE is_public AND category_id = ANY(:categories) AND (sort_key, part_id) > (:sort_key, :part_id)
    ORDER BY sort_key, part_id LIMIT :most
""")


def is_gone(connection: Connection, part_id: int) -> bool:
    """Return whether this part was published and is now archived."""
    return bool(connection.execute(_IS_GONE, {"part_id": part_id}).scalar_one())


def neighbours(connection: Connection, part_id: int, categories: Sequence[int]) -> list[int]:
    """Return up to eight published parts of these categories whose names sort next to this part's, nearest first."""
    sort_key = connection.execute(_SORT_KEY, {"part_id": part_id}).scalar_one_or_none()
    if sort_key is None:
        return []
    parameters: dict[str, Any] = {"part_id": part_id, "sort_key": sort_key, "categories": categories, "most": MAX_NEIGHBOURS}
    before, behind = (connection.execute(side, parameters).scalars().all() for side in (_BEFORE, _BEHIND))
    nearest = [other for pair in zip_longest(before, behind) for other in pair if other is not None]
    return nearest[:MAX_NEIGHBOURS]
