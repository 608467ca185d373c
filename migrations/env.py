"""Alembic's environment: migrates the database that the application is configured for."""

from alembic import context
from sqlalchemy import text

from app.models import Base
from app.store.database import connect
from config import load_settings

# A migration waits this long for a lock and then fails, instead of queueing every query of the shop behind it.
LOCK_TIMEOUT = "5s"


def migrate() -> None:
    """Run the requested migrations, in one transaction, one process at a time."""
    given = context.config.attributes.get("connection")
    if given is not None:
        context.configure(connection=given, target_metadata=Base.metadata, compare_type=True, compare_server_default=True)
        with context.begin_transaction():
            context.run_migrations()
        return
    engine = connect(load_settings().database_url)
    with engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
        connection.execute(text("SET statement_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_lock(hashtext('lockstep: migrations'))"))
        connection.commit()
        context.configure(connection=connection, target_metadata=Base.metadata, compare_type=True, compare_server_default=True)
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    engine.dispose()


migrate()
