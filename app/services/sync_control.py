"""What operators ask of the synchronisation: its status, an event's journey, replays, discards, and a reconciliation now."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, Row

from app.cache.manager import CacheManager
from app.contract.formats import rfc3339
from app.contract.task_names import Effect
from app.domain.errors import NotFoundError
from app.monitoring import WINDOW, Figures
from app.services.intent import Intent
from app.store import admin_parts, drift, idempotency, outbox, reconciliation
from app.store.idempotency import Kept
from app.store.outbox import Settlement, Which
from app.store.transaction import TransactionManager, UnitOfWork
from app.sync.heartbeats import Heartbeats
from app.sync.reconciliation.reconcile import Reconciliation
from app.sync.told import ToldPages
from app.sync.wakeup import WakeUps


class SyncControl:
    """The use cases behind `/admin/sync` and `flask sync`.

    Args:
        effects: those that this shop's events owe.
    """

    def __init__(
        self, transactions: TransactionManager, reading: Engine, cache: CacheManager, reconciliation: Reconciliation,
        wake_ups: WakeUps, figures: Callable[[], Figures],
        told: ToldPages, heartbeats: Heartbeats, flower: Callable[[], str | None], effects: Collection[Effect],
    ) -> None:  # fmt: skip
        self._transactions = transactions
        self._reading = reading
        self._cache = cache
        self._reconciliation = reconciliation
        self._wake_ups = wake_ups
        self._figures = figures
        self._told = told
        self._heartbeats = heartbeats
        self._flower = flower
        self._effects = effects

    def status(self) -> dict[str, Any]:
        """Return what is owed and the recent latency per effect, the last reconciliation, what was found to differ from the
        truth, the cache's figures, and which of the processes and servers are well; None where that is not known."""
        with self._reading.connect() as connection:
            owed, latencies = outbox.owed(connection), outbox.latencies(connection)
            last = reconciliation.last_run(connection, "reconcile")
            found, latest = drift.summary(connection), drift.latest(connection)
        figures = self._figures()
        heard, is_fresh = self._heartbeats.heard(), self._cache.is_fresh
        return {
            "effects": {effect: figures | {"latency_ms": latencies[effect]} for effect, figures in self._shown(owed).items()},
            "window_seconds": outbox.LATENCY_WINDOW,
            "last_reconciliation": _reconciliation(last),
            "drift": {"window_seconds": drift.WINDOW, "kinds": found, "latest": latest},
            "cache": {"fresh": is_fresh, "hit_rate": figures.hit_rates, "window_seconds": WINDOW},
            "components": {
                # Which has just answered.
                "database": "ok",
                "cache": "ok" if is_fresh else "away" if heard is None else "degraded",
                "broker": "ok" if self._wake_ups.broker_answers else "degraded",
            },
            "workers": None if heard is None else [asdict(worker) for worker in heard.workers],
            "beat_last_tick_seconds": None if heard is None else heard.beat_seconds,
            "open_pages": figures.open_pages,
            "flower": self._flower(),
        }

    def overview(self) -> dict[str, Any]:
        """Return what needs somebody's attention, and how quickly pages hear of changes."""
        with self._reading.connect() as connection:
            parts, owed = admin_parts.overview(connection), outbox.owed(connection)
            latency = outbox.latencies(connection)[Effect.BROADCAST]
            last, today = reconciliation.last_run(connection, "reconcile"), outbox.changes_today(connection)
        return {
            **parts,
            "dead_letters": sum(figures["dead"] for figures in owed.values()),
            "oldest_pending_seconds": max(figures["oldest_age_seconds"] for figures in owed.values()),
            "propagation": {
                "window_seconds": outbox.LATENCY_WINDOW, **{f"{name}_ms": latency[name] for name in ("p50", "p95", "p99")},
            },
            "last_reconciliation": _reconciliation(last),
            "open_pages": self._figures().open_pages,
            "changes_today": today,
        }  # fmt: skip

    def outbox_status(self) -> dict[str, dict[str, Any]]:
        """Return what is owed per effect, for the metrics."""
        with self._reading.connect() as connection:
            return self._shown(outbox.owed(connection))

    def _shown(self, owed: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
        """Leave out an effect that this shop has no use for, unless some of it is left over."""
        return {effect: own for effect, own in owed.items() if effect in self._effects or own["pending"] or own["dead"]}

    def dead_letters(self, after: tuple[int, str], limit: int) -> list[dict[str, Any]]:
        """Return deliveries that were given up on: up to `limit`, plus one if there are more."""
        with self._reading.connect() as connection:
            rows = outbox.dead_letters(connection, after, limit + 1)
        return [row | {"created_at": rfc3339(row["created_at"]), "failures": _failures(row["failures"])} for row in rows]

    def journey(self, event_id: str) -> dict[str, Any]:
        """Return what an event was, and what became of each of its effects.

        Args:
            event_id: a UUID.

        Raises:
            NotFoundError: if there is no such event, or no longer.
        """
        with self._reading.connect() as connection:
            rows = outbox.journey(connection, event_id)
        if not rows:
            raise NotFoundError("There is no such event; one that was superseded is kept for 14 days.")
        event = rows[0]
        return {
            "event_id": event_id,
            "type": event.type,
            "aggregate_type": event.aggregate_type,
            "aggregate_id": event.aggregate_id,
            "aspect": event.aspect,
            "version": event.version,
            "committed_at": rfc3339(event.committed_at),
            "actor": {"id": event.actor_id, "name": event.actor_name} if event.actor_name is not None else None,
            "request_id": event.request_id,
            "effects": {row.effect: _delivery(row) for row in rows if row.effect is not None},
            "pages": self._told.of(event_id),
        }

    def journeys(self, event_or_request: str, most: int) -> list[dict[str, Any]]:
        """Return the journey of an event (a UUID), or those of the first events that a request caused.

        Raises:
            NotFoundError: if there is neither such an event nor a recent one of such a request.
        """
        with suppress(ValueError, NotFoundError):
            return [self.journey(str(UUID(event_or_request)))]
        with self._reading.connect() as connection:
            caused = outbox.events_of_request(connection, event_or_request, most)
        if not caused:
            raise NotFoundError(f"{event_or_request!r} is neither an event nor a request of lately that caused one.")
        return [self.journey(event_id) for event_id in caused]

    def settlements(self, event_ids: Sequence[str]) -> list[Settlement]:
        """Return the deliveries of these events (UUIDs), the broadcasts with how many pages were told, as far as is known."""
        with self._reading.connect() as connection:
            found = outbox.settlements(connection, event_ids)
        told = self._told.of_each([one.event_id for one in found if one.effect == Effect.BROADCAST and one.state == "done"])
        return [replace(one, pages=told.get(one.event_id)) if one.effect == Effect.BROADCAST else one for one in found]

    def replay(self, intent: Intent, event_id: int | None = None, effect: str | None = None, error: str | None = None) -> int:
        """Make dead deliveries due again, and return how many.

        Args:
            event_id, effect, error: only those of this event, of this effect, whose last error begins so; None for all.

        Raises:
            NotFoundError: if that event has none.
        """
        which = Which(event_id, effect, error)

        def work(unit_of_work: UnitOfWork) -> dict[str, int]:
            effects = outbox.replay(unit_of_work.connection, which)
            _check_found(which, effects.total())
            return dict(effects)

        effects: dict[str, int] | list[str] = self._transactions.run(intent.actor, work, intent.call)
        self._wake_ups.request({Effect(name) for name in effects})
        # What an older release has kept of a call is a list, with the effect of each.
        return len(effects) if isinstance(effects, list) else sum(effects.values())

    def discard(
        self, intent: Intent, reason: str, event_id: int | None = None, effect: str | None = None, error: str | None = None
    ) -> int:
        """Give up dead deliveries for good, and return how many; the audit trail keeps who did it and why.

        Args:
            event_id, effect, error: as for `replay`.

        Raises:
            NotFoundError: if that event has none.
        """
        which = Which(event_id, effect, error)

        def work(unit_of_work: UnitOfWork) -> int:
            count = outbox.discard(unit_of_work, which, reason)
            _check_found(which, count)
            return count

        return self._transactions.run(intent.actor, work, intent.call)

    def reconcile(self, intent: Intent, *, dry_run: bool) -> dict[str, Any]:
        """Reconcile now and return the report.

        That takes many transactions, so the report is kept for a repeated call only at the end: if this process dies before, the
        repeated one reconciles again, which repairs what still differs and nothing twice.
        """
        if (kept := self._kept(intent)) is not None:
            return dict(kept.result)
        report = self._reconciliation.run(dry_run=dry_run)
        if dry_run or "skipped" in report:
            return report
        return self._transactions.run(intent.actor, lambda _unit_of_work: report, intent.call)

    def _kept(self, intent: Intent) -> Kept | None:
        if intent.call is None:
            return None
        with self._reading.connect() as connection:
            return idempotency.find(connection, intent.call)


def _reconciliation(last: Row[Any] | None) -> dict[str, Any] | None:
    return last and {"started_at": rfc3339(last.started_at), "finished_at": rfc3339(last.finished_at), **last.report}


def _check_found(which: Which, count: int) -> None:
    if which.event_id is not None and not count:
        narrowed = (f" for {which.effect}" if which.effect else "") + (" with that error" if which.error else "")
        raise NotFoundError(f"Event {which.event_id} has no dead letter{narrowed}.")


def _delivery(row: Row[Any]) -> dict[str, Any]:
    return {
        "state": row.state,
        "attempts": row.attempts,
        "done_at": None if row.done_at is None else rfc3339(row.done_at),
        "ms": None if row.ms is None else round(row.ms, 3),
        "last_error": row.last_error,
        "failures": _failures(row.failures),
    }


def _failures(kept: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    return [failure | {"at": rfc3339(datetime.fromisoformat(failure["at"]))} for failure in kept or ()]
