"""A category's path as other systems write it: what separates its levels, and the several paths that a cell may have.

A separator is taken only if the column as a whole shows it. `>` and arrows hardly stand in a name; a slash does (Nuts/Bolts,
AC/DC converters), so it counts if the cells share their beginnings. What may mean two things is asked about, never guessed.
"""

import re
import shlex
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from app.domain.imports.options import NO_SEPARATOR

# How levels are separated. A `>` before a digit or `=` and behind a space means "more than".
_PATTERNS = {
    ">": r"(?<![-=])(?:(?<!\s)>+(?!=)|>+(?![\d=]))", "->": r"-+>+", "=>": r"=+>+", "&gt;": r"(?:&gt;)+", "→": "[→➔]+", "⇒": "⇒+",
    "»": "»+", "›": "›+", "▸": "[▸►▶]+", "＞": "＞+", "::": "::+", "|": r"\|+", " / ": r"(?<=\s)/(?=\s)", "/": "/",
}  # fmt: skip
_STRONG = [separator for separator in _PATTERNS if separator not in {"|", " / ", "/"}]
# Whoever has one of these between names that share their beginnings is asked.
_SUSPECT = (":", ";", " - ", " – ", "~", "^")
_BETWEEN = (",", ";", "|")
# What systems call the root of all categories, which no customer sees.
_ROOTS = frozenset(("all", "all products", "all categories", "default category", "root catalog", "root category", "root", "home"))
# A backslash before a sign: it belongs to the name.
_ESCAPED = re.compile(r"\\([^\w\s])")
_BACKSLASHED = re.compile(r"\w\\\w")
# I/O, AC/DC, 3/8", 24V/5A, mm/s: a slash between two short ones of a kind belongs to a name.
_BOUND = re.compile(
    r"(?<![^\s/])(?:[A-Z]{1,4}/(?=[A-Z]{1,4}(?![^\s/]))|[0-9][A-Z0-9.]{0,3}/(?=[0-9][A-Z0-9.\"″]{0,3}(?![^\s/]))"
    r"|[a-z]{1,2}/(?=[a-z]{1,2}(?![^\s/])))"
)
_QUOTED = re.compile("[«‹]")


class UndecidedPathsError(Exception):
    """A column of categories may mean two things; its message says which, and what to do."""


class SeveralPathsError(Exception):
    """A cell names categories that do not lie below each other."""


class EmptyLevelError(Exception):
    """A path has a level without a name."""


@dataclass(frozen=True, slots=True)
class PathStyle:
    """How a column writes paths.

    Args:
        separator: what separates levels; None: each name is one level.
        several: whether a comma always stands between several paths, as under the header `Categories`.
        roots: the levels that every path begins with, and that are left out.
    """

    separator: str | None = None
    several: bool = False
    roots: tuple[str, ...] = ()

    def description(self) -> str:
        """Return it in words."""
        found = [f'levels separated by "{self.separator}"' if self.separator else "one level"]
        found += [f'"{root}" at its beginning is left out' for root in self.roots]
        return "; ".join(found)


ONE_LEVEL = PathStyle()


def reader_of(style: PathStyle) -> Callable[[str], tuple[str, ...]]:
    """Return what reads a cell of a column of this style: the levels from the root, none of an empty cell.

    It raises SeveralPathsError and EmptyLevelError.
    """

    @lru_cache(1000)
    def read(cell: str) -> tuple[str, ...]:
        paths = [_levels(piece, style) for piece in _paths(cell, style)]
        deepest = max(paths, key=len)
        if any(path != deepest[: len(path)] for path in paths):
            raise SeveralPathsError
        return deepest

    return read


def _levels(path: str, style: PathStyle) -> tuple[str, ...]:
    raw = _trimmed(_split(path, style.separator), style.separator)
    if raw in ([], [""]):
        return ()
    if not all(raw):
        raise EmptyLevelError
    for root in style.roots:
        raw = raw[1:] if raw[:1] == [root] else raw
    return tuple(_unescaped(level, first=not at) for at, level in enumerate(raw))


def _trimmed(levels: list[str], separator: str | None) -> list[str]:
    """Leave out what is empty before a first and behind a last separator: /Tools/Drills/ is written like a folder."""
    if separator not in {"/", "\\", "|"} or len(levels) < 2:
        return levels
    return levels[not levels[0] : len(levels) - (not levels[-1])]


def _unescaped(level: str, *, first: bool) -> str:
    # A root that is meant, as a backslash before it says, and not what all paths have in common.
    if first and level.startswith("\\") and level[1:].casefold() in _ROOTS:
        return level[1:]
    return _ESCAPED.sub(r"\1", level)


def _paths(cell: str, style: PathStyle) -> list[str]:
    """Return the paths of a cell: what a comma, semicolon or bar parts into several that have levels each."""
    if style.several and style.separator != ",":
        pieces = _split_at(cell, ",")
        if len(pieces) > 1:
            return pieces
    for mark in _BETWEEN:
        if mark in cell and style.separator not in {None, mark}:
            pieces = _split_at(cell, re.escape(mark))
            if len(pieces) > 1 and all(len(_split(piece, style.separator)) > 1 for piece in pieces):
                return pieces
    return [cell]


def _split(text: str, separator: str | None) -> list[str]:
    return [text.strip()] if separator is None else _split_at(text, _pattern(separator))


def _pattern(separator: str) -> str:
    return _PATTERNS.get(separator) or re.escape(separator)


def _split_at(text: str, pattern: str) -> list[str]:
    """Return what stands between the separators, as it is written; what is escaped separates nothing."""
    masked, pieces, begins = _masked(text) if pattern != r"\\" else text, [], 0
    for found in re.finditer(pattern, masked):
        pieces.append(text[begins : found.start()].strip())
        begins = found.end()
    return [*pieces, text[begins:].strip()]


def _masked(text: str) -> str:
    return _ESCAPED.sub("\0\0", text) if "\\" in text else text


def written(path: Sequence[str]) -> str:
    """Return a path so that it is read as itself in any column: a backslash stands before what in a name could separate."""
    alone, last = len(path) == 1, len(path) - 1
    levels = []
    for at, name in enumerate(path):
        # A comma in the midst of a path may part two paths; one in the first or the last level cannot.
        pattern = _SPECIAL_ALONE if alone else _SPECIAL if at in {0, last} else _SPECIAL_WITHIN
        level = pattern.sub(lambda found: "\\" + found[0], name)
        levels.append("\\" + level if not at and level.casefold() in _ROOTS else level)
    return " > ".join(levels)


_SPECIAL = re.compile(r"[\\>/|→➔⇒»›▸►▶＞]|:(?=:)|(?<=:):|&(?=gt;)")
_SPECIAL_WITHIN = re.compile(_SPECIAL.pattern + "|[,;]")
_SPECIAL_ALONE = re.compile(_SPECIAL.pattern + r"|[:;~^]|(?<= )[-–](?= )")


def find_style(cells: Iterable[str], chosen: str | None, shop_roots: Collection[str], *, several: bool) -> PathStyle:
    """Return how a column writes its paths.

    Args:
        cells: the column's cells; empty ones do not count, nor how often one stands there.
        chosen: the separator that somebody has named, `NO_SEPARATOR`, or None.
        shop_roots: the shop's own topmost categories: a root that is one of them is meant.
        several: whether the column's name says that a cell holds several categories.

    Raises:
        UndecidedPathsError: if it may mean two things.
    """
    found = [cell for cell in dict.fromkeys(cells) if cell]
    separator = _found_separator(found, several=several) if chosen is None else None if chosen == NO_SEPARATOR else chosen
    style = PathStyle(separator, several)
    return replace(style, roots=_common_roots(found, style, shop_roots))


def _found_separator(cells: Sequence[str], *, several: bool) -> str | None:
    having = {separator: [cell for cell in cells if _has(cell, separator)] for separator in _PATTERNS}
    strong = [separator for separator in _STRONG if having[separator]]
    if len(strong) > 1:
        raise _undecided(strong[0], having[strong[0]][0], f'and "{strong[1]}" may, too ({having[strong[1]][0]!r})', strong[1])
    spaced, slashed = having[" / "], [cell for cell in having["/"] if _loose(cell)]
    candidates = [(separator, having[separator]) for separator in strong]
    candidates += [(separator, found) for separator, found in (("|", having["|"]), (" / ", spaced), ("/", slashed)) if found]
    if not candidates:
        _ask_about_suspects(cells)
        return None
    separator, found = candidates[0]
    others = {cell: other for other, with_it in candidates[1:] for cell in with_it} if len(candidates) > 1 else {}
    rivals = [cell for cell in others if cell not in set(found)]
    if len(rivals) > len(found):
        raise _undecided(separator, found[0], f'and "{others[rivals[0]].strip()}" may, too ({rivals[0]!r})', others[rivals[0]])
    if separator in {" / ", "/"} or (separator == "|" and several):
        _require_support(separator, found, cells, having["/"])
    return separator


def _has(cell: str, separator: str) -> bool:
    if separator in {"»", "›"} and _QUOTED.search(cell):
        return False
    return re.search(_PATTERNS[separator], _masked(cell)) is not None


def _loose(cell: str) -> bool:
    """Whether a cell has a slash without spaces that is not one of an abbreviation."""
    return "/" in re.sub(_PATTERNS[" / "], " ", _BOUND.sub("", _masked(cell)))


def _require_support(separator: str, found: Sequence[str], cells: Sequence[str], slashed: Sequence[str]) -> None:
    """Ask, unless most of the cells with this separator share their beginnings with others: then it separates levels."""
    supported = _supported(separator, found, cells)
    if separator == " / ":
        supported |= {cell for cell in found if len(_split(cell, separator)) > 2}
    if 2 * len(supported) < len(found):
        lonely = next(cell for cell in found if cell not in supported)
        raise _undecided(separator, lonely, "or belong to a name")
    bound = [cell for cell in slashed if _BOUND.search(_masked(cell))] if separator == "/" else []
    if bound:
        raise _undecided(separator, next(iter(supported)), f"or belong to a name ({bound[0]!r})")


def _supported(separator: str, found: Sequence[str], cells: Sequence[str]) -> set[str]:
    firsts = Counter(_split(cell, separator)[0] for cell in cells)
    return {cell for cell in found if firsts[first := _split(cell, separator)[0]] > 1 or first.casefold() in _ROOTS}


def _ask_about_suspects(cells: Sequence[str]) -> None:
    if backslashed := next((cell for cell in cells if _BACKSLASHED.search(cell)), None):
        raise _undecided("\\", backslashed, "or belong to a name")
    for separator in _SUSPECT:
        found = [cell for cell in cells if separator in _masked(cell)]
        supported = _supported(separator, found, cells)
        if len(found) > 1 and 2 * len(supported) >= len(found):
            raise _undecided(separator, found[0], "or belong to a name")


def _undecided(separator: str, example: str, otherwise: str, other: str | None = None) -> UndecidedPathsError:
    options = " or ".join(f"--category-separator {shlex.quote(one)}" for one in (separator, other or NO_SEPARATOR))
    return UndecidedPathsError(
        f'"{separator.strip()}" may separate levels ({example[:60]!r}) {otherwise}; say which: {options}'
        " (form field category_separator); a backslash before a sign keeps it in the name"
    )


def _common_roots(cells: Sequence[str], style: PathStyle, shop_roots: Collection[str]) -> tuple[str, ...]:
    """Return the levels that every path begins with and that other systems have for themselves alone."""
    if style.separator is None:
        return ()
    paths = [_trimmed(_split(piece, style.separator), style.separator) for cell in cells for piece in _paths(cell, style)]
    roots: list[str] = []
    while any(len(path) > 1 for path in paths) and len({path[0] for path in paths if path}) == 1:
        root = max(paths, key=len)[0]
        if root.casefold() not in _ROOTS or (not roots and root in shop_roots):
            break
        roots.append(root)
        paths = [path[1:] for path in paths]
    return tuple(roots)
