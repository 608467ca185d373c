"""The part as customers saw it at a given time, reconstructed from the records."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.container import Container
from app.contract.events import Actor
from app.domain.errors import InvalidFieldError, NotFoundError
from app.domain.pricing import PriceLine
from app.services.intent import Intent
from app.services.legacy_prices import move_prices

Query = Callable[..., list[dict[str, Any]]]
Deliver = Callable[[], None]
NewPart = Callable[..., int]


@pytest.fixture
def change(container: Container, actor: Actor) -> Callable[..., None]:
    """Change content fields of a part."""

    def run(part_id: int, **columns: object) -> None:
        container.parts.update_part_content_with_sync(Intent(actor), part_id, columns)

    return run


def test_the_part_as_customers_saw_it_follows_every_step_of_its_life(
    container: Container, actor: Actor, new_part: NewPart, change: Callable[..., None], deliver: Deliver
) -> None:
    moments: dict[str, datetime] = {"before": datetime.now(UTC)}

    def now(name: str) -> None:
        moments[name] = datetime.now(UTC)

    soon = datetime.now(UTC) + timedelta(hours=1)
    part_id = new_part(status="draft", stock=5)
    now("draft")
    change(part_id, status="published", description="first")
    now("published")
    seen = {"published": container.parts.catalog.part(part_id).body}
    container.parts.update_prices_with_sync(
        Intent(actor), part_id, [PriceLine("EUR", Decimal(5)), PriceLine("EUR", Decimal(4), 10)]
    )
    container.parts.adjust_stock_with_sync(Intent(actor), part_id, 3)
    now("priced")
    seen["priced"] = container.parts.catalog.part(part_id).body
    lines = [PriceLine("EUR", Decimal(7), valid_to=soon), PriceLine("EUR", Decimal(8), valid_from=soon)]
    container.parts.update_prices_with_sync(Intent(actor), part_id, lines)
    container.parts.update_stock_with_sync(Intent(actor), part_id, {"current_stock": 9, "reserved_quantity": 9})
    change(part_id, description="second")
    now("changed")
    seen["changed"] = container.parts.catalog.part(part_id).body
    container.parts.archive_part_with_sync(Intent(actor), part_id)
    now("archived")
    assert not container.parts.admin.part_as_of(part_id, moments["archived"])["complete"]
    deliver()
    shown = {name: container.parts.admin.part_as_of(part_id, at) for name, at in moments.items()}
    assert {name: answer["reason"] for name, answer in shown.items()} == {
        "before": "not_created", "draft": "draft", "published": None, "priced": None, "changed": None, "archived": "archived",
    }  # fmt: skip
    assert all(answer["complete"] for answer in shown.values())
    for name, body in seen.items():
        assert body is not None
        then = shown[name]["part"]
        for field in (
            "price",
            "stock",
            "sku",
            "slug",
            "part_name",
            "description",
            "category",
            "images",
            "specifications",
            "version",
        ):
            assert then[field] == body[field], (name, field)


def test_the_end_of_the_present_second_is_no_moment_to_come(container: Container, new_part: NewPart) -> None:
    part_id = new_part()
    end = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    assert container.parts.admin.part_as_of(part_id, end)["part_id"] == part_id


def test_a_moment_to_come_and_an_unknown_part_are_refused(container: Container, new_part: NewPart) -> None:
    with pytest.raises(InvalidFieldError, match="still to come"):
        container.parts.admin.part_as_of(new_part(), datetime.now(UTC) + timedelta(minutes=1))
    with pytest.raises(NotFoundError):
        container.parts.admin.part_as_of(2**31 - 1, datetime.now(UTC))


def test_a_legacy_price_is_the_price_until_it_was_moved_and_uncertain_if_it_was_written_since(
    container: Container, actor: Actor, new_part: NewPart, deliver: Deliver, query: Query
) -> None:
    part_id = new_part()
    deliver()
    before = datetime.now(UTC)
    query("INSERT INTO prices (part_id, amount, currency) VALUES (:id, 6, 'EUR')", id=part_id)
    uncertain = container.parts.admin.part_as_of(part_id, before)
    assert (uncertain["complete"], uncertain["part"]["price"]) == (False, None)
    priced = datetime.now(UTC)
    assert container.parts.admin.part_as_of(part_id, priced)["part"]["price"]["amount"] == "6.00"
    move_prices(container.transactions, container.reading, actor, dry_run=False)
    deliver()
    for at, version in ((priced, 1), (datetime.now(UTC), 2)):
        then = container.parts.admin.part_as_of(part_id, at)
        assert (then["complete"], then["part"]["price"]["amount"], then["part"]["price"]["version"]) == (True, "6.00", version)


def test_a_price_that_began_by_its_date_is_the_price_of_that_moment(
    container: Container, actor: Actor, new_part: NewPart, deliver: Deliver, query: Query, rewrite: Callable[..., None]
) -> None:
    """When a price begins on its date, the trail's row has the price and no list: the newest list before it applies."""
    part_id = new_part()
    boundary = datetime.now(UTC)
    lines = [PriceLine("EUR", Decimal(5)), PriceLine("EUR", Decimal(3), valid_from=boundary)]
    container.parts.update_prices_with_sync(Intent(actor), part_id, lines)
    deliver()
    rewrite(
        "INSERT INTO data_change_logs (event_id, table_name, record_id, part_id, operation, version, old_values, new_values,"
        " hash) VALUES (uuidv7(), 'part_prices', :id, :id, 'UPDATE', 3, '{}', '{\"price\": null, \"version\": 3}', 'none')",
        id=part_id,
    )
    price = container.parts.admin.part_as_of(part_id, datetime.now(UTC))["part"]["price"]
    assert (price["amount"], price["version"]) == ("3.00", 3)
    rewrite("DELETE FROM data_change_logs WHERE part_id = :id AND version = 3", id=part_id)
