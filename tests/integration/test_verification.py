"""Planted drift of every kind is found, called what it is, explained and repaired; and while many write, nothing is cried out."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.cache.manager import Entry
from app.container import Container
from app.contract import cache_keys, rooms
from app.contract.drift import Difference, Drift, DriftKind
from app.contract.events import Actor
from app.domain.pricing import PriceLine
from app.factory import create_app
from app.live import customers
from app.live.customers import CustomersNamespace
from app.services.intent import Intent
from app.store import drift
from app.store.listing.filters import PartFilters
from app.sync import verification
from app.sync.reconciliation import cached_copies, reconcile, records
from app.sync.verification import Verifier
from bench.system import wait_until
from config import load_settings

Query = Callable[..., list[dict[str, Any]]]
Make = Callable[..., int]
Deliver = Callable[[], None]


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else writes, so nothing can be on its way that a second look would have to wait for."""
    monkeypatch.setattr(cached_copies, "BOUND", 0.0)
    monkeypatch.setattr(verification, "BOUND", 0.0)
    monkeypatch.setattr(verification, "AGES", (0.0,))


@pytest.fixture(autouse=True)
def _clean(container: Container, query: Query) -> None:
    """Begin with nothing found."""
    query("TRUNCATE sync_drift")


@pytest.fixture
def verifier(app: Flask, container: Container) -> Verifier:
    """The verification of this process, which steps when the test says so; it has seen everything that is committed already."""
    verifier: Verifier = app.extensions["lockstep_verifier"]
    verifier.__init__(verifier._reading, verifier._cache, verifier._ask, verifier._truth, verifier._monitoring)  # type: ignore[misc]
    verifier.step()
    return verifier


@pytest.fixture
def reconciled(container: Container, deliver: Deliver, query: Query, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with everything delivered and repaired, whatever other tests have left; what they have made of old events stays."""
    monkeypatch.setattr(reconcile, "FOR_COMPARING", 0.0)
    query("UPDATE outbox_deliveries SET next_attempt_at = clock_timestamp() WHERE state = 'pending'")
    deliver()
    container.reconciliation.run()
    deliver()
    query("TRUNCATE sync_drift")


def found(container: Container, *subjects: str) -> list[dict[str, Any]]:
    """Return what is reported as found, of these subjects alone if there are any, and forget it."""
    latest = [one for one in container.sync_control.status()["drift"]["latest"] if not subjects or one["subject"] in subjects]
    with container.reading.connect() as connection:
        connection.execute(text("TRUNCATE sync_drift"))
    return latest


def differences(one: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    return {each["field"]: (each["found"], each["expected"]) for each in one["differences"]}


def event(query: Query, kind: str, aggregate_id: int, aspect: str, version: int) -> int:
    [row] = query(
        "SELECT id FROM outbox_events WHERE aggregate_type = :kind AND aggregate_id = :id AND aspect = :aspect"
        " AND version = :version", kind=kind, id=aggregate_id, aspect=aspect, version=version,
    )  # fmt: skip
    return int(row["id"])


@pytest.fixture
def plant(container: Container, valkey: Redis) -> Callable[..., None]:
    """Write fields of an entry into Valkey, around every rule of the cache."""

    def run(key: str, body: Any, **fields: Any) -> None:
        name = container.settings.prefix + key
        valkey.hdel(name, "floor")
        valkey.hset(name, mapping={"body": body if isinstance(body, bytes) else orjson.dumps(body), **fields})

    return run


@pytest.fixture
def body(container: Container, valkey: Redis) -> Callable[[str], Any]:
    """Read the body of an entry."""
    return lambda key: orjson.loads(valkey.hget(container.settings.prefix + key, "body") or b"null")


def warm(container: Container, part_id: int) -> dict[str, Any]:
    """Have a part cached, with everything settled; return it."""
    container.consistency.process_retry_queue()
    container.parts.catalog.part(part_id)
    part: dict[str, Any] = container.parts.catalog.part(part_id).body
    return part


def step_until(verifier: Verifier, condition: Callable[[], Any]) -> None:
    assert wait_until(lambda: verifier.step() or condition())


@pytest.mark.usefixtures("at_once")
def test_a_stale_entry_planted_after_the_invalidation_is_found_by_the_process_that_serves_it(
    container: Container, actor: Actor, new_part: Make, verifier: Verifier, query: Query, plant: Callable[..., None],
    body: Callable[[str], Any],
) -> None:  # fmt: skip
    part_id = new_part(stock=10)
    warm(container, part_id)
    old = body(cache_keys.part_stock(part_id))
    step_until(verifier, lambda: not verifier._waiting)
    container.parts.adjust_stock_with_sync(Intent(actor), part_id, -3)
    container.consistency.process_retry_queue()
    plant(cache_keys.part_stock(part_id), old, version=1)
    assert container.parts.catalog.part(part_id).body["stock"]["current_stock"] == 10
    step_until(verifier, lambda: container.parts.catalog.part(part_id).body["stock"]["current_stock"] == 7)
    [one] = found(container, f"part {part_id}")
    assert (one["kind"], one["repaired"], one["process"]) == ("cache_stale", True, drift.this_process())
    assert differences(one).items() >= {"stock.current_stock": (10, 7), "versions.stock": (1, 2)}.items()
    assert one["since"]["event_id"] == event(query, "part", part_id, "stock", 2)


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize(("version", "kind"), [(1, "cache_wrong"), (7, "cache_ahead")])
def test_an_entry_that_says_something_else_is_found_by_whoever_reads_any_part_of_the_cache(
    version: int, kind: str, container: Container, new_part: Make, verifier: Verifier, query: Query, plant: Callable[..., None],
    body: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    part_id = new_part()
    warm(container, part_id)
    planted = body(cache_keys.part(part_id)) | {"part_name": "Planted", "version": version}
    plants = {cache_keys.part(part_id): planted}
    plants |= {key: body(key) for key in (cache_keys.part_images(part_id), cache_keys.part_specifications(part_id))}
    for key, value in plants.items():
        plant(key, value, version=version)
    monkeypatch.setattr(container.cache, "any_part", lambda: part_id)
    step_until(verifier, lambda: container.parts.catalog.part(part_id).body["part_name"] == "Test part")
    [one] = found(container, f"part {part_id}")
    assert (one["kind"], one["repaired"]) == (kind, True)
    assert differences(one)["part_name"] == ("Planted", "Test part")
    assert one["since"]["event_id"] == event(query, "part", part_id, "content", 1)


@pytest.mark.usefixtures("at_once")
def test_a_tree_that_one_process_alone_holds_wrongly_is_found_by_that_process_alone(
    container: Container, actor: Actor, new_part: Make, verifier: Verifier, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    category_id = container.parts.create_category_with_sync(Intent(actor), "Right", None, None)["id"]
    part_id = new_part(category_id=category_id)
    other_app = create_app(load_settings())
    other: Container = other_app.extensions["lockstep"]
    other.consistency.sweep()
    warm(container, part_id), warm(other, part_id)
    tree = other.parts.catalog._tree
    held = tree._held[1]
    held._nodes[category_id] = replace(held._nodes[category_id], name="Wrong")
    assert other.parts.catalog.part(part_id).body["category"]["name"] == "Wrong"
    others: Verifier = other_app.extensions["lockstep_verifier"]
    for each in (container, other):
        monkeypatch.setattr(each.cache, "any_part", lambda: part_id)
    try:
        for _ in range(2 * verification.SAMPLED_EVERY):
            verifier.step()
        assert found(container, f"part {part_id}") == []
        step_until(
            others, lambda: other.consistency.sweep() or other.parts.catalog.part(part_id).body["category"]["name"] == "Right"
        )
        [one] = found(container, f"part {part_id}")
    finally:
        other.close()
    assert (one["kind"], one["repaired"]) == ("cache_tree", True)
    assert differences(one) == {"category.name": ("Wrong", "Right"), "category.path": one_path(one)}
    assert one["since"]["event_id"] == event(query, "category", category_id, "content", 1)


def one_path(one: dict[str, Any]) -> tuple[Any, Any]:
    [path] = [each for each in one["differences"] if each["field"] == "category.path"]
    return path["found"], path["expected"]


@pytest.mark.usefixtures("at_once", "reconciled")
def test_a_stale_entry_that_nobody_reads_is_explained_by_reconciliation(
    container: Container, actor: Actor, new_part: Make, query: Query, plant: Callable[..., None], body: Callable[[str], Any]
) -> None:
    part_id = new_part(stock=10)
    warm(container, part_id)
    old = body(cache_keys.part_stock(part_id))
    for _ in range(2):
        container.parts.adjust_stock_with_sync(Intent(actor), part_id, -3)
    container.consistency.process_retry_queue()
    plant(cache_keys.part_stock(part_id), old, version=1)
    report = container.reconciliation.run()
    assert (report["found"]["cache_stale"], report["examples"]["cache_stale"]) == (1, [part_id])
    [one] = found(container)
    key = cache_keys.part_stock(part_id)
    assert differences(one).items() >= {f"{key}.current_stock": (10, 4), f"{key}.version": (1, 3)}.items()
    # The first that it does not know of, not the last.
    assert one["since"]["event_id"] == event(query, "part", part_id, "stock", 2)
    assert container.parts.catalog.part(part_id).body["stock"]["current_stock"] == 4
    assert container.reconciliation.run()["found"]["cache_stale"] == 0


@pytest.mark.usefixtures("at_once", "reconciled")
def test_a_tree_and_a_list_of_categories_that_somebody_tampered_with_are_repaired(
    container: Container, actor: Actor, new_part: Make, query: Query, plant: Callable[..., None], valkey: Redis
) -> None:
    category_id = container.parts.create_category_with_sync(Intent(actor), "Right name", None, None)["id"]
    part_id = new_part(category_id=category_id)
    container.consistency.process_retry_queue()
    warm(container, part_id), container.parts.catalog.categories()
    for key in (cache_keys.category_tree(), cache_keys.categories()):
        kept = valkey.hget(container.settings.prefix + key, "body")
        assert kept is not None
        assert b'"Right name"' in kept
        valkey.hset(container.settings.prefix + key, "body", kept.replace(b'"Right name"', b'"Wrong name"'))
    report = container.reconciliation.run()
    assert (report["found"]["cache_tree"], report["found"]["cache_list"]) == (1, 1)
    explained = {one["kind"]: one for one in found(container)}
    assert differences(explained["cache_tree"]) == {f"category {category_id}.name": ("Wrong name", "Right name")}
    assert explained["cache_tree"]["since"]["event_id"] == event(query, "category", category_id, "content", 1)
    assert explained["cache_list"]["subject"] == cache_keys.categories()
    assert "Wrong name" not in {one["name"] for one in container.parts.catalog.categories().body}


@pytest.mark.usefixtures("at_once", "reconciled")
def test_a_rewritten_audit_row_is_explained_and_the_true_one_appended_beside_it(
    container: Container, actor: Actor, new_part: Make, deliver: Deliver, query: Query, rewrite: Callable[..., None]
) -> None:
    part_id = new_part(stock=10)
    container.parts.adjust_stock_with_sync(Intent(actor), part_id, -3)
    deliver()
    rewrite(
        "UPDATE data_change_logs SET new_values = new_values || '{\"current_stock\": 70}' WHERE part_id = :id AND version = 2",
        id=part_id,
    )
    assert container.reconciliation.run()["found"]["audit_wrong"] == 1
    [one] = found(container)
    assert one["subject"] == f"part {part_id}, stock version 2"
    assert differences(one) == {"new_values.current_stock": (70, 7)}
    assert one["since"]["event_id"] == event(query, "part", part_id, "stock", 2)
    deliver()
    rows = query(
        "SELECT new_values ->> 'current_stock' AS n FROM data_change_logs WHERE part_id = :id AND version = 2", id=part_id
    )
    assert sorted(row["n"] for row in rows) == ["7", "70"]
    report = container.reconciliation.run()
    assert (report["found"]["audit_wrong"], report["found"]["audit_missing"]) == (0, 0)
    # Delivered once more, nothing comes to it.
    query(
        "UPDATE outbox_deliveries SET state = 'pending' WHERE effect = 'persist_audit' AND event_id = :id",
        id=one["since"]["event_id"],
    )
    deliver()
    assert len(query("SELECT 1 FROM data_change_logs WHERE part_id = :id AND version = 2", id=part_id)) == 2
    rewrite("DELETE FROM data_change_logs WHERE part_id = :id AND new_values ->> 'current_stock' = '70'", id=part_id)


@pytest.mark.usefixtures("at_once", "reconciled")
def test_a_rewritten_snapshot_is_explained_and_put_back(
    container: Container, new_part: Make, deliver: Deliver, query: Query, rewrite: Callable[..., None]
) -> None:
    part_id = new_part()
    deliver()
    [before] = query("SELECT * FROM part_content_versions WHERE part_id = :id", id=part_id)
    with pytest.raises(DBAPIError, match="append-only"):
        query("UPDATE part_content_versions SET content_snapshot = '{}' WHERE part_id = :id", id=part_id)
    rewrite(
        'UPDATE part_content_versions SET content_snapshot = content_snapshot || \'{"part_name": "Forged"}\' WHERE part_id = :id',
        id=part_id,
    )
    assert container.reconciliation.run()["found"]["snapshot_wrong"] == 1
    [one] = found(container)
    assert differences(one) == {"content_snapshot.part_name": ("Forged", "Test part")}
    deliver()
    assert query("SELECT * FROM part_content_versions WHERE part_id = :id", id=part_id) == [before]
    assert container.reconciliation.run()["found"]["snapshot_wrong"] == 0


@pytest.mark.usefixtures("at_once", "reconciled")
def test_an_old_record_that_was_rewritten_is_found_within_a_round(
    container: Container, new_part: Make, deliver: Deliver, rewrite: Callable[..., None], query: Query,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    part_id = new_part()
    new_part()
    deliver()
    monkeypatch.setattr(records, "COMPARED_NEWEST", 0)
    monkeypatch.setattr(reconcile, "FOR_COMPARING", 0.1)
    rewrite("UPDATE part_content_versions SET created_at = created_at - interval '1 day' WHERE part_id = :id", id=part_id)
    [before] = query("SELECT COALESCE((SELECT id FROM outbox_events ORDER BY id DESC OFFSET 20 LIMIT 1), 0) AS id")
    query(
        "INSERT INTO sync_positions (name, position) VALUES (:name, :at) ON CONFLICT (name) DO UPDATE SET position = :at",
        name=records.COMPARED, at=before["id"],
    )  # fmt: skip
    assert container.reconciliation.run(seconds=60)["found"]["snapshot_wrong"] == 1
    deliver()


@pytest.mark.usefixtures("at_once", "reconciled")
def test_a_row_changed_with_the_triggers_off_is_explained(container: Container, new_part: Make, deliver: Deliver) -> None:
    part_id = new_part(stock=10)
    deliver()
    with container.engine.begin() as connection:
        connection.execute(text("SET LOCAL lockstep.writer = 'application'"))
        connection.execute(text("UPDATE stock_levels SET current_stock = 3 WHERE part_id = :id"), {"id": part_id})
        connection.execute(text("UPDATE parts SET part_name = 'By hand' WHERE id = :id"), {"id": part_id})
    container.reconciliation.run()
    explained = {one["kind"]: differences(one) for one in found(container, f"part {part_id}")}
    assert explained["stock_row"] == dict.fromkeys(("available_stock", "current_stock"), (3, 10))
    assert explained["content_row"] == {"part_name": ("By hand", "Test part")}


def test_a_page_that_missed_an_event_is_counted_and_brought_up_to_date(
    container: Container, actor: Actor, new_part: Make, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customers, "_sid", lambda: "page")
    monkeypatch.setattr(customers, "join_room", lambda _room: None)
    monkeypatch.setattr(customers, "LEFT_BEHIND_AFTER", 0.0)
    page = CustomersNamespace(rooms.CUSTOMERS, container)
    page._watched["page"] = {}
    part_id = new_part()
    container.parts.adjust_stock_with_sync(Intent(actor), part_id, 1)
    held = page.on_watch({"parts": {str(part_id): None}})["parts"][0]["versions"]
    # What was superseded before it watched is nobody's fault: it has just been opened.
    page.on_watch({"parts": {str(part_id): held | {"stock": 1}}})
    assert found(container) == []
    container.parts.adjust_stock_with_sync(Intent(actor), part_id, 1)
    [part] = page.on_watch({"parts": {str(part_id): held}})["parts"]
    assert part["versions"]["stock"] == 3
    [one] = found(container)
    assert (one["kind"], one["subject"], differences(one)) == ("page_behind", f"part {part_id}", {"versions.stock": (2, 3)})
    assert one["since"]["event_id"] == event(query, "part", part_id, "stock", 3)
    page.on_watch({"parts": {str(part_id): held | {"stock": 10**12, "price": 2.0}}})
    assert found(container) == []


def test_what_keeps_coming_back_is_marked(container: Container, query: Query) -> None:
    planted = Drift(DriftKind.CACHE_LIST, "parts:list:x", (), "reconcile", None, is_repaired=True)

    def kinds() -> dict[str, Any]:
        return dict(container.sync_control.status()["drift"]["kinds"])

    for expected in (False, False, True):
        with container.reading.connect() as connection:
            drift.record(connection, [planted, planted])
        assert kinds()["cache_list"]["repeating"] is expected
        query("UPDATE sync_drift SET found_at = found_at - interval '1 minute'")
    assert kinds()["cache_list"]["found"] == 6
    query("UPDATE sync_drift SET found_at = found_at - interval '10 minutes'")
    assert not kinds()["cache_list"]["repeating"]


def test_what_was_found_is_in_the_answer_to_the_panel(container: Container, api: Callable[[str], FlaskClient]) -> None:
    long = Difference("part.description", "x" * 100_000, None)
    with container.reading.connect() as connection:
        drift.record(connection, [Drift(DriftKind.CACHE_WRONG, "part 1", (long,), "web 1 on here")])
    answer = api("viewer").get("/api/v1/admin/sync/status").json
    assert answer["drift"]["kinds"]["cache_wrong"]["not_repaired"] == 1
    [one] = answer["drift"]["latest"]
    assert one["process"] == "web 1 on here"
    assert len(one["differences"][0]["found"]) == 201


@pytest.mark.usefixtures("reconciled")
def test_while_many_write_nothing_is_found(
    container: Container, actor: Actor, new_part: Make, verifier: Verifier, deliver: Deliver, query: Query,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    names = iter(range(10**9))
    categories = [container.parts.create_category_with_sync(Intent(actor), f"Storm {n}", None, None)["id"] for n in range(3)]
    parts = [new_part(category_id=categories[n % 3]) for n in range(5)]
    monkeypatch.setattr(verification, "STEP", 0.02)
    monkeypatch.setattr(verification, "AGES", (0.25, 1.0))
    monkeypatch.setattr(container.cache, "any_part", lambda: parts[next(names) % 5])
    over = threading.Event()
    failed: list[BaseException] = []

    looks = {"differing": 0, "equal": 0}
    look = verifier._look

    def counted(part_id: int) -> verification.Look:
        one = look(part_id)
        looks["equal" if one.agrees else "differing"] += 1
        return one

    monkeypatch.setattr(verifier, "_look", counted)

    def until_over(work: Callable[[int], object]) -> threading.Thread:
        def run() -> None:
            while not over.is_set():
                try:
                    work(next(names))
                except BaseException as error:  # noqa: BLE001 — reported below
                    failed.append(error)
                    return

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    def priced_by_date(n: int) -> None:
        # For a moment: which price is in force differs soon after, and again.
        now = datetime.now(UTC)
        lines = [PriceLine("EUR", Decimal(n % 1000 + 1)), PriceLine("EUR", Decimal(1), 1, now, now + timedelta(seconds=0.3))]
        container.parts.update_prices_with_sync(Intent(actor), parts[n % 5], lines)
        container.price_dates.apply()

    catalog = container.parts.catalog
    work: list[Callable[[int], object]] = [
        lambda n: container.parts.adjust_stock_with_sync(Intent(actor), parts[n % 5], 1),
        lambda n: container.parts.update_part_content_with_sync(Intent(actor), parts[n % 5], {"part_name": f"Storm {n % 2}"}),
        # There and back, so that an old state is a new one, too.
        lambda n: container.parts.update_category_with_sync(Intent(actor), categories[n % 3], {"name": f"Storm {n % 3} {n % 2}"}),
        priced_by_date,
        lambda n: (catalog.part(parts[n % 5]), catalog.list_parts(PartFilters(), "price", None, 5), catalog.categories()),
        lambda _n: (deliver(), verifier.step()),
        lambda _n: verifier.step(),
    ]
    threads = [until_over(one) for one in work]
    try:
        reports = [container.reconciliation.run() for _ in range(2)]
        assert wait_until(lambda: looks["differing"] > 0 < looks["equal"] or failed, within=60)
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert failed == []
    cached = {kind: sum(report["found"].get(kind, 0) for report in reports) for kind in map(str, DriftKind)}
    assert {kind: count for kind, count in cached.items() if count} == {}
    assert found(container) == []


def test_an_entry_counts_as_wrong_only_if_no_change_on_its_way_explains_both_looks(container: Container) -> None:
    key = cache_keys.part_stock(1)

    def looked(*versions: int) -> dict[str, cached_copies.EntryLook]:
        found, expected = (Entry(version, b"%d" % version) for version in versions)
        return {key: cached_copies.EntryLook(found, expected)}

    with container.reading.connect() as connection:

        def kinds(first: tuple[int, int], second: tuple[int, int]) -> list[str]:
            return [one.kind for one in cached_copies.drifted_parts(connection, looked(*first), looked(*second))]

        # It is written all the time, and each look came in the middle of a change.
        assert kinds((5, 6), (6, 7)) == []
        assert kinds((5, 6), (5, 6)) == ["cache_stale"]
        assert kinds((5, 6), (5, 7)) == ["cache_stale"]
        assert kinds((7, 6), (7, 6)) == ["cache_ahead"]
        assert kinds((7, 6), (9, 8)) == []


@pytest.mark.usefixtures("at_once")
def test_a_list_counts_as_wrong_only_if_nothing_has_invalidated_it_since_it_differed(
    container: Container, actor: Actor, new_part: Make, valkey: Redis
) -> None:
    name = uuid4().hex
    part_id = new_part(part_name=name)
    container.consistency.process_retry_queue()

    def planted() -> cached_copies.CachedList:
        container.parts.catalog.list_parts(PartFilters(words=(name,)), "name", None, 3)
        [(key, kept)] = [
            (key, kept)
            for key in valkey.scan_iter(f"{container.settings.prefix}parts:list:*")
            if f'"{name}"'.encode() in (kept := valkey.hget(key, "body") or b"")
        ]
        valkey.hset(key, "body", kept.replace(b'"ids":[%d]' % part_id, b'"ids":[]'))
        return cached_copies.list_of(key.decode().removeprefix(container.settings.prefix), kept)

    first = cached_copies.look_at_list(container.reading, container.cache, planted())
    assert first is not None
    container.parts.update_part_content_with_sync(Intent(actor), part_id, {"description": "other words"})
    container.consistency.process_retry_queue()
    assert planted() != first.copy
    assert cached_copies.drifted_list(container.reading, container.cache, first) is None
    again = cached_copies.look_at_list(container.reading, container.cache, first.copy)
    assert again is not None
    one = cached_copies.drifted_list(container.reading, container.cache, again)
    assert one is not None
    assert one.differences == (Difference("ids", [], [part_id]),)
