"""What the person importing a catalog file states about it where the file itself leaves it open."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

# States that a category column has one level: every character belongs to the name.
NO_SEPARATOR = "none"
SEPARATORS = (
    ">", "->", "=>", "→", "»", "›", "::", "|", "/", " / ", "\\", ":", ";", ",", ".", "~", "#", "^", " - ", " – ", "·", "&gt;",
    NO_SEPARATOR,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Options:
    """How to read a file. Columns are named as its header names them.

    Args:
        currency: of prices for which the file itself states none.
        category_separator: one of `SEPARATORS`, or None to infer it from the column.
        ignore: columns that are not read.
        as_specification: columns that are specifications, whatever their names suggest.
        mapping: pairs of a field of the part and the column that gives it.
    """

    currency: str | None = None
    category_separator: str | None = None
    ignore: tuple[str, ...] = ()
    as_specification: tuple[str, ...] = ()
    mapping: tuple[tuple[str, str], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return everything but the currency, ready for JSON."""
        return {
            "category_separator": self.category_separator,
            "ignore": self.ignore,
            "as_specification": self.as_specification,
            "map": [f"{field}={column}" for field, column in self.mapping],
        }

    @classmethod
    def from_json(cls, currency: str | None, values: dict[str, Any]) -> "Options":
        """Return the options that `to_json` wrote."""
        ignore, as_specification = tuple(values.get("ignore", ())), tuple(values.get("as_specification", ()))
        return cls(currency, values.get("category_separator"), ignore, as_specification, mapping_of(values.get("map", ())))


def mapping_of(pairs: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Parse pairs of the form `FIELD=COLUMN`."""
    return tuple((field.strip(), column.strip()) for field, _, column in (pair.partition("=") for pair in pairs))


NO_OPTIONS = Options()
