"""Import jobs: whoever works on them, and wherever one is killed, each row is applied exactly once."""

import os
import threading
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import pytest

from app.container import Container
from app.contract.events import Actor
from app.domain.errors import ImportOverError, InvalidFieldError, StorageUnavailableError
from app.services.imports import chunk, passes
from app.services.imports import jobs as service
from app.services.imports.jobs import keep
from app.services.intent import Intent
from app.store.imports import jobs
from app.store.pipeline import Pipeline
from app.store.transaction import TransactionManager, UnitOfWork
from bench.system import wait_until

Query = Callable[..., list[dict[str, Any]]]
Start = Callable[..., dict[str, Any]]


class KilledError(BaseException):
    """Stands for a worker that is gone: nothing that it would have done on an error happens."""


@pytest.fixture(autouse=True)
def _nobody_elses(query: Query) -> None:
    """Jobs are done one after the other, so those that other tests have left would come first."""
    query(
        "UPDATE import_jobs SET state = 'failed', leased_until = NULL, finished_at = clock_timestamp()"
        " WHERE state IN ('queued', 'checking', 'importing')"
    )


@pytest.fixture
def tag() -> str:
    """A prefix of this test's own SKUs."""
    return uuid4().hex[:10]


@pytest.fixture
def start(container: Container, actor: Actor) -> Start:
    """Queue the import of a file's bytes."""

    def run(data: bytes, *, dry_run: bool = False, name: str = "parts.csv") -> dict[str, Any]:
        digest, size = keep(container.storage, BytesIO(data))
        return container.import_jobs.create(actor, digest, size, name, None, dry_run=dry_run)

    return run


@pytest.fixture
def finish(container: Container) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Work until nothing is left, and return the job as it is then."""

    def run(job: dict[str, Any]) -> dict[str, Any]:
        while container.import_jobs.work():
            pass
        return container.import_jobs.job(job["id"])

    return run


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few rows make many chunks."""
    monkeypatch.setattr(passes, "CHUNK", 10)


def file_of(tag: str, count: int) -> bytes:
    rows = (f"{tag}-{n:04},Part {n},Jobs > {tag},1.00,EUR,{n},{n}\n" for n in range(count))
    return ("sku,part_name,category,price,currency,current_stock,Bore [mm]\n" + "".join(rows)).encode()


def written(query: Query, tag: str) -> tuple[int, int, int]:
    """How many parts, events of them, and different versions of aspects there are."""
    (row,) = query(
        "SELECT count(DISTINCT p.id) AS parts, count(e.id) AS events, count(DISTINCT (e.aggregate_id, e.aspect)) AS aspects"
        " FROM parts p LEFT JOIN outbox_events e ON e.aggregate_type = 'part' AND e.aggregate_id = p.id"
        " WHERE p.sku LIKE :like", like=f"{tag}%",
    )  # fmt: skip
    return row["parts"], row["events"], row["aspects"]


def test_a_job_applies_its_file_and_says_what_it_did(start: Start, finish: Any, query: Query, tag: str) -> None:
    job = start(file_of(tag, 25), name="spring.csv")
    assert (job["state"], job["rows_total"], job["rows_done"]) == ("queued", None, 0)
    done = finish(job)
    assert (done["state"], done["rows_total"], done["rows_done"], done["created"]) == ("done", 25, 25, 25)
    assert done["finished_at"]
    assert written(query, tag) == (25, 75, 75)
    reasons = query(
        "SELECT DISTINCT e.payload ->> 'reason' AS reason FROM outbox_events e JOIN parts p ON p.id = e.aggregate_id"
        " WHERE e.aggregate_type = 'part' AND p.sku LIKE :like", like=f"{tag}%",
    )  # fmt: skip
    assert reasons == [{"reason": f"import {job['id']}: spring.csv"}]
    again = finish(start(file_of(tag, 25)))
    assert (again["created"], again["changed"], again["unchanged"]) == (0, 0, 25)
    assert written(query, tag) == (25, 75, 75)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("chunk", [1, 2, 6])
@pytest.mark.parametrize("killed", ["at its statements", "at its commit", "after its commit"])
def test_whoever_comes_after_a_killed_worker_goes_on_exactly_there(
    chunk: int,
    killed: str,
    container: Container,
    start: Start,
    finish: Any,
    query: Query,
    tag: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = start(file_of(tag, 60))
    begun = committed = 0
    run, commit = Pipeline.run, TransactionManager.finish

    def run_and_die(pipeline: Pipeline, work: Any) -> Any:
        nonlocal begun
        begun += 1

        def work_and_die(unit_of_work: Any) -> Any:
            result = work(unit_of_work)
            if (begun, killed) == (chunk, "at its statements"):
                raise KilledError
            return result

        result = run(pipeline, work_and_die)
        if (begun, killed) == (chunk, "after its commit"):
            raise KilledError
        return result

    def commit_and_die(manager: TransactionManager, unit_of_work: Any, scope: Any) -> Any:
        nonlocal committed
        committed += 1
        if (committed, killed) == (chunk, "at its commit"):
            scope.close()
            raise KilledError
        return commit(manager, unit_of_work, scope)

    monkeypatch.setattr(Pipeline, "run", run_and_die)
    monkeypatch.setattr(TransactionManager, "finish", commit_and_die)
    with pytest.raises(KilledError):
        container.import_jobs.work()
    monkeypatch.undo()
    held = container.import_jobs.job(job["id"])
    assert held["state"] == "importing"
    assert held["rows_done"] == 10 * (chunk - (killed != "after its commit")) == written(query, tag)[0]
    assert container.import_jobs.work() is False  # the lease still stands
    query("UPDATE import_jobs SET leased_until = clock_timestamp() - interval '1 second' WHERE id = :id", id=job["id"])
    done = finish(job)
    assert (done["state"], done["rows_done"], done["created"], done["unchanged"]) == ("done", 60, 60, 0)
    assert written(query, tag) == (60, 180, 180)


def test_a_lease_from_before_the_clock_was_set_back_is_taken_over(
    container: Container, start: Start, finish: Any, query: Query, tag: str
) -> None:
    job = start(file_of(tag, 5))
    assert jobs.claim(container.engine) is not None
    assert container.import_jobs.work() is False
    query("UPDATE import_jobs SET leased_until = clock_timestamp() + interval '1 hour' WHERE id = :id", id=job["id"])
    assert finish(job)["state"] == "done"


@pytest.mark.usefixtures("small_chunks")
def test_a_worker_that_was_taken_for_dead_writes_nothing_more(
    container: Container, start: Start, query: Query, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = start(file_of(tag, 30))
    step = jobs.step

    def overtaken(unit_of_work: Any, job_id: int, *rest: Any, **progress: Any) -> Any:
        if progress.get("rows"):
            query("UPDATE import_jobs SET leased_until = leased_until + interval '1 second' WHERE id = :id", id=job_id)
        return step(unit_of_work, job_id, *rest, **progress)

    monkeypatch.setattr(jobs, "step", overtaken)
    container.import_jobs.work()
    monkeypatch.undo()
    assert container.import_jobs.job(job["id"])["rows_done"] == 0
    assert written(query, tag) == (0, 0, 0)
    query("UPDATE import_jobs SET state = 'failed', leased_until = NULL WHERE id = :id", id=job["id"])


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("during", [0, 3])
def test_a_job_that_is_cancelled_stays_where_its_last_chunk_has_left_it(
    during: int, container: Container, actor: Actor, start: Start, finish: Any, query: Query, tag: str,
    monkeypatch: pytest.MonkeyPatch, deliver: Callable[[], None],
) -> None:  # fmt: skip
    job, following = start(file_of(tag, 60)), start(file_of(f"{tag}-next", 5))
    step, steps = jobs.step, 0

    def cancelling(unit_of_work: Any, job_id: int, *rest: Any, **progress: Any) -> Any:
        nonlocal steps
        steps += bool(progress.get("rows"))
        if steps == during and progress.get("rows"):
            # Between two chunks: the one before may be on its way, and is waited for.
            assert container.import_jobs.cancel(Intent(actor, reason="wrong file"), job_id)["state"] == "cancelled"
        return step(unit_of_work, job_id, *rest, **progress)

    if during:
        monkeypatch.setattr(jobs, "step", cancelling)
    else:
        container.import_jobs.cancel(Intent(actor), job["id"])
    assert finish(following)["state"] == "done"
    ended = container.import_jobs.job(job["id"])
    rows = 10 * max(0, during - 1)
    assert (ended["state"], ended["rows_done"], ended["created"]) == ("cancelled", rows, rows)
    assert ended["finished_at"]
    assert written(query, f"{tag}-0") == (rows, 3 * rows, 3 * rows)
    # Once is enough, and what has ended otherwise cannot be cancelled.
    assert container.import_jobs.cancel(Intent(actor), job["id"]) == ended
    with pytest.raises(ImportOverError):
        container.import_jobs.cancel(Intent(actor), following["id"])
    deliver()
    (row,) = query("SELECT * FROM data_change_logs WHERE table_name = 'import_jobs' AND record_id = :id", id=job["id"])
    assert (row["operation"], row["new_values"]["state"], row["new_values"]["rows_done"]) == ("UPDATE", "cancelled", rows)
    assert (row["changed_by"], row["reason"]) == (actor.user_id, "wrong file" if during else None)


@pytest.mark.usefixtures("small_chunks")
def test_two_workers_at_once_share_no_row(container: Container, start: Start, query: Query, tag: str) -> None:
    job = start(file_of(tag, 80))
    barrier = threading.Barrier(2)

    def work() -> None:
        barrier.wait()
        while container.import_jobs.work():
            pass

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    done = container.import_jobs.job(job["id"])
    assert (done["state"], done["rows_done"], done["created"]) == ("done", 80, 80)
    assert written(query, tag) == (80, 240, 240)


@pytest.mark.usefixtures("small_chunks")
def test_a_job_makes_room_for_others_and_goes_on(
    container: Container, start: Start, finish: Any, query: Query, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "BUDGET", 0.0)
    job = start(file_of(tag, 20))
    assert container.import_jobs.work() is True
    assert container.import_jobs.job(job["id"])["state"] == "importing"
    monkeypatch.undo()
    assert finish(job)["rows_done"] == 20


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("begun_by", ["this release", "one that kept no layout"])
def test_whoever_goes_on_with_a_job_reads_the_file_as_it_was_found_to_be(
    begun_by: str, container: Container, start: Start, finish: Any, query: Query, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = "".join(f"{tag}-{n:04},Part {n},All / {tag} / Bin {n % 3}\n" for n in range(20))
    monkeypatch.setattr(service, "BUDGET", 0.0)
    job = start(f"sku,part_name,category\n{rows}".encode())
    container.import_jobs.work()
    assert container.import_jobs.job(job["id"])["state"] == "importing"
    if begun_by != "this release":
        query("UPDATE import_jobs SET layout = NULL WHERE id = :id", id=job["id"])
    monkeypatch.undo()
    done = finish(job)
    assert (done["state"], done["created"]) == ("done", 20)
    assert done["columns"][2]["detail"] == 'levels separated by " / "; "All" at its beginning is left out'
    names = query(
        "SELECT c.name, above.name AS above, above.parent_id FROM categories c JOIN categories above ON above.id = c.parent_id"
        " WHERE above.name = :tag ORDER BY c.name", tag=tag,
    )  # fmt: skip
    assert names == [{"name": f"Bin {n}", "above": tag, "parent_id": None} for n in range(3)]


def test_a_wrong_row_refuses_the_whole_file_and_every_error_is_counted(start: Start, finish: Any, query: Query, tag: str) -> None:
    bad = "".join(f"{tag}-bad{n},,,,,,\n" for n in range(250))
    refused = finish(start(file_of(tag, 5) + bad.encode()))
    assert (refused["state"], len(refused["errors"]), refused["error_count"]) == ("refused", 200, 250)
    assert refused["errors"][0] == {"line": 7, "field": "part_name", "reason": "is required"}
    assert written(query, tag) == (0, 0, 0)


@pytest.mark.parametrize("dry_run", [True, False])
def test_what_is_no_html_is_kept_and_what_is_dropped_is_said_by_line(
    dry_run: bool, start: Start, finish: Any, query: Query, tag: str
) -> None:
    texts = ["Leakage Ioff<Imax at 25 C.", "<b>x</b><script>y</script>", "plain", "<font>a</font> <info@shop.example>"]
    file = "sku,part_name,description\n" + "".join(f"{tag}-{place},Part,{text}\n" for place, text in enumerate(texts))
    done = finish(start(file.encode(), dry_run=dry_run))
    assert (done["state"], done["created"], done["notice_count"]) == ("done", 4, 2)
    assert done["notices"] == [
        {"line": 3, "field": "description", "reason": "the element script with what it held was dropped"},
        {"line": 5, "field": "description", "reason": "the element font was dropped"},
    ]
    kept = [
        row["description"] for row in query("SELECT description FROM parts WHERE sku LIKE :like ORDER BY sku", like=f"{tag}%")
    ]
    shown = ["<p>Leakage Ioff&lt;Imax at 25 C.</p>", "<b>x</b>", "plain", "<p>a &lt;info@shop.example&gt;</p>"]
    assert kept == ([] if dry_run else shown)


def test_a_dry_run_says_what_would_be_done_and_writes_nothing(start: Start, finish: Any, query: Query, tag: str) -> None:
    finish(start(file_of(tag, 5)))
    before = query("SELECT (SELECT max(id) FROM outbox_events) AS event, (SELECT count(*) FROM categories) AS categories")
    changed = file_of(tag, 8).replace(b"Part 1,", b"Renamed,") + f"{tag}-new,New,Elsewhere {tag},,,,\n".encode()
    told = finish(start(changed, dry_run=True))
    assert (told["state"], told["created"], told["changed"], told["unchanged"]) == ("done", 4, 1, 4)
    assert query("SELECT (SELECT max(id) FROM outbox_events) AS event, (SELECT count(*) FROM categories) AS categories") == before
    assert written(query, tag)[0] == 5


def test_a_file_that_is_no_text_is_refused_and_keeps_no_other_from_being_imported(start: Start, finish: Any, tag: str) -> None:
    picture, catalog = start(b"\x89PNG\r\n\x1a\n\xff\xd8,\xfe\n"), start(file_of(tag, 2))
    assert finish(catalog)["state"] == "done"
    refused = finish(picture)
    assert refused["state"] == "refused"
    assert "\ufffdPNG" in {error["field"] for error in refused["errors"]}
    assert "byte 0x89" in "".join(error["reason"] for error in refused["errors"])


def test_a_job_whose_refusal_cannot_be_written_ends_all_the_same(
    start: Start, finish: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_arguments: Any) -> None:
        raise TypeError("on purpose: \udc89")

    monkeypatch.setattr(service.ImportJobs, "_refuse", break_down)
    ended = finish(start(b"neither,nor\n1,2\n"))
    assert (ended["state"], ended["failure"]) == ("failed", "TypeError: on purpose: \ufffd")


def test_a_job_ends_as_failed_when_something_breaks_and_the_next_one_is_done(
    container: Container, start: Start, finish: Any, query: Query, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, good = start(file_of(tag, 3)), start(file_of(f"{tag}x", 3))

    def explode(*_arguments: Any) -> Any:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(service, "apply_chunk", explode)
    container.import_jobs.work()
    monkeypatch.undo()
    assert finish(good)["state"] == "done"
    failed = container.import_jobs.job(broken["id"])
    assert (failed["state"], failed["failure"]) == ("failed", "RuntimeError: broken on purpose")


@pytest.mark.usefixtures("small_chunks")
def test_a_step_waits_for_the_one_before_however_slow_its_commit_is(
    container: Container, start: Start, query: Query, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, chunks = start(file_of(tag, 40)), 4
    apply_chunk, commit = service.apply_chunk, TransactionManager.finish
    written = committed = 0

    def write(*arguments: Any) -> Any:
        nonlocal written
        report = apply_chunk(*arguments)
        written += 1
        return report

    def waits() -> bool:
        return bool(query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"))

    def commit_late(manager: TransactionManager, unit_of_work: Any, scope: Any) -> Any:
        nonlocal committed
        committed += 1
        assert committed == chunks or wait_until(lambda: written > committed or waits())
        return commit(manager, unit_of_work, scope)

    monkeypatch.setattr(service, "apply_chunk", write)
    monkeypatch.setattr(TransactionManager, "finish", commit_late)
    container.import_jobs.work()
    after = container.import_jobs.job(job["id"])
    assert (after["state"], after["rows_done"]) == ("done", 40)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("rows", [10, 35])
def test_a_job_whose_rows_cannot_be_committed_ends_as_failed(
    rows: int, container: Container, start: Start, finish: Any, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, good = start(file_of(tag, rows)), start(file_of(f"{tag}x", 3))
    commit = UnitOfWork.commit

    def refuse(unit_of_work: UnitOfWork) -> Any:
        if unit_of_work.is_bulk:
            raise RuntimeError("refused on purpose")
        return commit(unit_of_work)

    monkeypatch.setattr(chunk, "BULK", 1)
    monkeypatch.setattr(UnitOfWork, "commit", refuse)
    container.import_jobs.work()
    monkeypatch.undo()
    failed = container.import_jobs.job(broken["id"])
    assert (failed["state"], failed["failure"], failed["rows_done"]) == ("failed", "RuntimeError: refused on purpose", 0)
    assert finish(good)["state"] == "done"


def test_a_job_that_gets_no_further_ends_and_lets_the_next_one_begin(
    container: Container, start: Start, finish: Any, query: Query, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck, good = start(file_of(tag, 3)), start(file_of(f"{tag}x", 3))

    def away(*_arguments: Any) -> Any:
        raise StorageUnavailableError

    monkeypatch.setattr(service, "open_text", away)
    for _ in range(service.MAX_ATTEMPTS):
        assert container.import_jobs.work() is False
        query("UPDATE import_jobs SET leased_until = NULL WHERE id = :id", id=stuck["id"])
    assert container.import_jobs.job(stuck["id"])["state"] == "checking"
    assert container.import_jobs.work() is True
    monkeypatch.undo()
    assert container.import_jobs.job(stuck["id"])["state"] == "failed"
    assert finish(good)["state"] == "done"


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 a workbook", b"\xd0\xcf\x11\xe0 an old one", b"%PDF-1.7"])
def test_what_is_no_csv_is_refused_before_it_is_kept(data: bytes, container: Container) -> None:
    with pytest.raises(InvalidFieldError):
        keep(container.storage, BytesIO(data))


@pytest.mark.parametrize("name", ["../../etc/passwd", "C:\\parts\\list.csv", "x" * 300, "a\x00b\u202e.csv", ""])
def test_what_a_file_calls_itself_is_only_a_label(name: str, start: Start, finish: Any, tag: str) -> None:
    job = start(file_of(tag, 1), name=name)
    assert 0 < len(job["file_name"]) <= 200
    assert not set("/\\\x00\u202e") & set(job["file_name"])
    assert finish(job)["state"] == "done"


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16"])
def test_a_file_says_its_encoding_by_its_first_bytes(mark: str, start: Start, finish: Any, query: Query, tag: str) -> None:
    done = finish(start(f"sku;name\r\n{tag}-1;Größe\r\n".encode(mark)))
    assert done["state"] == "done"
    assert query("SELECT part_name FROM parts WHERE sku = :sku", sku=f"{tag}-1") == [{"part_name": "Größe"}]


def test_another_encoding_is_refused_line_by_line_unless_it_is_named(
    container: Container, actor: Actor, start: Start, finish: Any, query: Query, tag: str
) -> None:
    data = f"sku;name\n{tag}-1;plain\n{tag}-2;Größe\n".encode("windows-1252")
    refused = finish(start(data))
    assert [(error["line"], error["field"]) for error in refused["errors"]] == [(3, "name")]
    digest, size = keep(container.storage, BytesIO(data))
    assert finish(container.import_jobs.create(actor, digest, size, "x", "windows-1252", dry_run=False))["created"] == 2
    assert query("SELECT part_name FROM parts WHERE sku = :sku", sku=f"{tag}-2") == [{"part_name": "Größe"}]


def test_a_file_is_deleted_once_its_jobs_have_ended_long_ago_and_never_while_one_needs_it(
    container: Container, start: Start, finish: Any, query: Query, tag: str
) -> None:
    def stored(digest: str) -> Path:
        return Path(unquote(urlsplit(container.settings.media_url).path)) / service.path_of(digest)

    digests = {}
    for name in ("ended", "recent", "again", "fresh", "queued"):
        job = start(file_of(f"{tag}-{name}", 1))
        if name != "queued":
            finish(job)
        (row,) = query("SELECT digest FROM import_jobs WHERE id = :id", id=job["id"])
        digests[name] = row["digest"]
        if name not in {"recent", "queued"}:
            query("UPDATE import_jobs SET finished_at = finished_at - interval '15 days' WHERE id = :id", id=job["id"])
    # Uploaded long ago and once more just now; and by somebody whose job could not be written, just now.
    start(file_of(f"{tag}-again", 1))
    long_ago = time.time() - 15 * 86_400
    for name in ("ended", "recent", "queued", "again"):
        os.utime(stored(digests[name]), (long_ago, long_ago))
    container.import_jobs.forget_files()
    assert [name for name, digest in digests.items() if not stored(digest).exists()] == ["ended"]
    while container.import_jobs.work():
        pass
