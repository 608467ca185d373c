"""The first step of every request, HTTP or WebSocket: who calls, from where, at which host, as the trusted proxies report it."""

import re
from typing import TYPE_CHECKING, Any

from app.domain.addresses import client_of, parse_address

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# The WSGI key of the connection's own peer address: the proxy's, if there is one.
PEER = "lockstep.peer"
# Some proxies give a WebSocket's scheme as `ws` or `wss`.
_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
# A name is the same with a dot at its end, and a port may be left empty.
_HOST = re.compile(r"(?P<name>.*?)\.?(?P<port>:[0-9]+)?:?", re.DOTALL)


class Arrival:
    """The outermost WSGI middleware. Afterwards `REMOTE_ADDR` is a parsed address, or empty if a proxy named none.

    Args:
        app: the application to pass requests on to; may be replaced later.
        hops: how many proxies are trusted to name the client, the host and the scheme in `X-Forwarded-*`.
    """

    def __init__(self, app: "WSGIApplication", hops: int) -> None:
        self.app = app
        self._hops = hops

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        """Handle one request."""
        peer = environ.get("REMOTE_ADDR", "")
        environ[PEER] = parse_address(peer)
        environ["REMOTE_ADDR"] = parse_address(self._reported(environ, "FOR") or peer) or ""
        scheme = self._reported(environ, "PROTO").lower()
        environ["wsgi.url_scheme"] = _SCHEMES.get(scheme, environ["wsgi.url_scheme"])
        if host := self._reported(environ, "HOST") or environ.get("HTTP_HOST"):
            environ["HTTP_HOST"] = _normal_host(host)
        return self.app(environ, start_response)

    def _reported(self, environ: "WSGIEnvironment", what: str) -> str:
        """Return what the outermost trusted proxy says in `X-Forwarded-…`; empty if there were fewer.

        Each proxy appends to what it was sent, which a client may have begun with a quotation mark. So a comma always separates,
        even where RFC 9110 (5.6.4) would have it belong to a quoted string.
        """
        if not self._hops:
            return ""
        said = [one for part in environ.get(f"HTTP_X_FORWARDED_{what}", "").split(",") if (one := part.strip())]
        return said[-self._hops].strip('"') if len(said) >= self._hops else ""


def _normal_host(host: str) -> str:
    """Return a host in the form in which hosts are compared (RFC 3986, 3.2.2 and 6.2.3)."""
    found = _HOST.fullmatch(host.lower())
    return f"{found['name']}{found['port'] or ''}" if found else host


def address_of(environ: dict[str, Any]) -> str | None:
    """Return the client's address, for people to read; None if a proxy named none."""
    return environ["REMOTE_ADDR"] or None


def limited_client(environ: dict[str, Any]) -> str:
    """Return the client that limits attribute a request to. Clients whose proxy named no address count as one: the proxy."""
    address = environ["REMOTE_ADDR"] or environ.get(PEER)
    return client_of(address) if address else "unknown"
