"""The unit of work: atomic with its events, no lost updates, retries after deadlocks, short waits for locks."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from psycopg.errors import CheckViolation
from sqlalchemy import Engine, text
from sqlalchemy.exc import DataError, IntegrityError, OperationalError

from app.container import Container
from app.contract.effects import EFFECTS
from app.contract.events import Actor, EventType
from app.domain.errors import ConcurrencyError, DatabaseConsistencyError, InsufficientStockError, KeyInUseError
from app.domain.stock import Stock
from app.services.intent import Expected, Intent
from app.store import idempotency
from app.store import stock as rows
from app.store.database import run_directly, single_statements
from app.store.idempotency import KeyedCall
from app.store.locks import lock_parts, lock_stock, lock_stocks
from app.store.pipeline import Pipeline
from app.store.transaction import OvertakenError, TransactionManager, UnitOfWork

Query = Callable[..., list[dict[str, Any]]]
WRITERS = 8


def stock_events(query: Query, part_id: int) -> list[dict[str, Any]]:
    return query(
        "SELECT id, type, version, payload, created_at FROM outbox_events"
        " WHERE aggregate_type = 'part' AND aggregate_id = :id AND aspect = 'stock' ORDER BY id", id=part_id,
    )  # fmt: skip


def stock_row(query: Query, part_id: int) -> dict[str, Any]:
    (row,) = query("SELECT * FROM stock_levels WHERE part_id = :id", id=part_id)
    return row


def test_of_many_writers_of_one_version_exactly_one_wins(
    container: Container, actor: Actor, new_part: Callable[..., int], query: Query
) -> None:
    part_id, start = new_part(), Barrier(WRITERS)

    def write(number: int) -> int:
        start.wait()
        try:
            state = container.parts.update_stock_with_sync(Intent(actor, Expected(1)), part_id, {"current_stock": 100 + number})
        except ConcurrencyError as error:
            return -int(error.current["version"])
        return int(state["current_stock"])

    with ThreadPoolExecutor(WRITERS) as pool:
        *lost, won = sorted(pool.map(write, range(WRITERS)))
    assert lost == [-2] * (WRITERS - 1)
    assert stock_row(query, part_id)["current_stock"] == won
    assert [event["version"] for event in stock_events(query, part_id)] == [1, 2]


def test_concurrent_adjustments_all_count_and_their_versions_are_in_the_order_of_their_commits(
    container: Container, actor: Actor, new_part: Callable[..., int], query: Query
) -> None:
    part_id, start = new_part(stock=0), Barrier(WRITERS)

    def adjust(number: int) -> None:
        start.wait()
        for _ in range(5):
            container.parts.adjust_stock_with_sync(Intent(actor), part_id, number + 1)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(adjust, range(WRITERS)))
    events = stock_events(query, part_id)
    assert [event["version"] for event in events] == list(range(1, 5 * WRITERS + 2))
    assert [event["created_at"] for event in events] == sorted(event["created_at"] for event in events)
    sums = [event["payload"]["state"]["current_stock"] for event in events]
    assert all(before < after for before, after in pairwise(sums))
    assert stock_row(query, part_id)["current_stock"] == sums[-1] == 5 * sum(range(1, WRITERS + 1))


def test_concurrent_removals_never_take_more_than_there_is(
    container: Container, actor: Actor, new_part: Callable[..., int], query: Query
) -> None:
    part_id, start = new_part(stock=5), Barrier(WRITERS)

    def take(_number: int) -> bool:
        start.wait()
        try:
            container.parts.adjust_stock_with_sync(Intent(actor), part_id, -1)
        except InsufficientStockError:
            return False
        return True

    with ThreadPoolExecutor(WRITERS) as pool:
        assert sum(pool.map(take, range(WRITERS))) == 5
    assert stock_row(query, part_id)["current_stock"] == 0


def test_an_exception_after_a_recorded_write_leaves_neither_the_row_nor_the_event(
    container: Container, actor: Actor, new_part: Callable[..., int], query: Query
) -> None:
    part_id = new_part()
    before = stock_row(query, part_id), stock_events(query, part_id)

    def work(unit_of_work: UnitOfWork) -> None:
        row = lock_stock(unit_of_work, part_id)
        rows.save(unit_of_work, row, Stock(99, version=row.version + 1), None)
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        container.transactions.run(actor, work)
    assert (stock_row(query, part_id), stock_events(query, part_id)) == before


def test_leaving_a_unit_of_work_without_a_commit_rolls_back(
    container: Container, actor: Actor, new_part: Callable[..., int], query: Query
) -> None:
    part_id = new_part()
    with container.transactions.atomic_operation(actor) as unit_of_work:
        row = lock_stock(unit_of_work, part_id)
        rows.save(unit_of_work, row, Stock(99, version=row.version + 1), None)
    assert stock_row(query, part_id)["version"] == 1


def test_an_event_that_cannot_be_written_undoes_its_change(
    container: Container, actor: Actor, new_part: Callable[..., int], query: Query
) -> None:
    """Two events of one version cannot both be true: the second violates the unique index, and its row is rolled back too."""
    part_id = new_part()

    def work(unit_of_work: UnitOfWork) -> None:
        row = lock_stock(unit_of_work, part_id)
        rows.save(unit_of_work, row, Stock(99, version=row.version), None)

    with pytest.raises(IntegrityError):
        container.transactions.run(actor, work)
    assert stock_row(query, part_id)["current_stock"] == 10


def test_an_event_that_is_recorded_and_cannot_be_written_undoes_its_change_as_well(
    container: Container, actor: Actor, new_part: Callable[..., int], query: Query
) -> None:
    part_id = new_part()

    def work(unit_of_work: UnitOfWork) -> None:
        row = lock_stock(unit_of_work, part_id)
        unit_of_work.execute(text("UPDATE stock_levels SET current_stock = 99 WHERE part_id = :id"), id=part_id)
        # There is one of this version already.
        unit_of_work.record(rows.created_event(part_id, row.id, rows.stock_of(row), {}, row.moment, is_public=True))

    with pytest.raises(IntegrityError):
        container.transactions.run(actor, work)
    assert stock_row(query, part_id)["current_stock"] == 10


def test_a_row_that_changes_after_it_was_read_without_a_lock_is_read_again_under_one(
    container: Container, actor: Actor, new_part: Callable[..., int], query: Query
) -> None:
    part_id, tries = new_part(), []

    def work(unit_of_work: UnitOfWork) -> dict[str, Any]:
        row = lock_stock(unit_of_work, part_id)
        if not tries:
            # By somebody whom neither a version nor a trigger tells of.
            query("UPDATE stock_levels SET reserved_quantity = 4 WHERE part_id = :id", id=part_id)
        tries.append(unit_of_work.locks)
        before = rows.stock_of(row)
        return rows.save(unit_of_work, row, replace(before, current_stock=7, version=before.version + 1), None)

    state = container.transactions.run(actor, work, one_row=True)
    assert tries == [False, True]
    assert (state["current_stock"], state["reserved_quantity"], state["version"]) == (7, 4, 2)
    assert [event["version"] for event in stock_events(query, part_id)] == [1, 2]


def test_what_was_overtaken_writes_nothing_and_is_not_tried_for_ever(
    container: Container, actor: Actor, new_part: Callable[..., int], query: Query
) -> None:
    part_id = new_part()

    def work(unit_of_work: UnitOfWork) -> None:
        row = lock_stock(unit_of_work, part_id)
        query("UPDATE stock_levels SET min_stock_level = min_stock_level WHERE part_id = :id", id=part_id)
        rows.save(unit_of_work, row, Stock(99, version=row.version + 1), None)

    with container.transactions.atomic_operation(actor, locks=False) as unit_of_work:
        work(unit_of_work)
        with pytest.raises(OvertakenError):
            unit_of_work.commit()
    assert stock_row(query, part_id)["current_stock"] == 10
    assert len(stock_events(query, part_id)) == 1


def test_every_event_owes_exactly_the_deliveries_of_its_type(
    container: Container, actor: Actor, new_part: Callable[..., int], query: Query
) -> None:
    part_id = new_part()
    container.parts.archive_part_with_sync(Intent(actor), part_id)
    found = query(
        "SELECT e.type, array_agg(d.effect ORDER BY d.effect) AS effects FROM outbox_events e"
        " JOIN outbox_deliveries d ON d.event_id = e.id WHERE e.aggregate_type = 'part' AND e.aggregate_id = :id GROUP BY e.id",
        id=part_id,
    )
    assert len(found) == 3
    for row in found:
        assert row["effects"] == sorted(EFFECTS[EventType(row["type"])])


def test_what_follows_a_commit_starts_after_it_and_only_for_units_of_work_with_events(
    container: Container, actor: Actor, new_part: Callable[..., int], query: Query
) -> None:
    part_id, seen = new_part(), []

    def after_commit(committed: Any) -> None:
        seen.append([(c.event.version, stock_row(query, part_id)["version"], c.id) for c in committed])

    transactions = TransactionManager(container.engine, after_commit)
    transactions.run(actor, lambda unit_of_work: lock_stock(unit_of_work, part_id))
    assert seen == []

    def work(unit_of_work: UnitOfWork) -> None:
        row = lock_stock(unit_of_work, part_id)
        rows.save(unit_of_work, row, Stock(99, version=2), None)

    transactions.run(actor, work)
    assert seen == [[(2, 2, stock_events(query, part_id)[-1]["id"])]]


def test_a_deadlock_is_retried_and_both_transactions_succeed(
    container: Container, actor: Actor, new_part: Callable[..., int], query: Query
) -> None:
    parts = new_part(), new_part()
    meeting, attempts = Barrier(2), [0, 0]
    calls = [KeyedCall("user 1", f"crossing {parts} {number}", b"") for number in range(2)]

    def cross(number: int) -> None:
        def work(unit_of_work: UnitOfWork) -> None:
            attempts[number] += 1
            for position, part_id in enumerate(parts if number == 0 else parts[::-1]):
                row = lock_stock(unit_of_work, part_id)
                rows.save(unit_of_work, row, Stock(row.current_stock + 1, version=row.version + 1), None)
                if position == 0 and attempts[number] == 1:
                    meeting.wait(10)

        container.transactions.run(actor, work, calls[number])

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(cross, range(2)))
    # The key of the one that was rolled back was kept with its second attempt, and neither runs again.
    assert [call.is_replay for call in calls] == [False, False]
    cross(0), cross(1)
    assert [call.is_replay for call in calls] == [True, True]
    assert sorted(attempts) == [1, 2]
    assert [stock_row(query, part_id)["current_stock"] for part_id in parts] == [12, 12]
    assert [len(stock_events(query, part_id)) for part_id in parts] == [3, 3]


def test_of_two_equal_calls_that_both_believe_to_be_the_first_only_one_can_be_committed(
    container: Container, actor: Actor, new_part: Callable[..., int], query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The primary key guarantees it, not the lock."""
    part_id, key = new_part(), uuid4().hex
    monkeypatch.setattr(idempotency, "claim", lambda _connection, _call: None)

    def work(unit_of_work: UnitOfWork) -> None:
        row = lock_stock(unit_of_work, part_id)
        rows.save(unit_of_work, row, Stock(row.current_stock + 1, version=row.version + 1), None)

    container.transactions.run(actor, work, KeyedCall("user 1", key, b""))
    with pytest.raises(KeyInUseError):
        container.transactions.run(actor, work, KeyedCall("user 1", key, b""))
    assert stock_row(query, part_id)["current_stock"] == 11
    assert len(stock_events(query, part_id)) == 2


def test_a_lock_that_is_not_to_be_had_in_time_is_reported_and_nothing_is_written(
    container: Container, actor: Actor, new_part: Callable[..., int], query: Query
) -> None:
    part_id = new_part()

    def work(unit_of_work: UnitOfWork) -> None:
        unit_of_work.execute(text("SET LOCAL lock_timeout = '50ms'"))
        row = lock_stock(unit_of_work, part_id)
        rows.save(unit_of_work, row, Stock(99, version=2), None)

    with container.engine.connect() as other:
        other.execute(text("SELECT FROM stock_levels WHERE part_id = :id FOR UPDATE"), {"id": part_id})
        with pytest.raises(DatabaseConsistencyError):
            container.transactions.run(actor, work)
    assert stock_row(query, part_id)["current_stock"] == 10


def test_locks_are_taken_in_the_order_of_the_ids_whatever_the_caller_says(
    container: Container, actor: Actor, new_part: Callable[..., int]
) -> None:
    parts = [new_part() for _ in range(4)]
    with container.transactions.atomic_operation(actor) as unit_of_work:
        # The rows stand in the opposite order, and no index is there to put them right.
        for part_id in parts[::-1]:
            unit_of_work.execute(text("UPDATE parts SET updated_at = updated_at WHERE id = :id"), id=part_id)
            unit_of_work.execute(text("UPDATE stock_levels SET updated_at = updated_at WHERE part_id = :id"), id=part_id)
        for way in ("indexscan", "indexonlyscan", "bitmapscan"):
            unit_of_work.execute(text(f"SET LOCAL enable_{way} = off"))
        assert [row.id for row in lock_parts(unit_of_work, parts[::-1])] == parts
        assert [row.part_id for row in lock_stocks(unit_of_work, parts[::-1])] == parts


@pytest.mark.parametrize("column", ["current_stock", "reserved_quantity", "min_stock_level"])
def test_the_database_refuses_a_negative_quantity_whoever_writes(column: str, new_part: Callable[..., int], query: Query) -> None:
    with pytest.raises(IntegrityError) as refused:
        query(f"UPDATE stock_levels SET {column} = -1 WHERE part_id = :id", id=new_part())
    assert isinstance(refused.value.orig, CheckViolation)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE parts SET status = 'sold' WHERE id = :id",
        "UPDATE parts SET version = 0 WHERE id = :id",
        "UPDATE stock_levels SET version = 0 WHERE part_id = :id",
        "INSERT INTO part_prices (part_id, currency, amount) VALUES (:id, 'EUR', -1)",
        "INSERT INTO part_prices (part_id, currency, amount) VALUES (:id, 'eur', 1)",
        "INSERT INTO part_prices (part_id, currency, amount, min_quantity) VALUES (:id, 'EUR', 1, 0)",
        "INSERT INTO part_prices (part_id, currency, amount, valid_from, valid_to) VALUES (:id, 'EUR', 1, now(), now())",
        "INSERT INTO prices (part_id, currency, amount) VALUES (:id, 'EURO', 1)",
    ],
)
def test_the_database_refuses_what_must_never_be(statement: str, new_part: Callable[..., int], query: Query) -> None:
    with pytest.raises(Exception, match=r"check constraint|too long"):
        query(statement, id=new_part())


def setting(part_id: int, stock: int, *, times: int = 1) -> Callable[[UnitOfWork], int]:
    """Return work that sets a part's stock and announces it; doing so twice fails, but not before the commit."""

    def work(unit_of_work: UnitOfWork) -> int:
        row = lock_stock(unit_of_work, part_id)
        for _ in range(times):
            rows.save(unit_of_work, row, Stock(stock, version=row.version + 1), None)
        return int(row.version)

    return work


def test_units_in_a_pipeline_are_committed_in_their_order_and_each_is_followed_by_what_it_owes(
    container: Container, actor: Actor, new_part: Callable[..., int], query: Query
) -> None:
    part_id = new_part()
    followed: list[int] = []
    transactions = TransactionManager(container.engine, lambda committed: followed.extend(one.event.version for one in committed))
    with Pipeline(transactions, actor) as pipeline:
        # Each waits for the previous one's row lock, and sees what it has written.
        assert [pipeline.run(setting(part_id, stock)) for stock in range(10, 20)] == list(range(1, 11))
    assert followed == list(range(2, 12))
    assert [event["version"] for event in stock_events(query, part_id)] == list(range(1, 12))
    assert stock_row(query, part_id)["current_stock"] == 19


def test_behind_a_unit_that_cannot_be_committed_no_other_is(
    container: Container, actor: Actor, new_part: Callable[..., int], query: Query
) -> None:
    good, bad, behind = new_part(), new_part(), new_part()
    before = stock_row(query, bad), stock_row(query, behind)

    def run(*units: Callable[[UnitOfWork], int]) -> None:
        with Pipeline(container.transactions, actor) as pipeline:
            for unit in units:
                pipeline.run(unit)

    with pytest.raises(IntegrityError):
        run(setting(good, 11), setting(bad, 12, times=2), setting(behind, 13))
    assert stock_row(query, good)["current_stock"] == 11
    assert (stock_row(query, bad), stock_row(query, behind)) == before
    with pytest.raises(IntegrityError):
        run(setting(bad, 12, times=2))
    assert stock_row(query, bad) == before[0]


def test_a_unit_that_could_not_see_what_the_one_before_made_is_done_again(
    container: Container, actor: Actor, query: Query
) -> None:
    name = f"Shared {uuid4().hex}"

    def work(unit_of_work: UnitOfWork) -> str:
        if unit_of_work.execute(text("SELECT FROM categories WHERE name = :name"), name=name).first() is not None:
            return "found"
        unit_of_work.execute(text("INSERT INTO categories (name, slug) VALUES (:name, :name)"), name=name)
        return "made"

    with Pipeline(container.transactions, actor) as pipeline:
        assert [pipeline.run(work) for _ in range(3)] == ["made", "found", "found"]
    assert len(query("SELECT FROM categories WHERE name = :name", name=name)) == 1


def test_a_single_statement_finds_its_connection_ready_and_a_transaction_puts_it_back(container: Container) -> None:
    def commits_by_itself(engine: Engine) -> bool:
        with engine.connect() as connection:
            driver: Any = connection.connection.driver_connection
            return bool(driver.autocommit)

    assert [commits_by_itself(engine) for engine in (container.reading, container.engine, container.reading)] == [
        True,
        False,
        True,
    ]
    # The engine itself: a view of it would set each connection and set it back.
    assert single_statements(container.engine) is single_statements(container.reading) is container.reading


def test_what_runs_directly_again_has_its_cursor_ready_and_that_holds_one_row_at_most(container: Container) -> None:
    echo = text("SELECT CAST(:value AS json) AS value, n FROM generate_series(1, :rows) AS n")
    with container.reading.connect() as connection:

        def cursors() -> set[int]:
            (kept,) = (kept for kept in connection.info.values() if isinstance(kept, dict))
            return {id(cursor) for cursor in kept.values()}

        run_directly(connection, echo, value=None, rows=1)
        ready = cursors()
        for value in (1, 2**40, 1.5, "words", [1, 2]):
            assert [row.value for row in run_directly(connection, echo, value=json.dumps(value), rows=1)] == [value]
        assert cursors() == ready
        assert [row.n for row in run_directly(connection, echo, value="1", rows=3)] == [1, 2, 3]
        assert len(cursors()) == len(ready) - 1


def test_after_a_failure_or_on_a_new_connection_a_statement_gets_a_new_cursor(container: Container) -> None:
    divide, end = text("SELECT 6 / :by AS share"), text("SELECT pg_terminate_backend(pg_backend_pid())")
    with closing(container.reading.connect()) as connection:
        assert run_directly(connection, divide, by=3)[0].share == 2
        with pytest.raises(DataError):
            run_directly(connection, divide, by=0)
        assert run_directly(connection, divide, by=2)[0].share == 3
        with pytest.raises(OperationalError):
            run_directly(connection, end)
    with container.reading.connect() as connection:
        assert run_directly(connection, divide, by=1)[0].share == 6
