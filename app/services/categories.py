"""The category tree: creating, renaming, moving and deleting categories.

A part's content includes its category's path, so a change to a path also creates, in the same transaction, the next content
version of every part below it, whatever its state. Changes to the tree are serialised; see `app.store.locks` for what keeps parts
from entering a category while its path changes.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Row

from app.contract.events import Actor
from app.domain.categories import Tree
from app.domain.content import changed_columns
from app.domain.errors import CategoryNotEmptyError, NotFoundError
from app.services.intent import Expected, Intent
from app.services.slugs import category_slug
from app.store import categories as rows
from app.store import content
from app.store.locks import lock_categories, lock_category_tree, lock_parts
from app.store.transaction import TransactionManager, UnitOfWork

# Parts per statement, so that each stays far below the statement timeout.
CHUNK = 500
# The change that the history of parts below names, the most significant first.
_DONE = {"parent_id": "moved", "name": "renamed", "slug": "given another address"}


def create_category(
    transactions: TransactionManager, intent: Intent, name: str, parent_id: int | None, slug: str | None
) -> dict[str, Any]:
    """Create a category and return it; without a slug it gets one derived from its name.

    Raises:
        InvalidFieldError: if the parent does not exist, or is too deep in the tree.
        DuplicateError: if the parent has a category of that name, or the slug is taken.
    """

    def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
        lock_category_tree(unit_of_work)
        tree = rows.tree(unit_of_work.connection)
        tree.check_place(parent_id)
        tree.check_names(name, parent_id, slug)
        address = slug or category_slug(name)
        category_id = rows.insert(unit_of_work, name, address, parent_id, intent.reason, chosen=slug is not None)["id"]
        (made,) = rows.load(unit_of_work.connection, category_id)
        # Its event is written at commit, so `load` cannot find who made it yet.
        return rows.state(made) | {"changed_by": _person(intent.actor)}

    return transactions.run(intent.actor, work, intent.call)


def change_category(
    transactions: TransactionManager, intent: Intent, category_id: int, changes: dict[str, Any],
) -> dict[str, Any]:  # fmt: skip
    """Rename or move a category and return it; values that are already so change nothing.

    Raises:
        NotFoundError, ConcurrencyError, InvalidFieldError, DuplicateError, DatabaseConsistencyError.
    """

    def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
        before = _locked(unit_of_work, category_id, intent.expected)
        changed = changed_columns(dict(before._mapping), changes)
        if not changed:
            return rows.state(before)
        tree = rows.tree(unit_of_work.connection)
        if "parent_id" in changed:
            tree.check_place(changed["parent_id"], category_id)
        wanted = before._asdict() | changed
        tree.check_names(wanted["name"], wanted["parent_id"], wanted["slug"], category_id)
        parts = _lock_below(unit_of_work, tree, category_id)
        rows.update(unit_of_work, before, changed, intent.reason)
        done = next(what for field, what in _DONE.items() if field in changed)
        _advance(unit_of_work, tree, parts, f'category "{before.name}" {done}')
        (after,) = rows.load(unit_of_work.connection, category_id)
        return rows.state(after) | {"changed_by": _person(intent.actor)}

    return transactions.run(intent.actor, work, intent.call)


def delete_category(
    transactions: TransactionManager, intent: Intent, category_id: int, target: int | None,
) -> dict[str, Any]:  # fmt: skip
    """Delete a category and return it as it was; what it holds goes to `target` first.

    Raises:
        CategoryNotEmptyError: if it holds parts or categories and there is no target.
        NotFoundError, ConcurrencyError, InvalidFieldError, DatabaseConsistencyError.
    """

    def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
        before = _locked(unit_of_work, category_id, intent.expected)
        tree = rows.tree(unit_of_work.connection)
        if target is not None:
            tree.check_heir(target, category_id)
        parts = _lock_below(unit_of_work, tree, category_id)
        if target is None:
            _check_empty(unit_of_work, category_id)
        deleted = f'category "{before.name}" deleted'
        for child in tree.children(category_id):
            (row,) = rows.load(unit_of_work.connection, child.id)
            rows.update(unit_of_work, row, {"parent_id": target}, deleted)
        _advance(unit_of_work, tree, parts, deleted, left=category_id, target=target)
        rows.delete(unit_of_work, before, intent.reason)
        return rows.state(before)

    return transactions.run(intent.actor, work, intent.call)


def _locked(unit_of_work: UnitOfWork, category_id: int, expected: Expected) -> Row[Any]:
    lock_category_tree(unit_of_work)
    found = rows.load(unit_of_work.connection, category_id)
    if not found:
        raise NotFoundError(f"There is no category {category_id}.")
    expected.check("category", found[0].version, rows.state(found[0]))
    return found[0]


def _lock_below(unit_of_work: UnitOfWork, tree: Tree, category_id: int) -> dict[int, int]:
    """Lock a category with all its descendants, and all parts in these; return the parts' categories."""
    category_ids = tree.below(category_id)
    lock_categories(unit_of_work, category_ids)
    parts: dict[int, int] = {}
    for chunk in _chunks(rows.part_ids(unit_of_work, category_ids)):
        parts |= {row.id: row.category_id for row in lock_parts(unit_of_work, chunk)}
    # A part that moved away before it was locked is no longer below.
    inside = set(category_ids)
    return {part_id: place for part_id, place in parts.items() if place in inside}


def _advance(
    unit_of_work: UnitOfWork, before: Tree, parts: Mapping[int, int], reason: str, *, left: int | None = None,
    target: int | None = None,
) -> None:  # fmt: skip
    """Give the parts, whose categories' paths have changed since `before`, their next version and its event."""
    paths = {place: before.path(place) for place in set(parts.values())}
    for chunk in _chunks(parts):
        rows.advance_parts(unit_of_work, chunk, left, target)
        for part_id, after in content.load(unit_of_work.connection, chunk).items():
            unit_of_work.record(content.moved_event(after, paths[parts[part_id]], reason))


def _check_empty(unit_of_work: UnitOfWork, category_id: int) -> None:
    held = rows.held(unit_of_work, category_id)
    if held.parts or held.children:
        raise CategoryNotEmptyError(held.parts, held.archived, held.children)


def _chunks(part_ids: Iterable[int]) -> Iterator[list[int]]:
    remaining = iter(part_ids)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk


def _person(actor: Actor) -> dict[str, Any]:
    return {"id": actor.user_id, "name": actor.name}
