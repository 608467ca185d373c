"""The hash chain: every way to rewrite the trail is found, and named."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import pytest

from app.domain.audit_chain import GENESIS, Head, Verifier, digest, link

Row = dict[str, Any]
Tamper = Callable[[list[Row]], object]


def row(number: int, **columns: object) -> Row:
    values = {
        "event_id": UUID(int=number), "table_name": "parts", "record_id": number, "part_id": None, "operation": "UPDATE",
        "version": 2, "old_values": {"b": "ä", "a": [1, {"z": None, "y": 2}]}, "new_values": None, "changed_by": 1,
        "api_key_id": None, "changed_at": datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=number),
        "ip_address": "192.0.2.1", "user_agent": "😀", "request_id": "r", "reason": None,
    }  # fmt: skip
    return values | columns


def chain(ids: list[int]) -> tuple[list[Row], Head]:
    rows, previous = [], GENESIS
    for at in ids:
        previous = link(previous, digest(row(at)))
        rows.append(row(at) | {"id": at, "hash": previous})
    return rows, Head(ids[-1], previous, len(ids))


def broken(rows: list[Row], head: Head, **options: Any) -> list[str]:
    verifier = Verifier(head, **options)
    for one in rows:
        verifier.see(one)
    verifier.finish()
    return verifier.broken


def test_a_digest_is_the_same_after_the_row_was_stored_and_read_again() -> None:
    stored = json.loads(json.dumps(row(1)["old_values"]), object_pairs_hook=lambda pairs: dict(reversed(pairs)))
    elsewhere = row(1)["changed_at"].astimezone(timezone(timedelta(hours=5)))
    again = row(1, old_values=stored, changed_at=elsewhere, event_id=str(UUID(int=1)))
    assert digest(again) == digest(row(1))


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("event_id", UUID(int=9)), ("table_name", "stock_levels"), ("record_id", 9), ("part_id", 1), ("operation", "DELETE"),
        ("version", 9), ("old_values", {}), ("new_values", {}), ("changed_by", 2), ("api_key_id", 1),
        ("changed_at", datetime(2027, 1, 1, tzinfo=UTC)), ("ip_address", None), ("user_agent", ""), ("request_id", None),
        ("reason", ""),
    ],
)  # fmt: skip
def test_every_column_counts(column: str, value: object) -> None:
    assert digest(row(1, **{column: value})) != digest(row(1))


def test_a_chain_as_it_was_written_holds_also_where_ids_were_skipped() -> None:
    rows, head = chain([3, 4, 7, 8])
    assert broken(rows, head) == []
    assert broken(rows, head, noted=(7, rows[2]["hash"])) == []


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (lambda rows: rows[2].update(reason="forged"), "row 3 was changed"),
        (lambda rows: rows[2].update(hash="0" * 64), "row 3 was changed"),
        (lambda rows: rows.pop(0), "row 2 does not follow the beginning: rows between them are missing"),
        (lambda rows: rows.pop(2), "row 4 does not follow row 2: rows between them are missing"),
        (lambda rows: rows.insert(3, row(99) | {"id": 3, "hash": "0" * 64}), "row 3 was inserted"),
        (lambda rows: rows.insert(0, row(99) | {"id": -1, "hash": "0" * 64}), "row -1 was inserted"),
        (lambda rows: rows.insert(3, row(99) | {"id": 3, "hash": link(rows[2]["hash"], digest(row(99)))}), "row 4 was changed"),
        (lambda rows: rows.pop(), "the tail is cut off: the last row is 5, the head says 6"),
        (lambda rows: rows.clear(), "the tail is cut off: the last row is None, the head says 6"),
        (lambda rows: rows.reverse(), "does not follow"),
    ],
)
def test_a_rewritten_trail_is_found_out_and_the_place_is_named(tamper: Tamper, says: str) -> None:
    rows, head = chain([1, 2, 3, 4, 5, 6])
    tamper(rows)
    found = broken(rows, head)
    assert says in found[0]


def test_a_trail_that_was_cut_together_with_its_head_is_found_out_by_a_head_noted_earlier() -> None:
    rows, head = chain([1, 2, 3, 4])
    shorter, shorter_head = rows[:3], Head(3, rows[2]["hash"], 3)
    assert broken(shorter, shorter_head) == []
    assert "not part of the chain" in broken(shorter, shorter_head, noted=(4, head.last_hash))[0]


def test_a_chain_that_was_rewritten_as_a_whole_is_found_out_by_a_head_noted_earlier() -> None:
    noted = chain([1, 2, 3])[1]
    previous, forged = GENESIS, []
    for at in (1, 2, 3, 4):
        previous = link(previous, digest(row(at, reason="forged")))
        forged.append(row(at, reason="forged") | {"id": at, "hash": previous})
    head = Head(4, previous, 4)
    assert broken(forged, head) == []
    assert "the chain was rewritten" in broken(forged, head, noted=(3, noted.last_hash))[0]


def test_a_head_that_says_otherwise_is_found_out() -> None:
    rows, head = chain([1, 2])
    assert broken(rows, Head(2, "0" * 64, 2)) == ["the head's hash is not that of the last row"]
    assert broken(rows, Head(2, head.last_hash, 3)) == ["there are 2 rows, the head counts 3"]
    assert broken(rows, Head(2, head.last_hash, 2, beyond=1)) == ["1 rows were inserted behind the head"]


def test_the_newest_rows_alone_can_be_checked() -> None:
    rows, head = chain([1, 2, 3, 4])
    assert broken(rows[2:], head, previous=rows[1]["hash"]) == []
    assert broken(rows[3:], head, previous=rows[1]["hash"]) != []


def test_a_report_names_a_bounded_number_of_places() -> None:
    rows, head = chain(list(range(1, 200)))
    for one in rows:
        one["hash"] = "0" * 64
    assert len(broken(rows, head)) == 20
