"""What comes before every request, page or socket: who calls, from where, and whom they meant, as the trusted proxies say."""

from typing import TYPE_CHECKING, Any

from werkzeug.middleware.proxy_fix import ProxyFix

from app.domain.addresses import client_of, parse_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The WSGI key of the address from which the connection itself came: the proxy's, if there is one.
PEER = "lockstep.peer"


class Arrival:
    """WSGI middleware, to stand outermost. `REMOTE_ADDR` is a parsed address afterwards, or empty where a proxy named none.

    Args:
        app: what to hand the request on to; may be put in place later.
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
    """Return the address of the client, for people to read; None if a proxy named none."""
    return environ["REMOTE_ADDR"] or None


def limited_client(environ: dict[str, Any]) -> str:
    """Return what limits count as one client. Clients for whom their proxy named no address are one together: the proxy."""
    address = environ["REMOTE_ADDR"] or environ.get(PEER)
    return client_of(address) if address else "unknown"
