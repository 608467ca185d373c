"""The category tree: creating, renaming, moving and deleting categories.

Parts name only the category that they are in; what it is called and where it stands is joined when an answer is put together. So
a change to the tree is one row and one event, however many parts are below; only a deletion moves parts. Changes to the tree are
serialised (`app.store.locks`).
"""

from typing import Any

from sqlalchemy import Row

from app.contract.events import Actor
from app.domain.content import MAX_CATEGORY_DESCRIPTION, changed_columns
from app.domain.errors import CategoryNotEmptyError, InvalidFieldError, NotFoundError
from app.services.images import refuse_early
from app.services.intent import Expected, Intent
from app.services.rich_text import with_clean_description
from app.services.slugs import category_slug
from app.store import categories as rows
from app.store import content
from app.store.locks import close_category, lock_category_tree, lock_parts
from app.store.transaction import TransactionManager, UnitOfWork

# Parts per statement, so that each stays far below the statement timeout.
CHUNK = 500


def create_category(
    transactions: TransactionManager, intent: Intent, name: str, parent_id: int | None, slug: str | None, description: str = ""
) -> dict[str, Any]:
    """Create a category and return it; without a slug it gets one derived from its name.

    Raises:
        InvalidFieldError: if the parent does not exist, or is too deep in the tree, or the description is too long.
        DuplicateError: if the parent has a category of that name, or the slug is taken.
    """
    clean = with_clean_description({"description": description}, MAX_CATEGORY_DESCRIPTION)["description"]

    def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
        lock_category_tree(unit_of_work)
        tree = rows.tree(unit_of_work.connection)
        tree.check_place(parent_id)
        tree.check_names(name, parent_id, slug)
        address = slug or category_slug(name)
        made = rows.insert(unit_of_work, name, address, parent_id, intent.reason, clean, chosen=slug is not None)
        (row,) = rows.load(unit_of_work.connection, made["id"])
        # Its event is written at commit, so `load` cannot find who made it yet.
        return rows.state(row) | {"changed_by": _person(intent.actor)}

    return transactions.run(intent.actor, work, intent.call)


def change_category(
    transactions: TransactionManager, intent: Intent, category_id: int, changes: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Rename, move, describe or picture a category and return it; values that are already so change nothing.

    Args:
        changes: their `picture` is None, what is stored of one, or the `alt` of the present one.

    Raises:
        NotFoundError, ConcurrencyError, InvalidFieldError, DuplicateError, DatabaseConsistencyError.
    """
    changes = with_clean_description(changes, MAX_CATEGORY_DESCRIPTION)
    # Beforehand: many parts take a while to count, for which nobody else who changes the tree should have to wait.
    held = transactions.run(intent.actor, lambda unit_of_work: rows.held(unit_of_work, category_id))

    def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
        before = _locked(unit_of_work, category_id, intent.expected)
        counted = {"part_count": held.parts - held.archived}
        changed = changed_columns(dict(before._mapping), changes | _pictured(before.picture, changes))
        if not changed:
            return rows.state(before) | counted
        tree = rows.tree(unit_of_work.connection)
        if "parent_id" in changed:
            tree.check_place(changed["parent_id"], category_id)
        wanted = before._asdict() | changed
        tree.check_names(wanted["name"], wanted["parent_id"], wanted["slug"], category_id)
        rows.update(unit_of_work, before, changed, intent.reason)
        (after,) = rows.load(unit_of_work.connection, category_id, counted=False)
        return rows.state(after) | counted | {"changed_by": _person(intent.actor)}

    return transactions.run(intent.actor, work, intent.call)


def refuse_picture_early(transactions: TransactionManager, intent: Intent, category_id: int) -> dict[str, Any] | None:
    """Refuse a picture for a category that is not there or has changed; see `app.services.images.refuse_early`.

    Raises:
        NotFoundError, ConcurrencyError, KeyReusedError.
    """
    return refuse_early(transactions, intent, lambda work: _locked(work, category_id, intent.expected))


def delete_category(
    transactions: TransactionManager, intent: Intent, category_id: int, target: int | None,
) -> dict[str, Any]:  # fmt: skip
    """Delete a category and return it as it was; what it holds goes to `target` first.

    Raises:
        CategoryNotEmptyError: if it holds parts or categories and there is no target.
        NotFoundError, ConcurrencyError, InvalidFieldError, DatabaseConsistencyError.
    """

    def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
        _locked(unit_of_work, category_id, intent.expected)
        (before,) = rows.load(unit_of_work.connection, category_id)
        tree = rows.tree(unit_of_work.connection)
        if target is not None:
            tree.check_heir(target, category_id)
        close_category(unit_of_work, category_id)
        if target is None:
            _check_empty(unit_of_work, category_id)
        else:
            deleted = f'category "{before.name}" deleted'
            # The parts first: one that is on its way into a subcategory would wait for its row while we wait for the part's.
            _move_parts(unit_of_work, category_id, target, deleted)
            for child in tree.children(category_id):
                (row,) = rows.load(unit_of_work.connection, child.id, counted=False)
                rows.update(unit_of_work, row, {"parent_id": target}, deleted)
        rows.delete(unit_of_work, before, intent.reason)
        return rows.state(before)

    return transactions.run(intent.actor, work, intent.call)


def _pictured(present: dict[str, Any] | None, changes: dict[str, Any]) -> dict[str, Any]:
    """Return the picture that a category is to have, if it is named at all."""
    given = changes.get("picture")
    if not given:
        return {}
    if "digest" not in given and present is None:
        raise InvalidFieldError("picture", "This category has no picture yet; send one first.")
    return {"picture": {**(present or {}), **given}}


def _locked(unit_of_work: UnitOfWork, category_id: int, expected: Expected) -> Row[Any]:
    lock_category_tree(unit_of_work)
    found = rows.load(unit_of_work.connection, category_id, counted=False)
    if not found:
        raise NotFoundError(f"There is no category {category_id}.")
    if expected.version not in {None, found[0].version}:
        found = rows.load(unit_of_work.connection, category_id)
    expected.check("category", found[0].version, rows.state(found[0]))
    return found[0]


def _move_parts(unit_of_work: UnitOfWork, category_id: int, target: int, reason: str) -> None:
    """Move the parts of a closed category, each as its next version, whatever its state."""
    part_ids = rows.part_ids(unit_of_work, category_id)
    for start in range(0, len(part_ids), CHUNK):
        locked = lock_parts(unit_of_work, part_ids[start : start + CHUNK])
        # One that moved away before it was locked is no longer here.
        chunk = [row.id for row in locked if row.category_id == category_id]
        before = content.load(unit_of_work.connection, chunk)
        rows.move_parts(unit_of_work, chunk, target)
        for part_id, after in content.load(unit_of_work.connection, chunk).items():
            unit_of_work.record(content.changed_event(before[part_id], after, reason))


def _check_empty(unit_of_work: UnitOfWork, category_id: int) -> None:
    held = rows.held(unit_of_work, category_id)
    if held.parts or held.children:
        raise CategoryNotEmptyError(held.parts, held.archived, held.children)


def _person(actor: Actor) -> dict[str, Any]:
    return {"id": actor.user_id, "name": actor.name}
