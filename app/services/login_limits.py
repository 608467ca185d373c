"""How often a log-in may be tried, by a password or a passkey. An attempt is counted before anything is hashed or verified, and
refunded unless it was refused.

Three things are counted: one client's attempts on one account, all attempts on an account, and all attempts by a client, in this
order, so that what the first refuses uses up none of the others. Ten failures lock one client out of one account; everybody else
behind the same address, and the same person elsewhere, still get in. So that nobody can lock a person out by guessing at their
account from everywhere, a browser in which they have logged in before is counted separately (OWASP, "Slow Down Online Guessing
Attacks with Device Cookies").

The counts are in Valkey. While it is down each process counts for itself; while that is uncertain, an attempt that could not be
counted is refused.
"""

import hashlib
import math
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import structlog
from itsdangerous import BadData, URLSafeTimedSerializer
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter
from redis.backoff import NoBackoff
from redis.connection import BlockingConnectionPool
from redis.exceptions import TimeoutError as LateError
from redis.retry import Retry

from app.domain.breaker import CircuitBreaker
from app.domain.errors import BusyError, TooManyAttemptsError, UnauthenticatedError
from app.domain.passwords import normal_email
from app.domain.quotas import Quota
from app.lean import without

log = structlog.get_logger()

PAIR_LIMITS = parse_many("10 per minute; 60 per hour")
ACCOUNT_LIMITS = parse_many("30 per minute; 200 per hour")
CLIENT_LIMITS = parse_many("60 per minute; 600 per hour")
# How long a browser is remembered after a log-in, in seconds.
DEVICE_LIFETIME = 180 * 24 * 3600
# In seconds. Unlike the cache, this is worth waiting for, even for a process with hundreds of guesses to handle.
TIMEOUT = 5.0
QUEUE_TIMEOUT = 30.0
CONNECTIONS = 8


class _Count(NamedTuple):
    item: RateLimitItem
    key: str


class LoginLimits:
    """Counts attempts to log in.

    Args:
        url: of the Valkey that all processes share.
        secret: signs the cookies that known browsers keep.
        prefix: what the counts' names begin with there.
    """

    def __init__(self, url: str, secret: str, prefix: str) -> None:
        pool = BlockingConnectionPool.from_url(
            url, max_connections=CONNECTIONS, timeout=QUEUE_TIMEOUT, socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )  # fmt: skip
        # It would load a second client, for addresses that begin with valkey://.
        with without("valkey"):
            self._shared = RedisStorage("redis://", connection_pool=pool, key_prefix=f"{prefix}login", wrap_exceptions=True)
        self._own = MemoryStorage()
        self._breaker = CircuitBreaker()
        self._devices = URLSafeTimedSerializer(secret, salt="device")

    def new_device(self, email: str) -> str:
        """Return the token by which a browser is recognised after a log-in."""
        return str(self._devices.dumps([_account(email), secrets.token_hex(8)]))

    @contextmanager
    def attempt(self, account: str, client: str, note: Callable[[Quota], None], device: str | None = None) -> Iterator[None]:
        """Count one attempt while the block finds out whether it is somebody's.

        Args:
            account: the e-mail address that is tried; of a passkey that is nobody's, what stands for it.
            client: what counts as one client, such as an address.
            note: is told at the end how many attempts this client has left on this account. What others have tried is nobody's
                to know, so of the other limits only the refusal tells.
            device: the token that the browser kept from an earlier log-in.

        Raises:
            TooManyAttemptsError: before the block, if there were too many attempts.
            BusyError: before the block, if it could not be counted.
        """
        counts = self._counts(_account(account), client, device)
        try:
            storage = self._take(counts)
        except TooManyAttemptsError as error:
            note(_quota(counts[0].item, 0, error.seconds))
            raise
        is_wrong = False
        try:
            yield
        except UnauthenticatedError:
            is_wrong = True
            raise
        finally:
            try:
                if not is_wrong:
                    _give_back(storage, counts)
                note(_quota_of(storage, counts[0]))
            except StorageError:
                self._breaker.failed()

    def _counts(self, account: str, client: str, device: str | None) -> list[_Count]:
        if (known := self._known_device(account, device)) is not None:
            return [_Count(item, f"device:{account}:{known}") for item in PAIR_LIMITS]
        by_key = (
            (PAIR_LIMITS, f"pair:{account}:{client}"),
            (ACCOUNT_LIMITS, f"account:{account}"),
            (CLIENT_LIMITS, f"client:{client}"),
        )
        return [_Count(item, key) for items, key in by_key for item in items]

    def _known_device(self, account: str, device: str | None) -> str | None:
        try:
            made_for, name = self._devices.loads(device or "", max_age=DEVICE_LIFETIME)
        except (BadData, ValueError, TypeError):
            return None
        return str(name) if made_for == account else None

    def _take(self, counts: Sequence[_Count]) -> Storage:
        if self._breaker.allows():
            try:
                _take(self._shared, counts)
            except StorageError as error:
                self._breaker.failed()
                # A timeout does not mean that Valkey is down: this process may merely have been too busy to read the answer.
                if not self._breaker.is_open and isinstance(error.storage_error, LateError):
                    raise BusyError from error
                log.warning("log-ins are counted by each process alone", error=repr(error.storage_error)[:200])
            else:
                self._breaker.succeeded()
                return self._shared
        _take(self._own, counts)
        return self._own


def _take(storage: Storage, counts: Sequence[_Count]) -> None:
    """Increment every count; if one is exhausted, refund those before it."""
    limiter = FixedWindowRateLimiter(storage)
    for position, (item, key) in enumerate(counts):
        if not limiter.hit(item, key):
            _give_back(storage, counts[:position])
            wait = limiter.get_window_stats(item, key).reset_time - time.time()
            raise TooManyAttemptsError(max(1, math.ceil(wait)))


def _give_back(storage: Storage, counts: Sequence[_Count]) -> None:
    for item, key in counts:
        storage.incr(item.key_for(key), item.get_expiry(), amount=-1)


def _quota_of(storage: Storage, count: _Count) -> Quota:
    window = FixedWindowRateLimiter(storage).get_window_stats(*count)
    return _quota(count.item, min(count.item.amount, window.remaining), max(0, math.ceil(window.reset_time - time.time())))


def _quota(item: RateLimitItem, left: int, full_in: int) -> Quota:
    return Quota("log-ins", item.amount, item.get_expiry(), left, full_in)


def _account(email: str) -> str:
    """Return a digest that stands for an account, existing or not: whom people try to log in as does not belong in Valkey."""
    return hashlib.sha256(normal_email(email).casefold().encode()).hexdigest()[:32]
