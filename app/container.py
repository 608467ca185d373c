"""The application without any interface: what web processes, workers and the command line share, wired once."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from app.cache.client import CACHE_TIMEOUT, cache_client
from app.cache.manager import CacheManager, Clients
from app.cache.server import ServerCheck
from app.contract.effects import table
from app.domain.pressure import Pressure
from app.monitoring import Counted, RecentFigures, SyncMonitoring, figures
from app.services.admin_reader import AdminReader
from app.services.authentication import ShownOnce
from app.services.catalog import CatalogReader
from app.services.condition import Condition
from app.services.imports.jobs import ImportJobs
from app.services.offload import Offload, at_once
from app.services.parts_enhanced import PartsEnhancedService
from app.services.people import People
from app.services.second_factor import SecondFactors
from app.services.sync_control import SyncControl
from app.store.database import connect, single_statements
from app.store.files import Storage
from app.store.transaction import CommittedEvent, TransactionManager
from app.sync.announcer import Announcer
from app.sync.consistency import CacheConsistencyManager
from app.sync.delivery import DeliveryService
from app.sync.edge import Edge, edge_cache
from app.sync.effects import handlers
from app.sync.heartbeats import Heartbeats, flower_at
from app.sync.notifier import Notifier, senders
from app.sync.open_pages import OpenPages
from app.sync.price_dates import PriceDates
from app.sync.publisher import EventPublisher
from app.sync.reconciliation.reconcile import Reconciliation
from app.sync.security import note
from app.sync.told import ToldPages
from app.sync.wakeup import TaskSender, WakeUps
from config import Settings

# Seconds that readers wait for a connection. They wait for the CPU, if the cache is well, and so they would for the database.
READER_WAITS = 1.0


@dataclass(frozen=True, slots=True)
class Container:
    """The parts of a running process."""

    settings: Settings
    engine: Engine
    reading: Engine
    monitoring: SyncMonitoring
    pressure: Pressure
    cache: CacheManager
    # The HTTP caches in front; None if there are none.
    edge: Edge | None
    wake_ups: WakeUps
    consistency: CacheConsistencyManager
    transactions: TransactionManager
    parts: PartsEnhancedService
    deliveries: DeliveryService
    announcer: Announcer
    reconciliation: Reconciliation
    price_dates: PriceDates
    sync_control: SyncControl
    people: People
    second_factors: SecondFactors
    told: ToldPages
    figures: RecentFigures
    # Reads as customers do, but from the database alone: what they are answered is compared with it.
    uncached: CatalogReader
    storage: Storage
    import_jobs: ImportJobs
    open_pages: OpenPages
    condition: Condition

    def close(self) -> None:
        """Stop sweeping, and close the connections to the database and the edges."""
        self.consistency.stop()
        self.deliveries.close()
        self.engine.dispose()
        if self.edge is not None:
            self.edge.close()


def build_container(
    settings: Settings, engine: Engine, sender: TaskSender, cache_timeout: float = CACHE_TIMEOUT, offload: Offload = at_once
) -> Container:
    """Wire up a process's parts. Connects to nothing yet.

    Args:
        engine: the database; a forked child passes a new one.
        sender: a Celery application, used for sending only.
        offload: runs a slow function outside the event loop, if there is one.
    """
    reading = single_statements(engine)
    ways = senders(settings.alert_webhook, settings.alert_email, settings.smtp_url)
    monitoring = SyncMonitoring(Notifier(settings.run_directory / "alerts", ways).failed)
    monitoring.watch_pool(engine)
    client = cache_client(settings.redis_url, cache_timeout)
    pressure = Pressure()
    clients = cache_clients(settings.redis_url, settings.prefix, cache_timeout)
    cache = CacheManager(clients, monitoring.record_cache_read, pressure.admits_dear, pressure.caller)
    asked = OpenPages(client, settings.prefix)
    wake_ups = WakeUps(sender, client, settings.prefix, monitoring)
    # A connection of its own: if requests had taken them all, freshness would lapse, and every reader would go to the database.
    # Its commits need not wait for the disk: what a crash undoes is done again, or allowed for (`store.cache_epoch`).
    proving = single_statements(connect(settings.database_url, pool_size=1, waits_for_disk=False))
    edge = Edge([edge_cache(one, settings.edge_token) for one in settings.edges], monitoring) if settings.edges else None
    effects = table(has_edge=edge is not None)
    consistency = CacheConsistencyManager(proving, reading, cache, wake_ups, monitoring, cache_timeout, effects, edge)
    # If a crash of PostgreSQL undoes a delivery's commit, it is simply made again, so these need not wait for the disk; commits
    # of imports, price dates and reconciliation must.
    delivering = connect(settings.database_url, waits_for_disk=False)

    publisher = EventPublisher(client, settings.prefix, monitoring)
    deliveries = DeliveryService(
        delivering, handlers(cache, publisher, consistency.confirm, single_statements(delivering).connect, edge), monitoring
    )
    announcer = Announcer(deliveries, wake_ups)

    def after_commit(committed: Sequence[CommittedEvent]) -> None:
        note(committed)
        consistency.after_commit(committed, announcer.tell)

    transactions = TransactionManager(engine, after_commit, effects, announcer.tells)
    shown_once = ShownOnce(settings.secret_key)
    storage = Storage(settings.media_url)
    told = ToldPages(client, settings.prefix)
    reconciliation = Reconciliation(engine, reading, transactions, cache, wake_ups, consistency.confirm, monitoring)

    def counted() -> Counted:
        return Counted(*offload(figures, settings.metrics_directory))

    def flower() -> str | None:
        return flower_at(settings.flower_url)

    heartbeats = Heartbeats(client, settings.prefix)
    recent = RecentFigures(counted)
    sync_control = SyncControl(
        transactions,
        reading,
        cache,
        reconciliation,
        wake_ups,
        recent.now,
        told,
        heartbeats,
        flower,
        {effect for own in effects.values() for effect in own},
    )
    return Container(
        settings=settings,
        engine=engine,
        reading=reading,
        monitoring=monitoring,
        pressure=pressure,
        cache=cache,
        edge=edge,
        wake_ups=wake_ups,
        consistency=consistency,
        transactions=transactions,
        parts=PartsEnhancedService(
            transactions,
            CatalogReader(reading, cache, settings.currency, consistency.after_reading_past),
            AdminReader(reading, settings.currency, offload),
            asked.count,
            offload,
        ),
        deliveries=deliveries,
        announcer=announcer,
        reconciliation=reconciliation,
        price_dates=PriceDates(reading, transactions),
        sync_control=sync_control,
        told=told,
        figures=recent,
        people=People(transactions, reading, shown_once, offload),
        second_factors=SecondFactors(transactions, reading, shown_once, settings.secret_key),
        # Nothing ever proves to it that this cache is fresh, so it reads past it.
        uncached=CatalogReader(reading, CacheManager(clients, lambda _kind, _result: None), settings.currency),
        storage=storage,
        import_jobs=ImportJobs(transactions, engine, reading, storage, publisher, wake_ups, settings.currency),
        open_pages=asked,
        condition=Condition(sync_control.outbox_status, heartbeats.heard, settings, offload),
    )


def cache_clients(url: str, prefix: str, timeout: float = CACHE_TIMEOUT) -> Clients:
    """Return a cache's clients for the three uses that must not wait for one another; its keys begin with `prefix`."""
    check = ServerCheck()
    reading = cache_client(url, timeout, max_wait=READER_WAITS, redis_connect_func=check)
    writing = cache_client(url, timeout, redis_connect_func=check, max_connections=16)
    return Clients(reading, writing, cache_client(url, timeout, max_connections=2), prefix, check)
