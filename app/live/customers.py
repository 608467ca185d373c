"""The customers' namespace: pages say which parts they show, and get the present state of what differs."""

import re
import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any

from flask import request
from flask_socketio import Namespace, join_room, leave_room
from marshmallow import Schema, ValidationError, fields, validate

from app.contract import rooms
from app.core import Core
from app.domain.stock import LARGEST_QUANTITY
from app.live.budgets import Allowance, BusyError, TokenBucket, WatchBudget
from app.live.caller import caller_of
from app.store import outbox

MOST_PARTS = 200
# Parts read in one go; then everything else that the process has to do gets its turn.
_PORTION = 40
# Reports of what a page has shown that a process looks at; they are a sample.
_REPORTS = Allowance(per_second=20, at_once=40)

_DIGITS = re.compile(r"[0-9]{1,10}")
_COUNT = validate.Range(min=-LARGEST_QUANTITY, max=LARGEST_QUANTITY)


class _PartId(fields.Integer):
    """A part's id as a JSON key or a number."""

    def __init__(self) -> None:
        super().__init__(validate=validate.Range(min=1, max=LARGEST_QUANTITY))

    def _deserialize(self, value: Any, *context: Any, **options: Any) -> int:
        # Not the spaces, underscores and other scripts' digits that Python reads.
        if not _DIGITS.fullmatch(str(value)):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, *context, **options)


class _HeldSchema(Schema):
    """The versions that a page holds of one part."""

    content = fields.Integer(strict=True, validate=_COUNT, allow_none=True)
    stock = fields.Integer(strict=True, validate=_COUNT, allow_none=True)
    price = fields.Integer(strict=True, validate=_COUNT, allow_none=True)


class WatchSchema(Schema):
    """What `watch` takes."""

    parts = fields.Dict(keys=_PartId(), values=fields.Nested(_HeldSchema, allow_none=True), load_default=dict)
    catalog = fields.Boolean(load_default=False)


class UnwatchSchema(Schema):
    """What `unwatch` takes."""

    parts = fields.List(_PartId(), load_default=list)


class SeenSchema(Schema):
    """What `seen` takes."""

    id = fields.UUID(required=True)


class CustomersNamespace(Namespace):  # type: ignore[misc] # flask-socketio is untyped
    """Open to everybody. A page can join the rooms of parts and nothing else, and only through `watch`."""

    def __init__(self, namespace: str, core: Core) -> None:
        super().__init__(namespace)
        self._core = core
        self._watched: dict[str, set[int]] = {}
        self._callers: dict[str, str] = {}
        self._budget = WatchBudget()
        self._reports = TokenBucket(_REPORTS)
        self._reported: dict[str, float] = {}

    def on_connect(self, _auth: Any = None) -> None:
        """Count the page."""
        self._watched[_sid()] = set()
        self._callers[_sid()] = caller_of(request.environ, self._core.settings.trusted_proxies)
        self._core.monitoring.record_clients(rooms.CUSTOMERS, +1)

    def on_disconnect(self, _reason: Any = None) -> None:
        """Forget the page."""
        if self._watched.pop(_sid(), None) is not None:
            self._core.monitoring.record_clients(rooms.CUSTOMERS, -1)
        self._reported.pop(_sid(), None)
        self._callers.pop(_sid(), None)
        self._budget.forget(_sid())

    def on_watch(self, body: Any = None) -> dict[str, Any]:
        """Join the rooms first and read afterwards, so that nothing falls between; return what differs from what is held."""
        # Before anything is looked at closely, which is what costs.
        if (count := _count_parts(body)) > MOST_PARTS:
            return self._too_many()
        try:
            with self._budget.turn(_sid(), self._callers.get(_sid(), ""), count):
                return self._watch(body)
        except BusyError as error:
            return self._refused("busy", "Ask again after `retry_after` seconds.", retry_after=error.retry_after)

    def _watch(self, body: Any) -> dict[str, Any]:
        try:
            request_ = WatchSchema().load({} if body is None else body)
        except (ValidationError, TypeError) as error:
            return self._refused("invalid", "watch: see `errors`", error)
        held: dict[int, dict[str, int] | None] = request_["parts"]
        watched = self._watched.setdefault(_sid(), set())
        if len(watched | held.keys()) > MOST_PARTS:
            return self._too_many()
        for part_id in held.keys() - watched:
            join_room(rooms.part_room(part_id))
        watched.update(held)
        answer: dict[str, Any] = {"parts": [], "gone": []}
        if request_["catalog"]:
            join_room(rooms.CATALOG_ROOM)
            # Unknown means that the page should ask for its list again: a token that equals no other says so.
            answer["catalog"] = self._core.parts.catalog.catalog_token() or secrets.token_hex(8)
        present = self._present(list(held))
        answer["parts"] = [part for part_id, part in present.items() if held[part_id] != part["versions"]]
        answer["gone"] = [part_id for part_id in held if part_id not in present]
        return answer

    def _present(self, part_ids: list[int]) -> dict[int, dict[str, Any]]:
        found: dict[int, dict[str, Any]] = {}
        for portion in _in_portions(part_ids, _PORTION):
            began = time.monotonic()
            found |= self._core.parts.catalog.parts(portion)[0]
            # As long again for everybody else.
            time.sleep(time.monotonic() - began)
        return found

    def on_unwatch(self, body: Any = None) -> dict[str, Any]:
        """Leave the rooms of parts."""
        if _count_parts(body) > MOST_PARTS:
            return self._too_many()
        try:
            request_ = UnwatchSchema().load({} if body is None else body)
        except (ValidationError, TypeError) as error:
            return self._refused("invalid", "unwatch: see `errors`", error)
        watched = self._watched.setdefault(_sid(), set())
        for part_id in watched.intersection(request_["parts"]):
            leave_room(rooms.part_room(part_id))
        watched.difference_update(request_["parts"])
        return {"watched": len(watched)}

    def on_seen(self, body: Any = None) -> None:
        """Note how long a change took to a screen; a page is heard once a second at most."""
        try:
            event_id = SeenSchema().load({} if body is None else body)["id"]
        except (ValidationError, TypeError):
            self._core.monitoring.record_refusal("invalid")
            return
        now = time.monotonic()
        if now - self._reported.get(_sid(), float("-inf")) < 1:
            return
        if not self._reports.draw(1):
            return
        self._reported[_sid()] = now
        with self._core.reading.connect() as connection:
            age = outbox.age_ms(connection, str(event_id))
        if age is not None:
            self._core.monitoring.record_write_to_screen(age)

    def _too_many(self) -> dict[str, Any]:
        return self._refused("too_many_parts", f"A connection may watch {MOST_PARTS} parts; unwatch some first.")

    def _refused(self, code: str, message: str, error: Exception | None = None, **details: Any) -> dict[str, Any]:
        self._core.monitoring.record_refusal(code)
        if isinstance(error, ValidationError):
            details["errors"] = error.messages
        return {"error": {"code": code, "message": message, **details}}


def _count_parts(body: Any) -> int:
    """Return how many parts a message names, if it is one."""
    parts = body.get("parts") if isinstance(body, dict) else None
    return len(parts) if isinstance(parts, dict | list) else 0


def _in_portions(values: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _sid() -> str:
    return str(request.sid)  # type: ignore[attr-defined] # flask-socketio adds it
