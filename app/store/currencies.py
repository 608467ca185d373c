"""How many decimals each currency's minor unit has, by the table that ISO 4217's maintainers publish; and formatted amounts."""

from decimal import Decimal

from iso4217 import Currency

from app.contract.formats import money

_MINOR_UNITS: dict[str, int] = {one.code: one.exponent for one in Currency if one.exponent is not None}


def minor_unit(currency: str) -> int:
    """Return the number of decimals: 2 for EUR, 0 for JPY, 3 for KWD. A withdrawn code has two, as nearly all had."""
    return _MINOR_UNITS.get(currency, 2)


def written(amount: Decimal, currency: str) -> str:
    """Return an amount as written in every answer, event, record and file."""
    return money(amount, minor_unit(currency))
