"""A list of what somebody needs, line by line: which part each line means, what so many cost, and whether they are there.

Reads only. Which parts are meant is read from the database, within the limits of searches; the parts come from their cached
aspects, as they do in a list.
"""

import time
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import Connection

from app.domain.pricing import tier_for, total
from app.services.catalog import CatalogReader
from app.store import lookup
from app.store.currencies import minor_unit, written
from app.store.lookup import Meant

T = TypeVar("T")

# Lines that are put together before the other connections get their turn.
_AT_ONCE = 50


def look_up(reader: CatalogReader, lines: Sequence[dict[str, Any]], currency: str | None) -> list[dict[str, Any]]:
    """Return what is known about each line, in their order.

    Args:
        lines: each with a `quantity`, and with a `sku`, which must be exact, or a `text`.
        currency: of the prices; no other one will do. None: the shop's, or else the part's own.

    Raises:
        BusyError: too much is being searched already.
    """
    skus, texts = (list(dict.fromkeys(line[name] for line in lines if name in line)) for name in ("sku", "text"))

    def load(connection: Connection) -> tuple[dict[str, Meant], dict[str, Meant]]:
        return lookup.meant_by(connection, skus, texts)

    by_sku, by_text = reader.read_past("lookup", {"skus": skus, "texts": texts}, load)
    meant = [by_sku.get(line["sku"]) if "sku" in line else by_text.get(line["text"]) for line in lines]
    wanted = {part_id for one in meant if one for part_id in (one.part_id, *one.candidates) if part_id is not None}
    parts, tiers = reader.short_parts_with_tiers(sorted(wanted), currency)
    answers = []
    for line, found in _in_turns(list(zip(lines, meant, strict=True))):
        part = parts.get(found.part_id) if found and found.part_id is not None else None
        candidates = [parts[part_id] for part_id in (found.candidates if found else ()) if part_id in parts]
        answers.append(_answer(line, part, tiers[part["id"]] if part else [], candidates))
    _add_substitutes(reader, [answer for answer in answers if answer["shortfall"]], currency)
    return answers


def _answer(
    line: dict[str, Any], part: dict[str, Any] | None, tiers: list[dict[str, Any]], candidates: list[dict[str, Any]]
) -> dict[str, Any]:
    quantity = line["quantity"]
    currency = part["price"]["currency"] if part and part["price"] else None
    amount = tier_for([(tier["min_quantity"], Decimal(tier["amount"])) for tier in tiers], quantity)
    available = part["stock"]["available_stock"] if part else None
    return {
        "asked": line["sku"] if "sku" in line else line["text"],
        "quantity": quantity,
        "part": part,
        "candidates": candidates,
        "currency": currency,
        "tiers": tiers,
        **_cost(amount, quantity, currency),
        "available": available,
        "shortfall": None if available is None else max(0, quantity - available),
        "substitutes": [],
    }


def _cost(amount: Decimal | None, quantity: int, currency: str | None) -> dict[str, str | None]:
    if amount is None or currency is None:
        return {"unit_price": None, "line_total": None}
    return {
        "unit_price": written(amount, currency),
        "line_total": written(total(amount, quantity, minor_unit(currency)), currency),
    }


def _add_substitutes(reader: CatalogReader, answers: Sequence[dict[str, Any]], currency: str | None) -> None:
    short = sorted({answer["part"]["id"] for answer in answers})
    if not short:
        return

    def load(connection: Connection) -> dict[int, list[int]]:
        return lookup.substitutes(connection, short)

    others = reader.read_past("substitutes", {"part_ids": short}, load)
    parts, _tiers = reader.short_parts_with_tiers(sorted({part_id for own in others.values() for part_id in own}), currency)
    for answer in _in_turns(answers):
        own = (parts[other] for other in others.get(answer["part"]["id"], ()) if other in parts)
        answer["substitutes"] = [other for other in own if other["stock"]["is_in_stock"]]


def _in_turns(values: Sequence[T]) -> Iterator[T]:
    for number, value in enumerate(values, 1):
        yield value
        if number % _AT_ONCE == 0:
            time.sleep(0)
