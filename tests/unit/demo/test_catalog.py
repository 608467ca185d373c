"""The demo catalog matches its tables, is large enough, and agrees with dimensions that every fitter knows."""

import csv
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest

from demo import checks, commerce, generate
from demo.part import COLUMNS, REQUIRED_COLUMNS, is_numeric
from demo.table import read_table


@pytest.fixture(scope="module")
def lines() -> dict[str, Mapping[str, str]]:
    with generate.CSV_PATH.open(encoding="utf-8", newline="") as file:
        return {line["sku"]: line for line in csv.DictReader(file)}


def test_the_committed_file_is_what_the_generator_makes_byte_for_byte() -> None:
    assert generate.CSV_PATH.read_bytes() == generate.render().encode()


def test_the_file_is_utf8_with_lf_line_ends_and_the_promised_columns() -> None:
    content = generate.CSV_PATH.read_bytes()
    assert b"\r" not in content
    assert not content.startswith(b"\xef\xbb\xbf")
    assert next(csv.reader([content.decode().split("\n", 1)[0]])) == list(COLUMNS)


def test_there_are_at_least_two_thousand_parts_with_unique_ascii_skus() -> None:
    with generate.CSV_PATH.open(encoding="utf-8", newline="") as file:
        skus = [line["sku"] for line in csv.DictReader(file)]
    assert len(skus) >= 2000
    assert len(set(skus)) == len(skus)
    assert all(sku.isascii() for sku in skus)


def test_required_cells_are_filled_and_numeric_cells_are_numbers(lines: dict[str, Mapping[str, str]]) -> None:
    for line in lines.values():
        assert all(line[column] for column in REQUIRED_COLUMNS)
        for column, value in line.items():
            if value and is_numeric(column):
                assert Decimal(value).is_finite()
        assert line["currency"] == "EUR"
        assert Decimal(line["price"]).as_tuple().exponent == -2
        assert Decimal(line["price"]) > 0
        assert int(line["current_stock"]) >= 0
        assert int(line["min_stock_level"]) > 0
        assert 2 <= len(line["category"].split(" > ")) <= 3


def test_stock_is_varied_with_some_parts_sold_out_and_some_low(lines: dict[str, Mapping[str, str]]) -> None:
    stocks = [(int(line["current_stock"]), int(line["min_stock_level"])) for line in lines.values()]
    sold_out = sum(stock == 0 for stock, _ in stocks)
    low = sum(0 < stock <= reorder_level for stock, reorder_level in stocks)
    assert 0 < sold_out < low < len(stocks) / 4


@pytest.mark.parametrize(
    ("sku", "expected"),
    [
        ("6204-2RS", {"Bore diameter d [mm]": "20", "Outside diameter D [mm]": "47", "Width B [mm]": "14"}),
        ("608-2Z", {"Bore diameter d [mm]": "8", "Outside diameter D [mm]": "22", "Width B [mm]": "7"}),
        ("6310", {"Bore diameter d [mm]": "50", "Outside diameter D [mm]": "110", "Width B [mm]": "27"}),
        ("51105", {"Bore diameter d [mm]": "25", "Outside diameter D [mm]": "42", "Height T [mm]": "11"}),
        (
            "ISO4762-M8x30-8.8-ZN",
            {
                "Head diameter dk [mm]": "13",
                "Head height k [mm]": "8",
                "Hexagon socket size s [mm]": "6",
                "Thread pitch P [mm]": "1.25",
            },
        ),
        ("ISO4014-M12x80-8.8-ZN", {"Width across flats s [mm]": "18", "Thread length b [mm]": "30"}),
        ("ISO4014-M16x160-8.8-ZN", {"Width across flats s [mm]": "24", "Thread length b [mm]": "44"}),
        ("ISO4032-M10-8-ZN", {"Width across flats s [mm]": "16", "Nut height m [mm]": "8.4"}),
        ("ISO7089-M8-200HV-ZN", {"Bore diameter d [mm]": "8.4", "Outside diameter D [mm]": "16", "Thickness h [mm]": "1.6"}),
        ("OR-214-NBR70", {"Inside diameter d1 [mm]": "24.99", "Cross-section d2 [mm]": "3.53"}),
        ("OR-010-FKM75", {"Inside diameter d1 [mm]": "6.07", "Cross-section d2 [mm]": "1.78"}),
        ("OR-325-NBR70", {"Inside diameter d1 [mm]": "37.47", "Cross-section d2 [mm]": "5.33"}),
        ("DIN471-20x1.2", {"Groove diameter d2 [mm]": "19", "Groove width m [mm]": "1.3"}),
        ("DIN472-47x1.75", {"Groove diameter d2 [mm]": "49.5", "Groove width m [mm]": "1.85"}),
        ("SPA-1250", {"Top width [mm]": "13", "Belt height [mm]": "10", "Datum width [mm]": "11"}),
        ("HTD-1200-8M-30", {"Number of teeth": "150"}),
        ("OS-30x52x7-A-NBR", {"Shaft diameter d1 [mm]": "30", "Housing bore diameter [mm]": "52", "Width B [mm]": "7"}),
        (
            "DIN6885-A-8x7x40-C45",
            {
                "Shaft diameter [mm]": "22…30",
                "Shaft keyway depth t1 [mm]": "4",
                "Hub keyway depth t2 [mm]": "3.3",
            },
        ),
    ],
)
def test_well_known_dimensions(lines: dict[str, Mapping[str, str]], sku: str, expected: Mapping[str, str]) -> None:
    assert {column: lines[sku][column] for column in expected} == expected


def test_price_and_stock_follow_from_the_sku_alone() -> None:
    assert commerce.price("6204-2RS", Decimal("5.60")) == commerce.price("6204-2RS", Decimal("5.60"))
    assert commerce.price("tiny", Decimal("0.001")) == Decimal("0.01")
    assert Decimal("97.00") <= commerce.price("6204", Decimal(100)) <= Decimal("103.00")


def test_a_table_line_with_a_missing_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="expected the cells"):
        read_table("d D\n10 26\n12")


def test_a_falling_size_stops_the_generator(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = read_table("d D B\n10 26 8\n12 24 8")
    monkeypatch.setitem(checks._ORDERED_TABLES, "bearings 60", (rows, ("d", "D")))
    with pytest.raises(checks.CatalogError, match="bearings 60: D falls"):
        generate.render()


def test_a_sku_used_twice_stops_the_generator(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    parts = list(generate.catalog())
    monkeypatch.setattr(generate, "catalog", lambda: iter([*parts, parts[0]]))
    assert generate.main(["--check"]) == 1
    assert "sku not unique" in capsys.readouterr().err


def test_a_part_that_is_described_unlike_its_category_stops_the_generator(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *others = generate.catalog()
    specifications = {name: value for name, value in first.specifications.items() if name != "Closure"}
    monkeypatch.setattr(generate, "catalog", lambda: iter([replace(first, specifications=specifications), *others]))
    assert generate.main(["--check"]) == 1
    assert "is not described alike: ['Closure']" in capsys.readouterr().err


def test_check_says_whether_the_file_is_up_to_date(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert generate.main(["--check"]) == 0
    monkeypatch.setattr(generate, "CSV_PATH", tmp_path_factory.mktemp("demo") / "parts.csv")
    assert generate.main(["--check"]) == 1
    assert generate.main([]) == 0
    assert generate.main(["--check"]) == 0
