"""A search for a sequence of steps after which the cache serves something older than an acknowledged write."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from redis import Redis

import app.cache.manager
from app.cache import loads
from tests.integration.cache_machine import CacheMachine, stop


@pytest.fixture(autouse=True)
def _no_blocking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Readers that find another one loading let the machine go on instead of blocking its only thread."""

    def ended(load: loads._Load) -> bool:
        while not load._ended.is_set():
            stop()
        return True

    monkeypatch.setattr(app.cache.manager, "WAITS", ())
    monkeypatch.setattr(loads, "AT_ONCE", 1000)
    monkeypatch.setattr(loads._Load, "ended", ended)


def test_no_history_makes_the_cache_serve_less_than_what_was_acknowledged_before_the_read(scratch: Redis) -> None:
    CacheMachine.client = scratch
    limits = settings(
        max_examples=200, stateful_step_count=30, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    run_state_machine_as_test(CacheMachine, settings=limits)
