"""Catalog files through HTTP: upload, progress, errors, and every bad upload refused without a trace."""

from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from app.container import Container

Refused = Callable[..., dict[str, Any]]
URL = "/api/v1/admin/imports"


def form(data: bytes, name: str = "parts.csv", **fields: str) -> dict[str, Any]:
    return {"data": {"file": (BytesIO(data), name), **fields}, "content_type": "multipart/form-data"}


def large_form(data: bytes) -> dict[str, Any]:
    """A form in one piece of bytes; the test client would leave the temporary file open that it makes of a large one."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="parts.csv"\r\n\r\n'
    return {"data": head + data + b"\r\n--x--\r\n", "content_type": "multipart/form-data; boundary=x"}


def work(container: Container) -> None:
    while container.import_jobs.work():
        pass


@pytest.fixture
def tag() -> str:
    """A prefix of this test's own SKUs."""
    return uuid4().hex[:10]


def test_an_upload_is_accepted_worked_on_and_told_of(api: Callable[[str], FlaskClient], container: Container, tag: str) -> None:
    editor = api("editor")
    answer = editor.post(URL, **form(f"sku,part_name\n{tag}-1,One\n{tag}-2,Two\n".encode(), "spring.csv"))
    assert answer.status_code == 202
    job = answer.get_json()
    assert answer.headers["Location"] == f"{URL}/{job['id']}"
    assert (job["state"], job["file_name"], job["dry_run"], job["errors"]) == ("queued", "spring.csv", False, [])
    work(container)
    done = api("viewer").get(answer.headers["Location"]).get_json()
    assert (done["state"], done["rows_total"], done["rows_done"], done["created"]) == ("done", 2, 2, 2)
    assert editor.get(f"/api/v1/admin/parts?q={tag}-1").get_json()["items"][0]["part_name"] == "One"


@pytest.mark.parametrize("where", ["query", "form"])
def test_a_dry_run_may_be_asked_for_in_the_query_and_in_the_form(
    where: str, api: Callable[[str], FlaskClient], container: Container, events: Callable[[], int], tag: str
) -> None:
    editor, before = api("editor"), events()
    data = f"sku,part_name\n{tag}-1,One\n".encode()
    answer = (
        editor.post(f"{URL}?dry_run=true", **form(data)) if where == "query" else editor.post(URL, **form(data, dry_run="true"))
    )
    work(container)
    done = editor.get(answer.headers["Location"]).get_json()
    assert (done["dry_run"], done["state"], done["created"]) == (True, "done", 1)
    assert events() == before


def test_the_currency_of_prices_without_one_is_named_in_the_form(
    api: Callable[[str], FlaskClient], container: Container, tag: str
) -> None:
    editor, data = api("editor"), f"sku,name,regular price\n{tag}-1,One,12.50\n".encode()
    prices = [{"currency": currency, "amount": "1.00"} for currency in ("EUR", "USD")]
    made = editor.post("/api/v1/admin/parts", json={"sku": f"{tag}-0", "part_name": "In two currencies", "prices": prices})
    assert made.status_code == 201
    refused = editor.post(URL, **form(data))
    answer = editor.post(URL, **form(data, currency="CHF"))
    work(container)
    assert editor.get(refused.headers["Location"]).get_json()["errors"][0]["field"] == "currency"
    assert editor.get(answer.headers["Location"]).get_json()["state"] == "done"
    items = editor.get(f"/api/v1/admin/parts?q={tag}-1").get_json()["items"]
    (found,) = (item for item in items if item["sku"] == f"{tag}-1")
    assert (found["price"]["amount"], found["price"]["currency"]) == ("12.50", "CHF")


def test_errors_are_listed_and_downloaded_as_a_file_without_formulas(
    api: Callable[[str], FlaskClient], container: Container, events: Callable[[], int]
) -> None:
    editor, before = api("editor"), events()
    answer = editor.post(URL, **form(b"sku,part_name,=SUM(A1)\na,,x\n,b,\n"))
    work(container)
    job = editor.get(answer.headers["Location"]).get_json()
    assert (job["state"], job["error_count"]) == ("refused", 2)
    assert [(error["line"], error["field"]) for error in job["errors"]] == [(2, "part_name"), (3, "sku")]
    download = editor.get(f"{answer.headers['Location']}/errors.csv")
    assert download.mimetype == "text/csv"
    assert download.get_data(as_text=True).splitlines() == ["line,field,reason", "2,part_name,is required", "3,sku,is required"]
    assert events() == before


def test_imports_are_listed_page_by_page_newest_first(api: Callable[[str], FlaskClient], container: Container, tag: str) -> None:
    editor = api("editor")
    made = [
        editor.post(
            URL, **form(f"sku,part_name\n{tag}-{n},x\n".encode(), f"{n}.csv"), query_string={"dry_run": "true"}
        ).get_json()["id"]
        for n in range(3)
    ]
    first = editor.get(f"{URL}?limit=2").get_json()
    second = editor.get(URL, query_string={"limit": 2, "cursor": first["next_cursor"]}).get_json()
    assert [job["id"] for job in first["items"] + second["items"]][:3] == made[::-1]
    work(container)


@pytest.mark.parametrize(
    ("request_options", "status"),
    [
        ({"json": {}}, 415),
        ({"data": b"sku,part_name\na,b\n", "content_type": "text/csv"}, 415),
        ({"data": {}, "content_type": "multipart/form-data"}, 422),
        ({"data": {"file": "sku,part_name"}, "content_type": "multipart/form-data"}, 422),
        (form(b""), 422),
        (form(b"PK\x03\x04 a workbook", "parts.xlsx"), 422),
        (form(b"sku,part_name\na,b\n", dry_run="perhaps"), 422),
        (form(b"sku,part_name\na,b\n", encoding="ebcdic"), 422),
        (form(b"sku,part_name\na,b\n", currency="eur"), 422),
        (form(b"sku,part_name\na,b\n", currency="XXX"), 422),
        (form(b"sku,part_name\na,b\n", nonsense="1"), 422),
        ({"data": {"file": [(BytesIO(b"a"), "a"), (BytesIO(b"b"), "b")]}, "content_type": "multipart/form-data"}, 422),
    ],
)
def test_a_bad_upload_is_refused_and_nothing_is_queued(
    request_options: dict[str, Any], status: int, api: Callable[[str], FlaskClient], refused: Refused, container: Container
) -> None:
    before = container.import_jobs.jobs(None, 1)[:1]
    refused(api("editor").post(URL, **request_options), status)
    assert container.import_jobs.jobs(None, 1)[:1] == before


def test_a_file_of_more_than_50_mb_is_refused_and_one_below_is_not(
    api: Callable[[str], FlaskClient], refused: Refused, container: Container
) -> None:
    editor = api("editor")
    refused(editor.post(URL, **large_form(b"x" * 50_200_000)), 413)
    answer = editor.post(URL, **large_form(b"sku,part_name\n" + b"x" * 2_000_000))
    assert answer.status_code == 202
    work(container)
    assert editor.get(answer.headers["Location"]).get_json()["state"] == "refused"


def test_an_import_that_is_not_there_is_not_found(api: Callable[[str], FlaskClient], refused: Refused) -> None:
    for path in ("2147483647", "2147483647/errors.csv", "99999999999999999999"):
        refused(api("viewer").get(f"{URL}/{path}"), 404)
    refused(api("viewer").get(f"{URL}?cursor=forged"), 400)
