"""Turns for one caller after the other: whose comes next, who is turned away, and when those may come back."""

import threading

import pytest

from app.live.line import LATEST, SOONEST, BusyError, Line

# Seconds that one waits for a turn.
PATIENCE = 0.05


class Clock:
    """A clock that is set by hand, in seconds."""

    time = 0.0

    def __call__(self) -> float:
        return self.time


def turned_away(line: Line, count: int = 1) -> list[float]:
    """Return what so many callers are told who wait at the same time while somebody else has the turn."""
    told: list[float] = []

    def wait(caller: str) -> None:
        with pytest.raises(BusyError) as refused, line.turn(caller):
            pass
        told.append(refused.value.retry_after)

    waiting = [threading.Thread(target=wait, args=(str(n),)) for n in range(count)]
    with line.turn("first"):
        for thread in waiting:
            thread.start()
        for thread in waiting:
            thread.join()
    return sorted(told)


def test_those_whose_turn_does_not_come_are_told_to_come_back_one_after_the_other() -> None:
    told = turned_away(Line(PATIENCE, Clock(), lambda: 0.0), 60)
    # In as much time as they have waited no turn has ended.
    assert told == pytest.approx([max(SOONEST, PATIENCE * place) for place in range(1, 61)])


def test_time_that_passes_counts_for_those_who_come_later() -> None:
    clock = Clock()
    line = Line(PATIENCE, clock, lambda: 0.0)
    turned_away(line, 60)
    clock.time += 59 * PATIENCE
    assert turned_away(line) == [SOONEST]


def test_those_who_were_told_at_the_same_time_do_not_come_back_at_the_same_time() -> None:
    chances = iter([0.0, 0.5, 1.0])
    assert turned_away(Line(PATIENCE, Clock(), lambda: next(chances)), 3) == [SOONEST, 1.25 * SOONEST, 1.5 * SOONEST]


def test_nobody_is_sent_away_for_longer_than_the_longest_time() -> None:
    line = Line(PATIENCE, Clock(), lambda: 0.0)
    line._booked_until = 10 * LATEST
    assert turned_away(line) == [LATEST]


def test_after_those_who_gave_up_the_next_has_a_turn() -> None:
    line = Line(PATIENCE)
    turned_away(line, 3)
    with line.turn("next"):
        pass
