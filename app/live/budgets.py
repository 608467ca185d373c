"""How much anybody may ask for: token buckets for a connection, an address and the process. Knows no socket."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# Buckets that are kept at once; beyond it, the one that was made first is forgotten, and its caller begins anew.
_MAX_BUCKETS = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many tokens a second, and as many at once as have gathered in a bucket of this size."""

    per_second: float
    at_once: float


class TokenBucket:
    """A bucket that is full at first (Turner, "New directions in communications", 1986)."""

    def __init__(self, allowance: Allowance) -> None:
        self._allowance = allowance
        self._tokens = allowance.at_once
        self._filled_at = time.monotonic()

    def wait(self, amount: float) -> float:
        """Return after how many seconds it will hold `amount`; 0 if it does now. More than its size is never held: infinity."""
        self._fill()
        if amount > self._allowance.at_once:
            return math.inf
        return max(0.0, (amount - self._tokens) / self._allowance.per_second)

    def take(self, amount: float) -> None:
        """Take `amount`, down to less than nothing if need be."""
        self._fill()
        self._tokens -= amount

    def draw(self, amount: float) -> bool:
        """Take `amount` if it is there; return whether it was."""
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
        """Drop a caller who will not come again."""
        self._buckets.pop(caller, None)


class BusyError(Exception):
    """Too much was asked for, and nothing was done. `retry_after` is the number of seconds until it may be asked again."""

    def __init__(self, retry_after: float) -> None:
        super().__init__()
        self.retry_after = retry_after


# Bytes of one message, all of its fragments together.
MAX_MESSAGE = 64_000
# Frames of any kind, and bytes, that one connection may send. A page sends a message every ten seconds, and a few at once.
FRAMES = Allowance(per_second=100, at_once=200)
BYTES = Allowance(per_second=64_000, at_once=320_000)
# Frames of all connections of one address; beyond it they are read later, which the senders feel and nobody else.
FRAMES_PER_ADDRESS = Allowance(per_second=150, at_once=300)
# Parts that may be read for `watch`. A page of 200 parts asks every 20 s, and at once after a connection, a `resync` and its
# return to the screen; fifty of them may sit behind one address, and come back together when a process was restarted.
PARTS_PER_CONNECTION = Allowance(per_second=40, at_once=1_000)
PARTS_PER_ADDRESS = Allowance(per_second=1_000, at_once=12_000)
PARTS_PER_PROCESS = Allowance(per_second=5_000, at_once=40_000)
# Answers to `watch` that are put together side by side; the others wait for their turn.
WATCHES_AT_ONCE = 1


class WatchBudget:
    """Decides who may read how many parts now: one `watch` at a time a connection, a few at a time in all."""

    def __init__(self) -> None:
        self._connections = Buckets(PARTS_PER_CONNECTION)
        self._addresses = Buckets(PARTS_PER_ADDRESS)
        self._process = TokenBucket(PARTS_PER_PROCESS)
        self._under_way: set[str] = set()
        self._turns = threading.BoundedSemaphore(WATCHES_AT_ONCE)

    @contextmanager
    def turn(self, connection: str, address: str, parts: int) -> Iterator[None]:
        """Wait for one's turn to read `parts`, and hold it while the block runs.

        Raises:
            BusyError: another `watch` of this connection is under way, or one of the budgets is used up.
        """
        if connection in self._under_way:
            raise BusyError(1.0)
        # Asking alone costs, too: the empty question must not be free.
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
