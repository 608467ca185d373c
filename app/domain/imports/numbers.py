"""Numbers as other systems write them: `1,234.50`, `1.234,50`, `1 234,50`, `12.5000`, `€ 12.50`, `12,50 EUR`.

A number is read only if it is unambiguous. `1,234` can mean two things: the file's other numbers decide, or it is refused.
"""

import re
from collections.abc import Iterable

from app.domain.currencies import CURRENCIES

# What each currency sign may stand for; a sign shared by several currencies decides nothing by itself.
SIGNS = {
    "€": ("EUR",), "£": ("GBP",), "US$": ("USD",), "C$": ("CAD",), "CA$": ("CAD",), "A$": ("AUD",), "AU$": ("AUD",),
    "NZ$": ("NZD",), "HK$": ("HKD",), "S$": ("SGD",), "R$": ("BRL",), "$": ("USD", "CAD", "AUD", "NZD", "HKD", "SGD", "MXN"),
    "¥": ("JPY", "CNY"), "₹": ("INR",), "₩": ("KRW",), "₽": ("RUB",), "₺": ("TRY",), "₪": ("ILS",), "₴": ("UAH",), "zł": ("PLN",),
    "Kč": ("CZK",), "Ft": ("HUF",), "kr": ("SEK", "NOK", "DKK"),
}  # fmt: skip
# Codes that may accompany a header or a price. Those that are also words, as in Price (ALL), count only in a currency column.
CODES = CURRENCIES - {"ALL", "CUP", "TOP"}
# What other systems write for a missing number.
NOTHING = frozenset(("", "-", "--", "–", "—", "n/a", "N/A", "null", "NULL"))

_SPACED = re.compile(r"[0-9]{1,3}(?P<space>[ '’\u00a0\u2009\u202f])[0-9]{3}(?:(?P=space)[0-9]{3})*(?:[.,][0-9]+)?")
_WITH_CURRENCY = re.compile(r"([^0-9.,'\s-]*)\s*([0-9.,](?:[0-9.,'’\s]*[0-9])?)\s*([^0-9.,'\s-]*)")
_WHOLE = re.compile(r"[0-9]+")
_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")


def _shape(mark: str, other: str) -> re.Pattern[str]:
    """Return a pattern for numbers whose decimal mark can only be `mark`, from their thousands separators or digit counts."""
    mark, other = re.escape(mark), re.escape(other)
    return re.compile(
        rf"[0-9]{{1,3}}(?:{other}[0-9]{{3}})+{mark}[0-9]+|[0-9]{{1,3}}(?:{other}[0-9]{{3}}){{2,}}"
        rf"|(?:0[0-9]*|[0-9]{{4,}})?{mark}[0-9]+|[0-9]+{mark}(?![0-9]{{3}}\Z)[0-9]+"
    )


_SHAPES = {".": _shape(".", ","), ",": _shape(",", ".")}


class AmbiguousNumberError(ValueError):
    """A number can mean two things."""


def split_currency(value: str) -> tuple[str, str]:
    """Return a price's number and what accompanies it, such as a currency sign or code; the number is not checked."""
    found = _WITH_CURRENCY.fullmatch(value)
    if found is None or (found[1] and found[3]):
        return value, ""
    return found[2], found[1] or found[3]


def currencies_of(sign: str) -> tuple[str, ...]:
    """Return the currencies that a sign or code next to a number may mean."""
    return (sign.upper(),) if sign.upper() in CODES else SIGNS.get(sign, ())


def decimal_mark(numbers: Iterable[str]) -> str | None:
    """Return the decimal mark that some of the numbers prove and none contradicts."""
    proven = {mark for number in numbers for mark in _SHAPES if _SHAPES[mark].fullmatch(_unspaced(number))}
    return proven.pop() if len(proven) == 1 else None


def plain(number: str, file_mark: str | None) -> str | None:
    """Return a number as digits with at most one point and no trailing decimal zeros, or None if it is not a number.

    Raises:
        AmbiguousNumberError: if it can mean two things and `file_mark` (the file's decimal mark) is unknown.
    """
    if _WHOLE.fullmatch(number) or _WHOLE.fullmatch(number := _unspaced(number)):
        return number
    mark = decimal_mark([number])
    if mark is None and _AMBIGUOUS.fullmatch(number):
        if file_mark is None:
            raise AmbiguousNumberError
        mark = file_mark
    if mark is None:
        return None
    whole, _, decimals = number.replace("," if mark == "." else ".", "").partition(mark)
    decimals = decimals.rstrip("0")
    return (whole or "0") + (f".{decimals}" if decimals else "")


def _unspaced(number: str) -> str:
    found = _SPACED.fullmatch(number)
    return number.replace(found["space"], "") if found else number
