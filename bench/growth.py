"""`python -m bench.growth [SIZE…] [--json FILE]`: what writes, reads, status, pruning and reconciliation cost as a shop grows.

SIZE is a number of events, 10^5 and 10^6 unless given; there are a tenth as many parts. Each is measured in a new database, with
the application in this process. Prints milliseconds of processor time and, from the second size on, how many times the first
one's they are.
`bench.plot` draws the file.
"""

import argparse
import json
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import structlog
from flask_migrate import upgrade

from app.container import Container
from app.contract.events import Actor
from app.domain.search import words_of
from app.factory import create_app
from app.services.intent import Intent
from app.store import database, positions, users
from app.store.listing.filters import PartFilters
from app.sync import prune
from bench.pgbench import plain
from bench.system import machine, wait_until
from config import load_settings
from devserver import EmbeddedServers

SIZES = (100_000, 1_000_000)
# Events a part: one of its content, the others of its stock, from 15 days ago until now.
EACH = 10
TIMES = 100
# What does not grow: how fast the machine was at the time.
YARDSTICK = "SELECT 1"

_PARTS = """
    INSERT INTO parts (sku, slug, part_name, manufacturer, status, created_at)
    SELECT 'G-' || n, 'g-' || n, 'Growing part ' || n, 'Maker ' || n %% 20, 'published', now()
    FROM generate_series(1, %(parts)s) AS n
"""
_STOCKS = """
    INSERT INTO stock_levels (part_id, current_stock, version) SELECT id, 100, %(versions)s FROM parts WHERE sku LIKE 'G-%%'
"""
_EVENTS = """
    INSERT INTO outbox_events (aggregate_type, aggregate_id, aspect, type, version, payload, actor_id, created_at)
    SELECT 'part', p.id, CASE WHEN n = 0 THEN 'content' ELSE 'stock' END,
           CASE WHEN n = 0 THEN 'part.created' WHEN n = 1 THEN 'stock.created' ELSE 'stock.updated' END,
           GREATEST(n, 1),
           jsonb_build_object(
               'format', 1, 'table_name', CASE WHEN n = 0 THEN 'parts' ELSE 'stock_levels' END, 'record_id', p.id,
               'operation', CASE WHEN n < 2 THEN 'INSERT' ELSE 'UPDATE' END, 'old_values', jsonb_build_object('version', n),
               'new_values', jsonb_build_object('version', n, 'current_stock', 100), 'public', NULL, 'was_public', true,
               'lists', '[]'::jsonb, 'reason', NULL, 'actor_name', 'bench', 'ip_address', '192.0.2.1',
               'user_agent', repeat('b', 60),
               'snapshot', CASE WHEN n = 0 THEN jsonb_build_object('part_name', p.part_name) END,
               'state', CASE WHEN n > 0 THEN jsonb_build_object(
                   'part_id', p.id, 'current_stock', 100, 'reserved_quantity', 0, 'min_stock_level', 0, 'version', n)
                   ELSE jsonb_build_object('id', p.id, 'part_name', p.part_name, 'description', repeat('A part. ', 20)) END),
           %(author)s, now() - make_interval(days => 15) * (1 - n / %(versions)s::float)
    FROM generate_series(0, %(versions)s) AS n CROSS JOIN (SELECT * FROM parts WHERE sku LIKE 'G-%%') p
    ORDER BY n, p.id
"""
_DELIVERIES = """
    INSERT INTO outbox_deliveries (event_id, effect, state, attempts, created_at, next_attempt_at, done_at)
    SELECT e.id, effect, 'done', 1, e.created_at, e.created_at, e.created_at
    FROM outbox_events e CROSS JOIN unnest(effects_of(e.type)) AS effect
    WHERE NOT EXISTS (SELECT FROM outbox_deliveries d WHERE d.event_id = e.id) ORDER BY e.id
"""
_AUDIT = """
    INSERT INTO data_change_logs (event_id, table_name, record_id, part_id, operation, version, old_values, new_values,
                                  changed_by, changed_at, hash)
    SELECT e.event_id, e.payload ->> 'table_name', e.aggregate_id, e.aggregate_id, e.payload ->> 'operation', e.version,
           e.payload -> 'old_values', e.payload -> 'new_values', e.actor_id, e.created_at, repeat('0', 64)
    FROM outbox_events e WHERE NOT EXISTS (SELECT FROM data_change_logs l WHERE l.event_id = e.event_id) ORDER BY e.id
"""
_SNAPSHOTS = """
    INSERT INTO part_content_versions (part_id, version_number, content_snapshot, created_by)
    SELECT e.aggregate_id, e.version, e.payload -> 'snapshot', e.actor_id FROM outbox_events e
    WHERE e.aggregate_type = 'part' AND e.aspect = 'content' AND e.payload ->> 'actor_name' = 'bench'
"""
_END_OF_CHAIN = (
    "UPDATE audit_chain SET last_id = (SELECT max(id) FROM data_change_logs), length = (SELECT count(*) FROM data_change_logs)"
)
_KEPT = ("parts", "stock_levels", "data_change_logs", "part_content_versions", "audit_chain")


def fill(url: str, events: int) -> None:
    """Fill a migrated database with delivered and recorded events, and a tenth as many parts that agree with them."""
    with psycopg.connect(url, options="-c lockstep.writer=application") as connection:
        for table in _KEPT:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        author = connection.execute("SELECT id FROM users WHERE email = 'system@lockstep.invalid'").fetchone()
        values = {"parts": events // EACH, "versions": EACH - 1, "author": author and author[0]}
        for statement in (_PARTS, _STOCKS, _EVENTS):
            connection.execute(statement, values)
        for statement in (_DELIVERIES, _AUDIT, _SNAPSHOTS, _END_OF_CHAIN, "SELECT fill_part_search()"):
            connection.execute(statement)
        for table in _KEPT:
            connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")


class _Meter:
    """Measures processor time: of the calling thread, and of what PostgreSQL does for this database. Unlike the time that passes,
    it says nearly the same on a busy machine as on a quiet one, but nothing of waiting, such as for the disk at a commit.

    Args:
        connection: one of its own, whose every statement is its own transaction.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def cost(self, call: Callable[[int], object]) -> float:
        """Return how many milliseconds a call takes, the median of many."""
        return statistics.median(self.once(lambda number=number: call(number)) for number in range(TIMES))  # type: ignore[misc]

    def once(self, call: Callable[[], object]) -> float:
        """Return how many milliseconds this call takes."""
        before, began = self._backends(), time.thread_time()
        call()
        own = time.thread_time() - began
        return own * 1000 + self._backends() - before

    def _backends(self) -> float:
        pids = self._connection.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchall()
        return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for (pid,) in pids) / 1_000_000


def measure(container: Container, connection: psycopg.Connection) -> Iterator[tuple[str, float]]:
    """Yield each operation and what it costs in milliseconds; `connection` is for looking on."""
    meter = _Meter(connection)
    with container.reading.connect() as reading:
        system = users.system(reading)
        parts = [row[0] for row in reading.exec_driver_sql(f"SELECT id FROM parts ORDER BY hashint4(id) LIMIT {TIMES}")]
        # The last ones' numbers begin no other's, so a search for one finds as few in a large shop as in a small one.
        names = [row[0] for row in reading.exec_driver_sql(f"SELECT part_name FROM parts ORDER BY id DESC LIMIT {TIMES}")]
    intent, control, catalog = Intent(Actor(system.id, system.name)), container.sync_control, container.parts.catalog
    # It never proves freshness, and so reads the database each time.
    uncached = container.uncached
    rare = [PartFilters(words=words_of(name)) for name in names]
    common = PartFilters(words=words_of("growing"))
    container.consistency.start()
    assert wait_until(lambda: container.cache.is_fresh)
    # The first of each is slower: plans are made, pages are read.
    container.parts.adjust_stock_with_sync(intent, parts[0], 1)
    container.reconciliation.run(seconds=0)
    repeated: dict[str, Callable[[int], object]] = {
        YARDSTICK: lambda _: database.check(container.reading),
        "a write": lambda number: container.parts.adjust_stock_with_sync(intent, parts[number], 1),
        "a read in the panel": lambda number: container.parts.admin.part(parts[number]),
        "a part, cached": lambda _: catalog.part(parts[0]),
        "a part": lambda number: uncached.part(parts[number]),
        "a page of a list": lambda _: uncached.list_parts(PartFilters(), "name", None, 24),
        "a search for a few": lambda number: uncached.list_parts(rare[number], "relevance", None, 24),
        "a search that finds all": lambda _: uncached.list_parts(common, "relevance", None, 24),
        "facets of a few": lambda number: uncached.facets(rare[number]),
        "facets of all": lambda _: uncached.facets(PartFilters()),
        "the status": lambda _: control.status(),
        "the figures for /metrics": lambda _: control.outbox_status(),
        "a page of the audit trail": lambda number: container.parts.admin.audit({"part_id": parts[number]}, None, 50),
    }
    for name, call in repeated.items():
        yield name, meter.cost(call)
    yield "a reconciliation without time for old rows", meter.once(lambda: container.reconciliation.run(seconds=0))
    report: dict[str, Any] = {}
    took = meter.once(lambda: report.update(container.reconciliation.run(seconds=5, portion=250)))
    yield "1,000 parts reconciled", took * 1000 / report["parts_checked"]
    with container.engine.begin() as writing:
        # Behind what created the parts, of which nothing is superseded.
        (created,) = writing.exec_driver_sql(
            "SELECT id FROM outbox_events ORDER BY id OFFSET 2 * (SELECT count(*) FROM parts WHERE sku LIKE 'G-%%') LIMIT 1"
        ).one()
        positions.move(writing, prune.WALK, created)
    before = _events(connection)
    prune.KEEP_DAYS, prune.BUDGET = 7, 15.0
    took = meter.once(lambda: prune.prune(container.engine))
    yield "1,000 events pruned", took * 1000 / (before - _events(connection))


def _events(connection: psycopg.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM outbox_events").fetchall()[0][0])


def main() -> None:
    """Fill, measure and print, for each size."""
    parser = argparse.ArgumentParser(prog="python -m bench.growth", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sizes", nargs="*", metavar="SIZE", type=float, default=SIZES, help="how many events")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures are written as well")
    chosen = parser.parse_args()
    first: dict[str, float] = {}
    sizes = []
    # The trail that is filled in has no chain.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    for size in map(int, chosen.sizes):
        with tempfile.TemporaryDirectory(prefix="lockstep-") as home, EmbeddedServers(Path(home)) as servers:
            os.environ.update(servers.environ | {"LOCKSTEP_HOME": home})
            application = create_app(load_settings())
            container: Container = application.extensions["lockstep"]
            with application.app_context():
                upgrade(directory="migrations")
            url = plain(container.settings.database_url)
            fill(url, size)
            with psycopg.connect(url, autocommit=True) as connection:
                print(f"{size:,} events, {size // EACH:,} parts")
                figures = {}
                for name, cost in measure(container, connection):
                    figures[name] = cost
                    print(f"  {name}: {cost:.1f} ms" + (f", {cost / first[name]:.1f} times" if first else ""), flush=True)
            container.close()
        first = first or figures
        sizes.append({"events": size, "parts": size // EACH, "load": os.getloadavg()[0], "milliseconds": figures})
        if chosen.json:
            report = {"at": datetime.now(UTC).isoformat(), "machine": machine(), "sizes": sizes}
            chosen.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
