"""Prices that begin and end by their dates: announced at that moment, once, whoever is late or twice there."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

import celeryconfig
from app.container import Container
from app.contract.events import Actor
from app.contract.task_names import APPLY_PRICE_DATES, queue_of
from app.domain.pricing import PriceLine, current_price
from app.services.intent import Intent
from app.store.catalog import SHOWN_PRICE
from app.store.listing.filters import PartFilters
from app.store.transaction import TransactionManager
from app.sync.price_dates import PriceDates
from app.sync.reconciliation.cached_copies import differing_parts

Query = Callable[..., list[dict[str, Any]]]
STANDING = PriceLine("EUR", Decimal("10.00"))
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def soon(milliseconds: float) -> datetime:
    return datetime.now(UTC) + timedelta(milliseconds=milliseconds)


def sale(begins: datetime | None, ends: datetime | None = None, amount: str = "7.00") -> PriceLine:
    return PriceLine("EUR", Decimal(amount), 1, begins, ends)


@pytest.fixture
def set_prices(container: Container, actor: Actor) -> Callable[..., dict[str, Any]]:
    """Replace a part's price list."""

    def run(part_id: int, *lines: PriceLine) -> dict[str, Any]:
        return container.parts.update_prices_with_sync(Intent(actor), part_id, lines)

    return run


@pytest.fixture
def put_back(query: Query) -> Callable[..., None]:
    """Make a part's whole past so much older, as if that time had gone by: its dates, and when its price was last announced."""

    def run(part_id: int, by: timedelta = timedelta(days=2)) -> None:
        query(
            "UPDATE part_prices SET valid_from = valid_from - CAST(:by AS interval), valid_to = valid_to - CAST(:by AS interval)"
            " WHERE part_id = :id", by=by, id=part_id,
        )  # fmt: skip
        query(
            "UPDATE parts SET price_boundary = price_boundary - CAST(:by AS interval),"
            " price_updated_at = price_updated_at - CAST(:by AS interval) WHERE id = :id", by=by, id=part_id,
        )  # fmt: skip

    return run


@pytest.fixture(autouse=True)
def nothing_due(container: Container) -> None:
    """Other tests' parts have had their say."""
    container.price_dates.apply()


def boundary(query: Query, part_id: int) -> datetime | None:
    (row,) = query("SELECT price_boundary FROM parts WHERE id = :id", id=part_id)
    found: datetime | None = row["price_boundary"]
    return found


def price_events(query: Query, part_id: int) -> list[dict[str, Any]]:
    return query(
        "SELECT version, payload, actor_id FROM outbox_events WHERE aggregate_type = 'part' AND aggregate_id = :id"
        " AND aspect = 'price' ORDER BY version", id=part_id,
    )  # fmt: skip


def shown(container: Container, part_id: int) -> str:
    return str(container.parts.catalog.part(part_id).body["price"]["amount"])


def until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    end = datetime.now(UTC) + timedelta(seconds=seconds)
    while not condition():
        assert datetime.now(UTC) < end, "it did not happen in time"


def test_every_way_to_write_a_price_list_notes_when_it_next_changes_by_its_dates(
    container: Container, actor: Actor, set_prices: Callable[..., Any], query: Query
) -> None:
    first, second = soon(60_000), soon(120_000)
    lines = [STANDING, sale(first, second)]
    values = {"sku": uuid4().hex, "part_name": "Dated", "status": "published"}
    part_id = container.parts.create_part_with_sync(Intent(actor), values, [], lines, {})["id"]
    assert boundary(query, part_id) == first
    set_prices(part_id, STANDING, sale(LONG_AGO, second))
    assert boundary(query, part_id) == second
    set_prices(part_id, STANDING)
    assert boundary(query, part_id) is None


def test_a_price_begins_by_its_date_once_with_an_event_of_the_systems_own(
    container: Container, set_prices: Callable[..., Any], put_back: Callable[..., None], new_part: Callable[..., int],
    query: Query, deliver: Callable[[], None],
) -> None:  # fmt: skip
    part_id, tomorrow = new_part(), soon(86_400_000)
    set_prices(part_id, STANDING, sale(tomorrow, tomorrow + timedelta(days=9)))
    put_back(part_id)
    assert container.price_dates.apply() == 1
    assert container.price_dates.apply() == 0
    *_, event = price_events(query, part_id)
    payload = event["payload"]
    assert event["version"] == 3
    assert (payload["reason"], payload["actor_name"]) == ("price dates", "Lockstep")
    assert (payload["old_values"]["price"]["amount"], payload["new_values"]["price"]["amount"]) == ("10.00", "7.00")
    assert payload["public"]["price"] == {
        "amount": "7.00", "currency": "EUR", "tiers": [{"min_quantity": 1, "amount": "7.00"}], "version": 3,
    }  # fmt: skip
    assert boundary(query, part_id) == tomorrow + timedelta(days=7)
    deliver()
    (row,) = query("SELECT * FROM data_change_logs WHERE part_id = :id AND version = 3", id=part_id)
    assert (row["operation"], row["reason"]) == ("UPDATE", "price dates")
    body = container.parts.catalog.part(part_id).body
    assert body["price"] == payload["public"]["price"]
    assert body["versions"]["price"] == 3


def test_a_late_worker_announces_what_holds_now_and_not_what_it_has_missed(
    container: Container,
    set_prices: Callable[..., Any],
    put_back: Callable[..., None],
    new_part: Callable[..., int],
    query: Query,
) -> None:
    part_id, hour = new_part(), soon(3_600_000)
    day = timedelta(hours=1)
    set_prices(part_id, STANDING, *(sale(hour + n * day, hour + (n + 1) * day, f"{n + 1}.00") for n in range(60)))
    put_back(part_id)
    container.price_dates.apply()
    events = price_events(query, part_id)
    assert [event["version"] for event in events] == [2, 3]
    # Forty-eight hours have gone by: the forty-eighth sale has just begun.
    assert events[-1]["payload"]["new_values"]["price"]["amount"] == "48.00"
    assert boundary(query, part_id) == hour


def test_a_date_in_another_currency_is_announced_with_the_price_in_it(
    container: Container,
    set_prices: Callable[..., Any],
    put_back: Callable[..., None],
    new_part: Callable[..., int],
    query: Query,
) -> None:
    part_id = new_part()
    set_prices(part_id, STANDING, PriceLine("USD", Decimal("0.0042"), 1, soon(86_400_000)))
    put_back(part_id)
    assert container.price_dates.apply() == 1
    *_, event = price_events(query, part_id)
    shown = event["payload"]["public"]["price"]
    assert (event["version"], shown["amount"], shown["currency"]) == (3, "10.00", "EUR")
    tiers = [{"min_quantity": 1, "amount": "0.0042"}]
    assert shown["others"] == [{"amount": "0.0042", "currency": "USD", "tiers": tiers}]


def test_a_date_that_changes_nothing_of_what_is_shown_moves_the_boundary_and_nothing_else(
    container: Container,
    set_prices: Callable[..., Any],
    put_back: Callable[..., None],
    new_part: Callable[..., int],
    query: Query,
) -> None:
    part_id = new_part()
    set_prices(part_id, STANDING, PriceLine("EUR", Decimal("10.00"), 1, soon(86_400_000)))
    put_back(part_id)
    (before,) = query("SELECT price_version, price_updated_at, price_updated_by FROM parts WHERE id = :id", id=part_id)
    assert container.price_dates.apply() == 1
    assert boundary(query, part_id) is None
    assert [event["version"] for event in price_events(query, part_id)] == [2]
    assert query("SELECT price_version, price_updated_at, price_updated_by FROM parts WHERE id = :id", id=part_id) == [before]


@pytest.mark.parametrize("hidden", ["draft", "archived"])
def test_a_hidden_parts_price_changes_too_and_nobody_outside_hears_of_it(
    hidden: str, container: Container, actor: Actor, set_prices: Callable[..., Any], put_back: Callable[..., None],
    new_part: Callable[..., int], query: Query,
) -> None:  # fmt: skip
    """A page that was open before and comes back to the part compares versions."""
    part_id = new_part(status="draft" if hidden == "draft" else "published")
    set_prices(part_id, STANDING, sale(soon(86_400_000)))
    if hidden == "archived":
        container.parts.archive_part_with_sync(Intent(actor), part_id)
    put_back(part_id)
    container.price_dates.apply()
    *_, event = price_events(query, part_id)
    assert (event["version"], event["payload"]["public"]) == (3, None)
    assert boundary(query, part_id) is None


def test_many_beats_at_once_announce_a_price_once(
    container: Container,
    set_prices: Callable[..., Any],
    put_back: Callable[..., None],
    new_part: Callable[..., int],
    query: Query,
) -> None:
    part_ids, start = [new_part() for _ in range(12)], Barrier(4)
    for part_id in part_ids:
        set_prices(part_id, STANDING, sale(soon(86_400_000)))
        put_back(part_id)

    def tick(_number: int) -> int:
        start.wait()
        return container.price_dates.apply()

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(tick, range(4))) == len(part_ids)
    assert [[event["version"] for event in price_events(query, part_id)] for part_id in part_ids] == [[2, 3]] * len(part_ids)


def test_what_a_killed_worker_had_begun_is_done_by_the_next(
    container: Container,
    set_prices: Callable[..., Any],
    put_back: Callable[..., None],
    new_part: Callable[..., int],
    query: Query,
) -> None:
    part_id = new_part()
    set_prices(part_id, STANDING, sale(soon(86_400_000)))
    put_back(part_id)

    class Killed(BaseException):
        pass

    class Dying(TransactionManager):
        def run(self, actor: Actor, work: Callable[..., Any]) -> Any:
            with self.atomic_operation(actor) as unit_of_work:
                work(unit_of_work)
                raise Killed

    with pytest.raises(Killed):
        PriceDates(container.reading, Dying(container.engine, lambda _committed: None)).apply()
    assert [event["version"] for event in price_events(query, part_id)] == [2]
    assert container.price_dates.apply() == 1
    assert [event["version"] for event in price_events(query, part_id)] == [2, 3]


def test_nothing_due_costs_one_statement_that_an_index_answers(
    container: Container, statements: Callable[[], Any], query: Query
) -> None:
    with statements() as executed:
        container.price_dates.apply()
    assert len(executed) == 1
    with container.reading.connect() as connection:
        connection.execute(text("SET enable_seqscan = off"))
        plan = " ".join(connection.exec_driver_sql("EXPLAIN " + executed[0], {"seconds": 0.0}).scalars())
        connection.execute(text("RESET enable_seqscan"))
    assert "ix_parts_price_boundary" in plan
    assert "Index Cond" in plan


def test_a_list_by_price_and_a_part_read_before_the_moment_are_right_after_it(
    container: Container, set_prices: Callable[..., Any], new_part: Callable[..., int]
) -> None:
    """With a real date some hundred milliseconds away, and a worker that ticks."""
    word = "w" + uuid4().hex[:10]
    cheap, dated = new_part(part_name=f"{word} cheap"), new_part(part_name=f"{word} dated")
    set_prices(cheap, PriceLine("EUR", Decimal("8.00")))
    begins = soon(700)
    set_prices(dated, STANDING, sale(begins, begins + timedelta(milliseconds=700)))
    filters = PartFilters((word,))

    def order() -> list[int]:
        return [item["id"] for item in container.parts.catalog.list_parts(filters, "price", None, 10).body.items]

    def page() -> tuple[list[int], list[int], str]:
        affordable = container.parts.catalog.list_parts(PartFilters((word,), max_price="7.50"), "name", None, 10)
        return order(), [item["id"] for item in affordable.body.items], shown(container, dated)

    before, during = ([cheap, dated], [], "10.00"), ([dated, cheap], [dated], "7.00")
    assert page() == page() == before

    def ticked(expected: Any) -> bool:
        container.price_dates.apply()
        return bool(page() == expected)

    until(lambda: ticked(during))
    late = datetime.now(UTC) - begins
    assert timedelta(0) <= late < timedelta(seconds=1)
    assert differing_parts(container.reading, container.cache, [cheap, dated]) == {}
    until(lambda: ticked(before))
    assert differing_parts(container.reading, container.cache, [cheap, dated]) == {}


def test_a_part_itself_shows_its_price_at_the_moment_even_if_no_worker_ticks(
    container: Container, set_prices: Callable[..., Any], new_part: Callable[..., int]
) -> None:
    part_id, begins = new_part(), soon(400)
    set_prices(part_id, STANDING, sale(begins))
    assert shown(container, part_id) == "10.00"
    until(lambda: datetime.now(UTC) > begins + timedelta(milliseconds=20))
    assert shown(container, part_id) == "7.00"


@pytest.mark.parametrize("damage", ["NULL", "price_boundary + interval '3 days'", "clock_timestamp() + interval '1 minute'"])
def test_reconciliation_mends_a_boundary_that_somebody_has_spoilt(
    damage: str, container: Container, set_prices: Callable[..., Any], new_part: Callable[..., int], query: Query
) -> None:
    part_id, begins = new_part(), soon(86_400_000)
    set_prices(part_id, STANDING, sale(begins))
    query(f"UPDATE parts SET price_boundary = {damage} WHERE id = :id", id=part_id)
    assert container.reconciliation.run()["found"]["price_boundary"] >= 1
    container.price_dates.apply()
    assert boundary(query, part_id) == begins
    assert [event["version"] for event in price_events(query, part_id)] == [2]
    assert container.reconciliation.run()["found"]["price_boundary"] == 0


def test_reconciliation_has_a_missed_price_announced(
    container: Container, set_prices: Callable[..., Any], new_part: Callable[..., int], query: Query
) -> None:
    part_id = new_part()
    set_prices(part_id, STANDING, sale(soon(-3_600_000)))
    query("UPDATE parts SET price_updated_at = now() - interval '2 hours', price_boundary = NULL WHERE id = :id", id=part_id)
    assert container.price_dates.apply() == 0
    container.reconciliation.run()
    container.price_dates.apply()
    *_, event = price_events(query, part_id)
    assert event["payload"]["new_values"]["price"]["amount"] == "7.00"


MOMENTS = st.one_of(st.none(), st.integers(-6, 6).map(lambda n: datetime.now(UTC).replace(microsecond=0) + timedelta(days=n)))
AMOUNTS = st.integers(0, 10_000_000).map(lambda millionths: Decimal(millionths) / 1_000_000)
CURRENCIES = st.sampled_from(["EUR", "USD", "CHF"])


@st.composite
def price_lists(draw: st.DrawFn) -> list[PriceLine]:
    """Lists as the API takes them: one line for a currency, quantity and beginning; no period that is empty."""
    found: dict[Any, PriceLine] = {}
    for _ in range(draw(st.integers(0, 6))):
        begins, ends = draw(MOMENTS), draw(MOMENTS)
        if begins and ends and ends <= begins:
            begins, ends = ends, begins + timedelta(hours=1)
        line = PriceLine(draw(CURRENCIES), draw(AMOUNTS), draw(st.sampled_from([1, 5, 10])), begins, ends)
        found.setdefault((line.currency, line.min_quantity, line.valid_from), line)
    return list(found.values())


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=price_lists(), legacy=st.one_of(st.none(), st.builds(PriceLine, CURRENCIES, AMOUNTS)))
@example(lines=[PriceLine("USD", Decimal(1), 1, None, LONG_AGO), STANDING], legacy=None)
@example(lines=[PriceLine("USD", Decimal(1), 1, None, LONG_AGO)], legacy=STANDING)
def test_the_lists_and_the_part_agree_on_what_it_costs(
    lines: list[PriceLine],
    legacy: PriceLine | None,
    container: Container,
    set_prices: Callable[..., Any],
    the_part: int,
    query: Query,
) -> None:
    """The rule stands in SQL for the lists and in Python for the part."""
    query("DELETE FROM prices WHERE part_id = :id", id=the_part)
    if legacy:
        query(
            "INSERT INTO prices (part_id, amount, currency) VALUES (:id, :amount, :currency)",
            id=the_part, amount=legacy.amount, currency=legacy.currency,
        )  # fmt: skip
    set_prices(the_part, *lines)
    shown = f"SELECT price.amount, price.currency, now() AS moment FROM parts p {SHOWN_PRICE} WHERE p.id = :id"
    (row,) = query(shown, id=the_part, currency=None, only=False)
    price = current_price(lines, legacy, row["moment"])
    assert (row["amount"], row["currency"]) == ((price.amount, price.currency) if price else (None, None))
    each = {one.currency: one.amount for one in (price, *price.others)} if price else {}
    for currency, only in product(("EUR", "USD", "CHF", "JPY"), (True, False)):
        (row,) = query(shown, id=the_part, currency=currency, only=only)
        otherwise = (None, None) if only or price is None else (price.amount, price.currency)
        assert (row["amount"], row["currency"]) == ((each[currency], currency) if currency in each else otherwise)
    kept = query("SELECT currency, amount FROM part_current_prices WHERE part_id = :id", id=the_part)
    assert {row["currency"]: row["amount"] for row in kept} == each
    (row,) = query("SELECT amount FROM part_search WHERE part_id = :id", id=the_part)
    assert row["amount"] == (price.amount if price else None)


@pytest.fixture
def the_part(new_part: Callable[..., int]) -> int:
    return new_part()


def test_the_sweep_has_a_price_applied_as_soon_as_its_date_has_come(
    container: Container, the_part: int, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    woken: set[str] = set()
    monkeypatch.setattr(container.wake_ups, "request", woken.update)
    query("UPDATE parts SET price_boundary = now() + interval '1 hour' WHERE id = :id", id=the_part)
    container.consistency.sweep()
    assert APPLY_PRICE_DATES not in woken
    query("UPDATE parts SET price_boundary = now() WHERE id = :id", id=the_part)
    container.consistency.sweep()
    assert APPLY_PRICE_DATES in woken


def test_beats_tick_goes_to_the_queue_that_pages_wait_for_and_does_not_pile_up() -> None:
    tick = celeryconfig.beat_schedule["price-dates"]
    assert (tick["task"], tick["options"]["queue"]) == (APPLY_PRICE_DATES, queue_of(APPLY_PRICE_DATES))
    assert tick["options"]["expiration"] <= tick["schedule"]


def test_a_part_whose_dates_cannot_be_applied_keeps_no_other_waiting(
    container: Container,
    new_part: Callable[..., int],
    set_prices: Callable[..., Any],
    put_back: Callable[..., None],
    query: Query,
) -> None:
    hopeless, due = new_part(), new_part()
    for part_id in (hopeless, due):
        set_prices(part_id, STANDING, sale(datetime.now(UTC) + timedelta(days=1)))
        put_back(part_id)
    # Its next version would not fit its column.
    query("UPDATE parts SET price_version = 2147483647 WHERE id = :id", id=hopeless)
    try:
        assert container.price_dates.apply() == 1
        assert container.parts.catalog.part(due).body["price"]["amount"] == "7.00"
        assert container.price_dates.apply() == 0
    finally:
        query("UPDATE parts SET price_version = 2 WHERE id = :id", id=hopeless)
    assert PriceDates(container.reading, container.transactions).apply() == 1
