"""The category tree: a change to it is one row and one event, and every answer shows it, whatever else is being written."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest

from app.cache.manager import Result
from app.container import Container
from app.contract.events import Actor
from app.domain.categories import Tree
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
from app.store.listing.filters import PartFilters
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


@pytest.fixture
def leaf_of_many(make: Make, query: Query, deliver: Callable[[], None]) -> Iterator[tuple[int, int]]:
    """A category, and one two levels below it with thousands of parts, which leave no trace."""
    top = make(name=f"Top {uuid4().hex}")
    leaf = make(make(top))
    deliver()
    query(
        "WITH made AS (INSERT INTO parts (sku, slug, part_name, status, category_id)"
        " SELECT :mark || n, :mark || n, 'Part', 'published', :leaf FROM generate_series(1, 3000) n RETURNING id)"
        " INSERT INTO stock_levels (part_id) SELECT id FROM made", mark=f"many-{leaf}-", leaf=leaf,
    )  # fmt: skip
    yield top, leaf
    query("DELETE FROM stock_levels WHERE part_id IN (SELECT id FROM parts WHERE category_id = :leaf)", leaf=leaf)
    query("DELETE FROM parts WHERE category_id = :leaf", leaf=leaf)


def test_a_rename_is_one_row_one_event_and_one_invalidation_however_many_parts_are_below(
    container: Container, leaf_of_many: tuple[int, int], change: Callable[..., Any], query: Query, deliver: Callable[[], None],
    statements: Callable[[], Any],
) -> None:  # fmt: skip
    top, leaf = leaf_of_many
    first = query("SELECT min(id) AS id FROM parts WHERE category_id = :leaf", leaf=leaf)[0]["id"]
    assert container.parts.catalog.part(first).body["category"]["path"][0]["name"].startswith("Top ")

    def rows() -> list[dict[str, Any]]:
        written = "SELECT id, xmin::text FROM parts UNION ALL SELECT -id, xmin::text FROM categories WHERE id <> :top ORDER BY id"
        return query(written, top=top)

    newest = query("SELECT max(id) AS id FROM outbox_events")[0]["id"]
    before = rows()
    with statements() as executed:
        change(top, name=f"Renamed {top}")
    assert rows() == before
    assert sum(" categories\n" in one and "UPDATE" in one for one in executed) == 1
    assert not any("parts" in one and ("UPDATE" in one or "FOR " in one) for one in executed)
    events = query("SELECT id, type, payload FROM outbox_events WHERE id > :newest", newest=newest)
    assert [event["type"] for event in events] == ["category.updated"]
    owed = query("SELECT effect FROM outbox_deliveries WHERE event_id = :id ORDER BY effect", id=events[0]["id"])
    assert [row["effect"] for row in owed] == ["broadcast", "invalidate_cache", "persist_audit"]
    payload = events[0]["payload"]
    assert (payload["old_values"].keys(), payload["reason"]) == ({"name", "version"}, "spring cleaning")
    assert payload["lists"] == ["categories"]
    assert container.parts.catalog.part(first).body["category"]["path"][0]["name"] == f"Renamed {top}"
    assert path(container, first)[0] == f"Renamed {top}"
    deliver()
    trail = query("SELECT table_name FROM data_change_logs l JOIN outbox_events e USING (event_id) WHERE e.id > :id", id=newest)
    assert trail == [{"table_name": "categories"}]


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
    for part_id, category_id in ((own, heir), (archived, heir), (below, child)):
        part = container.parts.admin.part(part_id)
        assert part["category_id"] == category_id
        assert heir in [step["id"] for step in part["category"]["path"]]
    for part_id in (own, archived):
        *_, event = content_events(query, part_id)
        assert event["version"] == container.parts.admin.part(part_id)["version"]
        assert event["payload"]["old_values"].keys() == {"category_id", "category_path", "version"}
        assert event["payload"]["old_values"]["category_path"][0]["id"] == doomed
        assert event["payload"]["reason"].endswith("deleted")
    assert len(content_events(query, below)) == 1
    shown = container.parts.catalog.part(below).body
    assert [step["id"] for step in shown["category"]["path"]][-2:] == [heir, child]
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


def test_renames_moves_deletions_and_writes_of_parts_at_once_all_succeed_and_every_answer_shows_the_last_of_them(
    container: Container, actor: Actor, make: Make, change: Callable[..., Any], new_part: Callable[..., int], query: Query
) -> None:
    """Only a deletion and what enters its category wait for each other; nobody deadlocks, and no answer keeps a former path."""
    update, catalog = container.parts.update_part_content_with_sync, container.parts.catalog
    for _ in range(12):
        top, other, heir, doomed = make(), make(), make(), make()
        leaf, child = make(top), make(doomed)
        inside, entering, leaving = new_part(category_id=leaf), new_part(category_id=other), new_part(category_id=doomed)
        staying, deeper = new_part(category_id=doomed), new_part(category_id=doomed)
        parts, name = [inside, entering, leaving, staying, deeper], f"Renamed {uuid4().hex}"
        catalog.parts(parts)
        work: list[Callable[[], Any]] = [
            lambda top=top, name=name: change(top, name=name),
            lambda leaf=leaf, other=other: change(leaf, parent_id=other),
            lambda doomed=doomed, heir=heir: container.parts.delete_category_with_sync(Intent(actor), doomed, heir),
            lambda inside=inside: update(Intent(actor), inside, {"part_name": "Newer"}),
            lambda entering=entering, leaf=leaf: update(Intent(actor), entering, {"category_id": leaf}),
            lambda leaving=leaving, leaf=leaf: update(Intent(actor), leaving, {"category_id": leaf}),
            lambda deeper=deeper, child=child: update(Intent(actor), deeper, {"category_id": child}),
            lambda staying=staying: container.parts.update_stock_with_sync(Intent(actor), staying, {"current_stock": 3}),
            lambda parts=parts: catalog.parts(parts),
        ]
        start = Barrier(len(work))

        def together(one: Callable[[], Any], start: Barrier = start) -> None:
            start.wait()
            one()

        with ThreadPoolExecutor(len(work)) as pool:
            list(pool.map(together, work))
        shown = catalog.parts(parts)[0]
        assert shown.keys() == set(parts)
        for part_id in parts:
            events = content_events(query, part_id)
            assert [event["version"] for event in events] == list(range(1, len(events) + 1))
            assert shown[part_id]["category"] == container.parts.admin.part(part_id)["category"]
        ways = {part_id: [step["id"] for step in part["category"]["path"]] for part_id, part in shown.items()}
        assert ways == {
            inside: [other, leaf], entering: [other, leaf], leaving: [other, leaf], staying: [heir], deeper: [heir, child],
        }  # fmt: skip
        assert differing_parts(container.reading, container.cache, parts) == {}


def test_a_part_whose_category_the_tree_at_hand_does_not_know_is_shown_where_it_is(
    container: Container, actor: Actor, make: Make, new_part: Callable[..., int], query: Query, deliver: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Tree and parts are read one after the other: the one may have a category that the other does not have yet, or any more."""
    gone, new = make(), make()
    part_id = new_part(category_id=new)
    # Until an owed invalidation is settled, it is repeated again and again.
    deliver()
    catalog = container.parts.catalog
    catalog.part(part_id)
    known = container.parts.catalog._tree.present()
    without = Tree(node for node in known._nodes.values() if node.id != new)
    monkeypatch.setattr(catalog._tree, "under", lambda _stamp: without)
    shown = catalog.part(part_id)
    assert (shown.result, shown.body["category"]["id"]) == (Result.HIT, new)
    (listed,), _ = catalog.short_parts([part_id])
    assert listed["category"]["id"] == new
    # Moved past the application, so that the entry still names the category that is gone.
    query("UPDATE parts SET category_id = :gone WHERE id = :id", gone=gone, id=part_id)
    assert catalog.part(part_id).body["category"]["id"] == gone


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


def test_a_deletion_moves_its_parts_in_chunks_and_whole_or_not_at_all(
    container: Container, actor: Actor, make: Make, new_part: Callable[..., int], query: Query,
    statements: Callable[[], Any], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    doomed, heir = make(), make()
    part_ids = [new_part(category_id=doomed) for _ in range(7)]
    monkeypatch.setattr(use_cases, "CHUNK", 3)
    with container.engine.connect() as blocker:
        blocker.exec_driver_sql(f"SELECT 1 FROM parts WHERE id = {part_ids[-1]} FOR UPDATE")
        with pytest.raises(DatabaseConsistencyError):
            container.parts.delete_category_with_sync(Intent(actor), doomed, heir)
    assert {container.parts.admin.part(part_id)["category_id"] for part_id in part_ids} == {doomed}
    with statements() as executed:
        container.parts.delete_category_with_sync(Intent(actor), doomed, heir)
    assert sum("UPDATE parts" in statement for statement in executed) == 3
    assert {container.parts.admin.part(part_id)["category_id"] for part_id in part_ids} == {heir}
    assert {len(content_events(query, part_id)) for part_id in part_ids} == {2}


def test_invalidations_that_take_too_long_are_left_to_the_worker_which_is_woken_for_them(
    container: Container, actor: Actor, make: Make, new_part: Callable[..., int], deliver: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """So a writer waits for a bounded time, and nobody is served stale data: readers lack the proof that the cache is fresh."""
    doomed, heir = make(), make()
    part_ids = [new_part(category_id=doomed) for _ in range(6)]
    deliver()
    for part_id in part_ids:
        container.parts.catalog.part(part_id)
    requested: set[str] = set()
    monkeypatch.setattr(container.consistency, "patience", -1.0)
    monkeypatch.setattr(consistency, "AT_ONCE", 2)
    monkeypatch.setattr(consistency, "MAX_AT_ONCE", 3)
    monkeypatch.setattr(container.wake_ups, "request", requested.update)
    container.parts.delete_category_with_sync(Intent(actor), doomed, heir)
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


def test_a_category_renamed_past_the_application_is_not_taken_for_an_edit_of_its_parts_and_the_cached_tree_is_mended(
    container: Container, make: Make, new_part: Callable[..., int], query: Query, deliver: Callable[[], None]
) -> None:
    category_id = make()
    part_id = new_part(category_id=category_id)
    # What is owed is invalidated again and again until it is settled.
    deliver()
    assert container.parts.catalog.part(part_id).body
    query("UPDATE categories SET name = name || ' by hand' WHERE id = :id", id=category_id)
    assert not container.parts.catalog.part(part_id).body["category"]["name"].endswith("by hand")
    assert container.reconciliation.run(dry_run=True)["found"]["cache_tree"] == 1
    assert container.reconciliation.run()["found"]["cache_tree"] == 1
    assert container.parts.catalog.part(part_id).body["category"]["name"].endswith("by hand")
    assert container.reconciliation.run()["found"]["cache_tree"] == 0
    assert [event["version"] for event in content_events(query, part_id)] == [1]


def test_versions_keep_the_path_of_their_time_and_a_restore_goes_by_the_category_itself(
    container: Container, actor: Actor, make: Make, change: Callable[..., Any], new_part: Callable[..., int],
    deliver: Callable[[], None],
) -> None:  # fmt: skip
    top, elsewhere = make(name=f"First {uuid4().hex}"), make()
    leaf = make(top)
    part_id = new_part(category_id=leaf)
    moments = [datetime.now(UTC)]
    change(top, name=f"Second {top}")
    moments.append(datetime.now(UTC))
    container.parts.update_part_content_with_sync(Intent(actor), part_id, {"part_name": "Newer", "category_id": elsewhere})
    change(leaf, parent_id=None)
    change(top, name=f"Third {top}")
    container.parts.delete_category_with_sync(Intent(actor), top, None)
    moments.append(datetime.now(UTC))
    assert not container.parts.admin.part_as_of(part_id, moments[0])["complete"]
    deliver()
    snapshot = container.parts.admin.version(part_id, 1)["content_snapshot"]
    assert snapshot["category_id"] == leaf
    assert snapshot["category"]["path"][0]["name"].startswith("First ")
    seen = [container.parts.admin.part_as_of(part_id, at) for at in moments]
    assert all(one["complete"] for one in seen)
    names = [[step["name"] for step in one["part"]["category"]["path"]] for one in seen]
    assert (names[0][0][:6], names[1][0], len(names[0]), len(names[1])) == ("First ", f"Second {top}", 2, 2)
    assert [step["id"] for step in seen[2]["part"]["category"]["path"]] == [elsewhere]
    restored = container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, 1))
    assert [step["id"] for step in restored["category"]["path"]] == [leaf]
    container.parts.update_part_content_with_sync(Intent(actor), part_id, {"category_id": elsewhere})
    container.parts.delete_category_with_sync(Intent(actor), leaf, None)
    with pytest.raises(InvalidFieldError, match="is gone"):
        container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, 1))
    assert container.parts.restore_version_with_sync(Intent(actor), Wish(part_id, 1, ["part_name"]))["part_name"] == "Test part"
