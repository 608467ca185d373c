"""`python -m devserver.guardian RUN_DIRECTORY`: ends the children of a supervisor that was killed.

It is begun when the supervisor has ended (`devserver.tenancy`), and kills every process that still has a pid file. After an
orderly stop there are none.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from devserver.metrics import forget_metrics
from devserver.process import is_alive

_SHUTDOWN_SECONDS = 30.0


def end_all(run_directory: Path) -> None:
    """Kill the process groups of all pid files; PostgreSQL comes last and may first write its data."""
    pids = {file.stem: int(file.read_text()) for file in run_directory.glob("*.pid")}
    postmaster = {pid for name, pid in pids.items() if name == "postgres"}
    others = set(pids.values()) - postmaster
    _kill_groups(others)
    for pid in postmaster:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + _SHUTDOWN_SECONDS
    while any(is_alive(pid) for pid in pids.values()) and time.monotonic() < deadline:
        time.sleep(0.02)
    _kill_groups(postmaster)
    for file in run_directory.glob("*.pid"):
        file.unlink(missing_ok=True)
    # They may be in memory, which nobody else would release.
    forget_metrics(run_directory / "metrics")


def _kill_groups(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


if __name__ == "__main__":
    end_all(Path(sys.argv[1]))
