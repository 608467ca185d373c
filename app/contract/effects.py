"""The table event -> effects: what must follow each kind of change, in the order of urgency."""

from app.contract.events import EventType
from app.contract.task_names import MAKE_IMAGE_VARIANTS, Effect

# Tables whose rows say by themselves that something is left to do with them, and the task that does it. A change of such a row
# wakes the task; beat asks as well, so a lost wake-up costs half a minute.
TASKS = {"part_images": MAKE_IMAGE_VARIANTS}

LIVE = (Effect.INVALIDATE_CACHE, Effect.BROADCAST)

EFFECTS: dict[EventType, tuple[Effect, ...]] = {
    EventType.PART_CREATED: (*LIVE, Effect.PERSIST_AUDIT, Effect.SNAPSHOT_CONTENT),
    EventType.CONTENT_UPDATED: (*LIVE, Effect.PERSIST_AUDIT, Effect.SNAPSHOT_CONTENT),
    EventType.PART_DELETED: (*LIVE, Effect.PERSIST_AUDIT, Effect.SNAPSHOT_CONTENT),
    EventType.PART_RESTORED: (*LIVE, Effect.PERSIST_AUDIT, Effect.SNAPSHOT_CONTENT),
    # A new part's first stock and prices: `part.created` of the same transaction has told everybody to look.
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
    # Searches may find something else from now on.
    EventType.SYNONYM_CREATED: (*LIVE, Effect.PERSIST_AUDIT),
    EventType.SYNONYM_DELETED: (*LIVE, Effect.PERSIST_AUDIT),
}
