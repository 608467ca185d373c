"""Specifications: replacing the list of a part's named properties."""

from collections.abc import Sequence
from typing import Any

from app.services.content import current_state, locked_to_change
from app.services.intent import Intent
from app.store import content as rows
from app.store.content import AuditedRow
from app.store.transaction import TransactionManager, UnitOfWork


def set_specifications(
    transactions: TransactionManager, intent: Intent, part_id: int, specifications: Sequence[dict[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    """Replace a part's specifications, in the given order, and return its content's state; the same list changes nothing.

    Raises:
        NotFoundError, ArchivedError, ConcurrencyError.
    """

    def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
        before = locked_to_change(unit_of_work, part_id, intent.expected)
        if before.row.specifications == list(specifications):
            return current_state(before)
        rows.replace_specifications(unit_of_work, {part_id: specifications})
        audited = AuditedRow("part_specifications", part_id, "UPDATE")
        return current_state(rows.save(unit_of_work, before, {}, archived=False, reason=intent.reason, audited=audited))

    return transactions.run(intent.actor, work, intent.call)
