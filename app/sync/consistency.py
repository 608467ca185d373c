"""Keeps the cache correct: invalidation right after the commit, and the proof of freshness that every reader relies on."""

import itertools
import math
import secrets
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from app import tracing
from app.cache.manager import FRESH_FOR, NEVER, CacheBeginningError, CacheManager, CacheUnavailableError
from app.contract.effects import TASKS
from app.contract.events import Event, EventType
from app.contract.task_names import APPLY_PRICE_DATES, Effect
from app.domain.constancy import Constancy
from app.monitoring import SyncMonitoring
from app.store import cache_epoch, outbox
from app.store.outbox import Delivery
from app.store.transaction import CommittedEvent
from app.sync.edge import Edge
from app.sync.invalidations import Connect, invalidations_of
from app.sync.wakeup import WakeUps

log = structlog.get_logger()

# Seconds between two proofs of freshness; each allows serving from the cache for `manager.FRESH_FOR`.
SWEEP_EVERY = 0.3
# The same in a process that nobody is connected to (docs/adr/0026). Its proof is as good, so the first to come finds the cache
# in use; below `CONFIRM_AFTER`, so the first to write does as well.
SWEEP_IDLE_EVERY = 0.75
# Every so many sweeps one also looks for what is overdue, on which no reader relies.
WAKES_EVERY = 2
# More unsettled invalidations than this are left to the worker; meanwhile readers go to the database.
MAX_AT_ONCE = 2000
# Events that a sweep reads at once: decoding them, each perhaps with a long description, keeps the event loop from others.
SWEPT_AT_ONCE = 50
# Changes per call to the cache: a script blocks everybody else while it runs.
AT_ONCE = 200
# The writer itself settles a commit's invalidations from this number on.
SETTLED_AT_ONCE = 50
# Deliveries that have been due for this many seconds with nobody working on them get another wake-up.
OVERDUE_AFTER = 1.0


# A process that does not sweep asks which cache is in use when its knowledge is older than this, in seconds.
CONFIRM_AFTER = 0.8
# How often a writer with an unconfirmed invalidation checks whether it has become harmless, in seconds.
LOOK_EVERY = 0.02


class CacheConsistencyManager:
    """Invalidates after commits, and sweeps: a process that serves from the cache proves a few times a second that every
    invalidation committed before that moment has been applied (docs/adr/0002), to the one cache that is in use (docs/adr/0009).

    Args:
        proving: the database, with every statement its own transaction, on a connection of its own.
        reading: the same, for waiting writers.
        patience: how long a writer tries to apply its invalidations, in seconds; more where nobody waits for the writer.
        effects: what must follow each kind of change.
        edge: the HTTP caches in front, if there are any.
    """

    def __init__(
        self, proving: Engine, reading: Engine, cache: CacheManager, wake_ups: WakeUps, monitoring: SyncMonitoring,
        patience: float, effects: Mapping[EventType, Collection[Effect]], edge: Edge | None = None,
    ) -> None:  # fmt: skip
        self._proving = proving
        self._reading = reading
        self._cache = cache
        self._wake_ups = wake_ups
        self._monitoring = monitoring
        self.patience = patience
        self._effects = effects
        self._edge = edge
        self._confirming = threading.Lock()
        self._denied_until = NEVER
        self._denial = CacheUnavailableError()
        # Which epoch the row has named, and its last use.
        self._epochs = Constancy()
        self._uses = Constancy()
        self._stopping = threading.Event()
        # Why each step of a sweep failed last; None if it did not.
        self._problems: dict[str, str | None] = {}
        self._thread: threading.Thread | None = None

    def after_commit(
        self, committed: Sequence[CommittedEvent], tell: Callable[[Sequence[CommittedEvent]], None] = lambda _own: None
    ) -> None:
        """Invalidate what has just been committed, then have the rest begun. Neither may fail the committed write.

        Args:
            tell: tells pages, in the background, of what this process has claimed for that.
        """
        owed: set[str] = {effect for item in committed for effect in self._effects[item.event.type]}
        owed |= {TASKS[item.event.table_name] for item in committed if item.event.table_name in TASKS}
        cached = [item for item in committed if Effect.INVALIDATE_CACHE in self._effects[item.event.type]]
        if cached and self.ensure_cache_consistency(cached):
            # Done. The sweep settles a few deliveries; if there are many, it and the worker would pointlessly apply each again.
            owed.discard(Effect.INVALIDATE_CACHE)
            if len(cached) >= SETTLED_AT_ONCE:
                self._settle(cached)
            if own := [item for item in cached if item.leased_until is not None]:
                tell(own)
                if len(own) == len(cached):
                    owed.discard(Effect.BROADCAST)
        try:
            if cached and self._edge is not None:
                with tracing.span("purge"):
                    self._edge.after_invalidation([item.event for item in cached], self._reading.connect)
        finally:
            self._wake_ups.request(owed)

    def ensure_cache_consistency(self, committed: Sequence[CommittedEvent]) -> bool:
        """Invalidate now and return whether that is confirmed. If not, return once nobody can be served stale data: when others
        have applied what the outbox owes, or every proof of freshness from before the commit has lapsed."""
        began = time.monotonic()
        events = [item.event for item in committed]
        try:
            with tracing.span("invalidate"):
                self.confirm()
                self._invalidate(events, self._reading.connect, began + self.patience)
        except Exception as error:  # noqa: BLE001 — the write is committed, whatever this is
            self._monitoring.record_unconfirmed_invalidation()
            log.warning("invalidation unconfirmed", events=len(events), error=repr(error))
            self.wait_until_harmless([item.id for item in committed], began + FRESH_FOR)
            return False
        elapsed = (time.monotonic() - began) * 1000
        for event in events:
            self._monitoring.record_sync_latency(event.type, Effect.INVALIDATE_CACHE, elapsed)
        return True

    def after_reading_past(self, versions: Collection[tuple[int, str, int]]) -> None:
        """Wait until nobody can be served anything older than what was read past the cache, lest a session go back in time at the
        next process.

        Args:
            versions: part, aspect and version of what was read.
        """
        began = time.monotonic()
        try:
            with self._reading.connect() as connection:
                owed = outbox.unsettled_versions(connection, versions)
        except SQLAlchemyError as error:
            log.warning("not known whether others serve something older", error=str(error).splitlines()[0])
            return
        if owed:
            self.wait_until_harmless(owed, began + FRESH_FOR)

    def wait_until_harmless(self, event_ids: Sequence[int], latest: float) -> None:
        """Return once nobody can be served what these events made stale, at `latest` (monotonic seconds) at the latest."""
        self._wake_ups.request([Effect.INVALIDATE_CACHE])
        while (now := time.monotonic()) < latest:
            try:
                if self.is_harmless(event_ids):
                    return
            except SQLAlchemyError as error:
                log.warning("not known whether an invalidation holds", error=str(error).splitlines()[0])
            time.sleep(min(LOOK_EVERY, latest - now))

    def is_harmless(self, event_ids: Sequence[int]) -> bool:
        """Return whether nobody can be served what these events made stale: all are settled, or no process uses the cache.

        Raises:
            SQLAlchemyError: if the database does not say.
        """
        unused = self._uses.held(cache_epoch.IN_USE)
        with self._reading.connect() as connection:
            owed = cache_epoch.owed(connection, event_ids)
        self._uses.note(owed.last_use)
        return not owed.is_owed or owed.last_use == unused

    def confirm(self) -> None:
        """Find out which cache is in use, unless that was done a moment ago.

        Raises:
            CacheBeginningError: if it is about to be this process's.
            CacheUnavailableError: if it is not, or that cannot be determined.
        """
        if self._cache.known_for() < CONFIRM_AFTER:
            return
        if not self._confirming.acquire(timeout=LOOK_EVERY):
            raise CacheUnavailableError("somebody else is waiting for the cache's answer")
        try:
            self._ask()
        finally:
            self._confirming.release()

    def _ask(self) -> None:
        if self._cache.known_for() < CONFIRM_AFTER:
            return
        if time.monotonic() < self._denied_until:
            # The next caller need not wait for the same timeout.
            raise type(self._denial)(f"a moment ago: {self._denial}")
        try:
            self._confirm_by_reading()
        except CacheUnavailableError as error:
            self._denial = error
            raise
        finally:
            self._denied_until = time.monotonic() + SWEEP_EVERY

    def _confirm_by_reading(self) -> None:
        try:
            with self._reading.connect() as connection:
                self._confirm(connection)
        except SQLAlchemyError as error:
            raise CacheUnavailableError("the database does not say which cache is in use") from error

    def _confirm(self, connection: Connection) -> bool:
        """Compare the cache at hand with the one in use; return whether any invalidation is unsettled."""
        at = time.monotonic()
        life = self._cache.life()
        used = cache_epoch.use(connection, life.epoch, life.server, self._epochs.held(cache_epoch.IN_USE))
        if used is None:
            epoch = secrets.token_hex(8)
            if cache_epoch.begin(connection, epoch, life.server):
                log.warning("a new epoch of the cache", server=life.server, epoch=epoch)
                self._cache.begin_epoch(epoch)
            raise CacheBeginningError("a new epoch of the cache begins: it is not the one that was invalidated before")
        self._epochs.note(used.epoch_and_run)
        if not used.has_begun:
            raise CacheBeginningError("a new epoch of the cache is about to begin")
        self._cache.adopt(life, at)
        return used.is_owed

    def _settle(self, committed: Sequence[CommittedEvent]) -> None:
        try:
            with self._reading.connect() as connection:
                outbox.settle(connection, Effect.INVALIDATE_CACHE, [item.id for item in committed])
        except SQLAlchemyError as error:
            log.warning("invalidations not settled, the sweep will", error=str(error).splitlines()[0])

    def process_retry_queue(self) -> bool:
        """Apply every unsettled invalidation, and return whether that proves the cache fresh.

        Idempotent, so no lease is needed: any number of processes may do this concurrently with each other and the worker.

        Raises:
            CacheUnavailableError: if the cache does not answer, or is not the one in use.
        """
        began = time.monotonic()
        with self._proving.connect() as connection:
            is_owed = self._confirm(connection)
            unsettled = outbox.unsettled(connection, Effect.INVALIDATE_CACHE, MAX_AT_ONCE + 1) if is_owed else []
            if len(unsettled) > MAX_AT_ONCE:
                self._wake_ups.request([Effect.INVALIDATE_CACHE])
                return False
            for start in range(0, len(unsettled), SWEPT_AT_ONCE):
                events = outbox.events(connection, unsettled[start : start + SWEPT_AT_ONCE])
                # On this connection: freshness must not wait for one of those that serve requests.
                self._invalidate(events, lambda: nullcontext(connection))
                by_hand = [event for event in events if event.is_by_hand]
                if self._edge is not None and by_hand:
                    # The triggers do not know of it.
                    outbox.owe(connection, Effect.PURGE_EDGE, [event.id for event in by_hand])
                outbox.settle(connection, Effect.INVALIDATE_CACHE, [event.id for event in events])
                # Nobody else knows yet of what was committed around the application.
                self._wake_ups.request({effect for event in by_hand for effect in self._rest_of(event)})
            self._cache.mark_verified(began)
        return True

    def _rest_of(self, event: Delivery) -> set[Effect]:
        """Return what an event owes besides its invalidation."""
        return {*(self._effects[event.type] if event.is_understood else ())} - {Effect.INVALIDATE_CACHE}

    def _wake_overdue(self) -> None:
        """Wake the tasks responsible for what is overdue; this does not need the cache."""
        with self._proving.connect() as connection:
            overdue = outbox.overdue(connection, OVERDUE_AFTER)
            self._wake_ups.request(overdue.effects)
            if overdue.has_price_dates:
                self._wake_ups.request([APPLY_PRICE_DATES])
            if overdue.is_ahead and (ahead := outbox.bring_forward(connection)):
                log.warning("the database's clock was set back; what waited for the time before is due", **ahead)

    def _invalidate(self, changes: Sequence[Event | Delivery], connect: Connect, deadline: float = math.inf) -> None:
        for at in range(0, len(changes), AT_ONCE):
            if time.monotonic() > deadline:
                raise CacheUnavailableError("so many changes take longer than a writer waits; the worker goes on with them")
            self._cache.invalidate(invalidations_of(changes[at : at + AT_ONCE], connect))

    def sweep(self, *, wakes: bool = True) -> None:
        """Prove freshness and, if it `wakes`, wake what is overdue, surviving any failure; readers then use the database."""
        for step in (self.process_retry_queue, *([self._wake_overdue] if wakes else [])):
            problem: str | None = None
            try:
                step()
            except (SQLAlchemyError, CacheUnavailableError) as error:
                problem = str(error).splitlines()[0]
                # Once, and not with every sweep that fails for the same reason.
                if problem != self._problems.get(step.__name__):
                    log.warning("freshness not proven", error=problem)
            except Exception:
                # Nothing may end the thread that all readers rely on; the next sweep tries again.
                log.exception("a sweep failed")
            self._problems[step.__name__] = problem
        self._monitoring.record_freshness(is_fresh=self._cache.is_fresh)

    def start(self, is_idle: Callable[[], bool] = lambda: False) -> None:
        """Sweep until `stop`, in a thread of its own, and less often while the process `is_idle`."""
        self._thread = threading.Thread(target=self._sweep_until_stopped, args=(is_idle,), name="freshness", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop sweeping and close the connection; freshness lapses, and readers use the database."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        self._proving.dispose()

    def _sweep_until_stopped(self, is_idle: Callable[[], bool]) -> None:
        for number in itertools.count():
            rests = self._cache.is_fresh and is_idle()
            self.sweep(wakes=rests or number % WAKES_EVERY == 0)
            if self._stopping.wait(SWEEP_IDLE_EVERY if rests else SWEEP_EVERY):
                return
