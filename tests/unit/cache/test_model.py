"""Every history of the cache protocol within some bounds: none serves anything old, and without a guard some do."""

from dataclasses import replace

import pytest

from tests.unit.cache.model import APART, EMPTY, TOGETHER, Bounds, Protocol, World, explore

# A fault, with time to begin an epoch and to adopt it; evictions between two reads, and between two writes.
FAULT, EVICTION, LATE = Bounds(reads=1, faults=1), Bounds(evictions=1, sweeps=1, ticks=1), Bounds(writes=2, reads=1, evictions=1)


@pytest.mark.parametrize(
    ("start", "bounds"),
    [(TOGETHER, FAULT), (EMPTY, Bounds(evictions=1)), (TOGETHER, LATE), (APART, Bounds(reads=2, evictions=1))],
)
def test_whatever_happens_in_whatever_order_no_read_is_older_than_what_was_acknowledged(start: World, bounds: Bounds) -> None:
    worlds, history = explore(Protocol(), bounds, start)
    assert history == []
    # It has looked at more than a few.
    assert worlds > 10_000


@pytest.mark.parametrize("guard", ["floors", "revokes"])
def test_of_two_guards_against_a_late_fill_one_suffices(guard: str) -> None:
    assert explore(replace(Protocol(), **{guard: False}), EVICTION, EMPTY)[1] == []


@pytest.mark.parametrize(
    ("guards", "start", "bounds"),
    [
        (["floors", "revokes"], EMPTY, EVICTION),
        (["leases"], EMPTY, EVICTION),
        (["loads_late"], EMPTY, EVICTION),
        (["replaces_only"], TOGETHER, LATE),
        (["epochs"], TOGETHER, FAULT),
        (["checks_run"], TOGETHER, FAULT),
        (["waits"], TOGETHER, FAULT),
        (["begins_late"], TOGETHER, FAULT),
        (["proves_from_the_beginning"], TOGETHER, FAULT),
        (["knows_lately"], APART, Bounds(reads=1)),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else "",
)
def test_without_a_guard_something_old_is_served(guards: list[str], start: World, bounds: Bounds) -> None:
    assert explore(replace(Protocol(), **dict.fromkeys(guards, False)), bounds, start)[1]


def test_every_guard_is_tried() -> None:
    tried = test_without_a_guard_something_old_is_served.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {guard for guards, *_ in tried for guard in guards} == set(Protocol.__slots__)
