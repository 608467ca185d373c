"""Runs a worker or beat: `python -m workers live|records|beat`.

`celery -A workers.celery_app worker` does as well. But Celery's command line loads Flower and a shell for queues, whatever it is
to do, and each process keeps 17 MB of them.
"""

import socket
import sys
from typing import Any

from app.contract.task_names import LIVE_QUEUE, RECORDS_QUEUE
from workers.celery_app import app

# `live` has no children: its tasks are short, and a task handed to a child would come later.
_WORKERS: dict[str, dict[str, Any]] = {
    "live": {"queues": [LIVE_QUEUE], "pool_cls": "solo"},
    "records": {"queues": [RECORDS_QUEUE]},
}


def main(name: str) -> int | None:
    """Run a worker, or beat, until it is told to stop; return its exit code."""
    if name == "beat":
        app.Beat(loglevel="WARNING", quiet=True).run()
        return None
    # Imported here because beat needs none of it.
    from workers.worker import Worker

    # Celery starts a worker anew with these words if it gets a SIGHUP.
    sys.argv[:1] = ["-m", "workers"]
    worker = Worker(
        hostname=f"{name}@{socket.gethostname()}", loglevel="WARNING", quiet=True, without_gossip=True, without_mingle=True,
        **_WORKERS[name],
    )  # fmt: skip
    worker.start()
    exitcode: int | None = worker.exitcode
    return exitcode


if __name__ == "__main__":
    if sys.argv[1:] not in (["live"], ["records"], ["beat"]):
        sys.exit("Name one of live, records and beat: python -m workers live")
    sys.exit(main(sys.argv[1]))
