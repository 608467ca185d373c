"""A catalog file as a table: its separator, its header, and the cells of its rows."""

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, NamedTuple

from app.domain.content import forbidden_characters, normalised
from app.domain.imports import entities
from app.domain.imports.columns import REQUIRED, Column, Header, Specification, described, problems_of, questions_of, read_header
from app.domain.imports.errors import ImportFileError, RowError
from app.domain.imports.missing import is_meant
from app.domain.imports.options import Options
from app.domain.spreadsheets import unescaped

SEPARATORS = ",;\t|"
MAX_COLUMNS = 1000
# By these a part is known, so nothing in them is changed.
IDENTIFIERS = frozenset(("sku", "slug", "manufacturer_number"))
_MAX_HEADER = 100_000
# White space that an editor put into a text of one line.
_BREAKS = re.compile(r"\s*[\t\n\r\x0b\x0c\u2028\u2029]+\s*")
# Nobody sees them: a soft hyphen, a zero-width space, a word joiner, a byte order mark.
_UNSEEN = dict.fromkeys(map(ord, "\u00ad\u200b\u2060\ufeff"))
_SEPARATOR_LINE = re.compile(r'"?sep=(.)"?\r?\n?', re.IGNORECASE)
_NOT_UTF8 = re.compile("[\udc80-\udcff]")


class Table(NamedTuple):
    """A file whose header can be used.

    Args:
        line: that of the header.
        questions: columns of which somebody has to say what they are, before anything is read.
        rows: of each row that is not blank its line, and its cells, as many as there are columns, or why it has none.
    """

    header: Header
    line: int
    questions: list[RowError]
    rows: Iterator[tuple[int, list[str] | str]]


def open_table(lines: Iterable[str], options: Options) -> Table:
    """Read the header of a CSV file (RFC 4180).

    The separator is that of `SEPARATORS` with which the header names the required columns; a comma if none does.

    Raises:
        ImportFileError: if the header cannot be used.
    """
    source = iter(lines)
    first, separator, before = _header_lines(source, options)
    line = before + 1 if first[0] else 1
    header = _read("".join(first), separator, options)
    _refuse_unusable(header, options, line)
    reader = csv.reader(chain(first, source), delimiter=separator, strict=True)
    next(reader)
    questions = [RowError(line, field, reason) for field, reason in questions_of(header)]
    return Table(header, line, questions, _numbered(reader, before, len(header.columns)))


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
        missing = width - len(cells)
        if missing >= 0:
            # Spreadsheets leave out the empty cells at a row's end.
            yield before + reader.line_num, cells + [""] * missing if missing else cells
        else:
            ragged = f"has {len(cells)} cells, the header has {width}; check the quotes and separators"
            yield before + reader.line_num, ragged


def _header_lines(source: Iterator[str], options: Options) -> tuple[list[str], str, int]:
    """Return the lines of the header, the separator, and the number of lines before it: blank ones, a spreadsheet's `sep=;`."""
    before, stated, line = 0, None, next(source, "")
    while line and (not line.strip(SEPARATORS + " \r\n") or (stated is None and _SEPARATOR_LINE.fullmatch(line))):
        stated = stated or _SEPARATOR_LINE.fullmatch(line)
        before, line = before + 1, next(source, "")
    lines = [line]
    # Within quotes a name may go over several lines.
    while "".join(lines).count('"') % 2 and sum(map(len, lines)) < _MAX_HEADER and (more := next(source, "")):
        lines.append(more)
    text = "".join(lines)
    return lines, stated[1] if stated else max(SEPARATORS, key=lambda one: _fit(text, one, options)), before


def _fit(text: str, separator: str, options: Options) -> tuple[int, int]:
    """Return how well a separator fits the header: by the required columns, then by the number of columns."""
    header = _read(text, separator, options)
    return len({*REQUIRED}.intersection(field for _, field in header.fields())), len(header.names)


def _read(text: str, separator: str, options: Options) -> Header:
    try:
        cells = next(csv.reader([text], delimiter=separator, strict=True), []) if len(text) <= _MAX_HEADER else []
    except csv.Error:
        cells = []
    # A line break in a name is how a spreadsheet shows it.
    return read_header([clean(name) for name in cells], options)


def _refuse_unusable(header: Header, options: Options, line: int) -> None:
    if len(header.names) > MAX_COLUMNS:
        raise ImportFileError([RowError(line, "header", f"has more than {MAX_COLUMNS:,} columns; leave some out")])
    problems = problems_of(header, options)
    problems += [(name[:40], f"the name {reason}") for name in header.names if (reason := forbidden(name))]
    if problems:
        raise ImportFileError([RowError(line, field, reason) for field, reason in problems], columns=described(header))


def clean(cell: str, column: Column = None, *, encoded: bool = False) -> str:
    """Return what a cell or a name says in its normal form, without what an editor left in it; a description keeps its lines.

    Args:
        encoded: whether the cell's column has HTML's entities in place of characters.
    """
    value = unescaped(cell)
    if column and is_meant(cell, is_specification=isinstance(column, Specification)):
        value = cell[1:]
    elif value == cell and column not in {None, "description"} and "&" in cell:
        if entities.is_literal(cell):
            value = cell[1:]
        elif encoded:
            value = entities.decoded(cell, levels=column == "category")
    if column in IDENTIFIERS:
        return normalised(value)
    value = normalised(value.translate(_UNSEEN))
    return value if column == "description" else _BREAKS.sub(" ", value)


def forbidden(value: str, *, multiline: bool = False, identifier: bool = False) -> str | None:
    """Return why a text cannot be stored and what to do, or None."""
    if found := _NOT_UTF8.search(value):
        return (
            f"holds the byte 0x{ord(found[0]) - 0xDC00:02X}, which is not UTF-8; save the file as CSV UTF-8, or name its encoding"
        )
    reason = forbidden_characters(value, multiline=multiline, identifier=identifier)
    return reason and f"{reason}; remove it"
