"""Deliveries: what each committed event still owes. Lease, work, settle: no transaction stays open while an effect is applied.

A batch is claimed by state, never by `id > cursor`: ids do not become visible in the order in which they are assigned.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

import orjson
from sqlalchemy import Connection, Engine, Row, text

from app.contract.events import Aspect, Event, EventType, ListFacet
from app.contract.task_names import Effect
from app.store import by_hand
from app.store.database import run_directly, single_statements
from app.store.encoding import jsonb
from app.store.payload import facets_of, whole
from app.store.transaction import CommittedEvent, UnitOfWork

# What a killed worker had claimed can be claimed again after this long, which delays its effects as much. A batch takes a
# fraction of it; one that takes longer is done twice, which does no harm.
LEASE_SECONDS = 5
REPLAYED_AT_ONCE = 5000
MAX_COUNTED = 100_000
# Events that the audit row of a discard names.
NAMED = 100
# Failed attempts that are kept with a delivery: all that a record has before it is given up on (`RetryPolicy`).
FAILURES_KEPT = 12
# Longer than any delivery is told to wait (`RetryPolicy.longest_delay`, `transaction.RECORDS_WAIT`), in seconds.
LONGEST_WAIT = 90.0
# Nobody works on what it describes. A lease of more than anybody takes was taken before PostgreSQL's clock was set back.
_LEASED = f"leased_until BETWEEN clock_timestamp() AND clock_timestamp() + interval '{LEASE_SECONDS} s'"
_FREE = f"({_LEASED}) IS NOT TRUE"
# The window of the latency report, in seconds: what was slow an hour ago says nothing about the present.
LATENCY_WINDOW = 900

_COLUMNS = """
    e.id, e.event_id, e.aggregate_type, e.aggregate_id, e.aspect, e.type, e.version, e.payload, e.actor_id, e.request_id,
    e.created_at
"""
# Served by ix_outbox_deliveries_due up to the statement's time; with `clock_timestamp()` all of it would be read. SKIP LOCKED
# lets several workers claim concurrently. `now()` is the same for every row of a statement, so the end of the lease
# identifies the claim: whoever returns it can name all of its rows at once.
_CLAIM = text(f"""
    WITH due AS (
        SELECT event_id FROM outbox_deliveries
        WHERE effect = :effect AND state = 'pending' AND next_attempt_at <= statement_timestamp()
          AND {_FREE}
        ORDER BY next_attempt_at, event_id LIMIT :batch
        FOR UPDATE SKIP LOCKED
    ), leased AS (
        UPDATE outbox_deliveries d
        SET leased_until = now() + make_interval(secs => :lease), attempts = attempts + 1
        FROM due WHERE d.event_id = due.event_id AND d.effect = :effect
        RETURNING d.event_id, d.attempts, d.leased_until
    )
    SELECT l.attempts, l.leased_until, {_COLUMNS},
           EXISTS (SELECT FROM outbox_deliveries i
                   WHERE i.event_id = e.id AND i.effect = '{Effect.INVALIDATE_CACHE}' AND i.state = 'done') AS is_invalidated
    FROM leased l JOIN outbox_events e ON e.id = l.event_id ORDER BY e.id
""")  # noqa: S608 — the only text put in is the constant list of columns
_OWE = text("""
    INSERT INTO outbox_deliveries (event_id, effect)
    SELECT event_id, :effect FROM unnest(CAST(:event_ids AS bigint[])) AS event_id
    ON CONFLICT DO NOTHING
""")
_SETTLE = text("""
    UPDATE outbox_deliveries
    SET state = 'done', done_at = clock_timestamp(), leased_until = NULL, last_error = NULL
    WHERE effect = ANY(:effects) AND event_id = ANY(:event_ids) AND state = 'pending'
    RETURNING event_id, effect, GREATEST(EXTRACT(epoch FROM done_at - created_at) * 1000, 0)::float8 AS ms
""")
# Only the holder of the lease may postpone or bury; a lease that was taken over is no longer ours.
_OURS = "effect = :effect AND event_id = ANY(:event_ids) AND state = 'pending' AND leased_until = :leased_until"
_NOTED = f"""
    last_error = :error, failed_at = clock_timestamp(),
    failures = jsonb_path_query_array(COALESCE(failures, '[]'), '$[last - {FAILURES_KEPT - 2} to last]')
               || jsonb_build_object('attempt', attempts, 'at', clock_timestamp(), 'error', CAST(:error AS text))
"""
_POSTPONE = text(f"""
    UPDATE outbox_deliveries
    SET next_attempt_at = clock_timestamp() + make_interval(secs => :delay), leased_until = NULL, {_NOTED}
    WHERE {_OURS}
""")  # noqa: S608 — constants
# The attempt is not counted, and so not kept: an outage would drive out what else has failed.
_POSTPONE_ALL = text(f"""
    UPDATE outbox_deliveries
    SET next_attempt_at = clock_timestamp() + make_interval(secs => :delay), leased_until = NULL, attempts = attempts - 1,
        last_error = :error, failed_at = CASE WHEN :has_failed THEN clock_timestamp() ELSE failed_at END
    WHERE {_OURS}
""")  # noqa: S608 — a constant
_BURY = text(f"""
    UPDATE outbox_deliveries SET state = 'dead', leased_until = NULL, {_NOTED}
    WHERE {_OURS}
""")  # noqa: S608 — constants
# Without the events: to find that there are too many of them, none need be read.
_UNSETTLED = text("SELECT event_id FROM outbox_deliveries WHERE effect = :effect AND state = 'pending' LIMIT :most")
_UNSETTLED_VERSIONS = text("""
    SELECT e.id
    FROM unnest(CAST(:parts AS int[]), CAST(:aspects AS text[]), CAST(:versions AS int[])) AS seen(part_id, aspect, version)
    JOIN outbox_events e ON e.aggregate_type = 'part' AND (e.aggregate_id, e.aspect, e.version)
                                                          = (seen.part_id, seen.aspect, seen.version)
    JOIN outbox_deliveries d ON d.event_id = e.id AND d.effect = :effect AND d.state = 'pending'
""")
_EVENTS = text(f"SELECT {_COLUMNS} FROM outbox_events e WHERE e.id = ANY(:event_ids)")  # noqa: S608 — as above
# One statement, since every process asks all of this several times a second. By effect, so that one delivery of each is enough
# to answer, however many are due.
_OVERDUE = text(f"""
    SELECT ARRAY(
        SELECT effect FROM unnest(CAST(:effects AS text[])) AS known(effect)
        WHERE EXISTS (
            SELECT FROM outbox_deliveries d
            WHERE d.effect = known.effect AND d.state = 'pending'
              AND d.next_attempt_at <= statement_timestamp() - make_interval(secs => :seconds)
              AND {_FREE})) AS effects,
    EXISTS (SELECT FROM parts WHERE price_boundary <= statement_timestamp()) AS has_price_dates,
    EXISTS (
        SELECT FROM unnest(CAST(:effects AS text[])) AS known(effect)
        WHERE EXISTS (
            SELECT FROM outbox_deliveries d
            WHERE d.effect = known.effect AND d.state = 'pending'
              AND d.next_attempt_at > statement_timestamp() + make_interval(secs => :longest))) AS is_ahead
""")  # noqa: S608 — a constant
# Nothing is told to wait for so long: the clock has been set back since. Some at a time; at the end of each effect's index,
# where as a rule there is nothing to be read.
_AHEAD = text("""
    UPDATE outbox_deliveries d SET next_attempt_at = clock_timestamp()
    FROM unnest(CAST(:effects AS text[])) AS known(effect) CROSS JOIN LATERAL (
        SELECT event_id FROM outbox_deliveries
        WHERE effect = known.effect AND state = 'pending'
          AND next_attempt_at > statement_timestamp() + make_interval(secs => :longest)
        LIMIT :most
        FOR UPDATE SKIP LOCKED) ahead
    WHERE d.event_id = ahead.event_id AND d.effect = known.effect
    RETURNING d.effect
""")
# By state, so that each is counted in its own index. A claim counts an attempt, so one that is under way is no retry yet.
_STATUS = text(f"""
    SELECT effect, count(*) AS pending,
           count(*) FILTER (WHERE attempts > 0 AND {_FREE}) AS retries,
           0 AS dead, 0 AS failures, EXTRACT(epoch FROM clock_timestamp() - min(created_at))::float8 AS oldest_age_seconds
    FROM outbox_deliveries WHERE state = 'pending' GROUP BY effect
    UNION ALL
    SELECT effect, 0, 0, count(*), 0, 0 FROM outbox_deliveries WHERE state = 'dead' GROUP BY effect
    UNION ALL
    SELECT effect, 0, 0, 0, count(*), 0 FROM outbox_deliveries
    WHERE failed_at > statement_timestamp() - make_interval(secs => :window) GROUP BY effect
""")  # noqa: S608 — a constant
# Only among the latest deliveries, whose number bounds the query's cost while an import is running. What a shop was filled with
# before it opened waited for the shop to be started, which is no latency of it.
_LATENCY = text("""
    SELECT effect, count(*) AS delivered,
           percentile_cont(ARRAY[0.5, 0.95, 0.99]) WITHIN GROUP (ORDER BY EXTRACT(epoch FROM done_at - created_at) * 1000)
             AS percentiles_ms
    FROM (SELECT effect, done_at, created_at FROM outbox_deliveries
          WHERE state = 'done' ORDER BY event_id DESC LIMIT 4000) latest
    WHERE done_at > clock_timestamp() - make_interval(secs => :window)
      AND created_at > COALESCE((SELECT max(finished_at) FROM sync_runs WHERE kind = 'fill'), '-infinity')
    GROUP BY effect
""")
_DEAD = text("""
    SELECT d.event_id AS id, d.effect, d.attempts, d.last_error, d.failures, d.created_at, e.event_id AS event_uuid, e.type,
           e.aggregate_type, e.aggregate_id, e.version, e.payload, e.request_id
    FROM outbox_deliveries d JOIN outbox_events e ON e.id = d.event_id
    WHERE d.state = 'dead' AND (d.event_id, d.effect) > (:after_id, :after_effect)
    ORDER BY d.event_id, d.effect LIMIT :limit
""")
_CHOSEN = """
    chosen AS (
        SELECT event_id, effect FROM outbox_deliveries
        WHERE state = 'dead' AND (CAST(:event_id AS bigint) IS NULL OR event_id = :event_id)
          AND (CAST(:effect AS text) IS NULL OR effect = :effect)
          AND (CAST(:error AS text) IS NULL OR starts_with(last_error, :error))
        ORDER BY event_id, effect LIMIT :most
        FOR UPDATE
    )
"""
_REPLAY = text(f"""
    WITH {_CHOSEN}, replayed AS (
        UPDATE outbox_deliveries d
        SET state = 'pending', attempts = 0, next_attempt_at = clock_timestamp(), leased_until = NULL
        FROM chosen WHERE d.event_id = chosen.event_id AND d.effect = chosen.effect
        RETURNING d.effect
    )
    SELECT effect, count(*) AS count FROM replayed GROUP BY effect
""")  # noqa: S608 — a constant
# What failed last is kept: it says why this was discarded.
_DISCARD = text(f"""
    WITH {_CHOSEN}, discarded AS (
        UPDATE outbox_deliveries d SET state = 'discarded', leased_until = NULL
        FROM chosen WHERE d.event_id = chosen.event_id AND d.effect = chosen.effect
        RETURNING d.event_id, d.effect
    )
    SELECT CAST(e.event_id AS text) AS event_id, d.effect
    FROM discarded d JOIN outbox_events e ON e.id = d.event_id ORDER BY e.id, d.effect
""")  # noqa: S608 — a constant
_TODAY = text("""
    SELECT count(*) FROM (SELECT FROM outbox_events WHERE created_at >= date_trunc('day', statement_timestamp(), 'UTC')
                          LIMIT :most) today
""")
_NEXT_DISCARD = text("SELECT nextval('discards')")
_JOURNEY = text("""
    SELECT e.type, e.aggregate_type, e.aggregate_id, e.aspect, e.version, e.created_at AS committed_at, e.request_id, e.actor_id,
           u.name AS actor_name, d.effect, d.state, d.attempts, d.done_at, d.last_error, d.failures,
           CASE WHEN d.done_at IS NOT NULL THEN GREATEST(EXTRACT(epoch FROM d.done_at - e.created_at) * 1000, 0)::float8 END AS ms
    FROM outbox_events e
    LEFT JOIN outbox_deliveries d ON d.event_id = e.id
    LEFT JOIN users u ON u.id = e.actor_id
    WHERE e.event_id = CAST(:event_id AS uuid)
""")
# Among so many of the newest: `request_id` has no index, for the sake of every write.
_OF_REQUEST = text("""
    SELECT CAST(event_id AS text) FROM outbox_events
    WHERE id > (SELECT max(id) FROM outbox_events) - 200000 AND request_id = :request_id
    ORDER BY id LIMIT :most
""")
_SETTLEMENTS = text("""
    SELECT CAST(e.event_id AS text) AS event_id, d.effect, d.state,
           CASE WHEN d.done_at IS NOT NULL THEN GREATEST(EXTRACT(epoch FROM d.done_at - e.created_at) * 1000, 0)::float8 END AS ms
    FROM outbox_events e JOIN outbox_deliveries d ON d.event_id = e.id
    WHERE e.event_id = ANY(CAST(:event_ids AS uuid[]))
    ORDER BY d.done_at, e.id
""")
_NEWEST = text("SELECT COALESCE(max(id), 0) FROM outbox_events")
# Ids are assigned in the order of their times, but for what happens at the same moment.
_NEWEST_BEFORE = text("""
    SELECT id FROM outbox_events WHERE created_at < statement_timestamp() - make_interval(secs => :seconds)
    ORDER BY created_at DESC LIMIT 1
""")
_NEWEST_BUT = text("SELECT id FROM outbox_events ORDER BY id DESC OFFSET :rows LIMIT 1")
_DELIVERED = text(f"""
    SELECT {_COLUMNS} FROM outbox_events e JOIN outbox_deliveries d ON d.event_id = e.id
    WHERE e.id > :after AND e.id <= :until AND d.event_id > :after AND d.event_id <= :until
      AND d.effect = :effect AND d.state = 'done'
    ORDER BY e.id
""")  # noqa: S608 — as above
_DELIVER_AGAIN = text("""
    UPDATE outbox_deliveries
    SET state = 'pending', next_attempt_at = clock_timestamp(), leased_until = NULL, last_error = :why
    WHERE event_id = ANY(:event_ids) AND effect = :effect AND state = 'done'
""")
# Not what it carries: the newest changes of parts, in whichever order they become visible.
_PART_CHANGES = text("""
    SELECT id, aggregate_id AS part_id, aspect, version FROM outbox_events
    WHERE id > :after AND aggregate_type = 'part' ORDER BY id DESC LIMIT :most
""")
# In the order of their ids, between those of the time: only there need the payloads be read. The clock may have been set since.
_MADE_BY_IMPORT = text(f"""
    SELECT {_COLUMNS} FROM outbox_events e
    WHERE e.id > :after
      AND e.id >= (SELECT id FROM outbox_events WHERE created_at >= CAST(:since AS timestamptz) - interval '2 hours'
                   ORDER BY created_at LIMIT 1)
      AND e.id <= (SELECT id FROM outbox_events WHERE created_at <= CAST(:until AS timestamptz) + interval '2 hours'
                   ORDER BY created_at DESC LIMIT 1)
      AND e.aggregate_type = 'part' AND e.type = ANY(:types) AND e.actor_id = :actor_id
      AND e.request_id IS NOT DISTINCT FROM :request_id AND starts_with(e.payload ->> 'reason', :reason)
    ORDER BY e.id LIMIT :most
""")  # noqa: S608 — as above
_LAST_OF = text("""
    SELECT max(id) FROM (SELECT id FROM outbox_events WHERE id > :after AND id <= :until ORDER BY id LIMIT :size) AS chunk
""")
# An event goes when a newer one of its aspect is old enough, so each is looked at once, whatever stays. The newest event of every
# aspect is kept forever: it holds the last known state, with which reconciliation compares rows.
_PRUNE = text("""
    WITH looked AS MATERIALIZED (
        SELECT id, aggregate_type, aggregate_id, aspect, version FROM outbox_events
        WHERE id > :after AND id <= :until ORDER BY id LIMIT :batch
    ), newest AS MATERIALIZED (
        SELECT aggregate_type, aggregate_id, aspect, max(version) AS version FROM looked GROUP BY 1, 2, 3
    ), pruned AS (
        DELETE FROM outbox_events WHERE id IN (
            SELECT e.id FROM newest n JOIN outbox_events e
              ON (e.aggregate_type, e.aggregate_id, e.aspect) = (n.aggregate_type, n.aggregate_id, n.aspect)
            WHERE e.version < n.version
              AND NOT EXISTS (SELECT FROM outbox_deliveries d
                              WHERE d.event_id = e.id AND d.state NOT IN ('done', 'discarded'))
            LIMIT :most
            FOR UPDATE OF e SKIP LOCKED)
        RETURNING id
    ), deliveries AS (
        DELETE FROM outbox_deliveries d USING pruned WHERE d.event_id = pruned.id
    )
    SELECT (SELECT count(*) FROM pruned) AS pruned, (SELECT max(id) FROM looked) AS last
""")


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event as an effect sees it. `attempts` counts the present attempt; `is_invalidated` says that the cache knows of it;
    `is_by_hand`, that no process of ours committed it, so that none has begun its deliveries; `is_own`, that this process has
    just committed it, and has had the cache know of it.

    `traceparent` is what the trace of its change is continued by, if that is traced (`app.tracing`).

    `is_understood` is False for an event that a newer release wrote in an unknown format: then it is only certain which
    aggregate has changed, and `type`, `aspect` and `payload` must not be used.
    """

    id: int
    event_id: str
    aggregate_type: str
    aggregate_id: int
    aspect: Aspect
    type: EventType
    version: int
    payload: dict[str, Any]
    actor_id: int | None
    request_id: str | None
    created_at: datetime
    attempts: int = 0
    leased_until: datetime | None = None
    is_invalidated: bool = False
    is_by_hand: bool = False
    is_own: bool = False
    is_understood: bool = True
    traceparent: str | None = None

    @property
    def public(self) -> dict[str, Any] | None:
        """The aspect's state as customers may see it, or None."""
        public: dict[str, Any] | None = self.payload["public"]
        return public

    @property
    def lists(self) -> tuple[ListFacet, ...]:
        """What lists must look at to differ."""
        facets: tuple[ListFacet, ...] = self.payload["facets"]
        return facets

    @property
    def places(self) -> tuple[int, ...] | None:
        """The categories in which the part was before and is now, or None if the event does not say."""
        places = self.payload.get("places")
        return None if places is None else tuple(places)


def _delivery(row: Any) -> Delivery:
    """Read one row, leniently: one that is not understood must not keep the others from being read."""
    values = row._asdict() | {"is_by_hand": by_hand.is_recorded(row.payload)}
    try:
        payload = by_hand.unpacked(row.payload)
        own = {
            "aspect": Aspect(row.aspect), "type": EventType(row.type), "payload": payload | {"facets": facets_of(payload)},
            "traceparent": payload.get("traceparent"),
        }  # fmt: skip
    except (ValueError, KeyError, TypeError, AttributeError):
        return Delivery(**values | {"is_understood": False})
    return Delivery(**values | own)


def claim(engine: Engine, effect: Effect, batch: int, lease: float = LEASE_SECONDS) -> list[Delivery]:
    """Lease up to `batch` due deliveries of `effect` for `lease` seconds and return them, oldest event first."""
    with single_statements(engine).connect() as connection:
        return [_delivery(row) for row in run_directly(connection, _CLAIM, effect=effect, batch=batch, lease=lease)]


def own(committed: CommittedEvent) -> Delivery:
    """Return the broadcast of an event that this process has claimed by writing it, as `claim` would."""
    event, actor = committed.event, committed.actor
    # As it is read back from the database: without decimals, dates and enumerations.
    payload = orjson.loads(jsonb(whole(event, actor)))
    return Delivery(
        committed.id, committed.event_id, event.aggregate_type, event.aggregate_id, event.aspect, event.type, event.version,
        payload | {"facets": event.lists}, actor.user_id, actor.request_id, committed.created_at, attempts=1,
        leased_until=committed.leased_until, is_invalidated=True, is_own=True, traceparent=committed.traceparent,
    )  # fmt: skip


def unsettled_versions(connection: Connection, versions: Collection[tuple[int, str, int]]) -> list[int]:
    """Return the events of these versions (part, aspect, version) that are not known to be invalidated."""
    parts, aspects, numbers = (list(column) for column in zip(*versions, strict=True)) if versions else ([], [], [])
    parameters = {"parts": parts, "aspects": aspects, "versions": numbers, "effect": Effect.INVALIDATE_CACHE}
    return list(connection.execute(_UNSETTLED_VERSIONS, parameters).scalars())


def owe(connection: Connection, effect: Effect, event_ids: Sequence[int]) -> None:
    """Have events owe an effect that they were written without."""
    connection.execute(_OWE, {"effect": effect, "event_ids": list(event_ids)})


def settle(connection: Connection, effect: Effect, event_ids: Sequence[int], *also: Effect) -> dict[int, float]:
    """Mark deliveries done; return those that were not done before: the event's id, and how many milliseconds it took.

    Args:
        also: further effects that the same events have had.
    """
    rows = run_directly(connection, _SETTLE, effects=[effect, *also], event_ids=list(event_ids))
    return {row.event_id: row.ms for row in rows if row.effect == effect}


def postpone(connection: Connection, effect: Effect, delivery: Delivery, delay: float, error: str) -> None:
    """Return a lease, to be tried again after `delay` seconds, and keep what failed."""
    parameters = {"delay": delay, "error": error, "leased_until": delivery.leased_until}
    connection.execute(_POSTPONE, {"effect": effect, "event_ids": [delivery.id], **parameters})


def postpone_all(
    connection: Connection, effect: Effect, deliveries: Sequence[Delivery], delay: float, error: str, *, has_failed: bool = True
) -> None:
    """Return leases because a dependency is down, or (`has_failed` False) because others deliver these or the cache only begins;
    no attempt is counted."""
    for leased_until, claimed in groupby(deliveries, key=lambda delivery: delivery.leased_until):
        parameters = {"delay": delay, "error": error, "has_failed": has_failed, "leased_until": leased_until}
        connection.execute(_POSTPONE_ALL, {"effect": effect, "event_ids": [d.id for d in claimed], **parameters})


def bury(connection: Connection, effect: Effect, delivery: Delivery, error: str) -> None:
    """Make a delivery a dead letter: kept with what failed, explained, and replayable."""
    parameters = {"error": error, "leased_until": delivery.leased_until}
    connection.execute(_BURY, {"effect": effect, "event_ids": [delivery.id], **parameters})


def unsettled(connection: Connection, effect: Effect, most: int) -> list[int]:
    """Return the events of up to `most` deliveries that are not done, leased or not.

    Args:
        connection: one whose every statement is its own transaction.
    """
    return [row.event_id for row in run_directly(connection, _UNSETTLED, effect=effect, most=most)]


def events(connection: Connection, event_ids: Sequence[int]) -> list[Delivery]:
    """Return events by their ids, without claiming anything."""
    return [_delivery(row) for row in connection.execute(_EVENTS, {"event_ids": list(event_ids)})]


def made_by_import(
    connection: Connection, job: Row[Any], reason: str, types: Collection[EventType], after: int, most: int
) -> list[Delivery]:
    """Return up to `most` events of parts that an import has made, of these types, in the order of their ids, behind `after`.

    Args:
        job: the import, which has ended.
        reason: what the reason of its events begins with.
    """
    parameters = {
        "after": after, "types": list(types), "since": job.created_at, "until": job.finished_at, "actor_id": job.created_by,
        "request_id": job.request_id, "reason": reason, "most": most,
    }  # fmt: skip
    return [_delivery(row) for row in connection.execute(_MADE_BY_IMPORT, parameters)]


class Overdue(NamedTuple):
    """What nobody is working on: effects; whether prices should have changed by their dates; and whether deliveries wait for a
    time that PostgreSQL's clock, set back since, will not soon reach."""

    effects: list[str]
    has_price_dates: bool
    is_ahead: bool


def overdue(connection: Connection, seconds: float) -> Overdue:
    """Return what is to be begun, of effects those with a delivery that has been due for longer than `seconds`.

    Args:
        connection: one whose every statement is its own transaction.
    """
    (row,) = run_directly(connection, _OVERDUE, effects=list(Effect), seconds=seconds, longest=LONGEST_WAIT)
    return Overdue(*row)


def bring_forward(connection: Connection) -> Counter[str]:
    """Make due what waits for a time that was appointed before PostgreSQL's clock was set back; return how much by effect."""
    parameters = {"effects": list(Effect), "longest": LONGEST_WAIT, "most": REPLAYED_AT_ONCE}
    return Counter(connection.execute(_AHEAD, parameters).scalars())


def owed(connection: Connection, window: float = LATENCY_WINDOW) -> dict[str, dict[str, Any]]:
    """Return per effect how many deliveries are pending, wait for another attempt, are dead or have failed in the last `window`
    seconds (whatever has become of them since), and the oldest age."""
    report: dict[str, dict[str, Any]] = {
        str(effect): {"pending": 0, "oldest_age_seconds": 0.0, "retries": 0, "failures": 0, "dead": 0} for effect in Effect
    }
    for row in connection.execute(_STATUS, {"window": window}):
        if (figures := report.get(row.effect)) is not None:
            for name in ("pending", "retries", "failures", "dead"):
                figures[name] += getattr(row, name)
            figures["oldest_age_seconds"] += round(row.oldest_age_seconds, 3)
    return report


def latencies(connection: Connection, window: float = LATENCY_WINDOW) -> dict[str, dict[str, Any]]:
    """Return per effect how many of the latest deliveries were made in the last `window` seconds, and percentiles of their
    latency in milliseconds; None where there were none."""
    delivered = {row.effect: row for row in connection.execute(_LATENCY, {"window": window})}
    report: dict[str, dict[str, Any]] = {}
    for effect in Effect:
        row = delivered.get(effect)
        percentiles = [round(float(ms), 2) for ms in row.percentiles_ms] if row else [None] * 3
        report[str(effect)] = {
            **dict(zip(("p50", "p95", "p99"), percentiles, strict=True)),
            "deliveries": row.delivered if row else 0,
        }
    return report


def dead_letters(connection: Connection, after: tuple[int, str], limit: int) -> list[dict[str, Any]]:
    """Return dead letters after a (event id, effect) position."""
    rows = connection.execute(_DEAD, {"after_id": after[0], "after_effect": after[1], "limit": limit})
    return [dict(row._mapping) | {"payload": by_hand.unpacked(row.payload)} for row in rows]


@dataclass(frozen=True, slots=True)
class Which:
    """Which dead letters: those of one event, of one effect, and whose last error begins with a text; by default all."""

    event_id: int | None = None
    effect: str | None = None
    error: str | None = None


def replay(connection: Connection, which: Which) -> Counter[str]:
    """Make dead letters due again; return how many of each effect. Some at a time, since no statement may take as long as a
    million of them would."""
    replayed = Counter[str]()
    parameters = asdict(which) | {"most": REPLAYED_AT_ONCE}
    while rows := connection.execute(_REPLAY, parameters).all():
        replayed.update({row.effect: row.count for row in rows})
    return replayed


def discard(unit_of_work: UnitOfWork, which: Which, reason: str) -> int:
    """Give up dead letters for good, record who did it and why, and return how many. Some at a time, as `replay`."""
    found = Counter[str]()
    first: list[str] = []
    while rows := unit_of_work.execute(_DISCARD, **asdict(which), most=REPLAYED_AT_ONCE).all():
        found.update(row.effect for row in rows)
        first = list(dict.fromkeys([*first, *(row.event_id for row in rows)]))[:NAMED]
    if found:
        number = int(unit_of_work.execute(_NEXT_DISCARD).scalar_one())
        said = {"deliveries": dict(sorted(found.items())), "event_ids": first, "error": which.error}
        unit_of_work.record(Event(
            type=EventType.DEAD_LETTERS_DISCARDED, aggregate_type="discard", aggregate_id=number, aspect=Aspect.CONTENT,
            version=1, table_name="dead_letters", record_id=number, operation="UPDATE", old_values={"state": "dead"},
            new_values={"state": "discarded", **said}, reason=reason,
        ))  # fmt: skip
    return found.total()


def changes_today(connection: Connection) -> int:
    """Return how many events were committed since midnight, UTC; of more than 100,000 only that many are counted."""
    return int(connection.execute(_TODAY, {"most": MAX_COUNTED}).scalar_one())


def journey(connection: Connection, event_id: str) -> Sequence[Row[Any]]:
    """Return one row for each of an event's deliveries, all with what the event is; none if there is no such event (any more)."""
    return connection.execute(_JOURNEY, {"event_id": event_id}).all()


def events_of_request(connection: Connection, request_id: str, most: int) -> list[str]:
    """Return the UUIDs of the first events that a request caused, if they are not too long ago."""
    return list(connection.execute(_OF_REQUEST, {"request_id": request_id, "most": most}).scalars())


@dataclass(frozen=True, slots=True)
class Settlement:
    """The state of one delivery; if it is done, how many milliseconds after the commit. `pages` is how many pages were told."""

    event_id: str
    effect: str
    state: str
    ms: float | None
    pages: int | None = None


def settlements(connection: Connection, event_ids: Sequence[str]) -> list[Settlement]:
    """Return the deliveries of these events (UUIDs), in the order in which they were done; none of an unknown event."""
    return [Settlement(**row._mapping) for row in connection.execute(_SETTLEMENTS, {"event_ids": list(event_ids)})]


def newest(connection: Connection) -> int:
    """Return the id of the newest event; 0 without one."""
    return int(connection.execute(_NEWEST).scalar_one())


def newest_before(connection: Connection, seconds: float) -> int:
    """Return the id of the newest event that is older than `seconds`; 0 without one."""
    return int(connection.execute(_NEWEST_BEFORE, {"seconds": seconds}).scalar_one_or_none() or 0)


def newest_but(connection: Connection, rows: int) -> int:
    """Return the id of the newest event but for so many; 0 if there are no more."""
    return int(connection.execute(_NEWEST_BUT, {"rows": rows}).scalar_one_or_none() or 0)


def delivered(connection: Connection, effect: Effect, after: int, until: int) -> list[Delivery]:
    """Return the events after one id, up to another, that have had an effect."""
    return [_delivery(row) for row in connection.execute(_DELIVERED, {"effect": effect, "after": after, "until": until})]


def deliver_again(connection: Connection, effect: Effect, event_ids: Sequence[int], why: str) -> None:
    """Make deliveries due again that were done."""
    connection.execute(_DELIVER_AGAIN, {"effect": effect, "event_ids": list(event_ids), "why": why})


def part_changes(connection: Connection, after: int, most: int) -> Sequence[Row[Any]]:
    """Return up to `most` of the changes of parts after an event's id, the newest first: `id`, `part_id`, `aspect`, `version`.

    Args:
        connection: one whose every statement is its own transaction.
    """
    return run_directly(connection, _PART_CHANGES, after=after, most=most)


def last_of(connection: Connection, after: int, until: int, size: int) -> int | None:
    """Return the last of the next `size` events after one id, up to another; None if there are none."""
    last: int | None = connection.execute(_LAST_OF, {"after": after, "until": until, "size": size}).scalar_one()
    return last


def prune(connection: Connection, after: int, until: int, batch: int) -> int | None:
    """Look at up to `batch` events from `after` on, up to `until`, and delete the delivered ones that they have superseded.

    Returns:
        the last event that need not be looked at again; None at the end.
    """
    most = 5 * batch
    row = connection.execute(_PRUNE, {"after": after, "until": until, "batch": batch, "most": most}).one()
    # What has piled up behind one event goes in portions, too.
    return after if row.pruned == most else row.last


_AGE = text("SELECT EXTRACT(epoch FROM clock_timestamp() - created_at) * 1000 FROM outbox_events WHERE event_id = :event_id")


def age_ms(connection: Connection, event_id: str) -> float | None:
    """Return how long ago an event was written, in milliseconds; None if there is no such event."""
    age = connection.execute(_AGE, {"event_id": event_id}).scalar_one_or_none()
    return None if age is None else float(age)
