"""Who may open a socket: Socket.IO's path bypasses Flask, so it is here that a strange host or origin is refused.

Our own pages and those of listed origins, at an allowed host. `/admin` is for our own pages and for programs, which send no
`Origin`.
"""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_socketio import SocketIO
from werkzeug.exceptions import BadRequest

from app.arrival import STRANGE_HOST
from app.domain.origins import is_origin, normal_origin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/socket.io"


def is_from_own_page(environ: dict[str, Any]) -> bool:
    """Whether a connection was opened by a page of this site, or by no page at all."""
    sent = environ.get("HTTP_ORIGIN")
    return sent is None or is_origin(sent, _own(environ))


def _own(environ: dict[str, Any]) -> frozenset[str]:
    """Return the site's origin as seen by this request."""
    try:
        return frozenset([normal_origin(f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}")])
    except ValueError:
        return frozenset()


class Entrance:
    """WSGI middleware in front of the Socket.IO server."""

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        """Handle one request."""
        if STRANGE_HOST in environ and environ["PATH_INFO"].startswith(PATH):
            return BadRequest("This host is not served here.")(environ, start_response)
        return self._app(environ, start_response)


def origin_check(listed: Collection[str]) -> Callable[[str | None, dict[str, Any]], bool]:
    """Return the check that Engine.IO makes before a page may open a socket: our own pages and the `listed` origins may."""
    accepted = frozenset(listed)

    def is_accepted(origin: str | None, environ: dict[str, Any]) -> bool:
        return is_from_own_page(environ) or is_origin(origin, accepted)

    return is_accepted


def stand_behind_arrival(app: Flask, socketio: SocketIO) -> None:
    """Put `Arrival` in front of the Socket.IO server, which Flask-SocketIO makes outermost, with an `Entrance` in between."""
    arrival = socketio.sockio_mw.wsgi_app
    socketio.sockio_mw.wsgi_app = arrival.app
    arrival.app = Entrance(socketio.sockio_mw)
    app.wsgi_app = arrival  # type: ignore[method-assign] # as Flask's documentation does
