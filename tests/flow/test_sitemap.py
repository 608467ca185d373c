"""What search engines are told: where they may go, and every address of the site."""

from collections.abc import Callable
from uuid import uuid4
from xml.etree import ElementTree

import pytest
from flask.testing import FlaskClient

from app.container import Container

NewPart = Callable[..., int]
PARTS = "/api/v1/admin/parts"
ORIGIN = "http://localhost"


@pytest.fixture
def word() -> str:
    return "w" + uuid4().hex[:10]


def test_robots_are_told_where_the_sitemap_is_and_where_not_to_go(client: FlaskClient) -> None:
    lines = client.get("/robots.txt").text.splitlines()
    assert {"User-agent: *", "Disallow: /panel/", "Disallow: /api/", f"Sitemap: {ORIGIN}/sitemap.xml"} <= {*lines}


SITEMAP = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9"}


def addresses(client: FlaskClient, path: str) -> list[str]:
    """Return the addresses in a sitemap, below the site's origin."""
    response = client.get(path)
    assert (response.status_code, response.mimetype) == (200, "application/xml")
    found = [element.text or "" for element in ElementTree.fromstring(response.data).iterfind(".//s:loc", SITEMAP)]
    assert all(address.startswith(ORIGIN) for address in found)
    return [address.removeprefix(ORIGIN) for address in found]


def every_part(client: FlaskClient) -> list[str]:
    return [one for name in addresses(client, "/sitemap.xml") if "/parts-" in name for one in addresses(client, name)]


def test_the_sitemap_leads_to_every_page_that_is_shown_and_to_no_other(
    client: FlaskClient, editor: FlaskClient, container: Container, new_part: NewPart, word: str
) -> None:
    shown, draft, archived = new_part(), new_part(status="draft"), new_part()
    editor.delete(f"{PARTS}/{archived}")
    with container.reading.connect() as connection:
        # More than are read at once; and much farther on, as after many that were removed.
        connection.exec_driver_sql(
            "INSERT INTO parts (sku, slug, part_name, status)"
            " SELECT %s || n, %s || n, 'Many', 'published' FROM generate_series(1, 1200) n",
            (word, f"{word}-"),
        )
        file = (connection.exec_driver_sql("SELECT max(id) FROM parts").scalar_one() - 1) // 10_000 + 3
        connection.exec_driver_sql("SELECT setval(pg_get_serial_sequence('parts', 'id'), %s)", (file * 10_000 - 1,))
    edge, behind = new_part(), new_part()
    assert (edge, behind) == (file * 10_000, file * 10_000 + 1)
    category = editor.post("/api/v1/admin/categories", json={"name": f"{word} full"}).get_json()
    editor.post("/api/v1/admin/categories", json={"name": f"{word} empty"})
    editor.put(f"{PARTS}/{behind}", json={"category_id": category["id"]})
    index = addresses(client, "/sitemap.xml")
    assert (index[0], index[-2:]) == ("/sitemaps/lists.xml", [f"/sitemaps/parts-{number}.xml" for number in (file - 1, file)])
    assert f"/sitemaps/parts-{file - 2}.xml" not in index
    listed = every_part(client)
    ids = [int(address.split("/")[2]) for address in listed]
    assert ids == sorted(ids)
    assert {shown, edge, behind} <= {*ids}
    assert not {draft, archived} & {*ids}
    assert sum("/" + word in address for address in listed) == 1200
    lists = addresses(client, "/sitemaps/lists.xml")
    assert "/" in lists
    assert f"/c/{category['slug']}" in lists
    assert not [address for address in lists if "empty" in address]


def test_a_sitemap_is_held_until_one_of_its_parts_changes(client: FlaskClient, editor: FlaskClient, new_part: NewPart) -> None:
    part = new_part()
    path = next(name for name in addresses(client, "/sitemap.xml") if f"parts-{(part - 1) // 10_000}." in name)

    def present() -> tuple[str, str]:
        response = client.get(path)
        entry = next(
            element
            for element in ElementTree.fromstring(response.data).iterfind("s:url", SITEMAP)
            if f"/parts/{part}/" in (element.findtext("s:loc", namespaces=SITEMAP) or "")
        )
        return response.headers["ETag"], entry.findtext("s:lastmod", namespaces=SITEMAP) or ""

    tag, changed = present()
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert changed == editor.get(f"{PARTS}/{part}").get_json()["updated_at"]
    editor.put(f"{PARTS}/{part}", json={"part_name": "Renamed"})
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200
    assert present()[0] != tag
    assert present()[1] > changed
