"""How moments and money are written, wherever they leave a process."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache


@lru_cache(maxsize=1024)  # a catalog's import has the same moment in many thousand rows
def rfc3339(moment: datetime) -> str:
    """Return an aware moment in UTC, RFC 3339, with microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def money(amount: Decimal) -> str:
    """Return an amount as a string with two decimals, never in exponent notation."""
    written = str(amount)
    # As PostgreSQL and the price rules have it already; formatting takes fifty times as long.
    return written if written[-3:-2] == "." and "E" not in written else f"{amount:.2f}"
