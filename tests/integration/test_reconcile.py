"""Reconciliation: adopts changes made around the application, repairs what is missing or wrong, leaves the rest alone."""

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from sqlalchemy import Connection, text

from app.container import Container
from app.contract import cache_keys
from app.contract.events import Actor
from app.contract.task_names import Effect
from app.services.intent import Intent
from app.store import reconciliation
from app.store.encoding import jsonb
from app.store.listing.filters import PartFilters
from app.sync.reconciliation import cached_copies, reconcile, records
from app.sync.reconciliation.adoption import REASON
from app.sync.reconciliation.reconcile import LOCK

Query = Callable[..., list[dict[str, Any]]]


@pytest.fixture(autouse=True)
def _clean(container: Container, deliver: Callable[[], None], query: Query, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with everything delivered and reconciled, whatever other tests have left, postponed deliveries included. Nobody else
    writes, so nothing can be on its way that a second look would have to wait for."""
    monkeypatch.setattr(cached_copies, "BOUND", 0.0)
    # Nor is what other tests have made of old events compared with their records again.
    monkeypatch.setattr(reconcile, "FOR_COMPARING", 0.0)
    query("UPDATE outbox_deliveries SET next_attempt_at = clock_timestamp() WHERE state = 'pending'")
    deliver()
    container.reconciliation.run()
    deliver()


def found(report: dict[str, Any]) -> dict[str, int]:
    # No worker delivers what the test itself has written, so that is overdue after a second.
    return {kind: count for kind, count in report["found"].items() if count and kind != "overdue_effects"}


def test_nothing_is_found_on_a_clean_system_not_even_after_reads_and_writes(
    container: Container, actor: Actor, new_part: Callable[..., int], deliver: Callable[[], None]
) -> None:
    part_id = new_part()
    container.parts.catalog.part(part_id)
    container.parts.catalog.list_parts(PartFilters(), "name", None, 50)
    container.parts.adjust_stock_with_sync(Intent(actor), part_id, 1)
    deliver()
    assert found(container.reconciliation.run()) == {}
    assert found(container.reconciliation.run()) == {}


def test_stock_edited_by_hand_gets_a_version_an_event_and_an_audit_row(
    container: Container, new_part: Callable[..., int], deliver: Callable[[], None], query: Query
) -> None:
    part_id = new_part(stock=10)
    assert container.parts.catalog.part(part_id).body["stock"]["current_stock"] == 10
    query("UPDATE stock_levels SET current_stock = 3 WHERE part_id = :id", id=part_id)
    assert found(container.reconciliation.run())["stock_row"] == 1
    shown = container.parts.catalog.part(part_id).body["stock"]
    assert (shown["current_stock"], shown["version"]) == (3, 2)
    deliver()
    (row,) = query("SELECT * FROM data_change_logs WHERE part_id = :id AND version = 2", id=part_id)
    assert row["old_values"] == {"current_stock": 10, "version": 1}
    assert row["new_values"] == {"current_stock": 3, "version": 2}
    assert row["reason"] == REASON
    assert found(container.reconciliation.run()) == {}


def test_content_edited_by_hand_gets_a_version_an_event_a_snapshot_and_an_audit_row(
    container: Container, new_part: Callable[..., int], deliver: Callable[[], None], query: Query
) -> None:
    part_id = new_part()
    container.parts.catalog.part(part_id)
    query("UPDATE parts SET part_name = 'By hand' WHERE id = :id", id=part_id)
    assert found(container.reconciliation.run())["content_row"] == 1
    deliver()
    shown = container.parts.catalog.part(part_id).body
    assert (shown["part_name"], shown["version"]) == ("By hand", 2)
    (row,) = query("SELECT * FROM data_change_logs WHERE part_id = :id AND version = 2", id=part_id)
    assert (row["old_values"]["part_name"], row["new_values"]["part_name"], row["reason"]) == ("Test part", "By hand", REASON)
    (snapshot,) = query("SELECT * FROM part_content_versions WHERE part_id = :id AND is_active", id=part_id)
    assert (snapshot["version_number"], snapshot["content_snapshot"]["part_name"]) == (2, "By hand")
    assert found(container.reconciliation.run()) == {}


def test_a_part_archived_by_hand_is_gone_for_customers_after_the_run(
    container: Container, new_part: Callable[..., int], query: Query
) -> None:
    part_id = new_part()
    container.parts.catalog.part(part_id)
    query("UPDATE parts SET archived_at = now() WHERE id = :id", id=part_id)
    container.reconciliation.run()
    assert container.parts.catalog.part(part_id).body is None


@pytest.mark.parametrize("key_of", [cache_keys.part, cache_keys.part_stock, cache_keys.part_prices, cache_keys.part_images])
def test_a_cache_entry_that_somebody_tampered_with_is_repaired(
    key_of: Callable[[int], str], container: Container, new_part: Callable[..., int], valkey: Redis
) -> None:
    part_id = new_part()
    container.parts.catalog.part(part_id)
    container.parts.catalog.part(part_id)
    key = container.settings.prefix + key_of(part_id)
    body = valkey.hget(key, "body")
    assert body is not None
    valkey.hset(key, "body", body.replace(b"{", b'{"tampered":1,', 1) if b"{" in body else b"[1]")
    report = container.reconciliation.run()
    assert found(report)["cache_wrong"] == 1
    assert report["examples"]["cache_wrong"] == [part_id]
    answer = container.parts.catalog.part(part_id).body
    assert "tampered" not in str(answer)
    assert answer["images"] == []
    assert found(container.reconciliation.run()) == {}


def test_a_list_that_somebody_tampered_with_is_repaired(
    container: Container, new_part: Callable[..., int], valkey: Redis
) -> None:
    # A run looks at a sample; so that this list is in it, there are no others.
    valkey.delete(*valkey.scan_iter("lockstep:parts:list:*"), "none")
    part_id = new_part(part_name="Tampered list")
    # Settle now: a sweep in the middle would give the lists new tokens, and this list would not be served.
    container.consistency.process_retry_queue()
    filters = PartFilters(words=("tampered", "list"))
    before = container.parts.catalog.list_parts(filters, "name", None, 3).body
    (key,) = [k for k in valkey.scan_iter("lockstep:parts:list:*") if b'"tampered"' in (valkey.hget(k, "body") or b"")]
    body = valkey.hget(key, "body")
    valkey.hset(key, "body", body.replace(str(part_id).encode(), b"", 1))
    assert container.parts.catalog.list_parts(filters, "name", None, 3).body != before
    assert found(container.reconciliation.run())["cache_list"] == 1
    assert container.parts.catalog.list_parts(filters, "name", None, 3).body == before


@pytest.mark.parametrize("body", [b"garbage", b"[]", b"{}"])
def test_a_list_that_is_none_of_ours_is_dropped_and_stops_nothing(body: bytes, container: Container, valkey: Redis) -> None:
    # A run looks at a sample; so that this list is in it, there are no others.
    valkey.delete(*valkey.scan_iter("lockstep:parts:list:*"), "none")
    valkey.hset("lockstep:parts:list:foreign", "body", body)
    assert found(container.reconciliation.run())["cache_list"] == 1
    assert not valkey.exists("lockstep:parts:list:foreign")


@pytest.mark.parametrize(
    ("table", "kind"), [("data_change_logs", "audit_missing"), ("part_content_versions", "snapshot_missing")]
)
def test_a_deleted_record_is_written_again_as_it_was(
    table: str, kind: str, container: Container, new_part: Callable[..., int], deliver: Callable[[], None], query: Query,
    rewrite: Callable[..., None],
) -> None:  # fmt: skip
    part_id = new_part()
    deliver()
    # Rewritten rows are appended to the chain, so they have another hash.
    columns = f"SELECT to_jsonb(t) - 'id' - 'hash' AS row FROM {table} t WHERE part_id = :id ORDER BY row"
    before = query(columns, id=part_id)
    assert before
    rewrite(f"DELETE FROM {table} WHERE part_id = :id", id=part_id)
    assert found(container.reconciliation.run())[kind] == len(before)
    deliver()
    assert query(columns, id=part_id) == before


@pytest.fixture
def ranges(
    container: Container, new_part: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> list[tuple[int, int]]:  # fmt: skip
    """The ranges of events that runs compare with the audit trail from now on: three at a time, and none again so soon."""
    new_part()
    container.reconciliation.run()
    looked: list[tuple[int, int]] = []
    compare = reconciliation.missing_records

    def noted(connection: Connection, effect: Effect, after: int, until: int, *, repair: bool) -> list[int]:
        if effect is Effect.PERSIST_AUDIT:
            looked.append((after, until))
        return compare(connection, effect, after, until, repair=repair)

    monkeypatch.setattr(reconciliation, "missing_records", noted)
    monkeypatch.setattr(records, "RECENT", 0)
    monkeypatch.setattr(records, "LAG", 0.0)
    monkeypatch.setattr(records, "CHUNK", 3)
    return looked


def newest(query: Query) -> int:
    return int(query("SELECT max(id) AS id FROM outbox_events")[0]["id"])


def test_a_run_compares_new_events_with_the_records_and_a_slice_of_the_old_ones(
    container: Container, actor: Actor, new_part: Callable[..., int], deliver: Callable[[], None], query: Query,
    ranges: list[tuple[int, int]],
) -> None:  # fmt: skip
    part_id = new_part()
    container.reconciliation.run(seconds=60)
    before = newest(query)
    for _ in range(4):
        container.parts.adjust_stock_with_sync(Intent(actor), part_id, 1)
    deliver()
    ranges.clear()
    container.reconciliation.run(seconds=60)
    new = [until for after, until in ranges if after >= before]
    assert (len(new), new[-1]) == (2, newest(query))
    # However little time there is: one portion of the new, and one of the old, which goes on where the one before has ended.
    old = []
    for _ in range(3):
        ranges.clear()
        container.reconciliation.run(seconds=0)
        assert len(ranges) == 1
        old += ranges
    assert [after for after, _ in old[1:]] == [until for _, until in old[:-1]]


def test_an_old_record_that_was_deleted_is_found_within_a_round(
    container: Container, new_part: Callable[..., int], deliver: Callable[[], None], query: Query, rewrite: Callable[..., None],
    ranges: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    part_id = new_part()
    new_part()
    deliver()
    # A round of some runs, however many events other tests have made.
    monkeypatch.setattr(records, "CHUNK", newest(query) // 5 + 1)
    container.reconciliation.run(seconds=60)
    rewrite("DELETE FROM part_content_versions WHERE part_id = :id", id=part_id)
    runs = 0
    while not container.reconciliation.run(seconds=0)["found"]["snapshot_missing"]:
        runs += 1
        assert runs <= newest(query) // records.CHUNK + 1
    deliver()
    assert query("SELECT version_number FROM part_content_versions WHERE part_id = :id", id=part_id) == [{"version_number": 1}]


def test_an_event_that_is_committed_late_is_not_passed_by(
    container: Container, new_part: Callable[..., int], deliver: Callable[[], None], query: Query, ranges: list[tuple[int, int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(records, "LAG", 60.0)
    with container.engine.connect() as late:
        late.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        event_id = late.execute(
            text(
                "INSERT INTO outbox_events (aggregate_type, aggregate_id, aspect, type, version, payload)"
                " VALUES ('user', -1, 'content', 'user.updated', 1, '{}') RETURNING id"
            )
        ).scalar_one()
        late.execute(
            text("INSERT INTO outbox_deliveries (event_id, effect, state) VALUES (:id, 'persist_audit', 'done')"),
            {"id": event_id},
        )
        new_part()
        deliver()
        container.reconciliation.run(seconds=60)
        assert newest(query) > event_id
        (place,) = query("SELECT position FROM sync_positions WHERE name = :name", name=records.NEW)
        assert place["position"] < event_id
        late.commit()
    assert container.reconciliation.run(seconds=60, dry_run=True)["examples"]["audit_missing"] == [event_id]
    query("DELETE FROM outbox_deliveries WHERE event_id = :id", id=event_id)
    query("DELETE FROM outbox_events WHERE id = :id", id=event_id)


def test_all_parts_are_compared_in_turn_however_little_time_a_run_has(
    container: Container, new_part: Callable[..., int], query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "RECENT_SECONDS", 0.0)
    parts = [new_part() for _ in range(7)]
    while container.reconciliation.run(seconds=0, portion=1_000_000)["next_after"]:
        pass
    query("UPDATE sync_positions SET position = :before WHERE name = 'parts'", before=parts[0] - 1)
    with container.engine.begin() as connection:
        # As whoever writes with the triggers switched off.
        connection.execute(text("SET LOCAL lockstep.writer = 'application'"))
        connection.execute(text("UPDATE stock_levels SET current_stock = 3 WHERE part_id = :id"), {"id": parts[4]})
    reports = [container.reconciliation.run(seconds=0, portion=3) for _ in range(3)]
    assert [report["parts_checked"] for report in reports] == [3, 3, 1]
    assert [report["found"]["stock_row"] for report in reports] == [0, 1, 0]
    assert [report["next_after"] for report in reports] == [parts[2], parts[5], 0]
    assert reports[2]["all_compared_at"]["parts"] > (reports[1]["all_compared_at"]["parts"] or "")


def test_a_rehearsal_says_what_it_found_and_changes_nothing(
    container: Container, new_part: Callable[..., int], deliver: Callable[[], None], query: Query, valkey: Redis,
    rewrite: Callable[..., None],
) -> None:  # fmt: skip
    part_id, other = new_part(), new_part()
    deliver()
    container.parts.catalog.part(other)
    container.parts.catalog.part(other)
    query("UPDATE stock_levels SET current_stock = 3 WHERE part_id = :id", id=part_id)
    query("UPDATE parts SET part_name = 'By hand' WHERE id = :id", id=part_id)
    rewrite("DELETE FROM data_change_logs WHERE part_id = :id", id=part_id)
    stock = container.settings.prefix + cache_keys.part_stock(other)
    valkey.hset(stock, "body", b"{}")
    events = "SELECT count(*) AS n, max(id) AS last FROM outbox_events"
    deliveries = "SELECT count(*) AS n FROM outbox_deliveries WHERE state = 'pending'"
    before = query(events), query(deliveries)
    report = container.reconciliation.run(dry_run=True)
    assert report["dry_run"]
    assert {"stock_row": 1, "content_row": 1, "audit_missing": 2}.items() <= found(report).items()
    assert other in report["examples"]["cache_wrong"]
    assert (query(events), query(deliveries)) == before
    assert valkey.hget(stock, "body") == b"{}"


def test_two_runs_at_once_are_one(container: Container) -> None:
    with container.engine.connect() as other:
        assert reconciliation.try_lock(other, LOCK)
        assert "skipped" in container.reconciliation.run()
        reconciliation.unlock(other, LOCK)
    assert "skipped" not in container.reconciliation.run()


def test_a_run_that_found_something_is_remembered_and_counted(
    container: Container, new_part: Callable[..., int], query: Query
) -> None:
    query("UPDATE stock_levels SET current_stock = 3 WHERE part_id = :id", id=new_part())
    report = container.reconciliation.run()
    last = container.sync_control.status()["last_reconciliation"]
    assert last["found"] == report["found"]
    assert last["finished_at"] >= last["started_at"]


def test_a_price_edited_around_the_application_gets_a_version_an_event_and_an_audit_row(
    container: Container, new_part: Callable[..., int], deliver: Callable[[], None]
) -> None:
    part_id = new_part()
    deliver()
    with container.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO part_prices (part_id, currency, amount) VALUES (:part_id, 'EUR', 9.5)"), {"part_id": part_id}
        )
    found = 0
    while not found:
        found = container.reconciliation.run()["found"].get("price_row", 0)
    deliver()
    assert container.parts.admin.part(part_id)["price"]["version"] == 2
    assert container.parts.get_part_with_real_time_data(part_id).body["price"]["amount"] == "9.50"
    [row] = container.parts.admin.audit({"part_id": part_id, "table_name": "part_prices"}, None, 10).items
    assert row["reason"] == REASON
    assert row["old_values"] == {"prices": [], "version": 1}


def test_a_row_that_cannot_be_adopted_or_compared_is_reported_and_keeps_no_other_from_it(
    container: Container, new_part: Callable[..., int], deliver: Callable[[], None], query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    hopeless, unreadable, edited = new_part(stock=10), new_part(stock=10), new_part(stock=10)
    deliver()
    # Its next version would not fit its column; and an event that no release wrote.
    query("UPDATE stock_levels SET version = 2147483647, current_stock = 3 WHERE part_id = :id", id=hopeless)
    (kept,) = query(
        "SELECT id, payload FROM outbox_events WHERE aggregate_id = :id AND aspect = 'price'"
        " UNION ALL SELECT id, payload FROM outbox_events WHERE aggregate_id = :id AND aspect = 'content'",
        id=unreadable,
    )
    query("UPDATE outbox_events SET payload = '{\"broken\": true}' WHERE id = :id", id=kept["id"])
    query("UPDATE stock_levels SET current_stock = 3 WHERE part_id = ANY(:ids)", ids=[unreadable, edited])
    try:
        report = container.reconciliation.run()
        assert report["examples"]["not_adopted"] == [hopeless]
        assert report["examples"]["not_compared"] == [unreadable]
        assert found(report)["stock_row"] == 1
        assert container.parts.catalog.part(edited).body["stock"]["current_stock"] == 3
    finally:
        query("UPDATE stock_levels SET version = 1 WHERE part_id = :id", id=hopeless)
        query(
            "UPDATE outbox_events SET payload = CAST(:payload AS jsonb) WHERE id = :id",
            id=kept["id"],
            payload=jsonb(kept["payload"]),
        )
    assert found(container.reconciliation.run())["stock_row"] == 2


def test_wrong_counts_of_facets_are_found_and_put_right_category_by_category(
    container: Container, actor: Actor, new_part: Callable[..., int], query: Query, deliver: Callable[[], None]
) -> None:
    create = container.parts.create_category_with_sync
    categories = [create(Intent(actor), name, None, None)["id"] for name in ("Bolts", "Nuts")]
    for category in (*categories, None):
        new_part(category_id=category, manufacturer="Ferrum")
    deliver()
    # From the beginning.
    query("DELETE FROM sync_positions WHERE name = :name", name=reconcile.COUNTS)
    query("UPDATE group_changes SET change = 2 WHERE category_id IS NOT DISTINCT FROM :id", id=categories[1])
    query("UPDATE group_changes SET change = 3 WHERE category_id IS NULL AND manufacturer = 'Ferrum'")
    assert container.reconciliation.run(dry_run=True, seconds=60)["found"]["facet_counts"] == 2
    report = container.reconciliation.run(seconds=60)
    assert report["examples"]["facet_counts"] == [categories[1], None]
    subjects = [one["subject"] for one in report["explained"] if one["kind"] == "facet_counts"]
    assert subjects == [f"category {categories[1]}", "parts without a category"]
    assert container.reconciliation.run(seconds=60)["found"]["facet_counts"] == 0
