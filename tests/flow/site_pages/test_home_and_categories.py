"""What search engines, and browsers without JavaScript, read of the home page and of categories."""

from collections.abc import Callable
from typing import Any

from flask.testing import FlaskClient

from app.container import Container
from tests.flow.site_pages.reading import read

NewPart = Callable[..., int]
ORIGIN = "http://localhost"
HOSTILE = (
    "</script><script>alert(1)</script>", "<!--<script>", "\"'><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }} {% raw %} &amp; &lt;b&gt;",
    "😀 Łożysko 轴承", "محمل كروي",
)  # fmt: skip


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
