"""Which units there are: those of Pint, looked up by name. Pint evaluates what it parses, so it is only ever given a few short
names."""

import re
from decimal import Decimal
from functools import lru_cache
from typing import Any

from app.domain.measures import LENGTH, Unit

# Names of the trade that Pint lacks, or takes for something else: `Nm` is a measure of yarn to it, `pcs` are parsecs, and a mil
# an angle.
_DEFINED = ("newton_meter = newton * meter = Nm", "piece = [] = pcs = pieces = Stk = Stück")
_SPELT = {
    '"': "inch", "''": "inch", "″": "inch", "′′": "inch", "zoll": "inch", "Zoll": "inch", "'": "foot", "′": "foot", "mil": "thou",
    "°": "degree", "Grad": "degree", "%": "percent", "‰": "permille",
}  # fmt: skip
# Letters that Pint reads as constants of nature, or as measures of other trades; and prefixes that nobody means.
_OTHERS = frozenset({"k", "c", "e", "u", "R", "a", "D", "P", "pc"})
_OTHER_NAMES = frozenset({"molar"})
_PREFIXES = frozenset({
    "", "tera", "giga", "mega", "kilo", "hecto", "deca", "deci", "centi", "milli", "micro", "nano", "pico", "femto",
    "kibi", "mebi", "gibi",
})  # fmt: skip
# Of which current a voltage is.
_CURRENT = re.compile(r"V ?(?:[AD]C|[ad]c)")
# Of a product, or a quotient: `N·m`, `m3/h`, `mm²`, `kg/(m·s)` not.
_FACTOR = re.compile(r"(?P<name>[^\W\d_]{1,20}|%|‰|°[CFK]?|[\"'″′]{1,2})(?:\^|\*\*)?(?P<power>-?[1-4])?")
_JOINT = re.compile(r"\s?([*·⋅/])\s?| ")
_FACTORS = 4


@lru_cache(maxsize=1)
def _registry() -> Any:
    import pint

    registry: Any = pint.UnitRegistry(non_int_type=Decimal, autoconvert_offset_to_baseunit=True, on_redefinition="ignore")
    for definition in _DEFINED:
        registry.define(definition)
    return registry


def prepare() -> None:
    """Read the library's list of units, which takes a few tenths of a second, so that no request has to."""
    _registry()


@lru_cache(maxsize=4096)
def unit_of(symbol: str) -> Unit | None:
    """Return a unit by any of its names or symbols (`mm`, `inch`, `N·m`, `m³/h`, `°C`); None if there is none."""
    factors = _factors("V" if _CURRENT.fullmatch(symbol) else symbol)
    if not factors:
        return None
    registry = _registry()
    try:
        unit = registry.Unit("")
        for name, power in factors:
            unit = unit * registry.Unit(name) ** power
        none, one = (registry.Quantity(Decimal(number), unit).to_base_units().magnitude for number in (0, 1))
    except (TypeError, ValueError, ArithmeticError, AttributeError):
        # Logarithms, such as dB, have no scale.
        return None
    return Unit(_dimension(unit), str(unit), Decimal(one - none), Decimal(none))


def _dimension(unit: Any) -> str:
    # Sorted: the library names a product's factors in the order in which it met them.
    powers = sorted(unit.dimensionality.items())
    return " * ".join(name if power == 1 else f"{name} ** {float(power):g}" for name, power in powers)


def _factors(symbol: str) -> list[tuple[str, int]]:
    pieces = _JOINT.split(symbol.strip())
    if len(pieces) > 2 * _FACTORS:
        return []
    factors, sign = [], 1
    for number, piece in enumerate(pieces):
        if number % 2:
            sign = -1 if piece == "/" else 1
            continue
        found = _FACTOR.fullmatch(piece)
        name = _name_of(found["name"]) if found else None
        if found is None or name is None:
            return []
        factors.append((name, sign * int(found["power"] or 1)))
    return factors


@lru_cache(maxsize=4096)
def _name_of(symbol: str) -> str | None:
    """Return the library's name of a unit. A length or a mass may be written in capitals (`MM`, `Inch`)."""
    name = _found(_SPELT.get(symbol, symbol))
    if name is None and len(symbol) > 1 and (small := _found(symbol.lower())):
        return small if _dimension(_registry().Unit(small)) in {LENGTH, "[mass]"} else None
    return name


@lru_cache(maxsize=4096)
def _found(symbol: str) -> str | None:
    if symbol in _OTHERS:
        return None
    for prefix, name, plural in _registry().parse_unit_name(symbol):
        # A plural is one of a whole word.
        if prefix in _PREFIXES and name not in _OTHER_NAMES and (not plural or len(symbol) > 4):
            return str(prefix + name)
    return None
