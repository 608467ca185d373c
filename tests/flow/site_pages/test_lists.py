"""What search engines, and browsers without JavaScript, read of lists and their filters."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.flow.site_pages.reading import listed, read

NewPart = Callable[..., int]


def test_a_lists_page_shows_its_parts_and_leads_to_all_others(client: FlaskClient, new_part: NewPart, word: str) -> None:
    parts = {new_part(part_name=f"Part {word} {number:02}") for number in range(30)}
    page, found = read(client.get(f"/parts?q={word}")), set()
    assert "First 24 parts of 30" in page.text
    assert page.fields["q"] == word
    while True:
        # A search is no page of its own for search engines, but they may follow it.
        assert (page.meta["robots"], "canonical" in page.links) == ("noindex", False)
        ids = [int(href.split("/")[2]) for href in page.hrefs if href.startswith("/parts/")]
        assert len(ids) <= 24
        assert not found & {*ids}
        found |= {*ids}
        if "next" not in page.links:
            break
        page = read(client.get(page.links["next"]))
        assert "6 more parts" in page.text
        assert f"/parts?q={word}" in page.hrefs
    assert found == parts


@pytest.mark.parametrize(
    ("address", "asked"),
    [
        ("", {"sort": "name", "limit": "24"}),
        ("?q=%20a%20%00&sort=-price&in_stock=false&utm=1", {"q": "a", "sort": "-price", "limit": "24"}),
        ("?q=a&sort=relevance", {"q": "a", "sort": "relevance", "limit": "24"}),
        ("?sort=relevance&min_price=20&max_price=10.50", {"min_price": "10.5", "max_price": "20", "sort": "name", "limit": "24"}),
        (
            "?spec.Bore=20%20mm&spec.Bore=20%20mm&spec.Bore=&spec.W.min=1%20in&spec.W.min=2&spec.=x&sort=-spec.Bore&view=table",
            {"spec.Bore": ["20 mm"], "spec.W.min": ["1 in"], "sort": "-spec.Bore", "limit": "24", "include": "specifications"},
        ),
        (
            "?spec.W.min=2%20mm&spec.W.max=1%20mm&spec.L.min=x&q=a&view=x",
            {
                "q": "a",
                "spec.W.min": ["2 mm"],
                "spec.W.max": ["1 mm"],
                "spec.L.min": ["x"],
                "sort": "relevance",
                "limit": "24",
            },
        ),
        ("?min_price=1e3&max_price=x&currency=euro&sort=x&in_stock=true", {"in_stock": "true", "sort": "name", "limit": "24"}),
    ],
)
def test_an_address_asks_the_api_for_what_the_application_would(address: str, asked: dict[str, str], client: FlaskClient) -> None:
    page = read(client.get(f"/parts{address}"))
    first = next(one for one in json.loads(page.scripts["first"])["answers"] if one["path"] == "/parts")
    assert list(first["query"].items()) == list(asked.items())


def test_a_category_is_filtered_by_its_specifications_without_javascript(client: FlaskClient, bearings: dict[str, Any]) -> None:
    address, parts = f"/c/{bearings['slug']}", bearings["parts"]
    plain = read(client.get(address))
    assert "robots" not in plain.meta
    assert "Type measures in any unit" in plain.text
    assert "Bore from to Bore 20 mm (1) 25 mm (1) 30 mm (1) Seal Seal 2RS (2) ZZ (1)" in plain.text
    # 0.984 in is 24.99 mm.
    page = read(client.get(f"{address}?spec.Bore.min=0.984+in&spec.Seal=2RS&spec.Seal=ZZ"))
    assert listed(page) == [parts["25"], parts["30"]]
    assert (page.meta["robots"], "canonical" in page.links) == ("noindex", False)
    assert page.fields.items() >= {"spec.Bore.min": "0.984 in", "spec.Bore.max": ""}.items()
    # Each chip leads to the list without it.
    for label, left in (
        ("Bore: from 0.984 in", "?spec.Seal=2RS&spec.Seal=ZZ"),
        ("Seal: ZZ", "?spec.Bore.min=0.984+in&spec.Seal=2RS"),
    ):
        assert label in page.text
        assert address + left in page.hrefs
    api = client.get(f"/api/v1/parts/facets?category={bearings['slug']}&spec.Bore.min=0.984+in&spec.Seal=2RS&spec.Seal=ZZ")
    assert page.answers["/parts/facets"] == api.get_json()


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("min_price=cheap", ["“cheap” is no price, so it was left out. Write it like 12.50."]),
        ("min_price=-1&max_price=1e3", ["“-1” is no price", "“1e3” is no price"]),
        ("currency=euro", ["“euro” is no currency, so it was left out. Write it like EUR."]),
        ("in_stock=yes", ["“yes” was left out. Tick “In stock” for parts that are in stock."]),
        ("sort=<b>cheapest</b>", ["The list cannot be sorted by “<b>cheapest</b>”. Choose its order in “Sort by”."]),
        ("sort=relevance&in_stock=false&currency=&min_price=%20&view=x&utm=y", []),
        ("sort=-price&in_stock=true&min_price=20&max_price=1.50&currency=USD", []),
    ],
)
def test_what_an_address_asks_for_in_vain_is_said_over_the_list_without_it(
    asked: str, said: list[str], client: FlaskClient, new_part: NewPart, word: str
) -> None:
    new_part(part_name=word)
    page = read(client.get(f"/parts?q={word}&{asked}"))
    assert [text for text in said if text not in page.text] == []
    assert len(said) == page.text.count("was left out") + page.text.count("cannot be sorted")
    assert listed(page) or not said


def test_a_price_in_an_address_is_read_as_the_pages_language_types_it(client: FlaskClient, new_part: NewPart, word: str) -> None:
    new_part(part_name=word)
    german = read(client.get(f"/parts?q={word}&min_price=1,50&max_price=viel", headers={"Accept-Language": "de"}))
    assert "„viel“ ist kein Preis und wurde weggelassen. Schreiben Sie ihn wie 12,50." in german.text
    assert german.fields["min_price"] == "1,5"


def test_a_currency_or_a_category_that_there_is_not_is_named(client: FlaskClient, word: str) -> None:
    page = read(client.get("/parts?currency=QQQ"))
    assert "A filter was not understood currency: Use an ISO 4217 code in capitals, such as EUR." in page.text
    nowhere = read(client.get(f"/c/{word}?in_stock=true"), 404)
    assert "There is no such category." in nowhere.text


@pytest.mark.parametrize(
    ("asked", "said", "german"),
    [
        (
            "spec.bore.max=3+kg&spec.Seal=ZZ",
            {"spec.bore.max": "bore is not measured in kg. "},
            "bore wird nicht in kg gemessen. ",
        ),
        (
            "spec.Bore.min=abc+mm",
            {"spec.Bore.min": "Give a number, with its unit if it has one, such as 25 mm."},
            "Geben Sie eine Zahl an, mit ihrer Einheit",
        ),
        ("spec.Bore.min=30+mm&spec.Bore.max=2+cm", {"spec.Bore.max": "Is less than the other bound, 30 mm; swap them."}, "30 mm"),
        ("spec.Seal.min=2", {"spec.Seal.min": "Seal is given in words; filter by one of its values."}, "Seal"),
        ("&".join(f"spec.Bore={value}" for value in range(21)), {"spec.Bore": "Choose at most 20 values."}, "20"),
    ],
)
def test_a_filter_that_is_no_measure_is_said_and_how_to_write_it(
    asked: str, said: dict[str, str], german: str, client: FlaskClient, bearings: dict[str, Any]
) -> None:
    address = f"/c/{bearings['slug']}"
    page = read(client.get(f"{address}?{asked}"))
    api = client.get(f"/api/v1/parts?category={bearings['slug']}&{asked}")
    assert api.status_code == 422
    refused = api.get_json()["errors"]
    ((name, text),) = said.items()
    assert refused.keys() == {name}
    assert refused[name][0].startswith(text)
    assert page.answers["/parts"] == page.answers["/parts/facets"] == {"errors": refused}
    named = text if text.lower().startswith(name.split(".")[1].lower()) else f"{name.split('.')[1]}: {text}"
    # In place of the list, and at its field.
    assert f"A filter was not understood {named}" in page.text
    assert page.text.count(text) == 2
    assert listed(page) == []
    assert (page.meta["robots"], address in page.hrefs) == ("noindex", True)
    translated = read(client.get(f"{address}?{asked}", headers={"Accept-Language": "de"}))
    assert german in translated.text.partition("Ein Filter wurde nicht verstanden")[2]


def test_a_list_is_a_table_without_javascript_too_and_sorted_by_its_heads(client: FlaskClient, bearings: dict[str, Any]) -> None:
    address, parts = f"/c/{bearings['slug']}", bearings["parts"]
    page = read(client.get(f"{address}?view=table"))
    assert page.meta["robots"] == "noindex"
    assert "Part Price Availability Bore Seal" in page.text
    assert f"SKU: {bearings['name'].split()[0]}-20 Price on request Out of stock 20 mm 2RS" in page.text
    assert f"{address}?sort=spec.Bore&view=table" in page.hrefs
    page = read(client.get(f"{address}?view=table&sort=spec.Bore"))
    assert listed(page) == [parts[bore] for bore in ("20", "25", "30")]
    page = read(client.get(f"{address}?sort=-spec.Bore&view=table"))
    assert listed(page) == [parts[bore] for bore in ("30", "25", "20")]
    asked = "sort=-spec.Bore&limit=24&include=specifications"
    assert page.answers["/parts"] == client.get(f"/api/v1/parts?category={bearings['slug']}&{asked}").get_json()


def test_a_cursor_of_another_list_leads_to_the_beginning(client: FlaskClient, word: str) -> None:
    moved = client.get(f"/parts?q={word}&sort=-name&cursor=x")
    assert (moved.status_code, moved.headers["Location"]) == (301, f"/parts?q={word}&sort=-name")
