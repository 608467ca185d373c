"""The rules of prices: which of a part's prices holds now, its quantity tiers, and what several pieces cost.

An amount is the price of one piece, exact to six decimals in every currency: a resistor costs 0.0042. What is to be paid is a
sum, and sums are rounded to the currency's minor unit.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal

# An amount as people and machines write it, in ASCII digits, since Decimal would accept others too.
AMOUNT = re.compile(r"[0-9]{1,10}(\.[0-9]{1,6})?")


@dataclass(frozen=True, slots=True)
class PriceLine:
    """One line of a part's price list; the period includes its beginning and not its end."""

    currency: str
    amount: Decimal
    min_quantity: int = 1
    valid_from: datetime | None = None
    valid_to: datetime | None = None

    def holds_at(self, moment: datetime) -> bool:
        """Whether the line is in force at `moment`."""
        return (self.valid_from is None or self.valid_from <= moment) and (self.valid_to is None or moment < self.valid_to)


@dataclass(frozen=True, slots=True)
class CurrentPrice:
    """What a customer pays: the amount for one piece, and the tiers for more; the same in other currencies, alphabetically."""

    currency: str
    amount: Decimal
    tiers: tuple[tuple[int, Decimal], ...]
    others: tuple["CurrentPrice", ...] = ()


def current_price(lines: Sequence[PriceLine], legacy: PriceLine | None, moment: datetime) -> CurrentPrice | None:
    """Return the price in force at `moment`, or None.

    The price list wins over the legacy price. Of several lines for one quantity the one that began last wins (a sale over a
    standing price). The currency is that of the tier for the smallest quantity, of several the alphabetically first; the rest are
    in `others`. Two currencies are never compared.
    """
    in_force = [line for line in lines if line.holds_at(moment)] or ([legacy] if legacy else [])
    if not in_force:
        return None
    currency = min((line.min_quantity, line.currency) for line in in_force)[1]
    rest = sorted({line.currency for line in in_force} - {currency})
    return _in_currency(in_force, currency, tuple([_in_currency(in_force, other) for other in rest]))


def _in_currency(in_force: Sequence[PriceLine], currency: str, others: tuple[CurrentPrice, ...] = ()) -> CurrentPrice:
    latest_first = sorted(
        (line for line in in_force if line.currency == currency),
        key=lambda line: (line.min_quantity, line.valid_from is None, -line.valid_from.timestamp() if line.valid_from else 0.0),
    )
    tiers: dict[int, Decimal] = {}
    for line in latest_first:
        tiers.setdefault(line.min_quantity, line.amount)
    return CurrentPrice(currency, next(iter(tiers.values())), tuple(tiers.items()), others)


def tier_for(tiers: Sequence[tuple[int, Decimal]], quantity: int) -> Decimal | None:
    """Return what each of so many pieces costs; None if so few are not sold.

    Args:
        tiers: quantities from which on an amount holds, each with that amount.
    """
    reached = [tier for tier in tiers if tier[0] <= quantity]
    return max(reached)[1] if reached else None


def total(amount: Decimal, quantity: int, minor_unit: int) -> Decimal:
    """Return what `quantity` pieces cost at `amount` each, rounded half up to `minor_unit` decimals, as tills do.

    Rounded once, at the end: a thousand pieces at 0.0042 cost 4.20, and not nothing.
    """
    return (amount * quantity).quantize(Decimal(1).scaleb(-minor_unit), ROUND_HALF_UP)


def next_boundary(lines: Sequence[PriceLine], moment: datetime) -> datetime | None:
    """Return when the price may next change by its dates alone, or None."""
    bounds = [bound for line in lines for bound in (line.valid_from, line.valid_to) if bound and bound > moment]
    return min(bounds, default=None)


def without_legacy(lines: Sequence[PriceLine], legacy: PriceLine, moment: datetime) -> list[PriceLine] | None:
    """Return the price list that, from `moment` on, shows the same without the legacy price as with it, or None.

    Either the list alone does, since it never lets the legacy price take effect, or the list with the legacy price as one more
    line.
    """
    moments = [moment, *(bound for line in lines for bound in (line.valid_from, line.valid_to) if bound and bound > moment)]
    # A list has at most one line per quantity, currency and start.
    is_free = all((line.currency, line.min_quantity, line.valid_from) != (legacy.currency, 1, None) for line in lines)
    for candidate in ([*lines], [*lines, legacy] if is_free else [*lines]):
        if all(current_price(candidate, None, at) == current_price(lines, legacy, at) for at in moments):
            return candidate
    return None


def same_list(left: Sequence[PriceLine], right: Sequence[PriceLine]) -> bool:
    """Whether two price lists say the same, in whatever order."""
    return set(left) == set(right) and len(left) == len(right)
