"""Work that would take a process for itself, done by a few at a time. Locks of threads; a web process has patched them."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.domain.errors import BusyError


class Turns:
    """Lets a few do a piece of long work; some more wait for their turn, and the others are told to come back.

    Args:
        at_once: how many work.
        waiting: how many wait.
        patience: seconds that they do.
    """

    def __init__(self, at_once: int, waiting: int, patience: float) -> None:
        self._working = threading.BoundedSemaphore(at_once)
        self._places = threading.BoundedSemaphore(at_once + waiting)
        self._patience = patience

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn, and hold it while the block runs.

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
    """Work whose result serves all who asked for it before it began; it never takes more than a tenth of the time.

    Nobody gets a result that is older than the question.
    """

    _SHARE = 10
    # Seconds; what took longer was slowed down by others.
    _MAX_REST = 1.0

    def __init__(self, work: Callable[[], bytes]) -> None:
        self._work = work
        self._lock = threading.Lock()
        self._began = self._rests_until = float("-inf")
        self._result = b""

    def result(self) -> bytes:
        """Return what the work gives."""
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
