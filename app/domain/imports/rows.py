"""What a row of a catalogue file must look like, and what it means. Every problem names its line, its field and a remedy."""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import chain, islice
from typing import Any, NamedTuple

from app.domain.content import forbidden_characters, normalised
from app.domain.imports.cells import RefusedCellError, readers
from app.domain.imports.columns import (
    REQUIRED,
    Column,
    Specification,
    currency_of,
    names_several,
    problems_of,
    read_columns,
)
from app.domain.imports.numbers import currencies_of, decimal_mark, split_currency

SEPARATORS = ",;\t|"
MOST_COLUMNS = 1000
MOST_SPECIFICATIONS = 200
_LONGEST_SPECIFICATION = 1000
_LONGEST_HEADER = 100_000
# So many rows are looked at to learn the file's decimal mark.
_SAMPLE = 1000
_NUMBERS = ("price", "current_stock", "min_stock_level")
# What a spreadsheet takes for a formula, also behind apostrophes of its own.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
# How some systems keep a spreadsheet from eating the zeros of ="00123". Our own export has an apostrophe before it.
_KEPT_TEXT = re.compile(r'="([^"]*)"')
_NO_CURRENCY = (
    "a price needs a currency: a column of ISO 4217 codes, a header such as Price (EUR), or the import's option currency"
)
# White space that an editor put into a text of one line.
_BREAKS = re.compile(r"\s*[\t\n\r\x0b\x0c]+\s*")
# Nobody sees them: a soft hyphen, a zero-width space, a word joiner, a byte order mark.
_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
# By these a part is known, so nothing in them is changed.
_IDENTIFIERS = frozenset(("sku", "slug", "manufacturer_number"))
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


class RowError(NamedTuple):
    """One thing that is wrong with a file. `line` counts from 1, the header included."""

    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.field}: {self.reason}"


class ImportRow(NamedTuple):
    """What one line says of one part. None: the file does not say, and what is there stays.

    `specifications` has every column of the file that names one; an empty value says that the part does not have it.
    """

    line: int
    sku: str
    part_name: str
    description: str | None = None
    category: tuple[str, ...] | None = None
    price: tuple[Decimal, str] | None = None
    current_stock: int | None = None
    min_stock_level: int | None = None
    slug: str | None = None
    status: str | None = None
    manufacturer: str | None = None
    manufacturer_number: str | None = None
    specifications: tuple[tuple[Specification, str], ...] = ()


class ImportFileError(Exception):
    """The file cannot be imported as it is; `errors` says why, line by line, and `count` how many there are in all."""

    def __init__(self, errors: Sequence[RowError], count: int | None = None) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors
        self.count = len(errors) if count is None else count


def spreadsheet_safe(value: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: an apostrophe stands before what would begin one."""
    return "'" + value if _FORMULA.match(value) else value


def _unescaped(cell: str) -> str:
    if kept := _KEPT_TEXT.fullmatch(cell):
        return kept[1]
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell


def read_rows(lines: Iterable[str], skip: int = 0, currency: str | None = None) -> Iterator[ImportRow | RowError]:
    """Read a CSV file with a header (RFC 4180), and yield a row or its first error for each line that is not blank.

    The separator is that of `SEPARATORS` with which the header names the required columns; a comma if none does.

    Args:
        skip: so many rows are passed over unread, for whoever goes on with a file that was checked.
        currency: that of prices for which the file itself states none.

    Raises:
        ImportFileError: if the header cannot be used.
    """
    source = iter(lines)
    header, separator, before = _header_lines(source)
    names, columns = _read_header("".join(header), separator, before + 1 if header[0] else 1)
    reader = csv.reader(chain(header, source), delimiter=separator, strict=True)
    next(reader)
    numbered = _numbered(reader, before, len(columns))
    sample = list(islice(numbered, _SAMPLE))
    rows = _RowReader(names, columns, [cells for _, cells in sample if isinstance(cells, list)], currency)
    for line, cells in chain(sample, numbered):
        if isinstance(cells, str):
            yield RowError(line, "row", cells)
        elif skip:
            skip -= 1
        else:
            yield rows.read(cells, line)


def _numbered(reader: Any, before: int, width: int) -> Iterator[tuple[int, list[str] | str]]:
    """Yield the line and the cells of each row that is not blank, or why it has none that could be read."""
    while True:
        begins = before + reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield begins, f"the row that begins here is not valid CSV: {error}; check its quotes"
            return
        if cells is None:
            return
        if not any(cells):
            continue
        if len(cells) == width:
            yield before + reader.line_num, cells
        else:
            ragged = f"has {len(cells)} cells, the header has {width}; check the quotes and separators"
            yield before + reader.line_num, ragged


def _header_lines(source: Iterator[str]) -> tuple[list[str], str, int]:
    """Return the lines of the header, the separator, and the number of lines before it: blank ones, a spreadsheet's `sep=;`."""
    before, stated, line = 0, None, next(source, "")
    while line and (not line.strip(SEPARATORS + " \r\n") or (stated is None and _SEPARATOR_LINE.fullmatch(line))):
        stated = stated or _SEPARATOR_LINE.fullmatch(line)
        before, line = before + 1, next(source, "")
    lines = [line]
    # Within quotes a name may go over several lines.
    while "".join(lines).count('"') % 2 and sum(map(len, lines)) < _LONGEST_HEADER and (more := next(source, "")):
        lines.append(more)
    text = "".join(lines)
    return lines, stated[1] if stated else max(SEPARATORS, key=lambda one: _fit(text, one)), before


def _fit(text: str, separator: str) -> tuple[int, int]:
    """Return how well a separator fits the header: by the required columns, then by the number of columns."""
    names, columns = _read_header_leniently(text, separator)
    return len({*REQUIRED}.intersection(column for column in columns if isinstance(column, str))), len(names)


def _read_header_leniently(text: str, separator: str) -> tuple[list[str], list[Column]]:
    try:
        cells = next(csv.reader([text], delimiter=separator, strict=True), []) if len(text) <= _LONGEST_HEADER else []
    except csv.Error:
        cells = []
    # A line break in a name is how a spreadsheet shows it.
    names = [_BREAKS.sub(" ", normalised(_unescaped(name).translate(_UNSEEN))) for name in cells]
    return names, read_columns(names)


def _read_header(text: str, separator: str, line: int) -> tuple[list[str], list[Column]]:
    names, columns = _read_header_leniently(text, separator)
    if len(names) > MOST_COLUMNS:
        raise ImportFileError([RowError(line, "header", f"has more than {MOST_COLUMNS:,} columns; leave some out")])
    problems = problems_of(names, columns)
    problems += [(name[:40], _explained(reason)) for name in names if (reason := _forbidden(name, multiline=False))]
    if problems:
        raise ImportFileError([RowError(line, field, reason) for field, reason in problems])
    return names, columns


def _without_noise(value: str, column: Column) -> str:
    """Return a text in its normal form, without what an editor left in it; a description keeps its lines."""
    if column in _IDENTIFIERS:
        return normalised(value)
    value = normalised(value.translate(_UNSEEN))
    return value if column == "description" else _BREAKS.sub(" ", value)


def _forbidden(value: str, *, multiline: bool) -> str | None:
    if found := _NOT_UTF8.search(value):
        return (
            f"holds the byte 0x{ord(found[0]) - 0xDC00:02X}, which is not UTF-8; save the file as CSV UTF-8, or name its encoding"
        )
    reason = forbidden_characters(value, multiline=multiline)
    return reason and f"{reason}; remove it"


def _explained(reason: str) -> str:
    return f"the name {reason}"


class _RowReader:
    """Reads the rows under one header, and remembers their SKUs and slugs."""

    def __init__(
        self, names: Sequence[str], columns: Sequence[Column], sample: Sequence[Sequence[str]], currency: str | None
    ) -> None:
        self._names = [name or f"column {number}" for number, name in enumerate(names, 1)]
        self._columns = columns
        self._currency = currency_of(names, columns)
        self._default_currency = currency or ""
        numeric = [at for at, column in enumerate(columns) if column in _NUMBERS]
        read = readers(decimal_mark(split_currency(row[at].strip())[0] for row in sample for at in numeric))
        self._fields = [
            (at, column, read["categories" if column == "category" and names_several(names[at]) else column])
            for at, column in enumerate(columns) if isinstance(column, str)
        ]  # fmt: skip
        self._specifications = [(at, column) for at, column in enumerate(columns) if isinstance(column, Specification)]
        self._nameless = [at for at, column in enumerate(columns) if column is None]
        keys = [(column.group, column.name) for _, column in self._specifications]
        self._in_several_units = len(set(keys)) != len(keys)
        self._lines_of: dict[str, dict[str, int]] = {"sku": {}, "slug": {}}

    def read(self, cells: Sequence[str], line: int) -> ImportRow | RowError:
        """Return what the cells say, or the first thing that is wrong with them."""
        try:
            row = self._row(self._texts(cells), line)
            self._note("sku", row.sku, line)
            if row.slug:
                self._note("slug", row.slug, line)
        except RefusedCellError as refused:
            return RowError(line, refused.field, refused.reason)
        return row

    def _texts(self, cells: Sequence[str]) -> list[str]:
        joined = ",".join(cells)
        if joined.isprintable() and "'" not in joined and '="' not in joined and unicodedata.is_normalized("NFC", joined):
            # Nearly every row: nothing in it is invisible, escaped, or has another form.
            return list(map(str.strip, cells))
        texts = [_without_noise(_unescaped(cell), column) for cell, column in zip(cells, self._columns, strict=True)]
        for name, column, value in zip(self._names, self._columns, texts, strict=True):
            if reason := _forbidden(value, multiline=column == "description"):
                raise RefusedCellError(name, reason)
        return texts

    def _row(self, texts: Sequence[str], line: int) -> ImportRow:
        values: dict[str, Any] = {field: read(texts[at]) for at, field, read in self._fields}
        currency = values.pop("currency", None)
        if values.get("price"):
            amount, beside = values["price"]
            # Nearly every row: the column alone says it.
            values["price"] = (
                amount,
                currency if currency and not beside and not self._currency else self._agreed(currency, beside),
            )
        for at in self._nameless:
            if texts[at]:
                raise RefusedCellError(self._names[at], "the cell is under no name; name the column, or empty it")
        specifications = tuple([(column, texts[at]) for at, column in self._specifications])
        if specifications:
            self._check_specifications(specifications)
        return ImportRow(line=line, **values, specifications=specifications)

    def _agreed(self, column: str | None, beside: str) -> str:
        """Return the one currency that the row's column, the header and what stands beside the price agree on."""
        stated = [set(currencies_of(one)) for one in (self._currency, beside) if one] + ([{column}] if column else [])
        if not stated and not self._default_currency:
            raise RefusedCellError("currency", _NO_CURRENCY)
        meant = set.intersection(*stated) if stated else {self._default_currency}
        if not meant:
            raise RefusedCellError("currency", "the column currency, the header and the price state different ones; correct it")
        if self._default_currency in meant:
            return self._default_currency
        if len(meant) > 1:
            raise RefusedCellError(
                "currency", f"{beside or self._currency!r} may mean {', '.join(sorted(meant))}; state which, as in Price (USD)"
            )
        return meant.pop()

    def _check_specifications(self, specifications: Sequence[tuple[Specification, str]]) -> None:
        for column, value in specifications:
            if len(value) > _LONGEST_SPECIFICATION:
                raise RefusedCellError(
                    column.name, f"is longer than {_LONGEST_SPECIFICATION} characters; shorten it, or leave the column out"
                )
        if len(specifications) > MOST_SPECIFICATIONS and sum(bool(value) for _, value in specifications) > MOST_SPECIFICATIONS:
            raise RefusedCellError("row", f"has more than {MOST_SPECIFICATIONS} specifications; leave columns out")
        if self._in_several_units:
            given = [(column.group, column.name) for column, value in specifications if value]
            if twice := next((key for key in given if given.count(key) > 1), None):
                raise RefusedCellError(twice[1], "has a value in two units; keep one")

    def _note(self, field: str, value: str, line: int) -> None:
        first = self._lines_of[field].setdefault(value, line)
        if first != line:
            raise RefusedCellError(field, f"{value!r} stands in line {first} already")
