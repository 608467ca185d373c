"""How much each client may ask for: per connection, per address and per process. Knows nothing of sockets."""

import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from app.domain.buckets import Allowance, Buckets, TokenBucket
from app.domain.fairness import Presence
from app.live.line import BusyError, Line

# Bytes of one message, over all its fragments.
MAX_MESSAGE = 64_000
# Frames of any kind, and bytes, that one connection may send. A page sends a message every ten seconds, and a few at once.
FRAMES = Allowance(per_second=100, at_once=200)
BYTES = Allowance(per_second=64_000, at_once=320_000)
# Frames over all connections of one address; beyond that they are handled later, which slows down only their senders. Each takes
# up to a millisecond, during which nobody else is served, so that even of those that are within it few may come in a row.
FRAMES_PER_ADDRESS = Allowance(per_second=150, at_once=300)
FRAMES_IN_A_ROW = Allowance(per_second=500, at_once=4)
# Parts that may be read for `watch`. A page of 200 parts asks every 20 s, and immediately after connecting, a `resync` or
# becoming visible again; fifty such pages may sit behind one address, and all reconnect when a process restarts.
PARTS_PER_CONNECTION = Allowance(per_second=40, at_once=1_000)
PARTS_PER_ADDRESS = Allowance(per_second=1_000, at_once=12_000)
PARTS_PER_PROCESS = Allowance(per_second=5_000, at_once=40_000)
# Of that, what is read as fast as for anybody: ten pages that come at once. While there are others, what one address asks for
# beyond it is read slowly: after each portion the process rests so many times as long as the portion took, not just as long.
CALM_PARTS_PER_ADDRESS = Allowance(per_second=200, at_once=2_000)
REST, LONG_REST = 1.0, 15.0
# Seconds that a `watch` waits for its turn. Our pages drop a connection that has not answered for ten.
WATCH_PATIENCE = 8.0
# What a panel may say: which part it opens or closes, which all other panels are told (a few when its reader moves, and one every
# ten seconds for each part that is open), and which events it follows (one for each change).
PANEL_PER_CONNECTION = Allowance(per_second=3, at_once=40)


class Pace:
    """Spaces the frames of each address, over all its connections."""

    def __init__(self) -> None:
        self._buckets = (Buckets(FRAMES_PER_ADDRESS), Buckets(FRAMES_IN_A_ROW))

    def book(self, address: str) -> float:
        """Return in how many seconds the next frame of an address may be handled; the one after it is handled later."""
        buckets = [of_addresses.of(address) for of_addresses in self._buckets]
        delay = max(bucket.wait(1) for bucket in buckets)
        for bucket in buckets:
            # Before it waits: connections that waited for the same token would all go on when it is there.
            bucket.take(1)
        return delay


class WatchBudget:
    """Decides who may read how many parts now, and how fast: one `watch` at a time per connection and in the process."""

    def __init__(self) -> None:
        self._connections = Buckets(PARTS_PER_CONNECTION)
        self._addresses = Buckets(PARTS_PER_ADDRESS)
        self._process = TokenBucket(PARTS_PER_PROCESS)
        self._calm = Buckets(CALM_PARTS_PER_ADDRESS)
        self._presence = Presence()
        self._under_way: set[str] = set()
        self._line = Line(WATCH_PATIENCE)

    @contextmanager
    def turn(self, connection: str, address: str, parts: int) -> Iterator[float]:
        """Wait for a turn to read this many `parts`, and hold it while the block runs; yields how many times as long as it has
        read for the block should rest.

        Raises:
            BusyError: another `watch` of this connection is in progress, a budget is exhausted, or too many others are waiting.
        """
        if connection in self._under_way:
            raise BusyError(1.0)
        # Each request has a base cost too: an empty one must not be free.
        cost = parts + 1
        buckets = (self._connections.of(connection), self._addresses.of(address), self._process)
        if wait := max(bucket.wait(cost) for bucket in buckets):
            raise BusyError(wait * random.uniform(1, 1.5))
        for bucket in buckets:
            bucket.take(cost)
        is_contested = self._presence.has_others(address)
        rest = REST if self._calm.of(address).draw(cost) or not is_contested else LONG_REST
        self._under_way.add(connection)
        try:
            with ExitStack() as turn:
                try:
                    turn.enter_context(self._line.turn(address))
                except BusyError:
                    for bucket in buckets:
                        bucket.take(-cost)
                    raise
                yield rest
        finally:
            self._under_way.discard(connection)

    def forget(self, connection: str) -> None:
        """Drop a connection that has ended."""
        self._connections.forget(connection)


class PanelBudget:
    """Decides how soon a panel may say something again."""

    def __init__(self) -> None:
        self._connections = Buckets(PANEL_PER_CONNECTION)

    def draw(self, connection: str) -> float:
        """Return 0 if it may do so now, which is then counted; else in how many seconds."""
        bucket = self._connections.of(connection)
        if (wait := bucket.wait(1)) == 0:
            bucket.take(1)
        return wait

    def forget(self, connection: str) -> None:
        """Drop a connection that has ended."""
        self._connections.forget(connection)
