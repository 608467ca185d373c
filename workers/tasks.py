"""The tasks. Each is a wake-up: what is due is in the database, and `app.sync` and `app.services` do the work."""

import time

from celery import Task

from app.contract.task_names import APPLY_PRICE_DATES, FORGET_FILES, IMPORT_PARTS, MAKE_IMAGE_VARIANTS, PRUNE, RECONCILE, Effect
from app.services.images import make_variants
from app.sync.prune import prune
from workers import heartbeat  # noqa: F401 — what a worker says of itself while it lives
from workers.celery_app import app
from workers.process import container

# A quarter of the time between two ticks. Nobody waits for this process's event loop, so portions may be large.
RECONCILE_FOR = 15.0
RECONCILED_AT_ONCE = 250
# How soon after one of beat's ticks this process takes the next one, in seconds. What piled up while no worker was there is not
# worth taking; how old a message is could only be told by comparing two machines' clocks.
_TICKS = {RECONCILE: 30.0, APPLY_PRICE_DATES: 2.5}
_ticked: dict[str, float] = {}


def _is_stale(task: Task[..., None]) -> bool:
    """Whether beat sent this, and this process has just done the same for beat."""
    if not (task.request.headers or {}).get("celery_beat_task"):
        return False
    now = time.monotonic()
    if now < _ticked.get(task.name, float("-inf")) + _TICKS[task.name]:
        return True
    _ticked[task.name] = now
    return False


def _deliver(effect: Effect) -> None:
    # Clear the flag first: a change committed from here on queues another wake-up, and an earlier one is seen below.
    container().wake_ups.taken(effect)
    if container().deliveries.deliver(effect):
        container().wake_ups.send_now([effect])


@app.task(name=Effect.INVALIDATE_CACHE.task)
def invalidate_cache() -> None:
    """Drop or refresh the cache entries that committed changes have made stale."""
    _deliver(Effect.INVALIDATE_CACHE)


@app.task(name=Effect.BROADCAST.task)
def broadcast() -> None:
    """Tell open pages about committed changes."""
    _deliver(Effect.BROADCAST)


@app.task(name=Effect.PURGE_EDGE.task)
def purge_edge() -> None:
    """Have the HTTP caches in front drop what committed changes have made stale."""
    _deliver(Effect.PURGE_EDGE)


@app.task(name=Effect.PERSIST_AUDIT.task)
def persist_audit() -> None:
    """Write committed changes to the audit trail."""
    _deliver(Effect.PERSIST_AUDIT)


@app.task(name=Effect.SNAPSHOT_CONTENT.task)
def snapshot_content() -> None:
    """Store the content versions that committed changes have created."""
    _deliver(Effect.SNAPSHOT_CONTENT)


@app.task(name=RECONCILE, bind=True)
def reconcile(task: Task[..., None]) -> None:
    """Compare every copy with PostgreSQL and repair it; beat's tick."""
    if _is_stale(task):
        return
    container().monitoring.record_beat(time.time())
    container().reconciliation.run(seconds=RECONCILE_FOR, portion=RECONCILED_AT_ONCE)


@app.task(name=APPLY_PRICE_DATES, bind=True)
def apply_price_dates(task: Task[..., None]) -> None:
    """Announce the prices that have started or ended on their dates; beat's tick, and the sweep's if beat is down."""
    if _is_stale(task):
        return
    container().wake_ups.taken(APPLY_PRICE_DATES)
    container().price_dates.apply()


@app.task(name=PRUNE)
def prune_outbox() -> None:
    """Delete old delivered events, and idempotency keys that no longer count; add up the counts of facets."""
    container().wake_ups.taken(PRUNE)
    if prune(container().engine):
        container().wake_ups.send_now([PRUNE])


@app.task(name=FORGET_FILES)
def forget_files() -> None:
    """Delete uploaded files that nobody needs any more."""
    container().import_jobs.forget_files()


@app.task(name=MAKE_IMAGE_VARIANTS)
def make_image_variants() -> None:
    """Make the smaller sizes of new pictures, a few at a time."""
    container().wake_ups.taken(MAKE_IMAGE_VARIANTS)
    if make_variants(container().reading, container().storage):
        container().wake_ups.send_now([MAKE_IMAGE_VARIANTS])


# A long file is checked in one go; like every task's, its time limit is below the visibility timeout.
@app.task(name=IMPORT_PARTS, soft_time_limit=105, time_limit=115)
def import_parts() -> None:
    """Continue the oldest unfinished import, for a few seconds."""
    container().wake_ups.taken(IMPORT_PARTS)
    if container().import_jobs.work():
        container().wake_ups.send_now([IMPORT_PARTS])
