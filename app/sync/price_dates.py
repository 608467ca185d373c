"""`sync.apply_price_dates`: announces a price that starts or ends on its date at that moment, without anybody writing.

The row lock and the boundary make that happen exactly once, however many beats and workers there are: whoever holds the lock
moves the boundary into the future in the transaction that announces the price. A late run finds that several dates have passed,
and announces what applies now.
"""

import time
from collections.abc import Collection
from functools import partial

import structlog
from sqlalchemy import Engine

from app.contract.events import Actor
from app.domain.errors import DatabaseConsistencyError
from app.domain.pricing import current_price, next_boundary
from app.store import prices, users
from app.store.locks import lock_due_prices
from app.store.transaction import TransactionManager, UnitOfWork

log = structlog.get_logger()

BATCH = 200
# Seconds after which a run makes way for deliveries; the next tick continues.
BUDGET = 1.0
# Seconds until a part whose dates could not be applied is tried again; the others are not kept waiting by it.
SET_ASIDE_FOR = 60.0


class PriceDates:
    """Applies the dates of price lists. Any number of processes may do so concurrently."""

    def __init__(self, reading: Engine, transactions: TransactionManager) -> None:
        self._reading = reading
        self._transactions = transactions
        # Parts that failed, each with the moment (monotonic seconds) of its next try.
        self._set_aside: dict[int, float] = {}

    def apply(self) -> int:
        """Announce every price that its dates have changed; return how many parts were due."""
        with self._reading.connect() as connection:
            if not prices.any_due(connection):
                return 0
            system = users.system(connection)
        self._set_aside = {part_id: until for part_id, until in self._set_aside.items() if until > time.monotonic()}
        actor, deadline, total, most = Actor(system.id, system.name), time.monotonic() + BUDGET, 0, BATCH
        while time.monotonic() < deadline:
            part_ids: list[int] = []
            try:
                self._transactions.run(actor, partial(_apply, most, self._set_aside, part_ids))
            except DatabaseConsistencyError:
                raise
            except Exception as error:
                if not part_ids:
                    raise
                if most == 1:
                    log.error("price dates not applied", part_id=part_ids[0], error=repr(error))
                    self._set_aside[part_ids[0]] = time.monotonic() + SET_ASIDE_FOR
                # Of a batch nobody knows whose fault it was.
                most = 1
                continue
            if not part_ids:
                break
            total += len(part_ids)
        return total


def _apply(most: int, besides: Collection[int], part_ids: list[int], unit_of_work: UnitOfWork) -> None:
    due = lock_due_prices(unit_of_work, most, besides)
    part_ids[:] = [row.id for row in due]
    lists = prices.lines_of(unit_of_work.connection, part_ids)
    legacy = prices.legacy_of(unit_of_work.connection, part_ids)
    passed = []
    for row in due:
        lines, fallback = lists.get(row.id, []), legacy.get(row.id)
        # What customers were last told has applied since `price_updated_at`; the dates passed since may have changed nothing.
        told, shown = (current_price(lines, fallback, moment) for moment in (row.price_updated_at, row.moment))
        boundary = next_boundary(lines, row.moment)
        passed.append({"part_id": row.id, "boundary": boundary, "moment": row.moment, "changed": told != shown})
        if told != shown:
            unit_of_work.record(prices.dated_event(row, lines, told, shown))
    prices.pass_boundaries(unit_of_work, passed)
