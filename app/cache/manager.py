"""The cache: entries validated by version floors, lists by generation tokens, filled under random leases.

The protocol (docs/subsystems/cache.md; its races are played in tests/integration/test_cache_protocol.py) admits no stale fills:
entries have a random lease and a version floor, lists have random generation tokens. Sources: Nishtala et al., "Scaling Memcache
at Facebook" (NSDI 2013) for leases; Meta's "Cache made consistent" (2022) for version floors.

Every failure falls back to the database: if the cache is down, slow, unproven or out of memory, reads answer BYPASS. Only if that
would be more than the database can take (`app.cache.loads`) are they refused.

Every script states the epoch that the process expects (docs/adr/0009), a list's fill as part of its stamp: a server with another
epoch is not the cache that was invalidated.
"""

import random
import secrets
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from queue import Empty
from typing import Any, TypeVar, cast

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from app.cache.dependencies import Proof, sources
from app.cache.loads import Loads
from app.cache.scripting import Call, Scripts
from app.cache.server import Life, ServerCheck, present_life
from app.contract import cache_keys
from app.contract.events import Aspect, ListFacet
from app.domain.breaker import CircuitBreaker

T = TypeVar("T")

ENTRY_LIFE = 300.0
# Longer than a statement may take: a lease that ends before its load would let the next reader load the same again.
LEASE_MS = 6000
# How long a reader waits for another process that is loading, in seconds, before it goes to the database itself.
WAITS = (0.004, 0.008, 0.016)
# A process serves from the cache only while its last proof of freshness is younger than this, in seconds. The promise is 2 s; the
# rest is headroom for the request itself. For a writer, the knowledge of which cache is in use expires as quickly.
FRESH_FOR = 1.2
NEVER = float("-inf")
_TREE = cache_keys.looked_at(ListFacet.CATEGORIES)
# The code for it in invalidate.lua.
FORGET = 3


class Result(StrEnum):
    """How a read was answered, as in `X-Cache`."""

    HIT = "HIT"
    MISS = "MISS"
    BYPASS = "BYPASS"


@dataclass(frozen=True, slots=True)
class Entry:
    """One cached value. An empty body means that there is nothing to show. `life` is in seconds."""

    version: int
    body: bytes
    life: float = ENTRY_LIFE


@dataclass(frozen=True, slots=True)
class Reading:
    """What a read found, by key, and how it was answered: BYPASS if other processes may still serve something older than that.
    `stamp` is that of the category tree which goes with it; None if all of it was loaded."""

    entries: Mapping[str, Entry]
    result: Result
    stamp: str | None = None


@dataclass(frozen=True, slots=True)
class Invalidation:
    """What one change makes stale: keys at a version, each with its new body or None, and the generations of lists.

    With `forgets` the keys are dropped whatever their version, for a change in a format that we do not understand.
    """

    version: int
    bodies: Mapping[str, bytes | None] = field(default_factory=dict)
    generations: tuple[str, ...] = ()
    forgets: bool = False


Loader = Callable[[Sequence[str]], Mapping[str, Entry]]
Observer = Callable[[str, Result], None]


@dataclass(frozen=True, slots=True)
class _Busy:
    """A key that somebody is loading: under which lease, and which version its entry must have at least."""

    token: str
    floor: int


class CacheUnavailableError(Exception):
    """The cache did not answer in time, is not known to be the one in use, or its circuit breaker is open."""


class CacheBeginningError(CacheUnavailableError):
    """The cache answers, but an epoch of it only begins: it is the one in use within moments."""


@dataclass(frozen=True, slots=True)
class Clients:
    """A process's connections: readers share a bounded pool, writers have their own, and so has the check of the server's
    identity, which any server must be able to answer. The first two drop connections to a server that `check` does not expect.
    `prefix` is what every key begins with in the server, which other installations may share."""

    reading: Redis
    writing: Redis
    asking: Redis
    prefix: str
    check: ServerCheck = field(default_factory=ServerCheck)

    def expect(self, run_id: str) -> None:
        """Talk only to this run of the server from now on."""
        if self.check.run_id != run_id:
            self.check.run_id = run_id
            for client in (self.reading, self.writing):
                client.connection_pool.disconnect(inuse_connections=False)


class CacheManager:
    """The shop's cache in Valkey. Safe to share between threads, green or real.

    Args:
        clients: clients with short timeouts.
        observe: told of every read, with the kind of what was read.
        admits_dear: whether a list, which costs many times what a part does, may be loaded now.
        caller: which customer this thread serves, or "".
    """

    def __init__(
        self, clients: Clients, observe: Observer, admits_dear: Callable[[], bool] = lambda: True, caller: Callable[[], str] = str
    ) -> None:
        self._clients = clients
        self._client = clients.reading
        self._prefix = clients.prefix
        self._scripts = Scripts(clients.prefix)
        self._observe = observe
        self._loads = Loads(admits_dear, caller)
        self._epoch = ""
        self._known_at = NEVER
        self._verified_at = NEVER
        self._breaker = CircuitBreaker()

    def life(self) -> Life:
        """Return which server the cache is now, in which of its lives, and its epoch.

        Raises:
            CacheUnavailableError: if it does not answer, or is a replica.
        """
        try:
            return present_life(self._clients.asking, self._prefix)
        except RedisError as error:
            raise CacheUnavailableError(str(error)) from error

    def begin_epoch(self, epoch: str) -> None:
        """Invalidate every earlier entry.

        Raises:
            CacheUnavailableError: if it is not certain that this was done.
        """
        try:
            self._clients.asking.set(self._prefix + cache_keys.EPOCH, epoch)
        except RedisError as error:
            raise CacheUnavailableError(str(error)) from error

    def adopt(self, life: Life, at: float) -> None:
        """Record that at `at` (monotonic seconds) this was the cache in use, in this epoch."""
        self._clients.expect(life.run_id)
        if self._epoch != life.epoch:
            # What was proven about another epoch says nothing about this one.
            self._epoch, self._verified_at = life.epoch, NEVER
        self._known_at = max(self._known_at, at)

    def known_for(self) -> float:
        """Return how many seconds ago this was last known to be the cache in use."""
        return time.monotonic() - self._known_at

    def mark_verified(self, at: float) -> None:
        """Record that everything committed before `at` (monotonic seconds) has been invalidated."""
        self._verified_at = max(self._verified_at, at)

    @property
    def is_fresh(self) -> bool:
        """Whether freshness was proven recently enough to serve from the cache."""
        return time.monotonic() - self._verified_at < FRESH_FOR

    @property
    def proven_at(self) -> float | None:
        """Until when everything committed is in what is served (monotonic seconds); None if that is read from the database."""
        return self._verified_at if self.is_fresh else None

    def get_or_set(self, kind: str, keys: Sequence[str], load: Loader) -> Reading:
        """Return the entries under `keys`, from the cache where they are valid there, else loaded (and, with a lease, filled).

        `load` must read from a snapshot taken after it was called; keys that it leaves out are not filled.

        Raises:
            BusyError: if this process is loading too much already.
        """
        # Parts are joined with the category tree.
        sources().names.update((*keys, *_TREE))
        reading = self._get_or_set(keys, load)
        self._count(kind, reading.result)
        return reading

    def _get_or_set(self, keys: Sequence[str], load: Loader) -> Reading:
        if not self.is_fresh:
            return Reading(self._loads.shared(tuple(keys), lambda: load(keys)), Result.BYPASS)
        found: dict[str, Entry] = {}
        missing, busy, result, stamp = list(keys), dict[str, _Busy](), Result.HIT, None
        try:
            for wait in (*WAITS, None):
                epoch, token = self._epoch, secrets.token_hex(8)
                stamp, leased, busy = self._read(epoch, token, missing, found)
                if leased:
                    loaded = self._load_leased(token, dict.fromkeys(leased, f"{epoch} {token}"), load)
                    found |= loaded
                    self._fill(epoch, token, loaded)
                    result = Result.MISS
                if joined := _new_enough(busy, self._loads.join(_tokens(busy))):
                    found |= joined
                    result = Result.MISS
                missing = [key for key in busy if key not in joined]
                if not missing or wait is None:
                    break
                time.sleep(wait)
        except CacheUnavailableError:
            late = self._load_past([key for key in keys if key not in found], load)
            return Reading(found | dict(late), Result.BYPASS, stamp)
        if missing:
            loaded, is_known = self._load_unleased({key: busy[key] for key in missing}, load)
            found |= loaded
            result = Result.MISS if is_known else Result.BYPASS
        return Reading(found, result, stamp)

    def _load_past(self, missing: Sequence[str], load: Loader) -> Mapping[str, Entry]:
        if not missing:
            return {}
        loaded = self._loads.shared(tuple(missing), lambda: load(missing))
        self._raise_floors(loaded)
        return loaded

    def _load_unleased(self, busy: Mapping[str, "_Busy"], load: Loader) -> tuple[dict[str, Entry], bool]:
        """Return what others are loading, and whether the cache knows that it may not serve anything older."""
        loaded = _new_enough(busy, self._loads.under(_tokens(busy), load))
        if old := [key for key in busy if key not in loaded]:
            loaded |= self._loads.shared(tuple(old), lambda: load(old))
        return loaded, self._raise_floors(loaded)

    def _load_leased(
        self, lease: str, tokens: Mapping[str, str], load: Callable[[list[str]], Mapping[str, T]], *, dear: bool = False
    ) -> dict[str, T]:
        try:
            return self._loads.under(tokens, load, dear=dear)
        except BaseException:
            with suppress(CacheUnavailableError):
                self._run("release", list(tokens), [lease])
            raise

    def _read(
        self, epoch: str, token: str, keys: Sequence[str], found: dict[str, Entry]
    ) -> tuple[str, list[str], dict[str, "_Busy"]]:
        """Read `keys` into `found`; return the category tree's stamp, the keys leased to us under `token`, and those leased to
        others."""
        tree = cache_keys.generation(ListFacet.CATEGORIES)
        stamp, *answer = self._run("read", [cache_keys.EPOCH, tree, *keys], [epoch, token, LEASE_MS, int(ENTRY_LIFE * 1000)])
        leased, busy, named = [], {}, {}
        for key, (version, body, *more) in zip(keys, answer, strict=True):
            if version == b"lease":
                leased.append(key)
            elif version == b"busy":
                # With the epoch: a lease may outlive it, and what was invalidated in another one did not revoke it here.
                busy[key] = _Busy(f"{epoch} {body.decode()}", int(more[0]))
            else:
                found[key] = Entry(int(version), body)
                named[key] = more[0] + version
        sources().add(_tokens_in(stamp or epoch.encode(), _TREE), named)
        return stamp.decode(), leased, busy

    def _fill(self, epoch: str, token: str, loaded: Mapping[str, Entry]) -> None:
        arguments: list[Any] = []
        for entry in loaded.values():
            # A life shortened by up to a tenth, so that what was filled together does not expire together.
            life = int(entry.life * random.uniform(900, 1000))
            arguments += [entry.version, entry.body, max(1, life)]
        if loaded:
            self._run("fill", [cache_keys.EPOCH, *loaded], [epoch, token, *arguments])

    def _raise_floors(self, loaded: Mapping[str, Entry]) -> bool:
        """Keep the holder of the lease from filling in something older than this answer, lest a session go back in time; return
        whether that is certain."""
        known = {key: entry.version for key, entry in loaded.items() if entry.version}
        arguments: list[Any] = [self._epoch, 0, "", int(ENTRY_LIFE * 1000)]
        for version in known.values():
            # 2: the lease stays. If it were revoked, a load that outlasts the others' patience could never be filled in.
            arguments += [version, 2, b""]
        try:
            self._run("invalidate", [cache_keys.EPOCH, *known], arguments)
        except CacheUnavailableError:
            return False
        return True

    def versions(self, keys: Sequence[str]) -> dict[str, int]:
        """Return the versions of those entries that a reader would get now and that have something to show."""
        if not keys or not self.is_fresh:
            return {}
        try:
            answer = self._run("versions", [cache_keys.EPOCH, *keys], [self._epoch])
        except CacheUnavailableError:
            return {}
        return {key: int(version) for key, version in zip(keys, answer, strict=True) if version is not None}

    def get_or_set_list(
        self, kind: str, key: str, generations: Collection[str], load: Callable[[], bytes], life: float = ENTRY_LIFE
    ) -> tuple[bytes, Result]:
        """Return a list that is valid under the current tokens of `generations`, loading it if necessary.

        Raises:
            BusyError: if this process is loading too much already.
        """
        body, result, _stamp = self._get_or_set_list(key, generations, load, life, dear=True)
        self._count(kind, result)
        return body, result

    def confirms(self, proof: Proof) -> bool:
        """Return whether all is still as it was of which an answer was made; if so, it counts as having been read again."""
        if not self.is_fresh or proof.epoch != self._epoch or time.monotonic() >= proof.until:
            return False
        try:
            is_so = bool(self._call(proof.call))
        except CacheUnavailableError:
            return False
        if is_so:
            for kind in proof.kinds:
                self._observe(kind, Result.HIT)
        return is_so

    def _count(self, kind: str, result: Result) -> None:
        self._observe(kind, result)
        noted = sources()
        noted.kinds.append(kind)
        if result is not Result.HIT:
            noted.are_whole = False

    def load_dear(self, key: str, load: Callable[[], T]) -> T:
        """Return what a load returns that begins after this call and costs as much as that of a list; its result is not cached.

        Raises:
            BusyError: if this process is loading too much already, or this caller more than their share.
        """
        sources().are_whole = False
        return self._loads.shared(key, load, dear=True)

    def category_tree(self, load: Callable[[], bytes]) -> tuple[bytes, str | None]:
        """Return the category tree, loading it if necessary, and the stamp under which it is valid; None if it is not cached."""
        body, result, stamp = self._get_or_set_list(cache_keys.category_tree(), _TREE, load, ENTRY_LIFE, dear=False)
        self._count("tree", result)
        return body, stamp

    def tree_stamp(self) -> str | None:
        """Return the stamp under which the category tree is valid now, or None if that is not known."""
        sources().names.update(_TREE)
        if not self.is_fresh:
            return None
        try:
            return self._read(self._epoch, "", (), {})[0]
        except CacheUnavailableError:
            return None

    def _get_or_set_list(
        self, key: str, generations: Collection[str], load: Callable[[], bytes], life: float, *, dear: bool
    ) -> tuple[bytes, Result, str | None]:
        sources().names.update(generations)
        if not self.is_fresh:
            return self._loads.shared(key, load, dear=dear), Result.BYPASS, None

        def load_it(keys: Sequence[str]) -> dict[str, bytes]:
            return dict.fromkeys(keys, load())

        loaded: bytes | None = None
        try:
            for wait in (*WAITS, None):
                token = secrets.token_hex(8)
                stamp, body, state, fill = self._read_list(key, generations, token)
                if body is not None:
                    sources().add(_tokens_in(stamp, generations), {key: fill})
                    return body, Result.HIT, stamp.decode()
                # Every invalidation changes the stamp, so what is loaded under it is new enough for us.
                under = {key: stamp.decode()}
                if state == b"lease":
                    loaded = self._load_leased(token, under, load_it, dear=dear)[key]
                    self._run("fill_list", [key], [stamp, token, loaded, int(life * 1000)])
                    return loaded, Result.MISS, under[key]
                if joined := self._loads.join(under):
                    return joined[key], Result.MISS, under[key]
                if wait is None:
                    return self._loads.under(under, load_it, dear=dear)[key], Result.MISS, under[key]
                time.sleep(wait)
        except CacheUnavailableError:
            return self._loads.shared(key, load, dear=dear) if loaded is None else loaded, Result.BYPASS, None
        raise AssertionError("unreachable")

    def _read_list(self, key: str, generations: Collection[str], token: str) -> tuple[bytes, bytes | None, bytes, bytes]:
        keys = [cache_keys.EPOCH, key, *generations]
        stamp, body, state, fill = self._run(
            "read_list", keys, [self._epoch, token, LEASE_MS, secrets.token_hex(8), int(ENTRY_LIFE * 1000)]
        )
        return stamp, body, state, fill

    def invalidate(self, invalidations: Sequence[Invalidation]) -> None:
        """Apply any number of invalidations, in one call to the cache; repeated or late ones do no harm.

        It uses neither a circuit breaker nor the connections of readers: a writer must not be kept from trying while others can
        still be served stale data.

        Raises:
            CacheUnavailableError: if it is not certain that all of them hold in the cache in use.
        """
        if self.known_for() >= FRESH_FOR:
            raise CacheUnavailableError("it is not known which cache is in use")
        generations = sorted({generation for invalidation in invalidations for generation in invalidation.generations})
        keys = [cache_keys.EPOCH, *generations]
        arguments: list[Any] = [self._epoch, len(generations), secrets.token_hex(8), int(ENTRY_LIFE * 1000)]
        for invalidation in invalidations:
            for key, body in invalidation.bodies.items():
                keys.append(key)
                how = FORGET if invalidation.forgets else int(body is not None)
                arguments += [invalidation.version, how, body or b""]
        try:
            self._scripts.run(self._clients.writing, Call("invalidate", keys, arguments))
        except RedisError as error:
            raise CacheUnavailableError(str(error)) from error

    def invalidate_part_cache(self, part_id: int) -> None:
        """Drop everything cached about one part whatever its version, for repairs; lists hold only ids, so they need no change.

        Raises:
            CacheUnavailableError: if it is not certain that they are gone.
        """
        self.drop([key for aspect in Aspect for key in cache_keys.aspect_keys(part_id, aspect)])

    def drop(self, keys: Sequence[str]) -> None:
        """Delete keys, for repairs.

        Raises:
            CacheUnavailableError: if it is not certain that they are gone.
        """
        self._guard(lambda: self._client.delete(*(self._prefix + key for key in keys)))

    def peek(self, keys: Sequence[str]) -> dict[str, Entry]:
        """Return the entries that a reader would get now, without taking leases; for comparisons.

        Raises:
            CacheUnavailableError: if the cache does not answer.
        """

        def look() -> list[Any]:
            with self._client.pipeline(transaction=True) as pipeline:
                pipeline.get(self._prefix + cache_keys.EPOCH)
                for key in keys:
                    pipeline.hmget(self._prefix + key, ["epoch", "version", "body", "floor"])
                return list(pipeline.execute())

        epoch, *rows = self._guard(look)
        return {
            key: Entry(int(version), body)
            for key, (own_epoch, version, body, floor) in zip(keys, rows, strict=True)
            if body is not None and own_epoch == epoch and int(version) >= int(floor or 0)
        }

    def some_lists(self, cursor: int) -> tuple[int, dict[str, bytes]]:
        """Return some cached lists by key, whether they are still valid or not, and the cursor of the next ones; 0 at either end.

        Raises:
            CacheUnavailableError: if the cache does not answer.
        """

        def look() -> tuple[int, dict[str, bytes]]:
            pattern = self._prefix + cache_keys.parts_list("*")
            following, found = cast("tuple[int, list[bytes]]", self._client.scan(cursor, match=pattern, count=200))
            names = [name.decode() for name in found]
            bodies = {name.removeprefix(self._prefix): cast("bytes | None", self._client.hget(name, "body")) for name in names}
            return following, {key: body for key, body in bodies.items() if body is not None}

        return self._guard(look)

    def any_part(self) -> int | None:
        """Return a part of which something is cached, any; None if none was drawn.

        Raises:
            CacheUnavailableError: if the cache does not answer.
        """
        key = cast("bytes | None", self._guard(self._client.randomkey)) or b""
        is_part = key.startswith(f"{self._prefix}{cache_keys.part(0)}"[:-1].encode())
        return cache_keys.parse_part_key(key.decode().removeprefix(self._prefix))[0] if is_part else None

    def peek_list(self, key: str, generations: Collection[str]) -> tuple[bytes, bytes] | None:
        """Return the list that a reader would get now, with the stamp under which it is valid, or None.

        Raises:
            CacheUnavailableError: if the cache does not answer.
        """

        def look() -> list[Any]:
            with self._client.pipeline(transaction=True) as pipeline:
                pipeline.mget(self._prefix + name for name in (cache_keys.EPOCH, *generations))
                pipeline.hmget(self._prefix + key, ["stamp", "body"])
                return list(pipeline.execute())

        tokens, (stamp, body) = self._guard(look)
        return (body, stamp) if stamp is not None and stamp == b" ".join(token or b"" for token in tokens) else None

    def catalog_token(self, facets: Iterable[ListFacet] = ListFacet) -> str:
        """Return the token that changes whenever a list that looks at any of `facets` may differ.

        Raises:
            CacheUnavailableError: if the cache does not answer.
        """
        stamp, *_ = self._read_list(
            f"{cache_keys.EPOCH}:catalog", [cache_keys.generation(facet) for facet in facets], secrets.token_hex(8)
        )
        return stamp.decode()

    def _run(self, script: str, keys: list[str], arguments: list[Any]) -> Any:
        return self._call(Call(script, keys, arguments))

    def _call(self, call: Call) -> Any:
        return self._guard(lambda: self._scripts.run(self._client, call))

    def _guard(self, call: Callable[[], T]) -> T:
        if not self._breaker.allows():
            raise CacheUnavailableError("the cache has failed repeatedly and is being left alone for a moment")
        try:
            answer = call()
        except ResponseError as error:
            # It does answer, even if only that it is another cache or out of memory.
            raise CacheUnavailableError(str(error)) from error
        except RedisError as error:
            # That all connections are taken says nothing about the cache.
            if not isinstance(error.__context__, Empty):
                self._breaker.failed()
            raise CacheUnavailableError(str(error)) from error
        self._breaker.succeeded()
        return answer


def _tokens_in(stamp: bytes, generations: Iterable[str]) -> dict[str, bytes]:
    """Return the epoch in a stamp and the tokens of generations, if it has any, by their keys."""
    return dict(zip((cache_keys.EPOCH, *generations), stamp.split(), strict=False))


def _tokens(busy: Mapping[str, _Busy]) -> dict[str, str]:
    return {key: one.token for key, one in busy.items()}


def _new_enough(busy: Mapping[str, _Busy], loaded: Mapping[str, Entry]) -> dict[str, Entry]:
    """Return what another caller has loaded without what is older than may be served.

    Had it been invalidated since, the lease would have been revoked; but a reader of another process may have seen a version that
    is committed and not invalidated yet, and has raised the floor to it.
    """
    return {key: entry for key, entry in loaded.items() if key in busy and entry.version >= busy[key].floor}
