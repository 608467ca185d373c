"""Broker and cache dead, silent, or restored from an old copy: writes stay fast, answers stay right."""

import logging
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bench.checker import check
from bench.page import Page
from bench.recording import Recorder
from bench.system import System, close_all, wait_until
from tests.faults.inspection import assert_converges, complaints, dead_valkey, kill, pid, readiness, valkey_data

log = logging.getLogger(__name__)

OUTAGE = 4.0
# How long a write may wait for an invalidation that is not confirmed, and headroom for a busy machine, both in seconds.
LONGEST_WAIT = 1.2
HEADROOM = 2.0


@contextmanager
def silent(system: System) -> Iterator[None]:
    """Valkey accepts connections and never answers."""
    victim = pid(system, "valkey")
    os.kill(victim, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(victim, signal.SIGCONT)


@pytest.mark.parametrize("outage", [silent, dead_valkey], ids=["silent", "dead"])
def test_without_valkey_writes_soon_wait_no_more_and_no_answer_is_older_than_an_acknowledged_write(
    system: System, outage: Callable[[System], object]
) -> None:
    parts = system.make_parts(8)
    with Page(system.url, parts) as page:
        recorder = Recorder(system, parts, sessions=4, write_share=0.2, pause=0.005)
        with recorder:
            assert wait_until(lambda: len(recorder.history) > 200)
            with outage(system):  # type: ignore[attr-defined]
                began = time.perf_counter()
                assert wait_until(lambda: readiness(system)[1].get("status") == "degraded")
                assert readiness(system)[0] == 200
                time.sleep(max(0.0, began + OUTAGE - time.perf_counter()))
                ended = time.perf_counter()
            assert wait_until(lambda: readiness(system)[1].get("status") == "ok")
        writes = sorted(call.end - call.start for call in recorder.calls if call.method != "GET" and began < call.start < ended)
        assert not [call for call in recorder.calls if call.status not in {200, 409}]
        # The first ones wait until no process can prove freshness any more; afterwards nobody waits, so most did not.
        median = writes[len(writes) // 2]
        log.info("%d writes, p50 %.0f ms, slowest %.0f ms", len(writes), median * 1000, writes[-1] * 1000)
        assert writes[-1] < LONGEST_WAIT + HEADROOM
        assert median < LONGEST_WAIT / 2
        # Read after write without exception: before, while and after.
        assert not check(recorder.history)
        took = assert_converges(lambda: complaints(system, parts, recorder.writes, page), 30)
        log.info("converged in %.2f s; page %s", took, page.counts)


class StockReaders:
    """Threads that read parts and remember every answer below the version that was acknowledged."""

    def __init__(self, system: System, latest: dict[int, int], threads: int = 4) -> None:
        self.stale: list[str] = []
        self._system = system
        self._latest = latest
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self) -> "StockReaders":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        client = self._system.client()
        while not self._stopped.is_set():
            for part, version in self._latest.items():
                answer = client.call("GET", f"/parts/{part}")
                if answer.body["versions"]["stock"] < version:
                    self.stale.append(f"part {part} was at {version}: {answer}")
        client.close()


def test_an_older_copy_of_valkeys_data_is_never_served(system: System) -> None:
    """From the first answer on: the server has forgotten the scripts, and with them all that it remembers is void."""
    parts = system.make_parts(4)
    data = valkey_data(system)
    copy = data.with_name("valkey-copy")
    clients = system.clients_of_every_process()

    def all_hit() -> bool:
        answers = [client.call("GET", f"/parts/{part}") for client in clients for part in parts]
        return all(answer.cache == "HIT" for answer in answers)

    assert wait_until(all_hit)
    shutil.copytree(data, copy)
    latest = {}
    for part in parts:
        for delta in (1, 2, 3):
            answer = clients[0].call("POST", f"/admin/parts/{part}/stock/adjustments", {"delta": delta, "reason": "counted"})
            latest[part] = answer.body["version"]
    assert wait_until(all_hit)
    shutil.rmtree(data)
    copy.rename(data)
    with StockReaders(system, latest) as readers:
        victim = kill(system, "valkey")
        pid(system, "valkey", other_than=victim)
        # The copy is in use once it answers with hits; until then there was nothing to be served wrongly.
        assert wait_until(all_hit)
    close_all(clients)
    assert not readers.stale
