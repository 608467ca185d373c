"""When a worker that takes no tasks ends."""

import pytest
from celery.worker import state

from workers import worker
from workers.worker import LOOKS, Watch


class Request:
    """A task that a worker is working on."""


class Watched:
    """A worker as its watch sees it."""

    def __init__(self) -> None:
        self.tasks_wait = True
        self.ends = 0
        self.watch = Watch(lambda: self.tasks_wait, self._end)

    def _end(self) -> None:
        self.ends += 1

    def look(self, times: int) -> None:
        for _ in range(times):
            self.watch.look()


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_who_takes_none_of_the_tasks_that_wait_ends(watched: Watched) -> None:
    watched.look(LOOKS - 1)
    assert watched.ends == 0
    watched.look(1)
    assert watched.ends == 1


def test_who_takes_one_now_and_then_goes_on(watched: Watched) -> None:
    for _ in range(3):
        watched.look(LOOKS - 1)
        watched.watch.take()
    watched.look(LOOKS)
    assert watched.ends == 0


def test_without_tasks_or_a_broker_that_says_so_nobody_ends(watched: Watched) -> None:
    watched.look(LOOKS - 1)
    watched.tasks_wait = False
    watched.look(LOOKS)
    watched.tasks_wait = True
    watched.look(LOOKS - 1)
    assert watched.ends == 0


def test_a_long_task_keeps_nobody_from_going_on_whose_heart_beats(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "active_requests", {Request()})
    watched.look(2 * LOOKS)
    assert watched.ends == 0
    monkeypatch.setattr(worker, "BEATS_WITHIN", 0.0)
    watched.look(LOOKS)
    assert watched.ends == 1
