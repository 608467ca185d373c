"""Migrations run while the shop is used, and after they were stopped in the middle."""

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, Engine, event, text
from sqlalchemy.exc import DBAPIError

from app.models import Base
from app.store import audit_chain
from app.store.database import connect, single_statements
from bench.system import wait_until
from tests.migrations.test_migrations import migrate, scratch

__all__ = ["scratch"]

# A shop of the first release: what each migration with batches has to go through.
FILL = """
    INSERT INTO categories (name, slug) VALUES ('Screws', 'screws'), ('Bolts', 'bolts');
    INSERT INTO parts (sku, slug, part_name, description, manufacturer, status, category_id)
    SELECT 'SKU-' || n, 'slug-' || n, 'Screw M' || n %% 40 || ' x ' || n %% 100, '<p>Made of steel</p><script>x</script>',
           'Maker ' || n %% 50, 'published', 1 + n %% 2
    FROM generate_series(1, {parts}) AS n;
    INSERT INTO part_specifications (part_id, name, value) SELECT id, 'Length', id %% 100 FROM parts;
    INSERT INTO stock_levels (part_id, current_stock) SELECT id, id %% 7 FROM parts;
    INSERT INTO part_prices (part_id, currency, amount) SELECT id, 'EUR', id %% 900 FROM parts;
    INSERT INTO part_prices (part_id, currency, amount, valid_from) SELECT id, 'USD', 5, now() + interval '1 day' FROM parts;
    INSERT INTO part_content_versions (part_id, version_number, content_snapshot, created_by, is_active)
    SELECT p.id, 1, jsonb_build_object('slug', 'former-' || p.id, 'status', 'published'), u.id, true FROM parts p, users u;
    INSERT INTO data_change_logs (event_id, table_name, record_id, operation, version, new_values)
    SELECT uuidv7(), 'parts', id, 'INSERT', 1, '{{"sku": "x"}}' FROM parts;
    ANALYZE;
"""
# What the release of revision 0001 reads and writes. Its audit trail is written by workers, which are stopped before.
STATEMENTS = (
    "UPDATE stock_levels SET current_stock = current_stock + 1, version = version + 1 WHERE part_id = :part",
    "UPDATE parts SET part_name = 'Renamed ' || :part, slug = 'renamed-' || :n, version = version + 1 WHERE id = :part",
    "UPDATE part_prices SET amount = :n % 100 WHERE part_id = :part AND currency = 'EUR'",
    "INSERT INTO parts (sku, slug, part_name) VALUES ('NEW-' || :n, 'new-' || :n, 'New')",
    "UPDATE parts SET category_id = 1 + :n % 2, version = version + 1 WHERE id = :part",
    "UPDATE part_specifications SET value = :n % 50 WHERE part_id = :part",
    "INSERT INTO outbox_events (aggregate_type, aggregate_id, aspect, type, version, payload)"
    " VALUES ('part', :part, 'stock', 'x', :n, '{}')",
)
READS = (
    "SELECT p.id, p.sku, p.part_name, s.current_stock FROM parts p JOIN stock_levels s ON s.part_id = p.id WHERE p.id = :part",
    "SELECT id, url, alt FROM part_images WHERE part_id = :part",
    "SELECT amount FROM part_prices WHERE part_id = :part",
    "SELECT operation, new_values FROM data_change_logs WHERE table_name = 'parts' AND record_id = :part",
    "SELECT id, email, role FROM users WHERE id = 1",
)
LISTED = "SELECT part_id FROM part_search WHERE is_public ORDER BY {}, part_id LIMIT 20"
# Up to where each release may run on: what those before 0005 read goes with revision 0008.
RELEASES = (
    ("0004", READS),
    ("0007", (*READS, LISTED.format("name"))),
    ("head", (*(read for read in READS if "url" not in read), LISTED.format("sort_key"))),
)
# Seconds, for which the application waits for a lock. Not a figure of speed: it is one migration step's wait, and some.
LONGEST = 2.0
SEARCHED = "SELECT part_id, is_public, in_stock, amount, sort_key, texts, numbers, words FROM part_search ORDER BY part_id"
PRICED = "SELECT * FROM part_current_prices ORDER BY part_id, currency"
numbers = itertools.count(1)


class StoppedError(Exception):
    """The migration was stopped."""


@contextmanager
def stopped_after(engine: Engine, statements: int) -> Iterator[None]:
    """Let a migration fail before the statement after so many."""
    left = statements

    def count(_connection: Connection, _cursor: object, statement: str, *_rest: object) -> None:
        nonlocal left
        left -= 1
        if left < 0 and "advisory" not in statement:
            raise StoppedError

    event.listen(engine, "before_cursor_execute", count)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", count)


def fill(engine: Engine, parts: int) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(FILL.format(parts=parts))


def rows(engine: Engine, statement: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(statement)).all())


def assert_whole(engine: Engine) -> None:
    """Assert that the schema is that of the models, and that what is derived is what would be derived now."""
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
        assert connection.execute(text("SELECT count(*) FROM pg_index WHERE NOT indisvalid")).scalar_one() == 0
        assert connection.execute(text("SELECT count(*) FROM pg_constraint WHERE NOT convalidated")).scalar_one() == 0
    assert list(audit_chain.verify(single_statements(engine)).broken) == []
    recounted = rows(engine, "SELECT id, recount_facets(id) FROM (VALUES (1), (2), (NULL)) AS c(id)")
    assert recounted == [(1, 0), (2, 0), (None, 0)]
    searched, priced = rows(engine, SEARCHED), rows(engine, PRICED)
    with engine.begin() as connection:
        connection.execute(text("SELECT fill_part_search()"))
    assert searched == rows(engine, SEARCHED)
    assert priced == rows(engine, "SELECT * FROM current_prices_of(ARRAY(SELECT id FROM parts)) ORDER BY part_id, currency")


def test_a_migration_that_was_stopped_anywhere_is_started_again(scratch: Engine) -> None:
    migrate(scratch, "up", "0001")
    fill(scratch, 250)
    for revision in ("0002", "0003", "0004", "0005", "0006", "0007", "0008", "head"):
        stops, after = 0, 8
        while True:
            try:
                with stopped_after(scratch, after):
                    migrate(scratch, "up", revision)
                break
            except StoppedError:
                stops, after = stops + 1, after + 9
        assert stops or revision in {"0004", "0007"}, revision
    assert_whole(scratch)
    assert audit_chain.verify(single_statements(scratch)).length == 250
    assert len(rows(scratch, "SELECT FROM former_slugs")) == 250
    assert len(rows(scratch, "SELECT FROM parts WHERE description = '<p>Made of steel</p>' AND price_boundary > now()")) == 250


def repeat(engine: Engine, statements: tuple[str, ...], ended: threading.Event, waits: list[tuple[float, str]]) -> None:
    """Run statements in turn until the end, as the application does, and say how long each took or how it failed.

    Where the type of a column changes, a prepared statement costs its connection, and the application answers 503 once.
    """
    with engine.connect() as connection:
        while not ended.is_set():
            number = next(numbers)
            statement = statements[number % len(statements)]
            begun = time.monotonic()
            try:
                connection.execute(text(statement), {"part": number % 997 + 1, "n": number})
                connection.commit()
                waits.append((time.monotonic() - begun, statement))
            except DBAPIError as error:
                connection.rollback()
                if not (error.connection_invalidated and "cached plan" in str(error)):
                    waits.append((float("inf"), f"{statement}: {error}"))
            # As often as a customer or two, so that the migration gets the processor.
            ended.wait(0.005)


def beside_traffic(engine: Engine, reads: tuple[str, ...], work: Callable[[], None]) -> list[tuple[float, str]]:
    """Do work while others read and write; return what they waited, longest last."""
    ended = threading.Event()
    waits: list[tuple[float, str]] = []
    threads = [threading.Thread(target=repeat, args=(engine, statements, ended, waits)) for statements in (STATEMENTS, reads)]
    for thread in threads:
        thread.start()
    try:
        assert wait_until(lambda: len(waits) > 10)
        work()
    finally:
        ended.set()
        for thread in threads:
            thread.join()
    return sorted(waits)


def test_nobody_waits_for_the_migrations_of_a_shop_that_is_used(scratch: Engine) -> None:
    migrate(scratch, "up", "0001")
    fill(scratch, 4000)
    for target, reads in RELEASES:
        shop = connect(scratch.url.render_as_string(hide_password=False))
        try:
            waits = beside_traffic(shop, reads, partial(migrate, scratch, "up", target))
        finally:
            shop.dispose()
        assert waits[-1][0] < LONGEST, (target, waits[-3:])
    assert_whole(scratch)


def test_what_is_written_between_any_two_steps_of_a_migration_is_written(scratch: Engine) -> None:
    """The one before looks at what happens to meet; this one tries every place."""
    migrate(scratch, "up", "0001")
    fill(scratch, 3)
    shop = connect(scratch.url.render_as_string(hide_password=False))
    met = dict.fromkeys(STATEMENTS, 0)
    refused: list[tuple[str, DBAPIError]] = []

    def write(_connection: Connection, _cursor: object, step: str, *_rest: object) -> None:
        for statement in STATEMENTS:
            try:
                # Taken back, since a migration works until there are no more new rows.
                with shop.connect() as connection:
                    connection.exec_driver_sql("SET LOCAL lock_timeout = '5ms'")
                    connection.execute(text(statement), {"part": 1, "n": next(numbers)})
                    connection.exec_driver_sql("SET CONSTRAINTS ALL IMMEDIATE")
                met[statement] += 1
            except DBAPIError as error:
                waited = isinstance(error.orig, LockNotAvailable)
                if not waited and not (error.connection_invalidated and "cached plan" in str(error)):
                    refused.append((step, error))

    event.listen(scratch, "before_cursor_execute", write)
    try:
        migrate(scratch, "up", "head")
    finally:
        event.remove(scratch, "before_cursor_execute", write)
        shop.dispose()
    assert not refused
    assert min(met.values()) > 100, met
    assert_whole(scratch)


def test_a_migration_that_gets_no_lock_lets_others_pass_and_begins_again(
    scratch: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    migrate(scratch, "up", "0003")
    failures: list[BaseException] = []

    def work() -> None:
        try:
            migrate(scratch, "up", "0004")
        except BaseException as error:  # noqa: BLE001 — told to the test
            failures.append(error)

    with scratch.connect() as reader:
        reader.execute(text("SELECT FROM user_sessions"))
        migration = threading.Thread(target=work)
        migration.start()
        assert wait_until(lambda: "No lock within 1s for: ALTER TABLE user_sessions" in caplog.text)
        reader.rollback()
    migration.join()
    assert not failures
    assert rows(scratch, "SELECT version_num FROM alembic_version") == [("0004",)]


def test_a_function_is_dropped_only_once_nobody_can_be_running_another_that_calls_it(scratch: Engine) -> None:
    def is_there() -> bool:
        return rows(scratch, "SELECT to_regprocedure('search_forms(text, boolean)') IS NOT NULL") == [(True,)]

    migrate(scratch, "up", "0010")
    waits = "SELECT FROM pg_stat_activity WHERE query LIKE '%clear_snapshot%' AND pid <> pg_backend_pid() AND state = 'active'"
    with scratch.connect() as writer:
        writer.execute(text("SELECT 1"))
        migration = threading.Thread(target=migrate, args=(scratch, "up", "0013"))
        migration.start()
        assert wait_until(lambda: bool(rows(scratch, waits)))
        assert is_there()
        writer.rollback()
    migration.join()
    assert not is_there()


def test_a_statement_that_was_prepared_before_a_column_changed_costs_one_connection_and_one_answer(scratch: Engine) -> None:
    with scratch.begin() as connection:
        connection.execute(text("CREATE TABLE things (amount numeric(12, 2))"))
    shop = connect(scratch.url.render_as_string(hide_password=False))

    def read() -> None:
        with single_statements(shop).connect() as connection:
            connection.execute(text("SELECT amount FROM things"))

    try:
        for _ in range(10):
            read()
        with scratch.begin() as connection:
            connection.execute(text("ALTER TABLE things ALTER COLUMN amount TYPE numeric"))
        with pytest.raises(DBAPIError, match="cached plan") as raised:
            read()
        assert raised.value.connection_invalidated
        read()
    finally:
        shop.dispose()
