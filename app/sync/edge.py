"""Purges the HTTP caches in front of the shop (edges), by the keys that our answers were stored under.

A purge is confirmed before a write is acknowledged, and made again as an effect of the outbox. A writer whose purge is not
confirmed waits until nothing from before its write can be stored any longer (`contract.edge`).
"""

import http.client
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import urlsplit

import orjson
import structlog

from app.contract import cache_keys
from app.contract.edge import HARMLESS_AFTER
from app.contract.events import Event
from app.monitoring import SyncMonitoring
from app.store.outbox import Delivery
from app.sync.invalidations import Connect, invalidations_of

log = structlog.get_logger()

# Seconds that an edge may take to confirm a purge: Varnish takes less than a millisecond, a content delivery network has to tell
# many machines. A writer loses nothing by it: without the confirmation it waits for longer.
PATIENCE = 1.0
# Seconds until a waiting writer tries again.
AGAIN_AFTER = 0.1
# Of a purge's keys in one header: Varnish takes lines of 8 kB.
MAX_CHARACTERS = 4000
FASTLY = "https://api.fastly.com"
CLOUDFLARE = "https://api.cloudflare.com"


class EdgeUnavailableError(Exception):
    """An HTTP cache in front did not confirm a purge."""


@dataclass(frozen=True, slots=True)
class Purge:
    """One request that drops everything stored under some keys."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class EdgeCache:
    """One cache in front: where it is told to forget, and how.

    Attributes:
        purges: returns the requests that drop what is stored under some keys.
    """

    url: str
    purges: Callable[[Sequence[str]], Iterable[Purge]]
    _idle: deque[http.client.HTTPConnection] = field(default_factory=deque)

    def purge(self, keys: Sequence[str], deadline: float) -> None:
        """Drop everything stored under `keys`; return when that is confirmed.

        Raises:
            EdgeUnavailableError: if it is not by `deadline` (monotonic seconds).
        """
        for purge in self.purges(keys):
            try:
                status, body = self._answer(purge, deadline)
            except (OSError, http.client.HTTPException) as error:
                raise EdgeUnavailableError(f"{self.url} did not confirm a purge: {error!r}") from error
            if status != HTTPStatus.OK:
                raise EdgeUnavailableError(f"{self.url} answered a purge with {status}: {body[:200]!r}")

    def close(self) -> None:
        """Close the idle connections."""
        while self._idle:
            self._idle.pop().close()

    def _answer(self, purge: Purge, deadline: float) -> tuple[int, bytes]:
        """Send a request; a second time if the connection was an old one, which the other side may have closed by now."""
        while True:
            connection, is_old = self._connection()
            try:
                connection.timeout = max(0.001, deadline - time.monotonic())
                if connection.sock is not None:
                    connection.sock.settimeout(connection.timeout)
                connection.request(purge.method, purge.path, purge.body, purge.headers)
                response = connection.getresponse()
                answer = response.status, response.read()
            except BaseException as error:
                connection.close()
                if is_old and isinstance(error, ConnectionError):
                    continue
                raise
            self._idle.append(connection)
            return answer

    def _connection(self) -> tuple[http.client.HTTPConnection, bool]:
        try:
            return self._idle.pop(), True
        except IndexError:
            parts = urlsplit(self.url)
            kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
            return kind(parts.hostname or "", parts.port), False


def varnish(url: str) -> EdgeCache:
    """Return a Varnish that runs `ops/varnish/lockstep.vcl`."""

    def purges(keys: Sequence[str]) -> Iterable[Purge]:
        line: list[str] = []
        for key in keys:
            if sum(map(len, line)) + len(line) + len(key) > MAX_CHARACTERS:
                yield Purge("PURGE", "/", {"Surrogate-Key": " ".join(line)})
                line = []
            line.append(key)
        yield Purge("PURGE", "/", {"Surrogate-Key": " ".join(line)})

    return EdgeCache(url.rstrip("/"), purges)


def fastly(service: str, token: str, url: str = FASTLY) -> EdgeCache:
    """Return a service of Fastly's (its batch purge, https://www.fastly.com/documentation/reference/api/purging/)."""
    headers = {"Fastly-Key": token, "Content-Type": "application/json", "Accept": "application/json"}
    return _batches(url, f"/service/{service}/purge", headers, "surrogate_keys", 256)


def cloudflare(zone: str, token: str, url: str = CLOUDFLARE) -> EdgeCache:
    """Return a zone of Cloudflare's (https://developers.cloudflare.com/cache/how-to/purge-cache/purge-by-tags/)."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    return _batches(url, f"/client/v4/zones/{zone}/purge_cache", headers, "tags", 100)


def _batches(url: str, path: str, headers: dict[str, str], name: str, most: int) -> EdgeCache:
    def purges(keys: Sequence[str]) -> Iterable[Purge]:
        for start in range(0, len(keys), most):
            yield Purge("POST", path, headers, orjson.dumps({name: keys[start : start + most]}))

    return EdgeCache(url, purges)


def edge_cache(setting: str, token: str) -> EdgeCache:
    """Return the cache that one item of LOCKSTEP_EDGE names."""
    kind, _, name = setting.partition(":")
    match kind:
        case "fastly":
            return fastly(name, token)
        case "cloudflare":
            return cloudflare(name, token)
        case _:
            return varnish(setting.removeprefix("varnish+"))


class Edge:
    """All the caches in front of the shop.

    Args:
        caches: which are all purged, since each may answer anybody.
    """

    def __init__(self, caches: Sequence[EdgeCache], monitoring: SyncMonitoring) -> None:
        self._caches = caches
        self._monitoring = monitoring

    def close(self) -> None:
        """Close the idle connections."""
        for cache in self._caches:
            cache.close()

    def purge(self, keys: Sequence[str]) -> None:
        """Drop everything stored under `keys` everywhere; return when all have confirmed it.

        Raises:
            EdgeUnavailableError: if one has not; the others have been told nevertheless.
        """
        failed: EdgeUnavailableError | None = None
        for cache in self._caches:
            try:
                cache.purge(keys, time.monotonic() + PATIENCE)
            except EdgeUnavailableError as error:
                failed = error
                self._monitoring.record_edge_purge(is_confirmed=False)
            else:
                self._monitoring.record_edge_purge(is_confirmed=True)
        if failed is not None:
            raise failed

    def after_invalidation(self, events: Sequence[Event], connect: Connect) -> None:
        """Purge what has just been invalidated; return when that is confirmed, or nothing of it can be stored any longer."""
        latest = time.monotonic() + HARMLESS_AFTER
        keys = keys_of(events, connect)
        while keys:
            try:
                self.purge(keys)
            except EdgeUnavailableError as error:
                log.warning("purge unconfirmed", events=len(events), error=str(error))
            else:
                return
            if (left := latest - time.monotonic()) <= 0:
                return
            time.sleep(min(AGAIN_AFTER, left))


def keys_of(changes: Sequence[Event | Delivery], connect: Connect) -> list[str]:
    """Return the keys of the stored answers that committed changes made stale."""
    invalidations = invalidations_of(changes, connect)
    found = {key for invalidation in invalidations for key in (*invalidation.bodies, *invalidation.generations)}
    return sorted({cache_keys.surrogate(key) for key in found})
