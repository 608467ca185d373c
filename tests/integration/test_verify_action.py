"""What follows every operation of staff in audit trail, history, cache and open pages (after Zulip's `verify_action`)."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4

import orjson
import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import text

from app.cache.manager import CacheManager, Clients, Result
from app.container import Container
from app.contract import rooms
from app.contract.events import Actor, ListFacet
from app.contract.task_names import Effect
from app.domain.pictures import shown
from app.domain.pricing import PriceLine
from app.domain.search import words_of
from app.services import legacy_prices
from app.services.bulk import Manner
from app.services.catalog import Answer, CatalogReader
from app.services.images import kept_picture
from app.services.imports import passes
from app.services.intent import Intent
from app.services.product_page import product_page
from app.services.versions import Wish
from app.store.listing.filters import PartFilters
from app.store.paging import FoundPage
from app.sync.reconciliation.cached_copies import differing_parts
from tests.sample_pictures import jpeg

Query = Callable[..., list[dict[str, Any]]]
EUR = [PriceLine("EUR", Decimal("9.90"))]


@dataclass
class Shop:
    """What an operation works on."""

    container: Container
    actor: Actor
    part_id: int
    sku: str
    # Another part, which shares its category.
    neighbour: int
    top: int = 0
    leaf: int = 0

    def change(self, **columns: object) -> None:
        self.container.parts.update_part_content_with_sync(Intent(self.actor, reason="because"), self.part_id, columns)

    def stock(self, **quantities: int) -> None:
        self.container.parts.update_stock_with_sync(Intent(self.actor, reason="because"), self.part_id, quantities)

    def adjust(self, delta: int) -> None:
        self.container.parts.adjust_stock_with_sync(Intent(self.actor, reason="because"), self.part_id, delta)

    def stocks(self, delta: int) -> None:
        changes = [{"part_id": self.part_id, "delta": delta}]
        self.container.parts.change_stocks_with_sync(Intent(self.actor, reason="because"), changes, Manner())

    def places(self, **wanted: object) -> None:
        changes = [{"part_id": self.part_id, **wanted}]
        self.container.parts.place_parts_with_sync(Intent(self.actor, reason="because"), changes, Manner())

    def price(self, lines: list[PriceLine]) -> None:
        self.container.parts.update_prices_with_sync(Intent(self.actor, reason="because"), self.part_id, lines)

    def archive(self) -> None:
        self.container.parts.archive_part_with_sync(Intent(self.actor), self.part_id)

    def restore(self) -> None:
        self.container.parts.restore_part_with_sync(Intent(self.actor), self.part_id)

    def category(self) -> int:
        return int(self.container.parts.create_category_with_sync(Intent(self.actor), uuid4().hex, None, None)["id"])

    def place(self) -> None:
        """Put the part into a category below another one."""
        made = self.container.parts.create_category_with_sync(Intent(self.actor), f"Top {self.part_id}", None, None)
        self.top = made["id"]
        self.leaf = self.container.parts.create_category_with_sync(Intent(self.actor), f"Leaf {self.part_id}", self.top, None)[
            "id"
        ]
        self.change(category_id=self.leaf)
        self.container.parts.update_part_content_with_sync(Intent(self.actor), self.neighbour, {"category_id": self.leaf})

    def change_category(self, category_id: int, **changes: object) -> None:
        self.container.parts.update_category_with_sync(Intent(self.actor), category_id, changes)

    def create_part(self) -> None:
        values = {"sku": f"Second {self.sku}", "part_name": "Another", "status": "published", "category_id": self.leaf}
        self.container.parts.create_part_with_sync(Intent(self.actor), values, [], EUR, {"current_stock": 1})

    def create_category(self) -> None:
        self.container.parts.create_category_with_sync(Intent(self.actor), f"New {self.part_id}", self.top, None)

    def leave_leaf(self) -> None:
        self.change(category_id=self.top)

    def delete_leaf(self) -> None:
        self.container.parts.delete_category_with_sync(Intent(self.actor), self.leaf, self.top)

    def price_soon(self) -> None:
        begins = datetime.now(UTC) + timedelta(milliseconds=300)
        self.price([*EUR, PriceLine("EUR", Decimal("5.00"), 1, begins)])

    def wait_for_the_price(self) -> None:
        end = time.monotonic() + 10
        while self.container.parts.admin.part(self.part_id)["versions"]["price"] < 3:
            assert time.monotonic() < end, "the price never began"
            self.container.price_dates.apply()

    def legacy(self) -> None:
        with self.container.engine.begin() as connection:
            statement = text("INSERT INTO prices (part_id, amount, currency) VALUES (:id, 5, 'EUR')")
            connection.execute(statement, {"id": self.part_id})

    def move_prices(self) -> None:
        legacy_prices.move_prices(self.container.transactions, self.container.reading, self.actor, dry_run=False)

    def specify(self, *names: str) -> None:
        given = [{"name": name, "value": "10", "unit": "mm", "group": ""} for name in names]
        self.container.parts.update_specifications_with_sync(Intent(self.actor, reason="because"), self.part_id, given)

    def image(self) -> None:
        picture = kept_picture(self.container.storage, jpeg())
        self.container.parts.add_image_with_sync(Intent(self.actor, reason="because"), self.part_id, picture, "A bearing")

    def images(self) -> list[int]:
        return [image["id"] for image in self.container.parts.admin.part(self.part_id)["images"]]

    def turn_images(self) -> None:
        self.container.parts.order_images_with_sync(Intent(self.actor, reason="because"), self.part_id, self.images()[::-1])

    def describe_image(self) -> None:
        self.container.parts.describe_image_with_sync(
            Intent(self.actor, reason="because"), self.part_id, self.images()[0], "Newer"
        )

    def delete_image(self) -> None:
        self.container.parts.delete_image_with_sync(Intent(self.actor, reason="because"), self.part_id, self.images()[0])

    def keep_versions(self) -> None:
        self.container.deliveries.deliver(Effect.SNAPSHOT_CONTENT)

    def restore_version(self, *fields: str) -> None:
        self.container.parts.restore_version_with_sync(Intent(self.actor, reason="because"), Wish(self.part_id, 1, fields))

    def import_row(self, prefix: str = "") -> None:
        file = f"sku,part_name,current_stock,price,currency,Bore\n{prefix}{self.sku},Imported,55,3.30,EUR,10\n"
        passes.import_parts(self.container.transactions, self.container.reading, self.actor, lambda: StringIO(file))


# what happens before, the operation, the table and operation of its audit row, the columns that it says changed
OPERATIONS: dict[str, tuple[list[Callable[[Shop], None]], Callable[[Shop], None], tuple[str, str, set[str]]]] = {
    "sku": ([], lambda s: s.change(sku=f"NEW-{s.part_id}"), ("parts", "UPDATE", {"sku"})),
    "name": ([], lambda s: s.change(part_name="Newer"), ("parts", "UPDATE", {"part_name"})),
    "description": ([], lambda s: s.change(description="a\nb"), ("parts", "UPDATE", {"description"})),
    "category": ([], lambda s: s.change(category_id=s.category()), ("parts", "UPDATE", {"category_id", "category_path"})),
    "slug": ([], lambda s: s.change(slug=f"chosen-{s.part_id}"), ("parts", "UPDATE", {"slug"})),
    "specifications": (
        [lambda s: s.specify("Bore", "Width")], lambda s: s.specify("Width"),
        ("part_specifications", "UPDATE", {"specifications"}),
    ),
    "add an image": ([lambda s: s.image()], lambda s: s.image(), ("part_images", "INSERT", {"images"})),
    "order images": (
        [lambda s: s.image(), lambda s: s.image()], lambda s: s.turn_images(), ("part_images", "UPDATE", {"images"}),
    ),
    "describe an image": ([lambda s: s.image()], lambda s: s.describe_image(), ("part_images", "UPDATE", {"images"})),
    "delete an image": (
        [lambda s: s.image(), lambda s: s.image()], lambda s: s.delete_image(), ("part_images", "DELETE", {"images"}),
    ),
    "manufacturer": ([], lambda s: s.change(manufacturer="ACME"), ("parts", "UPDATE", {"manufacturer"})),
    "number": ([], lambda s: s.change(manufacturer_number="4711"), ("parts", "UPDATE", {"manufacturer_number"})),
    "unpublish": ([], lambda s: s.change(status="draft"), ("parts", "UPDATE", {"status"})),
    "publish": ([lambda s: s.change(status="draft")], lambda s: s.change(status="published"), ("parts", "UPDATE", {"status"})),
    "archive": ([], lambda s: s.archive(), ("parts", "DELETE", {"archived_at"})),
    "restore": ([lambda s: s.archive()], lambda s: s.restore(), ("parts", "UPDATE", {"archived_at"})),
    "restore a version": (
        [lambda s: s.change(part_name="Newer"), lambda s: s.specify("Bore"), lambda s: s.keep_versions()],
        lambda s: s.restore_version(), ("parts", "UPDATE", {"part_name", "specifications"}),
    ),
    "restore a field of a version": (
        [lambda s: s.change(part_name="Newer", description="more"), lambda s: s.keep_versions()],
        lambda s: s.restore_version("description"), ("parts", "UPDATE", {"description"}),
    ),
    "adjust stock": ([], lambda s: s.adjust(-10), ("stock_levels", "UPDATE", {"current_stock"})),
    "adjust the stock of many": ([], lambda s: s.stocks(-10), ("stock_levels", "UPDATE", {"current_stock"})),
    "archive many": ([], lambda s: s.places(archived=True), ("parts", "DELETE", {"archived_at"})),
    "restore many": ([lambda s: s.archive()], lambda s: s.places(archived=False), ("parts", "UPDATE", {"archived_at"})),
    "withdraw many": ([], lambda s: s.places(status="draft"), ("parts", "UPDATE", {"status"})),
    "categorise many": (
        [lambda s: s.place()], lambda s: s.places(category_id=s.top), ("parts", "UPDATE", {"category_id", "category_path"}),
    ),
    "set stock": ([], lambda s: s.stock(current_stock=0), ("stock_levels", "UPDATE", {"current_stock"})),
    "reserve": ([], lambda s: s.stock(reserved_quantity=9), ("stock_levels", "UPDATE", {"reserved_quantity"})),
    "threshold": ([], lambda s: s.stock(min_stock_level=50), ("stock_levels", "UPDATE", {"min_stock_level"})),
    "price": ([], lambda s: s.price(EUR), ("part_prices", "UPDATE", {"prices"})),
    "no price": ([lambda s: s.price(EUR)], lambda s: s.price([]), ("part_prices", "UPDATE", {"prices"})),
    "delete a category": (
        [lambda s: s.place()], lambda s: s.delete_leaf(), ("parts", "UPDATE", {"category_id", "category_path"}),
    ),
    "a price begins by its date": (
        [lambda s: s.price_soon()], lambda s: s.wait_for_the_price(), ("part_prices", "UPDATE", {"price"}),
    ),
    "move legacy prices": ([lambda s: s.legacy()], lambda s: s.move_prices(), ("prices", "DELETE", {"prices", "legacy"})),
}  # fmt: skip
PICTURE = {"digest": "0" * 64, "extension": "jpg", "width": 640, "height": 480, "alt": "A lathe"}
# These change what parts' categories are called and where they stand, and no part. Which category, and the columns that change.
ON_THE_TREE: dict[str, tuple[list[Callable[[Shop], None]], Callable[[Shop], None], tuple[str, set[str]]]] = {
    "rename a category": ([lambda s: s.place()], lambda s: s.change_category(s.top, name=f"N {s.part_id}"), ("top", {"name"})),
    "move a category": ([lambda s: s.place()], lambda s: s.change_category(s.leaf, parent_id=None), ("leaf", {"parent_id"})),
    "give a category another address": (
        [lambda s: s.place()], lambda s: s.change_category(s.leaf, slug=f"s-{s.part_id}"), ("leaf", {"slug"}),
    ),
    "picture a category": ([lambda s: s.place()], lambda s: s.change_category(s.leaf, picture=PICTURE), ("leaf", {"picture"})),
}  # fmt: skip
# These change what lists show, and no part that is open.
ON_LISTS: dict[str, tuple[list[Callable[[Shop], None]], Callable[[Shop], None]]] = {
    "create a part": ([lambda s: s.place()], lambda s: s.create_part()),
    "import a part": ([], lambda s: s.import_row("New ")),
    "create a category": ([lambda s: s.place()], lambda s: s.create_category()),
    "delete an empty category": ([lambda s: s.place(), lambda s: s.leave_leaf()], lambda s: s.delete_leaf()),
}
EVERYTHING = {name: (before, operation) for name, (before, operation, _) in (OPERATIONS | ON_THE_TREE).items()} | ON_LISTS
# The operations above by the calls that do them, so that a new call cannot be forgotten.
CALLS = {
    "admin_parts.create_part": {"create a part"},
    "admin_parts.update_part": {
        "sku", "name", "description", "category", "slug", "manufacturer", "number", "unpublish", "publish"
    },
    "admin_parts.archive_part": {"archive"},
    "admin_parts.restore_part": {"restore"},
    "admin_parts.set_specifications": {"specifications"},
    "admin_parts.set_prices": {"price", "no price", "a price begins by its date"},
    "admin_images.add_image": {"add an image"},
    "admin_images.order_images": {"order images"},
    "admin_images.describe_image": {"describe an image"},
    "admin_images.delete_image": {"delete an image"},
    "admin_stock.set_stock": {"set stock", "reserve", "threshold"},
    "admin_stock.adjust_stock": {"adjust stock"},
    "admin_bulk.change_stocks": {"adjust the stock of many"},
    "admin_bulk.place_parts": {"withdraw many", "categorise many", "archive many", "restore many"},
    "admin_categories.create_category": {"create a category"},
    "admin_categories.update_category": {"rename a category", "move a category", "give a category another address"},
    "admin_categories.set_category_picture": {"picture a category"},
    "admin_categories.delete_category": {"delete a category", "delete an empty category"},
    "admin_versions.restore_version": {"restore a version", "restore a field of a version"},
    "admin_imports.start_import": {"import a part"},
    # Changes no part.
    "admin_imports.cancel_import": set(),
    # Its job does: tests/integration/test_undone_imports.py.
    "admin_imports.undo_import": set(),
}  # fmt: skip
# Where it is not the reason that was given.
REASONS = {
    "archive": None, "restore": None, "a price begins by its date": "price dates", "move legacy prices": "move-prices",
    "restore a version": "Restored version 1: because", "restore a field of a version": "Restored version 1: because",
    "delete a category": 'category "Leaf {id}" deleted',
}  # fmt: skip


def opened(container: Container, actor: Actor, new_part: Callable[..., int], **columns: object) -> Shop:
    """Return a shop with a part of these columns, and another one."""
    part_id = new_part(**columns)
    return Shop(container, actor, part_id, container.parts.admin.part(part_id)["sku"], new_part())


@pytest.fixture
def shop(container: Container, actor: Actor, new_part: Callable[..., int]) -> Shop:
    return opened(container, actor, new_part)


class Channel:
    """The Socket.IO channel between the processes, as a web process hears it."""

    def __init__(self, pubsub: Any) -> None:
        self._pubsub = pubsub

    def emits(self) -> list[dict[str, Any]]:
        found = []
        while (message := self._pubsub.get_message(timeout=0.05)) is not None:
            if message["type"] == "message":
                emit = orjson.loads(message["data"])
                found.append(emit | {"data": emit["data"][0] if isinstance(emit["data"], list) else emit["data"]})
        return found


@pytest.fixture
def channel(container: Container, valkey: Redis, deliver: Callable[[], None]) -> Iterator[Channel]:
    with valkey.pubsub() as pubsub:
        pubsub.subscribe(container.settings.prefix + rooms.CHANNEL)
        assert pubsub.get_message(timeout=5)["type"] == "subscribe"
        yield Channel(pubsub)


def page_after(held: dict[str, Any] | None, events: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Apply events to a page's state as the contract tells clients to."""
    for event in events:
        kind, data = event["type"], event["data"]
        if kind == "part.deleted":
            held = None
        elif kind == "part.restored":
            return {"watch again": True}
        elif held is not None:
            aspect = kind.split(".")[0]
            if event["version"] <= held["versions"][aspect]:
                continue
            held = held | {"versions": held["versions"] | {aspect: event["version"]}}
            held["updated_at"] = max(held["updated_at"], data["updated_at"])
            if aspect == "content":
                held |= {name: value for name, value in data.items() if name != "updated_at"}
            elif aspect == "stock":
                held["stock"] = {name: value for name, value in data.items() if name != "updated_at"}
            else:
                held["price"] = data["price"]
    return held


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_page_changed_by_the_events_alone_equals_a_fresh_read(
    name: str, shop: Shop, channel: Channel, deliver: Callable[[], None]
) -> None:
    before, operation, _ = OPERATIONS[name]
    for step in before:
        step(shop)
    deliver()
    channel.emits()
    page = shop.container.parts.catalog.part(shop.part_id).body
    operation(shop)
    deliver()
    emits = [e for e in channel.emits() if e["namespace"] == rooms.CUSTOMERS and e["room"] == rooms.part_room(shop.part_id)]
    events = [e["data"] for e in emits]
    assert [(e["event"], event["part_id"]) for e, event in zip(emits, events, strict=True)] == [(events[0]["type"], shop.part_id)]
    fresh = shop.container.parts.catalog.part(shop.part_id).body
    after = page_after(page, events)
    assert after == ({"watch again": True} if name in {"publish", "restore", "restore many"} else fresh)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_panel_hears_of_every_operation_with_its_author(
    name: str, shop: Shop, channel: Channel, deliver: Callable[[], None]
) -> None:
    before, operation, _ = OPERATIONS[name]
    for step in before:
        step(shop)
    deliver()
    channel.emits()
    operation(shop)
    deliver()
    heard = [e["data"] for e in channel.emits() if e["namespace"] == rooms.ADMIN]
    (event,) = [data for data in heard if data.get("part_id") == shop.part_id]
    assert event["actor"] == {"id": shop.actor.user_id, "name": shop.actor.name}


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_audit_trail_says_who_what_whence_and_why(name: str, shop: Shop, deliver: Callable[[], None], query: Query) -> None:
    before, operation, (table, kind, columns) = OPERATIONS[name]
    for step in before:
        step(shop)
    first = shop.container.parts.admin.part(shop.part_id)
    deliver()
    operation(shop)
    deliver()
    row = query("SELECT * FROM data_change_logs WHERE part_id = :id ORDER BY id DESC LIMIT 1", id=shop.part_id)[0]
    assert (row["table_name"], row["operation"]) == (table, kind)
    assert row["old_values"].keys() == row["new_values"].keys() == columns | {"version"}
    assert row["new_values"]["version"] == row["old_values"]["version"] + 1 == row["version"]
    # Nobody asks for a date to come.
    actor = Actor(shop.actor.user_id, "") if name == "a price begins by its date" else shop.actor
    assert (row["changed_by"], row["ip_address"], row["user_agent"], row["request_id"]) == (
        actor.user_id, actor.ip_address, actor.user_agent, actor.request_id,
    )  # fmt: skip
    reason = REASONS.get(name, "because")
    assert row["reason"] == (reason and reason.format(id=shop.part_id))
    # The trail keeps of a picture what its row says, and not what pages make of it.
    old = row["old_values"] | {"images": [shown(image) for image in row["old_values"].get("images", [])]}
    for column in columns & first.keys() - {"archived_at", "price"}:
        assert old[column] == first[column]


@pytest.mark.parametrize("name", ON_THE_TREE)
def test_a_change_of_the_tree_is_one_event_from_which_a_page_knows_to_read_the_tree_again(
    name: str, shop: Shop, channel: Channel, deliver: Callable[[], None], query: Query
) -> None:
    before, operation, (which, columns) = ON_THE_TREE[name]
    for step in before:
        step(shop)
    deliver()
    channel.emits()
    catalog = shop.container.parts.catalog
    tree = catalog.categories().body
    page, token = catalog.part(shop.part_id).body, catalog.catalog_token([ListFacet.CATEGORIES])
    newest = query("SELECT max(id) AS id FROM outbox_events")[0]["id"]
    operation(shop)
    deliver()
    (event,) = query("SELECT event_id, type, aggregate_id FROM outbox_events WHERE id > :newest", newest=newest)
    assert (event["type"], event["aggregate_id"]) == ("category.updated", getattr(shop, which))
    emits = channel.emits()
    (heard,) = [e["data"] for e in emits if e["namespace"] == rooms.ADMIN]
    assert (heard["id"], heard["actor"]) == (str(event["event_id"]), {"id": shop.actor.user_id, "name": shop.actor.name})
    told = {e["event"]: e for e in emits if e["namespace"] == rooms.CUSTOMERS}
    assert told.keys() == {"catalog.changed", "categories.changed"}
    news = told["categories.changed"]
    assert news["room"] == rooms.CATEGORIES_ROOM
    assert news["data"]["categories"] != token
    # What the page does then: the part's category by its id, as the tree has it.
    nodes = {node["id"]: node for node in catalog.categories().body}
    assert [*nodes.values()] != tree
    path, at = [], page["category"]["id"]
    while at is not None:
        path.insert(0, {field: nodes[at][field] for field in ("id", "name", "slug")})
        at = nodes[at]["parent_id"]
    fresh = catalog.part(shop.part_id).body
    # A part shows its category's name and place, and not its picture.
    assert (fresh != page) == (columns != {"picture"})
    assert fresh == page | {"category": {**path[-1], "path": path}}
    (row,) = query("SELECT * FROM data_change_logs WHERE event_id = :id", id=event["event_id"])
    assert (row["table_name"], row["operation"], row["record_id"]) == ("categories", "UPDATE", getattr(shop, which))
    assert row["old_values"].keys() == row["new_values"].keys() == columns | {"version"}
    assert (row["changed_by"], row["request_id"]) == (shop.actor.user_id, shop.actor.request_id)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_cache_holds_what_the_database_says_right_after_the_write(name: str, shop: Shop) -> None:
    before, operation, _ = OPERATIONS[name]
    shop.container.parts.catalog.part(shop.part_id)
    for step in before:
        step(shop)
    operation(shop)
    assert differing_parts(shop.container.reading, shop.container.cache, [shop.part_id]) == {}
    shop.container.parts.catalog.part(shop.part_id)
    assert differing_parts(shop.container.reading, shop.container.cache, [shop.part_id]) == {}


def test_every_call_that_changes_the_catalog_is_among_the_operations(app: Flask) -> None:
    writes = {rule.endpoint for rule in app.url_map.iter_rules() if rule.methods and rule.methods & {"POST", "PUT", "DELETE"}}
    elsewhere = ("admin_sync.", "admin_people.")
    assert {name for name in writes if name.startswith("admin_") and not name.startswith(elsewhere)} == CALLS.keys()
    assert EVERYTHING.keys() - set().union(*CALLS.values()) == {"move legacy prices"}


def answers(reader: CatalogReader, shop: Shop, slug: str) -> dict[str, Any]:
    """Return whatever customers can ask that shows the shop's part or its categories."""
    own, kept = PartFilters(words=words_of(shop.sku)), {"limit": 50, "after": None}
    narrowed = [
        own, replace(own, in_stock=True), replace(own, max_price="9.00"), replace(own, manufacturer="ACME"),
        *(PartFilters(category=str(category)) for category in (shop.top, shop.leaf)),
        *(replace(own, category=str(category), in_stock=True, max_price="9.00") for category in (shop.top, shop.leaf)),
    ]  # fmt: skip
    found: dict[str, Any] = {"part": reader.part(shop.part_id), "categories": reader.categories()}
    for filters in narrowed:
        found |= {f"{sort} {filters}": reader.list_parts(filters, sort, **kept) for sort in ("name", "price", "newest")}
        found[f"facets {filters}"] = reader.facets(filters)
    found |= {f"page of {one}": product_page(reader, one) for one in (str(shop.part_id), slug, str(shop.neighbour))}
    return found


@pytest.mark.parametrize("name", EVERYTHING)
def test_no_answer_from_the_cache_differs_from_the_database_after_the_write_and_lists_that_differ_are_announced(
    name: str, shop: Shop, channel: Channel, deliver: Callable[[], None], valkey: Redis
) -> None:
    before, operation = EVERYTHING[name]
    for step in before:
        step(shop)
    deliver()
    slug = shop.container.parts.admin.part(shop.part_id)["slug"]
    # Of its freshness this one has no proof, so it asks the database.
    past_the_cache = CatalogReader(
        shop.container.reading, CacheManager(Clients(valkey, valkey, valkey, "other:"), lambda _kind, _result: None)
    )
    shop.container.consistency.process_retry_queue()
    held = answers(shop.container.parts.catalog, shop, slug)
    assert Result.BYPASS not in {answer.result for answer in held.values()}
    channel.emits()
    token = shop.container.parts.catalog.catalog_token()
    operation(shop)
    cached, fresh = answers(shop.container.parts.catalog, shop, slug), answers(past_the_cache, shop, slug)
    assert {question: answer.body for question, answer in cached.items()} == {q: answer.body for q, answer in fresh.items()}
    deliver()
    tokens = [e["data"]["catalog"] for e in channel.emits() if e["event"] == "catalog.changed"]
    assert token not in tokens
    if {question: listed(answer) for question, answer in held.items()} != {q: listed(answer) for q, answer in fresh.items()}:
        assert tokens


def listed(answer: Answer) -> Any:
    """Return of an answer what events of parts do not tell: which parts there are, how many, and in which categories."""
    match answer.body:
        case FoundPage():
            return [item["id"] for item in answer.body.items]
        case {"part": _, "related": related}:
            return [item["id"] for item in related]
        case {"sku": _}:
            return None
        case body:
            return body


LISTS = ("list by name", "list by price", "list in stock", "list of a manufacturer")
FACETS = ("facets", "facets of its category")


@pytest.mark.parametrize(
    ("operation", "dropped"),
    [
        (lambda s: s.stock(current_stock=9), set()),
        # Pages name parts of the category that are in stock.
        (lambda s: s.stock(current_stock=0), {"list in stock", *FACETS, "page", "page of a neighbour"}),
        (lambda s: s.price([PriceLine("EUR", Decimal("7.00"))]), {"page", "list by price", *FACETS}),
        # In which currency most parts have a price says which prices are compared.
        (lambda s: s.price([PriceLine("USD", Decimal("7.00"))]), {*LISTS, "search", "page", *FACETS}),
        (lambda s: s.specify("Bore"), {"facets of its category"}),
        (lambda s: s.change(description="other words"), {"search"}),
        (
            lambda s: s.change(part_name="Another name"),
            {"search", "list by name", "list in stock", "page", "page of a neighbour"},
        ),
        (lambda s: s.change(manufacturer="Another"), {"search", "list of a manufacturer", *FACETS}),
        (lambda s: s.change(slug=f"another-{s.part_id}"), {"address"}),
        (lambda s: s.change(category_id=s.top), {*LISTS, *FACETS, "categories", "page", "page of a neighbour", "search"}),
        # Its page then says what there is instead.
        (lambda s: s.archive(), {*LISTS, *FACETS, "categories", "page", "page of a neighbour", "search", "address"}),
    ],
)
def test_a_write_drops_what_may_show_it_and_nothing_else(
    operation: Callable[[Shop], None], dropped: set[str], shop: Shop, new_part: Callable[..., int], deliver: Callable[[], None]
) -> None:
    shop.place()
    shop.price(EUR)
    reader = shop.container.parts.catalog
    elsewhere = shop.container.parts.create_category_with_sync(Intent(shop.actor), f"Beside {shop.part_id}", None, None)["id"]
    other = str(new_part(category_id=elsewhere))
    slug = shop.container.parts.admin.part(shop.part_id)["slug"]
    # What is owed is invalidated again and again until it is settled.
    deliver()

    def listed(sort: str, **filters: Any) -> Result:
        question = {"filters": reader._looked_up(PartFilters(**filters)), "sort": sort, "after": None, "limit": 50}
        return reader.lookup("list", "page", question)[1]

    asked: dict[str, Callable[[], Result]] = {
        "page": lambda: product_page(reader, str(shop.part_id)).result,
        "page of a neighbour": lambda: product_page(reader, str(shop.neighbour)).result,
        "page of a part in another category": lambda: product_page(reader, other).result,
        "address": lambda: reader.lookup("pdp", "slug", {"slug": slug})[1],
        "search": lambda: listed("relevance", words=("m8",)),
        "list of a manufacturer": lambda: listed("newest", manufacturer="ACME"),
        "list in another category": lambda: listed("name", category=str(elsewhere), in_stock=True, min_price="1", currency="EUR"),
        "list by name": lambda: listed("name"),
        "list by price": lambda: listed("price"),
        "list in stock": lambda: listed("name", in_stock=True),
        "facets": lambda: reader.facets(PartFilters()).result,
        "facets of its category": lambda: reader.facets(PartFilters(category=str(shop.leaf))).result,
        "categories": lambda: reader.categories().result,
    }
    for ask in asked.values():
        ask()
    operation(shop)
    assert {name for name, ask in asked.items() if ask() is not Result.HIT} == dropped


def test_a_creation_and_an_import_are_audited_with_all_their_rows(shop: Shop, deliver: Callable[[], None], query: Query) -> None:
    shop.import_row()
    deliver()
    rows = query("SELECT table_name, operation, version, reason FROM data_change_logs WHERE part_id = :id", id=shop.part_id)
    found = sorted((r["table_name"], r["operation"], r["version"], r["reason"] or "") for r in rows)
    assert found == [
        ("part_prices", "UPDATE", 2, "import"),
        ("parts", "INSERT", 1, ""), ("parts", "UPDATE", 2, "import"),
        ("stock_levels", "INSERT", 1, ""), ("stock_levels", "UPDATE", 2, "import"),
    ]  # fmt: skip
    assert differing_parts(shop.container.reading, shop.container.cache, [shop.part_id]) == {}


def test_every_content_version_has_its_own_snapshot_whatever_came_after(
    shop: Shop, deliver: Callable[[], None], query: Query
) -> None:
    """All are delivered only at the end, so each has to come from its event and not from the present row."""
    shop.change(part_name="Second")
    shop.change(description="third", status="draft")
    shop.archive()
    deliver()
    rows = query("SELECT * FROM part_content_versions WHERE part_id = :id ORDER BY version_number", id=shop.part_id)
    shown = [(r["version_number"], r["content_snapshot"]["part_name"], r["content_snapshot"]["description"]) for r in rows]
    assert shown == [(1, "Test part", ""), (2, "Second", ""), (3, "Second", "third"), (4, "Second", "third")]
    assert [r["content_snapshot"]["archived"] for r in rows] == [False, False, False, True]
    assert [r["is_active"] for r in rows] == [False, False, False, True]
    summaries = ["Created", "Changed name (because)", "Changed description and status (because)", "Archived"]
    assert [r["change_summary"] for r in rows] == summaries
    assert {r["created_by"] for r in rows} == {shop.actor.user_id}


def test_a_newer_state_supersedes_older_pending_ones_of_its_aspect_in_one_emit(
    shop: Shop, channel: Channel, deliver: Callable[[], None]
) -> None:
    deliver()
    channel.emits()
    for count in (1, 2, 3):
        shop.stock(current_stock=count)
    shop.change(part_name="Newer")
    deliver()
    emits = [e for e in channel.emits() if e["room"] == rooms.part_room(shop.part_id)]
    assert sorted(e["event"] for e in emits) == ["content.updated", "stock.updated"]
