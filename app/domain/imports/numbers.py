"""Numbers as other systems write them: `1,234.50`, `1.234,50`, `1 234,50`, `12.5000`, `€ 12.50`, `12,50 EUR`.

A number is read only if it is unambiguous. `1,234` can mean two things: the file's other numbers decide, or it is refused.
"""

import re
import unicodedata
from collections.abc import Iterable

from app.domain.currencies import CURRENCIES

# What each currency sign may stand for; a sign shared by several currencies decides nothing by itself.
SIGNS = {
    "€": ("EUR",), "£": ("GBP",), "US$": ("USD",), "C$": ("CAD",), "CA$": ("CAD",), "A$": ("AUD",), "AU$": ("AUD",),
    "NZ$": ("NZD",), "HK$": ("HKD",), "S$": ("SGD",), "R$": ("BRL",), "$": ("USD", "CAD", "AUD", "NZD", "HKD", "SGD", "MXN"),
    "NT$": ("TWD",), "MX$": ("MXN",), "¥": ("JPY", "CNY"), "円": ("JPY",), "元": ("CNY", "TWD", "HKD"), "₹": ("INR",),
    "₩": ("KRW",), "원": ("KRW",), "₽": ("RUB",), "руб": ("RUB", "BYN"), "руб.": ("RUB", "BYN"), "р.": ("RUB", "BYN"),
    "₺": ("TRY",), "TL": ("TRY",), "₪": ("ILS",), "₴": ("UAH",), "грн": ("UAH",), "грн.": ("UAH",), "₸": ("KZT",),
    "zł": ("PLN",), "Kč": ("CZK",), "Ft": ("HUF",), "kr": ("SEK", "NOK", "DKK", "ISK"),
    "kr.": ("SEK", "NOK", "DKK", "ISK"), "лв": ("BGN",), "лв.": ("BGN",), "lei": ("RON", "MDL"), "дин": ("RSD",),
    "дин.": ("RSD",), "Fr.": ("CHF",), "SFr": ("CHF",), "SFr.": ("CHF",), "Rs": ("INR", "PKR", "LKR", "NPR", "MUR"),
    "Rs.": ("INR", "PKR", "LKR", "NPR", "MUR"), "₨": ("INR", "PKR", "LKR", "NPR", "MUR"), "฿": ("THB",),
    "₫": ("VND",), "₱": ("PHP",), "₦": ("NGN",), "RM": ("MYR",),
}  # fmt: skip
# Codes that may accompany a header or a price. Those that are also words, as in Price (ALL), count only in a currency column.
CODES = CURRENCIES - {"ALL", "CUP", "TOP"}

_SIGNS = {sign.casefold(): currencies for sign, currencies in SIGNS.items()}
# Their point is no decimal mark: Rs.500, 120 kr.
_ABBREVIATED = re.compile("|".join(re.escape(sign) for sign in SIGNS if sign.endswith(".")), re.IGNORECASE)
# 12,– and 12.-: so many, and no cents.
_NO_CENTS = re.compile(r"(?<=[0-9])(?P<mark>[.,])(?:--?|[–—])(?![0-9])")
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


# As India groups: 1,23,456.50. What is grouped so twice has no other reading.
_INDIAN = re.compile(r"[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}(?:\.[0-9]+)?")
_SHAPES = {".": _shape(".", ","), ",": _shape(",", ".")}


class AmbiguousNumberError(ValueError):
    """A number can mean two things."""


def in_ascii(number: str) -> str:
    """Return a number with the digits of ASCII for those of other scripts, and its signs for wide ones, as in １２．５０."""
    if number.isascii():
        return number
    return "".join(
        str(unicodedata.decimal(one)) if one.isdecimal() else unicodedata.normalize("NFKC", one) if one in "．，－" else one
        for one in number
    )


def split_currency(value: str) -> tuple[str, str]:
    """Return a price's number and what accompanies it, such as a currency sign or code; the number is not checked."""
    value = _NO_CENTS.sub(r"\g<mark>00", value)
    if abbreviated := _ABBREVIATED.search(value):
        before, after = value[: abbreviated.start()].strip(), value[abbreviated.end() :].strip()
        if not (before and after):
            return before or after, abbreviated[0]
    found = _WITH_CURRENCY.fullmatch(value)
    if found is None or (found[1] and found[3]):
        return value, ""
    return found[2], found[1] or found[3]


def currencies_of(sign: str) -> tuple[str, ...]:
    """Return the currencies that a sign or code next to a number may mean."""
    return (sign.upper(),) if sign.upper() in CODES else _SIGNS.get(unicodedata.normalize("NFKC", sign).casefold(), ())


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
    mark = "." if _INDIAN.fullmatch(number) else decimal_mark([number])
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
