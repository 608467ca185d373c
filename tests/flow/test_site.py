"""What the addresses of the site and the panel answer, and that no address anywhere causes a server error."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.container import Container
from app.factory import create_app
from app.services.content import UNIQUE
from config import load_settings
from tests.flow.built import fresh_client, served

Api = Callable[[str], FlaskClient]
NewPart = Callable[..., int]
Refused = Callable[..., dict[str, Any]]
PARTS = "/api/v1/admin/parts"
SHOP = (
    b'<html lang="en" data-language="undecided"><title>the shop</title><!--page:head--><!--/page:head-->'
    b"<div><!--page:app--></div><!--page:data-->"
)
STAFF = b"<p>the panel</p>"
FILES = {
    "web/index.html": SHOP, "web/favicon.ico": b"\0\0\1\0", "web/favicon.svg": b"<svg/>",
    "web/assets/index-0.js": b"shop()", "panel/index.html": STAFF, "panel/favicon.svg": b"<svg/>",
    "panel/assets/index-1.js": b"panel()", "api-docs/swagger-ui.css": b"p {}", "secret": b"a secret",
    "embed/embed.js": b"embed()", "embed/embed.json": b"{}", "embed/assets/embed-0.js": b"embed()",
}  # fmt: skip


@pytest.fixture(scope="module")
def site_app(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The web application with minimal front ends in place of the built ones."""
    folder = tmp_path_factory.mktemp("dist")
    for name, data in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    with served(folder) as made:
        yield made


@pytest.fixture
def client(site_app: Flask, container: Container) -> FlaskClient:
    return fresh_client(site_app)


def shown(response: TestResponse) -> tuple[int, bytes]:
    return response.status_code, response.data


@pytest.mark.parametrize("name", [name for name in FILES if name.startswith("web/") and not name.endswith(".html")])
def test_a_file_of_the_site_is_that_file(name: str, client: FlaskClient) -> None:
    assert shown(client.get("/" + name.removeprefix("web/"))) == (200, FILES[name])


@pytest.mark.parametrize(
    "path",
    [
        "/sitemaps/parts-99999.xml", "/sitemaps/parts-99999999999.xml", "/sitemaps/x.xml",
        "/ads.txt", "/wp-login.php", "/.env", "/.git/x.config", "/assets/index-9.js", "/assets/", "/assets/x",
        "/../secret", "/%2e%2e/secret", "/..%2fsecret", "/..%5csecret", "/secret%00.txt", "/panel/assets/index-0.js",
        "/panel/x.js", "/panel/../secret.x", "/embed/v1/embed-0.js", "/embed/v2/embed.js", "/embed/embed.js",
        "/embed/v1/..%2f..%2fsecret", "/api-docs/index.html", "/api-docs/..%2f..%2fsecret", "/api-docs/%00",
        "/assets/index-0.js%00", "/assets/index-0.js/", "/assets/" + "a" * 256, "/panel/assets/" + "%ff" * 200,
        "/media/" + "a" * 300, "/media/%00", "/favicon.ico/x.y", "/index.html.br", "/assets%5cindex-0.js",
    ],
)  # fmt: skip
def test_a_file_that_is_not_there_is_none(path: str, client: FlaskClient, refused: Refused) -> None:
    if path.endswith(("/../secret", "/secret", "%2fsecret", "%5csecret")):
        assert (client.get(path).status_code, b"a secret" in client.get(path).data) == (404, False)
        return
    refused(client.get(path), 404)


@pytest.mark.parametrize(
    ("name", "kept"), [("embed.js", "max-age=3600"), ("embed.json", "max-age=3600"), ("assets/embed-0.js", "immutable")]
)
def test_the_script_for_other_storefronts_is_for_pages_of_any_origin(name: str, kept: str, client: FlaskClient) -> None:
    response = client.get(f"/embed/v1/{name}", headers={"Origin": "https://storefront.example"})
    assert shown(response) == (200, FILES[f"embed/{name}"])
    # Without that a browser would not compare a script's hash, and an isolated page would not load it.
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert kept in response.headers["Cache-Control"]
    unchanged = client.get(f"/embed/v1/{name}", headers={"If-None-Match": response.headers["ETag"]})
    assert (unchanged.status_code, unchanged.headers["Access-Control-Allow-Origin"]) == (304, "*")


@pytest.mark.parametrize(
    "path",
    [
        "/%00", "/nothing", "/nothing/at/all", "/" + "a" * 256, "/" + "a" * 100_000, "/" + "a/" * 5_000, "/%ff%fe", "/%ed%a0%80",
        "/c", "/c/", "/c/a/b", "/c/%D9%A1", "/c/" + "a" * 201,
        "/parts/x", "/parts/0", "/parts/01", "/parts/-1", "/parts/%D9%A1", "/parts/9999999999",
        "/parts/2147483647", "/parts/99999999999999999999", "/%e2%80%ae", "/apis", "/mediation", "/parts/1%00", "/a%5cb", "/%20",
    ],
)  # fmt: skip
def test_a_page_that_is_not_there_is_404_and_the_shop_says_so(path: str, client: FlaskClient) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-cache")
    assert "<title>the shop</title>" in answer.text
    assert "Page not found" in answer.text
    assert '<meta data-page name="robots" content="noindex" />' in answer.text
    assert client.head(path).status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "", "stock", "parts", "parts/17/content", "parts/17/specifications", "parts/17/images", "parts/17/prices",
        "parts/17/stock", "parts/17/history", "parts/17/activity", "categories", "imports", "imports/4", "activity", "sync",
        "people", "account", "login", "stock/", "stock?q=x.y",
    ],
)  # fmt: skip
def test_the_panels_pages_are_the_panel(path: str, client: FlaskClient) -> None:
    assert shown(client.get(f"/panel/{path}")) == (200, STAFF)


@pytest.mark.parametrize(
    "path",
    [
        "%00",
        "nothing",
        "parts/17/nothing",
        "parts/x/content",
        "parts/0/stock",
        "stock/x",
        "imports/x",
        "a" * 256,
        "%ff",
        "stock%00",
    ],
)
def test_other_pages_of_the_panel_are_404_and_the_panel_says_so(path: str, client: FlaskClient) -> None:
    assert shown(client.get(f"/panel/{path}")) == (404, STAFF)


def test_the_page_of_a_part_answers_as_the_part_stands_after_every_write(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart
) -> None:
    part = new_part(status="draft")
    slug, admin, page = editor.get(f"{PARTS}/{part}").get_json()["slug"], f"{PARTS}/{part}", f"/parts/{part}"
    addresses = (page, f"{page}/", f"{page}/{slug}", f"{page}?utm=1", f"{page}/{slug}?utm=1")

    def answers() -> set[tuple[int, str]]:
        found = {shown(client.get(address)) for address in addresses}
        assert len(found) == 1, "the page depends on how it is asked for"
        return {(status, body.decode().partition("<h1")[2].partition(">")[2].partition("<")[0]) for status, body in found}

    assert answers() == {(404, "Page not found")}
    editor.put(admin, json={"status": "published"})
    assert answers() == {(200, "Test part")}
    editor.put(admin, json={"status": "draft"})
    assert answers() == {(404, "Page not found")}
    # The public never saw it in its current state, so it is not gone but absent.
    editor.delete(admin)
    assert answers() == {(404, "Page not found")}
    editor.post(f"{admin}/restore")
    editor.put(admin, json={"status": "published"})
    for _ in range(2):
        assert answers() == {(200, "Test part")}
        editor.delete(admin)
        assert answers() == {(410, "Test part is no longer available")}
        assert client.head(page).status_code == 410
        editor.post(f"{admin}/restore")


def test_an_old_or_mangled_slug_leads_to_the_present_page_with_its_query(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart
) -> None:
    part, (first, second) = new_part(), (f"w-{uuid4().hex[:8]}" for _ in range(2))
    for slug in (first, second):
        editor.put(f"{PARTS}/{part}", json={"slug": slug})
        assert client.get(f"/parts/{part}/{slug}").status_code == 200
    for old in (first, second[:4], second.upper(), f"{second}/", "anything"):
        moved = client.get(f"/parts/{part}/{old}?utm=a%26b&x=%C3%A4")
        assert (moved.status_code, moved.headers["Location"]) == (301, f"/parts/{part}/{second}?utm=a%26b&x=%C3%A4"), old
        assert moved.headers["Cache-Control"] == "no-cache"
    for nothing in ("x%00", "x%2e%2e", "..", "a" * 201, "%ff", "a%5cb", "a%2fb", "a/b", "x%0d%0aSet-Cookie:a", "%e2%80%ae"):
        assert client.get(f"/parts/{part}/{nothing}").status_code == 404, nothing
    editor.delete(f"{PARTS}/{part}")
    assert client.get(f"/parts/{part}/{first}").status_code == 410


def test_a_page_that_the_database_cannot_tell_of_is_the_shop_and_503(site_app: Flask, tmp_path: Path) -> None:
    away = replace(load_settings(), frontend=tmp_path, database_url="postgresql+psycopg://nobody@127.0.0.1:9/none")
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "index.html").write_bytes(SHOP)
    made = create_app(away)
    response = made.test_client().get("/parts/1/x")
    assert (*shown(response), response.headers["Retry-After"]) == (503, SHOP, "1")
    made.extensions["lockstep"].engine.dispose()


def test_what_is_not_built_is_404_and_says_how_to_build_it(site_app: Flask, tmp_path: Path, refused: Refused) -> None:
    made = create_app(replace(load_settings(), frontend=tmp_path))
    for path in ("/", "/panel/", "/panel/stock", "/parts/x"):
        assert "make frontend" in refused(made.test_client().get(path), 404)["detail"]
    refused(made.test_client().get("/favicon.ico"), 404)
    made.extensions["lockstep"].engine.dispose()


HOSTILE = [
    "\0", "a\0b", "a" * 256, "a" * 5_000, "..", ".", "%2e%2e", "..\\..", "a\\b", "a/b", "/", "//", "\r\nX: y", "\n", "\ud800",
    "\ufeff", "\u202e", "٣", "²", "0", "-1", "+1", "1_0", "01", "1e3", "1.5", "2147483648", "9" * 19, "9" * 400, "NaN", "null",
    "true", "é", "e\u0301", "ＡＢＣ", "😀", "'", '"', "<script>", "%", "%zz", "%00", ";", "?", "#", "*", " ", "\t", "{}", "[]",
    "CON", "index.html", "~",
]  # fmt: skip
SEGMENT = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=40), st.integers(-(2**70), 2**70).map(str), st.binary(max_size=40))
# Reads only: writes are fuzzed from the OpenAPI document.
METHODS = ("GET", "HEAD", "OPTIONS")
FIELDS = ("", "id", "part_id", "category", "q", "limit", "cursor", "version", "record_id", "from", "to")


def raw(segment: str | bytes) -> str:
    """Return a segment percent-encoded, whether it is valid UTF-8 or not."""
    return quote(segment if isinstance(segment, bytes) else segment.encode("utf-8", "surrogatepass"), safe="")


def rules(app: Flask) -> list[Rule]:
    return sorted((rule for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())), key=lambda rule: rule.rule)


def ask(client: FlaskClient, method: str, path: str, query: str) -> TestResponse:
    """Send a request whose path reaches the application exactly as a server would pass it on, byte for byte."""
    decoded = re.sub("%([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), path)
    environ = {"PATH_INFO": decoded, "QUERY_STRING": query, "REQUEST_METHOD": method}
    return client.open("/", method=method, environ_overrides=environ)


def test_no_address_of_any_route_is_an_error_of_ours(site_app: Flask, api: Api, container: Container) -> None:
    """Every route, its arguments replaced by anything that a client may send, requested anonymously and as staff."""
    nobody, staff = site_app.test_client(), site_app.test_client()
    staff.environ_base |= api("admin").environ_base
    every = rules(site_app)
    assert {"/<page:name>", "/panel/<path:name>", "/media/<path:name>", "/api-docs/<path:name>", "/api/v1/pdp/<reference>"} <= {
        rule.rule for rule in every
    }

    @settings(max_examples=600, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(
        rule=st.sampled_from(every), segments=st.lists(SEGMENT, min_size=4, max_size=4), method=st.sampled_from(METHODS),
        tail=st.sampled_from(["", "/", "//", "\0", "/x"]), field=st.sampled_from(FIELDS),
    )  # fmt: skip
    def fuzz(rule: Rule, segments: list[str | bytes], tail: str, method: str, field: str) -> None:
        values = iter(segments)
        path = re.sub("<[^>]+>", lambda _found: raw(next(values)), rule.rule) + raw(tail).replace("%2F", "/")
        query = f"{field}={raw(segments[-1])}" if field else ""
        for client in (nobody, staff):
            with ask(client, method, path, query) as response:
                said = f"{method} {path!r}?{query}: {response.status_code}"
                assert response.status_code < 500, said
                if path.startswith("/api/") and response.status_code >= 400 and method != "HEAD":
                    assert response.content_type == "application/problem+json", said

    fuzz()


def test_every_hostile_segment_in_every_place_of_every_page_and_file_is_404(client: FlaskClient, new_part: NewPart) -> None:
    part = f"/parts/{new_part()}/"
    for before in ("/", "/panel/", "/assets/", "/panel/assets/", "/media/", "/api-docs/", part, "/parts/", "/c/", "/x/"):
        for segment in HOSTILE:
            with ask(client, "GET", f"{before}{raw(segment)}", "") as response:
                allowed = {404, 308}
                # Repeated slashes are merged, so these may be front pages.
                allowed |= {200} if before in {"/", "/panel/"} and segment in {"/", "//", "index.html"} else set()
                # Words redirect to the current address.
                allowed |= {301} if before == part and re.fullmatch("[0-9A-Za-z]{1,200}", segment) else set()
                assert response.status_code in allowed, (before, segment, response.status_code)


def test_constraints_that_are_explained_are_those_of_the_table(container: Container) -> None:
    with container.reading.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT conname FROM pg_constraint WHERE conrelid = 'parts'::regclass AND contype = 'u'"
        ).scalars()
        assert set(found) == UNIQUE.keys()
