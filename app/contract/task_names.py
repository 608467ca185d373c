"""The stable names of the Celery tasks and queues. The app sends these names; only `workers` knows the tasks themselves."""

from enum import StrEnum


class Effect(StrEnum):
    """What must follow an event, named after the task that does it; the most urgent first."""

    BROADCAST = "broadcast"
    INVALIDATE_CACHE = "invalidate_cache"
    # Only where an HTTP cache stands in front (`effects.table`).
    PURGE_EDGE = "purge_edge"
    PERSIST_AUDIT = "persist_audit"
    SNAPSHOT_CONTENT = "snapshot_content"

    @property
    def task(self) -> str:
        """The Celery task's name."""
        return f"sync.{self.value}"


RECONCILE = "sync.reconcile"
PRUNE = "sync.prune"
APPLY_PRICE_DATES = "sync.apply_price_dates"
MAKE_IMAGE_VARIANTS = "catalog.make_image_variants"
IMPORT_PARTS = "catalog.import_parts"
FORGET_FILES = "catalog.forget_files"

# Customers wait for the first queue, so a backlog of records must never hold it up: each has a worker of its own (Procfile).
LIVE_QUEUE = "sync.live"
RECORDS_QUEUE = "sync.records"


def task_of(wanted: str) -> str:
    """Return the name of the task that does an effect; any other task is already given by its name."""
    return wanted.task if isinstance(wanted, Effect) else wanted


def queue_of(task: str) -> str:
    """Return the queue that `task` goes to."""
    live = {Effect.INVALIDATE_CACHE.task, Effect.BROADCAST.task, APPLY_PRICE_DATES}
    return LIVE_QUEUE if task in live else RECORDS_QUEUE
