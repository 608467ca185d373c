"""How many decimals each currency's coins have, by the table that ISO 4217's maintainers publish; and amounts in them."""

from decimal import Decimal

from iso4217 import Currency

from app.contract.formats import money

_MINOR_UNITS: dict[str, int] = {one.code: one.exponent for one in Currency if one.exponent is not None}


def minor_unit(currency: str) -> int:
    """Return the number of decimals: 2 for EUR, 0 for JPY, 3 for KWD. A code of a former edition has two, as nearly all had."""
    return _MINOR_UNITS.get(currency, 2)


def written(amount: Decimal, currency: str) -> str:
    """Return an amount as every answer, event, record and file has it."""
    return money(amount, minor_unit(currency))
