"""Prices: replacing a part's price list."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from app.contract.formats import rfc3339
from app.domain.errors import ArchivedError
from app.domain.pricing import PriceLine, same_list
from app.services.intent import Intent
from app.store import admin_parts
from app.store import prices as rows
from app.store.locks import lock_part
from app.store.transaction import TransactionManager, UnitOfWork


def set_prices(
    transactions: TransactionManager, intent: Intent, part_id: int, lines: Sequence[PriceLine],
) -> dict[str, Any]:  # fmt: skip
    """Make `lines` the part's price list and return it; the same list in another order changes nothing.

    Raises:
        NotFoundError, ArchivedError, ConcurrencyError, DatabaseConsistencyError.
    """

    def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
        row = lock_part(unit_of_work, part_id)
        if row.archived_at is not None:
            raise ArchivedError
        before = rows.lines_of(unit_of_work.connection, [part_id]).get(part_id, [])
        intent.expected.check("price", row.price_version, current_state(unit_of_work.connection, part_id))
        if not same_list(before, lines):
            rows.save(unit_of_work, row, before, lines, intent.reason)
        return current_state(unit_of_work.connection, part_id)

    return transactions.run(intent.actor, work, intent.call)


def current_state(connection: Connection, part_id: int) -> dict[str, Any]:
    """Return a price list as the panel shows it: its lines, its version, who set it, and when."""
    row = admin_parts.price_row(connection, part_id)
    lines = rows.lines_of(connection, [part_id]).get(part_id, [])
    who = {"id": row.price_updated_by, "name": row.price_updated_by_name} if row.price_updated_by else None
    return {
        "part_id": part_id,
        **rows.list_state(lines, row.price_version, row.price_updated_at),
        "changed_by": who,
        "changed_at": rfc3339(row.price_updated_at),
    }
