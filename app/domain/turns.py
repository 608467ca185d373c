"""Limits how much heavy work runs at a time. Uses the locks of `threading`, which eventlet has patched in a web process."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.domain.errors import BusyError


class Turns:
    """Lets a few callers do long work at a time; some more wait for their turn, and the rest are told to come back.

    A burst may wait. If somebody has been waiting throughout the last `patience` seconds, more is asked than can be done, and who
    waits only makes everybody wait as long: then `standing` is the longest wait (Maurer, "Fail at scale", ACM Queue 2015, after
    CoDel).

    Args:
        at_once: how many work at a time.
        waiting: how many may wait.
        patience: how many seconds they wait.
        standing: how many they wait once there is a standing queue; by default just as long.
        now: a monotonic clock in seconds.
    """

    def __init__(
        self, at_once: int, waiting: int, patience: float, standing: float | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._working = threading.BoundedSemaphore(at_once)
        self._places = threading.BoundedSemaphore(at_once + waiting)
        self._patience = patience
        self._standing = patience if standing is None else standing
        self._waiting = 0
        self._now = now
        self._nobody_waited_at = now()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and hold it while the block runs.

        Raises:
            BusyError: too many are waiting, or the turn did not come in time.
        """
        if not self._places.acquire(blocking=False):
            raise BusyError
        try:
            if not self._begins():
                raise BusyError
            try:
                yield
            finally:
                self._working.release()
        finally:
            self._places.release()

    def _begins(self) -> bool:
        now = self._now()
        if not self._waiting:
            self._nobody_waited_at = now
        is_standing = now - self._nobody_waited_at > self._patience
        self._waiting += 1
        try:
            return self._working.acquire(timeout=self._standing if is_standing else self._patience)
        finally:
            self._waiting -= 1


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
