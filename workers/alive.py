"""Whether a worker or beat lives, for whoever watches over it from outside: `python -m workers.alive live|records|beat`.

It exits with 0 if the worker of that name on this machine, or beat, has said so lately, and with 1 if not. Containers have no
other way to ask: a worker with one process answers nobody while it works.
"""

import socket
import sys

from app.sync.heartbeats import WORKER_KEPT
from workers.heartbeat import heartbeats


def complaint(name: str) -> str | None:
    """Return what is wrong; None if the worker of that name on this machine, or beat, is alive."""
    heard = heartbeats().heard()
    if heard is None:
        return "Nobody knows: Valkey does not answer."
    if name == "beat":
        alive = heard.beat_seconds is not None and heard.beat_seconds < WORKER_KEPT
    else:
        name = f"{name}@{socket.gethostname()}"
        alive = name in {worker.name for worker in heard.workers}
    return None if alive else f"{name} has said nothing for {WORKER_KEPT} s."


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("Name one of live, records and beat: python -m workers.alive beat")
    sys.exit(complaint(sys.argv[1]))
