"""`python -m bench.costs`: what one operation costs each kind of process, in processor time; what `bench.scale` calculates with.

Processor time, so that a machine that is busy with something else disturbs it less than it would disturb times on a clock. Starts
its own stack with two web processes, takes off what that needs when idle, and prints microseconds.
"""

import itertools
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # publishes no types
import psycopg
import socketio
from rich.console import Console
from rich.table import Table

from app.contract import rooms
from bench import pgbench
from bench.audience import Audience
from bench.system import API, Client, System, own_stack, wait_until

WRITES, READS, TOLD = 400, 1_500, 60
# One page may ask for so many parts at once without being told to wait; so there are several.
WATCHES, WATCHERS = 30, 6
PARTS, PAGES = 24, 200
IDLE = 5.0
ADJUSTMENT = {"delta": 1, "reason": "bench"}


class Costs:
    """The processor time of a stack's processes by kind.

    Args:
        client: a connection to the web process that counts as `web`; the other one's is `other web`.
    """

    def __init__(self, system: System, client: Client) -> None:
        assert system.stack is not None
        self.client = client
        self.system = system
        self._database = pgbench.plain(system.stack.settings.database_url)
        serving = [system.stack.pid(name) for name in ("web-1", "web-2")]
        self._serving = next(pid for pid in serving if _is_connected(pid, client))
        self._others = {*serving} - {self._serving}
        self._supervisor = psutil.Process(system.stack.supervisor_pid)
        self._idle: defaultdict[str, float] = defaultdict(float)
        began, before = time.monotonic(), self._now()
        time.sleep(IDLE)
        for kind, seconds in self._now().items():
            self._idle[kind] = (seconds - before[kind]) / (time.monotonic() - began)

    def of(self, count: int, operation: Callable[[], object]) -> dict[str, float]:
        """Return the microseconds of each kind of process for one of so many operations, with all that follows from them."""
        self._settle()
        began, before = time.monotonic(), self._now()
        for _ in range(count):
            operation()
        self._settle()
        used, elapsed = self._now(), time.monotonic() - began
        return {kind: max(used[kind] - before[kind] - self._idle[kind] * elapsed, 0) / count * 1e6 for kind in used}

    def _now(self) -> defaultdict[str, float]:
        spent: defaultdict[str, float] = defaultdict(float)
        for process in self._supervisor.children(recursive=True):
            with _may_end():
                spent[self._kind(process)] += sum(process.cpu_times()[:2])
        return spent

    def _kind(self, process: psutil.Process) -> str:
        if process.pid == self._serving:
            return "web"
        if process.pid in self._others:
            return "other web"
        name = process.name()
        if name.startswith("valkey"):
            return "valkey"
        return "postgresql" if name.startswith("postgres") else "workers"

    def _settle(self) -> None:
        with psycopg.connect(self._database, autocommit=True) as connection:
            owed = "SELECT EXISTS (SELECT FROM outbox_deliveries WHERE state = 'pending')"
            wait_until(lambda: connection.execute(owed).fetchone() == (False,), every=0.1)


@contextmanager
def _may_end() -> Iterator[None]:
    try:
        yield
    except psutil.NoSuchProcess:
        return


def _is_connected(pid: int, client: Client) -> bool:
    return any(one.raddr and one.raddr.port == client.port for one in psutil.Process(pid).net_connections())


@contextmanager
def watching(system: System, parts: list[int]) -> Iterator[Callable[[], object]]:
    """Provide what a page that holds everything does every twenty seconds, done by each of several pages in turn."""
    pages = [socketio.Client(reconnection=False) for _ in range(WATCHERS)]
    for page in pages:
        page.connect(system.url, namespaces=[rooms.CUSTOMERS], transports=["websocket"])
    answer = pages[0].call("watch", {"parts": dict.fromkeys(map(str, parts))}, namespace=rooms.CUSTOMERS)
    held, turns = {str(part["id"]): part["versions"] for part in answer["parts"]}, itertools.cycle(pages)
    yield lambda: next(turns).call("watch", {"parts": held}, namespace=rooms.CUSTOMERS)
    for page in pages:
        page.disconnect()


def measured(system: System) -> dict[str, dict[str, float]]:
    """Return the costs of each operation."""
    parts = system.make_parts(PARTS)
    found: dict[str, dict[str, float]] = {}
    with closing(system.client()) as client:
        client.call("GET", f"/parts/{parts[0]}")
        costs, turns = Costs(system, client), iter(parts * WRITES)

        def write() -> None:
            client.call("POST", f"/admin/parts/{next(turns)}/stock/adjustments", ADJUSTMENT)

        found["stock write"] = costs.of(WRITES, write)
        found["cached part"] = costs.of(READS, lambda: client.call("GET", f"/parts/{parts[0]}"))
        found["cached list of 24"] = costs.of(READS, lambda: client.call("GET", "/parts?limit=24"))
        with watching(system, parts) as watch:
            found[f"watch of {PARTS} parts, nothing new"] = costs.of(WATCHES * WATCHERS, watch)
        with Audience(system.url, parts[:5], PAGES) as audience:

            def tell() -> None:
                audience.expect("stock.updated")
                client.call("POST", f"/admin/parts/{parts[0]}/stock/adjustments", ADJUSTMENT)
                audience.heard()

            found[f"stock write, {PAGES} pages told"] = costs.of(TOLD, tell)
    return found


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="lockstep-") as home, own_stack(Path(home)) as system:
        found = measured(system)
    kinds = ["web", "other web", "postgresql", "valkey", "workers"]
    table = Table("microseconds of processor time", *kinds, title=API)
    for operation, costs in found.items():
        table.add_row(operation, *(f"{costs.get(kind, 0):,.0f}" for kind in kinds))
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
