"""Changes of many parts at once, in one transaction: their stock, and where they stand (status, category, in the archive or not).

Every row is decided as the call for one part would decide it. Rows that cannot be refuse the whole, or are left out.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from app.contract.events import Origin, Source
from app.contract.formats import rfc3339
from app.domain import stock as rules
from app.domain.content import changed_columns
from app.domain.errors import (
    ArchivedError,
    ConcurrencyError,
    InsufficientStockError,
    InvalidFieldError,
    LockstepError,
    NotFoundError,
)
from app.domain.stock import Stock
from app.services.content import current_state as current_content
from app.services.imports.chunk import BULK
from app.services.intent import Expected, Intent
from app.services.offload import Offload, at_once
from app.services.stock import current_state
from app.store import content, stock
from app.store.imports import bulk
from app.store.locks import hold_category, lock_parts, lock_stocks
from app.store.transaction import TransactionManager, UnitOfWork

# Rows of one bulk.
MAX_PARTS = 1000
# What a part can be given in a bulk.
PLACE = ("status", "category_id", "archived")
# What keeps a row from being made, though the call as a whole is well formed.
_REFUSALS = (ArchivedError, ConcurrencyError, InsufficientStockError, InvalidFieldError, NotFoundError)

# Returns how many pages of customers show at least one of the parts, or None if that is not known.
CountPages = Callable[[Collection[int]], int | None]


@dataclass(frozen=True, slots=True)
class Manner:
    """How a bulk is made: whether rows that cannot be are left out, instead of refusing the whole; and whether it is only said
    what would be done."""

    skips: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class _Row:
    """What becomes of one row. `before` and `after` are what is shown; without an error they differ if the part changes."""

    part_id: int | None
    sku: str | None
    before: dict[str, Any] | None = None
    after: dict[str, Any] | None = None
    # The present row of the table, which says who wrote it and when.
    present: Any = None
    error: LockstepError | None = None

    @property
    def outcome(self) -> str:
        if self.error is not None:
            return self.error.code
        return "unchanged" if self.after == self.before else "changed"

    def shown(self, index: int) -> dict[str, Any]:
        present = self.present
        who = None
        if present and present.last_updated_by:
            who = {"id": present.last_updated_by, "name": present.last_updated_by_name}
        return {
            "index": index,
            "part_id": self.part_id,
            "sku": self.sku,
            "outcome": self.outcome,
            "detail": self.error.detail if self.error else None,
            "before": self.before,
            "after": self.after,
            "changed_by": who,
            "changed_at": rfc3339(present.updated_at) if present else None,
        }


def change_stocks(
    transactions: TransactionManager, intent: Intent, changes: Sequence[Mapping[str, Any]], manner: Manner,
    count_pages: CountPages, offload: Offload = at_once,
) -> dict[str, Any]:  # fmt: skip
    """Set the stock of many parts, or adjust what is on hand, and return what became of each.

    Args:
        changes: each with `part_id` or `sku`; `delta`, or what is to be set of `current_stock`, `reserved_quantity` and
            `min_stock_level`; and the `version` that the writer saw, if any.

    Raises:
        InvalidFieldError: if two changes name the same part.
        NotFoundError, ArchivedError, ConcurrencyError, InsufficientStockError: of the first row that cannot be; `rows` has all.
        DatabaseConsistencyError.
    """

    def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
        bulk.wait_long(unit_of_work)
        part_ids = _part_ids(unit_of_work, changes)
        open_pages = count_pages(_known(part_ids))
        # The parts, too: their status may not change meanwhile, nor may the search be written in another order.
        parts = {row.id: row for row in lock_parts(unit_of_work, _known(part_ids))}
        stocks = {row.part_id: row for row in lock_stocks(unit_of_work, list(parts))}
        decided: list[_Row] = []
        written: dict[int, Stock] = {}
        for part_id, change in zip(part_ids, changes, strict=True):
            part, held = parts.get(part_id or 0), stocks.get(part_id or 0)
            row, after = _decide_stock(part_id, change, part, held)
            decided.append(row)
            if after is not None and row.outcome == "changed":
                written[row.part_id or 0] = after
        answer = _answer(decided, manner, open_pages)
        if written and not manner.dry_run:
            _write_stocks(unit_of_work, written, parts, stocks, intent.reason, offload)
        return answer

    return _run(transactions, intent, work, manner)


def place_parts(
    transactions: TransactionManager, intent: Intent, changes: Sequence[Mapping[str, Any]], manner: Manner,
    count_pages: CountPages, offload: Offload = at_once, field: str = "changes",
) -> dict[str, Any]:  # fmt: skip
    """Give many parts a status or a category, archive or restore them, and return what became of each.

    Args:
        changes: each with `part_id`, what the part is to be given (`PLACE`; a `category_id` of None is no category), and the
            `version` that the writer saw, if any. `archived` comes alone.
        field: what the changes were sent as: in `changes`, or all alike for `part_ids`.

    Raises:
        InvalidFieldError: if a part is named twice, or all are to enter a category that is not there.
        NotFoundError, ArchivedError, ConcurrencyError, InvalidFieldError: of the first part that cannot be changed; `rows` has
            all of them.
        DatabaseConsistencyError.
    """

    def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
        bulk.wait_long(unit_of_work)
        part_ids = [int(change["part_id"]) for change in changes]
        _refuse_repeated(part_ids, field)
        entered = {change["category_id"] for change in changes if change.get("category_id") is not None}
        gone = {category_id for category_id in sorted(entered) if not hold_category(unit_of_work, category_id)}
        if gone and field == "part_ids":
            raise _no_category("set.category_id", min(gone))
        open_pages = count_pages(part_ids)
        parts = {row.id: row for row in lock_parts(unit_of_work, part_ids)}
        current = _outdated(unit_of_work, changes, parts)
        decided: list[_Row] = []
        written: list[dict[str, Any]] = []
        for index, change in enumerate(changes):
            part_id = part_ids[index]
            row, place = _decide_place(index, change, parts.get(part_id), current.get(part_id, {}), gone)
            decided.append(row)
            if place is not None and row.outcome == "changed":
                written.append({"part_id": part_id, **place})
        answer = _answer(decided, manner, open_pages)
        if written and not manner.dry_run:
            _write_places(unit_of_work, written, intent.reason, offload)
        return answer

    return _run(transactions, intent, work, manner)


def _run(
    transactions: TransactionManager, intent: Intent, work: Callable[[UnitOfWork], dict[str, Any]], manner: Manner
) -> dict[str, Any]:
    if not manner.dry_run:
        return transactions.run(intent.actor, work, intent.call)
    with transactions.atomic_operation(intent.actor) as unit_of_work:
        return work(unit_of_work)


def _part_ids(unit_of_work: UnitOfWork, changes: Sequence[Mapping[str, Any]]) -> list[int | None]:
    """Return the part that each change names; None for a SKU that no part has."""
    skus = [change["sku"] for change in changes if "sku" in change]
    by_sku = {row.sku: row.id for row in bulk.ids_by_sku(unit_of_work.connection, skus)} if skus else {}
    part_ids = [by_sku.get(change["sku"]) if "sku" in change else change["part_id"] for change in changes]
    # Of parts that are not there, what was sent says whether they are the same.
    _refuse_repeated([part_id or change["sku"] for part_id, change in zip(part_ids, changes, strict=True)], "changes")
    return part_ids


def _refuse_repeated(named: Sequence[int | str], field: str) -> None:
    first: dict[int | str, int] = {}
    for index, name in enumerate(named):
        if first.setdefault(name, index) != index:
            raise InvalidFieldError(f"{field}.{index}", f"This is the part of {field}.{first[name]}; name each part once.")


def _known(part_ids: Sequence[int | None]) -> list[int]:
    return [part_id for part_id in part_ids if part_id is not None]


def _decide_stock(
    part_id: int | None, change: Mapping[str, Any], part: Row[Any] | None, held: Row[Any] | None
) -> tuple[_Row, Stock | None]:
    if part is None or held is None:
        said = f"There is no part {part_id}." if "part_id" in change else f"There is no part with the SKU {change['sku']!r}."
        return _Row(part_id, change.get("sku"), error=NotFoundError(said)), None
    before = stock.stock_of(held)
    shown = before.full()
    try:
        if part.archived_at is not None:
            raise ArchivedError
        Expected(change.get("version")).check("stock", before.version, current_state(held))
        if "delta" in change:
            after = rules.adjust(before, change["delta"])
        else:
            after = rules.set_quantities(before, {name: change[name] for name in before.quantities() if name in change})
    except _REFUSALS as error:
        return _Row(part.id, part.sku, shown, shown, held, error), None
    return _Row(part.id, part.sku, shown, after.full(), held), after


def _outdated(
    unit_of_work: UnitOfWork, changes: Sequence[Mapping[str, Any]], parts: Mapping[int, Row[Any]]
) -> dict[int, dict[str, Any]]:
    """Return the present content of those parts of which the writer saw another version."""
    seen = {change["part_id"]: change["version"] for change in changes if "version" in change}
    stale = [part_id for part_id, version in seen.items() if part_id in parts and parts[part_id].version != version]
    found = content.load(unit_of_work.connection, stale) if stale else {}
    return {part_id: current_content(one) for part_id, one in found.items()}


def _decide_place(
    index: int, change: Mapping[str, Any], part: Row[Any] | None, current: dict[str, Any], gone: Collection[int]
) -> tuple[_Row, dict[str, Any] | None]:
    part_id = change["part_id"]
    if part is None:
        return _Row(part_id, None, error=NotFoundError(f"There is no part {part_id}.")), None
    before = {"status": part.status, "category_id": part.category_id, "archived": part.archived_at is not None}
    shown = _place_shown(before, part.version)
    try:
        Expected(change.get("version")).check("content", part.version, current)
        if before["archived"] and "archived" not in change:
            raise ArchivedError
        if change.get("category_id") in gone:
            raise _no_category(f"changes.{index}.category_id", change["category_id"])
    except _REFUSALS as error:
        return _Row(part_id, part.sku, shown, shown, part, error), None
    changed = changed_columns(before, {name: change[name] for name in PLACE if name in change})
    after = before | changed
    return _Row(part_id, part.sku, shown, _place_shown(after, part.version + bool(changed)), part), after


def _place_shown(place: Mapping[str, Any], version: int) -> dict[str, Any]:
    status = "archived" if place["archived"] else place["status"]
    return {"status": status, "category_id": place["category_id"], "version": version}


def _no_category(field: str, category_id: int) -> InvalidFieldError:
    return InvalidFieldError(field, f"There is no category {category_id}; list them at /api/v1/categories.")


def _answer(decided: Sequence[_Row], manner: Manner, open_pages: int | None) -> dict[str, Any]:
    """Return what a bulk answers.

    Raises:
        LockstepError: of the first row that cannot be made, unless such rows are left out or only asked about.
    """
    shown = [row.shown(index) for index, row in enumerate(decided)]
    refusals = [row.error for row in decided if row.error is not None]
    if refusals and not (manner.skips or manner.dry_run):
        refusals[0].rows = [one for one, row in zip(shown, decided, strict=True) if row.error is not None]
        raise refusals[0]
    outcomes = [row.outcome for row in decided]
    return {
        "dry_run": manner.dry_run,
        "changed": outcomes.count("changed"),
        "unchanged": outcomes.count("unchanged"),
        "refused": len(refusals),
        "open_pages": open_pages,
        "rows": shown,
    }


def _write_stocks(
    unit_of_work: UnitOfWork, written: Mapping[int, Stock], parts: Mapping[int, Any], stocks: Mapping[int, Any],
    reason: str | None, offload: Offload,
) -> None:  # fmt: skip
    unit_of_work.is_bulk = len(written) >= BULK
    times = stock.update_many(unit_of_work, [{"part_id": part_id, **after.quantities()} for part_id, after in written.items()])
    actor = unit_of_work.actor

    def record() -> None:
        for part_id, after in written.items():
            held, at = stocks[part_id], times[part_id]
            state = stock.full_state(part_id, after, actor.user_id, actor.name, at)
            is_public = parts[part_id].is_public
            unit_of_work.record(
                stock.updated_event(part_id, held.id, stock.stock_of(held), after, state, at, reason, is_public=is_public)
            )

    offload(record)


def _write_places(unit_of_work: UnitOfWork, written: Sequence[dict[str, Any]], reason: str | None, offload: Offload) -> None:
    unit_of_work.is_bulk = len(written) >= BULK
    unit_of_work.origin = Origin(Source.BULK, message=reason)
    part_ids = [place["part_id"] for place in written]
    before = content.load(unit_of_work.connection, part_ids)
    content.place_many(unit_of_work, written)
    after = content.load(unit_of_work.connection, part_ids)

    def record() -> None:
        for part_id in part_ids:
            unit_of_work.record(content.changed_event(before[part_id], after[part_id], reason))

    offload(record)
