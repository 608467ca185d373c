"""How long something has been seen to be as it is."""

from app.domain.constancy import Constancy


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_nothing_is_known_of_the_time_before_the_first_look() -> None:
    clock = Clock()
    seen = Constancy(clock)
    clock.now += 10
    seen.note("a")
    assert seen.held(1) == ""
    clock.now += 1
    assert seen.held(1) == "a"


def test_looking_again_keeps_the_time_and_another_name_begins_anew() -> None:
    clock = Clock()
    seen = Constancy(clock)
    seen.note("a")
    clock.now += 0.9
    seen.note("a")
    clock.now += 0.1
    assert seen.held(1) == "a"
    seen.note("b")
    assert seen.held(1) == ""
    assert seen.held(0) == "b"
