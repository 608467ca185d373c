"""The unit of work: a change and its events become true together, or not at all.

`record` is the only way to announce a change. Whoever opens a unit of work gets what follows a commit (`on_commit`) for free,
so that no caller can forget to invalidate a cache or to wake the worker.
"""

import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast

import structlog
from psycopg import errors as pg
from sqlalchemy import Connection, CursorResult, Engine, Executable, TextClause, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app import tracing
from app.contract.effects import EFFECTS
from app.contract.events import Actor, Event, EventType, Origin
from app.contract.task_names import Effect
from app.domain.errors import DatabaseConsistencyError
from app.store import idempotency
from app.store.database import run_directly, single_statements
from app.store.encoding import jsonb
from app.store.idempotency import KeyedCall
from app.store.payload import packed

log = structlog.get_logger()
T = TypeVar("T")

RETRIES = 3
# How long the records of a bulk wait, in seconds.
RECORDS_WAIT = 10.0
# For so many seconds a process that has committed has its pages to itself. One that is killed delays them no longer than it takes
# others to see that nobody has begun (`consistency.OVERDUE_AFTER`).
OWN_LEASE = 1.0
_RECORDS = [str(Effect.PERSIST_AUDIT), str(Effect.SNAPSHOT_CONTENT)]
# Events that one statement writes: deleting a category may have ten thousand, and no statement may take five seconds.
EVENTS_AT_ONCE = 1000

# One statement for any number of events; per event the deliveries that its type owes.
_EVENTS = """
    inserted AS (
        INSERT INTO outbox_events (aggregate_type, aggregate_id, aspect, type, version, payload, actor_id, request_id)
        SELECT aggregate_type, aggregate_id, aspect, type, version, payload, :actor_id, :request_id
        FROM {after}jsonb_to_recordset(CAST(:events AS jsonb))
          AS e(aggregate_type text, aggregate_id int, aspect text, type text, version int, payload jsonb)
        RETURNING id, event_id, aggregate_type, aggregate_id, aspect, type, version, created_at
    ), owed AS (
        INSERT INTO outbox_deliveries (event_id, effect, next_attempt_at, attempts, leased_until)
        SELECT i.id, effect,
               clock_timestamp() + make_interval(secs => CASE WHEN effect = ANY(:records) THEN :records_wait ELSE 0 END),
               CASE WHEN effect = :told THEN 1 ELSE 0 END,
               CASE WHEN effect = :told THEN now() + make_interval(secs => :lease) END
        FROM inserted i CROSS JOIN LATERAL jsonb_array_elements_text(CAST(:effects AS jsonb) -> i.type) AS effect
    )
    SELECT id, CAST(event_id AS text) AS event_id, aggregate_type, aggregate_id, aspect, version, created_at,
           now() + make_interval(secs => :lease) AS leased_until
    FROM inserted
"""
_INSERT_EVENTS = text("WITH" + _EVENTS.format(after=""))
# Where the ids of the events go that the present request commits, if it asked for them.
_NOTED: ContextVar[list[str] | None] = ContextVar("noted events", default=None)


@dataclass(frozen=True, slots=True)
class CommittedEvent:
    """An event that is true now, and who made it; `event_id` is its name outside of the database.

    Until `leased_until` nobody but this process tells pages of it; None if anybody may. `traceparent` as in `outbox.Delivery`.
    """

    id: int
    event_id: str
    created_at: datetime
    event: Event
    actor: Actor
    leased_until: datetime | None
    traceparent: str | None


OnCommit = Callable[[Sequence[CommittedEvent]], None]
# Whether this process will itself tell pages of so many events that it is about to commit.
Tells = Callable[[int], bool]


class OvertakenError(Exception):
    """The row that was to be written is no longer the one that was read."""


def announced(statement: str) -> TextClause:
    """Return a statement that writes one row, made to write its event in the same round trip (`UnitOfWork.save`)."""
    return text(f"WITH written AS ({statement} RETURNING 1)," + _EVENTS.format(after="written CROSS JOIN "))


def note_events() -> list[str]:
    """Return a list to which the ids of the events are added that are committed from now on in this context (`contextvars`)."""
    noted: list[str] = []
    _NOTED.set(noted)
    return noted


class UnitOfWork:
    """One open transaction. Leaving it without `commit` rolls back.

    Args:
        effects: what each kind of event owes, as JSON.
        tells: see `TransactionManager`.
        locks: whether it keeps the rows that it reads from changing. If not, each statement is a transaction of its own, and what
            `save` writes must compare the row with the one that was read.
    """

    def __init__(self, connection: Connection, actor: Actor, effects: str, tells: Tells, *, locks: bool = True) -> None:
        self.connection = connection
        self.actor = actor
        self.locks = locks
        self._effects = effects
        self._tells = tells
        self._put_off: list[Callable[[], object]] = []
        self._saved: list[tuple[TextClause, dict[str, Any], Event, dict[str, Any]]] = []
        self._events: list[Event] = []
        self._rows: list[dict[str, Any]] = []
        self._written: list[CommittedEvent] = []
        # One of many of a kind: its records wait a little, so that pages and the rest of the work come first.
        self.is_bulk = False
        # By which way its changes come, if that is more than who called; events that are recorded from then on say so.
        self.origin: Origin | None = None

    def execute(self, statement: Executable, **parameters: Any) -> CursorResult[Any]:
        """Run a statement inside the transaction."""
        return self.connection.execute(statement, parameters)

    def rows(self, statement: TextClause, **parameters: Any) -> Sequence[Any]:
        """Run a statement inside the transaction and return its rows."""
        if self.locks:
            return self.execute(statement, **parameters).all()
        return run_directly(self.connection, statement, **parameters)

    def put_off(self, step: Callable[[], object]) -> None:
        """Do something inside the transaction once the rest is done, right before the events are written: in a `Pipeline` that is
        behind the unit of work before, and beside the next one."""
        self._put_off.append(step)

    def record(self, event: Event) -> None:
        """Announce a change that this unit of work makes; it is written when the unit of work commits."""
        self._events.append(event)
        self._rows.append(self._row(event))

    def save(self, statement: TextClause, event: Event, **parameters: Any) -> None:
        """Have a statement that `announced` has made write a row together with its event, before the events that `record` takes.

        Whoever writes (`write`, `commit`) gets an OvertakenError if there was no such row.
        """
        self._saved.append((statement, parameters, event, self._row(event)))

    def write(self) -> list[CommittedEvent]:
        """Do what was put off, write what was saved and recorded since the last time, and return all events as they will be
        committed."""
        for step in self._put_off:
            step()
        for statement, parameters, event, row in self._saved:
            self._written += self._write_events(statement, [event], [row], **parameters)
        for start in range(0, len(self._events), EVENTS_AT_ONCE):
            chunk = slice(start, start + EVENTS_AT_ONCE)
            self._written += self._write_events(_INSERT_EVENTS, self._events[chunk], self._rows[chunk])
        self._put_off.clear()
        self._saved.clear()
        self._events.clear()
        self._rows.clear()
        return self._written

    def commit(self) -> list[CommittedEvent]:
        """Write the recorded events, commit, and return them as committed."""
        committed = self.write()
        self.connection.commit()
        return committed

    def _write_events(
        self, statement: TextClause, events: Sequence[Event], rows: Sequence[dict[str, Any]], **parameters: Any
    ) -> list[CommittedEvent]:
        is_told = not self.is_bulk and self._tells(len(events))
        inserted = self.rows(
            statement,
            **parameters,
            events=jsonb(rows),
            effects=self._effects,
            records=_RECORDS,
            records_wait=RECORDS_WAIT if self.is_bulk else 0.0,
            told=str(Effect.BROADCAST) if is_told else "",
            lease=OWN_LEASE,
            actor_id=self.actor.user_id,
            request_id=self.actor.request_id,
        )
        written = {(r.aggregate_type, r.aggregate_id, r.aspect, r.version): r for r in inserted}
        if not written:
            raise OvertakenError
        committed = []
        for event, sent in zip(events, rows, strict=True):
            row = written[event.aggregate_type, event.aggregate_id, event.aspect, event.version]
            lease, traceparent = row.leased_until if is_told else None, sent["payload"].get("traceparent")
            committed.append(CommittedEvent(row.id, row.event_id, row.created_at, event, self.actor, lease, traceparent))
        return committed

    def _row(self, event: Event) -> dict[str, Any]:
        payload = packed(event, self.actor, self.origin)
        if (traceparent := tracing.traceparent()) is not None:
            payload["traceparent"] = traceparent
        return {
            "aggregate_type": event.aggregate_type,
            "aggregate_id": event.aggregate_id,
            "aspect": event.aspect,
            "type": event.type,
            "version": event.version,
            "payload": payload,
        }


class TransactionManager:
    """Opens units of work, retries them when the database asks for it, and starts what follows a commit.

    Args:
        effects: what must follow each kind of change.
        tells: asked before events are written. If this process tells pages of them, their broadcasts are written as claimed by
            it, which saves claiming them (docs/adr/0021).
    """

    def __init__(
        self, engine: Engine, on_commit: OnCommit, effects: Mapping[EventType, Collection[Effect]] = EFFECTS,
        tells: Tells = lambda _events: False,
    ) -> None:  # fmt: skip
        self._engine = engine
        self._single = single_statements(engine)
        self._on_commit = on_commit
        self._tells = tells
        self._effects = jsonb({str(kind): [str(effect) for effect in own] for kind, own in effects.items()})

    @contextmanager
    def atomic_operation(self, actor: Actor, *, locks: bool = True) -> Iterator[UnitOfWork]:
        """Open a unit of work. The caller commits it; an exception, or no commit, rolls everything back."""
        with tracing.span("unit of work"), (self._engine if locks else self._single).connect() as connection:
            yield UnitOfWork(connection, actor, self._effects, self._tells, locks=locks)

    def run(self, actor: Actor, work: Callable[[UnitOfWork], T], call: KeyedCall | None = None, *, one_row: bool = False) -> T:
        """Run `work` in a unit of work, commit, start what follows, and return its result.

        A deadlock or serialisation failure rolls back and runs the whole `work` again, a few times, with jitter.

        Args:
            one_row: whether `work` does nothing but read one row and `save` it. Then that is tried first in two round trips
                instead of four: without a lock, the change being made only if the row is still the one that was read.
            call: if an earlier one with its key took effect, `work` is not run, and the result of that one is returned; else
                this result, which must be JSON, is kept for the next. What is rolled back leaves nothing.

        Raises:
            DatabaseConsistencyError: if the database is away, or a lock was not to be had in time; nothing was written.
            KeyInUseError, KeyReusedError: if the key of `call` is taken; nothing was written.
        """
        for attempt in range(0 if one_row and call is None else 1, RETRIES + 1):
            try:
                result, committed = self._attempt(actor, work, call, locks=attempt > 0)
            except OvertakenError:
                if attempt > 0:
                    raise
            except DBAPIError as error:
                if attempt == RETRIES or not _is_transient(error):
                    raise _explained(error) from error
                log.warning("transaction retried", attempt=attempt, error=type(error.orig).__name__)
                time.sleep(random.uniform(0.005, 0.05 * attempt))
            except PoolTimeoutError as error:
                raise DatabaseConsistencyError from error
            else:
                self.follow(committed)
                return result
        raise AssertionError("unreachable")

    def _attempt(
        self, actor: Actor, work: Callable[[UnitOfWork], T], call: KeyedCall | None, *, locks: bool
    ) -> tuple[T, Sequence[CommittedEvent]]:
        with self.atomic_operation(actor, locks=locks) as unit_of_work:
            if call is not None and (kept := idempotency.claim(unit_of_work.connection, call)) is not None:
                return cast("T", kept.result), ()
            result = work(unit_of_work)
            if call is not None:
                event_ids = [written.event_id for written in unit_of_work.write()]
                idempotency.keep(unit_of_work.connection, call, result, event_ids)
            return result, unit_of_work.commit()

    def finish(self, unit_of_work: UnitOfWork, scope: ExitStack) -> Sequence[CommittedEvent]:
        """Commit a unit of work that was opened in `scope`, leave that, and return what became true.

        Raises:
            DatabaseConsistencyError: if the database cannot confirm it.
        """
        try:
            with scope:
                return unit_of_work.commit()
        except DBAPIError as error:
            raise _explained(error) from error

    def follow(self, committed: Sequence[CommittedEvent]) -> None:
        """Start what follows a commit. Whatever happens there, the change is true and must not be reported as failed."""
        if committed:
            if (noted := _NOTED.get()) is not None:
                noted += [one.event_id for one in committed]
            try:
                self._on_commit(committed)
            except Exception:
                log.exception("what follows a commit failed; the outbox stands for it", events=len(committed))


def _is_transient(error: DBAPIError) -> bool:
    return isinstance(error.orig, pg.DeadlockDetected | pg.SerializationFailure)


def _explained(error: DBAPIError) -> Exception:
    unavailable = isinstance(error, OperationalError) or error.connection_invalidated
    return DatabaseConsistencyError() if unavailable else error
