"""`python -m tests.integration.broken_worker loses|fails`: a records worker that breaks.

The one that `loses` tasks believes that it has as many as it may have, as if it had not heard of their ends; its heart beats. The
other one `fails` while that task runs, by an error that Celery does not expect.
"""

import sys
import time
from typing import Any

from celery.signals import task_received, worker_ready
from kombu.transport.virtual import QoS

from workers import worker
from workers.__main__ import main
from workers.celery_app import app

LONG = 120.0
# Celery's worker has other arguments.
FAULT = sys.argv[1]
worker.EVERY, worker.LOOKS = 0.2, 3


@app.task(name="tests.slow")
def slow() -> None:
    """Take longer than a test has patience, if it is to be left unfinished."""
    time.sleep(LONG if FAULT == "fails" else 0)


@worker_ready.connect
def lose(**_signal: Any) -> None:
    """Take no task from now on."""
    if FAULT == "loses":
        QoS.can_consume = lambda _self: False


@task_received.connect
def fail(sender: Any, **_signal: Any) -> None:
    """Fail in a moment, when a child works on the task."""
    if FAULT == "fails":
        sender.hub.call_later(1.0, collapse)


def collapse() -> None:
    """Raise what Celery's loop lets through, and does not recover from."""
    raise AssertionError("nobody expects this")


if __name__ == "__main__":
    sys.exit(main("records"))
