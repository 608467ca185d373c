"""Price lists: read, replaced as a whole, recorded as `price.updated`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any, cast

from sqlalchemy import Connection, Row, text

from app.contract.events import Aspect, Event, EventType, ListFacet, Operation
from app.contract.formats import rfc3339
from app.domain.pricing import CurrentPrice, PriceLine, current_price, next_boundary
from app.store.currencies import written
from app.store.encoding import jsonb
from app.store.transaction import UnitOfWork

# What may differ when a part comes to have prices in other currencies.
ALL_LISTS = (ListFacet.PRICE, ListFacet.CURRENCIES)

_LINES = text("""
    SELECT part_id, currency, amount, min_quantity, valid_from, valid_to
    FROM part_prices WHERE part_id = ANY(:part_ids) ORDER BY part_id, currency, min_quantity, valid_from NULLS FIRST
""")
# The next moment at which a list changes by its dates, counted from the transaction's start: no price is announced as of an
# earlier moment, so none is missed; a boundary already taken into account turns out to change nothing when it is due.
_SET_BOUNDARIES = text("""
    UPDATE parts p SET price_boundary = b.next
    FROM (SELECT id, (SELECT min(bound) FROM part_prices pp CROSS JOIN LATERAL (VALUES (pp.valid_from), (pp.valid_to)) AS v(bound)
                      WHERE pp.part_id = given.id AND bound > now()) AS next
          FROM unnest(CAST(:part_ids AS int[])) AS given(id)) b
    WHERE p.id = b.id AND p.price_boundary IS DISTINCT FROM b.next
""")
_CURRENCIES = text("SELECT currency FROM part_prices UNION SELECT currency FROM prices")
_ANY_DUE = text("""
    SELECT EXISTS (SELECT FROM parts WHERE price_boundary <= statement_timestamp())
""")
_PASS_BOUNDARIES = text("""
    UPDATE parts p
    SET price_boundary = r.boundary,
        price_version = CASE WHEN r.changed THEN p.price_version + 1 ELSE p.price_version END,
        price_updated_by = CASE WHEN r.changed THEN :actor_id ELSE p.price_updated_by END,
        price_updated_at = CASE WHEN r.changed THEN r.moment ELSE p.price_updated_at END
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(part_id int, boundary timestamptz, moment timestamptz, changed boolean)
    WHERE p.id = r.part_id
""")
_SCHEDULES = text("""
    SELECT id, price_boundary, price_updated_at, statement_timestamp() AS moment FROM parts WHERE id = ANY(:part_ids)
""")
_MAKE_DUE = text("UPDATE parts SET price_boundary = statement_timestamp() WHERE id = :part_id")
_LEGACY_PARTS = text("SELECT part_id FROM prices WHERE part_id > :after ORDER BY part_id LIMIT :most")
_DELETE_LEGACY = text("DELETE FROM prices WHERE part_id = :part_id")
_LEGACY = text("""
    SELECT id, part_id, currency, amount, statement_timestamp() AS moment
    FROM prices WHERE part_id = ANY(:part_ids) ORDER BY part_id
""")
_DELETE = text("DELETE FROM part_prices WHERE part_id = ANY(:part_ids)")
_INSERT = text("""
    INSERT INTO part_prices (part_id, currency, amount, min_quantity, valid_from, valid_to)
    SELECT part_id, currency, amount, min_quantity, valid_from, valid_to
    FROM jsonb_to_recordset(CAST(:lines AS jsonb))
      AS l(part_id int, currency text, amount numeric, min_quantity int, valid_from timestamptz, valid_to timestamptz)
""")
_TOUCH = text("""
    UPDATE parts SET price_version = :version, price_updated_by = :actor_id,
        price_updated_at = GREATEST(clock_timestamp(), price_updated_at)
    WHERE id = :part_id RETURNING price_updated_at
""")


def lines_of(connection: Connection, part_ids: Sequence[int]) -> dict[int, list[PriceLine]]:
    """Return the price lists of the given parts; a part without one is absent."""
    found: dict[int, list[PriceLine]] = {}
    for row in connection.execute(_LINES, {"part_ids": list(part_ids)}):
        line = PriceLine(row.currency, row.amount, row.min_quantity, row.valid_from, row.valid_to)
        found.setdefault(row.part_id, []).append(line)
    return found


def legacy_of(connection: Connection, part_ids: Sequence[int]) -> dict[int, PriceLine]:
    """Return the legacy prices of the given parts."""
    return {row.part_id: PriceLine(row.currency, row.amount) for row in legacy_rows(connection, part_ids)}


def replace_lines(unit_of_work: UnitOfWork, lists: Mapping[int, Sequence[PriceLine]]) -> None:
    """Replace the price lists of the given parts, whose rows are locked; all writers of price lists use this, except for an
    import's first prices of new parts, which have no dates."""
    unit_of_work.execute(_DELETE, part_ids=list(lists))
    insert_undated_lines(unit_of_work, lists)
    unit_of_work.execute(_SET_BOUNDARIES, part_ids=list(lists))


def insert_undated_lines(unit_of_work: UnitOfWork, lists: Mapping[int, Sequence[PriceLine]]) -> None:
    """Insert the price lists of parts that have none; a list with dates needs its part's boundary set as well."""
    rows = [{"part_id": part_id} | line_state(line) for part_id, lines in lists.items() for line in lines]
    unit_of_work.execute(_INSERT, lines=jsonb(rows))


def save(
    unit_of_work: UnitOfWork, row: Row[Any], before: Sequence[PriceLine], after: Sequence[PriceLine], reason: str | None
) -> None:
    """Replace a locked part's price list and record `price.updated`."""
    version = row.price_version + 1
    replace_lines(unit_of_work, {row.id: after})
    at = unit_of_work.execute(_TOUCH, part_id=row.id, version=version, actor_id=unit_of_work.actor.user_id).scalar_one()
    legacy = legacy_of(unit_of_work.connection, [row.id]).get(row.id)
    unit_of_work.record(
        updated_event(row.id, version, before, after, legacy=legacy, at=at, is_public=row.is_public, reason=reason)
    )


def updated_event(
    part_id: int, version: int, before: Sequence[PriceLine] | None, after: Sequence[PriceLine], *,
    legacy: PriceLine | None, at: datetime, is_public: bool, reason: str | None = None,
) -> Event:  # fmt: skip
    """Return the event of a changed price list; `before` None means a new part's first one."""
    kind, operation = (EventType.PRICE_CREATED, "INSERT") if before is None else (EventType.PRICE_UPDATED, "UPDATE")
    public = public_state(current_price(after, legacy, at), version, at)
    return Event(
        type=kind,
        aggregate_type="part",
        aggregate_id=part_id,
        aspect=Aspect.PRICE,
        version=version,
        table_name="part_prices",
        record_id=part_id,
        operation=cast("Operation", operation),
        old_values=None if before is None else list_values(before, version - 1),
        new_values=list_values(after, version),
        public=public if is_public else None,
        was_public=is_public,
        state=list_state(after, version, at),
        lists=(ListFacet.PRICE,) if before is not None and legacy is None and _same_currencies(before, after) else ALL_LISTS,
        reason=reason,
    )


def _same_currencies(before: Sequence[PriceLine], after: Sequence[PriceLine]) -> bool:
    """Whether a part has a price in the same currencies at any time, by either price list."""
    is_dated = any(line.valid_from or line.valid_to for line in (*before, *after))
    was, now = ({(line.currency, line.min_quantity) for line in lines} for lines in (before, after))
    return not is_dated and was == now


def currencies(connection: Connection) -> list[str]:
    """Return the currencies of the shop's prices."""
    return list(connection.execute(_CURRENCIES).scalars())


def any_due(connection: Connection) -> bool:
    """Return whether any part's price should have changed by its dates."""
    return bool(connection.execute(_ANY_DUE).scalar_one())


def pass_boundaries(unit_of_work: UnitOfWork, rows: Sequence[dict[str, Any]]) -> None:
    """Advance locked parts' boundaries; `changed` makes it the price's next version, as of `moment`."""
    unit_of_work.execute(_PASS_BOUNDARIES, rows=jsonb(rows), actor_id=unit_of_work.actor.user_id)


def dated_event(row: Row[Any], lines: Sequence[PriceLine], was: CurrentPrice | None, now: CurrentPrice | None) -> Event:
    """Return the event of a price that changed by its dates alone; `row` is the part as `locks.lock_due_prices` found it."""
    version = row.price_version + 1
    old, new = public_state(was, version - 1, row.moment), public_state(now, version, row.moment)
    event = updated_event(
        row.id, version, lines, lines, legacy=None, at=row.moment, is_public=row.is_public, reason="price dates"
    )
    return replace(
        event, public=new if row.is_public else None,
        old_values={"price": old["price"], "version": version - 1}, new_values={"price": new["price"], "version": version},
    )  # fmt: skip


def missed_boundaries(connection: Connection, part_ids: Sequence[int]) -> list[int]:
    """Return the parts whose boundary is not due, yet differs from their price list's, or has missed a change."""
    schedules = connection.execute(_SCHEDULES, {"part_ids": list(part_ids)}).all()
    lines, legacy = lines_of(connection, part_ids), legacy_of(connection, part_ids)

    def missed(row: Row[Any]) -> bool:
        if row.price_boundary is not None and row.price_boundary <= row.moment:
            return False
        own, fallback = lines.get(row.id, []), legacy.get(row.id)
        told, shown = (current_price(own, fallback, moment) for moment in (row.price_updated_at, row.moment))
        return row.price_boundary != next_boundary(own, row.moment) or told != shown

    return [row.id for row in schedules if missed(row)]


def legacy_drift(connection: Connection, told: Mapping[int, CurrentPrice | None]) -> list[int]:
    """Return those parts whose legacy price differs from the one that customers were told; `told` is by part.

    Only where no line of the list was in force when the price was last announced: then it was the legacy one, or none.
    """
    part_ids = list(told)
    rows = connection.execute(_SCHEDULES, {"part_ids": part_ids}).all()
    lines, legacy = lines_of(connection, part_ids), legacy_of(connection, part_ids)

    def differs(row: Row[Any]) -> bool:
        listed = current_price(lines.get(row.id, []), None, row.price_updated_at)
        return listed is None and current_price([], legacy.get(row.id), row.moment) != told[row.id]

    return [row.id for row in rows if differs(row)]


def adopt_legacy(unit_of_work: UnitOfWork, part: Row[Any], told: CurrentPrice | None, reason: str) -> None:
    """Announce a locked part's price again, because its legacy price was changed with the triggers switched off."""
    version = part.price_version + 1
    lines = lines_of(unit_of_work.connection, [part.id]).get(part.id, [])
    legacy = legacy_of(unit_of_work.connection, [part.id]).get(part.id)
    at = unit_of_work.execute(_TOUCH, part_id=part.id, version=version, actor_id=unit_of_work.actor.user_id).scalar_one()
    event = updated_event(part.id, version, lines, lines, legacy=legacy, at=at, is_public=part.is_public, reason=reason)
    old, new = public_state(told, version - 1, at), public_state(current_price(lines, legacy, at), version, at)
    unit_of_work.record(
        replace(
            event, table_name="prices", old_values={"price": old["price"], "version": version - 1},
            new_values={"price": new["price"], "version": version}, lists=ALL_LISTS,
        )
    )  # fmt: skip


def make_due(unit_of_work: UnitOfWork, part_id: int) -> None:
    """Have a locked part's price checked against its dates at once."""
    unit_of_work.execute(_MAKE_DUE, part_id=part_id)


def legacy_parts(connection: Connection, after: int, most: int) -> list[int]:
    """Return up to `most` parts with a legacy price, by id, those after `after`."""
    return list(connection.execute(_LEGACY_PARTS, {"after": after, "most": most}).scalars())


def legacy_rows(connection: Connection, part_ids: Sequence[int]) -> Sequence[Row[Any]]:
    """Return the rows of the given parts' legacy prices, each with the current time."""
    return connection.execute(_LEGACY, {"part_ids": list(part_ids)}).all()


def absorb(
    unit_of_work: UnitOfWork, part: Row[Any], legacy: Row[Any], before: Sequence[PriceLine], after: Sequence[PriceLine]
) -> None:
    """Delete a locked part's legacy price, `after` being the price list that shows the same without it, and record it."""
    version = part.price_version + 1
    if len(after) > len(before):
        replace_lines(unit_of_work, {part.id: after})
    unit_of_work.execute(_DELETE_LEGACY, part_id=part.id)
    at = unit_of_work.execute(_TOUCH, part_id=part.id, version=version, actor_id=unit_of_work.actor.user_id).scalar_one()
    event = updated_event(part.id, version, before, after, legacy=None, at=at, is_public=part.is_public, reason="move-prices")
    was = {"id": legacy.id, "amount": written(legacy.amount, legacy.currency), "currency": legacy.currency}
    unit_of_work.record(
        replace(
            event, table_name="prices", record_id=legacy.id, operation="DELETE",
            old_values={**(event.old_values or {}), "legacy": was}, new_values={**(event.new_values or {}), "legacy": None},
        )
    )  # fmt: skip


def line_state(line: PriceLine) -> dict[str, Any]:
    """Return one price line as the panel shows it."""
    return {
        "currency": line.currency,
        "amount": written(line.amount, line.currency),
        "min_quantity": line.min_quantity,
        "valid_from": rfc3339(line.valid_from) if line.valid_from else None,
        "valid_to": rfc3339(line.valid_to) if line.valid_to else None,
    }


def line_of(state: dict[str, Any]) -> PriceLine:
    """Return the price line that `line_state` wrote."""
    began, ended = state["valid_from"], state["valid_to"]
    return PriceLine(
        state["currency"],
        Decimal(state["amount"]),
        state["min_quantity"],
        began and datetime.fromisoformat(began),
        ended and datetime.fromisoformat(ended),
    )


def list_values(lines: Iterable[PriceLine], version: int) -> dict[str, Any]:
    """Return a price list as the audit trail keeps it."""
    return {"prices": [line_state(line) for line in lines], "version": version}


def list_state(lines: Iterable[PriceLine], version: int, at: datetime) -> dict[str, Any]:
    """Return a price list as the panel shows it."""
    return list_values(lines, version) | {"updated_at": rfc3339(at)}


def public_state(price: CurrentPrice | None, version: int, at: datetime) -> dict[str, Any]:
    """Return the price as customers see it, including its other currencies, if any."""
    shown = price and _shown(price) | {"version": version}
    if shown and price and price.others:
        shown["others"] = [_shown(other) for other in price.others]
    return {"price": shown, "version": version, "updated_at": rfc3339(at)}


def _shown(price: CurrentPrice) -> dict[str, Any]:
    return {
        "amount": written(price.amount, price.currency),
        "currency": price.currency,
        "tiers": [{"min_quantity": quantity, "amount": written(amount, price.currency)} for quantity, amount in price.tiers],
    }


def in_currency(price: dict[str, Any] | None, currency: str | None, *, only: bool = False) -> dict[str, Any] | None:
    """Return a price that `public_state` wrote, with the requested currency first; if it has none in that currency, return it
    unchanged, or None with `only`."""
    if price is None or currency is None or price["currency"] == currency:
        return price
    everything = [price, *price.get("others", ())]
    chosen = next((one for one in everything if one["currency"] == currency), None)
    if chosen is None:
        return None if only else price
    rest = [{name: one[name] for name in ("amount", "currency", "tiers")} for one in everything if one is not chosen]
    return {**chosen, "version": price["version"], "others": rest}


def price_of(shown: dict[str, Any] | None) -> CurrentPrice | None:
    """Return the price that `public_state` wrote."""
    if shown is None:
        return None
    tiers = tuple((tier["min_quantity"], Decimal(tier["amount"])) for tier in shown["tiers"])
    others = tuple(other for one in shown.get("others", ()) if (other := price_of(one)))
    return CurrentPrice(shown["currency"], Decimal(shown["amount"]), tiers, others)
