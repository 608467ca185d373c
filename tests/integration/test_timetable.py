"""Beat's timetable, and what a worker makes of its ticks."""

import gc
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from celery import Celery
from celery.signals import celeryd_init

from app.contract.task_names import APPLY_PRICE_DATES
from workers import tasks
from workers.celery_app import app
from workers.timetable import Timetable


@pytest.fixture
def sent() -> list[str]:
    return []


@pytest.fixture
def timetable(sent: list[str], tmp_path: Path) -> Timetable:
    beat = Celery(set_as_current=False, broker="memory://")
    beat.conf.beat_schedule = {"often": {"task": "often", "schedule": 1.0}, "seldom": {"task": "seldom", "schedule": 60.0}}
    made = Timetable(app=beat, schedule_filename=str(tmp_path / "schedule"))
    made.apply_async = lambda entry, **_options: sent.append(entry.task)  # type: ignore[method-assign]
    return made


def moved(timetable: Timetable, seconds: float) -> None:
    """Let everything have been sent so many seconds from now, as the clock was before it was set back."""
    for entry in timetable.schedule.values():
        entry.last_run_at = timetable.app.now() + timedelta(seconds=seconds)


def test_a_clock_that_is_set_back_keeps_beat_from_nothing(timetable: Timetable, sent: list[str]) -> None:
    timetable.tick()
    moved(timetable, 3600)
    timetable._heap = None
    pause = timetable.tick()
    assert pause <= 1.0
    # As if as long had passed as either waits for; the one that is often due is not always first.
    for entry in timetable.schedule.values():
        entry.last_run_at -= timedelta(seconds=61)
    timetable._heap = None
    for _ in range(2):
        timetable.tick()
    assert sorted(sent) == ["often", "seldom"]


def test_ticks_that_piled_up_are_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    applied: list[str] = []
    doing = SimpleNamespace(
        wake_ups=SimpleNamespace(taken=lambda _name: None), price_dates=SimpleNamespace(apply=lambda: applied.append("dates"))
    )
    monkeypatch.setattr(tasks, "container", lambda: doing)
    monkeypatch.setattr(tasks, "_ticked", {})
    for _ in range(5):
        tasks.apply_price_dates.apply(headers={"celery_beat_task": True})
    assert len(applied) == 1
    # A wake-up is never too soon: it says that something is due.
    tasks.apply_price_dates.apply()
    assert len(applied) == 2


def test_what_a_worker_has_loaded_before_it_forks_is_not_collected_in_its_children() -> None:
    try:
        celeryd_init.send("worker")
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


def test_no_message_carries_a_time_by_which_another_machine_would_judge_it(
    container: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages: list[Any] = []
    monkeypatch.setattr(app.amqp, "send_task_message", lambda _producer, _name, message, **_options: messages.append(message))
    for entry in app.conf.beat_schedule.values():
        app.send_task(entry["task"], **entry["options"])
    container.wake_ups._sender = app
    assert container.wake_ups.send_now([APPLY_PRICE_DATES])
    assert len(messages) == len(app.conf.beat_schedule) + 1
    assert {message.headers["expires"] for message in messages} == {None}
