"""What Debezium is told of the outbox is true of its table."""

import json
import re
from collections.abc import Callable

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import text

from app.container import Container
from app.models.outbox import OutboxEvent
from config import REPOSITORY
from devserver import EmbeddedServers
from tests.integration.test_two_shops import migrate
from tests.ops.roles import separated

FOLDER = REPOSITORY / "ops" / "debezium"
ROUTER = "transforms.outbox."


def test_the_event_router_is_told_of_columns_that_exist() -> None:
    settings = json.loads((FOLDER / "outbox.json").read_text())["config"]
    columns = {column.name: column for column in OutboxEvent.__table__.columns}
    named = {settings[ROUTER + name] for name in ("table.field.event.id", "table.field.event.key", "table.field.event.payload")}
    named |= {one.split(":")[0] for one in settings[ROUTER + "table.fields.additional.placement"].split(",")}
    assert (named | {settings[ROUTER + "route.by.field"]}) - columns.keys() == set()
    assert columns[settings[ROUTER + "table.field.event.id"]].unique
    assert settings["table.include.list"] == f"public.{OutboxEvent.__tablename__}"
    # The router takes no time with a time zone for the record's own, as our column's is.
    assert ROUTER + "table.field.event.timestamp" not in settings


def test_only_new_events_of_the_catalog_are_published(container: Container, new_part: Callable[..., int]) -> None:
    new_part()
    published = text("SELECT pubinsert, pubupdate, pubdelete, pubtruncate FROM pg_publication WHERE pubname = 'lockstep_outbox'")
    condition = text("SELECT rowfilter FROM pg_publication_tables WHERE pubname = 'lockstep_outbox'")
    with container.engine.connect() as connection:
        connection.execute(text((FOLDER / "publication.sql").read_text()))
        assert tuple(connection.execute(published).one()) == (True, False, False, False)
        rows = connection.execute(text(f"SELECT DISTINCT aggregate_type FROM outbox_events WHERE {connection.scalar(condition)}"))
        assert set(rows.scalars()) == {"part"}
        connection.rollback()


def test_its_role_may_read_the_outbox_after_the_documented_statements_and_nothing_else(servers: EmbeddedServers) -> None:
    """On the database that docs/production.md makes, to which nobody may connect who is not named."""
    [block] = re.findall(r"```\n(ALTER SYSTEM SET wal_level.+?)```", (REPOSITORY / "docs" / "scale.md").read_text(), re.DOTALL)
    statements = re.sub(r"ALTER SYSTEM .*\n", "", block).replace(
        r"\i ops/debezium/publication.sql", (FOLDER / "publication.sql").read_text()
    )
    with separated(servers) as database:
        migrate(database.owner)
        address = psycopg.conninfo.conninfo_to_dict(database.owner.replace("+psycopg", ""))
        with psycopg.connect(**address | {"user": "postgres"}) as server:
            server.execute(statements.replace("DATABASE lockstep", f"DATABASE {address['dbname']}"))
            server.execute("RESET ROLE")
            server.commit()
            try:
                with psycopg.connect(**address | {"user": "debezium"}) as reader:
                    reader.execute("SELECT count(*) FROM outbox_events")
                    with pytest.raises(InsufficientPrivilege):
                        reader.execute("SELECT count(*) FROM users")
            finally:
                server.execute("DROP OWNED BY debezium")
                server.execute("DROP ROLE debezium")
