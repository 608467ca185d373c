"""`flask move-prices`: from the legacy table to price lists, without any customer seeing a different price."""

import os
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.container import Container
from app.contract.events import Actor
from app.domain.pricing import PriceLine, current_price, without_legacy
from app.services import legacy_prices
from app.services.intent import Intent
from app.services.legacy_prices import PriceMove
from app.sync.reconciliation.cached_copies import differing_parts
from config import REPOSITORY
from devserver import EmbeddedServers

Query = Callable[..., list[dict[str, Any]]]
NOW = datetime(2026, 6, 1, tzinfo=UTC)
LEGACY = PriceLine("EUR", Decimal("5.00"))


def far(days: int) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(days=days)


@pytest.fixture(autouse=True)
def _no_others(query: Query) -> None:
    """Keep what other tests have left out of the counts."""
    query("DELETE FROM prices")


@pytest.fixture
def priced(container: Container, actor: Actor, new_part: Callable[..., int], query: Query) -> Iterator[Callable[..., int]]:
    """Make parts with a legacy price of 5.00 EUR, and a price list; their legacy prices are removed after the test."""
    made: list[int] = []

    def make(*lines: PriceLine) -> int:
        part_id = new_part()
        query("INSERT INTO prices (part_id, amount, currency) VALUES (:id, 5, 'EUR')", id=part_id)
        if lines:
            container.parts.update_prices_with_sync(Intent(actor), part_id, lines)
        made.append(part_id)
        return part_id

    yield make
    query("DELETE FROM prices WHERE part_id = ANY(:ids)", ids=made)


@pytest.fixture
def move(container: Container, actor: Actor) -> Callable[..., PriceMove]:
    """Move the legacy prices."""

    def run(*, dry_run: bool = False) -> PriceMove:
        return legacy_prices.move_prices(container.transactions, container.reading, actor, dry_run=dry_run)

    return run


def state(query: Query) -> list[dict[str, Any]]:
    return query(
        "SELECT (SELECT max(id) FROM outbox_events) AS event, (SELECT count(*) FROM prices) AS legacy,"
        " (SELECT count(*) FROM part_prices) AS lines, (SELECT sum(price_version) FROM parts) AS versions"
    )


def test_a_legacy_price_moves_once_with_one_event_and_customers_see_the_same(
    priced: Callable[..., int], move: Callable[..., PriceMove], container: Container, query: Query, deliver: Callable[[], None]
) -> None:
    part_id = priced()
    before = container.parts.catalog.part(part_id).body["price"]
    assert (before["amount"], before["currency"]) == ("5.00", "EUR")
    assert (move(dry_run=True).moved, move().moved) == (1, 1)
    after = container.parts.catalog.part(part_id).body["price"]
    assert after == before | {"version": 2}
    assert differing_parts(container.reading, container.cache, [part_id]) == {}
    (event,) = query(
        "SELECT payload FROM outbox_events WHERE aggregate_type = 'part' AND aggregate_id = :id AND aspect = 'price'", id=part_id
    )
    assert event["payload"]["public"]["price"] == after
    deliver()
    (row,) = query("SELECT * FROM data_change_logs WHERE part_id = :id AND version = 2", id=part_id)
    assert (row["table_name"], row["operation"], row["reason"]) == ("prices", "DELETE", "move-prices")
    legacy = row["old_values"]["legacy"]
    assert (legacy["id"], legacy["amount"], legacy["currency"]) == (row["record_id"], "5.00", "EUR")
    assert (row["old_values"]["prices"], row["new_values"]["legacy"]) == ([], None)
    assert [line["amount"] for line in row["new_values"]["prices"]] == ["5.00"]
    there = state(query)
    assert move() == PriceMove()
    assert state(query) == there


def test_what_a_list_hides_for_ever_is_deleted_and_what_would_change_a_price_is_kept(
    priced: Callable[..., int], move: Callable[..., PriceMove], container: Container, query: Query, deliver: Callable[[], None]
) -> None:
    shadowed = priced(PriceLine("EUR", Decimal("4.00")))
    seamless = priced(
        PriceLine("EUR", Decimal("4.00"), 1, None, far(3)), PriceLine("USD", Decimal("3.00"), 1, far(3)),
    )  # fmt: skip
    sale = priced(PriceLine("EUR", Decimal("4.00"), 1, far(2), far(3)))
    many = priced(PriceLine("EUR", Decimal("4.00"), 10, far(2), far(3)))
    occupied = priced(PriceLine("EUR", Decimal("4.00"), 1, None, far(3)))
    done = move()
    assert (done.moved, done.shadowed, done.kept) == (1, 2, [many, occupied])
    assert [row["part_id"] for row in query("SELECT part_id FROM prices ORDER BY part_id")] == [many, occupied]
    deliver()
    for part_id, lines in ((shadowed, 1), (seamless, 2), (sale, 2)):
        (row,) = query("SELECT * FROM data_change_logs WHERE part_id = :id AND version = 3", id=part_id)
        assert (row["table_name"], row["old_values"]["legacy"]["amount"]) == ("prices", "5.00")
        assert len(container.parts.admin.part(part_id)["price"]["prices"]) == lines


def test_a_rehearsal_says_the_same_and_changes_nothing(
    priced: Callable[..., int], move: Callable[..., PriceMove], query: Query
) -> None:
    priced()
    priced(PriceLine("EUR", Decimal("4.00")))
    priced(PriceLine("EUR", Decimal("4.00"), 10, far(2), far(3)))
    before = state(query)
    rehearsed = move(dry_run=True)
    assert state(query) == before
    assert rehearsed == move()


def test_moving_goes_in_chunks(
    priced: Callable[..., int], move: Callable[..., PriceMove], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(legacy_prices, "CHUNK", 2)
    kept = [priced(PriceLine("EUR", Decimal("4.00"), 10, far(2), far(3))) for _ in range(3)]
    moved = [priced() for _ in range(4)]
    done = move()
    assert (done.moved, done.kept) == (len(moved), kept)


def test_two_moves_and_somebody_who_sets_prices_at_once_lose_nothing(
    priced: Callable[..., int], move: Callable[..., PriceMove], container: Container, actor: Actor, query: Query
) -> None:
    part_ids, start = [priced() for _ in range(12)], Barrier(3)
    own = [PriceLine("EUR", Decimal("6.00"))]

    def set_all() -> PriceMove:
        start.wait()
        for part_id in reversed(part_ids):
            container.parts.update_prices_with_sync(Intent(actor), part_id, own)
        return PriceMove()

    def move_all() -> PriceMove:
        start.wait()
        return move()

    with ThreadPoolExecutor(3) as pool:
        results = [future.result() for future in [pool.submit(set_all), pool.submit(move_all), pool.submit(move_all)]]
    assert sum(done.moved + done.shadowed for done in results) == len(part_ids)
    for part_id in part_ids:
        part = container.parts.admin.part(part_id)
        assert [line["amount"] for line in part["price"]["prices"]] == ["6.00"]
        events = query(
            "SELECT version FROM outbox_events WHERE aggregate_type = 'part' AND aggregate_id = :id AND aspect = 'price'"
            " ORDER BY version", id=part_id,
        )  # fmt: skip
        assert [event["version"] for event in events] == [2, 3]
    assert query("SELECT 1 FROM prices WHERE part_id = ANY(:ids)", ids=part_ids) == []


def test_an_empty_list_lets_the_legacy_price_through(priced: Callable[..., int], container: Container, actor: Actor) -> None:
    part_id = priced(PriceLine("EUR", Decimal("6.00")))
    assert container.parts.catalog.part(part_id).body["price"]["amount"] == "6.00"
    container.parts.update_prices_with_sync(Intent(actor), part_id, [])
    assert container.parts.catalog.part(part_id).body["price"]["amount"] == "5.00"


@pytest.mark.parametrize(
    ("lines", "statement", "before", "after"),
    [
        ([], "UPDATE prices SET amount = 6 WHERE part_id = :id", "5.00", "6.00"),
        ([], "DELETE FROM prices WHERE part_id = :id", "5.00", None),
        (
            [PriceLine("EUR", Decimal("4.00"), 1, None, far(-3))],
            "UPDATE prices SET amount = 6 WHERE part_id = :id",
            "5.00",
            "6.00",
        ),
        ([PriceLine("EUR", Decimal("4.00"))], "UPDATE prices SET amount = 6 WHERE part_id = :id", "4.00", "4.00"),
    ],
    ids=["changed", "deleted", "shown after a line has ended", "hidden by a line"],
)
def test_a_legacy_price_changed_around_the_application_is_announced_by_reconciliation_once(
    lines: list[PriceLine], statement: str, before: str | None, after: str | None, priced: Callable[..., int],
    container: Container, query: Query, deliver: Callable[[], None],
) -> None:  # fmt: skip
    part_id = priced(*lines)
    container.reconciliation.run()

    def seen() -> tuple[str | None, int]:
        body = container.parts.catalog.part(part_id).body
        return body["price"] and body["price"]["amount"], body["versions"]["price"]

    amount, version = seen()
    assert amount == before
    query(statement, id=part_id)
    assert container.reconciliation.run()["found"]["legacy_price"] == (before != after)
    assert container.reconciliation.run()["found"]["legacy_price"] == 0
    assert seen() == (after, version + (before != after))
    deliver()
    rows = query("SELECT * FROM data_change_logs WHERE part_id = :id AND table_name = 'prices' ORDER BY id DESC", id=part_id)
    if before != after:
        old, new = rows[0]["old_values"]["price"], rows[0]["new_values"]["price"]
        assert (old and old["amount"], new and new["amount"], rows[0]["reason"].split(":")[0]) == (before, after, "reconcile")


def test_the_command_says_what_it_did(servers: EmbeddedServers, priced: Callable[..., int]) -> None:
    priced()
    kept = priced(PriceLine("EUR", Decimal("4.00"), 10, far(2), far(3)))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PROMETHEUS")} | servers.environ
    said = [
        subprocess.run(
            [REPOSITORY / ".venv/bin/flask", "move-prices", *options], cwd=REPOSITORY, env=environ, capture_output=True,
            text=True, timeout=60, check=True,
        ).stdout
        for options in (["--dry-run"], [], [])
    ]  # fmt: skip
    assert [text.splitlines()[0] for text in said] == ["1 moved, 0 shadowed, 1 kept"] * 2 + ["0 moved, 0 shadowed, 1 kept"]
    assert all(f"part {kept} keeps" in text for text in said)


DAYS = st.one_of(st.none(), st.integers(-3, 3).map(lambda n: NOW + timedelta(days=n)))
LINES = st.builds(
    PriceLine, st.sampled_from(["EUR", "USD"]), st.sampled_from([Decimal(4), Decimal(5)]), st.sampled_from([1, 10]), DAYS, DAYS
)


@given(lines=st.lists(LINES.filter(lambda line: not (line.valid_from and line.valid_to) or line.valid_from < line.valid_to),
                      max_size=4, unique_by=lambda line: (line.currency, line.min_quantity, line.valid_from)))  # fmt: skip
def test_no_moment_shows_another_price_without_the_legacy_one(lines: list[PriceLine]) -> None:
    after = without_legacy(lines, LEGACY, NOW)
    for half_days in range(10):
        moment = NOW + timedelta(hours=12 * half_days)
        if after is not None:
            assert current_price(after, None, moment) == current_price(lines, LEGACY, moment)
