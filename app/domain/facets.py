"""Facets: how many parts each choice in a filter would leave, with all other filters applied but not its own."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

MAX_MANUFACTURERS = 50


class Count(Protocol):
    """How many hits a choice would leave. `facet` is `category` (parts directly in it, not below), `manufacturer`, `in_stock`, or
    `total`, which has the lowest and the highest price."""

    facet: str
    value: str | None
    count: int
    low: str | None
    high: str | None


class Node(Protocol):
    """A category."""

    id: int
    slug: str
    name: str
    parent_id: int | None


def composed(counts: Iterable[Count], tree: Sequence[Node]) -> dict[str, Any]:
    """Return the facets of all hits. A category counts its own parts and those of all below it, as the filter does."""
    of: dict[str, dict[str | None, Count]] = {"category": {}, "manufacturer": {}, "in_stock": {}, "total": {}}
    for one in counts:
        of[one.facet][one.value] = one
    total = of["total"].get(None)
    return {
        "categories": _with_all_below(of["category"], tree),
        "manufacturers": [{"value": value, "count": one.count} for value, one in of["manufacturer"].items()],
        "availability": {
            "in_stock": _count(of["in_stock"], "true"),
            "out_of_stock": _count(of["in_stock"], "false"),
        },
        "price": {"min": total.low, "max": total.high} if total and total.low is not None else None,
        "total": total.count if total else 0,
    }


def _count(counts: Mapping[str | None, Count], value: str) -> int:
    return counts[value].count if value in counts else 0


def _with_all_below(counts: Mapping[str | None, Count], tree: Sequence[Node]) -> list[dict[str, Any]]:
    parents = {node.id: node.parent_id for node in tree}
    sums: Counter[int] = Counter()
    for category_id, one in counts.items():
        above = None if category_id is None else int(category_id)
        while above is not None and above in parents:
            sums[above] += one.count
            above = parents[above]
    return [
        {"id": node.id, "slug": node.slug, "name": node.name, "parent_id": node.parent_id, "count": sums[node.id]}
        for node in tree
        if sums[node.id]
    ]
