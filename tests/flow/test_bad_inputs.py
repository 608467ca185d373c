"""Bad inputs (the table of docs and of `6-bad-days`): a problem, no change, no event, never a 5xx."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.container import Container

Refused = Callable[..., dict[str, Any]]


@pytest.fixture
def unchanged(
    api: Callable[[str], FlaskClient], new_part: Callable[..., int], events: Callable[[], int], refused: Refused
) -> Callable[..., dict[str, Any]]:
    """Send a request about a part and check that it is refused with one of the statuses and changes nothing."""
    client, part_id = api("admin"), new_part()

    def send(method: str, path: str, *statuses: int, **options: Any) -> dict[str, Any]:
        before = client.get(f"/api/v1/admin/parts/{part_id}").get_json(), events()
        body = refused(client.open("/api/v1/admin" + path.replace("{id}", str(part_id)), method=method, **options), *statuses)
        assert (client.get(f"/api/v1/admin/parts/{part_id}").get_json(), events()) == before
        return body

    return send


@pytest.mark.parametrize("field", ["current_stock", "reserved_quantity", "min_stock_level"])
def test_a_quantity_is_a_whole_number_that_fits_and_nothing_else(field: str, unchanged: Callable[..., dict]) -> None:
    for value in ("-1", "2147483648", "9223372036854775808", "1e3", "1.5", '"5"', "true", "null", "[]", "{}", '""'):
        body = unchanged("PUT", "/parts/{id}/stock", 422, data=f'{{"{field}": {value}}}', content_type="application/json")
        assert body["errors"].keys() == {field}, value
        assert field in body["detail"]


def test_a_refusal_is_explained_in_the_language_that_is_asked_for(
    api: Callable[[str], FlaskClient], new_part: Callable[..., int], refused: Refused
) -> None:
    client, path = api("admin"), f"/api/v1/admin/parts/{new_part()}"

    def explained(language: str | None, found: str) -> dict[str, Any]:
        headers = {"Accept-Language": language} if language else {}
        answer = client.put(path, json={"part_name": "", "price": 1}, headers=headers)
        assert "Accept-Language" in answer.vary
        assert answer.content_language.as_set() == {found}
        return refused(answer, 422)

    for language in ("de", "de-CH, en;q=0.5", "en;q=0.1, de"):
        german = explained(language, "de")
        assert german["errors"] == {
            "part_name": ["Die Länge muss zwischen 1 und 300 liegen."],
            "price": ["Dieses Feld ist unbekannt."],
        }
        assert german["detail"].startswith("Diese Felder passen nicht: ")
    for language in (None, "*", "fr", "nonsense;;q=x", "*, de;q=0.5", "de;q=0"):
        english = explained(language, "en")
        assert english["errors"] == {"part_name": ["Length must be between 1 and 300."], "price": ["Unknown field."]}
    # So is what a rule refuses, row by row, and what is dropped in silence.
    changes = {"changes": [{"part_id": 2_000_000_000, "delta": 1}]}
    bulk = client.post("/api/v1/admin/stock/bulk", json=changes, headers={"Accept-Language": "de"})
    assert refused(bulk, 404)["rows"][0]["detail"] == "Es gibt kein Teil 2000000000."
    rehearsed = client.post("/api/v1/admin/stock/bulk?dry_run=true", json=changes, headers={"Accept-Language": "de"})
    assert rehearsed.get_json()["rows"][0]["detail"] == "Es gibt kein Teil 2000000000."
    html = {"description": "<p onclick='x()'>a<script>b</script></p>"}
    dropped = client.put(path, json=html, headers={"Accept-Language": "de"}).get_json()["notices"]
    assert {one["message"] for one in dropped} == {
        "Weggelassen: das Attribut onclick", "Weggelassen: das Element script samt Inhalt",
    }  # fmt: skip


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1" * 5000, "01", "+1", "0x10", "1_000"])
def test_a_number_that_is_not_json_is_refused(value: str, unchanged: Callable[..., dict]) -> None:
    data = f'{{"current_stock": {value}}}'
    unchanged("PUT", "/parts/{id}/stock", 400, data=data, content_type="application/json")


@pytest.mark.parametrize("delta", [2**31, -(2**31), 1.5, "5", True, None])
def test_an_adjustment_is_a_whole_number_that_fits(delta: object, unchanged: Callable[..., dict]) -> None:
    assert unchanged("POST", "/parts/{id}/stock/adjustments", 422, json={"delta": delta})["errors"].keys() == {"delta"}


def test_an_adjustment_beyond_what_can_be_stored_is_refused(unchanged: Callable[..., dict]) -> None:
    assert unchanged("POST", "/parts/{id}/stock/adjustments", 422, json={"delta": 2**31 - 1})["errors"].keys() == {"delta"}


def test_an_adjustment_below_zero_says_what_there_is(unchanged: Callable[..., dict]) -> None:
    body = unchanged("POST", "/parts/{id}/stock/adjustments", 409, json={"delta": -11})
    assert body["code"] == "insufficient_stock"
    assert body["current"]["current_stock"] == 10


def test_an_adjustment_below_what_is_reserved_is_refused(
    api: Callable[[str], FlaskClient], new_part: Callable[..., int], refused: Refused
) -> None:
    client, url = api("stock"), f"/api/v1/admin/parts/{new_part()}/stock"
    client.put(url, json={"reserved_quantity": 8})
    body = refused(client.post(f"{url}/adjustments", json={"delta": -3}), 409)
    assert (body["code"], body["current"]["available_stock"]) == ("insufficient_stock", 2)


@pytest.mark.parametrize(
    "amount",
    [
        0.1 + 0.2,
        12,
        "12.3456789",
        "1,00",
        "1e2",
        "-1.00",
        "1000000000000",
        "10000000000.00",
        "",
        " ",
        "NaN",
        "Infinity",
        "0x1",
        "12.",
        ".5",
        None,
        True,
        "１２",
        "١٢",
    ],
)
def test_an_amount_is_a_string_with_at_most_six_decimals(amount: object, unchanged: Callable[..., dict]) -> None:
    body = unchanged("PUT", "/parts/{id}/prices", 422, json={"prices": [{"currency": "EUR", "amount": amount}]})
    assert body["errors"].keys() == {"prices"}


@pytest.mark.parametrize(
    "line",
    [
        {"currency": "eur"},
        {"currency": "ZZZ"},
        {"currency": "XXX"},
        {"currency": "EURO"},
        {"currency": "EUR\n"},
        {"currency": None},
        {"min_quantity": 0},
        {"min_quantity": "1"},
        {"valid_from": "2026-01-01T00:00:00"},
        {"valid_from": "yesterday"},
        {"valid_from": "2026-W01-1T00:00:00Z"},
        {"valid_from": "20260101T000000Z"},
        {"valid_from": "2026-02-30T00:00:00Z"},
        {"valid_from": 1767225600},
        {"valid_from": "2026-01-02T00:00:00Z", "valid_to": "2026-01-01T00:00:00Z"},
        {"valid_to": "9999-12-31T23:59:59-01:00"},
        {"valid_from": "0001-01-01T00:00:00+01:00"},
        {"cost": "1.00"},
    ],
)
def test_a_price_line_that_means_nothing_is_refused(line: dict[str, Any], unchanged: Callable[..., dict]) -> None:
    unchanged("PUT", "/parts/{id}/prices", 422, json={"prices": [{"currency": "EUR", "amount": "1.00"} | line]})


@pytest.mark.parametrize("field", ["actor", "id", "created_at", "last_updated_by", "stock", "archived_at", "Part_name"])
def test_an_unknown_field_is_named_and_never_ignored(field: str, unchanged: Callable[..., dict]) -> None:
    assert unchanged("PUT", "/parts/{id}", 422, json={"part_name": "New", field: 1})["errors"].keys() == {field}


@pytest.mark.parametrize(
    "body",
    [
        b'{"version": 1, "version": 2}',
        b'{"reason": "x",}',
        b'\xef\xbb\xbf{"reason": "x"}',
        '{"reason": "x"}'.encode("utf-16"),
        b'{"reason": "\\ud800"}',
        b'{"reason": "\xff"}',
        b"{",
        b"[" * 10_000,
        b'{"a":' * 10_000,
        b"{'reason': 'x'}",
        b'{"reason": NaN}',
        b'{"reason": ' + b"9" * 5000 + b"}",
        ("{" + ",".join(f'"{n}": 1' for n in range(1001)) + "}").encode(),
    ],
)
def test_a_body_that_is_not_proper_json_is_refused(body: bytes, unchanged: Callable[..., dict]) -> None:
    said = unchanged("PUT", "/parts/{id}", 400, data=body, content_type="application/json")["detail"]
    assert not re.search("python|codec|recursion|sys\\.", said, re.IGNORECASE)


@pytest.mark.parametrize("body", ["null", "[]", "5", '"text"', "true", "[1, 2]"])
def test_a_body_that_is_no_object_is_refused(body: str, unchanged: Callable[..., dict]) -> None:
    unchanged("PUT", "/parts/{id}/stock", 422, data=body, content_type="application/json")


def test_a_body_of_many_megabytes_is_refused(unchanged: Callable[..., dict]) -> None:
    body = unchanged("PUT", "/parts/{id}", 413, json={"description": "x" * 10_000_000})
    assert "1,000,000 bytes" in body["detail"]
    unchanged("PUT", "/parts/{id}/prices", 413, json={"prices": [0] * 1_000_000})


FIELD = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'


@pytest.mark.parametrize("fields", [[(f"field{n}", "1") for n in range(1_500)], [("note", "x" * 600_000)]], ids=["many", "long"])
def test_a_form_within_its_bytes_is_not_called_too_long(fields: list[tuple[str, str]], unchanged: Callable[..., dict]) -> None:
    form = "".join(FIELD.format(*field) for field in fields) + "--x--\r\n"
    body = unchanged("POST", "/imports", 400, data=form.encode(), content_type="multipart/form-data; boundary=x")
    assert "1,000 fields" in body["detail"]
    assert "500,000 bytes" in body["detail"]


def test_a_list_of_many_elements_is_refused_as_a_whole(unchanged: Callable[..., dict]) -> None:
    unchanged(
        "PUT",
        "/parts/{id}/prices",
        422,
        data=json.dumps({"prices": [0] * 300_000}, separators=(",", ":")),
        content_type="application/json",
    )


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", "", None])
def test_only_json_is_read(content_type: str | None, unchanged: Callable[..., dict]) -> None:
    unchanged("PUT", "/parts/{id}/stock", 415, data=b'{"current_stock": 1}', content_type=content_type)


@pytest.mark.parametrize(
    "text",
    ["a\x00b", "a\x07b", "a\u202eb", "a\u200bb", "\ufeff", "a\nb", "x" * 301, "", "   ", "\u3164 \u2800"],
    ids=[
        "nul", "bell", "right-to-left override", "zero width", "byte order mark", "line break", "too long", "empty", "blank",
        "unseen",
    ],
)  # fmt: skip
def test_a_text_with_invisible_characters_or_of_a_wrong_length_is_refused(text: str, unchanged: Callable[..., dict]) -> None:
    assert unchanged("PUT", "/parts/{id}", 422, json={"part_name": text})["errors"].keys() == {"part_name"}


@pytest.mark.parametrize("field", ["sku", "description", "manufacturer", "manufacturer_number", "reason"])
def test_no_text_takes_a_nul(field: str, unchanged: Callable[..., dict]) -> None:
    assert unchanged("PUT", "/parts/{id}", 422, json={field: "a\x00b"})["errors"].keys() == {field}


@pytest.mark.parametrize("changes", [{"category_id": 2147483647}, {"category_id": 0}, {"status": "archived"}, {"status": None}])
def test_a_value_that_refers_to_nothing_is_refused(changes: dict[str, Any], unchanged: Callable[..., dict]) -> None:
    assert unchanged("PUT", "/parts/{id}", 422, json=changes)["errors"].keys() == changes.keys()


NOT_IDS = ("0", "-1", "2147483647", "2147483648", "9" * 30, "abc", "1.0", "0192f8a0-0000-7000-8000-000000000000", "%00", "1%20")


@pytest.mark.parametrize(
    "call",
    ["GET ", "PUT ", "DELETE ", "PUT /stock", "POST /stock/adjustments", "POST /restore", "PUT /prices", "GET /versions"],
)
def test_an_id_that_is_not_there_is_not_found_whatever_it_looks_like(
    call: str, api: Callable[[str], FlaskClient], events: Callable[[], int], refused: Refused
) -> None:
    method, path = call.split(" ")
    bodies = {"": {"reason": "x"}, "/stock": {"current_stock": 1}, "/stock/adjustments": {"delta": 1}, "/prices": {"prices": []}}
    body = bodies.get(path) if method in {"PUT", "POST"} else None
    client, before = api("admin"), events()
    for part_id in NOT_IDS:
        response = client.open(f"/api/v1/admin/parts/{part_id}{path}", method=method, json=body)
        assert refused(response, 404)["code"] == "not_found"
    assert events() == before


LISTS = ("/parts", "/audit", "/sync/dead-letters", "/parts/{id}/versions", "/users", "/api-keys")


@pytest.mark.parametrize("path", LISTS)
def test_a_limit_outside_its_range_is_refused(path: str, unchanged: Callable[..., dict]) -> None:
    for limit in ("0", "-1", "201", "1000000000", "x", "1.5", ""):
        assert unchanged("GET", f"{path}?limit={limit}", 422)["errors"].keys() == {"limit"}


@pytest.mark.parametrize("path", LISTS)
def test_a_forged_cursor_is_refused(path: str, unchanged: Callable[..., dict]) -> None:
    for cursor in ("x", "1", "W10.x", "a" * 900, "%00", "%F0%9F%98%80"):
        unchanged("GET", f"{path}?cursor={cursor}", 400)


@pytest.mark.parametrize(
    "query",
    [
        "part_id=0",
        "part_id=x",
        "record_id=-1",
        "operation=DROP",
        "from=2026-01-01",
        "to=x",
        "changed_by=1e3",
        "nonsense=1",
        "table_name=%00",
    ],
)
def test_an_audit_question_that_means_nothing_is_refused(query: str, unchanged: Callable[..., dict]) -> None:
    unchanged("GET", f"/audit?{query}", 422)


@pytest.mark.parametrize("query", ["from=9999-12-31T23:59:59-14:00", "to=0001-01-01T00:00:00%2B14:00"])
def test_the_edges_of_time_break_nothing(query: str, api: Callable[[str], FlaskClient]) -> None:
    assert api("viewer").get(f"/api/v1/admin/audit?{query}").status_code in {200, 422}


def test_a_version_that_cannot_be_is_not_found(unchanged: Callable[..., dict]) -> None:
    for number in ("0", "999", "9" * 30):
        unchanged("GET", f"/parts/{{id}}/versions/{number}", 404)


WRITES = {"POST", "PUT", "PATCH", "DELETE"}
# What is wrong with a request, whatever it asks for.
WRONG: dict[str, dict[str, Any]] = {
    "no JSON": {"data": b"{", "content_type": "application/json"},
    "no object": {"data": b"[1]", "content_type": "application/json"},
    "an unknown field": {"json": {"nonsense": 1}},
    "a text": {"data": b'{"reason": "x"}', "content_type": "text/plain"},
    "a form": {"data": b"reason=x", "content_type": "application/x-www-form-urlencoded"},
    "an unknown field of a form": {"data": {"nonsense": "1"}, "content_type": "multipart/form-data"},
    "too long": {"data": b'"' + b"x" * 1_100_000 + b'"', "content_type": "application/json"},
    "NUL": {"data": b'{"reason": "\\u0000"}', "content_type": "application/json"},
    "an unknown parameter": {"query_string": {"nonsense": "1"}, "json": {}},
}


@pytest.fixture
def everything(container: Container) -> Callable[[], Any]:
    """How far everything is that a request may add to: events, imports, reconciliations, versions of rows."""
    counted = text("""
        SELECT (SELECT max(id) FROM outbox_events), (SELECT max(id) FROM import_jobs), (SELECT max(id) FROM sync_runs),
               (SELECT sum(version + price_version) FROM parts), (SELECT sum(version) FROM stock_levels),
               (SELECT sum(version) FROM categories), (SELECT count(*) FROM part_images), (SELECT count(*) FROM part_prices)
    """)

    def read() -> Any:
        with container.reading.connect() as connection:
            return connection.execute(counted).one()

    return read


@pytest.mark.parametrize("wrong", WRONG)
def test_no_admin_write_that_is_wrong_changes_or_emits_anything(
    wrong: str, app: Flask, api: Callable[[str], FlaskClient], new_part: Callable[..., int], everything: Any, refused: Refused
) -> None:
    client, part_id = api("admin"), new_part()
    before, answers = everything(), {}
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) & WRITES if rule.rule.startswith("/api/v1/admin") else ():
            path = re.sub("<[^>]*part_id>", str(part_id), rule.rule)
            response = client.open(re.sub("<[^>]*>", "1", path), method=method, **WRONG[wrong])
            answers[f"{method} {rule.rule}"] = response.status_code
            refused(response, *range(400, 500))
            assert everything() == before, answers
    assert len(answers) > 15


@pytest.mark.parametrize("query", ["q=%FF", "q=a%C3", "limit=5&q=%ED%A0%80+b&q2=1", "q=Schl%FCssel"])
def test_a_text_in_an_address_that_is_no_utf_8_is_refused_by_its_name(
    query: str, client: FlaskClient, api: Callable[[str], FlaskClient], refused: Refused
) -> None:
    for caller, path in ((client, "/api/v1/parts"), (client, "/api/v1/parts/facets"), (api("viewer"), "/api/v1/admin/parts")):
        body = refused(caller.get(f"{path}?{query}"), 422)
        assert body["errors"] == {"q": ["Send this text in UTF-8."]}
    assert refused(client.get("/api/v1/parts?%FF=1"), 422)["errors"].keys() == {"\ufffd"}


def test_a_percent_sign_and_any_letter_in_an_address_are_read(client: FlaskClient) -> None:
    for query in ("q=100%25", "q=%C3%BC", "q=100%", "q=%F0%9F%94%A9", "q=%EF%BF%BD"):
        assert client.get(f"/api/v1/parts?{query}").status_code == 200
