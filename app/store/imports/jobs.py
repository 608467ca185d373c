"""Import jobs: uploaded catalog files, and how far each has come.

A worker holds a job by its lease; every step says whose lease it is made under, so that one who lost it can write nothing more.
Whoever cancels a job takes the lease away.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Row, text

from app.contract.events import Aspect, Event, EventType
from app.store.database import single_statements
from app.store.encoding import jsonb
from app.store.transaction import UnitOfWork

LEASE_SECONDS = 30

_COLUMNS = """
    j.id, j.file_name, j.digest, j.encoding, j.currency, j.byte_size, j.dry_run, j.state, j.rows_total, j.rows_done,
    j.options, j.layout, j.columns, j.created_count, j.changed_count, j.unchanged_count, j.errors, j.error_count, j.notices,
    j.notice_count, j.failure, j.leased_until, j.created_by, j.attempts, j.ip_address, j.user_agent, j.request_id, j.api_key_id,
    j.created_at, j.finished_at, j.undoes, j.conflicts, j.conflict_count, u.name AS created_by_name,
    (SELECT jsonb_build_object('id', x.id, 'state', x.state, 'finished_at', x.finished_at)
     FROM import_jobs x WHERE x.undoes = j.id AND NOT x.dry_run ORDER BY x.id DESC LIMIT 1) AS undone_by
"""
_INSERT = text(f"""
    WITH j AS (
        INSERT INTO import_jobs (file_name, digest, encoding, currency, options, byte_size, dry_run, created_by, ip_address,
                                 user_agent, request_id, api_key_id)
        VALUES (:file_name, :digest, :encoding, :currency, CAST(:options AS jsonb), :byte_size, :dry_run, :created_by,
                :ip_address, :user_agent, :request_id, :api_key_id)
        RETURNING *)
    SELECT {_COLUMNS} FROM j JOIN users u ON u.id = j.created_by
""")  # noqa: S608 — the only text put in is the constant list of columns
# Of the one that is undone it has what names the file, which is not read again. One that has failed or was cancelled may have
# changed something, too.
_INSERT_UNDO = text(f"""
    WITH j AS (
        INSERT INTO import_jobs (file_name, digest, byte_size, state, undoes, dry_run, created_by, ip_address, user_agent,
                                 request_id, api_key_id)
        SELECT file_name, digest, byte_size, 'undoing', id, :dry_run, :created_by, :ip_address, :user_agent, :request_id,
               :api_key_id
        FROM import_jobs WHERE id = :id AND state IN ('done', 'failed', 'cancelled') AND NOT dry_run AND undoes IS NULL
        RETURNING *)
    SELECT {_COLUMNS} FROM j JOIN users u ON u.id = j.created_by
""")  # noqa: S608 — the only text put in is the constant list of columns
_ONE = text(f"SELECT {_COLUMNS} FROM import_jobs j JOIN users u ON u.id = j.created_by WHERE j.id = :id")  # noqa: S608
_LIST = text(f"""
    SELECT {_COLUMNS} FROM import_jobs j JOIN users u ON u.id = j.created_by
    WHERE CAST(:before AS int) IS NULL OR j.id < :before
    ORDER BY j.id DESC LIMIT :limit
""")  # noqa: S608 — the only text put in is the constant list of columns
# One after the other, in the order of their uploads: of two files about the same parts the later one has the last word. A lease
# that is longer than any was granted before the clock was set back.
_CLAIM = text("""
    UPDATE import_jobs SET leased_until = clock_timestamp() + make_interval(secs => :lease), attempts = attempts + 1
    WHERE id = (SELECT id FROM import_jobs WHERE state IN ('queued', 'checking', 'importing', 'undoing') ORDER BY id LIMIT 1)
      AND (leased_until IS NULL OR leased_until < clock_timestamp()
           OR leased_until > clock_timestamp() + make_interval(secs => :lease))
      AND state IN ('queued', 'checking', 'importing', 'undoing')
    RETURNING id
""")
# An UPDATE looks for its row as it was when the statement began: it would not wait for the step before, whose lease it asks for.
_WAIT = text("SELECT FROM import_jobs WHERE id = :id FOR NO KEY UPDATE")
_STEP = text("""
    UPDATE import_jobs
    SET state = :state, rows_total = COALESCE(:rows_total, rows_total), rows_done = rows_done + :rows,
        layout = COALESCE(CAST(:layout AS jsonb), layout), columns = COALESCE(CAST(:columns AS jsonb), columns),
        created_count = created_count + :created, changed_count = changed_count + :changed,
        unchanged_count = unchanged_count + :unchanged, attempts = CASE WHEN :rows > 0 THEN 0 ELSE attempts END,
        leased_until = clock_timestamp() + make_interval(secs => :lease)
    WHERE id = :id AND leased_until = ANY(:leases)
    RETURNING leased_until
""")
_NOTE_DROPPED = text("UPDATE import_jobs SET notices = CAST(:notices AS jsonb), notice_count = :count WHERE id = :id")
_NOTE_CONFLICTS = text("""
    UPDATE import_jobs SET conflicts = conflicts || CAST(:conflicts AS jsonb), conflict_count = conflict_count + :count
    WHERE id = :id
""")
_FINISH = text("""
    UPDATE import_jobs
    SET state = :state, errors = CAST(:errors AS jsonb), error_count = :error_count, failure = :failure,
        columns = COALESCE(CAST(:columns AS jsonb), columns), leased_until = NULL, finished_at = clock_timestamp()
    WHERE id = :id AND leased_until = ANY(:leases)
    RETURNING id
""")
_NEEDED = text("""
    SELECT DISTINCT digest FROM import_jobs
    WHERE digest = ANY(:digests) AND (finished_at IS NULL OR finished_at > clock_timestamp() - make_interval(days => :days))
""")
# Without its lease, whoever is at work on it can neither take another step nor finish; a step under way is waited for.
_CANCEL = text("""
    UPDATE import_jobs SET state = 'cancelled', leased_until = NULL, finished_at = clock_timestamp()
    WHERE id = :id AND state IN ('queued', 'checking', 'importing', 'undoing')
""")
_RELEASE = text("UPDATE import_jobs SET leased_until = NULL WHERE id = :id AND leased_until = ANY(:leases)")


class LeaseLostError(Exception):
    """Another worker has taken the job over; what this one was about to write must not be written."""


def insert(connection: Connection, values: dict[str, Any]) -> Row[Any]:
    """Insert a queued job and return it: in one statement, since nothing may fail once it is queued."""
    return connection.execute(_INSERT, values | {"options": jsonb(values["options"])}).one()


def insert_undo(connection: Connection, job_id: int, values: dict[str, Any]) -> Row[Any] | None:
    """Insert a job that undoes another one, and return it; None if that one has not ended, or was a dry run or an undo itself."""
    return connection.execute(_INSERT_UNDO, values | {"id": job_id}).one_or_none()


def job(connection: Connection, job_id: int) -> Row[Any] | None:
    """Return a job, or None."""
    return connection.execute(_ONE, {"id": job_id}).one_or_none()


def jobs(connection: Connection, before: int | None, limit: int) -> Sequence[Row[Any]]:
    """Return jobs with smaller ids than `before`, newest first."""
    return connection.execute(_LIST, {"before": before, "limit": limit}).all()


def needed(connection: Connection, digests: Sequence[str], days: int) -> set[str]:
    """Return those of the files that a job is to read yet, or has read in the last `days`."""
    return set(connection.execute(_NEEDED, {"digests": list(digests), "days": days}).scalars())


def claim(engine: Engine, lease: float = LEASE_SECONDS) -> Row[Any] | None:
    """Lease the oldest unfinished job and return it; None if there is none, or somebody is at work on it."""
    with single_statements(engine).connect() as connection:
        job_id = connection.execute(_CLAIM, {"lease": lease}).scalar_one_or_none()
        return None if job_id is None else job(connection, job_id)


def step(
    unit_of_work: UnitOfWork, job_id: int, leases: Sequence[Any], state: str, *, rows_total: int | None = None, rows: int = 0,
    created: int = 0, changed: int = 0, unchanged: int = 0, layout: dict[str, Any] | None = None,
    columns: Sequence[dict[str, str]] | None = None,
) -> Any:  # fmt: skip
    """Note progress in the transaction that makes it, behind the step before, and return the end of the renewed lease. Of the
    last step's lease and the one before either may be the true one, if that step was rolled back.

    Raises:
        LeaseLostError: if the lease is not ours any more; the transaction must be given up.
    """
    unit_of_work.execute(_WAIT, id=job_id)
    renewed = unit_of_work.execute(
        _STEP, id=job_id, leases=list(leases), lease=LEASE_SECONDS, state=state, rows_total=rows_total, rows=rows,
        created=created, changed=changed, unchanged=unchanged, layout=layout and jsonb(layout),
        columns=columns and jsonb(columns),
    ).scalar_one_or_none()  # fmt: skip
    if renewed is None:
        raise LeaseLostError
    return renewed


def note_dropped(unit_of_work: UnitOfWork, job_id: int, notices: Sequence[dict[str, Any]], count: int) -> None:
    """Note what of the file will be dropped: the first of `count` in all. A step in the same transaction says whose job it is."""
    unit_of_work.execute(_NOTE_DROPPED, id=job_id, notices=jsonb(notices), count=count)


def note_conflicts(unit_of_work: UnitOfWork, job_id: int, conflicts: Sequence[dict[str, Any]], count: int) -> None:
    """Note what an undo has left alone: `count` more, of which these are to be listed. A step in the same transaction says whose
    job it is."""
    unit_of_work.execute(_NOTE_CONFLICTS, id=job_id, conflicts=jsonb(conflicts), count=count)


def finish(
    engine: Engine, job_id: int, leases: Sequence[Any], state: str, errors: Sequence[dict[str, Any]] = (), error_count: int = 0,
    failure: str | None = None, columns: Sequence[dict[str, str]] = (),
) -> None:  # fmt: skip
    """Note how a job ended. Of the last step's lease and the one before either may be the true one, if that step failed.

    Raises:
        LeaseLostError: if the lease is not ours any more.
    """
    with single_statements(engine).connect() as connection:
        ended = connection.execute(
            _FINISH,
            {
                "id": job_id, "leases": list(leases), "state": state, "errors": jsonb(errors),
                "error_count": error_count, "failure": failure, "columns": jsonb(columns) if columns else None,
            },
        ).scalar_one_or_none()  # fmt: skip
    if ended is None:
        raise LeaseLostError


def cancel(unit_of_work: UnitOfWork, job_id: int, reason: str | None) -> Row[Any] | None:
    """End an unfinished job where its last step has left it, and return it; None if there is none. One that had ended is returned
    as it is."""
    # The row as it is behind any step under way, as whose the lock below is waited for.
    unit_of_work.execute(_WAIT, id=job_id)
    before = job(unit_of_work.connection, job_id)
    if before is None or not unit_of_work.execute(_CANCEL, id=job_id).rowcount:
        return before
    unit_of_work.record(_cancelled_event(job_id, before, reason))
    return job(unit_of_work.connection, job_id)


def _cancelled_event(job_id: int, before: Row[Any], reason: str | None) -> Event:
    new = {"state": "cancelled", "rows_done": before.rows_done, "file_name": before.file_name}
    return Event(
        type=EventType.IMPORT_CANCELLED, aggregate_type="import", aggregate_id=job_id, aspect=Aspect.CONTENT, version=1,
        table_name="import_jobs", record_id=job_id, operation="UPDATE", old_values={"state": before.state}, new_values=new,
        reason=reason,
    )  # fmt: skip


def release(engine: Engine, job_id: int, leases: Sequence[Any]) -> None:
    """Give a lease back, so that whoever comes next goes on at once."""
    with single_statements(engine).connect() as connection:
        connection.execute(_RELEASE, {"id": job_id, "leases": list(leases)})
