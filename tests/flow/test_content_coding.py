"""Compressed answers: who gets which, with distinct entity tags, never compressed twice, and never alongside a secret."""

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import brotli
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.api import content_coding
from app.api.admin import audit
from app.api.content_coding import CODINGS, CompressedAnswers
from app.container import Container
from config import load_settings
from tests.flow.built import fresh_client, served

SCRIPT = b"export const shop = () => 'a shop';\n" * 200
SHELL = b"<!doctype html>" + b"<p>the shop</p>" * 50
DECODED: dict[str | None, Callable[[bytes], bytes]] = {None: bytes, "br": brotli.decompress, "gzip": gzip.decompress}
# Accept-Encoding headers, and the coding that each gets.
WISHES: list[tuple[str | None, str | None]] = [
    (None, None), ("", None), ("br", "br"), ("gzip", "gzip"), ("gzip, br", "br"), ("gzip, deflate, br, zstd", "br"), ("*", "br"),
    ("br;q=0, *", "gzip"), ("br;q=0", None), ("br;q=0, gzip;q=0", None), ("*;q=0", None), ("identity", None), ("deflate", None),
    ("br;q=0.1, gzip;q=0.9", "gzip"), ("gzip;q=0.5, *;q=0.8", "br"), ("identity, gzip;q=0.5", None), ("GZIP", "gzip"),
    ("identity;q=0.5, gzip;q=1.0", "gzip"), ("identity;q=0, gzip", "gzip"), ("gzip;q=0.001", "gzip"), ("gzip;q=0.000", None),
    ("identity;q=0", None), ("br ; q=0.5 ,gzip; q=0.6", "gzip"), ("x" * 5000, None), ("gzip;q=abc", None),
]  # fmt: skip


@pytest.fixture(scope="module")
def site_app(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The web application with a built script and page."""
    folder = tmp_path_factory.mktemp("dist")
    for name, data in {"web/assets/index-0.js": SCRIPT, "web/index.html": SHELL}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        path.with_name(f"{path.name}.br").write_bytes(brotli.compress(data))
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(data))
    (folder / "web" / "favicon.ico").write_bytes(b"\0\0\1\0" * 500)
    with served(folder) as made:
        yield made


@pytest.fixture
def client(site_app: Flask, container: Container) -> FlaskClient:
    return fresh_client(site_app)


@pytest.fixture
def listed(client: FlaskClient, new_part: Callable[..., int]) -> str:
    """The address of a list that is worth compressing."""
    word = "w" + uuid4().hex[:10]
    for number in range(8):
        new_part(part_name=f"Part {word} {number}")
    return f"/api/v1/parts?q={word}"


def get(client: FlaskClient, url: str, wish: str | None, **headers: str) -> TestResponse:
    return client.get(url, headers=headers | ({} if wish is None else {"Accept-Encoding": wish}))


def plain(response: TestResponse) -> bytes:
    return DECODED[response.content_encoding](response.data)


@pytest.mark.parametrize(("wish", "coding"), WISHES)
@pytest.mark.parametrize("url", ["/assets/index-0.js", "/", "list"])
def test_a_client_gets_the_coding_that_it_likes_best(
    url: str, wish: str | None, coding: str | None, client: FlaskClient, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("listed") if url == "list" else url
    as_it_is, response = get(client, url, None), get(client, url, wish)
    assert (response.status_code, response.content_encoding) == (200, coding)
    assert plain(response) == as_it_is.data
    assert response.headers["Content-Type"] == as_it_is.headers["Content-Type"]
    assert "Accept-Encoding" in response.vary
    if coding:
        assert len(response.data) < len(as_it_is.data) / 2
    head = client.head(url, headers={} if wish is None else {"Accept-Encoding": wish})
    assert head.data == b""
    assert {name: head.headers.get(name) for name in ("ETag", "Content-Encoding", "Content-Length")} == {
        name: response.headers.get(name) for name in ("ETag", "Content-Encoding", "Content-Length")
    }


@pytest.mark.parametrize("url", ["/assets/index-0.js", "/", "list"])
def test_each_coding_has_a_strong_tag_of_its_own_and_whoever_holds_any_gets_304(
    url: str, client: FlaskClient, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("listed") if url == "list" else url
    tags = {wish: get(client, url, wish).headers["ETag"] for wish in ("identity", "br", "gzip")}
    assert len(set(tags.values())) == 3
    assert not any(tag.startswith("W/") for tag in tags.values())
    for wish in tags:
        for held in tags.values():
            # A proxy that compresses makes tags weak; a client may hold several.
            for sent in (held, f"W/{held}", f'"other", {held}'):
                answer = get(client, url, wish, **{"If-None-Match": sent})
                assert (answer.status_code, answer.data, answer.headers["ETag"]) == (304, b"", held)
                assert "Accept-Encoding" in answer.vary
                assert "Content-Encoding" not in answer.headers
        both = get(client, url, wish, **{"If-None-Match": ", ".join(tags.values())})
        assert (both.status_code, both.headers["ETag"]) == (304, tags[wish])
        assert get(client, url, wish, **{"If-None-Match": "*"}).status_code == 304
        assert get(client, url, wish, **{"If-None-Match": '"other", "x-br"'}).status_code == 200


def test_equal_content_has_equal_tags_and_equal_bytes_in_every_process(listed: str, client: FlaskClient, app: Flask) -> None:
    for wish in ("br", "gzip", "identity"):
        here, there = get(client, listed, wish), get(app.test_client(), listed, wish)
        assert (here.data, here.headers["ETag"]) == (there.data, there.headers["ETag"])


def test_a_change_is_seen_by_whoever_holds_the_compressed_answer_of_before(
    listed: str, client: FlaskClient, api: Callable[[str], FlaskClient]
) -> None:
    before = get(client, listed, "br")
    part = client.get(listed).get_json()["items"][0]["id"]
    api("stock").put(f"/api/v1/admin/parts/{part}/stock", json={"current_stock": 77})
    after = get(client, listed, "br", **{"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert b'"current_stock":77' in plain(after)


def test_what_is_asked_for_again_is_not_compressed_again(
    listed: str, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def counted(data: bytes) -> bytes:
        made.append(len(data))
        return zlib.compress(data)

    monkeypatch.setitem(CODINGS, "br", counted)
    bodies = {get(client, listed, "br").data for _ in range(5)}
    get(client, listed, "br", **{"If-None-Match": get(client, listed, "br").headers["ETag"]})
    assert (len(made), len(bodies)) == (1, 1)
    get(client, "/assets/index-0.js", "br")
    assert len(made) == 1


def test_what_is_kept_is_bounded_and_the_oldest_goes_first() -> None:
    answers = CompressedAnswers(most=100)
    texts = [uuid4().hex.encode() for _ in range(50)]
    kept = answers._kept
    for number, text in enumerate(texts):
        assert brotli.decompress(answers.get(str(number), "br", text)) == text
        assert kept._size == sum(map(len, kept._kept.values())) <= 100
    assert "49-br" in kept._kept
    assert "0-br" not in kept._kept


def test_short_answers_stay_as_they_are_unless_the_client_refuses_that(client: FlaskClient, new_part: Callable[..., int]) -> None:
    url = f"/api/v1/parts/{new_part()}"
    assert len(client.get(url).data) < content_coding.MIN_BYTES
    short = get(client, url, "br, gzip")
    assert (short.content_encoding, "Accept-Encoding" in short.vary) == (None, True)
    refusing = get(client, url, "identity;q=0, gzip")
    assert (refusing.content_encoding, plain(refusing)) == ("gzip", short.data)


@pytest.mark.parametrize("wish", ["br", "gzip"])
def test_staffs_reads_are_compressed_and_writes_errors_and_sessions_are_not(
    wish: str, listed: str, client: FlaskClient, api: Callable[[str], FlaskClient], logged_in: Callable[..., Any]
) -> None:
    editor, (browser, _token) = api("editor"), logged_in()
    grid = get(editor, "/api/v1/admin/parts?limit=50", wish)
    assert (grid.content_encoding, b'"items"' in plain(grid)) == (wish, True)
    assert get(client, "/api/v1/openapi.json", wish).content_encoding == wish
    body = {"sku": uuid4().hex, "part_name": "x", "description": "long " * 1000}
    untouched = [
        editor.post("/api/v1/admin/parts", json=body, headers={"Accept-Encoding": wish}),
        get(client, "/api/v1/parts?limit=0&q=" + "x" * 190, wish),
        get(browser, "/api/v1/auth/me", f"{wish}, identity;q=0"),
    ]
    assert [response.content_encoding for response in untouched] == [None, None, None]
    assert b"csrf_token" in untouched[-1].data


def test_tables_are_compressed_while_they_are_made_and_whoever_hangs_up_ends_them(
    api: Callable[[str], FlaskClient], new_part: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    editor = api("editor")
    address = f"/api/v1/admin/audit.csv?part_id={new_part()}"
    plain = editor.get(address)
    assert (plain.headers.get("Content-Encoding"), plain.vary.as_set()) == (None, {"accept-encoding"})
    for wish, coding in (("gzip", "gzip"), ("br, gzip", "gzip"), ("br", None), ("gzip;q=0", None)):
        answer = editor.get(address, headers={"Accept-Encoding": wish})
        assert answer.headers.get("Content-Encoding") == coding
        assert "accept-encoding" in answer.vary.as_set()
        assert DECODED[coding](answer.data) == plain.data
    made, ended = [], []

    def pieces(_rows: Any) -> Iterator[str]:
        try:
            for number in range(1000):
                made.append(number)
                yield uuid4().hex * 3000
        finally:
            ended.append(True)

    monkeypatch.setattr(audit, "_csv", pieces)
    answer = editor.get(address, headers={"Accept-Encoding": "gzip"}, buffered=False)
    next(answer.iter_encoded())
    answer.close()
    assert len(made) < 10
    assert ended


def test_a_range_is_not_taken_for_the_whole(client: FlaskClient) -> None:
    for wish in ("identity", "br"):
        answer = get(client, "/assets/index-0.js", wish, Range="bytes=0-9")
        assert (answer.status_code, plain(answer)) == (200, SCRIPT)


def test_what_is_named_after_its_content_is_kept_for_good_and_pages_are_asked_for_each_time(client: FlaskClient) -> None:
    script, page, picture = (get(client, path, "br") for path in ("/assets/index-0.js", "/", "/favicon.ico"))
    assert script.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert page.headers["Cache-Control"] == "no-cache"
    assert (picture.content_encoding, picture.headers["Cache-Control"]) == (None, "public, max-age=3600")
    missing = get(client, "/no-such-page", "br", **{"If-None-Match": page.headers["ETag"]})
    assert (missing.status_code, plain(missing)) == (404, SHELL)


def test_the_build_leaves_every_text_in_both_codings() -> None:
    dist: Path = load_settings().frontend
    if not (dist / "web" / "index.html").is_file():
        pytest.skip("the frontend is not built")
    texts = [path for path in dist.rglob("*") if path.suffix in {".js", ".css", ".html"} and path.stat().st_size > 1000]
    assert texts
    for path in texts:
        data = path.read_bytes()
        assert brotli.decompress(path.with_name(f"{path.name}.br").read_bytes()) == data
        assert gzip.decompress(path.with_name(f"{path.name}.gz").read_bytes()) == data
