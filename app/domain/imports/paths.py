"""A category's path as other systems write it: what separates its levels, and the several paths that a cell may hold.

A separator is accepted only if the column as a whole supports it. `>` and arrows rarely occur in names; a slash does (Nuts/Bolts,
AC/DC converters), so it counts only if cells share their first levels. What is ambiguous is asked about, never guessed.
"""

import re
import shlex
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from app.domain.imports.options import NO_SEPARATOR

# How levels are separated. A `>` before `=`, or between a space and a digit, means "more than".
_PATTERNS = {
    ">": r"(?<![-=~–—])(?:(?<!\s)>+(?!=)|>+(?![\d=]))", "->": "[-~–—]+>+", "=>": "=+>+", "&gt;": "(?:&gt;)+",
    "→": "[→➔➙➛➜➝➞➡➤➥⟶⇢⇾⭢⮕↦]+", "⇒": "[⇒⟹⇨]+", "»": "[»≫⟫]+", "›": "[›❯❱⟩〉]+", "▸": "[▸►▶▷▹‣]+", "＞": "＞+", "::": "::+",
    "|": "[|｜]+", " / ": r"(?<=\s)[/／](?=\s)", "/": "[/／]",
}  # fmt: skip
_STRONG = [separator for separator in _PATTERNS if separator not in {"|", " / ", "/"}]
# If one of these, at such places, comes after first levels that cells share, the user is asked.
_SUSPECT = {
    ":": "[:：]", ";": "[;；]", ",": "[,，、]", " - ": r"(?<=\s)-(?=\s)", " – ": r"(?<=\s)[–—](?=\s)", "·": "[·•・]",
    "~": "~", "^": r"\^", "#": r"(?<=\w)#(?=[^\W\d])", ".": r"(?<=[^\W\d]{2})\.(?=[^\W\d]{2})",
}  # fmt: skip
# They separate wherever they are, if the user says that they do.
_CHOSEN = _SUSPECT | {"#": "#", ".": r"\."}
_BETWEEN = (",", ";", "|")
# What other systems call the root of all categories, which no customer sees.
_ROOTS = frozenset((
    "all", "all products", "all categories", "default category", "root catalog", "root category", "root", "home",
    "alle", "alle produkte", "alle kategorien", "standardkategorie", "startseite", "accueil", "racine", "tous les produits",
    "toutes les catégories", "catégorie par défaut", "inicio", "todos los productos", "todas las categorías", "strona główna",
    "ana sayfa", "tüm ürünler", "главная", "首页", "全部", "全部商品", "ホーム",
))  # fmt: skip
# A backslash before a punctuation character: the character belongs to the name.
_ESCAPED = re.compile(r"\\([^\w\s])")
_BACKSLASHED = re.compile(r"\w\\\w")
# I/O, AC/DC, 3/8", 24V/5A, mm/s: a slash between two short tokens of the same kind belongs to a name.
_BOUND = re.compile(
    r"(?<![^\s/])(?:[A-Z]{1,4}/(?=[A-Z]{1,4}(?![^\s/]))|[0-9][A-Z0-9.]{0,3}/(?=[0-9][A-Z0-9.\"″]{0,3}(?![^\s/]))"
    r"|[a-z]{1,2}/(?=[a-z]{1,2}(?![^\s/])))"
)
_QUOTED = re.compile("[«‹]")


class UndecidedPathsError(Exception):
    """A category column is ambiguous; the message says between what, and what to do."""


class SeveralPathsError(Exception):
    """A cell names categories that are not ancestors of one another."""


class EmptyLevelError(Exception):
    """A path has a level without a name."""


@dataclass(frozen=True, slots=True)
class PathStyle:
    """How a column writes paths.

    Args:
        separator: what separates levels; None if each cell is a single level.
        several: whether a comma always separates paths, as under the header `Categories`.
        roots: the levels that every path begins with and that are dropped.
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
    """Return a function that reads a cell in this style: the levels from the root, none for an empty cell.

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
    """Drop the empty levels before a leading and after a trailing separator: /Tools/Drills/ is written like a folder."""
    if separator not in {"/", "\\", "|"} or len(levels) < 2:
        return levels
    return levels[not levels[0] : len(levels) - (not levels[-1])]


def _unescaped(level: str, *, first: bool) -> str:
    # An intended root, marked by a backslash, as opposed to one that all paths happen to share.
    if first and level.startswith("\\") and level[1:].casefold() in _ROOTS:
        return level[1:]
    return _ESCAPED.sub(r"\1", level)


def _paths(cell: str, style: PathStyle) -> list[str]:
    """Return the paths of a cell: several if a comma, semicolon or bar splits it into pieces that each have levels."""
    if style.several and style.separator != ",":
        pieces = _split_at(cell, ",")
        if len(pieces) > 1:
            return pieces
    for mark in _BETWEEN:
        if mark in cell and style.separator not in {None, mark}:
            pieces = _split_at(cell, re.escape(mark))
            levels = [_split(piece, style.separator) for piece in pieces]
            if len(pieces) > 1 and (all(len(one) > 1 for one in levels) or (mark == "|" and _share_beginning(levels))):
                return pieces
    return [cell]


def _share_beginning(paths: Sequence[Sequence[str]]) -> bool:
    """Whether they are several paths of one branch, as `Gear|Gear/Bags` names them."""
    return max(map(len, paths)) > 1 and len({path[0] for path in paths}) == 1


def _split(text: str, separator: str | None) -> list[str]:
    return [text.strip()] if separator is None else _split_at(text, _pattern(separator))


def _pattern(separator: str) -> str:
    return _PATTERNS.get(separator) or _CHOSEN.get(separator) or re.escape(separator)


def _split_at(text: str, pattern: str) -> list[str]:
    """Return the pieces between the separators, as written; an escaped separator does not split."""
    masked, pieces, begins = _masked(text) if pattern != r"\\" else text, [], 0
    for found in re.finditer(pattern, masked):
        pieces.append(text[begins : found.start()].strip())
        begins = found.end()
    return [*pieces, text[begins:].strip()]


def _masked(text: str) -> str:
    return _ESCAPED.sub("\0\0", text) if "\\" in text else text


def written(path: Sequence[str]) -> str:
    """Return a path written so that any column reads it back unchanged: a backslash escapes what in a name could separate."""
    alone, last = len(path) == 1, len(path) - 1
    levels = []
    for at, name in enumerate(path):
        # A comma in a middle level could separate two paths; one in the first or last level cannot.
        pattern = _SPECIAL_ALONE if alone else _SPECIAL if at in {0, last} else _SPECIAL_WITHIN
        level = pattern.sub(lambda found: "\\" + found[0], name)
        levels.append("\\" + level if not at and level.casefold() in _ROOTS else level)
    return " > ".join(levels)


_SPECIAL = re.compile(r"[\\>/／|｜→➔➙➛➜➝➞➡➤➥⟶⇢⇾⭢⮕↦⇒⟹⇨»≫⟫›❯❱⟩〉▸►▶▷▹‣＞]|:(?=:)|(?<=:):|&(?=gt;)")
_SPECIAL_WITHIN = re.compile(_SPECIAL.pattern + "|[,;]")
_SPECIAL_ALONE = re.compile("|".join((_SPECIAL.pattern, *_SUSPECT.values())))


def find_style(cells: Iterable[str], chosen: str | None, shop_roots: Collection[str], *, several: bool) -> PathStyle:
    """Return how a column writes its paths.

    Args:
        cells: the column's cells; empty ones and repetitions do not count.
        chosen: the separator that the user named, `NO_SEPARATOR`, or None.
        shop_roots: the shop's own top-level categories; a root that is one of them is kept.
        several: whether the column's name says that a cell holds several categories.

    Raises:
        UndecidedPathsError: if it is ambiguous.
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
    if len(candidates) > 1 and candidates[0][0] == "|" and _bars_part_paths(having["|"], candidates[1][0]):
        return candidates[1][0]
    separator, found = candidates[0]
    others = {cell: other for other, with_it in candidates[1:] for cell in with_it} if len(candidates) > 1 else {}
    rivals = [cell for cell in others if cell not in set(found)]
    if len(rivals) > len(found):
        raise _undecided(separator, found[0], f'and "{others[rivals[0]].strip()}" may, too ({rivals[0]!r})', others[rivals[0]])
    if separator in {" / ", "/"} or (separator == "|" and several):
        _require_support(separator, found, cells, having["/"])
    return separator


def _bars_part_paths(barred: Sequence[str], separator: str) -> bool:
    """Whether bars come between whole paths, as in `Gear|Gear/Bags`: where one comes, the path begins anew."""
    cells = [[_split(piece, separator) for piece in _split(cell, "|")] for cell in barred]
    return any(len(paths) > 1 and _share_beginning(paths) for paths in cells)


def _has(cell: str, separator: str) -> bool:
    if separator in {"»", "›"} and _QUOTED.search(cell):
        return False
    return re.search(_PATTERNS[separator], _masked(cell)) is not None


def _loose(cell: str) -> bool:
    """Whether a cell has a slash without spaces around it that is not part of an abbreviation."""
    return re.search(_PATTERNS["/"], re.sub(_PATTERNS[" / "], " ", _BOUND.sub("", _masked(cell)))) is not None


def _require_support(separator: str, found: Sequence[str], cells: Sequence[str], slashed: Sequence[str]) -> None:
    """Ask, unless most cells with this separator share their first level with others, which shows that it separates levels."""
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
    for separator, pattern in _SUSPECT.items():
        found = [cell for cell in cells if re.search(pattern, _masked(cell))]
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
    """Return the levels that every path begins with and that only have a meaning inside the system that wrote them."""
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
