"""The counts that are kept for facets are what counting the parts gives, whoever writes at the same time."""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from app.container import Container
from app.contract.events import Actor
from app.domain.errors import ArchivedError, ConcurrencyError, NotFoundError
from app.domain.measures import SpecificationFilter
from app.services.intent import Intent
from app.store import facet_counts
from app.store.listing.facets import load_facets
from app.store.listing.filters import PartFilters
from app.store.specifications import counts

Query = Callable[..., list[dict[str, Any]]]
Work = Callable[[], Any]

# A wait for a lock that was given up is one, too.
REFUSALS = (
    ArchivedError, ConcurrencyError, NotFoundError, OperationalError,
    psycopg.errors.DeadlockDetected, psycopg.errors.UniqueViolation,
)  # fmt: skip
NAMES = ("Bore", "Material", "Class", "Weight")
MAKERS = ["Ferrum", "Axial", None]
KEPT = {
    "feature": "category_id, key",
    "group": "category_id, manufacturer, in_stock",
}
# From what people wrote, and not from what is derived of it.
COUNTED = {
    "feature": """
        SELECT p.category_id, specification_key(s.name, s.value, s.unit) AS key, count(DISTINCT p.id) AS count
        FROM parts p JOIN part_specifications s ON s.part_id = p.id
        WHERE p.status = 'published' AND p.archived_at IS NULL AND p.category_id IS NOT NULL
        GROUP BY p.category_id, key""",
    "group": """
        SELECT p.category_id, p.manufacturer, l.current_stock > l.reserved_quantity AS in_stock, count(*) AS count
        FROM parts p JOIN stock_levels l ON l.part_id = p.id WHERE p.status = 'published' AND p.archived_at IS NULL
        GROUP BY p.category_id, p.manufacturer, in_stock""",
}


def says(dice: random.Random) -> list[dict[str, str]]:
    grouped = [("", name) for name in dice.sample(NAMES, dice.randint(1, len(NAMES)))]
    grouped += [("Inside", name) for name in dice.sample(NAMES, dice.randint(0, 2))]
    return [{"name": name, "value": dice.choice("abc"), "unit": "", "group": group} for group, name in grouped]


class Shop:
    """A few parts in a few categories, and those who change them: in the application and by hand."""

    def __init__(self, container: Container, actor: Actor, query: Query, new_part: Callable[..., int]) -> None:
        self.container, self.query = container, query
        self.intent = Intent(actor)
        names = [f"Bushes {uuid4().hex[:6]}" for _ in range(3)]
        first = container.parts.create_category_with_sync(self.intent, names[0], None, None)["id"]
        others = [container.parts.create_category_with_sync(self.intent, name, first, None)["id"] for name in names[1:]]
        self.categories = [first, *others]
        self.new_part = new_part
        self.parts = [new_part(category_id=first, manufacturer="Ferrum") for _ in range(6)]

    def chosen(self, dice: random.Random, hand: psycopg.Connection[Any]) -> Work:
        """Return something to do, by the application or by hand."""
        parts, part = self.container.parts, dice.choice(self.parts)
        category, said = dice.choice([*self.categories, None]), says(dice)
        values: dict[str, Any] = dice.choice(
            [{"category_id": category}, {"manufacturer": dice.choice(MAKERS)}, {"status": dice.choice(["draft", "published"])}]
        )
        columns = ", ".join(f"{name} = %s" for name in values)
        by_hand: list[tuple[str, list[Any]]] = [
            (f"UPDATE parts SET {columns} WHERE id = %s", [*values.values(), part]),
            ("UPDATE parts SET archived_at = CASE WHEN archived_at IS NULL THEN now() END WHERE id = %s", [part]),
            ("UPDATE stock_levels SET current_stock = %s WHERE part_id = %s", [dice.randint(0, 1), part]),
            ("DELETE FROM part_specifications WHERE part_id = %s AND value = %s", [part, dice.choice("abc")]),
            ("UPDATE part_specifications SET part_id = %s WHERE part_id = %s", [dice.choice(self.parts), part]),
            (
                "INSERT INTO part_specifications (part_id, name, value) VALUES (%s, 'Bore', %s), (%s, 'Colour', 'red')",
                [part, dice.choice("abc"), part],
            ),
        ]
        return dice.choice(
            [
                partial(parts.update_specifications_with_sync, self.intent, part, said),
                partial(parts.update_part_content_with_sync, self.intent, part, values),
                partial(parts.archive_part_with_sync, self.intent, part),
                partial(parts.restore_part_with_sync, self.intent, part),
                partial(parts.update_stock_with_sync, self.intent, part, {"current_stock": dice.randint(0, 1)}),
                partial(self.new_part, stock=dice.randint(0, 1), category_id=category, manufacturer=dice.choice(MAKERS)),
                *(partial(hand.execute, *one) for one in by_hand),
            ]
        )

    def kept(self, kind: str) -> list[dict[str, Any]]:
        """Return the counts of a kind that are not nothing."""
        return self.query(f"""
            SELECT {KEPT[kind]}, sum(count) AS count
            FROM (SELECT {KEPT[kind]}, count FROM {kind}_counts UNION ALL SELECT {KEPT[kind]}, change FROM {kind}_changes) kept
            GROUP BY {KEPT[kind]} HAVING sum(count) <> 0 ORDER BY {KEPT[kind]}
        """)

    def assert_right(self) -> None:
        for kind, columns in KEPT.items():
            assert self.kept(kind) == self.query(f"{COUNTED[kind]} ORDER BY {columns}"), kind

    def facets(self, **narrowed: Any) -> dict[str, Any]:
        with self.container.reading.connect() as connection:
            return load_facets(connection, PartFilters(**narrowed))

    def fold(self) -> None:
        while facet_counts.fold(self.container.engine, 100):
            pass


@pytest.fixture
def shop(container: Container, actor: Actor, query: Query, new_part: Callable[..., int]) -> Shop:
    return Shop(container, actor, query, new_part)


@pytest.fixture
def hands(container: Container) -> Iterator[list[psycopg.Connection[Any]]]:
    """Connections as psql has them, one for each writer."""
    url = container.settings.database_url.replace("postgresql+psycopg://", "postgresql://")
    made = [psycopg.connect(url, autocommit=True) for _ in range(4)]
    yield made
    for connection in made:
        connection.close()


def test_counts_are_right_whoever_writes_at_the_same_time(shop: Shop, hands: list[psycopg.Connection[Any]]) -> None:
    # Nobody touches this one, so that there is something to be counted, whatever becomes of the others.
    calm = shop.new_part(category_id=shop.categories[0], manufacturer="Ferrum")
    shop.container.parts.update_specifications_with_sync(shop.intent, calm, says(random.Random(1)))
    stop = threading.Event()
    done: list[str] = []

    def write(number: int, hand: psycopg.Connection[Any]) -> None:
        dice = random.Random(number)
        for _ in range(60):
            try:
                shop.chosen(dice, hand)()
                done.append("written")
            except REFUSALS as error:
                done.append(type(error).__name__)

    def fold() -> None:
        while not stop.is_set():
            facet_counts.fold(shop.container.engine, 3)

    with ThreadPoolExecutor(len(hands) + 2) as pool:
        folding = [pool.submit(fold) for _ in range(2)]
        try:
            for writer in [pool.submit(write, *one) for one in enumerate(hands)]:
                writer.result()
        finally:
            stop.set()
        for one in folding:
            one.result()
    assert done.count("written") > len(done) / 2
    assert shop.kept("feature")
    assert shop.kept("group")
    shop.assert_right()
    shop.fold()
    shop.assert_right()
    assert shop.query("SELECT FROM feature_changes UNION ALL SELECT FROM group_changes") == []


def test_facets_of_kept_counts_are_those_of_counting(
    shop: Shop, hands: list[psycopg.Connection[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    dice = random.Random(8)
    for _ in range(80):
        try:
            shop.chosen(dice, hands[0])()
        except REFUSALS:
            continue
    hands[0].execute("UPDATE parts SET status = 'published', archived_at = NULL WHERE id = ANY(%s)", [shop.parts])
    for number, part in enumerate(shop.parts):
        shop.container.parts.update_specifications_with_sync(shop.intent, part, says(dice))
        hands[0].execute("INSERT INTO prices (part_id, currency, amount) VALUES (%s, 'EUR', %s)", [part, number + 1])
    said = [{"specifications": (SpecificationFilter(name, ("a",)),)} for name in NAMES]
    asked: list[dict[str, Any]] = [{}, {"manufacturer": "Ferrum"}, {"in_stock": True}, *said]
    asked += [{"category": str(category), **more} for category in shop.categories for more in asked]
    asked.append({"category": "no-such"})
    kept = [shop.facets(**one) for one in asked]
    shop.fold()
    assert [shop.facets(**one) for one in asked] == kept
    assert any(one["specifications"] and one["price"] for one in kept)
    monkeypatch.setattr(PartFilters, "cuts_groups", True)
    monkeypatch.setattr(counts, "MOSTLY", 1)
    monkeypatch.setattr(counts, "_SAID_BY_OTHERS", counts._SAID_BY_MISSING.format(place=0, missed=1))
    assert [shop.facets(**one) for one in asked] == kept


def test_facets_of_most_parts_of_a_category_are_those_of_counting(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    dice = random.Random(9)
    for number in range(30):
        name, stock = ("Sleeve" if number % 6 == 5 else "Bush"), number % 5
        category, maker = shop.categories[number % 3], MAKERS[number % 3]
        part = shop.new_part(stock=stock, category_id=category, part_name=name, manufacturer=maker)
        if number % 7:
            shop.container.parts.update_specifications_with_sync(shop.intent, part, says(dice))
    narrowed: list[dict[str, Any]] = [
        {"words": ("bush",)}, {"words": ("sleeve",)}, {"words": ("bush",), "in_stock": True}, {"words": ("none",)},
        {"in_stock": True}, {"in_stock": False}, {"manufacturer": "Ferrum"},
    ]  # fmt: skip
    asked = [{"category": str(category), **more} for category in shop.categories for more in narrowed]
    monkeypatch.setattr(counts, "MOSTLY", 1)
    counted = [shop.facets(**one) for one in asked]
    assert sum(bool(one["specifications"]) for one in counted) > len(counted) / 2
    for mostly in (0, 0.7):
        monkeypatch.setattr(counts, "MOSTLY", mostly)
        assert [shop.facets(**one) for one in asked] == counted
        shop.fold()


def test_one_specification_that_is_changed_changes_two_counts(shop: Shop) -> None:
    said = [{"name": name, "value": "a", "unit": "", "group": ""} for name in NAMES]
    shop.container.parts.update_specifications_with_sync(shop.intent, shop.parts[0], said)
    shop.fold()
    said[0] |= {"value": "b"}
    shop.container.parts.update_specifications_with_sync(shop.intent, shop.parts[0], said)
    assert shop.query("SELECT change FROM feature_changes ORDER BY change") == [{"change": -1}, {"change": 1}]
    shop.assert_right()


def test_what_is_counted_is_forgotten_and_made_anew_with_the_search(shop: Shop, make_search_anew: Work) -> None:
    make_search_anew()
    shop.assert_right()
    shop.fold()
    make_search_anew()
    shop.assert_right()


def test_wrong_counts_are_found_and_put_right(shop: Shop) -> None:
    shop.container.parts.update_specifications_with_sync(shop.intent, shop.parts[0], says(random.Random(1)))
    shop.fold()
    first, *_others = shop.categories
    shop.query(
        """
        UPDATE feature_counts SET count = count + 7
        WHERE category_id = :id AND key = (SELECT min(key) FROM feature_counts WHERE category_id = :id)
        """,
        id=first,
    )
    shop.query(
        "INSERT INTO group_changes (category_id, manufacturer, in_stock, change) VALUES (:id, 'Nobody', true, 2)", id=first
    )
    shop.query("INSERT INTO group_counts (category_id, manufacturer, in_stock, count) VALUES (NULL, NULL, true, 1)")
    with shop.container.reading.connect() as connection:
        assert [facet_counts.recount(connection, one) for one in (first, None, first, None)] == [2, 1, 0, 0]
    shop.assert_right()
