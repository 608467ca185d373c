"""Writes by staff: preconditions, conflicts, writes that change nothing, creating, archiving, restoring."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

Refused = Callable[..., dict[str, Any]]
WRITES = {
    "": ({"part_name": "Newer"}, lambda part: part["version"]),
    "/stock": ({"current_stock": 77}, lambda part: part["stock"]["version"]),
    "/prices": ({"prices": [{"currency": "EUR", "amount": "7.70"}]}, lambda part: part["price"]["version"]),
}


@pytest.fixture
def url(new_part: Callable[..., int]) -> str:
    return f"/api/v1/admin/parts/{new_part()}"


@pytest.mark.parametrize("path", WRITES)
def test_a_stale_version_is_a_conflict_that_carries_the_present_state(
    path: str, editor: FlaskClient, url: str, refused: Refused, events: Callable[[], int]
) -> None:
    body, version_of = WRITES[path]
    written = editor.put(url + path, json=body)
    assert written.status_code == 200
    before = events()
    for response, status in (
        (editor.put(url + path, json=body | {"version": 1}), 409),
        (editor.put(url + path, json=body, headers={"If-Match": '"1"'}), 412),
        (editor.put(url + path, json=body, headers={"If-Match": '"9999999999"'}), 412),
    ):
        problem = refused(response, status)
        assert problem["code"] == "concurrent_modification"
        assert problem["detail"] == "Concurrent modification detected"
        current = problem["current"]
        assert current["version"] == version_of(editor.get(url).get_json()) == 2
        assert current["changed_by"]["name"] == "Lockstep"
        assert current["changed_at"].endswith("Z")
    assert events() == before


@pytest.mark.parametrize("path", WRITES)
def test_the_present_version_is_accepted_in_the_body_or_as_a_tag_and_the_next_one_returned(
    path: str, editor: FlaskClient, url: str
) -> None:
    body, _ = WRITES[path]
    assert editor.put(url + path, json=body | {"version": 1}).get_json()["version"] == 2
    changed = {"": {"part_name": "Newest"}, "/stock": {"current_stock": 78}, "/prices": {"prices": []}}[path]
    assert editor.put(url + path, json=changed, headers={"If-Match": '"2"'}).get_json()["version"] == 3


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("tag", ["*", 'W/"1"', '"1", "2"', "1", '""', '"x"', "", '"1'])
def test_an_if_match_that_is_not_one_strong_version_is_refused(
    tag: str, path: str, editor: FlaskClient, url: str, refused: Refused, events: Callable[[], int]
) -> None:
    before = events()
    refused(editor.put(url + path, json=WRITES[path][0], headers={"If-Match": tag}), 400)
    assert events() == before


@pytest.mark.parametrize(
    ("call", "body", "header"),
    [
        ("PUT {part}/stock", {"current_stock": 77}, "If-None-Match"),
        ("PUT {part}/stock", {"current_stock": 77}, "If-Unmodified-Since"),
        ("DELETE {part}", None, "If-None-Match"), ("POST /parts", {"sku": "never", "part_name": "Never"}, "If-None-Match"),
        ("POST /parts", {"sku": "never", "part_name": "Never"}, "If-Match"),
        ("POST /stock/bulk", {"changes": [{"sku": "{sku}", "delta": 1}]}, "If-Match"),
        ("POST /categories", {"name": "Never"}, "If-Match"), ("POST /sync/reconcile", None, "If-Match"),
    ],
)  # fmt: skip
def test_a_condition_that_a_call_does_not_heed_is_refused_and_not_passed_over(
    call: str, body: dict[str, Any] | None, header: str, api: Callable[[str], FlaskClient], url: str, refused: Refused,
    events: Callable[[], int],
) -> None:  # fmt: skip
    client, before = api("admin"), events()
    method, path = call.split()
    path = url + path.removeprefix("{part}") if path.startswith("{part}") else f"/api/v1/admin{path}"
    tag = {"If-Match": '"1"', "If-None-Match": "*"}.get(header, "Sat, 01 Jan 2000 00:00:00 GMT")
    sent = json.loads(json.dumps(body).replace("{sku}", client.get(url).get_json()["sku"]))
    assert header in refused(client.open(path, method=method, json=sent, headers={header: tag}), 400)["detail"]
    assert events() == before


def test_a_tag_and_a_body_that_state_different_versions_are_refused(editor: FlaskClient, url: str, refused: Refused) -> None:
    refused(editor.put(url, json={"part_name": "x", "version": 2}, headers={"If-Match": '"1"'}), 400)


@pytest.mark.parametrize("path", WRITES)
def test_a_write_that_states_no_version_wins_over_what_came_before(path: str, editor: FlaskClient, url: str) -> None:
    body, _ = WRITES[path]
    editor.put(url + path, json=body)
    other = {"": {"part_name": "Other"}, "/stock": {"current_stock": 1}, "/prices": {"prices": []}}[path]
    assert editor.put(url + path, json=other).get_json()["version"] == 3


@pytest.mark.parametrize("path", WRITES)
def test_a_write_that_changes_nothing_answers_with_the_same_version_and_makes_no_event(
    path: str, editor: FlaskClient, url: str, events: Callable[[], int]
) -> None:
    body, _ = WRITES[path]
    first, before = editor.put(url + path, json=body).get_json(), events()
    again = editor.put(url + path, json=body)
    # One answer names the author by the key, the other by its user.
    assert again.status_code == 200
    assert again.get_json() | {"last_updated_by_name": ""} == first | {"last_updated_by_name": ""}
    assert editor.put(url + "/stock", json={}).get_json()["version"] == editor.get(url).get_json()["stock"]["version"]
    assert editor.post(url + "/stock/adjustments", json={"delta": 0}).status_code == 200
    assert events() == before


def test_a_stock_write_changes_only_what_is_given_and_answers_with_the_whole_stock(editor: FlaskClient, url: str) -> None:
    editor.put(url + "/stock", json={"reserved_quantity": 3, "min_stock_level": 7})
    answer = editor.put(url + "/stock", json={"current_stock": 10, "min_stock_level": 7}).get_json()
    expected = {
        "current_stock": 10, "reserved_quantity": 3, "min_stock_level": 7, "available_stock": 7, "is_in_stock": True,
        "is_low_stock": True, "version": 2,
    }  # fmt: skip
    assert answer | expected == answer
    assert answer["part_id"] == int(url.rsplit("/", 1)[1])
    assert answer["last_updated_by"] is not None
    assert answer["updated_at"].endswith("Z")


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "parts/{}"), ("POST", "parts/{}/restore"), ("DELETE", "parts/{}/images/1"), ("DELETE", "categories/1")],
)
def test_a_call_that_takes_no_body_refuses_one_so_that_no_version_in_it_goes_unheeded(
    method: str, path: str, editor: FlaskClient, new_part: Callable[..., int], refused: Refused, events: Callable[[], int]
) -> None:
    address = "/api/v1/admin/" + path.format(new_part())
    before = events()
    problem = refused(editor.open(address, method=method, json={"version": 7}), 422)
    assert problem["errors"].keys() == {"version"}
    refused(editor.open(address, method=method, data=b"version=7", content_type="application/json"), 400)
    assert events() == before


def test_available_is_never_below_zero(editor: FlaskClient, url: str) -> None:
    answer = editor.put(url + "/stock", json={"current_stock": 1, "reserved_quantity": 5}).get_json()
    assert (answer["available_stock"], answer["is_in_stock"], answer["is_low_stock"]) == (0, False, True)


def test_content_writes_leave_stock_and_prices_alone(editor: FlaskClient, url: str) -> None:
    before = editor.get(url).get_json()
    editor.put(url, json={"part_name": "Newer"})
    after = editor.get(url).get_json()
    assert (after["stock"], after["price"]) == (before["stock"], before["price"])
    assert after["versions"] == before["versions"] | {"content": 2}


def test_a_created_part_is_found_where_the_answer_says(editor: FlaskClient) -> None:
    body = {
        "sku": f"N-{uuid4().hex[:8]}", "part_name": "Néw part", "description": "Two\nlines", "status": "published",
        "specifications": [{"name": "Bore", "value": "10", "unit": "mm"}],
        "prices": [{"currency": "EUR", "amount": "12.5"}, {"currency": "EUR", "amount": "10.00", "min_quantity": 10}],
        "stock": {"current_stock": 4, "min_stock_level": 2},
    }  # fmt: skip
    response = editor.post("/api/v1/admin/parts", json=body)
    assert response.status_code == 201
    created = editor.get(response.headers["Location"]).get_json()
    assert created == response.get_json()
    assert created["versions"] == {"content": 1, "stock": 1, "price": 1}
    assert (created["sku"], created["description"], created["stock"]["current_stock"]) == (body["sku"], "Two\nlines", 4)
    assert [line["amount"] for line in created["price"]["prices"]] == ["12.50", "10.00"]
    public = editor.get(f"/api/v1/parts/{created['id']}").get_json()
    assert public["price"]["amount"] == "12.50"
    assert public["price"]["tiers"] == [{"min_quantity": 1, "amount": "12.50"}, {"min_quantity": 10, "amount": "10.00"}]


def test_a_new_part_is_a_draft_without_stock_unless_it_says_otherwise(editor: FlaskClient) -> None:
    created = editor.post("/api/v1/admin/parts", json={"sku": uuid4().hex, "part_name": "Plain"}).get_json()
    assert (created["status"], created["stock"]["current_stock"], created["price"]["prices"]) == ("draft", 0, [])
    assert editor.get(f"/api/v1/parts/{created['id']}").status_code == 404


def test_a_sku_is_unique_in_its_normal_form(editor: FlaskClient, refused: Refused, events: Callable[[], int]) -> None:
    tail = uuid4().hex[:8]
    assert editor.post("/api/v1/admin/parts", json={"sku": f"caf\u00e9-{tail}", "part_name": "x"}).status_code == 201
    before = events()
    body = refused(editor.post("/api/v1/admin/parts", json={"sku": f" cafe\u0301-{tail} ", "part_name": "x"}), 409)
    assert (body["code"], body["errors"].keys()) == ("duplicate", {"sku"})
    assert events() == before


def test_parts_with_one_readable_address_get_numbers_even_when_created_at_once(api: Callable[[str], FlaskClient]) -> None:
    """Names without Latin letters leave little for a slug; that must not be an error for anybody."""
    name, start = f"Деталь {uuid4().int % 10**9}", Barrier(4)
    clients = [api("editor") for _ in range(4)]

    def create(number: int) -> Any:
        start.wait()
        return clients[number].post("/api/v1/admin/parts", json={"sku": f"{name} {'ЖЗИК'[number]}", "part_name": name})

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(create, range(4)))
    assert [answer.status_code for answer in answers] == [201] * 4
    assert len({answer.get_json()["slug"] for answer in answers}) == 4


def test_an_archived_part_is_gone_for_customers_kept_for_staff_and_refuses_changes(
    editor: FlaskClient, url: str, refused: Refused, events: Callable[[], int]
) -> None:
    public = url.replace("/admin", "")
    assert editor.get(public).status_code == 200
    archived = editor.delete(url)
    assert (archived.status_code, archived.get_json()["status"], archived.get_json()["version"]) == (200, "archived", 2)
    absent = refused(editor.get("/api/v1/parts/2147483647"), 404)
    gone = refused(editor.get(public), 404)
    assert {name: gone[name] for name in ("title", "code")} == {name: absent[name] for name in ("title", "code")}
    before = events()
    for path, (body, _) in WRITES.items():
        assert refused(editor.put(url + path, json=body), 409)["code"] == "part_archived"
    assert refused(editor.post(url + "/stock/adjustments", json={"delta": 1}), 409)["code"] == "part_archived"
    assert editor.delete(url).get_json()["version"] == 2
    assert events() == before
    assert editor.get(url).get_json()["status"] == "archived"


def test_restoring_brings_a_part_back_as_it_was(editor: FlaskClient, url: str) -> None:
    before = editor.get(url.replace("/admin", "")).get_json()
    editor.delete(url)
    restored = editor.post(url + "/restore")
    assert (restored.status_code, restored.get_json()["version"]) == (200, 3)
    after = editor.get(url.replace("/admin", "")).get_json()
    volatile = {"version", "versions", "updated_at"}
    assert {k: v for k, v in after.items() if k not in volatile} == {k: v for k, v in before.items() if k not in volatile}
    assert editor.post(url + "/restore").get_json()["version"] == 3


def test_archiving_and_restoring_respect_the_version_that_the_writer_saw(editor: FlaskClient, url: str, refused: Refused) -> None:
    editor.put(url, json={"part_name": "Newer"})
    refused(editor.delete(url + "?version=1"), 409)
    refused(editor.delete(url, headers={"If-Match": '"1"'}), 412)
    assert editor.delete(url + "?version=2").status_code == 200
    refused(editor.post(url + "/restore?version=2"), 409)


def test_markup_is_text_everywhere_but_in_a_description_where_nothing_of_it_can_run(editor: FlaskClient, url: str) -> None:
    text = "<p onclick=x>For <b>high</b> loads</p><script>alert(1)</script><img src=x onerror=alert(1)>"
    editor.put(url, json={"description": text, "part_name": "<b>x</b>"})
    response = editor.get(url.replace("/admin", ""))
    shown = response.get_json()
    assert (shown["description"], shown["part_name"]) == ("<p>For <b>high</b> loads</p>", "<b>x</b>")
    assert response.content_type == "application/json"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_an_adjustment_heeds_if_match(api: Callable[[str], FlaskClient], new_part: Callable[..., int]) -> None:
    part_id, client = new_part(stock=5), api("stock")
    url = f"/api/v1/admin/parts/{part_id}/stock/adjustments"
    assert client.post(url, json={"delta": 1}, headers={"If-Match": '"1"'}).status_code == 200
    stale = client.post(url, json={"delta": 1}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.get_json()["current"]["current_stock"]) == (412, 6)
