"""Limits how much heavy work runs at a time. Uses the locks of `threading`, which eventlet has patched in a web process."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.domain.errors import BusyError


class Turns:
    """Lets a few callers do long work at a time; some more wait for their turn, and the rest are told to come back.

    Args:
        at_once: how many work at a time.
        waiting: how many may wait.
        patience: how many seconds they wait.
    """

    def __init__(self, at_once: int, waiting: int, patience: float) -> None:
        self._working = threading.BoundedSemaphore(at_once)
        self._places = threading.BoundedSemaphore(at_once + waiting)
        self._patience = patience

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and hold it while the block runs.

        Raises:
            BusyError: too many are waiting, or the turn did not come in time.
        """
        if not self._places.acquire(blocking=False):
            raise BusyError
        try:
            if not self._working.acquire(timeout=self._patience):
                raise BusyError
            try:
                yield
            finally:
                self._working.release()
        finally:
            self._places.release()


class SharedWork:
    """Work whose result serves every caller that asked before it began. Nobody gets a result older than their request.

    After each run it rests nine times as long as that took, `_MAX_REST` at most, so that it uses a tenth of the time.
    """

    _SHARE = 10
    # Seconds; if the work would need a longer rest, it was slowed down by other load.
    _MAX_REST = 1.0

    def __init__(self, work: Callable[[], bytes]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._began = self._rests_until = float("-inf")
        self._result = b""

    def result(self) -> bytes:
        """Return the result of work that began after this call."""
        asked = time.monotonic()
        with self._lock:
            if self._began < asked:
                time.sleep(max(0.0, self._rests_until - asked))
                began = time.monotonic()
                self._result = self._work()
                self._began = began
                ended = time.monotonic()
                self._rests_until = ended + min(self._MAX_REST, (ended - began) * (self._SHARE - 1))
            return self._result
