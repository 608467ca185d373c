"""An event's payload as the outbox stores it: what repeats the panel's state is referred to by name, not written again.

A content event says nearly the same in four ways (the panel's state, the customers' view, the snapshot, the new values); a
catalog file of many thousand rows would otherwise be written, read and sent four times over.
"""

from functools import lru_cache
from typing import Any

from app.contract.events import Actor, Event, ListFacet, Origin, Source

# The stored format. A release reads formats up to its own; of later ones it knows only that something has changed.
FORMAT = 1
_CONTENT = (ListFacet.MEMBERS, ListFacet.NAME, ListFacet.MANUFACTURER, ListFacet.WORDS, ListFacet.ADDRESS)
_COARSE: dict[ListFacet, str] = dict.fromkeys(_CONTENT, "content") | {ListFacet.CURRENCIES: "price"}
_FACETS = {"content": (*_CONTENT, ListFacet.CURRENCIES), "price": (ListFacet.PRICE, ListFacet.CURRENCIES)}
_REPEATING = ("public", "snapshot", "new_values")


def whole(event: Event, actor: Actor) -> dict[str, Any]:
    """Return the payload of an event with everything written out."""
    return {
        "format": FORMAT,
        "table_name": event.table_name,
        "record_id": event.record_id,
        "operation": event.operation,
        "old_values": event.old_values,
        "new_values": event.new_values,
        "public": event.public,
        "state": event.state,
        "was_public": event.was_public,
        "lists": _coarse(event.lists),
        "facets": event.lists,
        "places": event.places,
        "snapshot": event.snapshot,
        "reason": event.reason,
        "actor_name": actor.name,
        "ip_address": actor.ip_address,
        "user_agent": actor.user_agent,
        "api_key_id": actor.api_key_id,
    }


@lru_cache(maxsize=500)
def _coarse(facets: tuple[ListFacet, ...]) -> list[str]:
    """Return facets as the release before knows them, which may be at work beside this one."""
    return sorted({_COARSE.get(facet, facet) for facet in facets})


def packed(event: Event, actor: Actor, origin: Origin | None = None) -> dict[str, Any]:
    """Return what the outbox stores of an event.

    Args:
        origin: by which way it came, if that is more than who called.
    """
    payload = whole(event, actor)
    if event.snapshot is not None:
        came = origin or Origin(_source_of(actor), message=event.reason)
        payload["origin"] = {"source": came.source, "number": came.number, "message": came.message}
        payload["as_state"] = {name: _separate(payload, name, event.state) for name in _REPEATING if payload[name] is not None}
    return payload


def _source_of(actor: Actor) -> Source:
    if actor.api_key_id is not None:
        return Source.API
    return Source.PANEL if actor.request_id is not None else Source.COMMAND


def _separate(payload: dict[str, Any], name: str, state: dict[str, Any]) -> list[str]:
    """Leave in `payload[name]` only what differs from the state; return the names of the rest."""
    values = payload[name]
    same = [field for field, value in values.items() if field in state and state[field] == value]
    payload[name] = {field: value for field, value in values.items() if field not in same}
    return same


def unpacked(payload: dict[str, Any]) -> dict[str, Any]:
    """Return a stored payload with everything written out; one of an older release is that already.

    Raises:
        ValueError: if a newer release wrote it.
    """
    if payload.get("format", FORMAT) > FORMAT:
        raise ValueError(f"format {payload['format']} is newer than {FORMAT}")
    if "as_state" not in payload:
        return payload
    state = payload["state"]
    whole = {name: payload[name] | {field: state[field] for field in same} for name, same in payload["as_state"].items()}
    return {name: value for name, value in payload.items() if name != "as_state"} | whole


def facets_of(payload: dict[str, Any]) -> tuple[ListFacet, ...]:
    """Return what lists must look at to differ after an event, which the release before said less exactly.

    Raises:
        ValueError: if there is one that this release does not know.
    """
    if "facets" in payload:
        return tuple(map(ListFacet, payload["facets"]))
    return tuple(facet for name in payload["lists"] for facet in _FACETS.get(name, ()) or (ListFacet(name),))
