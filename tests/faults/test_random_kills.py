"""kill -9 of everything, at random moments in a burst of writes: every acknowledged write has all its effects, exactly once."""

import logging
import random
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.page import Page
from bench.system import System, wait_until
from tests.faults.inspection import Writers, assert_converges, complaints, kill, pid

log = logging.getLogger(__name__)

VICTIMS = ("web-1", "web-2", "worker-live", "worker", "beat", "valkey", "valkey emptied", "postgres")
WRITES = 1000
THREADS = 4
# Seconds over which the kills are spread.
BURST = 12.0
# The promise is ten (`make soak` measures it); here the machine may be busy with other tests' processes.
CONVERGENCE = 30.0


def valkey_data(system: System) -> Path:
    """The directory of Valkey's data."""
    assert system.stack is not None
    return system.stack.settings.home / "valkey"


def kill_one(system: System, victim: str) -> tuple[str, int]:
    """Kill one process, in Valkey's case perhaps with its data; return its name and pid."""
    if victim == "valkey emptied":
        victim = "valkey"
        pid(system, victim)
        shutil.rmtree(valkey_data(system))  # it keeps writing to unlinked files; its successor finds nothing
    return victim, kill(system, victim)


def storm(system: System, parts: Sequence[int], page: Page, victims: Sequence[str], writes: int, seconds: float) -> str:
    """Kill the victims at random moments in a burst of writes, wait for convergence, and return the figures."""
    dead: list[tuple[str, int]] = []
    moments = sorted(random.uniform(0, seconds) for _ in victims)
    with Writers(system, parts, THREADS, pause=THREADS * seconds / writes * 0.6, most=writes) as writers:
        began = time.monotonic()
        for victim, moment in zip(victims, moments, strict=True):
            time.sleep(max(0.0, began + moment - time.monotonic()))
            dead.append(kill_one(system, victim))
        writers.join()
        for name, number in dead:
            pid(system, name, other_than=number)
    assert len(writers.acknowledged) >= writes
    assert not [write for write in writers.writes if write.status not in {200, 503, None}]
    took = assert_converges(lambda: complaints(system, parts, writers.writes, page), CONVERGENCE)
    maybe = len(writers.writes) - len(writers.acknowledged)
    return f"{len(writers.acknowledged)} acknowledged, {maybe} not; converged {took:.2f} s after the last; page {page.counts}"


def test_every_acknowledged_write_survives_kills_of_everything_at_random_moments(system: System) -> None:
    parts = system.make_parts(50)
    victims = random.sample(VICTIMS, len(VICTIMS))
    with Page(system.url, parts) as page:
        log.info("order %s: %s", victims, storm(system, parts, page, victims, WRITES, BURST))


@pytest.mark.parametrize("victim", VICTIMS)
def test_nothing_acknowledged_is_lost_when_one_process_is_killed(system: System, victim: str) -> None:
    parts = system.make_parts(8)
    with Page(system.url, parts) as page:
        log.info("%s: %s", victim, storm(system, parts, page, [victim], 100, 1.0))
        assert wait_until(lambda: len(page.shown()) == len(parts))
