"""The first step of every request, HTTP or WebSocket: who calls, from where, at which host, as the trusted proxies report it."""

from typing import TYPE_CHECKING, Any

from app.domain.addresses import client_of, parse_address
from app.domain.origins import parse_host

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The WSGI key of the connection's own peer address: the proxy's, if there is one.
PEER = "lockstep.peer"
# The WSGI key of a request at a host that is none, or not served. Whoever answers refuses it.
STRANGE_HOST = "lockstep.strange_host"
# Some proxies give a WebSocket's scheme as `ws` or `wss`.
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


class Arrival:
    """The outermost WSGI middleware. Afterwards `REMOTE_ADDR` is a parsed address, or empty if a proxy named none.

    Args:
        app: the application to pass requests on to; may be replaced later.
        hops: how many proxies are trusted to name the client, the host and the scheme in `X-Forwarded-*`.
        hosts: the hosts that are served (`listed_host`); none means all.
    """

    def __init__(self, app: "WSGIApplication", hops: int, hosts: "Collection[str]") -> None:
        self.app = app
        self._hops = hops
        self._hosts = hosts

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        """Handle one request."""
        peer = environ.get("REMOTE_ADDR", "")
        environ[PEER] = parse_address(peer)
        environ["REMOTE_ADDR"] = parse_address(self._reported(environ, "FOR") or peer) or ""
        scheme = self._reported(environ, "PROTO").lower()
        environ["wsgi.url_scheme"] = _SCHEMES.get(scheme, environ["wsgi.url_scheme"])
        self._take_host(environ)
        return self.app(environ, start_response)

    def _take_host(self, environ: "WSGIEnvironment") -> None:
        named = self._reported(environ, "HOST") or environ.get("HTTP_HOST")
        # HTTP/1.0 knows requests that name none.
        host = parse_host(environ["SERVER_NAME"] if named is None else named)
        if host is None or (self._hosts and not host.is_among(self._hosts)):
            environ[STRANGE_HOST] = True
        elif named is not None:
            environ["HTTP_HOST"] = f"{host.name}{host.port}"

    def _reported(self, environ: "WSGIEnvironment", what: str) -> str:
        """Return what the outermost trusted proxy says in `X-Forwarded-…`; empty if there were fewer.

        Each proxy appends to what it was sent, which a client may have begun with a quotation mark. So a comma always separates,
        even where RFC 9110 (5.6.4) would have it belong to a quoted string.
        """
        if not self._hops:
            return ""
        said = [one for part in environ.get(f"HTTP_X_FORWARDED_{what}", "").split(",") if (one := part.strip())]
        return said[-self._hops].strip('"') if len(said) >= self._hops else ""


def address_of(environ: dict[str, Any]) -> str | None:
    """Return the client's address, for people to read; None if a proxy named none."""
    return environ["REMOTE_ADDR"] or None


def limited_client(environ: dict[str, Any]) -> str:
    """Return the client that limits attribute a request to. Clients whose proxy named no address count as one: the proxy."""
    address = environ["REMOTE_ADDR"] or environ.get(PEER)
    return client_of(address) if address else "unknown"
