"""The category tree: a change to a path changes every part below it, in the same transaction, whatever else is being written."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import text

from app.container import Container
from app.contract.events import Actor
from app.domain.errors import (
    CategoryNotEmptyError,
    ConcurrencyError,
    DatabaseConsistencyError,
    DuplicateError,
    InvalidFieldError,
    LockstepError,
)
from app.services import categories as use_cases
from app.services.intent import ANY, Expected, Intent
from app.services.versions import Wish
from app.store.listing import PartFilters
from app.store.payload import unpacked
from app.sync import consistency
from app.sync.reconciliation.cached_copies import differing_parts

Query = Callable[..., list[dict[str, Any]]]
Make = Callable[..., int]


@pytest.fixture
def make(container: Container, actor: Actor) -> Make:
    """Make categories with a name of their own."""

    def run(parent_id: int | None = None, name: str | None = None) -> int:
        made = container.parts.create_category_with_sync(Intent(actor), name or f"C {uuid4().hex[:10]}", parent_id, None)
        return int(made["id"])

    return run


@pytest.fixture
def change(container: Container, actor: Actor) -> Callable[..., dict[str, Any]]:
    """Change fields of a category."""

    def run(category_id: int, expected: Expected = ANY, **changes: object) -> dict[str, Any]:
        return container.parts.update_category_with_sync(Intent(actor, expected, "spring cleaning"), category_id, changes)

    return run


def path(container: Container, part_id: int) -> list[str]:
    return [step["name"] for step in container.parts.admin.part(part_id)["category"]["path"]]


def content_events(query: Query, part_id: int) -> list[dict[str, Any]]:
    rows = query(
        "SELECT type, version, payload FROM outbox_events WHERE aggregate_type = 'part' AND aggregate_id = :id"
        " AND aspect = 'content' ORDER BY version", id=part_id,
    )  # fmt: skip
    return [row | {"payload": unpacked(row["payload"])} for row in rows]


def category_events(query: Query, category_id: int) -> list[dict[str, Any]]:
    return query(
        "SELECT type, version, payload FROM outbox_events WHERE aggregate_type = 'category' AND aggregate_id = :id"
        " ORDER BY version", id=category_id,
    )  # fmt: skip


def test_a_rename_is_the_next_content_version_of_every_part_below_in_whatever_state(
    container: Container, actor: Actor, make: Make, change: Callable[..., Any], new_part: Callable[..., int], query: Query
) -> None:
    top = make(name=f"Top {uuid4().hex}")
    leaf, beside = make(make(top)), make()
    shown, draft = new_part(category_id=leaf), new_part(category_id=top, status="draft")
    archived, other = new_part(category_id=leaf), new_part(category_id=beside)
    container.parts.archive_part_with_sync(Intent(actor), archived)
    change(top, name=f"Renamed {top}")
    for part_id, version, public in ((shown, 2, True), (draft, 2, False), (archived, 3, False)):
        *_, event = content_events(query, part_id)
        payload = event["payload"]
        assert (event["type"], event["version"]) == ("content.updated", version)
        assert path(container, part_id)[0] == payload["state"]["category"]["path"][0]["name"] == f"Renamed {top}"
        assert payload["snapshot"]["category"]["path"][0]["name"] == f"Renamed {top}"
        assert (payload["public"] is not None) == public
        assert payload["old_values"].keys() == payload["new_values"].keys() == {"category_path", "version"}
        assert payload["old_values"]["category_path"][0]["name"].startswith("Top ")
        assert payload["reason"].endswith("renamed")
    assert [event["version"] for event in content_events(query, other)] == [1]
    created, renamed = category_events(query, top)
    assert created["type"] == "category.created"
    assert created["payload"]["new_values"].keys() == {"name", "slug", "parent_id", "version"}
    assert (renamed["payload"]["old_values"].keys(), renamed["version"]) == ({"name", "version"}, 2)
    assert (renamed["payload"]["reason"], renamed["payload"]["lists"]) == ("spring cleaning", ["categories"])


def test_what_is_the_same_already_makes_no_version_and_no_event(
    container: Container, actor: Actor, make: Make, change: Callable[..., Any], new_part: Callable[..., int], query: Query
) -> None:
    parent = make()
    category_id = make(parent, name="Same")
    part_id = new_part(category_id=category_id)
    (row,) = [c for c in container.parts.admin.categories() if c["id"] == category_id]
    assert change(category_id, name="Same", slug=row["slug"], parent_id=parent)["version"] == 1
    assert change(category_id)["version"] == 1
    assert len(category_events(query, category_id)) == len(content_events(query, part_id)) == 1


def test_a_write_of_an_old_version_is_refused_with_the_present_state(
    actor: Actor, container: Container, make: Make, change: Callable[..., Any]
) -> None:
    category_id = make()
    change(category_id, name=f"Second {category_id}")
    for write in (
        lambda: change(category_id, Expected(1), name="Third"),
        lambda: container.parts.delete_category_with_sync(Intent(actor, Expected(1)), category_id, None),
    ):
        with pytest.raises(ConcurrencyError) as refused:
            write()
        current = refused.value.current
        assert (current["version"], current["name"]) == (2, f"Second {category_id}")
        assert current["changed_by"] == {"id": actor.user_id, "name": actor.name}
    assert change(category_id, Expected(2), name=f"Third {category_id}")["version"] == 3


def test_lists_by_category_and_the_tree_itself_show_a_change_at_once(
    container: Container, make: Make, change: Callable[..., Any], new_part: Callable[..., int]
) -> None:
    top, other = make(), make()
    leaf = make(top)
    part_id = new_part(category_id=leaf)

    def listed(category_id: int) -> list[dict[str, Any]]:
        return list(container.parts.catalog.list_parts(PartFilters(category=str(category_id)), "name", None, 10).body.items)

    assert ([item["id"] for item in listed(top)], listed(other)) == ([part_id], [])
    assert container.parts.catalog.categories().body
    change(leaf, parent_id=other, name=f"Moved {leaf}")
    assert listed(top) == []
    (item,) = listed(other)
    assert [step["id"] for step in item["category"]["path"]] == [other, leaf]
    (shown,) = [one for one in container.parts.catalog.categories().body if one["id"] == leaf]
    assert (shown["name"], shown["parent_id"], shown["version"]) == (f"Moved {leaf}", other, 2)
    assert differing_parts(container.reading, container.cache, [part_id]) == {}


@pytest.mark.parametrize("place", ["itself", "child", "grandchild", "nowhere"])
def test_a_category_cannot_go_below_itself_or_where_nothing_is(
    place: str, make: Make, change: Callable[..., Any], query: Query
) -> None:
    top = make()
    child = make(top)
    parent_id = {"itself": top, "child": child, "grandchild": make(child), "nowhere": 2**31 - 1}[place]
    with pytest.raises(InvalidFieldError) as refused:
        change(top, parent_id=parent_id)
    assert refused.value.field == "parent_id"
    assert len(category_events(query, top)) == 1


def test_the_tree_has_twenty_levels_and_no_more(
    make: Make, change: Callable[..., Any], container: Container, actor: Actor
) -> None:
    chain = [make()]
    while len(chain) < 20:
        chain.append(make(chain[-1]))
    with pytest.raises(InvalidFieldError, match="parent_id"):
        make(chain[-1])
    pair = make()
    make(pair)
    with pytest.raises(InvalidFieldError, match="parent_id"):
        change(pair, parent_id=chain[-2])
    # Deleting the pair moves only what is below it, so that fits one level deeper.
    container.parts.delete_category_with_sync(Intent(actor), pair, chain[-2])


def test_a_name_is_unique_under_its_parent_and_a_slug_everywhere(
    container: Container, actor: Actor, make: Make, change: Callable[..., Any]
) -> None:
    top, other = make(), make()
    first = make(top, "Bolts")
    elsewhere = make(other, "Bolts")
    slugs = {c["id"]: c["slug"] for c in container.parts.admin.categories()}
    assert slugs[first] != slugs[elsewhere]
    nuts = make(top, "Nuts")
    for write, field in (
        (lambda: make(top, "Bolts"), "name"),
        (lambda: change(nuts, name="Bolts"), "name"),
        (lambda: change(elsewhere, parent_id=top), "name"),
        (lambda: change(nuts, slug=slugs[first]), "slug"),
        (lambda: container.parts.create_category_with_sync(Intent(actor), "New", top, slugs[first]), "slug"),
    ):
        with pytest.raises(DuplicateError) as refused:
            write()
        assert refused.value.field == field


def test_a_name_of_digits_gets_an_address_that_is_no_id(container: Container, actor: Actor, make: Make) -> None:
    made = container.parts.create_category_with_sync(Intent(actor), "100", make(), None)
    assert made["slug"].startswith("category-100")
    assert container.parts.create_category_with_sync(Intent(actor), "\ue000", make(), None)["slug"].startswith("category")


def test_only_an_empty_category_is_deleted_without_a_target(
    container: Container, actor: Actor, make: Make, new_part: Callable[..., int], query: Query, deliver: Callable[[], None]
) -> None:
    category_id = make()
    child, part_id = make(category_id), new_part(category_id=category_id)
    container.parts.archive_part_with_sync(Intent(actor), part_id)
    with pytest.raises(CategoryNotEmptyError, match=r"holds 1 parts \(1 of them archived\) and 1 subcategories.*target"):
        container.parts.delete_category_with_sync(Intent(actor), category_id, None)
    container.parts.delete_category_with_sync(Intent(actor), child, None)
    *_, event = category_events(query, child)
    assert (event["type"], event["version"], event["payload"]["operation"]) == ("category.deleted", 2, "DELETE")
    deliver()
    (row,) = query("SELECT * FROM data_change_logs WHERE table_name = 'categories' AND record_id = :id AND operation = 'DELETE'",
                   id=child)  # fmt: skip
    assert row["old_values"]["parent_id"] == category_id
    assert row["new_values"] is None
    assert row["changed_by"] == actor.user_id


def test_a_target_takes_over_parts_and_subcategories_of_what_is_deleted(
    container: Container, actor: Actor, make: Make, new_part: Callable[..., int], query: Query
) -> None:
    doomed, heir = make(), make(make())
    child = make(doomed)
    own, below = new_part(category_id=doomed), new_part(category_id=child)
    archived = new_part(category_id=doomed)
    container.parts.archive_part_with_sync(Intent(actor), archived)
    container.parts.delete_category_with_sync(Intent(actor), doomed, heir)
    for part_id, category_id, columns in ((own, heir, 3), (archived, heir, 3), (below, child, 2)):
        part = container.parts.admin.part(part_id)
        assert part["category_id"] == category_id
        assert heir in [step["id"] for step in part["category"]["path"]]
        *_, event = content_events(query, part_id)
        assert event["version"] == part["version"]
        assert len(event["payload"]["old_values"]) == columns
        assert event["payload"]["old_values"]["category_path"][0]["id"] == doomed
        assert event["payload"]["reason"].endswith("deleted")
    (moved,) = [c for c in container.parts.admin.categories() if c["id"] == child]
    assert (moved["parent_id"], moved["version"]) == (heir, 2)
    assert differing_parts(container.reading, container.cache, [own, below]) == {}
    assert doomed not in [c["id"] for c in container.parts.admin.categories()]


@pytest.mark.parametrize("target", ["itself", "below", "nowhere", "same name"])
def test_a_target_that_cannot_take_over_is_refused(
    target: str, container: Container, actor: Actor, make: Make, query: Query
) -> None:
    doomed, heir = make(), make()
    child = make(doomed, "Bolts")
    make(heir, "Bolts")
    chosen = {"itself": doomed, "below": child, "nowhere": 2**31 - 1, "same name": heir}[target]
    with pytest.raises(InvalidFieldError) as refused:
        container.parts.delete_category_with_sync(Intent(actor), doomed, chosen)
    assert refused.value.field == "target"
    assert len(category_events(query, doomed)) == 1


def test_two_moves_at_once_never_make_a_circle(make: Make, change: Callable[..., Any], query: Query) -> None:
    for _ in range(10):
        left, right, start = make(), make(), Barrier(2)

        def move(pair: tuple[int, int], start: Barrier = start) -> bool:
            start.wait()
            try:
                change(pair[0], parent_id=pair[1])
            except InvalidFieldError:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            assert sorted(pool.map(move, [(left, right), (right, left)])) == [False, True]
        rows = query("SELECT parent_id FROM categories WHERE id IN (:left, :right)", left=left, right=right)
        assert [row["parent_id"] for row in rows].count(None) == 1


def test_a_part_that_enters_or_changes_while_its_category_is_renamed_never_keeps_the_old_path(
    container: Container, actor: Actor, make: Make, change: Callable[..., Any], new_part: Callable[..., int], query: Query
) -> None:
    for _ in range(12):
        top, other = make(), make()
        leaf = make(top)
        inside, entering, leaving = new_part(category_id=leaf), new_part(category_id=other), new_part(category_id=leaf)
        start, name = Barrier(5), f"Renamed {uuid4().hex}"

        def together(work: Callable[[], Any], start: Barrier = start) -> None:
            start.wait()
            work()

        work: list[Callable[[], Any]] = [
            lambda top=top, name=name: change(top, name=name),
            lambda inside=inside: container.parts.update_part_content_with_sync(Intent(actor), inside, {"part_name": "Newer"}),
            lambda part=entering, leaf=leaf: container.parts.update_part_content_with_sync(
                Intent(actor), part, {"category_id": leaf}
            ),
            lambda part=leaving, other=other: container.parts.update_part_content_with_sync(
                Intent(actor), part, {"category_id": other}
            ),
            lambda inside=inside: container.parts.update_stock_with_sync(Intent(actor), inside, {"current_stock": 3}),
        ]
        with ThreadPoolExecutor(5) as pool:
            list(pool.map(together, work))
        for part_id in (inside, entering, leaving):
            events = content_events(query, part_id)
            assert [event["version"] for event in events] == list(range(1, len(events) + 1))
            assert events[-1]["payload"]["state"]["category"] == container.parts.admin.part(part_id)["category"]
        assert path(container, inside)[0] == path(container, entering)[0] == name
        assert differing_parts(container.reading, container.cache, [inside, entering, leaving]) == {}


def test_a_restore_that_waits_for_a_category_does_not_keep_its_part_from_whoever_changes_the_tree(
    container: Container, actor: Actor, make: Make, new_part: Callable[..., int], deliver: Callable[[], None], query: Query
) -> None:
    """If it locked the part first, the two would deadlock until PostgreSQL ends one of them."""
    place = make()
    part_id = new_part(category_id=place)
    container.parts.update_part_content_with_sync(Intent(actor), part_id, {"category_id": None})
    deliver()
    with ThreadPoolExecutor(1) as pool, container.engine.begin() as tree:
        tree.execute(text("SELECT FROM categories WHERE id = :id FOR UPDATE"), {"id": place})
        own = tree.execute(text("SELECT pg_backend_pid()")).scalar_one()
        restored = pool.submit(container.parts.restore_version_with_sync, Intent(actor), Wish(part_id, 1))
        while not query("SELECT pid FROM pg_stat_activity WHERE :own = ANY(pg_blocking_pids(pid))", own=own):
            assert not restored.done()
        tree.execute(text("SELECT FROM parts WHERE id = :id FOR NO KEY UPDATE NOWAIT"), {"id": part_id})
        tree.rollback()
        assert restored.result().row.category_id == place


def test_a_part_cannot_enter_a_category_that_is_being_deleted(
    container: Container, actor: Actor, make: Make, new_part: Callable[..., int], query: Query
) -> None:
    for _ in range(8):
        doomed, part_id, start = make(), new_part(), Barrier(2)

        def enter(part_id: int = part_id, doomed: int = doomed, start: Barrier = start) -> LockstepError | None:
            start.wait()
            try:
                container.parts.update_part_content_with_sync(Intent(actor), part_id, {"category_id": doomed})
            except LockstepError as error:
                return error
            return None

        def delete(doomed: int = doomed, start: Barrier = start) -> LockstepError | None:
            start.wait()
            try:
                container.parts.delete_category_with_sync(Intent(actor), doomed, None)
            except LockstepError as error:
                return error
            return None

        with ThreadPoolExecutor(2) as pool:
            entered, deleted = (future.result() for future in (pool.submit(enter), pool.submit(delete)))
        assert (isinstance(entered, InvalidFieldError) and deleted is None) or (
            entered is None and isinstance(deleted, CategoryNotEmptyError)
        )


def test_a_change_of_many_parts_goes_in_chunks_and_whole_or_not_at_all(
    container: Container, actor: Actor, make: Make, change: Callable[..., Any], new_part: Callable[..., int], query: Query,
    statements: Callable[[], Any], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    top = make()
    part_ids = [new_part(category_id=top) for _ in range(7)]
    monkeypatch.setattr(use_cases, "CHUNK", 3)
    with statements() as executed:
        change(top, name=f"Chunked {top}")
    assert sum("UPDATE parts" in statement for statement in executed) == 3
    assert {path(container, part_id)[0] for part_id in part_ids} == {f"Chunked {top}"}
    with container.engine.connect() as blocker:
        blocker.exec_driver_sql(f"SELECT 1 FROM parts WHERE id = {part_ids[-1]} FOR UPDATE")
        with pytest.raises(DatabaseConsistencyError):
            change(top, name="Never")
    assert {path(container, part_id)[0] for part_id in part_ids} == {f"Chunked {top}"}
    assert {len(content_events(query, part_id)) for part_id in part_ids} == {2}


def test_invalidations_that_take_too_long_are_left_to_the_worker_which_is_woken_for_them(
    container: Container, make: Make, change: Callable[..., Any], new_part: Callable[..., int], query: Query,
    deliver: Callable[[], None], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """So a writer waits for a bounded time, and nobody is served stale data: readers lack the proof that the cache is fresh."""
    top = make()
    part_ids = [new_part(category_id=top) for _ in range(6)]
    deliver()
    for part_id in part_ids:
        container.parts.catalog.part(part_id)
    requested: set[str] = set()
    monkeypatch.setattr(container.consistency, "patience", -1.0)
    monkeypatch.setattr(consistency, "AT_ONCE", 2)
    monkeypatch.setattr(consistency, "MAX_AT_ONCE", 3)
    monkeypatch.setattr(container.wake_ups, "request", requested.update)
    change(top, name=f"Slow {top}")
    assert differing_parts(container.reading, container.cache, part_ids)
    assert "invalidate_cache" in requested
    requested.clear()
    with monkeypatch.context() as patch:
        # Not one of them is read only to find that there are too many.
        patch.setattr(consistency.outbox, "events", lambda *_arguments: pytest.fail("an event was read"))
        assert container.consistency.process_retry_queue() is False
    assert "invalidate_cache" in requested
    deliver()
    assert container.consistency.process_retry_queue() is True
    assert differing_parts(container.reading, container.cache, part_ids) == {}


def test_a_category_renamed_past_the_application_is_not_taken_for_an_edit_of_its_parts(
    container: Container, make: Make, new_part: Callable[..., int], query: Query
) -> None:
    category_id = make()
    part_id = new_part(category_id=category_id)
    query("UPDATE categories SET name = name || ' by hand' WHERE id = :id", id=category_id)
    container.reconciliation.run()
    assert [event["version"] for event in content_events(query, part_id)] == [1]
