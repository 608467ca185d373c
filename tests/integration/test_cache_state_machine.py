"""A search for a sequence of steps after which the cache serves something older than an acknowledged write."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from redis import Redis

import app.cache.manager
from tests.integration.cache_machine import CacheMachine


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers that find another one loading do not wait for it: in a single thread nothing would happen in the meantime."""
    monkeypatch.setattr(app.cache.manager, "WAITS", ())


def test_no_history_makes_the_cache_serve_less_than_what_was_acknowledged_before_the_read(scratch: Redis) -> None:
    CacheMachine.client = scratch
    limits = settings(
        max_examples=200, stateful_step_count=30, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(CacheMachine, settings=limits)
