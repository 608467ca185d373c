"""What a product page looks up besides the part: what it was if it is gone, related parts, and what could take its place."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from sqlalchemy import Connection, TextClause, text

from app.store import content

MAX_NEIGHBOURS = 8

# What is still said of a part that customers saw and that is archived now.
_STILL_SAID = ("id", "sku", "slug", "part_name", "specifications")
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


def withdrawn(connection: Connection, part_id: int) -> dict[str, Any] | None:
    """Return what this part was called, what it specified and its category's id, if it was published and is now archived."""
    found = content.load(connection, [part_id]).get(part_id)
    if found is None or not found.is_withdrawn:
        return None
    public = found.public()
    return {name: public[name] for name in _STILL_SAID} | {"category_id": found.row.category_id}


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
