"""Lists are dropped by changes of what they look at, in the categories that they show, and by nothing else."""

import random
from collections.abc import Callable
from decimal import Decimal
from time import time
from typing import Any
from uuid import uuid4

import orjson
import psycopg
import pytest
from psycopg.types.json import Jsonb
from redis import Redis
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from app.cache.manager import Result
from app.container import Container
from app.contract.events import Actor, EventType, ListFacet
from app.domain.pricing import PriceLine
from app.domain.search import words_of
from app.domain.stock import set_quantities
from app.services.catalog import JUST_RESTOCKED
from app.services.intent import Intent
from app.services.product_page import product_page
from app.store import cached_lists, catalog, locks, outbox, restocked, stock
from app.store.listing.filters import PartFilters
from app.store.listing.pages import list_part_ids
from app.store.restocked import MAX_RESTOCKED
from app.store.specifications.reading import read_all
from app.sync.invalidations import invalidations_of

Query = Callable[..., list[dict[str, Any]]]
IN_STOCK: dict[str, Any] = {"in_stock": True, "currency": "EUR"}


class Store:
    """Categories with parts, and whoever edits them."""

    def __init__(self, container: Container, actor: Actor, categories: int, parts: int) -> None:
        self.container, self.actor = container, actor
        self.services = container.parts
        tag = uuid4().hex[:8]
        create = self.services.create_category_with_sync
        self.top = create(Intent(actor), f"Top {tag}", None, None)["id"]
        self.categories = [create(Intent(actor), f"C{number} {tag}", self.top, None)["id"] for number in range(categories)]
        self.parts = [self._part(category, f"{number} {tag}") for category in self.categories for number in range(parts)]

    def _part(self, category: int, name: str) -> int:
        values = {"sku": uuid4().hex, "part_name": f"Part {name}", "manufacturer": "ACME", "category_id": category}
        prices, stock = [PriceLine("EUR", Decimal(1))], {"current_stock": 1}
        intent = Intent(self.actor)
        return self.services.create_part_with_sync(intent, values | {"status": "published"}, [], prices, stock)["id"]

    def price(self, part_id: int, amount: str) -> None:
        self.services.update_prices_with_sync(Intent(self.actor), part_id, [PriceLine("EUR", Decimal(amount))])

    def stock(self, part_id: int, count: int) -> None:
        self.services.update_stock_with_sync(Intent(self.actor), part_id, {"current_stock": count})

    def change(self, part_id: int, **columns: object) -> None:
        self.services.update_part_content_with_sync(Intent(self.actor), part_id, columns)

    def listed(self, category: int, sort: str = "name", **filters: Any) -> Result:
        return self.services.catalog.list_parts(PartFilters(category=str(category), **filters), sort, None, 24).result


@pytest.fixture
def store(container: Container, actor: Actor, deliver: Callable[[], None]) -> Store:
    made = Store(container, actor, categories=4, parts=3)
    deliver()
    return made


def edits(store: Store, dice: random.Random) -> list[Callable[[], None]]:
    """Return one edit of each kind that staff make all day, of a random part."""
    part = dice.choice(store.parts)
    return [
        lambda: store.stock(part, dice.randrange(50)),
        lambda: store.price(part, f"{dice.randrange(1, 99)}.50"),
        lambda: store.change(part, part_name=f"Part {dice.randrange(10**9)}"),
        lambda: store.change(part, description=f"words {dice.randrange(10**9)}"),
    ]


def test_of_a_hundred_category_lists_four_in_five_reads_are_hits_at_ten_edits_a_second(
    container: Container, actor: Actor, deliver: Callable[[], None]
) -> None:
    """Ten edits anywhere between a hundred reads, as in a second of a busy shop; lists of every sort, and product pages."""
    store, dice = Store(container, actor, categories=100, parts=5), random.Random(5)
    deliver()
    questions = [("name", {}), ("newest", {}), ("price", {"currency": "EUR"}), ("name", IN_STOCK)]
    asked = [(category, *question) for category in store.categories for question in questions]

    def read() -> list[Result]:
        category, sort, filters = dice.choice(asked)
        return [
            store.listed(category, sort, **filters),
            product_page(store.services.catalog, str(dice.choice(pages))).result,
        ]

    for category, sort, filters in asked:
        store.listed(category, sort, **filters)
    pages = store.parts[::5]
    for part_id in pages:
        product_page(store.services.catalog, str(part_id))
    found = []
    for _second in range(5):
        for _edit in range(10):
            dice.choice(edits(store, dice))()
            found += [result for _ in range(10) for result in read()]
        deliver()
    assert found.count(Result.HIT) >= 0.8 * len(found), {result: found.count(result) for result in Result}


def test_whatever_is_edited_every_cached_list_says_what_the_database_says(store: Store, deliver: Callable[[], None]) -> None:
    dice, reader = random.Random(7), store.services.catalog
    questions: list[dict[str, Any]] = [
        {"category": str(category), **filters}
        for category in (store.top, *store.categories)
        for filters in (IN_STOCK, {"max_price": "50", "currency": "EUR"}, {"manufacturer": "ACME"}, {"words": ("part",)})
    ]
    sorts = ("name", "price")

    def check(said: str) -> None:
        for filters in questions:
            question = {"filters": reader._looked_up(PartFilters(**filters))}
            pages = [("page", {**question, "sort": sort, "after": None, "limit": 24}) for sort in sorts]
            for kind, query in [*pages, ("facets", question)]:
                cached, _result = reader.lookup("list", kind, query)
                assert cached == fresh(store.container, kind, query), (said, kind, query)

    moves = [
        lambda part: store.change(part, category_id=dice.choice(store.categories)),
        lambda part: store.change(part, manufacturer=dice.choice(["ACME", "Other", None])),
        lambda part: store.change(part, status=dice.choice(["draft", "published"])),
        lambda part: store.services.update_category_with_sync(
            Intent(store.actor), dice.choice(store.categories), {"parent_id": dice.choice([None, store.top])}
        ),
    ]
    check("at first")
    for step in range(15):
        kinds: list[Callable[[], None]] = [*edits(store, dice), lambda: dice.choice(moves)(dice.choice(store.parts))]
        number = step % len(kinds)
        kinds[number]()
        check(f"step {step}: edit {number}")
        if step % 5 == 0:
            deliver()


def fresh(container: Container, kind: str, query: dict[str, Any]) -> Any:
    with container.reading.connect() as connection:
        return orjson.loads(cached_lists.body(connection, kind, query))["answer"]


def test_what_comes_back_into_stock_is_news_until_it_runs_out_or_is_no_news_any_more(
    store: Store, deliver: Callable[[], None]
) -> None:
    def back(later: float = 0) -> list[int]:
        return [item["id"] for item in store.services.catalog.restocked(MAX_RESTOCKED, time() + later).body]

    first, second, draft, *others = store.parts
    # They were made with their stock.
    assert not {*store.parts} & {*back()}
    store.change(draft, status="draft")
    for part_id in (first, second, draft):
        store.stock(part_id, 0)
        assert part_id not in back()
        store.stock(part_id, 2)
    # The one that nobody saw while there was none is not back when it is shown.
    store.change(draft, status="published")
    assert back()[:2] == [second, first]
    assert draft not in back()
    deliver()
    back()
    store.price(others[0], "3")
    store.stock(others[0], 7)
    store.stock(second, 3)
    assert store.services.catalog.restocked(1, time()).result is Result.HIT
    store.stock(second, 0)
    assert back()[:1] == [first]
    store.change(first, status="draft")
    assert not {first, second} & {*back()}
    store.change(first, status="published")
    # By hand, with others that were not gone.
    with psycopg.connect(store.container.settings.database_url.replace("+psycopg", ""), autocommit=True) as hand:
        hand.execute("UPDATE stock_levels SET current_stock = 0 WHERE part_id = %s", [others[1]])
        hand.execute("UPDATE stock_levels SET current_stock = 5 WHERE part_id = ANY(%s)", [[second, *others[1:]]])
    # The next sweep proves the cache fresh again.
    store.container.consistency.process_retry_queue()
    assert {*back()[:2]} == {second, others[1]}
    assert back()[2] == first
    assert first not in back(later=JUST_RESTOCKED)


def test_what_has_run_out_again_or_is_not_shown_takes_no_place_among_what_is_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restocked, "MAX_RESTOCKED", 1)
    first, second = store.parts[:2]
    for part_id in (first, second):
        store.stock(part_id, 0)
        store.stock(part_id, 1)

    def back() -> list[int]:
        return [item["id"] for item in store.services.catalog.restocked(1, time()).body]

    assert back() == [second]
    store.stock(second, 0)
    assert back() == [first]
    store.stock(second, 1)
    store.change(second, status="draft")
    assert back() == [first]


def test_what_runs_out_while_its_part_moves_is_dropped_from_the_list_that_it_moved_to(
    store: Store, deliver: Callable[[], None]
) -> None:
    """The stock's writer has read the part where it was; nothing keeps it from moving before that writer commits."""
    here, there = store.categories[:2]
    part = store.parts[0]
    with store.container.transactions.atomic_operation(store.actor) as unit_of_work:
        row = locks.lock_stock(unit_of_work, part)
        stock.save(unit_of_work, row, set_quantities(stock.stock_of(row), {"current_stock": 0}), None)
        store.change(part, category_id=there)
        # Until an owed invalidation is settled, it is repeated again and again.
        deliver()
        # Read while the move is known, and the sale is not.
        assert store.listed(there, **IN_STOCK) is Result.MISS
        assert store.listed(here, **IN_STOCK) is Result.MISS
        committed = unit_of_work.commit()
    store.container.transactions.follow(committed)
    page = store.services.catalog.list_parts(PartFilters(category=str(there), **IN_STOCK), "name", None, 24)
    assert part not in [item["id"] for item in page.body.items]
    assert page.result is Result.MISS
    assert store.listed(here, **IN_STOCK) is Result.HIT


def test_lists_of_every_category_are_dropped_if_the_database_does_not_say_where_a_part_stands(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(_connection: Connection, _part_ids: Any) -> Any:
        raise OperationalError("SELECT", {}, Exception("away"))

    for category in store.categories:
        store.listed(category, **IN_STOCK)
    monkeypatch.setattr(catalog, "places", away)
    store.stock(store.parts[0], 0)
    assert [store.listed(category, **IN_STOCK) for category in store.categories] == [Result.MISS] * 4


def test_an_event_of_the_release_before_drops_the_lists_of_all_categories(store: Store, query: Query) -> None:
    """It says what lists look at less exactly, and not where."""
    store.change(store.parts[0], part_name="Renamed")
    (row,) = query("SELECT * FROM outbox_events WHERE aggregate_id = :id ORDER BY id DESC LIMIT 1", id=store.parts[0])
    assert row["payload"]["lists"] == ["content"]
    own = {name: value for name, value in row["payload"].items() if name not in {"facets", "places"}}
    with store.container.reading.connect() as connection:
        (event,) = outbox.events(connection, [row["id"]])
    assert (set(event.lists), event.places) == ({ListFacet.NAME, ListFacet.WORDS}, (store.categories[0],))
    with store.container.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox_events SET payload = %s WHERE id = %s", (Jsonb(own), row["id"]))
    for category in store.categories:
        store.listed(category)
    with store.container.reading.connect() as connection:
        (event,) = outbox.events(connection, [row["id"]])
    assert (event.type, event.places) == (EventType.CONTENT_UPDATED, None)
    store.container.cache.invalidate(invalidations_of([event], store.container.reading.connect))
    # Where the part is now would not say where it was before.
    assert [store.listed(category) for category in store.categories] == [Result.MISS] * 4


def test_a_search_that_says_what_a_specification_does_follows_what_parts_specify(
    store: Store, deliver: Callable[[], None]
) -> None:
    first, second, *_others = store.parts

    def say(part_id: int, bore: str) -> None:
        said = [{"name": "Bore", "value": bore, "unit": "mm", "group": ""}]
        store.services.update_specifications_with_sync(Intent(store.actor), part_id, said)

    def searched(typed: str, sort: str = "relevance") -> tuple[list[int], Result]:
        page = store.services.catalog.list_parts(PartFilters(words_of(typed)), sort, None, 24)
        return [item["id"] for item in page.body.items], page.result

    def suggested() -> list[int]:
        return [item["id"] for item in store.services.catalog.suggest(words_of("bore 10mm"), 5).body["parts"]]

    for part_id, bore in ((first, "8"), (second, "10")):
        store.change(part_id, description="bore 10mm")
        say(part_id, bore)
    deliver()
    assert searched("bore 10mm")[0] == suggested() == [second, first]
    assert searched("bore 10mm")[1] is Result.HIT
    others = [("bore", "relevance"), ("bore 10", "name"), ("10mm", "relevance")]
    for other in (*others, ("bore 10mm", "name")):
        searched(*other)
    say(second, "8")
    say(first, "10")
    assert searched("bore 10mm") == ([first, second], Result.MISS)
    assert suggested() == [first, second]
    assert [searched(*other)[1] for other in others] == [Result.HIT] * 3
    # If no text had the words, it would be these parts in any order.
    assert searched("bore 10mm", "name")[1] is Result.MISS


def test_a_search_that_says_what_a_specification_does_follows_all_that_customers_see_and_nothing_else(
    store: Store, deliver: Callable[[], None]
) -> None:
    """Of two names the one that has more of the words is meant, wherever a part says so, once customers see it."""
    first, second, *_others, elsewhere = store.parts
    store.change(elsewhere, status="draft")
    filters = PartFilters(words_of("10mm bore diameter"), category=str(store.categories[0]))

    def say(part_id: int, name: str, bore: str) -> None:
        said = [{"name": name, "value": bore, "unit": "mm", "group": ""}]
        store.services.update_specifications_with_sync(Intent(store.actor), part_id, said)

    def searched() -> tuple[list[int], Result]:
        page = store.services.catalog.list_parts(filters, "relevance", None, 24)
        with store.container.reading.connect() as connection:
            made = list_part_ids(connection, filters, "relevance", None, 24)
        found = [item["id"] for item in page.body.items]
        assert found == made.ids
        return found, page.result

    for part_id in (first, second):
        store.change(part_id, description="bore diameter 10mm")
    say(second, "Bore", "10")
    deliver()
    assert searched()[0] == [second, first]
    say(elsewhere, "Bore diameter", "10")
    deliver()
    # By something else that looks at it.
    with store.container.reading.connect() as connection:
        read_all(connection)
    assert searched() == ([second, first], Result.HIT)
    store.change(elsewhere, status="published")
    assert searched() == ([first, second], Result.MISS)
    deliver()
    searched()
    say(elsewhere, "Bore diameter", "11")
    assert searched() == ([second, first], Result.MISS)


def test_what_nobody_reads_takes_no_memory_in_the_cache(store: Store, valkey: Redis) -> None:
    prefix = store.container.settings.prefix
    store.services.catalog.part(store.parts[0])
    for part_id in store.parts[:3]:
        store.stock(part_id, 7)
        store.change(part_id, description="edited")
    keys = [key.decode() for part_id in store.parts[:3] for key in valkey.scan_iter(f"{prefix}part:{part_id}*", count=10_000)]
    assert keys
    assert all(key.split(":")[-2] == str(store.parts[0]) or key.endswith(f":{store.parts[0]}") for key in keys)
