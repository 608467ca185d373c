"""What is odd about the cells of a file's columns, for whoever imports it: entities, words for no value, mistaken encodings."""

import re
from collections.abc import Sequence
from itertools import islice

from app.domain.imports.columns import Header, Specification, Unread
from app.domain.imports.entities import Ampersands
from app.domain.imports.missing import has_missing, is_missing

_DECODED = "HTML entities are decoded"
_KEPT = "HTML entities stay as written, since the column has bare ampersands, too"
_MISSING = "NULL, - and the like count as empty"
_GUESS = '"{word}" looks like "{meant}" in a mistaken encoding, so export the file anew, as UTF-8'
# How letters, signs and quotation marks begin whose UTF-8 was read as Windows-1252: Schlüssel, 5 °C, Łódź, “M8”, Болт. Of what
# others would begin with, some is meant: Ø½.
_CONTINUED = "\x80-\xbf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_GARBLED = re.compile(rf"[ÂÃÄÅÐÑ][{_CONTINUED}]|â[€‚„…]")
_BETWEEN_WORDS = re.compile(r"[ \t\r\n;]")
# Letters of a word, on either side, and words of a cell.
_LONGEST, _TRIED = 20, 3


class Oddities:
    """Gathers what is odd about the columns that are read."""

    def __init__(self, header: Header) -> None:
        read = [at for at, column in enumerate(header.columns) if column and not isinstance(column, Unread)]
        fields = header.fields()
        markup = {at for at, field in fields if field == "description"}
        self.ampersands = Ampersands([at for at in read if at not in markup], [at for at, field in fields if field == "category"])
        self._read = read
        self._specifications = {at for at, column in enumerate(header.columns) if isinstance(column, Specification)}
        self._missing: set[int] = set()
        self._garbled = {at: found for at in read if (found := garbled(header.names[at]))}

    def note(self, cells: Sequence[str]) -> None:
        """Take note of a row."""
        self.ampersands.note(cells)
        if has_missing(cells):
            self._missing.update(at for at in self._read if is_missing(cells[at], is_specification=at in self._specifications))
        if not ",".join(cells).isascii():
            for at in self._read:
                if at not in self._garbled and (found := garbled(cells[at])):
                    self._garbled[at] = found

    def told(self) -> dict[int, list[str]]:
        """Return what is to be said of columns, by their positions."""
        told: dict[int, list[str]] = {}
        said = [(at, _DECODED) for at in self.ampersands.encoded()] + [(at, _KEPT) for at in self.ampersands.kept()]
        said += [(at, _MISSING) for at in self._missing]
        said += [(at, _GUESS.format(word=word, meant=meant)) for at, (word, meant) in self._garbled.items()]
        for at, text in said:
            told.setdefault(at, []).append(text)
        return told


def garbled(text: str) -> tuple[str, str] | None:
    """Return the first word whose UTF-8 was read as Windows-1252 before it came here, and what it was; None if there is none."""
    for found in islice(_GARBLED.finditer(text), _TRIED):
        at = found.start()
        before = _BETWEEN_WORDS.split(text[max(0, at - _LONGEST) : at])[-1]
        word = before + _BETWEEN_WORDS.split(text[at : at + _LONGEST])[0]
        meant = _as_utf8(word)
        if meant is not None:
            return word, meant
    return None


def _as_utf8(word: str) -> str | None:
    try:
        # Windows-1252 leaves five bytes out, which programs keep as they are.
        return b"".join(_byte(letter) for letter in word).decode()
    except UnicodeError:
        return None


def _byte(letter: str) -> bytes:
    try:
        return letter.encode("cp1252")
    except UnicodeEncodeError:
        return letter.encode("latin-1")
