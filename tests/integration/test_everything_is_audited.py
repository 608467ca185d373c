"""Each table is either audited or has a reason not to be; a new one, or a new writer of an old one, must say so here."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask

import app.store as store
from app.container import Container
from app.contract.events import Actor
from app.models import Base
from app.services.imports import passes
from app.services.intent import Intent
from tests.integration.test_verify_action import EUR, OPERATIONS, opened

Query = Callable[..., list[dict[str, Any]]]
Deliver = Callable[[], None]

# Which modules of app/store write the table, and how the trail learns of it: as rows of its own, or within another's.
AUDITED = {
    "categories": ({"categories"}, "category events"),
    "parts": (
        {"slugs", "content", "imports/bulk", "categories", "prices"},
        "content events; the price's own columns with the price events",
    ),
    "part_specifications": ({"content"}, "content events carry the whole list, old and new"),
    "part_images": ({"images"}, "content events carry the whole list, old and new"),
    "stock_levels": ({"stock"}, "stock events"),
    "part_prices": ({"prices"}, "price events carry the whole list, old and new"),
    "prices": ({"prices"}, "price events of the move to price lists"),
    "users": ({"users"}, "user events, without the password"),
    "api_keys": ({"users"}, "API key events, without the key"),
    "second_factors": ({"factors"}, "user events, which say that one was turned on or off"),
    "passkeys": ({"factors"}, "user events, which name the one that was added or removed"),
    "search_synonyms": ({"synonyms"}, "synonym events"),
}
NOT_AUDITED = {
    "data_change_logs": "the trail itself: append-only, chained",
    "audit_chain": "the end of the trail's chain; verified against it",
    "part_content_versions": "written from the events that the trail has; their content can only be added to, or put back",
    "cache_epoch": "which cache is in use: the machine's own account of its work",
    "outbox_events": "what the trail is written from",
    "outbox_deliveries": "the machine's own account of its work",
    "sync_runs": "the machine's own account of its work",
    "sync_positions": "the machine's own account of its work",
    "sync_drift": "the machine's own account of its work",
    "changes_by_hand": "what triggers note during a transaction; the change itself is audited as that of its table",
    "import_jobs": "what it changes is audited as that of its table, with the job in the reason; a cancellation by itself",
    "idempotency_keys": "results of calls whose changes are audited as those of their tables",
    "user_sessions": "a log-in changes nothing that anybody else sees",
    "part_search": "computed from parts, stock and prices by triggers",
    "part_current_prices": "computed from prices by triggers",
    "search_words": "computed from parts by triggers",
    "part_features": "computed from specifications by triggers",
    "feature_counts": "added up from feature_changes",
    "feature_changes": "computed from part_features by triggers",
    "group_counts": "added up from group_changes",
    "group_changes": "computed from part_search by triggers",
    "unread_specifications": "computed from specifications by triggers",
    "specification_values": "computed from their texts",
    "former_slugs": "kept from parts and categories by triggers; their own rows say what an address was",
}
_WRITES = re.compile(r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+(\w+)\b(?!\s*,)", re.IGNORECASE)


def _writers() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    folder = Path(store.__path__[0])
    for path in folder.rglob("*.py"):
        for table in _WRITES.findall(path.read_text()):
            if table in Base.metadata.tables:
                found.setdefault(table, set()).add(path.relative_to(folder).with_suffix("").as_posix())
    return found


def test_every_table_is_audited_or_has_a_reason_not_to_be() -> None:
    assert AUDITED.keys() & NOT_AUDITED.keys() == set()
    assert set(Base.metadata.tables) - AUDITED.keys() - NOT_AUDITED.keys() == set()


def test_an_audited_table_is_written_nowhere_but_where_its_events_are_recorded() -> None:
    writers = _writers()
    unknown = {table: writers.get(table, set()) - known for table, (known, _how) in AUDITED.items()}
    assert {table: modules for table, modules in unknown.items() if modules} == {}
    assert {"parts", "stock_levels", "part_prices", "users", "api_keys"} <= writers.keys()


# Whose event tells of a row: the column that names the aggregate, its kind, and the aspect, where it is not any.
OWNERS = {
    "categories": ("id", "category", ""), "parts": ("id", "part", ""), "part_specifications": ("part_id", "part", "content"),
    "part_images": ("part_id", "part", "content"), "stock_levels": ("part_id", "part", "stock"),
    "part_prices": ("part_id", "part", "price"), "prices": ("part_id", "part", "price"), "users": ("id", "user", ""),
    "api_keys": ("id", "api_key", ""), "search_synonyms": ("id", "synonym", ""),
    "second_factors": ("user_id", "user", ""), "passkeys": ("user_id", "user", ""),
}  # fmt: skip
# What the machine works out by itself from the rest.
DERIVED = ["variants_at", "price_boundary", "last_used_at"]
JOURNAL = (
    "CREATE TABLE journal (xid xid8 DEFAULT pg_current_xact_id(), entry text, kind text, id int, aspect text)",
    f"""
    CREATE FUNCTION note_change() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        was jsonb := to_jsonb(OLD) - ARRAY{DERIVED};
        becomes jsonb := to_jsonb(NEW) - ARRAY{DERIVED};
    BEGIN
        IF TG_TABLE_NAME = 'outbox_events' THEN
            INSERT INTO journal (kind, id, aspect) VALUES (NEW.aggregate_type, NEW.aggregate_id, NEW.aspect);
        ELSIF was IS DISTINCT FROM becomes THEN
            INSERT INTO journal (entry, kind, id, aspect)
            VALUES (TG_OP || ' ' || TG_TABLE_NAME, TG_ARGV[1], (COALESCE(becomes, was) ->> TG_ARGV[0])::int, TG_ARGV[2]);
        END IF;
        RETURN NULL;
    END $$
    """,
    "CREATE TRIGGER noted AFTER INSERT ON outbox_events FOR EACH ROW EXECUTE FUNCTION note_change()",
    *(
        f"CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW"
        f" EXECUTE FUNCTION note_change('{column}', '{kind}', '{aspect}')"
        for table, (column, kind, aspect) in OWNERS.items()
    ),
)
# The rows changed by transactions that wrote no event of theirs.
UNTOLD = """
    SELECT entry, id FROM journal j
    WHERE entry IS NOT NULL AND NOT EXISTS (
        SELECT FROM journal e WHERE e.entry IS NULL AND e.xid = j.xid AND (e.kind, e.id) = (j.kind, j.id)
          AND j.aspect IN ('', e.aspect))
"""


@pytest.fixture
def journal(query: Query) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Note every row that is changed, past whatever the application says; return those that no event tells of."""
    for statement in JOURNAL:
        query(statement)

    def untold() -> list[dict[str, Any]]:
        assert query("SELECT 1 FROM journal WHERE entry IS NOT NULL LIMIT 1"), "nothing was changed"
        return query(UNTOLD)

    yield untold
    query("DROP FUNCTION note_change() CASCADE")
    query("DROP TABLE journal")


def test_every_audited_table_is_watched_by_the_journal() -> None:
    assert OWNERS.keys() == AUDITED.keys()


# The one left out puts the part into a category that the test itself makes around the application.
@pytest.mark.parametrize("name", sorted(OPERATIONS.keys() - {"category"}))
def test_whatever_row_an_operation_changes_an_event_of_its_transaction_tells_of_it(
    name: str, container: Container, actor: Actor, new_part: Callable[..., int], query: Query, request: pytest.FixtureRequest
) -> None:
    shop = opened(container, actor, new_part)
    before, operation, _audited = OPERATIONS[name]
    for step in before:
        step(shop)
    untold = request.getfixturevalue("journal")
    operation(shop)
    assert untold() == []


def test_creating_importing_and_managing_staff_leave_no_row_untold(
    journal: Callable[[], list[dict[str, Any]]],
    container: Container,
    actor: Actor,
    new_part: Callable[..., int],
    flask: Callable[..., str],
) -> None:
    shop, name = opened(container, actor, new_part, description="text"), uuid4().hex
    shop.import_row()
    values = {"sku": uuid4().hex, "part_name": "New"}
    specifications = [{"name": "Bore", "value": "1", "unit": "", "group": ""}]
    container.parts.create_part_with_sync(Intent(actor), values, specifications, EUR, {"current_stock": 1})
    rows = f"sku,part_name,category,current_stock,price,currency,Bore\n{name},New,A > {name},5,3.30,EUR,10\n"
    passes.import_parts(container.transactions, container.reading, actor, lambda: StringIO(rows))
    flask("create-user", f"{name}@shop.example", "--password", "first secret")
    flask("deactivate-user", f"{name}@shop.example")
    flask("create-api-key", name), flask("revoke-api-key", name)
    flask("search-synonyms", "add", name, "new"), flask("search-synonyms", "remove", "NEW", name)
    assert journal() == []


def test_the_journal_finds_a_row_that_no_event_tells_of(
    journal: Callable[[], list[dict[str, Any]]], new_part: Callable[..., int], query: Query
) -> None:
    part_id = new_part()
    query("UPDATE stock_levels SET current_stock = 7 WHERE part_id = :id", id=part_id)
    query("UPDATE parts SET price_boundary = now() + interval '1 day' WHERE id = :id", id=part_id)
    assert journal() == [{"entry": "UPDATE stock_levels", "id": part_id}]
    query("UPDATE parts SET price_boundary = NULL WHERE id = :id", id=part_id)


@pytest.fixture
def flask(app: Flask, container: Container) -> Callable[..., str]:
    """Run a command and return what it printed."""

    def run(*arguments: str) -> str:
        result = app.test_cli_runner().invoke(args=list(arguments))
        assert result.exit_code == 0, result.output
        return result.output.strip()

    return run


def trail(query: Query, table: str, record_id: int) -> list[tuple[Any, ...]]:
    rows = query(
        "SELECT * FROM data_change_logs WHERE table_name = :table AND record_id = :record_id ORDER BY version",
        table=table, record_id=record_id,
    )  # fmt: skip
    assert all(row["part_id"] is None and row["changed_by"] is not None for row in rows)
    return [(row["operation"], row["version"], row["old_values"], row["new_values"]) for row in rows]


def events(query: Query, kind: str, record_id: int) -> list[str]:
    found = query(
        "SELECT payload::text AS payload FROM outbox_events WHERE aggregate_type = :kind AND aggregate_id = :record_id",
        kind=kind, record_id=record_id,
    )  # fmt: skip
    return [row["payload"] for row in found]


def test_a_member_of_staff_is_audited_without_their_password(flask: Callable[..., str], deliver: Deliver, query: Query) -> None:
    email = f"{uuid4().hex}@shop.example"
    # The last administrator could not be deactivated.
    flask("create-user", f"{uuid4().hex}@shop.example", "--role", "admin", "--password", "first secret")
    flask("create-user", email, "--name", "Ann", "--role", "editor", "--password", "first secret")
    flask("create-user", email.upper(), "--name", "Ann", "--role", "admin", "--password", "second secret")
    flask("deactivate-user", email)
    deliver()
    [user] = query("SELECT * FROM users WHERE email = :email", email=email)
    created = {"email": email, "name": "Ann", "role": "editor", "is_active": True, "password": "set", "version": 1}
    assert trail(query, "users", user["id"]) == [
        ("INSERT", 1, None, created),
        (
            "UPDATE", 2, {"role": "editor", "password": "set", "version": 1},
            {"role": "admin", "password": "changed", "version": 2},
        ),
        ("UPDATE", 3, {"is_active": True, "version": 2}, {"is_active": False, "version": 3}),
    ]  # fmt: skip
    assert (user["version"], user["is_active"]) == (3, False)
    said = events(query, "user", user["id"])
    assert len(said) == 3
    assert not any("argon2" in payload or user["password_hash"] in payload for payload in said)


def test_no_key_is_made_that_would_do_more_than_whom_it_acts_as(flask: Callable[..., str], query: Query) -> None:
    email, name = f"{uuid4().hex}@shop.example", uuid4().hex
    flask("create-user", email, "--role", "stock", "--password", "first secret")
    with pytest.raises(AssertionError, match=f"{email} is a stock; choose --role stock"):
        flask("create-api-key", name, "--role", "editor", "--user", email)
    assert query("SELECT * FROM api_keys WHERE name = :name", name=name) == []
    assert flask("create-api-key", name, "--role", "stock", "--user", email)


def test_a_key_has_the_scopes_and_the_end_that_the_command_was_given(flask: Callable[..., str], query: Query) -> None:
    name = uuid4().hex
    flask("create-api-key", name, "--role", "stock", "--scope", "stock:write", "--scope", "read", "--expires-in", "90d")
    [row] = query("SELECT scopes, expires_at - created_at AS lasts FROM api_keys WHERE name = :name", name=name)
    assert row["scopes"] == ["stock:write", "read"]
    assert timedelta(days=89, hours=23) < row["lasts"] < timedelta(days=90, hours=1)
    with pytest.raises(AssertionError, match="such as 90d"):
        flask("create-api-key", name, "--expires-in", "soon")
    with pytest.raises(AssertionError, match="stock:write"):
        flask("create-api-key", name, "--scope", "everything")


def test_an_api_key_is_audited_without_the_key_and_worthless_once_revoked(
    flask: Callable[..., str], app: Flask, deliver: Deliver, query: Query
) -> None:
    name = uuid4().hex
    key = flask("create-api-key", name, "--role", "viewer")
    client, headers = app.test_client(), {"Authorization": f"Bearer {key}"}
    assert client.get("/api/v1/admin/parts", headers=headers).status_code == 200
    [row] = query("SELECT * FROM api_keys WHERE name = :name", name=name)
    flask("revoke-api-key", name)
    assert client.get("/api/v1/admin/parts", headers=headers).status_code == 401
    deliver()
    created, revoked = trail(query, "api_keys", row["id"])
    assert created == ("INSERT", 1, None, {"name": name, "role": "viewer", "user_id": row["user_id"], "version": 1})
    assert revoked[:3] == ("UPDATE", 2, {"revoked_at": None, "version": 1})
    said = events(query, "api_key", row["id"])
    assert len(said) == 2
    assert not any(key in payload or row["key_digest"] in payload for payload in said)


def test_a_key_that_is_not_there_or_not_the_only_one_and_a_stranger_are_refused(
    app: Flask, container: Container, flask: Callable[..., str], query: Query
) -> None:
    name, runner = uuid4().hex, app.test_cli_runner()
    flask("create-api-key", name), flask("create-api-key", name)
    ids = [row["id"] for row in query("SELECT id FROM api_keys WHERE name = :name ORDER BY id", name=name)]
    refusal = runner.invoke(args=["revoke-api-key", name])
    assert refusal.exit_code == 1
    assert str(ids) in refusal.output
    assert str(ids[0]) in flask("revoke-api-key", str(ids[0]))
    assert str(ids[1]) in flask("revoke-api-key", name)
    assert runner.invoke(args=["revoke-api-key", name]).exit_code == 1
    for email in ("nobody@shop.example", "system@lockstep.invalid"):
        assert runner.invoke(args=["deactivate-user", email]).exit_code == 1
