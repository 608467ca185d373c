"""Who has a turn, who waits for one and for how long, and whose comes next."""

import math
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from app.domain.errors import BusyError
from app.domain.fairness import THERE_FOR
from app.domain.turns import Turns
from bench.system import wait_until

LONG = 60.0
# How many turns one caller has while there are others.
SHARE = 3


@contextmanager
def some_wait(turns: Turns, *callers: str) -> Iterator[list[str]]:
    """Callers wait for turns, one after the other, while the block runs; yields who has had one."""
    had: list[str] = []
    before = waiting(turns)

    def take(caller: str) -> None:
        with turns.turn(caller.partition(" ")[0]):
            had.append(caller)

    with ThreadPoolExecutor(len(callers)) as pool:
        found = []
        for number, caller in enumerate(callers, before + 1):
            found.append(pool.submit(take, caller))
            assert wait_until(lambda number=number: waiting(turns) == number)
        yield had
        for one in found:
            one.result()


def waiting(turns: Turns) -> int:
    return sum(map(len, turns._waiting.values()))


def test_who_meets_a_standing_queue_is_soon_refused_and_a_burst_may_wait() -> None:
    time = [0.0]
    turns = Turns(1, 10, patience=LONG, standing=0.01, now=lambda: time[0])
    turns.take("")
    with some_wait(turns, ""):
        time[0] = LONG + 1
        with pytest.raises(BusyError):
            turns.take("")
        turns.give_back("")
    turns.take("")
    # The queue has been empty since, so this one waits as long as it takes.
    with some_wait(turns, ""):
        turns.give_back("")


def test_only_so_many_wait() -> None:
    turns = Turns(1, 1, patience=LONG)
    turns.take("")
    with some_wait(turns, ""):
        with pytest.raises(BusyError):
            turns.take("")
        turns.give_back("")


def test_who_waits_in_vain_is_refused_and_takes_nothing() -> None:
    turns = Turns(1, 1, patience=0.05)
    with turns.turn(), pytest.raises(BusyError):
        turns.take("")
    with turns.turn():
        pass


def test_callers_have_turns_alternately_however_much_each_asks_for() -> None:
    turns = Turns(1, math.inf, patience=LONG)
    turns.take("many")
    with some_wait(turns, "many 1", "many 2", "many 3", "few 1", "many 4", "few 2") as had:
        turns.give_back("many")
    assert had == ["many 1", "few 1", "many 2", "few 2", "many 3", "many 4"]


def test_whoever_is_alone_has_as_many_turns_as_there_are() -> None:
    turns = Turns(10 * SHARE, 0, patience=LONG, share=SHARE)
    for _ in range(10 * SHARE):
        turns.take("one")
    with pytest.raises(BusyError):
        turns.take("one")


def test_beside_others_a_caller_has_its_share_of_turns_and_they_have_theirs_at_once() -> None:
    turns = Turns(2 * SHARE, math.inf, patience=LONG, share=SHARE)
    turns.take("other")
    for _ in range(SHARE):
        turns.take("greedy")
    with some_wait(turns, "greedy 1", "greedy 2") as had:
        turns.take("other")
        turns.give_back("other")
        assert not had
        turns.give_back("greedy")
        assert wait_until(lambda: had == ["greedy 1", "greedy 2"])


def test_who_waits_for_more_than_its_share_makes_nobody_elses_queue_a_standing_one() -> None:
    time = [0.0]
    turns = Turns(SHARE + 1, math.inf, patience=THERE_FOR / 2, standing=0.0, share=SHARE, now=lambda: time[0])
    turns.take("other")
    for _ in range(SHARE):
        turns.take("greedy")
    with some_wait(turns, "greedy"):
        time[0] += THERE_FOR / 2 + 1
        with some_wait(turns, "late"):
            turns.give_back("other")
        turns.give_back("greedy")


def test_once_the_others_have_gone_nobody_waits() -> None:
    time = [0.0]
    turns = Turns(10 * SHARE, 0, patience=LONG, share=SHARE, now=lambda: time[0])
    turns.take("other")
    for _ in range(SHARE):
        turns.take("greedy")
    time[0] += THERE_FOR + 1
    turns.take("greedy")


def test_who_is_ended_while_waiting_leaves_the_line() -> None:
    turns = Turns(1, math.inf, patience=LONG)

    class Ended(BaseException):
        pass

    class Interrupted(threading.Event):
        """Ends its thread as it begins to wait, before or after its turn has come."""

        def __init__(self, *, is_called: bool) -> None:
            super().__init__()
            self._is_called = is_called

        def wait(self, timeout: float | None = None) -> bool:
            if self._is_called:
                turns.give_back("first")
            raise Ended

    for is_called in (False, True):
        with pytest.MonkeyPatch.context() as patched:
            first = ExitStack()
            first.enter_context(turns.turn("first"))
            patched.setattr(threading, "Event", lambda is_called=is_called: Interrupted(is_called=is_called))
            with pytest.raises(Ended), turns.turn("ended"):
                pass
        if not is_called:
            first.close()
        with turns.turn("next"):
            pass
