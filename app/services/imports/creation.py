"""Writing the new parts of a catalog file: their rows in a handful of statements, and the first events of each."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from app.domain.imports.merging import merged_specifications, with_base_price
from app.domain.imports.rows import ImportRow
from app.domain.pricing import PriceLine
from app.domain.stock import Stock
from app.services.imports.places import Places
from app.services.slugs import part_slug
from app.store import content, prices, slugs, stock
from app.store.imports import bulk
from app.store.transaction import UnitOfWork


def create_parts(unit_of_work: UnitOfWork, rows: Sequence[ImportRow], places: Places, reason: str) -> Sequence[ImportRow]:
    """Insert the parts that the rows name; return the rows whose part somebody else created in the meantime.

    `places` has all their categories.
    """
    if not rows:
        return []
    columns = {row.sku: _columns(row, places) for row in rows}
    inserted = slugs.insert_parts(unit_of_work, list(columns.values()), {row.sku for row in rows if row.slug})
    by_id = {inserted[row.sku].id: row for row in rows if row.sku in inserted}
    stocks = {part_id: Stock(row.current_stock or 0, 0, row.min_stock_level or 0) for part_id, row in by_id.items()}
    stock_rows = stock.insert_many(unit_of_work, [{"part_id": part_id, **one.quantities()} for part_id, one in stocks.items()])
    specifications = {part_id: merged_specifications(row, []) or [] for part_id, row in by_id.items()}
    lists = {part_id: with_base_price([], *row.price) for part_id, row in by_id.items() if row.price}

    def write_the_rest() -> None:
        content.insert_specifications(unit_of_work, specifications)
        prices.insert_undated_lines(unit_of_work, lists)

    # The database and this process work in parallel; the connection has only one user at any time.
    with ThreadPoolExecutor(max_workers=1) as beside:
        written = beside.submit(write_the_rest)
        for part_id, row in by_id.items():
            path = list(places[row.category or ()].steps) or None
            made = inserted[row.sku]
            described = columns[row.sku] | {"slug": made.slug}
            created = content.of_new(described, made, unit_of_work.actor, path, specifications[part_id])
            unit_of_work.record(content.created_event(created, reason))
        for stocked in stock_rows:
            is_public = by_id[stocked.part_id].status != "draft"
            _record_stock(unit_of_work, stocked, stocks[stocked.part_id], reason, is_public=is_public)
            if stocked.part_id in lists:
                _record_prices(unit_of_work, stocked, lists, reason, is_public=is_public)
        written.result()
    bulk.keep_search(unit_of_work, list(by_id))
    return [row for row in rows if row.sku not in inserted]


def _columns(row: ImportRow, places: Places) -> dict[str, Any]:
    return {
        "sku": row.sku,
        "slug": row.slug or part_slug(row.part_name, row.sku),
        "part_name": row.part_name,
        "description": row.description or "",
        "category_id": places[row.category or ()].id,
        "manufacturer": row.manufacturer or None,
        "manufacturer_number": row.manufacturer_number or None,
        "status": row.status or "published",
    }


def _record_stock(unit_of_work: UnitOfWork, row: Any, first: Stock, reason: str, *, is_public: bool) -> None:
    actor, at = unit_of_work.actor, row.updated_at
    state = stock.full_state(row.part_id, first, actor.user_id, actor.name, at)
    unit_of_work.record(stock.created_event(row.part_id, row.id, first, state, at, is_public=is_public, reason=reason))


def _record_prices(
    unit_of_work: UnitOfWork, row: Any, lists: Mapping[int, list[PriceLine]], reason: str, *, is_public: bool
) -> None:
    event = prices.updated_event(
        row.part_id, 1, None, lists[row.part_id], legacy=None, at=row.updated_at, is_public=is_public, reason=reason
    )
    unit_of_work.record(event)
