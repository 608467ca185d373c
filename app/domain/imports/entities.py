"""Characters that another system wrote as HTML does, in columns of plain text: `Nuts &amp; Bolts`, `1/4&quot;`.

A system that encodes a column leaves no bare ampersand in it. So a column is decoded, once, if it has entities and no ampersand
besides; else they may be meant as they stand, and are kept.
"""

import html
import re
from collections.abc import Collection, Iterable, Sequence
from html.entities import html5

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
# In a category it separates levels, and its readers know it.
_SEPARATOR = "&gt;"


class Ampersands:
    """What the ampersands of a file's columns reveal.

    Args:
        columns: the positions of those that may be decoded.
        levels: which of them are categories.
    """

    def __init__(self, columns: Iterable[int], levels: Collection[int] = ()) -> None:
        self._columns = tuple(columns)
        self._levels = levels
        self._with_entities: set[int] = set()
        self._with_bare_ones: set[int] = set()

    def note(self, cells: Sequence[str]) -> None:
        """Take note of a row."""
        if "&" not in ",".join(cells):
            return
        for at in self._columns:
            if "&" in cells[at] and not is_literal(cells[at]):
                known = [one for one in _ENTITY.findall(cells[at]) if _is_known(one)]
                if cells[at].count("&") > len(known):
                    self._with_bare_ones.add(at)
                if any(one != _SEPARATOR or at not in self._levels for one in known):
                    self._with_entities.add(at)

    def encoded(self) -> tuple[int, ...]:
        """Return the columns that are to be decoded."""
        return tuple(sorted(self._with_entities - self._with_bare_ones))

    def kept(self) -> tuple[int, ...]:
        """Return the columns that have entities and are not."""
        return tuple(sorted(self._with_entities & self._with_bare_ones))


def decoded(text: str, *, levels: bool = False) -> str:
    """Return a text with the characters that its entities stand for.

    Args:
        levels: whether it is a category, in which `&gt;` is left to whoever reads its levels.
    """

    def character(found: re.Match[str]) -> str:
        is_kept = not _is_known(found[0]) or (levels and found[0] == _SEPARATOR)
        return found[0] if is_kept else html.unescape(found[0])

    return _ENTITY.sub(character, text)


def literal(value: str) -> str:
    """Return a cell whose entities no import decodes: with a leading apostrophe, as for what a spreadsheet would change."""
    return "'" + value if _has_entity(value) else value


def is_literal(cell: str) -> bool:
    """Whether a cell was protected by `literal`."""
    return cell.startswith("'") and _has_entity(cell)


def _has_entity(text: str) -> bool:
    return any(_is_known(one) for one in _ENTITY.findall(text))


def _is_known(entity: str) -> bool:
    return entity[1] == "#" or entity[1:] in html5
