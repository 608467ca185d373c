"""What keeps the cache true: invalidation right after the commit, and the proof of freshness that every reader relies on."""

import math
import threading
import time
from collections.abc import Sequence

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.cache.manager import CacheManager, CacheUnavailableError
from app.contract.effects import EFFECTS, TASKS
from app.contract.events import Event
from app.contract.task_names import APPLY_PRICE_DATES, Effect
from app.monitoring import SyncMonitoring
from app.store import outbox, prices
from app.store.outbox import Delivery
from app.store.transaction import CommittedEvent
from app.sync.invalidations import invalidation_of
from app.sync.wakeup import WakeUps

log = structlog.get_logger()

# Seconds between two proofs of freshness; the cache is served from for `manager.FRESH_FOR` after the last.
SWEEP_EVERY = 0.4
# More unsettled invalidations than this are left to the worker; meanwhile readers go to the database.
MAX_AT_ONCE = 2000
# Changes that one call to the cache takes: a script keeps everybody else waiting while it runs.
AT_ONCE = 200
# So many invalidations of one commit are settled by whoever wrote it.
SETTLED_AT_ONCE = 50
# Deliveries that are due for so many seconds with nobody at work on them get another wake-up, and so do the dates of prices: beat
# ticks for these every second, but may be dead.
OVERDUE_AFTER = 1.0


class CacheConsistencyManager:
    """Invalidates after commits, and sweeps: a process that serves from the cache proves a few times a second that every
    invalidation committed before that moment has been applied (docs/adr/0002).

    Args:
        reading: the database, with every statement its own transaction.
        patience: how long a writer waits for its invalidations, in seconds; more where nobody waits for the writer.
    """

    def __init__(
        self, reading: Engine, cache: CacheManager, wake_ups: WakeUps, monitoring: SyncMonitoring, patience: float
    ) -> None:
        self._reading = reading
        self._cache = cache
        self._wake_ups = wake_ups
        self._monitoring = monitoring
        self.patience = patience
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def after_commit(self, committed: Sequence[CommittedEvent]) -> None:
        """Invalidate what has just been committed, then wake the worker. Neither may fail the write, which is true already."""
        owed: set[str] = {effect for item in committed for effect in EFFECTS[item.event.type]}
        owed |= {TASKS[item.event.table_name] for item in committed if item.event.table_name in TASKS}
        cached = [item for item in committed if Effect.INVALIDATE_CACHE in EFFECTS[item.event.type]]
        if cached and self.ensure_cache_consistency(cached):
            # Done. The sweep settles a few deliveries; of many, it and the worker would apply each once more, to no end.
            owed.discard(Effect.INVALIDATE_CACHE)
            if len(cached) >= SETTLED_AT_ONCE:
                self._settle(cached)
        self._wake_ups.request(owed)

    def ensure_cache_consistency(self, committed: Sequence[CommittedEvent]) -> bool:
        """Invalidate now and return whether that is certain. If not, the deliveries in the outbox stand for it."""
        began = time.monotonic()
        events = [item.event for item in committed]
        try:
            self._invalidate(events, began + self.patience)
        except CacheUnavailableError as error:
            self._monitoring.record_unconfirmed_invalidation()
            log.warning("invalidation unconfirmed", events=len(events), error=str(error))
            return False
        elapsed = (time.monotonic() - began) * 1000
        for event in events:
            self._monitoring.record_sync_latency(event.type, Effect.INVALIDATE_CACHE, elapsed)
        return True

    def _settle(self, committed: Sequence[CommittedEvent]) -> None:
        try:
            with self._reading.connect() as connection:
                outbox.settle(connection, Effect.INVALIDATE_CACHE, [item.id for item in committed])
        except SQLAlchemyError as error:
            log.warning("invalidations not settled, the sweep will", error=str(error).splitlines()[0])

    def process_retry_queue(self) -> bool:
        """Apply every unsettled invalidation, and return whether the cache is thereby proven fresh.

        Idempotent, so no lease is needed: any number of processes may do this side by side, beside the worker.
        """
        began = time.monotonic()
        with self._reading.connect() as connection:
            unsettled = outbox.unsettled(connection, Effect.INVALIDATE_CACHE, MAX_AT_ONCE + 1)
            if len(unsettled) > MAX_AT_ONCE:
                self._wake_ups.request([Effect.INVALIDATE_CACHE])
                return False
            if unsettled:
                self._invalidate(unsettled)
                outbox.settle(connection, Effect.INVALIDATE_CACHE, [d.id for d in unsettled])
            self._cache.mark_verified(began)
            self._wake_ups.request(outbox.overdue_effects(connection, OVERDUE_AFTER))
            if prices.any_due(connection, OVERDUE_AFTER):
                self._wake_ups.request([APPLY_PRICE_DATES])
        return True

    def _invalidate(self, changes: Sequence[Event | Delivery], deadline: float = math.inf) -> None:
        for at in range(0, len(changes), AT_ONCE):
            if time.monotonic() > deadline:
                raise CacheUnavailableError("so many changes take longer than a writer waits; the worker goes on with them")
            self._cache.invalidate([invalidation_of(change) for change in changes[at : at + AT_ONCE]])

    def sweep(self) -> None:
        """Do `process_retry_queue` once, surviving whatever is away: then freshness lapses and readers use the database."""
        try:
            self.process_retry_queue()
        except (SQLAlchemyError, CacheUnavailableError) as error:
            log.warning("freshness not proven", error=str(error).splitlines()[0])

    def start(self) -> None:
        """Sweep until `stop`, in a thread of its own."""
        self._thread = threading.Thread(target=self._sweep_until_stopped, name="freshness", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the sweeping and close its connection; freshness lapses, and readers use the database."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._reading.dispose()

    def _sweep_until_stopped(self) -> None:
        while not self._stopping.is_set():
            self.sweep()
            self._stopping.wait(SWEEP_EVERY)
