"""The header of a catalogue file: which columns say what, under which names; where a specification's unit and group stand.

A specification's column is `name`, `name [unit]`, `group: name` or `group: name [unit]`. A backslash stands before a colon,
bracket or backslash that belongs to one of them, and a name that would be taken for a column of the part's own has an empty
group: `: Price`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

REQUIRED = ("sku", "part_name")
KNOWN = (
    "sku", "part_name", "slug", "status", "description", "category", "manufacturer", "manufacturer_number", "price", "currency",
    "current_stock", "min_stock_level",
)  # fmt: skip
# What other systems call these columns, in lower case, without punctuation.
SYNONYMS = {
    "sku": ("part number", "part no", "item number", "article number"),
    "part_name": ("name", "product name", "title"),
    "category": ("category path",),
    "manufacturer": ("brand", "maker"),
    "manufacturer_number": ("mpn", "manufacturer part number", "manufacturer s number"),
    "price": ("unit price", "list price"),
    "current_stock": ("stock", "qty", "quantity", "on hand"),
    "min_stock_level": ("minimum stock", "min stock", "reorder level"),
}
LONGEST_NAME, LONGEST_UNIT, LONGEST_GROUP = 200, 40, 100
_FIELD_OF = {name.replace("_", " "): name for name in KNOWN} | {
    synonym: name for name, synonyms in SYNONYMS.items() for synonym in synonyms
}
# Group and name end at a mark that no backslash stands before.
_SPECIFICATION = re.compile(
    r"(?:(?P<group>(?:[^\\:]|\\.|:(?! ))*?):(?: |\Z))?(?P<name>(?:[^\\]|\\.|\\\Z)*?)(?: ?\[(?P<unit>(?:[^\\\[\]]|\\.)+)\])?",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\([\\:\[\]])")
_MARK = re.compile(r"[\\:\[\]]")


class Specification(NamedTuple):
    """A specification as a column names it."""

    name: str
    unit: str = ""
    group: str = ""


# One of `KNOWN`, a specification, or None: a column without a name, whose cells must be empty.
Column = str | Specification | None


def read_columns(names: Sequence[str]) -> list[Column]:
    """Return what each column says. A field's own name wins over its synonyms; another name for it is a specification then."""
    fields = [_field_of(name) for name in names]
    own = {field for name, field in zip(names, fields, strict=True) if field and _plain(name) == field.replace("_", " ")}
    taken: set[str] = set()
    columns: list[Column] = []
    for name, field in zip(names, fields, strict=True):
        is_own = field is not None and _plain(name) == field.replace("_", " ")
        if field is not None and (is_own or (field not in own and field not in taken)):
            taken.add(field)
            columns.append(field)
        else:
            columns.append(read_specification(name) if name else None)
    return columns


def _field_of(name: str) -> str | None:
    return _FIELD_OF.get(_plain(name))


def _plain(name: str) -> str:
    return re.sub(r"[\s_.'’-]+", " ", name.casefold()).strip()


def read_specification(header: str) -> Specification:
    """Return the specification that a column's header names."""
    found = _SPECIFICATION.fullmatch(header)
    parts: Mapping[str, str | None] = found.groupdict() if found else {"name": header}
    name, unit, group = (_ESCAPED.sub(r"\1", parts.get(part) or "").strip() for part in ("name", "unit", "group"))
    return Specification(name, unit, group) if name else Specification(header)


def header_of(specification: Specification) -> str:
    """Return the header that `read_columns` takes for this specification."""
    name, unit, group = (_MARK.sub(lambda mark: "\\" + mark[0], part) for part in specification)
    prefix = f"{group}: " if group or _field_of(name) else ""
    return f"{prefix}{name}" + (f" [{unit}]" if unit else "")


def problems_of(names: Sequence[str], columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Return what is wrong with a header: the column, and why."""
    if not any(names):
        return [("header", "the file is empty; its first line must name the columns")]
    found = [(name, "this column is required") for name in REQUIRED if name not in columns]
    seen: set[Column] = set()
    for number, (name, column) in enumerate(zip(names, columns, strict=True), 1):
        if column is None:
            continue
        if column in seen:
            found.append((name[:40], "this column stands there twice"))
        seen.add(column)
        if isinstance(column, Specification) and (reason := _too_long(column)):
            found.append((name[:40] or f"column {number}", reason))
    return found


def _too_long(column: Specification) -> str | None:
    limits = (("name", LONGEST_NAME), ("unit", LONGEST_UNIT), ("group", LONGEST_GROUP))
    return next(
        (f"the {part} is longer than {most} characters" for part, most in limits if len(getattr(column, part)) > most), None
    )
