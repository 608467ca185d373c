"""Counts what each caller costs a web process, in processor time, whatever it asks for: at each switch between green threads.

Imported only after eventlet has patched the process. Thread time and not the clock's: a process that the machine keeps waiting
would count that to whoever it served just then.
"""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

import greenlet  # type: ignore[import-untyped]  # publishes no types

from app.domain.fairness import Spending


class Meter:
    """Counts what the calling thread, an event loop, does for whom.

    Args:
        spending: is told.
    """

    def __init__(self, spending: Spending) -> None:
        self._spending = spending
        self._since = time.thread_time()
        spending.serves = self.serve
        greenlet.settrace(self._switched)

    def serve(self, caller: str) -> None:
        """What this green thread does from now on is for a caller, or for nobody."""
        current = greenlet.getcurrent()
        self._settle(current)
        current.serves = caller

    def task_of(self, target: Callable[..., Any]) -> Callable[..., Any]:
        """Return a task for another green thread, for whom this one serves."""
        return partial(self._serving, getattr(greenlet.getcurrent(), "serves", ""), target)

    def _serving(self, caller: str, target: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        self.serve(caller)
        return target(*arguments, **options)

    def _switched(self, _event: str, threads: tuple[Any, Any]) -> None:
        self._settle(threads[0])

    def _settle(self, thread: Any) -> None:
        now = time.thread_time()
        if caller := getattr(thread, "serves", ""):
            self._spending.spent(caller, now - self._since)
        self._since = now
