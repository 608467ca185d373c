"""Specifications: replacing the list of a part's named properties."""

from collections.abc import Sequence
from typing import Any

from app.contract.events import Actor
from app.services.content import locked_to_change
from app.services.preconditions import Expected
from app.store import content as rows
from app.store.content import AuditedRow, Content
from app.store.transaction import TransactionManager, UnitOfWork


def set_specifications(
    transactions: TransactionManager, actor: Actor, part_id: int, specifications: Sequence[dict[str, Any]], expected: Expected,
    reason: str | None,
) -> Content:  # fmt: skip
    """Replace a part's specifications, in the given order, and return its content; the same list changes nothing.

    Raises:
        NotFoundError, ArchivedError, ConcurrencyError.
    """

    def work(unit_of_work: UnitOfWork) -> Content:
        before = locked_to_change(unit_of_work, part_id, expected)
        if before.row.specifications == list(specifications):
            return before
        rows.replace_specifications(unit_of_work, {part_id: specifications})
        audited = AuditedRow("part_specifications", part_id, "UPDATE")
        return rows.save(unit_of_work, before, {}, archived=False, reason=reason, audited=audited)

    return transactions.run(actor, work)
