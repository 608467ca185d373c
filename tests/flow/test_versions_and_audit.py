"""Content versions and the audit trail through HTTP."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import text

from app.api.schemas.history import AsOfSchema, RestoredSchema, RestorePreviewSchema, VersionDiffSchema
from app.container import Container
from app.contract.events import Actor
from app.services.intent import Intent
from app.store import audit

Refused = Callable[..., dict[str, Any]]
Api = Callable[[str], FlaskClient]
ADMIN = "/api/v1/admin"


@pytest.fixture
def part(api: Api, new_part: Callable[..., int], deliver: Callable[[], None]) -> int:
    """A part with three content versions."""
    part_id = new_part(description="<p>first text</p>")
    client = api("editor")
    for description in ("<p>second text</p>", "<p>third text</p>"):
        answer = client.put(f"{ADMIN}/parts/{part_id}", json={"description": description})
        assert answer.status_code == 200
    deliver()
    return part_id


def test_a_difference_is_by_words_and_to_the_newest_version_unless_another_is_named(api: Api, part: int) -> None:
    client = api("viewer")
    newest = client.get(f"{ADMIN}/parts/{part}/versions/1/diff").get_json()
    assert (newest["from"], newest["to"]) == (1, 3)
    [change] = newest["changes"]
    assert (change["field"], change["old"], change["new"]) == ("description", "<p>first text</p>", "<p>third text</p>")
    assert change["words"] == [
        {"op": "equal", "text": "<p>"}, {"op": "delete", "text": "first "}, {"op": "insert", "text": "third "},
        {"op": "equal", "text": "text</p>"},
    ]  # fmt: skip
    assert VersionDiffSchema().validate(newest) == {}
    backwards = client.get(f"{ADMIN}/parts/{part}/versions/3/diff?to=2").get_json()
    assert [one["new"] for one in backwards["changes"]] == ["<p>second text</p>"]
    assert client.get(f"{ADMIN}/parts/{part}/versions/2/diff?to=2").get_json()["changes"] == []


@pytest.mark.parametrize("path", ["0/diff", "4/diff", "1/diff?to=4", "99999999999/diff", "0", "99999999999"])
def test_an_unknown_version_is_not_there(path: str, api: Api, part: int, refused: Refused) -> None:
    refused(api("viewer").get(f"{ADMIN}/parts/{part}/versions/{path}"), 404)


def test_a_version_of_another_part_is_not_there(api: Api, part: int, new_part: Callable[..., int], refused: Refused) -> None:
    refused(api("editor").post(f"{ADMIN}/parts/{new_part()}/versions/3/restore"), 404)
    refused(api("editor").post(f"{ADMIN}/parts/{part}/versions/0/restore"), 404)
    refused(api("editor").post(f"{ADMIN}/parts/2147483647/versions/1/restore"), 404)


def test_a_version_made_a_moment_ago_is_said_to_be_on_its_way(
    api: Api, part: int, refused: Refused, deliver: Callable[[], None]
) -> None:
    editor, url = api("editor"), f"{ADMIN}/parts/{part}/versions"
    assert editor.put(f"{ADMIN}/parts/{part}", json={"description": "<p>fourth text</p>"}).get_json()["version"] == 4
    for early in (
        editor.get(f"{url}/4"), editor.get(f"{url}/4/diff?to=1"), editor.get(f"{url}/1/diff?to=4"),
        editor.post(f"{url}/4/restore"), editor.post(f"{url}/4/restore?dry_run=true"),
    ):  # fmt: skip
        assert refused(early, 404)["code"] == "not_kept_yet"
    assert refused(editor.get(f"{url}/5"), 404)["code"] == "not_found"
    newest = editor.get(f"{url}/1/diff").get_json()
    assert newest["to"] == editor.get(url).get_json()["items"][0]["version_number"] == 3
    deliver()
    assert editor.get(f"{url}/4").get_json()["content_snapshot"]["description"] == "<p>fourth text</p>"
    assert editor.post(f"{url}/4/restore").get_json()["version"] == 4


def test_a_restore_without_a_body_restores_everything_and_answers_like_a_change(
    api: Api, part: int, events: Callable[[], int], client: FlaskClient
) -> None:
    before = events()
    answer = api("editor").post(f"{ADMIN}/parts/{part}/versions/1/restore")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    body = answer.get_json()
    assert (body["version"], body["description"], body["restored_from"]) == (4, "<p>first text</p>", 1)
    assert RestoredSchema().validate(body) == {}
    assert client.get(f"/api/v1/parts/{part}").get_json()["description"] == "<p>first text</p>"
    again = api("editor").post(f"{ADMIN}/parts/{part}/versions/1/restore").get_json()
    assert again["version"] == 4
    with_keys = events()
    api_keys_made = 2
    assert with_keys == before + 1 + api_keys_made


def test_a_rehearsal_answers_what_would_change_and_changes_nothing(api: Api, part: int, client: FlaskClient) -> None:
    answer = api("editor").post(f"{ADMIN}/parts/{part}/versions/1/restore?dry_run=true", json={"fields": ["description"]})
    body = answer.get_json()
    assert [change["field"] for change in body["changes"]] == ["description"]
    assert body["blocked"] == []
    assert RestorePreviewSchema().validate(body) == {}
    assert client.get(f"/api/v1/parts/{part}").get_json()["version"] == 3


def test_a_withdrawn_part_is_not_published_by_restoring_what_it_said(
    api: Api, part: int, deliver: Callable[[], None], client: FlaskClient
) -> None:
    editor, url = api("editor"), f"{ADMIN}/parts/{part}/versions/1/restore"
    editor.put(f"{ADMIN}/parts/{part}", json={"status": "draft"})
    deliver()
    said = editor.post(f"{url}?dry_run=true").get_json()
    assert [one["field"] for one in said["kept"]] == ["status"]
    assert RestorePreviewSchema().validate(said) == {}
    assert editor.post(url).get_json()["status"] == "draft"
    assert client.get(f"/api/v1/parts/{part}").status_code == 404
    assert editor.post(url, json={"fields": ["status"]}).get_json()["status"] == "published"
    assert client.get(f"/api/v1/parts/{part}").get_json()["description"] == "<p>first text</p>"


def test_a_stale_restore_is_refused_with_the_present_state(api: Api, part: int, refused: Refused) -> None:
    editor, url = api("editor"), f"{ADMIN}/parts/{part}/versions/1/restore"
    for wish in (url, url + "?dry_run=true"):
        assert refused(editor.post(wish, json={"version": 2}), 409)["current"]["version"] == 3
        assert refused(editor.post(wish, headers={"If-Match": '"2"'}), 412)["current"]["version"] == 3
    assert editor.post(url, json={"version": 3, "reason": "it was right"}).get_json()["version"] == 4


@pytest.mark.parametrize(
    "body",
    [
        {"fields": []}, {"fields": ["stock"]}, {"fields": "description"}, {"fields": ["sku"] * 11}, {"fields": [None]},
        {"version": 0}, {"version": "3"}, {"version": True}, {"reason": "x" * 501}, {"reason": "a\u0000"}, {"nonsense": 1}, [], 5,
    ],
)  # fmt: skip
def test_a_restore_that_makes_no_sense_is_refused(
    body: object, api: Api, part: int, refused: Refused, events: Callable[[], int]
) -> None:
    editor = api("editor")
    before = events()
    refused(editor.post(f"{ADMIN}/parts/{part}/versions/1/restore", json=body), 422)
    refused(editor.post(f"{ADMIN}/parts/{part}/versions/1/restore?dry_run=maybe"), 422)
    assert events() == before


def test_an_archived_part_is_brought_back_before_a_version_of_it_is(api: Api, part: int, refused: Refused) -> None:
    editor = api("editor")
    editor.delete(f"{ADMIN}/parts/{part}")
    assert refused(editor.post(f"{ADMIN}/parts/{part}/versions/1/restore"), 409)["code"] == "part_archived"


def test_a_blocked_restore_names_the_field_and_the_way_round(
    api: Api, part: int, new_part: Callable[..., int], refused: Refused
) -> None:
    editor = api("editor")
    sku = editor.get(f"{ADMIN}/parts/{part}").get_json()["sku"]
    editor.put(f"{ADMIN}/parts/{part}", json={"sku": sku + "-2"})
    new_part(sku=sku)
    url = f"{ADMIN}/parts/{part}/versions/1/restore"
    problem = refused(editor.post(url), 409)
    assert "fields" in problem["errors"]["sku"][0]
    [blocked] = editor.post(url + "?dry_run=true").get_json()["blocked"]
    assert blocked["field"] == "sku"
    assert editor.post(url, json={"fields": ["description"]}).status_code == 200


def test_the_part_of_a_given_time_is_answered_and_nonsense_refused(api: Api, part: int, refused: Refused) -> None:
    client = api("viewer")
    now = datetime.now(UTC)
    body = client.get(f"{ADMIN}/parts/{part}/as-of", query_string={"at": now.isoformat()}).get_json()
    assert (body["visible"], body["version_number"], body["part"]["description"]) == (True, 3, "<p>third text</p>")
    assert AsOfSchema().validate(body) == {}
    early = client.get(f"{ADMIN}/parts/{part}/as-of?at=1999-12-31T23:59:59Z").get_json()
    assert (early["visible"], early["reason"], early["part"]) == (False, "not_created", None)
    assert AsOfSchema().validate(early) == {}
    for at in ("", "yesterday", "2026-01-01T00:00:00", "2026-01-01", "0000-01-01T00:00:00Z", "9999-12-31T23:59:59-23:00",
               (now + timedelta(hours=1)).isoformat()):  # fmt: skip
        refused(client.get(f"{ADMIN}/parts/{part}/as-of", query_string={"at": at}), 422)
    refused(client.get(f"{ADMIN}/parts/{part}/as-of"), 422)
    refused(client.get(f"{ADMIN}/parts/2147483647/as-of?at=1999-12-31T23:59:59Z"), 404)


def test_the_trail_of_a_part_holds_its_stock_and_prices_and_every_filter_narrows_it(
    api: Api, part: int, deliver: Callable[[], None]
) -> None:
    client = api("editor")
    client.put(f"{ADMIN}/parts/{part}/stock", json={"current_stock": 1}, headers={"X-Request-ID": "till-00000042"})
    client.put(f"{ADMIN}/parts/{part}/prices", json={"prices": [{"currency": "EUR", "amount": "1.00"}]})
    deliver()

    def rows(**query: object) -> list[dict[str, Any]]:
        answer = client.get(f"{ADMIN}/audit", query_string={"part_id": part, **query})
        assert answer.status_code == 200, answer.get_data(as_text=True)
        found: list[dict[str, Any]] = answer.get_json()["items"]
        return found

    everything = rows()
    tables = sorted(row["table_name"] for row in everything)
    assert tables == ["part_prices", "parts", "parts", "parts", "stock_levels", "stock_levels"]
    assert [row["changed_at"] for row in everything] == sorted((row["changed_at"] for row in everything), reverse=True)
    middle = everything[2]
    narrowed: dict[str, tuple[object, Callable[[dict[str, Any]], bool]]] = {
        "table_name": ("parts", lambda row: row["table_name"] == "parts"),
        "record_id": (part, lambda row: row["record_id"] == part),
        "operation": ("INSERT", lambda row: row["operation"] == "INSERT"),
        "changed_by": (middle["changed_by"], lambda row: row["changed_by"] == middle["changed_by"]),
        "request_id": ("till-00000042", lambda row: (row["table_name"], row["version"]) == ("stock_levels", 2)),
        "from": (middle["changed_at"], lambda row: row["changed_at"] >= middle["changed_at"]),
        "to": (middle["changed_at"], lambda row: row["changed_at"] < middle["changed_at"]),
    }
    for name, (value, fits) in narrowed.items():
        assert rows(**{name: value}) == [row for row in everything if fits(row)], name
    assert rows(changed_by=2**31 - 1) == []
    first = client.get(f"{ADMIN}/audit?part_id={part}&limit=4").get_json()
    rest = client.get(f"{ADMIN}/audit", query_string={"part_id": part, "limit": 4, "cursor": first["next_cursor"]}).get_json()
    assert first["items"] + rest["items"] == everything
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("path", ["audit", "audit.csv"])
@pytest.mark.parametrize(
    "query",
    [
        "from=2026-02-01T00:00:00Z&to=2026-01-01T00:00:00Z", "from=2026-01-01T00:00:00", "to=yesterday", "part_id=0",
        "part_id=99999999999", "record_id=x", "operation=UPSERT", "changed_by=-1", "table_name=a%00", "nonsense=1",
    ],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_is_refused(query: str, path: str, api: Api, refused: Refused) -> None:
    refused(api("viewer").get(f"{ADMIN}/{path}?{query}"), 422)


def test_the_file_has_every_row_that_fits_and_no_formula(
    api: Api, part: int, container: Container, deliver: Callable[[], None]
) -> None:
    client = api("editor")
    client.environ_base["HTTP_USER_AGENT"] = "=HYPERLINK(1)"
    sly = "<p>2mm; =cmd|' /C calc'!A0</p>"
    client.put(f"{ADMIN}/parts/{part}", json={"part_name": '+1 äΩ, "x"', "description": sly, "reason": "@SUM(1);=2"})
    deliver()
    answer = client.get(f"{ADMIN}/audit.csv?part_id={part}")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="audit.csv"'
    # Without the mark a spreadsheet would read the signs as another encoding's.
    assert answer.data.startswith(b"\xef\xbb\xbfid,")
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    shown = client.get(f"{ADMIN}/audit?part_id={part}").get_json()["items"]
    assert [row["event_id"] for row in rows] == [row["event_id"] for row in shown]
    assert (rows[0]["reason"], rows[0]["user_agent"]) == ("'@SUM(1);'=2", "'=HYPERLINK(1)")
    new = json.loads(rows[0]["new_values"])
    assert (new["part_name"], new["description"]) == ('+1 äΩ, "x"', sly)
    assert rows[-1]["old_values"] == ""
    pieces = [piece.lstrip() for row in rows for cell in row.values() for piece in re.split("[;\t\r\n]", cell)]
    assert not any(piece.startswith(("=", "+", "-", "@")) for piece in pieces)


def test_a_change_by_a_machine_says_which_key_and_a_persons_says_none(
    logged_in: Callable[[], tuple[FlaskClient, str]], api: Api, part: int, deliver: Callable[[], None]
) -> None:
    api("stock").put(f"{ADMIN}/parts/{part}/stock", json={"current_stock": 1})
    person, token = logged_in()
    person.put(f"{ADMIN}/parts/{part}/stock", json={"current_stock": 2}, headers={"X-CSRF-Token": token})
    deliver()
    rows = api("viewer").get(f"{ADMIN}/audit?part_id={part}&limit=2").get_json()["items"]
    assert [(row["api_key_name"], row["api_key_id"] is None) for row in rows] == [(None, True), ("test stock", False)]


def test_a_write_without_a_body_says_in_its_query_why(api: Api, part: int, deliver: Callable[[], None], refused: Refused) -> None:
    client = api("editor")
    category = client.post(f"{ADMIN}/categories", json={"name": f"Category {part}"}).get_json()["id"]
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, "PNG")
    file.seek(0)
    picture = client.post(f"{ADMIN}/parts/{part}/images", data={"image": (file, "a.png")}).get_json()["images"][0]["id"]
    writes = {
        "blurred": ("DELETE", f"/parts/{part}/images/{picture}", "part_images"),
        "recalled": ("DELETE", f"/parts/{part}", "parts"),
        "on sale again": ("POST", f"/parts/{part}/restore", "parts"),
        "nothing left in it": ("DELETE", f"/categories/{category}", "categories"),
    }
    for reason, (method, path, _table) in writes.items():
        refused(client.open(ADMIN + path, method=method, query_string={"reason": "x" * 501}), 422)
        assert client.open(ADMIN + path, method=method, query_string={"reason": reason}).status_code == 200
    deliver()
    rows = client.get(f"{ADMIN}/audit?limit=4").get_json()["items"]
    assert [(row["reason"], row["table_name"]) for row in reversed(rows)] == [
        (reason, table) for reason, (_method, _path, table) in writes.items()
    ]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("203.0.113.9", "203.0.113.9"), ("203.0.113.9:5678", "203.0.113.9"), ("2001:DB8::1", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"), ("fe80::1%" + "z" * 90, "fe80::1"), ("y" * 100, None), ("a\0b", None), ("", None),
        ("<script>", None), ("1.2.3.4, 5.6.7.8", None),
    ],
)  # fmt: skip
def test_whatever_a_proxy_calls_an_address_the_trail_has_its_row(
    sent: str, kept: str | None, api: Api, part: int, deliver: Callable[[], None]
) -> None:
    client = api("stock")
    client.environ_base |= {"REMOTE_ADDR": sent, "HTTP_USER_AGENT": "a\0b\x1b[31m" + "c" * 600}
    assert client.put(f"{ADMIN}/parts/{part}/stock", json={"current_stock": 3}).status_code == 200
    deliver()
    [row] = client.get(f"{ADMIN}/audit?part_id={part}&limit=1").get_json()["items"]
    assert (row["ip_address"], row["user_agent"]) == (kept, "ab[31m" + "c" * 494)


def test_the_file_leaves_out_what_is_written_meanwhile_and_repeats_nothing(
    new_part: Callable[..., int], container: Container, actor: Actor, deliver: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "CHUNK", 3)
    part_id = new_part()
    for _ in range(8):
        container.parts.adjust_stock_with_sync(Intent(actor), part_id, 1)
    due = text("""
        UPDATE outbox_deliveries SET next_attempt_at = now() + make_interval(secs => :seconds)
        WHERE effect = 'persist_audit' AND event_id IN (
            SELECT id FROM outbox_events WHERE aggregate_type = 'part' AND aggregate_id = :part_id AND version = 2)
    """)
    # An old change whose row comes late: by its time it stands where the reader has still to come.
    with container.engine.begin() as connection:
        connection.execute(due, {"part_id": part_id, "seconds": 3600})
    deliver()
    expected = [row["id"] for row in container.parts.admin.audit({"part_id": part_id}, None, 200).items]
    rows = container.parts.admin.audit_rows({"part_id": part_id})
    first = next(rows)
    with container.engine.begin() as connection:
        connection.execute(due, {"part_id": part_id, "seconds": 0})
    deliver()
    assert len(container.parts.admin.audit({"part_id": part_id}, None, 200).items) == len(expected) + 1
    assert [first["id"], *(row["id"] for row in rows)] == expected
