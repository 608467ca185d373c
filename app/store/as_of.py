"""What a part's stock, prices and category were at a given moment, reconstructed from the audit trail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, text

from app.contract.task_names import Effect
from app.domain.categories import DEEPEST
from app.domain.pricing import PriceLine
from app.domain.stock import Stock
from app.store.prices import line_of

# By the clock that the records' times are from.
# The code on a customer's page names the end of the second in which it was seen, which staff may open within that second.
_HAS_PASSED = text("SELECT CAST(:at AS timestamptz) <= clock_timestamp() + interval '1 second'")
# The trail's stock rows have the changed columns only, so the newest value of each column applies.
_STOCK = text("""
    SELECT DISTINCT ON (v.key) v.key, v.value::text::int AS value
    FROM data_change_logs l CROSS JOIN LATERAL jsonb_each(l.new_values) v
    WHERE l.part_id = :part_id AND l.changed_at <= :at AND l.table_name = 'stock_levels'
    ORDER BY v.key, l.version DESC, l.id DESC
""")
# A price that began or ended on its date has a row of its own, which has the price but not the list.
_PRICES = text("""
    SELECT l.new_values -> 'prices' AS prices FROM data_change_logs l
    WHERE l.part_id = :part_id AND l.changed_at <= :at AND l.table_name IN ('part_prices', 'prices') AND l.new_values ? 'prices'
    ORDER BY l.version DESC, l.id DESC LIMIT 1
""")
_PRICE_VERSION = text("""
    SELECT max(l.version) AS version, max(l.changed_at) AS changed_at FROM data_change_logs l
    WHERE l.part_id = :part_id AND l.changed_at <= :at AND l.table_name IN ('part_prices', 'prices')
""")
# A legacy price is written once and ends when it is moved to the price list; that event records what it was.
_LEGACY_MOVED = text("""
    SELECT l.old_values -> 'legacy' AS legacy FROM data_change_logs l
    WHERE l.part_id = :part_id AND l.changed_at > :at AND l.table_name = 'prices' AND l.old_values ? 'legacy'
    ORDER BY l.version, l.id DESC LIMIT 1
""")
_LEGACY = text("SELECT currency, amount, updated_at <= :at AS is_known FROM prices WHERE part_id = :part_id")
# What the first change since then replaced; what none has changed is as it is now. A category that is gone left everything there.
_CATEGORY = text("""
    SELECT DISTINCT ON (key) key, value FROM (
        SELECT old.key, old.value, l.version, l.id
        FROM data_change_logs l CROSS JOIN LATERAL jsonb_each(l.old_values) old
        WHERE l.table_name = 'categories' AND l.record_id = :category_id AND l.changed_at > :at
        UNION ALL
        SELECT now.key, now.value, NULL, NULL
        FROM categories c CROSS JOIN LATERAL jsonb_each(to_jsonb(c)) now
        WHERE c.id = :category_id) known
    WHERE key IN ('name', 'slug', 'parent_id')
    ORDER BY key, version NULLS LAST, id DESC
""")
# Of all categories: which ones the part was in is only known with what their rows say.
_OWED = text("""
    SELECT EXISTS (
        SELECT FROM outbox_events e JOIN outbox_deliveries d ON d.event_id = e.id
        WHERE e.aggregate_type = 'part' AND e.aggregate_id = :part_id AND e.created_at <= :at
          AND d.effect = ANY(:effects) AND d.state <> 'done'
        UNION ALL
        SELECT FROM outbox_deliveries d JOIN outbox_events e ON e.id = d.event_id
        WHERE d.effect = :audit AND d.state IN ('pending', 'dead') AND e.aggregate_type = 'category'
        UNION ALL
        SELECT FROM outbox_deliveries d JOIN outbox_events e ON e.id = d.event_id
        WHERE d.effect = :audit AND d.state = 'discarded' AND e.aggregate_type = 'category')
""")


@dataclass(frozen=True, slots=True)
class PricesThen:
    """The price list at a moment, its version, and since when; without any price event, an empty list at version 1."""

    lines: Sequence[PriceLine]
    version: int
    since: datetime | None


def has_passed(connection: Connection, at: datetime) -> bool:
    """Return whether this moment has passed, or is the end of the present second."""
    return bool(connection.execute(_HAS_PASSED, {"at": at}).scalar_one())


def stock(connection: Connection, part_id: int, at: datetime) -> Stock | None:
    """Return the stock at that moment, or None if there was none."""
    values = {row.key: row.value for row in connection.execute(_STOCK, {"part_id": part_id, "at": at})}
    return Stock(**values) if "current_stock" in values else None


def prices(connection: Connection, part_id: int, at: datetime) -> PricesThen:
    """Return the price list at that moment."""
    parameters = {"part_id": part_id, "at": at}
    listed = connection.execute(_PRICES, parameters).scalar_one_or_none()
    newest = connection.execute(_PRICE_VERSION, parameters).one()
    return PricesThen([line_of(line) for line in listed or ()], newest.version or 1, newest.changed_at)


def legacy(connection: Connection, part_id: int, at: datetime) -> tuple[PriceLine | None, bool]:
    """Return the part's legacy price at that moment, and whether that is certain: one written since may have been different."""
    moved = connection.execute(_LEGACY_MOVED, {"part_id": part_id, "at": at}).scalar_one_or_none()
    if moved is not None:
        return PriceLine(moved["currency"], Decimal(moved["amount"])), True
    row = connection.execute(_LEGACY, {"part_id": part_id, "at": at}).one_or_none()
    if row is None:
        return None, True
    return (PriceLine(row.currency, row.amount) if row.is_known else None), row.is_known


def category(connection: Connection, category_id: int, at: datetime) -> dict[str, Any] | None:
    """Return the category with its path at that moment, or None if nothing says what it was."""
    steps: list[dict[str, Any]] = []
    step: int | None = category_id
    while step is not None and len(steps) < DEEPEST:
        values = {row.key: row.value for row in connection.execute(_CATEGORY, {"category_id": step, "at": at})}
        if not values:
            return None
        steps.insert(0, {"id": step, "name": values["name"], "slug": values["slug"]})
        step = values["parent_id"]
    return {**steps[-1], "path": steps}


def is_complete(connection: Connection, part_id: int, at: datetime) -> bool:
    """Return whether everything that happened to the part up to that moment, and to categories at all, has been recorded; what
    was discarded never is."""
    effects = [Effect.PERSIST_AUDIT, Effect.SNAPSHOT_CONTENT]
    parameters = {"part_id": part_id, "at": at, "effects": effects, "audit": Effect.PERSIST_AUDIT}
    return not connection.execute(_OWED, parameters).scalar_one()
