"""Which cache the invalidations were applied to: one row, which every process compares with the cache it talks to.

A settled invalidation holds only for one life of one server. Another address, a restart, a promoted or resynchronised replica, a
database that was restored or failed over: none of these can be trusted to have it. So the row names the epoch of the cache's
entries, the server's life, and the database's own timeline; any difference begins a new epoch, in which every entry is absent.

The row is read only by statements that also say "in use now", so that a new epoch begins only after everybody has stopped acting
on the previous one (`IN_USE` seconds later at the latest). No time of PostgreSQL's plays a part, for its clock may be set at any
moment: a process waits by its own monotonic clock, from when it first saw the row as it still is.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, text

from app.contract.task_names import Effect
from app.store.database import run_directly

# A process acts on what it read for `manager.FRESH_FOR` seconds; the rest is headroom.
IN_USE = 1.4

_DATABASE = """
    (SELECT system_identifier FROM pg_control_system()) || '/' || (SELECT oid FROM pg_database WHERE datname = current_database())
    || '/' || left(pg_walfile_name(pg_current_wal_lsn()), 8)
"""
# A crash may undo the last uses and beginnings, which do not wait for the disk: what was seen before it says nothing about now.
_RUN = "pg_postmaster_start_time()::text"
# The release before this one goes by the two times.
_USE = text(f"""
    UPDATE cache_epoch
    SET used_at = clock_timestamp(), begins_at = LEAST(begins_at, clock_timestamp() + make_interval(secs => :in_use)),
        begun = CASE WHEN epoch || ' ' || {_RUN} = :over THEN epoch ELSE begun END
    WHERE epoch = :epoch AND server = :server AND database = {_DATABASE}
    RETURNING begun = epoch AS has_begun, epoch || ' ' || {_RUN} AS epoch_and_run,
              EXISTS (SELECT FROM outbox_deliveries WHERE effect = :effect AND state = 'pending') AS is_owed
""")  # noqa: S608 — the only text put in is the constants above
_PRESENT = text("SELECT epoch FROM cache_epoch")
_BEGIN = text(f"""
    UPDATE cache_epoch
    SET epoch = :epoch, server = :server, database = {_DATABASE}, begun = '',
        begins_at = clock_timestamp() + make_interval(secs => :in_use)
    WHERE epoch = :before
    RETURNING 1
""")  # noqa: S608 — as above
_OWED = text(f"""
    SELECT xmin::text || ' ' || {_RUN} AS last_use,
           EXISTS (SELECT FROM outbox_deliveries
                   WHERE effect = :effect AND event_id = ANY(:event_ids) AND state = 'pending') AS is_owed
    FROM cache_epoch
""")  # noqa: S608 — as above


class Used(NamedTuple):
    """The row, when it names the epoch that was asked about: whether that is known to have begun, a name for it that is another
    one after every start of the database, and whether any invalidation is unsettled."""

    has_begun: bool
    epoch_and_run: str
    is_owed: bool


class Owed(NamedTuple):
    """A name for the last use of the row, another one after each and after every start of the database; and whether any of the
    events asked about is unsettled."""

    last_use: str
    is_owed: bool


def use(connection: Connection, epoch: str, server: str, over: str) -> Used | None:
    """Mark the row as in use, if it names this epoch of this server's life.

    None means that it names another one, or that the database's timeline is another: then nothing in this cache is valid.

    Args:
        connection: one whose every statement is its own transaction.
        over: the `epoch_and_run` that the caller has seen named for `IN_USE` seconds, so that the epoch before is out of use; ""
            if it has not.
    """
    found = run_directly(connection, _USE, epoch=epoch, server=server, over=over, in_use=IN_USE, effect=Effect.INVALIDATE_CACHE)
    return Used(*found[0]) if found else None


def begin(connection: Connection, epoch: str, server: str) -> bool:
    """Name a new epoch, of this server's life; return False if somebody else has just done so.

    It begins once nobody acts on the previous one any more.
    """
    before = connection.execute(_PRESENT).scalar_one()
    parameters = {"epoch": epoch, "server": server, "before": before, "in_use": IN_USE}
    return connection.execute(_BEGIN, parameters).one_or_none() is not None


def owed(connection: Connection, event_ids: Sequence[int]) -> Owed:
    """Return when the cache was last used, by a name, and whether any of these events' invalidations is owed."""
    parameters = {"event_ids": list(event_ids), "effect": Effect.INVALIDATE_CACHE}
    return Owed(*connection.execute(_OWED, parameters).one())
