"""Turns at what a process does for one client after the other. Knows nothing of sockets.

Thousands may come at once. If a process began with all of them, each would take as long as all together, which is longer than
anybody waits: they would give up and come again, and nobody would ever be served. So whoever came first is served first, and who
has waited for too long is told when to come back: each after the one before, as fast as the line has moved.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Seconds after which a client that was turned away may come back: at least, and at most. Each is told up to half as much more, at
# random.
SOONEST, LATEST = 1.0, 30.0


class BusyError(Exception):
    """Too much was asked for, and nothing was done. `retry_after` is the number of seconds to wait before asking again."""

    def __init__(self, retry_after: float) -> None:
        super().__init__()
        self.retry_after = retry_after


class Line:
    """Clients that wait for their turn, the oldest first.

    Args:
        patience: how many seconds a client waits at most.
        now: a monotonic clock in seconds.
        chance: returns a number from 0 to 1, at random.
    """

    def __init__(
        self, patience: float, now: Callable[[], float] = time.monotonic, chance: Callable[[], float] = random.random
    ) -> None:
        self._patience = patience
        self._now = now
        self._chance = chance
        # Eventlet's locks are given in the order in which they were asked for; semaphores of `threading` are not.
        self._turn = threading.Lock()
        # How many turns have ended.
        self._ended = 0
        # Until when those who were turned away have been told to come back.
        self._booked_until = float("-inf")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for a turn, and hold it while the block runs.

        Raises:
            BusyError: the turn did not come in time.
        """
        ended = self._ended
        if not self._turn.acquire(timeout=self._patience):
            raise BusyError(self._later(self._patience / max(1, self._ended - ended)))
        try:
            yield
        finally:
            self._ended += 1
            self._turn.release()

    def _later(self, pace: float) -> float:
        """Return the seconds after which a client may come back, if a turn takes `pace` seconds."""
        now = self._now()
        self._booked_until = max(self._booked_until, now) + pace
        return min(LATEST, max(SOONEST, self._booked_until - now)) * (1 + self._chance() / 2)
