"""The category endpoints through HTTP: what they answer, and what they refuse without changing anything."""

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.api.schemas.categories import AdminCategoryPageSchema, AdminCategorySchema
from tests.flow.test_bad_inputs import NOT_IDS
from tests.sample_pictures import jpeg

Refused = Callable[..., dict[str, Any]]
URL = "/api/v1/admin/categories"


@pytest.fixture
def make(editor: FlaskClient) -> Callable[..., dict[str, Any]]:
    """Create categories with a name of their own."""

    def run(**fields: object) -> dict[str, Any]:
        response = editor.post(URL, json={"name": f"F {uuid4().hex[:10]}"} | fields)
        assert response.status_code == 201, response.get_data(as_text=True)
        made: dict[str, Any] = response.get_json()
        assert editor.get(response.headers["Location"]).get_json() == made
        return made

    return run


def test_a_category_is_made_moved_renamed_and_deleted(
    editor: FlaskClient, make: Callable[..., dict[str, Any]], new_part: Callable[..., int], client: FlaskClient
) -> None:
    top, slug = make(), f"s-{uuid4().hex}"
    made = make(parent_id=top["id"], slug=slug, reason="spring")
    assert AdminCategorySchema().validate(made) == {}
    assert (made["slug"], made["version"], made["part_count"], made["child_count"]) == (slug, 1, 0, 0)
    part_id = new_part(category_id=made["id"])
    shown = f"/api/v1/parts/{part_id}"
    tag = {"If-None-Match": client.get(shown).headers["ETag"]}
    assert client.get(shown, headers=tag).status_code == 304
    renamed = editor.put(f"{URL}/{made['id']}", json={"name": f"Renamed {slug}", "version": 1}).get_json()
    assert client.get(shown, headers=tag).status_code == 200
    assert (renamed["version"], renamed["part_count"], renamed["changed_by"]["name"]) == (2, 1, "Lockstep")
    public = client.get(f"/api/v1/parts/{part_id}").get_json()
    assert [step["name"] for step in public["category"]["path"]] == [top["name"], f"Renamed {slug}"]
    assert (public["version"], public["versions"]["content"]) == (1, 1)
    moved = editor.put(f"{URL}/{made['id']}", json={"parent_id": None}, headers={"If-Match": '"2"'}).get_json()
    assert (moved["parent_id"], moved["version"]) == (None, 3)
    assert client.get(f"/api/v1/parts/{part_id}").get_json()["category"]["path"] == [
        {"id": made["id"], "name": f"Renamed {slug}", "slug": slug}
    ]
    deleted = editor.delete(f"{URL}/{made['id']}?target={top['id']}&version=3")
    assert (deleted.status_code, deleted.get_json()["version"]) == (200, 3)
    assert client.get(f"/api/v1/parts/{part_id}").get_json()["category"]["id"] == top["id"]
    page = editor.get(URL).get_json()
    assert AdminCategoryPageSchema().validate(page) == {}
    assert page["next_cursor"] is None
    (shown,) = [one for one in page["items"] if one["id"] == top["id"]]
    assert (shown["part_count"], shown["child_count"]) == (1, 0)
    assert made["id"] not in [one["id"] for one in page["items"]]


def test_a_text_is_sanitised_and_read_by_customers_with_the_next_request(
    editor: FlaskClient, make: Callable[..., dict[str, Any]], client: FlaskClient, refused: Refused
) -> None:
    def public() -> tuple[str, int]:
        (one,) = [one for one in client.get("/api/v1/categories").get_json()["items"] if one["id"] == made["id"]]
        return one["description"], one["version"]

    made = make(description="<p onclick=x>For <b>lathes</b></p><script>x</script>")
    assert made["description"] == "<p>For <b>lathes</b></p>"
    assert public() == (made["description"], 1)
    renamed = editor.put(f"{URL}/{made['id']}", json={"name": f"N {uuid4().hex}"}).get_json()
    assert (renamed["description"], renamed["version"]) == (made["description"], 2)
    changed = editor.put(f"{URL}/{made['id']}", json={"description": "5 < 6", "version": 2}).get_json()
    assert public() == (changed["description"], changed["version"]) == ("5 < 6", 3)
    assert refused(editor.put(f"{URL}/{made['id']}", json={"description": "x", "version": 2}), 409)["current"] == changed
    # Short as typed, and long as HTML.
    for text in ("x" * 2001, "<b>" + "&" * 500):
        body = refused(editor.put(f"{URL}/{made['id']}", json={"description": text}), 422)
        assert "description" in body["errors"]
    assert make()["description"] == ""


def test_a_picture_is_kept_in_all_its_sizes_described_replaced_and_taken_away(
    editor: FlaskClient, make: Callable[..., dict[str, Any]], client: FlaskClient, refused: Refused
) -> None:
    def upload(**form: Any) -> TestResponse:
        return editor.post(f"{here}/picture", data={"image": (BytesIO(jpeg(640, 480)), "a.jpg"), **form})

    def public() -> dict[str, Any] | None:
        (one,) = [one for one in client.get("/api/v1/categories").get_json()["items"] if one["id"] == made["id"]]
        return one["picture"]

    made = make()
    here = f"{URL}/{made['id']}"
    assert (made["picture"], public()) == (None, None)
    assert "picture" in refused(editor.put(here, json={"picture": {"alt": "Nothing"}}), 422)["errors"]
    pictured = upload(alt="A lathe", version="1").get_json()
    assert AdminCategorySchema().validate(pictured) == {}
    picture = pictured["picture"]
    assert (pictured["version"], picture["alt"], picture["width"], picture["height"]) == (2, "A lathe", 640, 480)
    assert public() == picture
    # At once, without a task.
    sizes = [client.get(size["url"]) for size in picture["srcset"]]
    assert {(size.status_code, size.content_type, "immutable" in size.headers["Cache-Control"]) for size in sizes} == {
        (200, "image/webp", True)
    }
    described = editor.put(here, json={"picture": {"alt": "A big lathe"}, "version": 2}).get_json()
    assert public() == described["picture"] == picture | {"alt": "A big lathe"}
    renamed = editor.put(here, json={"name": f"N {uuid4().hex}"}).get_json()
    assert (renamed["picture"], renamed["version"]) == (described["picture"], 4)
    # Somebody was faster: nothing is replaced.
    assert refused(upload(version="3"), 409)["current"] == renamed
    replaced = upload().get_json()
    assert (replaced["picture"]["alt"], replaced["version"]) == ("", 5)
    assert replaced["picture"]["url"] != picture["url"]
    assert editor.put(here, json={"picture": None}).get_json()["picture"] is None
    assert public() is None
    # Whoever takes it back or looks at what was there before can see it.
    assert client.get(picture["url"]).status_code == 200


def test_what_is_no_picture_is_refused(editor: FlaskClient, make: Callable[..., dict[str, Any]], refused: Refused) -> None:
    made = make()
    body = refused(editor.post(f"{URL}/{made['id']}/picture", data={"image": (BytesIO(b"GIF89a"), "a.gif")}), 422)
    assert "Send one JPEG, PNG or WebP picture." in body["errors"]["image"][0]
    refused(editor.post(f"{URL}/999999/picture", data={"image": (BytesIO(jpeg()), "a.jpg")}), 404)
    assert editor.get(f"{URL}/{made['id']}").get_json() == made


def test_a_conflict_says_how_the_category_stands(
    editor: FlaskClient, make: Callable[..., dict[str, Any]], refused: Refused
) -> None:
    made = make()
    url = f"{URL}/{made['id']}"
    stated = refused(editor.put(url, json={"name": "X", "version": 7}), 409)
    tagged = refused(editor.put(url, json={"name": "X"}, headers={"If-Match": '"7"'}), 412)
    deleted = refused(editor.delete(f"{url}?version=7"), 409)
    for body in (stated, tagged, deleted):
        assert body["code"] == "concurrent_modification"
        assert body["current"] == made


def test_a_category_that_holds_something_says_what_and_how_to_get_rid_of_it(
    editor: FlaskClient, make: Callable[..., dict[str, Any]], new_part: Callable[..., int], refused: Refused
) -> None:
    top = make()
    make(parent_id=top["id"])
    new_part(category_id=top["id"])
    body = refused(editor.delete(f"{URL}/{top['id']}"), 409)
    assert body["code"] == "category_not_empty"
    assert "1 parts" in body["detail"]
    assert "1 subcategories" in body["detail"]
    assert "`target`" in body["detail"]


BAD_NAMES = ["", "  ", "x" * 201, "a\x00b", "a\u202eb", "a\u200bb", "a\nb", "A > B", ">", 5, None, True, ["x"], {"a": 1}]
BAD_IDS = [0, -1, 2**31, 2**31 - 1, 10**30, "1", 1.5, True, [1]]
BAD_SLUGS = ["", "A", "a b", "-a", "a-", "a--b", "100", "ä", "a_b", "a\n", "x" * 201, 5, None, "a/b", "a\x00"]


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_field_that_does_not_fit_is_named_and_nothing_changes(
    method: str, editor: FlaskClient, make: Callable[..., dict[str, Any]], refused: Refused, events: Callable[[], int]
) -> None:
    made, before = make(), events()
    url = URL if method == "POST" else f"{URL}/{made['id']}"
    whole = {"name": "Good"} if method == "POST" else {}
    bad = [("name", value) for value in BAD_NAMES] + [("parent_id", value) for value in BAD_IDS]
    bad += [("slug", value) for value in BAD_SLUGS] + [("nonsense", 1), ("id", 5), ("Name", "x"), ("reason", "x" * 501)]
    bad += [("version", value) for value in ([0, -1, 2**31, "1", None] if method == "PUT" else [1])]
    for field, value in bad:
        data = json.dumps(whole | {field: value})
        body = refused(editor.open(url, method=method, data=data, content_type="application/json"), 422)
        assert body["errors"].keys() == {field}, (field, value)
    assert events() == before
    (now,) = [one for one in editor.get(URL).get_json()["items"] if one["id"] == made["id"]]
    assert now == made


@pytest.mark.parametrize(
    "query",
    ["target=0", "target=-1", "target=x", "target=2147483648", "target=1.5", "target=", "version=0", "version=x", "nonsense=1",
     "version=2147483648"],
)  # fmt: skip
def test_a_deletion_that_means_nothing_is_refused(
    query: str, editor: FlaskClient, make: Callable[..., dict[str, Any]], refused: Refused, events: Callable[[], int]
) -> None:
    made, before = make(), events()
    assert refused(editor.delete(f"{URL}/{made['id']}?{query}"), 422)["errors"].keys() == {query.split("=")[0]}
    assert events() == before


def test_a_target_that_is_not_there_or_below_is_named(
    editor: FlaskClient, make: Callable[..., dict[str, Any]], refused: Refused
) -> None:
    top = make()
    child = make(parent_id=top["id"])
    for target in (top["id"], child["id"], 2**31 - 1):
        assert refused(editor.delete(f"{URL}/{top['id']}?target={target}"), 422)["errors"].keys() == {"target"}


def test_a_name_or_slug_that_is_taken_is_named(
    editor: FlaskClient, make: Callable[..., dict[str, Any]], refused: Refused, events: Callable[[], int]
) -> None:
    top = make()
    first, second = make(parent_id=top["id"]), make(parent_id=top["id"])
    before = events()
    for method, url, body, field in (
        ("POST", URL, {"name": first["name"], "parent_id": top["id"]}, "name"),
        ("POST", URL, {"name": f"  {first['name']} ", "parent_id": top["id"]}, "name"),
        ("POST", URL, {"name": "Another", "slug": first["slug"]}, "slug"),
        ("PUT", f"{URL}/{second['id']}", {"name": first["name"]}, "name"),
        ("PUT", f"{URL}/{second['id']}", {"slug": first["slug"]}, "slug"),
    ):
        answer = refused(editor.open(url, method=method, json=body), 409)
        assert (answer["code"], answer["errors"].keys()) == ("duplicate", {field})
    assert events() == before


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_category_that_is_not_there_is_not_found(
    method: str, editor: FlaskClient, refused: Refused, events: Callable[[], int]
) -> None:
    before = events()
    for category_id in NOT_IDS:
        body = {"name": "X"} if method == "PUT" else None
        assert refused(editor.open(f"{URL}/{category_id}", method=method, json=body), 404)["code"] == "not_found"
    assert events() == before


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"name": "x", "name": "y"}', b'{"name": "\\ud800"}', b"[" * 10_000])
def test_a_body_that_is_no_proper_object_is_refused(body: bytes, editor: FlaskClient, refused: Refused) -> None:
    refused(editor.post(URL, data=body, content_type="application/json"), 400, 422)
    refused(editor.post(URL, data=body or b"x", content_type="text/plain"), 415)
    refused(editor.post(URL, data=json.dumps({"name": "x" * 10_000_000}), content_type="application/json"), 413)


def test_a_write_of_nothing_answers_the_same_version_and_makes_no_event(
    editor: FlaskClient, make: Callable[..., dict[str, Any]], events: Callable[[], int]
) -> None:
    made = make()
    events_before = events()
    for body in ({}, {"name": made["name"]}, {"slug": made["slug"], "parent_id": None, "version": 1}):
        assert editor.put(f"{URL}/{made['id']}", json=body).get_json() == made
    assert events() == events_before


@pytest.mark.parametrize("url", ["/api/v1/categories", URL])
def test_a_list_of_categories_is_whole_or_comes_page_by_page(
    url: str, editor: FlaskClient, make: Callable[..., dict[str, Any]], new_part: Callable[..., int]
) -> None:
    for _ in range(3):
        new_part(category_id=make()["id"])
    whole = editor.get(url).get_json()
    assert whole["next_cursor"] is None
    pages, cursor = [], ""
    while cursor is not None:
        page = editor.get(url, query_string={"limit": 2} | ({"cursor": cursor} if cursor else {})).get_json()
        assert 1 <= len(page["items"]) <= 2
        pages += page["items"]
        cursor = page["next_cursor"]
    assert pages == whole["items"]
    assert len(pages) > 2
    for query, status in (("limit=0", 422), ("limit=201", 422), ("cursor=x", 400), ("nonsense=1", 422), ("limit=2&limit=3", 422)):
        assert editor.get(f"{url}?{query}").status_code == status
