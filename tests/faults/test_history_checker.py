"""The history checker itself: it rejects wrong histories and every protocol known to go stale, and nothing else."""

import random

import pytest

from bench.checker import Kind, Operation, Rule, check
from tests.faults.protocols import Fault, Protocol, World

SCHEDULES = 1500
OK, STALE = True, False
TABLE = {
    #                          race, flushed, evicted, old snapshot
    Protocol.DEL_ONLY: (STALE, STALE, STALE, STALE),
    Protocol.FLOOR: (OK, STALE, STALE, OK),
    Protocol.COUNTER_LEASE: (OK, STALE, OK, STALE),
    Protocol.RANDOM_LEASE: (OK, OK, OK, STALE),
    Protocol.LEASE_AND_FLOOR: (OK, OK, OK, OK),
    Protocol.REPAIRING: (OK, OK, OK, OK),
}
CASES = [(p, f, holds) for p, row in TABLE.items() for f, holds in zip(Fault, row, strict=True)]


def read(version: int, start: float, end: float, session: int = 1, part: int = 1) -> Operation:
    return Operation(Kind.READ, session, part, "stock", version, start, end)


def write(version: int | None, start: float, end: float = float("inf"), session: int = 0) -> Operation:
    return Operation(Kind.WRITE, session, 1, "stock", version, start, end)


def commit(version: int, end: float) -> Operation:
    return Operation(Kind.COMMIT, -1, 1, "stock", version, end, end)


def rules(*history: Operation) -> set[Rule]:
    return {violation.rule for violation in check(history)}


def test_a_history_in_which_reads_overlap_writes_is_accepted() -> None:
    assert not rules(write(2, 0, 3), read(1, 1, 2), read(2, 1, 2, session=2), write(3, 4, 6), read(2, 5, 7), read(3, 8, 9))


def test_a_read_below_what_was_acknowledged_before_it_began_is_rejected() -> None:
    assert rules(write(2, 0, 1), read(1, 1.1, 1.2)) == {Rule.FRESHNESS}
    assert not rules(write(2, 0, 1), read(1, 0.9, 1.2))


def test_a_read_of_a_version_that_nobody_had_begun_to_write_is_rejected() -> None:
    assert rules(write(2, 0, 1), write(3, 5, 6), read(3, 2, 4)) == {Rule.FUTURE}
    assert rules(write(2, 0, 1), read(9, 2, 3)) == {Rule.FUTURE}
    assert not rules(write(2, 0, 1), write(3, 3.5, 6), read(3, 2, 4))


def test_a_session_that_goes_back_is_rejected_even_if_nothing_was_acknowledged_yet() -> None:
    assert rules(write(2, 0, 9), read(2, 1, 2), read(1, 3, 4)) == {Rule.MONOTONIC}
    assert not rules(write(2, 0, 9), read(2, 1, 2), read(1, 3, 4, session=2))


def test_a_session_that_does_not_see_its_own_write_is_rejected() -> None:
    assert rules(write(2, 0, 1, session=1), read(1, 2, 3, session=1)) == {Rule.OWN_WRITES, Rule.FRESHNESS}
    assert rules(write(2, 0, 1, session=7), read(1, 2, 3, session=1)) == {Rule.FRESHNESS}


def test_versions_given_twice_or_against_the_order_of_time_are_rejected() -> None:
    assert rules(write(2, 0, 1), write(2, 0.5, 2)) == {Rule.ORDER}
    assert rules(write(3, 0, 1), write(2, 2, 3)) == {Rule.ORDER}
    assert not rules(write(3, 0, 2), write(2, 1, 3))


def test_a_write_without_an_answer_may_have_happened_or_not() -> None:
    history = [write(2, 0, 1), write(None, 2), write(4, 6, 7)]
    assert not rules(*history, read(2, 3, 4), read(3, 5, 5.5))
    assert rules(write(2, 0, 1), read(3, 1.5, 1.8), write(None, 2), write(4, 6, 7)) == {Rule.FUTURE}


def test_what_the_database_has_held_for_two_seconds_must_be_seen_though_nobody_was_told_that_it_was_written() -> None:
    lost = write(None, 0)
    assert not rules(lost, commit(2, 1), read(1, 2.9, 3))
    assert rules(lost, commit(2, 1), read(1, 3.1, 3.2)) == {Rule.STALENESS}


def test_what_anybody_has_been_shown_must_be_seen_by_everybody_two_seconds_later() -> None:
    lost = write(None, 0)
    assert not rules(lost, read(2, 0.5, 1, session=2), read(1, 2.9, 3))
    assert rules(lost, read(2, 0.5, 1, session=2), read(1, 3.1, 3.2)) == {Rule.STALENESS}


def test_parts_do_not_concern_each_other() -> None:
    assert not rules(write(2, 0, 1), read(1, 2, 3, part=2))


def broken(protocol: Protocol, fault: Fault, rule: Rule) -> bool:
    """Whether some schedule breaks a rule."""
    histories = (World(protocol, fault, random.Random(seed)).run() for seed in range(SCHEDULES))
    return any(violation.rule is rule for history in histories for violation in check(history))


@pytest.mark.parametrize(("protocol", "fault", "holds"), CASES)
def test_the_checker_objects_to_exactly_the_protocols_that_go_stale(protocol: Protocol, fault: Fault, holds: bool) -> None:
    assert broken(protocol, fault, Rule.FRESHNESS) is not holds


@pytest.mark.parametrize("fault", list(Fault))
def test_sessions_never_go_back_if_whoever_loads_without_a_lease_raises_the_floor(fault: Fault) -> None:
    assert not broken(Protocol.REPAIRING, fault, Rule.MONOTONIC)


def test_sessions_can_go_back_between_commit_and_invalidation_without_that() -> None:
    """One reader without the lease sees the new version; then the lease holder fills in the old one, for a few milliseconds."""
    assert broken(Protocol.LEASE_AND_FLOOR, Fault.RACE, Rule.MONOTONIC)


def test_the_checker_takes_a_large_history_in_its_stride() -> None:
    history = [write(v, v * 10.0, v * 10.0 + 5) for v in range(2, 2002)]
    history += [read(v, v * 10.0 + 6, v * 10.0 + 7, session=s) for v in range(2, 2002) for s in range(1, 26)]
    assert not check(history)
