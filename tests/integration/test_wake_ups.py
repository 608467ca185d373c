"""Wake-ups whose broker is down for a while."""

import pytest

from app.contract.task_names import Effect
from app.sync import wakeup
from app.sync.wakeup import WakeUps
from bench.system import wait_until
from tests.integration.conftest import Broker


def test_a_process_notices_the_brokers_return_although_nothing_else_happens(wake_ups: WakeUps, broker: Broker) -> None:
    with broker.down():
        for effect in Effect:
            wake_ups.request([effect])
        assert wait_until(lambda: not wake_ups.broker_answers)
    assert wait_until(lambda: wake_ups.broker_answers)
    assert wait_until(lambda: {effect.task for effect in Effect} <= set(broker.taken))


def test_records_of_many_writes_wake_a_worker_once_while_pages_never_wait(
    wake_ups: WakeUps, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeup, "RECORDS_EVERY", 2.0)
    records, pages = Effect.PERSIST_AUDIT.task, Effect.BROADCAST.task
    for number in range(1, 4):
        wake_ups.request([Effect.PERSIST_AUDIT])
        wake_ups.request([Effect.BROADCAST])
        assert wait_until(lambda number=number: broker.taken.count(pages) == number)
    assert broker.taken.count(records) == 1
    # What came meanwhile is not forgotten.
    assert wait_until(lambda: broker.taken.count(records) == 2)
