"""What triggers recorded of a change around the application (migration 0017), told as an event of the application.

They keep what was there before and after; which columns differ, and what customers and the panel see, is said by the functions
that say it of the application's own writes.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from app.contract.events import Actor, Aspect, Event, EventType, ListFacet, Operation
from app.domain.pricing import PriceLine
from app.store import categories, content, payload, prices, stock
from app.store.content import AuditedRow, Content
from app.store.currencies import written

# The stored format. An older release knows only that something has changed, and leaves the event to this one.
FORMAT = 2

State = dict[str, Any]


def is_recorded(stored: Any) -> bool:
    """Whether triggers wrote this payload."""
    return isinstance(stored, dict) and stored.get("format") == FORMAT


def unpacked(stored: State) -> State:
    """Return a stored payload, whoever wrote it, with everything written out.

    Raises:
        ValueError: if a newer release wrote it.
    """
    if not is_recorded(stored):
        return payload.unpacked(stored)
    event = _EVENT_OF[stored["aspect"]](stored)
    actor = Actor(0, stored["actor_name"], stored["ip_address"], stored["user_agent"])
    return payload.whole(replace(event, reason=stored["reason"]), actor)


def _row(state: State) -> Any:
    moments = {name: datetime.fromisoformat(value) for name, value in state.items() if name.endswith("_at") and value}
    return SimpleNamespace(**state | moments)


def _content(stored: State) -> Event:
    after = Content(_row(stored["state"]))
    if stored["before"] is None:
        return content.created_event(after)
    audited = None
    match stored["table_name"]:
        case "part_specifications":
            audited = AuditedRow("part_specifications", after.id, "UPDATE")
        case "part_images":
            audited = AuditedRow("part_images", stored["row_id"], stored["operation"])
    return content.changed_event(Content(_row(stored["before"])), after, None, audited)


def _stock(stored: State) -> Event:
    row = _row(stored["state"])
    after, state = stock.stock_of(row), stock.state_of(row)
    if stored["before"] is None:
        event = stock.created_event(row.part_id, row.id, after, state, row.updated_at, is_public=row.is_public)
        return replace(event, lists=(ListFacet.AVAILABILITY,))
    before = stock.stock_of(_row(stored["before"]))
    event = stock.updated_event(row.part_id, row.id, before, after, state, row.updated_at, None, is_public=row.is_public)
    # A deleted row comes back, as one of nothing.
    is_deleted = stored["operation"] == "DELETE" and not any(after.quantities().values())
    return replace(event, operation="DELETE") if is_deleted else event


def _price(stored: State) -> Event:
    row, before = _row(stored["state"]), stored["before"]
    was, lines = ([prices.line_of(line) for line in state["prices"]] for state in (before, stored["state"]))
    legacy = row.legacy and PriceLine(row.legacy["currency"], Decimal(row.legacy["amount"]))
    event = prices.updated_event(
        row.part_id, row.version, was, lines, legacy=legacy, at=row.updated_at, is_public=row.is_public
    )  # fmt: skip
    old, new = prices.list_values(was, before["version"]), prices.list_values(lines, row.version)
    if row.legacy == before["legacy"]:
        return replace(event, old_values=old)
    operation: Operation = "UPDATE"
    if not row.legacy or not before["legacy"]:
        operation = "INSERT" if row.legacy else "DELETE"
    return replace(
        event, table_name="prices", record_id=(row.legacy or before["legacy"])["id"], operation=operation,
        old_values=old | {"legacy": _legacy_values(before["legacy"])}, new_values=new | {"legacy": _legacy_values(row.legacy)},
        lists=prices.ALL_LISTS,
    )  # fmt: skip


def _legacy_values(legacy: State | None) -> State | None:
    return legacy and {**legacy, "amount": written(Decimal(legacy["amount"]), legacy["currency"])}


def _category(stored: State) -> Event:
    if stored["before"] is None:
        return categories.created_event(_row(stored["state"]), None)
    before = _row(stored["before"])
    if stored["state"] is None:
        return categories.deleted_event(before, None)
    return categories.changed_event(before, _row(stored["state"]), None)


def _plain(stored: State) -> Event:
    """Return the event of a row that has no other state than its columns."""
    before, after = stored["before"] or {}, stored["state"] or {}
    names = {*before, *after} - {"id", "created_at", "updated_at"}
    changed = sorted(name for name in names if before.get(name) != after.get(name))
    is_listed = stored["aspect"] == "synonym"
    return Event(
        type=EventType(stored["type"]),
        aggregate_type=stored["aspect"], aggregate_id=stored["row_id"], aspect=Aspect.CONTENT, version=stored["version"],
        table_name=stored["table_name"], record_id=stored["row_id"], operation=stored["operation"],
        old_values={name: before.get(name) for name in changed} if before else None,
        new_values={name: after.get(name) for name in changed} if after else None,
        state={**(after or before), "version": stored["version"]} if is_listed else {},
        lists=(ListFacet.WORDS,) if is_listed else (),
    )  # fmt: skip


_EVENT_OF: dict[str, Callable[[State], Event]] = {
    "content": _content, "stock": _stock, "price": _price, "category": _category,
    "user": _plain, "api_key": _plain, "synonym": _plain,
}  # fmt: skip
