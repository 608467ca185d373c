"""What a typed word can mean: whether it can be looked up, and as what else it may have been meant."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

MAX_WORDS = 10
# What stands between the pieces of a part's number, and may be left out or taken for another one.
_SEPARATED = re.compile(r"[^\W_]+(?:[-./]+[^\W_]+)*")
# pg_trgm knows no other letters where PostgreSQL's locale is C, as that of the embedded one is.
_THREE = re.compile(r"[a-z0-9]{3}")
_ACCENTS = re.compile(r"[\u0300-\u036f]+")
# Trigrams of short words have few in common with those of what was meant; for long ones that little is like thousands of numbers.
_LIKENESS = ((8, 0.3), (12, 0.4))


@dataclass(frozen=True, slots=True)
class Word:
    """A word as typed, in small letters."""

    text: str

    @property
    def bare(self) -> str:
        """The word's letters and digits."""
        return "".join(character for character in self.text if character.isalnum())

    @property
    def folded(self) -> str:
        """The word's letters and digits without accents, as words are kept."""
        return _ACCENTS.sub("", unicodedata.normalize("NFKD", self.bare)).lower()

    @property
    def is_plain(self) -> bool:
        """Whether it consists of letters and digits with no more than separators between them, and may be looked up by its
        words. Any other character is meant as it stands."""
        return _SEPARATED.fullmatch(self.text) is not None

    @property
    def pieces(self) -> tuple[str, ...]:
        """The texts that may stand anywhere in a number, each long enough to be found by its trigrams."""
        texts = {self.text, self.bare} if self.is_plain else set()
        return tuple(sorted(piece for piece in texts if _THREE.search(piece)))

    @property
    def rarity(self) -> tuple[bool, int]:
        """Of two words, the one whose rarity is greater is likely to find fewer parts: a number or a measure, or the longer."""
        digits = sum(character.isdigit() for character in self.bare)
        return (0 < digits < len(self.bare) or digits > 2, len(self.bare))


def words_of(typed: str) -> tuple[str, ...]:
    """Return the words of what was typed, each once, the first ten, in small letters.

    Letter by letter, as PostgreSQL does it: Python would make two letters of one, and look at those around it.
    """
    words = "".join(letter.lower()[0] for letter in typed).split()
    return tuple(dict.fromkeys(words))[:MAX_WORDS]


def number_of(words: Sequence[str]) -> str:
    """Return what was typed as a part's number without punctuation; empty if it has neither letter nor digit."""
    return "".join(Word(word).bare for word in words)


def likeness(word: str) -> float:
    """Return how much a word has to be like this one, from 0 to 1, for this one to be it with typing errors."""
    return next((least for length, least in _LIKENESS if len(word) < length), 0.5)


def swapped(word: str) -> list[str]:
    """Return the words that come of changing two neighbouring letters' places, which trigrams see least of."""
    return [word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)]


def like(piece: str) -> str:
    """Return the LIKE pattern of a text anywhere, taken literally."""
    return "%" + piece.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
