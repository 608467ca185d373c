"""Old versions, differences and restores are exact whatever writers do at once: a property over random writers (Hypothesis)."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.container import Container
from app.contract.events import Actor
from app.contract.task_names import Effect
from app.domain.content import COLUMNS
from app.domain.errors import ArchivedError, ConcurrencyError, DuplicateError, InvalidFieldError, NotFoundError
from app.domain.pictures import shown
from app.services.intent import ANY, Expected, Intent
from app.services.pictures import prepared
from app.services.versions import RESTORABLE, RESTORED_AT_ONCE, Wish
from app.store.payload import unpacked
from tests.sample_pictures import jpeg
from tests.unit.domain.test_differences import applied

Json = dict[str, Any]
Query = Callable[..., list[Json]]
# What a write makes of the version before it, given all versions.
Step = Callable[[Json, dict[int, Json]], Json]
REFUSALS = (ArchivedError, ConcurrencyError, DuplicateError, InvalidFieldError, NotFoundError)
PICTURES = [prepared(jpeg(8, 8, seed)) for seed in "abc"]
# The category by its id: the snapshot has its path as of when the version was made, and a rename makes none.
AS_SHOWN = ("sku", "slug", "part_name", "description", "category_id", "manufacturer", "manufacturer_number", "specifications")

NAMES = st.text("abcdefghij", min_size=1, max_size=4)
COLUMNS_TO_CHANGE = st.fixed_dictionaries(
    {},
    optional={
        "part_name": st.sampled_from("xyz"), "description": st.sampled_from(["", "one two", "<p>one <b>two</b></p>"]),
        "manufacturer": st.sampled_from([None, "ACME"]), "status": st.sampled_from(["draft", "published"]),
        "category_id": st.sampled_from([None, 0, 1]),
    },
)  # fmt: skip
SPECIFICATIONS = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("12")), unique_by=lambda one: one[0], max_size=4)
FIELDS = st.one_of(st.none(), st.lists(st.sampled_from(RESTORABLE), unique=True, min_size=1, max_size=4))
OPERATIONS = st.one_of(
    st.tuples(st.just("change"), COLUMNS_TO_CHANGE),
    st.tuples(st.just("specify"), SPECIFICATIONS),
    st.tuples(st.just("add_picture"), st.sampled_from(PICTURES)),
    st.tuples(st.just("delete_picture"), st.integers(0, 2)),
    st.tuples(st.just("describe_picture"), st.integers(0, 2), NAMES),
    st.tuples(st.just("turn_pictures")),
    st.tuples(st.just("rename_category"), st.integers(0, 1), NAMES),
    st.tuples(st.just("archive"), st.booleans()),
    # Twice, so that every other example has several.
    st.tuples(st.just("restore"), st.floats(0, 1), FIELDS, st.booleans()),
    st.tuples(st.just("restore"), st.floats(0, 1), FIELDS, st.booleans()),
)
WRITERS = st.lists(st.lists(OPERATIONS, min_size=2, max_size=6), min_size=2, max_size=4)


@dataclass
class Shop:
    """One part that several threads write, and all that they and a reader were told."""

    container: Container
    actor: Actor
    part_id: int
    categories: list[int]
    steps: dict[str | None, Step] = field(default_factory=dict)
    answers: list[Json] = field(default_factory=list)
    seen: list[Json] = field(default_factory=list)

    def present(self) -> Json:
        return self.container.parts.admin.part(self.part_id)

    def image_ids(self) -> list[int]:
        return [image["id"] for image in self.present()["images"]]

    def change(self, reason: str, columns: Json) -> Any:
        chosen = dict(columns)
        if chosen.get("category_id") is not None:
            chosen["category_id"] = self.categories[chosen["category_id"]]
        self.steps[reason] = lambda before, _: before | chosen
        return self.container.parts.update_part_content_with_sync(Intent(self.actor, reason=reason), self.part_id, chosen)

    def specify(self, reason: str, named: list[tuple[str, str]]) -> Any:
        wanted = [{"name": name, "value": value, "unit": "mm", "group": ""} for name, value in named]
        self.steps[reason] = lambda before, _: before | {"specifications": wanted}
        return self.container.parts.update_specifications_with_sync(Intent(self.actor, reason=reason), self.part_id, wanted)

    def add_picture(self, reason: str, picture: Any) -> Any:
        added = {name: value for name, value in picture.columns().items() if name != "data"} | {"alt": reason}
        ids: list[int] = []
        self.steps[reason] = lambda before, _: before | {"images": [*before["images"], added | {"id": ids[0]}]}
        content = self.container.parts.add_image_with_sync(Intent(self.actor, reason=reason), self.part_id, picture, reason)
        ids.append(content["images"][-1]["id"])
        return content

    def delete_picture(self, reason: str, at: int) -> Any:
        ids = self.image_ids() or [0]
        image_id = ids[at % len(ids)]
        self.steps[reason] = lambda before, _: before | {"images": [one for one in before["images"] if one["id"] != image_id]}
        return self.container.parts.delete_image_with_sync(Intent(self.actor, reason=reason), self.part_id, image_id)

    def describe_picture(self, reason: str, at: int, alt: str) -> Any:
        image_id = next(iter(self.image_ids()[at:]), 0)
        self.steps[reason] = lambda before, _: (
            before | {"images": [one | {"alt": alt} if one["id"] == image_id else one for one in before["images"]]}
        )
        return self.container.parts.describe_image_with_sync(Intent(self.actor, reason=reason), self.part_id, image_id, alt)

    def turn_pictures(self, reason: str) -> Any:
        order = self.image_ids()[::-1]
        self.steps[reason] = lambda before, _: (
            before | {"images": sorted(before["images"], key=lambda one: order.index(one["id"]))}
        )
        return self.container.parts.order_images_with_sync(Intent(self.actor, reason=reason), self.part_id, order)

    def rename_category(self, reason: str, at: int, name: str) -> None:
        # Its parts' versions name the category and not the reason; nothing that can be restored changes.
        self.container.parts.update_category_with_sync(
            Intent(self.actor, reason=reason), self.categories[at], {"name": f"{reason} {name}"}
        )

    def archive(self, _reason: str, archived: bool) -> Any:
        done = self.container.parts.archive_part_with_sync if archived else self.container.parts.restore_part_with_sync
        return done(Intent(self.actor), self.part_id)

    def restore(self, reason: str, where: float, fields: list[str] | None, states_version: bool) -> Any:
        version = self.present()["version"]
        number = 1 + int(where * (version - 1))
        wish = Wish(self.part_id, number, fields)
        restored = fields or RESTORED_AT_ONCE
        self.steps[f"Restored version {number}: {reason}"] = lambda before, kept: (
            before | {name: kept[number][name] for name in restored}
        )
        intent = Intent(self.actor, Expected(version) if states_version else ANY, reason)
        content = self.container.parts.restore_version_with_sync(intent, wish)
        assert not states_version or content["version"] in {version, version + 1}
        return content

    def write(self, writer: int, operations: list[Any]) -> None:
        for number, (name, *arguments) in enumerate(operations):
            try:
                content = getattr(self, name)(f"{name} {self.part_id}.{writer}.{number}", *arguments)
            except REFUSALS:
                continue
            if content is not None:
                self.answers.append(content)


def run_at_once(shop: Shop, writers: list[list[Any]]) -> None:
    """Run the writers beside a reader and two workers that write snapshots."""
    beside: list[Callable[[], Any]] = [lambda: shop.seen.append(shop.present())]
    beside += [lambda: shop.container.deliveries.deliver(Effect.SNAPSHOT_CONTENT)] * 2
    stop, start = threading.Event(), threading.Barrier(len(writers) + len(beside))

    def write(writer: int, operations: list[Any]) -> None:
        start.wait()
        shop.write(writer, operations)

    def repeat(work: Callable[[], Any]) -> None:
        start.wait()
        while not stop.is_set():
            work()

    with ThreadPoolExecutor(start.parties) as pool:
        repeated = [pool.submit(repeat, work) for work in beside]
        try:
            for future in [pool.submit(write, *one) for one in enumerate(writers)]:
                future.result()
        finally:
            stop.set()
        for future in repeated:
            future.result()


def restorable(state: Json) -> Json:
    return {name: state[name] for name in RESTORABLE}


def assert_versions_are_what_was_seen(shop: Shop, kept: dict[int, Json]) -> None:
    """Each snapshot is what its writer was answered, and what a GET showed while that version was the present one."""
    assert shop.seen
    for part in [*shop.answers, *shop.seen]:
        snapshot = kept[part["version"]]
        assert {name: part[name] for name in AS_SHOWN} == {name: snapshot[name] for name in AS_SHOWN}
        assert part["images"] == [shown(image) for image in snapshot["images"]]
        assert part["status"] == ("archived" if snapshot["archived"] else snapshot["status"])


def assert_each_version_is_one_step(shop: Shop, kept: dict[int, Json], reasons: dict[int, str | None]) -> None:
    """Each version is the one before it with what its own writer asked for, and with nothing else."""
    for before, after in pairwise(sorted(kept)):
        assert kept[before] != kept[after]
        step = shop.steps.get(reasons[after], lambda state, _: state)
        assert restorable(kept[after]) == restorable(step(kept[before], kept)), reasons[after]
        archives = reasons[after] is None
        assert (kept[before]["archived"] != kept[after]["archived"]) == archives


def assert_differences_lead_from_one_version_to_another(shop: Shop, kept: dict[int, Json]) -> None:
    pairs = [*pairwise(kept), *pairwise(reversed(kept)), (1, len(kept)), (len(kept), 1)]
    for old, new in pairs:
        changes = shop.container.parts.admin.version_diff(shop.part_id, old, new)["changes"]
        made = kept[old] | {one["field"]: applied(one, kept[old].get(one["field"])) for one in changes}
        assert restorable(made) == restorable(kept[new])
        assert made["archived"] == kept[new]["archived"]


def assert_each_moment_had_its_version(shop: Shop, listed: list[Json]) -> None:
    for version in listed:
        then = shop.container.parts.admin.part_as_of(shop.part_id, datetime.fromisoformat(version["created_at"]))
        assert (then["version_number"], then["complete"]) == (version["version_number"], True)


def without_the_old_path(changes: list[Json]) -> list[Json]:
    """Leave out where the part was before: a version keeps the path of its own time, a rehearsal says what it is called now."""
    return [change | {"old": None} if change["field"] == "category_path" else change for change in changes]


def assert_a_rehearsal_says_what_the_restore_does(shop: Shop, kept: dict[int, Json], deliver: Callable[[], None]) -> None:
    shop.container.parts.restore_part_with_sync(Intent(shop.actor), shop.part_id)
    for number in (1, len(kept) // 2 + 1, len(kept)):
        said = shop.container.parts.admin.rehearse_restore(Wish(shop.part_id, number))
        before, status = shop.present()["version"], shop.present()["status"]
        after = shop.container.parts.restore_version_with_sync(Intent(shop.actor), Wish(shop.part_id, number))
        deliver()
        written = shop.container.parts.admin.version(shop.part_id, after["version"])["content_snapshot"]
        assert restorable(written) == restorable(kept[number]) | {"status": status}
        assert after["version"] == before + bool(said["changes"])
        made = shop.container.parts.admin.version_diff(shop.part_id, before, after["version"])["changes"]
        assert without_the_old_path(made) == without_the_old_path(said["changes"])


@given(writers=WRITERS)
@settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_versions_differences_and_restores_are_exact_while_many_write(
    writers: list[list[Any]],
    container: Container,
    actor: Actor,
    new_part: Callable[..., int],
    deliver: Callable[[], None],
    query: Query,
) -> None:
    part_id = new_part()
    names = [f"{part_id} {place}" for place in "ab"]
    shop = Shop(
        container,
        actor,
        part_id,
        [container.parts.create_category_with_sync(Intent(actor), name, None, None)["id"] for name in names],
    )
    for picture in PICTURES[:2]:
        shop.add_picture(picture.digest, picture)
    untouched = {name: shop.present()[name] for name in ("stock", "price")}
    deliver()
    run_at_once(shop, writers)
    deliver()
    events = query(
        "SELECT version, payload FROM outbox_events WHERE aggregate_type = 'part' AND aggregate_id = :id AND aspect = 'content'",
        id=part_id,
    )
    listed = container.parts.admin.versions(part_id, None, 200)
    last = shop.present()["version"]
    assert [one["version_number"] for one in listed] == list(range(last, 0, -1))
    assert [one["is_active"] for one in listed] == [True] + [False] * (last - 1)
    kept = {number: container.parts.admin.version(part_id, number)["content_snapshot"] for number in range(1, last + 1)}
    assert kept[last].keys() >= {*COLUMNS, *RESTORABLE, "archived", "category"}
    assert_versions_are_what_was_seen(shop, kept)
    assert_each_version_is_one_step(shop, kept, {one["version"]: unpacked(one["payload"])["reason"] for one in events})
    assert_differences_lead_from_one_version_to_another(shop, kept)
    assert_each_moment_had_its_version(shop, listed)
    assert_a_rehearsal_says_what_the_restore_does(shop, kept, deliver)
    assert {name: shop.present()[name] for name in ("stock", "price")} == untouched
