"""What staff read: the grid, one part with everything, its versions, the audit trail. Always from PostgreSQL."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, Row

from app.contract.events import Source
from app.contract.formats import rfc3339
from app.domain.errors import NotFoundError
from app.domain.pictures import thumbnail
from app.domain.stock import Stock
from app.services.as_of import part_as_of
from app.services.content import whole_part
from app.services.intent import ANY, Expected
from app.services.offload import Offload, at_once
from app.services.versions import Wish, difference, kept, rehearse
from app.store import admin_parts, audit, categories, content, versions
from app.store import stock as stock_rows
from app.store.admin_parts import GridFilters
from app.store.currencies import written
from app.store.paging import FoundPage, Page, Position


class AdminReader:
    """Reads for the panel.

    Args:
        currency: the shop's: of a part's prices the one in it is shown, if no other is asked for.
        offload: runs a slow function outside the event loop, if there is one.
    """

    def __init__(self, reading: Engine, currency: str | None = None, offload: Offload = at_once) -> None:
        self._reading = reading
        self._offload = offload
        self._currency = currency

    def list_parts(self, filters: GridFilters, sort: str, after: Position | None, limit: int) -> FoundPage[dict[str, Any]]:
        """Return one page of the grid."""
        with self._reading.connect() as connection:
            page = admin_parts.list_parts(connection, filters, sort, after, limit, self._currency)
        return FoundPage([_list_item(row) for row in page.items], page.next, page.match)

    def categories(self) -> list[dict[str, Any]]:
        """Return the category tree as a flat list, each with its parent and, as `sort_key`, its place in the order of names."""
        with self._reading.connect() as connection:
            return [categories.state(row) | {"sort_key": row.sort_key} for row in categories.load(connection)]

    def category(self, category_id: int) -> dict[str, Any]:
        """Return one category.

        Raises:
            NotFoundError: if there is no such category.
        """
        with self._reading.connect() as connection:
            found = categories.load(connection, category_id)
        if not found:
            raise NotFoundError(f"There is no category {category_id}.")
        return categories.state(found[0])

    def part(self, part_id: int) -> dict[str, Any]:
        """Return one part with everything; see `app.services.content.whole_part`."""
        with self._reading.connect() as connection:
            return whole_part(connection, part_id)

    def versions(self, part_id: int, before: int | None, limit: int, source: str | None = None) -> list[dict[str, Any]]:
        """Return a part's content versions, newest first; one more than `limit` if there are more.

        Args:
            source: only those that came by this way (`Source`).

        Raises:
            NotFoundError: if there is no such part.
        """
        with self._reading.connect() as connection:
            if not content.load(connection, [part_id]):
                raise NotFoundError(f"There is no part {part_id}.")
            return [_version(row) for row in versions.versions(connection, part_id, before, limit + 1, source)]

    def version(self, part_id: int, version_number: int) -> dict[str, Any]:
        """Return one content version with its snapshot; see `app.services.versions.kept`."""
        with self._reading.connect() as connection:
            return _version(kept(connection, part_id, version_number))

    def version_diff(self, part_id: int, number: int, to: int | None) -> dict[str, Any]:
        """Return what differs between two content versions; see `app.services.versions.difference`."""
        return difference(self._reading, part_id, number, to, self._offload)

    def rehearse_restore(self, wish: Wish, expected: Expected = ANY) -> dict[str, Any]:
        """Return what restoring a version would change; see `app.services.versions.rehearse`."""
        return rehearse(self._reading, wish, expected, self._offload)

    def part_as_of(self, part_id: int, at: datetime) -> dict[str, Any]:
        """Return a part as customers saw it; see `app.services.as_of.part_as_of`."""
        return part_as_of(self._reading, part_id, at)

    def audit(self, filters: dict[str, Any], after: Position | None, limit: int) -> Page[dict[str, Any]]:
        """Return one page of the audit trail, newest change first."""
        with self._reading.connect() as connection:
            rows = audit.entries(connection, filters, after, limit + 1)
        following = audit.position_of(rows[limit - 1]) if len(rows) > limit else None
        return Page([_plain(row) for row in rows[:limit]], following)

    def audit_rows(self, filters: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield all rows of the audit trail that fit and are there now, newest change first, in bounded memory."""
        return (_plain(row) for row in audit.stream(self._reading, filters))


def _plain(row: Row[Any]) -> dict[str, Any]:
    return {name: rfc3339(value) if hasattr(value, "astimezone") else value for name, value in row._mapping.items()}


def _version(row: Row[Any]) -> dict[str, Any]:
    plain = _plain(row)
    # An older release wrote neither.
    change = plain.pop("change") or {}
    number = change.get("number")
    return plain | {
        "kind": change.get("kind"),
        "fields": change.get("fields"),
        "message": change.get("message"),
        "restored_from": number if row.source == Source.RESTORE else None,
        "import_id": number if row.source in {Source.IMPORT, Source.UNDO} else None,
    }


def _list_item(row: Row[Any]) -> dict[str, Any]:
    stock = Stock(row.current_stock, row.reserved_quantity, row.min_stock_level, row.stock_version)
    category = {"id": row.category_id, "name": row.category_name, "slug": row.category_slug} if row.category_id else None
    price = None
    if row.amount is not None:
        price = {"amount": written(row.amount, row.currency), "currency": row.currency, "version": row.price_version}
    return {
        "id": row.id,
        "sku": row.sku,
        "slug": row.slug,
        "part_name": row.part_name,
        "status": row.status,
        "category": category,
        "version": row.version,
        "updated_at": rfc3339(row.updated_at),
        "changed_by": {"id": row.changed_by, "name": row.changed_by_name} if row.changed_by else None,
        "stock": stock_rows.full_state(row.id, stock, row.last_updated_by, row.last_updated_by_name, row.stock_updated_at),
        "price": price,
        "thumbnail": thumbnail(row.picture) if row.picture else None,
    }
