"""Turns at what a process does for one client after the other. Knows nothing of sockets.

Thousands may come at once. If a process began with all of them, each would take as long as all together, which is longer than
anybody waits: they would give up and come again, and nobody would ever be served. So one is served after the other, and who has
waited for too long is told when to come back: each after the one before, as fast as the line has moved.
"""

import math
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.domain import errors
from app.domain.turns import Turns

# Seconds after which a client that was turned away may come back: at least, and at most. Each is told up to half as much more, at
# random.
SOONEST, LATEST = 1.0, 30.0


class BusyError(Exception):
    """Too much was asked for, and nothing was done. `retry_after` is the number of seconds to wait before asking again."""

    def __init__(self, retry_after: float) -> None:
        super().__init__()
        self.retry_after = retry_after


class Line:
    """Callers that wait for their turns. Thread-safe, for threads green and real.

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
        self._turns = Turns(1, math.inf, patience, now=now)
        # How many turns have ended.
        self._ended = 0
        # Until when those who were turned away have been told to come back.
        self._booked_until = float("-inf")

    @contextmanager
    def turn(self, caller: str) -> Iterator[None]:
        """Wait for a turn, and hold it while the block runs.

        Raises:
            BusyError: the turn did not come in time.
        """
        ended = self._ended
        try:
            self._turns.take(caller)
        except errors.BusyError:
            raise BusyError(self._later(self._patience / max(1, self._ended - ended))) from None
        try:
            yield
        finally:
            self._ended += 1
            self._turns.give_back(caller)

    def _later(self, pace: float) -> float:
        """Return the seconds after which a client may come back, if a turn takes `pace` seconds."""
        now = self._now()
        self._booked_until = max(self._booked_until, now) + pace
        return min(LATEST, max(SOONEST, self._booked_until - now)) * (1 + self._chance() / 2)
