"""A deploy and a roll-back with two releases that run for real, side by side, over one PostgreSQL and one Valkey."""

import http
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory

from app.contract.task_names import Effect
from bench.checker import Operation, check
from bench.page import Page
from bench.readers import Readers
from bench.recording import Recorder, Write
from bench.system import NoAnswerError, System, close_all, own_stack, wait_until
from config import REPOSITORY
from devserver import EmbeddedServers
from devserver.process import is_alive
from tests.faults.farm import Hosts
from tests.faults.inspection import complaints, owed, pid, query
from tests.faults.releases import change_layout, later_release
from tests.faults.soak import Observer

SERVED = ("web-1", "web-2", "worker-live", "worker", "beat")
# Seconds of load at each step, and until everything must be whole.
LOAD, WHOLE_WITHIN = 2.5, 60.0


@dataclass
class Shop:
    """Parts, and what clients of all hosts have done to them and seen."""

    category: int
    parts: Sequence[int]
    writes: list[Write] = field(default_factory=list)
    history: list[Operation] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    @contextmanager
    def load(self, hosts: System, addresses: Sequence[str]) -> Iterator[None]:
        """Write and read while the block runs, each session at every host by turns."""
        recorder = Recorder(hosts, self.parts, sessions=6, write_share=0.5, pause=0.02)
        readers = Readers(addresses, self.parts, self.category, sessions=4, pause=0.03)
        try:
            with readers, recorder:
                yield
        finally:
            self.writes += recorder.writes
            self.history += recorder.history + readers.record.history()
            self.strange += readers.record.strange() + readers.record.missing
            self.strange += [str(one) for one in recorder.calls if one.status not in {200, 409, 503, None}]


def _states(hosts: Hosts) -> list[str]:
    clients = hosts.clients_of_every_process()
    try:
        return [client.call("GET", "/readyz", base="").body["cache"] for client in clients]
    finally:
        close_all(clients)


def _whole(hosts: Hosts, find: Callable[[], list[str]]) -> None:
    """Wait until every process of the hosts may serve from the cache, and nothing is to be complained about."""
    found = ["not looked at yet"]

    def calm() -> bool:
        try:
            found[:] = find() or [state for state in _states(hosts) if state != "ok"]
        except (NoAnswerError, OSError, psycopg.OperationalError) as error:
            found[:] = [f"not answered: {error!r}"]
        return not found

    assert wait_until(calm, WHOLE_WITHIN, every=0.2), found[:5]


def _pids(host: System) -> dict[str, int]:
    return {name: pid(host, name) for name in SERVED}


@pytest.mark.timeout(300)
def test_a_deploy_and_a_roll_back_break_no_promise(tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.mktemp("v")
    later = home / "later"
    head = ScriptDirectory(str(REPOSITORY / "migrations")).get_current_head()
    assert head is not None
    later_release(later, head)
    with ExitStack() as scope:
        servers = scope.enter_context(EmbeddedServers(_made(home / "data")))
        urls = {name: url for name, url in servers.environ.items() if name != "LOCKSTEP_HOME"}
        old = scope.enter_context(own_stack(_made(home / "old"), **urls))
        assert old.stack is not None
        category = old.make_category()
        shop = Shop(category, old.make_parts(8, category))
        observer = scope.enter_context(Observer(old, shop.parts))
        page = scope.enter_context(Page(old.url, shop.parts, watch_every=600))

        # The later release migrates while this one is used, and is put beside it.
        with shop.load(old, Hosts({"old": old}).addresses()):
            new = scope.enter_context(own_stack(_made(home / "new"), sources=later, **urls))
        assert new.stack is not None
        assert query(old, "SELECT count(colour) AS n FROM parts") == [{"n": 0}]
        both = Hosts({"old": old, "new": new})
        began = {name: _pids(host) for name, host in both.hosts.items()}
        later_page = scope.enter_context(Page(new.url, shop.parts, watch_every=600))
        assert new.make_category() > category
        with shop.load(both, both.addresses()):
            time.sleep(LOAD)
        assert query(old, "SELECT 1 AS n FROM outbox_events WHERE payload ->> 'format' = '99' LIMIT 1")
        _whole(both, lambda: complaints(both, shop.parts, shop.writes, page, later_page) or _owed(old))
        assert page.counts["applied"] > 0
        assert began == {name: _pids(host) for name, host in both.hosts.items()}
        later_page.__exit__()

        # It is taken back while it writes, and owes what only it can do.
        with shop.load(both, both.addresses()):
            time.sleep(LOAD)
            new.stack.kill()
        assert wait_until(lambda: not any(map(is_alive, began["new"].values())))
        _whole(Hosts({"old": old}), lambda: [f"{one} is owed" for one in _owed_by_effect(old) - {Effect.PERSIST_AUDIT}])
        assert complaints(old, [], shop.writes) == []
        left = [one for one in complaints(old, shop.parts, shop.writes, page) if "audited" not in one]
        assert left == []
        # What its worker had leased when it was killed may be of either format.
        assert wait_until(lambda: {row["format"] for row in query(old, _OWED_FORMATS)} <= {"99"})

        # It comes back as one that names the cache's keys differently, too. This one ends in use, and the deploy is done.
        change_layout(later)
        new.stack.start()
        with shop.load(both, both.addresses()):
            time.sleep(LOAD)
            page.__exit__()
            assert old.stack.stop() == 0
            time.sleep(LOAD)
        only = Hosts({"new": new})
        with Page(new.url, shop.parts, watch_every=600) as last:
            _whole(only, lambda: complaints(only, shop.parts, shop.writes, last) or _owed(only))
    assert [*map(str, check([*shop.history, *observer.history])), *shop.strange] == []
    assert sum(write.status == http.HTTPStatus.OK for write in shop.writes) > 0


_OWED_FORMATS = """
    SELECT DISTINCT e.payload ->> 'format' AS format
    FROM outbox_deliveries d JOIN outbox_events e ON e.id = d.event_id WHERE d.state <> 'done'
"""


def _owed_by_effect(system: System) -> set[str]:
    """Return the effects that are owed, dead letters included."""
    return {row["effect"] for row in query(system, "SELECT DISTINCT effect FROM outbox_deliveries WHERE state <> 'done'")}


def _owed(system: System) -> list[str]:
    return [f"{count} deliveries are owed"] if (count := owed(system)) else []


def _made(path: Path) -> Path:
    path.mkdir()
    return path
