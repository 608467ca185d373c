"""Deliveries in PostgreSQL: leased by one, settled once, postponed, buried, replayed, pruned."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import text

from app.cache.manager import CacheUnavailableError
from app.container import Container
from app.contract.events import Actor
from app.contract.task_names import Effect
from app.domain.retry import RetryPolicy
from app.services.intent import Intent
from app.store import outbox, reconciliation
from app.store.database import single_statements
from app.sync import prune as prune_module
from app.sync.delivery import DeliveryService
from app.sync.effects import Handler
from app.sync.prune import prune

Query = Callable[..., list[dict[str, Any]]]
AUDIT = Effect.PERSIST_AUDIT


@pytest.fixture(autouse=True)
def _nothing_owed(container: Container, query: Query) -> None:
    """Begin with an empty outbox, so that a claim finds this test's events only, and none that another test has postponed."""
    # Not marked as done: they have left no records, which reconciliation would miss.
    query("DELETE FROM outbox_deliveries WHERE state = 'pending'")


@pytest.fixture
def owed(new_part: Callable[..., int], query: Query) -> Callable[[int], list[int]]:
    """Make `count` due audit deliveries and return their event ids."""

    def make(count: int) -> list[int]:
        parts = [new_part() for _ in range((count + 1) // 2)]
        rows = query(
            "SELECT id FROM outbox_events WHERE aggregate_type = 'part' AND aggregate_id = ANY(:parts) ORDER BY id", parts=parts
        )
        ids = [row["id"] for row in rows]
        query("DELETE FROM outbox_deliveries WHERE event_id = ANY(:ids)", ids=ids[count:])
        return ids[:count]

    return make


def delivery(query: Query, event_id: int, effect: Effect = AUDIT) -> dict[str, Any]:
    (row,) = query(
        "SELECT *, next_attempt_at > clock_timestamp() AS waits FROM outbox_deliveries WHERE event_id = :id AND effect = :effect",
        id=event_id, effect=effect,
    )  # fmt: skip
    return row


def make_due(query: Query, ids: list[int]) -> None:
    query("UPDATE outbox_deliveries SET next_attempt_at = clock_timestamp() WHERE event_id = ANY(:ids)", ids=ids)


@contextmanager
def service(container: Container, handler: Handler) -> Iterator[DeliveryService]:
    yield DeliveryService(container.engine, {AUDIT: handler}, container.monitoring)


def test_a_claim_leases_the_oldest_due_deliveries_with_all_that_the_effect_needs(
    container: Container, owed: Callable[[int], list[int]], query: Query
) -> None:
    ids = owed(4)
    claimed = outbox.claim(container.engine, AUDIT, 3)
    assert [one.id for one in claimed] == ids[:3]
    assert [one.attempts for one in claimed] == [1, 1, 1]
    assert claimed[0].payload["new_values"]["part_name"] == "Test part"
    assert [one.id for one in outbox.claim(container.engine, AUDIT, 10)] == ids[3:]
    assert outbox.claim(container.engine, AUDIT, 10) == []


def test_all_of_a_claim_carries_one_lease(container: Container, owed: Callable[[int], list[int]]) -> None:
    owed(6)
    assert len({one.leased_until for one in outbox.claim(container.engine, AUDIT, 10)}) == 1


def test_two_claimers_side_by_side_never_get_the_same_delivery_and_never_wait_for_each_other(
    container: Container, owed: Callable[[int], list[int]]
) -> None:
    ids = owed(60)
    start = Barrier(4)

    def claim(_number: int) -> list[int]:
        start.wait()
        taken: list[int] = []
        while batch := outbox.claim(container.engine, AUDIT, 5):
            taken += [one.id for one in batch]
        return taken

    with ThreadPoolExecutor(4) as pool:
        taken = [event_id for batch in pool.map(claim, range(4)) for event_id in batch]
    assert sorted(taken) == sorted(set(taken))
    assert set(taken) <= set(ids)
    # A claimer that finds every due row locked by others stops; the rest stays due for the next one.
    assert set(taken) | {one.id for one in outbox.claim(container.engine, AUDIT, 100)} == set(ids)


def test_a_claim_passes_over_what_another_transaction_holds(container: Container, owed: Callable[[int], list[int]]) -> None:
    ids = owed(2)
    with container.engine.connect() as other:
        other.execute(text("SELECT FROM outbox_deliveries WHERE event_id = :id FOR UPDATE"), {"id": ids[0]})
        assert [one.id for one in outbox.claim(container.engine, AUDIT, 10)] == ids[1:]


def test_an_expired_lease_is_taken_over_and_the_first_holder_can_no_longer_postpone_or_bury(
    container: Container, owed: Callable[[int], list[int]], query: Query
) -> None:
    (event_id,) = owed(1)
    (first,) = outbox.claim(container.engine, AUDIT, 1, lease=-1)
    (second,) = outbox.claim(container.engine, AUDIT, 1)
    assert (second.id, second.attempts) == (event_id, 2)
    with container.engine.begin() as connection:
        outbox.postpone(connection, AUDIT, first, 60, "too late")
        outbox.postpone_all(connection, AUDIT, [first], 60, "too late")
        outbox.bury(connection, AUDIT, first, "too late")
    row = delivery(query, event_id)
    assert (row["state"], row["leased_until"], row["last_error"]) == ("pending", second.leased_until, None)


def test_what_waits_for_a_time_before_the_clock_was_set_back_is_due_at_once(
    container: Container, owed: Callable[[int], list[int]], query: Query
) -> None:
    waiting, leased, both, later = owed(4)
    ahead = "clock_timestamp() + interval '1 hour'"
    # A sweep of the application's own may come between any two statements.
    query(f"UPDATE outbox_deliveries SET next_attempt_at = {ahead} WHERE event_id = :id", id=waiting)
    query(f"UPDATE outbox_deliveries SET leased_until = {ahead} WHERE event_id = :id", id=leased)
    query(f"UPDATE outbox_deliveries SET next_attempt_at = {ahead}, leased_until = {ahead} WHERE event_id = :id", id=both)
    query("UPDATE outbox_deliveries SET next_attempt_at = clock_timestamp() + interval '1 minute' WHERE event_id = :id", id=later)
    container.consistency.sweep()
    assert [one.id for one in outbox.claim(container.engine, AUDIT, 10)] == [waiting, leased, both]


def test_what_was_leased_before_the_clock_was_set_back_is_overdue(
    container: Container, owed: Callable[[int], list[int]], query: Query
) -> None:
    (event_id,) = owed(1)
    since = "next_attempt_at = clock_timestamp() - interval '1 minute'"
    for lease, is_overdue in (("1 hour", True), ("2 seconds", False), ("-1 second", True)):
        query(
            f"UPDATE outbox_deliveries SET {since}, leased_until = clock_timestamp() + interval '{lease}' WHERE event_id = :id",
            id=event_id,
        )
        with single_statements(container.engine).connect() as connection:
            assert (AUDIT in outbox.overdue(connection, 30).effects) == is_overdue


def test_settling_says_which_deliveries_were_not_done_before(
    container: Container, owed: Callable[[int], list[int]], query: Query
) -> None:
    ids = owed(2)
    with container.engine.begin() as connection:
        assert outbox.settle(connection, AUDIT, ids[:1]).keys() == set(ids[:1])
        assert outbox.settle(connection, AUDIT, ids).keys() == set(ids[1:])
    row = delivery(query, ids[0])
    assert row["state"] == "done"
    assert row["done_at"] is not None


def test_a_poisoned_event_backs_off_alone_while_the_others_of_its_batch_are_delivered(
    container: Container, owed: Callable[[int], list[int]], query: Query, deliver: Callable[[], None]
) -> None:
    ids = owed(6)
    query("UPDATE outbox_events SET payload = payload - 'table_name' WHERE id = :id", id=ids[2])
    deliver()
    states = {event_id: delivery(query, event_id) for event_id in ids}
    assert [states[event_id]["state"] for event_id in ids] == ["done", "done", "pending", "done", "done", "done"]
    poisoned = states[ids[2]]
    assert (poisoned["attempts"], poisoned["leased_until"], poisoned["waits"]) == (1, None, True)
    assert "KeyError" in poisoned["last_error"]
    written = query(
        "SELECT count(*) FROM data_change_logs l JOIN outbox_events e USING (event_id) WHERE e.id = ANY(:ids)", ids=ids
    )
    assert written == [{"count": 5}]


def test_a_record_is_a_dead_letter_after_twelve_failures_and_delivered_when_replayed_after_the_repair(
    container: Container, actor: Actor, owed: Callable[[int], list[int]], query: Query, deliver: Callable[[], None]
) -> None:
    (event_id,) = owed(1)
    (before,) = query("SELECT payload FROM outbox_events WHERE id = :id", id=event_id)
    query("UPDATE outbox_events SET payload = payload - 'table_name' WHERE id = :id", id=event_id)
    for attempt in range(1, 13):
        assert delivery(query, event_id)["state"] == "pending", attempt
        make_due(query, [event_id])
        container.deliveries.deliver(AUDIT)
        assert delivery(query, event_id)["attempts"] == attempt
    assert delivery(query, event_id)["state"] == "dead"
    letters = container.sync_control.dead_letters((0, ""), 1000)
    (letter,) = (letter for letter in letters if letter["id"] == event_id)
    assert "KeyError" in letter["last_error"]
    assert [failure["attempt"] for failure in letter["failures"]] == list(range(1, 13))
    assert {failure["error"] for failure in letter["failures"]} == {letter["last_error"]}
    assert [failure["at"] for failure in letter["failures"]] == sorted(failure["at"] for failure in letter["failures"])

    query(
        "UPDATE outbox_events SET payload = jsonb_set(payload, '{table_name}', to_jsonb(CAST(:name AS text))) WHERE id = :id",
        name=before["payload"]["table_name"], id=event_id,
    )  # fmt: skip
    assert container.sync_control.replay(Intent(actor), event_id) == 1
    deliver()
    assert delivery(query, event_id)["state"] == "done"
    (event_uuid,) = query("SELECT CAST(event_id AS text) AS id FROM outbox_events WHERE id = :id", id=event_id)
    effect = container.sync_control.journey(event_uuid["id"])["effects"][AUDIT]
    assert (effect["state"], effect["attempts"], effect["last_error"], len(effect["failures"])) == ("done", 1, None, 12)


def test_what_waits_for_another_attempt_and_what_has_failed_lately_is_counted(
    container: Container, owed: Callable[[int], list[int]], query: Query
) -> None:
    def figures() -> tuple[int, int]:
        row = container.sync_control.status()["effects"][AUDIT]
        return row["retries"], row["failures"]

    before = figures()
    assert before[0] == 0
    owed(5)
    first, outage, foreign, under_way, crashed = outbox.claim(container.engine, AUDIT, 5)
    with container.reading.connect() as connection:
        outbox.postpone(connection, AUDIT, first, 60, "KeyError: 'sku'")
        outbox.postpone_all(connection, AUDIT, [outage], 60, "the database is away")
        outbox.postpone_all(connection, AUDIT, [foreign], 60, "written by a newer release", has_failed=False)
    query("UPDATE outbox_deliveries SET leased_until = now() - interval '1 second' WHERE event_id = :id AND effect = :effect",
          id=crashed.id, effect=AUDIT)  # fmt: skip
    # The one that failed and the one whose worker was killed; the outage has failed, too, but its attempt does not count.
    assert figures() == (2, before[1] + 2)
    with container.reading.connect() as connection:
        outbox.settle(connection, AUDIT, [first.id, under_way.id])
    assert figures() == (1, before[1] + 2)
    query("UPDATE outbox_deliveries SET failed_at = failed_at - interval '1 hour' WHERE failed_at IS NOT NULL")
    assert figures() == (1, 0)


def test_the_latest_twelve_failures_are_kept_and_an_outage_is_none_of_them(
    container: Container, owed: Callable[[int], list[int]], query: Query
) -> None:
    ids = owed(2)

    def claimed() -> Any:
        make_due(query, ids[:1])
        return next(one for one in outbox.claim(container.engine, AUDIT, 2) if one.id == ids[0])

    with container.reading.connect() as connection:
        for number in range(14):
            outbox.postpone(connection, AUDIT, claimed(), 0, f"error {number}")
        outbox.postpone_all(connection, AUDIT, [claimed()], 0, "the database is away")
    (row,) = query("SELECT failures, last_error, attempts FROM outbox_deliveries WHERE event_id = :id AND effect = :effect",
                   id=ids[0], effect=AUDIT)  # fmt: skip
    assert [failure["error"] for failure in row["failures"]] == [f"error {number}" for number in range(2, 14)]
    assert (row["failures"][-1]["attempt"], row["attempts"], row["last_error"]) == (14, 14, "the database is away")
    nothing = query("SELECT failures, failed_at FROM outbox_deliveries WHERE event_id = :id AND effect = :effect",
                    id=ids[1], effect=AUDIT)  # fmt: skip
    assert nothing == [{"failures": None, "failed_at": None}]


def test_an_invalidation_never_gives_up(container: Container, owed: Callable[[int], list[int]], query: Query) -> None:
    """Its policy has no limit; shown with the same service that buries others."""
    (event_id,) = owed(1)
    query("UPDATE outbox_deliveries SET attempts = 500 WHERE event_id = :id", id=event_id)

    def fails(_batch: object) -> None:
        raise ValueError("bad event")

    with service(container, Handler(RetryPolicy(gives_up_after=None, longest_delay=5), apply=fails)) as deliveries:
        deliveries.deliver(AUDIT)
    row = delivery(query, event_id)
    assert (row["state"], row["attempts"]) == ("pending", 501)


def test_an_outage_postpones_the_whole_batch_and_counts_no_attempt(
    container: Container, owed: Callable[[int], list[int]], query: Query
) -> None:
    ids = owed(5)

    def away(_batch: object) -> None:
        raise CacheUnavailableError("away")

    with service(container, Handler(RetryPolicy(gives_up_after=1), apply=away)) as deliveries:
        for _ in range(3):
            make_due(query, ids)
            deliveries.deliver(AUDIT)
    for event_id in ids:
        row = delivery(query, event_id)
        assert (row["state"], row["attempts"], row["leased_until"], row["waits"]) == ("pending", 0, None, True), event_id
        assert "away" in row["last_error"]


def test_an_effect_and_its_settlement_become_true_together(
    container: Container, owed: Callable[[int], list[int]], query: Query
) -> None:
    (event_id,) = owed(1)

    def writes_and_fails(connection: Any, _batch: object) -> None:
        connection.execute(text("UPDATE outbox_events SET request_id = 'half' WHERE id = :id"), {"id": event_id})
        raise ValueError("in the middle")

    with service(container, Handler(RetryPolicy(gives_up_after=12), record=writes_and_fails)) as deliveries:
        deliveries.deliver(AUDIT)
    assert delivery(query, event_id)["state"] == "pending"
    assert query("SELECT 1 AS x FROM outbox_events WHERE id = :id AND request_id = 'half'", id=event_id) == []


def test_deliveries_that_nobody_works_on_are_overdue(
    container: Container, owed: Callable[[int], list[int]], query: Query
) -> None:
    (event_id,) = owed(1)
    with container.reading.connect() as connection:
        assert AUDIT not in outbox.overdue(connection, 60).effects
        query("UPDATE outbox_deliveries SET next_attempt_at = now() - interval '2 minutes' WHERE event_id = :id", id=event_id)
        assert AUDIT in outbox.overdue(connection, 60).effects
        outbox.claim(container.engine, AUDIT, 1)
        assert AUDIT not in outbox.overdue(connection, 60).effects


def test_any_number_of_dead_letters_is_replayed_some_at_a_time(
    container: Container, actor: Actor, owed: Callable[[int], list[int]], query: Query, statements: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    ids = owed(5)
    query("UPDATE outbox_deliveries SET state = 'dead' WHERE event_id = ANY(:ids) AND effect = :effect", ids=ids, effect=AUDIT)
    monkeypatch.setattr(outbox, "REPLAYED_AT_ONCE", 2)
    with statements() as executed:
        assert container.sync_control.replay(Intent(actor)) == 5
    assert sum("state = 'dead'" in statement for statement in executed) == 4
    assert [delivery(query, event_id)["state"] for event_id in ids] == ["pending"] * 5


def test_any_number_of_dead_letters_is_discarded_some_at_a_time_and_audited_once(
    container: Container, actor: Actor, owed: Callable[[int], list[int]], query: Query, statements: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    ids = owed(5)
    query("UPDATE outbox_deliveries SET state = 'dead' WHERE event_id = ANY(:ids) AND effect = :effect", ids=ids, effect=AUDIT)
    monkeypatch.setattr(outbox, "REPLAYED_AT_ONCE", 2)
    monkeypatch.setattr(outbox, "NAMED", 3)
    with statements() as executed:
        assert container.sync_control.discard(Intent(actor), "because") == 5
    assert sum("state = 'dead'" in statement for statement in executed) == 4
    assert [delivery(query, event_id)["state"] for event_id in ids] == ["discarded"] * 5
    (told,) = query("SELECT payload FROM outbox_events WHERE type = 'dead_letters.discarded' ORDER BY id DESC LIMIT 1")
    assert told["payload"]["new_values"]["deliveries"] == {AUDIT: 5}
    assert len(told["payload"]["new_values"]["event_ids"]) == 3


def test_pruning_keeps_the_newest_event_of_every_aspect_and_whatever_is_still_owed(
    container: Container, actor: Any, new_part: Callable[..., int], deliver: Callable[[], None], query: Query
) -> None:
    part_id, owing = new_part(), new_part()
    for _ in range(3):
        container.parts.adjust_stock_with_sync(Intent(actor), part_id, 1)
        container.parts.adjust_stock_with_sync(Intent(actor), owing, 1)
    deliver()
    query(
        "UPDATE outbox_events SET created_at = created_at - interval '20 days' WHERE aggregate_id = ANY(:ids)",
        ids=[part_id, owing],
    )
    query(
        "UPDATE outbox_deliveries SET state = 'dead' WHERE effect = 'broadcast' AND event_id IN"
        " (SELECT id FROM outbox_events WHERE aggregate_id = :id AND aspect = 'stock' AND version = 2)", id=owing,
    )  # fmt: skip
    prune(container.engine)

    def left(id_: int) -> list[tuple[str, int]]:
        rows = query(
            "SELECT aspect, version FROM outbox_events WHERE aggregate_type = 'part' AND aggregate_id = :id ORDER BY 1, 2", id=id_
        )
        return [(row["aspect"], row["version"]) for row in rows]

    assert left(part_id) == [("content", 1), ("stock", 4)]
    assert left(owing) == [("content", 1), ("stock", 2), ("stock", 4)]
    # What was still owed goes in the next round, once it is delivered or discarded.
    assert container.sync_control.discard(Intent(actor), "because", effect="broadcast") == 1
    prune(container.engine)
    assert left(owing) == [("content", 1), ("stock", 2), ("stock", 4)]
    query("UPDATE sync_positions SET round_began_at = now() - interval '8 days' WHERE name = 'prune'")
    prune(container.engine)
    assert left(owing) == [("content", 1), ("stock", 4)]


def test_pruning_looks_at_each_old_event_once_whatever_stays(
    container: Container, new_part: Callable[..., int], deliver: Callable[[], None], query: Query,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    parts = [new_part() for _ in range(6)]
    deliver()
    query("UPDATE outbox_events SET created_at = created_at - interval '20 days' WHERE aggregate_id = ANY(:ids)", ids=parts)
    batches: list[int | None] = []
    delete = outbox.prune

    def counted(*arguments: Any) -> int | None:
        batches.append(delete(*arguments))
        return batches[-1]

    monkeypatch.setattr(outbox, "prune", counted)
    monkeypatch.setattr(prune_module, "BATCH", 5)
    assert not prune(container.engine)
    assert len(batches) > 2
    assert batches[-1] is None
    batches.clear()
    assert not prune(container.engine)
    assert batches == [None]


def test_a_run_of_pruning_ends_with_its_budget_and_the_next_one_goes_on(
    container: Container, new_part: Callable[..., int], deliver: Callable[[], None], query: Query,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    part_id = new_part()
    deliver()
    query("UPDATE outbox_events SET created_at = created_at - interval '20 days' WHERE aggregate_id = :id", id=part_id)
    place = "SELECT position FROM sync_positions WHERE name = 'prune'"
    prune(container.engine)
    before = query(place)
    monkeypatch.setattr(prune_module, "BUDGET", 0.0)
    new_part()
    assert prune(container.engine)
    assert query(place) == before
    monkeypatch.undo()
    assert not prune(container.engine)


def test_what_has_piled_up_behind_one_event_is_pruned_in_portions(
    container: Container, actor: Any, new_part: Callable[..., int], deliver: Callable[[], None], query: Query
) -> None:
    part_id = new_part()
    for _ in range(12):
        container.parts.adjust_stock_with_sync(Intent(actor), part_id, 1)
    deliver()
    (last,) = query("SELECT max(id) AS id FROM outbox_events")
    left = "SELECT count(*) AS n FROM outbox_events WHERE aggregate_id = :id AND aspect = 'stock'"
    with container.engine.begin() as connection:
        # Behind one event are twelve others, of which a batch of two takes ten.
        assert outbox.prune(connection, last["id"] - 1, last["id"], 2) == last["id"] - 1
    assert query(left, id=part_id) == [{"n": 3}]
    with container.engine.begin() as connection:
        assert outbox.prune(connection, last["id"] - 1, last["id"], 2) == last["id"]
    assert query(left, id=part_id) == [{"n": 1}]


def test_latencies_are_of_a_window_that_the_answer_names_and_not_of_what_was_slow_before(
    container: Container, owed: Callable[[int], list[int]], query: Query
) -> None:
    query("UPDATE outbox_deliveries SET done_at = now() - interval '1 hour' WHERE done_at > now() - interval '1 hour'")
    ids = owed(8)
    done = """
        UPDATE outbox_deliveries
        SET state = 'done', created_at = now() - make_interval(secs => :ago) - make_interval(secs => :took),
            done_at = now() - make_interval(secs => :ago)
        WHERE effect = :effect AND event_id = ANY(:ids)
    """
    before = container.sync_control.status()["effects"][AUDIT]["latency_ms"]
    assert before == {"p50": None, "p95": None, "p99": None, "deliveries": 0}
    # An import an hour ago, whose records were written ten seconds late, and four changes since.
    query(done, ago=3600, took=10, effect=AUDIT, ids=ids[:4])
    query(done, ago=60, took=0.02, effect=AUDIT, ids=ids[4:])
    status = container.sync_control.status()
    assert status["window_seconds"] == 900
    assert status["effects"][AUDIT]["latency_ms"] == {"p50": 20.0, "p95": 20.0, "p99": 20.0, "deliveries": 4}
    # A delivery owed for an hour and made now counts in the current window.
    query(done, ago=1, took=3600, effect=AUDIT, ids=ids[:4])
    latency = container.sync_control.status()["effects"][AUDIT]["latency_ms"]
    assert (latency["deliveries"], latency["p99"]) == (8, 3_600_000.0)


def test_what_a_shop_was_filled_with_before_it_opened_is_no_latency_of_it(
    container: Container, owed: Callable[[int], list[int]], query: Query
) -> None:
    query("UPDATE outbox_deliveries SET done_at = now() - interval '1 hour' WHERE done_at > now() - interval '1 hour'")
    filled = owed(3)
    run = reconciliation.begin_run(container.engine, "fill", dry_run=False)
    reconciliation.finish_run(container.engine, run, {})
    changed = owed(2)
    query("UPDATE outbox_deliveries SET state = 'done', done_at = now() WHERE event_id = ANY(:ids)", ids=filled + changed)
    latencies = [figures["latency_ms"]["deliveries"] for figures in container.sync_control.status()["effects"].values()]
    query("DELETE FROM sync_runs WHERE id = :id", id=run)
    assert max(latencies) == 2
