"""What is wrong with a catalog file, by line and field."""

from collections.abc import Sequence
from typing import NamedTuple


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
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors
        self.columns = columns
        self.count = len(errors) if count is None else count
