"""The table event -> effects: what must follow each kind of change, the live effects first."""

from collections.abc import Mapping

from app.contract.events import EventType
from app.contract.task_names import MAKE_IMAGE_VARIANTS, Effect

# Tables whose rows themselves record that work is pending, and the task that does it. A change to such a row wakes the task;
# beat polls as well, so a lost wake-up costs half a minute.
TASKS = {"part_images": MAKE_IMAGE_VARIANTS}

LIVE = (Effect.INVALIDATE_CACHE, Effect.BROADCAST)

EFFECTS: dict[EventType, tuple[Effect, ...]] = {
    EventType.PART_CREATED: (*LIVE, Effect.PERSIST_AUDIT, Effect.SNAPSHOT_CONTENT),
    EventType.CONTENT_UPDATED: (*LIVE, Effect.PERSIST_AUDIT, Effect.SNAPSHOT_CONTENT),
    EventType.PART_DELETED: (*LIVE, Effect.PERSIST_AUDIT, Effect.SNAPSHOT_CONTENT),
    EventType.PART_RESTORED: (*LIVE, Effect.PERSIST_AUDIT, Effect.SNAPSHOT_CONTENT),
    # A new part's first stock and prices: `part.created` in the same transaction already tells everybody to look.
    EventType.STOCK_CREATED: (Effect.PERSIST_AUDIT,),
    EventType.PRICE_CREATED: (Effect.PERSIST_AUDIT,),
    EventType.STOCK_UPDATED: (*LIVE, Effect.PERSIST_AUDIT),
    EventType.PRICE_UPDATED: (*LIVE, Effect.PERSIST_AUDIT),
    EventType.CATEGORY_CREATED: (*LIVE, Effect.PERSIST_AUDIT),
    EventType.CATEGORY_UPDATED: (*LIVE, Effect.PERSIST_AUDIT),
    EventType.CATEGORY_DELETED: (*LIVE, Effect.PERSIST_AUDIT),
    EventType.USER_CREATED: (Effect.PERSIST_AUDIT,),
    EventType.USER_UPDATED: (Effect.PERSIST_AUDIT,),
    EventType.API_KEY_CREATED: (Effect.PERSIST_AUDIT,),
    EventType.API_KEY_REVOKED: (Effect.PERSIST_AUDIT,),
    EventType.DEAD_LETTERS_DISCARDED: (Effect.PERSIST_AUDIT,),
    # Searches may find different parts from now on.
    EventType.SYNONYM_CREATED: (*LIVE, Effect.PERSIST_AUDIT),
    EventType.SYNONYM_DELETED: (*LIVE, Effect.PERSIST_AUDIT),
    # What it has changed so far are events of their own, and panels are told of the job itself.
    EventType.IMPORT_CANCELLED: (Effect.PERSIST_AUDIT,),
}


def table(*, has_edge: bool) -> Mapping[EventType, tuple[Effect, ...]]:
    """Return the table of a shop with or without an HTTP cache in front: what is invalidated is purged there, too."""
    if not has_edge:
        return EFFECTS
    return {
        kind: (*effects, Effect.PURGE_EDGE) if Effect.INVALIDATE_CACHE in effects else effects
        for kind, effects in EFFECTS.items()
    }
