"""One transaction's worth of a catalog file: compare the rows with the shop, and write just what differs."""

from collections.abc import Sequence

from app.contract.events import Actor
from app.domain.imports.rows import ImportRow
from app.services.imports.changes import change_parts
from app.services.imports.creation import create_parts
from app.services.imports.difference import Difference, ImportReport, compare
from app.services.imports.places import make_missing
from app.store.imports import bulk
from app.store.transaction import TransactionManager, UnitOfWork

# From so many rows on, the records of a chunk may wait a little.
BULK = 100


def apply_chunk(rows: Sequence[ImportRow], reason: str, unit_of_work: UnitOfWork) -> ImportReport:
    """Write what rows of a checked file say otherwise than the shop. Their SKUs differ."""
    unit_of_work.is_bulk = len(rows) >= BULK
    report = ImportReport()
    while rows:
        difference = compare(unit_of_work, rows)
        rows = _write(unit_of_work, difference, reason)
        report.add(difference.report(late=len(rows)))
    return report


def rehearse_chunk(transactions: TransactionManager, actor: Actor, rows: Sequence[ImportRow]) -> ImportReport:
    """Return what `apply_chunk` would do."""
    with transactions.atomic_operation(actor) as unit_of_work:
        return compare(unit_of_work, rows).report()


def _write(unit_of_work: UnitOfWork, difference: Difference, reason: str) -> Sequence[ImportRow]:
    """Write what differs; return the rows whose parts somebody else has made meanwhile, to be compared anew."""
    bulk.quiet_search(unit_of_work)
    places = difference.places
    if difference.new or difference.contents:
        places = make_missing(unit_of_work, places, reason)
    change_parts(unit_of_work, difference, places, reason)
    return create_parts(unit_of_work, difference.new, places, reason)
