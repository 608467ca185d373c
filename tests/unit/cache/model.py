"""An exhaustive model of the cache protocol: one entry, two servers, two web processes, and whatever may happen to them.

Every interleaving of the steps below is looked at, within bounds (`Bounds`), and in each state whether a read that began after a
write was acknowledged is answered with something older. The steps are those of `app/cache/scripts`, `app/cache/manager.py`,
`app/sync/consistency.py` and `app/store/cache_epoch.py`, in the same order; a step is as much as one call to one server does.
`Protocol` switches their guards off, one by one: without any of them the model finds a history that serves something old.

Time passes in ticks, at any moment and for everybody, so that any process may be stopped for long between two of its steps. Ages
beyond `OLD` are all the same, which keeps the number of states finite.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

# In ticks: for how long a process relies on a proof of freshness, and on knowing which cache is in use; and for how long a
# new epoch has to be seen before it begins. Of FRESH_FOR and IN_USE in the code only the order matters.
FRESH, IN_USE = 1, 2
OLD = 2


@dataclass(frozen=True, slots=True)
class Protocol:
    """The guards."""

    # An entry counts only at its floor or above, and nothing below it is filled in.
    floors: bool = True
    # An invalidation revokes the lease; this or the floors suffice.
    revokes: bool = True
    # A fill needs its lease.
    leases: bool = True
    # An entry counts only in its epoch, and every script states the one that it expects.
    epochs: bool = True
    # A connection is used only if it leads to the run of the server that is expected.
    checks_run: bool = True
    # An entry that is missing is never filled in by an invalidation.
    replaces_only: bool = True
    # A writer whose invalidation is not confirmed waits.
    waits: bool = True
    # A new epoch begins only after everybody has stopped relying on the one before.
    begins_late: bool = True
    # A proof counts from when it began to look, not from when it was done.
    proves_from_the_beginning: bool = True
    # A writer does not rely on a cache that it has not compared with the row for long.
    knows_lately: bool = True
    # A reader loads after it has taken its lease.
    loads_late: bool = True


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much happens."""

    writes: int = 1
    reads: int = 2
    faults: int = 0
    evictions: int = 0
    sweeps: int = 2
    ticks: int = 2


class Entry(NamedTuple):
    """The one key in a server; `body` is the version that its body has, None if there is none."""

    epoch: int = 0
    body: int | None = None
    floor: int = 0
    lease: bool = False


class Server(NamedTuple):
    """A Valkey: `run` is another one after every restart."""

    run: int
    epoch: int | None = None
    entry: Entry | None = None


class Row(NamedTuple):
    """PostgreSQL's `cache_epoch`."""

    epoch: int
    run: int
    used: int = OLD
    begins_in: int = 0


class Sweep(NamedTuple):
    """A sweep under way: what it will do next, how long ago it began, and what it has read."""

    step: str
    age: int = 0
    life: tuple[int, int | None] = (0, None)
    found: tuple[int, ...] = ()


class Process(NamedTuple):
    """A web process: the server that its address leads to, and the cache that it takes for the one in use."""

    address: int
    run: int = -1
    epoch: int = -1
    known: int = OLD
    verified: int = OLD
    sweep: Sweep | None = None


class Read(NamedTuple):
    """A read in the second process: what it must at least return, and what it has loaded."""

    at_least: int
    step: str = "ask"
    epoch: int = -1
    run: int = -1
    loaded: int = 0


class Write(NamedTuple):
    """A write in the first process, after its commit."""

    version: int
    step: str = "invalidate"
    age: int = 0


class World(NamedTuple):
    """Everything at one moment."""

    version: int = 0
    acknowledged: int = 0
    unsettled: tuple[int, ...] = ()
    row: Row = Row(0, 0, 0)
    servers: tuple[Server, Server] = (Server(0, 0, Entry(0, 0)), Server(1))
    # At first both have just proven freshness.
    processes: tuple[Process, Process] = (Process(0, 0, 0, 0), Process(0, 0, 0, 0, 0))
    write: Write | None = None
    read: Read | None = None
    reads: int = 0
    faults: int = 0
    evictions: int = 0
    sweeps: int = 0
    ticks: int = 0
    # What a server had when a copy of its data was made.
    copy: Server | None = None

    def with_server(self, number: int, server: Server) -> "World":
        """Return the world with another server in that place."""
        return self._replace(servers=(server, self.servers[1]) if number == 0 else (self.servers[0], server))

    def with_process(self, number: int, process: Process) -> "World":
        """Return the world with another process in that place."""
        first, second = self.processes
        return self._replace(processes=(process, second) if number == 0 else (first, process))


# Both processes use one server, which has the entry, or has not. They use two: the second one has begun an epoch with the other
# server, and the first was stopped before it could notice.
TOGETHER = World()
EMPTY = TOGETHER.with_server(0, Server(0, 0))
APART = World(
    row=Row(1, 1, 0),
    servers=(Server(0, 0, Entry(0, 0)), Server(1, 1, Entry(1, 0))),
    processes=(Process(0, 0, 0), Process(1, 1, 1, 0, 0)),
)


class StaleError(Exception):
    """A read was answered with something older than what had been acknowledged when it began."""


Step = tuple[str, World]


class Model:
    """All that may happen, from any world."""

    def __init__(self, protocol: Protocol, bounds: Bounds) -> None:
        self.protocol = protocol
        self.bounds = bounds

    def next(self, world: World) -> Iterator[Step]:
        """Yield every step that somebody may take, and the world after it."""
        if not self._is_open(world):
            return
        if world.ticks < self.bounds.ticks:
            yield "time passes", _older(world)
        yield from self._faults(world)
        yield from self._write(world)
        yield from self._read(world)
        for number in range(2):
            for what, after in self._sweep(world, number):
                yield f"process {number} {what}", after

    def _is_open(self, world: World) -> bool:
        """Whether anybody can still be served something old."""
        is_last = world.reads == self.bounds.reads
        is_in_vain = world.read is None or world.read.at_least == 0
        can_acknowledge = world.acknowledged > 0 or world.write is not None or world.version < self.bounds.writes
        return can_acknowledge and not (is_last and is_in_vain)

    def _expects(self, process: Process, server: Server) -> bool:
        """Whether a script of the process runs on the server."""
        same_run = not self.protocol.checks_run or server.run == process.run
        return same_run and (not self.protocol.epochs or server.epoch == process.epoch)

    def _write(self, world: World) -> Iterator[Step]:
        write, process = world.write, world.processes[0]
        if write is None:
            if world.version < self.bounds.writes:
                version = world.version + 1
                after = world._replace(version=version, unsettled=(*world.unsettled, version), write=Write(version))
                yield f"{version} is committed", after
        elif write.step == "invalidate":
            server = world.servers[process.address]
            if (process.known < FRESH or not self.protocol.knows_lately) and self._expects(process, server):
                after = world.with_server(process.address, self._invalidated(server, write.version, process.epoch))
                yield "the writer invalidates, and answers", after._replace(write=None, acknowledged=write.version)
            yield "the writer cannot invalidate", world._replace(write=write._replace(step="wait"))
        else:
            is_harmless = write.version not in world.unsettled or world.row.used >= IN_USE or write.age >= FRESH
            if is_harmless or not self.protocol.waits:
                yield "the writer has waited, and answers", world._replace(write=None, acknowledged=write.version)

    def _invalidated(self, server: Server, version: int, epoch: int) -> Server:
        entry = server.entry
        if entry is None:
            return server if self.protocol.replaces_only else server._replace(entry=Entry(epoch, version, version))
        floor = entry.floor if self.protocol.floors else 0
        if version <= floor:
            return server
        lease = entry.lease and not self.protocol.revokes
        is_held = entry.body is not None and self._counts(entry, epoch)
        if is_held and entry.body is not None and entry.body >= version:
            return server._replace(entry=entry._replace(floor=version, lease=lease))
        body = version if is_held or not self.protocol.replaces_only else None
        return server._replace(entry=Entry(epoch, body, version if self.protocol.floors else 0, lease))

    def _counts(self, entry: Entry, epoch: int) -> bool:
        in_epoch = not self.protocol.epochs or entry.epoch == epoch
        return in_epoch and (not self.protocol.floors or (entry.body or 0) >= entry.floor)

    def _read(self, world: World) -> Iterator[Step]:
        read, process = world.read, world.processes[1]
        if read is None:
            # Else it would read the database, which is never old.
            if process.verified < FRESH and world.reads < self.bounds.reads:
                read = Read(world.acknowledged, loaded=world.version)
                yield "a read begins", world._replace(read=read, reads=world.reads + 1)
            return
        server = world.servers[process.address]
        if read.step == "ask":
            if not self._expects(process, server):
                yield "the reader goes past the cache", world._replace(read=None)
            elif server.entry is not None and server.entry.body is not None and self._counts(server.entry, process.epoch):
                if server.entry.body < read.at_least:
                    raise StaleError(f"{server.entry.body} is served, {read.at_least} was acknowledged")
                yield "the reader is served", world._replace(read=None)
            else:
                # If somebody else has the lease, it may have expired.
                entry = (server.entry or Entry())._replace(lease=True)
                leased = read._replace(step="load", epoch=process.epoch, run=process.run)
                after = world.with_server(process.address, server._replace(entry=entry))
                yield "the reader takes the lease", after._replace(read=leased)
        elif read.step == "load":
            loaded = world.version if self.protocol.loads_late else read.loaded
            yield "the reader loads", world._replace(read=read._replace(step="fill", loaded=loaded))
        else:
            yield "the reader is gone", world._replace(read=None)
            filled = self._filled(server, read, process)
            if filled is not None:
                yield "the reader fills", world.with_server(process.address, filled)._replace(read=None)

    def _filled(self, server: Server, read: Read, process: Process) -> Server | None:
        entry = server.entry
        if self.protocol.checks_run and server.run != process.run:
            return None
        if self.protocol.epochs and server.epoch != read.epoch:
            return None
        if self.protocol.leases and (entry is None or not entry.lease):
            return None
        entry = entry or Entry()
        if self.protocol.floors and read.loaded < entry.floor:
            return server._replace(entry=entry._replace(lease=False))
        return server._replace(entry=Entry(read.epoch, read.loaded, entry.floor))

    def _sweep(self, world: World, number: int) -> Iterator[Step]:
        process = world.processes[number]
        sweep, server = process.sweep, world.servers[process.address]
        if sweep is None:
            if world.sweeps < self.bounds.sweeps:
                asked = Sweep("use", life=(server.run, server.epoch))
                after = world._replace(sweeps=world.sweeps + 1)
                yield "begins a sweep, and asks who the server is", after.with_process(number, process._replace(sweep=asked))
        elif sweep.step == "use":
            yield from self._use(world, number, process, sweep)
        elif sweep.step == "name":
            named = world.with_process(number, process._replace(sweep=None))
            yield "names the new epoch in its server", named.with_server(process.address, server._replace(epoch=sweep.life[1]))
        elif sweep.step == "look":
            found = sweep._replace(step="apply", found=world.unsettled)
            yield "reads what is unsettled", world.with_process(number, process._replace(sweep=found))
        elif sweep.step == "apply":
            yield from self._apply(world, number, process, sweep)
        else:
            left = tuple(version for version in world.unsettled if version not in sweep.found)
            yield from self._proven(world._replace(unsettled=left), number, process, sweep)

    def _apply(self, world: World, number: int, process: Process, sweep: Sweep) -> Iterator[Step]:
        server = world.servers[process.address]
        if not sweep.found:
            yield from self._proven(world, number, process, sweep)
        elif process.known < FRESH and self._expects(process, server):
            for version in sweep.found:
                server = self._invalidated(server, version, process.epoch)
            settling = process._replace(sweep=sweep._replace(step="settle"))
            yield "applies it", world.with_server(process.address, server).with_process(number, settling)
        else:
            yield "cannot apply it", world.with_process(number, process._replace(sweep=None))

    def _use(self, world: World, number: int, process: Process, sweep: Sweep) -> Iterator[Step]:
        run, epoch = sweep.life
        row = world.row
        if (row.run, row.epoch) == (run, epoch):
            used = world._replace(row=row._replace(used=0))
            if row.begins_in:
                yield "finds that its epoch is about to begin", used.with_process(number, process._replace(sweep=None))
                return
            # What was proven about another epoch, or run, says nothing about this one.
            verified = process.verified if process.epoch == epoch else OLD
            adopted = process._replace(run=run, epoch=row.epoch, known=min(sweep.age, OLD), verified=verified)
            # It is told at once whether there is anything to look for.
            looking = sweep._replace(step="look" if world.unsettled else "apply")
            yield "adopts its cache", used.with_process(number, adopted._replace(sweep=looking))
        else:
            wait = IN_USE if self.protocol.begins_late else 0
            begun = world._replace(row=Row(row.epoch + 1, run, row.used, wait))
            naming = process._replace(sweep=Sweep("name", sweep.age, (run, row.epoch + 1)))
            yield "begins a new epoch", begun.with_process(number, naming)

    def _proven(self, world: World, number: int, process: Process, sweep: Sweep) -> Iterator[Step]:
        since = sweep.age if self.protocol.proves_from_the_beginning else 0
        # Nobody reads in the first process.
        verified = process._replace(sweep=None, verified=min(process.verified, since) if number else OLD)
        yield "has proven freshness", world.with_process(number, verified)

    def _faults(self, world: World) -> Iterator[Step]:
        for number, server in enumerate(world.servers):
            if server.entry is not None and world.evictions < self.bounds.evictions:
                evicted = world._replace(evictions=world.evictions + 1)
                yield f"server {number} evicts the entry", evicted.with_server(number, server._replace(entry=None))
        if world.faults == self.bounds.faults:
            return
        counted = world._replace(faults=world.faults + 1)
        latest = max(server.run for server in world.servers)
        for number, server in enumerate(world.servers):
            yield f"server {number} restarts with its data", counted.with_server(number, server._replace(run=latest + 1))
            yield f"server {number} restarts without data", counted.with_server(number, Server(latest + 1))
            if world.copy is not None:
                older = world.copy._replace(run=latest + 1)
                yield f"server {number} restarts with an older copy", counted.with_server(number, older)
        if world.copy is None:
            yield "a copy of server 0 is made", counted._replace(copy=world.servers[0], faults=world.faults)
        first, second = world.servers
        yield "server 1 becomes a copy of server 0", counted.with_server(1, first._replace(run=second.run))
        for number, process in enumerate(world.processes):
            yield (
                f"process {number} finds the other server",
                counted.with_process(number, process._replace(address=1 - process.address)),
            )
        moved = tuple(process._replace(address=1 - process.address) for process in world.processes)
        yield "both find the other server", counted._replace(processes=(moved[0], moved[1]))
        yield "process 0 dies with its write", counted.with_process(0, Process(world.processes[0].address))._replace(write=None)


def _older(world: World) -> World:
    row = world.row
    first, second = (
        process._replace(
            known=min(process.known + 1, OLD), verified=min(process.verified + 1, OLD),
            sweep=process.sweep and process.sweep._replace(age=min(process.sweep.age + 1, OLD)),
        )
        for process in world.processes
    )  # fmt: skip
    return world._replace(
        row=row._replace(used=min(row.used + 1, OLD), begins_in=max(row.begins_in - 1, 0)),
        processes=(first, second),
        ticks=world.ticks + 1,
        write=world.write and world.write._replace(age=min(world.write.age + 1, OLD)),
    )


def explore(protocol: Protocol, bounds: Bounds, start: World) -> tuple[int, list[str]]:
    """Return how many worlds may come after one, and the shortest history that serves something old; empty if there is none."""
    model = Model(protocol, bounds)
    came_from: dict[World, tuple[World, str] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        world = waiting.popleft()
        try:
            for what, after in model.next(world):
                if after not in came_from:
                    came_from[after] = (world, what)
                    waiting.append(after)
        except StaleError as error:
            return len(came_from), [*_history(came_from, world), str(error)]
    return len(came_from), []


def _history(came_from: dict[World, tuple[World, str] | None], world: World) -> list[str]:
    steps: list[str] = []
    while (before := came_from[world]) is not None:
        world, what = before
        steps.insert(0, what)
    return steps
