"""Real PostgreSQL and Valkey for every test that asks, in a LOCKSTEP_HOME of the run's own.

The environment is set here, before anything of ours is imported, because Celery and Prometheus read theirs at import.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from uuid import uuid4

HOME = Path(tempfile.mkdtemp(prefix="lockstep-test-"))
METRICS = HOME / "run" / "metrics"
METRICS.mkdir(parents=True)
for name in ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "SECRET_KEY", "LOCKSTEP_ENV", "PORT", "FLOWER_PORT"):
    os.environ.pop(name, None)
os.environ["LOCKSTEP_HOME"] = str(HOME)
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(METRICS)

import hypothesis
import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.container import Container
from app.contract.events import Actor
from app.contract.task_names import Effect
from app.factory import create_app
from app.logs import configure
from app.services.intent import Intent
from app.store import users
from bench.system import System, own_stack, wait_until
from config import load_settings
from devserver import EmbeddedServers
from tests.emptied import emptied
from tests.faults.inspection import settled
from tests.messages import emissions_checked
from tests.sweeping import no_sweep

# How long an example takes says nothing on a busy machine.
hypothesis.settings.register_profile(
    "lockstep",
    deadline=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.function_scoped_fixture],
)
hypothesis.settings.load_profile("lockstep")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give a second try to what depends on how busy the machine is: a browser's patience, a neighbour's latency.

    The report counts such reruns; `--fail-on-flaky` fails the run if there was one.
    """
    for item in items:
        if {"browser", "abuse", "live"} & set(item.path.parts):
            item.add_marker(pytest.mark.flaky(reruns=1))


def pytest_sessionfinish() -> None:
    """Remove the run's home; the servers have stopped by then."""
    shutil.rmtree(HOME, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End here, once all is said and done.

    The shop's threads live as long as their process. One that says that its servers are gone, just when the interpreter ends,
    holds the lock of its stream for ever, and the interpreter aborts: a run of which every test passed would have failed.
    """
    session = config.pluginmanager.get_plugin("session")
    if session is not None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(int(session.exitstatus))


@pytest.fixture(scope="session")
def servers() -> Iterator[EmbeddedServers]:
    """The embedded servers, with the schema in place."""
    configure(development=True)
    with EmbeddedServers(HOME) as running:
        application = create_app(load_settings())
        from flask_migrate import upgrade

        with application.app_context():
            upgrade(directory="migrations")
        application.extensions["lockstep"].close()
        yield running


@pytest.fixture(scope="session")
def app(servers: EmbeddedServers) -> Iterator[Flask]:
    """The web application over the embedded servers."""
    made = create_app(load_settings())
    yield made
    made.extensions["lockstep"].close()


@pytest.fixture(scope="session")
def _session_core(app: Flask) -> Container:
    container: Container = app.extensions["lockstep"]
    container.consistency.start()
    return container


@pytest.fixture(scope="module", autouse=True)
def _own_shop(request: pytest.FixtureRequest) -> None:
    """Begin every file with an empty shop: what the files before it left behind, owed or broken, is none of its business."""
    if any("_session_core" in item.fixturenames for item in request.session.items if item.path == request.path):
        emptied(request.getfixturevalue("_session_core"))


@pytest.fixture
def container(_session_core: Container) -> Iterator[Container]:
    """The wired application without an interface; its freshness is proven by its own sweeper, and what it emits is checked."""
    with emissions_checked(_session_core.settings):
        assert wait_until(lambda: _session_core.consistency.sweep() or _session_core.cache.is_fresh)
        yield _session_core


@pytest.fixture
def unswept(container: Container) -> Iterator[None]:
    """The container's own sweep settles nothing during the test."""
    with no_sweep(container):
        yield


@pytest.fixture
def actor(container: Container) -> Actor:
    """The system user, as the author of changes."""
    with container.reading.connect() as connection:
        row = users.system(connection)
    return Actor(row.id, row.name, "192.0.2.1", "tests", "request-" + uuid4().hex[:8])


@pytest.fixture
def deliver(container: Container) -> Callable[[], None]:
    """Do what the worker would: deliver every effect until nothing is due."""

    def run() -> None:
        for effect in Effect:
            while container.deliveries.deliver(effect):
                pass

    return run


@pytest.fixture
def new_part(container: Container, actor: Actor) -> Callable[..., int]:
    """Make published parts with a SKU of their own; keyword arguments are content columns, or `stock`."""

    def make(stock: int = 10, **columns: object) -> int:
        values = {"sku": f"T-{uuid4().hex[:12]}", "part_name": "Test part", "status": "published", **columns}
        return container.parts.create_part_with_sync(Intent(actor), values, [], [], {"current_stock": stock})["id"]

    return make


@pytest.fixture
def client(app: Flask, container: Container) -> FlaskClient:
    """A client without credentials."""
    return app.test_client()


@pytest.fixture
def api(app: Flask, container: Container) -> Callable[..., FlaskClient]:
    """Make clients that send an API key of the given role, limited to `scopes` if wanted."""
    from app.services.authentication import digest, new_api_key

    def make(role: str, scopes: Sequence[str] | None = None) -> FlaskClient:
        key = new_api_key()
        with container.reading.connect() as connection:
            system = users.system(connection)
        author = Actor(system.id, system.name)
        container.transactions.run(
            author, lambda uow: users.create_key(uow, f"test {role}", digest(key), role, system.id, scopes=scopes)
        )
        made = app.test_client()
        made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
        return made

    return make


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One whole system for the tests that need one: two web processes, two workers, beat and the servers, each to be killed."""
    with own_stack(tmp_path_factory.mktemp("stack")) as system:
        yield system


@pytest.fixture
def system(running: System) -> Iterator[System]:
    """The whole system, with every process back and nothing owed from the test before; what it emits is checked."""
    assert running.stack is not None
    with emissions_checked(running.stack.settings):
        try:
            settled(running)
        except BaseException:
            # What the test before has broken for good is reported here once; the tests after this one get a new start.
            running.stack.stop()
            running.stack.start()
            raise
        yield running
