"""What panels are told of the events that they follow."""

from collections.abc import Sequence

import pytest

from app.contract.messages.staff import DeliverySettledEvent
from app.live.following import FOLLOWED_FOR, LATEST, MAX_FOLLOWED, SOONEST, Following
from app.store.outbox import Settlement


class World:
    """Deliveries, a clock, and what has been told."""

    def __init__(self) -> None:
        self.now = 0.0
        self.looks: list[list[str]] = []
        self.deliveries: dict[tuple[str, str], Settlement] = {}
        self.told: list[tuple[str, DeliverySettledEvent]] = []
        self.following = Following(self.look, lambda connection, message: self.told.append((connection, message)), self.clock)

    def clock(self) -> float:
        return self.now

    def put(self, event: str, effect: str, ms: float | None = None, state: str = "", pages: int | None = None) -> None:
        state = state or ("pending" if ms is None else "done")
        self.deliveries[event, effect] = Settlement(event, effect, state, ms, pages)

    def look(self, event_ids: Sequence[str]) -> list[Settlement]:
        self.looks.append(sorted(event_ids))
        return [one for (event, _), one in self.deliveries.items() if event in event_ids]

    def hears(self) -> list[tuple[str, DeliverySettledEvent]]:
        told, self.told[:] = list(self.told), []
        return told


@pytest.fixture
def world() -> World:
    return World()


def test_what_was_settled_before_is_answered_and_the_rest_is_told_once_to_whoever_follows(world: World) -> None:
    world.put("e", "broadcast", 12.3456, pages=3)
    world.put("e", "persist_audit")
    world.put("other", "persist_audit", 1.0)
    assert world.following.follow("a", ["e"]) == {
        "settled": [{"event_id": "e", "effect": "broadcast", "ms": 12.346, "pages": 3}],
        "pending": [{"event_id": "e", "effect": "persist_audit"}],
    }
    world.following.follow("b", ["e"])
    world.following.look_again()
    assert world.hears() == []
    world.put("e", "persist_audit", 40.0)
    world.following.look_again()
    message = {"event_id": "e", "effect": "persist_audit", "ms": 40.0}
    assert world.hears() == [("a", message), ("b", message)]
    world.following.look_again()
    assert world.hears() == []


def test_that_more_pages_were_told_is_told_for_a_second_and_then_nothing_is_looked_for(world: World) -> None:
    world.put("e", "broadcast", 12.0)
    assert world.following.follow("a", ["e"])["settled"] == [{"event_id": "e", "effect": "broadcast", "ms": 12.0}]
    for pages in (4, 9):
        world.now += 0.3
        world.put("e", "broadcast", 12.0, pages=pages)
        world.following.look_again()
        assert world.hears() == [("a", {"event_id": "e", "effect": "broadcast", "ms": 12.0, "pages": pages})]
    world.now += 1.0
    world.following.look_again()
    assert world.following.pause() is None


@pytest.mark.parametrize("state", ["dead", "discarded"])
def test_what_is_given_up_or_unknown_is_not_waited_for(world: World, state: str) -> None:
    world.put("e", "persist_audit", state=state)
    assert world.following.follow("a", ["e", "unknown"]) == {"settled": [], "pending": []}
    assert world.following.pause() is None


def test_looks_become_rarer_and_end_after_a_minute_or_with_the_connection(world: World) -> None:
    for event in ("e", "f"):
        world.put(event, "persist_audit")
    world.following.follow("a", ["e"])
    world.following.follow("b", ["f"])
    assert world.following.pause() == SOONEST
    world.now = 5.0
    assert world.following.pause() == pytest.approx(0.5)
    world.now = FOLLOWED_FOR - 1
    assert world.following.pause() == LATEST
    world.following.leave("b")
    world.looks.clear()
    world.following.look_again()
    assert world.looks == [["e"]]
    world.now = FOLLOWED_FOR + 1
    world.following.look_again()
    assert world.following.pause() is None


def test_of_more_events_than_it_may_a_connection_follows_the_latest(world: World) -> None:
    events = [f"{number:04}" for number in range(MAX_FOLLOWED + 20)]
    for event in events:
        world.put(event, "persist_audit")
    for event in events:
        world.following.follow("a", [event])
    world.looks.clear()
    world.following.look_again()
    assert world.looks == [events[20:]]
