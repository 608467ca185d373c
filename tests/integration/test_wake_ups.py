"""Wake-ups whose broker is down for a while."""

from app.contract.task_names import Effect
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
