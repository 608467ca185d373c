"""Whether the process lives, whether it can work, and its metrics."""

import hmac

from flask import Blueprint, Response, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy.exc import SQLAlchemyError

from app.api.context import container, offload
from app.api.rendering import json_response
from app.domain.errors import ForbiddenError
from app.domain.turns import SharedWork
from app.monitoring import exposition
from app.store import database

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def healthz() -> Response:
    """The process answers."""
    response = json_response({"status": "ok"})
    # By this `embed.js` on a page elsewhere tells a shop that does not answer from one that it may not read.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@blueprint.get("/readyz")
def readyz() -> Response:
    """The database is needed; without the cache or the broker everything works, slower: degraded.

    The cache is ok while this process may serve from it, which it must have proven a moment ago. That takes the database, which
    is asked here only without such a proof: with every connection at work the process is busy, and not unavailable.
    """
    is_fresh = container().cache.is_fresh
    try:
        if not is_fresh:
            database.check(container().reading)
    except SQLAlchemyError:
        return json_response({"status": "unavailable", "database": "away"}, 503, {"Retry-After": "1"})
    cache = "ok" if is_fresh else "degraded"
    broker = "ok" if container().wake_ups.broker_answers else "degraded"
    status = "ok" if cache == broker == "ok" else "degraded"
    return json_response({"status": status, "database": "ok", "cache": cache, "broker": broker})


@blueprint.get("/metrics")
def metrics() -> Response:
    """Metrics of all processes; in production only with the token."""
    wired = container()
    token = wired.settings.metrics_token
    sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if (wired.settings.production or token) and not (token and hmac.compare_digest(sent.encode(), token.encode())):
        raise ForbiddenError("Send `Authorization: Bearer` with the value of LOCKSTEP_METRICS_TOKEN.")

    scrape = current_app.extensions.setdefault(
        "lockstep_scrape",
        SharedWork(lambda: offload(exposition, wired.settings.metrics_directory, wired.condition.metrics())),
    )
    return Response(scrape.result(), content_type=CONTENT_TYPE_LATEST)
