"""How often the calls that must be fast ask PostgreSQL: every round trip costs as much as the work that is done in it."""

import tempfile
from collections.abc import Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event

from app.container import Container

# After so many, psycopg has prepared each statement, for which it asks once more.
WARMING_UP = 8


@pytest.fixture
def round_trips(container: Container) -> Iterator[Callable[[Callable[[], Any]], int]]:
    """Count how often a function waits for PostgreSQL, by what libpq notes of the protocol."""
    with tempfile.TemporaryFile() as notes:

        def note(connection: Any, *_about: Any) -> None:
            connection.pgconn.trace(notes.fileno())

        def end(connection: Any, *_about: Any) -> None:
            connection.pgconn.untrace()

        def count(call: Callable[[], Any]) -> int:
            notes.seek(0)
            notes.truncate()
            call()
            notes.seek(0)
            return notes.read().count(b"\tReadyForQuery\t")

        event.listen(container.engine, "checkout", note)
        event.listen(container.engine, "checkin", end)
        yield count
        event.remove(container.engine, "checkout", note)
        event.remove(container.engine, "checkin", end)


@pytest.mark.parametrize(("keyed", "most"), [(False, 3), (True, 8)])
def test_a_stock_write_asks_the_database_for_its_caller_for_the_row_and_to_write(
    keyed: bool, most: int, api: Callable[[str], FlaskClient], new_part: Callable[..., int], round_trips: Callable[..., int]
) -> None:
    client, url = api("stock"), f"/api/v1/admin/parts/{new_part()}/stock"

    def set_it(number: int) -> None:
        headers = {"Idempotency-Key": uuid4().hex} if keyed else {}
        assert client.put(url, json={"current_stock": 100 * number}, headers=headers).status_code == 200

    def adjust_it() -> None:
        headers = {"Idempotency-Key": uuid4().hex} if keyed else {}
        assert client.post(f"{url}/adjustments", json={"delta": 1}, headers=headers).status_code == 200

    for number in range(WARMING_UP):
        counts = round_trips(lambda number=number: set_it(number)), round_trips(adjust_it)
    assert counts == (most, most)
