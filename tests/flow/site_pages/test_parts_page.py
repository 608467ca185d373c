"""What search engines, and browsers without JavaScript, read of a part's page: the first HTML."""

from collections.abc import Callable
from io import BytesIO

from flask.testing import FlaskClient

from tests.flow.site_pages.reading import listed, read
from tests.sample_pictures import jpeg

NewPart = Callable[..., int]
PARTS = "/api/v1/admin/parts"
ORIGIN = "http://localhost"


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
