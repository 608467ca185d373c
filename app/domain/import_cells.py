"""What a cell of one of the part's own columns must look like, and what it means."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from app.domain.categories import DEEPEST
from app.domain.content import MOST_DESCRIPTION, SLUG
from app.domain.currencies import CURRENCIES
from app.domain.pricing import AMOUNT
from app.domain.stock import LARGEST_QUANTITY

PATH_SEPARATOR = " > "
_LONGEST = {
    "sku": 100, "part_name": 300, "slug": 200, "description": MOST_DESCRIPTION, "category": 1000, "manufacturer": 200,
    "manufacturer_number": 100,
}  # fmt: skip
_COUNT = re.compile(r"[0-9]{1,10}")
_CURRENCY = re.compile("|".join(CURRENCIES))
_SLUG = re.compile(SLUG)
_ONE_CENT = Decimal("0.01")


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
            raise RefusedCellError(field, f"is longer than {longest} characters")
        return value

    return read


def _required(field: str) -> Callable[[str], str]:
    bounded = _text(field)

    def read(value: str) -> str:
        if not value:
            raise RefusedCellError(field, "is required")
        return bounded(value)

    return read


def _optional(field: str, pattern: re.Pattern[str], meaning: Callable[[str], Any], expected: str) -> Callable[[str], Any]:
    def read(value: str) -> Any:
        if not value:
            return None
        if not pattern.fullmatch(value):
            raise RefusedCellError(field, f"{value[:40]!r} is not {expected}")
        return meaning(value)

    return read


def _count(field: str) -> Callable[[str], int | None]:
    expected = f"a whole number from 0 to {LARGEST_QUANTITY}"
    whole = _optional(field, _COUNT, int, expected)

    def read(value: str) -> int | None:
        count: int | None = whole(value)
        if count is not None and count > LARGEST_QUANTITY:
            raise RefusedCellError(field, f"{value[:40]!r} is not {expected}")
        return count

    return read


def _category(value: str) -> tuple[str, ...]:
    if not value:
        return ()
    levels = tuple(level.strip() for level in _text("category")(value).split(PATH_SEPARATOR.strip()))
    if not all(levels):
        raise RefusedCellError("category", f'{value[:40]!r} has an empty level; separate levels by "{PATH_SEPARATOR}"')
    if len(levels) > DEEPEST:
        raise RefusedCellError("category", f"has more than {DEEPEST} levels; choose a higher place")
    if any(len(level) > 200 for level in levels):
        raise RefusedCellError("category", "has a level of more than 200 characters")
    return levels


def _slug(value: str) -> str | None:
    expected = "lower-case words with single hyphens between them, such as ball-bearing-6204"
    slug: str | None = _optional("slug", _SLUG, str, expected)(_text("slug")(value))
    return slug


READERS: dict[str, Callable[[str], Any]] = {
    "sku": _required("sku"),
    "part_name": _required("part_name"),
    "slug": _slug,
    "status": _optional("status", re.compile("draft|published", re.IGNORECASE), str.lower, "draft or published"),
    "description": _text("description"),
    "category": _category,
    "manufacturer": _text("manufacturer"),
    "manufacturer_number": _text("manufacturer_number"),
    "price": _optional(
        "price", AMOUNT, lambda value: Decimal(value).quantize(_ONE_CENT),
        'an amount with at most two decimals and a point, such as "12.50"',
    ),
    "currency": _optional("currency", _CURRENCY, str, "an ISO 4217 code in capitals, such as EUR"),
    "current_stock": _count("current_stock"),
    "min_stock_level": _count("min_stock_level"),
}  # fmt: skip
