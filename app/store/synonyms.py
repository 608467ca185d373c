"""The shop's search synonyms: reading, writing and recording them.

Each search looks them up, so nothing needs reindexing; the event invalidates cached lists.
"""

from typing import Any

from sqlalchemy import Connection, text

from app.contract.events import Aspect, Event, EventType, ListFacet, Operation
from app.store.transaction import UnitOfWork

_ALL = text("SELECT term, means FROM search_synonyms ORDER BY search_order(term), search_order(means), id")
_SAME = text("SELECT search_bare(:term) = search_bare(:means) OR search_bare(:term) = '' OR search_bare(:means) = ''")
_INSERT = text("""
    INSERT INTO search_synonyms (term, means) VALUES (:term, :means) ON CONFLICT DO NOTHING RETURNING id, term, means
""")
_DELETE = text("""
    DELETE FROM search_synonyms WHERE term_key = search_bare(:term) AND means_key = search_bare(:means) RETURNING id, term, means
""")


def load(connection: Connection) -> list[tuple[str, str]]:
    """Return every term with its synonym."""
    return [(row.term, row.means) for row in connection.execute(_ALL)]


def say_the_same(connection: Connection, term: str, means: str) -> bool:
    """Whether two terms are the same to a search, or one of them has nothing to search for."""
    return bool(connection.execute(_SAME, {"term": term, "means": means}).scalar_one())


def insert(unit_of_work: UnitOfWork, term: str, means: str) -> bool:
    """Insert a synonym and record it; return whether it is new."""
    row = unit_of_work.execute(_INSERT, term=term, means=means).one_or_none()
    if row is None:
        return False
    values = {"term": row.term, "means": row.means, "version": 1}
    unit_of_work.record(_event(EventType.SYNONYM_CREATED, "INSERT", row.id, 1, None, values))
    return True


def delete(unit_of_work: UnitOfWork, term: str, means: str) -> bool:
    """Delete a synonym and record it; return whether it existed."""
    row = unit_of_work.execute(_DELETE, term=term, means=means).one_or_none()
    if row is None:
        return False
    values = {"term": row.term, "means": row.means, "version": 1}
    unit_of_work.record(_event(EventType.SYNONYM_DELETED, "DELETE", row.id, 2, values, None))
    return True


def _event(
    kind: EventType, operation: Operation, synonym_id: int, version: int, old: dict[str, Any] | None, new: dict[str, Any] | None
) -> Event:
    return Event(
        type=kind, aggregate_type="synonym", aggregate_id=synonym_id, aspect=Aspect.CONTENT, version=version,
        table_name="search_synonyms", record_id=synonym_id, operation=operation, old_values=old, new_values=new,
        state={**(new or old or {}), "id": synonym_id, "version": version}, lists=(ListFacet.WORDS,),
    )  # fmt: skip
