"""What an event makes stale in the cache, and what can be replaced at once with the state that the event carries."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.cache.manager import Invalidation
from app.contract import cache_keys
from app.contract.events import Aspect, Event, ListFacet
from app.store.outbox import Delivery

ABSENT = b""


def content_bodies(part_id: int, public: Mapping[str, Any] | None) -> dict[str, bytes]:
    """Return a part's content as its three cache entries; None (not visible) makes all of them empty.

    The name and path of its category are there for the previous release, which shows them; this one takes only the id, and the
    rest from the category tree. They may go once no such release runs beside this one.
    """
    keys = cache_keys.aspect_keys(part_id, Aspect.CONTENT)
    if public is None:
        return dict.fromkeys(keys, ABSENT)
    own = {name: value for name, value in public.items() if name not in {"images", "specifications"}}
    pieces = (own, public["images"], public["specifications"])
    return {key: entry_body(piece) for key, piece in zip(keys, pieces, strict=True)}


def entry_body(value: Any) -> bytes:
    """Return the bytes of a cache entry, equal for equal values: a stored event has its names in a different order."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def invalidation_of(change: Event | Delivery) -> Invalidation:
    """Return what a committed change invalidates.

    Prices are dropped rather than replaced: what a price list means depends on when it is read. An event that is not understood
    drops everything that may have changed with its aggregate.
    """
    if isinstance(change, Delivery) and not change.is_understood:
        keys = [key for aspect in Aspect for key in cache_keys.aspect_keys(change.aggregate_id, aspect)]
        return Invalidation(0, dict.fromkeys(keys if change.aggregate_type == "part" else ()), tuple(ListFacet), forgets=True)
    if change.aggregate_type != "part":
        return Invalidation(change.version, {}, change.lists)
    bodies: dict[str, bytes | None]
    match change.aspect:
        case Aspect.CONTENT:
            if change.version == 1:
                # A new part has nothing to replace; at most it is cached as absent, with its stock and prices.
                bodies = dict.fromkeys(key for aspect in Aspect for key in cache_keys.aspect_keys(change.aggregate_id, aspect))
            else:
                bodies = dict(content_bodies(change.aggregate_id, change.public))
        case Aspect.STOCK:
            bodies = {cache_keys.part_stock(change.aggregate_id): entry_body(change.public) if change.public else None}
        case Aspect.PRICE:
            bodies = {cache_keys.part_prices(change.aggregate_id): None}
    return Invalidation(change.version, bodies, change.lists)
