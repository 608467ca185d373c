"""The Socket.IO server. Together with `wsgi.py` and the rest of this folder, the only place that knows about eventlet.

WebSocket only, so that any web process on the shared port can take any connection. Events emitted elsewhere arrive over a
channel; after an interruption some may have been missed, so every local page is told to `resync`.
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
from socketio.packet import Packet
from werkzeug.routing import Rule

from app import tracing
from app.arrival import limited_client
from app.container import Container
from app.contract import rooms
from app.domain.buckets import Allowance, Buckets
from app.domain.fairness import Spending
from app.live.admin import AdminNamespace
from app.live.budgets import MAX_MESSAGE
from app.live.customers import CustomersNamespace
from app.live.entrance import PATH, origin_check, stand_behind_arrival
from app.live.incoming import is_taken
from app.live.spaced import Spaced
from app.live.spending import Meter
from app.live.websocket import MAX_QUEUED_BYTES, PacketQueue, WebSocketServer, cut_off
from app.monitoring import SyncMonitoring
from app.services.authentication import Authenticator
from app.sync.open_pages import OpenPages
from app.sync.told import ToldPages

log = structlog.get_logger()

# A page that falls behind by more queued packets than this is cut off. It reconnects and watches, which costs one full state.
MAX_QUEUED_PACKETS = 500
# Messages that one connection may send before it is cut off. A page sends a few when its reader navigates.
MESSAGES = Allowance(per_second=20, at_once=100)
# Pages that are sent an event before all other connections get their turn.
TOLD_AT_ONCE = 200
# What the library raises for a message that breaks its protocol.
UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)
# An import says again and again that there is a bulk of changes. A panel reloads what it shows at most this often, in seconds.
RELOAD_EVERY = 5.0
# A process asks once a second whether the channel's server is there. After more than so many questions without an answer it
# connects anew: not if the server only stands still for some seconds, as what it holds back still comes.
UNANSWERED = 5
PING_INTERVAL = 10
PING_TIMEOUT = 10


class _Json:
    """The JSON module that the library expects, at a tenth of the standard one's cost: a `watch` answer may have 200 parts."""

    loads = staticmethod(orjson.loads)

    @staticmethod
    def dumps(value: Any, **_options: Any) -> str:
        """Return a value as JSON text."""
        return orjson.dumps(value).decode()


class _TextPacket(Packet):  # type: ignore[misc] # python-socketio is untyped
    """A packet without bytes, as all that we send are. The library would look at every value of a `watch` answer to see whether
    it is, during which nothing else of the process moves: 7 ms for 200 parts."""

    uses_binary_events = False


class ListeningManager(RedisManager):  # type: ignore[misc] # python-socketio is untyped
    """Listens to the channel, reconnects promptly, and tells local pages when it may have missed something.

    The library's own listener backs off for up to a minute and does not report what it lost meanwhile.

    Args:
        open_pages: through which questions about this process's pages are answered, if they are.
    """

    def __init__(
        self, *arguments: Any, open_pages: OpenPages | None = None, told: ToldPages | None = None, **options: Any
    ) -> None:
        super().__init__(*arguments, **options)
        self._open_pages = open_pages
        self._told = told
        self._reload = Spaced(partial(self._resync, rooms.ADMIN), RELOAD_EVERY)

    def _handle_emit(self, message: dict[str, Any]) -> None:
        # What came over the channel is lost only with this process, whose panels then connect to another one and reload.
        if message["event"] == "resync" and message["namespace"] == rooms.ADMIN:
            self._reload.request()
        else:
            self._count(message)
            with tracing.following(f"emit {message['event']}", [self._trace_of(message)]):
                super()._handle_emit(message)

    def _trace_of(self, message: dict[str, Any]) -> str | None:
        """Return what a message's trace is continued by, unless nobody here is told."""
        traceparent: str | None = message.get("traceparent")
        return traceparent if traceparent and self._pages_in(message["room"], message["namespace"]) else None

    def _count(self, message: dict[str, Any]) -> None:
        event_id: str | None = message["data"][0].get("id")
        if self._told is None or event_id is None or message["namespace"] != rooms.CUSTOMERS:
            return
        if pages := self._pages_in(message["room"]):
            self._told.note(event_id, pages)

    def _pages_in(self, room: str, namespace: str = rooms.CUSTOMERS) -> int:
        return len(self.rooms.get(namespace, {}).get(room, ()))

    def _redis_listen_with_retries(self) -> Iterator[dict[str, Any]]:
        while True:
            try:
                self._redis_connect()
                # The channel of the emits first: its confirmation is what is waited for.
                self.pubsub.subscribe(self.channel, *([self._open_pages.channel] if self._open_pages else ()))
                self._await_subscription()
                # The first time too: pages may have come while Valkey was still away.
                self._resync_local_pages()
                while True:
                    # Whenever nothing comes within this time, the client asks whether the server is there. It does not look
                    # whether that was answered.
                    message = self.pubsub.get_message(timeout=1.0)
                    if message is None:
                        if self.pubsub.health_check_response_counter > UNANSWERED:
                            raise OSError("the channel leads nowhere")
                        continue
                    if self._open_pages and message["channel"] == self._open_pages.channel.encode():
                        # There may be many pages to count, and events do not wait for that.
                        self.server.start_background_task(self._answer, self._open_pages, message["data"])
                    else:
                        yield message
            except (RedisError, OSError) as error:
                log.warning("live channel interrupted", error=str(error))
                time.sleep(0.25)

    def _answer(self, open_pages: OpenPages, question: bytes) -> None:
        """Say how many pages of this process show one of the parts that some process asks about, or each of them."""
        asked = orjson.loads(question)
        if asked.get("each"):
            by_part = {str(part_id): self._pages_in(rooms.part_room(part_id)) for part_id in asked["parts"]}
            open_pages.answer(asked, {part_id: pages for part_id, pages in by_part.items() if pages})
            return
        pages: set[str] = set()
        for part_id in asked["parts"]:
            pages.update(sid for sid, _ in self.get_participants(rooms.CUSTOMERS, rooms.part_room(part_id)))
            time.sleep(0)
        open_pages.answer(asked, len(pages))

    def _await_subscription(self) -> None:
        """Return once the server has confirmed the subscription: from then on nothing is missed."""
        deadline = time.monotonic() + 2
        while not self.pubsub.subscribed or self.pubsub.pending_unsubscribe_channels:
            if time.monotonic() > deadline:
                raise OSError("the channel did not confirm the subscription")
            self.pubsub.get_message(timeout=0.1)

    def get_participants(self, namespace: str, room: str | None) -> Iterator[tuple[str, str]]:
        """Yield who is in a room, and let the other connections have their turn every now and then: there may be thousands."""
        for number, participant in enumerate(super().get_participants(namespace, room), 1):
            yield participant
            if number % TOLD_AT_ONCE == 0:
                time.sleep(0)

    def _resync_local_pages(self) -> None:
        for namespace in (rooms.CUSTOMERS, rooms.ADMIN):
            self._resync(namespace)

    def _resync(self, namespace: str) -> None:
        super()._handle_emit({"event": "resync", "data": [{}], "namespace": namespace, "room": None})


def attach(app: Flask, container: Container, authenticator: Authenticator) -> SocketIO:
    """Add the Socket.IO server to `app` and return it."""
    manager = ListeningManager(
        container.settings.redis_url,
        channel=container.settings.prefix + rooms.CHANNEL,
        open_pages=container.open_pages,
        told=container.told,
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
        serializer=_TextPacket,
        ping_interval=PING_INTERVAL,
        ping_timeout=PING_TIMEOUT,
    )
    # Each message is handled in a context of the handshake's request. If its path had no route, Flask would keep the error that
    # there is none, whose traceback and frames hold each other and all of the context: every few hundred messages the collection
    # of that garbage would stop the process for 50 ms.
    app.url_map.add(Rule(f"{PATH}/", endpoint="socket", websocket=True))
    socketio.on_namespace(CustomersNamespace(rooms.CUSTOMERS, container))
    panel = AdminNamespace(rooms.ADMIN, container, authenticator)
    socketio.on_namespace(panel)
    stand_behind_arrival(app, socketio)
    _bound_frames(socketio, container)
    _bound_queues(socketio, container.monitoring)
    _bound_rates(socketio, container.monitoring)
    _bound_events(socketio, container.monitoring)
    _count_spending(socketio, container.pressure.spending)
    panel.standing.start()
    panel.presence.start()
    panel.following.start()
    container.told.start()
    # The library would begin to listen when the first page comes, which might then miss what happens in between.
    socketio.server.manager_initialized = True
    manager.initialize()
    return socketio


def disconnect_all(socketio: SocketIO) -> None:
    """Close every connection, so that its client reconnects to another process."""
    engine = socketio.server.eio
    for connection in list(engine.sockets.values()):
        connection.close(wait=False)


def _bound_frames(socketio: SocketIO, container: Container) -> None:
    """Replace eventlet's WebSocket, which accepts whatever it is sent, and the queues, which only count packets."""
    engine = socketio.server.eio
    websocket = partial(
        WebSocketServer,
        refused=container.monitoring.record_refusal,
        caller=limited_client,
        spending=container.pressure.spending,
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
        # Not the library's own `disconnect`, which waits for the queue to drain to a client that may never read.
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
            # Of our own code only `on_connect` runs in there; events are handled in their own threads.
            log.warning("unreadable socket message", error=repr(error)[:200])
            monitoring.record_refusal("unreadable")
            end(sid)

    def forget(sid: str, reason: Any = None) -> None:
        messages.forget(sid)
        server._handle_eio_disconnect(sid, reason)

    server.eio.on("message", handle)
    server.eio.on("disconnect", forget)


def _count_spending(socketio: SocketIO, spending: Spending) -> None:
    """Count what is done for each caller, the events of its sockets included, each of which is handled in a thread of its own."""
    meter = Meter(spending)
    server = socketio.server
    start = server.start_background_task
    server.start_background_task = lambda target, *arguments, **options: start(meter.task_of(target), *arguments, **options)


def _bound_events(socketio: SocketIO, monitoring: SyncMonitoring) -> None:
    """Accept only the messages that a namespace takes, with at most one body.

    The library would call `on_connect` and `on_disconnect` for events of those names, too.
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
