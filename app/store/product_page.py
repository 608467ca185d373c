"""What a product page looks up beside the part itself: whether it is gone, and a part's neighbours."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, text

RELATED = 8
# Fewer than these, and the page looks around in the category above as well.
FEW_RELATED = 4

# An archived draft was never there for customers, so it is not gone either.
_IS_GONE = text("SELECT EXISTS (SELECT FROM parts WHERE id = :part_id AND archived_at IS NOT NULL AND status = 'published')")
_PLACE = text("""
    SELECT s.sort_key, s.category_id, c.parent_id FROM part_search s LEFT JOIN categories c ON c.id = s.category_id
    WHERE s.part_id = :part_id
""")
_BELOW = text("""
    WITH RECURSIVE below AS (
        SELECT id FROM categories WHERE id = :category_id
        UNION SELECT c.id FROM categories c JOIN below ON c.parent_id = below.id)
    SELECT id FROM below
""")
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
    """Return whether customers may not see this part any more."""
    return bool(connection.execute(_IS_GONE, {"part_id": part_id}).scalar_one())


def related(connection: Connection, part_id: int) -> list[int]:
    """Return up to eight published parts whose names stand next to this part's in its category, the nearest first; if there are
    few, also in the category above and all below that."""
    place = connection.execute(_PLACE, {"part_id": part_id}).one_or_none()
    if place is None or place.category_id is None:
        return []
    nearest = _neighbours(connection, part_id, place.sort_key, [place.category_id])
    if len(nearest) < FEW_RELATED and place.parent_id is not None:
        categories = list(connection.execute(_BELOW, {"category_id": place.parent_id}).scalars())
        nearest += [other for other in _neighbours(connection, part_id, place.sort_key, categories) if other not in nearest]
    return nearest[:RELATED]


def _neighbours(connection: Connection, part_id: int, sort_key: str, categories: Sequence[int]) -> list[int]:
    parameters: dict[str, Any] = {"part_id": part_id, "sort_key": sort_key, "categories": categories, "most": RELATED}
    before, behind = (connection.execute(side, parameters).scalars().all() for side in (_BEFORE, _BEHIND))
    return [other for pair in zip_longest(before, behind) for other in pair if other is not None]
