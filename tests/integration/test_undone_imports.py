"""Imports that are undone: everything is as it was before, but for what somebody has changed since."""

from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest

from app.container import Container
from app.contract.events import Actor
from app.domain.errors import ImportNotUndoableError, NotFoundError
from app.services.imports import jobs as service
from app.services.imports.jobs import keep
from app.services.intent import Intent
from app.store.imports import jobs

Query = Callable[..., list[dict[str, Any]]]
HEADER = "sku,part_name,slug,description,category,manufacturer,status,price,currency,current_stock,min_stock_level,Bore [mm]\n"
# What says when and by whom, but not what.
VOLATILE = {"updated_at", "last_updated_by", "last_updated_by_name", "changed_by", "changed_at"}


@pytest.fixture
def tag() -> str:
    """A prefix of this test's own SKUs."""
    return uuid4().hex[:10]


class Importer:
    """Imports files and undoes that."""

    def __init__(self, container: Container, actor: Actor) -> None:
        self.container, self.actor = container, actor

    def run(self, rows: str, header: str = HEADER, *, dry_run: bool = False) -> dict[str, Any]:
        digest, size = keep(self.container.storage, BytesIO((header + rows).encode()))
        return self.work(self.container.import_jobs.create(self.actor, digest, size, "parts.csv", dry_run=dry_run))

    def undo(self, job: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        return self.work(self.container.import_jobs.undo(Intent(self.actor), job["id"], dry_run=dry_run))

    def work(self, job: dict[str, Any]) -> dict[str, Any]:
        while self.container.import_jobs.work():
            pass
        done = self.container.import_jobs.job(job["id"])
        assert done["state"] == "done", done
        return done

    def state(self, part_id: int) -> dict[str, Any]:
        """Return what a part says, without its versions."""
        return _lasting(self.container.parts.admin.part(part_id))


def _lasting(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _lasting(one) for name, one in value.items() if name not in VOLATILE | {"version", "versions"}}
    return [_lasting(one) for one in value] if isinstance(value, list) else value


@pytest.fixture
def importer(container: Container, actor: Actor) -> Importer:
    return Importer(container, actor)


def row(sku: str, **values: object) -> str:
    given = {
        "part_name": "Imported", "slug": f"imported-{sku}", "description": "new", "category": f"Imported > {sku}",
        "manufacturer": "ACME", "status": "draft", "price": "9.50", "currency": "EUR", "current_stock": 50, "min_stock_level": 5,
        "bore": 20,
    } | values  # fmt: skip
    return ",".join([sku, *map(str, given.values())]) + "\n"


@pytest.fixture
def old(importer: Importer, tag: str, query: Query) -> list[int]:
    """Three parts with everything that an import can change."""
    was = {"category": "Old", "status": "published", "price": "1.25", "current_stock": 7, "bore": 10}
    importer.run("".join(row(f"{tag}-{n}", part_name=f"Old {n}", slug=f"old-{tag}-{n}", **was) for n in range(3)))
    return [one["id"] for one in query("SELECT id FROM parts WHERE sku LIKE :like ORDER BY sku", like=f"{tag}%")]


def new_ids(query: Query, tag: str) -> list[int]:
    return [one["id"] for one in query("SELECT id FROM parts WHERE sku LIKE :like ORDER BY sku", like=f"{tag}-new%")]


@pytest.mark.parametrize("at_once", [200, 2])
def test_what_an_import_changed_is_as_before_and_what_it_made_is_archived(
    at_once: int, importer: Importer, old: list[int], tag: str, query: Query, deliver: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(service, "UNDONE_AT_ONCE", at_once)
    before = [importer.state(part_id) for part_id in old]
    job = importer.run("".join(row(f"{tag}-{name}") for name in (0, 1, "new1", "new2")))
    assert (job["changed"], job["created"]) == (2, 2)
    assert [importer.state(part_id) == was for part_id, was in zip(old, before, strict=True)] == [False, False, True]
    newest = query("SELECT max(id) AS id FROM outbox_events")[0]["id"]
    told = importer.undo(job, dry_run=True)
    assert (told["dry_run"], told["undoes"], told["changed"], told["conflicts"]) == (True, job["id"], 8, [])
    assert query("SELECT max(id) AS id FROM outbox_events")[0]["id"] == newest
    # A dry run undoes nothing.
    assert importer.container.import_jobs.job(job["id"])["undone_by"] is None
    undone = importer.undo(job)
    assert (undone["changed"], undone["unchanged"], undone["conflict_count"]) == (8, 0, 0)
    said = importer.container.import_jobs.job(job["id"])["undone_by"]
    assert said == {"id": undone["id"], "state": "done", "finished_at": undone["finished_at"]}
    assert undone["undone_by"] is None
    assert [importer.state(part_id) for part_id in old] == before
    assert [importer.state(part_id)["status"] for part_id in new_ids(query, tag)] == ["archived"] * 2
    # Customers read it so, too, and the trail says why.
    shown = importer.container.parts.get_part_with_real_time_data(old[0]).body
    assert (shown["part_name"], shown["stock"]["current_stock"], shown["price"]["amount"]) == ("Old 0", 7, "1.25")
    deliver()
    rows = query(
        "SELECT l.operation, l.reason FROM data_change_logs l JOIN outbox_events e ON e.event_id = l.event_id"
        " WHERE e.id > :newest", newest=newest,
    )  # fmt: skip
    assert sorted(one["operation"] for one in rows) == ["DELETE"] * 2 + ["UPDATE"] * 6
    versions = importer.container.parts.admin.versions(old[0], None, 10)
    came = [("undo", job["id"], None), ("import", job["id"], "parts.csv")]
    assert [(one["source"], one["import_id"], one["message"]) for one in versions[:2]] == came
    assert {one["reason"] for one in rows} == {f"import {undone['id']}: undo of import {job['id']}"}
    # Once more there is nothing left: everything was changed since, by the undo.
    again = importer.undo(job)
    assert (again["changed"], again["conflict_count"], len(again["conflicts"])) == (0, 8, 8)
    with pytest.raises(ImportNotUndoableError):
        importer.container.import_jobs.undo(Intent(importer.actor), undone["id"], dry_run=False)


def test_what_somebody_has_changed_since_is_listed_and_left_alone(
    importer: Importer, old: list[int], tag: str, query: Query
) -> None:
    parts, me = importer.container.parts, Intent(importer.actor)
    before = [importer.state(part_id) for part_id in old]
    job = importer.run("".join(row(f"{tag}-{name}") for name in (0, 1, 2, "new1", "new2")))
    first, second = new_ids(query, tag)
    parts.update_stock_with_sync(me, old[0], {"current_stock": 49})
    parts.update_part_content_with_sync(me, old[1], {"part_name": "By hand"})
    parts.archive_part_with_sync(me, old[2])
    parts.update_prices_with_sync(me, first, [])
    told = importer.undo(job, dry_run=True)
    undone = importer.undo(job)
    listed = [(one["part_id"], one["aspect"]) for one in undone["conflicts"]]
    assert undone["conflicts"] == told["conflicts"]
    archived = [(old[2], aspect) for aspect in ("content", "stock", "price")]
    assert sorted(listed) == sorted([(old[0], "stock"), (old[1], "content"), (first, "content"), *archived])
    (stock,) = (one for one in undone["conflicts"] if one["aspect"] == "stock" and one["part_id"] == old[0])
    assert (stock["sku"], stock["changed_by"]["id"]) == (f"{tag}-0", importer.actor.user_id)
    assert undone["changed"] == 11 - 6
    assert importer.state(old[0])["stock"]["current_stock"] == 49
    assert importer.state(old[0]) | {"stock": None} == before[0] | {"stock": None}
    by_hand = importer.state(old[1])
    assert (by_hand["part_name"], by_hand["description"], by_hand["stock"]) == ("By hand", "new", before[1]["stock"])
    assert importer.state(old[2])["status"] == "archived"
    assert [importer.state(part_id)["status"] for part_id in (first, second)] == ["draft", "archived"]


def test_a_slug_that_was_taken_since_and_a_category_that_is_gone_are_said(
    importer: Importer, old: list[int], tag: str, query: Query, new_part: Callable[..., int]
) -> None:
    parts, me = importer.container.parts, Intent(importer.actor)
    job = importer.run(row(f"{tag}-0") + row(f"{tag}-1", slug=f"old-{tag}-1"))
    holder = new_part(slug=f"old-{tag}-0")
    (conflict,) = importer.undo(job, dry_run=True)["conflicts"]
    assert (conflict["part_id"], conflict["aspect"]) == (old[0], "content")
    assert f"part {holder}" in conflict["reason"]
    parts.update_part_content_with_sync(me, old[2], {"category_id": None})
    (category,) = query("SELECT id FROM categories WHERE name = 'Old'")
    parts.delete_category_with_sync(me, category["id"], None)
    undone = importer.undo(job)
    assert {(one["part_id"], one["aspect"], one["reason"]) for one in undone["conflicts"]} == {
        (part_id, "content", "The category that it was in is gone.") for part_id in old[:2]
    }
    # Stock and prices are other aspects, and are as before.
    assert undone["changed"] == 4


def test_only_what_has_ended_and_changed_something_can_be_undone(importer: Importer, tag: str) -> None:
    undo = importer.container.import_jobs.undo
    rehearsed = importer.run(row(f"{tag}-1"), dry_run=True)
    digest, size = keep(importer.container.storage, BytesIO(b"sku,part_name\nx,y\n"))
    queued = importer.container.import_jobs.create(importer.actor, digest, size, "x.csv", dry_run=False)
    for job in (rehearsed, queued):
        with pytest.raises(ImportNotUndoableError):
            undo(Intent(importer.actor), job["id"], dry_run=False)
    with pytest.raises(NotFoundError):
        undo(Intent(importer.actor), 2_147_483_647, dry_run=False)


def test_an_undo_that_is_cancelled_stays_where_it_is_and_may_be_asked_for_again(
    importer: Importer, old: list[int], tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = [importer.state(part_id) for part_id in old]
    job = importer.run("".join(row(f"{tag}-{n}") for n in range(3)))
    monkeypatch.setattr(service, "UNDONE_AT_ONCE", 3)
    step, chunks = jobs.step, 0

    def cancelling(unit_of_work: Any, job_id: int, *rest: Any, **progress: Any) -> Any:
        nonlocal chunks
        chunks += 1
        if chunks == 2:
            importer.container.import_jobs.cancel(Intent(importer.actor), job_id)
        return step(unit_of_work, job_id, *rest, **progress)

    monkeypatch.setattr(jobs, "step", cancelling)
    queued = importer.container.import_jobs.undo(Intent(importer.actor), job["id"], dry_run=False)
    while importer.container.import_jobs.work():
        pass
    ended = importer.container.import_jobs.job(queued["id"])
    assert (ended["state"], ended["changed"]) == ("cancelled", 3)
    undone = importer.undo(job)
    assert (undone["changed"], undone["conflict_count"]) == (6, 3)
    assert [importer.state(part_id) for part_id in old] == before


def test_a_release_of_before_does_not_take_an_undo_for_an_import(importer: Importer, tag: str, query: Query) -> None:
    job = importer.run(row(f"{tag}-1"))
    undo = importer.container.import_jobs.undo(Intent(importer.actor), job["id"], dry_run=False)
    assert query("SELECT id FROM import_jobs WHERE state IN ('queued', 'checking', 'importing')") == []
    assert importer.work(undo)["changed"] == 1
