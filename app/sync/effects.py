"""The effects: how each is applied to a batch of events, why it is idempotent, and when it gives up.

Which event owes which effect is in `app.contract.effects`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from app.cache.manager import CacheManager
from app.contract.events import ListFacet
from app.contract.task_names import Effect
from app.domain.retry import RetryPolicy
from app.store import audit, versions
from app.store.outbox import Delivery
from app.sync.edge import Edge, keys_of
from app.sync.invalidations import Connect, invalidations_of
from app.sync.publisher import EventPublisher


@dataclass(frozen=True, slots=True)
class Handler:
    """One effect. `apply` runs outside any transaction; `record` inside the one that settles the deliveries."""

    policy: RetryPolicy
    apply: Callable[[Sequence[Delivery]], None] | None = None
    record: Callable[[Connection, Sequence[Delivery]], None] | None = None


RECORDS = RetryPolicy(gives_up_after=12)


def handlers(
    cache: CacheManager, publisher: EventPublisher, confirm: Callable[[], None], connect: Connect, edge: Edge | None = None
) -> dict[Effect, Handler]:
    """Return this process's handler of each effect.

    Args:
        confirm: makes sure that this process's cache is the one in use, or raises.
        connect: connects to the database, with every statement its own transaction.
        edge: the HTTP caches in front, if there are any.
    """

    def invalidate(deliveries: Sequence[Delivery]) -> None:
        confirm()
        cache.invalidate(invalidations_of(deliveries, connect))

    def broadcast(deliveries: Sequence[Delivery]) -> None:
        # A page that is notified of a version and asks at once must not get an older one.
        if behind := [delivery for delivery in deliveries if not delivery.is_invalidated]:
            invalidate(behind)
        touched = {facet for delivery in deliveries for facet in (delivery.lists if delivery.is_understood else ListFacet)}
        if touched:
            # Others may have invalidated all of them, in a life of the cache of which this process has not heard.
            confirm()
        publisher.publish(
            deliveries,
            catalog_token=cache.catalog_token() if touched else None,
            categories_token=cache.catalog_token([ListFacet.CATEGORIES]) if ListFacet.CATEGORIES in touched else None,
        )

    def purge(deliveries: Sequence[Delivery]) -> None:
        if edge is None:
            return  # There was one when these were written.
        # What is asked for again at once must not be answered by an older entry.
        invalidate([delivery for delivery in deliveries if not delivery.is_invalidated])
        edge.purge(keys_of(deliveries, connect))

    return {
        # The version floor only rises.
        Effect.INVALIDATE_CACHE: Handler(RetryPolicy(gives_up_after=None, longest_delay=5), apply=invalidate),
        # What is not stored is not dropped. While an edge is away nothing is given up: it is an outage, which counts no attempt.
        Effect.PURGE_EDGE: Handler(RECORDS, apply=purge),
        # Pages compare versions.
        Effect.BROADCAST: Handler(RECORDS, apply=broadcast),
        # The event id is unique there.
        Effect.PERSIST_AUDIT: Handler(RECORDS, record=audit.persist),
        # So is (part, version).
        Effect.SNAPSHOT_CONTENT: Handler(RECORDS, record=versions.persist),
    }
