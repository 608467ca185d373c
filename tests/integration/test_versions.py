"""Content versions: differences, restores, what stands in their way, and rehearsals. While many write: `test_versions_race`."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.container import Container
from app.contract.events import Actor
from app.domain.errors import ArchivedError, ConcurrencyError, DuplicateError, InvalidFieldError, NotFoundError
from app.domain.pricing import PriceLine
from app.services.imports import passes
from app.services.intent import Expected, Intent
from app.services.versions import RESTORABLE, Wish
from app.store import content as content_rows
from app.store.images import replace_images
from app.store.locks import lock_part
from app.store.transaction import UnitOfWork

Query = Callable[..., list[dict[str, Any]]]
Deliver = Callable[[], None]
NewPart = Callable[..., int]


def specification(name: str, value: str = "1") -> dict[str, str]:
    return {"name": name, "value": value, "unit": "", "group": ""}


def specify(container: Container, actor: Actor, part_id: int, names: str, value: str = "1") -> None:
    """Give a part the specifications named by letters, as a unit of work of content does."""

    def work(unit_of_work: UnitOfWork) -> None:
        lock_part(unit_of_work, part_id)
        before = content_rows.load(unit_of_work.connection, [part_id])[part_id]
        wanted = [specification(name, value) for name in names]
        if wanted != before.row.specifications:
            content_rows.replace_specifications(unit_of_work, {part_id: wanted})
            content_rows.save(unit_of_work, before, {}, archived=False, reason=None)

    container.transactions.run(actor, work)


def snapshot(container: Container, part_id: int, number: int) -> dict[str, Any]:
    found: dict[str, Any] = container.parts.admin.version(part_id, number)["content_snapshot"]
    return found


def present(container: Container, part_id: int) -> dict[str, Any]:
    with container.reading.connect() as connection:
        return content_rows.load(connection, [part_id])[part_id].snapshot()


@pytest.fixture
def change(container: Container, actor: Actor) -> Callable[..., None]:
    """Change content fields of a part."""

    def run(part_id: int, reason: str | None = None, **columns: object) -> None:
        container.parts.update_part_content_with_sync(Intent(actor, reason=reason), part_id, columns)

    return run


def test_a_restore_makes_a_new_version_with_one_event_and_leaves_stock_and_prices_alone(
    container: Container, actor: Actor, new_part: NewPart, change: Callable[..., None], deliver: Deliver, query: Query
) -> None:
    part_id = new_part(description="<p>first</p>", stock=7)
    container.parts.update_prices_with_sync(Intent(actor), part_id, [PriceLine("EUR", Decimal(5))])
    specify(container, actor, part_id, "ab")
    change(part_id, description="second", part_name="Other", status="draft")
    specify(container, actor, part_id, "bc")
    deliver()
    before = container.parts.admin.part(part_id)
    content = container.parts.restore_version_with_sync(Intent(actor, Expected(4), "a mistake"), Wish(part_id, 2, RESTORABLE))
    deliver()
    after = container.parts.admin.part(part_id)
    assert content["version"] == after["version"] == 5
    assert present(container, part_id) == snapshot(container, part_id, 2) == snapshot(container, part_id, 5)
    assert (after["stock"], after["price"]) == (before["stock"], before["price"])
    rows = query("SELECT * FROM data_change_logs WHERE part_id = :id AND version = 5", id=part_id)
    assert [(row["table_name"], row["reason"]) for row in rows] == [("parts", "Restored version 2: a mistake")]
    listed = container.parts.admin.versions(part_id, None, 10)
    assert listed[0]["change_summary"] == (
        "Changed name, description, status and 2 specifications (Restored version 2: a mistake)"
    )
    assert (listed[0]["source"], listed[0]["kind"], listed[0]["restored_from"]) == ("restore", "changed", 2)
    assert listed[0]["fields"] == {"part_name": 1, "description": 1, "status": 1, "specifications": 2}
    assert listed[0]["message"] == "a mistake"
    assert [one["version_number"] for one in container.parts.admin.versions(part_id, None, 10, "restore")] == [5]
    assert (listed[0]["created_by"], listed[0]["created_by_name"]) == (actor.user_id, actor.name)
    assert [version["is_active"] for version in listed] == [True, False, False, False, False]


@pytest.mark.parametrize(("then", "now"), [("published", "draft"), ("draft", "published")])
def test_a_full_restore_neither_publishes_nor_withdraws_and_its_rehearsal_says_so_first(
    then: str, now: str, container: Container, actor: Actor, new_part: NewPart, change: Callable[..., None], deliver: Deliver
) -> None:
    part_id = new_part(description="first", status=then)
    change(part_id, description="second", status=now)
    deliver()
    said = container.parts.admin.rehearse_restore(Wish(part_id, 1))
    assert [one["field"] for one in said["changes"]] == ["description"]
    assert [(one["field"], one["present"], one["then"]) for one in said["kept"]] == [("status", now, then)]
    assert f"stays {now}; version 1 was {then}" in said["kept"][0]["reason"]
    container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, 1))
    assert (present(container, part_id)["description"], present(container, part_id)["status"]) == ("first", now)
    assert (container.parts.get_part_with_real_time_data(part_id).body is not None) == (now == "published")
    # With that alone left of it, there is nothing to restore.
    assert container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, 1))["version"] == 3
    chosen = container.parts.admin.rehearse_restore(Wish(part_id, 1, ["status"]))
    assert ([one["field"] for one in chosen["changes"]], chosen["kept"]) == (["status"], [])
    container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, 1, ["status"]))
    assert present(container, part_id)["status"] == then


def test_chosen_fields_alone_are_restored(
    container: Container, actor: Actor, new_part: NewPart, change: Callable[..., None], deliver: Deliver
) -> None:
    part_id = new_part(description="first")
    change(part_id, description="second", part_name="Other")
    deliver()
    container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, 1, ["description"]))
    assert (present(container, part_id)["description"], present(container, part_id)["part_name"]) == ("first", "Other")


@pytest.mark.parametrize("fields", [None, ["part_name"]])
def test_restoring_what_is_there_already_makes_no_version_and_no_event(
    fields: list[str] | None, container: Container, actor: Actor, new_part: NewPart, change: Callable[..., None],
    deliver: Deliver, query: Query,
) -> None:  # fmt: skip
    part_id = new_part()
    change(part_id, description="second")
    deliver()
    count = "SELECT count(*) AS n FROM outbox_events WHERE aggregate_id = :id AND aggregate_type = 'part'"
    before = query(count, id=part_id)
    content = container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, 1 if fields else 2, fields))
    assert content["version"] == 2
    assert query(count, id=part_id) == before


def test_a_rehearsal_says_what_a_restore_does_and_writes_nothing(
    container: Container, actor: Actor, new_part: NewPart, change: Callable[..., None], deliver: Deliver
) -> None:
    part_id = new_part(description="the first text")
    change(part_id, description="the second text")
    deliver()
    said = container.parts.admin.rehearse_restore(Wish(part_id, 1))
    assert container.parts.admin.part(part_id)["version"] == said["version"] == 2
    assert said["blocked"] == []
    container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, 1))
    deliver()
    assert said["changes"] == container.parts.admin.version_diff(part_id, 2, 3)["changes"]
    assert [change["field"] for change in said["changes"]] == ["description"]


def test_a_sku_that_another_part_has_by_now_blocks_the_restore_and_the_other_fields_are_the_way_round(
    container: Container, actor: Actor, new_part: NewPart, change: Callable[..., None], deliver: Deliver
) -> None:
    sku = f"OLD-{uuid4().hex}"
    part_id = new_part(sku=sku, description="first")
    change(part_id, sku=f"NEW-{uuid4().hex}", description="second")
    new_part(sku=sku)
    deliver()
    [blocked] = container.parts.admin.rehearse_restore(Wish(part_id, 1))["blocked"]
    assert blocked["field"] == "sku"
    assert "fields" in blocked["reason"]
    with pytest.raises(DuplicateError, match="fields"):
        container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, 1))
    assert container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, 1, ["description"]))["version"] == 3


def test_a_category_that_is_gone_blocks_the_restore(
    container: Container, actor: Actor, new_part: NewPart, change: Callable[..., None], deliver: Deliver, query: Query
) -> None:
    name = uuid4().hex
    [category] = query("INSERT INTO categories (name, slug) VALUES (:name, :name) RETURNING id", name=name)
    part_id = new_part(category_id=category["id"])
    change(part_id, category_id=None)
    deliver()
    [moved] = container.parts.admin.rehearse_restore(Wish(part_id, 1, ["category_id"]))["changes"][1:]
    assert moved == {"field": "category_path", "old": [], "new": [name]}
    query("DELETE FROM categories WHERE id = :id", id=category["id"])
    assert [one["field"] for one in container.parts.admin.rehearse_restore(Wish(part_id, 1))["blocked"]] == ["category_id"]
    with pytest.raises(InvalidFieldError, match="fields"):
        container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, 1))


def test_a_rehearsal_names_the_category_as_it_is_called_now(
    container: Container, actor: Actor, new_part: NewPart, change: Callable[..., None], deliver: Deliver
) -> None:
    name = uuid4().hex
    category_id = container.parts.create_category_with_sync(Intent(actor), name, None, None)["id"]
    part_id = new_part(category_id=category_id)
    change(part_id, category_id=None)
    container.parts.update_category_with_sync(Intent(actor), category_id, {"name": f"{name} renamed"})
    deliver()
    said = container.parts.admin.rehearse_restore(Wish(part_id, 1))["changes"]
    assert said[1] == {"field": "category_path", "old": [], "new": [f"{name} renamed"]}
    container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, 1))
    deliver()
    assert container.parts.admin.version_diff(part_id, 2, 3)["changes"] == said


def test_an_archived_part_an_unknown_version_and_a_version_that_moved_on_are_refused(
    container: Container, actor: Actor, new_part: NewPart, change: Callable[..., None], deliver: Deliver
) -> None:
    part_id, other = new_part(), new_part()
    change(part_id, description="second")
    change(other, description="second")
    change(other, description="third")
    deliver()
    for number in (0, 3):
        with pytest.raises(NotFoundError):
            container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, number))
        with pytest.raises(NotFoundError):
            container.parts.admin.rehearse_restore(Wish(part_id, number))
    with pytest.raises(ConcurrencyError):
        container.parts.restore_version_with_sync(Intent(actor, Expected(1)), Wish(part_id, 1))
    container.parts.archive_part_with_sync(Intent(actor), part_id)
    with pytest.raises(ArchivedError):
        container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, 1))
    with pytest.raises(ArchivedError):
        container.parts.admin.rehearse_restore(Wish(part_id, 1))


def test_what_an_old_release_kept_comes_back_clean_and_what_it_did_not_keep_stays(
    container: Container,
    actor: Actor,
    new_part: NewPart,
    change: Callable[..., None],
    deliver: Deliver,
    rewrite: Callable[..., None],
) -> None:
    part_id = new_part()
    change(part_id, part_name="Second")
    deliver()
    rewrite(
        "UPDATE part_content_versions SET content_snapshot = content_snapshot - 'slug' - 'images'"
        ' || \'{"description": "<p onclick=\\"x()\\">a<script>b</script></p>"}\' WHERE part_id = :id AND version_number = 1',
        id=part_id,
    )
    slug = present(container, part_id)["slug"]
    container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, 1))
    assert present(container, part_id)["description"] == "<p>a</p>"
    assert (present(container, part_id)["slug"], present(container, part_id)["part_name"]) == (slug, "Test part")


def test_restored_pictures_are_the_old_rows_again(
    container: Container, actor: Actor, new_part: NewPart, deliver: Deliver, query: Query
) -> None:
    part_id = new_part()
    first = {"digest": "a" * 64, "extension": "png", "byte_size": 9, "alt": "front", "width": 10, "height": 20}
    ids = [
        query(
            "INSERT INTO part_images (part_id, digest, extension, byte_size, alt, width, height, position)"
            " VALUES (:part_id, :digest, :extension, :byte_size, :alt, :width, :height, :position) RETURNING id",
            part_id=part_id, position=position, **first | {"alt": alt},
        )[0]["id"]
        for position, alt in enumerate(("front", "back"))
    ]  # fmt: skip

    def save(images: list[dict[str, Any]]) -> None:
        def work(unit_of_work: UnitOfWork) -> None:
            before = content_rows.load(unit_of_work.connection, [part_id])[part_id]
            replace_images(unit_of_work, part_id, images)
            content_rows.save(unit_of_work, before, {}, archived=False, reason=None)

        container.transactions.run(actor, work)

    pictures = [first | {"id": ids[0], "alt": "front"}, first | {"id": ids[1], "alt": "back"}]
    save([pictures[1], pictures[0]])
    save([pictures[0] | {"alt": "changed"}])
    deliver()
    [found] = container.parts.admin.version_diff(part_id, 2, 3)["changes"]
    assert [entry["item"]["id"] for entry in found["items"]["removed"]] == [ids[1]]
    assert [entry["new"]["alt"] for entry in found["items"]["changed"]] == ["changed"]
    container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, 2))
    assert [image["id"] for image in present(container, part_id)["images"]] == [ids[1], ids[0]]
    assert present(container, part_id) == snapshot(container, part_id, 2)


def test_each_version_says_by_which_way_it_came(
    container: Container, actor: Actor, new_part: NewPart, deliver: Deliver, query: Query, api: Callable[[str], FlaskClient]
) -> None:
    sku = uuid4().hex
    part_id = new_part(sku=sku)
    editor = api("editor")
    url = f"/api/v1/admin/parts/{part_id}"
    assert editor.put(url, json={"part_name": "By a machine", "reason": "its turn"}).status_code == 200
    placed = {"part_ids": [part_id], "set": {"status": "draft"}, "reason": "all of them"}
    assert editor.post("/api/v1/admin/parts/bulk", json=placed).status_code == 200
    lines = f"sku,part_name\n{sku},Imported\n"
    passes.import_parts(container.transactions, container.reading, actor, lambda: StringIO(lines), file_name="parts.csv")
    container.parts.update_part_content_with_sync(Intent(replace(actor, request_id=None)), part_id, {"part_name": "By command"})
    deliver()
    container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, 2))
    with container.engine.begin() as connection:
        # As psql does.
        connection.execute(text("SET LOCAL lockstep.writer = ''; SET LOCAL application_name = 'psql'"))
        connection.execute(text("UPDATE parts SET part_name = 'By hand' WHERE id = :id"), {"id": part_id})
    deliver()
    # As whoever writes with the triggers switched off.
    query("UPDATE parts SET part_name = 'Unnoticed' WHERE id = :id", id=part_id)
    container.reconciliation.run()
    deliver()
    came = [("panel", None), ("api", "its turn"), ("bulk", "all of them"), ("import", "parts.csv"), ("command", None),
            ("restore", None), ("by_hand", None), ("reconcile", None)]  # fmt: skip
    listed = editor.get(f"{url}/versions").get_json()["items"]
    assert [(one["source"], one["message"]) for one in reversed(listed)] == came
    assert [one["restored_from"] for one in listed if one["source"] == "restore"] == [2]
    for source, _message in came:
        only = editor.get(f"{url}/versions", query_string={"source": source}).get_json()["items"]
        assert [one["source"] for one in only] == [source]
    assert editor.get(f"{url}/versions", query_string={"source": "nowhere"}).status_code == 422


def test_a_version_whose_event_an_older_release_has_written_says_that_its_way_is_not_known(
    container: Container, new_part: NewPart, deliver: Deliver, query: Query
) -> None:
    part_id = new_part()
    query("UPDATE outbox_events SET payload = payload - 'origin' WHERE aggregate_id = :id AND aspect = 'content'", id=part_id)
    deliver()
    (version,) = container.parts.admin.versions(part_id, None, 10)
    assert (version["source"], version["kind"], version["change_summary"]) == (None, "created", "Created")
    # One that it has written itself has nothing of it.
    query("UPDATE part_content_versions SET change = NULL WHERE part_id = :id", id=part_id)
    (version,) = container.parts.admin.versions(part_id, None, 10)
    assert (version["source"], version["kind"], version["fields"], version["message"]) == (None, None, None, None)
