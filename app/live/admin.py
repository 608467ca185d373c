"""The panel's namespace: hears of every change; the session or API key must stay valid for as long as it is connected."""

import time
from functools import partial
from typing import Any, NoReturn

from flask import request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import Namespace, join_room
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from app.container import Container
from app.contract import rooms
from app.live.entrance import is_from_own_page
from app.live.standing import Standing
from app.services.authentication import COOKIE, Authenticator, Principal
from app.store import users
from app.store.database import connect, single_statements

ENDED = "session.ended"


class AdminNamespace(Namespace):  # type: ignore[misc] # flask-socketio is untyped
    """Listen-only: whoever is admitted gets every event, or a `resync` for a bulk of them, until their session or key ends."""

    def __init__(self, namespace: str, container: Container, authenticator: Authenticator) -> None:
        super().__init__(namespace)
        self._container = container
        self._authenticator = authenticator
        # A dedicated connection, so that requests cannot starve the check. If it goes silent, it is abandoned after 2 s.
        url = make_url(container.settings.database_url).update_query_dict({"tcp_user_timeout": "2000"})
        proving = single_statements(connect(url.render_as_string(hide_password=False), pool_size=1))
        self.standing = Standing(partial(users.rights, proving), self._end, self._drop)

    def on_connect(self, auth: Any = None) -> None:
        """Admit staff and API keys; refuse everybody else."""
        if not is_from_own_page(request.environ):
            self._refuse("foreign_origin")
        asked_at = time.monotonic()
        try:
            principal = self._principal(auth)
        except SQLAlchemyError:
            self._refuse("unavailable")
        if principal is None:
            self._refuse("unauthenticated")
        join_room(rooms.EVERYTHING_ROOM)
        self.standing.admit(_sid(), principal, asked_at)
        self._container.monitoring.record_clients(rooms.ADMIN, +1)

    def on_disconnect(self, _reason: Any = None) -> None:
        """Stop counting and watching the panel."""
        if self.standing.forget(_sid()):
            self._container.monitoring.record_clients(rooms.ADMIN, -1)

    def _principal(self, auth: Any) -> Principal | None:
        key = (auth.get("api_key") or auth.get("token")) if isinstance(auth, dict) else None
        if isinstance(key, str):
            return self._authenticator.by_key(key)
        return self._authenticator.by_session(request.cookies.get(COOKIE, ""))

    def _refuse(self, reason: str) -> NoReturn:
        self._container.monitoring.record_refusal(reason)
        raise Refused(reason)

    def _end(self, sid: str) -> None:
        """Tell the panel and disconnect it; close the transport too, unless the same page is also connected as a customer."""
        server = self.socketio.server
        engine_sid = server.manager.eio_sid_from_sid(sid, self.namespace)
        self._container.monitoring.record_refusal("session_ended")
        server.emit(ENDED, {}, to=sid, namespace=self.namespace, ignore_queue=True)
        server.disconnect(sid, namespace=self.namespace, ignore_queue=True)
        if server.manager.sid_from_eio_sid(engine_sid, rooms.CUSTOMERS) is None:
            self._close(engine_sid)

    def _drop(self, sid: str) -> None:
        """Close the transport; the panel then reconnects by itself."""
        self._container.monitoring.record_refusal("unproven")
        self._close(self.socketio.server.manager.eio_sid_from_sid(sid, self.namespace))

    def _close(self, engine_sid: str | None) -> None:
        if connection := self.socketio.server.eio.sockets.get(engine_sid):
            connection.close(wait=False)


def _sid() -> str:
    return str(request.sid)  # type: ignore[attr-defined] # flask-socketio adds it
