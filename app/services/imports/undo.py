"""Undoing an import: each change that it made is taken back, unless somebody has changed the same since."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, Row

from app.contract.events import Aspect, EventType
from app.contract.formats import rfc3339
from app.domain.content import COLUMNS
from app.services.imports.changes import change_stocks
from app.services.imports.chunk import BULK
from app.services.imports.difference import StockChange
from app.store import content, prices, slugs, stock
from app.store.imports import bulk
from app.store.locks import hold_category, lock_parts, lock_stocks
from app.store.outbox import Delivery
from app.store.transaction import UnitOfWork

# The changes that are taken back. What a new part began with goes with the part.
KINDS = (EventType.PART_CREATED, EventType.CONTENT_UPDATED, EventType.STOCK_UPDATED, EventType.PRICE_UPDATED)
# The version of every aspect of a part that nobody has touched yet.
_FIRST = 1


@dataclass(slots=True)
class Undone:
    """How many changes were taken back, and which were not, as `ImportConflict`s."""

    count: int = 0
    conflicts: list[dict[str, Any]] = field(default_factory=list)


def undo_changes(unit_of_work: UnitOfWork, events: Sequence[Delivery], reason: str, *, dry_run: bool) -> Undone:
    """Take back what the events of an import tell of: a new part is archived, and what changed becomes what it was before.

    What is no longer as the import left it stays.

    Args:
        events: of `KINDS`, at most one for each aspect of a part.
        dry_run: only say what would be done.
    """
    bulk.wait_long(unit_of_work)
    unit_of_work.is_bulk = len(events) >= BULK
    # In the order of `app.store.locks`.
    categories = {category_id for event in events if (category_id := _old(event).get("category_id")) is not None}
    gone = {category_id for category_id in sorted(categories) if not hold_category(unit_of_work, category_id)}
    part_ids = sorted({event.aggregate_id for event in events})
    parts = {row.id: row for row in lock_parts(unit_of_work, part_ids)}
    stocks = {row.part_id: row for row in lock_stocks(unit_of_work, part_ids)}
    undone, chosen = Undone(), []
    for event in events:
        part, held = parts.get(event.aggregate_id), stocks.get(event.aggregate_id)
        if part is None or held is None:
            # Deleted by hand: there is nothing to be undone.
            continue
        if why := _why_not(event, part, held) or _what_blocks(unit_of_work.connection, event, gone):
            undone.conflicts.append(_conflict(event, part, held, why))
        else:
            chosen.append(event)
    undone.count = len(chosen)
    if not dry_run:
        _undo_contents(unit_of_work, [event for event in chosen if event.aspect is Aspect.CONTENT], reason)
        # As they are now: whether customers see a part may have changed.
        parts = {row.id: row for row in lock_parts(unit_of_work, part_ids)}
        _undo_stocks(unit_of_work, [event for event in chosen if event.aspect is Aspect.STOCK], parts, stocks, reason)
        _undo_prices(unit_of_work, [event for event in chosen if event.aspect is Aspect.PRICE], parts, reason)
    return undone


def _old(event: Delivery) -> dict[str, Any]:
    return event.payload["old_values"] or {}


def _why_not(event: Delivery, part: Row[Any], held: Row[Any]) -> str | None:
    """Return why a change is not as the import left it, or None."""
    present = {Aspect.CONTENT: part.version, Aspect.STOCK: held.version, Aspect.PRICE: part.price_version}
    if present[event.aspect] != event.version:
        return "It was changed since."
    if event.type is EventType.PART_CREATED and {*present.values()} != {_FIRST}:
        return "The stock or the prices of this new part were changed since."
    if part.archived_at is not None:
        return "The part was archived since."
    return None


def _what_blocks(connection: Connection, event: Delivery, gone: set[int]) -> str | None:
    """Return why a part cannot have its old content, or None."""
    old = _old(event)
    if old.get("category_id") in gone:
        return "The category that it was in is gone."
    if "slug" in old and (holder := slugs.holder(connection, "slug", old["slug"], event.aggregate_id)):
        return f"The slug {old['slug']!r} that it had is taken by {holder}."
    return None


def _conflict(event: Delivery, part: Row[Any], held: Row[Any], why: str) -> dict[str, Any]:
    match event.aspect:
        case Aspect.STOCK:
            who, name, at = held.last_updated_by, held.last_updated_by_name, held.updated_at
        case Aspect.PRICE:
            who, name, at = part.price_updated_by, part.price_updated_by_name, part.price_updated_at
        case _:
            who, name, at = part.last_updated_by, part.last_updated_by_name, part.updated_at
    return {
        "part_id": part.id, "sku": part.sku, "aspect": str(event.aspect), "reason": why,
        "changed_by": {"id": who, "name": name} if who else None, "changed_at": rfc3339(at),
    }  # fmt: skip


def _undo_contents(unit_of_work: UnitOfWork, events: Sequence[Delivery], reason: str) -> None:
    before = content.load(unit_of_work.connection, [event.aggregate_id for event in events])
    for event in events:
        part_id, old = event.aggregate_id, _old(event)
        if "specifications" in old:
            content.replace_specifications(unit_of_work, {part_id: old["specifications"]})
        columns = {name: old[name] for name in COLUMNS if name in old}
        content.save(
            unit_of_work, before[part_id], columns, archived=event.type is EventType.PART_CREATED, reason=reason
        )  # fmt: skip


def _undo_stocks(
    unit_of_work: UnitOfWork, events: Sequence[Delivery], parts: dict[int, Row[Any]], stocks: dict[int, Row[Any]], reason: str
) -> None:
    changes = {}
    for event in events:
        held = stocks[event.aggregate_id]
        before = stock.stock_of(held)
        quantities = {name: value for name, value in _old(event).items() if name in before.quantities()}
        changes[event.aggregate_id] = StockChange(held.id, before, replace(before, **quantities, version=before.version + 1))
    change_stocks(unit_of_work, changes, {part_id for part_id, part in parts.items() if part.is_public}, reason)


def _undo_prices(unit_of_work: UnitOfWork, events: Sequence[Delivery], parts: dict[int, Row[Any]], reason: str) -> None:
    present = prices.lines_of(unit_of_work.connection, [event.aggregate_id for event in events])
    for event in events:
        part_id = event.aggregate_id
        lines = [prices.line_of(line) for line in _old(event)["prices"]]
        prices.save(unit_of_work, parts[part_id], present.get(part_id, []), lines, reason)
