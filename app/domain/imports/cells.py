"""What a cell of one of the part's own columns must look like, and what it means."""

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from app.domain.categories import DEEPEST
from app.domain.content import MAX_DESCRIPTION, SLUG
from app.domain.currencies import CURRENCIES
from app.domain.imports.numbers import AmbiguousNumberError, currencies_of, in_ascii, plain, split_currency
from app.domain.imports.paths import EmptyLevelError, PathStyle, SeveralPathsError, reader_of
from app.domain.pricing import AMOUNT
from app.domain.stock import MAX_QUANTITY

LONGEST_LEVEL = 200
_LONGEST = {
    "sku": 100, "part_name": 300, "slug": 200, "description": MAX_DESCRIPTION, "category": 1000, "manufacturer": 200,
    "manufacturer_number": 100,
}  # fmt: skip
_SLUG = re.compile(SLUG)
# With three decimals an amount might be thousands; more or fewer are no question.
_PLAIN_AMOUNT = re.compile(r"[0-9]{1,10}(\.([0-9]{1,2}|[0-9]{4,6}))?")
# What other systems say of a part that customers see, and of one that they do not.
_STATUSES = dict.fromkeys(
    (
        "published",
        "active",
        "enabled",
        "visible",
        "online",
        "1",
        "true",
        "yes",
        "aktiv",
        "ja",
        "wahr",
        "actif",
        "publié",
        "oui",
        "vrai",
        "activo",
        "publicado",
        "sí",
        "si",
        "verdadero",
    ),
    "published",
) | dict.fromkeys(
    (
        "draft",
        "inactive",
        "disabled",
        "hidden",
        "offline",
        "0",
        "2",
        "-1",
        "false",
        "no",
        "inaktiv",
        "nein",
        "falsch",
        "inactif",
        "non",
        "faux",
        "inactivo",
        "falso",
    ),
    "draft",
)


class RefusedCellError(Exception):
    """A cell does not fit: its field, and why."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(field, reason)
        self.field = field
        self.reason = reason


def _text(field: str) -> Callable[[str], str]:
    longest = _LONGEST[field]

    def read(value: str) -> str:
        if len(value) > longest:
            raise RefusedCellError(field, f"is longer than {longest} characters; shorten it")
        return value

    return read


def _required(field: str) -> Callable[[str], str]:
    bounded = _text(field)

    def read(value: str) -> str:
        if not value:
            raise RefusedCellError(field, "is required")
        return bounded(value)

    return read


def _number(field: str, value: str, file_mark: str | None, expected: str) -> str:
    try:
        number = plain(value, file_mark)
    except AmbiguousNumberError:
        one, other = (plain(value, mark) for mark in ",.")
        raise RefusedCellError(field, f"{value!r} may mean {one} or {other}; write which") from None
    if number is None:
        raise RefusedCellError(field, f"{value[:40]!r} is not {expected}; write that, or nothing")
    return number


def _count(field: str, file_mark: str | None) -> Callable[[str], int | None]:
    expected = f"a whole number from 0 to {MAX_QUANTITY}"

    def read(value: str) -> int | None:
        if not value:
            return None
        if len(value) < len(str(MAX_QUANTITY)) and value.isascii() and value.isdigit():
            return int(value)
        number = _number(field, in_ascii(value), file_mark, expected).lstrip("0") or "0"
        if "." in number or len(number) > len(str(MAX_QUANTITY)) or int(number) > MAX_QUANTITY:
            raise RefusedCellError(field, f"{value[:40]!r} is not {expected}; write that, or nothing")
        return int(number)

    return read


def _price(file_mark: str | None) -> Callable[[str], tuple[Decimal, str] | None]:
    expected = 'an amount of at most ten digits and six decimals, such as "12.50"'

    def read(value: str) -> tuple[Decimal, str] | None:
        if not value:
            return None
        if _PLAIN_AMOUNT.fullmatch(value):
            return Decimal(value), ""
        number, beside = split_currency(in_ascii(value))
        if beside and not currencies_of(beside):
            raise RefusedCellError(
                "price", f"{value[:40]!r} is not {expected}: {beside[:20]!r} is no currency; write that, or nothing"
            )
        number = _number("price", number, file_mark, expected)
        if not AMOUNT.fullmatch(number):
            raise RefusedCellError("price", f"{value[:40]!r} is not {expected}; round it")
        return Decimal(number), beside

    return read


@lru_cache(64)
def _currency(value: str) -> str | None:
    if not value:
        return None
    meant = currencies_of(value)
    code = meant[0] if len(meant) == 1 else value.upper()
    if code not in CURRENCIES:
        raise RefusedCellError("currency", f"{value[:40]!r} is not an ISO 4217 code, such as EUR")
    return code


def _status(value: str) -> str | None:
    status = _STATUSES.get(value.casefold())
    if value and status is None:
        raise RefusedCellError(
            "status",
            f"{value[:40]!r} is not draft or published; if the column says something else, leave it out by --ignore"
            " (form field ignore)",
        )
    return status


def _category(style: PathStyle) -> Callable[[str], tuple[str, ...]]:
    path_of, longest = reader_of(style), _text("category")

    def read(value: str) -> tuple[str, ...]:
        try:
            levels = path_of(longest(value))
        except SeveralPathsError:
            raise RefusedCellError(
                "category",
                f"{value[:40]!r} names several categories, and a part is in one; keep one, or put a backslash before a sign that"
                " belongs to a name",
            ) from None
        except EmptyLevelError:
            raise RefusedCellError(
                "category", f'{value[:40]!r} has an empty level; separate levels by one "{style.separator}"'
            ) from None
        if len(levels) > DEEPEST:
            raise RefusedCellError("category", f"has more than {DEEPEST} levels; choose a higher place")
        if any(len(level) > LONGEST_LEVEL for level in levels):
            raise RefusedCellError("category", f"has a level of more than {LONGEST_LEVEL} characters")
        return levels

    return read


def _slug(value: str) -> str | None:
    if not _text("slug")(value):
        return None
    if not _SLUG.fullmatch(value):
        expected = "lower-case words with single hyphens between them, such as ball-bearing-6204"
        raise RefusedCellError("slug", f"{value[:40]!r} is not {expected}")
    return value


def readers(file_mark: str | None, style: PathStyle) -> dict[str, Callable[[str], Any]]:
    """Return what reads the cells of each field, in a file with this decimal mark, if it is known, and this style of paths."""
    return {
        "sku": _required("sku"),
        "part_name": _required("part_name"),
        "slug": _slug,
        "status": _status,
        "description": _text("description"),
        "category": _category(style),
        "manufacturer": _text("manufacturer"),
        "manufacturer_number": _text("manufacturer_number"),
        "price": _price(file_mark),
        "currency": _currency,
        "current_stock": _count("current_stock", file_mark),
        "min_stock_level": _count("min_stock_level", file_mark),
    }
