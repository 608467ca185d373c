"""What the tests of storage, cache and synchronisation share."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import text

from app.cache.client import cache_client
from app.cache.manager import CacheManager, Clients, Observer
from app.container import Container
from app.sync.wakeup import WakeUps
from tests.emptied import emptied, rewritable


@pytest.fixture(autouse=True)
def _own_shop(request: pytest.FixtureRequest) -> None:
    """Begin every test with an empty shop: many count what is owed or wrong anywhere in it."""
    if "_session_core" in request.fixturenames:
        emptied(request.getfixturevalue("_session_core"))


@pytest.fixture
def valkey(container: Container) -> Iterator[Redis]:
    """A client of the shop's own cache database."""
    with Redis.from_url(container.settings.redis_url) as client:
        yield client


@pytest.fixture
def scratch(container: Container) -> Iterator[Redis]:
    """A patient client of an empty database beside the shop's, which a test may flush."""
    with cache_client(container.settings.redis_url.replace("db=1", "db=5"), 5.0) as client:
        client.flushdb()
        yield client
        client.flushdb()


def manager_over(client: Redis, observe: Observer = lambda _kind, _result: None, epoch: str = "1") -> CacheManager:
    """Return a cache manager to which `client` is the cache in use, in an epoch that has just begun; freshness is not proven."""
    manager = CacheManager(Clients(client, client, client, ""), observe)
    manager.begin_epoch(epoch)
    manager.adopt(manager.life(), float("inf"))
    return manager


@pytest.fixture
def new_manager(scratch: Redis) -> Callable[[], CacheManager]:
    """Make cache managers over the scratch database, each as another process would have it; all of them proven fresh."""

    def make() -> CacheManager:
        manager = manager_over(scratch)
        manager.mark_verified(float("inf"))
        return manager

    return make


@pytest.fixture
def manager(new_manager: Callable[[], CacheManager]) -> CacheManager:
    """One cache manager over the scratch database."""
    return new_manager()


@pytest.fixture
def query(container: Container) -> Callable[..., list[dict[str, Any]]]:
    """Run a statement that commits by itself, and return its rows as dictionaries."""

    def run(statement: str, **parameters: object) -> list[dict[str, Any]]:
        with container.reading.connect() as connection:
            result = connection.execute(text(statement), parameters)
            return [dict(row._mapping) for row in result] if result.returns_rows else []

    return run


@pytest.fixture
def make_search_anew(container: Container) -> Callable[[], None]:
    """Fill what searches look in anew, as a migration does: without a request's time limit."""

    def run() -> None:
        with container.engine.begin() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT fill_part_search()"))

    return run


@pytest.fixture
def rewrite(container: Container) -> Callable[..., None]:
    """Run a statement as the tables' owner can who switches their triggers off: the way around "append-only"."""

    def run(statement: str, **parameters: object) -> None:
        with container.engine.begin() as connection, rewritable(connection):
            connection.execute(text(statement), parameters)

    return run


@contextmanager
def counting(container: Container) -> Iterator[list[str]]:
    """Collect the SQL statements that this thread has the engine execute meanwhile; the sweeper's are not ours."""
    from sqlalchemy import event

    statements: list[str] = []
    ours = threading.get_ident()

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if threading.get_ident() == ours:
            statements.append(statement)

    event.listen(container.reading, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(container.reading, "before_cursor_execute", note)


@pytest.fixture
def statements(container: Container) -> Callable[[], Any]:
    """Make context managers that collect the SQL statements executed meanwhile."""
    return lambda: counting(container)


class Broker:
    """A broker that can be switched off."""

    def __init__(self) -> None:
        self.is_up = True
        self.taken: list[str] = []

    def send_task(self, name: str, **_options: Any) -> None:
        """Take a message.

        Raises:
            ConnectionError: while it is down.
        """
        if not self.is_up:
            raise ConnectionError("down")
        self.taken.append(name)

    @contextmanager
    def down(self) -> Iterator[None]:
        """Be down while the block runs."""
        self.is_up = False
        yield
        self.is_up = True


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def wake_ups(container: Container, broker: Broker) -> WakeUps:
    # Without the flags, which other tests' processes set too.
    return WakeUps(broker, cache_client("unix:///nowhere.sock"), "", container.monitoring)
