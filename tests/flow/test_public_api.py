"""What customers read: entity tags, cached answers, paginated lists, and nothing that is not meant for them."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

Refused = Callable[..., dict[str, Any]]
PART_FIELDS = {
    "id",
    "sku",
    "slug",
    "part_name",
    "description",
    "category",
    "manufacturer",
    "manufacturer_number",
    "images",
    "specifications",
    "price",
    "stock",
    "version",
    "versions",
    "updated_at",
}
SECRETS = {
    "reserved_quantity",
    "min_stock_level",
    "last_updated_by",
    "last_updated_by_name",
    "status",
    "changed_by",
    "actor",
    "cost",
}


@pytest.fixture
def shelf(editor: FlaskClient) -> Callable[..., list[int]]:
    """Make published parts, each (name, stock, amount), that share a word which no other part has."""

    def make(word: str, *parts: tuple[str, int, str | None]) -> list[int]:
        ids = []
        for name, stock, amount in parts:
            body: dict[str, Any] = {
                "sku": f"{word}-{uuid4().hex[:8]}",
                "part_name": name,
                "status": "published",
                "stock": {"current_stock": stock},
            }
            if amount:
                body["prices"] = [{"currency": "EUR", "amount": amount}]
            ids.append(editor.post("/api/v1/admin/parts", json=body).get_json()["id"])
        return ids

    return make


def keys_of(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {key for inner in value.values() for key in keys_of(inner)}
    return {key for inner in value for key in keys_of(inner)} if isinstance(value, list) else set()


def ids(client: FlaskClient, query: str) -> list[int]:
    response = client.get(f"/api/v1/parts?{query}")
    assert response.status_code == 200, response.get_json()
    return [item["id"] for item in response.get_json()["items"]]


def test_the_seeds_first_test_a_stock_update_shows_in_the_customers_view(
    editor: FlaskClient, client: FlaskClient, new_part: Callable[..., int]
) -> None:
    part_id = new_part()
    assert editor.put(f"/api/v1/admin/parts/{part_id}/stock", json={"current_stock": 50}).status_code == 200
    assert client.get(f"/api/v1/parts/{part_id}").get_json()["stock"]["current_stock"] == 50


def test_the_seeds_third_test_a_content_update_changes_tag_and_text(
    editor: FlaskClient, client: FlaskClient, new_part: Callable[..., int]
) -> None:
    part_id = new_part()
    before = client.get(f"/api/v1/parts/{part_id}").headers["etag"]
    editor.put(f"/api/v1/admin/parts/{part_id}", json={"part_name": "Updated Part Name"})
    after = client.get(f"/api/v1/parts/{part_id}")
    assert after.headers["etag"] != before
    assert after.get_json()["part_name"] == "Updated Part Name"


def test_a_part_has_the_contracts_fields_and_nothing_that_is_not_public(
    client: FlaskClient, new_part: Callable[..., int]
) -> None:
    body = client.get(f"/api/v1/parts/{new_part()}").get_json()
    assert body.keys() == PART_FIELDS
    assert body["stock"].keys() == {"current_stock", "available_stock", "is_in_stock", "is_low_stock", "version"}
    assert body["versions"] == {"content": 1, "stock": 1, "price": 1}
    assert not keys_of(body) & SECRETS


def test_a_list_item_is_the_short_form(client: FlaskClient, shelf: Callable[..., list[int]]) -> None:
    word = "w" + uuid4().hex[:10]
    shelf(word, ("One", 1, "2.00"))
    (item,) = client.get(f"/api/v1/parts?q={word}").get_json()["items"]
    assert item.keys() == (PART_FIELDS - {"description", "images", "specifications"}) | {"image"}
    assert item["price"].keys() == {"amount", "currency", "version"}
    assert not keys_of(item) & SECRETS


@pytest.mark.parametrize("path", ["/parts/{id}", "/parts?q={sku}", "/categories"])
def test_every_public_answer_has_a_strong_tag_and_is_304_for_who_holds_it(
    path: str, client: FlaskClient, editor: FlaskClient, new_part: Callable[..., int]
) -> None:
    part_id = new_part()
    sku = editor.get(f"/api/v1/admin/parts/{part_id}").get_json()["sku"]
    url = "/api/v1" + path.format(id=part_id, sku=sku)
    first = client.get(url)
    tag = first.headers["ETag"]
    assert tag.startswith('"')
    assert first.headers["Cache-Control"] == "no-cache"
    assert first.headers["X-Cache"] in {"HIT", "MISS", "BYPASS"}
    for held in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = client.get(url, headers={"If-None-Match": held})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
    assert client.get(url, headers={"If-None-Match": '"other"'}).data == first.data
    assert client.head(url).headers["ETag"] == tag


def test_a_second_read_is_a_hit_with_the_same_bytes_until_something_changes(
    client: FlaskClient, editor: FlaskClient, new_part: Callable[..., int], deliver: Callable[[], None]
) -> None:
    part_id = new_part()
    # Until an owed invalidation is settled, it is repeated again and again.
    deliver()
    url = f"/api/v1/parts/{part_id}"
    first, second = client.get(url), client.get(url)
    assert (first.headers["X-Cache"], second.headers["X-Cache"]) == ("MISS", "HIT")
    assert first.data == second.data
    editor.put(f"/api/v1/admin/parts/{part_id}/prices", json={"prices": [{"currency": "EUR", "amount": "1.00"}]})
    third = client.get(url)
    assert third.get_json()["price"]["amount"] == "1.00"
    assert third.get_json()["versions"]["price"] == 2


def test_drafts_and_archived_parts_are_in_no_list_and_on_no_page(
    client: FlaskClient, editor: FlaskClient, shelf: Callable[..., list[int]], refused: Refused
) -> None:
    word = "w" + uuid4().hex[:10]
    draft, archived, shown = shelf(word, ("Draft", 1, None), ("Archived", 1, None), ("Shown", 1, None))
    assert ids(client, f"q={word}") == [archived, draft, shown]
    editor.put(f"/api/v1/admin/parts/{draft}", json={"status": "draft"})
    editor.delete(f"/api/v1/admin/parts/{archived}")
    assert ids(client, f"q={word}") == [shown]
    for hidden in (draft, archived):
        refused(client.get(f"/api/v1/parts/{hidden}"), 404)
    editor.put(f"/api/v1/admin/parts/{draft}", json={"status": "published"})
    assert ids(client, f"q={word}") == [draft, shown]


def test_a_part_that_was_asked_for_before_it_existed_is_there_at_once(
    client: FlaskClient, editor: FlaskClient, refused: Refused
) -> None:
    made = editor.post("/api/v1/admin/parts", json={"sku": uuid4().hex, "part_name": "First"}).get_json()["id"]
    refused(client.get(f"/api/v1/parts/{made + 1}"), 404)
    body = {"sku": uuid4().hex, "part_name": "Second", "status": "published"}
    following = editor.post("/api/v1/admin/parts", json=body).get_json()["id"]
    assert following == made + 1
    assert client.get(f"/api/v1/parts/{following}").status_code == 200


def test_lists_filter_and_sort(client: FlaskClient, shelf: Callable[..., list[int]], editor: FlaskClient) -> None:
    word = "w" + uuid4().hex[:10]
    cheap, dear, free = shelf(word, ("B cheap", 0, "1.00"), ("A dear", 5, "20.00"), ("C free", 5, None))
    assert ids(client, f"q={word}") == [dear, cheap, free]
    assert ids(client, f"q={word}&sort=-name") == [free, cheap, dear]
    assert ids(client, f"q={word}&sort=price") == [cheap, dear, free]
    assert ids(client, f"q={word}&sort=-price") == [dear, cheap, free]
    assert ids(client, f"q={word}&sort=newest") == [free, dear, cheap]
    assert ids(client, f"q={word}&in_stock=true") == [dear, free]
    assert ids(client, f"q={word}&in_stock=false") == [cheap]
    assert ids(client, f"q={word}&min_price=1.01") == [dear]
    assert ids(client, f"q={word}&max_price=1.00") == [cheap]
    assert ids(client, f"q={word}+DEAR") == [dear]
    assert ids(client, f"q={word}&category=no-such-category") == []
    editor.put(f"/api/v1/admin/parts/{cheap}/stock", json={"current_stock": 1})
    editor.put(f"/api/v1/admin/parts/{free}/prices", json={"prices": [{"currency": "EUR", "amount": "0.50"}]})
    assert ids(client, f"q={word}&in_stock=false") == []
    assert ids(client, f"q={word}&sort=price") == [free, cheap, dear]


@pytest.mark.parametrize("sort", ["name", "-name", "price", "-price", "newest"])
def test_pages_follow_each_other_without_gap_or_repetition_also_among_equals(
    sort: str, client: FlaskClient, shelf: Callable[..., list[int]]
) -> None:
    word = "w" + uuid4().hex[:10]
    made = shelf(word, *((f"Same {n % 2}", 1, ("1.00", None, "2.00")[n % 3]) for n in range(9)))
    seen: list[int] = []
    query = f"/api/v1/parts?q={word}&sort={sort}&limit=2"
    page = client.get(query).get_json()
    while True:
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        page = client.get(f"{query}&cursor={page['next_cursor']}").get_json()
    assert sorted(seen) == made
    assert seen == ids(client, f"q={word}&sort={sort}&limit=200")


def test_a_cursor_holds_only_for_the_order_that_it_was_made_for(
    client: FlaskClient, shelf: Callable[..., list[int]], refused: Refused
) -> None:
    word = "w" + uuid4().hex[:10]
    shelf(word, ("A", 1, None), ("B", 1, None))
    cursor = client.get(f"/api/v1/parts?q={word}&limit=1").get_json()["next_cursor"]
    assert client.get(f"/api/v1/parts?q={word}&limit=1&cursor={cursor}").status_code == 200
    for bad in (f"sort=price&cursor={cursor}", f"cursor={cursor}x", f"cursor=x{cursor}", "cursor="):
        refused(client.get(f"/api/v1/parts?q={word}&{bad}"), 400)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=201",
        "limit=x",
        "sort=sku",
        "in_stock=perhaps",
        "min_price=1e2",
        "max_price=-1",
        "nonsense=1",
        "q=%00",
        "category=%00",
        "q=" + "x" * 201,
    ],
)
def test_a_question_that_means_nothing_is_refused_naming_the_field(query: str, client: FlaskClient, refused: Refused) -> None:
    assert refused(client.get(f"/api/v1/parts?{query}"), 422)["errors"].keys() == {query.split("=")[0]}


@pytest.mark.parametrize("between", ["%09", "%0D%0A", "%E2%80%A8", "%C2%A0", "%E2%80%8B+", "+%E2%80%AD", "%C2%AD+%EF%BB%BF"])
def test_what_is_copied_from_a_table_or_a_page_is_searched_for_as_it_looks(
    between: str, client: FlaskClient, shelf: Callable[..., list[int]]
) -> None:
    word = "w" + uuid4().hex[:10]
    one, _ = shelf(word, ("screw", 1, None), ("nut", 1, None))
    assert ids(client, f"q={word}{between}screw%09") == [one]
    page = client.get(f"/parts?q={word}{between}screw%09").get_data(as_text=True)
    assert f"/parts/{one}/" in page
    assert "nut" not in page.partition("<main")[2]
    lines = [{"text": f"\t{word} screw\u200b\n"}]
    assert client.post("/api/v1/parts/lookup", json={"lines": lines}).get_json()["lines"][0]["asked"] == f"{word} screw"


def test_search_takes_metacharacters_literally(client: FlaskClient, shelf: Callable[..., list[int]]) -> None:
    word = "w" + uuid4().hex[:10]
    (special,) = shelf(word, ("100%_sure \\ 'quoted' --", 1, None))
    shelf(word, ("100 sure", 1, None))
    for query in ("100%25_sure", "%25_", "%5C", "'quoted'", "--"):
        assert ids(client, f"q={word}+{query}") == [special]
    assert ids(client, f"q={word}+_____________") == []
    assert ids(client, "q=" + "%25" * 200) == []


def test_categories_count_their_published_parts(client: FlaskClient, editor: FlaskClient, new_part: Callable[..., int]) -> None:
    name = f"c-{uuid4().hex}"
    category_id = editor.post("/api/v1/admin/categories", json={"name": name}).get_json()["id"]
    part_id = new_part(category_id=category_id)
    (shown,) = [c for c in client.get("/api/v1/categories").get_json()["items"] if c["id"] == category_id]
    assert (shown["name"], shown["slug"], shown["parent_id"], shown["part_count"]) == (name, name, None, 1)
    assert ids(client, f"category={name}") == ids(client, f"category={category_id}") == [part_id]
    editor.delete(f"/api/v1/admin/parts/{part_id}")
    (shown,) = [c for c in client.get("/api/v1/categories").get_json()["items"] if c["id"] == category_id]
    assert shown["part_count"] == 0
