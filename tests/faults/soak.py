"""`python -m tests.faults.soak`: goes on trying to break the promises, and ends with figures.

Round after round, a random load runs on new parts while one fault happens, or two at once. When the faults have ended, everything
must be whole within ten seconds without a hand, and all that anybody has seen is checked. Some parts, their writer and a page
that shows them last from the first round to the last. The exit code is 1 if a promise was broken, or if anything was whole too
late. docs/guarantees.md says what is checked, and has the latest figures.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson
import psutil
import psycopg

from app.contract.drift import DriftKind
from app.store import audit_chain
from app.store.database import connect, single_statements
from bench.checker import Kind, Operation, Rule, Violation, check
from bench.debian import UnavailableError
from bench.page import Page
from bench.readers import FIRST_SESSION, Readers
from bench.recording import ASPECTS, Call, Recorder, Write
from bench.system import NoAnswerError, System, close_all
from devserver.process import is_alive
from tests.faults.clocks import Clocks
from tests.faults.farm import Farm, farm
from tests.faults.inspection import complaints, database, owed, pid, query
from tests.faults.machines import machines
from tests.faults.standby import lose_the_last_commits
from tests.faults.troubles import Trouble, processes, troubles

# Everything is whole again this many seconds after a fault has ended.
WHOLE_WITHIN = 10.0
# Then we go on waiting this long, to tell late from never.
PATIENCE = 50.0
# Seconds of load before the fault and after it.
BEFORE, AFTER = 6.0, 3.0
PARTS = 12
# Sessions that write and read what they have written, and sessions that only read; they leave the servers some time to recover.
WRITERS, WRITERS_PAUSE = 16, 0.01
READERS, READERS_PAUSE = 8, 0.05
# How often the database is asked what it holds, in seconds.
LOOK_EVERY = 0.05
TWO_AT_ONCE = 0.4
# How much more often faults of a group are drawn; some have many kinds.
WEIGHTS = {"network": 4, "killed": 2, "frozen": 2, "host cut off": 2, "clock": 8}
# Room for an hour's data twice, since the standby is a copy on the same disk.
DISK = "3g"
# Of the time, how much each topology has: the more processes share the machine, the less is read and written in a minute. Telling
# the time by a clock that can be set costs speed, so only one of them does, and draws more of what a clock does.
# Behind an edge those who only read do so through Varnish.
TOPOLOGIES = {"one-host": 0.4, "two-hosts": 0.2, "three-machines": 0.2, "edge": 0.1, "clocks": 0.1}
HOSTS = {"one-host": 1, "two-hosts": 2, "three-machines": 3, "edge": 1, "clocks": 1}
ACCEPTABLE = {200, 409, 503, None}
_HELD = """
    SELECT p.id, p.version AS content, s.version AS stock, p.price_version AS price
    FROM parts p JOIN stock_levels s ON s.part_id = p.id WHERE p.id = ANY(%s)
"""


class Observer:
    """Asks the database itself, past any link, which versions it holds, and records each the first time it sees it."""

    def __init__(self, system: System, parts: Sequence[int]) -> None:
        self.history: list[Operation] = []
        self._system = system
        self._parts = list(parts)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        seen: set[tuple[int, str, int]] = set()
        while not self._stopped.is_set():
            with suppress(psycopg.OperationalError), database(self._system) as connection:
                while not self._stopped.wait(LOOK_EVERY):
                    start = time.perf_counter()
                    rows = connection.execute(_HELD, [self._parts]).fetchall()
                    end = time.perf_counter()
                    found = {(row["id"], aspect, row[aspect]) for row in rows for aspect in ASPECTS} - seen
                    seen |= found
                    self.history += [Operation(Kind.COMMIT, -1, *one, start, end) for one in found]
            self._stopped.wait(LOOK_EVERY)


@dataclass
class Result:
    """What a round, or many, have come to; `reads` are the parts in answers, a list's too, and `writes` the
    acknowledged changes of a part, in bulk too, that were checked."""

    rounds: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    reads: int = 0
    writes: int = 0
    versions: Counter[str] = field(default_factory=Counter)
    events_on_pages: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    recovery: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    violations: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)

    def count(self, calls: Sequence[Call]) -> None:
        """Count what clients did and were answered."""
        for call in calls:
            kind = "read" if call.method == "GET" else "write"
            self.calls[f"{kind} {call.status}"] += 1
            if kind == "read" and call.status == HTTPStatus.OK:
                self.calls[f"cache {call.cache}"] += 1
                self.reads += 1

    @property
    def answers(self) -> int:
        """Answers in which these reads were; the parts of one list may well be wrong together."""
        return self.calls["read 200"] + self.calls["read 304"]

    @property
    def transactions(self) -> int:
        """Acknowledged calls in which these writes were done."""
        return self.calls["write 200"]


@dataclass
class Load:
    """Parts, what is known of their writes, and the pages that show them."""

    parts: Sequence[int]
    pages: Sequence[Page]
    writes: list[Write] = field(default_factory=list)
    history: list[Operation] = field(default_factory=list)

    def complaints(self, system: System) -> list[str]:
        """Return whatever is wrong with them once the system has come to rest."""
        return complaints(system, self.parts, self.writes, *self.pages)


class Soak:
    """Rounds on one farm, while its block runs.

    Args:
        save: the directory for the history of a round that broke a promise.
        say: is told what happens.
        whole_within: seconds after a fault has ended by which nothing may be wrong any more.
        before: seconds of load before the fault; `after`: and after it.
    """

    def __init__(
        self, system: Farm, save: Path, say: Callable[[str], None], whole_within: float = WHOLE_WITHIN, before: float = BEFORE,
        after: float = AFTER,
    ) -> None:  # fmt: skip
        self.result = Result()
        self._system = system
        self._save = save
        self._say = say
        self._whole_within = whole_within
        self._before, self._after = before, after
        self._scope = ExitStack()
        # When each fault began, and when everything had to be whole again: Unix times, as PostgreSQL tells them.
        self._faults: list[tuple[float, float]] = []

    def __enter__(self) -> Self:
        parts = self._system.make_parts(2)
        self._veterans = Load(parts, [self._scope.enter_context(Page(self._system.url, parts, watch_every=600))])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._scope.close()

    def last_judgement(self) -> list[str]:
        """Judge the parts that have lasted from the first round on, the whole audit trail, and what the system itself found to
        differ; return the violations."""
        before = len(self.result.violations)
        assert self._system.stack is not None
        engine = connect(self._system.stack.settings.database_url)
        try:
            broken = audit_chain.verify(single_statements(engine)).broken
        finally:
            engine.dispose()
        drift = query(self._system, "SELECT kind, subject, process, differences, since FROM sync_drift ORDER BY id")
        found = [
            *(f"the audit trail: {one}" for one in broken),
            *(f"drift: {one}" for one in drift if not self._was_held_up(one)),
        ]
        self._judge("the whole time", self._veterans.history, found)
        return self.result.violations[before:]

    def _was_held_up(self, drift: dict[str, Any]) -> bool:
        """Whether a page was behind because of a fault, for which it has as long as everything to be whole again; it has asked
        by itself, so it is behind no more. When that was is not known where PostgreSQL's clock is set."""
        at = datetime.fromisoformat((drift["since"] or {}).get("at", "9999-01-01T00:00:00Z")).timestamp()
        is_known = self._system.clocks is None
        return drift["kind"] == DriftKind.PAGE_BEHIND and (not is_known or any(a <= at <= b for a, b in self._faults))

    def forget(self) -> None:
        """Fail over to a PostgreSQL without the last commits; only as the very last, since versions are given twice then."""
        found = [
            f"a standby without the last commits: {one}" for one in lose_the_last_commits(self._system, self._system.addresses())
        ]
        self.result.violations += found
        self._say(f"PostgreSQL failed over to a standby without the last commits: {found or 'nobody was shown them'}")

    def round(self, chosen: Sequence[Trouble], apart: float = 0.0) -> list[str]:
        """Play one round and return the violations that it found.

        Args:
            chosen: faults, which begin `apart` seconds after each other.
        """
        number, names = self.result.rounds + 1, " + ".join(trouble.name for trouble in chosen) or "no fault"
        before = len(self.result.violations)
        category = self._system.make_category()
        parts = self._system.make_parts(PARTS, category)
        began = time.monotonic()
        with ExitStack() as pages, Observer(self._system, parts) as observer:
            opened = [pages.enter_context(Page(host.url, parts, watch_every=600)) for host in self._system.hosts.values()]
            load = Load(parts, opened)
            readers = pages.enter_context(
                Readers(self._system.reading_addresses(), parts, category, sessions=READERS, pause=READERS_PAUSE)
            )
            recorder = Recorder(self._system, parts, sessions=WRITERS, write_share=1.0, pause=WRITERS_PAUSE)
            slow = Recorder(self._system, self._veterans.parts, sessions=1, write_share=0.3, pause=0.25)
            with recorder, slow:
                time.sleep(self._before)
                suffered = time.time()
                ended = self._suffer(chosen, apart)
                self._faults.append((suffered, time.time() + self._whole_within))
                time.sleep(self._after)
            load.writes += recorder.writes
            self._veterans.writes += slow.writes
            calls = recorder.calls + slow.calls
            took, found = self._until_whole(ended, load, max(calls, key=lambda call: call.end))
            self.result.events_on_pages += sum(page.counts["applied"] for page in opened)
        lasted = time.monotonic() - began
        load.history += recorder.history + observer.history + readers.record.history()
        self._veterans.history += slow.history
        self.result.count(calls)
        self.result.writes += sum(write.status == HTTPStatus.OK for write in recorder.writes + slow.writes)
        self.result.calls += readers.record.calls
        self.result.reads += len(readers.record.seen)
        strange = [*_strange(calls), *readers.record.strange(), *readers.record.missing]
        self._judge(f"round {number} ({names})", load.history, found + strange)
        self.result.rounds += 1
        self.result.faults.update(trouble.name for trouble in chosen)
        self.result.recovery[" + ".join(sorted(trouble.group for trouble in chosen))].append(took)
        new = self.result.violations[before:]
        reads = recorder.reads + len(readers.record.seen)
        rates = f"{reads} reads ({reads / lasted:.0f}/s), {len(load.writes)} writes ({len(load.writes) / lasted:.0f}/s)"
        self._say(f"round {number}: {names}: whole after {took:.1f} s, {rates}")
        for one in new[:5]:
            self._say(f"  VIOLATION {one}")
        return new

    def _is_promised(self, broken: Violation) -> bool:
        """Whether a rule holds behind an edge, too: until a commit is purged, what is stored is older than what is fetched."""
        is_behind = self._system.edge is not None and broken.operation.session >= FIRST_SESSION
        return not (is_behind and broken.rule is Rule.MONOTONIC)

    def _suffer(self, chosen: Sequence[Trouble], apart: float) -> float:
        """Let the faults happen; return when the last one ended."""
        running: list[tuple[float, Callable[[], object]]] = []
        for trouble in chosen:
            if running:
                time.sleep(apart)
            running.append((time.monotonic() + trouble.seconds, trouble.begin()))
        ended = 0.0
        for until, end in sorted(running, key=lambda one: one[0]):
            time.sleep(max(0.0, until - time.monotonic()))
            end()
            ended = time.monotonic()
        return ended or time.monotonic()

    def _until_whole(self, since: float, load: Load, last: Call) -> tuple[float, list[str]]:
        """Wait until nothing is to be complained about; return how long after `since` that was, and what was wrong too long.

        Args:
            last: the call of the load that ended last.
        """
        late, first_look = "", time.monotonic() - since
        while True:
            try:
                found = self._unwell() or load.complaints(self._system) + self._veterans.complaints(self._system)
            except (NoAnswerError, OSError, psycopg.OperationalError, psutil.Error, AttributeError) as error:
                found = [f"not answered: {error!r}"]
            took = time.monotonic() - since
            if not found:
                if took >= self._whole_within:
                    late = late or f"the first look began after {first_look:.1f} s, when the last call had ended: {last}"
                    self.result.late.append(f"whole only after {took:.1f} s; {late}")
                return took, []
            late = f"after {took:.1f} s {found[:2]}"
            if took > self._whole_within + PATIENCE:
                return took, [f"after {took:.0f} s: {one}" for one in found]
            time.sleep(0.05)

    def _unwell(self) -> list[str]:
        """Return whoever does not say that all is well, who is missing, and what is owed."""
        clients = self._system.clients_of_every_process()
        try:
            answers = [client.call("GET", "/readyz", base="") for client in clients]
        finally:
            close_all(clients)
        found = [f"not ready: {answer.body}" for answer in answers if answer.body.get("status") != "ok"]
        found += [f"{name} is not there" for host, name, _ in processes(self._system) if not is_alive(pid(host, name))]
        if not found and (count := owed(self._system)):
            found.append(f"{count} deliveries are owed")
        return found

    def _judge(self, where: str, history: Sequence[Operation], found: Sequence[str]) -> None:
        self.result.versions.update(one.kind for one in history)
        violations = [*(str(one) for one in check(history) if self._is_promised(one)), *found]
        if violations:
            self.result.violations += [f"{where}: {one}" for one in violations]
            file = self._save / f"{where.partition(' (')[0].replace(' ', '-')}.json"
            content = {"where": where, "violations": violations, "history": list(map(asdict, history))}
            file.write_bytes(orjson.dumps(content, option=orjson.OPT_INDENT_2))


def _strange(calls: Sequence[Call]) -> list[str]:
    """Return the answers that no client should get, whatever happens."""
    odd = Counter((call.method, call.status) for call in calls if call.status not in ACCEPTABLE)
    return [f"{count} × {method} was answered with {status}" for (method, status), count in odd.items()]


def draw(dice: random.Random, known: dict[str, Trouble]) -> list[Trouble]:
    """Draw one fault, or two that do not touch the same thing."""
    groups: dict[str, list[Trouble]] = defaultdict(list)
    for trouble in known.values():
        groups[trouble.group].append(trouble)

    def one() -> Trouble:
        names = sorted(groups)
        (group,) = dice.choices(names, [WEIGHTS.get(name, 1) for name in names])
        return dice.choice(groups[group])

    chosen = [one()]
    if dice.random() < TWO_AT_ONCE:
        other = one()
        if not other.touches & chosen[0].touches:
            chosen.append(other)
    return chosen


def report(result: Result, seconds: float) -> list[str]:
    """Return the figures, a line each."""

    def bound(count: int) -> str:
        # With no failure in n independent trials, the probability is below 3/n with 95 % confidence.
        return f"95 % upper bound {3 / count:.1e}" if count and not result.violations else ""

    faults = f"{sum(result.faults.values())} faults of {len(result.faults)} kinds"
    lines = [
        f"rounds       {result.rounds} in {seconds / 60:.1f} min, {faults}",
        f"reads        {result.reads} checked, in {result.answers} answers {bound(result.answers)}",
        f"writes       {result.writes} acknowledged, in {result.transactions} transactions {bound(result.transactions)}",
        f"observed     {result.versions[Kind.COMMIT]} versions in the database; {result.events_on_pages} events applied by pages",
        f"answers      {dict(sorted(result.calls.items()))}",
        f"violations   {len(result.violations)}",
        *(f"  {violation}" for violation in result.violations[:20]),
        f"late         {len(result.late)} of {result.rounds} rounds",
        *(f"  {one}" for one in result.late[:20]),
        "recovery     kind: how often, slowest, median, in seconds",
    ]
    for kind, times in sorted(result.recovery.items(), key=lambda one: -max(one[1])):
        lines.append(f"  {kind or 'no fault'}: {len(times)}, {max(times):.1f}, {sorted(times)[len(times) // 2]:.1f}")
    return [*lines, *(f"  {count:3d} × {name}" for name, count in sorted(result.faults.items()))]


@contextmanager
def small_disk(home: Path) -> Iterator[str]:
    """Mount a small file system at `home` while the block runs; yield the reason why not, or nothing."""
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=755", "tmpfs", str(home)],
            check=True,
            capture_output=True,
            text=True,
        )
    except (OSError, subprocess.CalledProcessError) as error:
        yield str(getattr(error, "stderr", "") or error).strip()
        return
    try:
        yield ""
    finally:
        subprocess.run(["umount", "--lazy", str(home)], check=True)


def soak(topology: str, minutes: float, seed: int, only: Sequence[str], save: Path) -> Result:
    """Play rounds on one topology for some minutes."""
    dice = random.Random(seed)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True)))
        reason = stack.enter_context(small_disk(home))
        if reason:
            print(f'no fault "disk full": {reason}', flush=True)
        try:
            connected = stack.enter_context(machines("abc")) if topology == "three-machines" else None
        except OSError as error:
            print(f"not tried: {error}", flush=True)
            return Result()
        clocks = None
        if topology == "clocks":
            try:
                clocks = Clocks(Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clocks-"))))
            except UnavailableError as unavailable:
                print(f"no clock is set: {unavailable}", flush=True)
        try:
            system = stack.enter_context(farm(home, HOSTS[topology], clocks, connected, has_edge=topology == "edge"))
        except UnavailableError as unavailable:
            print(f"not tried: {unavailable}", flush=True)
            return Result()
        known = troubles(system, None if reason else home)
        known = {name: trouble for name, trouble in known.items() if not only or any(part in name for part in only)}
        if not known:
            raise SystemExit(f"No fault of {topology} is called {' or '.join(only)}.")
        played = Soak(system, save, lambda line: print(line, flush=True))
        began = time.monotonic()
        try:
            with played:
                while time.monotonic() - began < minutes * 60:
                    played.round(draw(dice, known), apart=dice.uniform(0, 3))
                played.last_judgement()
                played.forget()
        finally:
            print(*report(played.result, time.monotonic() - began), sep="\n", flush=True)
    return played.result


def main() -> int:
    """Soak each topology for its share of the time; the exit code is 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument(
        "--minutes", type=float, default=float(os.environ.get("SOAK_MINUTES", "60")), help="(default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(2**32), help="what the faults are drawn by")
    parser.add_argument("--topology", choices=TOPOLOGIES, action="append", help="(default: one after the other)")
    parser.add_argument(
        "--only", action="append", default=[], metavar="WORDS", help="draw only from faults with these words in their names"
    )
    parser.add_argument("--save", type=Path, default=None, help="where histories with violations go (default: a new directory)")
    arguments = parser.parse_args()
    topologies = arguments.topology or list(TOPOLOGIES)
    save = arguments.save or Path(tempfile.mkdtemp(prefix="soak-violations-"))
    save.mkdir(parents=True, exist_ok=True)
    broken = False
    for topology in topologies:
        print(f"{topology}, seed {arguments.seed}", flush=True)
        share = TOPOLOGIES[topology] / sum(TOPOLOGIES[one] for one in topologies)
        result = soak(topology, arguments.minutes * share, arguments.seed, arguments.only, save)
        broken |= bool(result.violations or result.late)
    if any(save.iterdir()):
        print(f"seed {arguments.seed}; the histories are in {save}")
    elif arguments.save is None:
        save.rmdir()
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
