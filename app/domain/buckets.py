"""Token buckets: how much each caller may have."""

import math
import time
from dataclasses import dataclass

# Buckets kept at once; beyond that, the oldest is dropped, and its caller starts again with a full one.
_MAX_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """A refill rate in tokens a second, and the bucket's size, which bounds a burst."""

    per_second: float
    at_once: float


class TokenBucket:
    """A token bucket that starts full (Turner, "New directions in communications", 1986)."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._tokens = allowance.at_once
        self._filled_at = time.monotonic()

    def wait(self, amount: float) -> float:
        """Return how many seconds until it holds `amount`: 0 if it does now, infinity if that exceeds its size."""
        self._fill()
        if amount > self._allowance.at_once:
            return math.inf
        return max(0.0, (amount - self._tokens) / self._allowance.per_second)

    def take(self, amount: float) -> None:
        """Take `amount`, going into debt if need be."""
        self._fill()
        self._tokens -= amount

    def draw(self, amount: float) -> bool:
        """Take `amount` if available; return whether it was."""
        if self.wait(amount):
            return False
        self.take(amount)
        return True

    def forgive(self) -> None:
        """Drop its debt."""
        self._tokens = max(self._tokens, 0.0)

    @property
    def left(self) -> int:
        """How many whole tokens it holds."""
        self._fill()
        return max(0, math.floor(self._tokens))

    def _fill(self) -> None:
        now = time.monotonic()
        gained = (now - self._filled_at) * self._allowance.per_second
        self._tokens = min(self._allowance.at_once, self._tokens + gained)
        self._filled_at = now


class Buckets:
    """A bucket for each caller, in bounded memory."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._buckets: dict[str, TokenBucket] = {}

    def of(self, caller: str) -> TokenBucket:
        """Return the bucket of a caller."""
        bucket = self._buckets.get(caller)
        if bucket is None:
            if len(self._buckets) >= _MAX_BUCKETS:
                del self._buckets[next(iter(self._buckets))]
            bucket = self._buckets[caller] = TokenBucket(self._allowance)
        return bucket

    def forget(self, caller: str) -> None:
        """Drop a caller that will not come back."""
        self._buckets.pop(caller, None)
