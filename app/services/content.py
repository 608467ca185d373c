"""Content: creating a part, changing its content, archiving and restoring it."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from psycopg.errors import ForeignKeyViolation, UniqueViolation
from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from app.contract.formats import rfc3339
from app.domain.content import MAX_DESCRIPTION, changed_columns
from app.domain.errors import ArchivedError, InvalidFieldError, NotFoundError
from app.domain.pricing import PriceLine
from app.domain.stock import Stock
from app.services.intent import Expected, Intent
from app.services.offload import Offload, at_once
from app.services.prices import current_state as price_state
from app.services.rich_text import with_clean_description
from app.services.slugs import part_slug
from app.store import admin_parts, prices, slugs, stock
from app.store import content as rows
from app.store.content import Content
from app.store.locks import lock_part
from app.store.transaction import TransactionManager, UnitOfWork

T = TypeVar("T")

# The constraints that keep a value unique among parts, each with its column.
UNIQUE = {"uq_parts_sku": "sku", "uq_parts_slug": "slug"}
# The constraint that keeps a part from being in no category at all. Whoever deletes one closes it first (`app.store.locks`).
_IN_CATEGORY = "fk_parts_category_id_categories"

_DEFAULTS: dict[str, Any] = {
    "description": "", "category_id": None, "manufacturer": None, "manufacturer_number": None, "status": "draft",
}  # fmt: skip


def create_part(
    transactions: TransactionManager, intent: Intent, values: dict[str, Any], specifications: Sequence[dict[str, Any]],
    price_list: Sequence[PriceLine], quantities: dict[str, int], offload: Offload = at_once,
) -> dict[str, Any]:  # fmt: skip
    """Create a part with its stock, and its prices and specifications if given; return all of it.

    Without a slug it gets a generated one.

    Raises:
        DuplicateError: if the SKU or the chosen slug is taken.
        InvalidFieldError: if the category does not exist.
    """
    values = offload(with_clean_description, values, MAX_DESCRIPTION)

    def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
        columns = _DEFAULTS | {"slug": part_slug(values["part_name"], values["sku"])} | values
        chosen = {values["sku"]} if "slug" in values else frozenset()
        inserted = slugs.insert_parts(unit_of_work, [columns], chosen)
        if not inserted:
            raise slugs.duplicate(unit_of_work.connection, "sku", values["sku"])
        part_id = int(inserted[values["sku"]].id)
        if specifications:
            rows.replace_specifications(unit_of_work, {part_id: specifications})
        initial = Stock(**{"current_stock": 0, **quantities})
        stock_row = stock.insert(unit_of_work, part_id, initial.quantities())
        after = rows.load(unit_of_work.connection, [part_id])[part_id]
        unit_of_work.record(rows.created_event(after))
        state = stock.full_state(part_id, initial, intent.actor.user_id, intent.actor.name, stock_row.updated_at)
        unit_of_work.record(
            stock.created_event(part_id, stock_row.id, initial, state, stock_row.updated_at, is_public=after.is_public)
        )
        if price_list:
            prices.replace_lines(unit_of_work, {part_id: price_list})
            unit_of_work.record(
                prices.updated_event(
                    part_id, 1, None, price_list, legacy=None, at=stock_row.updated_at, is_public=after.is_public
                )
            )
        return whole_part(unit_of_work.connection, part_id)

    return _explaining_refusals(transactions, intent, work, values)


def update_part(
    transactions: TransactionManager, intent: Intent, part_id: int, changes: dict[str, Any], offload: Offload = at_once
) -> dict[str, Any]:
    """Write the given content fields of a part and return its state; values that are already so change nothing.

    Raises:
        NotFoundError, ArchivedError, ConcurrencyError, DuplicateError, InvalidFieldError.
    """
    changes = offload(with_clean_description, changes, MAX_DESCRIPTION)

    def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
        before = locked_to_change(unit_of_work, part_id, intent.expected)
        changed = changed_columns(dict(before.row._mapping), changes)
        if not changed:
            return current_state(before)
        return current_state(rows.save(unit_of_work, before, changed, archived=False, reason=intent.reason))

    return _explaining_refusals(transactions, intent, work, changes)


def set_archived(transactions: TransactionManager, intent: Intent, part_id: int, *, archived: bool) -> dict[str, Any]:
    """Archive a part, or restore it as it was, and return its state; doing so twice changes nothing.

    Raises:
        NotFoundError, ConcurrencyError.
    """

    def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
        before = _locked(unit_of_work, part_id, intent.expected)
        if (before.row.archived_at is not None) == archived:
            return current_state(before)
        return current_state(rows.save(unit_of_work, before, {}, archived=archived, reason=intent.reason))

    return transactions.run(intent.actor, work, intent.call)


def _locked(unit_of_work: UnitOfWork, part_id: int, expected: Expected) -> Content:
    lock_part(unit_of_work, part_id)
    before = rows.load(unit_of_work.connection, [part_id])[part_id]
    expected.check("content", before.version, current_state(before))
    return before


def locked_to_change(unit_of_work: UnitOfWork, part_id: int, expected: Expected) -> Content:
    """Lock a part that may be changed and return its content.

    Raises:
        NotFoundError, ArchivedError, ConcurrencyError.
    """
    before = _locked(unit_of_work, part_id, expected)
    if before.row.archived_at is not None:
        raise ArchivedError
    return before


def current_state(content: Content) -> dict[str, Any]:
    """Return content as writes and conflicts show it: the present values, who set them, and when."""
    row = content.row
    who = {"id": row.last_updated_by, "name": row.last_updated_by_name} if row.last_updated_by else None
    return content.state() | {"changed_by": who, "changed_at": rfc3339(row.updated_at)}


def whole_part(connection: Connection, part_id: int) -> dict[str, Any]:
    """Return one part with its content, stock and prices, each with its version.

    Raises:
        NotFoundError: if there is no such part.
    """
    found = rows.load(connection, [part_id]).get(part_id)
    if found is None:
        raise NotFoundError(f"There is no part {part_id}.")
    stock_row = admin_parts.stock_row(connection, part_id)
    price = price_state(connection, part_id)
    return found.state() | {
        "created_at": rfc3339(found.row.created_at),
        "stock": stock.state_of(stock_row),
        "price": price,
        "versions": {"content": found.version, "stock": stock_row.version, "price": price["version"]},
    }


def is_without_category(error: IntegrityError) -> bool:
    """Return whether a part was not written because there is no such category, or no longer."""
    return isinstance(error.orig, ForeignKeyViolation) and error.orig.diag.constraint_name == _IN_CATEGORY


def _explaining_refusals(
    transactions: TransactionManager, intent: Intent, work: Callable[[UnitOfWork], T], values: dict[str, Any]
) -> T:
    try:
        return transactions.run(intent.actor, work, intent.call)
    except IntegrityError as error:
        if is_without_category(error):
            message = f"There is no category {values['category_id']}; list them at /api/v1/categories."
            raise InvalidFieldError("category_id", message) from error
        taken = UNIQUE.get(error.orig.diag.constraint_name or "") if isinstance(error.orig, UniqueViolation) else None
        if taken is None:
            raise
        with transactions.atomic_operation(intent.actor) as unit_of_work:
            raise slugs.duplicate(unit_of_work.connection, taken, values[taken]) from error
