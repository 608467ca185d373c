"""How moments and money are written, wherever they leave a process."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache


@lru_cache(maxsize=1024)  # a catalog's import has the same moment in many thousand rows
def rfc3339(moment: datetime) -> str:
    """Return an aware moment in UTC, RFC 3339, with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def money(amount: Decimal, minor_unit: int) -> str:
    """Return an amount exactly, with `minor_unit` decimals at least and no zeros behind those; never in exponent notation."""
    written = str(amount)
    # Formatting takes many times as long, and few amounts need it.
    whole, _, decimals = (f"{amount:f}" if "E" in written else written).partition(".")
    decimals = decimals.rstrip("0").ljust(minor_unit, "0")
    return f"{whole}.{decimals}" if decimals else whole
