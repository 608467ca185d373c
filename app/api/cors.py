"""Which pages of other origins may read what (the Fetch standard's CORS protocol): listed origins, and public reads alone.

Never with credentials, so a foreign page reads what a stranger would. What is not public is not mentioned to it at all.
"""

from collections.abc import Collection

from flask import Flask, Response, request

from app.domain.origins import is_origin

# The first step of the paths under the API that need no log-in. A test compares them with the routes.
PUBLIC = frozenset({"parts", "pdp", "categories", "openapi.json"})
METHODS = ("GET", "HEAD", "OPTIONS")
# What a script may send beyond what every page may, and read beyond that.
_SENT = "If-None-Match, If-Modified-Since, Cache-Control, Content-Type, X-Request-ID"
_READ = "ETag, X-Request-ID, X-Cache, Retry-After"
# Seconds for which a browser need not ask again.
_REMEMBERED = "7200"


def register(app: Flask, origins: Collection[str]) -> None:
    """Let pages of `origins`, in their normal form, read what is public."""
    accepted = frozenset(origins)
    if not accepted:
        return

    @app.before_request
    def preflight() -> Response | None:
        """Answer for paths without a route, too: what the page then asks for is its 404."""
        asks_first = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return Response(status=204) if asks_first and _is_public(request.path) else None

    @app.after_request
    def share(response: Response) -> Response:
        if request.method not in METHODS or not _is_public(request.path):
            return response
        # Without an `Origin`, too: a cache must not give the answer to somebody who sends one.
        response.vary.add("Origin")
        sent = request.headers.get("Origin")
        if not is_origin(sent, accepted):
            return response
        response.headers["Access-Control-Allow-Origin"] = sent
        if request.method == "OPTIONS":
            response.headers["Access-Control-Allow-Methods"] = ", ".join(METHODS)
            response.headers["Access-Control-Allow-Headers"] = _SENT
            response.headers["Access-Control-Max-Age"] = _REMEMBERED
        else:
            response.headers["Access-Control-Expose-Headers"] = _READ
        return response


def _is_public(path: str) -> bool:
    # Werkzeug takes `//` for `/`; what `..` would lead to is for a proxy before us to say.
    steps = [step for step in path.split("/") if step]
    return len(steps) > 2 and steps[:2] == ["api", "v1"] and steps[2] in PUBLIC and ".." not in steps
