"""What is wrong with a catalog file, by line and field."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_NO_CHARACTER = re.compile("[\0\ud800-\udfff]")


def legible(text: str) -> str:
    """Return a text of a file in a form that can be shown and stored: its bytes that are not UTF-8, which are read as lone
    surrogates, and NUL, which PostgreSQL does not store, become U+FFFD."""
    return _NO_CHARACTER.sub("\ufffd", text)


class RowError(NamedTuple):
    """One thing that is wrong with a file. `line` counts from 1, the header included."""

    line: int
    field: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.field}: {self.reason}"


class ImportFileError(Exception):
    """The file cannot be imported as it is; `errors` says why, line by line, and `count` how many there are in all.

    `columns` says what would become of each column, if the header could be read.
    """

    def __init__(self, errors: Sequence[RowError], count: int | None = None, columns: Sequence[dict[str, str]] = ()) -> None:
        self.errors = [RowError(error.line, legible(error.field), legible(error.reason)) for error in errors]
        super().__init__("\n".join(str(error) for error in self.errors))
        self.columns = [{name: legible(value) for name, value in column.items()} for column in columns]
        self.count = len(errors) if count is None else count
