"""Import jobs: a catalog file is uploaded, and whichever workers are alive check and apply it in slices."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import partial
from typing import IO, Any, TextIO

import structlog
from sqlalchemy import Connection, Engine, Row
from sqlalchemy.exc import OperationalError

from app.contract.events import Actor, Origin, Source
from app.contract.formats import rfc3339
from app.contract.task_names import IMPORT_PARTS
from app.domain.content import normalised, without_forbidden
from app.domain.errors import (
    DatabaseConsistencyError,
    ImportNotUndoableError,
    ImportOverError,
    InvalidFieldError,
    NotFoundError,
    StorageUnavailableError,
)
from app.domain.imports.errors import ImportFileError, RowError, legible
from app.domain.imports.options import NO_OPTIONS, Options
from app.domain.imports.rows import ImportRow
from app.domain.imports.survey import Layout
from app.services.imports import passes, undo
from app.services.imports.chunk import apply_chunk, rehearse_chunk
from app.services.imports.files import open_text, refusal_of
from app.services.intent import Intent
from app.store import outbox
from app.store.files import Storage
from app.store.idempotency import KeyedCall
from app.store.imports import bulk, jobs
from app.store.imports.jobs import LeaseLostError
from app.store.pipeline import Pipeline
from app.store.transaction import TransactionManager, UnitOfWork
from app.sync.publisher import EventPublisher, PublishError
from app.sync.wakeup import WakeUps

log = structlog.get_logger()

MAX_BYTES = 50_000_000
# A task yields to others after this many seconds; the next one continues the job.
BUDGET = 8.0
# A lease is renewed at least this often while a file is checked.
RENEW_AFTER = 5.0
# How often a job is taken up without making progress before it fails; others wait behind it.
MAX_ATTEMPTS = 20
# Changes that are undone in one transaction.
UNDONE_AT_ONCE = 200
FOLDER = "imports"
# Days that an uploaded file is kept after its job has ended.
KEEP_DAYS = 14
EVENT = "import.progress"
_AWAY = (OperationalError, DatabaseConsistencyError, StorageUnavailableError)
_PIECE = 1_000_000


@dataclass(slots=True)
class _Work:
    """A job that this worker holds, and until when."""

    job: Row[Any]
    leased_until: Any
    deadline: float
    # The previous lease, which stays valid until the step that renewed it is committed.
    leased_before: Any = None
    # By this process's monotonic clock: the lease's own times are the database's.
    renewed_at: float = field(default_factory=time.monotonic)

    def renew(self, leased_until: Any) -> None:
        """Record the lease that a step has granted."""
        self.leased_before, self.leased_until = self.leased_until, leased_until
        self.renewed_at = time.monotonic()

    @property
    def leases(self) -> list[Any]:
        """The leases, one of which is the valid one."""
        return [self.leased_before, self.leased_until]


class ImportJobs:
    """The use cases behind `/admin/imports`, and the worker's part of them.

    Args:
        staff: reports a job's progress to the panel.
        currency: the shop's, for prices for which neither the file nor the upload states one.
    """

    def __init__(
        self, transactions: TransactionManager, engine: Engine, reading: Engine, storage: Storage, staff: EventPublisher,
        wake_ups: WakeUps, currency: str | None = None,
    ) -> None:  # fmt: skip
        self._transactions = transactions
        self._engine = engine
        self._reading = reading
        self._storage = storage
        self._staff = staff
        self._wake_ups = wake_ups
        self._currency = currency

    def create(
        self, actor: Actor, digest: str, byte_size: int, file_name: str, encoding: str | None = None,
        options: Options = NO_OPTIONS, *, dry_run: bool, call: KeyedCall | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """Queue the import of a file stored by `keep`, and return the job."""
        currency = options.currency or self._currency or passes.only_currency(self._reading)
        values = {
            "file_name": _label(file_name), "digest": digest, "encoding": encoding, "options": options.to_json(),
            "currency": currency, "byte_size": byte_size, "dry_run": dry_run,
            **_author(actor),
        }  # fmt: skip

        def queue(unit_of_work: UnitOfWork) -> dict[str, Any]:
            return _with_columns(jobs.insert(unit_of_work.connection, values))

        job = self._transactions.run(actor, queue, call)
        self._wake_ups.request([IMPORT_PARTS])
        return job

    def job(self, job_id: int) -> dict[str, Any]:
        """Return a job, and how each column of its file was used.

        Raises:
            NotFoundError: if there is none.
        """
        return _with_columns(self._row(job_id))

    def cancel(self, intent: Intent, job_id: int) -> dict[str, Any]:
        """End an import where it is, behind the last chunk that is applied, and return the job; one that was cancelled already is
        left as it is. What was applied stays.

        Raises:
            NotFoundError: if there is none.
            ImportOverError: if it has ended otherwise.
            DatabaseConsistencyError.
        """

        def end(unit_of_work: UnitOfWork) -> dict[str, Any]:
            bulk.wait_long(unit_of_work)
            row = jobs.cancel(unit_of_work, job_id, intent.reason)
            if row is None:
                raise NotFoundError(f"There is no import {job_id}.")
            if row.state != "cancelled":
                raise ImportOverError
            return _with_columns(row)

        job = self._transactions.run(intent.actor, end, intent.call)
        self._announce(job_id)
        return job

    def undo(self, intent: Intent, job_id: int, *, dry_run: bool) -> dict[str, Any]:
        """Queue the undoing of an import, and return the job that does it.

        Raises:
            NotFoundError: if there is no such import.
            ImportNotUndoableError: if it has not ended, or was a dry run or an undo itself.
            DatabaseConsistencyError.
        """

        def queue(unit_of_work: UnitOfWork) -> dict[str, Any]:
            row = jobs.insert_undo(unit_of_work.connection, job_id, _author(intent.actor) | {"dry_run": dry_run})
            if row is None:
                _row(unit_of_work.connection, job_id)
                raise ImportNotUndoableError
            return _with_columns(row)

        job = self._transactions.run(intent.actor, queue, intent.call)
        self._wake_ups.request([IMPORT_PARTS])
        return job

    def forget_files(self) -> int:
        """Delete the uploaded files that no job needs any more, and return how many.

        Whoever uploads such a file again at this very moment may have to do so once more.
        """
        digests = {_digest_of(path): path for path in self._storage.older_than(FOLDER, KEEP_DAYS)}
        with self._reading.connect() as connection:
            needed = jobs.needed(connection, list(digests), KEEP_DAYS)
        forgotten = [path for digest, path in digests.items() if digest not in needed]
        for path in forgotten:
            self._storage.delete(path)
        return len(forgotten)

    def _row(self, job_id: int) -> Row[Any]:
        with self._reading.connect() as connection:
            return _row(connection, job_id)

    def jobs(self, before: int | None, limit: int) -> list[dict[str, Any]]:
        """Return jobs, newest first; one more than `limit` if there are more."""
        with self._reading.connect() as connection:
            return [shown(row) for row in jobs.jobs(connection, before, limit + 1)]

    def work(self) -> bool:
        """Do a slice of the oldest unfinished job; return whether there may be more to do at once."""
        row = jobs.claim(self._engine)
        if row is None:
            return False
        work = _Work(row, row.leased_until, time.monotonic() + BUDGET)
        if row.attempts > MAX_ATTEMPTS:
            self._end(work, "failed", failure=f"No row more was imported in {MAX_ATTEMPTS} attempts; the worker's log says why.")
            return True
        try:
            self._attempt(work)
        except LeaseLostError:
            log.warning("import was cancelled, or went over to another worker", job=row.id)
        except _AWAY as error:
            # The lease expires, and the next worker tries again.
            log.warning("import waits, the other side is away", job=row.id, error=str(error).splitlines()[:1])
            return False
        except Exception as error:
            log.exception("import failed", job=row.id)
            self._end(work, "failed", failure=legible(f"{type(error).__name__}: {error}")[:2000])
        return True

    def _attempt(self, work: _Work) -> None:
        try:
            self._advance(work)
        except ImportFileError as error:
            self._refuse(work, error)

    def _advance(self, work: _Work) -> None:
        if self._undo(work) if work.job.undoes is not None else self._import_file(work):
            self._end(work, "done")
        else:
            jobs.release(self._engine, work.job.id, work.leases)

    def _import_file(self, work: _Work) -> bool:
        """Check the file, unless that was done before, and import it; return False if time ran out before its end."""
        options = Options.from_json(work.job.currency, work.job.options)
        # It may have been begun by a release that kept no layout.
        if work.job.state == "importing" and work.job.layout is not None:
            layout = Layout.from_json(options, work.job.layout)
        else:
            self._note(work, "checking")
            notices: list[RowError] = []
            rows, survey = passes.check(
                self._reading, lambda: self._open(work), lambda _rows: self._renew(work), options, notices.append
            )
            layout = survey.layout
            self._note(work, "importing", notices, rows_total=rows, layout=layout.to_json(), columns=survey.columns)
        return self._apply(work, layout)

    def _undo(self, work: _Work) -> bool:
        """Undo the rest of an import; return False if time ran out before its end."""
        while time.monotonic() < work.deadline:
            leased_until, was_last = self._transactions.run(_actor_of(work.job), partial(self._undo_chunk, work))
            work.renew(leased_until)
            self._announce(work.job.id)
            if was_last:
                return True
        return False

    def _undo_chunk(self, work: _Work, unit_of_work: UnitOfWork) -> tuple[Any, bool]:
        """Undo some changes, and record the job's progress with it; return until when it is leased now, and whether they were the
        last."""
        connection, job_id = unit_of_work.connection, work.job.id
        job, undone_job = _row(connection, job_id), _row(connection, work.job.undoes)
        after = (job.layout or {}).get("after", 0)
        events = outbox.made_by_import(connection, undone_job, f"import {undone_job.id}: ", undo.KINDS, after, UNDONE_AT_ONCE)
        reason = f"import {job_id}: undo of import {undone_job.id}"
        unit_of_work.origin = Origin(Source.UNDO, undone_job.id)
        report = undo.undo_changes(unit_of_work, events, reason, dry_run=job.dry_run)
        position = {"after": events[-1].id} if events else None
        leased_until = jobs.step(
            unit_of_work, job_id, work.leases, "undoing", rows=len(events), changed=report.count,
            unchanged=len(report.conflicts), layout=position,
        )  # fmt: skip
        listed = report.conflicts[: max(0, passes.MAX_ERRORS - len(job.conflicts))]
        jobs.note_conflicts(unit_of_work, job_id, listed, len(report.conflicts))
        return leased_until, len(events) < UNDONE_AT_ONCE

    def _apply(self, work: _Work, layout: Layout) -> bool:
        """Import the rest of the file; return False if time ran out before its end."""
        job = work.job
        actor = _actor_of(job)
        with (
            passes.reference_counting_alone(),
            self._open(work) as lines,
            Pipeline(self._transactions, actor) as pipeline,
        ):
            for chunk in passes.chunks(passes.good_rows(lines, layout, skip=self._done(work))):
                if time.monotonic() > work.deadline:
                    return False
                pipeline.run(partial(self._import, work, actor, chunk))
                self._announce(job.id)
                passes.read_specifications(self._reading)
        return True

    def _done(self, work: _Work) -> int:
        return int(self._row(work.job.id).rows_done)

    def _open(self, work: _Work) -> TextIO:
        return open_text(self._storage.open(path_of(work.job.digest)), work.job.encoding)

    def _import(self, work: _Work, actor: Actor, chunk: Sequence[ImportRow], unit_of_work: UnitOfWork) -> None:
        """Import a chunk, and record the job's progress with it: at the end, since whoever cancels the job waits for that."""
        job = work.job
        if job.dry_run:
            report = rehearse_chunk(self._transactions, actor, chunk)
        else:
            unit_of_work.origin = Origin(Source.IMPORT, job.id, job.file_name)
            report = apply_chunk(chunk, f"import {job.id}: {job.file_name}", unit_of_work)

        def step() -> None:
            done = asdict(report)
            work.renew(jobs.step(unit_of_work, job.id, work.leases, "importing", rows=len(chunk), **done))

        unit_of_work.put_off(step)

    def _note(self, work: _Work, state: str, notices: Sequence[RowError] = (), **found: Any) -> None:
        actor = Actor(work.job.created_by, work.job.created_by_name)

        def note(unit_of_work: UnitOfWork) -> Any:
            if notices:
                first = [one._asdict() for one in notices[: passes.MAX_ERRORS]]
                jobs.note_dropped(unit_of_work, work.job.id, first, len(notices))
            return jobs.step(unit_of_work, work.job.id, work.leases, state, **found)

        work.renew(self._transactions.run(actor, note))
        self._announce(work.job.id)

    def _renew(self, work: _Work) -> None:
        if time.monotonic() > work.renewed_at + RENEW_AFTER:
            self._note(work, "checking")

    def _refuse(self, work: _Work, error: ImportFileError) -> None:
        applied = self._done(work)
        errors = [one._asdict() for one in error.errors]
        self._end(work, "failed" if applied else "refused", errors, error.count, columns=error.columns)

    def _end(
        self, work: _Work, state: str, errors: Sequence[dict[str, Any]] = (), count: int = 0, failure: str | None = None,
        columns: Sequence[dict[str, str]] = (),
    ) -> None:  # fmt: skip
        try:
            jobs.finish(self._engine, work.job.id, work.leases, state, errors, count, failure, columns)
        except LeaseLostError:
            log.warning("import was cancelled, or went over to another worker", job=work.job.id)
        self._announce(work.job.id)

    def _announce(self, job_id: int) -> None:
        """Notify the panel. This is only a hint: whoever misses it asks for the job."""
        try:
            self._staff.tell_staff(EVENT, shown(self._row(job_id)))
        except PublishError as error:
            log.warning("progress not told", job=job_id, error=str(error))


def keep(storage: Storage, file: IO[bytes]) -> tuple[str, int]:
    """Store an uploaded file under its content's digest; return that and its size.

    Raises:
        InvalidFieldError: if it is not a text file, or empty.
        StorageUnavailableError: if it cannot be stored.
    """
    file.seek(0)
    digest, size = hashlib.sha256(), 0
    while piece := file.read(_PIECE):
        if not size and (reason := refusal_of(piece)):
            raise InvalidFieldError("file", reason)
        digest.update(piece)
        size += len(piece)
    if not size:
        raise InvalidFieldError("file", "is empty")
    file.seek(0)
    storage.put(path_of(digest.hexdigest()), file)
    return digest.hexdigest(), size


def _author(actor: Actor) -> dict[str, Any]:
    return {
        "created_by": actor.user_id, "ip_address": actor.ip_address, "user_agent": actor.user_agent,
        "request_id": actor.request_id, "api_key_id": actor.api_key_id,
    }  # fmt: skip


def _actor_of(job: Row[Any]) -> Actor:
    return Actor(job.created_by, job.created_by_name, job.ip_address, job.user_agent, job.request_id, job.api_key_id)


def _row(connection: Connection, job_id: int) -> Row[Any]:
    row = jobs.job(connection, job_id)
    if row is None:
        raise NotFoundError(f"There is no import {job_id}.")
    return row


def _label(file_name: str) -> str:
    """Return a file's name cleaned for display; it is never used as a path."""
    shown = " ".join(normalised(without_forbidden(file_name)).split())
    return shown.replace("\\", "/").rsplit("/", 1)[-1][-200:] or "file.csv"


def path_of(digest: str) -> str:
    """Return where an uploaded file is kept."""
    return f"{FOLDER}/{digest}.csv"


def _digest_of(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".csv")


def _with_columns(row: Row[Any]) -> dict[str, Any]:
    return shown(row) | {"columns": row.columns}


def shown(row: Row[Any]) -> dict[str, Any]:
    """Return a job as the panel shows it."""
    return {
        "id": row.id,
        "state": row.state,
        "file_name": row.file_name,
        "dry_run": row.dry_run,
        "rows_total": row.rows_total,
        "rows_done": row.rows_done,
        "created": row.created_count,
        "changed": row.changed_count,
        "unchanged": row.unchanged_count,
        "errors": row.errors,
        "error_count": row.error_count,
        "notices": row.notices,
        "notice_count": row.notice_count,
        "failure": row.failure,
        "undoes": row.undoes,
        "undone_by": row.undone_by and row.undone_by | {"finished_at": _moment(row.undone_by["finished_at"])},
        "conflicts": row.conflicts,
        "conflict_count": row.conflict_count,
        "created_by": {"id": row.created_by, "name": row.created_by_name},
        "created_at": rfc3339(row.created_at),
        "finished_at": rfc3339(row.finished_at) if row.finished_at else None,
    }


def _moment(written: str | None) -> str | None:
    return rfc3339(datetime.fromisoformat(written)) if written else None
