"""The panel's namespace: hears of every change, says which parts it has open, and follows what becomes of its own changes; the
session or API key must stay valid for as long as it is connected."""

import math
import random
import time
from functools import partial
from typing import Any, NoReturn

import structlog
from flask import request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import Namespace, join_room
from redis.exceptions import RedisError
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from app.arrival import address_of
from app.cache.client import cache_client
from app.container import Container
from app.contract import rooms
from app.contract.messages.customers import BusyRefusal, Refusal, WatchRefusal
from app.contract.messages.staff import CloseAnswer, DeliverySettledEvent, FollowAnswer, OpenAnswer, PresenceEvent
from app.live.budgets import PanelBudget
from app.live.entrance import is_from_own_page
from app.live.following import Following
from app.live.incoming import faults
from app.live.presence import MAX_OPEN, Presence
from app.live.standing import Standing
from app.logs import SECURITY
from app.services.authentication import Authenticator, Principal, session_cookie
from app.store import users
from app.store.database import connect, single_statements
from app.sync.publisher import EventPublisher, PublishError

log = structlog.get_logger()
security = structlog.get_logger(channel=SECURITY)

ENDED = "session.ended"
PRESENCE = "presence"
SETTLED = "delivery.settled"
# Seconds after which a panel may say again what could not be noted or found out: about when it would do so anyway.
_LATER = (5.0, 10.0)


class AdminNamespace(Namespace):  # type: ignore[misc] # flask-socketio is untyped
    """Whoever is admitted gets every event, or a `resync` for a bulk of them, until their session or key ends. All that a panel
    may say is which part it has open, and which events it follows."""

    # Of keys that are limited to scopes. Without it nobody is let in, so every message needs it.
    required_scope = "read"

    def __init__(self, namespace: str, container: Container, authenticator: Authenticator) -> None:
        super().__init__(namespace)
        self._container = container
        self._authenticator = authenticator
        # A dedicated connection, so that requests cannot starve the check. If it goes silent, it is abandoned after 2 s.
        url = make_url(container.settings.database_url).update_query_dict({"tcp_user_timeout": "2000"})
        proving = single_statements(connect(url.render_as_string(hide_password=False), pool_size=1))
        rights = partial(users.rights, proving, scope=self.required_scope, idle=authenticator.idle)
        self.standing = Standing(rights, self._end, self._drop)
        settings = container.settings
        client = cache_client(settings.redis_url)
        self._publisher = EventPublisher(client, settings.prefix, container.monitoring)
        self.presence = Presence(client, settings.prefix, self._tell)
        self.following = Following(container.sync_control.settlements, self._tell_settled)
        self._budget = PanelBudget()

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
        if not principal.covers(self.required_scope):
            self._refuse("missing_scope", scope=self.required_scope)
        join_room(rooms.EVERYTHING_ROOM)
        self.standing.admit(_sid(), principal, asked_at)
        self.presence.enter(_sid())
        self._container.monitoring.record_clients(rooms.ADMIN, +1)

    def on_disconnect(self, _reason: Any = None) -> None:
        """Stop counting and watching the panel."""
        if self.standing.forget(_sid()):
            self._container.monitoring.record_clients(rooms.ADMIN, -1)
        self._budget.forget(_sid())
        self.following.leave(_sid())
        self.presence.leave(_sid())

    def on_open(self, body: Any = None) -> OpenAnswer | WatchRefusal:
        """Note that the panel has a part open, for the others and for 30 s; return who has."""
        if refusal := self._refusal("open", body):
            return self._refused(refusal)
        part_id, opened = int(body["part_id"]), self.presence.opened(_sid())
        if part_id not in opened and len(opened) >= MAX_OPEN:
            message = f"A connection may have {MAX_OPEN} parts open; close some first."
            return self._refused({"code": "too_many_parts", "message": message})
        who = self.standing.principal(_sid())
        if who is None:
            return {"people": []}
        try:
            people = self.presence.open(_sid(), part_id, {"id": who.user_id, "name": who.name}, body.get("field"))
        except RedisError as error:
            log.warning("presence not noted", error=str(error))
            return self._refused(_busy(random.uniform(*_LATER)))
        return {"people": people}

    def on_close(self, body: Any = None) -> CloseAnswer | WatchRefusal:
        """Note that the panel has a part open no longer."""
        if refusal := self._refusal("close", body):
            return self._refused(refusal)
        try:
            self.presence.close(_sid(), int(body["part_id"]))
        except RedisError as error:
            log.warning("presence not ended, it lapses", error=str(error))
        return {"open": len(self.presence.opened(_sid()))}

    def on_follow(self, body: Any = None) -> FollowAnswer | WatchRefusal:
        """Tell the panel from now on which effects of these events are settled; return which are already."""
        if refusal := self._refusal("follow", body):
            return self._refused(refusal)
        try:
            return self.following.follow(_sid(), list(dict.fromkeys(event_id.lower() for event_id in body["event_ids"])))
        except SQLAlchemyError as error:
            log.warning("events not followed", error=str(error).splitlines()[0])
            return self._refused(_busy(random.uniform(*_LATER)))

    def _refusal(self, event: str, body: Any) -> Refusal | BusyRefusal | None:
        """Return why a message cannot be taken, if it cannot."""
        if wait := self._budget.draw(_sid()):
            return _busy(wait)
        if errors := faults(rooms.ADMIN, event, body):
            return {"code": "invalid", "message": f"{event}: see `errors`", "errors": errors}
        return None

    def _refused(self, refusal: Refusal | BusyRefusal) -> WatchRefusal:
        self._container.monitoring.record_refusal(refusal["code"])
        return {"error": refusal}

    def _tell(self, presence: PresenceEvent) -> None:
        try:
            self._publisher.tell_staff(PRESENCE, dict(presence))
        except PublishError as error:
            log.warning("presence not told", error=str(error))

    def _tell_settled(self, sid: str, settled: DeliverySettledEvent) -> None:
        self.socketio.server.emit(SETTLED, settled, to=sid, namespace=self.namespace, ignore_queue=True)

    def _principal(self, auth: Any) -> Principal | None:
        key = (auth.get("api_key") or auth.get("token")) if isinstance(auth, dict) else None
        if isinstance(key, str):
            return self._authenticator.by_key(key)
        cookie = session_cookie(https_only=self._container.settings.production)
        # A socket is open whether anybody looks at it or not.
        return self._authenticator.by_session(request.cookies.get(cookie, ""), is_use=False)

    def _refuse(self, reason: str, **more: str) -> NoReturn:
        self._container.monitoring.record_refusal(reason)
        security.warning("socket_refused", reason=reason, address=address_of(request.environ), **more)
        raise Refused(reason, more) if more else Refused(reason)

    def _end(self, sid: str) -> None:
        """Tell the panel and disconnect it; close the transport too, unless the same page is also connected as a customer."""
        server = self.socketio.server
        engine_sid = server.manager.eio_sid_from_sid(sid, self.namespace)
        self._container.monitoring.record_refusal("session_ended")
        security.info("socket_ended")
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


def _busy(retry_after: float) -> BusyRefusal:
    seconds = math.ceil(retry_after * 10) / 10
    return {"code": "busy", "message": "Say so again after `retry_after` seconds.", "retry_after": seconds}


def _sid() -> str:
    return str(request.sid)  # type: ignore[attr-defined] # flask-socketio adds it
