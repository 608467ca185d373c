"""What is changed by hand, in psql or by another program, is told as if the panel had changed it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from app.container import Container
from app.contract.effects import EFFECTS
from app.contract.events import Actor, EventType
from app.contract.task_names import Effect
from app.domain.errors import ConcurrencyError
from app.services.intent import Expected, Intent, PreconditionFailedError
from app.store import content
from app.sync import consistency
from bench.system import wait_until

Query = Callable[..., list[dict[str, Any]]]
Hand = psycopg.Connection[dict[str, Any]]


@pytest.fixture
def hand_of(container: Container) -> Iterator[Callable[[], Hand]]:
    """Make connections as psql does, each statement a transaction of its own unless it says otherwise."""
    made: list[Hand] = []
    url = container.settings.database_url.replace("postgresql+psycopg://", "postgresql://")

    def make() -> Hand:
        made.append(psycopg.connect(url, autocommit=True, row_factory=dict_row))
        return made[-1]

    yield make
    for connection in made:
        connection.close()


@pytest.fixture
def hand(hand_of: Callable[[], Hand]) -> Hand:
    return hand_of()


@pytest.fixture
def events(query: Query) -> Callable[..., list[dict[str, Any]]]:
    """Return the events of an aggregate's aspect with their deliveries' effects, oldest first."""

    def find(record_id: int, aspect: str = "content", aggregate: str = "part") -> list[dict[str, Any]]:
        return query(
            "SELECT e.type, e.version, (SELECT array_agg(effect ORDER BY effect) FROM outbox_deliveries WHERE event_id = e.id)"
            " AS effects FROM outbox_events e WHERE aggregate_type = :aggregate AND aggregate_id = :id AND aspect = :aspect"
            " ORDER BY e.version",
            aggregate=aggregate, id=record_id, aspect=aspect,
        )  # fmt: skip

    return find


def told(kind: str, version: int) -> dict[str, Any]:
    return {"type": kind, "version": version, "effects": sorted(EFFECTS[EventType(kind)])}


def shown(container: Container, part_id: int) -> dict[str, Any] | None:
    """Return what customers read once the next sweep has proven the cache fresh."""
    container.consistency.process_retry_queue()
    body: dict[str, Any] | None = container.parts.catalog.part(part_id).body
    return body


def audited(container: Container, part_id: int) -> list[Any]:
    return container.parts.admin.audit({"part_id": part_id}, None, 50).items


def test_every_kind_of_event_owes_the_same_by_hand(query: Query) -> None:
    for kind, effects in EFFECTS.items():
        assert query("SELECT effects_of(:kind) AS effects", kind=kind) == [{"effects": list(effects)}]


def test_the_triggers_keep_of_a_content_what_the_store_loads(
    container: Container, new_part: Callable[..., int], query: Query
) -> None:
    (kept,) = query("SELECT state_of('content', :id) AS state", id=(part_id := new_part()))
    with container.reading.connect() as connection:
        loaded = content.load(connection, [part_id])[part_id].row._mapping
    assert kept["state"].keys() >= loaded.keys()
    assert {name: kept["state"][name] for name in loaded if not name.endswith("_at")} == {
        name: value for name, value in loaded.items() if not name.endswith("_at")
    }


# Per table: how a row is made, changed and deleted of part {part}, and what that is an event of.
CHANGES = {
    "part_specifications": (
        "INSERT INTO part_specifications (part_id, name, value) VALUES ({part}, 'Bore', '20')",
        "UPDATE part_specifications SET value = '25' WHERE part_id = {part}",
        "content", "content.updated", lambda body: [one["value"] for one in body["specifications"]], ["20"], ["25"], [],
    ),
    "part_images": (
        "INSERT INTO part_images (part_id, digest, extension, byte_size, width, height)"
        " VALUES ({part}, repeat('a', 64), 'png', 1, 9, 9)",
        "UPDATE part_images SET alt = 'A bearing' WHERE part_id = {part}",
        "content", "content.updated", lambda body: [one["alt"] for one in body["images"]], [""], ["A bearing"], [],
    ),
    "part_prices": (
        "INSERT INTO part_prices (part_id, currency, amount) VALUES ({part}, 'EUR', 9.50)",
        "UPDATE part_prices SET amount = 9.7 WHERE part_id = {part}",
        "price", "price.updated", lambda body: body["price"] and body["price"]["amount"], "9.50", "9.70", None,
    ),
    "prices": (
        "INSERT INTO prices (part_id, currency, amount) VALUES ({part}, 'EUR', 9.50)",
        "UPDATE prices SET amount = 9.7 WHERE part_id = {part}",
        "price", "price.updated", lambda body: body["price"] and body["price"]["amount"], "9.50", "9.70", None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("table", CHANGES)
def test_rows_that_belong_to_a_part_are_versions_of_it(
    table: str, hand: Hand, container: Container, new_part: Callable[..., int], events: Callable[..., Any],
    deliver: Callable[[], None], query: Query,
) -> None:  # fmt: skip
    insert, update, aspect, kind, read, *states = CHANGES[table]
    part_id = new_part()
    container.parts.catalog.part(part_id)
    before = len(events(part_id, aspect))
    for number, (statement, state) in enumerate(
        zip((insert, update, f"DELETE FROM {table} WHERE part_id = {{part}}"), states, strict=True)
    ):
        hand.execute(statement.format(part=part_id).encode())
        assert read(shown(container, part_id)) == state
        assert events(part_id, aspect)[before + number :] == [told(kind, 2 + number)]
    deliver()
    rows = [row for row in audited(container, part_id) if row["table_name"] == table]
    assert [row["version"] for row in rows] == [4, 3, 2]
    role = query("SELECT session_user AS name")[0]["name"]
    assert {(row["changed_by_name"], row["reason"]) for row in rows} == {(f"database role {role}", "by hand")}
    if aspect == "content":
        snapshots = query("SELECT version_number, content_snapshot FROM part_content_versions WHERE part_id = :id", id=part_id)
        assert sorted(one["version_number"] for one in snapshots) == [1, 2, 3, 4]
    assert container.reconciliation.run(dry_run=True)["found"].get(f"{aspect}_row", 0) == 0


def test_stock_by_hand(
    hand: Hand, container: Container, new_part: Callable[..., int], events: Callable[..., Any], deliver: Callable[[], None]
) -> None:
    part_id = new_part(stock=10)
    container.parts.catalog.part(part_id)
    with hand.transaction():
        hand.execute("UPDATE stock_levels SET current_stock = 3 WHERE part_id = %s", [part_id])
        hand.execute("UPDATE stock_levels SET current_stock = current_stock - 1, version = 9 WHERE part_id = %s", [part_id])
    assert shown(container, part_id)["stock"] | {"updated_at": None} == {
        "current_stock": 2, "available_stock": 2, "is_in_stock": True, "is_low_stock": False, "version": 2, "updated_at": None,
    }  # fmt: skip
    hand.execute("DELETE FROM stock_levels WHERE part_id = %s", [part_id])
    assert shown(container, part_id)["stock"]["current_stock"] == 0
    assert events(part_id, "stock")[1:] == [told("stock.updated", 2), told("stock.updated", 3)]
    deliver()
    gone, less = [row for row in audited(container, part_id) if row["version"] > 1]
    assert (less["operation"], less["old_values"], less["new_values"]) == (
        "UPDATE", {"current_stock": 10, "version": 1}, {"current_stock": 2, "version": 2},
    )  # fmt: skip
    assert (gone["operation"], gone["old_values"], gone["new_values"]["current_stock"]) == (
        "DELETE",
        {"current_stock": 2, "version": 2},
        0,
    )


def test_a_part_made_changed_archived_and_restored_by_hand(
    hand: Hand, container: Container, events: Callable[..., Any], deliver: Callable[[], None], query: Query
) -> None:
    sku = f"H-{uuid4().hex[:8]}"
    made = hand.execute(
        "INSERT INTO parts (sku, slug, part_name, status) VALUES (%s, %s, 'By hand', 'published') RETURNING id",
        [sku, sku.lower()],
    ).fetchone()
    part_id = made["id"]
    body = shown(container, part_id)
    assert (body["part_name"], body["stock"]["current_stock"], body["price"]) == ("By hand", 0, None)
    with hand.transaction():
        hand.execute("UPDATE parts SET part_name = 'Twice' WHERE id = %s", [part_id])
        hand.execute("INSERT INTO part_specifications (part_id, name, value) VALUES (%s, 'Bore', '20')", [part_id])
    hand.execute("DELETE FROM parts WHERE id = %s", [part_id])
    assert shown(container, part_id) is None
    hand.execute("UPDATE parts SET archived_at = NULL WHERE id = %s", [part_id])
    assert shown(container, part_id)["part_name"] == "Twice"
    assert events(part_id) == [
        told("part.created", 1), told("content.updated", 2), told("part.deleted", 3), told("part.restored", 4),
    ]  # fmt: skip
    assert events(part_id, "stock") == [told("stock.created", 1)]
    deliver()
    rows = [row for row in audited(container, part_id) if row["table_name"] == "parts"]
    assert [row["operation"] for row in rows] == ["UPDATE", "DELETE", "UPDATE", "INSERT"]
    assert rows[2]["old_values"].keys() == {"part_name", "specifications", "version"}
    snapshot = query("SELECT * FROM part_content_versions WHERE part_id = :id AND version_number = 2", id=part_id)[0]
    assert snapshot["content_snapshot"]["specifications"] == [{"name": "Bore", "value": "20", "unit": "", "group": ""}]
    assert snapshot["change_summary"].endswith("(by hand)")
    assert container.reconciliation.run(dry_run=True)["found"].get("content_row", 0) == 0


def test_a_dated_price_by_hand_begins_on_its_date(hand: Hand, new_part: Callable[..., int], query: Query) -> None:
    part_id = new_part()
    hand.execute(
        "INSERT INTO part_prices (part_id, currency, amount, valid_from) VALUES (%s, 'EUR', 5, '2100-01-01T00:00Z')", [part_id]
    )
    (part,) = query("SELECT price_boundary::text AS boundary FROM parts WHERE id = :id", id=part_id)
    assert part["boundary"].startswith("2100-01-01")


def test_the_category_tree_by_hand(
    hand: Hand, container: Container, events: Callable[..., Any], deliver: Callable[[], None], new_part: Callable[..., int]
) -> None:
    slug = f"h-{uuid4().hex[:8]}"
    insert = "INSERT INTO categories (name, slug, parent_id) VALUES (%s, %s, %s) RETURNING id"
    root = hand.execute(insert, [slug, slug, None]).fetchone()["id"]
    leaf = hand.execute(insert, ["Leaf", f"{slug}-leaf", root]).fetchone()["id"]
    part_id = new_part(category_id=leaf)
    assert [step["name"] for step in shown(container, part_id)["category"]["path"]] == [slug, "Leaf"]
    hand.execute("UPDATE categories SET name = 'Renamed', description = 'Green' WHERE id = %s", [leaf])
    assert [step["name"] for step in shown(container, part_id)["category"]["path"]] == [slug, "Renamed"]
    with pytest.raises(psycopg.errors.CheckViolation, match="below itself"):
        hand.execute("UPDATE categories SET parent_id = %s WHERE id = %s", [leaf, root])
    hand.execute("UPDATE parts SET category_id = %s WHERE id = %s", [root, part_id])
    hand.execute("DELETE FROM categories WHERE id = %s", [leaf])
    assert [step["name"] for step in shown(container, part_id)["category"]["path"]] == [slug]
    assert events(leaf, aggregate="category") == [
        told("category.created", 1), told("category.updated", 2), told("category.deleted", 3),
    ]  # fmt: skip
    assert events(root, aggregate="category") == [told("category.created", 1)]
    deliver()
    rows = container.parts.admin.audit({"table_name": "categories", "record_id": leaf}, None, 10).items
    assert [(row["operation"], row["version"]) for row in rows] == [("DELETE", 3), ("UPDATE", 2), ("INSERT", 1)]
    assert (rows[1]["old_values"], rows[1]["new_values"]) == (
        {"name": "Leaf", "description": "", "version": 1}, {"name": "Renamed", "description": "Green", "version": 2},
    )  # fmt: skip


def test_users_keys_and_synonyms_by_hand_are_audited_without_secrets(
    hand: Hand, container: Container, deliver: Callable[[], None], events: Callable[..., Any]
) -> None:
    word = uuid4().hex[:8]
    user = hand.execute(
        "INSERT INTO users (email, name, role, password_hash) VALUES (%s, 'Ada', 'viewer', 'secret-1') RETURNING id",
        [f"{word}@a.b"],
    ).fetchone()["id"]
    hand.execute("UPDATE users SET role = 'stock', password_hash = 'secret-2' WHERE id = %s", [user])
    key = hand.execute(
        "INSERT INTO api_keys (name, key_digest, role, user_id) VALUES (%s, %s, 'viewer', %s) RETURNING id",
        [word, f"secret-{word}", user],
    ).fetchone()["id"]
    hand.execute("DELETE FROM api_keys WHERE id = %s", [key])
    synonym = hand.execute("INSERT INTO search_synonyms (term, means) VALUES (%s, 'bearing') RETURNING id", [word]).fetchone()[
        "id"
    ]
    hand.execute("DELETE FROM search_synonyms WHERE id = %s", [synonym])
    hand.execute("DELETE FROM users WHERE id = %s", [user])
    assert events(synonym, aggregate="synonym") == [told("synonym.created", 1), told("synonym.deleted", 2)]
    deliver()
    found = {
        table: container.parts.admin.audit({"table_name": table, "record_id": record}, None, 10).items
        for table, record in (("users", user), ("api_keys", key), ("search_synonyms", synonym))
    }
    assert {table: [row["operation"] for row in rows] for table, rows in found.items()} == {
        "users": ["DELETE", "UPDATE", "INSERT"], "api_keys": ["DELETE", "INSERT"], "search_synonyms": ["DELETE", "INSERT"],
    }  # fmt: skip
    assert found["users"][1]["new_values"] == {"role": "stock", "password": "changed", "version": 2}
    assert "secret" not in str(found)


def test_what_changes_nothing_or_is_rolled_back_leaves_nothing(
    hand: Hand, new_part: Callable[..., int], events: Callable[..., Any], query: Query
) -> None:
    part_id = new_part(stock=10)
    hand.execute("UPDATE stock_levels SET current_stock = 10, updated_at = now() WHERE part_id = %s", [part_id])
    with hand.transaction():
        hand.execute("UPDATE parts SET part_name = 'For a moment' WHERE id = %s", [part_id])
        hand.execute("UPDATE parts SET part_name = 'Test part' WHERE id = %s", [part_id])
    with hand.transaction(force_rollback=True):
        hand.execute("UPDATE parts SET part_name = 'Never' WHERE id = %s", [part_id])
        hand.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with hand.transaction(), hand.transaction(force_rollback=True):
        hand.execute("UPDATE stock_levels SET current_stock = 1 WHERE part_id = %s", [part_id])
    assert [len(events(part_id, aspect)) for aspect in ("content", "stock", "price")] == [1, 1, 0]
    assert query("SELECT * FROM changes_by_hand") == []


def test_what_is_changed_after_the_constraints_were_checked_is_told_as_well(
    hand: Hand, new_part: Callable[..., int], events: Callable[..., Any]
) -> None:
    part_id = new_part(stock=10)
    with hand.transaction():
        hand.execute("UPDATE stock_levels SET current_stock = 1 WHERE part_id = %s", [part_id])
        hand.execute("SET CONSTRAINTS ALL IMMEDIATE")
        hand.execute("UPDATE stock_levels SET current_stock = 2 WHERE part_id = %s", [part_id])
    assert [event["version"] for event in events(part_id, "stock")] == [1, 2, 3]


def test_two_hands_on_one_part_follow_one_another(
    hand_of: Callable[[], Hand], new_part: Callable[..., int], events: Callable[..., Any], deliver: Callable[[], None],
    container: Container,
) -> None:  # fmt: skip
    part_id, one, other = new_part(), hand_of(), hand_of()
    with ThreadPoolExecutor(1) as pool:
        with one.transaction():
            one.execute("INSERT INTO part_specifications (part_id, name, value) VALUES (%s, 'Bore', '20')", [part_id])
            waiting = pool.submit(other.execute, "UPDATE parts SET part_name = 'Other' WHERE id = %s", [part_id])
            blocked = "SELECT FROM pg_stat_activity WHERE pid = %s AND wait_event_type = 'Lock'"
            assert wait_until(lambda: one.execute(blocked, [other.info.backend_pid]).fetchone() is not None)
        waiting.result()
    assert events(part_id)[1:] == [told("content.updated", 2), told("content.updated", 3)]
    deliver()
    second, first = [row["old_values"].keys() for row in audited(container, part_id) if row["version"] > 1]
    assert (first, second) == ({"specifications", "version"}, {"part_name", "version"})


def test_a_hand_and_the_application_at_once_lose_nothing_and_leave_no_gap(
    hand: Hand, container: Container, actor: Actor, new_part: Callable[..., int], events: Callable[..., Any]
) -> None:
    part_id = new_part(stock=10)

    def by_hand() -> None:
        for _ in range(15):
            hand.execute("UPDATE stock_levels SET current_stock = current_stock + 1 WHERE part_id = %s", [part_id])

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(by_hand)
        for _ in range(15):
            container.parts.adjust_stock_with_sync(Intent(actor), part_id, 1)
        done.result()
    assert shown(container, part_id)["stock"]["current_stock"] == 40
    assert [event["version"] for event in events(part_id, "stock")] == list(range(1, 32))


@pytest.mark.parametrize(("by_header", "refusal"), [(False, ConcurrencyError), (True, PreconditionFailedError)])
def test_a_panel_that_read_before_the_hand_wrote_is_refused(
    by_header: bool, refusal: type[Exception], hand: Hand, container: Container, actor: Actor, new_part: Callable[..., int]
) -> None:
    part_id = new_part(stock=10)
    hand.execute("UPDATE stock_levels SET current_stock = 3 WHERE part_id = %s", [part_id])
    with pytest.raises(refusal):
        container.parts.update_stock_with_sync(Intent(actor, Expected(1, by_header=by_header)), part_id, {"current_stock": 7})


def test_many_rows_in_one_transaction_are_one_change_each(hand: Hand, container: Container, query: Query) -> None:
    prefix = f"bulk-{uuid4().hex[:8]}"
    with hand.transaction():
        with hand.cursor().copy("COPY parts (sku, slug, part_name, status) FROM STDIN") as copy:
            for number in range(200):
                copy.write_row([f"{prefix}-{number}", f"{prefix}-{number}", "Bulk", "published"])
        hand.execute("UPDATE parts SET manufacturer = 'ACME' WHERE starts_with(sku, %s)", [prefix])
    hand.execute(
        "UPDATE stock_levels SET current_stock = 5 WHERE part_id IN (SELECT id FROM parts WHERE starts_with(sku, %s))", [prefix]
    )
    counted = query(
        "SELECT e.type, e.version, count(*) AS parts FROM outbox_events e JOIN parts p ON p.id = e.aggregate_id"
        " WHERE e.aggregate_type = 'part' AND starts_with(p.sku, :prefix) GROUP BY 1, 2 ORDER BY 1",
        prefix=prefix,
    )
    assert [(row["type"], row["version"], row["parts"]) for row in counted] == [
        ("part.created", 1, 200), ("stock.created", 1, 200), ("stock.updated", 2, 200),
    ]  # fmt: skip
    (part,) = query("SELECT max(id) AS id FROM parts WHERE starts_with(sku, :prefix)", prefix=prefix)
    body = shown(container, part["id"])
    assert (body["manufacturer"], body["stock"]["current_stock"]) == ("ACME", 5)


@pytest.mark.parametrize("said", ["lockstep.writer=application", "application_name=lockstep"])
def test_what_the_application_writes_is_told_by_itself_alone(
    said: str,
    container: Container,
    actor: Actor,
    new_part: Callable[..., int],
    events: Callable[..., Any],
    hand_of: Callable[[], Hand],
) -> None:
    part_id = new_part(stock=10)
    container.parts.adjust_stock_with_sync(Intent(actor), part_id, 1)
    assert events(part_id, "stock") == [told("stock.created", 1), told("stock.updated", 2)]
    # The previous release has no more than its name.
    connection = hand_of()
    connection.execute(f"SET {said}".encode())
    connection.execute("UPDATE stock_levels SET current_stock = 3, version = 3 WHERE part_id = %s", [part_id])
    assert len(events(part_id, "stock")) == 2


def test_the_sweep_that_finds_a_change_by_hand_begins_the_rest_without_waiting_until_it_is_overdue(
    hand: Hand, container: Container, new_part: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    part_id, asked = new_part(), set[str]()
    monkeypatch.setattr(consistency, "OVERDUE_AFTER", 3600.0)
    monkeypatch.setattr(container.wake_ups, "request", asked.update)
    hand.execute("UPDATE parts SET part_name = 'By hand' WHERE id = %s", [part_id])
    assert wait_until(lambda: asked >= {Effect.BROADCAST, Effect.PERSIST_AUDIT, Effect.SNAPSHOT_CONTENT})


def test_a_truncated_table_would_tell_nobody_and_is_refused(hand: Hand) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="neither pages nor the audit trail"):
        hand.execute("TRUNCATE part_specifications")


def test_the_reason_may_be_stated(
    hand: Hand, container: Container, new_part: Callable[..., int], deliver: Callable[[], None]
) -> None:
    part_id = new_part()
    with hand.transaction():
        hand.execute("SET LOCAL lockstep.reason = 'ticket 12'; SET LOCAL application_name = 'psql'")
        hand.execute("UPDATE parts SET part_name = 'Fixed' WHERE id = %s", [part_id])
    hand.execute("SET application_name = 'psql'")
    hand.execute("UPDATE parts SET part_name = 'Fixed again' WHERE id = %s", [part_id])
    deliver()
    assert [row["reason"] for row in audited(container, part_id) if row["version"] > 1] == ["by hand, with psql", "ticket 12"]
