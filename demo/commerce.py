"""The shop's own figures, all invented: each depends only on the part itself, so a part keeps them when others are added."""

import hashlib
from decimal import ROUND_HALF_UP, Decimal

CURRENCY = "EUR"
_CENT = Decimal("0.01")

# A part that costs less than the first figure has one of these reorder levels: cheap parts are kept by the box.
_REORDER_LEVELS = (
    (Decimal("0.20"), (200, 300, 500)),
    (Decimal(1), (50, 100, 200)),
    (Decimal(5), (20, 30, 50)),
    (Decimal(20), (6, 10, 15)),
    (Decimal(100), (2, 4, 6)),
)
_REORDER_LEVELS_ABOVE = (1, 2)


def _draw(sku: str, purpose: str, below: int) -> int:
    """A number in [0, below) that is always the same for a given SKU and purpose."""
    digest = hashlib.sha256(f"{purpose}:{sku}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % below


def price(sku: str, list_price: Decimal) -> Decimal:
    """The list price give or take 3 %, in whole cents and at least one."""
    factor = Decimal(970 + _draw(sku, "price", 61)) / 1000
    return max(_CENT, (list_price * factor).quantize(_CENT, ROUND_HALF_UP))


def min_stock_level(sku: str, unit_price: Decimal) -> int:
    """The reorder level: high for what is cheap and sells by the handful."""
    for limit, levels in _REORDER_LEVELS:
        if unit_price < limit:
            return levels[_draw(sku, "reorder", len(levels))]
    return _REORDER_LEVELS_ABOVE[_draw(sku, "reorder", len(_REORDER_LEVELS_ABOVE))]


def current_stock(sku: str, reorder_level: int) -> int:
    """Of 100 parts about 6 are sold out, 10 at or under the reorder level, the rest well stocked."""
    case = _draw(sku, "case", 100)
    if case < 6:
        return 0
    if case < 16:
        return 1 + _draw(sku, "low", reorder_level)
    return reorder_level + 1 + _draw(sku, "stock", 6 * reorder_level)
