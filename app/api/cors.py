"""What pages of other origins may read (the Fetch standard's CORS protocol): only listed origins, and only public reads.

Never with credentials, so a foreign page reads what an anonymous client would. Paths that are not public get no CORS headers.
"""

from collections.abc import Collection

from flask import Flask, Response, request

from app.domain.origins import is_origin

# First segments, under /api/v1, of the paths that need no log-in. A test compares them with the routes.
PUBLIC = frozenset({"parts", "pdp", "categories", "openapi.json"})
METHODS = ("GET", "HEAD", "OPTIONS")
# What is asked with a body because it does not fit into an address, and reads all the same.
ASKED_BY_POST = frozenset({"/api/v1/parts/lookup"})
# Headers that a script may send, and read, beyond those that the Fetch standard always allows.
_SENT = "If-None-Match, If-Modified-Since, Cache-Control, Content-Type, X-Request-ID, traceparent, tracestate"
_READ = "ETag, X-Request-ID, X-Cache, Retry-After"
# Seconds for which a browser may cache the answer to a preflight.
_REMEMBERED = "7200"


def register(app: Flask, origins: Collection[str]) -> None:
    """Let pages of `origins`, given in normal form, read what is public."""
    accepted = frozenset(origins)
    if not accepted:
        return

    @app.before_request
    def preflight() -> Response | None:
        """Answer for paths without a route, too, so that the page can read their 404."""
        asks_first = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return Response(status=204) if asks_first and _is_public(request.path) else None

    @app.after_request
    def share(response: Response) -> Response:
        if request.method not in _methods(request.path) or not _is_public(request.path):
            return response
        # Even without an `Origin`: a cache must not give this response to somebody who sends one.
        response.vary.add("Origin")
        sent = request.headers.get("Origin")
        if not is_origin(sent, accepted):
            return response
        response.headers["Access-Control-Allow-Origin"] = sent
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = ", ".join(_methods(request.path))
            response.headers["Access-Control-Allow-Headers"] = _SENT
            response.headers["Access-Control-Max-Age"] = _REMEMBERED
        else:
            response.headers["Access-Control-Expose-Headers"] = _READ
        return response


def _methods(path: str) -> tuple[str, ...]:
    return (*METHODS, "POST") if path in ASKED_BY_POST else METHODS


def _is_public(path: str) -> bool:
    # Werkzeug takes `//` for `/`; a path with `..` is not public, since a proxy in front of us may resolve it.
    steps = [step for step in path.split("/") if step]
    return len(steps) > 2 and steps[:2] == ["api", "v1"] and steps[2] in PUBLIC and ".." not in steps
