"""`python -m tests.integration.traced_web REPORT`: a web process that adds to REPORT whatever ran on its event loop for too long.

It counts the processor time of the loop's own thread between two switches of green threads, so neither a busy machine nor work
in other threads disturbs the measurement.
"""

import runpy
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Any

import greenlet

from config import REPOSITORY

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import eventlet.wsgi

# Seconds that anything may run before the others get their turn. Our own aim is a tenth of that.
BOUND = 0.1


def trace_to(report: Path) -> None:
    """Watch the switches of the calling thread from now on."""
    began = time.thread_time()

    def switched(_event: str, threads: tuple[greenlet.greenlet, greenlet.greenlet]) -> None:
        nonlocal began
        ran = time.thread_time() - began
        if ran > BOUND:
            where = threads[0].gr_frame
            with report.open("a") as out:
                out.write(f"{ran * 1000:.0f} ms, then at:\n{''.join(traceback.format_stack(where)) if where else 'its end'}\n")
        began = time.thread_time()

    greenlet.settrace(switched)


class TracedServer(eventlet.wsgi.Server):  # type: ignore[misc] # eventlet is untyped
    """The HTTP server, whose creation is the last step of starting."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        trace_to(Path(sys.argv[1]))


if __name__ == "__main__":
    eventlet.wsgi.Server = TracedServer
    runpy.run_path(str(REPOSITORY / "wsgi.py"), run_name="__main__")
