"""The product page in one answer, facets, and the searches of the public list, through HTTP."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from marshmallow import Schema
from sqlalchemy import event

from app.api.schemas.search import FacetsSchema, ProductPageSchema, PublicPartPageSchema
from app.container import Container
from app.contract.events import Actor
from app.services.intent import Intent

Refused = Callable[..., dict[str, Any]]
NewPart = Callable[..., int]


@pytest.fixture
def category(container: Container, actor: Actor) -> Callable[..., int]:
    """Make categories."""

    def make(name: str, parent: int | None = None) -> int:
        return int(container.parts.create_category_with_sync(Intent(actor), name, parent, name)["id"])

    return make


def page_of(client: FlaskClient, reference: object) -> dict[str, Any]:
    response = client.get(f"/api/v1/pdp/{reference}")
    assert response.status_code == 200, response.get_json()
    body: dict[str, Any] = response.get_json()
    return body


@pytest.mark.parametrize(
    ("path", "schema"),
    [("/pdp/{id}", ProductPageSchema), ("/parts/facets?q={q}", FacetsSchema), ("/parts?q={q}", PublicPartPageSchema)],
)
def test_every_answer_is_as_its_schema_says_tagged_and_304_for_who_holds_it(
    path: str, schema: type[Schema], client: FlaskClient, new_part: NewPart, deliver: Callable[[], None]
) -> None:
    word = "w" + uuid4().hex[:10]
    url = "/api/v1" + path.format(id=new_part(part_name=word), q=word)
    # Until an owed invalidation is settled, it is repeated again and again.
    deliver()
    first = client.get(url)
    assert schema().validate(first.get_json()) == {}
    assert first.get_json().keys() == schema().fields.keys()
    assert first.headers["X-Cache"] in {"MISS", "BYPASS", "HIT"}
    assert client.get(url).headers["X-Cache"] == "HIT"
    again = client.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_the_page_of_an_id_and_of_a_slug_is_one_and_shows_the_part_as_the_part_itself_does(
    client: FlaskClient, editor: FlaskClient, category: Callable[..., int]
) -> None:
    root, word = category("root-" + uuid4().hex), uuid4().hex[:10]
    leaf = category("leaf-" + uuid4().hex, root)
    body = {
        "sku": f"SKU {word}", "part_name": f"Bolt {word}", "status": "published", "category_id": leaf, "manufacturer": "Ferrum",
        "manufacturer_number": "F-1", "description": "<p>5 &lt; 6 </script> <b>bold</b></p>", "stock": {"current_stock": 1},
        "prices": [{"currency": "EUR", "amount": "2.00"}, {"currency": "EUR", "amount": "1.50", "min_quantity": 10}],
    }  # fmt: skip
    part_id = editor.post("/api/v1/admin/parts", json=body).get_json()["id"]
    part = client.get(f"/api/v1/parts/{part_id}").get_json()
    page = page_of(client, part_id)
    assert page == page_of(client, part["slug"])
    assert (page["part"], page["versions"], page["tiers"]) == (part, part["versions"], part["price"]["tiers"])
    assert [step["slug"] for step in page["breadcrumbs"]] == [step["slug"] for step in part["category"]["path"]]
    described = page["json_ld"]
    assert (described["@type"], described["sku"], described["mpn"], described["name"]) == (
        "Product",
        f"SKU {word}",
        "F-1",
        f"Bolt {word}",
    )
    assert described["brand"]["name"] == "Ferrum"
    assert "<" not in described["description"].replace("5 < 6", "")
    offer = described["offers"]
    assert (offer["price"], offer["priceCurrency"], offer["availability"]) == ("2.00", "EUR", "https://schema.org/InStock")
    way = described["mainEntityOfPage"]["breadcrumb"]
    assert way["@type"] == "BreadcrumbList"
    assert [(step["@type"], step["position"], step["name"], step.get("item")) for step in way["itemListElement"]] == [
        *(("ListItem", place, step["name"], step["url"]) for place, step in enumerate(page["breadcrumbs"], 1)),
        ("ListItem", 3, f"Bolt {word}", None),
    ]


def test_what_customers_may_not_see_has_no_page(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart, refused: Refused
) -> None:
    part_id = new_part()
    slug = page_of(client, part_id)["part"]["slug"]
    editor.delete(f"/api/v1/admin/parts/{part_id}")
    draft = new_part(status="draft")
    for reference in (part_id, slug):
        gone = refused(client.get(f"/api/v1/pdp/{reference}"), 404)
        assert (gone["code"], gone["detail"]) == ("not_found", "This part is no longer sold.")
        assert gone["withdrawn"]["part"].keys() == {"id", "sku", "slug", "part_name", "category"}
    archived = new_part(status="draft")
    editor.delete(f"/api/v1/admin/parts/{archived}")
    for reference in (
        draft,
        archived,
        0,
        2**31,
        "9" * 400,
        "no-such-slug",
        "x" * 400,
        "%00",
        "%ED%A0%80",
        "%E2%80%AE",
        "-1",
    ):
        assert "withdrawn" not in refused(client.get(f"/api/v1/pdp/{reference}"), 404)


def test_what_could_take_a_parts_place_is_in_stock_and_agrees_with_it_the_most_alike_first(
    client: FlaskClient, editor: FlaskClient, category: Callable[..., int]
) -> None:
    own = category("own-" + uuid4().hex)

    def make(number: int, seal: str, bore: str, stock: int = 5) -> int:
        specifications = [{"name": "Seal", "value": seal}, {"name": "Bore", "value": bore, "unit": "mm"}]
        body = {"sku": uuid4().hex, "part_name": f"Part {number}", "status": "published", "category_id": own}
        body |= {"specifications": specifications, "stock": {"current_stock": stock}}
        return int(editor.post("/api/v1/admin/parts", json=body).get_json()["id"])

    other, half = make(1, "open", "17"), make(2, "2RS", "17")
    part, sold_out, same = make(3, "2rs", "20", 0), make(4, "2RS", "20", 0), make(5, "2RS", "20.0")

    def alternatives() -> list[int]:
        return [item["id"] for item in page_of(client, part)["alternatives"]]

    assert alternatives() == [same, half]
    editor.put(f"/api/v1/admin/parts/{sold_out}/stock", json={"current_stock": 1})
    editor.put(f"/api/v1/admin/parts/{same}/stock", json={"current_stock": 0})
    assert alternatives() == [sold_out, half]
    editor.put(f"/api/v1/admin/parts/{half}/specifications", json={"specifications": []})
    assert alternatives() == [sold_out]
    editor.put(f"/api/v1/admin/parts/{part}/specifications", json={"specifications": []})
    assert alternatives() == [half, sold_out, other]


def test_a_page_shows_every_write_at_once_also_of_its_neighbours(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart, category: Callable[..., int]
) -> None:
    own, other = category("own-" + uuid4().hex), category("other-" + uuid4().hex)
    part, near, far = (new_part(part_name=f"Part {n}", category_id=own, stock=0) for n in (2, 1, 3))
    admin = f"/api/v1/admin/parts/{part}"
    assert [item["id"] for item in page_of(client, part)["related"]] == [near, far]
    editor.put(f"{admin}/stock", json={"current_stock": 7})
    assert page_of(client, part)["part"]["stock"]["current_stock"] == 7
    editor.put(f"{admin}/prices", json={"prices": [{"currency": "EUR", "amount": "3.00"}]})
    page = page_of(client, part)
    assert page["json_ld"]["offers"]["price"] == page["part"]["price"]["amount"] == page["tiers"][0]["amount"] == "3.00"
    assert page["json_ld"]["offers"]["availability"] == "https://schema.org/InStock"
    editor.put(admin, json={"part_name": "Renamed"})
    assert page_of(client, part)["json_ld"]["name"] == "Renamed"
    editor.put(f"/api/v1/admin/parts/{near}/stock", json={"current_stock": 9})
    assert {item["id"]: item["stock"]["current_stock"] for item in page_of(client, part)["related"]} == {near: 9, far: 0}
    editor.delete(f"/api/v1/admin/parts/{near}")
    assert [item["id"] for item in page_of(client, part)["related"]] == [far]
    editor.put(admin, json={"category_id": other})
    assert page_of(client, part)["related"] == []
    assert page_of(client, part)["breadcrumbs"][0]["slug"].startswith("other-")


def test_few_neighbours_are_joined_by_those_of_the_category_above(
    client: FlaskClient, new_part: NewPart, category: Callable[..., int]
) -> None:
    above = category("above-" + uuid4().hex)
    left, right = category("left-" + uuid4().hex, above), category("right-" + uuid4().hex, above)
    part, sibling = new_part(part_name="M", category_id=left), new_part(part_name="Z", category_id=left)
    cousins = [new_part(part_name=f"N{n}", category_id=right) for n in range(9)]
    assert [item["id"] for item in page_of(client, part)["related"]] == [sibling, *cousins[:7]]


def test_a_page_takes_a_bounded_number_of_statements_and_none_from_the_cache(
    client: FlaskClient, container: Container, new_part: NewPart, category: Callable[..., int]
) -> None:
    own = category("own-" + uuid4().hex)
    parts = [new_part(part_name=f"Part {n}", category_id=own) for n in range(9)]
    slug = client.get(f"/api/v1/parts/{parts[0]}").get_json()["slug"]
    container.consistency.process_retry_queue()
    for part in parts:
        container.cache.invalidate_part_cache(part)
    ran: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if "outbox" not in statement:
            ran.append(statement)

    event.listen(container.reading, "before_cursor_execute", note)
    try:
        assert len(page_of(client, slug)["related"]) == 8
        # Six for the part, the tree, three each for its neighbours and for those in stock, and five for all these.
        assert 0 < len(ran) <= 18, ran
        ran.clear()
        page_of(client, slug)
        assert ran == []
    finally:
        event.remove(container.reading, "before_cursor_execute", note)


def test_a_cursor_holds_only_for_the_question_that_it_was_made_for(
    client: FlaskClient, new_part: NewPart, refused: Refused
) -> None:
    word = "w" + uuid4().hex[:10]
    for _ in range(3):
        new_part(part_name=f"Part {word}", manufacturer="Ferrum")
    cursor = client.get(f"/api/v1/parts?q={word}&limit=1").get_json()["next_cursor"]
    assert client.get(f"/api/v1/parts?q={word}&limit=2&cursor={cursor}").status_code == 200
    for other in (f"q={word}x", "q=", f"q={word}&sort=name", f"q={word}&in_stock=true", f"q={word}&manufacturer=Ferrum"):
        refused(client.get(f"/api/v1/parts?{other}&cursor={cursor}"), 400)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    changed = [cursor[:at] + ("A" if cursor[at] != "A" else "B") + cursor[at + 1 :] for at in range(0, len(cursor), 5)]
    endings = [cursor[:-1] + letter for letter in letters if letter != cursor[-1]]
    for forged in (cursor[:-1], cursor + "x", cursor + "=", "x", ".", "WyJwYXJ0cyJd.x", "é.ü", *changed, *endings):
        refused(client.get(f"/api/v1/parts?q={word}&cursor={forged}"), 400)


@pytest.mark.parametrize(
    "query",
    ["q=%00", "q=" + "x" * 201, "min_price=1e3", "max_price=NaN", "in_stock=2", "manufacturer=%00", "sort=name", "limit=5"],
)
def test_a_question_for_facets_that_means_nothing_is_refused_naming_the_field(
    query: str, client: FlaskClient, refused: Refused
) -> None:
    assert refused(client.get(f"/api/v1/parts/facets?{query}"), 422)["errors"].keys() == {query.split("=")[0]}


@pytest.mark.parametrize("query", ["limit=-1", "limit=1000000000", "limit=0", "sort=stock", "cursor=" + "x" * 5000])
def test_a_page_that_cannot_be_is_refused(query: str, client: FlaskClient, refused: Refused) -> None:
    refused(client.get(f"/api/v1/parts?q=x&{query}"), 422)


def test_the_panels_grid_searches_alike_and_finds_drafts(editor: FlaskClient, new_part: NewPart) -> None:
    word = "w" + uuid4().hex[:10]
    part = new_part(part_name=f"Bearing {word}", status="draft")
    for typed in (f"{word} bear", word[:8], f"{word} beering"):
        shown = editor.get("/api/v1/admin/parts", query_string={"q": typed}).get_json()["items"]
        assert part in [item["id"] for item in shown], typed
