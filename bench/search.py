"""`python -m bench.search`: how long the customers' lists, searches and facets take on 100,000 parts with twenty
specifications each, uncached, with their plans.

Fails (exit code 1) if a search reads the whole of `parts` or `part_search` without an index.
"""

import logging
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from flask_migrate import upgrade
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, Engine, event

from app.cache.manager import CacheManager, Result
from app.container import cache_clients
from app.domain.measures import SpecificationFilter
from app.domain.search import words_of
from app.factory import create_app
from app.services.catalog import CatalogReader
from app.store.database import connect, single_statements
from app.store.imports.bulk import part_exists
from app.store.listing.facets import load_facets
from app.store.listing.filters import PartFilters
from app.store.listing.pages import list_part_ids
from app.store.specifications.reading import read_all
from app.sync.prune import prune
from bench.catalog import category_slug, fill
from config import load_settings

PARTS = 100_000
REPETITIONS = 15
SPECIFICATIONS = 20
BEARINGS, FASTENERS = category_slug("Bearings"), category_slug("Fasteners")
# The largest families: one part in seven, and one in sixteen.
CAP_SCREWS = category_slug("Fasteners", "Screws and bolts", "Socket head cap screws")
HEXAGON_SCREWS = category_slug("Fasteners", "Screws and bolts", "Hexagon screws")
LONG = SpecificationFilter("Nominal length l", (), "0.8 in", "1.2 in")
ALLOYED = SpecificationFilter("Property class", ("8.8", "12.9"))
M8 = SpecificationFilter("Thread", ("M8",))
# What is asked, and whether an index has to serve it: a list without words may be read in its order.
QUESTIONS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("6205", {}, "relevance"),
    ("62052rs", {}, "relevance"),
    ("m8x", {}, "relevance"),
    ("205", {}, "relevance"),
    ("qqxqq", {}, "relevance"),
    ("bering", {}, "relevance"),
    ("hexagn bolt", {}, "relevance"),
    ("bearing", {}, "relevance"),
    ("steel", {}, "relevance"),
    ("the", {}, "relevance"),
    ("s", {}, "relevance"),
    ("q", {}, "relevance"),
    ("m8", {}, "relevance"),
    ("iso4762m8x16e129", {}, "relevance"),
    ("deep groove ball bearing 6001, 12x28x8 mm", {}, "relevance"),
    ("din 6885 a", {}, "-name"),
    ("100%", {}, "relevance"),
    ('"', {}, "relevance"),
    ("подшипник", {}, "relevance"),
    ("zinc plated m8 hexagon", {}, "relevance"),
    # Common words that many parts have, and few side by side.
    ("iso socket", {}, "relevance"),
    ("screw hexagon", {}, "relevance"),
    # What a specification says, of many parts, of few and of none.
    ("thread m8 screw", {}, "relevance"),
    ("length 40 mm screw", {}, "relevance"),
    ("inner diameter 20 mm bearing", {}, "relevance"),
    ("voltage 24 v", {}, "relevance"),
    ("steel", {}, "name"),
    ("steel", {}, "-name"),
    ("steel", {}, "price"),
    ("steel", {}, "-price"),
    ("steel", {}, "newest"),
    ("the", {}, "-price"),
    ("steel", {"category": BEARINGS}, "relevance"),
    ("steel", {"in_stock": False}, "relevance"),
    ("steel", {"min_price": "500"}, "name"),
    ("bearing", {"manufacturer": "Ferrum", "in_stock": True, "max_price": "10"}, "price"),
    ("", {}, "name"),
    ("", {}, "-price"),
    ("", {"category": BEARINGS, "in_stock": False}, "price"),
    ("", {"min_price": "500"}, "name"),
    ("", {"category": CAP_SCREWS, "specifications": (LONG,)}, "name"),
    ("", {"category": CAP_SCREWS, "specifications": (LONG, ALLOYED, M8)}, "price"),
    ("", {"category": CAP_SCREWS, "specifications": (ALLOYED,), "in_stock": True}, "spec.Nominal length l"),
    ("", {"category": HEXAGON_SCREWS}, "-spec.Thread"),
    ("", {"category": FASTENERS}, "spec.Nominal length l"),
    ("", {"category": HEXAGON_SCREWS, "specifications": (M8,)}, "name"),
    ("steel", {"specifications": (M8,)}, "relevance"),
)
# What is suggested to somebody who is still typing.
BEGUN = (
    *("b", "be", "bea", "6205", "m8 x", "hexagn", "steel bo", "din 912 m6", "screw m", "iso"),
    # Common words that no part has together.
    *("screw din m", "bolt din m8", "screw nut bearing din"),
    *("10mm bore bearing", "thread m8 screw", "length 40 mm screw", "inner diameter 20 mm bearing", "voltage 24 v"),
    # In a unit that no text has.
    "0.3937in bore bearing",
)
FACETS: tuple[tuple[str, dict[str, Any]], ...] = (
    *(
        (typed, {})
        for typed in ("", "6205", "m8x", "bering", "bearing", "steel", "the", "s", "zinc plated m8 hexagon", "подшипник")
    ),
    ("", {"category": HEXAGON_SCREWS}),
    ("", {"category": HEXAGON_SCREWS, "specifications": (M8,)}),
    ("", {"category": CAP_SCREWS}),
    ("", {"category": CAP_SCREWS, "specifications": (LONG, ALLOYED)}),
    ("", {"category": BEARINGS}),
)


@contextmanager
def statements(engine: Engine) -> Iterator[list[tuple[str, Any]]]:
    """Collect the statements that run meanwhile, with their parameters."""
    seen: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        seen.append((statement, parameters))

    event.listen(single_statements(engine), "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(single_statements(engine), "before_cursor_execute", note)


def timed(ask: Callable[[], Any]) -> list[float]:
    """Return the milliseconds of each of the repetitions, after a first one that is not counted."""
    ask()
    taken = []
    for _ in range(REPETITIONS):
        began = time.perf_counter()
        ask()
        taken.append(1000 * (time.perf_counter() - began))
    return taken


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every node of a plan."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def explained(connection: Connection, seen: list[tuple[str, Any]]) -> tuple[str, int, list[str]]:
    """Return the indexes that statements use, the buffers that they touch, and the tables of parts that they read without one."""
    indexes: dict[str, None] = {}
    buffers, scanned = 0, []
    for statement, parameters in seen:
        raw = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", parameters).scalar_one()
        plan = raw[0]["Plan"]
        buffers += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        for node in nodes(plan):
            if "Index Name" in node:
                indexes[node["Index Name"].removeprefix("ix_part_search_")] = None
            if node["Node Type"] == "Seq Scan" and node["Relation Name"] in {"parts", "part_search"}:
                scanned.append(node["Relation Name"])
    return ", ".join(indexes), buffers, scanned


def measured(engine: Engine, name: str, ask: Callable[[], Any], *, may_scan: bool, table: Table) -> bool:
    """Measure one question and add it to the table; return whether its plans are as they should be."""
    taken = timed(ask)
    with statements(engine) as seen:
        ask()
    with single_statements(engine).connect() as connection:
        indexes, buffers, scanned = explained(connection, seen)
    wrong = bool(scanned) and not may_scan
    note = ("SEQ SCAN " if scanned else "") + indexes
    table.add_row(name, f"{statistics.median(taken):.1f}", f"{max(taken):.1f}", str(len(seen)), str(buffers), note)
    return not wrong


def add_whole(table: Table, name: str, ask: Callable[[], Any]) -> None:
    """Measure an answer of several statements and add it to the table."""
    taken = timed(ask)
    table.add_row(name, f"{statistics.median(taken):.1f}", f"{max(taken):.1f}", "", "", "")


def fill_once(engine: Engine, url: str) -> None:
    """Fill the database, unless it is filled already, and let the counts of facets be added up as they are every minute."""
    with engine.connect() as connection:
        is_filled = part_exists(connection)
    if not is_filled:
        began = time.perf_counter()
        fill(url, PARTS, SPECIFICATIONS)
        print(f"{PARTS} parts in {time.perf_counter() - began:.0f} s")
    while prune(engine):
        pass


def main() -> None:
    """Fill the database, measure, print."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    settings = load_settings()
    with create_app(settings).app_context():
        upgrade(directory="migrations")
    engine = connect(settings.database_url)
    reading = single_statements(engine)
    fill_once(engine, settings.database_url)
    # Never proven fresh: every read goes past the cache.
    reader = CatalogReader(reading, CacheManager(cache_clients(settings.redis_url, settings.prefix), _nobody))
    table = Table("list", "p50 ms", "max ms", "statements", "buffers", "indexes")
    holds = True
    with reading.connect() as connection:
        read_all(connection)
        for typed, narrowed, sort in QUESTIONS:
            filters = PartFilters(words_of(typed), **narrowed)
            name = f"{typed or '-'} {' '.join(narrowed)} {sort}"

            def ask(filters: PartFilters = filters, sort: str = sort) -> Any:
                return list_part_ids(connection, filters, sort, None, 50)

            holds &= measured(engine, name, ask, may_scan=not typed and "specifications" not in narrowed, table=table)

            def show(filters: PartFilters = filters, sort: str = sort) -> Any:
                return reader.list_parts(filters, sort, None, 50)

            add_whole(table, "   with its parts", show)
        for typed in BEGUN:
            add_whole(table, f"suggestions {typed}", partial(reader.suggest, words_of(typed), 8))
        for typed, narrowed in FACETS:
            filters = PartFilters(words_of(typed), **narrowed)

            def count(filters: PartFilters = filters) -> Any:
                return load_facets(connection, filters)

            # Most of the catalog is read faster in one go.
            holds &= measured(engine, f"facets {typed or '-'} {' '.join(narrowed)}", count, may_scan=True, table=table)
    Console(width=160).print(table)
    engine.dispose()
    if not holds:
        print("A search read the catalog without an index.", file=sys.stderr)
        sys.exit(1)


def _nobody(_kind: str, _result: Result) -> None:
    """Count nothing."""


if __name__ == "__main__":
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", os.environ.get("TMPDIR", "/tmp"))
    main()
