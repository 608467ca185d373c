"""Lists are filtered, counted and sorted by what parts say in their specifications, and are never behind it."""

import random
from collections.abc import Callable, Sequence
from io import StringIO
from itertools import product
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from app.cache.manager import Result
from app.container import Container
from app.contract.events import Actor
from app.domain.errors import InvalidFieldError
from app.domain.measures import SpecificationFilter
from app.domain.search import Shares, words_of
from app.services.imports import passes
from app.services.intent import Intent
from app.store.listing.filters import PartFilters
from app.store.listing.pages import list_part_ids
from app.store.listing.suggestions import suggested
from app.store.specifications import fits, orders, reading, searches

Query = Callable[..., list[dict[str, Any]]]
# What is known of how common words are.
SHARES = "app.store.search.reading.shares"

# Each with its bore, what it is given in, its material and its thread; the last has another measure of the same name.
PARTS: tuple[tuple[str, str, str, str | None], ...] = (
    ("10", "mm", "Steel", "M8"),
    ("25", "mm", "Steel", "M10"),
    ("2.5 cm", "", "steel", "M2.5"),
    ("1 1/2", "in", "Stainless steel", "M10x1"),
    ("30…40 mm", "", "Brass", None),
    ("25.4", "mm", "Brass", "M2.5"),
)


class Shop:
    """A category with parts that are described alike, and another one."""

    def __init__(self, container: Container, actor: Actor) -> None:
        self.container, self.actor = container, actor
        create = container.parts.create_category_with_sync
        self.category = create(Intent(actor), f"Bushes {uuid4().hex[:6]}", None, None)["id"]
        self.other = create(Intent(actor), f"Pins {uuid4().hex[:6]}", None, None)["id"]
        self.parts = [
            self.add(
                f"Bush {number}",
                self.category,
                ("Bore", bore, unit),
                ("Material", material, ""),
                *([("Thread", thread, "")] if thread else []),
            )
            for number, (bore, unit, material, thread) in enumerate(PARTS)
        ]
        self.add("Pin", self.other, ("Bore", "10", "mm"), ("Weight", "3", "kg"))

    def add(self, name: str, category: int, *said: tuple[str, ...]) -> int:
        # Of letters that are in none of the words and numbers that are searched for.
        sku = uuid4().hex.translate(str.maketrans("0123456789b", "qrtvwxyzkjm"))
        values = {"sku": sku, "part_name": name, "category_id": category, "status": "published"}
        create = self.container.parts.create_part_with_sync
        return create(Intent(self.actor), values, [_specification(*one) for one in said], [], {"current_stock": 1})["id"]

    def say(self, part: int, *said: tuple[str, ...]) -> None:
        self.container.parts.update_specifications_with_sync(
            Intent(self.actor), self.parts[part], [_specification(*one) for one in said]
        )

    def found(self, *wanted: SpecificationFilter, sort: str = "name", category: bool = True) -> list[int]:
        return [item["id"] for item in self.page(*wanted, sort=sort, category=category).body.items]

    def page(self, *wanted: SpecificationFilter, sort: str = "name", category: bool = True) -> Any:
        filters = PartFilters(category=str(self.category) if category else None, specifications=wanted)
        return self.container.parts.catalog.list_parts(filters, sort, None, 50)

    def places(self, *wanted: SpecificationFilter, sort: str = "name") -> list[int]:
        return [self.parts.index(part) for part in self.found(*wanted, sort=sort)]

    def facets(self, *wanted: SpecificationFilter) -> dict[str, dict[str, Any]]:
        body = self.container.parts.catalog.facets(PartFilters(category=str(self.category), specifications=wanted)).body
        return {one["name"]: one for one in body["specifications"]}


def _specification(name: str, value: str, unit: str, group: str = "") -> dict[str, str]:
    return {"name": name, "value": value, "unit": unit, "group": group}


def bore(*values: str, low: str | None = None, high: str | None = None) -> SpecificationFilter:
    return SpecificationFilter("bore", values, low, high)


def material(*values: str) -> SpecificationFilter:
    return SpecificationFilter("Material", values)


@pytest.fixture
def shop(container: Container, actor: Actor, deliver: Callable[[], None]) -> Shop:
    made = Shop(container, actor)
    deliver()
    return made


def test_parts_are_found_by_what_they_say_in_any_unit_and_spelling(shop: Shop) -> None:
    found: Sequence[tuple[tuple[SpecificationFilter, ...], list[int]]] = (
        ((bore("25 mm"),), [1, 2]),
        ((bore("25"),), [1]),
        # Of the same number in inches, as many digits as were typed.
        ((bore("0.984 in"),), [1, 2]),
        ((bore("1 in"),), [5]),
        ((bore('1-1/2"'),), [3]),
        ((bore("10 mm", "38.1 mm"),), [0, 3]),
        ((bore("30…40 mm"),), [4]),
        ((bore(low="0.984 in", high="1 in"),), [1, 2, 5]),
        ((bore(low="26 mm"),), [3, 4]),
        # A range that has some of it within the bounds.
        ((bore(low="35 mm", high="36 mm"),), [4]),
        ((bore(high="2 cm"),), [0]),
        ((material("STEEL"),), [0, 1, 2]),
        ((material("Stéel", "brass"),), [0, 1, 2, 4, 5]),
        ((material("Steel"), bore("25 mm")), [1, 2]),
        ((material("Gold"),), []),
        ((SpecificationFilter("Thread", ("M10",)),), [1]),
        ((SpecificationFilter("Thread", ("m10 x 1",)),), [3]),
        ((SpecificationFilter("Thread", (), "M8", None),), [0, 1, 3]),
        ((SpecificationFilter("Thread", (), None, "2.5 mm"),), [2, 5]),
        ((SpecificationFilter("Colour", ("red",)),), []),
        ((SpecificationFilter("Colour", (), "5 mm", None),), []),
    )
    assert [shop.places(*wanted) for wanted, _expected in found] == [expected for _wanted, expected in found]
    assert len(shop.found(bore("10 mm"), category=False)) == 2


@pytest.mark.parametrize("few", [fits.FEW, 0])
def test_words_and_specifications_narrow_each_other_whichever_is_looked_up_first(
    shop: Shop, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fits, "FEW", few)
    catalog = shop.container.parts.catalog
    wanted = (material("Steel"), bore(low="20 mm"))
    for word, category, expected in (("bush", True, {1, 2}), ("bush", False, {1, 2}), ("0", True, set()), ("pin", False, set())):
        filters = PartFilters((word,), category=str(shop.category) if category else None, specifications=wanted)
        for sort in ("relevance", "name", "-name", "price", "newest", "spec.Bore", "-spec.Bore"):
            items = catalog.list_parts(filters, sort, None, 50).body.items
            ours = {shop.parts.index(item["id"]) for item in items if item["id"] in shop.parts}
            assert ours == expected, (word, sort)
        if category:
            assert catalog.facets(filters).body["total"] == len(expected)


def test_a_search_asks_what_parts_specify_only_if_it_has_a_measure_beside_words_and_is_ordered_by_relevance(
    shop: Shop, statements: Callable[[], Any]
) -> None:
    reader = shop.container.parts.catalog

    def asked(words: tuple[str, ...], sort: str) -> bool:
        with statements() as executed:
            reader.list_parts(PartFilters(words), sort, None, 50)
            if sort == "relevance":
                reader.suggest(words, 5)
        return any("specification_values" in statement for statement in executed)

    shop.container.parts.update_part_content_with_sync(Intent(shop.actor), shop.parts[0], {"description": "10mm"})
    plain = (("bush",), ("bush", "10"), ("10", "mm"), ("m8",), ("6205", "10", "mm"), ("length", "40", "bush"))
    assert [asked(words, "relevance") for words in plain] == [False] * len(plain)
    assert asked(("bush", "10", "mm"), "relevance")
    assert not asked(("bush", "10", "mm"), "name")
    assert asked(("bush", "11", "mm"), "name")


@pytest.mark.parametrize("parts_in_all", [10.0, 100_000.0])
def test_what_no_text_has_is_found_by_what_parts_say_in_any_unit(
    shop: Shop, client: FlaskClient, parts_in_all: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the words are looked up, since they are rarer, or the parts that say so."""
    catalog = shop.container.parts.catalog
    monkeypatch.setattr(SHARES, lambda _connection: Shares(("bush", "pin"), (0.01, 0.01), parts_in_all))

    def found(typed: str) -> list[int]:
        filters = PartFilters(words_of(typed))
        pages = [catalog.list_parts(filters, sort, None, 50).body for sort in ("relevance", "price", "newest")]
        suggested, facets = catalog.suggest(filters.words, 8).body, catalog.facets(filters).body
        ids = [item["id"] for item in pages[0].items]
        assert [sorted(item["id"] for item in page.items) for page in pages] == [sorted(ids)] * 3
        assert [item["id"] for item in suggested["parts"]] == ids
        assert facets["total"] == len(ids)
        assert {*(page.match for page in pages), suggested["match"], facets["match"]} == {"exact"}
        return [shop.parts.index(part) for part in ids]

    assert found("bore 0.984in") == [1, 2]
    assert found("0,984 in d bore bush") == [1, 2]
    assert found("thread m10 bush bore: 2.5cm") == [1]
    # The other words have to be there, and what no part says.
    assert found("bore 0.984in pin") == []
    assert found("bore 0.984in length 7mm") == []
    narrowed = {
        "in another category": (PartFilters(words_of("bore 0.394in"), category=str(shop.other)), 1),
        "out of stock": (PartFilters(words_of("bore 0.394in"), in_stock=False), 0),
    }
    for name, (filters, count) in narrowed.items():
        page = catalog.list_parts(filters, "relevance", None, 50).body
        assert (len(page.items), page.match, catalog.facets(filters).body["total"]) == (count, "exact", count), name
    first = client.get("/api/v1/parts?q=bore+0.984in&limit=1").get_json()
    second = client.get(f"/api/v1/parts?q=bore+0.984in&limit=1&cursor={first['next_cursor']}").get_json()
    assert [shop.parts.index(item["id"]) for page in (first, second) for item in page["items"]] == [1, 2]
    assert second["next_cursor"] is None
    # Once a part says so, and no longer than that.
    shop.say(1, ("Bore", "26", "mm"))
    assert found("bore 0.984in") == [2]
    # A text that has it comes before what only parts say.
    shop.container.parts.update_part_content_with_sync(Intent(shop.actor), shop.parts[4], {"description": "Bore 0.984in"})
    assert found("bore 0.984in") == [4]
    monkeypatch.setattr(searches, "MAX_SAYING", 1)
    assert found("bore 1cm") == []


@pytest.mark.parametrize("by_words", [0, 1_000_000])
def test_parts_that_say_what_was_typed_come_first_unless_they_are_too_many_to_look_at(
    shop: Shop, client: FlaskClient, by_words: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In any unit; of several words those of the name count that follow one another; what no part says is not asked for."""
    for number in range(len(shop.parts)):
        values = {"description": "bore diameter 10mm 25mm 0.984in thread m8 of 5 kg"}
        shop.container.parts.update_part_content_with_sync(Intent(shop.actor), shop.parts[number], values)
    shop.say(5, ("Bore diameter", "25", "mm"), ("Thread", "M8", ""))
    monkeypatch.setattr("app.store.listing.questions.SAID_BY_WORDS", by_words)
    monkeypatch.setattr(SHARES, lambda _connection: Shares(("bush",), (0.01,), 1000.0))

    def first(typed: str, count: int) -> list[int]:
        with shop.container.reading.connect() as connection:
            found = list_part_ids(connection, PartFilters(words_of(typed)), "relevance", None, 50).ids
            begun = suggested(connection, PartFilters(words_of(typed)), 6).ids
        assert sorted(found) == sorted(shop.parts)
        assert begun == found
        return [shop.parts.index(part) for part in found[:count]]

    assert first("bore 25mm", 3) == [1, 2, 5]
    assert first("0.984in bore of", 3) == [1, 2, 5]
    assert first("bore diameter 25mm", 2) == [5, 0]
    assert first("25mm bore thread m8", 2) == [5, 0]
    assert first("thread m8 diameter 10mm", 3) == [0, 5, 1]
    assert first("5 kg bore", 6) == [0, 1, 2, 3, 4, 5]
    shown, cursor = [], ""
    while cursor is not None:
        page = client.get("/api/v1/parts?q=bore+25mm&limit=1" + cursor).get_json()
        shown += [shop.parts.index(item["id"]) for item in page["items"]]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert shown == [1, 2, 5, 0, 3, 4]
    # What customers do not see is not counted, nor does it change what is meant.
    gone = shop.add("Bush", shop.category, ("Bore", "25", "mm"), ("Bore diameter of bush", "10", "mm"))
    shop.container.parts.archive_part_with_sync(Intent(shop.actor), gone)
    monkeypatch.setattr(searches, "MAX_SAYING", 3)
    assert first("bore 25mm", 3) == [1, 2, 5]
    assert first("thread m8 diameter 10mm", 3) == [0, 5, 1]
    monkeypatch.setattr(searches, "MAX_SAYING", 2)
    assert first("bore 25mm", 6) == [0, 1, 2, 3, 4, 5]


def test_a_name_that_nobody_has_used_before_is_known_to_the_next_search(shop: Shop) -> None:
    """Though each process keeps the names, and what they are called."""
    for number in range(len(shop.parts)):
        shop.container.parts.update_part_content_with_sync(Intent(shop.actor), shop.parts[number], {"description": "girth 7mm"})

    def first() -> int:
        with shop.container.reading.connect() as connection:
            found = list_part_ids(connection, PartFilters(words_of("girth 7mm")), "relevance", None, 50).ids
        return shop.parts.index(found[0])

    assert first() == 0
    shop.say(4, ("Girth", "7", "mm"))
    assert first() == 4


@pytest.mark.parametrize("typed", ["bore 25mm", "bore 25mm bosh"])
def test_what_a_search_says_takes_two_statements_however_its_words_are_meant(
    shop: Shop, typed: str, statements: Callable[[], Any]
) -> None:
    for number in range(len(shop.parts)):
        shop.container.parts.update_part_content_with_sync(Intent(shop.actor), shop.parts[number], {"description": "bore 25mm"})
    with shop.container.reading.connect() as connection:
        list_part_ids(connection, PartFilters(words_of(typed)), "relevance", None, 50)
        with statements() as executed:
            list_part_ids(connection, PartFilters(words_of(typed)), "relevance", None, 50)
    assert sum("specification_values" in statement for statement in executed) == 2


def test_a_search_may_mean_a_unit_that_has_capitals_or_one_that_has_none(shop: Shop) -> None:
    typed = {
        "voltage 24 V": 2,
        "24v voltage": 2,
        "10 MPa pressure": 3,
        "pressure 10 mpa": 3,
        "torque 5Nm": 4,
        "wavelength 5Nm": 5,
    }
    shop.say(2, ("Voltage", "24000", "mV"))
    shop.say(3, ("Pressure", "10", "N/mm²"))
    shop.say(4, ("Torque", "5", "Nm"))
    shop.say(5, ("Wavelength", "5", "nm"))
    for number in range(len(shop.parts)):
        values = {"description": " ".join(typed)}
        shop.container.parts.update_part_content_with_sync(Intent(shop.actor), shop.parts[number], values)
    with shop.container.reading.connect() as connection:
        for words, number in typed.items():
            found = list_part_ids(connection, PartFilters(words_of(words)), "relevance", None, 50).ids
            assert len(found) == len(shop.parts)
            assert shop.parts.index(found[0]) == number, words


def test_a_bound_that_cannot_be_compared_is_refused_with_a_remedy(shop: Shop) -> None:
    for wanted, said in (
        (bore(low="5 kg"), "bore is not measured in kg. Use a unit such as "),
        (bore(high="5 parsnips"), "There is no unit 'parsnips' here. Use a unit such as "),
        (SpecificationFilter("Material", (), "5", None), "Material is given in words; filter by one of its values."),
    ):
        with pytest.raises(InvalidFieldError) as refused:
            shop.found(wanted)
        assert refused.value.message.startswith(said)
        assert refused.value.field == f"spec.{wanted.name}.{'min' if wanted.low else 'max'}"


def test_each_specification_is_counted_with_all_filters_but_its_own(shop: Shop) -> None:
    facets = shop.facets()
    assert list(facets) == ["Bore", "Material", "Thread"]
    assert facets["Bore"] == {
        "name": "Bore", "unit": "mm", "kind": "range", "min": "10", "max": "40",
        "values": [{"value": value, "count": 2 if value == "25" else 1} for value in ("10", "25", "25.4", "30…40", "38.1")],
    }  # fmt: skip
    assert facets["Material"] == {
        "name": "Material", "unit": "", "kind": "values", "min": None, "max": None,
        "values": [{"value": "Brass", "count": 2}, {"value": "Stainless steel", "count": 1}, {"value": "Steel", "count": 3}],
    }  # fmt: skip
    assert [one["value"] for one in facets["Thread"]["values"]] == ["M2.5", "M8", "M10", "M10x1"]

    narrowed = shop.facets(material("steel"), bore("25 mm"))
    assert {one["value"]: one["count"] for one in narrowed["Material"]["values"]} == {"Steel": 2}
    assert {one["value"]: one["count"] for one in narrowed["Bore"]["values"]} == {"10": 1, "25": 2}
    assert {one["value"]: one["count"] for one in narrowed["Thread"]["values"]} == {"M10": 1, "M2.5": 1}

    # Each count is what the filter finds.
    for value in facets["Bore"]["values"]:
        assert len(shop.places(bore(f"{value['value']} mm"))) == value["count"]
    body = shop.container.parts.catalog.facets(PartFilters(category=str(shop.category), specifications=(bore("25 mm"),))).body
    assert body["total"] == 2
    assert shop.container.parts.catalog.facets(PartFilters()).body["specifications"] == []


def test_a_list_is_sorted_by_a_specification_page_by_page(shop: Shop) -> None:
    assert shop.places(sort="spec.bore") == [0, 1, 2, 5, 4, 3]
    assert shop.places(sort="-spec.Bore") == [3, 4, 5, 2, 1, 0]
    # Those without a thread come last, in either direction.
    assert shop.places(sort="spec.Thread") == [2, 5, 0, 1, 3, 4]
    assert shop.places(sort="-spec.Thread") == [3, 1, 0, 5, 2, 4]
    filters, after, seen = PartFilters(category=str(shop.category)), None, []
    for _page in range(3):
        page = shop.container.parts.catalog.list_parts(filters, "spec.Thread", after, 2).body
        seen += [shop.parts.index(item["id"]) for item in page.items]
        after = page.next
    assert (seen, after) == ([2, 5, 0, 1, 3, 4], None)


@pytest.mark.parametrize("first", [1, 6, orders.FIRST])
def test_an_order_by_a_specification_is_that_of_every_part_however_far_one_reads_along_its_values(
    shop: Shop, query: Query, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "FIRST", first)
    monkeypatch.setattr(orders, "TIMES", 2)
    dice = random.Random(first)
    # Many equal values, some of them in another unit, or of parts in another category alone; parts with two, of which
    # the lesser counts, and with none.
    bores = [("10", "mm"), ("1", "cm"), ("12", "mm"), ("0.012", "m"), ("Steel", ""), ("12…20", "mm"), ("7", "mm"), *[None] * 5]
    for number in range(40):
        said = [("Bore", *one, group) for group in ("", "Inside") if (one := dice.choice(bores))]
        said.append(("Material", dice.choice(["Steel", "Brass"]), ""))
        shop.add(f"Bush {number % 7}", dice.choice([shop.category, shop.category, shop.other]), *said)
    shop.add("Pin", shop.other, ("Bore", "11", "mm"))
    catalog = shop.container.parts.catalog
    # What parts say is read by the first list that asks.
    catalog.list_parts(PartFilters(category=str(shop.category)), "spec.Bore", None, 1)
    rows = query(
        """
        SELECT s.part_id AS id, s.sort_key, min(v.place) AS place, lower(m.value) = 'steel' AS steel
        FROM part_search s JOIN part_features f USING (part_id)
        JOIN part_specifications m ON m.part_id = s.part_id AND m.name = 'Material'
        LEFT JOIN specification_values v ON v.key = ANY(f.keys) AND v.named = specification_hash('Bore')
        WHERE s.category_id = :category GROUP BY s.part_id, m.value
        """,
        category=shop.category,
    )
    saying, silent = [row for row in rows if row["place"]], [row for row in rows if not row["place"]]
    assert len(silent) > 1
    for wanted, sort in product(((), (material("steel"),)), ("spec.Bore", "-spec.Bore")):
        expected = sorted(saying, key=lambda row: (row["place"], row["id"]), reverse=sort.startswith("-"))
        expected += sorted(silent, key=lambda row: (row["sort_key"], row["id"]))
        filters = PartFilters(category=str(shop.category), specifications=wanted)
        for limit in (1, 4, 50):
            found, after = [], None
            while not found or after:
                page = catalog.list_parts(filters, sort, after, limit).body
                found += [item["id"] for item in page.items]
                after = page.next
            assert found == [row["id"] for row in expected if row["steel"] or not wanted]


def test_a_cached_list_follows_each_change_of_what_it_looks_at(shop: Shop, deliver: Callable[[], None]) -> None:
    assert shop.places(bore("25 mm")) == [1, 2]
    assert shop.page(bore("25 mm")).result is Result.HIT
    elsewhere = shop.container.parts.catalog.facets(PartFilters(category=str(shop.other)))
    shop.say(0, ("Bore", "0.025", "m"), ("Material", "Steel", ""))
    assert shop.places(bore("25 mm")) == [0, 1, 2]
    assert shop.facets()["Bore"]["values"][0] == {"value": "25", "count": 3}
    assert shop.places(sort="-spec.bore")[-3:] == [2, 1, 0]
    # What another category shows has not been looked at again.
    again = shop.container.parts.catalog.facets(PartFilters(category=str(shop.other)))
    assert (again.result, again.body) == (Result.HIT, elsewhere.body)
    shop.container.parts.update_part_content_with_sync(Intent(shop.actor), shop.parts[1], {"status": "draft"})
    assert shop.places(bore("25 mm")) == [0, 2]
    shop.container.parts.update_part_content_with_sync(Intent(shop.actor), shop.parts[2], {"category_id": shop.other})
    assert shop.places(bore("25 mm")) == [0]
    assert len(shop.found(bore("25 mm"), category=False)) == 2


def test_what_is_written_by_hand_is_read_by_the_next_list(
    shop: Shop, query: Query, rewrite: Callable[..., None], deliver: Callable[[], None]
) -> None:
    shop.facets()
    assert query("SELECT count(*) AS n FROM unread_specifications") == [{"n": 0}]
    by_hand = "SET lockstep.writer = ''; SET application_name = 'psql';"
    known = query("SELECT count(*) AS n FROM specification_values")[0]["n"]
    with shop.container.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(
            f"{by_hand} UPDATE part_specifications SET value = '7/8', unit = 'in'"
            f" WHERE part_id = {shop.parts[0]} AND name = 'Bore'"
        )
        connection.exec_driver_sql(f"DELETE FROM part_specifications WHERE part_id = {shop.parts[4]}")
        connection.exec_driver_sql(
            f"INSERT INTO part_specifications (part_id, name, value) VALUES ({shop.parts[5]}, 'Bore length', '2')"
        )
        connection.invalidate()
    shop.container.consistency.sweep()
    deliver()
    assert shop.places(bore("22.225 mm")) == [0]
    assert shop.places(material("Brass")) == [5]
    assert shop.facets()["Bore length"]["min"] == "2"
    # Each new text once, and nothing is left to do.
    assert query("SELECT count(*) AS n FROM specification_values") == [{"n": known + 2}]
    assert query("SELECT count(*) AS n FROM unread_specifications") == [{"n": 0}]


def test_all_is_read_anew_by_a_release_that_reads_otherwise(shop: Shop, query: Query, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.facets()
    query("UPDATE specification_values SET low = 0, high = 0, reader = 0")
    monkeypatch.setattr(reading, "AT_ONCE", 3)
    with shop.container.reading.connect() as connection:
        count = query("SELECT count(*) AS n FROM specification_values")[0]["n"]
        assert reading.read_all(connection) == count
        assert reading.read_all(connection) == 0
    assert query("SELECT count(*) AS n FROM specification_values WHERE reader = 0 OR low = 0") == [{"n": 0}]


def test_the_api_takes_and_answers_specifications(shop: Shop, client: FlaskClient) -> None:
    within = f"category={shop.category}"
    answer = client.get(
        f"/api/v1/parts?{within}&spec.bore=25 mm&spec.BORE=10 mm&spec.Material=steel&include=specifications&sort=-spec.bore"
    )
    assert [item["specifications"][0]["value"] for item in answer.json["items"]] == ["2.5 cm", "25", "10"]
    assert answer.json["items"][1]["specifications"][0] == {"name": "Bore", "value": "25", "unit": "mm", "group": ""}
    assert "specifications" not in client.get(f"/api/v1/parts?{within}").json["items"][0]
    assert client.get(f"/api/v1/parts/facets?{within}&spec.bore.min=26 mm").json["total"] == 2
    first = client.get(f"/api/v1/parts?{within}&spec.Material=steel&limit=1").json["next_cursor"]
    assert client.get(f"/api/v1/parts?{within}&spec.Material=brass&limit=1&cursor={first}").status_code == 400
    for wrong, field in (
        ("spec.bore.min=1 kg", "spec.bore.min"),
        ("spec.bore.min=x", "spec.bore.min"),
        ("spec.bore.min=1…2 mm", "spec.bore.min"),
        ("spec.bore.min=1&spec.bore.min=2", "spec.bore.min"),
        ("spec.bore.min=2 mm&spec.bore.max=1 mm", "spec.bore.max"),
        ("spec.bore.min=1 mm&spec.bore.max=1 kg", "spec.bore.max"),
        ("spec.=1", "spec."),
        ("spec=1", "spec"),
        ("sort=bore", "sort"),
        ("include=all", "include"),
        ("&".join(f"spec.{number}=1" for number in range(11)), "spec.10"),
        ("&".join(f"spec.a={number}" for number in range(21)), "spec.a"),
    ):
        refused = client.get(f"/api/v1/parts?{within}&{wrong}")
        assert (refused.status_code, list(refused.json["errors"])) == (422, [field]), wrong


def test_classes_are_words_however_they_are_spaced_and_no_quantities(shop: Shop) -> None:
    for part, value in enumerate(("45 H", "45H", "14 H")):
        shop.say(part, ("Property class", value, ""))
    facet = shop.facets()["Property class"]
    assert (facet["kind"], facet["unit"]) == ("values", "")
    assert {(one["value"], one["count"]) for one in facet["values"]} == {("45 H", 2), ("14 H", 1)}
    assert shop.places(SpecificationFilter("property class", ("45H",))) == [0, 1]
    assert shop.places(SpecificationFilter("Property class", ("14 h",))) == [2]


def test_an_import_reads_what_its_parts_say_as_it_goes(
    container: Container, actor: Actor, query: Query, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "CHUNK", 10)
    tag = uuid4().hex[:6]
    sizes = [f"{place}.{number}" for place, number in enumerate(range(1000, 1010))]
    rows = "".join(f"reads-{tag}-{number},Sleeve,{sizes[number % 10]}\n" for number in range(100))
    noted = "SELECT nextval(pg_get_serial_sequence('unread_specifications', 'id')) AS id"
    before = query(noted)[0]["id"]
    file = f"sku,part_name,Length {tag} [mm]\n{rows}"
    passes.import_parts(container.transactions, container.reading, actor, lambda: StringIO(file))
    # By the first chunk and the one beside it.
    assert query(noted)[0]["id"] - before - 1 <= 2 * len(sizes)
    assert query("SELECT count(*) AS n FROM unread_specifications") == [{"n": 0}]
    assert len(query("SELECT FROM specification_values WHERE name = :name", name=f"Length {tag}")) == len(sizes)
