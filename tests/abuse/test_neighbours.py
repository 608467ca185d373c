"""What somebody else feels of each attack: a little, never the whole of it.

The machine is as busy as it is, and the attacker takes a processor: so each is held against the same run's quiet phase, with
room. Most factors are below three; before there were bounds they were from fifty to a thousand, or nobody was answered.
"""

import os

import pytest

from bench.abuse import ATTACKS, play
from bench.system import System

SECONDS = 3.0
# The quiet phase of a fast machine is a millisecond: what is less than this, in milliseconds, nobody feels.
UNFELT = 15.0
FACTOR = 15


@pytest.mark.parametrize("name", ATTACKS)
def test_a_neighbour_is_served_while_somebody_else_attacks(name: str, system: System, many_parts: list[int]) -> None:
    assert system.stack is not None
    pids = [system.stack.pid(f"web-{n}") for n in (1, 2)]
    quiet, felt = play(system, name, many_parts, SECONDS)
    assert felt.failed == 0
    assert felt.p95 < FACTOR * max(quiet.p95, UNFELT), (quiet, felt)
    assert [system.stack.pid(f"web-{n}") for n in (1, 2)] == pids


def test_a_flood_writes_few_lines_and_no_tracebacks(system: System, many_parts: list[int]) -> None:
    assert system.stack is not None
    logs = [system.stack.settings.home / "logs" / f"web-{n}.log" for n in (1, 2)]
    before = [log.stat().st_size if log.exists() else 0 for log in logs]
    play(system, "nonsense", many_parts, SECONDS)
    written = "".join(log.read_bytes()[size:].decode() for log, size in zip(logs, before, strict=True) if log.exists())
    assert "Traceback" not in written
    kinds_and_seconds = 10 * (SECONDS + 30) * len(logs)
    assert len(written.splitlines()) < kinds_and_seconds, os.linesep.join(written.splitlines()[:40])
