"""Delivers what the outbox owes: claim a batch, apply its effect, settle it, until nothing is due.

There are two kinds of failure. If a dependency is down, the whole batch waits a moment and no attempt counts. If an event cannot
be delivered, its batch is split, so that it fails alone: it backs off, and eventually becomes a dead letter. To wait until an
epoch of the cache has begun, as every new shop does, is no failure.
"""

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from app import tracing
from app.cache.manager import CacheBeginningError, CacheUnavailableError
from app.contract.effects import LIVE
from app.contract.task_names import Effect
from app.domain.retry import GiveUp, decide
from app.logs import TRACE
from app.monitoring import SyncMonitoring
from app.store import outbox
from app.store.database import single_statements
from app.store.outbox import Delivery
from app.store.transaction import CommittedEvent
from app.sync.edge import EdgeUnavailableError
from app.sync.effects import Handler
from app.sync.publisher import PublishError

log = structlog.get_logger()
trace = structlog.get_logger(channel=TRACE)

BATCH = 500
# A task yields to others after this many seconds, and asks for another wake-up if it is not done.
BUDGET = 2.0
# Seconds until events of a newer release are looked at again, in case no worker of that release has delivered them.
FOREIGN_DELAY = 5.0
# Events of a batch whose ids the log has.
MAX_TRACED = 20
OUTAGES = (CacheUnavailableError, PublishError, EdgeUnavailableError, OperationalError)


class DeliveryService:
    """Applies effects. One instance per process."""

    def __init__(self, engine: Engine, handlers: Mapping[Effect, Handler], monitoring: SyncMonitoring) -> None:
        self._engine = engine
        self._single = single_statements(engine)
        self._handlers = handlers
        self._monitoring = monitoring
        # What has been said to wait for the cache, and has not been delivered since.
        self._awaiting_cache: set[Effect] = set()

    def close(self) -> None:
        """Close the connections to the database."""
        self._engine.dispose()

    def deliver(self, effect: Effect) -> bool:
        """Deliver what is due, within the budget; return whether there may be more.

        Raises:
            OperationalError: if the database is down.
        """
        deadline = time.monotonic() + BUDGET
        while time.monotonic() < deadline:
            if not self.deliver_once(effect, BATCH):
                return False
        return True

    def deliver_once(self, effect: Effect, most: int) -> bool:
        """Deliver one batch of at most `most` of what is due; return whether there may be more.

        Raises:
            OperationalError: if the database is down.
        """
        claimed = outbox.claim(self._engine, effect, most)
        batch = self._understood(effect, claimed)
        if batch:
            self._deliver_batch(effect, batch)
        return len(claimed) == most

    def deliver_own(self, committed: Sequence[CommittedEvent]) -> None:
        """Tell pages of events whose broadcasts this process has claimed by writing them (docs/adr/0021).

        Raises:
            OperationalError: if the database is down.
        """
        self._deliver_batch(Effect.BROADCAST, [outbox.own(one) for one in committed])

    def _understood(self, effect: Effect, claimed: Sequence[Delivery]) -> Sequence[Delivery]:
        """Return what this release can deliver; the rest is left to the newer one that wrote it, without counting an attempt.

        What keeps customers up to date is delivered all the same: what such an event changed can be dropped from the cache, and
        pages can be told to read it again.
        """
        if effect in LIVE or all(delivery.is_understood for delivery in claimed):
            return claimed
        foreign = [delivery for delivery in claimed if not delivery.is_understood]
        log.warning("events of a newer release left to it", effect=effect, events=len(foreign))
        with self._single.connect() as connection:
            why = "written by a newer release, whose worker delivers it"
            outbox.postpone_all(connection, effect, foreign, FOREIGN_DELAY, why, has_failed=False)
        return [delivery for delivery in claimed if delivery.is_understood]

    def _deliver_batch(self, effect: Effect, batch: Sequence[Delivery]) -> None:
        self._monitoring.record_attempts(effect, len(batch))
        try:
            self._apply(effect, batch)
            self._awaiting_cache.discard(effect)
        except CacheBeginningError as error:
            if effect not in self._awaiting_cache:
                log.info("effect postponed until the cache begins", effect=effect, events=len(batch))
            self._awaiting_cache.add(effect)
            self._postpone_all(effect, batch, error, has_failed=False)
        except OUTAGES as error:
            self._monitoring.alert_sync_failure(effect, error)
            log.warning("effect postponed, the other side is away", effect=effect, events=len(batch), error=str(error))
            self._postpone_all(effect, batch, error)
        except Exception as error:  # noqa: BLE001 — whatever one event causes must not stop the others
            if len(batch) == 1:
                self._failed(effect, batch[0], error)
            else:
                for delivery in batch:
                    self._deliver_batch(effect, [delivery])

    def _apply(self, effect: Effect, batch: Sequence[Delivery]) -> None:
        said = {"lockstep.batch": len(batch)}
        with tracing.following(f"deliver {effect}", [delivery.traceparent for delivery in batch], said) as own:
            if own is not None:
                batch = [replace(delivery, traceparent=one) for delivery, one in zip(batch, own, strict=True)]
            settled = self._applied(effect, batch)
        trace.info(
            "delivered", effect=effect, events=len(batch),
            event_ids=[str(delivery.event_id) for delivery in batch[:MAX_TRACED]],
            request_ids=sorted({delivery.request_id for delivery in batch[:MAX_TRACED] if delivery.request_id}),
            actor_ids=sorted({delivery.actor_id for delivery in batch[:MAX_TRACED] if delivery.actor_id is not None}),
        )  # fmt: skip
        for delivery in batch:
            if delivery.id in settled and effect is not Effect.INVALIDATE_CACHE:
                self._monitoring.record_sync_latency(delivery.type, effect, settled[delivery.id])

    def _applied(self, effect: Effect, batch: Sequence[Delivery]) -> Mapping[int, float]:
        """Apply an effect, and return what `outbox.settle` does."""
        handler = self._handlers[effect]
        if handler.apply is not None:
            handler.apply(batch)
        # A record and its settlement are committed together; without a record there is only one statement.
        with self._engine.begin() if handler.record else self._single.connect() as connection:
            if handler.record is not None:
                handler.record(connection, batch)
            # Not by a statement of its own, and so that the sweep need not apply it once more.
            also = [Effect.INVALIDATE_CACHE] if all(delivery.is_own for delivery in batch) else []
            return outbox.settle(connection, effect, [delivery.id for delivery in batch], *also)

    def _postpone_all(self, effect: Effect, batch: Sequence[Delivery], error: Exception, *, has_failed: bool = True) -> None:
        with self._single.connect() as connection:
            outbox.postpone_all(connection, effect, batch, random.uniform(0.5, 1.5), _reason(error), has_failed=has_failed)

    def _failed(self, effect: Effect, delivery: Delivery, error: Exception) -> None:
        self._monitoring.alert_sync_failure(effect, error)
        decision = decide(self._handlers[effect].policy, delivery.attempts)
        log.error("effect failed", effect=effect, event_id=delivery.event_id, attempts=delivery.attempts, error=_reason(error))
        with self._single.connect() as connection:
            if isinstance(decision, GiveUp):
                outbox.bury(connection, effect, delivery, _reason(error))
            else:
                outbox.postpone(connection, effect, delivery, decision.delay, _reason(error))


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:2000]
