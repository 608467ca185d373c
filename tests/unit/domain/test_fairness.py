"""One caller's flood waits in a line of its own."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.domain import fairness
from app.domain.errors import BusyError
from app.domain.fairness import AT_ONCE, PROCESSOR, THERE_FOR, Places, Spending
from bench.system import wait_until


@pytest.fixture
def clock() -> list[float]:
    return [1000.0]


@pytest.fixture
def places(clock: list[float]) -> Places:
    return Places(lambda: clock[0])


def test_whoever_is_alone_has_as_many_places_as_wanted(places: Places) -> None:
    for _ in range(10 * AT_ONCE):
        places.take("one")


def test_beside_others_a_caller_has_few_places_and_they_have_theirs_at_once(
    places: Places, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fairness, "PATIENCE", 0.05)
    places.take("other")
    for _ in range(AT_ONCE):
        places.take("greedy")
    with pytest.raises(BusyError):
        places.take("greedy")
    places.take("other")
    places.leave("greedy")
    places.take("greedy")


def test_places_are_handed_on_in_the_order_of_arrival(places: Places) -> None:
    places.take("other")
    for _ in range(AT_ONCE):
        places.take("greedy")
    had: list[int] = []

    def wait(number: int) -> None:
        places.take("greedy")
        had.append(number)

    with ThreadPoolExecutor(3) as pool:
        for number in range(3):
            pool.submit(wait, number)
            assert wait_until(lambda number=number: len(places._waiting.get("greedy", ())) == number + 1)
        for number in range(3):
            places.leave("greedy")
            assert wait_until(lambda number=number: had == [*range(number + 1)])


def test_once_the_others_have_gone_nobody_waits(places: Places, clock: list[float]) -> None:
    places.take("other")
    for _ in range(AT_ONCE):
        places.take("greedy")
    clock[0] += THERE_FOR + 1
    places.take("greedy")


@pytest.fixture
def spending(clock: list[float], monkeypatch: pytest.MonkeyPatch) -> Spending:
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    return Spending()


def test_beside_others_a_caller_rests_until_it_has_paid_for_its_processor_time(spending: Spending, clock: list[float]) -> None:
    spending.rest("other")
    spending.spent("greedy", PROCESSOR.at_once)
    spending.spent("greedy", 1.0)
    rest = spending.rest("greedy")
    assert rest == pytest.approx(1.0 / PROCESSOR.per_second)
    # What waits with it does not begin with it.
    assert spending.rest("greedy") > rest
    assert spending.rest("other") == 0
    clock[0] += 2 * rest
    spending.rest("other")
    assert spending.rest("greedy") == 0


def test_a_caller_who_was_alone_has_nothing_to_make_up_for_when_others_come(spending: Spending) -> None:
    spending.rest("one")
    spending.spent("one", 100 * PROCESSOR.at_once)
    assert spending.rest("one") == 0
    spending.rest("other")
    assert spending.rest("one") == 0
