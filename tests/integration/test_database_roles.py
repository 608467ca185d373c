"""The application works as a role that owns nothing, and cannot take away what guards the audit trail."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from psycopg.errors import InsufficientPrivilege
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.container import Container
from app.contract.events import Actor
from app.contract.task_names import Effect
from app.factory import create_app
from app.services.intent import Intent
from app.store import audit_chain, server, users
from app.sync.prune import prune
from bench.system import wait_until
from config import load_settings
from devserver import EmbeddedServers
from tests.integration.test_two_shops import migrate
from tests.ops.roles import separated


@pytest.fixture(scope="module")
def shop(servers: EmbeddedServers) -> Iterator[Container]:
    """A shop whose tables belong to another role than its own, with a part."""
    with separated(servers) as database:
        migrate(database.owner)
        app = create_app(replace(load_settings(), database_url=database.application, namespace="roles"))
        container: Container = app.extensions["lockstep"]
        container.consistency.start()
        assert wait_until(lambda: container.cache.is_fresh)
        values = {"sku": "T-ROLES", "part_name": "Hexagon nut", "status": "published"}
        container.parts.create_part_with_sync(system(container), values, [], [], {"current_stock": 10})
        deliver(container)
        yield container
        container.close()


def system(shop: Container) -> Intent:
    with shop.reading.connect() as connection:
        row = users.system(connection)
    return Intent(Actor(row.id, row.name))


def deliver(shop: Container) -> None:
    for effect in Effect:
        while shop.deliveries.deliver(effect):
            pass


def test_it_writes_delivers_reconciles_and_prunes(shop: Container) -> None:
    with shop.reading.connect() as connection:
        assert not server.facts(connection).owns_audit
        owned = text("SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = current_user")
        assert connection.execute(owned).scalar_one() == 0
        part_id = connection.execute(text("SELECT id FROM parts")).scalar_one()
    shop.parts.update_part_content_with_sync(system(shop), part_id, {"part_name": "Hexagon bolt"})
    with shop.engine.begin() as connection:
        # By hand: the triggers write the outbox with their owner's rights.
        connection.execute(text("SET LOCAL lockstep.writer = ''"))
        connection.execute(text("SET LOCAL application_name = 'by hand'"))
        connection.execute(text("UPDATE stock_levels SET current_stock = 7 WHERE part_id = :id"), {"id": part_id})
    deliver(shop)
    seen = shop.parts.catalog.part(part_id).body
    assert (seen["part_name"], seen["stock"]["current_stock"]) == ("Hexagon bolt", 7)
    report = shop.sync_control.reconcile(system(shop), dry_run=False)
    assert not any(report["found"].values()), report
    prune(shop.engine)
    trail = audit_chain.verify(shop.reading)
    assert trail.length >= 3
    assert trail.broken == []


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE data_change_logs DISABLE TRIGGER ALL", "DROP TRIGGER data_change_logs_append_only ON data_change_logs",
        "DROP TABLE data_change_logs", "TRUNCATE data_change_logs", "UPDATE data_change_logs SET reason = 'another'",
        "DELETE FROM data_change_logs", "DELETE FROM audit_chain", "SET session_replication_role = replica",
        "CREATE OR REPLACE FUNCTION refuse_to_rewrite_history() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "ALTER TABLE data_change_logs OWNER TO lockstep", "SET ROLE lockstep_owner", "CREATE TABLE data (id int)",
        "ALTER TABLE part_content_versions DISABLE TRIGGER ALL",
    ],
)  # fmt: skip
def test_it_cannot_take_the_guard_of_the_trail_away(shop: Container, statement: str) -> None:
    with shop.engine.connect() as connection, pytest.raises(ProgrammingError) as refused:
        connection.execute(text(statement))
    assert isinstance(refused.value.orig, InsufficientPrivilege)
