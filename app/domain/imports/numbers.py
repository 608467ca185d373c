"""Numbers as other systems write them: `1,234.50`, `1.234,50`, `1 234,50`, `12.5000`, `€ 12.50`, `12,50 EUR`.

A number is read only if it can mean one thing. `1,234` can mean two: the file's other numbers say which, or it is refused.
"""

import re
from collections.abc import Iterable

from app.domain.currencies import CURRENCIES

# What each currency's sign may stand for; a sign of several currencies says nothing by itself.
SIGNS = {
    "€": ("EUR",), "£": ("GBP",), "US$": ("USD",), "C$": ("CAD",), "CA$": ("CAD",), "A$": ("AUD",), "AU$": ("AUD",),
    "NZ$": ("NZD",), "HK$": ("HKD",), "S$": ("SGD",), "R$": ("BRL",), "$": ("USD", "CAD", "AUD", "NZD", "HKD", "SGD", "MXN"),
    "¥": ("JPY", "CNY"), "₹": ("INR",), "₩": ("KRW",), "₽": ("RUB",), "₺": ("TRY",), "₪": ("ILS",), "₴": ("UAH",), "zł": ("PLN",),
    "Kč": ("CZK",), "Ft": ("HUF",), "kr": ("SEK", "NOK", "DKK"),
}  # fmt: skip
# Codes that a header or a price may have beside it. Those that are words too, as in Price (ALL), count in their own column alone.
CODES = CURRENCIES - {"ALL", "CUP", "TOP"}
# Cells by which other systems say that there is no number.
NOTHING = frozenset(("", "-", "--", "–", "—", "n/a", "N/A", "null", "NULL"))

_SPACED = re.compile(r"[0-9]{1,3}(?P<space>[ '’\u00a0\u2009\u202f])[0-9]{3}(?:(?P=space)[0-9]{3})*(?:[.,][0-9]+)?")
_WITH_CURRENCY = re.compile(r"([^0-9.,'\s-]*)\s*([0-9.,](?:[0-9.,'’\s]*[0-9])?)\s*([^0-9.,'\s-]*)")
_WHOLE = re.compile(r"[0-9]+")
_AMBIGUOUS = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")


def _shape(mark: str, other: str) -> re.Pattern[str]:
    """Return the numbers whose decimal mark is surely `mark`: by thousands before it, twice the other one, or its digits."""
    mark, other = re.escape(mark), re.escape(other)
    return re.compile(
        rf"[0-9]{{1,3}}(?:{other}[0-9]{{3}})+{mark}[0-9]+|[0-9]{{1,3}}(?:{other}[0-9]{{3}}){{2,}}"
        rf"|(?:0[0-9]*|[0-9]{{4,}})?{mark}[0-9]+|[0-9]+{mark}(?![0-9]{{3}}\Z)[0-9]+"
    )


_SHAPES = {".": _shape(".", ","), ",": _shape(",", ".")}


class AmbiguousNumberError(ValueError):
    """A number can mean two things."""


def split_currency(value: str) -> tuple[str, str]:
    """Return a price's number and what stands beside it, such as a currency's sign or code; the number is not looked at."""
    found = _WITH_CURRENCY.fullmatch(value)
    if found is None or (found[1] and found[3]):
        return value, ""
    return found[2], found[1] or found[3]


def currencies_of(sign: str) -> tuple[str, ...]:
    """Return the currencies that a sign or code beside a number may mean."""
    return (sign.upper(),) if sign.upper() in CODES else SIGNS.get(sign, ())


def decimal_mark(numbers: Iterable[str]) -> str | None:
    """Return the decimal mark that some of the numbers prove, and none disproves."""
    proven = {mark for number in numbers for mark in _SHAPES if _SHAPES[mark].fullmatch(_unspaced(number))}
    return proven.pop() if len(proven) == 1 else None


def plain(number: str, file_mark: str | None) -> str | None:
    """Return a number in digits with at most one point and no zeros at its end, or None if it is none.

    Raises:
        AmbiguousNumberError: if it can mean two things, and `file_mark` (the file's decimal mark) is not known.
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
