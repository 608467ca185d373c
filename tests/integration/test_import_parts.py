"""Importing a CSV: only what differs is written, bad rows are named, and the number of statements does not grow with the rows."""

import csv
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
import sqlalchemy
from alembic import command
from alembic.config import Config
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from app.commands.catalog import export_parts, import_file, import_parts
from app.container import Container
from app.contract.events import Actor, Aspect
from app.domain.content import forbidden_characters, normalised
from app.domain.imports.errors import ImportFileError
from app.domain.imports.paths import written
from app.domain.pricing import PriceLine
from app.services import exports
from app.services.imports import passes
from app.services.intent import Intent
from app.store import content, prices, reconciliation, users
from app.store.database import single_statements
from app.store.encoding import jsonb
from app.store.transaction import TransactionManager, UnitOfWork
from bench.system import wait_until
from config import load_settings

Query = Callable[..., list[dict[str, Any]]]
HEADER = "sku,part_name,description,category,price,currency,current_stock,min_stock_level,Bore,Width\n"


@pytest.fixture
def load(container: Container, actor: Actor) -> Callable[[str], tuple[int, int, int]]:
    """Import a file's text; return how many parts were created, changed, and left alone."""

    def run(text: str) -> tuple[int, int, int]:
        report = passes.import_parts(container.transactions, container.reading, actor, lambda: StringIO(text, newline=""))
        return report.created, report.changed, report.unchanged

    return run


@pytest.fixture
def tag() -> str:
    """A prefix for the SKUs of this test."""
    return uuid4().hex[:10]


def rows(tag: str, count: int, stock: int = 5) -> str:
    return "".join(f"{tag}-{n:04},Part {n},About {n},Tests > {tag},1.{n % 100:02},EUR,{stock},2,{n},\n" for n in range(count))


def state(query: Query, tag: str) -> list[dict[str, Any]]:
    """Everything that an import may write, with each row's last writing transaction (xmin)."""
    return query(
        "SELECT p.*, p.xmin::text AS part_writer, s.xmin::text AS stock_writer, s.version AS stock_version,"
        " (SELECT array_agg(x.xmin::text) FROM part_specifications x WHERE x.part_id = p.id) AS specification_writers,"
        " (SELECT array_agg(x.xmin::text) FROM part_prices x WHERE x.part_id = p.id) AS price_writers,"
        " (SELECT max(id) FROM outbox_events) AS last_event"
        " FROM parts p JOIN stock_levels s ON s.part_id = p.id WHERE p.sku LIKE :like ORDER BY p.id", like=f"{tag}%",
    )  # fmt: skip


def part(container: Container, query: Query, sku: str) -> dict[str, Any]:
    (row,) = query("SELECT id FROM parts WHERE sku = :sku", sku=sku)
    return container.parts.admin.part(row["id"])


def test_a_file_creates_published_parts_with_stock_price_category_and_specifications(
    load: Callable[[str], Any], container: Container, query: Query, tag: str
) -> None:
    assert load(HEADER + rows(tag, 3)) == (3, 0, 0)
    made = part(container, query, f"{tag}-0002")
    assert (made["status"], made["part_name"], made["description"]) == ("published", "Part 2", "About 2")
    assert [step["name"] for step in made["category"]["path"]] == ["Tests", tag]
    assert (made["stock"]["current_stock"], made["stock"]["min_stock_level"]) == (5, 2)
    assert [(line["amount"], line["currency"]) for line in made["price"]["prices"]] == [("1.02", "EUR")]
    assert [(one["name"], one["value"]) for one in made["specifications"]] == [("Bore", "2")]


def test_what_an_import_announces_is_what_the_database_says(
    load: Callable[[str], Any], container: Container, query: Query, tag: str
) -> None:
    """New parts are not read back before they are announced; changed ones are."""
    load(HEADER + rows(tag, 3))
    load(HEADER + rows(tag, 4).replace("Part 1,", "Renamed,"))
    ids = [row["id"] for row in query("SELECT id FROM parts WHERE sku LIKE :like ORDER BY id", like=f"{tag}%")]
    with container.reading.connect() as connection:
        for part_id, present in content.load(connection, ids).items():
            recorded = reconciliation.last_states(connection, [part_id], Aspect.CONTENT)[part_id].payload
            state = recorded["state"], recorded["snapshot"], recorded["public"]
            assert orjson.loads(orjson.dumps(state)) == orjson.loads(
                jsonb((present.state(), present.snapshot(), present.public()))
            )
            assert present.version > 1 or recorded["new_values"] == orjson.loads(jsonb(present.values()))


def test_the_search_after_an_import_is_the_one_that_would_be_made_anew(
    load: Callable[[str], Any], query: Query, make_search_anew: Callable[[], None], tag: str
) -> None:
    load(HEADER + rows(tag, 3))
    load(HEADER + rows(tag, 4, stock=0).replace("Part 1,", "Renamed,").replace("1.02,", "8.20,"))
    searchable = "SELECT s.* FROM part_search s JOIN parts p ON p.id = s.part_id WHERE p.sku LIKE :like ORDER BY part_id"
    words = "SELECT word FROM search_words WHERE word = 'renamed'"
    kept, known = query(searchable, like=f"{tag}%"), query(words)
    make_search_anew()
    assert (kept, known) == (query(searchable, like=f"{tag}%"), query(words))
    assert len(kept) == 4
    assert len(known) == 1


def test_a_price_without_a_currency_is_in_the_only_one_that_the_shop_has(
    container: Container,
    tmp_path: Path,
    query: Query,
    tag: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    new_part: Callable[..., int],
) -> None:
    query("INSERT INTO prices (part_id, currency, amount) VALUES (:id, 'CHF', 1)", id=new_part())
    with container.reading.connect() as connection:
        assert prices.currencies(connection) == ["CHF"]
    file = tmp_path / "parts.csv"
    file.write_text(f"sku,part_name,price\n{tag},Part,1.50\n")
    with monkeypatch.context() as several:
        several.setattr(prices, "currencies", lambda _connection: ["CHF", "EUR"])
        with pytest.raises(SystemExit):
            import_file(container, file)
    assert "currency" in capsys.readouterr().err
    import_file(container, file)
    assert [line["currency"] for line in part(container, query, tag)["price"]["prices"]] == ["CHF"]


def test_importing_the_same_file_again_writes_no_row_and_makes_no_event(
    load: Callable[[str], Any], query: Query, tag: str
) -> None:
    load(HEADER + rows(tag, 20))
    before = state(query, tag)
    assert load(HEADER + rows(tag, 20)) == (0, 0, 20)
    assert state(query, tag) == before


def test_only_rows_that_differ_are_written_and_only_the_aspect_that_differs(
    load: Callable[[str], Any], container: Container, query: Query, tag: str
) -> None:
    load(HEADER + rows(tag, 4))
    changed = rows(tag, 4).replace("Part 1,", "Renamed,").replace("1.02,EUR,5", "9.99,EUR,5").replace("1.03,EUR,5", "1.03,EUR,6")
    assert load(HEADER + changed) == (0, 3, 1)
    versions = [part(container, query, f"{tag}-{n:04}")["versions"] for n in range(4)]
    assert versions == [
        {"content": 1, "stock": 1, "price": 1}, {"content": 2, "stock": 1, "price": 1},
        {"content": 1, "stock": 1, "price": 2}, {"content": 1, "stock": 2, "price": 1},
    ]  # fmt: skip


def test_what_a_file_has_no_column_for_stays(load: Callable[[str], Any], container: Container, query: Query, tag: str) -> None:
    load(HEADER + rows(tag, 1))
    before = part(container, query, f"{tag}-0000")
    assert load(f"sku,part_name\n{tag}-0000,Part 0\n") == (0, 0, 1)
    assert load(f"sku,part_name,Width\n{tag}-0000,Part 0,7\n") == (0, 1, 0)
    after = part(container, query, f"{tag}-0000")
    assert {(one["name"], one["value"]) for one in after["specifications"]} == {("Bore", "0"), ("Width", "7")}
    for name in ("description", "category", "stock", "price"):
        assert after[name] == before[name]


def test_an_empty_cell_removes_a_specification_and_keeps_a_count(
    load: Callable[[str], Any], container: Container, query: Query, tag: str
) -> None:
    load(HEADER + rows(tag, 1))
    assert load(f"sku,part_name,current_stock,Bore\n{tag}-0000,Part 0,,\n") == (0, 1, 0)
    after = part(container, query, f"{tag}-0000")
    assert (after["specifications"], after["stock"]["current_stock"]) == ([], 5)


def test_an_export_imports_without_a_change(load: Callable[[str], Any], container: Container, query: Query, tag: str) -> None:
    load(HEADER + rows(tag, 5) + f'{tag}-x,"Odd, ""quoted""","=HYPERLINK(""x"")\nsecond line",,,,0,0,,-40\n')
    out = StringIO()
    count = exports.export_parts(container.reading, out)
    assert load(out.getvalue()) == (0, 0, count)


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("{tag}-b,,,,,,,,,", "part_name"), (",Name,,,,,,,,", "sku"), ("{tag}-b,Name,,,1e2,EUR,,,,", "price"),
        ("{tag}-b,Name,,,1.00,,,,,", "currency"), ("{tag}-b,Name,,,,,-1,,,", "current_stock"), ("{tag}-b", "part_name"),
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
    load: Callable[[str], Any], container: Container, actor: Actor, query: Query, tag: str
) -> None:
    load(HEADER + rows(tag, 1))
    container.parts.archive_part_with_sync(Intent(actor), part(container, query, f"{tag}-0000")["id"])
    with pytest.raises(ImportFileError, match="archived"):
        load(HEADER + rows(tag, 1))


def test_a_file_that_is_not_utf8_or_has_no_rows_is_refused(
    container: Container, actor: Actor, tmp_path: Any, load: Callable[[str], Any]
) -> None:
    path = tmp_path / "latin.csv"
    path.write_bytes("sku,part_name\nx,Größe\n".encode("latin-1"))
    with pytest.raises(ImportFileError, match="UTF-8"):
        passes.import_parts(container.transactions, container.reading, actor, lambda: path.open(encoding="utf-8", newline=""))
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


def test_categories_and_specifications_that_differ_only_in_case_and_blanks_are_the_first_of_them(
    load: Callable[[str], Any], container: Container, query: Query, tag: str
) -> None:
    tag += "x"
    header = "sku,part_name,category"
    assert load(f"{header},Color\n{tag}-a,A,{tag} > Hex bolts,red\n{tag}-b,B,{tag.upper()} > hex  BOLTS,\n") == (2, 0, 0)
    assert load(f"{header},COLOR\n{tag}-a,A,{tag.upper()} > HEX BOLTS,blue\n{tag}-c,C,{tag}  > hex bolts,\n") == (1, 1, 0)
    for sku in ("a", "b", "c"):
        assert [step["name"] for step in part(container, query, f"{tag}-{sku}")["category"]["path"]] == [tag, "Hex bolts"]
    assert part(container, query, f"{tag}-a")["specifications"] == [{"name": "Color", "value": "blue", "unit": "", "group": ""}]


def test_categories_alike_that_an_earlier_release_has_made_keep_their_parts(
    load: Callable[[str], Any], container: Container, query: Query, tag: str
) -> None:
    for number, name in enumerate(("Bolts", "bolts")):
        query("INSERT INTO categories (name, slug) VALUES (:name, :slug)", name=tag + name, slug=f"{tag}-{number}")
    file = f"sku,part_name,category\n{tag}-a,A,{tag}Bolts\n{tag}-b,B,{tag}bolts\n"
    assert load(file) == (2, 0, 0)
    assert load(file + f"{tag}-c,C,{tag}BOLTS\n") == (1, 0, 2)
    found = [part(container, query, f"{tag}-{sku}")["category"]["slug"] for sku in ("a", "b", "c")]
    assert found[:2] == [f"{tag}-0", f"{tag}-1"]
    assert found[2] in found[:2]


def test_values_that_other_systems_write_for_none_come_back_from_the_file(
    load: Callable[[str], Any], container: Container, query: Query, tag: str
) -> None:
    names = ["NULL", "None", "-", "'N/A", "nan", "''NULL"]
    lines = "".join(f"{tag}-{n},'{name},'NULL,'{name},'{name},'{name}\n" for n, name in enumerate(names))
    load(f"sku,part_name,category,manufacturer,description,Legend\n{lines}")
    made = [part(container, query, f"{tag}-{n}") for n in range(len(names))]
    assert [one["part_name"] for one in made] == [one["manufacturer"] for one in made] == names
    assert {one["category"]["name"] for one in made} == {"NULL"}
    out = StringIO()
    count = exports.export_parts(container.reading, out)
    assert load(out.getvalue()) == (0, 0, count)


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
    # A unit of work that met a lock of another thread's is run again.
    assert counts[1] <= counts[0] + 5
    assert counts[1] < 40


def test_the_search_of_one_chunk_is_made_beside_the_next_one(
    load: Callable[[str], Any], query: Query, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passes, "CHUNK", 10)
    chunks, apply_chunk, execute = 3, passes.apply_chunk, UnitOfWork.execute
    written = kept = 0

    def write(*arguments: Any) -> Any:
        nonlocal written
        report = apply_chunk(*arguments)
        written += 1
        return report

    def keep(unit_of_work: UnitOfWork, statement: Any, **parameters: Any) -> Any:
        nonlocal kept
        if "keep_search_of" in str(statement):
            kept += 1
            assert kept == chunks or wait_until(lambda: written > kept)
        return execute(unit_of_work, statement, **parameters)

    monkeypatch.setattr(passes, "apply_chunk", write)
    monkeypatch.setattr(UnitOfWork, "execute", keep)
    assert load("sku,part_name\n" + "".join(f"{tag}-{n},Part {n}\n" for n in range(10 * chunks))) == (30, 0, 0)
    found = "SELECT count(*) AS n FROM part_search s JOIN parts p ON p.id = s.part_id WHERE p.sku LIKE :like"
    assert (kept, query(found, like=f"{tag}%")) == (chunks, [{"n": 30}])


def test_no_cell_of_an_export_is_a_formula_and_the_round_trip_keeps_every_text(
    container: Container, actor: Actor, new_part: Callable[..., int]
) -> None:
    names = ["=HYPERLINK(1)", "+49", "-40 °C", "@SUM(1)", "'=quoted", "plain"]
    ids = [new_part(part_name=name) for name in names]
    out = StringIO()
    exports.export_parts(container.reading, out)
    cells = [cell for row in csv.reader(StringIO(out.getvalue())) for cell in row]
    assert not [cell for cell in cells if cell[:1] in {"=", "+", "-", "@"}]
    passes.import_parts(container.transactions, container.reading, actor, lambda: StringIO(out.getvalue()))
    assert [container.parts.admin.part(part_id)["part_name"] for part_id in ids] == names


@pytest.fixture(scope="module")
def elsewhere(servers: Any) -> Iterator[Engine]:
    """An empty database with the schema, separate from the shop's."""
    shop = sqlalchemy.make_url(load_settings().database_url)
    maintenance = sqlalchemy.create_engine(shop, isolation_level="AUTOCOMMIT")
    with maintenance.connect() as connection:
        connection.exec_driver_sql("DROP DATABASE IF EXISTS elsewhere")
        connection.exec_driver_sql("CREATE DATABASE elsewhere")
    maintenance.dispose()
    engine = sqlalchemy.create_engine(shop.set(database="elsewhere"))
    configuration = Config()
    configuration.set_main_option("script_location", "migrations")
    with engine.connect() as connection:
        configuration.attributes["connection"] = connection
        command.upgrade(configuration, "head")
    yield engine
    engine.dispose()


def fitting(text: str, longest: int) -> str:
    """Turn any text into one that a part may have."""
    return normalised("".join(c for c in text if not forbidden_characters(c)))[:longest].strip()


texts = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="'=+-@;,\t\" \\:[]<&>a\n\r", max_size=12),
    st.sampled_from(["Price", "sku", "\ud55c\uae00", "é", "a &amp; b", "'&#39;", "=&lt;"]),
).map(lambda text: fitting(text, 100))
specifications = st.lists(
    st.fixed_dictionaries(
        {"name": texts.filter(bool), "value": texts.filter(bool), "unit": texts.map(lambda t: t[:40].strip()), "group": texts}
    ),
    max_size=4, unique_by=lambda one: (one["group"], one["name"]),
)  # fmt: skip
parts = st.fixed_dictionaries(
    {
        "part_name": texts.filter(bool), "description": texts, "status": st.sampled_from(["draft", "published"]),
        "manufacturer": st.none() | texts, "manufacturer_number": st.none() | texts, "specifications": specifications,
        "amount": st.none() | st.decimals(0, 10**9, places=2), "stock": st.integers(0, 2**31 - 1), "least": st.integers(0, 100),
    }
)  # fmt: skip

CONTENT = """
    SELECT p.sku, p.slug, p.part_name, p.description, COALESCE(p.manufacturer, '') AS manufacturer, p.status,
           COALESCE(p.manufacturer_number, '') AS manufacturer_number, s.current_stock, s.min_stock_level,
           (SELECT array_agg((x."group", x.name, x.value, x.unit)::text ORDER BY x."group", x.name)
            FROM part_specifications x WHERE x.part_id = p.id) AS specifications,
           (SELECT array_agg((y.currency, y.amount, y.min_quantity)::text) FROM part_prices y WHERE y.part_id = p.id) AS prices
    FROM parts p JOIN stock_levels s ON s.part_id = p.id WHERE p.sku LIKE :like ORDER BY p.sku
"""


@given(wanted=st.lists(parts, min_size=1, max_size=4))
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_catalog_comes_back_from_its_own_file_and_is_made_anew_from_it_elsewhere(
    wanted: list[dict[str, Any]], container: Container, actor: Actor, query: Query, elsewhere: Engine
) -> None:
    tag = uuid4().hex[:10]
    for number, one in enumerate(wanted):
        lines = [PriceLine("EUR", one["amount"])] if one["amount"] is not None else []
        columns = ("part_name", "description", "status", "manufacturer", "manufacturer_number")
        values = {"sku": f"{tag}-{number}"} | {name: one[name] for name in columns}
        container.parts.create_part_with_sync(
            Intent(actor), values, one["specifications"], lines, {"current_stock": one["stock"], "min_stock_level": one["least"]}
        )
    out = StringIO()
    exports.export_parts(container.reading, out)
    (before,) = query("SELECT max(id) AS id FROM outbox_events")
    count = len(query("SELECT id FROM parts WHERE archived_at IS NULL"))
    report = passes.import_parts(container.transactions, container.reading, actor, lambda: StringIO(out.getvalue(), newline=""))
    assert (report.created, report.changed, report.unchanged) == (0, 0, count)
    assert query("SELECT max(id) AS id FROM outbox_events") == [before]
    own = "".join(
        row for number, row in enumerate(_rows_of(out.getvalue())) if not number or row.startswith((f"{tag}-", f'"{tag}-'))
    )
    there = TransactionManager(elsewhere, lambda _committed: None)
    with elsewhere.connect() as connection:
        system = users.system(connection)
    passes.import_parts(there, single_statements(elsewhere), Actor(system.id, system.name), lambda: StringIO(own, newline=""))
    with elsewhere.connect() as connection:
        made = [dict(row._mapping) for row in connection.execute(sqlalchemy.text(CONTENT), {"like": f"{tag}%"})]
    assert made == query(CONTENT, like=f"{tag}%")


def _rows_of(text: str) -> list[str]:
    """Return the file's rows as text, each with its line end; a cell may hold line breaks."""
    rows = []
    for cells in csv.reader(StringIO(text, newline="")):
        line = StringIO()
        csv.writer(line, lineterminator="\r\n").writerow(cells)
        rows.append(line.getvalue())
    return rows


def test_names_of_categories_come_back_from_the_file_whatever_signs_they_have(
    load: Callable[[str], Any], container: Container, query: Query, tag: str
) -> None:
    names = ["AC/DC", "Nuts, bolts", "A > B", "A|B", "Screws - inch", "back\\slash", "x &gt; y", "Tools: hand", ">1W"]
    lines = "".join(
        f'{tag}-{n},Part,"{written([tag + name, name, name] if n % 2 else [tag + name])}"\n' for n, name in enumerate(names)
    )
    load(f"sku,part_name,category\n{lines}")
    paths = [[step["name"] for step in part(container, query, f"{tag}-{n}")["category"]["path"]] for n in range(len(names))]
    assert paths == [[tag + name, name, name] if n % 2 else [tag + name] for n, name in enumerate(names)]
    out = StringIO()
    count = exports.export_parts(container.reading, out)
    assert load(out.getvalue()) == (0, 0, count)


def test_a_text_about_html_comes_back_from_a_file_in_which_no_other_ampersand_says_that_it_is_one(
    container: Container, load: Callable[[str], Any], query: Query, tag: str
) -> None:
    names = ["Use &amp; in HTML", "'&quot;", "=&#61;", "'=&#61;", "x &gt; y"]
    lines = [f"""{tag}-{n},"'{name}","'{written([tag, name])}",R & D,'{name}\n""" for n, name in enumerate(names)]
    lines.append(f"{tag}-z,R & D,{tag} > R & D,,R & D\n")
    load("sku,part_name,category,description,Legend\n" + "".join(lines))
    out = StringIO()
    exports.export_parts(container.reading, out)
    rows = _rows_of(out.getvalue())
    # Without the one whose bare ampersands say that nothing is encoded.
    own = rows[0] + "".join(row for row in rows if row.startswith(tag) and not row.startswith(f"{tag}-z"))
    assert load(own) == (0, 0, len(names))
    assert [part(container, query, f"{tag}-{n}")["part_name"] for n in range(len(names))] == names


def test_a_root_that_the_shop_has_is_not_left_out(
    load: Callable[[str], Any], container: Container, query: Query, tag: str
) -> None:
    file = f"sku,part_name,category\n{tag}-a,A,Root category > {tag}\n"
    load(file)
    assert [step["name"] for step in part(container, query, f"{tag}-a")["category"]["path"]] == [tag]
    load(f"sku,part_name,category\n{tag}-b,B,\\Root category > {tag}\n")
    load(file)
    assert [step["name"] for step in part(container, query, f"{tag}-a")["category"]["path"]] == ["Root category", tag]


def test_an_export_begins_with_the_mark_by_which_a_spreadsheet_reads_it_right_and_is_read_back(
    app: Flask, container: Container, new_part: Callable[..., int], tmp_path: Path, query: Query, tag: str
) -> None:
    new_part(sku=f"{tag}-é", part_name="Größe µ", manufacturer_number="4.00638E+12")
    new_part(sku=f"4.{int(tag, 16)}E+12", part_name="An odd number")
    file = tmp_path / "parts.csv"
    assert app.test_cli_runner().invoke(export_parts, [str(file)]).exit_code == 0
    assert file.read_bytes().startswith(b"\xef\xbb\xbfsku,")
    before = query("SELECT max(id) FROM outbox_events")
    done = app.test_cli_runner().invoke(import_parts, [str(file)])
    assert (done.exit_code, done.exception) == (0, None)
    assert "0 created, 0 changed" in done.output
    assert query("SELECT max(id) FROM outbox_events") == before


def test_the_command_says_what_became_of_every_column_and_how_to_say_what_it_cannot_know(
    app: Flask, container: Container, tmp_path: Path, query: Query, tag: str
) -> None:
    file = tmp_path / "parts.csv"
    file.write_text(f"SKU,MPN,On sale,Purchase note,Bore [mm],Category\n{tag},6204,yes,cheap,7,{tag}/Bolts\n")
    run = app.test_cli_runner().invoke
    refused = run(import_parts, [str(file), "--dry-run", "--map", "part_name=MPN"])
    assert refused.exit_code == 1
    for remedy in ("--ignore 'On sale' --ignore 'Purchase note'", "--as-specification 'On sale'", "--category-separator /"):
        assert remedy in refused.stderr
    assert "On sale -> undecided" in refused.stderr
    said = ["--map", "part_name=MPN", "--ignore", "On sale", "--as-specification", "purchase note", "--category-separator", "/"]
    done = run(import_parts, [str(file), *said])
    assert (done.exit_code, done.exception) == (0, None)
    for line in (
        "MPN -> manufacturer_number (also part_name)", "On sale -> ignored", "Purchase note -> specification",
        "Bore [mm] -> specification (Bore; unit mm)", 'Category -> category (levels separated by "/")', "1 created",
    ):  # fmt: skip
        assert line in done.output
    assert part(container, query, tag)["part_name"] == "6204"
    assert run(import_parts, [str(file), "--map", "colour=Bore"]).exit_code == 2


def test_a_slug_of_another_part_and_one_that_two_rows_want_are_refused(
    load: Callable[[str], Any], query: Query, tag: str
) -> None:
    load(f"sku,part_name,slug\n{tag}-a,A,{tag}-slug-a\n")
    with pytest.raises(ImportFileError) as refused:
        load(f"sku,part_name,slug\n{tag}-b,B,{tag}-slug-a\n{tag}-c,C,x-{tag}\n{tag}-d,D,x-{tag}\n{tag}-e,E,Not A Slug\n")
    assert [(error.line, error.field) for error in refused.value.errors] == [(2, "slug"), (4, "slug"), (5, "slug")]
    assert len(state(query, tag)) == 1


def test_status_manufacturer_and_its_number_are_written_and_an_empty_cell_takes_them_away(
    load: Callable[[str], Any], container: Container, query: Query, tag: str
) -> None:
    load(f"Part number,Name,Status,Brand,MPN\n{tag}-a,A,Draft,SKF,6204\n")
    made = part(container, query, f"{tag}-a")
    assert (made["status"], made["manufacturer"], made["manufacturer_number"]) == ("draft", "SKF", "6204")
    load(f"sku,name,status,brand,mpn\n{tag}-a,A,,,\n")
    after = part(container, query, f"{tag}-a")
    assert (after["status"], after["manufacturer"], after["manufacturer_number"]) == ("draft", None, None)


def test_a_column_without_a_unit_leaves_the_unit_and_the_place_of_a_specification(
    load: Callable[[str], Any], container: Container, query: Query, tag: str
) -> None:
    load(f"sku,part_name,Bore [mm],Size: Width [mm]\n{tag}-a,A,20,7\n")
    assert load(f"sku,part_name,Bore\n{tag}-a,A,20\n") == (0, 0, 1)
    assert load(f"sku,part_name,Bore,Size: Width [in]\n{tag}-a,A,25,1\n") == (0, 1, 0)
    assert part(container, query, f"{tag}-a")["specifications"] == [
        {"name": "Bore", "value": "25", "unit": "mm", "group": ""},
        {"name": "Width", "value": "1", "unit": "in", "group": "Size"},
    ]  # fmt: skip


def test_a_price_that_ends_by_its_date_gives_way_to_the_files_standing_one(
    load: Callable[[str], Any], container: Container, actor: Actor, new_part: Callable[..., int], tag: str
) -> None:
    part_id = new_part(sku=f"{tag}-a", part_name="A")
    ends = datetime.now(UTC) + timedelta(days=1)
    container.parts.update_prices_with_sync(Intent(actor), part_id, [PriceLine("EUR", Decimal(1), 1, None, ends)])
    assert load(f"sku,part_name,price,currency\n{tag}-a,A,2.00,EUR\n") == (0, 1, 0)
    assert [line["amount"] for line in container.parts.admin.part(part_id)["price"]["prices"]] == ["2.00"]


def test_an_export_imports_without_a_change_whatever_a_price_list_holds(
    load: Callable[[str], Any], container: Container, actor: Actor, new_part: Callable[..., int], query: Query, tag: str
) -> None:
    now = datetime.now(UTC)
    lists = [
        [],
        [PriceLine("USD", Decimal("2.00")), PriceLine("EUR", Decimal("1.00")), PriceLine("EUR", Decimal("0.90"), 10)],
        [PriceLine("EUR", Decimal("1.00"), 1, now - timedelta(days=1), now + timedelta(days=1))],
        [
            PriceLine("EUR", Decimal("1.00"), 1, None, now + timedelta(days=1)),
            PriceLine("EUR", Decimal("2.00"), 1, now + timedelta(1)),
        ],
        [
            PriceLine("GBP", Decimal("9999999999.99"), 5),
            PriceLine("EUR", Decimal("0.00")),
            PriceLine("EUR", Decimal("1.00"), 1, now),
        ],
    ]
    for number, lines in enumerate(lists):
        container.parts.update_prices_with_sync(Intent(actor), new_part(sku=f"{tag}-{number}"), lines)
    out = StringIO()
    count = exports.export_parts(container.reading, out)
    before = state(query, tag)
    assert load(out.getvalue()) == (0, 0, count)
    assert state(query, tag) == before


def test_a_rehearsal_tells_the_numbers_and_writes_nothing(
    container: Container, actor: Actor, load: Any, query: Query, tag: str
) -> None:
    load(HEADER + rows(tag, 4))
    before = state(query, tag)
    text = HEADER + rows(tag, 6).replace("Part 1,", "Renamed,")
    layout = passes.check(container.reading, lambda: StringIO(text, newline="")).survey.layout
    report = passes.rehearse(container.transactions, actor, lambda: StringIO(text, newline=""), layout)
    assert (report.created, report.changed, report.unchanged) == (2, 1, 3)
    assert state(query, tag) == before


def test_a_description_is_cleaned_and_cleaning_it_again_is_no_change(
    load: Callable[[str], Any], container: Container, query: Query, tag: str
) -> None:
    text = f'sku,part_name,description\n{tag}-a,A,"<p onclick=""x()"">5 < 6 & 7<script>alert(1)</script>"\n'
    load(text)
    assert part(container, query, f"{tag}-a")["description"] == "<p>5 &lt; 6 &amp; 7</p>"
    assert load(text) == (0, 0, 1)
