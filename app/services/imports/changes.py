"""Writing what a catalog file changes in existing parts, with an event for each aspect."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from app.domain.imports.merging import merged_columns
from app.services.imports.difference import ContentChange, Difference, PriceChange, StockChange
from app.services.imports.places import Places
from app.store import content, prices, stock
from app.store.imports import bulk
from app.store.transaction import UnitOfWork


def change_parts(unit_of_work: UnitOfWork, difference: Difference, places: Places, reason: str) -> None:
    """Write the parts that change. `places` has every category the rows name."""
    if not difference.changed:
        return
    shown = _change_contents(unit_of_work, difference.contents, places, reason)
    public = (difference.public - difference.contents.keys()) | shown
    change_stocks(unit_of_work, difference.stocks, public, reason)
    _change_prices(unit_of_work, difference.prices, public, reason)
    bulk.keep_search(unit_of_work, list(difference.changed))


def _change_contents(
    unit_of_work: UnitOfWork, changes: Mapping[int, ContentChange], places: Places, reason: str
) -> AbstractSet[int]:
    """Write contents, and return those of these parts that customers can see now."""
    if not changes:
        return set()
    wanted = [
        {"part_id": part_id, **merged_columns(one.row, one.present.row, places[one.row.category or ()].id)}
        for part_id, one in changes.items()
    ]
    bulk.update_parts(unit_of_work, wanted)
    specifications = {part_id: one.specifications for part_id, one in changes.items() if one.specifications is not None}
    if specifications:
        content.replace_specifications(unit_of_work, specifications)
    after = content.load(unit_of_work.connection, list(changes))
    for part_id, one in changes.items():
        unit_of_work.record(content.changed_event(one.present, after[part_id], reason))
    return {part_id for part_id, one in after.items() if one.is_public}


def change_stocks(unit_of_work: UnitOfWork, changes: Mapping[int, StockChange], public: AbstractSet[int], reason: str) -> None:
    """Write stocks, by part, whose rows are locked; `public` has those parts of them that customers see."""
    if not changes:
        return
    times = stock.update_many(unit_of_work, [{"part_id": part_id, **one.after.quantities()} for part_id, one in changes.items()])
    actor = unit_of_work.actor
    for part_id, (row_id, before, after) in changes.items():
        at = times[part_id]
        state = stock.full_state(part_id, after, actor.user_id, actor.name, at)
        unit_of_work.record(stock.updated_event(part_id, row_id, before, after, state, at, reason, is_public=part_id in public))


def _change_prices(unit_of_work: UnitOfWork, changes: Mapping[int, PriceChange], public: AbstractSet[int], reason: str) -> None:
    if not changes:
        return
    prices.replace_lines(unit_of_work, {part_id: one.after for part_id, one in changes.items()})
    for part_id, touched in bulk.touch_prices(unit_of_work, list(changes)).items():
        before, after = changes[part_id]
        event = prices.updated_event(
            part_id, touched.price_version, before, after, legacy=None, at=touched.price_updated_at,
            is_public=part_id in public, reason=reason,
        )  # fmt: skip
        unit_of_work.record(event)
