"""The migrations lead from nothing to the models and back, on a database of their own."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, NullPool, create_engine, inspect, make_url, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from app.models import Base
from app.store import audit_chain
from app.store.database import single_statements
from config import REPOSITORY
from devserver import EmbeddedServers

SEED_COLUMNS = {
    "stock_levels": {
        "id", "part_id", "current_stock", "reserved_quantity", "min_stock_level", "version", "last_updated_by", "created_at",
        "updated_at",
    },
    "part_content_versions": {
        "id", "part_id", "version_number", "content_snapshot", "change_summary", "created_by", "created_at", "is_active",
    },
    "data_change_logs": {
        "id", "table_name", "record_id", "operation", "old_values", "new_values", "changed_by", "changed_at", "ip_address",
        "user_agent",
    },
}  # fmt: skip


@pytest.fixture
def scratch(servers: EmbeddedServers) -> Iterator[Engine]:
    """An empty database beside the shop's."""
    url, name = make_url(servers.environ["DATABASE_URL"]), f"scratch_{uuid4().hex[:8]}"
    server = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine = create_engine(url.set(database=name), poolclass=NullPool)
    yield engine
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))


def migrate(engine: Engine, direction: str, revision: str) -> None:
    configuration = Config()
    configuration.set_main_option("script_location", str(REPOSITORY / "migrations"))
    with engine.connect() as connection:
        configuration.attributes["connection"] = connection
        {"up": command.upgrade, "down": command.downgrade}[direction](configuration, revision)


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names()) - {"alembic_version"}


def test_the_schema_goes_up_from_nothing_down_to_nothing_and_up_again(scratch: Engine) -> None:
    migrate(scratch, "up", "head")
    with scratch.connect() as connection:
        assert tables(connection) == set(Base.metadata.tables)
        connection.execute(text("INSERT INTO parts (sku, slug, part_name) VALUES ('a', 'a', 'a')"))
        connection.commit()
    migrate(scratch, "down", "base")
    with scratch.connect() as connection:
        assert tables(connection) == set()
    migrate(scratch, "up", "head")
    with scratch.connect() as connection:
        assert tables(connection) == set(Base.metadata.tables)
        assert connection.execute(text("SELECT count(*) FROM parts")).scalar_one() == 0


def test_the_models_say_nothing_that_the_migrations_do_not(scratch: Engine) -> None:
    migrate(scratch, "up", "head")
    with scratch.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_check_constraints_of_the_models_are_in_the_database(scratch: Engine) -> None:
    """Alembic does not compare them."""
    from sqlalchemy import CheckConstraint

    migrate(scratch, "up", "head")
    with scratch.connect() as connection:
        for name, table in Base.metadata.tables.items():
            found = {check["name"] for check in inspect(connection).get_check_constraints(name)}
            assert found == {str(check.name) for check in table.constraints if isinstance(check, CheckConstraint)}, name


def test_the_seeds_columns_and_indexes_exist(scratch: Engine) -> None:
    migrate(scratch, "up", "head")
    with scratch.connect() as connection:
        inspector = inspect(connection)
        for table, columns in SEED_COLUMNS.items():
            assert columns <= {column["name"] for column in inspector.get_columns(table)}, table
        for table in ("users", "categories", "parts", "prices", "part_prices", "part_images", "part_specifications"):
            assert inspector.has_table(table)
        audit = {index["name"]: index["column_names"] for index in inspector.get_indexes("data_change_logs")}
        assert audit["idx_data_change_logs_table_record"] == ["table_name", "record_id"]
        assert audit["idx_data_change_logs_changed_at"][0] == "changed_at"
        versions = [(index["column_names"], index["unique"]) for index in inspector.get_indexes("part_content_versions")]
        assert (["part_id", "version_number"], True) in versions
        assert (["part_id"], True) in versions
        outbox = [index["column_names"] for index in inspector.get_indexes("outbox_events") if index["unique"]]
        assert ["aggregate_type", "aggregate_id", "aspect", "version"] in outbox


def test_every_time_has_a_time_zone_and_every_default_is_the_databases(scratch: Engine) -> None:
    migrate(scratch, "up", "head")
    with scratch.connect() as connection:
        naive = connection.execute(
            text("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
                 " AND data_type = 'timestamp without time zone'")
        ).all()  # fmt: skip
        assert naive == []
        connection.execute(text("INSERT INTO parts (sku, slug, part_name) VALUES ('a', 'a', 'a')"))
        connection.execute(text("INSERT INTO stock_levels (part_id) SELECT id FROM parts"))
        row = connection.execute(text("SELECT s.*, p.status, p.version AS v, p.price_version FROM stock_levels s, parts p")).one()
    assert (row.current_stock, row.reserved_quantity, row.min_stock_level, row.version) == (0, 0, 0, 1)
    assert (row.status, row.v, row.price_version) == ("draft", 1, 1)
    assert row.created_at.tzinfo is not None


def test_descriptions_of_older_releases_are_clean_before_pages_show_them_as_html(scratch: Engine) -> None:
    migrate(scratch, "up", "0001")
    hostile, plain = "<p>Good</p><img src=x onerror=alert(1)>", "5 < 6 & 7 > 3"
    with scratch.begin() as connection:
        for sku, description in (("A", hostile), ("B", plain)):
            insert = text("INSERT INTO parts (sku, slug, part_name, description) VALUES (:sku, :sku, :sku, :description)")
            connection.execute(insert, {"sku": sku, "description": description})
    migrate(scratch, "up", "head")
    with scratch.connect() as connection:
        assert connection.execute(text("SELECT description FROM parts ORDER BY sku")).scalars().all() == ["<p>Good</p>", plain]


FILES = "SELECT relname, relfilenode FROM pg_class WHERE relname = ANY('{part_prices,prices,part_search}') ORDER BY relname"
PRICES = """
    INSERT INTO parts (sku, slug, part_name) VALUES ('a', 'a', 'a'), ('b', 'b', 'b');
    INSERT INTO part_prices (part_id, currency, amount, valid_to) SELECT id, 'EUR', 12.50, NULL FROM parts WHERE sku = 'a';
    INSERT INTO part_prices (part_id, currency, amount, valid_to) SELECT id, 'USD', 9, now() - interval '1 day' FROM parts;
    INSERT INTO prices (part_id, currency, amount) SELECT id, 'CHF', 3 FROM parts;
"""


def test_amounts_become_exact_without_a_table_being_rewritten_and_go_back_only_if_nothing_is_lost(scratch: Engine) -> None:
    migrate(scratch, "up", "0007")
    with scratch.begin() as connection:
        connection.exec_driver_sql(PRICES)
        files = connection.execute(text(FILES)).all()
    migrate(scratch, "up", "head")
    exact = text("UPDATE part_prices SET amount = :amount WHERE currency = 'EUR'")
    with scratch.begin() as connection:
        assert connection.execute(text(FILES)).all() == files
        current = connection.execute(
            text("SELECT p.sku, c.currency, c.amount FROM part_current_prices c JOIN parts p ON p.id = c.part_id")
        )
        assert sorted(map(tuple, current)) == [("a", "EUR", 12.5), ("b", "CHF", 3)]
        connection.execute(exact, {"amount": Decimal("0.0042")})
    for amount in ("0.0000001", "10000000000", "NaN", "Infinity", "-0.1"):
        with pytest.raises(IntegrityError), scratch.begin() as connection:
            connection.execute(exact, {"amount": Decimal(amount)})
    with pytest.raises(RuntimeError, match="1 prices have more than two decimals"):
        migrate(scratch, "down", "0007")
    with scratch.begin() as connection:
        assert connection.execute(text("SELECT amount FROM part_prices WHERE currency = 'EUR'")).scalar_one() == Decimal("0.0042")
        connection.execute(exact, {"amount": Decimal("0.01")})
    migrate(scratch, "down", "0003")
    with scratch.connect() as connection:
        assert str(connection.execute(text("SELECT amount FROM part_prices WHERE currency = 'EUR'")).scalar_one()) == "0.01"


KEYS = ("data_change_logs", "part_content_versions", "part_prices", "part_specifications")
KEYED = """
    INSERT INTO users (email, name, password_hash, role) VALUES ('{tag}', 'a', '', 'admin');
    INSERT INTO parts (sku, slug, part_name) SELECT '{tag}' || n, '{tag}' || n, '{tag}' FROM generate_series(1, 20) AS n;
    INSERT INTO part_prices (part_id, currency, amount) SELECT id, 'EUR', 1 FROM parts WHERE part_name = '{tag}';
    INSERT INTO part_specifications (part_id, name, value) SELECT id, 'Bore', '1' FROM parts WHERE part_name = '{tag}';
    INSERT INTO part_content_versions (part_id, version_number, content_snapshot, created_by)
    SELECT p.id, 1, '{{}}', u.id FROM parts p JOIN users u ON u.email = p.part_name WHERE part_name = '{tag}';
    INSERT INTO data_change_logs (event_id, table_name, record_id, operation, version, hash)
    SELECT uuidv7(), 'parts', id, 'UPDATE', 2, repeat('0', 64) FROM parts WHERE part_name = '{tag}';
"""
TOUCHED = {
    "data_change_logs": "reason = 'forged'",
    "part_content_versions": "content_snapshot = '{\"forged\": true}'",
}


def test_keys_get_eight_bytes_as_they_are_and_go_back_only_if_they_fit(scratch: Engine) -> None:
    def state(kind: str) -> list[int]:
        """Check the keys' types, sequences and guards; return the newest ids."""
        newest = []
        with scratch.begin() as connection:
            for table in KEYS:
                columns = {column["name"]: column for column in inspect(connection).get_columns(table)}
                assert (str(columns["id"]["type"]), columns["id"]["nullable"], f"id_{kind.lower()}" in columns) == (
                    kind,
                    False,
                    False,
                )
                ids = connection.execute(text(f"SELECT id FROM {table} ORDER BY id")).scalars().all()
                sequence = connection.execute(text(f"SELECT last_value FROM {table}_id_seq")).scalar_one()
                assert ids[-1] == sequence
                newest.append(ids[-1])
        for table, change in TOUCHED.items():
            for statement in (f"UPDATE {table} SET {change}", f"DELETE FROM {table}"):
                with pytest.raises(ProgrammingError, match="append-only"), scratch.begin() as connection:
                    connection.exec_driver_sql(statement)
        return newest

    def add() -> None:
        with scratch.begin() as connection:
            connection.exec_driver_sql(KEYED.format(tag=uuid4()))

    migrate(scratch, "up", "0018")
    add()
    before = state("INTEGER")
    migrate(scratch, "up", "0019")
    assert state("BIGINT") == before
    add()
    migrate(scratch, "down", "0018")
    after = state("INTEGER")
    assert all(new > old for new, old in zip(after, before, strict=True))
    migrate(scratch, "up", "0019")
    with scratch.begin() as connection:
        connection.exec_driver_sql("SELECT setval('part_prices_id_seq', 3000000000)")
    add()
    assert state("BIGINT")[KEYS.index("part_prices")] > 3_000_000_000
    with pytest.raises(RuntimeError, match=r"beyond 2,147,483,647"):
        migrate(scratch, "down", "0018")


def test_the_audit_trail_of_older_releases_becomes_the_beginning_of_the_chain(scratch: Engine) -> None:
    migrate(scratch, "up", "0001")
    insert = text("""
        INSERT INTO data_change_logs (event_id, table_name, record_id, operation, version, old_values, new_values, reason)
        VALUES (uuidv7(), 'parts', :record_id, 'UPDATE', 2, '{"b": "ä", "a": 1.50}', NULL, 'counted')
    """)
    with scratch.begin() as connection:
        connection.execute(insert, [{"record_id": number} for number in (1, 2, 3)])
    migrate(scratch, "up", "head")
    found = audit_chain.verify(single_statements(scratch))
    assert (found.length, list(found.broken)) == (3, [])
    with scratch.begin() as connection:
        connection.execute(text("ALTER TABLE data_change_logs DISABLE TRIGGER USER"))
        connection.execute(text("UPDATE data_change_logs SET reason = 'forged' WHERE record_id = 2"))
    assert "was changed" in audit_chain.verify(single_statements(scratch)).broken[0]


def test_addresses_of_before_are_found_in_what_older_releases_have_kept(scratch: Engine) -> None:
    migrate(scratch, "up", "0003")
    with scratch.begin() as connection:
        connection.execute(text("INSERT INTO users (email, name, password_hash, role) VALUES ('a@b', 'a', '', 'admin')"))
        insert = text("INSERT INTO parts (id, sku, slug, part_name) VALUES (:id, :slug, :slug, 'x')")
        connection.execute(insert, [{"id": 1, "slug": "now"}, {"id": 2, "slug": "other"}])
        keep = text("""
            INSERT INTO part_content_versions (part_id, version_number, content_snapshot, created_by, is_active)
            SELECT :part_id, :number, jsonb_build_object('slug', CAST(:slug AS text), 'status', CAST(:status AS text)), min(id),
                   false
            FROM users
        """)
        for part_id, number, slug, status in (
            (1, 1, "first", "published"), (1, 2, "second", "published"), (1, 3, "now", "published"), (1, 4, "draft", "draft"),
            (2, 1, "first", "draft"), (2, 2, "second", "published"), (2, 3, "other", "published"),
        ):  # fmt: skip
            connection.execute(keep, {"part_id": part_id, "number": number, "slug": slug, "status": status})
    migrate(scratch, "up", "0006")
    found = text("SELECT slug, record_id FROM former_slugs WHERE kind = 'part' ORDER BY slug")
    with scratch.begin() as connection:
        assert [tuple(row) for row in connection.execute(found)] == [("draft", 1), ("first", 1), ("second", 2)]
        connection.execute(text("UPDATE parts SET slug = 'later', status = 'published' WHERE id = 1"))
        connection.execute(text("UPDATE parts SET slug = 'latest' WHERE id = 1"))
        assert [tuple(row) for row in connection.execute(found)][-3:] == [("later", 1), ("now", 1), ("second", 2)]
    migrate(scratch, "down", "0003")
    with scratch.connect() as connection:
        assert "former_slugs" not in tables(connection)
        assert connection.execute(text("UPDATE parts SET slug = 'last' WHERE id = 1")).rowcount == 1


def test_versions_of_before_say_by_which_way_they_came_and_what_changed(scratch: Engine) -> None:
    migrate(scratch, "up", "0038")
    said: list[tuple[str, str, dict[str, Any] | None]] = [
        # The part below is made by hand, as its event says.
        ("Created", "by_hand", {"kind": "created", "fields": {}, "number": None, "message": None}),
        ("Created", "panel", {"kind": "created", "fields": {}, "number": None, "message": None}),
        ("Created (import: new (2).csv)", "import", {"kind": "created", "fields": {}, "number": None, "message": "new (2).csv"}),
        ("Changed name (import 12: a: b.csv)", "import",
         {"kind": "changed", "fields": {"part_name": 1}, "number": 12, "message": "a: b.csv"}),
        ("Changed name (import 13: undo of import 12)", "undo",
         {"kind": "changed", "fields": {"part_name": 1}, "number": 12, "message": None}),
        ("Changed SKU, manufacturer's number, category and 2 specifications (typo\n(again))", "panel",
         {"kind": "changed", "number": None, "message": "typo\n(again)",
          "fields": {"sku": 1, "manufacturer_number": 1, "category_id": 1, "specifications": 2}}),
        ("Changed 1 picture (Restored version 3)", "restore",
         {"kind": "changed", "fields": {"images": 1}, "number": 3, "message": None}),
        ("Changed description (Restored version 3: as it was)", "restore",
         {"kind": "changed", "fields": {"description": 1}, "number": 3, "message": "as it was"}),
        ("Changed status (reconcile: the row had been changed around the application)", "reconcile",
         {"kind": "changed", "fields": {"status": 1}, "number": None, "message": None}),
        ("Archived (by hand, with psql)", "by_hand", {"kind": "archived", "fields": {}, "number": None, "message": None}),
        ("Restored from the archive", "panel", {"kind": "unarchived", "fields": {}, "number": None, "message": None}),
        ("Merged with part 5", "panel", None),
    ]  # fmt: skip
    with scratch.begin() as connection:
        part = connection.execute(
            text("INSERT INTO parts (sku, slug, part_name) VALUES ('a', 'a', 'a') RETURNING id")
        ).scalar_one()
        connection.execute(
            text("""
                INSERT INTO part_content_versions (part_id, version_number, content_snapshot, change_summary, created_by,
                                                   is_active)
                SELECT :part, n, '{}', summary, (SELECT min(id) FROM users), false
                FROM unnest(CAST(:summaries AS text[])) WITH ORDINALITY AS s(summary, n)
            """),
            {"part": part, "summaries": [summary for summary, *_ in said]},
        )
    migrate(scratch, "up", "0039")
    with scratch.connect() as connection:
        rows = connection.execute(
            text("SELECT change_summary, source, change FROM part_content_versions ORDER BY version_number")
        )
        assert [tuple(row) for row in rows] == said


SPECIFIED = """
    INSERT INTO parts (sku, slug, part_name) VALUES ('a', 'a', 'a'), ('b', 'b', 'b');
    INSERT INTO part_specifications (part_id, name, value, unit, position)
    SELECT id, said.name, said.value, said.unit, said.place FROM parts
    CROSS JOIN (VALUES ('Weight', '3', 'kg', 2), ('Bore', '25', 'mm', 1)) AS said(name, value, unit, place) WHERE sku = 'a';
"""


def test_what_parts_said_before_is_kept_as_what_they_say_since(scratch: Engine) -> None:
    kept = text("SELECT p.sku, f.keys FROM part_features f JOIN parts p ON p.id = f.part_id ORDER BY p.sku")
    unread = text("SELECT DISTINCT name, value, unit FROM unread_specifications ORDER BY name")
    migrate(scratch, "up", "0039")
    with scratch.begin() as connection:
        connection.exec_driver_sql(SPECIFIED)
    migrate(scratch, "up", "head")
    with scratch.begin() as connection:
        ((sku, keys),) = connection.execute(kept).all()
        assert (sku, len(keys)) == ("a", 2)
        assert connection.execute(unread).all() == [("Bore", "25", "mm"), ("Weight", "3", "kg")]
        connection.exec_driver_sql("UPDATE part_specifications SET part_id = (SELECT id FROM parts WHERE sku = 'b')")
        assert connection.execute(kept).all() == [("b", keys)]
        connection.exec_driver_sql("DELETE FROM part_specifications WHERE name = 'Bore'")
        assert connection.execute(kept).all() == [("b", keys[1:])]
        connection.exec_driver_sql("DELETE FROM part_specifications")
        assert connection.execute(kept).all() == []
