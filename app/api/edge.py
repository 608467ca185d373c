"""What an HTTP cache in front (an edge) is told of customers' answers: how long each may be stored, and how it is purged.

Browsers are told nothing of it: for them `Cache-Control` counts.
"""

import time
from collections.abc import Collection

from flask import Flask, Response, request

from app.api.context import Reading, container, customers_reading
from app.contract import cache_keys
from app.contract.edge import LIFE, OLDEST

# Of the keys in one header: Varnish takes lines of 8 kB.
MAX_CHARACTERS = 7000
STORED, NOT_STORED = f"max-age={LIFE}", "no-store"


def register(app: Flask, edges: Collection[str]) -> None:
    """Tell the edges of the setting; nothing if there are none."""
    if not edges:
        return
    # Cloudflare goes by headers of its own. It keeps one answer for all, whatever `Vary` says beside codings.
    is_cloudflare = any(edge.startswith("cloudflare:") for edge in edges)

    @app.after_request
    def tell(response: Response) -> Response:
        reading = customers_reading()
        if reading is None or request.method not in {"GET", "HEAD"} or response.status_code not in {200, 304}:
            return response
        keys = sorted(set(map(cache_keys.surrogate, reading.sources.names)))
        named = " ".join(keys)
        is_for_all = "Set-Cookie" not in response.headers
        may_be_stored = is_for_all and len(named) <= MAX_CHARACTERS and _age(reading) <= OLDEST
        response.headers["Surrogate-Control"] = STORED if may_be_stored else NOT_STORED
        if may_be_stored:
            response.headers["Surrogate-Key"] = named
        if is_cloudflare:
            is_one = may_be_stored and {name.lower() for name in response.vary} <= {"accept-encoding"}
            response.headers["Cloudflare-CDN-Cache-Control"] = STORED if is_one else NOT_STORED
            if is_one:
                response.headers["Cache-Tag"] = ",".join(keys)
        return response


def _age(reading: Reading) -> float:
    """Return how many seconds ago all that an answer says was certainly true."""
    true_at, proven_at = reading.proven_at, container().cache.proven_at
    if true_at is None:
        # It was read from the database, or perhaps from the cache if that was proven fresh meanwhile.
        true_at = reading.began if proven_at is None else min(reading.began, proven_at)
    return time.monotonic() - true_at
