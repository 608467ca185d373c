"""Which cache the invalidations were applied to: one row, which every process compares with the cache it talks to.

A settled invalidation holds only for one life of one server. Another address, a restart, a promoted or resynchronised replica, a
database that was restored or failed over: none of these can be trusted to have it. So the row names the epoch of the cache's
entries, the server's life, and the database's own timeline; any difference begins a new epoch, in which every entry is absent.

The row is read only by statements that also say "in use now", so that a new epoch begins only after everybody has stopped acting
on the previous one (`IN_USE` seconds later at the latest).
"""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from app.contract.task_names import Effect

# A process acts on what it read for `manager.FRESH_FOR` seconds; the rest is headroom. A crash of PostgreSQL may lose the last of
# these updates, which do not wait for the disk: hence its start counts as a use.
IN_USE = 1.4
# A time still to come was written before the clock was set back; it is over by now.
_USED_AT = "GREATEST(used_at, pg_postmaster_start_time())"

_DATABASE = """
    (SELECT system_identifier FROM pg_control_system()) || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())
    || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8)
"""
_USE = text(f"""
    UPDATE cache_epoch
    SET used_at = clock_timestamp(), begins_at = LEAST(begins_at, clock_timestamp() + make_interval(secs => :in_use))
    WHERE epoch = :epoch AND server = :server AND database = {_DATABASE}
    RETURNING begins_at <= clock_timestamp()
""")  # noqa: S608 — the only text put in is the constant above
_PRESENT = text("SELECT epoch FROM cache_epoch")
_BEGIN = text(f"""
    UPDATE cache_epoch
    SET epoch = :epoch, server = :server, database = {_DATABASE},
        begins_at = GREATEST(clock_timestamp(), LEAST({_USED_AT}, clock_timestamp()) + make_interval(secs => :in_use))
    WHERE epoch = :before
    RETURNING 1
""")  # noqa: S608 — as above
_HARMLESS = text(f"""
    SELECT (SELECT {_USED_AT} < clock_timestamp() - make_interval(secs => :in_use) FROM cache_epoch)
        OR NOT EXISTS (SELECT FROM outbox_deliveries
                       WHERE effect = :effect AND event_id = ANY(:event_ids) AND state = 'pending')
""")  # noqa: S608 — as above


def use(connection: Connection, epoch: str, server: str) -> bool | None:
    """Mark the row as in use, if it names this epoch of this server's life; return whether the epoch has begun.

    None means that it names another one, or that the database's timeline is another: then nothing in this cache is valid.
    """
    found = connection.execute(_USE, {"epoch": epoch, "server": server, "in_use": IN_USE}).scalar_one_or_none()
    return None if found is None else bool(found)


def begin(connection: Connection, epoch: str, server: str) -> bool:
    """Name a new epoch, of this server's life; return False if somebody else has just done so.

    It begins once nobody acts on the previous one any more.
    """
    before = connection.execute(_PRESENT).scalar_one()
    parameters = {"epoch": epoch, "server": server, "before": before, "in_use": IN_USE}
    return connection.execute(_BEGIN, parameters).one_or_none() is not None


def is_harmless(connection: Connection, event_ids: Sequence[int]) -> bool:
    """Return whether nobody can be served what these events made stale: all are settled, or no process uses the cache."""
    parameters = {"event_ids": list(event_ids), "effect": Effect.INVALIDATE_CACHE, "in_use": IN_USE}
    return bool(connection.execute(_HARMLESS, parameters).scalar_one())
