"""JSON on its way into PostgreSQL."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

from app.contract.formats import rfc3339


def jsonb(value: object) -> str:
    """Return `value` as the JSON text of a jsonb parameter."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, Decimal):
        return f"{value:f}"
    raise TypeError(f"{type(value).__name__} has no JSON form here")
