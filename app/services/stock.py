"""Stock: setting quantities, and adjusting what is on hand."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Row

from app.domain import stock as rules
from app.domain.errors import ArchivedError
from app.domain.stock import Stock
from app.services.intent import Intent
from app.store import stock as rows
from app.store.locks import lock_stock
from app.store.transaction import TransactionManager, UnitOfWork


def set_stock(transactions: TransactionManager, intent: Intent, part_id: int, changes: dict[str, int]) -> dict[str, Any]:
    """Set the given quantities of one part and return its stock; values that are already so change nothing.

    Raises:
        NotFoundError, ArchivedError, ConcurrencyError, DatabaseConsistencyError.
    """
    return _change(transactions, intent, part_id, lambda stock: rules.set_quantities(stock, changes))


def adjust_stock(transactions: TransactionManager, intent: Intent, part_id: int, delta: int) -> dict[str, Any]:
    """Add `delta` pieces to what is on hand, or remove them, and return the stock. Needs no version: adjustments commute.

    Raises:
        NotFoundError, ArchivedError, ConcurrencyError, InsufficientStockError, DatabaseConsistencyError.
    """
    return _change(transactions, intent, part_id, lambda stock: rules.adjust(stock, delta))


def _change(transactions: TransactionManager, intent: Intent, part_id: int, decide: Callable[[Stock], Stock]) -> dict[str, Any]:
    def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
        row = lock_stock(unit_of_work, part_id)
        if row.archived_at is not None:
            raise ArchivedError
        before = rows.stock_of(row)
        intent.expected.check("stock", before.version, current_state(row))
        after = decide(before)
        return rows.state_of(row) if after == before else rows.save(unit_of_work, row, after, intent.reason)

    return transactions.run(intent.actor, work, intent.call, one_row=True)


def current_state(row: Row[Any]) -> dict[str, Any]:
    """Return a stock row as a conflict shows it: the present values, who set them, and when."""
    state = rows.state_of(row)
    who = {"id": row.last_updated_by, "name": row.last_updated_by_name} if row.last_updated_by else None
    return state | {"changed_by": who, "changed_at": state["updated_at"]}
