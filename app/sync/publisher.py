"""EventPublisher: turns delivered events into Socket.IO emits to the rooms of open pages.

Runs in workers as well, which know nothing about eventlet: it writes to the channel that every web process listens on.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import orjson
from redis import Redis
from redis.exceptions import RedisError
from socketio import RedisManager

from app.contract import rooms
from app.contract.events import Aspect, EventType
from app.contract.formats import rfc3339
from app.monitoring import SyncMonitoring
from app.store.outbox import Delivery

# Of more changes at once than this, panels are not told one by one: no page shows so many, and each would be sent all of them.
# They are told to read again what they show. Web processes deliver fewer at once: this is a worker's backlog, as of an import.
BULK = 100


class PublishError(Exception):
    """The channel to the web processes did not accept the events."""


class _Collector(RedisManager):  # type: ignore[misc] # python-socketio is untyped
    """Builds messages in python-socketio's own format and keeps them: its manager would swallow a failed publish."""

    def __init__(self) -> None:
        super().__init__(write_only=True)
        self.messages: list[bytes] = []

    def emit(self, event: str, data: dict[str, Any], namespace: str, room: str, traceparent: str | None = None) -> None:
        """Keep a message. Its data came from JSON, so it is not searched for bytes, which is half of the manager's own work."""
        message = {
            "method": "emit", "event": event, "data": [data], "binary": False, "namespace": namespace, "room": room,
            "skip_sid": None, "callback": None, "host_id": self.host_id,
        }  # fmt: skip
        if traceparent is not None:
            message["traceparent"] = traceparent
        self.messages.append(orjson.dumps(message))


class EventPublisher:
    """Publishes batches of events; a failure is reported for the batch as a whole.

    Args:
        client: a client of the Socket.IO channel's server.
        prefix: what the channel's name begins with.
    """

    def __init__(self, client: Redis, prefix: str, monitoring: SyncMonitoring) -> None:
        self._client = client
        self._channel = prefix + rooms.CHANNEL
        self._monitoring = monitoring

    def publish(self, deliveries: Sequence[Delivery], catalog_token: str | None, categories_token: str | None = None) -> None:
        """Tell open pages about these events: per part and aspect only the newest, since it carries the whole state; panels of a
        bulk of changes only that there is one. Pages that show what an event of a newer release concerns read it again.

        Raises:
            PublishError: if it is not certain that the channel accepted all of them.
        """
        collector = _Collector()
        groups = _by_aspect(delivery for delivery in deliveries if delivery.is_understood)
        unknown = [delivery for delivery in deliveries if not delivery.is_understood]
        is_bulk = len(groups) > BULK
        for group in groups:
            self._announce(collector, group, to_staff=not is_bulk)
        for part_id in sorted({delivery.aggregate_id for delivery in unknown if delivery.aggregate_type == "part"}):
            self._emit(collector, "resync", {}, rooms.CUSTOMERS, rooms.part_room(part_id))
        if is_bulk or unknown:
            self._emit(collector, "resync", {}, rooms.ADMIN, rooms.EVERYTHING_ROOM)
        if catalog_token is not None:
            self._emit(collector, "catalog.changed", {"catalog": catalog_token}, rooms.CUSTOMERS, rooms.CATALOG_ROOM)
        if categories_token is not None:
            news = {"categories": categories_token}
            self._emit(collector, "categories.changed", news, rooms.CUSTOMERS, rooms.CATEGORIES_ROOM)
        self._send(collector)

    def tell_staff(self, event: str, data: dict[str, Any]) -> None:
        """Tell every open panel about something that is not a change to the catalog, such as an import's progress.

        Raises:
            PublishError: if it is not certain that the channel accepted it.
        """
        collector = _Collector()
        self._emit(collector, event, data, rooms.ADMIN, rooms.EVERYTHING_ROOM)
        self._send(collector)

    def _send(self, collector: _Collector) -> None:
        try:
            with self._client.pipeline(transaction=False) as pipeline:
                for message in collector.messages:
                    pipeline.publish(self._channel, message)
                pipeline.execute()
        except RedisError as error:
            raise PublishError(str(error)) from error

    def _announce(self, collector: _Collector, group: Sequence[Delivery], *, to_staff: bool) -> None:
        newest = group[-1]
        envelope = {
            "id": newest.event_id,
            "type": newest.type,
            f"{newest.aggregate_type}_id": newest.aggregate_id,
            "version": newest.version,
            "data": newest.payload["state"],
            "timestamp": rfc3339(newest.created_at),
        }
        if to_staff:
            actor = {"id": newest.actor_id, "name": newest.payload["actor_name"]}
            told = envelope | {"actor": actor}
            self._emit(collector, newest.type, told, rooms.ADMIN, rooms.EVERYTHING_ROOM, newest.traceparent)
        if newest.aggregate_type == "part" and (kind := customer_event(group)) is not None:
            customer = envelope | {"type": kind, "data": newest.payload["public"] or {}}
            room = rooms.part_room(newest.aggregate_id)
            self._emit(collector, kind, customer, rooms.CUSTOMERS, room, newest.traceparent)

    def _emit(
        self, collector: _Collector, event: str, data: dict[str, Any], namespace: str, room: str, traceparent: str | None = None
    ) -> None:
        collector.emit(event, data, namespace, room, traceparent)
        self._monitoring.record_socket_event(event)


def customer_event(group: Sequence[Delivery]) -> EventType | None:
    """Return what customers' pages are told about successive events of one aspect, or None if that does not concern them."""
    newest = group[-1]
    is_public = newest.payload["public"] is not None
    if newest.aspect is not Aspect.CONTENT:
        return newest.type if is_public else None
    was_public = any(d.payload["was_public"] for d in group)
    was_hidden = any(not d.payload["was_public"] for d in group)
    if is_public:
        return EventType.PART_RESTORED if was_hidden else EventType.CONTENT_UPDATED
    return EventType.PART_DELETED if was_public else None


def _by_aspect(deliveries: Iterable[Delivery]) -> list[list[Delivery]]:
    groups: dict[tuple[str, int, str], list[Delivery]] = {}
    for delivery in sorted(deliveries, key=lambda d: d.version):
        groups.setdefault((delivery.aggregate_type, delivery.aggregate_id, delivery.aspect), []).append(delivery)
    return list(groups.values())
