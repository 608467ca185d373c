"""Token buckets, who a connection belongs to, and taking turns at long work."""

import math
import threading
import time
from itertools import pairwise

import pytest

from app.domain.buckets import Allowance, Buckets, TokenBucket
from app.domain.turns import SharedWork
from app.live.budgets import (
    FRAMES_IN_A_ROW,
    FRAMES_PER_ADDRESS,
    LONG_REST,
    PARTS_PER_ADDRESS,
    PARTS_PER_CONNECTION,
    REST,
    Pace,
    WatchBudget,
)
from app.live.line import BusyError


def test_a_bucket_gives_what_has_gathered_and_says_when_there_will_be_more() -> None:
    bucket = TokenBucket(Allowance(per_second=0.001, at_once=3))
    assert [bucket.draw(1) for _ in range(4)] == [True, True, True, False]
    assert 900 < bucket.wait(1) <= 1_000
    assert bucket.wait(4) == math.inf


def test_callers_have_buckets_of_their_own_in_bounded_memory() -> None:
    buckets = Buckets(Allowance(per_second=0.001, at_once=1))
    assert buckets.of("a").draw(1)
    assert not buckets.of("a").draw(1)
    assert buckets.of("b").draw(1)
    for number in range(20_000):
        buckets.of(str(number))
    assert len(buckets._buckets) <= 10_000


def test_a_watch_is_refused_while_another_of_its_connection_is_under_way() -> None:
    budget = WatchBudget()
    with budget.turn("a", "address", 1), pytest.raises(BusyError), budget.turn("a", "address", 1):
        pass
    with budget.turn("a", "address", 1):
        pass


@pytest.mark.parametrize(("connections", "allowance"), [(1, PARTS_PER_CONNECTION), (10_000, PARTS_PER_ADDRESS)])
def test_parts_are_counted_for_a_connection_and_for_an_address(connections: int, allowance: Allowance) -> None:
    budget = WatchBudget()
    served = 0
    with pytest.raises(BusyError) as refused:  # noqa: PT012 — any of the turns may raise
        for number in range(10_000):
            with budget.turn(str(number % connections), "address", 199):
                served += 200
    assert allowance.at_once - 200 < served < allowance.at_once * 1.5
    assert 0 < refused.value.retry_after <= 1.5 * 200 / allowance.per_second


def test_who_asks_for_more_than_a_few_pages_is_read_slowly_while_there_are_others() -> None:
    budget = WatchBudget()

    def rests(address: str, count: int) -> list[float]:
        found = []
        for number in range(count):
            with budget.turn(f"{address}-{number}", address, 199) as rest:
                found.append(rest)
        return found

    alone = rests("a", 20)
    assert rests("b", 1) == [REST]
    assert set(alone) == {REST}
    assert set(rests("a", 20)) == {LONG_REST}
    assert rests("b", 9) == 9 * [REST]


def test_frames_of_an_address_are_handled_one_after_the_other_over_all_its_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if all had come at once, while time stands still."""
    monkeypatch.setattr(time, "monotonic", lambda: 1_000.0)
    pace = Pace()
    delays = [pace.book("a") for _ in range(1_000)]
    assert delays[3] == 0
    later = delays[4:]
    assert min(after - before for before, after in pairwise(later)) == pytest.approx(1 / FRAMES_IN_A_ROW.per_second)
    assert later[-1] == pytest.approx((1_000 - FRAMES_PER_ADDRESS.at_once) / FRAMES_PER_ADDRESS.per_second)
    assert pace.book("b") == 0


def test_work_serves_all_who_asked_before_it_began_and_nobody_gets_an_older_result() -> None:
    done: list[float] = []

    def work() -> bytes:
        done.append(time.monotonic())
        time.sleep(0.02)
        return b"%d" % len(done)

    shared = SharedWork(work)
    assert shared.result() == b"1"
    results: list[tuple[float, int]] = []

    def ask() -> None:
        asked = time.monotonic()
        results.append((asked, int(shared.result())))

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) <= 4
    assert all(done[number - 1] >= asked for asked, number in results)
