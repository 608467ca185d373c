"""No promise depends on two machines that agree about the time, nor on a clock that is never set."""

from pathlib import Path

import pytest

from bench.debian import UnavailableError
from tests.faults.clocks import Clocks
from tests.faults.farm import SERVERS, farm
from tests.faults.soak import Soak
from tests.faults.troubles import AN_HOUR, End, Trouble

# How far from the right time, in seconds; what is not named keeps the time that it was set to before.
STEPS = [
    {"a-web": -AN_HOUR, "a-live": AN_HOUR, "a-worker": AN_HOUR, "a-beat": -AN_HOUR},
    {"a-web": AN_HOUR, "a-live": -AN_HOUR, "a-worker": -AN_HOUR, "a-beat": AN_HOUR},
    dict.fromkeys((f"a-{process}" for process in SERVERS), 0) | {"postgres": -AN_HOUR},
    {"postgres": AN_HOUR},
]


@pytest.fixture
def clocks(tmp_path: Path) -> Clocks:
    try:
        return Clocks(tmp_path)
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.mark.timeout(400)
def test_clocks_that_are_wrong_and_set_break_no_promise(clocks: Clocks, tmp_path_factory: pytest.TempPathFactory) -> None:
    with (
        farm(tmp_path_factory.mktemp("f"), clocks=clocks) as system,
        Soak(system, tmp_path_factory.mktemp("histories"), print, whole_within=40) as soak,
    ):
        for step in STEPS:

            def begin(step: dict[str, int] = step) -> End:
                for name, seconds in step.items():
                    clocks.set(name, seconds)
                return lambda: None

            # They stay as they are set: what is owed must be made good by these clocks.
            soak.round([Trouble(f"clocks {step}", "clock", frozenset(), begin, 2.0)])
        soak.last_judgement()
    assert soak.result.violations + soak.result.late == []
