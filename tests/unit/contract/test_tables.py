"""Tables of the contract: effects of events, queues of tasks, keys of the cache, cursors, and what customers are told."""

from datetime import UTC, datetime

import pytest
from werkzeug.exceptions import BadRequest

from app.api.rendering import Cursors
from app.contract import cache_keys
from app.contract.effects import EFFECTS, table
from app.contract.events import Aspect, EventType
from app.contract.formats import rfc3339
from app.contract.task_names import LIVE_QUEUE, PRUNE, RECONCILE, RECORDS_QUEUE, Effect, queue_of
from app.store.outbox import Delivery
from app.store.paging import Position
from app.sync.publisher import customer_event


def test_every_event_is_audited_and_invalidates_before_it_is_broadcast() -> None:
    for kind in EventType:
        effects = EFFECTS[kind]
        assert Effect.PERSIST_AUDIT in effects
        if Effect.BROADCAST in effects:
            assert effects.index(Effect.INVALIDATE_CACHE) < effects.index(Effect.BROADCAST)
        assert len(set(effects)) == len(effects)


def test_exactly_the_events_of_a_parts_content_are_snapshot() -> None:
    snapshots = {kind for kind, effects in EFFECTS.items() if Effect.SNAPSHOT_CONTENT in effects}
    assert snapshots == {EventType.PART_CREATED, EventType.CONTENT_UPDATED, EventType.PART_DELETED, EventType.PART_RESTORED}


def test_whatever_is_invalidated_is_purged_where_there_is_an_edge() -> None:
    assert table(has_edge=False) == EFFECTS
    behind = table(has_edge=True)
    assert behind.keys() == EFFECTS.keys()
    for kind, effects in behind.items():
        purged = (Effect.PURGE_EDGE,) if Effect.INVALIDATE_CACHE in effects else ()
        assert effects == (*EFFECTS[kind], *purged)


def test_customers_never_wait_behind_records() -> None:
    live = {"sync.invalidate_cache", "sync.broadcast"}
    records = {"sync.persist_audit", "sync.snapshot_content", "sync.purge_edge", RECONCILE, PRUNE}
    assert {queue_of(task) for task in live} == {LIVE_QUEUE}
    assert {queue_of(task) for task in records} == {RECORDS_QUEUE}
    assert {effect.task for effect in Effect} <= live | records


@pytest.mark.parametrize("aspect", Aspect)
def test_every_key_of_a_part_says_which_part_and_aspect_it_belongs_to(aspect: Aspect) -> None:
    for key in cache_keys.aspect_keys(17, aspect):
        assert cache_keys.parse_part_key(key) == (17, aspect)


def test_moments_are_written_in_utc_with_all_digits_so_that_text_order_is_time_order() -> None:
    assert rfc3339(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)) == "2026-01-02T03:04:05.000000Z"


def test_a_cursor_comes_back_as_it_was_written() -> None:
    cursors, position = Cursors("secret"), Position("Ünï", 7)
    assert cursors.read("parts name", cursors.write("parts name", position)) == position
    assert cursors.write("parts name", None) is None
    assert cursors.read("parts name", None) is None


def test_a_cursor_that_was_mutated_forged_or_made_for_another_list_is_refused() -> None:
    good = Cursors("secret").write("parts name", Position("a", 7))
    assert good is not None
    mutated = [good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :] for at in range(len(good) - 1)]
    foreign = [Cursors("other").write("parts name", Position("a", 7)), Cursors("secret").write("parts price", Position("a", 7))]
    for cursor in [*mutated, *foreign, "", ".", "x", "\x00", "é"]:
        with pytest.raises(BadRequest):
            Cursors("secret").read("parts name", cursor)


def told(aspect: Aspect, *steps: tuple[bool, bool], kind: EventType = EventType.CONTENT_UPDATED) -> EventType | None:
    """What customers are told of successive events, each (was public, is public)."""
    return customer_event(
        [
            Delivery(
                n,
                "",
                "part",
                1,
                aspect,
                kind,
                n,
                {"was_public": was, "public": {} if now else None},
                None,
                None,
                datetime.now(UTC),
            )
            for n, (was, now) in enumerate(steps, 1)
        ]
    )


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([(True, True)], EventType.CONTENT_UPDATED),
        ([(True, False)], EventType.PART_DELETED),
        ([(False, False)], None),
        ([(False, True)], EventType.PART_RESTORED),
        ([(True, False), (False, True)], EventType.PART_RESTORED),
        ([(True, True), (True, False)], EventType.PART_DELETED),
        ([(False, True), (True, False)], EventType.PART_DELETED),
        ([(True, True), (True, True)], EventType.CONTENT_UPDATED),
        ([(False, False), (False, True), (True, True)], EventType.PART_RESTORED),
    ],
)
def test_customers_are_told_what_the_events_together_mean_for_what_they_may_see(
    steps: list[tuple[bool, bool]], expected: EventType | None
) -> None:
    assert told(Aspect.CONTENT, *steps) is expected


@pytest.mark.parametrize(("aspect", "kind"), [(Aspect.STOCK, EventType.STOCK_UPDATED), (Aspect.PRICE, EventType.PRICE_UPDATED)])
def test_stock_and_prices_of_hidden_parts_are_nobodys_business(aspect: Aspect, kind: EventType) -> None:
    assert told(aspect, (True, True), kind=kind) is kind
    assert told(aspect, (True, True), (False, False), kind=kind) is None
