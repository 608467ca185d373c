"""The header of a catalog file: what each column means, under which names, and where a specification's unit and group go.

A specification's column is `name`, `name [unit]`, `group: name` or `group: name [unit]`. A colon, bracket or backslash within one
of these is escaped with a backslash. A name that would be taken for something else is prefixed with `: `, as in `: Price`.
"""

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from shlex import quote
from types import MappingProxyType
from typing import NamedTuple

from app.domain.content import alike, normalised
from app.domain.imports.names import PRIVATE, SYNONYMS
from app.domain.imports.numbers import currencies_of
from app.domain.imports.options import NO_OPTIONS, Options
from app.domain.imports.paths import PathStyle
from app.domain.imports.words import deciding_word, without_accents

REQUIRED = ("sku", "part_name")
KNOWN = (
    "sku", "part_name", "slug", "status", "description", "category", "manufacturer", "manufacturer_number", "price", "currency",
    "current_stock", "min_stock_level",
)  # fmt: skip
# If two columns give one of these, the second does not become a specification.
DECIDING = ("price", "currency", "current_stock", "min_stock_level", "status")
MAX_NAME, MAX_UNIT, MAX_GROUP = 200, 40, 100
# Group and name end at an unescaped delimiter.
_SPECIFICATION = re.compile(
    r"(?:(?P<group>(?:[^\\:]|\\.|:(?! ))*?):(?: |\Z))?(?P<name>(?:[^\\]|\\.|\\\Z)*?)(?: ?\[(?P<unit>(?:[^\\\[\]]|\\.)+)\])?",
    re.DOTALL,
)
_ESCAPED = re.compile(r"\\([\\:\[\]])")
_MARK = re.compile(r"[\\:\[\]]")
# A price header with a currency: Price (EUR), Unit price in USD, Price €.
_PRICED = re.compile(r"(.*?\w)[\s_(\[]*(?:\bin )?([A-Za-z]{3}|[^\w\s()\[\]*:#]{1,3}|US\$)[)\]]?")

# Marks a column as a specification, whatever its name.
_MARKED = re.compile(r":(?: |\Z)")
# What a column's name may say about its values: Active (0/1), Categories (x,y,z...), Published (0 = No, 1 = Yes).
_VALUES = re.compile(r"\s*\([^()]*[/,=][^()]*\)(?=\s*\*?\Z)")


def _plain(name: str) -> str:
    """Return a header in lower case without punctuation, except for a colon inside it, which belongs to a specification."""
    name = re.sub("(?<=[a-z])(?=[A-Z])", " ", name[:-1] if name.endswith((":", "*")) else name)
    # The four Turkish letters i are two, since a capital one does not say which it is.
    name = name.casefold().replace("i\u0307", "i").replace("ı", "i")
    return re.sub(r"[\s_.'’()-]+", " ", name.replace("#", " # ")).strip()


# The field that each name stands for, and the name's rank among the field's names. Spreadsheets are often typed without accents.
_FIELD_OF = {
    spelling: (field, rank)
    for field in KNOWN for rank, name in enumerate((field.replace("_", " "), *SYNONYMS.get(field, ())))
    for spelling in (without_accents(_plain(name)), _plain(name))
}  # fmt: skip


class Specification(NamedTuple):
    """A specification as a column names it."""

    name: str
    unit: str = ""
    group: str = ""

    @property
    def compared(self) -> tuple[str, str]:
        """Its group and name in the form in which names are compared: two of the same are one."""
        return alike(self.group), alike(self.name)


class Why(StrEnum):
    """Why a column is not read."""

    PRIVATE = "private"
    IGNORED = "ignored"
    UNDECIDED = "undecided"


_UNREAD = {
    Why.PRIVATE: "not read: what a part costs the shop and who supplies it is not for customers",
    Why.IGNORED: "not read, as asked",
    Why.UNDECIDED: "not read: it may decide something ({word}); say what it is",
}


class Unread(NamedTuple):
    """A column that is not read; if undecided, with the word that makes it look like it decides something."""

    name: str
    why: Why
    word: str = ""


# One of `KNOWN`, a specification, a column that is not read, or None: a column without a name, whose cells must be empty.
Column = str | Specification | Unread | None


class Header(NamedTuple):
    """The columns' names, what each means, and the columns that give a second field as well: their positions and that field."""

    names: Sequence[str]
    columns: Sequence[Column]
    also: Sequence[tuple[int, str]] = ()

    def fields(self) -> list[tuple[int, str]]:
        """Return the positions of the columns that give one of the part's own fields, and that field."""
        return [(at, column) for at, column in enumerate(self.columns) if isinstance(column, str)] + list(self.also)


def read_header(names: Sequence[str], options: Options = NO_OPTIONS) -> Header:
    """Return what each column means. Of several columns for one field the best-named one counts; the options take precedence."""
    ignored, specified = _places(names, options.ignore), _places(names, options.as_specification)
    mapped = [(at, field) for field, column in options.mapping for at in _places(names, [column])]
    found = [None if at in ignored | specified else _field_of(name) for at, name in enumerate(names)]
    # A column that is mapped and whose name stands for another field gives both.
    also = [(at, field) for at, field in mapped if (own := found[at]) and own[0] != field]
    for at, field in mapped:
        if (at, field) not in also:
            found[at] = field, -1
    best = dict(sorted(filter(None, found), reverse=True)) | {field: -2 for _, field in also}
    columns: list[Column] = []
    for at, (name, field_and_rank) in enumerate(zip(names, found, strict=True)):
        field, rank = field_and_rank or ("", 0)
        if field and best[field] == rank and field not in columns:
            columns.append(field)
        elif at in ignored:
            columns.append(Unread(name, Why.IGNORED))
        elif at in specified:
            columns.append(read_specification(name))
        else:
            columns.append(_other(name, field))
    return Header(names, columns, also)


def _places(names: Sequence[str], chosen: Sequence[str]) -> set[int]:
    wanted = {_plain(normalised(name)) for name in chosen}
    return {at for at, name in enumerate(names) if name and _plain(name) in wanted}


def _other(name: str, field: str) -> Column:
    """Return what a column means that is none of the part's own fields, or that lost its field to a better-named column."""
    if not name:
        return None
    if _MARKED.match(name):
        return read_specification(name)
    if {_plain(name), _plain(_priced(name)[0])} & PRIVATE:
        return Unread(name, Why.PRIVATE)
    if word := field if field in DECIDING else deciding_word(name):
        return Unread(name, Why.UNDECIDED, word.replace("_", " "))
    return read_specification(name)


def currency_of(header: Header) -> str:
    """Return the currency code or sign that the price's header states, or an empty string."""
    name = next((header.names[at] for at, field in header.fields() if field == "price"), "")
    return "" if _plain(name) in _FIELD_OF else _priced(name)[1]


def names_several(name: str) -> bool:
    """Whether a category header says that its cells hold several categories."""
    return _plain(_VALUES.sub("", name)) in {"categories", "catégories", "categorías", "kategorien"}


def _field_of(name: str) -> tuple[str, int] | None:
    if found := _FIELD_OF.get(_plain(name)):
        return found
    for part, fields in ((_priced(name)[0], ("price",)), (_VALUES.sub("", name), ("status", "category"))):
        if (found := _FIELD_OF.get(_plain(part))) and found[0] in fields:
            return found
    return None


def _priced(name: str) -> tuple[str, str]:
    found = _PRICED.fullmatch(name)
    return (found[1], found[2]) if found and currencies_of(found[2]) else (name, "")


def read_specification(header: str) -> Specification:
    """Return the specification that a column's header names."""
    marked = _MARKED.match(header)
    found = _SPECIFICATION.fullmatch(header, marked.end() if marked else 0)
    parts: Mapping[str, str | None] = found.groupdict() if found else {"name": header}
    name, unit, group = (_ESCAPED.sub(r"\1", parts.get(part) or "").strip() for part in ("name", "unit", "group"))
    return Specification(name, unit, group) if name else Specification(header)


def header_of(specification: Specification) -> str:
    """Return the header that `read_header` reads as this specification."""
    name, unit, group = (_MARK.sub(lambda mark: "\\" + mark[0], part) for part in specification)
    header = (f"{group}: " if group else "") + name + (f" [{unit}]" if unit else "")
    return header if read_header([header]).columns == [specification] else f": {header}"


def problems_of(header: Header, options: Options) -> list[tuple[str, str]]:
    """Return what is wrong with a header, as pairs of column and reason."""
    if not any(header.names):
        return [("header", "the file is empty, or its first line is no CSV of a sensible length; it must name the columns")]
    found = _missing(header) + _unknown(header, options) + _doubled(header)
    for number, (name, column) in enumerate(zip(header.names, header.columns, strict=True), 1):
        if isinstance(column, Specification) and (reason := _too_long(column)):
            found.append((name[:40] or f"column {number}", reason))
    return found


def questions_of(header: Header) -> list[tuple[str, str]]:
    """Return the columns whose meaning somebody has to state, and how to state it."""
    return [
        (
            column.name[:40],
            f"may decide something ({column.word}), and specifications are public; say which it is: "
            f"--ignore {quote(column.name)}, --as-specification {quote(column.name)} or --map {quote(f'FIELD={column.name}')}"
            " (form fields ignore, as_specification, map)",
        )
        for column in header.columns if isinstance(column, Unread) and column.why is Why.UNDECIDED
    ]  # fmt: skip


def described(
    header: Header,
    decimal_mark: str | None = None,
    style: PathStyle | None = None,
    odd: Mapping[int, Sequence[str]] = MappingProxyType({}),
) -> list[dict[str, str]]:
    """Return what becomes of each column, for whoever imports the file.

    Args:
        decimal_mark: of the file's numbers, if they reveal it.
        style: how the file writes categories, if that is known.
        odd: what else is to be said, by the columns' positions.
    """
    details = {"category": style.description() if style else ""}
    if decimal_mark:
        details |= dict.fromkeys(("price", "current_stock", "min_stock_level"), f'decimal mark "{decimal_mark}"')
    found = []
    for at, (name, column) in enumerate(zip(header.names, header.columns, strict=True)):
        became, detail = _described(column, details)
        also = [f"also {field}" for place, field in header.also if place == at]
        found.append({"name": name, "became": became, "detail": "; ".join(filter(None, [detail, *also, *odd.get(at, ())]))})
    return found


def _described(column: Column, details: Mapping[str, str]) -> tuple[str, str]:
    if column is None:
        return "nothing", "it has no name, so its cells must be empty"
    if isinstance(column, Specification):
        unit, group = (f"unit {column.unit}" if column.unit else ""), (f"group {column.group}" if column.group else "")
        return "specification", "; ".join(filter(None, [column.name, unit, group]))
    if isinstance(column, Unread):
        return column.why, _UNREAD[column.why].format(word=column.word)
    return column, details.get(column, "")


def _missing(header: Header) -> list[tuple[str, str]]:
    present = {field: header.names[at] for at, field in header.fields()}
    found = []
    for field in (field for field in REQUIRED if field not in present):
        reason = f"this column is required; name one so, or {', '.join(SYNONYMS[field][:3])}"
        if number := present.get("manufacturer_number"):
            reason += f"; or take the manufacturer's number for it: --map {quote(f'{field}={number}')} (form field map)"
        found.append((field, reason))
    return found


def _unknown(header: Header, options: Options) -> list[tuple[str, str]]:
    """Return the columns that the options name but the file lacks, and those about which they say two things."""
    found = [
        (field, f"is no field of a part; map one of {', '.join(KNOWN)}") for field, _ in options.mapping if field not in KNOWN
    ]
    said = {"ignore": options.ignore, "as-specification": options.as_specification, "map": [name for _, name in options.mapping]}
    places = {option: _places(header.names, names) for option, names in said.items()}
    found += [
        (name[:40], f"--{option} names this column, and the file has none of this name; correct it")
        for option, names in said.items() for name in names if not _places(header.names, [name])
    ]  # fmt: skip
    twice = [at for at in range(len(header.names)) if sum(at in chosen for chosen in places.values()) > 1]
    found += [(header.names[at][:40], "the options say two things of this column; keep one") for at in twice]
    fields = [field for field, _ in options.mapping]
    found += [(field, "is mapped to several columns; keep one") for field in dict.fromkeys(fields) if fields.count(field) > 1]
    return found


def _doubled(header: Header) -> list[tuple[str, str]]:
    """Return the columns that share a name, except those that are deliberately not read."""
    places: dict[Column, list[int]] = {}
    for at, (name, column) in enumerate(zip(header.names, header.columns, strict=True)):
        if column is None or (isinstance(column, Unread) and column.why is not Why.UNDECIDED):
            continue
        is_own = isinstance(column, Specification) and _field_of(name) is None
        places.setdefault(column if is_own else _plain(name), []).append(at)
    return [
        (
            header.names[ats[0]][:40],
            f"stands there {len(ats)} times (columns {', '.join(str(at + 1) for at in ats)}); leave one, or rename the others, "
            f"or read none of them: --ignore {quote(header.names[ats[0]])} (form field ignore)",
        )
        for ats in places.values() if len(ats) > 1
    ]  # fmt: skip


def _too_long(column: Specification) -> str | None:
    limits = (("name", MAX_NAME), ("unit", MAX_UNIT), ("group", MAX_GROUP))
    return next(
        (f"the {part} is longer than {most} characters" for part, most in limits if len(getattr(column, part)) > most), None
    )
