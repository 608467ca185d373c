"""What somebody who asks for much pays for it while there are others."""

import pytest

from app.domain.fairness import PROCESSOR, Spending


@pytest.fixture
def clock() -> list[float]:
    return [1000.0]


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
