"""A model of every step that some process may take at the cache, and the check of what readers are served.

The real CacheManager on the real Valkey; the database is a dictionary, so that thousands of histories fit into seconds. Readers
are greenlets that stop between their lease, their load and their fill, and share loads with each other; writes are acknowledged,
repeated, reordered and delivered late; the cache is flushed, loses keys, and begins new epochs in between.

It found that a late delivery put its old body into a place that a flush had emptied. `test_cache_protocol.py` plays short
histories on the same machine, and takes one guard after the other out of the scripts to show that the machine objects.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import greenlet
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from redis import Redis

from app.cache.dependencies import Proof, note_sources
from app.cache.manager import CacheUnavailableError, Entry, Invalidation
from app.contract import cache_keys
from app.contract.events import ListFacet
from app.domain.turns import Turns
from tests.integration.conftest import manager_over

KEYS = ("part:1", "part:2")
LIST = "parts:list:machine"
FACETS = (*cache_keys.looked_at(ListFacet.NAME), *cache_keys.looked_at(ListFacet.PRICE))
key_of = st.sampled_from(KEYS)


@dataclass
class Reader:
    """A read under way: what it must at least return, and where it stands."""

    at_least: Mapping[str, int]
    snapshot: Mapping[str, int] | None
    run: greenlet.greenlet = field(init=False)


class CacheMachine(RuleBasedStateMachine):
    """Every rule is one step that some process may take at any time."""

    client: Redis

    def __init__(self) -> None:
        super().__init__()
        self.client.flushdb()
        self.manager = manager_over(self.client)
        self.manager.mark_verified(float("inf"))
        # Readers that have been stopped keep their turns, and none may be refused for that.
        self.manager._loads._turns = dict.fromkeys((False, True), Turns(1000, 0, 1.0))
        self.database = dict.fromkeys((*KEYS, LIST), 0)
        self.acknowledged = dict(self.database)
        self.unconfirmed: list[tuple[str, int, int]] = []
        self.past: list[tuple[str, int, int]] = []
        self.readers: list[Reader] = []
        self.kept: list[tuple[str, int, Proof]] = []
        self.old_snapshot: dict[str, int] | None = None

    def _invalidate(self, events: Sequence[tuple[str, int, int]]) -> None:
        if not all(self.client.exists(key) for key, _version, _ in events):
            # No floor is kept for what is not there, so what is loaded must be read after the lease was taken, as it is.
            self.old_snapshot = None
        try:
            self.manager.invalidate(
                [
                    Invalidation(version, {key: _body(version)}, cache_keys.touched(ListFacet.NAME, None))
                    for key, version, _ in events
                ]
            )
        except CacheUnavailableError:
            # The epoch was lost. Whoever invalidates waits until the next sweep has begun another one.
            self.begin_epoch()

    @rule(key=key_of)
    def commit(self, key: str) -> None:
        """A writer commits, and has not invalidated yet."""
        self.database[key] += 1
        self.database[LIST] += 1
        self.unconfirmed.append((key, self.database[key], self.database[LIST]))

    @precondition(lambda self: self.unconfirmed)
    @rule(which=st.integers(0, 50))
    def acknowledge(self, which: int) -> None:
        """A writer invalidates what it has committed, and answers its client."""
        event = self.unconfirmed.pop(which % len(self.unconfirmed))
        self._invalidate([event])
        self.past.append(event)
        key, version, list_version = event
        self.acknowledged[key] = max(self.acknowledged[key], version)
        self.acknowledged[LIST] = max(self.acknowledged[LIST], list_version)

    @rule(key=key_of)
    def write(self, key: str) -> None:
        """A write from commit to acknowledgement, with nobody in between."""
        self.commit(key)
        self.acknowledge(len(self.unconfirmed) - 1)

    @precondition(lambda self: self.past or self.unconfirmed)
    @rule(which=st.lists(st.integers(0, 50), min_size=1, max_size=3))
    def relay(self, which: list[int]) -> None:
        """A worker delivers some events: late, again, in any order."""
        events = self.past + self.unconfirmed
        self._invalidate([events[number % len(events)] for number in which])

    @rule(key=st.sampled_from((*KEYS, LIST)))
    def begin_read(self, key: str) -> None:
        """A reader asks the cache; on a miss it stops before it loads."""
        self._begin(key, None)

    @rule()
    def take_snapshot(self) -> None:
        """A loader opens a snapshot too early, before it has its lease."""
        self.old_snapshot = dict(self.database)

    @precondition(lambda self: self.old_snapshot is not None)
    @rule(key=key_of)
    def begin_read_on_an_old_snapshot(self, key: str) -> None:
        """Such a loader reads an entry. What it returns itself may be old; what it fills must not be served."""
        self._begin(key, self.old_snapshot)

    @precondition(lambda self: self.readers)
    @rule(which=st.integers(0, 50))
    def step(self, which: int) -> None:
        """A reader goes on to its next stop: lease, load, fill."""
        reader = self.readers[which % len(self.readers)]
        reader.run.switch()
        if reader.run.dead:
            self.readers.remove(reader)

    @rule(key=st.sampled_from((*KEYS, LIST)))
    def read(self, key: str) -> None:
        """A reader reads without stopping."""
        self._begin(key, None)
        reader = self.readers.pop() if self.readers and not self.readers[-1].run.dead else None
        for _ in range(2):
            if reader and not reader.run.dead:
                reader.run.switch()
        if reader and not reader.run.dead:
            # It waits for another one's load.
            self.readers.append(reader)

    @precondition(lambda self: self.kept)
    @rule(which=st.integers(0, 50))
    def send_again(self, which: int) -> None:
        """A process has an answer that it was able to keep, and asks whether it may send it again."""
        key, version, proof = self.kept[which % len(self.kept)]
        if self.manager.confirms(proof):
            assert version >= self.acknowledged[key], f"{key}: served {version} again"

    @rule()
    def flush(self) -> None:
        """The cache loses everything."""
        self.client.flushdb()
        self.old_snapshot = None

    @rule(key=st.sampled_from((*KEYS, LIST, cache_keys.EPOCH, *map(cache_keys.generation, FACETS))))
    def evict(self, key: str) -> None:
        """The cache loses one key."""
        self.client.delete(key)
        self.old_snapshot = None

    @rule()
    def begin_epoch(self) -> None:
        """A process finds that the cache is not the one in use; every process adopts the epoch that it begins."""
        self.manager.begin_epoch(secrets.token_hex(4))
        self.manager.adopt(self.manager.life(), float("inf"))
        self.manager.mark_verified(float("inf"))

    def _begin(self, key: str, snapshot: Mapping[str, int] | None) -> None:
        reader = Reader(dict(self.acknowledged), snapshot)

        def load() -> bytes:
            stop()
            source = self.database if snapshot is None else snapshot
            body = _body(source[key])
            stop()
            return body

        def keep(version: int, proof: Proof | None) -> None:
            if proof is not None:
                self.kept.append((key, version, proof))

        def read_entry() -> None:
            loaded: list[bytes] = []

            def loader(keys: Sequence[str]) -> Mapping[str, Entry]:
                body = load()
                loaded.append(body)
                return dict.fromkeys(keys, Entry(int(json.loads(body)), body))

            noted = note_sources()
            entry = self.manager.get_or_set("part", [key], loader).entries[key]
            keep(entry.version, noted.proof())
            assert json.loads(entry.body) == entry.version
            if not (snapshot and loaded):
                assert entry.version >= reader.at_least[key], f"{key}: served {entry.version}"

        def read_list() -> None:
            noted = note_sources()
            body, _ = self.manager.get_or_set_list("list", LIST, FACETS, load)
            assert json.loads(body) >= reader.at_least[LIST], f"list: served {body!r}"
            keep(json.loads(body), noted.proof())

        reader.run = greenlet.greenlet(read_list if key == LIST else read_entry)
        reader.run.switch()
        if not reader.run.dead:
            self.readers.append(reader)


def stop() -> None:
    """Let the machine go on; return when it takes this reader's next step."""
    parent = greenlet.getcurrent().parent
    assert parent is not None
    parent.switch()


def _body(version: int) -> bytes:
    return json.dumps(version).encode()
