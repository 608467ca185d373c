"""Importing a CSV: only what differs is written, bad rows are named, and the number of statements does not grow with the rows."""

import csv
from collections.abc import Callable
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest

from app.contract.events import Actor
from app.core import Core
from app.domain.imports import ImportFileError
from app.services import exports, imports
from app.services.preconditions import Expected

Query = Callable[..., list[dict[str, Any]]]
HEADER = "sku,part_name,description,category,price,currency,current_stock,min_stock_level,Bore,Width\n"


@pytest.fixture
def load(core: Core, actor: Actor) -> Callable[[str], tuple[int, int, int]]:
    """Import a file's text; return how many parts were created, changed, and left alone."""

    def run(text: str) -> tuple[int, int, int]:
        report = imports.import_parts(core.transactions, core.reading, actor, lambda: StringIO(text, newline=""))
        return report.created, report.changed, report.unchanged

    return run


@pytest.fixture
def tag() -> str:
    """A prefix of this test's own SKUs."""
    return uuid4().hex[:10]


def rows(tag: str, count: int, stock: int = 5) -> str:
    return "".join(f"{tag}-{n:04},Part {n},About {n},Tests > {tag},1.{n % 100:02},EUR,{stock},2,{n},\n" for n in range(count))


def state(query: Query, tag: str) -> list[dict[str, Any]]:
    """Everything that an import may write, with PostgreSQL's own mark of each row's last writer."""
    return query(
        "SELECT p.*, p.xmin::text AS part_writer, s.xmin::text AS stock_writer, s.version AS stock_version,"
        " (SELECT array_agg(x.xmin::text) FROM part_specifications x WHERE x.part_id = p.id) AS specification_writers,"
        " (SELECT array_agg(x.xmin::text) FROM part_prices x WHERE x.part_id = p.id) AS price_writers,"
        " (SELECT max(id) FROM outbox_events) AS last_event"
        " FROM parts p JOIN stock_levels s ON s.part_id = p.id WHERE p.sku LIKE :like ORDER BY p.id", like=f"{tag}%",
    )  # fmt: skip


def part(core: Core, query: Query, sku: str) -> dict[str, Any]:
    (row,) = query("SELECT id FROM parts WHERE sku = :sku", sku=sku)
    return core.parts.panel.part(row["id"])


def test_a_file_creates_published_parts_with_stock_price_category_and_specifications(
    load: Callable[[str], Any], core: Core, query: Query, tag: str
) -> None:
    assert load(HEADER + rows(tag, 3)) == (3, 0, 0)
    made = part(core, query, f"{tag}-0002")
    assert (made["status"], made["part_name"], made["description"]) == ("published", "Part 2", "About 2")
    assert [step["name"] for step in made["category"]["path"]] == ["Tests", tag]
    assert (made["stock"]["current_stock"], made["stock"]["min_stock_level"]) == (5, 2)
    assert [(line["amount"], line["currency"]) for line in made["price"]["prices"]] == [("1.02", "EUR")]
    assert [(one["name"], one["value"]) for one in made["specifications"]] == [("Bore", "2")]


def test_importing_the_same_file_again_writes_no_row_and_makes_no_event(
    load: Callable[[str], Any], query: Query, tag: str
) -> None:
    load(HEADER + rows(tag, 20))
    before = state(query, tag)
    assert load(HEADER + rows(tag, 20)) == (0, 0, 20)
    assert state(query, tag) == before


def test_only_rows_that_differ_are_written_and_only_the_aspect_that_differs(
    load: Callable[[str], Any], core: Core, query: Query, tag: str
) -> None:
    load(HEADER + rows(tag, 4))
    changed = rows(tag, 4).replace("Part 1,", "Renamed,").replace("1.02,EUR,5", "9.99,EUR,5").replace("1.03,EUR,5", "1.03,EUR,6")
    assert load(HEADER + changed) == (0, 3, 1)
    versions = [part(core, query, f"{tag}-{n:04}")["versions"] for n in range(4)]
    assert versions == [
        {"content": 1, "stock": 1, "price": 1}, {"content": 2, "stock": 1, "price": 1},
        {"content": 1, "stock": 1, "price": 2}, {"content": 1, "stock": 2, "price": 1},
    ]  # fmt: skip


def test_what_a_file_has_no_column_for_stays(load: Callable[[str], Any], core: Core, query: Query, tag: str) -> None:
    load(HEADER + rows(tag, 1))
    before = part(core, query, f"{tag}-0000")
    assert load(f"sku,part_name\n{tag}-0000,Part 0\n") == (0, 0, 1)
    assert load(f"sku,part_name,Width\n{tag}-0000,Part 0,7\n") == (0, 1, 0)
    after = part(core, query, f"{tag}-0000")
    assert {(one["name"], one["value"]) for one in after["specifications"]} == {("Bore", "0"), ("Width", "7")}
    for name in ("description", "category", "stock", "price"):
        assert after[name] == before[name]


def test_an_empty_cell_removes_a_specification_and_keeps_a_count(
    load: Callable[[str], Any], core: Core, query: Query, tag: str
) -> None:
    load(HEADER + rows(tag, 1))
    assert load(f"sku,part_name,current_stock,Bore\n{tag}-0000,Part 0,,\n") == (0, 1, 0)
    after = part(core, query, f"{tag}-0000")
    assert (after["specifications"], after["stock"]["current_stock"]) == ([], 5)


def test_an_export_imports_without_a_change(load: Callable[[str], Any], core: Core, query: Query, tag: str) -> None:
    load(HEADER + rows(tag, 5) + f'{tag}-x,"Odd, ""quoted""","=HYPERLINK(""x"")\nsecond line",,,,0,0,,-40\n')
    out = StringIO()
    count = exports.export_parts(core.reading, out)
    assert load(out.getvalue()) == (0, 0, count)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("{tag}-b,,,,,,,,,", "part_name"), (",Name,,,,,,,,", "sku"), ("{tag}-b,Name,,,\"1,00\",EUR,,,,", "price"),
        ("{tag}-b,Name,,,1.00,,,,,", "currency"), ("{tag}-b,Name,,,,,-1,,,", "current_stock"), ("{tag}-b,Name", "row"),
        ("{tag}-0000,Name,,,,,,,,", "sku"), ("{tag}-b,Name,,a >  > b,,,,,,", "category"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named_and_nothing_is_applied(
    line: str, field: str, load: Callable[[str], Any], query: Query, tag: str
) -> None:
    with pytest.raises(ImportFileError) as refused:
        load(HEADER + rows(tag, 3) + line.format(tag=tag) + "\n" + f"{tag}-z,Good,,,,,,,,\n")
    assert [(error.line, error.field) for error in refused.value.errors] == [(5, field)]
    assert state(query, tag) == []


def test_an_archived_part_is_not_brought_back_by_a_file(
    load: Callable[[str], Any], core: Core, actor: Actor, query: Query, tag: str
) -> None:
    load(HEADER + rows(tag, 1))
    core.parts.archive_part_with_sync(actor, part(core, query, f"{tag}-0000")["id"], Expected())
    with pytest.raises(ImportFileError, match="archived"):
        load(HEADER + rows(tag, 1))


def test_a_file_that_is_not_utf8_or_has_no_rows_is_refused(
    core: Core, actor: Actor, tmp_path: Any, load: Callable[[str], Any]
) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes("sku,part_name\nx,Größe\n".encode("latin-1"))
    with pytest.raises(ImportFileError, match="UTF-8"):
        imports.import_parts(core.transactions, core.reading, actor, lambda: path.open(encoding="utf-8", newline=""))
    for text in ("", "sku,part_name\n"):
        with pytest.raises(ImportFileError):
            load(text)


def test_categories_of_one_name_under_several_parents_get_addresses_of_their_own(
    load: Callable[[str], Any], query: Query, tag: str
) -> None:
    paths = (f"{tag}", f"{tag} 3", f"A{tag} > {tag}", f"B{tag} > {tag}")
    file = "sku,part_name,category\n" + "".join(f"{tag}-{n},Part,{path}\n" for n, path in enumerate(paths))
    assert load(file) == (4, 0, 0)
    slugs = query("SELECT slug FROM categories WHERE name LIKE :like", like=f"%{tag}%")
    assert len({row["slug"] for row in slugs}) == 6


@pytest.mark.parametrize("kind", ["creating", "changing", "unchanged"])
def test_the_number_of_statements_does_not_grow_with_the_rows(
    kind: str, load: Callable[[str], Any], statements: Callable[[], Any], tag: str
) -> None:
    counts = []
    for number, size in enumerate((5, 400)):
        own = f"{tag}{number}"
        if kind != "creating":
            load(HEADER + rows(own, size))
        with statements() as executed:
            load(HEADER + rows(own, size, stock=6 if kind == "changing" else 5))
        counts.append(len(executed))
    # The second file's category path is new, too; a handful stands for what the sweeper does meanwhile.
    assert counts[1] <= counts[0] + 5
    assert counts[1] < 40


def test_no_cell_of_an_export_is_a_formula_and_the_round_trip_keeps_every_text(
    core: Core, actor: Actor, new_part: Callable[..., int]
) -> None:
    names = ["=HYPERLINK(1)", "+49", "-40 °C", "@SUM(1)", "'=quoted", "plain"]
    ids = [new_part(part_name=name) for name in names]
    out = StringIO()
    exports.export_parts(core.reading, out)
    cells = [cell for row in csv.reader(StringIO(out.getvalue())) for cell in row]
    assert not [cell for cell in cells if cell[:1] in {"=", "+", "-", "@"}]
    imports.import_parts(core.transactions, core.reading, actor, lambda: StringIO(out.getvalue()))
    assert [core.parts.panel.part(part_id)["part_name"] for part_id in ids] == names
