"""What the database server says of itself, for whoever looks after it."""

from typing import Any

from sqlalchemy import Connection, Row, text

# `clock` is in seconds since 1970, `oldest` the age in seconds of the oldest transaction that anybody has open.
_FACTS = text("""
    SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS number,
           getdatabaseencoding() AS encoding, pg_is_in_recovery() AS is_standby,
           current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on' AS is_safe,
           current_setting('synchronous_commit') <> 'off' AS waits_for_disk,
           current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
               - current_setting('reserved_connections')::int AS connections,
           (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int AS used,
           (SELECT COALESCE(max(extract(epoch FROM clock_timestamp() - xact_start)), 0)
            FROM pg_stat_activity WHERE backend_type = 'client backend')::float8 AS oldest,
           (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_superuser,
           (SELECT pg_get_userbyid(relowner) = current_user FROM pg_class
            WHERE oid = to_regclass('data_change_logs')) AS owns_audit,
           to_regclass('alembic_version') IS NOT NULL AS is_prepared,
           extract(epoch FROM clock_timestamp())::float8 AS clock
""")
_REVISIONS = text("SELECT version_num FROM alembic_version")


def facts(connection: Connection) -> Row[Any]:
    """Return what the server says of itself and of this connection's role."""
    return connection.execute(_FACTS).one()


def revisions(connection: Connection) -> set[str]:
    """Return the revisions that the schema is at; the database has to be prepared."""
    return set(connection.execute(_REVISIONS).scalars())
