"""Small in-memory models of protocols for filling a cache. A run produces a history to check.

Every actor is a generator that pauses where another process could interleave; an adversary chooses who runs next, and when
the fault happens. Time is the number of the step.
"""

import random
from collections.abc import Generator
from dataclasses import dataclass, field
from enum import StrEnum

from bench.checker import Kind, Operation

Actor = Generator[None, None, None]


class Protocol(StrEnum):
    """How a loaded value gets into the cache, and how a write removes it."""

    DEL_ONLY = "DEL only"
    FLOOR = "version floor only"
    COUNTER_LEASE = "lease with counter token"
    RANDOM_LEASE = "lease with random token"
    LEASE_AND_FLOOR = "random lease + version floor"
    REPAIRING = "random lease + version floor, raised by whoever loads without a lease"


class Fault(StrEnum):
    """What happens on top of the plain race of readers and writers."""

    RACE = "plain race"
    FLUSH = "cache flushed"
    EVICTION = "one key evicted"
    OLD_SNAPSHOT = "loader on an old snapshot"


LEASES = {Protocol.COUNTER_LEASE, Protocol.RANDOM_LEASE, Protocol.LEASE_AND_FLOOR, Protocol.REPAIRING}
FLOORS = {Protocol.FLOOR, Protocol.LEASE_AND_FLOOR, Protocol.REPAIRING}


@dataclass
class World:
    """One aspect of one part in a database and in a cache; the cache's key holds value, floor and lease."""

    protocol: Protocol
    fault: Fault
    choose: random.Random
    version: int = 1
    value: int | None = None
    floor: int = 0
    lease: int | None = None
    counter: int = 0
    now: int = 0
    history: list[Operation] = field(default_factory=list)

    def run(self) -> list[Operation]:
        """Run all actors in an order of the adversary's choice; return what clients saw."""
        actors = [self.writer(0, 3), *(self.reader(session, 4) for session in (1, 2, 3)), self.accident()]
        while actors:
            self.now += 1
            actor = self.choose.choice(actors)
            try:
                next(actor)
            except StopIteration:
                actors.remove(actor)
        return self.history

    def writer(self, session: int, count: int) -> Actor:
        """Commit, invalidate, answer."""
        for _ in range(count):
            start = self.now
            yield
            self.version += 1
            version = self.version
            yield
            self.value, self.lease = None, None
            if self.protocol in FLOORS:
                self.floor = max(self.floor, version)
            yield
            self.history.append(Operation(Kind.WRITE, session, 1, "stock", version, start, self.now))
            yield

    def reader(self, session: int, count: int) -> Actor:
        """Answer from the cache, or load, fill and answer; a reader without a lease loads without filling."""
        for _ in range(count):
            start = self.now
            yield
            snapshot = self.version
            if self.fault is Fault.OLD_SNAPSHOT:
                yield
            found, token = self.value, None
            if found is None and self.protocol in LEASES and self.lease is None:
                token = self.lease = self.new_token()
            if found is None:
                yield
                loaded = snapshot if self.fault is Fault.OLD_SNAPSHOT else self.version
                yield
                self.fill(loaded, token)
                found = loaded
            yield
            self.history.append(Operation(Kind.READ, session, 1, "stock", found, start, self.now))
            yield

    def fill(self, version: int, token: int | None) -> None:
        """Put a loaded value into the cache, if the protocol allows it."""
        if self.protocol in LEASES and (token is None or self.lease != token):
            if self.protocol is Protocol.REPAIRING and version > self.floor:
                self.floor, self.lease, self.value = version, None, None
            return
        self.lease = None
        if self.protocol not in FLOORS or version >= self.floor:
            self.value = version

    def new_token(self) -> int:
        """Return a lease's token."""
        if self.protocol is Protocol.COUNTER_LEASE:
            self.counter += 1
            return self.counter
        return self.choose.getrandbits(64)

    def accident(self) -> Actor:
        """Lose the whole cache, or the one key: value, floor and lease; a counter elsewhere survives an eviction."""
        for _ in range(3):
            yield
            if self.fault in {Fault.FLUSH, Fault.EVICTION}:
                self.value, self.floor, self.lease = None, 0, None
            if self.fault is Fault.FLUSH:
                self.counter = 0
