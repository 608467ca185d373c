"""Limits how much runs at a time. Uses the locks of `threading`, which eventlet has patched in a web process."""

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from app.domain.errors import BusyError
from app.domain.fairness import Presence


class Turns:
    """Lets a few callers do something at a time; some more wait for their turn, and the rest are told to come back.

    Callers who wait have turns alternately, however much each asks for, and of what one asks the oldest comes first (Demers,
    Keshav and Shenker, "Analysis and simulation of a fair queueing algorithm", SIGCOMM 1989). A burst may wait. If somebody has
    been waiting for a free turn throughout the last `patience` seconds, more is asked than can be done, and who waits only makes
    everybody wait as long: then `standing` is the longest wait (Maurer, "Fail at scale", ACM Queue 2015, after CoDel).
    Thread-safe, for threads green and real.

    Args:
        at_once: how many turns there are at a time.
        waiting: how many may wait.
        patience: how many seconds they wait.
        standing: how many they wait once there is a standing queue; by default just as long.
        share: how many turns a caller has at a time while there are others. A caller without a name has as many as there are.
        now: a monotonic clock in seconds.
    """

    def __init__(
        self, at_once: float, waiting: float, patience: float, standing: float | None = None, *, share: float = math.inf,
        now: Callable[[], float] = time.monotonic,
    ) -> None:  # fmt: skip
        self._free = at_once
        self._may_wait = waiting
        self._patience = patience
        self._standing = patience if standing is None else standing
        self._share = share
        self._now = now
        self._presence = Presence(now)
        self._is_contested = False
        self._lock = threading.Lock()
        self._held: Counter[str] = Counter()
        # Whoever waits, by caller; the caller whose turn is next comes first.
        self._waiting: dict[str, deque[threading.Event]] = {}
        self._nobody_waited_at = now()

    @contextmanager
    def turn(self, caller: str = "") -> Iterator[None]:
        """Wait for a turn, and hold it while the block runs.

        Raises:
            BusyError: too many are waiting, or the turn did not come in time.
        """
        self.take(caller)
        try:
            yield
        finally:
            self.give_back(caller)

    def take(self, caller: str) -> None:
        """Wait for a turn, and hold it until `give_back`.

        Raises:
            BusyError: too many are waiting, or the turn did not come in time.
        """
        with self._lock:
            if caller:
                self._is_contested = self._presence.has_others(caller)
            now = self._now()
            # Who waits for turns of its own says nothing about how much there is to do.
            if not any(map(self._has_some_left, self._waiting)):
                self._nobody_waited_at = now
            if self._free and self._has_some_left(caller):
                self._begin(caller)
                return
            if sum(map(len, self._waiting.values())) >= self._may_wait:
                raise BusyError
            called = threading.Event()
            self._waiting.setdefault(caller, deque()).append(called)
            is_standing = now - self._nobody_waited_at > self._patience
        try:
            if called.wait(self._standing if is_standing else self._patience):
                return
        except BaseException:
            if not self._leave(caller, called):
                self.give_back(caller)
            raise
        if self._leave(caller, called):
            raise BusyError

    def give_back(self, caller: str) -> None:
        """End a turn; whoever is next has it."""
        with self._lock:
            self._free += 1
            self._held[caller] -= 1
            if not self._held[caller]:
                del self._held[caller]
            while self._free and (following := next(filter(self._has_some_left, self._waiting), None)) is not None:
                waiting = self._waiting.pop(following)
                waiting.popleft().set()
                self._begin(following)
                if waiting:
                    self._waiting[following] = waiting

    def _has_some_left(self, caller: str) -> bool:
        return not (caller and self._is_contested) or self._held[caller] < self._share

    def _begin(self, caller: str) -> None:
        self._free -= 1
        self._held[caller] += 1

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
