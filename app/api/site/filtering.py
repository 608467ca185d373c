"""How the page of a list shows what it may be, and is, filtered by, and the list as a table.

The application shows the same (`specifications.ts`, `chips.ts` and `columns.ts` in `web/src`).
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from app.api.site.formats import Formats

PREFIX = "spec."
ENDS = ("min", "max")
# Specifications that are open at first, of those that tell the parts apart; values that are shown at first; more than so many can
# be searched.
OPEN, FEW, MANY = 3, 8, 20
_END = re.compile(r"\.(?:min|max)$")
# The address of the list with other filters.
AddressOf = Callable[[Mapping[str, Any]], str]


def is_filter(name: str) -> bool:
    """Whether a field of an address filters by a specification."""
    return name.startswith(PREFIX) and _name_of(name) != ""


def is_end(name: str) -> bool:
    """Whether a filter by a specification is one end of a range."""
    return _END.search(name) is not None


def is_sort(sort: str) -> bool:
    """Whether a list is sorted by a specification."""
    return sort.removeprefix("-").startswith(PREFIX)


def sort_label(sort: str, texts: Mapping[str, Any]) -> str:
    """Return what a sort by a specification is called."""
    text = texts["table"]["sortedDown" if sort.startswith("-") else "sorted"]
    return str(text.format(name=sort.removeprefix("-").removeprefix(PREFIX)))


def misunderstood(refused: Mapping[str, Sequence[str]], texts: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with filters, each said with the name of its specification."""
    return [
        text if text.lower().startswith(_name_of(field).lower()) else _is(texts, _name_of(field), text)
        for field, wrong in refused.items()
        for text in wrong
    ]


def specifications(
    filters: Mapping[str, Any], facets: Mapping[str, Any] | None, refused: Mapping[str, Sequence[str]], written: Formats
) -> list[dict[str, Any]]:
    """Return the specifications to filter by, those among them that are filtered by already.

    Args:
        facets: with the counts; without them only what is filtered by is known.
        refused: what is wrong with filters, by their names.
    """
    known = list(facets["specifications"]) if facets else []
    listed = {one["name"].lower() for one in known}
    unknown = [name for name in _filtered_names(filters) if name.lower() not in listed]
    known += [{"name": name, "unit": "", "kind": "values", "values": [], "min": None, "max": None} for name in unknown]
    first = [one["name"] for one in known if len(one["values"]) > 1 or one["min"] != one["max"]][:OPEN]
    return [_specification(one, filters, refused, written, is_first=one["name"] in first) for one in known]


def _specification(
    known: Mapping[str, Any],
    filters: Mapping[str, Any],
    refused: Mapping[str, Sequence[str]],
    written: Formats,
    *,
    is_first: bool,
) -> dict[str, Any]:
    name, unit = known["name"], known["unit"]
    chosen = _sent(filters, name)
    ends = {end: (_sent(filters, f"{name}.{end}") or [""])[0] for end in ENDS}
    values = [{"value": _measured(one["value"], unit), "count": one["count"]} for one in known["values"]]
    values += [{"value": value, "count": 0 if values else None} for value in chosen if not _is_among(value, values)]
    for one in values:
        one["label"] = _read(one["value"], known, written)
        one["is_chosen"] = any(_is_same(one["value"], value) for value in chosen)
    count = len(chosen) + sum(value != "" for value in ends.values())
    return {
        "name": name,
        "unit": unit,
        "count": count,
        "is_open": is_first or count > 0,
        "is_range": known["kind"] == "range" or any(ends.values()),
        "ends": [
            {
                "end": end,
                "value": value,
                "present": "" if known[end] is None else _measured(known[end], unit),
                "error": " ".join(_sent(refused, f"{name}.{end}")),
            }
            for end, value in ends.items()
        ],
        "error": " ".join(_sent(refused, name)),
        "values": [one for at, one in enumerate(values) if at < FEW or one["is_chosen"]],
        "is_long": len(values) > MANY,
        "more": len(values) if len(values) > FEW else None,
    }


def chips(
    filters: Mapping[str, Any], facets: Mapping[str, Any] | None, written: Formats, address_of: AddressOf
) -> list[dict[str, str]]:
    """Return what a list is filtered by, each with the address of the list without it; but for its search and its category."""
    texts = written.texts
    found: list[tuple[str, Mapping[str, Any]]] = []
    if maker := filters.get("manufacturer"):
        found.append((_is(texts, texts["catalog"]["manufacturer"], maker), _without(filters, "manufacturer")))
    prices = [filters.get(f"{end}_price", "") for end in ENDS]
    if any(prices):
        amounts = [price and written.plain(price) for price in prices]
        found.append((_between(texts, texts["catalog"]["price"], amounts), _without(filters, "min_price", "max_price")))
    if filters.get("in_stock"):
        found.append((texts["catalog"]["inStock"], _without(filters, "in_stock")))
    listed = {one["name"].lower(): one for one in (facets["specifications"] if facets else ())}
    for name in _filtered_names(filters):
        key, values = _key(filters, name), _sent(filters, name)
        for value in values:
            others = [one for one in values if one != value]
            label = _is(texts, name, _read(value, listed.get(name.lower()), written))
            found.append((label, {**filters, key: others} if others else _without(filters, key)))
        ends = [_key(filters, f"{name}.{end}") for end in ENDS]
        if any(end in filters for end in ends):
            found.append(
                (_between(texts, name, [written.typed((filters.get(end) or [""])[0]) for end in ends]), _without(filters, *ends))
            )
    return [{"label": label, "url": address_of(others)} for label, others in found]


def table(
    parts: Sequence[Mapping[str, Any]], facets: Mapping[str, Any] | None, sort: str, texts: Mapping[str, Any],
    sorted_by: Callable[[str], str],
) -> dict[str, Any]:  # fmt: skip
    """Return the head and the rows of a list as a table: of the category's specifications those that at least one part has.

    Args:
        parts: with their `specifications`.
        sorted_by: returns the address of the list in another order.
    """
    present = {one["name"].lower() for part in parts for one in part["specifications"]}
    columns = [one for one in (facets["specifications"] if facets else []) if one["name"].lower() in present]

    def head(name: str, by: str | None, look: str) -> dict[str, Any]:
        direction = {by: "ascending", f"-{by}": "descending"}.get(sort, "none") if by else "none"
        return {
            "name": name, "class": look, "direction": direction,
            "url": by and sorted_by(f"-{by}" if direction == "ascending" else by),
        }  # fmt: skip

    return {
        "heads": [
            head(texts["table"]["part"], "name", "part"),
            head(texts["catalog"]["price"], "price", "number"),
            head(texts["table"]["stock"], None, ""),
            *(head(one["name"], PREFIX + one["name"], _look(one)) for one in columns),
        ],
        "rows": [{"part": part, "cells": [_cell(part, one) for one in columns]} for part in parts],
    }


def _cell(part: Mapping[str, Any], column: Mapping[str, Any]) -> dict[str, Any]:
    said = [one for one in part["specifications"] if one["name"].lower() == column["name"].lower()]
    texts = [f"{one['value']}\u00a0{one['unit']}" if one["unit"] else one["value"] for one in said]
    return {"text": ", ".join(texts), "is_number": column["kind"] == "range"}


def _look(column: Mapping[str, Any]) -> str:
    return "number" if column["kind"] == "range" else ""


def _name_of(field: str) -> str:
    return _END.sub("", field.removeprefix(PREFIX))


def _filtered_names(filters: Iterable[str]) -> list[str]:
    names: dict[str, str] = {}
    for field in filters:
        if is_filter(field):
            names.setdefault(_name_of(field).lower(), _name_of(field))
    return list(names.values())


def _key(filters: Iterable[str], name: str) -> str:
    wanted = PREFIX + name
    return next((field for field in filters if field.lower() == wanted.lower()), wanted)


def _sent(filters: Mapping[str, Any], name: str) -> list[str]:
    return list(filters.get(_key(filters, name), []))


def _without(filters: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in filters.items() if name not in names}


def _measured(value: str, unit: str) -> str:
    return f"{value} {unit}" if unit else value


def _read(value: str, specification: Mapping[str, Any] | None, written: Formats) -> str:
    """Return a value as the page's language writes it, if it is a number to the shop, and no word with digits in it."""
    return written.read(value) if specification and specification["kind"] == "range" else value


def _is_same(one: str, other: str) -> bool:
    return "".join(one.split()) == "".join(other.split())


def _is_among(value: str, values: Iterable[Mapping[str, Any]]) -> bool:
    return any(_is_same(value, one["value"]) for one in values)


def _is(texts: Mapping[str, Any], name: str, value: str) -> str:
    return str(texts["table"]["is"].format(name=name, value=value))


def _between(texts: Mapping[str, Any], name: str, ends: Sequence[str]) -> str:
    low, high = ends
    text = texts["table"]["between" if low and high else "atLeast" if low else "atMost"]
    return str(text.format(name=name, min=low, max=high))
