"""`flask doctor` finds what would trouble a deployment, whatever else is wrong, and says what to do."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import text

from app.commands.doctor import valkeys
from app.container import Container
from app.services import doctor
from app.services.doctor import Finding, Level
from app.store.database import connect, single_statements
from app.sync.edge import Edge, varnish
from app.sync.heartbeats import Heard
from tests.origin import origin


@pytest.fixture
def container(container: Container, tmp_path: Path) -> Container:
    """The application in production, in a home of its own whose frontend is built."""
    (tmp_path / "panel").mkdir()
    (tmp_path / "panel" / "index.html").touch()
    return replace(container, settings=replace(container.settings, environment="production", home=tmp_path, frontend=tmp_path))


@pytest.fixture
def valkey(container: Container) -> Iterator[Redis]:
    client = valkeys(container.settings)["cache"]
    before = {name: client.config_get(name)[name] for name in ("maxmemory-policy", "maxmemory", "appendonly")}
    yield client
    for name, value in before.items():
        client.config_set(name, value)


def found(container: Container, *heads: str, heard: Heard | None = None, edge: Edge | None = None) -> list[Finding]:
    if not heads:
        with container.reading.connect() as connection:
            heads = tuple(connection.execute(text("SELECT version_num FROM alembic_version")).scalars())
    return list(doctor.examine(container.settings, container.reading, valkeys(container.settings), lambda: heard, heads, edge))


def problems(findings: list[Finding]) -> set[str]:
    assert all(one.remedy for one in findings if one.level is not Level.OK)
    # The tests' own user and workers say nothing of a deployment.
    return {one.subject for one in findings if one.level is Level.PROBLEM} - {"user", "processes", "disk"}


def test_nothing_is_wrong_with_servers_as_we_start_them(container: Container) -> None:
    findings = found(container)
    assert problems(findings) == set()
    assert {"database", "schema", "deliveries", "cache", "broker"} <= {one.subject for one in findings if one.level is Level.OK}


def test_an_edge_that_confirms_no_purge_is_a_problem(container: Container) -> None:
    with origin() as server:
        edge = Edge([varnish(f"http://127.0.0.1:{server.port}")], container.monitoring)
        assert {one.level for one in found(container, edge=edge) if one.subject == "edge"} == {Level.OK}
        server.answer = lambda _asked: (403, {}, "This address may not purge")
        assert problems(found(container, edge=edge)) == {"edge"}
        edge.close()


def test_a_schema_that_is_not_this_codes_is_a_problem(container: Container) -> None:
    assert problems(found(container, "9999")) == {"schema"}


@pytest.mark.parametrize(
    ("name", "value", "said"), [("maxmemory-policy", "allkeys-lru", "evicts"), ("maxmemory", "1mb", "of 1 MB")]
)
def test_a_valkey_that_loses_what_is_no_copy_is_a_problem(
    container: Container, valkey: Redis, name: str, value: str, said: str
) -> None:
    valkey.config_set(name, value)
    findings = found(container)
    assert "cache" in problems(findings)
    assert any(said in one.text for one in findings if one.subject == "cache")


def test_an_open_transaction_of_hours_is_a_problem(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "OPEN", 0)
    with container.engine.begin() as connection:
        connection.execute(text("SELECT 1"))
        assert problems(found(container)) == {"database"}


def test_secrets_that_others_can_read_and_a_frontend_that_is_not_built_are_problems(container: Container) -> None:
    secrets = container.settings.home / "secrets.json"
    secrets.touch(mode=0o600)
    assert problems(found(container)) == set()
    secrets.chmod(0o644)
    (container.settings.frontend / "panel" / "index.html").unlink()
    assert problems(found(container)) == {"secrets", "frontend"}


def test_servers_that_are_away_are_problems_and_keep_nothing_else_from_being_examined(
    container: Container, tmp_path: Path
) -> None:
    url = f"postgresql+psycopg://nobody@/nothing?host={tmp_path}"
    away = replace(
        container,
        settings=replace(container.settings, redis_url=f"unix://{tmp_path}/none.sock", celery_broker_url="amqp://nowhere"),
        reading=single_statements(connect(url)),
    )
    findings = found(away, "1")
    assert problems(findings) == {"database", "cache"}
    remedies = {finding.subject: finding.remedy for finding in findings}
    assert "DATABASE_URL" in remedies["database"]
    assert "REDIS_URL" in remedies["cache"]


def test_workers_and_beat_that_are_silent_are_problems(container: Container) -> None:
    assert problems(found(container, heard=Heard([], None))) == {"workers", "beat"}
