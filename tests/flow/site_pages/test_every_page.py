"""What holds for every page of the customers' site: what anybody wrote stays text, how prices are written, addresses, ETags."""

import json
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from app.api.site import formats, pages
from app.container import Container
from bench.system import wait_until
from tests.flow.site_pages.reading import read

NewPart = Callable[..., int]
PARTS = "/api/v1/admin/parts"
HOSTILE = (
    "</script><script>alert(1)</script>", "<!--<script>", "\"'><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }} {% raw %} &amp; &lt;b&gt;",
    "😀 Łożysko 轴承", "محمل كروي",
)  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_that_anybody_wrote_leaves_its_place(name: str, client: FlaskClient, editor: FlaskClient, word: str) -> None:
    category = editor.post("/api/v1/admin/categories", json={"name": f"{word} {name.replace('>', '')}"}).get_json()
    body = {
        "sku": f"S {word}", "part_name": f"{name} {word}", "status": "published", "category_id": category["id"],
        "manufacturer": name, "specifications": [{"name": name, "value": name, "group": name}], "description": f"<p>x</p>{name}",
    }  # fmt: skip
    part = editor.post(PARTS, json=body).get_json()
    made = [read(client.get(address)) for address in (f"/parts/{part['id']}", f"/parts?q={word}", f"/c/{category['slug']}")]
    for page in made:
        assert f"{name} {word}" in page.text
        assert page.scripts.keys() <= {"first", "json-ld", "/src/main.ts"}
        assert page.images == []
        assert page.elements.count("main") == 1
    assert made[0].title == f"{name} {word} – Lockstep Parts"
    assert made[0].described["name"] == made[0].answers[f"/pdp/{part['id']}"]["part"]["part_name"] == f"{name} {word}"
    assert [one["name"] for one in made[2].described["mainEntity"]["itemListElement"]] == [f"{name} {word}"]
    assert [one["part_name"] for one in made[1].answers["/parts"]["items"]] == [f"{name} {word}"]


def test_json_in_a_page_ends_no_script_and_no_line() -> None:
    value = {"a": "</script><!-- \u2028 \u2029 😀"}
    text = pages.as_json(value)
    assert not {"<", "\u2028", "\u2029"} & {*text}
    assert json.loads(text) == value


def test_html_that_was_written_with_sql_ends_where_its_place_does(
    client: FlaskClient, container: Container, new_part: NewPart, word: str
) -> None:
    part = new_part(part_name=word)
    with container.reading.connect() as connection:
        connection.exec_driver_sql("UPDATE parts SET description = '<p>x</main></div><!-- <script>' WHERE id = %s", (part,))
    assert wait_until(lambda: "<p>x" in client.get(f"/parts/{part}").text)
    page = read(client.get(f"/parts/{part}"))
    assert page.answers[f"/pdp/{part}"]["part"]["part_name"] == word
    assert page.elements.count("main") == 1


def test_a_page_is_held_until_anything_in_it_changes(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart, word: str, deliver: Callable[[], None]
) -> None:
    part = new_part(part_name=word)
    for address in (f"/parts/{part}", f"/parts?q={word}"):
        for change in ({"current_stock": 0}, {"current_stock": 5}):
            # Until an owed invalidation is settled, it is repeated again and again.
            deliver()
            before = client.get(address)
            held = client.get(address, headers={"If-None-Match": before.headers["ETag"]})
            assert (held.status_code, held.data) == (304, b"")
            assert before.headers["Cache-Control"] == "no-cache"
            editor.put(f"{PARTS}/{part}/stock", json=change)
            after = client.get(address, headers={"If-None-Match": before.headers["ETag"]})
            assert ("Out of stock" in after.text) == (change["current_stock"] == 0), "an older page than the API"
    coded = client.get(f"/parts/{part}", headers={"Accept-Encoding": "br"})
    assert (coded.content_encoding, coded.headers["Vary"]) == ("br", "Accept-Language, Cookie, Accept-Encoding")


@pytest.mark.parametrize(
    ("language", "price"),
    [
        ("en-GB", "€1,234.50"),
        ("de-DE,de;q=0.9,en;q=0.8", "1.234,50\u00a0€"),
        ("de-CH", "1&#39;234.50"),
        ("xx", "€1,234.50"),
        ("", "€1,234.50"),
    ],
)
def test_a_price_is_written_as_the_browser_will_write_it(
    language: str, price: str, client: FlaskClient, editor: FlaskClient, new_part: NewPart
) -> None:
    part = new_part()
    editor.put(f"{PARTS}/{part}/prices", json={"prices": [{"currency": "EUR", "amount": "1234.50"}]})
    assert price in client.get(f"/parts/{part}", headers={"Accept-Language": language}).text


@pytest.mark.parametrize(
    ("amount", "currency", "price", "exact"),
    [
        ("2.00", "EUR", "€2.00", "€2.00"),
        ("0.0042", "USD", "US$0.0042", "US$0.0042"),
        ("1.2345", "EUR", "€1.23", "€1.2345"),
        ("1.235", "EUR", "€1.24", "€1.235"),
        ("1500", "JPY", "JP¥1,500", "JP¥1,500"),
        ("0.00", "EUR", "€0.00", "€0.00"),
        ("1.5", "KWD", "KWD\u00a01.500", "KWD\u00a01.500"),
    ],
)
def test_prices_are_rounded_to_coins_unless_that_hides_them(amount: str, currency: str, price: str, exact: str) -> None:
    british = formats.Formats("en-GB")
    assert (british.price(amount, currency), british.money(amount, currency)) == (price, exact)


def test_addresses_are_those_of_the_host_that_was_asked(client: FlaskClient, new_part: NewPart) -> None:
    page = read(client.get(f"/parts/{new_part()}", base_url="https://shop.example"))
    assert page.links["canonical"].startswith("https://shop.example/parts/")
    assert page.described["url"] == page.meta["og:url"] == page.links["canonical"]


@pytest.mark.parametrize(("path", "heading"), [("/compare?ids=1,2", "Compare parts"), ("/list", "Shopping list")])
def test_what_only_the_application_can_show_says_what_it_is_and_is_not_found_by_search_engines(
    client: FlaskClient, path: str, heading: str
) -> None:
    answer = client.get(path, headers={"Accept-Language": "en"})
    page = read(answer)
    assert (page.title, page.text, page.meta["robots"]) == (f"{heading} – Lockstep Parts", heading, "noindex")
    assert "canonical" not in page.links
    assert '<p class="shell">This page needs JavaScript. ' in answer.text
    assert "This page needs JavaScript" not in client.get("/parts", headers={"Accept-Language": "en"}).text
