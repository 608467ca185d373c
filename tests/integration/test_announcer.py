"""The process that commits tells open pages itself, and wakes a worker for what it cannot or should not tell."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from app.cache.manager import CacheUnavailableError
from app.container import Container
from app.contract.events import Actor
from app.contract.task_names import Effect
from app.domain.stock import adjust
from app.services.intent import Intent
from app.services.stock import adjust_stock
from app.store import outbox, stock
from app.store.locks import lock_stock
from app.store.transaction import CommittedEvent, TransactionManager, UnitOfWork
from app.sync import announcer
from app.sync.announcer import Announcer
from app.sync.publisher import BULK, EventPublisher, PublishError
from app.sync.wakeup import WakeUps
from bench.system import wait_until
from tests.integration.conftest import Broker

Query = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def untold(
    container: Container, actor: Actor, new_part: Callable[..., int], deliver: Callable[[], None], query: Query
) -> Iterator[Callable[[], int]]:
    """Two changes that pages have not been told of; the callable counts those left."""
    part = new_part()
    deliver()
    for _ in range(2):
        container.parts.adjust_stock_with_sync(Intent(actor, reason="counted"), part, 1)

    def left() -> int:
        [row] = query("SELECT count(*) AS n FROM outbox_deliveries WHERE effect = 'broadcast' AND state = 'pending'")
        return int(row["n"])

    assert left() == 2
    yield left
    deliver()


def test_broadcasts_are_delivered_without_a_worker_and_everything_else_is_not(
    container: Container, wake_ups: WakeUps, broker: Broker, untold: Callable[[], int]
) -> None:
    Announcer(container.deliveries, wake_ups).start()
    wake_ups.request([Effect.BROADCAST, Effect.PERSIST_AUDIT])
    assert wait_until(lambda: untold() == 0)
    assert wait_until(lambda: broker.taken == [Effect.PERSIST_AUDIT.task])


def test_a_backlog_is_left_to_a_worker(
    container: Container, wake_ups: WakeUps, broker: Broker, untold: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcer, "AT_ONCE", 1)
    Announcer(container.deliveries, wake_ups).announce()
    assert (untold(), broker.taken) == (1, [Effect.BROADCAST.task])


def test_what_a_process_fails_to_tell_is_left_to_a_worker(
    container: Container, wake_ups: WakeUps, broker: Broker, untold: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: object) -> None:
        raise RuntimeError("what nobody has thought of")

    monkeypatch.setattr("app.sync.delivery.outbox.claim", fails)
    Announcer(container.deliveries, wake_ups).announce()
    monkeypatch.undo()
    assert (untold(), broker.taken) == (2, [Effect.BROADCAST.task])


@dataclass
class Process:
    """A process that tells pages of its own commits. `tell` stands for its thread: it is called for what is claimed."""

    transactions: TransactionManager
    actor: Actor
    part: int
    claimed: list[CommittedEvent]

    def write(self, reason: str = "counted") -> None:
        """Change the part's stock."""
        adjust_stock(self.transactions, Intent(self.actor, reason=reason), self.part, 1)


@pytest.fixture
def process(container: Container, actor: Actor, new_part: Callable[..., int], deliver: Callable[[], None]) -> Iterator[Process]:
    part, claimed = new_part(), list[CommittedEvent]()
    deliver()

    def follow(committed: Sequence[CommittedEvent]) -> None:
        container.consistency.after_commit(committed, claimed.extend)

    yield Process(TransactionManager(container.engine, follow, tells=lambda events: events <= BULK), actor, part, claimed)
    deliver()


@pytest.fixture
def states(query: Query) -> Callable[[], dict[str, tuple[str, int, bool]]]:
    """Say of each live effect of the newest event: its state, its attempts, and whether it is leased."""

    def run() -> dict[str, tuple[str, int, bool]]:
        rows = query("""
            SELECT effect, state, attempts, COALESCE(leased_until > clock_timestamp(), false) AS is_leased
            FROM outbox_deliveries
            WHERE event_id = (SELECT max(id) FROM outbox_events) AND effect IN ('broadcast', 'invalidate_cache')
        """)
        return {row["effect"]: (row["state"], row["attempts"], row["is_leased"]) for row in rows}

    return run


def test_the_process_that_commits_claims_the_broadcast_by_writing_it(
    container: Container, process: Process, states: Callable[[], dict[str, tuple[str, int, bool]]], query: Query
) -> None:
    process.write()
    assert states()["broadcast"] == ("pending", 1, True)
    assert outbox.claim(container.engine, Effect.BROADCAST, 10) == []
    # The process is killed before it tells anybody.
    query("UPDATE outbox_deliveries SET leased_until = clock_timestamp() - interval '1 ms' WHERE leased_until IS NOT NULL")
    assert [one.attempts for one in outbox.claim(container.engine, Effect.BROADCAST, 10)] == [2]


def test_what_is_told_is_what_a_worker_would_tell(container: Container, process: Process, query: Query) -> None:
    process.write()
    query("UPDATE outbox_deliveries SET leased_until = clock_timestamp() - interval '1 ms' WHERE leased_until IS NOT NULL")
    [claimed] = outbox.claim(container.engine, Effect.BROADCAST, 10)
    own = outbox.own(process.claimed[0])
    # A worker reads more than what pages are told.
    assert {name: claimed.payload[name] for name in own.payload} == own.payload
    differing = {"payload": claimed.payload, "attempts": 2, "leased_until": claimed.leased_until, "is_invalidated": False}
    assert str(claimed.event_id) == own.event_id
    assert replace(own, **differing, is_own=False, event_id=claimed.event_id) == claimed


def test_its_own_events_are_told_and_settled_together_with_their_invalidation(
    container: Container, wake_ups: WakeUps, broker: Broker, process: Process, monkeypatch: pytest.MonkeyPatch,
    states: Callable[[], dict[str, tuple[str, int, bool]]],
) -> None:  # fmt: skip
    told: list[int] = []
    monkeypatch.setattr(EventPublisher, "_send", lambda _self, messages: told.append(len(messages.messages)))
    own = Announcer(container.deliveries, wake_ups)
    for _ in range(2):
        process.write()
    assert not own.tells(1)
    own.tell(process.claimed)
    own.tell_own()
    # One message for customers and one for staff: of the newest alone.
    assert (told, broker.taken) == ([2], [])
    assert states() == {"broadcast": ("done", 1, False), "invalidate_cache": ("done", 0, False)}


def test_a_started_announcer_tells_of_what_it_claims_until_too_much_waits(container: Container, wake_ups: WakeUps) -> None:
    own = Announcer(container.deliveries, wake_ups)
    own.start()
    assert (own.tells(1), own.tells(BULK), own.tells(BULK + 1)) == (True, True, False)


def test_a_channel_that_is_away_counts_no_attempt_whoever_has_claimed(
    container: Container, wake_ups: WakeUps, process: Process, monkeypatch: pytest.MonkeyPatch, query: Query
) -> None:
    def refuses(*_arguments: object) -> None:
        raise PublishError("away")

    monkeypatch.setattr(EventPublisher, "_send", refuses)
    own = Announcer(container.deliveries, wake_ups)
    for _ in range(2):
        process.write()
    own.tell(process.claimed)
    own.tell_own()
    rows = query(
        "SELECT attempts, leased_until, last_error FROM outbox_deliveries WHERE effect = 'broadcast' AND state = 'pending'"
    )
    assert rows == [{"attempts": 0, "leased_until": None, "last_error": "PublishError: away"}] * 2


def test_what_the_cache_has_not_confirmed_is_not_told_by_the_process_that_committed(
    container: Container, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_arguments: object) -> None:
        raise CacheUnavailableError("away")

    with monkeypatch.context() as away:
        away.setattr(container.cache, "invalidate", refuses)
        process.write()
    assert process.claimed == []


def test_a_bulk_is_left_to_whoever_is_free(
    container: Container, process: Process, states: Callable[[], dict[str, tuple[str, int, bool]]]
) -> None:
    def work(unit_of_work: UnitOfWork) -> None:
        unit_of_work.is_bulk = True
        row = lock_stock(unit_of_work, process.part)
        stock.save(unit_of_work, row, adjust(stock.stock_of(row), 1), None)

    process.transactions.run(process.actor, work)
    assert (states()["broadcast"], process.claimed) == (("pending", 0, False), [])
