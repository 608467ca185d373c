"""What every request gets: an id, the ids of the events that it causes, security headers, and a measurement of its duration."""

import re
import time
import uuid

import structlog
from flask import Flask, Response, g, request
from werkzeug.exceptions import BadRequest

from app import tracing
from app.api.asking import OURSELVES
from app.api.context import container, noted_call, request_id
from app.arrival import STRANGE_HOST, address_of
from app.logs import TRACE
from app.store.transaction import note_events

trace = structlog.get_logger(channel=TRACE)

# What `admit` has every line say.
_WHO = ("actor", "actor_id", "api_key")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
REQUEST_ID, EVENT_IDS = "X-Request-ID", "X-Event-IDs"
# More would not fit into the header that proxies accept: those of a bulk are found in the audit trail by the request's id.
MAX_EVENT_IDS = 50


def policy(*scripts: str) -> str:
    """Return a content security policy: all is from our own origin, the socket too, which 'self' includes.

    Args:
        scripts: sources of scripts beside that.
    """
    allowed = " ".join(["'self'", *scripts])
    return (
        f"default-src 'self'; script-src {allowed};"
        # Vue and Nuxt UI set inline styles.
        " style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self';"
        " object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"
    )


# What an answer has unless its view says otherwise.
HEADERS = {
    "Content-Security-Policy": policy(),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def id_of(sent: str) -> str:
    """Return the id of a request that was sent with this one: that, if it can be one, or else a new one."""
    return sent if _REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex


def register(app: Flask, *, https_only: bool) -> None:
    """Give every request of `app` its context.

    Args:
        https_only: whether browsers are told to insist on HTTPS.
    """
    if tracing.is_on():
        _trace(app)

    @app.before_request
    def begin() -> None:
        g.request_id = id_of(request.headers.get(REQUEST_ID, ""))
        g.began = time.perf_counter()
        g.event_ids = note_events()
        structlog.contextvars.unbind_contextvars(*_WHO)
        structlog.contextvars.bind_contextvars(request_id=g.request_id, address=address_of(request.environ))

    app.before_request(_refuse_strange_host)

    @app.after_request
    def end(response: Response) -> Response:
        response.headers[REQUEST_ID] = request_id() or uuid.uuid4().hex
        repeated = noted_call()
        if event_ids := g.get("event_ids") or (repeated and repeated.event_ids):
            response.headers[EVENT_IDS] = ",".join(event_ids[:MAX_EVENT_IDS])
        said = {name.lower() for name, _ in response.headers}
        response.headers.extend([(name, value) for name, value in HEADERS.items() if name.lower() not in said])
        if https_only:
            response.headers["Strict-Transport-Security"] = "max-age=31536000"
        if request.path.startswith("/api/") and "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = "no-store"
        if "began" in g and OURSELVES not in request.environ:
            rule = route()
            seconds = time.perf_counter() - g.began
            container().monitoring.record_request(rule, request.method, response.status_code, seconds)
            # Of customers the metrics tell; of staff everybody may want to know what they did.
            if "principal" in g:
                trace.info(
                    "request", method=request.method, route=rule, status=response.status_code, ms=round(seconds * 1000, 1),
                    event_ids=g.event_ids[:MAX_EVENT_IDS],
                )  # fmt: skip
        structlog.contextvars.unbind_contextvars("request_id", "address", *_WHO)
        return response


def _refuse_strange_host() -> None:
    if STRANGE_HOST in request.environ:
        raise BadRequest("This host is not served here.")


def _trace(app: Flask) -> None:
    """Give each request that is neither our own nor a probe's its span."""

    @app.before_request
    def begin_span() -> None:
        if OURSELVES not in request.environ and request.blueprint != "health":
            g.span = tracing.request(request.method, request.headers.get)

    @app.after_request
    def describe_span(response: Response) -> Response:
        if (span := g.get("span")) is not None:
            span.answered(route(), response.status_code)
        return response

    @app.teardown_request
    def end_span(_error: BaseException | None) -> None:
        if (span := g.pop("span", None)) is not None:
            span.end()


def route() -> str:
    """Return the rule of the current request's route."""
    return request.url_rule.rule if request.url_rule else "none"
