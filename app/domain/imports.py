"""What a row of an import file must look like, and what it means. Every problem names its line, its field and a remedy."""

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

from app.domain.content import forbidden_characters, normalised
from app.domain.pricing import AMOUNT
from app.domain.stock import LARGEST_QUANTITY

REQUIRED = ("sku", "part_name")
KNOWN = ("sku", "part_name", "description", "category", "price", "currency", "current_stock", "min_stock_level")
PATH_SEPARATOR = " > "
_LONGEST = {"sku": 100, "part_name": 300, "description": 50_000, "category": 1000}
_LONGEST_SPECIFICATION = 1000
_COUNT = re.compile(r"[0-9]{1,10}")
# What a spreadsheet takes for a formula, also behind apostrophes of its own.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_CURRENCY = re.compile(r"[A-Z]{3}")


@dataclass(frozen=True, slots=True)
class RowError:
    """One thing that is wrong with a file. `line` counts from 1, the header included."""

    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.field}: {self.reason}"


@dataclass(frozen=True, slots=True)
class ImportRow:
    """What one line says of one part. None: the file does not say, and what is there stays.

    `specifications` has every column of the file that names one; an empty value says that the part does not have it.
    """

    line: int
    sku: str
    part_name: str
    description: str | None
    category: tuple[str, ...] | None
    price: tuple[Decimal, str] | None
    current_stock: int | None
    min_stock_level: int | None
    specifications: tuple[tuple[str, str], ...]


class ImportFileError(Exception):
    """The file cannot be imported as it is; `errors` says why, line by line."""

    def __init__(self, errors: Sequence[RowError]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors


def spreadsheet_safe(value: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe stands before what would begin one."""
    return "'" + value if _FORMULA.match(value) else value


def _unescaped(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def read_rows(lines: Iterable[str]) -> Iterator[ImportRow | RowError]:
    """Read a CSV file with a header (RFC 4180), and yield a row or its first error for each line.

    Raises:
        ImportFileError: if the header cannot be used.
    """
    reader = csv.reader(lines, strict=True)
    header = [normalised(name) for name in next(reader, [])]
    _check_header(header)
    seen: dict[str, int] = {}
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield RowError(reader.line_num, "row", f"is not valid CSV: {error}")
            return
        if cells is None:
            return
        if cells:
            yield _read_row(header, cells, reader.line_num, seen)


def _check_header(header: Sequence[str]) -> None:
    if not any(header):
        raise ImportFileError([RowError(1, "header", "the file is empty; its first line must name the columns")])
    errors = [RowError(1, name, "this column is required") for name in REQUIRED if name not in header]
    errors += [RowError(1, name, "this column stands there twice") for name in {n for n in header if header.count(n) > 1}]
    errors += [RowError(1, f"column {at}", "has no name") for at, name in enumerate(header, 1) if not name]
    errors += [RowError(1, name[:40], "the name is longer than 200 characters") for name in header if len(name) > 200]
    if errors:
        raise ImportFileError(errors)


def _read_row(header: Sequence[str], cells: Sequence[str], line: int, seen: dict[str, int]) -> ImportRow | RowError:
    if len(cells) != len(header):
        return RowError(line, "row", f"has {len(cells)} cells, the header has {len(header)}; check the quotes and commas")
    values = {name: normalised(_unescaped(cell)) for name, cell in zip(header, cells, strict=True)}
    for name, value in values.items():
        if reason := _refusal(name, value):
            return RowError(line, name, reason)
    if values["sku"] in seen:
        return RowError(line, "sku", f"{values['sku']!r} stands in line {seen[values['sku']]} already")
    if values.get("price") and not values.get("currency"):
        return RowError(line, "currency", "a price needs an ISO 4217 code in capitals, such as EUR")
    seen[values["sku"]] = line
    return _row(values, line)


def _refusal(name: str, value: str) -> str | None:
    if reason := forbidden_characters(value, multiline=name == "description"):
        return reason
    if len(value) > _LONGEST.get(name, _LONGEST_SPECIFICATION):
        return f"is longer than {_LONGEST.get(name, _LONGEST_SPECIFICATION)} characters"
    match name:
        case "sku" | "part_name":
            return None if value else "is required"
        case "price" if value and not AMOUNT.fullmatch(value):
            return f'{value[:40]!r} is not an amount with at most two decimals and a point, such as "12.50"'
        case "currency" if value and not _CURRENCY.fullmatch(value):
            return f"{value[:40]!r} is not an ISO 4217 code in capitals, such as EUR"
        case "current_stock" | "min_stock_level" if value and not (_COUNT.fullmatch(value) and int(value) <= LARGEST_QUANTITY):
            return f"{value[:40]!r} is not a whole number from 0 to {LARGEST_QUANTITY}"
        case "category" if value and not all(_path(value)):
            return f'{value[:40]!r} has an empty level; separate levels by "{PATH_SEPARATOR}"'
        case "category" if any(len(level) > 200 for level in _path(value)):
            return "has a level of more than 200 characters"
    return None


def _path(value: str) -> tuple[str, ...]:
    return tuple(level.strip() for level in value.split(PATH_SEPARATOR.strip()))


def _row(values: dict[str, str], line: int) -> ImportRow:
    category = values.get("category")
    return ImportRow(
        line=line,
        sku=values["sku"],
        part_name=values["part_name"],
        description=values.get("description"),
        category=None if category is None else (_path(category) if category else ()),
        price=(Decimal(values["price"]).quantize(Decimal("0.01")), values["currency"]) if values.get("price") else None,
        current_stock=int(values["current_stock"]) if values.get("current_stock") else None,
        min_stock_level=int(values["min_stock_level"]) if values.get("min_stock_level") else None,
        specifications=tuple((name, value) for name, value in values.items() if name not in KNOWN),
    )
