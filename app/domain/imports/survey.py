"""What a file as a whole shows of how it is to be read: its decimal mark, and what separates the levels of its categories."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.domain.imports.columns import described, names_several
from app.domain.imports.errors import ImportFileError, RowError
from app.domain.imports.numbers import decimal_mark, split_currency
from app.domain.imports.options import NO_OPTIONS, Options
from app.domain.imports.paths import ONE_LEVEL, PathStyle, UndecidedPathsError, find_style
from app.domain.imports.table import clean, open_table

# So many rows are looked at to learn the decimal mark, and so many different categories to learn their separator.
SAMPLE = 1000
MAX_CATEGORIES = 50_000
_NUMBERS = ("price", "current_stock", "min_stock_level")


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file is to be read: what somebody has said of it, and what it shows itself."""

    options: Options = NO_OPTIONS
    decimal_mark: str | None = None
    paths: PathStyle = ONE_LEVEL

    def to_json(self) -> dict[str, Any]:
        """Return what the file shows, as JSON has it."""
        paths = self.paths
        return {
            "decimal_mark": self.decimal_mark, "separator": paths.separator, "several": paths.several, "roots": paths.roots,
        }  # fmt: skip

    @classmethod
    def from_json(cls, options: Options, values: dict[str, Any]) -> "Layout":
        """Return the layout whose `to_json` this is."""
        return cls(options, values["decimal_mark"], PathStyle(values["separator"], values["several"], tuple(values["roots"])))


class Survey(NamedTuple):
    """How a file is to be read, and what becomes of each column: `{name, became, detail}`."""

    layout: Layout
    columns: list[dict[str, str]]


def survey(lines: Iterable[str], options: Options, shop_roots: Collection[str] = ()) -> Survey:
    """Look a file through, and find out how it is to be read.

    Args:
        shop_roots: the names of the shop's topmost categories.

    Raises:
        ImportFileError: if the header cannot be used, or if somebody has to say first how the file is meant.
    """
    table = open_table(lines, options)
    fields = table.header.fields()
    category = next((at for at, field in fields if field == "category"), None)
    numeric = [at for at, field in fields if field in _NUMBERS]
    numbers: set[str] = set()
    categories: set[str] = set()
    for number, (_line, cells) in enumerate(table.rows):
        if number >= SAMPLE and (category is None or len(categories) >= MAX_CATEGORIES):
            break
        if isinstance(cells, str):
            continue
        if number < SAMPLE:
            numbers.update([cells[at] for at in numeric])
        if category is not None:
            categories.add(cells[category])
    mark = decimal_mark(split_currency(one.strip())[0] for one in numbers)
    questions, style = table.questions, ONE_LEVEL
    if category is not None:
        cells_of = sorted({clean(cell, "category") for cell in categories})
        several = names_several(table.header.names[category])
        try:
            style = find_style(cells_of, options.category_separator, shop_roots, several=several)
        except UndecidedPathsError as error:
            questions = [*questions, RowError(table.line, table.header.names[category][:40], str(error))]
    columns = described(table.header, mark, style)
    if questions:
        raise ImportFileError(questions, columns=columns)
    return Survey(Layout(options, mark, style), columns)
