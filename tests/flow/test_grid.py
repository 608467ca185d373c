"""The panel's grid, as the API serves it."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.sample_pictures import jpeg

GRID = "/api/v1/admin/parts"
OPEN_PAGES = "/api/v1/admin/open-pages"
Logged = Callable[..., tuple[FlaskClient, str]]
ASPECTS = {
    "/stock": [{"current_stock": 5}, {"current_stock": 77}],
    "": [{"part_name": "Earlier"}, {"part_name": "Renamed"}],
    "/prices": [{"prices": []}, {"prices": [{"currency": "EUR", "amount": "7.70"}]}],
}


@pytest.mark.parametrize("changed", ASPECTS)
def test_author_and_time_of_a_row_are_those_of_one_change_whichever_aspect_it_was(
    changed: str, logged_in: Logged, new_part: Callable[..., int]
) -> None:
    part_id = new_part()
    url = f"{GRID}/{part_id}"
    (first, first_token), (last, last_token) = logged_in("admin"), logged_in("admin")
    for path, (earlier, _) in ASPECTS.items():
        assert first.put(url + path, json=earlier, headers={"X-CSRF-Token": first_token}).status_code == 200
    written = last.put(url + changed, json=ASPECTS[changed][1], headers={"X-CSRF-Token": last_token})
    assert written.status_code == 200
    sku = first.get(url).get_json()["sku"]
    (row,) = [item for item in first.get(GRID, query_string={"q": sku}).get_json()["items"] if item["id"] == part_id]
    me = last.get("/api/v1/auth/me").get_json()["user"]
    assert row["changed_by"] == {"id": me["id"], "name": me["name"]}
    assert row["updated_at"] == written.get_json()["updated_at"]


def test_a_new_part_was_changed_by_its_maker(logged_in: Logged) -> None:
    editor, token = logged_in("editor")
    body = {"sku": "GRID-NEW-1", "part_name": "New", "prices": [{"currency": "EUR", "amount": "1"}]}
    created = editor.post(GRID, json=body, headers={"X-CSRF-Token": token}).get_json()
    (row,) = editor.get(GRID, query_string={"q": "GRID-NEW-1"}).get_json()["items"]
    assert row["changed_by"]["id"] == created["last_updated_by"]


def test_a_row_has_the_smallest_size_of_the_first_picture(
    api: Callable[[str], FlaskClient], new_part: Callable[..., int]
) -> None:
    editor, part_id = api("editor"), new_part()
    sku = editor.get(f"{GRID}/{part_id}").get_json()["sku"]

    def thumbnail() -> str | None:
        (row,) = editor.get(GRID, query_string={"q": sku}).get_json()["items"]
        return row["thumbnail"]  # type: ignore[no-any-return]

    assert thumbnail() is None
    for width in (200, 100):
        data = {"image": (BytesIO(jpeg(width, 80)), "a.jpg")}
        assert editor.post(f"{GRID}/{part_id}/images", data=data).status_code == 201
    wide, narrow = editor.get(f"{GRID}/{part_id}").get_json()["images"]
    assert [len(image["srcset"]) for image in (wide, narrow)] == [2, 1]
    assert thumbnail() == wide["srcset"][0]["url"]
    assert editor.get(thumbnail() or "").status_code == 200
    editor.put(f"{GRID}/{part_id}/images/order", json={"image_ids": [narrow["id"], wide["id"]]})
    assert thumbnail() == narrow["srcset"][0]["url"]


@pytest.mark.parametrize("part_ids", ["", "0", "-1", "1,", "1,,2", "1 2", "01", "a", "1.5", ",".join(["7"] * 201)])
def test_open_pages_are_asked_of_up_to_200_ids(
    part_ids: str, api: Callable[[str], FlaskClient], refused: Callable[..., dict[str, Any]]
) -> None:
    viewer = api("viewer")
    assert refused(viewer.get(OPEN_PAGES, query_string={"part_ids": part_ids}), 422)["errors"].keys() == {"part_ids"}
    refused(viewer.get(OPEN_PAGES), 422)
    # Nothing serves pages here.
    assert viewer.get(OPEN_PAGES, query_string={"part_ids": ",".join(["7"] * 200)}).get_json() == {"open_pages": {}}
