"""Pictures behind the API: making their smaller sizes, whatever dies in the process, and restoring rows exactly."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.container import Container
from app.contract.events import Actor
from app.contract.task_names import MAKE_IMAGE_VARIANTS
from app.domain.errors import StorageUnavailableError
from app.domain.pictures import file_path, variant_path
from app.services import pictures
from app.services.images import kept_picture, make_variants
from app.services.intent import Intent
from app.store import content
from app.store.images import replace_images
from app.store.transaction import UnitOfWork
from tests.sample_pictures import jpeg

Query = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def add(container: Container, actor: Actor) -> Callable[..., dict[str, Any]]:
    """Add a picture to a part and return its row as snapshots have it."""

    def run(part_id: int, data: bytes | None = None) -> dict[str, Any]:
        picture = kept_picture(container.storage, jpeg() if data is None else data)
        after = container.parts.add_image_with_sync(Intent(actor), part_id, picture, "alt")
        return picture.columns() | {"id": after["images"][-1]["id"], "alt": "alt"}

    return run


@pytest.fixture(autouse=True)
def _nothing_to_do(query: Query) -> None:
    """Start without work left over from other tests."""
    query("UPDATE part_images SET variants_at = now() WHERE variants_at IS NULL")


def work_off(container: Container) -> None:
    while make_variants(container.reading, container.storage):
        pass


def to_do(query: Query) -> set[str]:
    return {row["digest"] for row in query("SELECT digest FROM part_images WHERE variants_at IS NULL")}


def test_the_smaller_sizes_of_every_picture_are_made_once(
    container: Container, new_part: Callable[..., int], add: Callable[..., dict], query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    part_id, other = new_part(), new_part()
    made = [add(part_id) for _ in range(7)]
    add(other, container.storage.get(file_path(made[0]["digest"], "jpg")))
    version = container.parts.admin.part(part_id)["version"]
    assert len(to_do(query)) >= 7
    work_off(container)
    assert to_do(query) == set()
    for image in made:
        assert [container.storage.exists(variant_path(image["digest"], width)) for width in (160, 320, 480)] == [
            True,
            True,
            False,
        ]
    assert container.parts.admin.part(part_id)["version"] == version

    def never(_data: bytes) -> None:
        raise AssertionError("made again")

    monkeypatch.setattr(pictures, "variants", never)
    query("UPDATE part_images SET variants_at = NULL WHERE part_id = :id", id=part_id)
    work_off(container)
    assert to_do(query) == set()


def test_a_picture_that_cannot_be_worked_on_does_not_stop_the_others(
    container: Container, new_part: Callable[..., int], add: Callable[..., dict], query: Query
) -> None:
    part_id = new_part()
    broken, missing, sound = add(part_id), add(part_id), add(part_id)
    container.storage.put(file_path(broken["digest"], "jpg"), b"rot")
    Path(urlsplit(container.settings.media_url).path, file_path(missing["digest"], "jpg")).unlink()
    work_off(container)
    assert to_do(query) == set()
    assert container.storage.exists(variant_path(sound["digest"], 160))
    assert not container.storage.exists(variant_path(broken["digest"], 160))


def test_while_the_storage_is_away_the_work_waits(
    container: Container, new_part: Callable[..., int], add: Callable[..., dict], query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = add(new_part())

    def away(*_arguments: Any) -> None:
        raise StorageUnavailableError

    with monkeypatch.context() as broken:
        broken.setattr(type(container.storage), "put", away)
        with pytest.raises(StorageUnavailableError):
            make_variants(container.reading, container.storage)
    assert image["digest"] in to_do(query)
    work_off(container)
    assert container.storage.exists(variant_path(image["digest"], 160))


KILLED = """
import os, signal, sys
from app.container import build_container
from app.store.database import connect
from app.services import images
from config import load_settings
settings = load_settings()
container = build_container(settings, connect(settings.database_url), None)
put, after = type(container.storage).put, int(sys.argv[1])
def counted(storage, path, data):
    global after
    put(storage, path, data)
    after -= 1
    if not after:
        os.kill(os.getpid(), signal.SIGKILL)
type(container.storage).put = counted
while images.make_variants(container.reading, container.storage):
    pass
"""


@pytest.mark.parametrize("after", [1, 2, 3, 4])
def test_a_worker_killed_in_between_costs_nothing(
    after: int, container: Container, new_part: Callable[..., int], add: Callable[..., dict], query: Query
) -> None:
    part_id = new_part()
    made = [add(part_id) for _ in range(3)]
    worker = subprocess.run([sys.executable, "-c", KILLED, str(after)], env=dict(os.environ), timeout=60, check=False)
    assert worker.returncode == -signal.SIGKILL
    assert to_do(query)
    work_off(container)
    for image in made:
        assert all(container.storage.exists(variant_path(image["digest"], width)) for width in (160, 320))
    assert to_do(query) == set()


def test_workers_side_by_side_do_no_harm(
    container: Container, new_part: Callable[..., int], add: Callable[..., dict], query: Query
) -> None:
    part_id = new_part()
    made = [add(part_id) for _ in range(6)]
    start = Barrier(3)

    def run(_worker: int) -> None:
        start.wait()
        work_off(container)

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(run, range(3)))
    assert to_do(query) == set()
    assert all(container.storage.exists(variant_path(image["digest"], 160)) for image in made)


def test_a_new_picture_wakes_the_worker(
    container: Container, actor: Actor, new_part: Callable[..., int], add: Callable[..., dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[str] = []
    part_id = new_part()
    monkeypatch.setattr(type(container.wake_ups), "request", lambda _self, names: wanted.extend(names))
    add(part_id)
    assert MAKE_IMAGE_VARIANTS in wanted
    wanted.clear()
    container.parts.update_part_content_with_sync(Intent(actor), part_id, {"part_name": "Newer"})
    assert MAKE_IMAGE_VARIANTS not in wanted


def test_a_snapshot_brings_pictures_back_exactly_and_what_stayed_keeps_its_sizes(
    container: Container, actor: Actor, new_part: Callable[..., int], add: Callable[..., dict], query: Query
) -> None:
    part_id = new_part()
    one, two, three = (add(part_id) for _ in range(3))
    work_off(container)

    def present() -> list[dict[str, Any]]:
        with container.reading.connect() as connection:
            return list(content.load(connection, [part_id])[part_id].snapshot()["images"])

    kept = present()
    assert kept == [one, two, three]
    assert set(one) == {"id", "digest", "extension", "byte_size", "alt", "width", "height"}
    container.parts.delete_image_with_sync(Intent(actor), part_id, two["id"])
    container.parts.describe_image_with_sync(Intent(actor), part_id, one["id"], "another text")
    container.parts.order_images_with_sync(Intent(actor), part_id, [three["id"], one["id"]])
    added = add(part_id)

    def bring_back(unit_of_work: UnitOfWork) -> None:
        replace_images(unit_of_work, part_id, kept)

    container.transactions.run(actor, bring_back)
    assert present() == kept
    assert to_do(query) == {two["digest"]}
    assert added["id"] not in {image["id"] for image in present()}
    container.transactions.run(actor, lambda unit_of_work: replace_images(unit_of_work, part_id, []))
    assert present() == []
    container.transactions.run(actor, bring_back)
    assert present() == kept
    assert add(part_id)["id"] > added["id"]


def test_a_snapshot_never_takes_a_picture_away_from_another_part(
    container: Container, actor: Actor, new_part: Callable[..., int], add: Callable[..., dict], query: Query
) -> None:
    part_id, other = new_part(), new_part()
    image = add(other)
    container.transactions.run(actor, lambda unit_of_work: replace_images(unit_of_work, part_id, [image]))
    assert query("SELECT part_id FROM part_images WHERE id = :id", id=image["id"]) == [{"part_id": other}]
