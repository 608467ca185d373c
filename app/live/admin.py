"""The panel's namespace: hears of everything; needs the session cookie or an API key."""

from typing import Any

from flask import request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import Namespace, join_room

from app.container import Container
from app.contract import rooms
from app.services.authentication import COOKIE, Authenticator


class AdminNamespace(Namespace):  # type: ignore[misc] # flask-socketio is untyped
    """Listening only: whoever is let in gets every event."""

    def __init__(self, namespace: str, container: Container, authenticator: Authenticator) -> None:
        super().__init__(namespace)
        self._container = container
        self._authenticator = authenticator
        self._connected: set[str] = set()

    def on_connect(self, auth: Any = None) -> None:
        """Let staff and machines in; refuse everybody else."""
        key = (auth.get("api_key") or auth.get("token")) if isinstance(auth, dict) else None
        if isinstance(key, str):
            principal = self._authenticator.by_key(key)
        else:
            principal = self._authenticator.by_session(request.cookies.get(COOKIE, ""))
        if principal is None:
            self._container.monitoring.record_refusal("unauthenticated")
            raise Refused("unauthenticated")
        join_room(rooms.EVERYTHING_ROOM)
        self._connected.add(request.sid)  # type: ignore[attr-defined] # flask-socketio adds it
        self._container.monitoring.record_clients(rooms.ADMIN, +1)

    def on_disconnect(self, _reason: Any = None) -> None:
        """Count the panel out."""
        if request.sid in self._connected:  # type: ignore[attr-defined] # as above
            self._connected.discard(request.sid)  # type: ignore[attr-defined] # as above
            self._container.monitoring.record_clients(rooms.ADMIN, -1)
