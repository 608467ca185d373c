"""The metrics, under the names that dashboards and alerts rely on, right across processes.

The processes share them by prometheus_client's multiprocess mode.

No part ids, users or raw paths in labels: each label has a handful of values.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import Engine, QueuePool, event

from app import metric_files
from app.cache.manager import Result
from app.contract import rooms
from app.contract.drift import Checked, DriftKind, Outcome
from app.contract.events import EventType
from app.contract.task_names import Effect

metric_files.install()

log = structlog.get_logger()

# Seconds that the hit rate of `sync/status` is of: what was an hour ago says nothing about the present. And how often what is
# counted is remembered for it.
WINDOW = 300
REMEMBERED_EVERY = 15

# 2000 is what we promise (ops/prometheus/rules.yml).
LATENCY_BUCKETS_MS = (5, 10, 25, 50, 100, 250, 500, 1000, 2000, 2500, 5000, 10000, 30000)


_latency = Histogram(
    "database_sync_latency_ms", "From the change to its effect.", ["operation", "effect"], buckets=LATENCY_BUCKETS_MS
)
_failures = Counter("sync_failures_total", "Failed attempts at an effect.", ["operation", "error_type"])
_attempts = Counter("sync_attempts_total", "Attempts at an effect.", ["operation"])
_cache_requests = Counter("cache_requests_total", "Reads by what the cache answered.", ["cache_type", "result"])
_unconfirmed = Counter("cache_invalidations_unconfirmed_total", "Writes that waited because the cache did not confirm.")
_edge_purges = Counter("edge_purges_total", "Purges of the HTTP caches in front, by what came of them.", ["result"])
_conflicts = Counter("version_conflicts_total", "Writes refused because of a newer version.", ["entity"])
_retried = Counter("wake_ups_failed_total", "Wake-ups that the broker did not take; the sweep makes up for them.")
_clients = Gauge("socket_clients", "Open connections.", ["namespace"], multiprocess_mode="livesum")
_events = Counter("socket_events_total", "Events sent to rooms.", ["event"])
_refused = Counter("socket_refusals_total", "Messages or connections refused.", ["reason"])
_to_screen = Histogram(
    "write_to_screen_ms", "From the commit to the page, as sampled pages report it.", buckets=LATENCY_BUCKETS_MS
)
_drift = Counter("reconcile_drift_total", "Differences between the truth and a copy of it.", ["kind"])
_checks = Counter(
    "verification_checks_total", "Comparisons with the truth, by what was compared and what came of it.", ["kind", "result"]
)
_runs = Counter("reconcile_runs_total", "Reconciliations.", ["result"])
_last_success = Gauge("reconcile_last_success_timestamp_seconds", "When a reconciliation last finished.", multiprocess_mode="max")
_chain = Gauge(
    "audit_chain_ok", "1 if the newest rows of the audit trail are as they were written.", multiprocess_mode="mostrecent"
)
_beat = Gauge("beat_last_tick_timestamp_seconds", "When beat's last tick was worked on.", multiprocess_mode="max")
_http = Histogram("http_request_duration_seconds", "Requests by route.", ["route", "method", "status"])
_replays = Counter("idempotency_replays_total", "Calls that were sent again and answered as the first time.")
_logins = Counter("login_failures_total", "Refused log-ins.")
_calls = Counter("call_refusals_total", "Calls of staff beyond what one caller may make, by who called.", ["kind"])
_in_use = Gauge(
    "db_pool_in_use", "Connections to the database in use, in the process that uses most.", multiprocess_mode="livemax"
)
_pool_size = Gauge("db_pool_size", "Connections to the database that a process may use.", multiprocess_mode="livemax")
_waits = Counter("db_pool_timeouts_total", "Requests that waited in vain for a connection to the database.")


@cache
def _fresh() -> Gauge:
    # Made when it is first set: without labels it says 0 from the beginning, in workers, too, which serve nobody.
    return Gauge("cache_fresh", "1 if every web process may serve from the cache.", multiprocess_mode="livemin")


@cache
def _accepting() -> Gauge:
    # As before.
    what = "When the web process that has been stuck longest last looked for new connections."
    return Gauge("web_last_accepting_timestamp_seconds", what, multiprocess_mode="livemin")


class SyncMonitoring:
    """Counts what happens. One instance a process; all write to the same metrics.

    Args:
        alert: tells somebody of a failed effect, and returns at once.
    """

    def __init__(self, alert: Callable[[str, BaseException], None] = lambda _operation, _error: None) -> None:
        self._alert = alert

    def record_sync_latency(self, operation: str, effect: str, latency_ms: float) -> None:
        """Note how long after the change an effect held."""
        _latency.labels(operation, effect).observe(latency_ms)

    def record_attempts(self, operation: str, count: int) -> None:
        """Note attempts at an effect: the denominator of the failures."""
        _attempts.labels(operation).inc(count)

    def alert_sync_failure(self, operation: str, error: BaseException) -> None:
        """Note a failed attempt, and tell of it."""
        _failures.labels(operation, type(error).__name__).inc()
        self._alert(operation, error)

    def record_cache_read(self, cache_type: str, result: Result) -> None:
        """Note how the cache answered."""
        _cache_requests.labels(cache_type, result).inc()

    def record_unconfirmed_invalidation(self) -> None:
        """Note a write whose invalidation the cache did not confirm: it waits until nobody can be served the past."""
        _unconfirmed.inc()

    def record_edge_purge(self, *, is_confirmed: bool) -> None:
        """Note a purge of an HTTP cache in front, and whether it was confirmed."""
        _edge_purges.labels("confirmed" if is_confirmed else "failed").inc()

    def record_freshness(self, *, is_fresh: bool) -> None:
        """Note whether this process may serve from the cache."""
        _fresh().set(is_fresh)

    def record_accepting(self, at: float) -> None:
        """Note that this web process looks for new connections, at a Unix time."""
        _accepting().set(at)

    def watch_pool(self, engine: Engine) -> None:
        """Keep note of how many connections to the database are in use."""
        pool = engine.pool
        if not isinstance(pool, QueuePool):
            return
        _pool_size.set(pool.size())
        event.listen(pool, "checkout", lambda *_about: _in_use.set(pool.checkedout()))
        # It is about to be given back.
        event.listen(pool, "checkin", lambda *_about: _in_use.set(pool.checkedout() - 1))

    def record_pool_timeout(self) -> None:
        """Note that there was no connection to the database to be had."""
        _waits.inc()

    def record_conflict(self, entity: str) -> None:
        """Note a write refused for a newer version."""
        _conflicts.labels(entity).inc()

    def record_failed_wake_up(self) -> None:
        """Note a wake-up that the broker did not take."""
        _retried.inc()

    def record_clients(self, namespace: str, change: int) -> None:
        """Note a connection opened (+1) or closed (-1)."""
        _clients.labels(namespace).inc(change)

    def record_socket_event(self, event: str) -> None:
        """Note an event sent to a room."""
        _events.labels(event).inc()

    def record_refusal(self, reason: str) -> None:
        """Note a refused socket message or connection."""
        _refused.labels(reason).inc()

    def record_write_to_screen(self, latency_ms: float) -> None:
        """Note a page's report."""
        _to_screen.observe(latency_ms)

    def record_drift(self, kind: str, count: int) -> None:
        """Note differences that were found."""
        _drift.labels(kind).inc(count)

    def record_checks(self, what: Checked, outcome: Outcome, count: int = 1) -> None:
        """Note comparisons with the truth."""
        _checks.labels(what, outcome).inc(count)

    def record_reconciliation(self, result: str, finished_at: float) -> None:
        """Note the end of a reconciliation, at a Unix time."""
        _runs.labels(result).inc()
        if result == "success":
            _last_success.set(finished_at)

    def record_audit_chain(self, *, holds: bool) -> None:
        """Note whether the newest rows of the audit trail are as they were written."""
        _chain.set(holds)

    def record_beat(self, at: float) -> None:
        """Note that beat is alive, at a Unix time."""
        _beat.set(at)

    def record_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Note a request, by its route's rule."""
        _http.labels(route, method, status).observe(seconds)

    def record_replay(self) -> None:
        """Note a call that was sent again, and answered as the first time."""
        _replays.inc()

    def record_login_failure(self) -> None:
        """Note a refused log-in."""
        _logins.inc()

    def record_refused_call(self, kind: Literal["person", "key"]) -> None:
        """Note a call beyond what one caller may make."""
        _calls.labels(kind).inc()

    def prime(self) -> None:
        """Make every series exist from the start: a rate needs the zero that it rises from."""
        for kind in EventType:
            _events.labels(kind)
        _conflicts.labels("stock"), _conflicts.labels("content"), _conflicts.labels("price"), _conflicts.labels("category")
        _conflicts.labels("user"), _conflicts.labels("api_key")
        _calls.labels("person"), _calls.labels("key")
        for effect in Effect:
            _attempts.labels(effect), _failures.labels(effect, "Exception")
        _edge_purges.labels("confirmed"), _edge_purges.labels("failed")
        for namespace in (rooms.CUSTOMERS, rooms.ADMIN):
            _clients.labels(namespace)
        for difference in ("overdue_effects", *DriftKind):
            _drift.labels(difference)
        for what in Checked:
            for outcome in Outcome:
                _checks.labels(what, outcome)


class _Exposed:
    """All that a scrape shows: what the processes share, read once, and what is asked at the moment."""

    def __init__(self, registry: CollectorRegistry, asked: Iterable[Metric]) -> None:
        self._registry = registry
        self._asked = asked

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics."""
        shared = list(self._registry.collect())
        yield from shared
        yield from self._asked
        rate = GaugeMetricFamily("cache_hit_rate", "Share of all reads that the cache answered.", labels=["cache_type"])
        for cache_type, reads in _reads(shared).items():
            if reads.total:
                rate.add_metric([cache_type], reads.hits / reads.total)
        yield rate


class Reads(NamedTuple):
    """How often a kind of cache was read, and how often it answered."""

    hits: float
    total: float


class Counted(NamedTuple):
    """What all processes together have counted: per kind of cache the reads since the system started, and how many pages of
    customers are open."""

    reads: dict[str, Reads]
    open_pages: int


class Figures(NamedTuple):
    """What that comes to: per kind of cache that was read in the last `WINDOW` seconds the share of hits, and the open pages."""

    hit_rates: dict[str, float]
    open_pages: int


class RecentFigures:
    """Figures of the last `WINDOW` seconds, or of the time since this process was started, if that is less.

    Args:
        count: returns what was counted so far.
        clock: seconds that only grow.
    """

    def __init__(self, count: Callable[[], Counted], clock: Callable[[], float] = time.monotonic) -> None:
        self._count = count
        self._clock = clock
        self._past: deque[tuple[float, dict[str, Reads]]] = deque()

    def start(self) -> None:
        """Remember from now on what was counted when, whether anybody asks or not."""
        threading.Thread(target=self._run, name="figures", daemon=True).start()

    def now(self) -> Figures:
        """Return the present figures."""
        counted, at = self._count(), self._clock()
        self._past.append((at, counted.reads))
        while len(self._past) > 1 and self._past[1][0] <= at - WINDOW:
            self._past.popleft()
        before = self._past[0][1]
        rates = {}
        for kind, reads in counted.reads.items():
            hits, total = before.get(kind, Reads(0, 0))
            if reads.total > total:
                rates[kind] = (reads.hits - hits) / (reads.total - total)
        return Figures(rates, counted.open_pages)

    def _run(self) -> None:
        while True:
            try:
                self.now()
            except Exception as error:  # noqa: BLE001 — whatever it is, the next time it may be read
                log.warning("the metrics cannot be read", error=repr(error))
            time.sleep(REMEMBERED_EVERY)


def figures(directory: Path) -> Counted:
    """Return what all processes have counted.

    This and `exposition` read and parse a file per process, which an event loop must not wait for.

    Args:
        directory: that of the metrics that all processes share.
    """
    # Not the histograms, which are most of what there is to be parsed.
    metrics = _merged(file for file in metric_files.counting(directory) if file.name.startswith(("counter_", "gauge_livesum_")))
    return Counted(_reads(metrics), _open_pages(metrics))


def _reads(metrics: Iterable[Metric]) -> dict[str, Reads]:
    reads: dict[str, Reads] = {}
    for metric in metrics:
        for sample in metric.samples if metric.name == "cache_requests" else ():
            if sample.name == "cache_requests_total":
                kind = sample.labels["cache_type"]
                hits, total = reads.get(kind, Reads(0, 0))
                is_hit = sample.labels["result"] == Result.HIT
                reads[kind] = Reads(hits + sample.value * is_hit, total + sample.value)
    return reads


def _open_pages(metrics: Iterable[Metric]) -> int:
    clients = (sample for metric in metrics if metric.name == "socket_clients" for sample in metric.samples)
    return int(sum(sample.value for sample in clients if sample.labels["namespace"] == rooms.CUSTOMERS))


def exposition(directory: Path, asked: Iterable[Metric]) -> bytes:
    """Return the metrics of all processes in Prometheus's text format, with those that were `asked` for at the moment."""
    return generate_latest(_Exposed(_shared_registry(directory), asked))


class _OfTheLiving(MultiProcessCollector):
    """Leaves out what dead processes said of their present, whoever may have cleaned up after them, or not."""

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics."""
        return _merged(metric_files.counting(Path(self._path)))


def _merged(files: Iterable[Path]) -> Collection[Metric]:
    return MultiProcessCollector.merge(map(str, files))  # type: ignore[no-any-return,no-untyped-call] # untyped there


def _shared_registry(directory: Path) -> CollectorRegistry:
    registry = CollectorRegistry()
    if directory.is_dir():
        _OfTheLiving(registry, str(directory))  # type: ignore[no-untyped-call] # untyped there
    return registry
