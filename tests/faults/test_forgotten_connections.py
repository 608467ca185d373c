"""Connections that lead nowhere, and nobody says so: a firewall has lost its table, or a host is gone without a word."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from app.cache.client import cache_client
from app.store.database import connect
from app.sync.heartbeats import Heartbeats
from bench.page import Page
from bench.system import close_all, wait_until
from tests.faults.farm import Farm, farm
from tests.faults.inspection import complaints, settled
from tests.faults.network import Weather

# Seconds. Without a limit of its own, a worker had not noticed after 45.
WITHIN = 30.0


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    """A host whose processes reach each server through a link of their own."""
    with farm(tmp_path_factory.mktemp("forgotten")) as made:
        yield made


@pytest.mark.parametrize(("process", "server"), [("worker", "broker"), ("live", "broker"), ("web", "broker"), ("web", "valkey")])
def test_who_waits_on_a_forgotten_connection_goes_on(process: str, server: str, system: Farm) -> None:
    parts = system.make_parts(2)
    settled(system)
    system.network.change(system.links("", process, server), Weather.FORGOTTEN)
    system.network.change(system.links("", process, server), Weather.FAIR)
    with closing(system.client()) as client:
        for number in range(20):
            answer = client.call("PUT", f"/admin/parts/{parts[0]}", {"part_name": f"Renamed by {process} {number}"})
            assert answer.status == 200
    settled(system, WITHIN)
    assert complaints(system, parts, []) == []


def test_pages_are_told_again_without_asking(system: Farm) -> None:
    parts = system.make_parts(2)
    settled(system)
    with Page(system.url, parts, watch_every=600) as one, Page(system.url, parts, watch_every=600) as other:
        links = system.links("", "web", "valkey")
        system.network.change(links, Weather.FORGOTTEN)
        system.network.change(links, Weather.FAIR)
        for part, client in zip(parts, clients := system.clients_of_every_process(), strict=True):
            version = client.call("PUT", f"/admin/parts/{part}/stock", {"current_stock": 7}).body["version"]
            for page in (one, other):
                assert wait_until(
                    lambda page=page, part=part, version=version: page.shown()[part]["versions"]["stock"] == version, WITHIN
                )
        close_all(clients)
    settled(system)


def test_beat_goes_on_with_another_connection(system: Farm) -> None:
    assert system.stack is not None
    settings = system.stack.settings
    with closing(cache_client(settings.redis_url, max_connections=1)) as client:

        def silent_for() -> float:
            heard = Heartbeats(client, settings.prefix).heard()
            return heard.beat_seconds if heard and heard.beat_seconds is not None else 0.0

        system.network.change(system.links("", "beat", "broker"), Weather.FORGOTTEN)
        system.network.change(system.links("", "beat", "broker"), Weather.FAIR)
        assert wait_until(lambda: silent_for() > 3, WITHIN), "it has not used the old one"
        assert wait_until(lambda: silent_for() < 1, WITHIN)


def test_the_kernel_gives_up_a_connection_to_postgresql_soon(system: Farm) -> None:
    assert system.stack is not None
    port = system.network.ports["a-web-postgres"]
    engine = connect(system.stack.settings.database_url.partition("?")[0].replace("@/", f"@127.0.0.1:{port}/"))
    with engine.connect() as connection, socket.socket(fileno=socket.dup(connection.connection.fileno())) as own:  # type: ignore[attr-defined]
        assert own.getpeername() == ("127.0.0.1", port)
        assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
        assert own.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE) == 5
    engine.dispose()
