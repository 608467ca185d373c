"""What an event makes stale in the cache, and what can be replaced at once with the state that the event carries."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import orjson
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app.cache.manager import Invalidation
from app.contract import cache_keys
from app.contract.events import PLACED, Aspect, Event, ListFacet
from app.store import catalog
from app.store.outbox import Delivery

log = structlog.get_logger()

Connect = Callable[[], AbstractContextManager[Connection]]
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


def invalidations_of(changes: Sequence[Event | Delivery], connect: Connect) -> list[Invalidation]:
    """Return what each of some committed changes invalidates.

    Only a change of content knows in which category its part stands, since it is made under the part's lock. For the others that
    is looked up now, after their commit: a list that could show the old state of a part that is moved later is dropped by that
    move. If the database does not say, lists of every category are dropped.

    Args:
        connect: connects to the database, with every statement its own transaction.
    """
    moving = {change.aggregate_id for change in changes if _is_looked_up(change)}
    places: Mapping[int, tuple[int, ...]] = {}
    if moving:
        try:
            with connect() as connection:
                places = catalog.places(connection, sorted(moving))
        except SQLAlchemyError as error:
            log.warning("lists of all categories are dropped", error=str(error).splitlines()[0])
    return [_invalidation(change, places.get(change.aggregate_id) if _is_looked_up(change) else None) for change in changes]


def _is_looked_up(change: Event | Delivery) -> bool:
    if isinstance(change, Delivery) and not change.is_understood:
        return False
    return change.aggregate_type == "part" and change.aspect is not Aspect.CONTENT and not PLACED.isdisjoint(change.lists)


def _generations(facets: Iterable[ListFacet], places: tuple[int, ...] | None) -> tuple[str, ...]:
    return tuple(generation for facet in facets for generation in cache_keys.touched(facet, places))


def _invalidation(change: Event | Delivery, place: tuple[int, ...] | None) -> Invalidation:
    """Return what a committed change invalidates, its part standing in `place` if the change itself does not say.

    Prices are dropped rather than replaced: what a price list means depends on when it is read. An event that is not understood
    drops everything that may have changed with its aggregate.
    """
    if isinstance(change, Delivery) and not change.is_understood:
        keys = [key for aspect in Aspect for key in cache_keys.aspect_keys(change.aggregate_id, aspect)]
        everything = _generations(ListFacet, None)
        return Invalidation(0, dict.fromkeys(keys if change.aggregate_type == "part" else ()), everything, forgets=True)
    generations = _generations(change.lists, change.places if change.aspect is Aspect.CONTENT else place)
    if change.aggregate_type != "part":
        return Invalidation(change.version, {}, generations)
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
    return Invalidation(change.version, bodies, generations)
