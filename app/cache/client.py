"""How Valkey is spoken to, wherever it is only a cache."""

from typing import Any

from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import BlockingConnectionPool
from redis.retry import Retry

# The cache may take this long, in seconds, before it counts as down: for a request its point is to be faster than the database; a
# worker handles hundreds of events at once and has time.
CACHE_TIMEOUT = 0.15
WORKER_CACHE_TIMEOUT = 2.0


def cache_client(
    url: str, timeout: float = CACHE_TIMEOUT, *, max_connections: int = 64, max_wait: float | None = None, **options: Any
) -> Redis:
    """Return a client that gives up quickly and never retries: the caller has the database to fall back on.

    Args:
        timeout: seconds that the server may take to answer.
        max_wait: seconds that a caller waits for one of `max_connections`; `timeout` if None.
    """
    pool = BlockingConnectionPool.from_url(
        url,
        max_connections=max_connections,
        timeout=timeout if max_wait is None else max_wait,
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        retry=Retry(NoBackoff(), 0),
        **options,
    )
    return Redis(connection_pool=pool)
