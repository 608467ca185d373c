"""Content versions: the difference between two, and restoring one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.errors import UniqueViolation
from sqlalchemy import Connection, Engine, Row
from sqlalchemy.exc import IntegrityError

from app.contract.events import Origin, Source
from app.domain import differences
from app.domain.content import COLUMNS, changed_columns
from app.domain.differences import LISTS
from app.domain.errors import ArchivedError, DuplicateError, Holder, InvalidFieldError, NotFoundError, NotKeptYetError
from app.services.content import UNIQUE, current_state, is_without_category, locked_to_change
from app.services.intent import Expected, Intent
from app.services.offload import Offload, at_once
from app.services.rich_text import sanitised
from app.store import categories, slugs, versions
from app.store import content as rows
from app.store.images import replace_images
from app.store.transaction import TransactionManager, UnitOfWork

# What a restore can bring back. Stock, prices and whether the part is archived are out of its scope.
RESTORABLE = (*COLUMNS, *LISTS)
# Whether customers see a part is not content: restoring an old text must not publish what was withdrawn.
_ONLY_IF_CHOSEN = frozenset(("status",))
RESTORED_AT_ONCE = tuple(name for name in RESTORABLE if name not in _ONLY_IF_CHOSEN)
_REPLACE: dict[str, Callable[[UnitOfWork, int, Sequence[dict[str, Any]]], None]] = {
    "specifications": lambda unit_of_work, part_id, items: rows.replace_specifications(unit_of_work, {part_id: items}),
    "images": replace_images,
}


@dataclass(frozen=True, slots=True)
class Wish:
    """What to restore: a part's version, and the fields of it (None: all but the status)."""

    part_id: int
    number: int
    fields: Sequence[str] | None = None


def kept(connection: Connection, part_id: int, number: int) -> Row[Any]:
    """Return a version with its snapshot.

    Raises:
        NotKeptYetError: if the version was made a moment ago and its snapshot is still to come.
        NotFoundError: if the part has no such version.
    """
    row = versions.version(connection, part_id, number)
    if row is not None:
        return row
    if versions.is_recorded(connection, part_id, number):
        raise NotKeptYetError
    raise NotFoundError(f"Part {part_id} has no such version.")


def difference(reading: Engine, part_id: int, number: int, to: int | None, offload: Offload = at_once) -> dict[str, Any]:
    """Return the changes from one version to another; `to` None means the newest.

    Raises:
        NotFoundError: if the part does not have both versions.
    """
    with reading.connect() as connection:
        old = _snapshot(connection, part_id, number)
        later = versions.newest(connection, part_id) if to is None else to
        new = _snapshot(connection, part_id, later)
    return {"part_id": part_id, "from": number, "to": later, "changes": offload(differences.fields, old, new)}


def rehearse(reading: Engine, wish: Wish, expected: Expected, offload: Offload = at_once) -> dict[str, Any]:
    """Return what a restore would change now, and what would block it. Writes nothing.

    Raises:
        NotFoundError, ArchivedError, ConcurrencyError: as `restore` does.
    """
    with reading.connect() as connection:
        wanted = _wanted(connection, wish)
        present = rows.load(connection, [wish.part_id]).get(wish.part_id)
        if present is None:
            raise NotFoundError(f"There is no part {wish.part_id}.")
        expected.check("content", present.version, current_state(present))
        if present.row.archived_at is not None:
            raise ArchivedError
        before = present.snapshot()
        changed = changed_columns(before, wanted)
        after = before | changed | _category(connection, wish, changed)
        blocked = _blocked(connection, wish.part_id, changed)
        kept_back = _kept_back(_snapshot(connection, wish.part_id, wish.number), before, wish)
    return {
        "part_id": wish.part_id,
        "version": present.version,
        "restored_from": wish.number,
        "changes": offload(differences.fields, before, after),
        "kept": kept_back,
        "blocked": [{"field": error.field, "reason": str(error)} for error in blocked],
    }


def restore(transactions: TransactionManager, intent: Intent, wish: Wish) -> dict[str, Any]:
    """Make a version's content the part's current content, as its next version, and return its state.

    If nothing differs, nothing is written. What an older release's snapshot lacks stays as it is, and so does the status unless
    it is chosen.

    Raises:
        NotFoundError: if there is no such part, or it has no such version.
        ArchivedError, ConcurrencyError.
        DuplicateError, InvalidFieldError: if another part has since taken the SKU or slug, or the category is gone.
    """

    def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
        connection = unit_of_work.connection
        unit_of_work.origin = Origin(Source.RESTORE, wish.number, intent.reason)
        wanted = _wanted(connection, wish)
        before = locked_to_change(unit_of_work, wish.part_id, intent.expected)
        changed = changed_columns(before.snapshot(), wanted)
        for error in _blocked(connection, wish.part_id, changed):
            raise error
        if not changed:
            return current_state(before)
        for name in changed.keys() & LISTS.keys():
            _REPLACE[name](unit_of_work, wish.part_id, changed[name])
        columns = {name: value for name, value in changed.items() if name in COLUMNS}
        return current_state(rows.save(unit_of_work, before, columns, archived=False, reason=_reason(wish, intent.reason)))

    try:
        return transactions.run(intent.actor, work, intent.call)
    except IntegrityError as error:
        # Somebody else was between our check and our write.
        if is_without_category(error):
            raise _gone("of that version") from error
        field = UNIQUE.get(error.orig.diag.constraint_name or "") if isinstance(error.orig, UniqueViolation) else None
        if field is None:
            raise
        raise _taken(field, "of that version") from error


def _snapshot(connection: Connection, part_id: int, number: int) -> dict[str, Any]:
    snapshot: dict[str, Any] = kept(connection, part_id, number).content_snapshot
    return snapshot


def _wanted(connection: Connection, wish: Wish) -> dict[str, Any]:
    snapshot = _snapshot(connection, wish.part_id, wish.number)
    chosen = wish.fields or RESTORED_AT_ONCE
    wanted = {name: snapshot[name] for name in RESTORABLE if name in chosen and name in snapshot}
    if "description" in wanted:
        # Older releases kept descriptions unsanitised.
        wanted["description"] = sanitised(wanted["description"])
    return wanted


def _kept_back(snapshot: Mapping[str, Any], before: Mapping[str, Any], wish: Wish) -> list[dict[str, Any]]:
    """Return what differs from the version and yet stays, since a restore brings it back only if it is chosen."""
    return [
        {
            "field": name,
            "present": before[name],
            "then": snapshot[name],
            "reason": f"It stays {before[name]}; version {wish.number} was {snapshot[name]}. To restore it, name it in `fields`.",
        }
        for name in sorted(_ONLY_IF_CHOSEN - {*(wish.fields or ())})
        if name in snapshot and snapshot[name] != before[name]
    ]


def _category(connection: Connection, wish: Wish, changed: Mapping[str, Any]) -> dict[str, Any]:
    """Return the category that goes with a changed id, as it is called now, so that a rehearsal can name it."""
    if "category_id" not in changed:
        return {}
    tree, category_id = categories.tree(connection), changed["category_id"]
    if category_id in tree:
        return {"category": {"path": tree.path(category_id)}}
    # None, or gone: then only the version knows its name.
    return {"category": _snapshot(connection, wish.part_id, wish.number)["category"]}


def _blocked(connection: Connection, part_id: int, changed: Mapping[str, Any]) -> list[DuplicateError | InvalidFieldError]:
    """Return what blocks writing `changed`, each with its remedy."""
    found: list[DuplicateError | InvalidFieldError] = [
        _taken(field, changed[field], holder)
        for field in UNIQUE.values()
        if field in changed and (holder := slugs.holder(connection, field, changed[field], part_id))
    ]
    category_id = changed.get("category_id")
    if category_id is not None and not categories.exists(connection, category_id):
        found.append(_gone(f"{category_id} of that version"))
    return found


def _gone(category: str) -> InvalidFieldError:
    message = f"The category {category} is gone; leave it out: name the other ones in `fields`."
    return InvalidFieldError("category_id", message)


def _taken(field: str, value: str, holder: Holder | None = None) -> DuplicateError:
    return DuplicateError(field, value, "leave it out of this restore: name the other ones in `fields`", holder)


def _reason(wish: Wish, reason: str | None) -> str:
    return f"Restored version {wish.number}" + (f": {reason}" if reason else "")
