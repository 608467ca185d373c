"""A short soak: fixed faults under a random load, one or some at a time. `make soak` draws them at random, for an hour."""

from dataclasses import replace

import pytest

from tests.faults.farm import farm
from tests.faults.soak import Soak
from tests.faults.troubles import troubles

# Seconds between the beginnings of two faults.
APART = 0.3
# Longer than any proof of freshness; what must outlast a lease is in the long run.
LASTS = 2.5
ROUNDS = [
    [],
    ["a-web-1 killed", "a-web-2 killed"],
    ["postgres killed", "a-beat killed"],
    ["a-worker killed", "valkey emptied"],
    ["valkey frozen", "web-postgres reset"],
    ["valkey away", "web-postgres half-open"],
    ["a-worker's child killed", "valkey elected by sentinels and back"],
    ["web-valkey black hole", "a-second beat"],
    ["worker-valkey dropping", "worker-broker half-open", "a-web-1 out of descriptors"],
    ["a-web-1 frozen", "web-valkey delayed"],
]


@pytest.mark.timeout(600)
def test_no_promise_is_broken_by_faults_one_at_a_time_or_two_at_once(tmp_path_factory: pytest.TempPathFactory) -> None:
    # How soon all is whole again depends on how busy the machine is; the long run has a bound for that.
    with (
        farm(tmp_path_factory.mktemp("f")) as system,
        Soak(system, tmp_path_factory.mktemp("histories"), print, whole_within=60, before=1.0, after=0.5) as soak,
    ):
        known = troubles(system)
        for names in ROUNDS:
            soak.round([replace(known[name], seconds=min(known[name].seconds, LASTS)) for name in names], APART)
        soak.last_judgement()
    result = soak.result
    assert result.violations + result.late == []
    assert min(result.calls["cache HIT"], result.calls["cache MISS"], result.calls["cache BYPASS"]) > 0
    assert min(result.writes, result.events_on_pages) > 0
