"""What operators ask of the synchronisation: its status, replays, and a reconciliation now."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine

from app.cache.manager import CacheManager
from app.contract.formats import rfc3339
from app.contract.task_names import Effect
from app.domain.errors import NotFoundError
from app.services.intent import Intent
from app.store import drift, idempotency, outbox, reconciliation
from app.store.idempotency import Kept
from app.store.transaction import TransactionManager, UnitOfWork
from app.sync.reconciliation.reconcile import Reconciliation
from app.sync.wakeup import WakeUps


class SyncControl:
    """The use cases behind `/admin/sync` and `flask sync`."""

    def __init__(
        self, transactions: TransactionManager, reading: Engine, cache: CacheManager, reconciliation: Reconciliation,
        wake_ups: WakeUps, hit_rates: Callable[[], dict[str, float]],
    ) -> None:  # fmt: skip
        self._transactions = transactions
        self._reading = reading
        self._cache = cache
        self._reconciliation = reconciliation
        self._wake_ups = wake_ups
        self._hit_rates = hit_rates

    def status(self) -> dict[str, Any]:
        """Return what is owed and the recent latency per effect, the last reconciliation, what was found to differ from the
        truth, and the cache's figures."""
        with self._reading.connect() as connection:
            owed, latencies = outbox.owed(connection), outbox.latencies(connection)
            last = reconciliation.last_run(connection, "reconcile")
            found, latest = drift.summary(connection), drift.latest(connection)
        last_reconciliation = last and {
            "started_at": rfc3339(last.started_at), "finished_at": rfc3339(last.finished_at), **last.report,
        }  # fmt: skip
        return {
            "effects": {effect: figures | {"latency_ms": latencies[effect]} for effect, figures in owed.items()},
            "window_seconds": outbox.LATENCY_WINDOW,
            "last_reconciliation": last_reconciliation,
            "drift": {"window_seconds": drift.WINDOW, "kinds": found, "latest": latest},
            "cache": {"fresh": self._cache.is_fresh, "hit_rate": self._hit_rates()},
        }

    def outbox_status(self) -> dict[str, dict[str, Any]]:
        """Return what is owed per effect, for the metrics."""
        with self._reading.connect() as connection:
            return outbox.owed(connection)

    def dead_letters(self, after: tuple[int, str], limit: int) -> list[dict[str, Any]]:
        """Return deliveries that were given up on: up to `limit`, plus one if there are more."""
        with self._reading.connect() as connection:
            rows = outbox.dead_letters(connection, after, limit + 1)
        return [row | {"created_at": rfc3339(row["created_at"])} for row in rows]

    def replay(self, intent: Intent, event_id: int | None = None, effect: str | None = None) -> int:
        """Make one event's dead deliveries due again, or all there are, and return how many.

        Raises:
            NotFoundError: if that event has none.
        """

        def work(unit_of_work: UnitOfWork) -> dict[str, int]:
            effects = outbox.replay(unit_of_work.connection, event_id, effect)
            if event_id is not None and not effects:
                raise NotFoundError(f"Event {event_id} has no dead letter" + (f" for {effect}." if effect else "."))
            return dict(effects)

        effects: dict[str, int] | list[str] = self._transactions.run(intent.actor, work, intent.call)
        self._wake_ups.request({Effect(name) for name in effects})
        # What an older release has kept of a call is a list, with the effect of each.
        return len(effects) if isinstance(effects, list) else sum(effects.values())

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
