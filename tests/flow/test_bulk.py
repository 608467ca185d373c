"""Changes of many parts at once: every row as the call for one part would decide it, all of them or those that can be."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from threading import Barrier
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.container import Container
from app.contract.events import Actor
from app.services.imports import passes
from app.store import transaction
from bench.system import wait_until

Refused = Callable[..., dict[str, Any]]
NewPart = Callable[..., int]
STOCK, PARTS, ADMIN = "/api/v1/admin/stock/bulk", "/api/v1/admin/parts/bulk", "/api/v1/admin/parts"
ABSENT = 2_147_483_647


@pytest.fixture
def part(editor: FlaskClient) -> Callable[[int], dict[str, Any]]:
    """Read a part with everything."""
    return lambda part_id: dict(editor.get(f"{ADMIN}/{part_id}").get_json())


@pytest.fixture
def written(container: Container, deliver: Callable[[], None]) -> Callable[[list[int], str], list[tuple[Any, ...]]]:
    """List what audit trail and events say of the latest change of each part: part, version, operation, reason, events."""

    def read(part_ids: list[int], aspect: str) -> list[tuple[Any, ...]]:
        with container.engine.begin() as connection:
            # The records of a bulk wait a little. All are due at once, so that they are made in the order of their events.
            connection.execute(text("UPDATE outbox_deliveries SET next_attempt_at = now() WHERE state = 'pending'"))
        deliver()
        with container.reading.connect() as connection:
            rows = connection.execute(
                text("""
                    SELECT l.part_id, l.version, l.operation, l.reason,
                           (SELECT count(*) FROM outbox_events e
                            WHERE e.aggregate_type = 'part' AND e.aggregate_id = l.part_id AND e.aspect = :aspect) AS events
                    FROM data_change_logs l JOIN outbox_events o ON o.event_id = l.event_id
                    WHERE l.part_id = ANY(:part_ids) AND o.aspect = :aspect AND l.operation <> 'INSERT' ORDER BY l.part_id, l.id
                """),
                {"part_ids": part_ids, "aspect": aspect},
            )
            return [tuple(row) for row in rows]

    return read


def outcomes(answer: dict[str, Any]) -> list[str]:
    return [row["outcome"] for row in answer["rows"]]


def test_stock_of_many_parts_is_set_and_adjusted_in_one_go(
    editor: FlaskClient, new_part: NewPart, part: Callable[[int], dict[str, Any]], written: Any, events: Callable[[], int]
) -> None:
    ids = [new_part(stock=10) for _ in range(4)]
    sku = part(ids[1])["sku"]
    changes = [
        {"part_id": ids[3], "current_stock": 7, "version": 1}, {"sku": sku, "delta": -4}, {"part_id": ids[0], "delta": 5},
        {"part_id": ids[2], "current_stock": 10},
    ]  # fmt: skip
    rehearsed = editor.post(f"{STOCK}?dry_run=true", json={"changes": changes}).get_json()
    assert rehearsed["dry_run"] is True
    before = events()
    response = editor.post(STOCK, json={"changes": changes, "reason": "stocktaking"})
    answer = response.get_json()
    assert response.status_code == 200, answer
    assert answer == rehearsed | {"dry_run": False}
    assert (answer["changed"], answer["unchanged"], answer["refused"], answer["open_pages"]) == (3, 1, 0, 0)
    assert outcomes(answer) == ["changed", "changed", "changed", "unchanged"]
    assert [row["part_id"] for row in answer["rows"]] == [ids[3], ids[1], ids[0], ids[2]]
    assert [row["after"]["current_stock"] for row in answer["rows"]] == [7, 6, 15, 10]
    assert [row["after"]["version"] for row in answer["rows"]] == [2, 2, 2, 1]
    assert {row["before"]["current_stock"] for row in answer["rows"]} == {10}
    assert [part(part_id)["stock"]["current_stock"] for part_id in ids] == [15, 6, 10, 7]
    for row in answer["rows"]:
        assert row["after"].items() <= part(row["part_id"])["stock"].items()
        # What customers are served was dropped before the answer.
        shown = editor.get(f"/api/v1/parts/{row['part_id']}").get_json()
        assert shown["stock"]["current_stock"] == row["after"]["current_stock"]
    assert events() == before + 3
    assert written(ids, "stock") == [(part_id, 2, "UPDATE", "stocktaking", 2) for part_id in (ids[0], ids[1], ids[3])]
    # Nothing differs any more, but for what was adjusted.
    again = editor.post(STOCK, json={"changes": [changes[3]]}).get_json()
    assert (again["changed"], events()) == (0, before + 3)


def _stale(editor: FlaskClient, new_part: NewPart) -> tuple[list[int], list[dict[str, Any]]]:
    """Return parts, and a change of each of which only the first can be made."""
    ids = [new_part(stock=10) for _ in range(5)]
    editor.put(f"{ADMIN}/{ids[1]}/stock", json={"current_stock": 9})
    editor.delete(f"{ADMIN}/{ids[2]}")
    changes = [
        {"part_id": ids[0], "delta": 1}, {"part_id": ids[1], "delta": 1, "version": 1}, {"part_id": ids[2], "delta": 1},
        {"part_id": ids[3], "delta": -11}, {"part_id": ids[4], "delta": 2_147_483_647}, {"sku": "no such number", "delta": 1},
        {"part_id": ABSENT, "current_stock": 1},
    ]  # fmt: skip
    return ids, changes


REFUSALS = ["concurrent_modification", "part_archived", "insufficient_stock", "validation_failed", "not_found", "not_found"]


def test_a_row_that_cannot_be_made_refuses_all_as_its_own_call_would_and_every_such_row_is_named(
    editor: FlaskClient, new_part: NewPart, refused: Refused, events: Callable[[], int]
) -> None:
    _, changes = _stale(editor, new_part)
    before = events()
    problem = refused(editor.post(STOCK, json={"changes": changes}), 409)
    assert (problem["code"], problem["detail"]) == ("concurrent_modification", "Concurrent modification detected")
    assert (problem["current"]["current_stock"], problem["current"]["version"]) == (9, 2)
    assert problem["current"]["changed_by"]["name"] == "Lockstep"
    assert [(row["index"], row["outcome"]) for row in problem["rows"]] == list(enumerate(REFUSALS, 1))
    assert problem["rows"][0]["before"]["version"] == 2
    assert problem["rows"][0]["changed_by"]["name"] == "Lockstep"
    for first, status, code in ((2, 409, "part_archived"), (3, 409, "insufficient_stock"), (4, 422, "validation_failed"),
                                (5, 404, "not_found"), (6, 404, "not_found")):  # fmt: skip
        assert refused(editor.post(STOCK, json={"changes": [changes[0], changes[first]]}), status)["code"] == code
    assert events() == before


def test_rows_that_cannot_be_made_are_left_out_if_that_is_asked_for(
    editor: FlaskClient, new_part: NewPart, part: Callable[[int], dict[str, Any]], events: Callable[[], int]
) -> None:
    ids, changes = _stale(editor, new_part)
    before = events()
    rehearsed = editor.post(f"{STOCK}?dry_run=true", json={"changes": changes})
    assert (rehearsed.status_code, outcomes(rehearsed.get_json())) == (200, ["changed", *REFUSALS])
    assert events() == before
    answer = editor.post(STOCK, json={"changes": changes, "on_conflict": "skip"}).get_json()
    assert answer == rehearsed.get_json() | {"dry_run": False}
    assert (answer["changed"], answer["refused"]) == (1, 6)
    assert all(row["detail"] for row in answer["rows"][1:])
    assert events() == before + 1
    assert [part(part_id)["stock"]["current_stock"] for part_id in ids] == [11, 9, 10, 10, 10]


def test_reserved_pieces_and_thresholds_of_many_parts_are_set_in_one_go(
    editor: FlaskClient, new_part: NewPart, part: Callable[[int], dict[str, Any]], events: Callable[[], int]
) -> None:
    ids = [new_part(stock=10) for _ in range(4)]
    changes: list[dict[str, Any]] = [
        {"part_id": ids[0], "reserved_quantity": 4}, {"part_id": ids[1], "min_stock_level": 12, "version": 1},
        {"part_id": ids[2], "current_stock": 7, "reserved_quantity": 7, "min_stock_level": 1},
        {"part_id": ids[3], "min_stock_level": 0},
    ]  # fmt: skip
    before = events()
    answer = editor.post(STOCK, json={"changes": changes}).get_json()
    assert (outcomes(answer), events()) == (["changed"] * 3 + ["unchanged"], before + 3)
    stocks = [part(part_id)["stock"] for part_id in ids]
    assert [(one["current_stock"], one["reserved_quantity"], one["min_stock_level"], one["version"]) for one in stocks] == [
        (10, 4, 0, 2), (10, 0, 12, 2), (7, 7, 1, 2), (10, 0, 0, 1),
    ]  # fmt: skip
    assert [(one["available_stock"], one["is_in_stock"], one["is_low_stock"]) for one in stocks[:3]] == [
        (6, True, False), (10, True, True), (0, False, True),
    ]  # fmt: skip
    assert answer["rows"][2]["after"].items() <= stocks[2].items()


def _changes(**more: Any) -> dict[str, Any]:
    return {"changes": [{"part_id": 1, "delta": 1}], **more}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "changes"),
        ({"changes": []}, "changes"),
        ({"changes": [{"part_id": n, "delta": 1} for n in range(1, 1002)]}, "changes"),
        ({"changes": {"part_id": 1}}, "changes"),
        ({"changes": [{"part_id": 1}]}, "changes"),
        ({"changes": [{"part_id": 1, "delta": 1, "current_stock": 1}]}, "changes"),
        ({"changes": [{"delta": 1}]}, "changes"),
        ({"changes": [{"part_id": 1, "sku": "A", "delta": 1}]}, "changes"),
        ({"changes": [{"part_id": "1", "delta": 1}]}, "changes"),
        ({"changes": [{"part_id": 1, "delta": 1.5}]}, "changes"),
        ({"changes": [{"part_id": 1, "current_stock": -1}]}, "changes"),
        ({"changes": [{"part_id": 1, "delta": 1, "version": 0}]}, "changes"),
        ({"changes": [{"part_id": 1, "delta": 1, "reserved_quantity": 1}]}, "changes"),
        ({"changes": [{"part_id": 1, "reserved_quantity": -1}]}, "changes"),
        ({"changes": [{"part_id": 1, "min_stock_level": "5"}]}, "changes"),
        ({"changes": [{"part_id": 1, "low_stock_threshold": 5}]}, "changes"),
        ({"changes": [{"part_id": 1, "delta": 1}, {"part_id": 1, "delta": 2}]}, "changes.1"),
        ({"changes": [{"sku": "none", "delta": 1}, {"sku": " none", "delta": 2}]}, "changes.1"),
        (_changes(on_conflict="force"), "on_conflict"),
        (_changes(version=1), "version"),
        (_changes(reason="x" * 501), "reason"),
    ],
)
def test_a_bulk_of_stock_that_makes_no_sense_is_refused(
    body: dict[str, Any], field: str, editor: FlaskClient, refused: Refused, events: Callable[[], int]
) -> None:
    before = events()
    for query in ("", "?dry_run=true"):
        assert field in refused(editor.post(STOCK + query, json=body), 422)["errors"]
    refused(editor.post(f"{STOCK}?dry_run=perhaps", json=_changes()), 422)
    assert events() == before


def test_a_part_is_named_once_whether_by_its_id_or_its_number(
    editor: FlaskClient, new_part: NewPart, part: Callable[[int], dict[str, Any]], refused: Refused
) -> None:
    part_id = new_part()
    changes = [{"part_id": part_id, "delta": 1}, {"sku": part(part_id)["sku"], "delta": 1}]
    assert "changes.0" in refused(editor.post(STOCK, json={"changes": changes}), 422)["errors"]["changes.1"][0]


def test_parts_get_a_status_and_a_category_in_one_go(
    editor: FlaskClient, new_part: NewPart, part: Callable[[int], dict[str, Any]], written: Any, events: Callable[[], int]
) -> None:
    category = editor.post("/api/v1/admin/categories", json={"name": "Bulk"}).get_json()["id"]
    ids = [new_part(), new_part(status="draft"), new_part(category_id=category, status="draft")]
    body = {"part_ids": ids[::-1], "set": {"status": "draft", "category_id": category}, "reason": "season"}
    before = events()
    rehearsed = editor.post(f"{PARTS}?dry_run=true", json=body).get_json()
    assert events() == before
    answer = editor.post(PARTS, json=body).get_json()
    assert answer == rehearsed | {"dry_run": False}
    assert (answer["changed"], answer["unchanged"], answer["open_pages"]) == (2, 1, 0)
    assert outcomes(answer) == ["unchanged", "changed", "changed"]
    assert answer["rows"][2]["before"] == {"status": "published", "category_id": None, "version": 1}
    assert [row["after"]["version"] for row in answer["rows"]] == [1, 2, 2]
    for part_id in ids:
        found = part(part_id)
        assert (found["status"], found["category"]["id"]) == ("draft", category)
        assert editor.get(f"/api/v1/parts/{part_id}").status_code == 404
    assert events() == before + 2
    assert written(ids, "content") == [(part_id, 2, "UPDATE", "season", 2) for part_id in ids[:2]]
    shown = editor.post(PARTS, json={"part_ids": ids, "set": {"status": "published", "category_id": None}}).get_json()
    assert shown["changed"] == 3
    public = editor.get(f"/api/v1/parts/{ids[2]}").get_json()
    assert (public["category"], public["version"]) == (None, 2)


def test_parts_that_cannot_be_placed_refuse_all_or_are_left_out(
    editor: FlaskClient, new_part: NewPart, part: Callable[[int], dict[str, Any]], refused: Refused, events: Callable[[], int]
) -> None:
    ids = [new_part(), new_part()]
    editor.delete(f"{ADMIN}/{ids[1]}")
    before = events()
    body: dict[str, Any] = {"part_ids": [ids[0], ids[1], ABSENT], "set": {"status": "draft"}}
    problem = refused(editor.post(PARTS, json=body), 409)
    assert (problem["code"], [row["outcome"] for row in problem["rows"]]) == ("part_archived", ["part_archived", "not_found"])
    refused(editor.post(PARTS, json=body | {"part_ids": [ABSENT]}), 404)
    assert refused(editor.post(PARTS, json=body | {"set": {"category_id": ABSENT}}), 422)["errors"].keys() == {"set.category_id"}
    assert events() == before
    answer = editor.post(PARTS, json=body | {"on_conflict": "skip"}).get_json()
    assert outcomes(answer) == ["changed", "part_archived", "not_found"]
    assert (answer["rows"][1]["before"]["status"], part(ids[0])["status"], events()) == ("archived", "draft", before + 1)


def test_parts_are_archived_in_one_go_and_restored_as_they_were(
    editor: FlaskClient, new_part: NewPart, part: Callable[[int], dict[str, Any]], written: Any, events: Callable[[], int]
) -> None:
    category = editor.post("/api/v1/admin/categories", json={"name": "Bulk archive"}).get_json()["id"]
    ids = [new_part(category_id=category), new_part(status="draft"), new_part()]
    editor.delete(f"{ADMIN}/{ids[2]}")
    before = events()
    body: dict[str, Any] = {"part_ids": ids, "set": {"archived": True}, "reason": "no longer made"}
    rehearsed = editor.post(f"{PARTS}?dry_run=true", json=body).get_json()
    assert events() == before
    answer = editor.post(PARTS, json=body).get_json()
    assert answer == rehearsed | {"dry_run": False}
    assert outcomes(answer) == ["changed", "changed", "unchanged"]
    assert answer["rows"][0]["before"] == {"status": "published", "category_id": category, "version": 1}
    assert [row["after"] for row in answer["rows"]] == [
        {"status": "archived", "category_id": category, "version": 2},
        {"status": "archived", "category_id": None, "version": 2},
        {"status": "archived", "category_id": None, "version": 2},
    ]
    assert [part(part_id)["status"] for part_id in ids] == ["archived"] * 3
    assert editor.get(f"/api/v1/parts/{ids[0]}").status_code == 404
    assert written(ids, "content")[:2] == [(part_id, 2, "DELETE", "no longer made", 2) for part_id in ids[:2]]

    back = {"part_ids": ids, "set": {"archived": False}}
    assert editor.post(PARTS, json=back).get_json()["changed"] == 3
    assert outcomes(editor.post(PARTS, json=back).get_json()) == ["unchanged"] * 3
    assert [(part(part_id)["status"], part(part_id)["version"]) for part_id in ids] == [
        ("published", 3), ("draft", 3), ("published", 3),
    ]  # fmt: skip
    assert editor.get(f"/api/v1/parts/{ids[0]}").get_json()["category"]["id"] == category


def test_each_part_gets_what_is_its_own_in_one_transaction(
    editor: FlaskClient, new_part: NewPart, part: Callable[[int], dict[str, Any]], container: Container
) -> None:
    """As the way back of a bulk does: whoever moved parts of several categories puts each where it was."""
    categories = [editor.post("/api/v1/admin/categories", json={"name": f"Own {n}"}).get_json()["id"] for n in range(3)]
    ids = [new_part(category_id=categories[0]), new_part(category_id=categories[1]), new_part(), new_part()]
    moved = editor.post(PARTS, json={"part_ids": ids[:3], "set": {"category_id": categories[2]}}).get_json()
    assert moved["changed"] == 3
    back = [
        {"part_id": row["part_id"], "category_id": row["before"]["category_id"], "version": row["after"]["version"]}
        for row in moved["rows"]
    ]
    answer = editor.post(PARTS, json={"changes": [{"part_id": ids[3], "archived": True}, *back[::-1]]}).get_json()
    assert outcomes(answer) == ["changed"] * 4
    assert [part(part_id)["category_id"] for part_id in ids[:3]] == [categories[0], categories[1], None]
    assert part(ids[3])["status"] == "archived"
    with container.reading.connect() as connection:
        transactions = connection.execute(
            text("SELECT count(DISTINCT xmin::text) FROM outbox_events WHERE aggregate_id = ANY(:ids) AND version = :version"),
            {"ids": ids[:3], "version": 3},
        )
        assert transactions.scalar_one() == 1


def test_a_change_of_what_somebody_has_changed_since_is_refused_with_the_present_content_or_left_out(
    editor: FlaskClient, new_part: NewPart, part: Callable[[int], dict[str, Any]], refused: Refused, events: Callable[[], int]
) -> None:
    ids = [new_part() for _ in range(4)]
    editor.put(f"{ADMIN}/{ids[1]}", json={"part_name": "Renamed"})
    editor.delete(f"{ADMIN}/{ids[2]}")
    changes = [
        {"part_id": ids[0], "status": "draft", "version": 1}, {"part_id": ids[1], "status": "draft", "version": 1},
        {"part_id": ids[2], "status": "draft", "version": 2}, {"part_id": ids[3], "category_id": ABSENT},
    ]  # fmt: skip
    before = events()
    problem = refused(editor.post(PARTS, json={"changes": changes}), 409)
    assert (problem["code"], problem["current"]["part_name"], problem["current"]["version"]) == (
        "concurrent_modification", "Renamed", 2,
    )  # fmt: skip
    assert refused(editor.post(PARTS, json={"changes": changes[3:]}), 422)["errors"].keys() == {"changes.0.category_id"}
    assert events() == before
    answer = editor.post(PARTS, json={"changes": changes, "on_conflict": "skip"}).get_json()
    assert outcomes(answer) == ["changed", "concurrent_modification", "part_archived", "validation_failed"]
    assert (part(ids[0])["status"], events()) == ("draft", before + 1)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"set": {"status": "draft"}}, "part_ids"),
        ({"part_ids": [], "set": {"status": "draft"}}, "part_ids"),
        ({"part_ids": list(range(1, 1002)), "set": {"status": "draft"}}, "part_ids"),
        ({"part_ids": [1, 1], "set": {"status": "draft"}}, "part_ids.1"),
        ({"part_ids": ["1"], "set": {"status": "draft"}}, "part_ids"),
        ({"part_ids": [1]}, "set"),
        ({"part_ids": [1], "set": {}}, "set"),
        ({"part_ids": [1], "set": {"status": "archived"}}, "set"),
        ({"part_ids": [1], "set": {"category_id": 0}}, "set"),
        ({"part_ids": [1], "set": {"part_name": "Same for all"}}, "set"),
        ({"part_ids": [1], "set": {"status": "draft"}, "version": 1}, "version"),
        ({"part_ids": [1], "set": {"archived": True, "status": "draft"}}, "set"),
        ({"part_ids": [1], "set": {"archived": "true"}}, "set"),
        ({"part_ids": [1], "set": {"archived": None}}, "set"),
        ({"part_ids": [1], "set": {"status": "draft", "version": 1}}, "set"),
        ({"changes": []}, "changes"),
        ({"changes": [{"part_id": n, "status": "draft"} for n in range(1, 1002)]}, "changes"),
        ({"changes": [{"part_id": 1}]}, "changes"),
        ({"changes": [{"part_id": 1, "version": 2}]}, "changes"),
        ({"changes": [{"status": "draft"}]}, "changes"),
        ({"changes": [{"part_id": 1, "archived": False, "category_id": None}]}, "changes"),
        ({"changes": [{"part_id": 1, "status": "draft"}, {"part_id": 1, "category_id": None}]}, "changes.1"),
        ({"changes": [{"part_id": 1, "status": "draft"}], "part_ids": [1], "set": {"status": "draft"}}, "changes"),
        ({"changes": [{"part_id": 1, "status": "draft"}], "set": {"status": "draft"}}, "changes"),
    ],
)
def test_a_bulk_of_parts_that_makes_no_sense_is_refused(
    body: dict[str, Any], field: str, editor: FlaskClient, refused: Refused, events: Callable[[], int]
) -> None:
    before = events()
    assert field in refused(editor.post(PARTS, json=body), 422)["errors"]
    assert events() == before


def test_a_bulk_needs_the_session_s_token(logged_in: Any, new_part: NewPart, refused: Refused) -> None:
    client, token = logged_in("editor")
    body = {"changes": [{"part_id": new_part(), "delta": 1}]}
    refused(client.post(STOCK, json=body), 403)
    assert client.post(STOCK, json=body, headers={"X-CSRF-Token": token}).status_code == 200


@pytest.mark.parametrize("beside", ["stock", "content"])
def test_two_bulks_in_each_others_order_do_not_wait_for_each_other(
    beside: str, api: Callable[[str], FlaskClient], new_part: NewPart, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A third transaction holds a part in the middle until both wait: one for it, the other for the first."""
    # A deadlock would be tried again, and pass unnoticed.
    monkeypatch.setattr(transaction, "RETRIES", 1)
    ids = [new_part() for _ in range(5)]

    def change(order: list[int], kind: str) -> int:
        path, body = STOCK, {"changes": [{"part_id": part_id, "delta": 1} for part_id in order]}
        if kind == "content":
            path, body = PARTS, {"part_ids": order, "set": {"status": "draft"}}
        return clients.pop().post(path, json=body).status_code

    def waiting() -> int:
        with container.reading.connect() as connection:
            found = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            return int(connection.execute(text(found)).scalar_one())

    clients = [api("editor"), api("editor")]
    with ThreadPoolExecutor(2) as pool:
        with container.engine.begin() as holding:
            holding.execute(text("SELECT FROM parts WHERE id = :id FOR UPDATE"), {"id": ids[2]})
            answers = [pool.submit(change, ids, "stock")]
            assert wait_until(lambda: waiting() == 1)
            answers.append(pool.submit(change, ids[::-1], beside))
            assert wait_until(lambda: waiting() == 2)
        assert [answer.result() for answer in answers] == [200, 200]


def test_bulks_at_once_over_the_same_parts_take_turns(
    api: Callable[[str], FlaskClient], new_part: NewPart, part: Callable[[int], dict[str, Any]], written: Any
) -> None:
    ids = [new_part(stock=0) for _ in range(30)]
    start = Barrier(4)

    def run(number: int) -> list[int]:
        client, order = api("editor"), ids if number % 2 else ids[::-1]
        start.wait()
        statuses = []
        for turn in range(3):
            if number < 2:
                answer = client.post(STOCK, json={"changes": [{"part_id": part_id, "delta": 1} for part_id in order]})
            else:
                status = "draft" if (turn + number) % 2 else "published"
                answer = client.post(PARTS, json={"part_ids": order, "set": {"status": status}})
            statuses.append(answer.status_code)
        return statuses

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(4))) == [[200] * 3] * 4
    assert {part(part_id)["stock"]["current_stock"] for part_id in ids} == {6}
    assert written(ids, "stock") == [(part_id, version, "UPDATE", None, 7) for part_id in ids for version in range(2, 8)]


def test_a_thousand_rows_are_one_transaction(editor: FlaskClient, container: Container, actor: Actor) -> None:
    lines = "sku,part_name,current_stock,status\n" + "".join(f"BULK-{n},Bulk,1,published\n" for n in range(1000))
    passes.import_parts(container.transactions, container.reading, actor, lambda: StringIO(lines))
    with container.reading.connect() as connection:
        ids = list(connection.execute(text("SELECT id FROM parts WHERE sku LIKE 'BULK-%' ORDER BY id")).scalars())
    answer = editor.post(STOCK, json={"changes": [{"part_id": part_id, "current_stock": 5} for part_id in ids]})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert answer.get_json()["changed"] == 1000
    assert editor.post(PARTS, json={"part_ids": ids, "set": {"status": "draft"}}).get_json()["changed"] == 1000
    events = text("""
        SELECT count(*) AS events, count(DISTINCT xmin::text) AS transactions FROM outbox_events
        WHERE aggregate_id = ANY(:ids) AND type = :type
    """)
    with container.reading.connect() as connection:
        for kind in ("stock.updated", "content.updated"):
            assert tuple(connection.execute(events, {"ids": ids, "type": kind}).one()) == (1000, 1)
