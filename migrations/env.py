"""Alembic's environment: migrates the database that the application is configured for.

Each migration is a transaction of its own, or several (see `migrations/steps.py`). None waits for a lock for longer than
`LOCK_TIMEOUT`, because every query that comes after it waits behind it; it gives up, lets them pass, and begins again.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from app.models import Base
from app.store.database import connect
from config import load_settings

# Less than what the application's own statements wait for a lock (app/store/database.py), so that those behind it do not fail.
LOCK_TIMEOUT = "1s"
SETTINGS = {
    "lock_timeout": LOCK_TIMEOUT,
    "statement_timeout": "0",
    "idle_in_transaction_session_timeout": "0",
    # What a crash of the server loses is the end of what was done, and is done again.
    "synchronous_commit": "off",
}
ATTEMPTS = 30
# Seconds in which those that waited behind the migration go ahead of it.
PAUSE = 0.5
LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED = "55P03", "40P01"
ONE_AT_A_TIME = "hashtext('lockstep: migrations')"

logger = logging.getLogger("alembic.lockstep")


@contextmanager
def one_at_a_time(connection: Connection) -> Iterator[None]:
    """Wait until no other process migrates this database, and keep others waiting while the block runs.

    By asking again and again: a statement that waits would itself be waited for by `CREATE INDEX CONCURRENTLY`.
    """
    is_first = True
    while not connection.execute(text(f"SELECT pg_try_advisory_lock({ONE_AT_A_TIME})")).scalar_one():
        connection.commit()
        if is_first:
            logger.warning("Another process is migrating this database; waiting until it has finished.")
        is_first = False
        time.sleep(PAUSE)
    connection.commit()
    try:
        yield
    finally:
        connection.rollback()
        if not connection.invalidated:
            connection.execute(text(f"SELECT pg_advisory_unlock({ONE_AT_A_TIME})"))
            connection.commit()


def run(connection: Connection) -> None:
    """Run the requested migrations; one that is not given a lock begins again, up to `ATTEMPTS` times in all.

    Raises:
        DBAPIError: a migration failed, or was not given a lock in any attempt. Those before it are done.
    """
    for setting, value in SETTINGS.items():
        connection.execute(text(f"SET {setting} = '{value}'"))
    connection.commit()
    done: list[object] = []
    options = {
        "connection": connection,
        "target_metadata": Base.metadata,
        "compare_type": True,
        "compare_server_default": True,
        "transaction_per_migration": True,
        "on_version_apply": lambda **applied: done.append(applied["step"]),
    }
    context.configure(**options)
    planned = context.get_context().opts["fn"]
    steps: list[object] | None = None

    def remaining(heads: object, migrations: object) -> list[object]:
        # Planned once: a relative target (`-2`) would be counted anew from where an attempt has stopped.
        nonlocal steps
        steps = list(planned(heads, migrations)) if steps is None else steps
        return steps[len(done) :]

    for attempt in range(1, ATTEMPTS + 1):
        context.configure(**options, fn=remaining)
        try:
            with context.begin_transaction():
                context.run_migrations()
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None)
            if state not in {LOCK_NOT_AVAILABLE, DEADLOCK_DETECTED} or attempt == ATTEMPTS:
                raise
            connection.rollback()
            statement = " ".join((error.statement or "").split())[:120]
            logger.warning("No lock within %s for: %s (attempt %d of %d)", LOCK_TIMEOUT, statement, attempt, ATTEMPTS)
            time.sleep(PAUSE)
        else:
            connection.commit()
            return


def migrate() -> None:
    """Run the requested migrations, one process at a time, on the connection that was handed in or one of its own."""
    given = context.config.attributes.get("connection")
    if given is not None:
        if given.in_transaction():
            raise RuntimeError("Migrations commit step by step: hand in a connection that is not in a transaction.")
        with one_at_a_time(given):
            run(given)
        return
    engine = connect(load_settings().database_url)
    try:
        with engine.connect() as connection, one_at_a_time(connection):
            run(connection)
    finally:
        engine.dispose()


migrate()
