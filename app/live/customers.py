"""The customers' namespace: pages say which parts they show, and get the current state of those that differ."""

import math
import random
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import structlog
from flask import request
from flask_socketio import Namespace, join_room, leave_room
from sqlalchemy.exc import SQLAlchemyError

from app.arrival import limited_client
from app.container import Container
from app.contract import rooms
from app.contract.drift import Checked, Difference, Drift, DriftKind, Outcome, Since
from app.contract.events import ListFacet
from app.contract.formats import rfc3339
from app.contract.messages.customers import BusyRefusal, Refusal, UnwatchAnswer, WatchAnswer, WatchRefusal
from app.domain.buckets import Allowance, TokenBucket
from app.domain.errors import BusyError as TooBusyError
from app.domain.stock import MAX_QUANTITY
from app.live.budgets import WatchBudget
from app.live.incoming import faults
from app.live.line import BusyError
from app.live.seen import Seen
from app.store import drift, outbox

log = structlog.get_logger()

MAX_PARTS = 200
# Parts read in one go, before yielding to everything else in the process.
_PORTION = 40
# Seconds after which a page may ask again if the database or the cache was too busy; at random, so that not all ask together.
_LATER = (1.0, 4.0)
# A page that has not been told of a change for so many seconds, although it watched the part, has been left behind. It hears of
# one within milliseconds, and after a fault when the channel or a worker is back.
LEFT_BEHIND_AFTER = 10.0
# How often a process asks whether a page was, and tells.
REPORTS = Allowance(per_second=1, at_once=5)


class CustomersNamespace(Namespace):  # type: ignore[misc] # flask-socketio is untyped
    """Open to everybody. A page can join only the rooms of parts and of the catalog, and only through `watch`."""

    def __init__(self, namespace: str, container: Container) -> None:
        super().__init__(namespace)
        self._container = container
        # Since when (monotonic seconds) each page has watched each of its parts.
        self._watched: dict[str, dict[int, float]] = {}
        self._behind = TokenBucket(REPORTS)
        self._callers: dict[str, str] = {}
        self._budget = WatchBudget()
        self._seen = Seen(self._age_ms)
        self._reported: dict[str, float] = {}

    def on_connect(self, _auth: Any = None) -> None:
        """Count the page."""
        self._watched[_sid()] = {}
        self._callers[_sid()] = limited_client(request.environ)
        self._container.monitoring.record_clients(rooms.CUSTOMERS, +1)

    def on_disconnect(self, _reason: Any = None) -> None:
        """Forget the page."""
        if self._watched.pop(_sid(), None) is not None:
            self._container.monitoring.record_clients(rooms.CUSTOMERS, -1)
        self._reported.pop(_sid(), None)
        self._callers.pop(_sid(), None)
        self._budget.forget(_sid())

    def on_watch(self, body: Any = None) -> WatchAnswer | WatchRefusal:
        """Join the rooms first and read afterwards, so that no event is missed; return what differs from what is held."""
        # Checked before validation, which is what costs.
        if (count := _count_parts(body)) > MAX_PARTS:
            return self._too_many()
        try:
            with self._budget.turn(_sid(), self._callers.get(_sid(), ""), count) as rest:
                if _sid() not in self._watched:
                    # It has left the line, and hears no answer.
                    return self._busy(0.0)
                return self._watch({} if body is None else body, rest)
        except BusyError as error:
            return self._busy(error.retry_after)
        except (TooBusyError, SQLAlchemyError) as error:
            # The rooms are joined; what could not be read is asked for again.
            log.warning("a watch could not be served", error=type(error).__name__)
            return self._busy(random.uniform(*_LATER))

    def _watch(self, body: Any, rest: float) -> WatchAnswer | WatchRefusal:
        if errors := faults(rooms.CUSTOMERS, "watch", body):
            return self._invalid("watch", errors)
        held: dict[int, dict[str, int] | None] = {int(part_id): versions for part_id, versions in body.get("parts", {}).items()}
        watched = self._watched[_sid()]
        if len(watched.keys() | held.keys()) > MAX_PARTS:
            return self._too_many()
        now = time.monotonic()
        since = {part_id: watched[part_id] for part_id in held if part_id in watched}
        for part_id in held.keys() - watched:
            join_room(rooms.part_room(part_id))
            watched[part_id] = now
        answer: WatchAnswer = {"parts": [], "gone": []}
        if body.get("catalog"):
            join_room(rooms.CATALOG_ROOM)
            answer["catalog"] = self._token(ListFacet)
        if body.get("categories"):
            join_room(rooms.CATEGORIES_ROOM)
            answer["categories"] = self._token((ListFacet.CATEGORIES,))
        # Most pages hold most of what is true, and versions are read at a fraction of the cost.
        versions = self._container.parts.catalog.versions([part_id for part_id, known in held.items() if known is not None])
        differing = [part_id for part_id, known in held.items() if known is None or known != versions.get(part_id)]
        self._note_left_behind({part_id: known for part_id in differing if part_id in since and (known := held[part_id])}, since)
        present = self._present(differing, rest)
        answer["parts"] = [cast("Any", part) for part_id, part in present.items() if held[part_id] != part["versions"]]
        answer["gone"] = [part_id for part_id in differing if part_id not in present]
        return answer

    def _note_left_behind(self, held: dict[int, dict[str, int]], since: dict[int, float]) -> None:
        """Count a page that has not been told of changes that were made while it watched; the answer brings it up to date.

        A client may claim anything, so this asks and tells only so often.
        """
        if not held or not self._behind.draw(1):
            return
        now = time.monotonic()
        asked = [
            {"part_id": part_id, "aspect": aspect, "version": int(version), "watched_for": now - since[part_id]}
            for part_id, known in held.items()
            for aspect, version in known.items()
            # Others no part has, nor do they fit into the columns.
            if 0 < version < MAX_QUANTITY and part_id <= MAX_QUANTITY
        ]
        with self._container.reading.connect() as connection:
            left = drift.superseded(connection, asked, LEFT_BEHIND_AFTER)
            found = [
                Drift(
                    DriftKind.PAGE_BEHIND, f"part {row.part_id}", (Difference(f"versions.{row.aspect}", row.held, row.version),),
                    drift.this_process(), Since(row.id, row.version, rfc3339(row.created_at)),
                    is_repaired=True,
                )
                for row in left
            ]  # fmt: skip
            drift.record(connection, found)
        self._container.monitoring.record_checks(Checked.PAGE, Outcome.DRIFT if found else Outcome.EQUAL)
        if found:
            self._container.monitoring.record_drift(DriftKind.PAGE_BEHIND, len(found))
            log.error("a page was left behind", **drift.explained(found[0]), others=len(found) - 1)

    def _token(self, facets: Iterable[ListFacet]) -> str:
        # If it is unknown, the page should read again, so it gets a token that equals no other.
        return self._container.parts.catalog.catalog_token(facets) or secrets.token_hex(8)

    def _present(self, part_ids: list[int], rest: float) -> dict[int, dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        for portion in _in_portions(part_ids, _PORTION):
            began = time.monotonic()
            found |= self._container.parts.catalog.parts(portion)[0]
            # Leave everybody else as much time, or more.
            time.sleep(rest * (time.monotonic() - began))
        return found

    def on_unwatch(self, body: Any = None) -> UnwatchAnswer | WatchRefusal:
        """Leave the rooms of parts."""
        if _count_parts(body) > MAX_PARTS:
            return self._too_many()
        body = {} if body is None else body
        if errors := faults(rooms.CUSTOMERS, "unwatch", body):
            return self._invalid("unwatch", errors)
        watched = self._watched.setdefault(_sid(), {})
        named = set(body.get("parts", []))
        # The ids as they were watched: to JSON 17.0 is 17, but there is no room of that name.
        left = {part_id for part_id in watched if part_id in named}
        for part_id in left:
            leave_room(rooms.part_room(part_id))
            del watched[part_id]
        return {"watched": len(watched)}

    def on_seen(self, body: Any = None) -> None:
        """Record how long a change took to reach a screen, at most once a second per page."""
        if faults(rooms.CUSTOMERS, "seen", body):
            self._container.monitoring.record_refusal("invalid")
            return
        now = time.monotonic()
        if now - self._reported.get(_sid(), float("-inf")) < 1:
            return
        self._reported[_sid()] = now
        age = self._seen.age_ms(body["id"])
        if age is not None:
            self._container.monitoring.record_write_to_screen(age)

    def _age_ms(self, event_id: str) -> float | None:
        try:
            with self._container.reading.connect() as connection:
                return outbox.age_ms(connection, event_id)
        except SQLAlchemyError as error:
            log.warning("age of an event not known", error=type(error).__name__)
            return None

    def _invalid(self, event: str, errors: dict[str, list[str]]) -> WatchRefusal:
        return self._refused({"code": "invalid", "message": f"{event}: see `errors`", "errors": errors})

    def _too_many(self) -> WatchRefusal:
        message = f"A connection may watch {MAX_PARTS} parts; unwatch some first."
        return self._refused({"code": "too_many_parts", "message": message})

    def _busy(self, retry_after: float) -> WatchRefusal:
        retry_after = math.ceil(retry_after * 10) / 10
        return self._refused({"code": "busy", "message": "Ask again after `retry_after` seconds.", "retry_after": retry_after})

    def _refused(self, refusal: Refusal | BusyRefusal) -> WatchRefusal:
        self._container.monitoring.record_refusal(refusal["code"])
        return {"error": refusal}


def _count_parts(body: Any) -> int:
    """Return how many parts a message names; 0 if it is malformed."""
    parts = body.get("parts") if isinstance(body, dict) else None
    return len(parts) if isinstance(parts, dict | list) else 0


def _in_portions(values: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _sid() -> str:
    return str(request.sid)  # type: ignore[attr-defined] # flask-socketio adds it
