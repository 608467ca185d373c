"""What search engines, and browsers without JavaScript, read of the customers' pages: the first HTML."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.api.site import formats, pages
from app.container import Container
from bench.system import wait_until
from config import REPOSITORY
from tests.flow.built import fresh_client, served
from tests.sample_pictures import jpeg

NewPart = Callable[..., int]
PARTS = "/api/v1/admin/parts"
ORIGIN = "http://localhost"
HOSTILE = (
    "</script><script>alert(1)</script>", "<!--<script>", "\"'><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }} {% raw %} &amp; &lt;b&gt;",
    "😀 Łożysko 轴承", "محمل كروي",
)  # fmt: skip


@dataclass
class Read(HTMLParser):
    """A page as a parser sees it."""

    html: str
    title: str = ""
    meta: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    hrefs: list[str] = field(default_factory=list)
    scripts: dict[str, str] = field(default_factory=dict)
    images: list[dict[str, str | None]] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    elements: list[str] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._inside: list[str] = []
        self.feed(self.html)
        self.close()
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements.append(tag)
        if tag == "meta":
            self.meta[found.get("name") or found.get("property") or ""] = found.get("content") or ""
        elif tag == "link":
            self.links[found["rel"] or ""] = found["href"] or ""
        elif tag == "a":
            self.hrefs.append(found["href"] or "")
            if "rel" in found:
                self.links[found["rel"] or ""] = found["href"] or ""
        elif tag == "img":
            self.images.append(found)
        elif tag == "input":
            self.fields[found.get("name") or ""] = found.get("value") or ""
        if tag not in {"meta", "link", "img", "input", "br", "hr", "path", "rect"}:
            self._inside.append(f"script {found.get('id') or found.get('src')}" if tag == "script" else tag)

    def handle_endtag(self, tag: str) -> None:
        if any(one.partition(" ")[0] == tag for one in self._inside):
            while self._inside.pop().partition(" ")[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        place = self._inside[-1] if self._inside else ""
        if place == "title":
            self.title += data
        elif place.startswith("script "):
            self.scripts[place.removeprefix("script ")] = self.scripts.get(place.removeprefix("script "), "") + data
        elif "main" in self._inside:
            self.text += data + " "

    @property
    def described(self) -> dict[str, Any]:
        """The structured data."""
        return dict(json.loads(self.scripts["json-ld"]))

    @property
    def answers(self) -> dict[str, Any]:
        """The answers of the API that came with the page, by path."""
        return {one["path"]: one["body"] for one in json.loads(self.scripts["first"])["answers"]}


@pytest.fixture(scope="module")
def site_app(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The web application with the site's own shell, though without what Vite adds to it."""
    folder = tmp_path_factory.mktemp("dist")
    (folder / "web").mkdir()
    shell = (REPOSITORY / "app" / "frontend" / "web" / "index.html").read_text()
    (folder / "web" / "index.html").write_text(shell)
    motifs = {
        "motifs": {"bolt": ["M1 1"], "flange": ["M2 2"]},
        "usual": "flange",
        "words": [[r"\bbolts?\b", "bolt"]],
        "grid": "G",
        "axes": "A",
    }
    (folder / "web" / "motifs.json").write_text(json.dumps(motifs))
    modules = {"HomePage": ["/assets/home.js", "/assets/card.js"], "de": ["/assets/de.js"]}
    (folder / "web" / "modules.json").write_text(json.dumps(modules))
    with served(folder) as made:
        yield made


@pytest.fixture
def client(site_app: Flask, container: Container) -> FlaskClient:
    return fresh_client(site_app)


@pytest.fixture
def editor(api: Callable[[str], FlaskClient]) -> FlaskClient:
    return api("editor")


@pytest.fixture
def word() -> str:
    return "w" + uuid4().hex[:10]


def read(response: TestResponse, status: int = 200) -> Read:
    assert response.status_code == status, response.headers
    return Read(response.text)


def test_a_parts_page_says_everything_without_javascript(client: FlaskClient, editor: FlaskClient, word: str) -> None:
    above = editor.post("/api/v1/admin/categories", json={"name": f"{word} above"}).get_json()
    category = editor.post("/api/v1/admin/categories", json={"name": f"{word} below", "parent_id": above["id"]}).get_json()
    body = {
        "sku": f"SKU-{word}", "part_name": f"Bearing {word}", "status": "published", "category_id": category["id"],
        "manufacturer": "Ferrum", "manufacturer_number": "F-1", "description": "<p>A <b>bold</b> word</p>",
        "specifications": [{"name": "Bore", "value": "20", "unit": "mm", "group": "Size"}, {"name": "Seal", "value": "2RS"}],
        "prices": [{"currency": "EUR", "amount": "1234.50"}, {"currency": "EUR", "amount": "617.25", "min_quantity": 10}],
        "stock": {"current_stock": 3, "min_stock_level": 5},
    }  # fmt: skip
    part = editor.post(PARTS, json=body).get_json()["id"]
    other = editor.post(PARTS, json=body | {"sku": f"SKU-{word}-2", "part_name": f"Bearing {word} too"}).get_json()
    editor.post(f"{PARTS}/{part}/images", data={"image": (BytesIO(jpeg(900, 600)), "a.jpg"), "alt": "From the front"})
    page = read(client.get(f"/parts/{part}", headers={"Accept-Language": "en-GB,en;q=0.9"}))
    api = client.get(f"/api/v1/pdp/{part}").get_json()
    address = f"{ORIGIN}/parts/{part}/{api['part']['slug']}"
    assert page.title == f"Bearing {word} – Lockstep Parts"
    assert (page.meta["description"], page.links["canonical"]) == ("A bold word", address)
    assert "robots" not in page.meta
    for said in (
        f"Bearing {word}", f"SKU SKU-{word}", "Ferrum · F-1", "€1,234.50", "Only 3 left", "A bold word", "Size",
        "Bore 20 mm",
        "Seal 2RS", "1 – 9", "10 or more", "€617.25", "Save 50 %", f"{word} above", f"Bearing {word} too",
    ):  # fmt: skip
        assert said in page.text, said
    assert {f"/parts/{other['id']}/{other['slug']}", f"/c/{category['slug']}", f"/c/{above['slug']}"} <= {*page.hrefs}
    picture = api["part"]["images"][0]
    assert (page.images[0]["src"], page.images[0]["alt"]) == (picture["url"], "From the front")
    assert page.answers == {f"/pdp/{part}": api}
    assert page.meta.items() >= {
        "og:title": page.title, "og:url": address, "og:type": "product", "og:image": ORIGIN + picture["url"],
        "product:price:amount": "1234.50", "product:price:currency": "EUR", "product:availability": "in stock",
    }.items()  # fmt: skip
    # What Google requires of, and recommends for, a product that is sold.
    described = page.described
    assert described.items() >= {
        "@context": "https://schema.org", "@type": "Product", "name": f"Bearing {word}", "sku": f"SKU-{word}", "mpn": "F-1",
        "description": "A bold word", "brand": {"@type": "Brand", "name": "Ferrum"}, "image": [ORIGIN + picture["url"]],
        "url": address,
    }.items()  # fmt: skip
    assert described["offers"] == {
        "@type": "Offer", "price": "1234.50", "priceCurrency": "EUR", "availability": "https://schema.org/InStock",
        "itemCondition": "https://schema.org/NewCondition", "url": address,
    }  # fmt: skip
    steps = described["mainEntityOfPage"]["breadcrumb"]["itemListElement"]
    assert [(step["position"], step["name"], step.get("item")) for step in steps] == [
        (1, f"{word} above", f"{ORIGIN}/c/{above['slug']}"),
        (2, f"{word} below", f"{ORIGIN}/c/{category['slug']}"),
        (3, f"Bearing {word}", None),
    ]


def test_the_page_of_a_part_that_is_no_longer_sold_says_what_it_was_and_what_there_is_instead(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart, word: str
) -> None:
    above = editor.post("/api/v1/admin/categories", json={"name": f"{word} above"}).get_json()
    category = editor.post("/api/v1/admin/categories", json={"name": f"{word} below", "parent_id": above["id"]}).get_json()

    def make(name: str, bore: str, stock: int) -> int:
        part = new_part(part_name=name, category_id=category["id"], description=f"About {name}", stock=stock)
        editor.put(f"{PARTS}/{part}/specifications", json={"specifications": [{"name": "Bore", "value": bore, "unit": "mm"}]})
        return part

    old, sold_out, alike = make(f"{word} <i>A</i>", "20", 3), make(f"{word} B", "30", 0), make(f"{word} C", "20", 3)
    shown = client.get(f"/api/v1/parts/{old}").get_json()
    editor.delete(f"{PARTS}/{old}")
    for address in (f"/parts/{old}", f"/parts/{old}/{shown['slug']}", f"/parts/{old}/former-name"):
        page = read(client.get(address), 410)
        assert (page.title, page.meta["robots"], page.images) == (
            f"{word} <i>A</i> is no longer available – Lockstep Parts",
            "noindex",
            [],
        )
        assert f"Parts {word} above {word} below {word} <i>A</i> is no longer available SKU {shown['sku']}" in page.text
        assert f"More in {word} below" in page.text
        assert f"Alternatives in stock {word} below {word} C" in page.text
        assert f"Related parts {word} below {word} B" in page.text
        assert {f"/c/{above['slug']}", f"/c/{category['slug']}", f"/parts/{old}/{shown['slug']}?lang=de"} <= {*page.hrefs}
        # The header's field, and one of its own.
        assert page.fields == {"q": f"{word} <i>A</i>"}
        assert "canonical" not in page.links
        assert "json-ld" not in page.scripts
        # Nothing is left of what it cost, of what there was, and of what was said about it.
        assert not {f"About {word}", "description"} & {*page.text.split(), *page.answers[f"/pdp/{old}"]["withdrawn"]["part"]}
        assert page.answers[f"/pdp/{old}"]["withdrawn"] == client.get(f"/api/v1/pdp/{old}").get_json()["withdrawn"]
    german = read(client.get(f"/parts/{old}", headers={"Accept-Language": "de"}), 410)
    assert f"{word} <i>A</i> ist nicht mehr erhältlich Artikelnr. {shown['sku']}" in german.text
    # What is instead of it is as it is now.
    editor.put(f"{PARTS}/{sold_out}/stock", json={"current_stock": 1})
    editor.put(f"{PARTS}/{alike}/stock", json={"current_stock": 0})
    page = read(client.get(f"/parts/{old}"), 410)
    assert "Alternatives in stock" not in page.text
    assert page.text.count(f"{word} B") == page.text.count(f"{word} C") == 1
    editor.delete(f"{PARTS}/{sold_out}")
    # Its own address is that of the page in the other language.
    assert listed(read(client.get(f"/parts/{old}"), 410)) == [old, alike]


def test_what_is_said_of_a_part_that_is_no_longer_sold_follows_its_category(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart, word: str
) -> None:
    first, second = (editor.post("/api/v1/admin/categories", json={"name": f"{word} {n}"}).get_json() for n in ("one", "two"))
    part, other = new_part(part_name=f"{word} A", category_id=first["id"]), new_part(part_name=word, category_id=second["id"])
    editor.delete(f"{PARTS}/{part}")

    def way() -> str:
        return read(client.get(f"/parts/{part}"), 410).text.partition("is no longer")[0]

    assert way() == f"Parts {word} one {word} A "
    editor.put(f"/api/v1/admin/categories/{first['id']}", json={"name": f"{word} renamed"})
    assert way() == f"Parts {word} renamed {word} A "
    editor.delete(f"/api/v1/admin/categories/{first['id']}?target={second['id']}")
    assert way() == f"Parts {word} two {word} A "
    assert listed(read(client.get(f"/parts/{part}"), 410)) == [part, other]


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


def test_a_category_is_a_page_of_its_own_under_its_present_address_alone(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart, word: str
) -> None:
    category = editor.post("/api/v1/admin/categories", json={"name": f"{word} & Sons", "slug": f"old-{word}"}).get_json()
    part = new_part(part_name=word, category_id=category["id"])
    editor.put(f"/api/v1/admin/categories/{category['id']}", json={"slug": f"new-{word}"})
    for former in ("/?category=", "/parts?category="):
        for reference in (f"old-{word}", f"new-{word}", category["id"]):
            moved = client.get(f"{former}{reference}&sort=-name")
            assert (moved.status_code, moved.headers["Location"]) == (301, f"/c/new-{word}?sort=-name")
    for former in (f"/c/old-{word}", f"/c/new-{word}/"):
        moved = client.get(f"{former}?sort=-name")
        assert (moved.status_code, moved.headers["Location"]) == (301, f"/c/new-{word}?sort=-name")
    page = read(client.get(f"/c/new-{word}"))
    assert (page.title, page.links["canonical"]) == (f"{word} & Sons – Lockstep Parts", f"{ORIGIN}/c/new-{word}")
    listed = page.described["mainEntity"]["itemListElement"]
    assert [(one["position"], one["name"], one["url"].startswith(f"{ORIGIN}/parts/{part}/")) for one in listed] == [
        (1, word, True)
    ]
    steps = page.described["breadcrumb"]["itemListElement"]
    assert [(step["name"], step["item"]) for step in steps] == [
        ("Parts", f"{ORIGIN}/parts"),
        (f"{word} & Sons", f"{ORIGIN}/c/new-{word}"),
    ]
    assert page.answers["/parts"] == client.get(f"/api/v1/parts?category=new-{word}&sort=name&limit=24").get_json()
    assert page.answers["/parts/facets"] == client.get(f"/api/v1/parts/facets?category=new-{word}").get_json()
    assert page.answers["/categories"] == client.get("/api/v1/categories").get_json()
    # In another order it is the same page; narrowed to what is in stock it is none.
    assert "canonical" not in read(client.get(f"/c/new-{word}?in_stock=true")).links
    nowhere = read(client.get("/c/nowhere"), 404)
    assert (nowhere.meta["robots"], "No parts found" in nowhere.text) == ("noindex", True)


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


@pytest.fixture
def bearings(editor: FlaskClient, word: str) -> dict[str, Any]:
    """A category of three parts, whose `parts` differ in bore and seal."""
    category = editor.post("/api/v1/admin/categories", json={"name": f"{word} bearings"}).get_json()
    category["parts"] = {}
    for bore, seal in (("20", "2RS"), ("25", "ZZ"), ("30", "2RS")):
        said = [{"name": "Bore", "value": bore, "unit": "mm"}, {"name": "Seal", "value": seal}]
        body = {
            "sku": f"{word}-{bore}",
            "part_name": f"{word} {bore}",
            "status": "published",
            "category_id": category["id"],
            "specifications": said,
        }
        category["parts"][bore] = editor.post(PARTS, json=body).get_json()["id"]
    return category


def listed(page: Read) -> list[int]:
    return [int(href.split("/")[2]) for href in page.hrefs if href.startswith("/parts/")]


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


def test_the_home_page_shows_the_categories_and_what_is_new(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart, word: str
) -> None:
    above = editor.post("/api/v1/admin/categories", json={"name": f"{word} above"}).get_json()
    below = editor.post("/api/v1/admin/categories", json={"name": f"{word} below", "parent_id": above["id"]}).get_json()
    empty = editor.post("/api/v1/admin/categories", json={"name": f"{word} empty"}).get_json()
    parts = [new_part(part_name=f"{word} {number}", category_id=below["id"]) for number in range(2)]
    page = read(client.get("/"))
    assert (page.title, page.links["canonical"], page.meta["og:type"]) == ("Lockstep Parts", f"{ORIGIN}/", "website")
    # A category counts what is below it, and one without parts is not shown.
    assert f"{word} above 2 parts" in page.text
    assert {f"/c/{above['slug']}", f"/c/{below['slug']}", "/parts"} <= {*page.hrefs}
    assert f"/c/{empty['slug']}" not in page.hrefs
    newest = [int(href.split("/")[2]) for href in page.hrefs if href.startswith("/parts/")]
    assert newest[:2] == parts[::-1]
    assert page.described["potentialAction"]["target"]["urlTemplate"] == f"{ORIGIN}/parts?q={{search_term_string}}"
    assert page.answers["/parts"] == client.get("/api/v1/parts?sort=newest&limit=8").get_json()
    assert page.answers["/categories"] == client.get("/api/v1/categories").get_json()
    loaded = '<link rel="modulepreload" crossorigin href="/assets/{}.js" />'
    german = client.get("/", headers={"Accept-Language": "de"}).text
    for script, is_german in (("home", False), ("card", False), ("de", True)):
        assert (loaded.format(script) in page.html, loaded.format(script) in german) == (not is_german, True)
    # Never older than the API: a new name is on it with the next request, and its ETag is another one.
    held = client.get("/").headers["ETag"]
    editor.put(f"/api/v1/admin/categories/{above['id']}", json={"name": f"{word} renamed"})
    assert f"{word} renamed" in client.get("/", headers={"If-None-Match": held}).text


def test_a_category_says_what_is_in_it_to_customers_and_search_engines(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart, word: str
) -> None:
    text = f"<p>{word} for <b>lathes</b></p><ul><li>M8 &lt; M10</li></ul>"
    made = editor.post("/api/v1/admin/categories", json={"name": f"{word} text", "description": text}).get_json()
    new_part(part_name=word, category_id=made["id"])
    said = f"{word} for lathes M8 < M10"
    page = read(client.get(f"/c/{made['slug']}"))
    assert (page.meta["description"], page.meta["og:description"]) == (said, said)
    assert text in page.html
    scripts = page.scripts.keys()
    assert said in read(client.get("/")).text
    for hostile in HOSTILE:
        editor.put(f"/api/v1/admin/categories/{made['id']}", json={"description": f"<p>{word}</p>{hostile}"})
        page = read(client.get(f"/c/{made['slug']}"))
        assert (page.scripts.keys(), "img" in page.elements, word in page.meta["description"]) == (scripts, False, True)
    editor.put(f"/api/v1/admin/categories/{made['id']}", json={"description": ""})
    assert word in read(client.get(f"/c/{made['slug']}")).meta["description"]


def test_the_home_page_shows_what_is_just_back_in_stock_and_says_nothing_of_it_if_nothing_is(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart, container: Container, word: str
) -> None:
    with container.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE part_search SET restocked_at = NULL")
    parts = [new_part(part_name=f"{word} {number}", stock=number) for number in range(2)]

    def stock(part: int, count: int) -> None:
        assert editor.put(f"/api/v1/admin/parts/{part}/stock", json={"current_stock": count}).status_code == 200

    # Whatever is cached is read anew.
    stock(parts[1], 0)
    page = read(client.get("/"))
    assert (page.answers["/parts/restocked"], "Just back in stock" in page.text) == ({"items": []}, False)
    stock(parts[0], 8)
    stock(parts[1], 9)
    page = read(client.get("/"))
    assert f"Just back in stock {word} 1" in page.text
    assert page.answers["/parts/restocked"] == client.get("/api/v1/parts/restocked?limit=4").get_json()
    assert [item["id"] for item in page.answers["/parts/restocked"]["items"]] == parts[::-1]
    german = client.get("/", headers={"Accept-Language": "de"}).text
    assert "Gerade wieder auf Lager" in german
    (one,) = client.get("/api/v1/parts/restocked?limit=1").get_json()["items"]
    assert (one["id"], one["stock"]["available_stock"]) == (parts[1], 9)
    editor.delete(f"/api/v1/admin/parts/{parts[1]}")
    assert f"Just back in stock {word} 0" in read(client.get("/")).text
    for refused in ("0", "25", "x"):
        assert client.get(f"/api/v1/parts/restocked?limit={refused}").status_code == 422


def test_a_category_shows_the_way_to_it_and_what_is_below_it(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart, word: str
) -> None:
    path: list[Any] = []
    for name in ("top", "middle", "leaf"):
        parent = path[-1]["id"] if path else None
        path.append(editor.post("/api/v1/admin/categories", json={"name": f"{word} {name}", "parent_id": parent}).get_json())
    new_part(part_name=word, category_id=path[2]["id"])
    page = read(client.get(f"/c/{path[1]['slug']}"))
    own = [href for href in page.hrefs if href.startswith("/c/") and "?" not in href]
    # The last is the page itself, as cards.
    assert own == [f"/c/{one['slug']}" for one in (path[0], path[2], path[1])]
    assert f"{word} leaf 1" in page.text
    # Of a list, old addresses lead to the present ones, with everything that they ask for.
    for former, present in (
        (f"/?q={word}&utm=1", f"/parts?q={word}&utm=1"), ("/?in_stock=true", "/parts?in_stock=true"),
        ("/parts/?q=a", "/parts?q=a"), (f"/?q={word}&category={path[1]['slug']}", f"/c/{path[1]['slug']}?q={word}"),
    ):  # fmt: skip
        moved = client.get(former)
        assert (moved.status_code, moved.headers["Location"]) == (301, present)


def test_a_part_without_a_picture_has_the_drawing_and_the_tint_of_its_category(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart
) -> None:
    above = editor.post("/api/v1/admin/categories", json={"name": "Fasteners", "slug": "bolts-and-nuts"}).get_json()
    category = editor.post("/api/v1/admin/categories", json={"name": "Others", "parent_id": above["id"]}).get_json()
    drawn = client.get(f"/parts/{new_part(category_id=category['id'])}").text
    # As `motifFor` of motifs.ts has it.
    assert '<path class="line" data-v-part-picture d="M1 1" />' in drawn
    assert 'style="--hue: 54"' in drawn
    usual = client.get(f"/parts/{new_part()}").text
    assert '<path class="line" data-v-part-picture d="M2 2" />' in usual
    assert 'style="--hue: 61"' in usual


def test_a_cursor_of_another_list_leads_to_the_beginning(client: FlaskClient, word: str) -> None:
    moved = client.get(f"/parts?q={word}&sort=-name&cursor=x")
    assert (moved.status_code, moved.headers["Location"]) == (301, f"/parts?q={word}&sort=-name")


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


def test_addresses_of_data_sheets_are_links_and_nothing_else_becomes_one(
    client: FlaskClient, editor: FlaskClient, word: str
) -> None:
    sheet = f"https://files.example/{word}.pdf?page=2"
    texts = [
        "http://files.example/",
        "javascript:alert(1)",
        "https://shop@files.example/",
        f"see {sheet}",
        "https://",
        "data:text/html,x",
    ]
    specifications = [{"name": f"Sheet {number}", "value": value} for number, value in enumerate([sheet, *texts])]
    body = {"sku": word, "part_name": word, "status": "published", "specifications": specifications}
    part = editor.post(PARTS, json=body).get_json()["id"]
    response = client.get(f"/parts/{part}")
    page = read(response)
    assert [href for href in page.hrefs if "files.example" in href or ":" in href] == [sheet]
    assert f'href="{sheet}" rel="noopener nofollow"' in response.text
