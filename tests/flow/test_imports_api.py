"""Catalog files through HTTP: upload, progress, errors, and every bad upload refused without a trace."""

from collections.abc import Callable
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from app.container import Container
from app.domain.stock import MAX_QUANTITY

Refused = Callable[..., dict[str, Any]]
URL = "/api/v1/admin/imports"


def form(data: bytes, name: str = "parts.csv", **fields: str | list[str]) -> dict[str, Any]:
    return {"data": {"file": (BytesIO(data), name), **fields}, "content_type": "multipart/form-data"}


def large_form(data: bytes) -> dict[str, Any]:
    """Return a form as bytes: for a large file the test client would leave its temporary file open."""
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="parts.csv"\r\n\r\n'
    return {"data": head + data + b"\r\n--x--\r\n", "content_type": "multipart/form-data; boundary=x"}


def work(container: Container) -> None:
    while container.import_jobs.work():
        pass


@pytest.fixture
def tag() -> str:
    """A prefix for the SKUs of this test."""
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


def column(job: dict[str, Any], name: str) -> tuple[str, str]:
    (found,) = (one for one in job["columns"] if one["name"] == name)
    return found["became"], found["detail"]


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_columns_that_decide_something_are_read_only_when_somebody_has_said_what_they_are(
    dry_run: str, api: Callable[[str], FlaskClient], container: Container, events: Callable[[], int], tag: str
) -> None:
    editor, before = api("editor"), events()
    header = "SKU,Name,Active (0/1),Regular price,Sale price,Visibility in catalog,Tax class,Weight [kg],Cost"
    data = f"{header}\n{tag}-1,One,0,12.50,9.00,hidden,reduced,3,1.00\n".encode()
    refused = editor.post(URL, **form(data, currency="EUR", dry_run=dry_run))
    work(container)
    job = editor.get(refused.headers["Location"]).get_json()
    asked = ["Sale price", "Visibility in catalog", "Tax class"]
    assert (job["state"], [error["field"] for error in job["errors"]]) == ("refused", asked)
    assert [one["name"] for one in job["columns"] if one["became"] == "undecided"] == asked
    assert "columns" not in editor.get(f"{URL}?limit=1").get_json()["items"][0]
    assert events() == before
    said = {"ignore": ["Sale price", "visibility in catalog"], "as_specification": "Tax class"}
    answer = editor.post(URL, **form(data, currency="EUR", dry_run=dry_run, **said))
    assert answer.get_json()["columns"] == []
    work(container)
    done = editor.get(answer.headers["Location"]).get_json()
    assert (done["state"], done["created"]) == ("done", 1)
    assert [one["name"] for one in done["columns"]] == header.split(",")
    assert [one["became"] for one in done["columns"]] == [
        "sku", "part_name", "status", "price", "ignored", "ignored", "specification", "specification", "private"
    ]  # fmt: skip
    if dry_run == "false":
        (part,) = editor.get(f"/api/v1/admin/parts?q={tag}-1").get_json()["items"]
        whole = editor.get(f"/api/v1/admin/parts/{part['id']}").get_json()
        assert (whole["status"], [one["name"] for one in whole["specifications"]]) == ("draft", ["Tax class", "Weight"])


def test_what_is_remarked_about_columns_is_in_the_language_of_the_caller_but_for_the_names_of_the_file(
    api: Callable[[str], FlaskClient], container: Container, tag: str
) -> None:
    editor, german = api("editor"), {"Accept-Language": "de"}
    header = "sku,name,category,price,Cost,Sale price,Notes,Rating: threads [mm],one level,"
    data = f'{header}\n{tag}-1,One,All products > Bolts,"12,50",1,9,,5,6,\n{tag}-2,Two,All products > Nuts,"1,25",1,9,,5,6,\n'
    chosen = {"ignore": "Notes", "map": "manufacturer_number=sku"}
    answer = editor.post(URL, **form(data.encode(), currency="EUR", dry_run="true", **chosen))
    work(container)
    job = editor.get(answer.headers["Location"], headers=german).get_json()
    assert [one["detail"] for one in job["columns"]] == [
        "auch manufacturer_number",
        "",
        'Ebenen getrennt durch ">"; "All products" am Anfang wird weggelassen',
        'Dezimalzeichen ","',
        "nicht gelesen: Was ein Teil den Händler kostet und wer es liefert, ist nichts für Kunden",
        "nicht gelesen: Die Spalte kann über etwas entscheiden (sale); sagen Sie, was sie ist",
        "nicht gelesen, wie gewünscht",
        "threads; Einheit mm; Gruppe Rating",
        "one level",
        "sie hat keinen Namen, also müssen ihre Zellen leer sein",
    ]


def test_a_separator_of_categories_that_the_file_does_not_show_is_asked_for_and_named_in_the_form(
    api: Callable[[str], FlaskClient], container: Container, tag: str
) -> None:
    editor, data = api("editor"), f"sku,name,category\n{tag}-1,One,Parts {tag}/Bolts\n".encode()
    refused = editor.post(URL, **form(data))
    work(container)
    (error,) = editor.get(refused.headers["Location"]).get_json()["errors"]
    assert (error["line"], error["field"]) == (1, "category")
    assert "category_separator" in error["reason"]
    for separator, path in (("/", [f"Parts {tag}", "Bolts"]), ("none", [f"Parts {tag}/Bolts"])):
        answer = editor.post(URL, **form(data, category_separator=separator))
        work(container)
        job = editor.get(answer.headers["Location"]).get_json()
        assert job["state"] == "done"
        assert column(job, "category") == ("category", 'levels separated by "/"' if separator == "/" else "one level")
        (found,) = editor.get(f"/api/v1/admin/parts?q={tag}-1").get_json()["items"]
        whole = editor.get(f"/api/v1/admin/parts/{found['id']}").get_json()
        assert [step["name"] for step in whole["category"]["path"]] == path


def test_a_file_without_names_is_imported_with_the_column_that_the_form_maps(
    api: Callable[[str], FlaskClient], container: Container, tag: str
) -> None:
    editor, data = api("editor"), f"sku,MPN\n{tag}-1,6204-2RS\n".encode()
    refused = editor.post(URL, **form(data))
    answer = editor.post(URL, **form(data, map="part_name=MPN"))
    work(container)
    (error,) = editor.get(refused.headers["Location"]).get_json()["errors"]
    assert "part_name=MPN" in error["reason"]
    job = editor.get(answer.headers["Location"]).get_json()
    assert (job["state"], column(job, "MPN")) == ("done", ("manufacturer_number", "also part_name"))


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
    assert download.get_data(as_text=True).splitlines() == [
        "\ufeffline,field,reason",
        "2,part_name,is required",
        "3,sku,is required",
    ]
    assert events() == before


def test_an_import_explains_itself_in_the_language_of_whoever_reads_it(
    api: Callable[[str], FlaskClient], container: Container, tag: str
) -> None:
    editor, german = api("editor"), {"Accept-Language": "de"}
    wrong = editor.post(URL, **form(f"sku,part_name,current_stock\n{tag}-1,One,many\n".encode()))
    dropped = editor.post(URL, **form(f"sku,part_name,description\n{tag}-1,One,<p>a<!-- b --></p>\n".encode(), dry_run="true"))
    work(container)
    path = wrong.headers["Location"]
    reason = f"'many' passt nicht, erwartet wird eine ganze Zahl von 0 bis {MAX_QUANTITY}; schreiben Sie das oder nichts"
    assert editor.get(path, headers=german).get_json()["errors"][0]["reason"] == reason
    assert reason in editor.get(f"{path}/errors.csv", headers=german).get_data(as_text=True)
    listed = {job["id"]: job for job in editor.get(URL, headers=german).get_json()["items"]}
    assert listed[wrong.get_json()["id"]]["errors"][0]["reason"] == reason
    assert "is not a whole number" in editor.get(path).get_json()["errors"][0]["reason"]
    notices = editor.get(dropped.headers["Location"], headers=german).get_json()["notices"]
    assert [one["reason"] for one in notices] == ["Weggelassen: ein Kommentar oder eine Deklaration"]


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
        (form(b"sku,part_name\na,b\n", category_separator="x"), 422),
        (form(b"sku,part_name\na,b\n", category_separator=["/", ">"]), 422),
        (form(b"sku,part_name\na,b\n", map="colour=Bore"), 422),
        (form(b"sku,part_name\na,b\n", map=["price=A", "price"]), 422),
        (form(b"sku,part_name\na,b\n", ignore=["A", ""]), 422),
        (form(b"sku,part_name\na,b\n", ignore=["A", "a\x00b"]), 422),
        (form(b"sku,part_name\na,b\n", ignore=["A"] * 401), 422),
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


def test_an_import_is_cancelled_before_it_has_ended_and_not_after(
    api: Callable[[str], FlaskClient], container: Container, refused: Refused, events: Callable[[], int], tag: str
) -> None:
    editor = api("editor")
    data = f"sku,part_name\n{tag}-1,One\n".encode()
    queued = editor.post(URL, **form(data)).headers["Location"]
    refused(api("stock").post(f"{queued}/cancel"), 403)
    refused(editor.post(f"{queued}/cancel", json={"reason": "no"}), 422)
    before = events()
    cancelled = editor.post(f"{queued}/cancel")
    assert (cancelled.status_code, cancelled.get_json()["state"], cancelled.get_json()["rows_done"]) == (200, "cancelled", 0)
    assert editor.post(f"{queued}/cancel").get_json() == cancelled.get_json() == editor.get(queued).get_json()
    work(container)
    assert events() == before + 1
    done = editor.post(URL, **form(data)).headers["Location"]
    work(container)
    assert refused(editor.post(f"{done}/cancel"), 409)["code"] == "import_over"
    refused(editor.post(f"{URL}/2147483647/cancel"), 404)


def test_an_import_is_undone_by_a_job_of_its_own(
    api: Callable[[str], FlaskClient], container: Container, refused: Refused, events: Callable[[], int], tag: str
) -> None:
    editor = api("editor")
    imported = editor.post(URL, **form(f"sku,part_name\n{tag}-1,One\n".encode())).headers["Location"]
    refused(api("stock").post(f"{imported}/undo"), 403)
    assert refused(editor.post(f"{imported}/undo"), 409)["code"] == "import_not_undoable"
    work(container)
    refused(editor.post(f"{imported}/undo", json={"version": 1}), 422)
    refused(editor.post(f"{imported}/undo?dry_run=perhaps"), 422)
    refused(editor.post(f"{URL}/2147483647/undo"), 404)
    before = events()
    for query, dry_run in (("?dry_run=true", True), ("", False)):
        answer = editor.post(f"{imported}/undo{query}")
        job = answer.get_json()
        assert (answer.status_code, answer.headers["Location"]) == (202, f"{URL}/{job['id']}")
        assert (job["state"], job["dry_run"], job["conflicts"]) == ("undoing", dry_run, [])
        assert job["undoes"] == editor.get(imported).get_json()["id"]
        assert events() == before
        work(container)
        done = editor.get(answer.headers["Location"]).get_json()
        assert (done["state"], done["changed"], done["conflict_count"]) == ("done", 1, 0)
    assert editor.get(f"/api/v1/admin/parts?q={tag}-1&status=archived").get_json()["items"][0]["sku"] == f"{tag}-1"
    assert editor.get(URL).get_json()["items"][0]["undoes"] == job["undoes"]


def test_an_import_that_is_not_there_is_not_found(api: Callable[[str], FlaskClient], refused: Refused) -> None:
    for path in ("2147483647", "2147483647/errors.csv", "99999999999999999999"):
        refused(api("viewer").get(f"{URL}/{path}"), 404)
    refused(api("viewer").get(f"{URL}?cursor=forged"), 400)
