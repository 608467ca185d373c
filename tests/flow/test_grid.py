"""The panel's grid, as the API answers it."""

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

GRID = "/api/v1/admin/parts"
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
