"""The tasks. Each is a wake-up: what there is to do stands in the outbox, and `app.sync` does it."""

import time

from app.contract.task_names import APPLY_PRICE_DATES, IMPORT_PARTS, MAKE_IMAGE_VARIANTS, PRUNE, RECONCILE, Effect
from app.services.images import make_variants
from app.sync.prune import prune
from workers.celery_app import app, container


def _deliver(effect: Effect) -> None:
    # The flag goes first: a change committed from here on queues another wake-up, and one committed before is seen below.
    container().wake_ups.taken(effect)
    if container().deliveries.deliver(effect):
        container().wake_ups.send_now([effect])


@app.task(name=Effect.INVALIDATE_CACHE.task)
def invalidate_cache() -> None:
    """Drop or refresh what committed changes have made old in the cache."""
    _deliver(Effect.INVALIDATE_CACHE)


@app.task(name=Effect.BROADCAST.task)
def broadcast() -> None:
    """Tell open pages of committed changes."""
    _deliver(Effect.BROADCAST)


@app.task(name=Effect.PERSIST_AUDIT.task)
def persist_audit() -> None:
    """Write committed changes to the audit trail."""
    _deliver(Effect.PERSIST_AUDIT)


@app.task(name=Effect.SNAPSHOT_CONTENT.task)
def snapshot_content() -> None:
    """Keep the content versions that committed changes have made."""
    _deliver(Effect.SNAPSHOT_CONTENT)


@app.task(name=RECONCILE)
def reconcile() -> None:
    """Compare the truth with its copies and repair them; beat's tick."""
    container().monitoring.record_beat(time.time())
    container().reconciliation.run()


@app.task(name=APPLY_PRICE_DATES)
def apply_price_dates() -> None:
    """Announce the prices that have begun or ended by their dates; beat's tick, and the sweep's if beat is away."""
    container().wake_ups.taken(APPLY_PRICE_DATES)
    container().price_dates.apply()


@app.task(name=PRUNE)
def prune_outbox() -> None:
    """Delete old delivered events."""
    prune(container().engine)


@app.task(name=MAKE_IMAGE_VARIANTS)
def make_image_variants() -> None:
    """Make the smaller sizes of new pictures, a few at a time."""
    container().wake_ups.taken(MAKE_IMAGE_VARIANTS)
    if make_variants(container().reading, container().storage):
        container().wake_ups.send_now([MAKE_IMAGE_VARIANTS])


# The check of a long file is one piece; like every task's, its limit lies below the visibility timeout.
@app.task(name=IMPORT_PARTS, soft_time_limit=105, time_limit=115)
def import_parts() -> None:
    """Go on with the oldest unfinished import, for a few seconds."""
    container().wake_ups.taken(IMPORT_PARTS)
    if container().import_jobs.work():
        container().wake_ups.send_now([IMPORT_PARTS])
