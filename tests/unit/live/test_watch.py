"""The order of a `watch`: a change that is committed in between must reach the page one way or the other."""

from types import SimpleNamespace
from typing import Any

import pytest

from app.live import customers


def test_a_page_joins_the_rooms_of_its_parts_before_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []

    def parts(part_ids: list[int]) -> tuple[dict[int, Any], None]:
        steps.append(f"read {part_ids}")
        return {}, None

    def versions(part_ids: list[int]) -> dict[int, Any]:
        steps.append(f"compare {part_ids}")
        return {}

    monkeypatch.setattr(customers, "_sid", lambda: "page")
    monkeypatch.setattr(customers, "join_room", lambda room: steps.append(f"join {room}"))
    container: Any = SimpleNamespace(parts=SimpleNamespace(catalog=SimpleNamespace(parts=parts, versions=versions)))
    namespace = customers.CustomersNamespace("/customers", container)
    namespace._watched["page"] = {}
    held = {"content": 1, "stock": 1, "price": 1}
    assert namespace.on_watch({"parts": {"17": held}}) == {"parts": [], "gone": [17]}
    assert steps == ["join part:17", "compare [17]", "read [17]"]
