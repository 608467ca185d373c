"""The metrics, whichever server is away and whatever process has died."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.container import Container
from app.factory import create_app
from app.monitoring import exposition
from bench.system import wait_until
from config import REPOSITORY, load_settings
from devserver.ports import free_ports
from tests.certificates import showing_a_certificate

# Sets what a web process sets, and ends without cleaning up.
A_WEB_PROCESS = """
from app.monitoring import SyncMonitoring
monitoring = SyncMonitoring()
monitoring.record_freshness(is_fresh=True)
monitoring.record_accepting(1000.0)
monitoring.record_clients("/customers", +7)
monitoring.record_replay()
print("ready", flush=True)
input()
"""
A_WORKER = """
import app.monitoring
print("ready", flush=True)
input()
"""


def values(text: str) -> dict[str, float]:
    """Return the samples without labels, and of those with labels the sum."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name] = found.get(sample.name, 0.0) + sample.value
    return found


def scraped(client: FlaskClient) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    return values(answer.get_data(as_text=True))


@contextmanager
def process(program: str, directory: Path) -> Iterator[subprocess.Popen[str]]:
    environ = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(directory)}
    started = subprocess.Popen(
        [sys.executable, "-c", program], cwd=REPOSITORY, env=environ, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert started.stdout is not None
    try:
        assert started.stdout.readline() == "ready\n"
        yield started
    finally:
        started.kill()
        started.communicate()


def test_what_a_dead_process_said_of_its_present_counts_no_more_and_what_it_counted_does(tmp_path: Path) -> None:
    with process(A_WEB_PROCESS, tmp_path) as first, process(A_WEB_PROCESS, tmp_path):
        both = values(exposition(tmp_path, ()).decode())
        first.kill()
        first.wait()
        one = values(exposition(tmp_path, ()).decode())
    assert (both["socket_clients"], one["socket_clients"]) == (14, 7)
    assert (both["idempotency_replays_total"], one["idempotency_replays_total"]) == (2, 2)


def test_a_worker_which_serves_nobody_does_not_make_the_cache_look_stale(tmp_path: Path) -> None:
    with process(A_WEB_PROCESS, tmp_path), process(A_WORKER, tmp_path):
        shown = values(exposition(tmp_path, ()).decode())
    assert (shown["cache_fresh"], shown["web_last_accepting_timestamp_seconds"]) == (1, 1000)


@pytest.fixture
def other(app: Flask) -> Iterator[Callable[..., FlaskClient]]:
    """Make clients of an application with other settings."""
    made = []

    def make(**changes: Any) -> FlaskClient:
        made.append(create_app(replace(load_settings(), **changes)))
        return made[-1].test_client()

    yield make
    for application in made:
        application.extensions["lockstep"].close()


def test_without_the_database_the_metrics_say_so_and_the_rest(other: Callable[..., FlaskClient]) -> None:
    shown = scraped(other(database_url=f"postgresql+psycopg://nobody@127.0.0.1:{free_ports(1)[0]}/none"))
    assert (shown["database_up"], shown["cache_up"]) == (0, 1)
    assert shown["disk_free_bytes"] > 0
    assert "outbox_pending" not in shown


def test_without_valkey_the_metrics_say_so_and_claim_nothing_about_workers(other: Callable[..., FlaskClient]) -> None:
    shown = scraped(other(redis_url=f"redis://127.0.0.1:{free_ports(1)[0]}/1"))
    assert (shown["database_up"], shown["cache_up"]) == (1, 0)
    assert not {"workers_alive", "beat_silent_seconds"} & shown.keys()


def test_workers_and_beat_are_counted_by_their_signs_of_life(client: FlaskClient, container: Container) -> None:
    before = scraped(client)
    assert (before["workers_alive"], before["beat_silent_seconds"]) == (0, 86_400)
    heartbeats = container.sync_control._heartbeats
    heartbeats.worker("live@here", ["sync.live"])
    heartbeats.beat()
    shown = client.get("/metrics").get_data(as_text=True)
    assert 'workers_alive{queue="sync.live"} 1.0' in shown
    assert 'workers_alive{queue="sync.records"} 0.0' in shown
    assert values(shown)["beat_silent_seconds"] < 60


def test_a_backup_is_as_old_as_its_stamp_and_unknown_without_one(
    other: Callable[..., FlaskClient], client: FlaskClient, tmp_path: Path
) -> None:
    name, stamp = "backup_last_success_timestamp_seconds", tmp_path / "backup"
    assert name not in scraped(client)
    watched = other(backup_stamp=stamp)
    assert scraped(watched)[name] == 0
    stamp.touch()
    os.utime(stamp, (5000, 5000))
    assert scraped(watched)[name] == 5000


def test_the_certificate_that_customers_are_shown_has_an_end(
    other: Callable[..., FlaskClient], client: FlaskClient, tmp_path: Path
) -> None:
    name = "tls_certificate_expires_timestamp_seconds"
    assert name not in scraped(client)
    with showing_a_certificate(tmp_path, days=10) as shown:
        for days in (10, 90):
            shown.renew(days)
            left = scraped(other(tls_address=shown.address))[name] - time.time()
            assert abs(left / 86_400 - days) < 0.1
    assert name not in scraped(other(tls_address=shown.address)), "nobody knows"


def test_this_machine_and_what_runs_on_it_are_described(client: FlaskClient) -> None:
    shown = scraped(client)
    assert shown["build_info"] == 1
    assert 0 < shown["open_files_ratio"] < 1
    assert 0 < shown["disk_free_bytes"] < shown["disk_size_bytes"]
    assert abs(shown["host_time_seconds"] - time.time()) < 60


def test_connections_in_use_and_those_waited_for_in_vain_are_counted(
    app: Flask, client: FlaskClient, container: Container
) -> None:
    before = scraped(client)
    size = int(before["db_pool_size"])
    assert size == 10
    taken = [container.engine.connect() for _ in range(3)]
    try:
        assert scraped(client)["db_pool_in_use"] >= 3
    finally:
        for connection in taken:
            connection.close()
    with closing(container.engine.connect()):
        pass
    assert wait_until(lambda: scraped(client)["db_pool_in_use"] < 3)
    with app.test_request_context("/"):
        app.handle_user_exception(PoolTimeoutError())
    assert scraped(client)["db_pool_timeouts_total"] == before.get("db_pool_timeouts_total", 0) + 1
