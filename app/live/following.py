"""Panels that follow what becomes of their changes: told of each effect when it is settled, by whichever process settles it.

While anybody follows anything, this process looks at the deliveries of all of it at once, many times a second at first and ever
more slowly. So neither writers, nor workers, nor the deliveries themselves know of it, and nothing is done while nobody follows.
Nobody who was told relies on it: whoever was not may ask for the event's journey.
"""

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import structlog

from app.contract.messages.staff import DeliverySettledEvent, FollowAnswer, PendingDelivery
from app.contract.task_names import Effect
from app.store.outbox import Settlement

log = structlog.get_logger()

# Events that one connection may follow; with more, the oldest are followed no longer. All their messages at once must fit into
# the connection's queue (`server.MAX_QUEUED_PACKETS`).
MAX_FOLLOWED = 100
# Seconds after which nobody waits for an effect any more; and for how long the pages that are told are still being counted, after
# the event was broadcast (`ToldPages` gathers for a fifth of a second).
FOLLOWED_FOR = 60.0
COUNTED_FOR = 1.0
# Seconds between two looks: a tenth of the age of the youngest event, within bounds.
SOONEST, LATEST = 0.05, 1.0


@dataclass(slots=True)
class _Followed:
    """What a connection has been told of an event: its settled effects, each with the number of pages."""

    since: float
    told: dict[str, int | None] = field(default_factory=dict)
    broadcast_at: float | None = None


class Following:
    """What the connections of this process follow.

    Args:
        look: returns the deliveries of events, with what is known of the pages that were told.
        tell: sends a connection a message.
        now: a monotonic clock in seconds.
    """

    def __init__(
        self,
        look: Callable[[Sequence[str]], Iterable[Settlement]],
        tell: Callable[[str, DeliverySettledEvent], None],
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._tell = tell
        self._now = now
        self._followed: dict[str, dict[str, _Followed]] = {}
        self._signal = threading.Event()

    def follow(self, connection: str, event_ids: Sequence[str]) -> FollowAnswer:
        """Follow events from now on, and return what of them is settled already, and what is still to come.

        Raises:
            SQLAlchemyError: if the database is down or slow; nothing is followed then.
        """
        # What is settled after this look is seen by a later one, and told.
        found = list(self._look(event_ids))
        mine = self._followed.setdefault(connection, {})
        for event_id in event_ids:
            mine.pop(event_id, None)
            mine[event_id] = _Followed(self._now())
        asked = {connection: {event_id: mine[event_id] for event_id in event_ids}}
        settled = [one for _, one in self._news(asked, found)]
        pending: list[PendingDelivery] = [
            {"event_id": one.event_id, "effect": one.effect} for one in found if one.state == "pending"
        ]
        self._forget_old(found, asked)
        for event_id in list(mine)[: max(0, len(mine) - MAX_FOLLOWED)]:
            del mine[event_id]
        self._signal.set()
        return {"settled": settled, "pending": pending}

    def leave(self, connection: str) -> None:
        """Forget a connection that has ended."""
        self._followed.pop(connection, None)

    def start(self) -> None:
        """From now on look for what is settled, in a thread of its own."""
        threading.Thread(target=self._run, name="following", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._signal.wait()
            self._signal.clear()
            while (pause := self.pause()) is not None:
                time.sleep(pause)
                try:
                    self.look_again()
                except Exception as error:  # noqa: BLE001 — whatever it is, the next look may succeed
                    log.warning("not known what is settled", error=repr(error)[:200])

    def pause(self) -> float | None:
        """Return how many seconds to wait before the next look; None if nobody follows anything."""
        youngest = max((one.since for events in self._followed.values() for one in events.values()), default=None)
        return None if youngest is None else min(LATEST, max(SOONEST, (self._now() - youngest) / 10))

    def look_again(self) -> None:
        """Tell the connections what has been settled meanwhile.

        Raises:
            SQLAlchemyError: if the database is down or slow.
        """
        followed = {connection: dict(events) for connection, events in self._followed.items()}
        event_ids = {event_id for events in followed.values() for event_id in events}
        found = list(self._look(list(event_ids)))
        for connection, message in self._news(followed, found):
            self._tell(connection, message)
        self._forget_old(found, followed)

    def _news(
        self, followed: dict[str, dict[str, _Followed]], found: Iterable[Settlement]
    ) -> Iterable[tuple[str, DeliverySettledEvent]]:
        for one in found:
            if one.state != "done" or one.ms is None:
                continue
            for connection, events in followed.items():
                event = events.get(one.event_id)
                if event is None or (one.effect in event.told and event.told[one.effect] == one.pages):
                    continue
                event.told[one.effect] = one.pages
                if one.effect == Effect.BROADCAST and event.broadcast_at is None:
                    event.broadcast_at = self._now()
                message: DeliverySettledEvent = {"event_id": one.event_id, "effect": one.effect, "ms": round(one.ms, 3)}
                if one.pages is not None:
                    message["pages"] = one.pages
                yield connection, message

    def _forget_old(self, found: Iterable[Settlement], looked_at: dict[str, dict[str, _Followed]]) -> None:
        """Drop what is settled, what is unknown, and what has taken too long."""
        now = self._now()
        pending = {one.event_id for one in found if one.state == "pending"}
        for connection, events in looked_at.items():
            for event_id, event in list(events.items()):
                is_counted = event.broadcast_at is None or now - event.broadcast_at > COUNTED_FOR
                if (event_id not in pending and is_counted) or now - event.since > FOLLOWED_FOR:
                    kept = self._followed.get(connection, {})
                    # It may be followed anew.
                    if kept.get(event_id) is event:
                        del kept[event_id]
            if connection in self._followed and not self._followed[connection]:
                del self._followed[connection]
