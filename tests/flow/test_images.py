"""Pictures through HTTP: uploading, ordering, describing, deleting and being served, with every bad input."""

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from PIL import Image
from werkzeug.test import TestResponse

from app.api.schemas.answers import ContentAnswerSchema
from app.container import Container
from app.domain.pictures import MAX_BYTES, MAX_PICTURES
from app.services.images import make_variants
from tests.sample_pictures import jpeg
from tests.unit.services.test_pictures import REFUSED

Refused = Callable[..., dict[str, Any]]


@pytest.fixture
def url(new_part: Callable[..., int]) -> str:
    return f"/api/v1/admin/parts/{new_part()}"


def upload(client: FlaskClient, url: str, data: bytes | None = None, name: str = "a.jpg", **form: Any) -> TestResponse:
    """Upload a picture, a fresh one if none is given."""
    return client.post(f"{url}/images", data={"image": (BytesIO(jpeg() if data is None else data), name), **form})


def as_form(data: bytes) -> dict[str, Any]:
    """Return a multipart request as bytes: for a large file the test client would leave its temporary file open."""
    head = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    return {"data": head + data + b"\r\n--x--\r\n", "content_type": "multipart/form-data; boundary=x"}


def ids(client: FlaskClient, url: str) -> list[int]:
    return [image["id"] for image in client.get(url).get_json()["images"]]


@pytest.fixture
def kept_files(container: Container) -> Callable[[], set[str]]:
    """List the files in the storage."""
    folder = Path(urlsplit(container.settings.media_url).path)

    def look() -> set[str]:
        return {path.name for path in folder.rglob("*") if path.is_file()}

    return look


@pytest.fixture
def unchanged(
    editor: FlaskClient, url: str, events: Callable[[], int], refused: Refused, kept_files: Callable[[], set[str]]
) -> Callable[..., dict[str, Any]]:
    """Send a request about a part's pictures and check that it is refused, changes nothing and leaves no file behind."""

    def send(method: str, path: str, *statuses: int, **options: Any) -> dict[str, Any]:
        before = editor.get(url).get_json(), events(), kept_files()
        body = refused(editor.open(url + path, method=method, **options), *statuses)
        assert (editor.get(url).get_json(), events(), kept_files()) == before
        return body

    return send


def test_an_uploaded_picture_is_shown_and_served_for_ever(editor: FlaskClient, client: FlaskClient, url: str) -> None:
    answer = upload(editor, url, alt="A ball bearing", version=1, reason="the new photo")
    assert answer.status_code == 201
    body = answer.get_json()
    assert ContentAnswerSchema().validate(body) == {}
    (image,) = body["images"]
    assert (body["version"], image["alt"], image["width"], image["height"]) == (2, "A ball bearing", 320, 200)
    assert [size["width"] for size in image["srcset"]] == [160, 320]
    assert client.get(url.replace("/admin", "")).get_json()["images"] == [image]
    assert answer.headers["Location"] == image["url"]
    served = client.get(image["url"])
    assert (served.status_code, served.content_type) == (200, "image/jpeg")
    assert hashlib.sha256(served.data).hexdigest() in image["url"]
    assert served.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'self'" in served.headers["Content-Security-Policy"]
    # Storefronts elsewhere show it.
    assert served.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    tag = served.headers["ETag"]
    assert not tag.startswith("W/")
    again = client.get(image["url"], headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")


def test_sizes_answer_with_the_picture_until_they_are_made_and_then_for_ever(
    editor: FlaskClient, client: FlaskClient, url: str, container: Container
) -> None:
    (image,) = upload(editor, url).get_json()["images"]
    original = client.get(image["url"])
    for size in image["srcset"]:
        early = client.get(size["url"])
        assert (early.status_code, early.content_type, early.data) == (200, "image/jpeg", original.data)
        assert early.headers["Cache-Control"] == "no-store"
        assert "ETag" not in early.headers
    while make_variants(container.reading, container.storage):
        pass
    for size in image["srcset"]:
        served = client.get(size["url"])
        assert (served.content_type, Image.open(BytesIO(served.data)).width) == ("image/webp", size["width"])
        assert served.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert client.get(size["url"], headers={"If-None-Match": served.headers["ETag"]}).status_code == 304
        assert served.headers["ETag"] != original.headers["ETag"]


def test_addresses_that_no_picture_has_are_not_found(
    editor: FlaskClient, client: FlaskClient, url: str, refused: Refused
) -> None:
    (image,) = upload(editor, url).get_json()["images"]
    digest = image["url"].removeprefix("/media/").removesuffix(".jpg")
    for name in (
        "x", digest, f"{digest}.png", f"{digest}.webp", f"{digest}.JPG", f"{digest}-160.jpg", f"{digest}-161.webp",
        f"{digest}-480.webp", f"{digest}-0.webp", f"{digest}-0160.webp", f"{digest}-16٠.webp", f"{digest[:-1]}.jpg",
        f"{digest[:-1]}/.jpg", f"{'0' * 64}.jpg", f"{'0' * 64}-160.webp", f"{digest.upper()}.jpg", f"{digest}.jpg/",
        f"{digest}.jpg%00", f"{digest}.jpg%0a", "..%2fsecrets.json", "x/../../secrets.json", "%2e%2e/%2e%2e/x",
        f"images/{digest}.jpg",
    ):  # fmt: skip
        refused(client.get(f"/media/{name}"), 404)
    refused(client.post(image["url"]), 405)


@pytest.mark.parametrize("kind", REFUSED)
def test_a_file_that_is_no_picture_that_we_take_is_refused(kind: str, unchanged: Callable[..., dict]) -> None:
    for name in ("photo.png", "photo.jpg"):
        body = unchanged("POST", "/images", 422, data={"image": (BytesIO(REFUSED[kind]()), name)})
        assert body["errors"].keys() == {"image"}


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/passwd", "CON", "a\0b", "x" * 300, "photo.svg", "photo.php", "ü\u202e.gpj", "..", "."]
)
def test_what_a_file_calls_itself_and_its_type_does_not_matter(
    name: str, editor: FlaskClient, url: str, kept_files: Callable[[], set[str]]
) -> None:
    answer = editor.post(f"{url}/images", data={"image": (BytesIO(jpeg(seed="named")), name, "text/html")})
    assert answer.status_code == 201
    assert answer.headers["Location"].removeprefix("/media/") in kept_files()
    assert all(len(kept.split(".")[0].split("-")[0]) == 64 for kept in kept_files())


def test_a_form_without_one_file_is_refused(unchanged: Callable[..., dict]) -> None:
    for form in (
        {},
        {"alt": "nothing else"},
        {"image": "a text and no file"},
        {"image": [(BytesIO(jpeg()), "a.jpg"), (BytesIO(jpeg()), "b.jpg")]},
        {"image": [(BytesIO(jpeg()), "a.jpg"), "a text too"]},
        {"picture": (BytesIO(jpeg()), "a.jpg")},
    ):
        body = unchanged("POST", "/images", 422, data=form, content_type="multipart/form-data")
        assert "image" in body["errors"]


def test_what_goes_with_a_picture_is_checked_before_the_picture(unchanged: Callable[..., dict]) -> None:
    for field, value in (
        ("alt", "x" * 301), ("alt", "a\u202eb"), ("alt", "a\0b"), ("version", "0"), ("version", "x"), ("version", "1.0"),
        ("version", "9" * 30), ("reason", "x" * 501), ("position", "1"),
    ):  # fmt: skip
        body = unchanged("POST", "/images", 422, data={"image": (BytesIO(jpeg()), "a.jpg"), field: value})
        assert body["errors"].keys() == {field}, value
    unchanged("POST", "/images", 409, data={"image": (BytesIO(jpeg()), "a.jpg"), "version": "2"})
    unchanged("POST", "/images", 412, data={"image": (BytesIO(jpeg()), "a.jpg")}, headers={"If-Match": '"7"'})
    for text in (b"\xff", b"\xed\xa0\x80"):
        head = b'--x\r\nContent-Disposition: form-data; name="alt"\r\n\r\n' + text + b"\r\n"
        form = as_form(jpeg())
        body = unchanged("POST", "/images", 422, **form | {"data": head + form["data"]})
        assert "UTF-8" in body["errors"]["alt"][0]
    twice = {"image": (BytesIO(jpeg()), "a.jpg"), "alt": ["one", "two"]}
    assert unchanged("POST", "/images", 422, data=twice)["errors"].keys() == {"alt"}


def test_a_body_of_another_type_is_refused(unchanged: Callable[..., dict]) -> None:
    unchanged("POST", "/images", 415, json={"image": "x"})
    unchanged("POST", "/images", 415, data=jpeg(), content_type="image/jpeg")
    unchanged("POST", "/images", 415, data="image=x", content_type="application/x-www-form-urlencoded")
    unchanged("POST", "/images", 415)
    unchanged("POST", "/images", 422, data=b"--x\r\nbroken", content_type="multipart/form-data; boundary=x")
    unchanged("POST", "/images", 400, 415, 422, data=b"--x--", content_type="multipart/form-data")


def test_a_picture_of_too_many_bytes_is_refused_and_every_other_call_takes_less(unchanged: Callable[..., dict]) -> None:
    huge = jpeg() + bytes(MAX_BYTES + 200_000)
    unchanged("POST", "/images", 413, **as_form(huge))
    unchanged("PUT", "", 413, data=b" " * 1_100_000, content_type="application/json")
    unchanged("PUT", "/images/order", 413, data=b" " * 1_100_000, content_type="application/json")


def test_a_picture_just_below_the_limit_is_taken(editor: FlaskClient, url: str) -> None:
    answer = editor.post(f"{url}/images", **as_form(jpeg() + bytes(MAX_BYTES - 200_000)))
    assert answer.status_code == 201


def test_a_part_that_is_not_there_or_archived_takes_no_picture(
    editor: FlaskClient, url: str, refused: Refused, kept_files: Callable[[], set[str]], unchanged: Callable[..., dict]
) -> None:
    before = kept_files()
    refused(upload(editor, "/api/v1/admin/parts/2147483647"), 404)
    assert kept_files() == before
    (image,) = upload(editor, url).get_json()["images"]
    editor.delete(url)
    assert unchanged("POST", "/images", 409, data={"image": (BytesIO(jpeg()), "a.jpg")})["code"] == "part_archived"
    assert unchanged("PUT", "/images/order", 409, json={"image_ids": [image["id"]]})["code"] == "part_archived"
    assert unchanged("PUT", f"/images/{image['id']}", 409, json={"alt": "x"})["code"] == "part_archived"
    assert unchanged("DELETE", f"/images/{image['id']}", 409)["code"] == "part_archived"


def test_the_same_picture_twice_is_a_duplicate_so_that_an_upload_can_be_repeated(
    editor: FlaskClient, url: str, unchanged: Callable[..., dict], new_part: Callable[..., int]
) -> None:
    data = jpeg()
    first = upload(editor, url, data).get_json()
    body = unchanged("POST", "/images", 409, data={"image": (BytesIO(data), "other.png")})
    assert (body["code"], body["errors"].keys()) == ("duplicate", {"image"})
    other = upload(editor, f"/api/v1/admin/parts/{new_part()}", data).get_json()
    assert other["images"][0]["url"] == first["images"][0]["url"]


def test_a_part_shows_a_bounded_number_of_pictures(editor: FlaskClient, url: str, unchanged: Callable[..., dict]) -> None:
    for _ in range(MAX_PICTURES):
        assert upload(editor, url, jpeg(8, 8)).status_code == 201
    body = unchanged("POST", "/images", 422, data={"image": (BytesIO(jpeg()), "a.jpg")})
    assert str(MAX_PICTURES) in body["detail"]


def test_pictures_are_shown_in_the_order_that_was_set_and_the_first_one_in_lists(
    editor: FlaskClient, client: FlaskClient, url: str, events: Callable[[], int]
) -> None:
    for _ in range(3):
        upload(editor, url)
    one, two, three = ids(editor, url)
    ordered = editor.put(f"{url}/images/order", json={"image_ids": [three, one, two], "version": 4})
    assert (ordered.status_code, ordered.get_json()["version"]) == (200, 5)
    assert ids(editor, url) == ids(client, url.replace("/admin", "")) == [three, one, two]
    before = events()
    assert editor.put(f"{url}/images/order", json={"image_ids": [three, one, two]}).get_json()["version"] == 5
    assert events() == before
    upload(editor, url)
    assert ids(editor, url)[:3] == [three, one, two]
    sku = editor.get(url).get_json()["sku"]
    (listed,) = client.get(f"/api/v1/parts?q={sku}").get_json()["items"]
    assert listed["image"]["id"] == three


def test_an_order_names_each_picture_of_the_part_once(
    editor: FlaskClient, url: str, unchanged: Callable[..., dict], new_part: Callable[..., int]
) -> None:
    upload(editor, url), upload(editor, url)
    one, two = ids(editor, url)
    other = f"/api/v1/admin/parts/{new_part()}"
    upload(editor, other)
    (foreign,) = ids(editor, other)
    for order in ([], [one], [one, one], [one, two, two], [one, foreign], [one, two, foreign], [one, 2147483647]):
        assert unchanged("PUT", "/images/order", 422, json={"image_ids": order})["errors"].keys() == {"image_ids"}
    for order in ([one, "2"], [one, None], [one, 2.0], [True, one], "x", None, {}, [0, one], [2**31, one], [[one], two]):
        assert unchanged("PUT", "/images/order", 422, json={"image_ids": order})["errors"].keys() == {"image_ids"}
    unchanged("PUT", "/images/order", 422, json={})
    unchanged("PUT", "/images/order", 422, json={"image_ids": list(range(1, 1000))})
    unchanged("PUT", "/images/order", 409, json={"image_ids": [two, one], "version": 1})


def test_an_alternative_text_is_written_once(editor: FlaskClient, url: str, events: Callable[[], int]) -> None:
    upload(editor, url, alt="old")
    (image_id,) = ids(editor, url)
    answer = editor.put(f"{url}/images/{image_id}", json={"alt": " Ein Kugellager, seitlich  ", "reason": "readers"})
    assert (answer.status_code, answer.get_json()["images"][0]["alt"]) == (200, "Ein Kugellager, seitlich")
    before = events()
    again = editor.put(f"{url}/images/{image_id}", json={"alt": "Ein Kugellager, seitlich"}).get_json()
    assert (again["version"], events()) == (3, before)
    assert editor.put(f"{url}/images/{image_id}", json={"alt": ""}).get_json()["images"][0]["alt"] == ""


def test_a_deleted_picture_is_shown_no_more_but_its_file_stays_for_the_history(
    editor: FlaskClient, client: FlaskClient, url: str, refused: Refused
) -> None:
    (image,) = upload(editor, url).get_json()["images"]
    deleted = editor.delete(f"{url}/images/{image['id']}?version=2")
    assert (deleted.status_code, deleted.get_json()["images"], deleted.get_json()["version"]) == (200, [], 3)
    assert client.get(url.replace("/admin", "")).get_json()["images"] == []
    assert client.get(image["url"]).status_code == 200
    refused(editor.delete(f"{url}/images/{image['id']}"), 404)


def test_a_picture_of_another_part_is_out_of_reach(
    editor: FlaskClient, url: str, new_part: Callable[..., int], unchanged: Callable[..., dict]
) -> None:
    other = f"/api/v1/admin/parts/{new_part()}"
    upload(editor, other)
    for image_id in (*ids(editor, other), 0, 2147483647, "9" * 20, "x", "-1"):
        unchanged("PUT", f"/images/{image_id}", 404, json={"alt": "x"})
        unchanged("DELETE", f"/images/{image_id}", 404)
    assert len(ids(editor, other)) == 1


def test_of_two_uploads_at_once_none_is_lost(api: Callable[[str], FlaskClient], url: str) -> None:
    clients, start = [api("editor") for _ in range(4)], Barrier(4)

    def send(client: FlaskClient) -> int:
        start.wait()
        return upload(client, url).status_code

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(send, clients)) == [201] * 4
    part = clients[0].get(url).get_json()
    assert (len({image["url"] for image in part["images"]}), part["version"]) == (4, 5)


def test_of_two_uploads_on_one_version_one_wins_and_the_other_gets_the_present_state(
    api: Callable[[str], FlaskClient], url: str
) -> None:
    clients, start = [api("editor") for _ in range(4)], Barrier(4)

    def send(client: FlaskClient) -> TestResponse:
        start.wait()
        return upload(client, url, version=1)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, clients))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]
    for answer in answers:
        if answer.status_code == 409:
            assert answer.get_json()["code"] == "concurrent_modification"
            assert len(answer.get_json()["current"]["images"]) == 1


def test_while_the_storage_is_away_nothing_is_changed_and_nothing_breaks(
    editor: FlaskClient, client: FlaskClient, url: str, container: Container, monkeypatch: pytest.MonkeyPatch, refused: Refused,
    events: Callable[[], int],
) -> None:  # fmt: skip
    """A file takes the place of the pictures' folder, as if the disk were missing."""
    (image,) = upload(editor, url).get_json()["images"]
    folder = Path(urlsplit(container.settings.media_url).path) / "images"
    aside = folder.rename(folder.with_name("aside"))
    folder.write_text("in the way")
    try:
        before = events()
        away = refused(upload(editor, url), 503)
        assert (away["code"], events()) == ("storage_unavailable", before)
        refused(client.get(image["url"]), 503)
    finally:
        folder.unlink()
        aside.rename(folder)
    assert client.get(image["url"]).status_code == 200
