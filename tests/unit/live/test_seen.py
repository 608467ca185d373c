"""What pages report to have shown costs the database one look for each event."""

import pytest

from app.live.seen import _LOOKUPS, MAX_EVENTS, Seen


class Database:
    """Knows the events named `known…`, all written a second ago."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def age_ms(self, event_id: str) -> float | None:
        self.asked.append(event_id)
        return 1000.0 if event_id.startswith("known") else None


def test_of_a_thousand_reports_of_one_event_one_asks_the_database_and_all_get_its_age() -> None:
    database = Database()
    seen = Seen(database.age_ms)
    ages = [seen.age_ms("known") for _ in range(1000)]
    assert database.asked == ["known"]
    assert ages[0] == 1000.0
    assert all(age == pytest.approx(1000.0, abs=5000) and age >= 1000.0 for age in ages if age is not None)
    assert None not in ages


def test_forged_ids_ask_only_as_often_as_is_allowed_and_do_not_drive_out_what_is_known_more_than_that() -> None:
    database = Database()
    seen = Seen(database.age_ms)
    assert seen.age_ms("known") is not None
    assert [seen.age_ms(f"forged {number % 500}") for number in range(5000)] == [None] * 5000
    assert len(database.asked) <= _LOOKUPS.at_once + _LOOKUPS.per_second * 5
    assert seen.age_ms("known") is not None
    assert len(seen._written) <= MAX_EVENTS
