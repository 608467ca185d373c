"""Who has which part open, over several web processes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from redis import Redis

from app.container import Container
from app.contract.messages.staff import PresenceEvent
from app.live import admin, presence
from app.live.admin import AdminNamespace
from app.live.budgets import PANEL_PER_CONNECTION
from app.live.presence import MAX_OPEN, Presence
from app.services.authentication import Authenticator, Principal
from app.services.offload import at_once
from bench.system import wait_until
from tests.messages import wrong_in_answer, wrong_in_message

ANA, BEN = {"id": 1, "name": "Ana"}, {"id": 2, "name": "Бен"}
LONG = 600.0


@pytest.fixture
def told() -> list[PresenceEvent]:
    """What panels have been told."""
    return []


@pytest.fixture
def process(scratch: Redis, told: list[PresenceEvent]) -> Callable[..., Presence]:
    """Make what one web process knows, with connections that have come."""

    def make(*connections: str, lifetime: float = LONG) -> Presence:
        made = Presence(scratch, "shop:", told.append, lifetime)
        for connection in connections:
            made.enter(connection)
        return made

    return make


def who(people: Any) -> list[tuple[str, str | None]]:
    return [(one["name"], one["field"]) for one in people]


def test_everybody_who_has_a_part_open_in_any_process_is_named_until_they_close_it(
    process: Callable[..., Presence], told: list[PresenceEvent]
) -> None:
    here, there = process("a"), process("b", "c")
    assert who(here.open("a", 17, ANA, "part_name")) == [("Ana", "part_name")]
    assert who(there.open("b", 17, BEN, None)) == [("Ana", "part_name"), ("Бен", None)]
    there.open("c", 18, BEN, None)
    assert [(one["part_id"], len(one["people"])) for one in told] == [(17, 1), (17, 2), (18, 1)]
    assert [fault for one in told for fault in wrong_in_message("/admin", "presence", one)] == []
    # A beat changes nothing, so nobody is told; another field does, and is not a new beginning.
    since = told[1]["people"][0]["since"]
    here.open("a", 17, ANA, "part_name")
    assert len(told) == 3
    here.open("a", 17, ANA, "description")
    assert (who(told[-1]["people"]), told[-1]["people"][0]["since"]) == ([("Ana", "description"), ("Бен", None)], since)
    here.close("a", 17)
    assert who(told[-1]["people"]) == [("Бен", None)]
    here.close("a", 17)
    assert len(told) == 5
    there.leave("b")
    assert told[-1] == {"part_id": 17, "people": []}
    there.leave("c")
    assert told[-1] == {"part_id": 18, "people": []}


def test_a_person_with_two_panels_is_named_once_for_each_field(process: Callable[..., Presence]) -> None:
    here = process("a", "b", "c")
    first = here.open("a", 17, ANA, None)[0]
    assert here.open("b", 17, ANA, None) == [first]
    assert who(here.open("c", 17, ANA, "slug")) == [("Ana", None), ("Ana", "slug")]


def test_whoever_says_nothing_any_more_is_forgotten_and_one_process_tells_of_it(
    process: Callable[..., Presence], told: list[PresenceEvent], scratch: Redis
) -> None:
    dead, here, there = process("a"), process("b", lifetime=0.2), process("c", lifetime=0.2)
    dead.open("a", 17, ANA, None)
    assert wait_until(lambda: here.sweep() or there.sweep() or len(told) > 1)
    assert told == [told[0], {"part_id": 17, "people": []}]
    # Nothing is left behind, and what is there expires by itself.
    assert scratch.keys() == []
    here.open("b", 18, BEN, None)
    expiring = {key for key in scratch.scan_iter() if 0 < scratch.pttl(key) <= 400}
    assert expiring == {b"shop:presence", b"shop:presence:18"} == {*scratch.scan_iter()}


def test_a_connection_that_ends_while_its_part_is_being_opened_leaves_nothing(
    process: Callable[..., Presence], scratch: Redis
) -> None:
    here = process("a")
    here.leave("a")
    here.open("a", 17, ANA, None)
    assert scratch.keys() == []


@pytest.fixture
def panel(container: Container, monkeypatch: pytest.MonkeyPatch) -> AdminNamespace:
    """The namespace as one connected panel calls it."""
    monkeypatch.setattr(admin, "_sid", lambda: "panel")
    authenticator = Authenticator(
        container.engine, container.reading, at_once, container.second_factors.check, timedelta(hours=8)
    )
    made = AdminNamespace("/admin", container, authenticator)
    made.standing.admit("panel", Principal(1, "ana@shop.example", "Ana", "viewer", None, "digest"), 0.0)
    made.presence.enter("panel")
    return made


def answered(panel: AdminNamespace, event: str, body: Any) -> dict[str, Any]:
    answer: Any = getattr(panel, f"on_{event}")(body)
    assert wrong_in_answer("/admin", event, answer) == []
    return dict(answer)


@pytest.mark.parametrize(
    "body",
    [
        None, {}, [], 17, {"part_id": "17"}, {"part_id": 0}, {"part_id": 2**31}, {"part_id": 1.5}, {"part_id": 1, "more": 1},
        *({"part_id": 1, "field": field} for field in ("", "a b", "x" * 101, 5)),
    ],
)  # fmt: skip
def test_a_message_that_is_malformed_is_refused(body: Any, panel: AdminNamespace) -> None:
    assert answered(panel, "open", body)["error"]["code"] == "invalid"
    if not isinstance(body, dict) or "field" not in body:
        assert answered(panel, "close", body)["error"]["code"] == "invalid"
    assert panel.presence.opened("panel") == set()


def test_a_panel_has_so_many_parts_open_and_says_so_so_often(panel: AdminNamespace) -> None:
    for part_id in range(1, MAX_OPEN + 1):
        assert who(answered(panel, "open", {"part_id": part_id, "field": "slug"})["people"]) == [("Ana", "slug")]
    assert answered(panel, "open", {"part_id": 99})["error"]["code"] == "too_many_parts"
    assert answered(panel, "close", {"part_id": 1}) == {"open": MAX_OPEN - 1}
    answers = [answered(panel, "open", {"part_id": 2}) for _ in range(round(PANEL_PER_CONNECTION.at_once))]
    assert answers[-1]["error"]["code"] == "busy"
    assert answers[-1]["error"]["retry_after"] > 0


def test_without_the_server_nobody_is_named_and_the_panel_is_told_to_say_so_later(
    panel: AdminNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Redis(port=1, socket_connect_timeout=0.1) as nowhere:
        monkeypatch.setattr(panel, "presence", Presence(nowhere, "", lambda _presence: None))
        panel.presence.enter("panel")
        assert answered(panel, "open", {"part_id": 17})["error"]["code"] == "busy"
        assert answered(panel, "close", {"part_id": 17}) == {"open": 0}
        answered(panel, "open", {"part_id": 17})
        panel.presence.leave("panel")


def test_a_silent_thread_of_presence_goes_on_whatever_happens(
    process: Callable[..., Presence], told: list[PresenceEvent], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "SWEEP_EVERY", 0.01)
    here = process("a", lifetime=0.1)
    sweep, failures = here.sweep, [ConnectionError("on purpose"), ValueError("on purpose")]

    def stumble() -> None:
        if failures:
            raise failures.pop()
        sweep()

    monkeypatch.setattr(here, "sweep", stumble)
    here.open("a", 17, ANA, None)
    here.start()
    assert wait_until(lambda: len(told) == 2)
