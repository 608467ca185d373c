"""The language of a page: its texts, and its numbers and money as a browser writes them (`shared/format.ts`).

The application takes the language from the page (`<html lang>`), so texts stay when it takes over.
"""

import re
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from babel import Locale
from babel.numbers import format_currency, format_decimal, get_currency_precision
from flask import request

from app.api.context import offload
from app.api.languages import LANGUAGES, language_of, tag_asked_for
from app.api.site.texts import TEXTS

# The server keeps what it has read of a language, so any browser may have any of these, and English if it wants another.
LOCALES = ("en", "en-US", "en-GB", "en-AU", "en-CA", "de", "de-DE", "de-AT", "de-CH")
_LOCALES = {tag.lower(): tag for tag in LOCALES}
# Set by whoever switches the language (`app/api/site/__init__.py`).
COOKIE = "language"
# Rounding a price may hide so much of it, and no more.
MAX_HIDDEN = Decimal("0.01")
_KEPT = 10_000
# Between a currency's letters and the number CLDR wants a space (its `currencySpacing`), which Babel leaves out.
_UNSPACED = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")

_COMMA = re.compile(r"^(\s*[-+−]?)([0-9.]*),([0-9])")
_POINT = re.compile(r"^([-+−]?[0-9]+)\.([0-9]+)(?![0-9.])")


class Formats:
    """How one language and region writes numbers.

    Attributes:
        texts: by section and name; numbers are put into them by `str.format`.
    """

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.language = language_of(tag)
        self.texts = TEXTS[self.language]
        self._locale = Locale.parse(tag, sep="-")
        # Reads the language's data.
        self.money("1", "EUR")

    def number(self, value: int) -> str:
        """Return a whole number, grouped."""
        return format_decimal(value, locale=self._locale)

    def counted(self, text: dict[str, str], count: int) -> str:
        """Return a text with a number in it, for one thing or for several: English and German know no other forms."""
        return text["one" if count == 1 else "other"].format(count=self.number(count))

    def plain(self, amount: str) -> str:
        """Return an amount as it is typed into a field: without its currency, ungrouped."""
        return format_decimal(Decimal(amount), "0.00####", locale=self._locale)

    def typed(self, text: str) -> str:
        """Return a text that may begin with a number, as the API has it, as it stands in a field."""
        return _POINT.sub(r"\1,\2", text) if self.language == "de" else text

    def read(self, measure: str) -> str:
        """Return what the shop has measured, a number or a range of them, as it is read."""
        return "…".join(map(self.typed, measure.split("…")))

    def meant(self, typed: str) -> str:
        """Return what stands in a field as the API takes it: in German a comma is the decimal point of the number that it begins
        with, and a point before that groups digits. (`web/src/numbers.ts` does alike.)"""
        if self.language != "de":
            return typed
        return _COMMA.sub(lambda found: f"{found[1]}{found[2].replace('.', '')}.{found[3]}", typed)

    @lru_cache(maxsize=_KEPT)  # noqa: B019 — there are only as many of these objects as locales, and they stay
    def money(self, amount: str, currency: str) -> str:
        """Return the price of one piece exactly, with the decimals of the currency's coins at least."""
        written = format_currency(Decimal(amount), currency, locale=self._locale, decimal_quantization=False)
        return _UNSPACED.sub("\u00a0", written)

    @lru_cache(maxsize=_KEPT)  # noqa: B019 — as above
    def price(self, amount: str, currency: str) -> str:
        """Return what one piece costs: rounded to the currency's coins; exactly where little would be left of it."""
        exact = Decimal(amount)
        rounded = exact.quantize(Decimal(1).scaleb(-get_currency_precision(currency)), ROUND_HALF_UP)
        return self.money(amount if abs(rounded - exact) > exact * MAX_HIDDEN else str(rounded), currency)


_read: dict[str, Formats] = {}


def formats() -> Formats:
    """Return the formats for the present request's client: in the language that it has chosen, else one that it asks for."""
    chosen = request.cookies.get(COOKIE)
    asked = tag_asked_for((chosen,) if chosen in LANGUAGES else LANGUAGES)
    tag = _LOCALES.get(asked.lower(), language_of(asked))
    if tag not in _read:
        # Some tens of milliseconds, once.
        _read[tag] = offload(Formats, tag)
    return _read[tag]
