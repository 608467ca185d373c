"""Stock rows: read under lock, written together with their event."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, text

from app.contract.events import Aspect, Event, EventType, ListFacet
from app.contract.formats import rfc3339
from app.domain.stock import Stock
from app.store.transaction import UnitOfWork

_UPDATE = text("""
    UPDATE stock_levels
    SET current_stock = :current_stock, reserved_quantity = :reserved_quantity, min_stock_level = :min_stock_level,
        version = :version, last_updated_by = :actor_id, updated_at = clock_timestamp()
    WHERE part_id = :part_id
    RETURNING updated_at
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


def save(unit_of_work: UnitOfWork, row: Row[Any], after: Stock, reason: str | None) -> dict[str, Any]:
    """Write `after` over a locked row, record `stock.updated`, and return the new state for the panel."""
    return _write(unit_of_work, row, stock_of(row), after, reason)


def _write(unit_of_work: UnitOfWork, row: Row[Any], before: Stock, after: Stock, reason: str | None) -> dict[str, Any]:
    actor = unit_of_work.actor
    at = unit_of_work.execute(
        _UPDATE, part_id=row.part_id, version=after.version, actor_id=actor.user_id, **after.quantities()
    ).scalar_one()
    state = full_state(row.part_id, after, actor.user_id, actor.name, at)
    unit_of_work.record(updated_event(row.part_id, row.id, before, after, state, at, reason, is_public=row.is_public))
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
    """Give a locked row that was edited past the application the next version, and the event that it owes."""
    before = Stock(recorded["current_stock"], recorded["reserved_quantity"], recorded["min_stock_level"], recorded["version"])
    _write(unit_of_work, row, before, replace(stock_of(row), version=version), reason)
