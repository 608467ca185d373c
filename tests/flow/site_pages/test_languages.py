"""In which language a page is, and what Germans type and read."""

import json
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from config import REPOSITORY
from tests.flow.site_pages.reading import Read, read

NewPart = Callable[..., int]
PARTS = "/api/v1/admin/parts"


@pytest.mark.parametrize(
    ("wanted", "chosen", "tag", "said"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", None, "de-AT", "noch keine Beschreibung"),
        ("fr,de;q=0.5", None, "de", "noch keine Beschreibung"),
        ("fr", None, "en", "There is no description"),
        ("de-AT", "en", "en", "There is no description"),
        ("en-GB,de-CH;q=0.5", "de", "de-CH", "noch keine Beschreibung"),
        ("en-GB", "fr", "en-GB", "There is no description"),
        ("de-CH, en;q=0.5", None, "de-CH", "noch keine Beschreibung"),
        ("en;q=0.5, DE-ch", None, "de-CH", "noch keine Beschreibung"),
        ("de-LI, en-US;q=0.9, en;q=0.8", None, "de", "noch keine Beschreibung"),
        ("de;q=0, en-CA", None, "en-CA", "There is no description"),
        ("fr, *;q=0.5, de;q=0.1", None, "en", "There is no description"),
    ],
)
def test_a_page_is_in_the_language_that_was_chosen_or_else_in_one_that_the_browser_wants(
    wanted: str, chosen: str | None, tag: str, said: str, client: FlaskClient, new_part: NewPart
) -> None:
    part = new_part()
    if chosen:
        switched = client.get(f"/parts/{part}?a=%26&lang={chosen}")
        if chosen == "fr":
            # There are no such texts, so the address is just the page's.
            assert (switched.status_code, switched.headers.getlist("Set-Cookie")) == (200, [])
        else:
            assert (switched.status_code, switched.headers["Location"]) == (302, f"/parts/{part}?a=%26")
    for address in (f"/parts/{part}", "/"):
        page = client.get(address, headers={"Accept-Language": wanted})
        assert f'<html lang="{tag}">' in page.text
        assert page.headers["Content-Language"] == tag[:2]
    assert said in client.get(f"/parts/{part}", headers={"Accept-Language": wanted}).text
    if chosen is None:
        # The API agrees.
        refused = client.get("/api/v1/parts?limit=x", headers={"Accept-Language": wanted})
        assert refused.headers["Content-Language"] == tag[:2]


def test_germans_type_a_comma_in_the_ends_of_ranges(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart, word: str
) -> None:
    made = editor.post("/api/v1/admin/categories", json={"name": word}).get_json()
    for load in ("12.7", "14.0"):
        part = new_part(part_name=f"{word} {load}", category_id=made["id"])
        said = {"specifications": [{"name": "Load", "value": load, "unit": "kN"}]}
        editor.put(f"{PARTS}/{part}/specifications", json=said)
        editor.put(f"{PARTS}/{part}/prices", json={"prices": [{"currency": "EUR", "amount": load}]})
    address = f"/c/{made['slug']}?max_price=1.012,75&min_price=12,75&spec.Load.min=12,800 kN"
    german, english = ("de-AT", "12,75", "12,800 kN"), ("en", "", "12,800 kN")
    for language, price, load in (german, english):
        page = read(client.get(address, headers={"Accept-Language": language}))
        assert (page.fields["min_price"], page.fields["spec.Load.min"]) == (price, load)
    page = read(client.get(address, headers={"Accept-Language": "de"}))
    assert [item["part_name"] for item in page.answers["/parts"]["items"]] == [f"{word} 14.0"]
    assert page.fields["max_price"] == "1012,75"
    assert f"/c/{made['slug']}?min_price=12.75&max_price=1012.75" in page.hrefs
    assert 'placeholder="12,7 kN"' in client.get(f"/c/{made['slug']}", headers={"Accept-Language": "de"}).text


def test_germans_read_a_comma_in_values_that_are_numbers_to_the_shop(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart, word: str
) -> None:
    made = editor.post("/api/v1/admin/categories", json={"name": word}).get_json()
    part = new_part(part_name=word, category_id=made["id"])
    said = [
        {"name": "Load", "value": "12.7", "unit": "kN"},
        {"name": "Play", "value": "0.5…1.5", "unit": "mm"},
        {"name": "Class", "value": "8.8 A"},
    ]
    editor.put(f"{PARTS}/{part}/specifications", json={"specifications": said})
    address = f"/c/{made['slug']}?spec.load=12.7 kN&spec.Class=8.8 A"
    german, english = (client.get(address, headers={"Accept-Language": language}).text for language in ("de", "en"))
    for written in ("12,7 kN", "0,5…1,5 mm", "8.8 A"):
        assert f">{written} <span" in german
    for written in ("12.7 kN", "0.5…1.5 mm", "8.8 A"):
        assert f">{written} <span" in english
        # What is asked for is the same.
        assert f'value="{written}"' in german
    assert ">load: 12,7 kN<" in german
    assert ">Class: 8.8 A<" in german


def test_a_german_page_says_nothing_in_english(client: FlaskClient, editor: FlaskClient, new_part: NewPart, word: str) -> None:
    part = new_part(part_name=word)
    editor.put(f"{PARTS}/{part}/prices", json={"prices": [{"currency": "EUR", "amount": a, "min_quantity": n}
               for a, n in (("2000", 1), ("1000", 10))]})  # fmt: skip
    german = {"Accept-Language": "de-DE"}
    texts = json.loads((REPOSITORY / "app/templates/site/texts/en.json").read_text())
    english = {text for section in texts.values() for text in section.values() if isinstance(text, str) and " " in text}
    english.remove(texts["shop"]["name"])
    shown = {
        "/": 200, f"/parts?q={word}&in_stock=true&sort=newest": 200, f"/parts?q={word}": 200, f"/parts/{part}": 200,
        "/nothing": 404,
    }  # fmt: skip
    for address, status in shown.items():
        html = client.get(address, headers=german)
        assert html.status_code == status
        visible = Read(html.text).text + html.text.partition("</head>")[0]
        assert not [text for text in english if text in visible], address
    page = read(client.get(f"/parts/{part}", headers=german))
    for said in ("2.000,00 €", "ab 10", "50 % günstiger", "Staffelpreise"):
        assert said in page.text, said
