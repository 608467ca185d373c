"""Ids that no longer fit four bytes: prices, specifications, content versions and audit rows, which come with every change."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from app.container import Container
from app.contract.events import Actor
from app.domain.pricing import PriceLine
from app.services.intent import Intent
from app.services.versions import Wish
from app.store import audit_chain

TABLES = ("part_prices", "part_specifications", "part_content_versions", "data_change_logs")
LARGE = 2**31 + 7


@pytest.fixture
def _sequences_are_far(query: Callable[..., list[dict[str, Any]]]) -> None:
    # They stay there: what comes after has larger ids still.
    for table in TABLES:
        query(f"SELECT setval('{table}_id_seq', GREATEST({LARGE}, last_value)) FROM {table}_id_seq")


@pytest.mark.usefixtures("_sequences_are_far")
def test_a_part_is_written_shown_restored_audited_and_reconciled_with_ids_beyond_four_bytes(
    container: Container, actor: Actor, new_part: Callable[..., int], deliver: Callable[[], None],
    query: Callable[..., list[dict[str, Any]]],
) -> None:  # fmt: skip
    parts, intent = container.parts, Intent(actor)
    part_id = new_part()
    parts.update_prices_with_sync(intent, part_id, [PriceLine("EUR", Decimal("12.5"))])
    parts.update_specifications_with_sync(intent, part_id, [{"name": "Bore", "value": "25", "unit": "mm", "group": ""}])
    parts.update_part_content_with_sync(intent, part_id, {"part_name": "Another"})
    deliver()
    parts.restore_version_with_sync(intent, Wish(part_id, 2))
    deliver()
    for table in TABLES:
        (row,) = query(f"SELECT min(id) AS id FROM {table} WHERE part_id = :id", id=part_id)
        assert row["id"] > LARGE, table

    shown = parts.admin.part(part_id)
    assert (shown["part_name"], shown["version"], shown["price"]["prices"][0]["amount"]) == ("Test part", 4, "12.50")
    assert [version["version_number"] for version in parts.admin.versions(part_id, None, 10)] == [4, 3, 2, 1]
    page = parts.admin.audit({"part_id": part_id}, None, 3)
    rest = parts.admin.audit({"part_id": part_id}, page.next, 10)
    assert [len(page.items), len(rest.items), rest.next] == [3, 3, None]
    assert len(list(parts.admin.audit_rows({"part_id": part_id}))) == 6
    found = audit_chain.verify_newest(container.reading, 5)
    assert (list(found.broken), found.head.last_id) == ([], query("SELECT max(id) AS id FROM data_change_logs")[0]["id"])
    report = container.reconciliation.run()["found"]
    assert (report["audit_missing"], report["snapshot_missing"], report["price_row"], report["content_row"]) == (0, 0, 0, 0)
