"""Whom the processor time of an event loop is counted to."""

import time
from collections import Counter
from collections.abc import Iterator

import greenlet  # type: ignore[import-untyped]  # publishes no types
import pytest

from app.domain.fairness import Spending
from app.live.spending import Meter


class Noting(Spending):
    """Knows what was counted."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: Counter[str] = Counter()

    def spent(self, caller: str, seconds: float) -> None:
        self.seconds[caller] += seconds  # type: ignore[assignment] # a counter of seconds


@pytest.fixture
def spending() -> Iterator[Noting]:
    yield Noting()
    greenlet.settrace(None)


def _compute(seconds: float) -> None:
    until = time.thread_time() + seconds
    while time.thread_time() < until:
        pass


def test_each_green_thread_is_counted_to_whom_it_serves_and_its_tasks_too(spending: Noting) -> None:
    meter = Meter(spending)
    hub = greenlet.getcurrent()

    def one() -> None:
        meter.serve("one")
        _compute(0.02)
        task = greenlet.greenlet(meter.task_of(_compute))
        task.parent = hub
        hub.switch(task)
        meter.serve("")
        _compute(0.05)

    def two() -> None:
        meter.serve("two")
        _compute(0.01)
        hub.switch()
        _compute(0.02)

    first, second = greenlet.greenlet(one), greenlet.greenlet(two)
    task = first.switch()
    second.switch()
    _compute(0.05)
    task.switch(0.03)
    second.switch()
    first.switch()
    assert spending.seconds == {"one": pytest.approx(0.05, abs=0.005), "two": pytest.approx(0.03, abs=0.005)}
