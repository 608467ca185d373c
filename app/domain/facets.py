"""Facets: how many parts each choice in a filter would leave, with all other filters applied but not its own."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Protocol

from app.domain.measures import NUMBER, THREAD, Unit, UnitOf, own_unit, shown

MAX_MANUFACTURERS = 50
# Names of specifications that a category is filtered by; one of a single family has some twenty.
MAX_SPECIFICATIONS = 60
# A range lists its values as well if there are no more than this.
FEW_VALUES = 20
# Of what parts say of a specification, so much has to be numbers of one kind for it to be a range.
MOSTLY = 0.9


class Count(Protocol):
    """How many hits a choice would leave. `facet` is `category` (parts directly in it, not below), `manufacturer`, `in_stock`, or
    `total`, which has the lowest and the highest price."""

    facet: str
    value: str | None
    count: int
    low: str | None
    high: str | None


class Said(Protocol):
    """A value of a specification that parts of a list have, the most common ones of each name together and first.

    Attributes:
        name, value, unit: as some part says it.
        dimension, symbol, low, high, place: as `app.domain.measures` reads it.
        count: the parts that have this value; `different` values has the name, and `parts` is the sum of their counts.
        alike: the sum of the counts of the values in this dimension, `least` and `most` are their ends.
    """

    named: int
    name: str
    value: str
    unit: str
    dimension: str | None
    symbol: str
    low: float | None
    high: float | None
    place: str
    count: int
    different: int
    parts: int
    alike: int
    least: float | None
    most: float | None


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


def specification_facets(said: Iterable[Said], unit_of: UnitOf) -> list[dict[str, Any]]:
    """Return the specifications that a list can be filtered by, in the order in which they come: ranges of numbers with their
    ends in the unit that most parts use, and values for whatever else."""
    names = [list(values) for _named, values in groupby(said, key=lambda one: one.named)]
    return [_specification(values, unit_of) for values in names[:MAX_SPECIFICATIONS]]


def _specification(values: list[Said], unit_of: UnitOf) -> dict[str, Any]:
    name = values[0].name
    first = max(values, key=lambda one: (one.dimension is not None, one.alike))
    if first.dimension in {None, THREAD} or first.alike < MOSTLY * first.parts or first.least is None or first.most is None:
        by_place = sorted(values, key=lambda one: one.place)
        texts = [{"value": f"{one.value} {one.unit}".strip(), "count": one.count} for one in by_place]
        return {"name": name, "unit": "", "kind": "values", "values": texts, "min": None, "max": None}
    numbers = [one for one in values if one.dimension == first.dimension]
    symbol, unit = _most_used(numbers, unit_of)
    few = sorted(numbers, key=lambda one: one.place) if first.different <= FEW_VALUES else []
    return {
        "name": name, "unit": symbol, "kind": "range",
        "values": [{"value": _number(one, unit), "count": one.count} for one in few],
        "min": shown(first.least, unit), "max": shown(first.most, unit),
    }  # fmt: skip


def _most_used(numbers: list[Said], unit_of: UnitOf) -> tuple[str, Unit]:
    uses: Counter[str] = Counter()
    for one in numbers:
        uses[one.symbol] += one.count
    symbol, _uses = max(uses.items(), key=lambda use: (use[1], use[0]))
    return symbol, (unit_of(symbol) or own_unit(symbol)) if symbol else NUMBER


def _number(one: Said, unit: Unit) -> str:
    low, high = (shown(end, unit) for end in (one.low or 0.0, one.high or 0.0))
    return low if low == high else f"{low}…{high}"
