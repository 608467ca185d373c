"""Keyset pagination: a page continues after the last row of the previous one, so inserts and deletes never shift it.

Every order ends with the id, which makes it total. Source: M. Winand, "No Offset" (use-the-index-luke.com).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Order:
    """An order of a list: an SQL expression that is never NULL, its type, and its direction."""

    expression: str
    type: str
    descending: bool = False

    def clauses(self, id_column: str, after: "Position | None") -> tuple[str, str]:
        """Return the WHERE condition and the ORDER BY clause of what follows `after`, given as `:after_key, :after_id`.

        The first page has no condition: one that tested for a position at run time would keep the index from starting there.
        """
        comparison, direction = ("<", "DESC") if self.descending else (">", "ASC")
        position = f"(CAST(:after_key AS {self.type}), CAST(:after_id AS int))"
        condition = f"({self.expression}, {id_column}) {comparison} {position}" if after else "true"
        return condition, f"{self.expression} {direction}, {id_column} {direction}"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a page ended: the sort key as text and the id; and how the first page interpreted a search's words."""

    key: str
    id: int
    meant: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page, and where the next one begins; None after the last."""

    items: Sequence[T]
    next: Position | None


@dataclass(frozen=True, slots=True)
class FoundPage(Page[T]):
    """A page of what a search has found; `match` is `similar` if no part has the words as typed, else `exact`."""

    match: str = "exact"


def page_by_name(items: Sequence[dict[str, Any]], limit: int | None, after: Position | None) -> Page[dict[str, Any]]:
    """Return a page of a list that is in memory, ordered by name; without `limit`, everything after `after`. Each item has a
    `sort_key` (`search_order` of its name), which is left out of the page."""

    def place(item: dict[str, Any]) -> tuple[str, int]:
        return item["sort_key"], item["id"]

    rest = sorted((item for item in items if after is None or place(item) > (after.key, after.id)), key=place)
    end = Position(*place(rest[limit - 1])) if limit is not None and limit < len(rest) else None
    return Page([{name: value for name, value in item.items() if name != "sort_key"} for item in rest[:limit]], end)


def cut(rows: Sequence[Any], limit: int) -> tuple[Sequence[Any], Position | None]:
    """Return at most `limit` of `limit + 1` fetched rows (with columns `sort_key` and `id`) and where the next page begins."""
    shown = rows[:limit]
    more = len(rows) > limit
    return shown, Position(str(shown[-1].sort_key), shown[-1].id) if more else None
