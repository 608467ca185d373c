"""PostgreSQL fails over to a standby without the last commits."""

from bench.system import System
from tests.faults.standby import lose_the_last_commits


def test_nobody_is_shown_what_a_promoted_standby_lacks_and_pages_are_told_the_truth_on_watch(system: System) -> None:
    assert lose_the_last_commits(system, [system.address]) == []
