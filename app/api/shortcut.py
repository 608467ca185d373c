"""Answers a request again that was answered before, without Flask, which would take longer than all else (docs/adr/0022).

What Flask answered with a kept answer is noted here as it was sent, under all that it depends on of the request. The next such
request is sent the same once the cache has confirmed it, as `app.api.kept` would have it. All others go through Flask.
"""

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from werkzeug.http import parse_set_header

from app import tracing
from app.api.asking import OURSELVES
from app.api.context import ADMITTED, Context
from app.api.edge import NOT_STORED
from app.api.kept import CONFIRMED, DISPROVEN, Kept
from app.api.request_context import REQUEST_ID, id_of
from app.arrival import limited_client
from app.contract.edge import OLDEST
from app.domain.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# What answers may vary by: these headers are part of what they are noted under, and so is `If-None-Match`.
VARIES_BY = frozenset({"accept-encoding", "origin"})
# About what an answer's headers take, in bytes.
BYTES_OF_HEADERS = 2000

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Sent:
    """An answer as it was sent, and the kept answer that it was made of.

    Args:
        route: its rule.
        id_at: which of the headers is the request's id, which is another one each time.
        size: about how many bytes it takes beside the kept answer, which is kept for at least as long.
        is_for_edges: whether HTTP caches in front may store it.
    """

    kept: Kept
    route: str
    status: str
    headers: Headers
    id_at: int
    data: bytes
    size: int
    is_for_edges: bool

    def __len__(self) -> int:
        """Return its size."""
        return self.size


class Shortcut:
    """WSGI middleware inside `Arrival`, in front of Flask."""

    def __init__(self, application: "WSGIApplication", context: Context) -> None:
        self._application = application
        self._pressure = context.container.pressure
        self._cache = context.container.cache
        self._monitoring = context.container.monitoring
        self._answers = context.answers

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        """Handle one request."""
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"} or not environ["PATH_INFO"].startswith("/api/") or tracing.is_on():
            return self._application(environ, start_response)
        key = _key(environ)
        sent = self._answers.find(key)
        if isinstance(sent, Sent) and self._may_be_sent(sent, environ):
            # Whatever is asked for least is dropped first, and a kept answer only after all that was made of it.
            self._answers.find(sent.kept.address)
            headers = sent.headers.copy()
            headers[sent.id_at] = (REQUEST_ID, id_of(environ.get("HTTP_X_REQUEST_ID", "")))
            start_response(sent.status, headers)
            return [sent.data]
        return self._noting(key, environ, start_response)

    def _may_be_sent(self, sent: Sent, environ: "WSGIEnvironment") -> bool:
        """Do for a request what Flask would do before and after; return whether this is its answer."""
        began = time.perf_counter()
        environ[ADMITTED] = self._pressure.admits()
        if not environ[ADMITTED]:
            return False
        try:
            self._pressure.begun(limited_client(environ))
        except BusyError:
            environ[ADMITTED] = False
            return False
        try:
            proven_at = self._cache.proven_at
            if not self._cache.confirms(sent.kept.proof):
                environ[DISPROVEN] = sent.kept
                return False
            if sent.is_for_edges and (proven_at is None or time.monotonic() - proven_at > OLDEST):
                return False
        finally:
            self._pressure.ended()
        if OURSELVES not in environ:
            seconds = time.perf_counter() - began
            self._monitoring.record_request(sent.route, environ["REQUEST_METHOD"], int(sent.status[:3]), seconds)
        return True

    def _noting(self, key: tuple[Any, ...], environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        """Have Flask answer, and note it if the next such request may be answered with that."""
        started: list[tuple[str, Headers]] = []

        def start(status: str, headers: Headers, exc_info: Any = None) -> Any:
            started.append((status, headers))
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        chunks = self._application(environ, start)
        if CONFIRMED not in environ:
            return chunks
        data = b"".join(chunks)
        if close := getattr(chunks, "close", None):
            close()
        kept, rule = environ[CONFIRMED]
        self._note(key, kept, rule, started[-1], data)
        return [data]

    def _note(self, key: tuple[Any, ...], kept: Kept, route: str, start: tuple[str, Headers], data: bytes) -> None:
        status, headers = start
        said = {name.lower(): value for name, value in headers}
        varies_by = {name.lower() for name in parse_set_header(said.get("vary"))}
        edges = said.get("surrogate-control")
        is_whole = status.startswith(("200", "304"))
        if not is_whole or not varies_by <= VARIES_BY or "set-cookie" in said or edges == NOT_STORED:
            return
        id_at = next(at for at, (name, _id) in enumerate(headers) if name == REQUEST_ID)
        size = BYTES_OF_HEADERS + sum(map(len, filter(None, key))) + (0 if data is kept.data else len(data))
        self._answers.keep(key, Sent(kept, route, status, headers, id_at, data, size, edges is not None))


def _key(environ: "WSGIEnvironment") -> tuple[Any, ...]:
    find = environ.get
    return (
        environ["REQUEST_METHOD"], find("HTTP_HOST"), environ["PATH_INFO"], find("QUERY_STRING"), find("HTTP_ACCEPT_ENCODING"),
        find("HTTP_IF_NONE_MATCH"), find("HTTP_ORIGIN"),
    )  # fmt: skip
