"""What a row of a catalog file must look like, and what it means. Every problem names its line, its field and a remedy."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, NamedTuple, NoReturn

from app.domain.content import forbidden_characters
from app.domain.imports.cells import RefusedCellError, readers
from app.domain.imports.columns import Header, Specification, currency_of
from app.domain.imports.errors import RowError
from app.domain.imports.missing import has_missing, is_missing
from app.domain.imports.numbers import currencies_of
from app.domain.imports.survey import Layout
from app.domain.imports.table import IDENTIFIERS, clean, forbidden, open_table
from app.domain.imports.words import names_part_number
from app.domain.spreadsheets import DAMAGED, ERROR, damage_of

MAX_SPECIFICATIONS = 200
_MAX_SPECIFICATION = 1000
_NO_CURRENCY = (
    "a price needs a currency: a column of ISO 4217 codes, a header such as Price (EUR), or the import's option currency"
)


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


def read_rows(lines: Iterable[str], layout: Layout, skip: int = 0) -> Iterator[ImportRow | RowError]:
    """Read a CSV file, and yield a row or its first error for each line that is not blank.

    Args:
        layout: what `survey` has found out about the file.
        skip: so many rows are passed over unread, for whoever goes on with a file that was checked.

    Raises:
        ImportFileError: if the header cannot be used.
    """
    table = open_table(lines, layout.options)
    rows = _RowReader(table.header, layout)
    for line, cells in table.rows:
        if isinstance(cells, str):
            yield RowError(line, "row", cells)
        elif skip:
            skip -= 1
        else:
            yield rows.read(cells, line)


class _RowReader:
    """Reads the rows under one header, and remembers their SKUs and slugs."""

    def __init__(self, header: Header, layout: Layout) -> None:
        self._names = [name or f"column {number}" for number, name in enumerate(header.names, 1)]
        columns = self._columns = header.columns
        self._has_encoded = bool(layout.encoded)
        self._encoded = [at in layout.encoded for at in range(len(columns))]
        self._currency = currency_of(header)
        self._default_currency = layout.options.currency or ""
        read = readers(layout.decimal_mark, layout.paths)
        self._fields = [(at, field, read[field]) for at, field in header.fields()]
        self._specifications = [(at, column) for at, column in enumerate(columns) if isinstance(column, Specification)]
        self._nameless = [at for at, column in enumerate(columns) if column is None]
        keys = [column.compared for _, column in self._specifications]
        self._has_alike = len(set(keys)) != len(keys)
        self._numbers = [(at, field) for at, field in header.fields() if field in {"sku", "manufacturer_number"}]
        self._numbers += [(at, column.name) for at, column in self._specifications if names_part_number(column.name)]
        self._lines_of: dict[str, dict[str, int]] = {"sku": {}, "slug": {}}

    def read(self, cells: Sequence[str], line: int) -> ImportRow | RowError:
        """Return what the cells say, or the first thing that is wrong with them."""
        try:
            for at, field in self._numbers:
                if DAMAGED.match(cells[at]):
                    _refuse_damaged(field, cells[at].strip())
            row = self._row(self._texts(cells), line)
            self._note("sku", row.sku, line)
            if row.slug:
                self._note("slug", row.slug, line)
        except RefusedCellError as refused:
            return RowError(line, refused.field, refused.reason)
        return row

    def _texts(self, cells: Sequence[str]) -> list[str]:
        if has_missing(cells):
            cells = self._without_missing(cells)
        joined = ",".join(cells)
        if "#" in joined:
            self._refuse_errors(cells)
        is_plain = joined.isprintable() and "'" not in joined and '="' not in joined and (joined.isascii() or _is_plain(joined))
        if is_plain and not (self._has_encoded and "&" in joined):
            # Nearly every row: nothing in it is invisible, escaped, or has another form.
            return list(map(str.strip, cells))
        texts = [
            clean(cell, column, encoded=is_encoded)
            for cell, column, is_encoded in zip(cells, self._columns, self._encoded, strict=True)
        ]
        for name, column, value in zip(self._names, self._columns, texts, strict=True):
            if reason := forbidden(value, multiline=column == "description", identifier=column in IDENTIFIERS):
                raise RefusedCellError(name, reason)
        return texts

    def _without_missing(self, cells: Sequence[str]) -> list[str]:
        """Return the cells, those that stand for no value being empty."""
        return [
            "" if is_missing(cell, is_specification=isinstance(column, Specification)) else cell
            for cell, column in zip(cells, self._columns, strict=True)
        ]

    def _refuse_errors(self, cells: Sequence[str]) -> None:
        for name, cell in zip(self._names, cells, strict=True):
            if ERROR.match(cell):
                raise RefusedCellError(
                    name,
                    f"{cell.strip()!r} is a spreadsheet's error in place of a value; write the value, or nothing, or put an"
                    " apostrophe before it if it is meant so",
                )

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
            if len(value) > _MAX_SPECIFICATION:
                raise RefusedCellError(
                    column.name, f"is longer than {_MAX_SPECIFICATION} characters; shorten it, or leave the column out"
                )
        if len(specifications) > MAX_SPECIFICATIONS and sum(bool(value) for _, value in specifications) > MAX_SPECIFICATIONS:
            raise RefusedCellError("row", f"has more than {MAX_SPECIFICATIONS} specifications; leave columns out")
        if self._has_alike:
            given = [column for column, value in specifications if value]
            keys = [column.compared for column in given]
            if twice := next((column for column in given if keys.count(column.compared) > 1), None):
                raise RefusedCellError(twice.name, "has a value in two columns; keep one")

    def _note(self, field: str, value: str, line: int) -> None:
        first = self._lines_of[field].setdefault(value, line)
        if first != line:
            raise RefusedCellError(field, f"{value!r} stands in line {first} already")


def _refuse_damaged(field: str, cell: str) -> NoReturn:
    raise RefusedCellError(
        field,
        f"{cell!r} is {damage_of(cell)} that a spreadsheet has made of a part number; enter it anew in a column formatted as"
        " text, or put an apostrophe before it if it is meant so",
    )


def _is_plain(value: str) -> bool:
    """Whether a printable text is in its normal form, and holds nothing that nobody sees although it counts as printable."""
    return unicodedata.is_normalized("NFC", value) and not forbidden_characters(value, identifier=True)
