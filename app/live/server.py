"""The Socket.IO server. Together with `wsgi.py` and its neighbours in this folder the only place that knows of eventlet.

WebSocket only, so that any web process on the one port may take any connection. What is emitted elsewhere arrives over a channel;
when that channel was interrupted, events may have been missed, and every local page is told to `resync`.
"""

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import orjson
import structlog
from flask import Flask
from flask_socketio import SocketIO
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from socketio import RedisManager

from app.arrival import limited_client
from app.container import Container
from app.contract import rooms
from app.live.admin import AdminNamespace
from app.live.budgets import MAX_MESSAGE, Allowance, Buckets
from app.live.customers import CustomersNamespace
from app.live.entrance import origin_check, stand_behind_arrival
from app.live.incoming import is_taken
from app.live.websocket import MAX_QUEUED_BYTES, PacketQueue, WebSocketServer, cut_off
from app.monitoring import SyncMonitoring
from app.services.authentication import Authenticator

log = structlog.get_logger()

# A page that cannot keep up is cut off beyond so many queued packets. It comes back and watches, which costs one state.
MAX_QUEUED_PACKETS = 500
# Messages that one connection may send; beyond them it is cut off. A page sends a few when its reader moves on.
MESSAGES = Allowance(per_second=20, at_once=100)
# What the library raises at a message that is none of its protocol.
UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)
PING_INTERVAL = 10
PING_TIMEOUT = 10


class _Json:
    """JSON as the library asks for it, at a tenth of the standard library's cost: an answer to `watch` may have 200 parts."""

    loads = staticmethod(orjson.loads)

    @staticmethod
    def dumps(value: Any, **_options: Any) -> str:
        """Return a value as JSON text."""
        return orjson.dumps(value).decode()


class ListeningManager(RedisManager):  # type: ignore[misc] # python-socketio is untyped
    """Listens to the channel, comes back at once, and tells local pages when it may have missed something.

    The library's own listener pauses for up to a minute and says nothing of what it lost meanwhile.
    """

    def _redis_listen_with_retries(self) -> Iterator[dict[str, Any]]:
        interrupted = False
        while True:
            try:
                self._redis_connect()
                self.pubsub.subscribe(self.channel)
                self._await_subscription()
                if interrupted:
                    self._resync_local_pages()
                interrupted = True
                while True:
                    # The time-out makes the client check the connection's health, so that a silent server is noticed.
                    message = self.pubsub.get_message(timeout=1.0)
                    if message is not None:
                        yield message
            except (RedisError, OSError) as error:
                log.warning("live channel interrupted", error=str(error))
                time.sleep(0.25)

    def _await_subscription(self) -> None:
        """Return when the server has confirmed: from then on nothing is missed."""
        deadline = time.monotonic() + 2
        while not self.pubsub.subscribed or self.pubsub.pending_unsubscribe_channels:
            if time.monotonic() > deadline:
                raise OSError("the channel did not confirm the subscription")
            self.pubsub.get_message(timeout=0.1)

    def _resync_local_pages(self) -> None:
        for namespace in (rooms.CUSTOMERS, rooms.ADMIN):
            self._handle_emit({"event": "resync", "data": [{}], "namespace": namespace, "room": None})


def attach(app: Flask, container: Container, authenticator: Authenticator) -> SocketIO:
    """Add the Socket.IO server to `app` and return it."""
    manager = ListeningManager(
        container.settings.redis_url,
        channel=rooms.CHANNEL,
        redis_options={
            "socket_connect_timeout": 1,
            "socket_timeout": 5,
            "health_check_interval": 2,
            "retry": Retry(NoBackoff(), 0),
        },
    )
    socketio = SocketIO(
        app,
        async_mode="eventlet",
        client_manager=manager,
        transports=["websocket"],
        cors_allowed_origins=origin_check(container.settings.allowed_origins),
        cors_credentials=False,
        manage_session=False,
        max_http_buffer_size=MAX_MESSAGE,
        json=_Json,
        ping_interval=PING_INTERVAL,
        ping_timeout=PING_TIMEOUT,
    )
    socketio.on_namespace(CustomersNamespace(rooms.CUSTOMERS, container))
    panel = AdminNamespace(rooms.ADMIN, container, authenticator)
    socketio.on_namespace(panel)
    stand_behind_arrival(app, socketio, container.settings.allowed_hosts)
    _bound_frames(socketio, container)
    _bound_queues(socketio, container.monitoring)
    _bound_rates(socketio, container.monitoring)
    _bound_events(socketio, container.monitoring)
    panel.standing.start()
    return socketio


def disconnect_all(socketio: SocketIO) -> None:
    """Close every connection so that its client comes back, to another process."""
    engine = socketio.server.eio
    for connection in list(engine.sockets.values()):
        connection.close(wait=False)


def _bound_frames(socketio: SocketIO, container: Container) -> None:
    """Replace eventlet's own WebSocket, which takes whatever it is sent, and queues that count packets only."""
    engine = socketio.server.eio
    websocket = partial(
        WebSocketServer,
        refused=container.monitoring.record_refusal,
        caller=limited_client,
    )
    engine._async = {**engine._async, "websocket": websocket, "queue": PacketQueue}


def _bound_queues(socketio: SocketIO, monitoring: SyncMonitoring) -> None:
    engine = socketio.server.eio
    send = engine.send_packet

    def send_packet(sid: str, packet: Any) -> None:
        connection = engine.sockets.get(sid)
        queue = connection.queue if connection is not None else None
        if queue is not None and (queue.qsize() >= MAX_QUEUED_PACKETS or queue.bytes > MAX_QUEUED_BYTES):
            if not connection.closed:
                monitoring.record_refusal("slow_client")
                cut_off(connection, reads=False)
            return
        send(sid, packet)

    engine.send_packet = send_packet


def _bound_rates(socketio: SocketIO, monitoring: SyncMonitoring) -> None:
    server = socketio.server
    messages = Buckets(MESSAGES)

    def end(sid: str) -> None:
        # Not the library's own `disconnect`, which waits until everything queued has been taken by a client that may never read.
        if (connection := server.eio.sockets.get(sid)) is not None:
            cut_off(connection)

    def handle(sid: str, data: Any) -> None:
        if not messages.of(sid).draw(1):
            monitoring.record_refusal("too_many_messages")
            end(sid)
            return
        try:
            server._handle_eio_message(sid, data)
        except UNREADABLE as error:
            # Nothing of ours runs in there but `on_connect`; events are handled in threads of their own.
            log.warning("unreadable socket message", error=repr(error)[:200])
            monitoring.record_refusal("unreadable")
            end(sid)

    def forget(sid: str, reason: Any = None) -> None:
        messages.forget(sid)
        server._handle_eio_disconnect(sid, reason)

    server.eio.on("message", handle)
    server.eio.on("disconnect", forget)


def _bound_events(socketio: SocketIO, monitoring: SyncMonitoring) -> None:
    """Let clients send what their namespace takes, with one body, and nothing else.

    The library would call `on_connect` and `on_disconnect` for events of these names, too.
    """
    server = socketio.server
    handle = server._handle_event

    def handle_event(eio_sid: str, namespace: str | None, packet_id: int | None, data: Any) -> None:
        name, *bodies = data
        if not is_taken(namespace, name) or len(bodies) > 1:
            log.info("unknown socket event", namespace=namespace, name=str(name)[:40])
            monitoring.record_refusal("unknown_event")
            return
        handle(eio_sid, namespace, packet_id, data)

    server._handle_event = handle_event
