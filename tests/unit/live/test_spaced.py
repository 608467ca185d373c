"""What is asked for again and again happens now and then, and once more after the last request."""

from collections.abc import Callable

from app.live.spaced import Spaced


class Clock:
    """A clock that stands still, and what is to happen later."""

    def __init__(self) -> None:
        self.now = 100.0
        self.later: list[tuple[float, Callable[[], None]]] = []

    def __call__(self) -> float:
        return self.now

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        self.later.append((self.now + seconds, call))

    def go_on(self, seconds: float) -> None:
        self.now += seconds
        due = [call for at, call in self.later if at <= self.now]
        self.later = [(at, call) for at, call in self.later if at > self.now]
        for call in due:
            call()


def test_the_first_request_happens_at_once_and_of_many_more_one_later() -> None:
    clock, done = Clock(), []
    spaced = Spaced(lambda: done.append(clock.now), 5.0, clock, clock.after)
    spaced.request()
    assert done == [100.0]
    for _ in range(200):
        clock.go_on(0.125)
        spaced.request()
    clock.go_on(5)
    clock.go_on(60)
    assert done == [100.0, 105.0, 110.0, 115.0, 120.0, 125.0, 130.0]


def test_a_request_that_comes_while_it_happens_is_not_lost() -> None:
    clock, done = Clock(), []

    def call() -> None:
        done.append(clock.now)
        if len(done) == 1:
            spaced.request()

    spaced = Spaced(call, 5.0, clock, clock.after)
    spaced.request()
    clock.go_on(5)
    assert done == [100.0, 105.0]
    clock.go_on(60)
    assert len(done) == 2
