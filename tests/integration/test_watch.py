"""What a page's `watch` costs: versions first, bodies only of what differs, and an answer even when there is none."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from app.cache.manager import NEVER
from app.container import Container
from app.contract import rooms
from app.contract.events import Actor
from app.domain.errors import BusyError
from app.live import customers
from app.live.customers import CustomersNamespace
from app.services.intent import Intent


@pytest.fixture
def page(container: Container, monkeypatch: pytest.MonkeyPatch) -> CustomersNamespace:
    """The namespace as one connected page calls it."""
    monkeypatch.setattr(customers, "_sid", lambda: "page")
    monkeypatch.setattr(customers, "join_room", lambda _room: None)
    namespace = CustomersNamespace(rooms.CUSTOMERS, container)
    namespace._watched["page"] = {}
    return namespace


@pytest.fixture
def read(container: Container, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The parts whose bodies are read from now on."""
    asked: list[int] = []
    parts = container.parts.catalog.parts

    def recorded(part_ids: Sequence[int]) -> Any:
        asked.extend(part_ids)
        return parts(part_ids)

    monkeypatch.setattr(container.parts.catalog, "parts", recorded)
    return asked


@pytest.mark.parametrize("from_cache", [True, False])
def test_only_parts_that_differ_from_what_is_held_are_read(
    from_cache: bool, container: Container, page: CustomersNamespace, read: list[int], new_part: Callable[..., int], actor: Actor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    same, changed, hidden, unknown = new_part(), new_part(), new_part(), new_part(status="draft")
    answer = page.on_watch({"parts": dict.fromkeys(map(str, (same, changed, hidden, unknown)))})
    held = {str(part["id"]): part["versions"] for part in answer["parts"]}
    assert (sorted(map(int, held)), answer["gone"]) == ([same, changed, hidden], [unknown])
    container.parts.adjust_stock_with_sync(Intent(actor), changed, 1)
    container.parts.archive_part_with_sync(Intent(actor), hidden)
    if not from_cache:
        monkeypatch.setattr(container.cache, "_verified_at", NEVER)
        monkeypatch.setattr(container.cache, "mark_verified", lambda _at: None)
    read.clear()
    answer = page.on_watch({"parts": held})
    assert ([part["id"] for part in answer["parts"]], answer["gone"]) == ([changed], [hidden])
    assert sorted(read) == [changed, hidden]


@pytest.mark.parametrize("error", [OperationalError("SELECT", {}, Exception("canceling statement")), BusyError()])
def test_a_watch_that_cannot_be_served_says_when_to_ask_again(
    error: Exception, container: Container, page: CustomersNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_part_ids: Sequence[int]) -> Any:
        raise error

    monkeypatch.setattr(container.parts.catalog, "parts", fails)
    answer = page.on_watch({"parts": {"1": None}})
    assert answer["error"]["code"] == "busy"
    assert 0 < answer["error"]["retry_after"] < 10
