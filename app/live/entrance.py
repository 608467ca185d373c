"""Who may open a socket: the path of Socket.IO lies before Flask's routes, so what these heed is heeded here.

Own pages and those of listed origins, at an allowed host. `/admin` is for own pages and for programs, which send no `Origin`.
"""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from flask import Flask
from flask_socketio import SocketIO
from werkzeug.exceptions import BadRequest
from werkzeug.sansio.utils import host_is_trusted

from app.domain.origins import is_origin, normal_origin

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

PATH = "/socket.io"


def is_from_own_page(environ: dict[str, Any]) -> bool:
    """Whether a connection was opened by a page of this very site, or by no page at all."""
    sent = environ.get("HTTP_ORIGIN")
    return sent is None or is_origin(sent, _own(environ))


def _own(environ: dict[str, Any]) -> frozenset[str]:
    """Return the origin of the site as this request met it. Some proxies call the scheme of a socket by its own name."""
    scheme = {"ws": "http", "wss": "https"}.get(environ["wsgi.url_scheme"], environ["wsgi.url_scheme"])
    try:
        return frozenset([normal_origin(f"{scheme}://{environ.get('HTTP_HOST', '')}")])
    except ValueError:
        return frozenset()


class Entrance:
    """WSGI middleware before the Socket.IO server.

    Args:
        app: what to hand the request on to.
        hosts: those that are served; none means all.
    """

    def __init__(self, app: "WSGIApplication", hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = hosts

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> "Iterable[bytes]":
        """Handle one request."""
        if self._hosts and environ["PATH_INFO"].startswith(PATH) and not host_is_trusted(environ.get("HTTP_HOST"), self._hosts):
            return BadRequest("This host is not served here.")(environ, start_response)
        return self._app(environ, start_response)


def origin_check(listed: Collection[str]) -> Callable[[str | None, dict[str, Any]], bool]:
    """Return what Engine.IO asks whether a page may open a socket: own pages may, and those of the `listed` origins."""
    accepted = frozenset(listed)

    def is_accepted(origin: str | None, environ: dict[str, Any]) -> bool:
        return is_from_own_page(environ) or is_origin(origin, accepted)

    return is_accepted


def stand_behind_arrival(app: Flask, socketio: SocketIO, hosts: Collection[str]) -> None:
    """Have `Arrival` come before the Socket.IO server, which Flask-SocketIO puts outermost, with an `Entrance` between them."""
    arrival = socketio.sockio_mw.wsgi_app
    socketio.sockio_mw.wsgi_app = arrival.app
    arrival.app = Entrance(socketio.sockio_mw, hosts)
    app.wsgi_app = arrival  # type: ignore[method-assign] # as Flask's manual does it
