"""`python -m bench.ratios [WORD…] [--rounds 3] [--json FILE]`: each figure beside its limit, on one machine and in one run.

A figure alone says more of the machine than of the code. So each is measured by turns with a yardstick: what the same processes,
or the same servers, can do at best. Prints the medians of the rounds, their ratio, the aim, and whether it is met; with WORD only
the figures whose names contain one of them.
"""

import argparse
import http.client
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil  # type: ignore[import-untyped]  # publishes no types
import psycopg
import socketio
from celery import Celery
from rich.console import Console
from rich.table import Table

from app.cache.manager import CacheManager
from app.container import cache_clients
from app.contract import rooms
from app.contract.task_names import Effect
from app.domain.search import words_of
from app.services.catalog import CatalogReader
from app.store.database import connect, single_statements
from app.store.listing.filters import PartFilters
from bench import catalog, pgbench, wrk
from bench.audience import Audience
from bench.imports import write_file
from bench.pages import PARTS
from bench.search import statements
from bench.system import API, System, machine, own_stack, wait_until
from bench.varnish import varnish
from config import REPOSITORY, Settings
from devserver.ports import free_ports

BARE = "/healthz"
AT_LEAST, AT_MOST = "≥", "≤"
# Seconds of each load, and clients at once.
SECONDS, CLIENTS = 4.0, 16
CATALOG = 100_000
# Writes of which pages are told, and pages.
WRITES, PAGES = 60, 1_000
ROWS, SPECIFICATIONS = 20_000, 5
# Deliveries of changes of so many parts, and tasks that do nothing.
OWED, CHANGED, TASKS = 12_000, 500, 3_000
# Seconds until a new stack has nothing left to do, and in which it is watched.
SETTLES, IDLE = 15.0, 20.0
ADJUSTMENT = {"delta": 1, "reason": "bench"}
# Of each two, a search; each is found in many parts.
WORDS = (
    "steel",
    "bearing",
    "bolt",
    "hexagon",
    "plated",
    "quality",
    "stainless",
    "precision",
    "pump",
    "seal",
    "screw",
    "ring",
    "nut",
)
# Of so many searches the SQL is played without us.
SEARCHES = 60


@dataclass(frozen=True, slots=True)
class Figure:
    """What is measured, and beside what.

    Args:
        measure: returns the figure and its yardstick; called once a round.
        aim: what their ratio should be, `AT_LEAST` or `AT_MOST`.
        yardstick: empty if the figure itself is compared with the aim.
    """

    name: str
    unit: str
    yardstick: str
    aim: float
    compared: str
    measure: Callable[["Bench"], tuple[float, float]]

    def is_met(self, ratio: float) -> bool:
        """Whether the aim is reached."""
        return ratio <= self.aim if self.compared == AT_MOST else ratio >= self.aim


@dataclass(frozen=True, slots=True)
class Bench:
    """A running stack with a large catalog, and some more parts, of which pages show five."""

    system: System
    category: int
    parts: Sequence[int]

    @property
    def settings(self) -> Settings:
        """Return the stack's settings."""
        return _settings(self.system)

    @property
    def shown(self) -> Sequence[int]:
        """Return the parts that pages show."""
        return self.parts[:PARTS]

    def load(self, paths: Sequence[str], clients: int = CLIENTS, **options: Any) -> wrk.Load:
        """Ask for these paths for a while."""
        return wrk.load(self.system.url, paths, clients, SECONDS, **options)

    def bare(self, clients: int = CLIENTS) -> wrk.Load:
        """Ask for what takes no work at all."""
        return self.load([BARE], clients)

    def write(self, clients: int) -> wrk.Load:
        """Adjust stocks."""
        headers = {"Authorization": f"Bearer {self.system.key}", "Content-Type": "application/json"}
        paths = [f"{API}/admin/parts/{part}/stock/adjustments" for part in self.parts]
        found = self.load(paths, clients, method="POST", bodies=[ADJUSTMENT], headers=headers)
        # What is still to be done for the writes would slow down whatever is measured next.
        with psycopg.connect(pgbench.plain(self.settings.database_url), autocommit=True) as connection:
            owed = "SELECT EXISTS (SELECT FROM outbox_deliveries WHERE state = 'pending')"
            if not wait_until(lambda: connection.execute(owed).fetchone() == (False,), 60):
                raise RuntimeError("what follows the writes is not done within a minute")
        return found


def _settings(system: System) -> Settings:
    if system.stack is None:
        raise RuntimeError("the bench has a stack of its own")
    return system.stack.settings


def writes_of_many(bench: Bench) -> tuple[float, float]:
    """Writes a second, beside answers a second of a bare route."""
    return bench.write(CLIENTS).rate, bench.bare().rate


def write_of_one(bench: Bench) -> tuple[float, float]:
    """One write after the other, beside the time of a bare route and that of the same SQL."""
    own, bare, url = bench.write(1), bench.bare(1), bench.settings.database_url
    return own.p50, bare.p50 + pgbench.load(url, [pgbench.stock_write(url, bench.parts)], 1, SECONDS).milliseconds


def read_of(path_of: Callable[[Bench], str], *, held: bool = False) -> Callable[[Bench], tuple[float, float]]:
    """Return a measurement of cached answers a second, beside those of a bare route; `held`: of clients that hold the answer."""

    def measure(bench: Bench) -> tuple[float, float]:
        path = path_of(bench)
        tag = _cached(bench, path)
        return bench.load([path], headers={"If-None-Match": tag} if held else {}).rate, bench.bare().rate

    return measure


def _part(bench: Bench) -> str:
    return f"{API}/parts/{bench.parts[0]}"


def _cached(bench: Bench, path: str) -> str:
    """Have an answer cached; return its tag."""
    with closing(http.client.HTTPConnection(bench.system.address, timeout=10)) as connection:
        for _ in range(4):
            connection.request("GET", path)
            answer = connection.getresponse()
            answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise RuntimeError(f"{path} was answered with {answer.status}")
    return str(answer.getheader("ETag"))


def part_through_varnish(_bench: Bench) -> tuple[float, float]:
    """Answers a second by Varnish in front, which is faster than its client, beside those of a bare route without it."""
    (port,) = free_ports(1)
    with ExitStack() as scope:
        home, folder = (Path(scope.enter_context(tempfile.TemporaryDirectory(prefix="lockstep-"))) for _ in range(2))
        edge = f"varnish+http://127.0.0.1:{port}"
        system = scope.enter_context(own_stack(home, LOCKSTEP_EDGE=edge, LOCKSTEP_TRUSTED_PROXIES="1"))
        url = scope.enter_context(varnish(port, int(system.address.rpartition(":")[2]), folder))
        path = f"{API}/parts/{system.make_parts(1)[0]}"
        own, bare = wrk.load(url, [path], CLIENTS, SECONDS, most=1.1), wrk.load(system.url, [BARE], CLIENTS, SECONDS)
        return own.rate, bare.rate


def searches(bench: Bench) -> tuple[float, float]:
    """Searches a second that nobody has asked before, beside the same SQL."""
    chance = random.Random()
    asked = [f"{one} {other}" for one in WORDS for other in WORDS if one != other]
    paths = [f"{API}/parts?q={quote(words)}&limit={limit}" for words in asked for limit in range(10, 50)]
    chance.shuffle(paths)
    url = bench.settings.database_url
    scripts = [_sql_of(bench, words) for words in chance.sample(asked, SEARCHES)]
    # So many clients wait longer than a shop lets them: it refuses some, which do not count.
    found = bench.load(paths, from_anywhere=True, may_be_refused=True)
    return found.rate, pgbench.load(url, scripts, CLIENTS, SECONDS, protocol="simple").rate


def _sql_of(bench: Bench, words: str) -> str:
    """Return what a search asks the database."""
    engine = connect(bench.settings.database_url)
    reading = single_statements(engine)
    # Never proven fresh: it reads around the cache.
    manager = CacheManager(cache_clients(bench.settings.redis_url, bench.settings.prefix), lambda _kind, _result: None)
    with statements(engine) as seen:
        CatalogReader(reading, manager).list_parts(PartFilters(words_of(words)), "relevance", None, 30)
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        cursor = psycopg.ClientCursor(raw)
        script = "".join(f"{cursor.mogrify(statement, parameters).strip()};\n" for statement, parameters in seen)
    engine.dispose()
    return script


def pages_told(count: int) -> Callable[[Bench], tuple[float, float]]:
    """Return a measurement of the time from a request to the last of so many pages, beside that of a bare message to all of them
    through the same channel."""

    def measure(bench: Bench) -> tuple[float, float]:
        part, channel = bench.shown[0], bench.settings.prefix + rooms.CHANNEL
        manager = socketio.RedisManager(bench.settings.redis_url, channel=channel, write_only=True)
        event = {"part_id": part, "version": 0, "data": {"current_stock": 1}, "timestamp": datetime.now(UTC).isoformat()}
        own, bare = [], []
        with Audience(bench.system.url, bench.shown, count) as audience, closing(bench.system.client()) as client:
            for _ in range(WRITES):
                audience.expect("stock.updated")
                began = time.perf_counter()
                client.call("POST", f"/admin/parts/{part}/stock/adjustments", ADJUSTMENT)
                own.append(1000 * (audience.heard() - began))
                audience.expect("bench.bare")
                began = time.perf_counter()
                manager.emit("bench.bare", event, namespace=rooms.CUSTOMERS, room=rooms.part_room(part))
                bare.append(1000 * (audience.heard() - began))
        return statistics.median(own), statistics.median(bare)

    return measure


def memory_of_a_page(bench: Bench) -> tuple[float, float]:
    """What each of many open pages costs the web processes once they have been told of something."""
    before = _memory_of_web(bench.system)
    with Audience(bench.system.url, bench.shown, PAGES) as audience, closing(bench.system.client()) as client:
        for _ in range(10):
            audience.expect("stock.updated")
            client.call("POST", f"/admin/parts/{bench.shown[0]}/stock/adjustments", ADJUSTMENT)
            audience.heard()
        return (_memory_of_web(bench.system) - before) / PAGES / 1024, 1.0


def _memory_of_web(system: System) -> int:
    assert system.stack is not None
    names = [f"web-{number + 1}" for number in range(_settings(system).web_concurrency)]
    return sum(psutil.Process(system.stack.pid(name)).memory_full_info().uss for name in names)


def deliveries(_bench: Bench) -> tuple[float, float]:
    """Deliveries a second of all effects by one worker, beside tasks a second that do nothing, by the same broker.

    What is changed by hand owes all of them, like what a process writes that dies before it has told anybody. The web processes,
    which would look after it before long, stand still.
    """
    workers = ("flower", "worker", "worker-live", "beat")
    with tempfile.TemporaryDirectory(prefix="lockstep-") as home, own_stack(Path(home), workers) as system:
        settings = _settings(system)
        parts = system.make_parts(CHANGED)
        sender = Celery("bench.noop", broker=settings.celery_broker_url)
        sender.config_from_object("celeryconfig")
        sender.conf.broker_transport_options |= {"global_keyprefix": settings.prefix}
        with psycopg.connect(pgbench.plain(settings.database_url), autocommit=True) as connection, _standing_still(system):

            def owed() -> int:
                [count] = connection.execute("SELECT count(*) FROM outbox_deliveries WHERE state = 'pending'").fetchone() or [0]
                return int(count)

            while owed() < OWED:
                connection.execute("UPDATE stock_levels SET current_stock = current_stock + 1 WHERE part_id = ANY(%s)", [parts])
            for effect in Effect:
                sender.send_task(effect.task)
            with _worker(system, "workers.celery_app", "sync.live,sync.records"):
                own = _rate(owed)
        for _ in range(TASKS):
            sender.send_task("bench.noop.nothing", queue="bench")
        with sender.connection_for_read() as broker, _worker(system, "bench.noop", "bench"):
            channel: Any = broker.default_channel
            return own, _rate(lambda: int(channel.client.llen("bench")))


@contextmanager
def _standing_still(system: System) -> Iterator[None]:
    assert system.stack is not None
    processes = [psutil.Process(system.stack.pid(f"web-{number + 1}")) for number in range(_settings(system).web_concurrency)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


def _rate(left: Callable[[], int]) -> float:
    """Return how many are done a second, from the first one on."""
    at_first = left()
    if not wait_until(lambda: left() < at_first, 60, every=0.002):
        raise RuntimeError("nothing is done")
    began, count = time.perf_counter(), left()
    if not wait_until(lambda: left() == 0, 120, every=0.01):
        raise RuntimeError(f"{left()} are not done")
    return count / (time.perf_counter() - began)


@contextmanager
def _worker(system: System, application: str, queues: str) -> Iterator[None]:
    assert system.stack is not None
    options = "--loglevel ERROR --concurrency 2 --without-gossip --without-mingle --queues"
    command = [sys.executable, *f"-m celery --quiet -A {application} worker {options} {queues}".split()]
    settings = _settings(system)
    environ = system.stack.environ | {
        "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url, "CELERY_BROKER_URL": settings.celery_broker_url,
    }  # fmt: skip
    worker = subprocess.Popen(command, env=environ, cwd=REPOSITORY)
    try:
        yield
    finally:
        worker.terminate()
        worker.wait(60)


def import_of_a_file(_bench: Bench) -> tuple[float, float]:
    """Rows a second of an import, from the command's start to its end, beside COPY of the same rows."""
    with tempfile.TemporaryDirectory(prefix="lockstep-") as home, own_stack(Path(home), ("flower", "worker", "beat")) as system:
        assert system.stack is not None
        url = pgbench.plain(_settings(system).database_url)
        path = Path(home) / "parts.csv"
        write_file(path, ROWS, SPECIFICATIONS)
        environ = system.stack.environ | {"DATABASE_URL": _settings(system).database_url}
        began = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", "import-parts", str(path)], env=environ, cwd=REPOSITORY, check=True,
            capture_output=True,
        )  # fmt: skip
        own = time.perf_counter() - began
        return ROWS / own, ROWS / pgbench.copied(url, Path(home))


def idle(kind: str) -> Callable[[Bench], tuple[float, float]]:
    """Return a measurement of what a stack takes that has nothing to do: `cpu` in percent of a core, or `memory` in MB."""

    def measure(_bench: Bench) -> tuple[float, float]:
        with tempfile.TemporaryDirectory(prefix="lockstep-") as home, own_stack(Path(home), ()) as system:
            assert system.stack is not None
            time.sleep(SETTLES)
            supervisor = psutil.Process(system.stack.supervisor_pid)
            tree = [supervisor, *supervisor.children(recursive=True)]
            if kind == "memory":
                return sum(process.memory_full_info().pss for process in tree) / 2**20, 1.0
            before = _cpu(tree)
            time.sleep(IDLE)
            return 100 * (_cpu(tree) - before) / IDLE, 1.0

    return measure


def _cpu(processes: Sequence[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes if process.is_running())


BARE_ROUTE = f"a bare route, {CLIENTS} clients"
FIGURES = (
    Figure(f"stock write, {CLIENTS} clients", "/s", BARE_ROUTE, 0.25, AT_LEAST, writes_of_many),
    Figure("stock write, 1 client", "ms", "a bare route + the same SQL in pgbench", 2.5, AT_MOST, write_of_one),
    Figure("cached part", "/s", BARE_ROUTE, 0.8, AT_LEAST, read_of(_part)),
    Figure("cached part, 304", "/s", BARE_ROUTE, 0.85, AT_LEAST, read_of(_part, held=True)),
    Figure("cached list of 24", "/s", BARE_ROUTE, 0.5, AT_LEAST, read_of(lambda _bench: f"{API}/parts?limit=24")),
    Figure("cached product page", "/s", BARE_ROUTE, 0.5, AT_LEAST, read_of(lambda bench: f"{API}/pdp/{bench.parts[0]}")),
    Figure("cached part through Varnish", "/s", BARE_ROUTE, 10, AT_LEAST, part_through_varnish),
    Figure("search, uncached, 100,000 parts", "/s", "the same SQL in pgbench", 0.5, AT_LEAST, searches),
    Figure("request to page, 1 page", "ms", "a bare message through the same channel", 3, AT_MOST, pages_told(1)),
    Figure("request to the last of 1,000 pages", "ms", "a bare message to all of them", 1.3, AT_MOST, pages_told(PAGES)),
    Figure("memory of one more open page", "kB", "", 40, AT_MOST, memory_of_a_page),
    Figure("deliveries, 1 worker of 2 children", "/s", "Celery tasks that do nothing", 5, AT_LEAST, deliveries),
    Figure(f"import of {ROWS:,} rows", "/s", "COPY, and making their search rows", 0.8, AT_LEAST, import_of_a_file),
    Figure("idle stack, CPU", "% of a core", "", 2, AT_MOST, idle("cpu")),
    Figure("idle stack, memory", "MB", "", 600, AT_MOST, idle("memory")),
)


@dataclass(frozen=True, slots=True)
class Result:
    """The medians of the rounds."""

    figure: Figure
    own: float
    yardstick: float
    ratio: float
    rounds: Sequence[tuple[float, float]]


def measured(bench: Bench, figures: Sequence[Figure], rounds: int) -> list[Result]:
    """Measure all of them in each round, so that a slow moment of the machine is not one figure's alone."""
    found: dict[str, list[tuple[float, float]]] = {figure.name: [] for figure in figures}
    for number in range(rounds):
        for figure in figures:
            own, yardstick = figure.measure(bench)
            found[figure.name].append((own, yardstick))
            print(f"round {number + 1}: {figure.name}: {own:.1f} {figure.unit}, {yardstick:.1f}", file=sys.stderr, flush=True)
    return [_result(figure, found[figure.name]) for figure in figures]


def _result(figure: Figure, rounds: Sequence[tuple[float, float]]) -> Result:
    own, yardstick = (statistics.median(values) for values in zip(*rounds, strict=True))
    return Result(figure, own, yardstick, statistics.median(one / other for one, other in rounds), rounds)


def table_of(results: Sequence[Result]) -> Table:
    """Return the table that is printed."""
    table = Table("figure", "", "yardstick", "", "ratio", "aim", "met")
    for one in results:
        figure = one.figure
        beside = f"{one.yardstick:,.1f}" if figure.yardstick else ""
        ratio = f"{one.ratio:.2f}" if figure.yardstick else ""
        met, value = "yes" if figure.is_met(one.ratio) else "no", f"{one.own:,.1f} {figure.unit}"
        table.add_row(figure.name, value, figure.yardstick, beside, ratio, f"{figure.compared} {figure.aim:g}", met)
    return table


def written(results: Sequence[Result], file: Path) -> None:
    """Write the results as JSON, with what they were measured on."""
    figures = [
        {
            "name": one.figure.name, "unit": one.figure.unit, "value": one.own, "yardstick": one.figure.yardstick,
            "yardstick_value": one.yardstick, "ratio": one.ratio, "aim": one.figure.aim, "compared": one.figure.compared,
            "met": one.figure.is_met(one.ratio), "rounds": one.rounds,
        }
        for one in results
    ]  # fmt: skip
    file.write_text(json.dumps({"at": datetime.now(UTC).isoformat(), "machine": machine(), "figures": figures}, indent=2) + "\n")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.ratios", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("words", nargs="*", metavar="WORD", help="only figures whose names contain one of these")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where they are written as well")
    chosen = parser.parse_args()
    figures = [one for one in FIGURES if not chosen.words or any(word in one.name for word in chosen.words)]
    with ExitStack() as scope:
        home = Path(scope.enter_context(tempfile.TemporaryDirectory(prefix="lockstep-")))
        system = scope.enter_context(own_stack(home, LOCKSTEP_TRUSTED_PROXIES="1"))
        catalog.fill(_settings(system).database_url, CATALOG)
        category = system.make_category()
        results = measured(Bench(system, category, system.make_parts(24, category)), figures, chosen.rounds)
    Console(width=160).print(table_of(results))
    if chosen.json:
        written(results, chosen.json)


if __name__ == "__main__":
    main()
