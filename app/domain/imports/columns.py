"""The header of a catalogue file: which columns say what, under which names; where a specification's unit and group stand.

A specification's column is `name`, `name [unit]`, `group: name` or `group: name [unit]`. A backslash stands before a colon,
bracket or backslash that belongs to one of them, and a name that would be taken for a column of the part's own has an empty
group: `: Price`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from app.domain.imports.names import PRIVATE, SYNONYMS
from app.domain.imports.numbers import currencies_of

REQUIRED = ("sku", "part_name")
KNOWN = (
    "sku", "part_name", "slug", "status", "description", "category", "manufacturer", "manufacturer_number", "price", "currency",
    "current_stock", "min_stock_level",
)  # fmt: skip
LONGEST_NAME, LONGEST_UNIT, LONGEST_GROUP = 200, 40, 100
# Each name of a field, and its rank among them.
_FIELD_OF = {
    name: (field, rank) for field in KNOWN for rank, name in enumerate((field.replace("_", " "), *SYNONYMS.get(field, ())))
}
# Group and name end at a mark that no backslash stands before.
_SPECIFICATION = re.compile(
    r"(?:(?P<group>(?:[^\\:]|\\.|:(?! ))*?):(?: |\Z))?(?P<name>(?:[^\\]|\\.|\\\Z)*?)(?: ?\[(?P<unit>(?:[^\\\[\]]|\\.)+)\])?",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\([\\:\[\]])")
_MARK = re.compile(r"[\\:\[\]]")
# A price's header with a currency: Price (EUR), Unit price in USD, Price €.
_PRICED = re.compile(r"(.*?\w)[\s_(\[]*(?:\bin )?([A-Za-z]{3}|[^\w\s()\[\]*:#]{1,3}|US\$)[)\]]?")


class Specification(NamedTuple):
    """A specification as a column names it."""

    name: str
    unit: str = ""
    group: str = ""


class Skipped(NamedTuple):
    """A column that is not read, since it holds what is private."""

    name: str


# One of `KNOWN`, a specification, one that is skipped, or None: a column without a name, whose cells must be empty.
Column = str | Specification | Skipped | None


def read_columns(names: Sequence[str]) -> list[Column]:
    """Return what each column says. Of several names for one field the best one counts; the others are specifications."""
    found = [_field_of(name) for name in names]
    best = {field: min(rank for other, rank in filter(None, found) if other == field) for field, _ in filter(None, found)}
    taken: set[str] = set()
    columns: list[Column] = []
    for name, field_and_rank in zip(names, found, strict=True):
        field, rank = field_and_rank or ("", -1)
        # The own name twice is a mistake in the file, and `problems_of` says so.
        if rank == best.get(field) and (rank == 0 or field not in taken):
            taken.add(field)
            columns.append(field)
        else:
            columns.append(_other(name))
    return columns


def _other(name: str) -> Column:
    if {_plain(name), _plain(_priced(name)[0])} & PRIVATE:
        return Skipped(name)
    return read_specification(name) if name else None


def currency_of(names: Sequence[str], columns: Sequence[Column]) -> str:
    """Return the currency's code or sign that the header of the price states, or nothing."""
    name = next((name for name, column in zip(names, columns, strict=True) if column == "price"), "")
    return "" if _plain(name) in _FIELD_OF else _priced(name)[1]


def names_several(name: str) -> bool:
    """Whether the cells below a header of categories hold several of them."""
    return _plain(name) == "categories"


def _field_of(name: str) -> tuple[str, int] | None:
    if found := _FIELD_OF.get(_plain(name)):
        return found
    priced = _FIELD_OF.get(_plain(_priced(name)[0]))
    return priced if priced and priced[0] == "price" else None


def _priced(name: str) -> tuple[str, str]:
    found = _PRICED.fullmatch(name)
    return (found[1], found[2]) if found and currencies_of(found[2]) else (name, "")


def _plain(name: str) -> str:
    """Return a header in small letters without punctuation, but for a colon within: it belongs to a specification."""
    name = re.sub("(?<=[a-z])(?=[A-Z])", " ", name[:-1] if name.endswith((":", "*")) else name)
    return re.sub(r"[\s_.'’()-]+", " ", name.casefold().replace("#", " # ")).strip()


def read_specification(header: str) -> Specification:
    """Return the specification that a column's header names."""
    found = _SPECIFICATION.fullmatch(header)
    parts: Mapping[str, str | None] = found.groupdict() if found else {"name": header}
    name, unit, group = (_ESCAPED.sub(r"\1", parts.get(part) or "").strip() for part in ("name", "unit", "group"))
    return Specification(name, unit, group) if name else Specification(header)


def header_of(specification: Specification) -> str:
    """Return the header that `read_columns` takes for this specification."""
    name, unit, group = (_MARK.sub(lambda mark: "\\" + mark[0], part) for part in specification)
    header = name + (f" [{unit}]" if unit else "")
    return f"{group}: {header}" if group or isinstance(read_columns([header])[0], str | Skipped) else header


def problems_of(names: Sequence[str], columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Return what is wrong with a header: the column, and why."""
    if not any(names):
        return [("header", "the file is empty, or its first line is no CSV of a sensible length; it must name the columns")]
    found = [
        (name, f"this column is required; name one so, or {', or '.join(SYNONYMS[name][:3])}") for name in REQUIRED
        if name not in columns
    ]  # fmt: skip
    seen: set[Column] = set()
    for number, (name, column) in enumerate(zip(names, columns, strict=True), 1):
        if column is None:
            continue
        if column in seen:
            found.append((name[:40], "this column stands there twice; leave one out, or name it otherwise"))
        seen.add(column)
        if isinstance(column, Specification) and (reason := _too_long(column)):
            found.append((name[:40] or f"column {number}", reason))
    return found


def _too_long(column: Specification) -> str | None:
    limits = (("name", LONGEST_NAME), ("unit", LONGEST_UNIT), ("group", LONGEST_GROUP))
    return next(
        (f"the {part} is longer than {most} characters" for part, most in limits if len(getattr(column, part)) > most), None
    )
