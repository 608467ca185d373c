"""What the sweep wakes, what an invalidation survives, and in which order an effect does its work."""

from collections.abc import Callable, Sequence
from copy import copy
from itertools import groupby
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from app.cache.manager import FRESH_FOR, Invalidation
from app.container import Container
from app.contract import cache_keys, rooms
from app.contract.events import Actor
from app.contract.task_names import Effect
from app.services.intent import Intent
from app.sync import publisher
from app.sync.consistency import CONFIRM_AFTER, SWEEP_EVERY, SWEEP_IDLE_EVERY

Query = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def change(container: Container, actor: Actor, new_part: Callable[..., int], query: Query) -> tuple[int, int]:
    """A change of stock, whose deliveries are the only ones owed: the part's id and the event's."""
    part = new_part()
    container.parts.adjust_stock_with_sync(Intent(actor, reason="counted"), part, 1)
    (event,) = query("SELECT max(id) AS id FROM outbox_events WHERE aggregate_type = 'part' AND aggregate_id = :part", part=part)
    # Not marked as done: they have left no records.
    query("DELETE FROM outbox_deliveries WHERE state <> 'done' AND event_id <> :id", id=event["id"])
    return part, event["id"]


def test_the_sweep_wakes_whoever_has_left_something_due(
    container: Container, change: tuple[int, int], query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    query("UPDATE outbox_deliveries SET next_attempt_at = now() - interval '1 minute' WHERE event_id = :id", id=change[1])
    woken: set[str] = set()
    monkeypatch.setattr(container.wake_ups, "request", woken.update)
    container.consistency.sweep()
    assert {Effect.BROADCAST, Effect.PERSIST_AUDIT} <= woken


@pytest.mark.parametrize(
    ("is_fresh", "is_idle", "wakes", "every"),
    [
        (True, False, [True, False, True, False], SWEEP_EVERY),
        (True, True, [True, True, True, True], SWEEP_IDLE_EVERY),
        # Whoever comes first should not find the database alone.
        (False, True, [True, False, True, False], SWEEP_EVERY),
    ],
    ids=["busy", "idle", "idle without the cache"],
)
def test_a_process_that_nobody_is_connected_to_sweeps_less_often(
    container: Container, monkeypatch: pytest.MonkeyPatch, is_fresh: bool, is_idle: bool, wakes: list[bool], every: float
) -> None:
    # Not the one that sweeps for the other tests.
    consistency, woke, pauses = copy(container.consistency), list[bool](), list[float]()

    def pause(seconds: float) -> bool:
        pauses.append(seconds)
        return len(pauses) == len(wakes)

    monkeypatch.setattr(consistency, "_cache", SimpleNamespace(is_fresh=is_fresh))
    monkeypatch.setattr(consistency, "sweep", lambda *, wakes: woke.append(wakes))
    monkeypatch.setattr(consistency, "_stopping", SimpleNamespace(wait=pause))
    consistency._sweep_until_stopped(lambda: is_idle)
    assert (woke, pauses) == (wakes, [every] * len(wakes))


def test_the_first_to_come_to_an_idle_process_finds_the_cache_in_use() -> None:
    assert SWEEP_EVERY < SWEEP_IDLE_EVERY < CONFIRM_AFTER < FRESH_FOR


@pytest.mark.usefixtures("unswept")
def test_an_invalidation_that_fails_for_the_thousandth_time_is_tried_again(
    container: Container, change: tuple[int, int], query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, event_id = change
    own = {"id": event_id, "effect": Effect.INVALIDATE_CACHE}
    query(
        "UPDATE outbox_deliveries SET state = 'pending', attempts = 999, next_attempt_at = now()"
        " WHERE event_id = :id AND effect = :effect", **own,
    )  # fmt: skip

    def fails(_invalidations: Sequence[Invalidation]) -> None:
        raise ValueError("bad event")

    monkeypatch.setattr(container.cache, "invalidate", fails)
    container.deliveries.deliver(Effect.INVALIDATE_CACHE)
    (row,) = query("SELECT state, attempts FROM outbox_deliveries WHERE event_id = :id AND effect = :effect", **own)
    assert row == {"state": "pending", "attempts": 1000}


def test_of_several_changes_pages_are_told_the_newest_alone(
    container: Container, actor: Actor, new_part: Callable[..., int], deliver: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    part = new_part()
    deliver()
    for _ in range(3):
        container.parts.adjust_stock_with_sync(Intent(actor, reason="counted"), part, 1)
    told: list[dict[str, Any]] = []
    monkeypatch.setattr("redis.client.Pipeline.publish", lambda _self, _channel, message: told.append(orjson.loads(message)))
    container.deliveries.deliver(Effect.BROADCAST)
    own = [message["data"][0] for message in told if message["room"] == rooms.part_room(part)]
    assert [(event["version"], event["data"]["current_stock"]) for event in own] == [(4, 13)]


def test_panels_are_told_of_a_bulk_of_changes_with_one_message_and_pages_of_their_own_parts(
    container: Container, actor: Actor, new_part: Callable[..., int], deliver: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = [new_part() for _ in range(4)]
    deliver()
    monkeypatch.setattr(publisher, "BULK", 3)

    def messages() -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = []
        with monkeypatch.context() as patched:
            patched.setattr("redis.client.Pipeline.publish", lambda _self, _channel, message: told.append(orjson.loads(message)))
            container.deliveries.deliver(Effect.BROADCAST)
        return told

    for count in (3, 4):
        for part in parts[:count]:
            container.parts.adjust_stock_with_sync(Intent(actor, reason="counted"), part, 1)
        told = messages()
        staff = [(message["event"], message["data"]) for message in told if message["namespace"] == rooms.ADMIN]
        assert {message["room"] for message in told} >= {rooms.part_room(part) for part in parts[:count]}
        if count == 3:
            assert [event for event, _ in staff] == ["stock.updated"] * 3
        else:
            assert staff == [("resync", [{}])]


@pytest.mark.usefixtures("unswept")
def test_pages_are_told_of_a_change_only_after_the_cache_has_been(
    container: Container, change: tuple[int, int], query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    part, event_id = change
    query("UPDATE outbox_deliveries SET state = 'pending', next_attempt_at = now() WHERE event_id = :id", id=event_id)
    order: list[str] = []

    def invalidate(invalidations: Sequence[Invalidation]) -> None:
        order.extend("invalidated" for one in invalidations if cache_keys.part_stock(part) in one.bodies)

    def publish(_pipeline: object, _channel: str, message: bytes) -> None:
        order.append("told" if f"part:{part}".encode() in message else "")

    monkeypatch.setattr(container.cache, "invalidate", invalidate)
    monkeypatch.setattr("redis.client.Pipeline.publish", publish)
    container.deliveries.deliver(Effect.BROADCAST)
    # The part's creation may be in the same batch.
    assert [step for step, _same in groupby(filter(None, order))] == ["invalidated", "told"]
