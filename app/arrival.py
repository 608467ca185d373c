"""The first step of every request, HTTP or WebSocket: who calls, from where, at which host, as the trusted proxies report it."""

from typing import TYPE_CHECKING, Any

from werkzeug.middleware.proxy_fix import ProxyFix

from app.domain.addresses import client_of, parse_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The WSGI key of the connection's own peer address: the proxy's, if there is one.
PEER = "lockstep.peer"


class Arrival:
    """The outermost WSGI middleware. Afterwards `REMOTE_ADDR` is a parsed address, or empty if a proxy named none.

    Args:
        app: the application to pass requests on to; may be replaced later.
        hops: how many proxies are trusted to name the client, the host and the scheme in `X-Forwarded-*`.
    """

    def __init__(self, app: "WSGIApplication", hops: int) -> None:
        self.app = app
        self._proxies = ProxyFix(self._hand_on, x_for=hops, x_proto=hops, x_host=hops)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        """Handle one request."""
        environ[PEER] = parse_address(environ.get("REMOTE_ADDR", ""))
        return self._proxies(environ, start_response)

    def _hand_on(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        environ["REMOTE_ADDR"] = parse_address(environ.get("REMOTE_ADDR", "")) or ""
        return self.app(environ, start_response)


def address_of(environ: dict[str, Any]) -> str | None:
    """Return the client's address, for people to read; None if a proxy named none."""
    return environ["REMOTE_ADDR"] or None


def limited_client(environ: dict[str, Any]) -> str:
    """Return the client that limits attribute a request to. Clients whose proxy named no address count as one: the proxy."""
    address = environ["REMOTE_ADDR"] or environ.get(PEER)
    return client_of(address) if address else "unknown"
