"""Words in other scripts and with other letters are found, and names are sorted as people expect."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.container import Container
from app.contract.events import Actor
from app.domain.search import words_of
from app.services.intent import Intent
from app.store import admin_parts
from app.store.admin_parts import GridFilters
from app.store.listing.filters import PartFilters
from app.store.listing.pages import list_part_ids
from tests.integration.search_reference import bare, forms, joined, order, soft, split

NewPart = Callable[..., int]
Query = Callable[..., list[dict[str, Any]]]
Found = Callable[..., list[int]]
COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
# In the order that people expect.
NAMES = [
    ": odd", "1.25 mm shim", "1.5 mm shim", "10 mm shim", "Äpfel", "Arger", "Ärgerlich", "Arm", "bolt 7", "Bolt 10",
    "Bolt 10-2", "bolt 070",
    "M2", "M2x4", "M2.5", "M2.5x4", "M10", "m10x20", "M10x100", "Øre", "Orf", "Straße 9", "Strasse 10", "Zebra",
    "подшипник", "轴承",
]  # fmt: skip


@pytest.fixture
def tag() -> str:
    """A word that only the parts of one test contain. Of letters: what follows a word's first letters is found, too."""
    return "t" + uuid4().hex[:10].translate(str.maketrans("0123456789", "ghijklmnop"))


@pytest.fixture
def found(container: Container) -> Found:
    """Request the first page of a search; return its ids."""

    def ask(typed: str, sort: str = "relevance", **filters: Any) -> list[int]:
        page = container.parts.catalog.list_parts(PartFilters(words_of(typed), **filters), sort, None, 50).body
        return [item["id"] for item in page.items] if page.match == "exact" else []

    return ask


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("øre", "ore"), ("øre", "oere"), ("Æbleskærer", "aebleskaerer"), ("Łożysko", "lozysko"), ("Straße", "strasse"),
        ("STRASSE", "straße"), ("Körnung", "kornung"), ("Körnung", "koernung"), ("Koernung", "körnung"), ("Kornung", "Körnung"),
        ("Ångström", "angstroem"), ("blåsør", "blasor"), ("blåsør", "blaasoer"), ("Aabenraa", "Åbenrå"),
        ("Ðuro", "duro"), ("đak", "dak"), ("Þór", "thor"), ("œuvre", "oeuvre"), ("ŞIRNAK", "şırnak"),
        ("Ħamrun", "hamrun"),
        ("ΤΡΟΧΟΣ", "τροχός"), ("ёлка", "елка"), ("ｍ８", "m8"), ("①", "1"), ("Crème brûlée", "creme brulee"),
    ],
)  # fmt: skip
def test_letters_are_found_as_they_are_typed_on_other_keyboards(
    written: str, typed: str, new_part: NewPart, found: Found, tag: str
) -> None:
    # A random SKU might begin with what is typed.
    part = new_part(part_name=f"{written} {tag}", sku=f"{tag}-one")
    new_part(part_name=f"other {tag}", sku=f"{tag}-other")
    assert found(f"{typed} {tag}") == found(f"{written} {tag}") == [part]


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("高品质不锈钢六角螺栓", "螺栓"),
        ("高品质不锈钢六角螺栓", "不锈钢"),
        ("高品质不锈钢六角螺栓", "栓"),
        ("高品质不锈钢六角螺栓", "高"),
        ("深沟球轴承6205系列", "轴承 6205"),
        ("深沟球轴承6205系列", "6205系列"),
        ("深沟球轴承6205系列", "球轴承6205"),
        ("ステンレス六角ボルト", "ボルト"),
        ("ステンレス六角ボルト", "六角"),
        ("六角ねじM8", "ネジ"),
        ("六角ネジM8", "ねじm8"),
        ("ベアリング", "ﾍﾞｱﾘﾝｸﾞ"),
        ("스테인리스볼트", "볼트"),
        ("스테인리스볼트", "스"),
        ("깊은 홈 볼베어링", "베어링"),
        ("ตลับลูกปืนเม็ดกลม", "ลูกปืน"),
        ("ตลับลูกปืนเม็ดกลม", "เม็ด"),
    ],
)
@pytest.mark.parametrize("column", ["part_name", "description", "manufacturer"])
def test_scripts_without_spaces_are_found_inside_a_run(
    written: str, typed: str, column: str, new_part: NewPart, found: Found, tag: str
) -> None:
    part = new_part(**{"part_name": tag, column: f"{written} {tag}"})
    new_part(part_name=f"其他零件 その他 기타 อื่น {tag}")
    assert found(f"{typed} {tag}") == [part]
    assert found(f"{typed[0]}龘 {tag}") == []


@pytest.mark.parametrize(
    ("written", "typed"),
    [
        ("10 µF capacitor", ["10uF", "10 uf", "10µF", "10μF", "10 μF"]),
        ("Capacitor 4.7μF", ["4,7 µF", "4.7uF"]),
        ("Resistor 10Ω", ["10 Ohm", "10 ohms", "10Ω", "10 Ω", "10R"]),
        ("Resistor 4k7", ["4.7k", "4.7 kOhm", "4,7kΩ", "4K7"]),
        ("Resistor 4.7 kΩ", ["4k7", "4.7kohm"]),
        ('Nipple 1/4" brass', ["1/4 in", "1/4 inch", '1/4"', "1/4''", "1/4″", '1/4 "', "¼ inch"]),
        ("Nipple 1/2 inch", ['1/2"', "½″"]),
        ("Hose 1½ in", ['1 1/2"', "1½ inch"]),
        ("Shim 0.5 mm", ["0,5mm", ".5 mm", "0.5 mm"]),
        ("Fuse 10A 250 V", ["10 a", "250v", "10A 250V"]),
        ("Belt 100 % cotton", ["100%", "100 %"]),
        ("Sensor 80 °C", ["80°c", "80 °C"]),
        ("Sleeve Ø 10", ["ø10", "⌀10", "o10"]),
        ("Ball-bearing", ["ballbearing", "ball bearing", "Ball‐Bearings"]),
        ("Ballbearing", ["ball bearing", "ball-bearing"]),
        ("Seal NBR 70", ["nbr70", "NBR-70"]),
        ("Seal NBR70", ["nbr 70", "nbr-70"]),
        ("Seal 30/42/7", ["30x42x7", "30 × 42 × 7", "30*42*7", "30-42-7"]),
        ("Plate 10 x 10 x 3 mm", ["10x10x3", "10 X 10 X 3", "10mm x 10mm x 3mm"]),
        ("Болт М8х40", ["м8х40", "м8 х 40", "М8Х40"]),
        ("Key (A), large", ["key a large", "(key) a, large", "“key”"]),
        ("ISO 7380-1 screw", ["iso7380-1", "ISO 7380", "din en iso 7380"]),
    ],
)
def test_numbers_units_and_signs_match_joined_or_apart(
    written: str, typed: list[str], new_part: NewPart, found: Found, tag: str
) -> None:
    part = new_part(part_name=f"{written} {tag}")
    new_part(part_name=f"Part 3 of {tag}")
    assert [form for form in [written, *typed] if found(f"{form} {tag}") != [part]] == []


def test_what_is_behind_a_number_that_is_no_measure_is_a_word_of_its_own(new_part: NewPart, found: Found, tag: str) -> None:
    part = new_part(part_name=f"Part {tag}k9, 5 % more, 3 V, 7 m long")
    for typed in (f"{tag}k9 %", f"{tag}k9 v", f"v {tag}k9 m", f"{tag}k9 5%", f"{tag}k9 7m"):
        assert found(typed) == [part], typed


def test_the_whole_sequence_comes_before_the_same_words_elsewhere_and_those_before_descriptions(
    new_part: NewPart, found: Found, tag: str
) -> None:
    described = new_part(part_name=f"A part {tag}", description="for hollow shaft seals")
    scattered = new_part(part_name=f"B seal for every shaft {tag} hollow")
    whole = new_part(part_name=f"C hollow-shaft seal {tag}")
    assert found(f"hollow shaft seal {tag}")[0] == whole
    assert found(f"Hollowshaft seals {tag}") == [whole]
    assert found(f"hollow shaft seal {tag}") == [whole, scattered, described]


CHARACTERS = st.sampled_from([*"aäåbcdeimnoøsxzABX ·.,-/()\"'%°×*xx0123456789µΩ½ßéжσΣ‐²", "mm", " iso ", " din"])


@settings(max_examples=300, **COMMON)
@given(value=st.lists(CHARACTERS, max_size=30).map("".join))
def test_the_database_reads_texts_as_the_reference_does(value: str, container: Container) -> None:
    statement = """
        SELECT search_normal(:v) AS normal, search_tokens(:v) AS tokens, search_bare(:v) AS bare, search_lexemes(:v, true) AS own
    """
    with container.reading.connect() as connection:
        row = connection.execute(text(statement), {"v": value}).one()
    assert (row.normal, row.tokens, row.bare) == (joined(soft(value)).strip(), split(joined(soft(value))), bare(value))
    assert set(row.own) == forms(value, own=True)


@settings(max_examples=300, **COMMON)
@given(names=st.lists(st.lists(CHARACTERS, max_size=12).map("".join), min_size=2, max_size=2))
@example(names=["M2", "M2.0"])
@example(names=["M2.0", "M2.00"])
def test_the_database_orders_names_as_the_reference_does(names: list[str], container: Container) -> None:
    with container.reading.connect() as connection:
        keys = [connection.execute(text("SELECT search_order(:name)"), {"name": name}).scalar_one() for name in names]
    one, other = map(order, names)
    assert (keys[0] < keys[1], keys[0] == keys[1]) == (one < other, one == other)


def test_names_stand_in_the_order_of_people_on_the_site_in_the_panel_and_in_categories(
    container: Container, actor: Actor, new_part: NewPart, client: FlaskClient, api: Callable[[str], FlaskClient], tag: str
) -> None:
    ids = {name: new_part(part_name=f"{name} {tag}") for name in reversed(NAMES)}
    wanted = [ids[name] for name in NAMES]

    def pages(caller: FlaskClient, path: str, key: str = "id") -> list[Any]:
        shown, cursor = [], ""
        while cursor is not None:
            body = caller.get(f"/api/v1{path}&limit=3" + (f"&cursor={cursor}" if cursor else "")).json
            shown += [item[key] for item in body["items"]]
            cursor = body["next_cursor"]
        return shown

    viewer = api("viewer")
    assert pages(client, f"/parts?q={tag}&sort=name") == wanted
    assert pages(client, f"/parts?q={tag}&sort=-name") == wanted[::-1]
    assert pages(client, f"/parts?q={tag}&sort=relevance") == wanted
    assert pages(viewer, f"/admin/parts?q={tag}&sort=part_name") == wanted
    assert pages(viewer, f"/admin/parts?q={tag}&sort=-part_name") == wanted[::-1]
    above = container.parts.create_category_with_sync(Intent(actor), tag, None, None)["id"]
    for name in reversed(NAMES):
        container.parts.create_category_with_sync(Intent(actor), f"{name} {tag}", above, None)
    container.parts.update_part_content_with_sync(Intent(actor), wanted[0], {"category_id": above})
    for caller, path in ((client, "/categories?"), (viewer, "/admin/categories?")):
        assert [name for name in pages(caller, path, "name") if name.endswith(f" {tag}")] == [f"{name} {tag}" for name in NAMES]
        assert set(caller.get(f"/api/v1{path}").json["items"][0]).isdisjoint({"sort_key"})


def test_the_order_of_names_is_read_from_an_index_on_every_page(container: Container, new_part: NewPart, query: Query) -> None:
    # Customers' own index is the cheaper one if there are drafts.
    for status in ["published"] * 3 + ["draft"] * 20:
        new_part(status=status)
    query("ANALYZE part_search")
    seen: list[str] = []
    with container.reading.connect() as connection:
        connection.execute(text("SET enable_seqscan = off")), connection.execute(text("SET enable_sort = off"))
        try:
            for sort, index in (("name", "ix_part_search_sort_key"), ("-name", "ix_part_search_sort_key")):
                first = list_part_ids(connection, PartFilters(), sort, None, 1)
                seen += plans(connection, lambda: list_part_ids(connection, PartFilters(), sort, first.next, 1), index)  # noqa: B023
            for sort in ("part_name", "-part_name"):
                page = admin_parts.list_parts(connection, GridFilters(), sort, None, 1, None)
                seen += plans(
                    connection,
                    lambda: admin_parts.list_parts(connection, GridFilters(), sort, page.next, 1, None),  # noqa: B023
                    "ix_part_search_all_sort_key",
                )
        finally:
            connection.execute(text("RESET enable_seqscan")), connection.execute(text("RESET enable_sort"))
    assert len(seen) == 4


def plans(connection: Any, ask: Callable[[], Any], index: str) -> list[str]:
    """Return the plans of the queries; each must start in the index where the previous page ended, and sort nothing."""
    from sqlalchemy import event

    statements: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_more: Any) -> None:
        # Not the one that asks which currencies there are.
        if "part_search" in statement:
            statements.append((statement, parameters))

    event.listen(connection, "before_cursor_execute", note)
    ask()
    event.remove(connection, "before_cursor_execute", note)
    found = []
    for statement, parameters in statements:
        plan = str(connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one())
        assert index in plan, plan
        assert not re.search(r"'Sort Key': \[[^]]*sort_key", plan), plan
        assert "(ROW(sort_key, part_id)" in plan, plan
        found.append(plan)
    return found


@pytest.mark.parametrize(
    "name", ["\ufdfa" * 200, "\U0002a6d6" * 200, "1" * 200, "1a" * 100, "½" * 200, "ﷺ1" * 100, "é" * 200, "٣" * 200]
)
def test_any_name_and_description_can_be_kept(name: str, new_part: NewPart, found: Found, tag: str) -> None:
    part = new_part(part_name=name, sku=tag, description=name * 200)
    assert found(tag) == [part]
