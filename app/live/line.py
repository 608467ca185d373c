"""Turns at what a process does for one client after the other. Knows nothing of sockets.

Thousands may come at once. If a process began with all of them, each would take as long as all together, which is longer than
anybody waits: they would give up and come again, and nobody would ever be served. So one is served after the other, and who has
waited for too long is told when to come back: each after the one before, as fast as the line has moved. Callers have turns
alternately, however much each asks for, and of what one asks the oldest comes first (Demers, Keshav and Shenker, "Analysis and
simulation of a fair queueing algorithm", SIGCOMM 1989).
"""

import random
import threading
import time
from collections import deque
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
        self._lock = threading.Lock()
        self._is_taken = False
        # Whoever waits, by caller; the caller whose turn is next comes first.
        self._waiting: dict[str, deque[threading.Event]] = {}
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
        if not self._take(caller):
            raise BusyError(self._later(self._patience / max(1, self._ended - ended)))
        try:
            yield
        finally:
            self._ended += 1
            self._pass_on()

    def _take(self, caller: str) -> bool:
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return True
            called = threading.Event()
            self._waiting.setdefault(caller, deque()).append(called)
        try:
            if called.wait(self._patience):
                return True
        except BaseException:
            if not self._leave(caller, called):
                self._pass_on()
            raise
        return not self._leave(caller, called)

    def _leave(self, caller: str, called: threading.Event) -> bool:
        """Give up waiting; return whether the turn had not come just now."""
        with self._lock:
            waiting = self._waiting.get(caller, ())
            if called not in waiting:
                return False
            self._waiting[caller].remove(called)
            if not self._waiting[caller]:
                del self._waiting[caller]
            return True

    def _pass_on(self) -> None:
        with self._lock:
            if not self._waiting:
                self._is_taken = False
                return
            caller = next(iter(self._waiting))
            waiting = self._waiting.pop(caller)
            waiting.popleft().set()
            if waiting:
                self._waiting[caller] = waiting

    def _later(self, pace: float) -> float:
        """Return the seconds after which a client may come back, if a turn takes `pace` seconds."""
        now = self._now()
        self._booked_until = max(self._booked_until, now) + pace
        return min(LATEST, max(SOONEST, self._booked_until - now)) * (1 + self._chance() / 2)
