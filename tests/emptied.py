"""Takes everything out of the shop but its users, as if it had just been installed."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from sqlalchemy import Connection, text

from app.container import Container
from app.contract import cache_keys
from app.domain.audit_chain import GENESIS

# Who may use the shop, and what the migrations fill in.
KEPT = ("alembic_version", "users", "api_keys", "user_sessions", "second_factors", "passkeys", "cache_epoch", "search_synonyms")
_TABLES = text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND NOT tablename = ANY(:kept) ORDER BY tablename")


def emptied(container: Container) -> None:
    """Empty the tables and the cache; ids go on where they were."""
    with container.engine.begin() as connection:
        # Other threads of the application read meanwhile.
        connection.execute(text("SET LOCAL lock_timeout = '30s'"))
        known = list(connection.execute(_TABLES, {"kept": list(KEPT)}).scalars())
        has_rows = connection.exec_driver_sql("SELECT " + ", ".join(f"EXISTS (SELECT FROM {table})" for table in known)).one()
        filled = [table for table, has_any in zip(known, has_rows, strict=True) if has_any]
        with rewritable(connection):
            connection.exec_driver_sql(f"TRUNCATE {', '.join(filled)} CASCADE")
            connection.execute(text("INSERT INTO audit_chain VALUES (1, NULL, :genesis, 0)"), {"genesis": GENESIS})
    with Redis.from_url(container.settings.redis_url) as cache:
        # Without the epoch, it would take all processes a second to agree on a new one.
        for key in cache.scan_iter(count=1000):
            if key.decode().removeprefix(container.settings.prefix) != cache_keys.EPOCH:
                cache.delete(key)


@contextmanager
def rewritable(connection: Connection) -> Iterator[None]:
    """Switch off the triggers that make the history append-only while the block runs, as only the tables' owner can."""
    history = ("data_change_logs", "part_content_versions", "audit_chain")
    for table in history:
        connection.exec_driver_sql(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    yield
    for table in history:
        connection.exec_driver_sql(f"ALTER TABLE {table} ENABLE TRIGGER USER")
