"""A worker that ends by itself when it cannot do its work any more: its supervisor starts another, which does what was left.

Celery's own loop may wait for what never comes, count messages that it has lost, or take half a minute to stop after an error
that it does not expect. None of that ends the process, and its heart may go on beating.
"""

import os
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

import structlog
from celery.platforms import EX_FAILURE
from celery.signals import heartbeat_sent, task_received, worker_ready
from celery.worker import state

from workers.celery_app import app

log = structlog.get_logger()

# Seconds between two looks, and how many in a row must find that tasks wait and none is taken. Together somewhat longer than a
# task may take (`celeryconfig.task_soft_time_limit`): meanwhile a worker without children takes no others, and its heart stands
# still.
EVERY, LOOKS = 10.0, 7
# A heart that has not beaten for so many seconds stands still.
BEATS_WITHIN = 10.0


def end() -> None:
    """End this process and its children, as a power cut would."""
    # Imported here because hardly anybody needs it.
    import psutil  # type: ignore[import-untyped]  # publishes no types

    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()
    os._exit(1)


def are_waiting(queues: Collection[str]) -> bool:
    """Return whether tasks wait in any of some queues, as far as the broker says so."""
    with app.connection_for_read() as connection:
        try:
            channel: Any = connection.channel()
            # Not `passive`: kombu does not find a queue of Valkey then whose name has our prefix.
            return any(channel.queue_declare(queue, durable=True, auto_delete=False).message_count for queue in queues)
        except connection.recoverable_connection_errors as error:
            log.debug("not known whether tasks wait", queues=queues, error=str(error))
            return False


class Watch:
    """Looks whether a worker takes tasks.

    Args:
        are_waiting: says whether there are any for it.
        end: ends the worker.
    """

    def __init__(self, are_waiting: Callable[[], bool], end: Callable[[], None] = end) -> None:
        self._are_waiting = are_waiting
        self._end = end
        self._has_taken = False
        self._beat = time.monotonic()
        self._in_vain = 0
        self._has_started = False

    def start(self, **_signal: Any) -> None:
        """Look from now on, in a thread of its own: the main one may hang. A worker is ready anew with each connection."""
        if self._has_started:
            return
        self._has_started = True
        task_received.connect(self.take, weak=False)
        heartbeat_sent.connect(self.beat, weak=False)
        threading.Thread(target=self._run, name="watch", daemon=True).start()

    def take(self, **_signal: Any) -> None:
        """Note that the worker has taken a task."""
        self._has_taken = True

    def beat(self, **_signal: Any) -> None:
        """Note that the worker's heart beats."""
        self._beat = time.monotonic()

    def look(self) -> None:
        """Look once, and end the worker if it was in vain too often."""
        has_taken, self._has_taken = self._has_taken, False
        is_working = bool(state.active_requests) and time.monotonic() - self._beat < BEATS_WITHIN
        self._in_vain = self._in_vain + 1 if not (has_taken or is_working) and self._are_waiting() else 0
        if self._in_vain >= LOOKS:
            log.error("no task was taken, although there are some; this worker ends", seconds=EVERY * LOOKS)
            self._end()

    def _run(self) -> None:
        while True:
            time.sleep(EVERY)
            try:
                self.look()
            except Exception:
                # Nothing may end the thread; the next look tries again.
                log.exception("not known whether this worker takes tasks")


class Worker(app.Worker):  # type: ignore[misc, name-defined]  # made by Celery for its application
    """Celery's worker, watched; after an error with which it cannot go on, it does not wait for its children."""

    def start(self) -> None:
        """Work until it is told to stop."""
        watch = Watch(lambda: are_waiting(self.app.amqp.queues.consume_from))
        worker_ready.connect(watch.start, weak=False)
        super().start()

    def stop(self, in_sighandler: bool = False, exitcode: int | None = None) -> None:  # noqa: FBT001, FBT002 — as Celery calls it
        """Stop, with an exit code if given."""
        if exitcode == EX_FAILURE:
            end()
        super().stop(in_sighandler=in_sighandler, exitcode=exitcode)
