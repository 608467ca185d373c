"""What those who run the shop ask of the synchronisation: how it is, and to try again."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine

from app.cache.manager import CacheManager
from app.contract.formats import rfc3339
from app.contract.task_names import Effect
from app.domain.errors import NotFoundError
from app.store import outbox, reconciliation
from app.sync.reconciliation.reconcile import Reconciliation
from app.sync.wakeup import WakeUps


class SyncControl:
    """The use cases behind `/admin/sync` and `flask sync`."""

    def __init__(
        self, engine: Engine, reading: Engine, cache: CacheManager, reconciliation: Reconciliation, wake_ups: WakeUps,
        hit_rates: Callable[[], dict[str, float]],
    ) -> None:  # fmt: skip
        self._engine = engine
        self._reading = reading
        self._cache = cache
        self._reconciliation = reconciliation
        self._wake_ups = wake_ups
        self._hit_rates = hit_rates

    def status(self) -> dict[str, Any]:
        """Return per effect what is owed and how fast it has gone lately, the last reconciliation, and the cache's figures."""
        with self._reading.connect() as connection:
            owed, latencies = outbox.owed(connection), outbox.latencies(connection)
            last = reconciliation.last_run(connection, "reconcile")
        last_reconciliation = last and {
            "started_at": rfc3339(last.started_at), "finished_at": rfc3339(last.finished_at), **last.report,
        }  # fmt: skip
        return {
            "effects": {effect: figures | {"latency_ms": latencies[effect]} for effect, figures in owed.items()},
            "window_seconds": outbox.LATENCY_WINDOW,
            "last_reconciliation": last_reconciliation,
            "cache": {"fresh": self._cache.is_fresh, "hit_rate": self._hit_rates()},
        }

    def outbox_status(self) -> dict[str, dict[str, Any]]:
        """Return what is owed per effect, for the metrics."""
        with self._reading.connect() as connection:
            return outbox.owed(connection)

    def dead_letters(self, after: tuple[int, str], limit: int) -> list[dict[str, Any]]:
        """Return deliveries that were given up on; one more than `limit` if there are more."""
        with self._reading.connect() as connection:
            rows = outbox.dead_letters(connection, after, limit + 1)
        return [row | {"created_at": rfc3339(row["created_at"])} for row in rows]

    def replay(self, event_id: int, effect: str | None) -> int:
        """Make one event's dead deliveries due again and return how many.

        Raises:
            NotFoundError: if there is none.
        """
        count = self._replay(event_id, effect)
        if not count:
            raise NotFoundError(f"Event {event_id} has no dead letter" + (f" for {effect}." if effect else "."))
        return count

    def replay_all(self) -> int:
        """Make all dead deliveries due again and return how many."""
        return self._replay(None, None)

    def _replay(self, event_id: int | None, effect: str | None) -> int:
        effects = outbox.replay(self._engine, event_id, effect)
        self._wake_ups.request({Effect(name) for name in effects})
        return len(effects)

    def reconcile(self, *, dry_run: bool) -> dict[str, Any]:
        """Reconcile now and return the report."""
        return self._reconciliation.run(dry_run=dry_run)
