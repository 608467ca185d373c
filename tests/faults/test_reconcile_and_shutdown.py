"""Two beats at once, and a web process that is told to stop under load."""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import psutil
import pytest

from app.container import Container
from bench.system import Client, NoAnswerError, System, wait_until
from devserver.process import is_alive
from tests.faults.inspection import pid, query

log = logging.getLogger(__name__)


def test_of_two_reconciliations_at_once_one_runs_and_the_other_says_so(
    container: Container, new_part: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    new_part()
    inside, go_on = threading.Event(), threading.Event()
    verify = container.reconciliation._check_audit_chain

    def slowly() -> dict[str, Any]:
        inside.set()
        assert go_on.wait(10)
        return verify()

    monkeypatch.setattr(container.reconciliation, "_check_audit_chain", slowly)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(container.reconciliation.run)
        assert inside.wait(10)
        try:
            second = container.reconciliation.run()
        finally:
            go_on.set()
        report = first.result(10)
    assert second == {"skipped": "another reconciliation is running"}
    assert report["parts_checked"] >= 1
    # The lock is free again.
    assert "skipped" not in container.reconciliation.run()


def test_the_ticks_of_several_beats_at_once_never_run_side_by_side(system: System) -> None:
    system.make_parts(4)
    before = query(system, "SELECT coalesce(max(id), 0) AS id FROM sync_runs")[0]["id"]

    def tick(_number: int) -> int:
        client = system.client()
        status = client.call("POST", "/admin/sync/reconcile").status
        client.close()
        return status

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(tick, range(12))) <= {200, 202}
    runs = f"SELECT started_at, finished_at FROM sync_runs WHERE id > {before} AND kind = 'reconcile' ORDER BY started_at"
    assert wait_until(lambda: (found := query(system, runs)) != [] and all(run["finished_at"] for run in found))
    found = query(system, runs)
    assert all(earlier["finished_at"] <= later["started_at"] for earlier, later in pairwise(found))


class Load:
    """Threads that read and write without pause; a request counts as dropped if it got no answer on a fresh connection."""

    def __init__(self, system: System, parts: list[int], threads: int) -> None:
        self.statuses: list[int] = []
        self.dropped: list[str] = []
        self.retried = 0
        self._system = system
        self._parts = parts
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(threads)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        client = self._system.client()
        while not self._stopped.is_set():
            number += 1
            part = self._parts[number % len(self._parts)]
            if number % 3:
                self._send(client, "GET", f"/parts/{part}", None)
            else:
                body = {"delta": 1, "reason": "counted"}
                self._send(client, "POST", f"/admin/parts/{part}/stock/adjustments", body)
            if number % 10 == 0:
                client.close()  # so that new connections are opened as well
        client.close()

    def _send(self, client: Client, method: str, path: str, body: object) -> None:
        reused = client.port is not None
        try:
            self.statuses.append(client.call(method, path, body).status)
        except NoAnswerError as error:
            if not reused:
                self.dropped.append(f"{method}: {error}")
                return
            # A server may close an idle connection at any time: the client retries on a fresh one.
            self.retried += 1
            self._send(client, method, path, body)


def test_a_web_process_that_is_asked_to_stop_drops_no_request(system: System) -> None:
    parts = system.make_parts(8)
    with Load(system, parts, threads=8) as load:
        assert wait_until(lambda: len(load.statuses) > 200)
        victim = pid(system, "web-1")
        began = time.monotonic()
        os.kill(victim, signal.SIGTERM)
        assert wait_until(lambda: not is_alive(victim), within=30)
        took = time.monotonic() - began
        pid(system, "web-1", other_than=victim)
        answered = len(load.statuses)
        assert wait_until(lambda: len(load.statuses) > answered + 200)
    log.info("%d answers, %d sent again; ended after %.2f s", len(load.statuses), load.retried, took)
    assert not load.dropped
    assert set(load.statuses) == {200}
    assert took < 30
    assert psutil.pid_exists(pid(system, "web-1"))
