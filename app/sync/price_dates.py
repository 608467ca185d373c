"""`sync.apply_price_dates`: announces a price that starts or ends on its date at that moment, without anybody writing.

The row lock and the boundary make that happen exactly once, however many beats and workers there are: whoever holds the lock
moves the boundary into the future in the transaction that announces the price. A late run finds that several dates have passed,
and announces what applies now.
"""

import time
from functools import partial

from sqlalchemy import Engine

from app.contract.events import Actor
from app.domain.pricing import current_price, next_boundary
from app.store import prices, users
from app.store.locks import lock_due_prices
from app.store.transaction import TransactionManager, UnitOfWork

BATCH = 200
# Seconds after which a run makes way for deliveries; the next tick continues.
BUDGET = 1.0


class PriceDates:
    """Applies the dates of price lists. Any number of processes may do so concurrently."""

    def __init__(self, reading: Engine, transactions: TransactionManager) -> None:
        self._reading = reading
        self._transactions = transactions

    def apply(self) -> int:
        """Announce every price that its dates have changed; return how many parts were due."""
        with self._reading.connect() as connection:
            if not prices.any_due(connection):
                return 0
            system = users.system(connection)
        actor, deadline, total = Actor(system.id, system.name), time.monotonic() + BUDGET, 0
        while time.monotonic() < deadline and (done := self._transactions.run(actor, partial(_apply, BATCH))):
            total += done
        return total


def _apply(most: int, unit_of_work: UnitOfWork) -> int:
    due = lock_due_prices(unit_of_work, most)
    part_ids = [row.id for row in due]
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
    return len(due)
