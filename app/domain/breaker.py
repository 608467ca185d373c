"""A circuit breaker: after a few failures in a row calls fail at once, and one trial at a time tests if the other side is back.

Source: M. Nygard, "Release It!" (2007). PyPI's pybreaker holds its lock during the call, which would let only one call at
a time through to the cache; this one never waits.
"""

import time
from collections.abc import Callable


class CircuitBreaker:
    """Counts failures in a row. Races between threads may let an extra trial through, which does no harm.

    Args:
        failures: how many in a row open the circuit.
        pause: seconds until a trial is let through.
        now: a monotonic clock in seconds.
    """

    def __init__(self, failures: int = 3, pause: float = 1.0, now: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self.pause = pause
        self._now = now
        self._failures = 0
        self._next_trial = 0.0

    @property
    def is_open(self) -> bool:
        """Whether calls are being refused."""
        return self._failures >= self._limit

    def allows(self) -> bool:
        """Whether a call may go through; while open, one call per pause."""
        if not self.is_open:
            return True
        if self._now() < self._next_trial:
            return False
        self._next_trial = self._now() + self.pause
        return True

    def succeeded(self) -> None:
        """Note a success, which closes the circuit."""
        self._failures = 0

    def failed(self) -> None:
        """Note a failure."""
        self._failures += 1
        self._next_trial = self._now() + self.pause
