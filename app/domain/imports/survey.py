"""What a file as a whole reveals about how to read it: its decimal mark, and what separates the levels of its categories."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.domain.imports.columns import described, names_several
from app.domain.imports.errors import ImportFileError, RowError
from app.domain.imports.missing import is_missing
from app.domain.imports.numbers import decimal_mark, in_ascii, split_currency
from app.domain.imports.oddities import Oddities
from app.domain.imports.options import NO_OPTIONS, Options
from app.domain.imports.paths import ONE_LEVEL, PathStyle, UndecidedPathsError, find_style
from app.domain.imports.table import clean, open_table

# How many rows are sampled to find the decimal mark, and how many distinct categories to find their separator.
SAMPLE = 1000
MAX_CATEGORIES = 50_000
_NUMBERS = ("price", "current_stock", "min_stock_level")


@dataclass(frozen=True, slots=True)
class Layout:
    """How to read a file: what the user stated about it, and what it reveals itself."""

    options: Options = NO_OPTIONS
    decimal_mark: str | None = None
    paths: PathStyle = ONE_LEVEL
    # The positions of columns in which entities of HTML stand for characters.
    encoded: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what the file reveals, ready for JSON."""
        paths = self.paths
        return {
            "decimal_mark": self.decimal_mark, "separator": paths.separator, "several": paths.several, "roots": paths.roots,
            "encoded": self.encoded,
        }  # fmt: skip

    @classmethod
    def from_json(cls, options: Options, values: dict[str, Any]) -> "Layout":
        """Return the layout that `to_json` wrote."""
        paths = PathStyle(values["separator"], values["several"], tuple(values["roots"]))
        # A release of before has not looked for encoded columns.
        return cls(options, values["decimal_mark"], paths, tuple(values.get("encoded", ())))


class Survey(NamedTuple):
    """How to read a file, and what becomes of each column: `{name, became, detail}`."""

    layout: Layout
    columns: list[dict[str, str]]


def survey(lines: Iterable[str], options: Options, shop_roots: Collection[str] = ()) -> Survey:
    """Scan a file and find out how to read it.

    Args:
        shop_roots: the names of the shop's top-level categories.

    Raises:
        ImportFileError: if the header cannot be used, or if the user first has to say how the file is meant.
    """
    table = open_table(lines, options)
    fields = table.header.fields()
    category = next((at for at, field in fields if field == "category"), None)
    numeric = [at for at, field in fields if field in _NUMBERS]
    numbers: set[str] = set()
    categories: set[str] = set()
    oddities = Oddities(table.header)
    for number, (_line, cells) in enumerate(table.rows):
        if isinstance(cells, str):
            continue
        oddities.note(cells)
        if number < SAMPLE:
            numbers.update([clean(cells[at], "price", encoded=True) for at in numeric])
        if category is not None and len(categories) < MAX_CATEGORIES:
            categories.add(cells[category])
    encoded = oddities.ampersands.encoded()
    mark = decimal_mark(split_currency(in_ascii(one))[0] for one in numbers)
    questions, style = table.questions, ONE_LEVEL
    if category is not None:
        named = (cell for cell in categories if not is_missing(cell, is_specification=False))
        cells_of = sorted({clean(cell, "category", encoded=category in encoded) for cell in named})
        several = names_several(table.header.names[category])
        try:
            style = find_style(cells_of, options.category_separator, shop_roots, several=several)
        except UndecidedPathsError as error:
            questions = [*questions, RowError(table.line, table.header.names[category][:40], str(error))]
    columns = described(table.header, mark, style, oddities.told())
    if questions:
        raise ImportFileError(questions, columns=columns)
    return Survey(Layout(options, mark, style, encoded), columns)
