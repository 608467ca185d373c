"""Every statement that writes stock rows. `save` and `adopt` record the event; for inserts and bulk updates the caller does."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from app.contract.events import Aspect, Event, EventType, ListFacet
from app.contract.formats import rfc3339
from app.domain.stock import Stock
from app.store.encoding import jsonb
from app.store.transaction import UnitOfWork, announced

_INSERT = text("""
    INSERT INTO stock_levels (part_id, current_stock, reserved_quantity, min_stock_level, last_updated_by)
    VALUES (:part_id, :current_stock, :reserved_quantity, :min_stock_level, :actor_id)
    RETURNING id, updated_at
""")
_INSERT_MANY = text("""
    INSERT INTO stock_levels (part_id, current_stock, min_stock_level, last_updated_by)
    SELECT part_id, current_stock, min_stock_level, :actor_id
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(part_id int, current_stock int, min_stock_level int)
    RETURNING id, part_id, updated_at
""")
_UPDATE = announced("""
    UPDATE stock_levels
    SET current_stock = :current_stock, reserved_quantity = :reserved_quantity, min_stock_level = :min_stock_level,
        version = :version, last_updated_by = :actor_id, updated_at = :at
    WHERE part_id = :part_id AND (:is_locked OR CAST(xmin AS text) = :seen)
""")
# Times never fall, even if the clock is set back: pages show the latest of what they have been told.
_UPDATE_MANY = text("""
    UPDATE stock_levels s
    SET current_stock = r.current_stock, reserved_quantity = r.reserved_quantity, min_stock_level = r.min_stock_level,
        version = s.version + 1, last_updated_by = :actor_id, updated_at = GREATEST(clock_timestamp(), s.updated_at)
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
      AS r(part_id int, current_stock int, reserved_quantity int, min_stock_level int)
    WHERE s.part_id = r.part_id
    RETURNING s.part_id, s.updated_at
""")


def stock_of(row: Row[Any]) -> Stock:
    """Return the stock that a locked row holds."""
    return Stock(row.current_stock, row.reserved_quantity, row.min_stock_level, row.version)


def full_state(part_id: int, stock: Stock, actor_id: int | None, actor_name: str | None, at: datetime) -> dict[str, Any]:
    """Return the stock as the panel shows it."""
    return {
        "part_id": part_id,
        **stock.full(),
        "last_updated_by": actor_id,
        "last_updated_by_name": actor_name,
        "updated_at": rfc3339(at),
    }


def state_of(row: Row[Any]) -> dict[str, Any]:
    """Return a locked row as the panel shows it."""
    return full_state(row.part_id, stock_of(row), row.last_updated_by, row.last_updated_by_name, row.updated_at)


def public_state(stock: Stock, at: datetime) -> dict[str, Any]:
    """Return the stock as customers may see it."""
    return {**stock.public(), "updated_at": rfc3339(at)}


def insert(unit_of_work: UnitOfWork, part_id: int, quantities: dict[str, int]) -> Row[Any]:
    """Insert a new part's stock row and return its id and time; the caller records `created_event`."""
    return unit_of_work.execute(_INSERT, part_id=part_id, actor_id=unit_of_work.actor.user_id, **quantities).one()


def insert_many(unit_of_work: UnitOfWork, rows: Sequence[dict[str, Any]]) -> Sequence[Row[Any]]:
    """Insert the stock rows of new parts; the caller records their events."""
    return unit_of_work.execute(_INSERT_MANY, rows=jsonb(rows), actor_id=unit_of_work.actor.user_id).all()


def update_many(unit_of_work: UnitOfWork, rows: Sequence[dict[str, Any]]) -> dict[int, Any]:
    """Write the quantities of locked stock rows as their next version, and return the times by part.

    The caller records the events.
    """
    updated = unit_of_work.execute(_UPDATE_MANY, rows=jsonb(rows), actor_id=unit_of_work.actor.user_id)
    return {row.part_id: row.updated_at for row in updated}


def save(unit_of_work: UnitOfWork, row: Row[Any], after: Stock, reason: str | None) -> dict[str, Any]:
    """Write `after` over a row of `lock_stock`, record `stock.updated`, and return the new state for the panel."""
    return _write(unit_of_work, row, stock_of(row), after, reason)


def _write(unit_of_work: UnitOfWork, row: Row[Any], before: Stock, after: Stock, reason: str | None) -> dict[str, Any]:
    actor, at = unit_of_work.actor, row.moment
    state = full_state(row.part_id, after, actor.user_id, actor.name, at)
    unit_of_work.save(
        _UPDATE, updated_event(row.part_id, row.id, before, after, state, at, reason, is_public=row.is_public),
        part_id=row.part_id, version=after.version, at=at, is_locked=unit_of_work.locks, seen=row.seen, **after.quantities(),
    )  # fmt: skip
    return state


def updated_event(
    part_id: int, record_id: int, before: Stock, after: Stock, state: dict[str, Any], at: datetime, reason: str | None, *,
    is_public: bool,
) -> Event:  # fmt: skip
    """Return the event of a changed stock row."""
    old, new = before.quantities(), after.quantities()
    changed = [column for column in new if new[column] != old[column]]
    flipped = before.is_in_stock != after.is_in_stock
    return Event(
        type=EventType.STOCK_UPDATED,
        aggregate_type="part",
        aggregate_id=part_id,
        aspect=Aspect.STOCK,
        version=after.version,
        table_name="stock_levels",
        record_id=record_id,
        operation="UPDATE",
        old_values={column: old[column] for column in changed} | {"version": before.version},
        new_values={column: new[column] for column in changed} | {"version": after.version},
        public=public_state(after, at) if is_public else None,
        was_public=is_public,
        state=state,
        lists=(ListFacet.AVAILABILITY,) if flipped else (),
        reason=reason,
    )


def created_event(
    part_id: int, record_id: int, stock: Stock, state: dict[str, Any], at: datetime, *, is_public: bool, reason: str | None = None
) -> Event:
    """Return the event of a new part's first stock row."""
    return Event(
        type=EventType.STOCK_CREATED,
        aggregate_type="part",
        aggregate_id=part_id,
        aspect=Aspect.STOCK,
        version=stock.version,
        table_name="stock_levels",
        record_id=record_id,
        operation="INSERT",
        old_values=None,
        new_values=dict(stock.quantities()) | {"version": stock.version},
        public=public_state(stock, at) if is_public else None,
        was_public=is_public,
        state=state,
        reason=reason,
    )


def adopt(unit_of_work: UnitOfWork, row: Row[Any], recorded: dict[str, Any], version: int, reason: str) -> None:
    """Give a locked row that was edited with the triggers switched off its next version and the event it owes."""
    before = Stock(recorded["current_stock"], recorded["reserved_quantity"], recorded["min_stock_level"], recorded["version"])
    _write(unit_of_work, row, before, replace(stock_of(row), version=version), reason)
