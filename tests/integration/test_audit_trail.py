"""The audit trail as a chain: many append concurrently without forking it, and it is verified against the table."""

import threading
from collections.abc import Callable
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app.container import Container
from app.contract.events import Actor
from app.contract.task_names import Effect
from app.services.intent import Intent
from app.store import audit, audit_chain, outbox

Query = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def trail(container: Container, actor: Actor, new_part: Callable[..., int], deliver: Callable[[], None]) -> list[int]:
    """The ids of one part's six consecutive rows at the end of the trail."""
    deliver()
    part_id = new_part()
    for delta in range(1, 5):
        container.parts.adjust_stock_with_sync(Intent(actor, reason="because"), part_id, delta)
    deliver()
    with container.reading.connect() as connection:
        rows = connection.execute(text("SELECT id FROM data_change_logs WHERE part_id = :id ORDER BY id"), {"id": part_id})
        return list(rows.scalars())


def broken(container: Container, noted: tuple[int, str] | None = None) -> list[str]:
    return list(audit_chain.verify(container.reading, noted).broken)


def head(container: Container) -> tuple[int, str]:
    found = audit_chain.verify(container.reading).head
    assert found.last_id is not None
    return found.last_id, found.last_hash


def test_the_trail_holds_after_all_kinds_of_changes_and_is_as_long_as_the_table(
    container: Container, trail: list[int], query: Query
) -> None:
    found = audit_chain.verify(container.reading)
    assert found.broken == []
    [counted] = query("SELECT count(*) AS n, max(id) AS last FROM data_change_logs")
    assert (found.length, found.head.last_id) == (counted["n"], counted["last"])
    assert audit_chain.verify_newest(container.reading, 3).length == 3
    assert audit_chain.verify_newest(container.reading, 3).broken == []
    container.reconciliation.run()
    chain = container.sync_control.status()["last_reconciliation"]["audit_chain"]
    assert (chain["verified_to"], chain["broken"]) == (found.head.last_id, [])


@pytest.mark.parametrize(
    ("statement", "says"),
    [
        ("UPDATE data_change_logs SET reason = 'forged' WHERE id = :id", "was changed"),
        ("UPDATE data_change_logs SET new_values = new_values || '{\"version\": 9}' WHERE id = :id", "was changed"),
        ("UPDATE data_change_logs SET changed_at = changed_at + interval '1 microsecond' WHERE id = :id", "was changed"),
        ("DELETE FROM data_change_logs WHERE id = :id", "rows between them are missing"),
        ("DELETE FROM data_change_logs WHERE id >= :id", "the tail is cut off"),
        ("UPDATE audit_chain SET last_hash = repeat('0', 64)", "the head's hash is not that of the last row"),
        (
            "INSERT INTO data_change_logs (event_id, table_name, record_id, operation, version, hash)"
            " VALUES (uuidv7(), 'parts', 1, 'UPDATE', 2, repeat('0', 64))",
            "inserted behind the head",
        ),
        ("DELETE FROM audit_chain", "the head is missing"),
    ],
)
def test_what_the_tables_owner_rewrites_is_found_by_a_whole_run_and_by_the_newest_rows(
    statement: str, says: str, container: Container, trail: list[int], rewrite: Callable[..., None]
) -> None:
    rewrite(statement, **({"id": trail[2]} if ":id" in statement else {}))
    assert any(says in place for place in broken(container))
    assert audit_chain.verify_newest(container.reading, 6).broken
    container.reconciliation.run()
    assert container.sync_control.status()["last_reconciliation"]["audit_chain"]["broken"]


def test_a_row_put_before_the_first_is_found(container: Container, trail: list[int], rewrite: Callable[..., None]) -> None:
    rewrite(
        "INSERT INTO data_change_logs (id, event_id, table_name, record_id, operation, version, hash)"
        " VALUES (-5, uuidv7(), 'parts', 1, 'UPDATE', 2, repeat('0', 64))"
    )
    assert "row -5 was inserted: the row after it continues the chain without it" in broken(container)


def test_a_head_that_was_noted_convicts_whoever_cuts_the_tail_and_mends_the_head(
    container: Container, trail: list[int], rewrite: Callable[..., None]
) -> None:
    noted = head(container)
    rewrite("DELETE FROM data_change_logs WHERE id = :id", id=noted[0])
    rewrite(
        "UPDATE audit_chain SET length = length - 1, (last_id, last_hash) = (SELECT id, hash FROM data_change_logs"
        " ORDER BY id DESC LIMIT 1)"
    )
    assert broken(container) == []
    assert broken(container, noted) == [f"row {noted[0]}, noted earlier as the head, is not part of the chain"]


def test_a_row_that_was_delivered_again_after_its_loss_stands_at_the_end_and_the_hole_is_reported(
    container: Container, trail: list[int], rewrite: Callable[..., None], deliver: Callable[[], None], query: Query
) -> None:
    [lost] = query("SELECT * FROM data_change_logs WHERE id = :id", id=trail[2])
    rewrite("DELETE FROM data_change_logs WHERE id = :id", id=trail[2])
    container.reconciliation.run()
    deliver()
    [again] = query("SELECT * FROM data_change_logs WHERE event_id = :id", id=lost["event_id"])
    assert again["id"] > trail[-1]
    assert {**again, "id": 0, "hash": ""} == {**lost, "id": 0, "hash": ""}
    assert f"row {trail[3]} does not follow row {trail[1]}" in broken(container)[0]


@pytest.mark.parametrize(
    ("table", "statement"),
    [
        *product(
            ("data_change_logs", "part_content_versions"), ("UPDATE {} SET part_id = part_id", "DELETE FROM {}", "TRUNCATE {}")
        ),
        *product(("audit_chain",), ("DELETE FROM {}", "TRUNCATE {}")),
    ],
)
def test_history_refuses_to_be_rewritten_by_the_applications_own_user(
    table: str, statement: str, container: Container, trail: list[int]
) -> None:
    with container.engine.connect() as connection, pytest.raises(ProgrammingError, match="is append-only"):
        connection.execute(text(statement.format(table)))


def test_workers_that_persist_the_same_and_other_events_at_once_make_one_chain(
    container: Container, actor: Actor, new_part: Callable[..., int], deliver: Callable[[], None], query: Query
) -> None:
    deliver()
    parts = [new_part() for _ in range(4)]
    for part_id in parts:
        for _ in range(15):
            container.parts.adjust_stock_with_sync(Intent(actor), part_id, 1)
    # Leased and never settled, as by a halted worker: the four threads write overlapping batches.
    claimed = outbox.claim(container.engine, Effect.PERSIST_AUDIT, 500)
    # Others have left events that nobody can write.
    batch = [delivery for delivery in claimed if delivery.aggregate_type == "part" and delivery.aggregate_id in parts]
    assert len(batch) >= 68
    barrier = threading.Barrier(4)
    failed: list[BaseException] = []

    def work(offset: int) -> None:
        try:
            barrier.wait()
            for start in range(0, len(batch), 10):
                chosen = batch[(start + offset) % len(batch) :][:20]
                with container.engine.begin() as connection:
                    audit.persist(connection, chosen)
        except BaseException as error:  # noqa: BLE001 — reported below, in the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in (0, 7, 19, 33)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert broken(container) == []
    ids = [delivery.event_id for delivery in batch]
    [counted] = query("SELECT count(*) AS n FROM data_change_logs WHERE event_id = ANY(:ids)", ids=ids)
    assert counted["n"] == len(batch)


def test_a_batch_with_an_event_that_cannot_be_written_is_taken_apart_and_the_chain_holds(
    container: Container, actor: Actor, new_part: Callable[..., int], deliver: Callable[[], None], query: Query
) -> None:
    deliver()
    part_id = new_part()
    container.parts.adjust_stock_with_sync(Intent(actor), part_id, 1)
    container.parts.adjust_stock_with_sync(Intent(actor), part_id, 1)
    poison = 'UPDATE outbox_events SET payload = payload || \'{"operation": "EXPLODE"}\' WHERE aggregate_id = :id AND version = 2'
    query(poison, id=part_id)
    deliver()
    [counted] = query("SELECT array_agg(version ORDER BY id) AS versions FROM data_change_logs WHERE part_id = :id", id=part_id)
    assert counted["versions"] == [1, 1, 3]
    assert broken(container) == []
    query('UPDATE outbox_events SET payload = payload || \'{"operation": "UPDATE"}\' WHERE aggregate_id = :id', id=part_id)
    query("UPDATE outbox_deliveries SET next_attempt_at = now() WHERE state = 'pending'")
    deliver()
    [counted] = query("SELECT array_agg(version ORDER BY id) AS versions FROM data_change_logs WHERE part_id = :id", id=part_id)
    assert counted["versions"] == [1, 1, 3, 2]
    assert broken(container) == []


def test_the_command_prints_the_head_and_ends_with_1_when_the_chain_is_broken(
    app: Flask, container: Container, trail: list[int], rewrite: Callable[..., None]
) -> None:
    runner = app.test_cli_runner()
    held = runner.invoke(args=["audit", "verify"])
    last_id, last_hash = head(container)
    assert held.exit_code == 0, held.output
    assert f"head {last_id}:{last_hash}" in held.output
    assert runner.invoke(args=["audit", "verify", "--from-head", f"{last_id}:{last_hash}"]).exit_code == 0
    assert runner.invoke(args=["audit", "verify", "--from-head", f"{last_id}:{'0' * 64}"]).exit_code == 1
    assert runner.invoke(args=["audit", "verify", "--from-head", "nonsense"]).exit_code == 2
    rewrite("UPDATE data_change_logs SET reason = 'forged' WHERE id = :id", id=trail[1])
    found = runner.invoke(args=["audit", "verify"])
    assert found.exit_code == 1
    assert f"row {trail[1]} was changed" in found.output


def test_reconciliation_tells_the_metrics_whether_the_trail_holds(
    container: Container, trail: list[int], rewrite: Callable[..., None], client: Any
) -> None:
    def shown() -> str:
        lines = client.get("/metrics").get_data(as_text=True).splitlines()
        return next(line.split()[-1] for line in lines if line.startswith("audit_chain_ok"))

    container.reconciliation.run()
    assert shown() == "1.0"
    rewrite("UPDATE data_change_logs SET reason = :reason WHERE id = :id", id=trail[1], reason=uuid4().hex)
    container.reconciliation.run()
    assert shown() == "0.0"
