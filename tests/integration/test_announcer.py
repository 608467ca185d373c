"""The process that commits tells open pages itself, and wakes a worker for what it cannot or should not tell."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from app.container import Container
from app.contract.events import Actor
from app.contract.task_names import Effect
from app.services.intent import Intent
from app.sync import announcer
from app.sync.announcer import Announcer
from app.sync.wakeup import WakeUps
from bench.system import wait_until
from tests.integration.conftest import Broker

Query = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def untold(
    container: Container, actor: Actor, new_part: Callable[..., int], deliver: Callable[[], None], query: Query
) -> Iterator[Callable[[], int]]:
    """Two changes that pages have not been told of; the callable counts those left."""
    part = new_part()
    deliver()
    for _ in range(2):
        container.parts.adjust_stock_with_sync(Intent(actor, reason="counted"), part, 1)

    def left() -> int:
        [row] = query("SELECT count(*) AS n FROM outbox_deliveries WHERE effect = 'broadcast' AND state = 'pending'")
        return int(row["n"])

    assert left() == 2
    yield left
    deliver()


def test_broadcasts_are_delivered_without_a_worker_and_everything_else_is_not(
    container: Container, wake_ups: WakeUps, broker: Broker, untold: Callable[[], int]
) -> None:
    Announcer(container.deliveries, wake_ups).start()
    wake_ups.request([Effect.BROADCAST, Effect.PERSIST_AUDIT])
    assert wait_until(lambda: untold() == 0)
    assert wait_until(lambda: broker.taken == [Effect.PERSIST_AUDIT.task])


def test_a_backlog_is_left_to_a_worker(
    container: Container, wake_ups: WakeUps, broker: Broker, untold: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcer, "AT_ONCE", 1)
    Announcer(container.deliveries, wake_ups).announce()
    assert (untold(), broker.taken) == (1, [Effect.BROADCAST.task])


def test_what_a_process_fails_to_tell_is_left_to_a_worker(
    container: Container, wake_ups: WakeUps, broker: Broker, untold: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: object) -> None:
        raise RuntimeError("what nobody has thought of")

    monkeypatch.setattr("app.sync.delivery.outbox.claim", fails)
    Announcer(container.deliveries, wake_ups).announce()
    monkeypatch.undo()
    assert (untold(), broker.taken) == (2, [Effect.BROADCAST.task])
