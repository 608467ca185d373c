"""Wake-ups whose broker is down for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from app.container import Container, cache_client
from app.contract.task_names import Effect
from app.sync.wakeup import WakeUps
from bench.system import wait_until


class Broker:
    """A broker that can be switched off."""

    def __init__(self) -> None:
        self.is_up = True
        self.taken: list[str] = []

    def send_task(self, name: str, **_options: Any) -> None:
        """Take a message.

        Raises:
            ConnectionError: while it is down.
        """
        if not self.is_up:
            raise ConnectionError("down")
        self.taken.append(name)

    @contextmanager
    def down(self) -> Iterator[None]:
        """Be down while the block runs."""
        self.is_up = False
        yield
        self.is_up = True


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def wake_ups(container: Container, broker: Broker) -> WakeUps:
    # Without the flags, which other tests' processes set too.
    return WakeUps(broker, cache_client("unix:///nowhere.sock"), "", container.monitoring)


def test_a_process_notices_the_brokers_return_although_nothing_else_happens(wake_ups: WakeUps, broker: Broker) -> None:
    with broker.down():
        for effect in Effect:
            wake_ups.request([effect])
        assert wait_until(lambda: not wake_ups.broker_answers)
    assert wait_until(lambda: wake_ups.broker_answers)
    assert wait_until(lambda: {effect.task for effect in Effect} <= set(broker.taken))
