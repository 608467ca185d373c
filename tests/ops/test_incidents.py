"""Incidents of every kind in a real shop that a real Prometheus watches: of each the right alert tells, and no other.

The alerts wait for seconds instead of minutes; what they measure, and from when on it is too much, is as in production.
"""

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from app.contract import cache_keys
from app.contract.task_names import Effect
from app.sync.heartbeats import BEAT_KEPT
from bench.debian import UnavailableError
from bench.system import System, own_stack, wait_until
from devserver import EmbeddedServers
from devserver.ports import free_ports
from tests.certificates import Shown, showing_a_certificate
from tests.faults.clocks import Clocks
from tests.faults.inspection import database, owed, pid, query
from tests.faults.network import Network, Weather
from tests.mailbox import Mailbox, served
from tests.ops.watchers import Prometheus, alertmanager, alerts, hurried, prometheus
from tests.origin import origin

LINK = ["valkey"]
# A long queue, and how often the shop is used at most while it is worked off.
LONG, MAX_ROUNDS = 100_000, 10_000


@dataclass
class Shop:
    """A shop whose surroundings can be changed."""

    system: System
    watching: Prometheus
    alertmanager_port: int
    servers: EmbeddedServers
    network: Network
    certificate: Shown
    clocks: Clocks | None
    media: Path | None

    def valkey(self, database: int) -> Redis:
        """Return a client that does not go through the network."""
        return Redis(unix_socket_path=str(self.servers.settings.socket_directory / "valkey.sock"), db=database)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One for all incidents; each of them ends."""
    home = tmp_path_factory.mktemp("incidents")
    try:
        clocks = Clocks(tmp_path_factory.mktemp("clocks"))
    except UnavailableError:
        clocks = None
    with (
        EmbeddedServers(home / "servers") as servers,
        Network({"valkey": str(servers.settings.socket_directory / "valkey.sock")}) as network,
        showing_a_certificate(home, days=60) as certificate,
        small_disk(home / "media") as media,
    ):
        [alertmanager_port] = free_ports(1)
        valkey = f"redis://127.0.0.1:{network.ports['valkey']}"
        with (
            own_stack(
                home, own={"web": clocks.of("web")} if clocks else None, DATABASE_URL=servers.settings.database_url,
                REDIS_URL=f"{valkey}/1", CELERY_BROKER_URL=f"{valkey}/0", LOCKSTEP_TLS_ADDRESS=certificate.address,
                LOCKSTEP_MEDIA_URL=(home / "media").as_uri(),
            ) as system,
            prometheus(home, system.address, hurried(home), alertmanager_port) as watching,
        ):  # fmt: skip
            with closing(system.client()) as client:
                # Before the first one ends on the timetable the last one counts as too long ago.
                assert client.call("POST", "/admin/sync/reconcile").status == 200
            yield Shop(system, watching, alertmanager_port, servers, network, certificate, clocks, media)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """Mount one of its own at a folder while the block runs, where that is allowed."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "lockstep-test", str(folder)], capture_output=True, check=False
    )
    try:
        yield folder if mounted.returncode == 0 else None
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def stopped(shop: Shop, name: str) -> Iterator[None]:
    """A process hangs."""
    process = pid(shop.system, name)
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@contextmanager
def dead_worker(shop: Shop) -> Iterator[None]:
    with stopped(shop, "worker"):
        yield


@contextmanager
def silent_beat(shop: Shop) -> Iterator[None]:
    """It stopped 200 seconds ago."""
    assert shop.system.stack is not None
    with stopped(shop, "beat"), closing(shop.valkey(1)) as valkey:
        valkey.expire(shop.system.stack.settings.prefix + cache_keys.BEAT, BEAT_KEPT - 200)
        yield


@contextmanager
def dead_valkey(shop: Shop) -> Iterator[None]:
    shop.network.change(LINK, Weather.REFUSED)
    try:
        yield
    finally:
        shop.network.change(LINK, Weather.FAIR)


@contextmanager
def slow_valkey(shop: Shop) -> Iterator[None]:
    """It takes longer to answer than anybody waits for it."""
    shop.network.change(LINK, Weather.DELAYED)
    try:
        yield
    finally:
        shop.network.change(LINK, Weather.FAIR)


@contextmanager
def poison_event(shop: Shop) -> Iterator[None]:
    """An event cannot be recorded, twelve times."""
    with stopped(shop, "worker"):
        [part] = shop.system.make_parts(1)
        newest = "SELECT id, payload FROM outbox_events WHERE aggregate_id = %s ORDER BY id DESC LIMIT 1"
        [event] = query(shop.system, newest, part)
        query(shop.system, "UPDATE outbox_events SET payload = payload - 'table_name' WHERE id = %s RETURNING id", event["id"])
        nearly = """
            UPDATE outbox_deliveries SET attempts = 11
            WHERE event_id = %s AND effect = 'persist_audit' AND state = 'pending' RETURNING 1
        """
        assert query(shop.system, nearly, event["id"])
    try:
        yield
    finally:
        mended = "UPDATE outbox_events SET payload = payload || %s::jsonb WHERE id = %s RETURNING id"
        query(shop.system, mended, f'{{"table_name": "{event["payload"]["table_name"]}"}}', event["id"])
        with closing(shop.system.client()) as client:
            assert client.call("POST", "/admin/sync/replay").status == 200


@contextmanager
def stuck_delivery(shop: Shop) -> Iterator[None]:
    """Somebody holds a delivery, and does not get any further with it."""
    of_part = "state = 'pending' AND effect = %s AND event_id IN (SELECT id FROM outbox_events WHERE aggregate_id = %s)"
    with database(shop.system) as holder, holder.transaction():
        with stopped(shop, "worker"):
            [part] = shop.system.make_parts(1)
            old = f"UPDATE outbox_deliveries SET created_at = now() - interval '2 minutes' WHERE {of_part} RETURNING 1"
            assert query(shop.system, old, Effect.PERSIST_AUDIT, part)
            holding = f"SELECT 1 FROM outbox_deliveries WHERE {of_part} FOR UPDATE"
            assert holder.execute(holding.encode(), [Effect.PERSIST_AUDIT, part]).fetchall()
        yield


@contextmanager
def full_disk(shop: Shop) -> Iterator[None]:
    if shop.media is None:
        pytest.skip("a disk of one's own needs the right to mount one")
    much = shop.media / "much"
    much.write_bytes(bytes(int(shutil.disk_usage(shop.media).free * 0.95)))
    try:
        yield
    finally:
        much.unlink()


@contextmanager
def wrong_clock(shop: Shop) -> Iterator[None]:
    if shop.clocks is None:
        pytest.skip("there is no libfaketime to be had")
    shop.clocks.set("web", 60)
    try:
        yield
    finally:
        shop.clocks.set("web", 0)


@contextmanager
def ending_certificate(shop: Shop) -> Iterator[None]:
    shop.certificate.renew(days=3)
    try:
        yield
    finally:
        shop.certificate.renew(days=60)


Incident = Callable[[Shop], AbstractContextManager[None]]
INCIDENTS: dict[Incident, str] = {
    dead_worker: "WorkerNone",
    silent_beat: "BeatSilent",
    dead_valkey: "CacheDown",
    slow_valkey: "CacheDown",
    poison_event: "DeadLetters",
    stuck_delivery: "OutboxStuck",
    full_disk: "DiskLow",
    wrong_clock: "ClockOff",
    ending_certificate: "CertExpiry",
}


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.__name__)
def test_of_an_incident_one_alert_tells_until_it_is_over(
    incident: Callable[[Shop], AbstractContextManager[None]], shop: Shop
) -> None:
    alert = INCIDENTS[incident]
    assert wait_until(lambda: well(shop), within=120), (owed(shop.system), shop.watching.firing())
    with incident(shop):
        assert wait_until(lambda: alert in shop.watching.firing(), within=120), shop.watching.firing()
        assert set(shop.watching.firing()) == {alert}
        summary = shop.watching.firing()[alert]["annotations"]["summary"]
    assert "<" not in summary, "what it says is filled in"
    assert wait_until(lambda: alert not in shop.watching.firing(), within=120)


def test_of_an_incident_somebody_is_told_once_of_its_cause_and_once_of_its_end(shop: Shop, tmp_path: Path) -> None:
    """No worker lives, and what waits for one has waited too long: the first alert tells, of both."""

    def told() -> list[tuple[str, dict[str, Any]]]:
        """Return what was told of these two; a busy machine may have more to tell."""
        every = [(asked.path, json.loads(asked.body)) for asked in hook.asked]
        return [one for one in every if one[1]["groupLabels"]["alertname"] in {"WorkerNone", "OutboxStuck"}]

    def mailed() -> list[tuple[str, str]]:
        return [mail for mail in mailbox.mails if re.match(r"\[\w+(:\d+)?\] (WorkerNone|OutboxStuck)", mail[1])]

    assert wait_until(lambda: well(shop), within=120), (owed(shop.system), shop.watching.firing())
    with (
        origin() as hook,
        served(Mailbox()) as mailbox,
        alertmanager(tmp_path, shop.alertmanager_port, f"http://127.0.0.1:{hook.port}", mailbox.address) as telling,
    ):
        with dead_worker(shop):
            assert wait_until(lambda: bool(told()), within=120), shop.watching.firing()
            [part] = shop.system.make_parts(1)
            aged = """
                UPDATE outbox_deliveries SET created_at = now() - %s::interval
                WHERE state = 'pending' AND event_id IN (SELECT id FROM outbox_events WHERE aggregate_id = %s) RETURNING 1
            """
            assert query(shop.system, aged, "2 minutes", part)
            assert wait_until(lambda: "OutboxStuck" in telling.alerts(), within=120), shop.watching.firing()
            known = telling.alerts()
            assert known["OutboxStuck"]["status"]["inhibitedBy"] == [known["WorkerNone"]["fingerprint"]]
            # It ends first, so that it never stands alone.
            query(shop.system, aged, "0", part)
            assert wait_until(lambda: "OutboxStuck" not in telling.alerts(), within=120), telling.alerts()
        assert wait_until(lambda: len(told()) > 1, within=120), telling.alerts()
        assert wait_until(lambda: len(mailed()) > 1, within=60), mailbox.mails
    labels = {"alertname": "WorkerNone", "queue": "sync.records", "severity": "page"}
    assert [(path, one["status"]) for path, one in told()] == [("/page", "firing"), ("/page", "resolved")]
    for _, one in told():
        [alert] = one["alerts"]
        assert alert["labels"] == labels
        assert alert["annotations"]["runbook_url"] == alerts()["WorkerNone"]["annotations"]["runbook_url"]
    # The same by e-mail.
    assert [mail.partition("] ")[0] for _, mail in mailed()] == ["[FIRING:1", "[RESOLVED"]
    for recipient, mail in mailed():
        assert "<on-call@shop.invalid>" in recipient
        for said in ("WorkerNone", "No worker takes tasks from sync.records", "docs/runbooks.md#workernone"):
            assert said in mail


def test_a_queue_of_a_hundred_thousand_is_told_of_and_worked_off_while_the_shop_goes_on(shop: Shop) -> None:
    assert wait_until(lambda: well(shop), within=120), (owed(shop.system), shop.watching.firing())
    [part, other] = shop.system.make_parts(2)
    assert wait_until(lambda: owed(shop.system) == 0, within=60)
    in_a_queue(shop, part, LONG)
    assert wait_until(lambda: "OutboxStuck" in shop.watching.firing(), within=120), shop.watching.firing()
    waiting, rounds = owed(shop.system), 0
    with closing(shop.system.client()) as client:
        while owed(shop.system) and rounds < MAX_ROUNDS:
            # What nobody has to wait for is not behind the queue: caches and open pages are told at once.
            rounds += 1
            written = client.call("POST", f"/admin/parts/{other}/stock/adjustments", {"delta": 1, "reason": "meanwhile"})
            assert written.status == 200
            read = client.call("GET", f"/parts/{other}")
            assert (read.status, read.body["stock"]["current_stock"]) == (200, written.body["current_stock"])
            assert wait_until(lambda: owed_of(shop, other, "broadcast", "invalidate_cache") == 0, within=20)
            if (fewer := owed(shop.system)) > LONG // 10:
                assert set(shop.watching.firing()) == {"OutboxStuck"}
            assert fewer <= waiting + rounds, "nobody works on it"
    assert owed(shop.system) == 0
    assert rounds > 1
    audited = (
        "SELECT count(*) AS n, max(version) AS last FROM data_change_logs WHERE table_name = 'stock_levels' AND part_id = %s"
    )
    assert query(shop.system, audited, part) == [{"n": 1 + LONG, "last": 1 + LONG}]
    assert wait_until(lambda: well(shop), within=120), shop.watching.firing()


def in_a_queue(shop: Shop, part: int, count: int) -> None:
    """Have so many changes of a part's stock been written two minutes ago, whose records nobody has made yet."""
    with database(shop.system) as connection, connection.transaction():
        # As the application writes: changes by hand would have events of their own.
        connection.execute("SELECT set_config('lockstep.writer', 'application', true)")
        connection.execute(
            """
            WITH first AS (
                SELECT * FROM outbox_events WHERE aggregate_type = 'part' AND aggregate_id = %(part)s AND aspect = 'stock'
            ), written AS (
                INSERT INTO outbox_events (aggregate_type, aggregate_id, aspect, type, version, payload, actor_id, created_at)
                SELECT f.aggregate_type, f.aggregate_id, f.aspect, 'stock.updated', f.version + n,
                       f.payload || jsonb_build_object(
                           'operation', 'UPDATE', 'old_values', jsonb_build_object('version', f.version + n - 1),
                           'new_values', jsonb_build_object('version', f.version + n)),
                       f.actor_id, now() - interval '2 minutes'
                FROM first f, generate_series(1, %(count)s) AS n
                RETURNING id
            )
            INSERT INTO outbox_deliveries (event_id, effect, created_at)
            SELECT id, 'persist_audit', now() - interval '2 minutes' FROM written
            """,
            {"part": part, "count": count},
        )
        connection.execute("UPDATE stock_levels SET version = version + %s WHERE part_id = %s", (count, part))


def owed_of(shop: Shop, part: int, *effects: str) -> int:
    """Return how many deliveries of these effects are not done for a part."""
    count = """
        SELECT count(*) AS n FROM outbox_deliveries d JOIN outbox_events e ON e.id = d.event_id
        WHERE e.aggregate_type = 'part' AND e.aggregate_id = %s AND d.effect = ANY(%s) AND d.state <> 'done'
    """
    return int(query(shop.system, count, part, list(effects))[0]["n"])


def well(shop: Shop) -> bool:
    """Whether it is watched, owes nothing, and no alert fires."""
    seen = shop.watching.ask("query", query="cache_up == 1 and on () sum(workers_alive) == 2")
    return bool(seen and seen["result"]) and owed(shop.system) == 0 and shop.watching.firing() == {}
