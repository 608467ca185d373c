"""What an event makes old in the cache, and what of it can be replaced at once by the state that the event carries."""

from collections.abc import Mapping
from typing import Any

import orjson

from app.cache.manager import Invalidation
from app.contract import cache_keys
from app.contract.events import Aspect, ListFacet

ABSENT = b""


def content_bodies(part_id: int, public: Mapping[str, Any] | None) -> dict[str, bytes]:
    """Return a part's content as its three cache entries; None (not to be seen) makes all of them empty."""
    keys = cache_keys.aspect_keys(part_id, Aspect.CONTENT)
    if public is None:
        return dict.fromkeys(keys, ABSENT)
    own = {name: value for name, value in public.items() if name not in {"images", "specifications"}}
    pieces = (own, public["images"], public["specifications"])
    return {key: orjson.dumps(piece) for key, piece in zip(keys, pieces, strict=True)}


def invalidation_of(
    aggregate_type: str, aggregate_id: int, aspect: Aspect, version: int, public: Mapping[str, Any] | None,
    lists: tuple[ListFacet, ...],
) -> Invalidation:  # fmt: skip
    """Return what a committed event invalidates.

    Prices are dropped and not replaced: what a price list means depends on the moment it is read.
    """
    if aggregate_type != "part":
        return Invalidation(version, {}, lists)
    bodies: dict[str, bytes | None]
    match aspect:
        case Aspect.CONTENT:
            bodies = dict(content_bodies(aggregate_id, public))
            if version == 1:
                # A part that begins without prices has no price event, and may have been remembered as absent.
                bodies[cache_keys.part_prices(aggregate_id)] = None
        case Aspect.STOCK:
            bodies = {cache_keys.part_stock(aggregate_id): orjson.dumps(public) if public else None}
        case Aspect.PRICE:
            bodies = {cache_keys.part_prices(aggregate_id): None}
    return Invalidation(version, bodies, lists)
