"""What typed words can mean: in which forms they may stand in a text, joined or apart, and what else they may have been meant as.

The database reads what was typed into words of its normal form (migration 0005), by the same functions that index the parts, so
that letters, units and sizes are made equal in one place. Here it is decided which of the indexed forms each word asks for.
"""

import re
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import groupby, pairwise, product
from math import inf, prod

from app.domain.content import without_joiners

# As many are read; more than ten are left once sizes and units are joined only if they are as many words.
MAX_TYPED = 20
MAX_WORDS = 10
# So many readings of a whole search are compared with the names.
MAX_SEQUENCES = 12
# If its words may stand next to each other in more ways, these are not looked up.
MAX_PIECES = 24
LONGEST_JOINED = 40
# A synonym may be for so many words, as the database reads them (migration 0016).
LONGEST_TERM = 5
# Appended to a prefix, sorts after every text that begins with it, in code point order.
LAST = "\U0010ffff"
# What a word is taken to mean that is left out.
LEFT_OUT = ("",)
# What each word is taken to mean if specifications say what some of them do, and the parts that say so hold the others.
BY_VALUE = ("=",)
# pg_trgm knows no other letters where PostgreSQL's locale is C, as that of the embedded one is.
_THREE = re.compile(r"[a-z0-9]{3}")
# Trigrams of short words have few in common with those of what was meant; for long ones that little is like thousands of numbers.
_LIKENESS = ((8, 0.3), (12, 0.4))
# Between letters and the number behind them (nbr|70), but not of one letter (m8).
_SEAM = re.compile(r"(?<=[^\W\d_]{2})(?=[0-9])")
# A word as it is indexed: no other signs.
_INDEXED = re.compile(r"[^\W_]+(?:\.[^\W_]+)*")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_NUMBERS = re.compile(r"m?[0-9.]+(?:[-/][0-9.]+)+")
_SIZES_IN_MM = re.compile(r"(m?[0-9.]+(?:[-x][0-9.]+)+)mm")
# A metric thread with its pitch, and a screw's length: m8x1.25x40.
_PITCHED = re.compile(r"m([0-9]+(?:\.[0-9]+)?)x([0-9]+(?:\.[0-9]+)?)(x[0-9.]+)?")
# The pitches of the coarse threads (ISO 261), which a name leaves out.
_COARSE = {
    1.6: 0.35, 2: 0.4, 2.5: 0.45, 3: 0.5, 3.5: 0.6, 4: 0.7, 5: 0.8, 6: 1, 8: 1.25, 10: 1.5, 12: 1.75, 14: 2, 16: 2, 18: 2.5,
    20: 2.5, 22: 2.5, 24: 3, 27: 3, 30: 3.5, 33: 3.5, 36: 4, 39: 4, 42: 4.5, 48: 5,
}  # fmt: skip
# Between a letter and a digit these are neither a decimal point nor a fraction's bar: they separate, as a hyphen does.
_SEPARATOR = re.compile(r"(?<=[^\W\d_])[./](?=[0-9])|(?<=[0-9])[./](?=[^\W\d_])")
# What stands between the words of a name and may be left out; see the condition on sequences in `app.store.search`.
SQUEEZED = " -./"
_SQUEEZE = str.maketrans("", "", SQUEEZED)
# Around words, as people quote and copy them; behind a number it is an inch (3/8" x 1").
_QUOTED = re.compile(r'(?<!\S)["“”„«»‹›`]+(\S(?:[^"“”„«»‹›`]*\S)?)["“”„«»‹›`]+(?!\S)')
# They say nothing of a part (SKF®), and a database would make letters of some.
_TRADE_MARKS = re.compile("[®™℠]")
# IEC 60062 writes the letter of the unit in place of the decimal point.
_CODED = re.compile(r"([0-9]+)([rkm])([0-9]+)|([0-9]+)(r)()")
_RESISTANCE = re.compile(r"([0-9]+)(?:\.([0-9]+))?(?:([km]?)ohm|(k))")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of the normal form.

    Its text is empty if it is punctuation, which no normal form has. `tokens` are its pieces of letters and digits, `bare` is all
    of them together. One that is not plain holds other signs than `-`, `.` and `/` between its pieces, and is meant as it stands.
    `grams` has a word of a script without spaces, `spelt` one with umlauts, as it is written without. `likely` are the words that
    it is taken to mean if nothing holds it.
    """

    text: str
    tokens: tuple[str, ...]
    bare: str
    is_plain: bool = True
    signs: tuple[str, ...] = ()
    grams: tuple[str, ...] = ()
    spelt: tuple[str, ...] = ()
    likely: tuple[str, ...] = ()

    @property
    def pieces(self) -> tuple[str, ...]:
        """The texts that may stand anywhere in a number, each long enough to be found by its trigrams."""
        texts = {self.text, self.bare} if self.is_plain and not self.likely else set()
        return tuple(sorted(piece for piece in texts if _THREE.search(piece)))

    @property
    def rarity(self) -> tuple[bool, int]:
        """Of two words, the one whose rarity is greater is likely to find fewer parts: a number or a measure, or the longer."""
        digits = sum(character.isdigit() for character in self.bare)
        return (0 < digits < len(self.bare) or digits > 2, len(self.bare))


@dataclass(frozen=True, slots=True)
class Synonym:
    """Another way to say what `length` words from `first` on say."""

    first: int
    length: int
    text: str
    tokens: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Form:
    """One form in which `length` words from `first` on may stand in a text.

    `lexemes` must all be there, the last one as the beginning of a longer one unless `is_whole`. `text` is how it looks within a
    sequence, without what may be left out. A loose form does not ask for its pieces to stand together.
    """

    first: int
    length: int
    lexemes: tuple[str, ...]
    text: str
    is_whole: bool = False
    is_loose: bool = False

    def covers(self, place: int) -> bool:
        """Whether it says what the word at that place says."""
        return self.first <= place < self.first + self.length


@dataclass(frozen=True, slots=True)
class Shares:
    """The most common lexemes, in code point order, the share of the parts that hold each, from 0 to 1, and how many parts there
    are. Empty if that is not known."""

    lexemes: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()
    parts: float = inf

    def of(self, lexeme: str, *, begins: bool) -> float:
        """Return the share of the parts that hold a lexeme, or with `begins` any that begins so, as if these had nothing to do
        with each other. Lexemes that begin with another one are its word joined to the next: whatever holds them holds that one,
        too. What is not known to be held counts as 0."""
        first = bisect_left(self.lexemes, lexeme)
        end = bisect_right(self.lexemes, lexeme + LAST if begins else lexeme, first)
        word, found = LAST, []
        for one, share in zip(self.lexemes[first:end], self.shares[first:end], strict=True):
            if not one.startswith(word):
                found.append(share)
                # A digit begins many numbers, and words of a description (U+0002) are not joined.
                word = one if len(one) > 1 and one[0] > "\x02" else LAST
        return any_of(found)


UNKNOWN = Shares()


def any_of(shares: Iterable[float]) -> float:
    """Return the share of what has any of several qualities that have nothing to do with each other, given that of each."""
    return 1 - prod(1 - share for share in shares)


@dataclass(frozen=True)
class Typed:
    """What was typed: as it is, and as the database reads it; with what is known of how many parts hold a word; and with the ids
    of the parts that are looked through, as PostgreSQL writes an array, if these are not all."""

    typed: tuple[str, ...]
    words: tuple[Word, ...]
    synonyms: tuple[Synonym, ...] = ()
    is_meant: bool = False
    shares: Shares = UNKNOWN
    among: str | None = None

    @property
    def is_nothing(self) -> bool:
        """Whether something was typed of which nothing can be looked for."""
        return bool(self.typed) and not self.words

    @property
    def phrase(self) -> str:
        """All of it, as names begin."""
        return (
            " ".join(word.likely[0] if word.likely else word.text for word in self.words)
            if self.is_meant
            else " ".join(self.typed)
        )

    @property
    def number(self) -> str:
        """All of it as a part's number without punctuation; empty if it has neither letter nor digit."""
        return "".join(word.likely[0] if word.likely else word.bare for word in self.words)

    def meaning(self, meant: Sequence[tuple[str, ...]]) -> "Typed":
        """Return it with its words taken for others, or left out; an empty tuple leaves a word as it is."""
        if not any(meant):
            return self
        left = [place for place in range(len(self.words)) if meant[place] != LEFT_OUT]
        words = [
            replace(self.words[place], likely=meant[place], is_plain=True) if meant[place] else self.words[place]
            for place in left
        ]
        # Those that speak of words side by side that are all as they were typed.
        kept = [s for s in self.synonyms if not any(meant[s.first : s.first + s.length])]
        synonyms = [replace(synonym, first=left.index(synonym.first)) for synonym in kept]
        return replace(self, words=tuple(words), synonyms=tuple(synonyms), is_meant=True)

    def taken_terms(self) -> dict[str, list[tuple[int, int]]]:
        """Return what words side by side are together, if any of them is taken for others: terms that may have synonyms; with the
        first place and the number of words of each."""
        terms: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for first in range(len(self.words)):
            for end in range(first + 1, min(first + LONGEST_TERM, len(self.words)) + 1):
                words = self.words[first:end]
                if any(word.likely for word in words):
                    for term in product(*(word.likely or (word.bare,) for word in words)):
                        terms["".join(term)].append((first, end - first))
        return terms

    @cached_property
    def forms(self) -> list[Form]:
        """Every form of every word, and of words together."""
        return [
            *(form for place, word in enumerate(self.words) for form in _forms(place, word)),
            *_joined(self.words),
            *_sizes(self.words),
            *(Form(s.first, s.length, s.tokens, s.text.translate(_SQUEEZE)) for s in self.synonyms),
        ]

    def sequences(self) -> list[str]:
        """Return how all of it looks where it stands in one piece, in every form."""
        forms = [form for form in self.forms if not form.is_loose]
        ends: list[list[str]] = [[""]] + [[] for _ in self.words]
        for place in range(len(self.words)):
            for form in forms:
                if form.first == place:
                    end = ends[place + form.length]
                    end += [text + form.text for text in ends[place] if len(end) < MAX_SEQUENCES]
        return list(dict.fromkeys(ends[-1]))[:MAX_SEQUENCES]

    def pieces(self) -> list[tuple[str, ...]]:
        """Return, for each way in which all of it may stand in one piece that begins with a word, the own words of such a part:
        all are there, the last one as the beginning of a longer one. Two neighbours count as one word, as they are indexed. Empty
        if the words are indexed differently, or the ways are too many."""
        if any(word.grams for word in self.words):
            return []
        forms = [form for form in self.forms if not form.is_loose]
        ends: list[set[tuple[str, ...]]] = [set() for _ in (None, *self.words)]
        ends[0].add(())
        for place in range(len(self.words)):
            for form in forms:
                if form.first == place:
                    ends[place + form.length] |= {(*before, *words) for before in ends[place] for words in _apart(form)}
            if len(ends[place + 1]) > MAX_PIECES:
                return []
        found = sorted({tuple(map("".join, pairwise(words))) or words for words in ends[-1]})
        return found if all(words and all(map(_is_indexed, words)) for words in found) else []


def _is_indexed(word: str) -> bool:
    return len(word) <= LONGEST_JOINED and _INDEXED.fullmatch(word) is not None


def _apart(form: Form) -> Iterator[tuple[str, ...]]:
    """Yield the words as which a form may stand in a text, side by side."""
    words = form.lexemes if "".join(form.lexemes).translate(_SQUEEZE) == form.text else tuple(filter(None, [form.text]))
    yield words
    if form.length == 1 and (apart := tuple(piece for word in words for piece in _SEAM.split(word))) != words:
        yield apart


def _forms(place: int, word: Word) -> Iterator[Form]:
    if word.likely:
        for likely in word.likely:
            yield Form(place, 1, (likely,), likely, is_whole=True)
        return
    # Punctuation does not stand in the normal form of names.
    text = word.text.translate(_SQUEEZE) if word.tokens else ""
    if word.grams:
        yield Form(place, 1, word.grams, text, is_whole=True)
        return
    # Numbers with signs between them are sizes; apart from each other they are any numbers.
    has_sizes = _NUMBERS.fullmatch(word.text) is not None
    yield Form(place, 1, (*word.signs, *word.tokens), text, is_whole=not word.tokens, is_loose=has_sizes)
    if word.spelt:
        yield Form(place, 1, word.spelt, "".join(word.spelt))
    if word.is_plain and word.tokens:
        yield from _plain_forms(place, word)


def _plain_forms(place: int, word: Word) -> Iterator[Form]:
    if len(word.tokens) > 1:
        yield Form(place, 1, (word.bare,), word.bare)
    for other in (*singulars(word.tokens[-1]), *measures(word.text)):
        yield Form(place, 1, (*word.tokens[:-1], other), "".join((*word.tokens[:-1], other)), is_whole=True)
    if _NUMBERS.fullmatch(word.text):
        sizes = re.sub("[-/]", "x", word.text)
        yield Form(place, 1, (sizes,), sizes.translate(_SQUEEZE))
    for sizes in _shorter(word.text):
        yield Form(place, 1, (sizes,), sizes.translate(_SQUEEZE))
    pieces = tuple(piece for token in word.tokens for piece in _SEAM.split(token))
    if pieces != word.tokens:
        yield Form(place, 1, pieces, word.bare, is_loose=True)


def _shorter(text: str) -> Iterator[str]:
    """Yield sizes as most names have them: without the unit, and without the pitch of a coarse thread."""
    if in_mm := _SIZES_IN_MM.fullmatch(text):
        text = in_mm[1]
        yield text.replace("-", "x")
    pitched = _PITCHED.fullmatch(text.replace("-", "x"))
    if pitched and _COARSE.get(float(pitched[1])) == float(pitched[2]):
        yield f"m{pitched[1]}{pitched[3] or ''}"


def _joined(words: Sequence[Word]) -> Iterator[Form]:
    """Yield neighbouring words as one."""
    for place in range(len(words) - 1):
        pair = words[place : place + 2]
        joined = "".join(word.bare for word in pair)
        if all(word.is_plain and word.tokens and not word.likely for word in pair) and len(joined) <= LONGEST_JOINED:
            yield Form(place, 2, (joined,), joined)
            text = "".join(word.text for word in pair)
            if others := measures(text):
                yield from (Form(place, 2, (way,), way.translate(_SQUEEZE), is_whole=True) for way in (text, *others))


def _sizes(words: Sequence[Word]) -> Iterator[Form]:
    """Yield neighbouring numbers as sizes."""
    place = 0
    for is_number, group in groupby(words, key=lambda word: _NUMBER.fullmatch(word.text) is not None and not word.likely):
        numbers = [word.text for word in group]
        if is_number and len(numbers) > 1:
            yield Form(place, len(numbers), ("x".join(numbers),), "x".join(numbers).translate(_SQUEEZE))
        place += len(numbers)


def words_of(typed: str) -> tuple[str, ...]:
    """Return the words of what was typed, the first twenty, in small letters, with hyphens for what separates alike (a.9/m6).

    Letter by letter, as PostgreSQL does it: Python would make two letters of one, and look at those around it.
    """
    small = "".join(letter.lower()[0] for letter in without_joiners(_QUOTED.sub(r"\1", _TRADE_MARKS.sub("", typed))))
    return tuple(_SEPARATOR.sub("-", small).split()[:MAX_TYPED])


def singulars(word: str) -> tuple[str, ...]:
    """Return what an English plural may be the plural of."""
    if len(word) < 4 or not (word.isascii() and word.isalpha()) or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return ()
    if word.endswith("ies"):
        return (word[:-3] + "y", word[:-1])
    return (word[:-1], word[:-2]) if word.endswith(("ses", "xes", "zes", "ches", "shes")) else (word[:-1],)


def measures(word: str) -> tuple[str, ...]:
    """Return the other ways to write a resistance: 4k7, 4.7k, 4.7kohm; 10r, 10ohm."""
    if coded := _CODED.fullmatch(word):
        whole, letter, fraction = coded[1] or coded[4], coded[2] or coded[5], coded[3] or ""
    elif plain := _RESISTANCE.fullmatch(word):
        whole, fraction, letter = plain[1], plain[2] or "", plain[3] or plain[4] or "r"
    else:
        return ()
    value = f"{whole}.{fraction}" if fraction else whole
    unit = "" if letter == "r" else letter
    ways = [f"{whole}{letter}{fraction}", f"{value}{unit}ohm", *([f"{value}k"] if unit == "k" else [])]
    # 1m is a metre.
    return tuple(way for way in ways if way not in {word, f"{whole}m"})


def likeness(word: str) -> float:
    """Return how much a word has to be like this one, from 0 to 1, for this one to be it with typing errors."""
    return next((least for length, least in _LIKENESS if len(word) < length), 0.5)


def swapped(word: str) -> list[str]:
    """Return the words that come of changing two neighbouring letters' places, which trigrams see least of."""
    return [word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)]


def like(piece: str) -> str:
    """Return the LIKE pattern of a text anywhere, taken literally."""
    return "%" + piece.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
