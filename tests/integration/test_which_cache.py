"""Freshness is proven of the one cache that was invalidated: other servers, other lives of it, another life of the database."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from redis import Redis
from sqlalchemy import Engine, text
from structlog.testing import capture_logs

from app.cache.manager import FRESH_FOR, Result
from app.container import Container, build_container
from app.contract import rooms
from app.contract.effects import LIVE
from app.contract.events import Actor
from app.contract.task_names import Effect
from app.services.intent import Intent
from app.store import cache_epoch, users
from app.store.database import connect
from app.sync.consistency import CONFIRM_AFTER
from bench.system import wait_until
from config import REPOSITORY, Settings
from devserver import EmbeddedServers
from devserver.valkey import Valkey


class Silence:
    """A broker that takes everything; nobody works on it."""

    def send_task(self, name: str, **_options: Any) -> None:
        """Take it."""


@dataclass
class Shop:
    """A database of one's own with two Valkey servers, and hosts at either."""

    settings: Settings
    urls: dict[str, str]
    hosts: list[Container]
    other: Valkey
    part: int = 0

    def host(self, server: str, database: int = 1, engine: Engine | None = None, **different: Any) -> Container:
        """Start a web process whose cache is that server, perhaps with different settings; it has not swept yet."""
        settings = replace(self.settings, redis_url=f"{self.urls[server]}?db={database}", **different)
        container = build_container(settings, engine or connect(settings.database_url), Silence())
        self.hosts.append(container)
        return container

    def write(self, host: Container, name: str) -> None:
        """Rename the part by way of a host; return when it is acknowledged."""
        host.parts.update_part_content_with_sync(Intent(self.author()), self.part, {"part_name": name})

    def author(self) -> Actor:
        with self.hosts[0].reading.connect() as connection:
            row = users.system(connection)
        return Actor(row.id, row.name)

    def execute(self, statement: str) -> None:
        with self.hosts[0].engine.begin() as connection:
            connection.execute(text(statement))


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, dict[str, str], Valkey]]:
    home = tmp_path_factory.mktemp("w")
    with EmbeddedServers(home) as running:
        other = Valkey(
            home / "b", run_directory=_made(home / "br"), socket_directory=_made(home / "bs"), output=lambda _line: None
        )
        other.start()
        command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
        subprocess.run(command, env=os.environ | running.environ, cwd=REPOSITORY, check=True, capture_output=True)
        first = running.settings.redis_url.partition("?")[0]
        yield running.settings, {"A": first, "B": f"unix://{home}/bs/valkey.sock", "nowhere": "unix:///nowhere.sock"}, other
        other.stop()


def _made(path: Path) -> Path:
    path.mkdir()
    return path


@pytest.fixture
def shop(servers: tuple[Settings, dict[str, str], Valkey]) -> Iterator[Shop]:
    settings, urls, other = servers
    for url in (urls["A"], urls["B"]):
        with Redis.from_url(url) as client:
            client.flushall()
    made = Shop(settings, urls, [], other)
    first = made.host("A")
    values = {"sku": uuid4().hex[:12], "part_name": "one", "status": "published"}
    made.part = first.parts.create_part_with_sync(Intent(made.author()), values, [], [], {})["id"]
    yield made
    for host in made.hosts:
        host.close()


def fresh(host: Container) -> None:
    assert wait_until(lambda: host.consistency.sweep() or host.cache.is_fresh)


def read(host: Container, part: int) -> tuple[str, Result]:
    answer = host.parts.catalog.part(part)
    return answer.body["part_name"], answer.result


def warm(host: Container, part: int, name: str) -> None:
    """Have an entry that a reader would be given."""
    fresh(host)
    assert wait_until(lambda: (host.consistency.sweep(), read(host, part))[1] == (name, Result.HIT))


def test_a_server_that_comes_back_after_a_failover_serves_nothing_of_its_past(shop: Shop) -> None:
    warm(shop.hosts[0], shop.part, "one")
    promoted = shop.host("B")
    fresh(promoted)
    shop.write(promoted, "two")
    back = shop.host("A")
    seen = set()
    assert wait_until(lambda: (back.consistency.sweep(), seen.add(read(back, shop.part)), back.cache.is_fresh)[2])
    warm(back, shop.part, "two")
    assert {name for name, _ in seen} == {"two"}


@pytest.mark.parametrize("different", [{"database": 2}, {"namespace": "other"}], ids=str)
def test_hosts_at_different_caches_serve_from_none_that_another_one_does_not_invalidate(
    shop: Shop, different: dict[str, Any]
) -> None:
    one, other = shop.hosts[0], shop.host("A", **different)
    warm(one, shop.part, "one")
    for number in range(4):
        name, (writer, reader) = f"name {number}", ((one, other), (other, one))[number % 2]
        writer.consistency.sweep()
        reader.consistency.sweep()
        read(reader, shop.part)
        shop.write(writer, name)
        assert read(reader, shop.part)[0] == name
        assert not (one.cache.is_fresh and other.cache.is_fresh)


def test_a_writer_without_a_cache_is_not_told_done_while_another_process_may_serve_the_past(shop: Shop) -> None:
    server = shop.hosts[0]
    warm(server, shop.part, "one")
    cut_off = shop.host("nowhere")
    stop = threading.Event()
    stale: list[str] = []
    latest = ["one"]

    def reads() -> None:
        while not stop.is_set():
            at_least = latest[0]
            name, result = read(server, shop.part)
            if name < at_least:
                stale.append(f"{result}: {name} after {at_least}")

    server.consistency.start()
    reader = threading.Thread(target=reads)
    reader.start()
    for number in range(8):
        shop.write(cut_off, f"two {number}")
        latest[0] = f"two {number}"
    stop.set()
    reader.join()
    assert stale == []


def test_nobody_waits_for_a_cache_that_nobody_uses(shop: Shop) -> None:
    cut_off = shop.host("nowhere")
    fresh(shop.hosts[0])
    shop.write(cut_off, "two")
    fresh(shop.hosts[0])
    shop.write(cut_off, "three")
    # It is owed for as long as nobody sweeps, and the last process that could have served the past has stopped proving anything.
    assert wait_until(lambda: is_unused(cut_off), within=5)


def is_unused(host: Container) -> bool:
    """Whether no process uses the cache, so that not even an invalidation that is owed for ever does harm."""
    return host.consistency.is_harmless([owed(host)])


def owed(host: Container) -> int:
    with host.reading.connect() as connection:
        statement = "SELECT max(event_id) FROM outbox_deliveries WHERE state = 'pending' AND effect = 'invalidate_cache'"
        return int(connection.execute(text(statement)).scalar_one())


# What the database's clock may be set to just then: every time that was noted before is another age by it.
SET = pytest.mark.parametrize("was", ["clock_timestamp() - interval '1 hour'", "clock_timestamp() + interval '1 hour'"])


@SET
def test_a_clock_that_is_set_says_nothing_about_who_uses_the_cache(shop: Shop, was: str) -> None:
    user, cut_off = shop.hosts[0], shop.host("nowhere")
    fresh(user)
    shop.write(cut_off, "two")
    assert wait_until(lambda: is_unused(cut_off), within=5)
    user.consistency.confirm()
    shop.execute(f"UPDATE cache_epoch SET used_at = {was}")
    assert not is_unused(cut_off)
    assert wait_until(lambda: is_unused(cut_off), within=5)


@SET
def test_an_epoch_begins_by_no_clock_that_may_be_set(shop: Shop, was: str) -> None:
    old = shop.hosts[0]
    warm(old, shop.part, "one")
    new = shop.host("B")
    old.consistency.sweep()
    asked = time.monotonic()
    while not new.cache.is_fresh:
        new.consistency.sweep()
        shop.execute(f"UPDATE cache_epoch SET used_at = {was}, begins_at = {was}")
    assert time.monotonic() - asked >= cache_epoch.IN_USE


def newest_delivery(shop: Shop, effect: Effect) -> dict[str, Any]:
    """Return the newest delivery of the part."""
    statement = text("""
        SELECT d.state, d.attempts, d.last_error, d.failed_at IS NOT NULL AS has_failed
        FROM outbox_deliveries d JOIN outbox_events e ON e.id = d.event_id
        WHERE e.aggregate_type = 'part' AND e.aggregate_id = :part AND d.effect = :effect ORDER BY e.id DESC LIMIT 1
    """)
    with shop.hosts[0].reading.connect() as connection:
        return dict(connection.execute(statement, {"part": shop.part, "effect": effect}).one()._mapping)


@pytest.mark.parametrize("effect", LIVE)
def test_to_wait_until_an_epoch_begins_is_no_failure_but_a_cache_that_is_away_is_one(shop: Shop, effect: Effect) -> None:
    new, cut_off = shop.hosts[0], shop.host("nowhere")
    make_due = "UPDATE outbox_deliveries SET next_attempt_at = now() WHERE state = 'pending'"
    with capture_logs() as said:
        for _ in range(3):
            shop.execute(make_due)
            new.deliveries.deliver(effect)
            new.consistency.sweep()
    postponed = [one for one in said if one["event"] == "effect postponed until the cache begins"]
    unproven = [one for one in said if one["event"] == "freshness not proven" and "is about to begin" in one["error"]]
    assert (len(postponed), len(unproven)) == (1, 1)
    # The second one in the row is told what the first one was.
    for other in LIVE:
        new.deliveries.deliver(other)
    waiting = newest_delivery(shop, effect)
    assert waiting.pop("last_error").startswith("CacheBeginningError")
    assert waiting == {"state": "pending", "attempts": 0, "has_failed": False}

    def is_done() -> bool:
        shop.execute(make_due)
        new.deliveries.deliver(effect)
        return bool(newest_delivery(shop, effect)["state"] == "done")

    assert wait_until(is_done)
    assert not newest_delivery(shop, effect)["has_failed"]

    shop.write(new, "two")
    for other in LIVE:
        cut_off.deliveries.deliver(other)
    away = newest_delivery(shop, effect)
    assert away.pop("last_error").startswith("CacheUnavailableError")
    assert away == {"state": "pending", "attempts": 0, "has_failed": True}


def test_a_process_that_starts_later_need_not_wait_for_an_epoch_that_has_begun(shop: Shop) -> None:
    fresh(shop.hosts[0])
    later = shop.host("A")
    later.consistency.sweep()
    assert later.cache.is_fresh


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE cache_epoch SET database = 'the timeline of before the failover'",
        "UPDATE cache_epoch SET epoch = 'of a backup'",
        "UPDATE cache_epoch SET server = 'another life'",
    ],
)
def test_what_the_database_does_not_name_does_not_count(shop: Shop, change: str) -> None:
    host = shop.hosts[0]
    warm(host, shop.part, "one")
    shop.execute(change)
    with Redis.from_url(shop.urls["A"] + "?db=1") as client:
        before = client.get("lockstep:epoch")
    host.consistency.sweep()
    assert wait_until(lambda: not host.cache.is_fresh, within=FRESH_FOR + 1)
    warm(host, shop.part, "one")
    with Redis.from_url(shop.urls["A"] + "?db=1") as client:
        assert client.get("lockstep:epoch") != before


def test_what_a_release_with_other_keys_has_invalidated_does_not_count(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its epoch may even be under the same key, as it was when the keys got their namespace."""
    host = shop.hosts[0]
    warm(host, shop.part, "one")
    before = host.cache.life()
    monkeypatch.setattr("app.contract.cache_keys.LAYOUT", "of another release")
    host.consistency.sweep()
    assert host.cache.life().epoch != before.epoch
    assert read(host, shop.part) == ("one", Result.BYPASS)


def test_an_epoch_begins_when_nobody_relies_on_the_one_before(shop: Shop) -> None:
    old = shop.hosts[0]
    warm(old, shop.part, "one")
    new = shop.host("B")
    proven = time.monotonic()
    old.consistency.sweep()
    assert old.cache.is_fresh
    while not new.cache.is_fresh:
        new.consistency.sweep()
        assert not (new.cache.is_fresh and old.cache.is_fresh)
        time.sleep(0.02)
    assert time.monotonic() - proven >= FRESH_FOR


def test_a_replica_is_no_cache(shop: Shop) -> None:
    host = shop.hosts[0]
    warm(host, shop.part, "one")
    with Redis.from_url(shop.urls["A"]) as client:
        client.execute_command("REPLICAOF", "127.0.0.1", "1")
        try:
            assert read(host, shop.part) == ("one", Result.BYPASS)
            host.consistency.sweep()
        finally:
            client.execute_command("REPLICAOF", "NO", "ONE")
    # Promoted again, it has another replication id, and what it holds does not count.
    host.cache.mark_verified(float("-inf"))
    assert host.cache.life().server != ""
    warm(host, shop.part, "one")


def written_by_a_newer_release(shop: Shop, **columns: Any) -> None:
    row = {
        "aggregate_type": "part", "aggregate_id": shop.part, "aspect": "content", "type": "content.updated",
        "version": 77, "payload": '{"format": 99}',
    } | columns  # fmt: skip
    with shop.hosts[0].engine.begin() as connection:
        event_id = connection.execute(
            text("""INSERT INTO outbox_events (aggregate_type, aggregate_id, aspect, type, version, payload)
                    VALUES (:aggregate_type, :aggregate_id, :aspect, :type, :version, CAST(:payload AS jsonb)) RETURNING id"""),
            row,
        ).scalar_one()
        connection.execute(
            text("INSERT INTO outbox_deliveries (event_id, effect) SELECT :id, unnest(CAST(:effects AS text[]))"),
            {"id": event_id, "effects": list(Effect)},
        )


@pytest.mark.parametrize(
    "columns",
    [{"type": "part.merged"}, {"aspect": "supplier"}, {"payload": '{"format": 99}'}, {"payload": "{}"}, {"payload": "[]"},
     {"aggregate_type": "warehouse", "type": "warehouse.opened", "aspect": "place"}],
    ids=str,
)  # fmt: skip
def test_what_a_newer_release_wrote_drops_what_it_may_concern_and_stops_nothing(
    shop: Shop, columns: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    host = shop.hosts[0]
    warm(host, shop.part, "one")
    token = host.cache.catalog_token()
    written_by_a_newer_release(shop, **columns)
    request.addfinalizer(lambda: shop.execute("DELETE FROM outbox_events WHERE version = 77 OR aggregate_type = 'warehouse'"))
    host.consistency.sweep()
    assert host.cache.is_fresh
    assert host.cache.catalog_token() != token
    if columns.get("aggregate_type") is None:
        assert read(host, shop.part)[1] is Result.MISS
    shop.write(host, f"two {uuid4().hex}")
    with Redis.from_url(shop.urls["A"] + "?db=1") as client, client.pubsub(ignore_subscribe_messages=True) as channel:
        channel.subscribe("lockstep:" + rooms.CHANNEL)
        channel.get_message(timeout=5)
        for effect in Effect:
            host.deliveries.deliver(effect)
        told: list[tuple[str, str]] = []
        while (message := channel.get_message(timeout=0.2)) is not None:
            emit = orjson.loads(message["data"])
            told.append((emit["event"], emit["room"]))
    assert ("resync", rooms.EVERYTHING_ROOM) in told
    assert (("resync", rooms.part_room(shop.part)) in told) == ("aggregate_type" not in columns)
    with host.reading.connect() as connection:
        states = connection.execute(
            text("""SELECT d.effect, d.state, d.attempts FROM outbox_deliveries d JOIN outbox_events e ON e.id = d.event_id
                    WHERE e.version = 77 OR e.aggregate_type = 'warehouse'""")
        ).all()
        known = connection.execute(
            text("""SELECT count(*) FROM outbox_deliveries d JOIN outbox_events e ON e.id = d.event_id
                    WHERE e.version <> 77 AND e.aggregate_type = 'part' AND d.state <> 'done'""")
        ).scalar_one()
    assert {effect: (state, attempts) for effect, state, attempts in states} == {
        Effect.INVALIDATE_CACHE: ("done", 0),
        Effect.BROADCAST: ("done", 1),
        Effect.PERSIST_AUDIT: ("pending", 0),
        Effect.SNAPSHOT_CONTENT: ("pending", 0),
        # What an edge keeps ends by itself within a second.
        Effect.PURGE_EDGE: ("pending", 0),
    }
    assert known == 0


def test_a_sweep_outlives_whatever_happens_to_it(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    host = shop.hosts[0]
    fresh(host)
    calls: list[Callable[[], None]] = []

    def breaks(*_arguments: Any) -> None:
        calls.append(breaks)
        raise RuntimeError("what nobody has thought of")

    monkeypatch.setattr("app.sync.consistency.cache_epoch.use", breaks)
    host.consistency.sweep()
    assert calls
    monkeypatch.undo()
    fresh(host)


def test_a_process_that_does_not_sweep_compares_the_cache_that_is_in_use_now(shop: Shop) -> None:
    web, worker = shop.host("B"), shop.host("B")
    warm(web, shop.part, "one")
    worker.consistency.confirm()
    shop.other.kill()
    shop.other.start()
    warm(web, shop.part, "one")
    # It has had nothing else to do that would have told it of the restart.
    assert wait_until(lambda: worker.cache.known_for() > CONFIRM_AFTER)
    assert "cache_not_compared" not in worker.reconciliation.run(dry_run=True)["found"]


def test_pages_are_told_by_a_worker_that_has_nothing_to_invalidate_after_a_restart_of_the_cache(shop: Shop) -> None:
    web, worker = shop.host("B"), shop.host("B")
    warm(web, shop.part, "one")
    worker.deliveries.deliver(Effect.BROADCAST)
    shop.write(web, "two")
    web.consistency.sweep()
    shop.other.kill()
    shop.other.start()
    warm(web, shop.part, "two")
    assert newest_delivery(shop, Effect.INVALIDATE_CACHE)["state"] == "done"
    assert newest_delivery(shop, Effect.BROADCAST)["state"] == "pending"
    assert wait_until(lambda: worker.cache.known_for() > CONFIRM_AFTER)

    def is_told() -> bool:
        shop.execute("UPDATE outbox_deliveries SET next_attempt_at = now() WHERE state = 'pending'")
        worker.deliveries.deliver(Effect.BROADCAST)
        return bool(newest_delivery(shop, Effect.BROADCAST)["state"] == "done")

    assert wait_until(is_told)


def test_a_proof_says_nothing_of_what_is_committed_after_its_first_look(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    host = shop.hosts[0]
    fresh(host)
    looked: list[float] = []
    use = cache_epoch.use

    def looks(*arguments: Any) -> cache_epoch.Used | None:
        found = use(*arguments)
        looked.append(time.monotonic())
        return found

    monkeypatch.setattr("app.sync.consistency.cache_epoch.use", looks)
    host.consistency.process_retry_queue()
    assert host.cache._verified_at < looked[0]
