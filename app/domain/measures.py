"""What the text of a specification says: a number with its unit, a range, or words.

Nobody is asked to type otherwise than on a data sheet: `25 mm`, `0.984 in`, `1 1/2"`, `1,5 mm`, `12 000 rpm`, `-40 to 85 °C`, `±5
%`, `4k7`, `M8`. What is not understood is words, which is no error: they are compared as they stand.

Numbers and units are told apart here, by patterns that look at each character once or twice, and only a short unit is ever looked
up: the parsers of libraries for units calculate (`10**10**10`).
"""

import re
import struct
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import product, takewhile

# A longer text is words, whatever stands in it.
MAX_TEXT = 100
MAX_UNIT = 40
# The nominal sizes of metric threads, in metres as lengths are. They are not lengths: nobody adds them up, and M8 is shown as M8.
THREAD = "thread"
LENGTH = "[length]"
# As much as two numbers in different units may differ to be called equal, if the digits that were typed do not say less.
MAX_ROUNDING = Decimal("0.002")
# Of so many words is a measure that is typed among others (`1 1/2 in`).
MAX_WORDS = 3
# Of so many letters, at most, is a unit whose capitals are guessed (`kPa`): each more would double what is looked up.
MAX_RECASED = 3
# As many digits as are left of a conversion, so that 0.1 in is 2.54 mm in each way of reckoning.
_DIGITS = 12


@dataclass(frozen=True, slots=True)
class Unit:
    """What a unit measures. A number in it is `offset + number * scale` in the base unit of its dimension.

    Attributes:
        dimension: comparable units have the same; empty for a mere number.
        name: the same for each spelling of a unit.
    """

    dimension: str
    name: str
    scale: Decimal = Decimal(1)
    offset: Decimal = Decimal(0)


# Looks up a unit; None if there is none of that name.
UnitOf = Callable[[str], Unit | None]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text says.

    Attributes:
        unit: what the numbers are in; None if the text is words.
        symbol: the unit as it was written.
        low, high: the ends of a range, or twice the same number; in `unit`.
        rounding: by how much the number may be meant to be another, by the digits that were typed; in `unit`.
    """

    unit: Unit | None = None
    symbol: str = ""
    low: Decimal = Decimal(0)
    high: Decimal = Decimal(0)
    rounding: Decimal = Decimal(0)

    def ends(self) -> tuple[float, float]:
        """Return both ends in the base unit of the dimension.

        Raises:
            ValueError: if the text is words.
        """
        if self.unit is None:
            raise ValueError("words have no size")
        return based(self.low, self.unit), based(self.high, self.unit)


WORDS = Reading()
NUMBER = Unit("", "")


@dataclass(frozen=True, slots=True)
class SpecificationFilter:
    """What a list is narrowed to by one specification: to one of the values, if there are any, and to these ends, if they are not
    None. All of them are texts as buyers type them."""

    name: str
    values: tuple[str, ...] = ()
    low: str | None = None
    high: str | None = None


@dataclass(frozen=True, slots=True)
class Beside:
    """A measure among the words of a search, in each way that it may be meant, since these have no capitals (`10 mPa`, `10 MPa`);
    and the words before and after it, those next to it first. With none of those before it, one or more, it begins at these
    `starts` among the words of the search, and ends before these `ends` with those after it."""

    values: tuple[str, ...]
    before: tuple[str, ...]
    after: tuple[str, ...]
    starts: tuple[int, ...]
    ends: tuple[int, ...]

    def named(self, words: Callable[[str], bool]) -> int:
        """Return how many words beside it, one next to another on the same side, are words of a specification's name."""
        return max(self._beside(words))

    def places(self, words: Callable[[str], bool]) -> range:
        """Return the places of the measure and of these words beside it in the search."""
        before, after = self._beside(words)
        return range(self.starts[before], self.ends[0]) if before >= after else range(self.starts[0], self.ends[after])

    def _beside(self, words: Callable[[str], bool]) -> tuple[int, int]:
        before, after = (sum(1 for _ in takewhile(words, side)) for side in (self.before, self.after))
        return before, after


# Whole groups of three digits, by spaces, apostrophes, commas (`1,000`) or several points; otherwise a comma is a decimal point,
# and one point always is. What begins with a zero that counts for nothing is a designation (`004`).
_PLAIN = (
    r"(?:[1-9]\d{0,2}(?:(?:[ '’]\d{3})+(?:[.,]\d{1,12})?|(?:,\d{3})+(?:\.\d{1,12})?"
    r"|(?:\.\d{3}){2,}(?:,\d{1,12})?|(?:\.\d{3})+,\d{1,12})(?!\d)"
    r"|(?:0|[1-9]\d{0,14})(?:[.,]\d{1,12})?(?!\d)(?:[eE][+-]?\d{1,2}(?!\d))?|[.,]\d{1,12})"
)
_FRACTION = r"(?:[1-9]\d{0,3}[ -])?[1-9]\d{0,3}/[1-9]\d{0,3}(?!\d)"
_SIGNED = rf"[+-]?(?:{_FRACTION}|{_PLAIN})"
_UNIT = r"[^\d\s.,+\-/(][^\n]*?"
_TO = r"(?:\.{2,3}|[–—~]|to\b|bis\b)"
_NUMBER = re.compile(rf"({_SIGNED})(?:\s?({_UNIT}))?")
_TOLERANCE = re.compile(rf"(?:({_SIGNED})\s?)?(?:±|\+/-)\s?({_PLAIN})(?:\s?({_UNIT}))?")
_RANGE = re.compile(rf"({_SIGNED})(?:\s?([^\d\s.,+\-/(–—~][^\d\n]{{0,20}}?))?\s?(?:{_TO}|(-))\s?({_SIGNED})(?:\s?({_UNIT}))?")
_THREAD = re.compile(r"[Mm] ?(\d{1,3}(?:[.,]\d{1,2})?)(?: ?[x×*] ?\d{1,4}(?:[.,]\d{1,2})?)?")
# IEC 60062: the letter stands in place of the decimal point.
_CODED = re.compile(r"(\d{1,4})([RrKkMGpnuμ])(\d{1,4})|(\d{1,4})([RKk])|([R])(\d{1,4})")
_MULTIPLIERS = {
    "r": ("", 0),
    "k": ("", 3),
    "M": ("", 6),
    "G": ("", 9),
    "p": ("F", -12),
    "n": ("F", -9),
    "u": ("F", -6),
    "μ": ("F", -6),
}
# A number with a letter in a column of classes is the name of one, as 45 H, 6g and 12 K are: a screw's hardness is no inductance.
# Longer units are meant all the same (`500 MPa`).
_OF_CLASSES = re.compile(r"\b(?:class|grade|hardness)\b|(?:klasse|güte|härte)\b", re.IGNORECASE)
_CLASS = re.compile(r"\d{1,6}(?:[.,]\d{1,3})? ?[A-Za-z]")
_ENDING = re.compile(r"(.*\d ?)([^\d ]{1,8})")
_FRACTION_SIGN = re.compile("(?<=[0-9])(?=[¼-¾⅐-⅞])")
_DIAMETER = re.compile(r"^\s{0,9}[Øø⌀∅]\s{0,9}(?=[\d.,])")
_GROUPED = re.compile(r"[ '’]")


def read(value: str, unit: str, unit_of: UnitOf) -> Reading:
    """Return what a specification's value says.

    Args:
        unit: from the specification's own field; empty if there is none, and the value may name one itself. One that nobody
            knows measures something of its own.
        unit_of: looks a unit up; it is asked about short texts only.
    """
    if len(value) > MAX_TEXT or len(unit) > MAX_UNIT:
        return WORDS
    text, unit = tidy(value), tidy(unit)
    if not text or not any(character.isdigit() for character in text):
        return WORDS
    if not unit and (found := _THREAD.fullmatch(text)):
        size = _decimal(found[1])
        return Reading(Unit(THREAD, THREAD, Decimal("0.001")), "", size, size)
    given = (unit_of(unit) or own_unit(unit)) if unit else None
    return (
        _coded(text, given, unit, unit_of) or _number(text, given, unit, unit_of) or _range(text, given, unit, unit_of) or WORDS
    )


def typed(text: str, unit_of: UnitOf) -> Reading:
    """Return what a buyer means who types this: as `read`, but with a sign for a diameter (`Ø 25`), and a unit that nobody knows
    may be one of the shop's own."""
    text = _DIAMETER.sub("", text)
    found = read(text, "", unit_of)
    if found.unit is None and len(text) <= MAX_TEXT and (parts := _NUMBER.fullmatch(tidy(text))) and parts[2]:
        return read(parts[1], parts[2], unit_of)
    return found


def beside(words: Sequence[str], unit_of: UnitOf) -> tuple[Beside, ...]:
    """Return the measures among the words of a search that have words of letters next to them. A mere number is none: it may be
    anything."""
    bare = [word.lstrip("(").rstrip(",;:)") for word in words]
    numbered = list(enumerate(bare))
    found, place = [], 0
    while place < len(bare):
        ends = range(place + 1, min(place + MAX_WORDS, len(bare)) + 1)
        values, end = next(
            ((values, end) for end in ends if (values := _meant(" ".join(bare[place:end]), unit_of))), ((), place + 1)
        )
        before, after = _of_letters(reversed(numbered[:place])), _of_letters(numbered[end:])
        if values and (before or after):
            places = (place, *before), (end, *(last + 1 for last in after))
            found.append(Beside(values, tuple(before.values()), tuple(after.values()), *places))
        place = end
    return tuple(found)


def _meant(text: str, unit_of: UnitOf) -> tuple[str, ...]:
    """Return the measures that a text in small letters may be, with the capitals that their units have."""
    ways = [text]
    if (parts := _ENDING.fullmatch(text)) and sum(map(str.isalpha, parts[2])) <= MAX_RECASED:
        letters = [dict.fromkeys((letter, letter.upper())) for letter in parts[2]]
        ways = [parts[1] + "".join(unit) for unit in product(*letters)]
    readings = {way: typed(way, unit_of) for way in ways}
    different = {reading.unit: way for way, reading in reversed(readings.items()) if _is_measure(reading)}
    return tuple(reversed(different.values()))


def _is_measure(reading: Reading) -> bool:
    return reading.unit is not None and reading.unit != NUMBER and not reading.unit.dimension.startswith("=")


def _of_letters(words: Iterable[tuple[int, str]]) -> dict[int, str]:
    """Return the first words that are letters only, by place, without symbols of one letter (`bore d 10 mm`, `M8 x 40`)."""
    return {place: word for place, word in takewhile(lambda one: one[1].isalpha(), words) if len(word) > 1}


def class_in(name: str, value: str, unit: str = "") -> str | None:
    """Return the class, grade or hardness that a value names, the same in each spelling; None if it is none, going by the name of
    the specification."""
    text = tidy(f"{value} {unit}") if len(value) + len(unit) < MAX_TEXT else ""
    return text.replace(" ", "").replace(",", ".") if _OF_CLASSES.search(name) and _CLASS.fullmatch(text) else None


def said(value: str, unit: str = "") -> str:
    """Return the words of a specification, so that those of equal ones are equal but for case and accents."""
    text = f"{tidy(value)} {tidy(unit)}".strip()
    return text.replace(" ", "").replace("×", "x").replace("*", "x").replace(",", ".") if _THREAD.fullmatch(text) else text


def comparable(unit: Unit) -> tuple[str, ...]:
    """Return the dimensions that a number in this unit can be compared with: threads have sizes, and lengths are compared with
    these."""
    return (LENGTH, THREAD) if unit.dimension in {LENGTH, THREAD} else (unit.dimension,)


def own_unit(symbol: str) -> Unit:
    """Return a unit that measures something of its own."""
    name = " ".join(symbol.casefold().split())
    return Unit(f"={name}", name)


def tidy(text: str) -> str:
    """Return a text with one character for each thing that has several."""
    text = unicodedata.normalize("NFKC", _FRACTION_SIGN.sub(" ", text))
    return " ".join(text.replace("−", "-").replace("⁄", "/").replace("º", "°").split())


def based(number: Decimal, unit: Unit) -> float:
    """Return a number in the base unit of its dimension, the same for equal numbers in different units."""
    return float(f"{unit.offset + number * unit.scale:.{_DIGITS - 1}e}")


def shown(base: float, unit: Unit) -> str:
    """Return a number of the base unit in another one, as a plain decimal number."""
    return plain(float(f"{(Decimal(repr(base)) - unit.offset) / unit.scale:.{_DIGITS - 2}e}"))


def plain(number: float) -> str:
    """Return a number without an exponent and without zeros that say nothing."""
    return f"{Decimal(repr(number)).normalize() + 0:f}"


def place(low: float, high: float) -> str:
    """Return a text that sorts, by code points, as numbers do: by the lower end, then by the upper one."""
    return "".join(f"{_bits(number):016x}" for number in (low, high))


def _bits(number: float) -> int:
    (bits,) = struct.unpack(">Q", struct.pack(">d", number + 0.0))
    return int(bits ^ (0xFFFF_FFFF_FFFF_FFFF if bits >> 63 else 1 << 63))


def _coded(text: str, given: Unit | None, symbol: str, unit_of: UnitOf) -> Reading | None:
    found = _CODED.fullmatch(text)
    if not found:
        return None
    letter = found[2] or found[5] or found[6]
    ending, exponent = _MULTIPLIERS[letter if letter in {"M", "G"} else letter.lower()]
    unit = given or unit_of(ending or "ohm")
    number = Decimal(f"{found[1] or found[4] or 0}.{found[3] or found[7] or 0}").scaleb(exponent)
    return Reading(unit, symbol or ending or "Ω", number, number) if unit else None


def _number(text: str, given: Unit | None, symbol: str, unit_of: UnitOf) -> Reading | None:
    if found := _TOLERANCE.fullmatch(text):
        unit, symbol_of = _unit(found[3], given, symbol, unit_of)
        middle, half = _decimal(found[1] or "0"), _decimal(found[2])
        return Reading(unit, symbol_of, middle - half, middle + half) if unit else None
    found = _NUMBER.fullmatch(text)
    if not found:
        return None
    unit, symbol_of = _unit(found[2], given, symbol, unit_of)
    # A fraction of nothing may be a ratio, or a date.
    if unit is None or ("/" in found[1] and unit == NUMBER):
        return None
    number = _decimal(found[1])
    return Reading(unit, symbol_of, number, number, _rounding(found[1], number))


def _range(text: str, given: Unit | None, symbol: str, unit_of: UnitOf) -> Reading | None:
    found = _RANGE.fullmatch(text)
    if not found:
        return None
    unit, symbol_of = _unit(found[5], given, symbol, unit_of)
    if unit is None or (found[2] and unit_of(found[2].strip()) != unit):
        return None
    low, high = _decimal(found[1]), _decimal(found[4])
    # A hyphen between mere numbers is part of a designation.
    if low > high or (found[3] and unit == NUMBER):
        return None
    return Reading(unit, symbol_of, low, high)


def _unit(written: str | None, given: Unit | None, symbol: str, unit_of: UnitOf) -> tuple[Unit | None, str]:
    if not written or (given and written.casefold() == symbol.casefold()):
        return given or NUMBER, symbol
    if len(written) > MAX_UNIT:
        return None, ""
    return unit_of(written), written


def _decimal(written: str) -> Decimal:
    text = written.lstrip("+-")
    sign = -1 if written.startswith("-") else 1
    if "/" in text:
        *whole, fraction = re.split("[ -]", text)
        above, below = fraction.split("/")
        return sign * (Decimal(whole[0] if whole else 0) + Decimal(above) / Decimal(below))
    text = _GROUPED.sub("", text)
    mantissa, *_exponent = re.split("[eE]", text)
    points, commas = mantissa.count("."), mantissa.count(",")
    if commas and points:
        text = text.replace(",", "") if mantissa.rfind(".") > mantissa.rfind(",") else text.replace(".", "").replace(",", ".")
    elif points > 1:
        text = text.replace(".", "")
    elif re.fullmatch(r"[1-9]\d{0,2}(?:,\d{3})+", mantissa):
        text = text.replace(",", "")
    else:
        text = text.replace(",", ".")
    return sign * Decimal(text)


def _rounding(written: str, number: Decimal) -> Decimal:
    """Return half a unit of the last decimal that was typed. A whole number or a fraction is meant as it stands."""
    digits = number.as_tuple().exponent
    if "/" in written or not isinstance(digits, int) or digits >= 0:
        return Decimal(0)
    return min(Decimal(5).scaleb(digits - 1), abs(number) * MAX_ROUNDING)
