"""`python -m bench.scale`: what a shop of a given size would need, calculated from what one operation costs (`bench.costs`).

A calculation, not a measurement: nobody has run such a shop. Each web process and each worker is a queue with one server, since
its connections stay with it; so is a Valkey, which has one thread; PostgreSQL is a queue with as many servers as it has cores.
docs/scale.md says what follows, and what the calculation leaves out.
"""

import argparse
import heapq
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

# Microseconds of processor time by `bench.costs`, medians of four runs, 29 November 2026, two cores, nothing else on the machine.
# Of all web processes together, without what the channel costs each of them.
WRITE_WEB, WRITE_POSTGRESQL, WRITE_VALKEY, WRITE_WORKER = 5_120.0, 1_712.0, 242.0, 306.0
PART_WEB, PART_VALKEY = 892.0, 103.0
LIST_WEB, LIST_VALKEY = 1_032.0, 409.0
WATCH_WEB, WATCH_VALKEY = 2_037.0, 540.0
# The audit trail is one chain, so its rows are written one batch after the other: one process wrote 4,400 a second the same day
# (docs/measurements.md). Several of them claim and hash beside each other, so it is the least.
WRITE_CHAIN = 227.0
# Seconds between two of a page's.
EVERY = 20.0
# To tell one page of one change.
TOLD_WEB = 115.0
# Each web process for one message of the channel, of which it may have nobody to tell, when they come in numbers; and Valkey for
# passing it to one of them (assumed).
MESSAGE_WEB, MESSAGE_VALKEY, MESSAGES = 15.0, 2.0, 2
# A page that opens its socket: half of what 2,000 at once took on two cores, clients included (docs/measurements.md).
OPENED_WEB = 7_800.0
# What is not in our cache: a list, as `bench.search` has it.
MISS_POSTGRESQL = 10_000.0
# To prove to one web process for a second that its cache is fresh: six statements, 3.3 times (assumed 50 µs each).
SWEEPS_POSTGRESQL = 1_000.0

CORES = 64
WORKERS, TRAILS = AFTERWARDS = "workers' children", "audit trails"
UTILISATION = 0.6
# A service is rarely exactly as long as another of its kind.
SPREAD = 0.5
VISITS = 60_000


@dataclass(frozen=True, slots=True)
class Shop:
    """How much is going on.

    Args:
        pages: open at the same time.
        writes: a second.
        catalog: parts that pages show and that are written, each as often as the others.
        shown: parts that a page shows.
        panels: open panels, which are told of every write.
        stays: seconds until a reader opens another page.
        edge: the share of reads that an HTTP cache in front answers.
        cached: the share of the others that our cache answers.
    """

    pages: float
    writes: float
    catalog: float = 1e6
    shown: int = 24
    panels: int = 20
    stays: float = 120.0
    edge: float = 0.9
    cached: float = 0.98

    @property
    def told(self) -> float:
        """Return how many pages are told of something in a second."""
        return self.writes * (self.pages * self.shown / self.catalog + self.panels)

    @property
    def read(self) -> float:
        """Return how many parts, and how many lists, are asked for in a second behind the edge."""
        return self.pages / self.stays * (1 - self.edge)


@dataclass(frozen=True, slots=True)
class Work:
    """Services of one kind: how many a second, and microseconds each."""

    rate: float
    cost: float

    @property
    def demand(self) -> float:
        """Return how many cores they take."""
        return self.rate * self.cost / 1e6


@dataclass(frozen=True, slots=True)
class Tier:
    """What stands side by side to do some work, that of writes first: so many `units` with so many `servers` each."""

    name: str
    work: Sequence[Work]
    units: int
    servers: int

    @property
    def demand(self) -> float:
        """Return how many cores the work takes."""
        return sum(one.demand for one in self.work)

    @property
    def utilisation(self) -> float:
        """Return the share of the time in which a server works."""
        return self.demand / (self.units * self.servers)

    def writes(self, chance: random.Random) -> list[float] | None:
        """Return how many milliseconds each of many writes spends here, waiting included; None if ever more wait."""
        if self.utilisation >= 1:
            return None
        rate = sum(one.rate for one in self.work) / self.units / 1e6
        kinds = chance.choices(self.work, [one.rate for one in self.work], k=VISITS)
        waited = waits(rate, self.servers, [lasting(one.cost, SPREAD, chance) for one in kinds], chance)
        # Whoever comes at random waits as long, whatever for.
        return [(wait + lasting(self.work[0].cost, SPREAD, chance)) / 1000 for wait in waited]


def lasting(mean: float, spread: float, chance: random.Random) -> float:
    """Return how long a service takes: log-normal, with a coefficient of variation of `spread`."""
    variance = math.log(1 + spread**2)
    return chance.lognormvariate(math.log(mean) - variance / 2, math.sqrt(variance))


def waits(rate: float, servers: int, services: Sequence[float], chance: random.Random) -> list[float]:
    """Play a queue M/G/c, first come, first served, and return how long each waited.

    The first tenth, when the queue is shorter than it will be, is left out.

    Args:
        rate: arrivals in the unit of time of the services.
    """
    free, now, waited = [0.0] * servers, 0.0, []
    for service in services:
        now += chance.expovariate(rate)
        begins = max(now, free[0])
        heapq.heapreplace(free, begins + service)
        waited.append(begins - now)
    return waited[len(waited) // 10 :]


def quantile(values: Sequence[float], share: float) -> float:
    """Return what this share of the values is not above."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def web(shop: Shop, processes: int, *, split: bool) -> list[Work]:
    """Return what all web processes do.

    Args:
        split: whether each process is told only of what its own pages show, which is not so today.
    """
    heard = _heard(shop, processes) if split else 1.0
    return [
        Work(shop.writes, WRITE_WEB),
        Work(shop.read, PART_WEB),
        Work(shop.read, LIST_WEB),
        Work(shop.pages / EVERY, WATCH_WEB),
        Work(shop.pages / shop.stays, OPENED_WEB),
        Work(shop.told, TOLD_WEB),
        Work(shop.writes * MESSAGES * processes * heard, MESSAGE_WEB),
    ]


def _heard(shop: Shop, processes: int) -> float:
    """Return the share of the parts that some page of a process shows."""
    return -math.expm1(-shop.pages / processes * shop.shown / shop.catalog)


def processes_for(shop: Shop, *, split: bool) -> int | None:
    """Return how many web processes are needed; None if no number is enough."""
    enough = _doubled_until(lambda count: _load(shop, count, split=split) <= UTILISATION)
    if enough is None:
        return None
    least, most = enough // 2, enough
    while most - least > 1:
        middle = (least + most) // 2
        least, most = (least, middle) if _load(shop, middle, split=split) <= UTILISATION else (middle, most)
    return most


def _doubled_until(is_enough: Callable[[int], bool]) -> int | None:
    return next((count for count in (2**power for power in range(1, 25)) if is_enough(count)), None)


def _load(shop: Shop, processes: int, *, split: bool) -> float:
    return sum(one.demand for one in web(shop, processes, split=split)) / processes


def tiers(shop: Shop, *, split: bool) -> list[Tier] | None:
    """Return what a shop needs, tier by tier; None if one of them cannot be made large enough.

    Args:
        split: whether there may be several primaries, each with its audit trail, several Valkeys, and channels by part. If not,
            it is as the code is today, and the utilisation shows what a single one cannot do.
    """
    processes = processes_for(shop, split=split)
    if processes is None:
        return None
    heard = _heard(shop, processes) if split else 1.0
    valkey = [
        Work(shop.writes, WRITE_VALKEY),
        Work(shop.read, PART_VALKEY),
        Work(shop.read, LIST_VALKEY),
        Work(shop.pages / EVERY, WATCH_VALKEY),
        Work(shop.writes * MESSAGES * processes * heard, MESSAGE_VALKEY),
    ]
    postgresql = [
        Work(shop.writes, WRITE_POSTGRESQL),
        Work(shop.read * (1 - shop.cached), MISS_POSTGRESQL),
        Work(processes, SWEEPS_POSTGRESQL),
    ]
    workers, chain = [Work(shop.writes, WRITE_WORKER)], [Work(shop.writes, WRITE_CHAIN)]
    return [
        Tier("web processes", web(shop, processes, split=split), processes, 1),
        Tier(f"PostgreSQL, {CORES} cores", postgresql, _units(postgresql, CORES) if split else 1, CORES),
        Tier("Valkey", valkey, _units(valkey, 1) if split else 1, 1),
        Tier(WORKERS, workers, _units(workers, 1), 1),
        Tier(TRAILS, chain, _units(chain, 1) if split else 1, 1),
    ]


def _units(work: Sequence[Work], servers: int) -> int:
    return max(1, math.ceil(sum(one.demand for one in work) / servers / UTILISATION))


SHOPS = (Shop(1e3, 10), Shop(1e4, 100), Shop(1e5, 1e3), Shop(1e6, 1e4), Shop(1e6, 1e5))


def tables(shops: Sequence[Shop]) -> list[Table]:
    """Return a table for each shop as the code is today, and if that does not do, one for it split by part."""
    found = []
    for shop in shops:
        today = tiers(shop, split=False)
        found.append(_table(shop, today, "as it is"))
        if today is None or any(tier.utilisation > UTILISATION for tier in today):
            found.append(_table(shop, tiers(shop, split=True), "split by part"))
    return found


def _table(shop: Shop, needed: Sequence[Tier] | None, how: str) -> Table:
    table = Table("", "cores of work", "needed", "hosts", "utilisation", "a write's p50, ms", "its p99, ms")
    table.title = f"{shop.pages:,.0f} pages, {shop.writes:,.0f} writes/s: {how}"
    if needed is None:
        table.add_row("web processes", "", "no number is enough: each has to hear of every write")
        return table
    chance, answered = random.Random(1), []
    for tier in needed:
        took = tier.writes(chance)
        if tier.name not in AFTERWARDS:
            answered.append(took)
        hosts = math.ceil(tier.units * tier.servers / CORES)
        sizes = f"{tier.demand:,.1f}", f"{tier.units:,}", f"{hosts:,}", f"{tier.utilisation:.2f}"
        table.add_row(tier.name, *sizes, *_quantiles(took))
    if None not in answered:
        table.add_row(
            "until it is answered", "", "", "", "", *_quantiles([sum(one) for one in zip(*filter(None, answered), strict=True)])
        )
    return table


def limits() -> Table:
    """Return how much each thing of which there is only one, or which takes its share of everything, can do by itself."""
    table = Table("", "at 60 %", "at most", title="what one of them can do, if it does nothing else")
    for name, unit, cost, cores in (
        ("audit trail", "writes/s", WRITE_CHAIN, 1),
        ("Valkey", "writes/s", WRITE_VALKEY, 1),
        ("Valkey", "cached parts/s", PART_VALKEY, 1),
        ("Valkey", "cached lists/s", LIST_VALKEY, 1),
        ("Valkey", "open pages", WATCH_VALKEY / EVERY, 1),
        ("the channel, in each web process", "writes/s", MESSAGES * MESSAGE_WEB, 1),
        (f"PostgreSQL, {CORES} cores", "writes/s", WRITE_POSTGRESQL, CORES),
        ("web process", "writes/s", WRITE_WEB, 1),
        ("web process", "cached parts/s", PART_WEB, 1),
        ("web process", "cached lists/s", LIST_WEB, 1),
        ("web process", "open pages", WATCH_WEB / EVERY, 1),
        ("web process", "pages told/s", TOLD_WEB, 1),
    ):
        most = 1e6 / cost * cores
        table.add_row(name, f"{UTILISATION * most:,.0f} {unit}", f"{most:,.0f}")
    return table


def _quantiles(took: Sequence[float] | None) -> tuple[str, str]:
    if took is None:
        return "grows", "grows"
    return f"{quantile(took, 0.5):,.1f}", f"{quantile(took, 0.99):,.1f}"


def main() -> None:
    """Print what shops of several sizes need, or one of a size of one's own."""
    parser = argparse.ArgumentParser(prog="python -m bench.scale", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pages", type=float)
    parser.add_argument("--writes", type=float, help="a second")
    chosen = parser.parse_args()
    own = chosen.pages is not None or chosen.writes is not None
    for table in [limits(), *tables([Shop(chosen.pages or 0, chosen.writes or 0)] if own else SHOPS)]:
        Console(width=130).print(table)


if __name__ == "__main__":
    main()
