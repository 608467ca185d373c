"""Facets: how many parts each choice of a filter would leave, counted with all other filters and without its own."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

MOST_MANUFACTURERS = 50


class Group(Protocol):
    """Hits that have category, manufacturer and availability in common. `count` are those within the wanted prices; `low` and
    `high` the prices of all of them, None if none has a price."""

    category_id: int | None
    manufacturer: str | None
    in_stock: bool
    count: int
    low: Decimal | None
    high: Decimal | None


class Node(Protocol):
    """A category."""

    id: int
    slug: str
    name: str
    parent_id: int | None


@dataclass(frozen=True, slots=True)
class Chosen:
    """What the visitor has chosen already; None for nothing."""

    categories: Collection[int] | None = None
    manufacturer: str | None = None
    in_stock: bool | None = None

    def fits(self, group: Group) -> tuple[bool, bool, bool]:
        """Whether a group is of the chosen category, manufacturer and availability."""
        return (
            self.categories is None or group.category_id in self.categories,
            self.manufacturer is None or group.manufacturer == self.manufacturer,
            self.in_stock is None or group.in_stock == self.in_stock,
        )


def composed(groups: Iterable[Group], tree: Sequence[Node], chosen: Chosen) -> dict[str, Any]:
    """Return the facets of all hits. A category counts its own parts and those of all below it, as the filter does."""
    categories: Counter[int | None] = Counter()
    manufacturers: Counter[str | None] = Counter()
    available: Counter[bool] = Counter()
    prices: list[Decimal] = []
    total = 0
    for group in groups:
        of_category, of_manufacturer, of_availability = chosen.fits(group)
        if of_manufacturer and of_availability:
            categories[group.category_id] += group.count
        if of_category and of_availability:
            manufacturers[group.manufacturer] += group.count
        if of_category and of_manufacturer:
            available[group.in_stock] += group.count
        if of_category and of_manufacturer and of_availability:
            total += group.count
            prices += [price for price in (group.low, group.high) if price is not None]
    return {
        "categories": _with_all_below(categories, tree),
        "manufacturers": _most_frequent(manufacturers),
        "availability": {"in_stock": available[True], "out_of_stock": available[False]},
        "price": {"min": str(min(prices)), "max": str(max(prices))} if prices else None,
        "total": total,
    }


def _with_all_below(counts: Counter[int | None], tree: Sequence[Node]) -> list[dict[str, Any]]:
    parents = {node.id: node.parent_id for node in tree}
    sums: Counter[int] = Counter()
    for category_id, count in counts.items():
        above = category_id
        while above is not None and above in parents:
            sums[above] += count
            above = parents[above]
    return [
        {"id": node.id, "slug": node.slug, "name": node.name, "parent_id": node.parent_id, "count": sums[node.id]}
        for node in tree
        if sums[node.id]
    ]


def _most_frequent(counts: Counter[str | None]) -> list[dict[str, Any]]:
    named = [(value, count) for value, count in counts.items() if value is not None and count]
    named.sort(key=lambda one: (-one[1], one[0]))
    return [{"value": value, "count": count} for value, count in named[:MOST_MANUFACTURERS]]
