"""How much each client may ask for: token buckets per connection, per address and per process. Knows nothing of sockets."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
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


class BusyError(Exception):
    """Too much was asked for, and nothing was done. `retry_after` is the number of seconds to wait before asking again."""

    def __init__(self, retry_after: float) -> None:
        super().__init__()
        self.retry_after = retry_after


# Bytes of one message, over all its fragments.
MAX_MESSAGE = 64_000
# Frames of any kind, and bytes, that one connection may send. A page sends a message every ten seconds, and a few at once.
FRAMES = Allowance(per_second=100, at_once=200)
BYTES = Allowance(per_second=64_000, at_once=320_000)
# Frames over all connections of one address; beyond that they are read later, which slows down only their senders.
FRAMES_PER_ADDRESS = Allowance(per_second=150, at_once=300)
# Parts that may be read for `watch`. A page of 200 parts asks every 20 s, and immediately after connecting, a `resync` or
# becoming visible again; fifty such pages may sit behind one address, and all reconnect when a process restarts.
PARTS_PER_CONNECTION = Allowance(per_second=40, at_once=1_000)
PARTS_PER_ADDRESS = Allowance(per_second=1_000, at_once=12_000)
PARTS_PER_PROCESS = Allowance(per_second=5_000, at_once=40_000)
# Answers to `watch` that are built concurrently; the others wait for their turn.
WATCHES_AT_ONCE = 1


class WatchBudget:
    """Decides who may read how many parts now: one `watch` at a time per connection, and `WATCHES_AT_ONCE` in the process."""

    def __init__(self) -> None:
        self._connections = Buckets(PARTS_PER_CONNECTION)
        self._addresses = Buckets(PARTS_PER_ADDRESS)
        self._process = TokenBucket(PARTS_PER_PROCESS)
        self._under_way: set[str] = set()
        self._turns = threading.BoundedSemaphore(WATCHES_AT_ONCE)

    @contextmanager
    def turn(self, connection: str, address: str, parts: int) -> Iterator[None]:
        """Wait for a turn to read this many `parts`, and hold it while the block runs.

        Raises:
            BusyError: another `watch` of this connection is in progress, or a budget is exhausted.
        """
        if connection in self._under_way:
            raise BusyError(1.0)
        # Each request has a base cost too: an empty one must not be free.
        cost = parts + 1
        buckets = (self._connections.of(connection), self._addresses.of(address), self._process)
        if wait := max(bucket.wait(cost) for bucket in buckets):
            raise BusyError(math.ceil(wait * 10) / 10)
        for bucket in buckets:
            bucket.take(cost)
        self._under_way.add(connection)
        try:
            with self._turns:
                yield
        finally:
            self._under_way.discard(connection)

    def forget(self, connection: str) -> None:
        """Drop a connection that has ended."""
        self._connections.forget(connection)
