"""How long somebody waits for a turn, and what is refused while there is more to do than can be done."""

import pytest

from app.domain.fairness import SHARE, THERE_FOR, Shares
from app.domain.pressure import FEW, MAX_SHED, REFUSED_AFTER, RISES, TARGET, Pressure
from bench.system import wait_until

LONG = 60.0


def after(intervals: int, lag: float, chance: float, under_way: int = FEW) -> Pressure:
    """Return the pressure after so many intervals with a lag and customers' requests under way."""
    pressure = Pressure(lambda: chance)
    for _ in range(under_way):
        pressure.begun("")
    for _ in range(intervals):
        pressure.note(lag)
    return pressure


@pytest.mark.parametrize(("lag", "under_way"), [(TARGET, FEW), (2 * TARGET, FEW - 1)])
def test_without_a_lag_that_many_requests_make_everything_is_admitted(lag: float, under_way: int) -> None:
    pressure = after(100, lag, chance=0.0, under_way=under_way)
    assert pressure.admits_dear()
    assert pressure.admits()


def test_while_many_requests_lag_dear_things_are_refused_first_and_then_the_others_but_never_all() -> None:
    steps = round(1 / RISES)
    some, dear, both = (after(n, 2 * TARGET, chance=0.5) for n in (steps // 2 - 1, steps, 2 * steps))
    assert (some.admits_dear(), some.admits()) == (True, True)
    assert (dear.admits_dear(), dear.admits()) == (False, True)
    assert (both.admits_dear(), both.admits()) == (False, False)
    assert after(10 * steps, 2 * TARGET, chance=MAX_SHED).admits_dear()
    assert after(10 * steps, 2 * TARGET, chance=MAX_SHED).admits()


@pytest.mark.parametrize(("lag", "gone"), [(0.0, 0), (2 * TARGET, 1)])
def test_once_the_lag_or_the_requests_are_gone_everything_is_admitted_again(lag: float, gone: int) -> None:
    pressure = after(100, 2 * TARGET, chance=0.0)
    for _ in range(gone):
        pressure.ended()
    assert wait_until(lambda: pressure.note(lag) or (pressure.admits() and pressure.admits_dear()), every=0.0)


def test_the_lag_is_followed_whenever_there_are_many_requests_and_only_then(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[float] = []

    def lag() -> float:
        looks.append(2 * TARGET)
        return looks[-1]

    monkeypatch.setattr("app.domain.pressure._lag", lag)
    pressure = Pressure(lambda: 0.0)
    pressure.watch()
    for _ in range(2):
        for _ in range(FEW - 1):
            pressure.begun("")
        assert not pressure._crowded.is_set()
        pressure.begun("")
        assert wait_until(lambda: not pressure.admits_dear())
        for _ in range(FEW):
            pressure.ended()
        assert wait_until(lambda: pressure.admits_dear())
    assert looks


def test_a_caller_has_as_much_as_he_likes_while_nobody_else_wants_any_and_then_his_share() -> None:
    time = [0.0]
    shares = Shares(lambda: time[0])
    greedy = [shares.admits("greedy") for _ in range(10 * int(SHARE.at_once))]
    assert all(greedy)
    assert shares.admits("other")
    assert not shares.admits("greedy")
    assert shares.admits("other")
    time[0] += THERE_FOR + 1
    assert shares.admits("greedy")


def test_what_is_dear_is_refused_to_the_caller_who_has_had_his_share_and_to_nobody_else() -> None:
    pressure = Pressure()

    def ask(caller: str) -> bool:
        pressure.begun(caller)
        try:
            return pressure.admits_dear()
        finally:
            pressure.ended()

    assert ask("other")
    asked = [ask("greedy") for _ in range(2 * int(SHARE.at_once))]
    assert asked[: int(SHARE.at_once)] == [True] * int(SHARE.at_once)
    assert not all(asked)
    assert ask("other")
    # What is no customer's, such as a worker's, is nobody's share.
    assert pressure.admits_dear()


def test_who_is_refused_for_asking_too_much_keeps_its_place_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    pressure, places = Pressure(), []
    monkeypatch.setattr("time.sleep", lambda seconds: places.append((seconds, pressure._places._held["greedy"])))
    pressure.begun("other")
    assert pressure.admits_dear()
    pressure.ended()
    pressure.begun("greedy")
    while pressure.admits_dear():
        pass
    pressure.ended()
    pressure.begun("greedy")
    pressure.ended()
    assert places == [(REFUSED_AFTER, 1)]
    assert pressure._places._held["greedy"] == 0


def test_a_request_begins_once_its_caller_has_rested_and_is_counted_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    pressure = Pressure()
    steps: list[str | float] = []
    monkeypatch.setattr(pressure.spending, "rest", lambda caller: {"greedy": 0.7}.get(caller, 0.0))
    monkeypatch.setattr("app.domain.pressure.time.sleep", steps.append)
    pressure.spending.serves = steps.append
    for caller in ("other", "greedy"):
        pressure.begun(caller)
        pressure.ended()
    assert steps == ["other", "", 0.7, "greedy", ""]
