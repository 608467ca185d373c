"""What was found to differ from the truth: kept for a week, and told to operators."""

import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Connection, Row, text

from app.contract.drift import Difference, Drift, Since, shortened
from app.contract.formats import rfc3339
from app.store.encoding import jsonb

# Found in so many different minutes of the last so many: it was repaired, and came back.
REPEATS, OF_MINUTES = 3, 10
# Seconds that the summary looks back: a day.
WINDOW = 86_400
LATEST = 20

_RECORD = text("""
    INSERT INTO sync_drift (kind, subject, process, differences, since, is_repaired)
    SELECT kind, subject, process, differences, since, is_repaired
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
      AS r(kind text, subject text, process text, differences jsonb, since jsonb, is_repaired boolean)
""")
_FORGET = text("""
    DELETE FROM sync_drift
    WHERE found_at < statement_timestamp() - interval '7 days' OR id <= (SELECT max(id) FROM sync_drift) - 10000
""")
_KINDS = text("""
    SELECT kind, count(*) AS found, count(*) FILTER (WHERE NOT is_repaired) AS not_repaired, max(found_at) AS last_found_at,
           count(DISTINCT date_trunc('minute', found_at))
             FILTER (WHERE found_at > statement_timestamp() - make_interval(mins => :minutes)) >= :times AS is_repeating
    FROM sync_drift WHERE found_at > statement_timestamp() - make_interval(secs => :window) GROUP BY kind ORDER BY kind
""")
_LATEST = text("SELECT * FROM sync_drift ORDER BY found_at DESC, id DESC LIMIT :limit")
# The first event of an aspect from a version on: what it says is the first thing that a copy of an older version does not know.
_SINCE = text("""
    SELECT id, version, created_at FROM outbox_events
    WHERE aggregate_type = :aggregate_type AND aggregate_id = :aggregate_id AND aspect = :aspect AND version >= :version
    ORDER BY version LIMIT 1
""")
_NEWEST = text("""
    SELECT id, version, created_at FROM outbox_events
    WHERE aggregate_type = :aggregate_type AND aggregate_id = :aggregate_id ORDER BY id DESC LIMIT 1
""")
# Versions that open pages said they held, of parts that they had watched for so many seconds: those that were superseded while
# they did, and longer ago than a page may be behind.
_SUPERSEDED = text("""
    SELECT h.part_id, h.aspect, h.version AS held, e.id, e.version, e.created_at
    FROM jsonb_to_recordset(CAST(:held AS jsonb)) AS h(part_id int, aspect text, version int, watched_for float8)
    JOIN outbox_events e ON e.aggregate_type = 'part' AND e.aggregate_id = h.part_id AND e.aspect = h.aspect
     AND e.version = h.version + 1
    WHERE e.created_at > statement_timestamp() - make_interval(secs => h.watched_for)
      AND e.created_at < statement_timestamp() - make_interval(secs => :seconds)
    ORDER BY e.id
""")


def this_process() -> str:
    """Return the name under which this web process reports what it finds."""
    return f"web {os.getpid()} on {socket.gethostname()}"


def record(connection: Connection, drifts: Sequence[Drift]) -> None:
    """Keep what was found."""
    if drifts:
        connection.execute(_RECORD, {"rows": jsonb([asdict(drift) for drift in drifts])})


def forget(connection: Connection) -> None:
    """Delete what was found more than a week ago, and what is not among the latest 10,000."""
    connection.execute(_FORGET)


def summary(connection: Connection) -> dict[str, dict[str, Any]]:
    """Return, by kind, how often it was found in the last day and when last, and whether it comes back after its repair."""
    rows = connection.execute(_KINDS, {"minutes": OF_MINUTES, "times": REPEATS, "window": WINDOW})
    return {
        row.kind: {
            "found": row.found,
            "not_repaired": row.not_repaired,
            "last_found_at": rfc3339(row.last_found_at),
            "repeating": row.is_repeating,
        }
        for row in rows
    }


def latest(connection: Connection) -> list[dict[str, Any]]:
    """Return what was found last, newest first, as `explained` tells it."""
    return [
        explained(_drift(row)) | {"found_at": rfc3339(row.found_at)} for row in connection.execute(_LATEST, {"limit": LATEST})
    ]


def explained(drift: Drift) -> dict[str, Any]:
    """Return a finding as it is reported: long values are shortened."""
    since = drift.since
    return {
        "kind": str(drift.kind),
        "subject": drift.subject,
        "process": drift.process,
        "differences": [
            {"field": one.field, "found": shortened(one.found), "expected": shortened(one.expected)} for one in drift.differences
        ],
        "since": since and {"event_id": since.event_id, "version": since.version, "at": since.at},
        "repaired": drift.is_repaired,
    }


def _drift(row: Row[Any]) -> Drift:
    return Drift(
        row.kind, row.subject, tuple(Difference(**one) for one in row.differences), row.process,
        row.since and Since(**row.since), row.is_repaired,
    )  # fmt: skip


def since(connection: Connection, aggregate_type: str, aggregate_id: int, aspect: str, version: int) -> Since | None:
    """Return the first event of an aspect from a version on; None if there is none."""
    place = {"aggregate_type": aggregate_type, "aggregate_id": aggregate_id, "aspect": aspect, "version": version}
    return _since(connection.execute(_SINCE, place).one_or_none())


def newest_of(connection: Connection, aggregate_type: str, aggregate_id: int) -> Since | None:
    """Return the newest event of an aggregate; None if there is none."""
    place = {"aggregate_type": aggregate_type, "aggregate_id": aggregate_id}
    return _since(connection.execute(_NEWEST, place).one_or_none())


def _since(row: Row[Any] | None) -> Since | None:
    return None if row is None else Since(row.id, row.version, rfc3339(row.created_at))


def superseded(connection: Connection, held: Sequence[Mapping[str, Any]], seconds: float) -> list[Row[Any]]:
    """Return which of the versions that a page holds were superseded more than `seconds` ago, and while it watched their parts,
    with the event that did it.

    Args:
        held: `part_id`, `aspect`, `version`, and for how many seconds the part has been watched (`watched_for`).
    """
    return list(connection.execute(_SUPERSEDED, {"held": jsonb(held), "seconds": seconds}))
