"""Rows edited around the application with their triggers (migration 0017) switched off: found by comparing them with their newest
events, and given the version and the event that every change needs, and with the event the audit row, snapshot, invalidation and
broadcast.
"""

from collections.abc import Callable, Mapping, Sequence

import structlog
from sqlalchemy import Connection

from app.contract.drift import Difference, differences
from app.contract.events import Aspect, Origin, Source
from app.domain.pricing import CurrentPrice, PriceLine, same_list
from app.store import content, prices, reconciliation, stock
from app.store.content import Content
from app.store.locks import lock_part, lock_stock
from app.store.reconciliation import Recorded
from app.store.transaction import UnitOfWork

log = structlog.get_logger()

REASON = "reconcile: the row had been changed around the application"

# What the row said, and what its newest event says; empty if it need not be adopted after all.
Adopt = Callable[[int, UnitOfWork], tuple[Difference, ...]]


def edited_directly(connection: Connection, part_ids: Sequence[int]) -> dict[str, tuple[list[int], Adopt]]:
    """Return, by kind, the parts that seem to have been edited around the application, and the function that adopts one."""
    lines = prices.lines_of(connection, part_ids)
    priced = reconciliation.last_states(connection, part_ids, Aspect.PRICE)
    described = reconciliation.last_states(connection, part_ids, Aspect.CONTENT)
    contents = content.load(connection, part_ids)
    return {
        "stock_row": (reconciliation.stock_drift(connection, part_ids), adopt_stock),
        "content_row": ([p for p, last in described.items() if p in contents and _differing(contents[p], last)], adopt_content),
        "price_row": (
            [p for p in part_ids if not same_list(lines.get(p, []), recorded_lines(priced.get(p)))],
            adopt_prices,
        ),
        "legacy_price": (prices.legacy_drift(connection, _told(priced, part_ids)), adopt_legacy_price),
        "price_boundary": (prices.missed_boundaries(connection, part_ids), mend_boundary),
    }


def adopt_stock(part_id: int, unit_of_work: UnitOfWork) -> tuple[Difference, ...]:
    """Adopt a stock row under its lock; return what differed, if anything did."""
    row = lock_stock(unit_of_work, part_id)
    last = reconciliation.last_states(unit_of_work.connection, [part_id], Aspect.STOCK).get(part_id)
    present = stock.stock_of(row)
    if last is None or (last.version, last.payload["state"]) == (row.version, {**last.payload["state"], **present.full()}):
        return ()
    log.error("stock row adopted", part_id=part_id, recorded=last.payload["state"], present=present.full())
    recorded = {name: last.payload["state"].get(name) for name in present.full()}
    stock.adopt(unit_of_work, row, last.payload["state"], max(row.version, last.version) + 1, REASON)
    return differences({**present.full(), "version": row.version}, {**recorded, "version": last.version})


def adopt_content(part_id: int, unit_of_work: UnitOfWork) -> tuple[Difference, ...]:
    """Adopt a part's content under its lock; return what differed, if anything did."""
    lock_part(unit_of_work, part_id)
    last = reconciliation.last_states(unit_of_work.connection, [part_id], Aspect.CONTENT).get(part_id)
    present = content.load(unit_of_work.connection, [part_id])[part_id]
    differing = _differing(present, last)
    if last is None or not differing:
        return ()
    unit_of_work.origin = Origin(Source.RECONCILE)
    log.error("content row adopted", part_id=part_id, fields=differing)
    content.adopt(unit_of_work, present, last.payload["snapshot"], max(present.version, last.version) + 1, REASON)
    row, recorded = present.snapshot() | {"version": present.version}, last.payload["snapshot"] | {"version": last.version}
    return tuple(Difference(name, row[name], recorded[name]) for name in differing)


def adopt_prices(part_id: int, unit_of_work: UnitOfWork) -> tuple[Difference, ...]:
    """Adopt a part's price list under its lock; return what differed, if anything did."""
    row = lock_part(unit_of_work, part_id)
    last = reconciliation.last_states(unit_of_work.connection, [part_id], Aspect.PRICE).get(part_id)
    recorded = recorded_lines(last)
    present = prices.lines_of(unit_of_work.connection, [part_id]).get(part_id, [])
    if same_list(recorded, present):
        return ()
    log.error("price list adopted", part_id=part_id, recorded=len(recorded), present=len(present))
    prices.save(unit_of_work, row, recorded, present, REASON)
    return (Difference("prices", [str(line) for line in present], [str(line) for line in recorded]),)


def adopt_legacy_price(part_id: int, unit_of_work: UnitOfWork) -> tuple[Difference, ...]:
    """Announce a part's legacy price under the part's lock; return what differed, if anything did."""
    row = lock_part(unit_of_work, part_id)
    told = _told(reconciliation.last_states(unit_of_work.connection, [part_id], Aspect.PRICE), [part_id])
    if not prices.legacy_drift(unit_of_work.connection, told):
        return ()
    log.error("legacy price adopted", part_id=part_id)
    prices.adopt_legacy(unit_of_work, row, told[part_id], REASON)
    return (Difference("legacy price", "not announced", str(told[part_id])),)


def mend_boundary(part_id: int, unit_of_work: UnitOfWork) -> tuple[Difference, ...]:
    """Make a part due for `PriceDates` if its boundary is wrong; return what differed, if anything did."""
    lock_part(unit_of_work, part_id)
    if not prices.missed_boundaries(unit_of_work.connection, [part_id]):
        return ()
    log.error("price boundary mended", part_id=part_id)
    prices.make_due(unit_of_work, part_id)
    return (Difference("price_boundary", "wrong", "the next date of the price list"),)


def _differing(present: Content, last: Recorded | None) -> list[str]:
    """Return the fields in which content differs from the newest event's snapshot. The category's own name is not the part's."""
    if last is None:
        return []
    recorded, snapshot = last.payload["snapshot"], present.snapshot()
    # A snapshot from an older release has fewer fields; those it lacks cannot differ.
    fields = [name for name in snapshot if name != "category" and name in recorded and snapshot[name] != recorded[name]]
    return fields or (["version"] if last.version != present.version else [])


def _told(priced: Mapping[int, Recorded], part_ids: Sequence[int]) -> dict[int, CurrentPrice | None]:
    """Return the prices that customers were last told: None without an event. Hidden parts are left out: nothing was told."""
    told: dict[int, CurrentPrice | None] = dict.fromkeys(part_id for part_id in part_ids if part_id not in priced)
    public = {part_id: last.payload["public"] for part_id, last in priced.items()}
    return told | {part_id: prices.price_of(state["price"]) for part_id, state in public.items() if state is not None}


def recorded_lines(last: Recorded | None) -> list[PriceLine]:
    """Return the price list that a price event carries; empty without an event."""
    return [] if last is None else [prices.line_of(line) for line in last.payload["state"]["prices"]]
