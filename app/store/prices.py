"""Price lists: read, replaced as a whole, recorded as `price.updated`."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, text

from app.contract.events import Aspect, Event, EventType, ListFacet, Operation
from app.contract.formats import money, rfc3339
from app.domain.pricing import CurrentPrice, PriceLine, current_price
from app.store.encoding import jsonb
from app.store.transaction import UnitOfWork

_LINES = text("""
    SELECT part_id, currency, amount, min_quantity, valid_from, valid_to
    FROM part_prices WHERE part_id = ANY(:part_ids) ORDER BY part_id, currency, min_quantity, valid_from NULLS FIRST
""")
_LEGACY = text("SELECT part_id, currency, amount FROM prices WHERE part_id = ANY(:part_ids)")
_DELETE = text("DELETE FROM part_prices WHERE part_id = ANY(:part_ids)")
_INSERT = text("""
    INSERT INTO part_prices (part_id, currency, amount, min_quantity, valid_from, valid_to)
    SELECT part_id, currency, amount, min_quantity, valid_from, valid_to
    FROM jsonb_to_recordset(CAST(:lines AS jsonb))
      AS l(part_id int, currency text, amount numeric, min_quantity int, valid_from timestamptz, valid_to timestamptz)
""")
_TOUCH = text("""
    UPDATE parts SET price_version = :version, price_updated_by = :actor_id, price_updated_at = clock_timestamp()
    WHERE id = :part_id RETURNING price_updated_at
""")


def lines_of(connection: Connection, part_ids: Sequence[int]) -> dict[int, list[PriceLine]]:
    """Return the price lists of the given parts; a part without one is absent."""
    found: dict[int, list[PriceLine]] = {}
    for row in connection.execute(_LINES, {"part_ids": list(part_ids)}):
        line = PriceLine(row.currency, row.amount, row.min_quantity, row.valid_from, row.valid_to)
        found.setdefault(row.part_id, []).append(line)
    return found


def legacy_of(connection: Connection, part_ids: Sequence[int]) -> dict[int, PriceLine]:
    """Return the legacy prices of the given parts."""
    rows = connection.execute(_LEGACY, {"part_ids": list(part_ids)})
    return {row.part_id: PriceLine(row.currency, row.amount) for row in rows}


def replace_lines(unit_of_work: UnitOfWork, lists: Mapping[int, Sequence[PriceLine]]) -> None:
    """Replace the price lists of the given parts, whose rows are locked."""
    rows = [{"part_id": part_id} | line_state(line) for part_id, lines in lists.items() for line in lines]
    unit_of_work.execute(_DELETE, part_ids=list(lists))
    unit_of_work.execute(_INSERT, lines=jsonb(rows))


def save(
    unit_of_work: UnitOfWork, row: Row[Any], before: Sequence[PriceLine], after: Sequence[PriceLine], reason: str | None
) -> None:
    """Write a new price list over a locked part's and record `price.updated`."""
    version = row.price_version + 1
    replace_lines(unit_of_work, {row.id: after})
    at = unit_of_work.execute(_TOUCH, part_id=row.id, version=version, actor_id=unit_of_work.actor.user_id).scalar_one()
    legacy = legacy_of(unit_of_work.connection, [row.id]).get(row.id)
    unit_of_work.record(
        updated_event(row.id, version, before, after, legacy=legacy, at=at, is_public=row.is_public, reason=reason)
    )


def updated_event(
    part_id: int, version: int, before: Sequence[PriceLine] | None, after: Sequence[PriceLine], *,
    legacy: PriceLine | None, at: datetime, is_public: bool, reason: str | None = None,
) -> Event:  # fmt: skip
    """Return the event of a changed price list; `before` None means a new part's first one."""
    operation: Operation = "INSERT" if before is None else "UPDATE"
    public = public_state(current_price(after, legacy, at), version, at)
    return Event(
        type=EventType.PRICE_UPDATED,
        aggregate_type="part",
        aggregate_id=part_id,
        aspect=Aspect.PRICE,
        version=version,
        table_name="part_prices",
        record_id=part_id,
        operation=operation,
        old_values=None if before is None else list_values(before, version - 1),
        new_values=list_values(after, version),
        public=public if is_public else None,
        was_public=is_public,
        state=list_state(after, version, at),
        lists=(ListFacet.PRICE,),
        reason=reason,
    )


def line_state(line: PriceLine) -> dict[str, Any]:
    """Return one price line as the panel shows it."""
    return {
        "currency": line.currency,
        "amount": money(line.amount),
        "min_quantity": line.min_quantity,
        "valid_from": rfc3339(line.valid_from) if line.valid_from else None,
        "valid_to": rfc3339(line.valid_to) if line.valid_to else None,
    }


def list_values(lines: Iterable[PriceLine], version: int) -> dict[str, Any]:
    """Return a price list as the audit trail keeps it."""
    return {"prices": [line_state(line) for line in lines], "version": version}


def list_state(lines: Iterable[PriceLine], version: int, at: datetime) -> dict[str, Any]:
    """Return a price list as the panel shows it."""
    return list_values(lines, version) | {"updated_at": rfc3339(at)}


def public_state(price: CurrentPrice | None, version: int, at: datetime) -> dict[str, Any]:
    """Return the price as customers see it."""
    shown = price and {
        "amount": money(price.amount),
        "currency": price.currency,
        "tiers": [{"min_quantity": quantity, "amount": money(amount)} for quantity, amount in price.tiers],
        "version": version,
    }
    return {"price": shown, "version": version, "updated_at": rfc3339(at)}
