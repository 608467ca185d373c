"""What runs all the time (writes, reads, the sweep, deliveries, beat's tasks, status) is served by
indexes, however many rows there are.

PostgreSQL is told in a transaction that is rolled back that the tables have ten million rows, and explains what was executed.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import Connection, TextClause, event, text

from app.container import Container
from app.contract.events import Actor
from app.domain.measures import SpecificationFilter
from app.services.authentication import digest
from app.services.images import make_variants
from app.services.intent import Intent
from app.services.lookup import look_up
from app.store import cache_epoch, database, drift, outbox, transaction, users
from app.store.database import single_statements
from app.store.specifications import searches
from app.store.specifications.fits import keys_that_fit
from app.store.users import NewSession
from app.sync.prune import prune

ROWS = 10_000_000
MAX_SORTED = 100_000
# Tables that grow with the shop or with time.
LARGE = (
    "outbox_events", "outbox_deliveries", "data_change_logs", "part_content_versions", "parts", "stock_levels", "part_prices",
    "prices", "part_images", "part_specifications", "part_search", "part_current_prices", "part_features",
    "specification_values", "idempotency_keys", "user_sessions",
    "sync_runs", "former_slugs",
)  # fmt: skip
# Indexes of what is waiting for something, which does not grow with the shop.
FEW = {
    "ix_outbox_deliveries_due", "ix_outbox_deliveries_dead_letters", "ix_parts_price_boundary", "ix_part_images_without_variants",
}  # fmt: skip
# The newest that are done, when nearly all are, need no index of their own.
ALLOWED = "WHERE state = 'done' ORDER BY event_id DESC LIMIT 4000"
_ENLARGE = """
    SELECT pg_restore_relation_stats('schemaname', 'public', 'relname', relname::text, 'reltuples', {rows}::real,
                                     'relpages', greatest(1, pg_relation_size(oid) / 8192)::integer),
           (SELECT count(*) FROM pg_attribute a CROSS JOIN LATERAL pg_clear_attribute_stats('public', c.relname, a.attname, false)
            WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped)
    FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relname = ANY(%(tables)s)
"""
# Nearly everything is done, and is about parts; times and ids rise together.
_COMMON = """
    SELECT pg_restore_attribute_stats('schemaname', 'public', 'relname', given.relname, 'attname', given.attname,
        'inherited', false, 'null_frac', 0::real, 'avg_width', 5, 'n_distinct', 3::real,
        'most_common_vals', given.vals, 'most_common_freqs', '{0.9998,0.0001,0.0001}'::real[])
    FROM (VALUES ('outbox_deliveries', 'state', '{done,pending,dead}'),
                 ('outbox_events', 'aggregate_type', '{part,category,user}'))
      AS given(relname, attname, vals)
"""
# Of columns that are rarely set, or rarely not.
_RARE = """
    SELECT pg_restore_attribute_stats('schemaname', 'public', 'relname', given.relname, 'attname', given.attname,
        'inherited', false, 'null_frac', given.null_frac::real, 'avg_width', 8, 'n_distinct', -1::real)
    FROM (VALUES ('parts', 'price_boundary', 0.9999), ('parts', 'archived_at', 0.99), ('part_images', 'variants_at', 0.0001))
      AS given(relname, attname, null_frac)
"""
# A table without a page cannot have rows.
_FILL = (
    "INSERT INTO part_prices (part_id, currency, amount) SELECT id, 'EUR', 1 FROM parts ORDER BY id DESC LIMIT 1",
    "INSERT INTO prices (part_id, currency, amount) SELECT id, 'EUR', 1 FROM parts ORDER BY id DESC LIMIT 1",
    "INSERT INTO part_specifications (part_id, name, value) SELECT id, 'Bore', 1 FROM parts ORDER BY id DESC LIMIT 1",
    "INSERT INTO specification_values (key, named, meaning, name, value, unit, reader, symbol, place)"
    " VALUES (1, 1, 1, '', '', '', 1, '', '')",
    "INSERT INTO part_images (part_id, digest, extension, byte_size, width, height)"
    " SELECT id, 'digest', 'jpg', 1, 1, 1 FROM parts ORDER BY id DESC LIMIT 1",
    "INSERT INTO former_slugs (kind, slug, record_id) VALUES ('part', 'former', 1)",
    "INSERT INTO idempotency_keys (caller, key, fingerprint, result) VALUES ('nobody', 'key', '', '{}')",
)
_TIMES = """
    SELECT pg_restore_attribute_stats('schemaname', 'public', 'relname', given.relname, 'attname', given.attname,
        'inherited', false, 'null_frac', 0::real, 'avg_width', 8, 'n_distinct', -1::real, 'correlation', 1::real,
        'histogram_bounds', (SELECT array_agg(now() - make_interval(days => 30) * (100 - n) / 100 ORDER BY n)
                             FROM generate_series(0, 100) AS n)::text)
    FROM (VALUES ('outbox_events', 'created_at'), ('idempotency_keys', 'created_at'), ('sync_runs', 'started_at'),
                 ('user_sessions', 'expires_at'), ('outbox_deliveries', 'created_at')) AS given(relname, attname)
"""
_IDS = """
    SELECT pg_restore_attribute_stats('schemaname', 'public', 'relname', given.relname, 'attname', given.attname,
        'inherited', false, 'null_frac', 0::real, 'avg_width', 8, 'n_distinct', given.n_distinct::real, 'correlation', 1::real,
        'histogram_bounds', (SELECT array_agg(n * {rows}::bigint / 100 ORDER BY n) FROM generate_series(0, 100) AS n)::text)
    FROM (VALUES ('outbox_events', 'id', -1), ('outbox_deliveries', 'event_id', -0.3), ('data_change_logs', 'id', -1),
                 ('parts', 'id', -1), ('outbox_events', 'aggregate_id', -0.1), ('stock_levels', 'part_id', -1))
      AS given(relname, attname, n_distinct)
"""


@contextmanager
def heard(*engines: Any) -> Iterator[dict[str, Any]]:
    """Collect what is executed meanwhile by whoever: statements with the parameters of one execution."""
    found: dict[str, Any] = {}
    directly = database.run_directly

    def run_directly(connection: Connection, statement: TextClause, **parameters: Any) -> Any:
        found[database._as_the_driver_takes_it(statement)[0]] = parameters
        return directly(connection, statement, **parameters)

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH", "UPDATE", "DELETE", "INSERT")):
            found[statement] = parameters

    for engine in engines:
        event.listen(engine, "before_cursor_execute", note)
    try:
        with pytest.MonkeyPatch.context() as patched:
            for module in (cache_epoch, outbox, transaction, users):
                patched.setattr(module, "run_directly", run_directly)
            yield found
    finally:
        for engine in engines:
            event.remove(engine, "before_cursor_execute", note)


def scanned(plan: dict[str, Any]) -> Iterator[str]:
    """Yield the large tables that a plan reads from beginning to end, or filters in an index from its beginning on; and where it
    collects more rows than a statement may."""
    table, index = plan.get("Relation Name"), plan.get("Index Name")
    if table in LARGE and plan["Node Type"] == "Seq Scan":
        yield table
    if table in LARGE and index and index not in FEW and "Filter" in plan and "Index Cond" not in plan:
        yield f"{table} in {index}"
    for child in plan.get("Plans", ()):
        if plan["Node Type"] in {"Sort", "Hash"} and child["Plan Rows"] > MAX_SORTED:
            yield f"{plan['Node Type']} of {child['Plan Rows']}"
        yield from scanned(child)


def enlarge(connection: Connection) -> None:
    for statement in _FILL:
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(_ENLARGE.format(rows=ROWS), {"tables": list(LARGE)})
    connection.exec_driver_sql(_COMMON)
    connection.exec_driver_sql(_RARE)
    connection.exec_driver_sql(_TIMES)
    connection.exec_driver_sql(_IDS.format(rows=ROWS))


def test_nothing_that_runs_all_the_time_reads_a_table_from_beginning_to_end(
    app: Flask, container: Container, actor: Actor, new_part: Callable[..., int], deliver: Callable[[], None]
) -> None:
    engines = container.reading, container.consistency._proving, single_statements(container.deliveries._engine)
    with heard(*engines) as statements:
        part_id = new_part()
        container.parts.adjust_stock_with_sync(Intent(actor), part_id, 1)
        deliver()
        container.parts.catalog.part(part_id)
        container.parts.catalog.by_sku([uuid4().hex], None)
        look_up(container.parts.catalog, [{"text": "bolt m8 x 40", "quantity": 1}, {"sku": uuid4().hex, "quantity": 1}], None)
        container.parts.admin.part(part_id)
        filters = {"part_id": part_id, "table_name": "parts", "operation": "UPDATE", "changed_by": actor.user_id}
        filters["request_id"] = "till-00000042"
        for narrowed in ({}, *({name: value} for name, value in filters.items())):
            container.parts.admin.audit(narrowed, None, 50)
        container.consistency.sweep()
        container.reconciliation.run()
        for _ in range(8):
            app.extensions["lockstep_verifier"].step()
        with container.reading.connect() as connection:
            held = {"part_id": part_id, "aspect": "stock", "version": 1, "watched_for": 60}
            drift.superseded(connection, [held], 10)
            drift.since(connection, "part", part_id, "stock", 1)
            drift.newest_of(connection, "part", part_id)
        container.price_dates.apply()
        prune(container.engine)
        make_variants(container.reading, container.storage)
        container.import_jobs.work()
        container.sync_control.status()
        container.sync_control.outbox_status()
        container.sync_control.dead_letters((0, ""), 50)
        container.sync_control.replay(Intent(actor))
        container.sync_control.discard(Intent(actor), "because")
        container.sync_control.overview()
        width = {"name": "Width", "value": "25", "unit": "mm", "group": ""}
        container.parts.update_specifications_with_sync(Intent(actor), part_id, [width])
        with container.reading.connect() as connection:
            assert searches.said(connection, ("width", "25mm")).parts
            keys_that_fit(connection, [SpecificationFilter("Bore", ("25 mm",), "1 mm", "1 m")])
        with container.reading.connect() as connection:
            newest = connection.execute(text("SELECT event_id::text FROM outbox_events ORDER BY id DESC LIMIT 1")).scalar_one()
        container.sync_control.journey(newest)
        with container.reading.connect() as connection:
            user = connection.execute(text("SELECT id, version FROM users WHERE id = :id"), {"id": actor.user_id}).one()
            session = NewSession(
                digest=digest(uuid4().hex), csrf_token="", lifetime=timedelta(), ip_address=None, user_agent=None
            )
            users.open_session(connection, user, session)
        users.rights(container.reading, [digest("nobody")], scope="read", idle=timedelta(hours=8))
        container.people.users(None, 50)
    assert len(statements) > 40
    with container.engine.connect() as connection:
        enlarge(connection)
        found = {}
        for statement, parameters in statements.items():
            if ALLOWED in " ".join(statement.split()):
                continue
            # As the server plans a prepared statement, for whatever parameters.
            plan = connection.exec_driver_sql("EXPLAIN (FORMAT JSON) " + statement, parameters).scalar_one()
            if tables := sorted(scanned(plan[0]["Plan"])):
                found[" ".join(statement.split())] = tables
        connection.rollback()
    assert not found, "\n".join(f"{tables}: {statement}" for statement, tables in found.items())
