"""Faults of a farm (`tests.faults.farm`): how each begins and ends. Whatever is to come back after that comes by itself."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psutil

from bench.system import System, wait_until
from config import REPOSITORY
from tests.faults.farm import FOLLOWING, LEADING, SERVERS, Farm
from tests.faults.inspection import empty_valkey, kill, pid, valkey_data
from tests.faults.network import BAD_WEATHER, Weather
from tests.faults.sentinels import sentinels

End = Callable[[], object]
# Longer than a delivery's lease (5 s), and than any proof of freshness (1.2 s).
PAST_A_LEASE = 6.0
A_WHILE = 4.0
AN_HOUR = 3600


@dataclass(frozen=True)
class Trouble:
    """A fault.

    `begin` starts it and returns what ends it; in between it lasts for `seconds`. Two at once must not touch the same thing.
    `group` is what it counts as: when one is drawn, and in the figures.
    """

    name: str
    group: str
    touches: frozenset[str]
    begin: Callable[[], End]
    seconds: float = 0.0


def troubles(farm: Farm, disk: Path | None = None) -> dict[str, Trouble]:
    """Return every fault of a farm by name.

    Args:
        disk: a small file system of its own that holds the first host's home, and so the servers' data.
    """
    made = [
        *_kills(farm),
        *_freezes(farm),
        *_of_valkeys_data(farm),
        *_of_two_valkeys(farm),
        _election(farm),
        *_bad_weather(farm),
        *_second_beats(farm),
        *_few_descriptors(farm),
        *_pulled_cables(farm),
        *_clocks(farm),
    ]
    if disk is not None:
        made.append(Trouble("disk full", "disk", frozenset({"postgres", "valkey"}), lambda: _fill(disk), A_WHILE))
    return {trouble.name: trouble for trouble in made}


def _nothing() -> None:
    """End what has ended by itself."""


def processes(farm: Farm) -> Iterator[tuple[System, str, str]]:
    """Yield the host, the name and the full name of everything that can be killed."""
    for letter, host in farm.hosts.items():
        for name in ("web-1", "web-2", "worker-live", "worker", "beat"):
            yield host, name, f"{letter}-{name}"
    for name in ("postgres", "valkey"):
        yield farm.hosts["a"], name, name


def _kills(farm: Farm) -> Iterator[Trouble]:
    for host, name, whole_name in processes(farm):

        def begin(host: System = host, name: str = name) -> End:
            kill(host, name)
            return _nothing

        yield Trouble(f"{whole_name} killed", "killed", frozenset({whole_name}), begin)
    for letter, host in farm.hosts.items():

        def begin_with_a_child(host: System = host) -> End:
            # A worker that is just starting, or whose broker is away, may have none.
            assert wait_until(lambda: bool(psutil.Process(pid(host, "worker")).children()))
            psutil.Process(pid(host, "worker")).children()[0].kill()
            return _nothing

        yield Trouble(f"{letter}-worker's child killed", "killed", frozenset({f"{letter}-worker"}), begin_with_a_child)


def _freezes(farm: Farm) -> Iterator[Trouble]:
    for host, name, whole_name in processes(farm):

        def begin(host: System = host, name: str = name) -> End:
            head = psutil.Process(pid(host, name))
            frozen = [head, *head.children(recursive=True)]
            _send(frozen, signal.SIGSTOP)
            return lambda: _send(frozen, signal.SIGCONT)

        yield Trouble(f"{whole_name} frozen", "frozen", frozenset({whole_name}), begin, PAST_A_LEASE)


def _send(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def _of_valkeys_data(farm: Farm) -> Iterator[Trouble]:
    first = farm.hosts["a"]
    data = valkey_data(first)

    def emptied() -> End:
        empty_valkey(first)
        return _nothing

    def older_copy() -> End:
        copy = data.with_name("valkey-copy")
        pid(first, "valkey")
        shutil.copytree(data, copy)

        def end() -> None:
            shutil.rmtree(data)
            copy.rename(data)
            kill(first, "valkey")

        return end

    for name, begin, seconds in (
        ("emptied", emptied, 0.0),
        ("with an older copy", older_copy, 2.0),
        ("away", lambda: _take_away(first), A_WHILE),
    ):
        yield Trouble(f"valkey {name}", "valkey's data", frozenset({"valkey"}), begin, seconds)


def _take_away(host: System) -> End:
    """Kill Valkey; it cannot be started, since a file stands where its data should be."""
    data = valkey_data(host)
    aside = data.with_name("valkey-aside")
    pid(host, "valkey")
    data.rename(aside)
    data.touch()
    kill(host, "valkey")

    def end() -> None:
        data.unlink()
        aside.rename(data)

    return end


def _of_two_valkeys(farm: Farm) -> Iterator[Trouble]:
    ways = [name for name in farm.links() if not name.endswith("postgres")]

    def failover() -> End:
        """Promote the spare and demote the first; at the end the other way round."""
        _hand_over(farm, ways, "valkey", "spare", LEADING)
        return lambda: _hand_over(farm, ways, "spare", "valkey", FOLLOWING)

    def failback() -> End:
        """Promote the spare behind the first one's back, which misses all that happens meanwhile; at the end return to it."""
        _hand_over(farm, ways, "valkey", "spare", None)

        def end() -> None:
            farm.network.lead(ways, str(farm.sockets["valkey"]))
            farm.follow("spare", FOLLOWING)

        return end

    touched = frozenset({"valkey", *ways})
    yield Trouble("valkey failed over and back", "valkey failed over", touched, failover, A_WHILE)
    yield Trouble("valkey back after writes to another", "valkey failed over", touched, failback, A_WHILE)


def _election(farm: Farm) -> Trouble:
    """The first Valkey dies, Sentinels elect the spare, and the address follows; at the end they are told to fail back."""
    ways = [name for name in farm.links() if not name.endswith("postgres")]

    def begin() -> End:
        scope = ExitStack()
        watching = scope.enter_context(sentinels(farm, ways))
        bring_back = _take_away(farm.hosts["a"])
        watching.lead_to("spare")

        def end() -> None:
            with scope:
                bring_back()
                watching.take_in("valkey", LEADING)
                watching.settle_on("valkey")
            farm.follow("spare", FOLLOWING)

        return end

    return Trouble("valkey elected by sentinels and back", "sentinels", frozenset({"valkey", *ways}), begin, A_WHILE)


def _hand_over(farm: Farm, ways: list[str], old: str, new: str, link: str | None) -> None:
    farm.follow(new, None)
    farm.network.lead(ways, str(farm.sockets[new]))
    if link is not None:
        farm.follow(old, link)


def _bad_weather(farm: Farm) -> Iterator[Trouble]:
    places = {(process, server): farm.links("", process, server) for process in SERVERS for server in SERVERS[process]}
    for (process, server), names in places.items():
        touched = frozenset({server, *names})
        for weather in BAD_WEATHER:
            if weather is Weather.FORGOTTEN and server == "postgres":
                # It is the kernel that gives these up, and ours is told that all arrives.
                continue
            begin = partial(_turn, farm, names, weather)
            yield Trouble(f"{process}-{server} {weather}", "network", touched, begin, A_WHILE)
    if len(farm.hosts) > 1:
        for letter in farm.hosts:
            links = farm.links(letter)
            for weather in (Weather.BLACK_HOLE, Weather.HALF_OPEN, Weather.REFUSED):
                begin = partial(_turn, farm, links, weather)
                yield Trouble(f"host {letter} cut off: {weather}", "host cut off", frozenset(links), begin, PAST_A_LEASE)


def _turn(farm: Farm, links: list[str], weather: Weather) -> End:
    farm.network.change(links, weather)
    return lambda: farm.network.change(links, Weather.FAIR)


def _second_beats(farm: Farm) -> Iterator[Trouble]:
    for letter, host in farm.hosts.items():

        def begin(host: System = host) -> End:
            assert host.stack is not None
            settings = host.stack.settings
            schedule = settings.home / "second-beat-schedule"
            command = f"-m celery --quiet -A workers.celery_app beat --loglevel ERROR --schedule {schedule} --pidfile="
            running = subprocess.Popen(
                [sys.executable, *command.split()], cwd=REPOSITORY,
                env=host.stack.environ | {"PROMETHEUS_MULTIPROC_DIR": str(settings.metrics_directory)},
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip

            def end() -> None:
                running.kill()
                running.wait()

            return end

        yield Trouble(f"{letter}-second beat", "second beat", frozenset({f"{letter}-beat"}), begin, A_WHILE)


def _few_descriptors(farm: Farm) -> Iterator[Trouble]:
    for host, name, whole_name in processes(farm):
        if not name.startswith("web-"):
            continue

        def begin(host: System = host, name: str = name) -> End:
            """Every further file or connection fails with EMFILE."""
            process = psutil.Process(pid(host, name))
            soft, hard = process.rlimit(psutil.RLIMIT_NOFILE)
            process.rlimit(psutil.RLIMIT_NOFILE, (min(soft, process.num_fds()), hard))

            def end() -> None:
                with suppress(psutil.NoSuchProcess):
                    process.rlimit(psutil.RLIMIT_NOFILE, (soft, hard))

            return end

        yield Trouble(f"{whole_name} out of descriptors", "descriptors", frozenset({whole_name}), begin, A_WHILE)


def _pulled_cables(farm: Farm) -> Iterator[Trouble]:
    """Cut machines off from everybody: servers, other machines, and clients."""
    for letter in farm.hosts if farm.machines else ():

        def begin(letter: str = letter) -> End:
            assert farm.machines is not None
            farm.machines.pull(letter)
            return partial(farm.machines.plug, letter)

        yield Trouble(f"machine {letter} unplugged", "machine unplugged", frozenset(farm.links(letter)), begin, PAST_A_LEASE)


def _clocks(farm: Farm) -> Iterator[Trouble]:
    clocks = farm.clocks
    if clocks is None:
        return
    for name in ("postgres", *(f"{letter}-{process}" for letter in farm.hosts for process in SERVERS)):
        for how, seconds in (("set back", -AN_HOUR), ("set forward", AN_HOUR)):

            def begin(name: str = name, seconds: int = seconds) -> End:
                clocks.set(name, seconds)
                return lambda: clocks.set(name, 0)

            yield Trouble(f"{name}'s clock {how}", "clock", frozenset({f"{name}'s clock"}), begin, PAST_A_LEASE)


def _fill(disk: Path) -> End:
    ballast = disk / "ballast"
    with ballast.open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            with suppress(OSError):
                while file.write(b"\0" * size) == size:
                    pass
    return ballast.unlink
