"""Reading import files: what a row means, and every bad file named by line and field."""

from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain.content import normalised
from app.domain.import_columns import Specification, header_of, read_columns
from app.domain.imports import ImportFileError, ImportRow, RowError, read_rows

HEADER = "sku,part_name,description,category,price,currency,current_stock,min_stock_level,Bore\n"


def read(text: str) -> list[ImportRow | RowError]:
    return list(read_rows(text.splitlines(keepends=True)))


def test_a_row_means_what_its_columns_say() -> None:
    (row,) = read(HEADER + ' 6204 ,"Bearing, ""open""","two\nlines",A > B,1.5,EUR,3,2,20\n')
    assert row == ImportRow(
        line=3,
        sku="6204",
        part_name='Bearing, "open"',
        description="two\nlines",
        category=("A", "B"),
        price=(Decimal("1.50"), "EUR"),
        current_stock=3,
        min_stock_level=2,
        specifications=((Specification("Bore"), "20"),),
    )


def test_a_column_that_is_not_there_says_nothing_and_an_empty_one_says_empty() -> None:
    (short,) = read("sku,part_name\na,b\n")
    assert (short.description, short.category, short.price, short.current_stock, short.specifications) == (
        None,
        None,
        None,
        None,
        (),
    )
    (empty,) = read(HEADER + "a,b,,,,,,,\n")
    assert (empty.description, empty.category, empty.specifications) == ("", (), ((Specification("Bore"), ""),))


@pytest.mark.parametrize(
    ("cells", "field"),
    [
        (",b,,,,,,,", "sku"),
        ("a,,,,,,,,", "part_name"),
        ("a,b,,,1.234,EUR,,,", "price"),
        ("a,b,,,1e2,EUR,,,", "price"),
        ('a,b,,,"1,00",EUR,,,', "price"),
        ("a,b,,,-1,EUR,,,", "price"),
        ("a,b,,,10000000000,EUR,,,", "price"),
        ("a,b,,,NaN,EUR,,,", "price"),
        ("a,b,,,1.00,,,,", "currency"),
        ("a,b,,,1.00,eur,,,", "currency"),
        ("a,b,,,1.00,ZZZ,,,", "currency"),
        ("a,b,,,,,1.5,,", "current_stock"),
        ("a,b,,,,,-1,,", "current_stock"),
        ("a,b,,,,,2147483648,,", "current_stock"),
        ("a,b,,,,,,x,", "min_stock_level"),
        ("a,b,,,,,,1e3,", "min_stock_level"),
        ("a,b,,,,,１２,,", "current_stock"),
        ("a,b,,A > > B,,,,,", "category"),
        ("a,b", "row"),
        ("a,b,,,,,,,,,,", "row"),
        ("a\x00,b,,,,,,,", "sku"),
        ("a,b\u202e,,,,,,,", "part_name"),
        ("a,b\u200b,,,,,,,", "part_name"),
        ("a,b,,,,,,,x\x07", "Bore"),
        ("a" * 101 + ",b,,,,,,,", "sku"),
        ("a," + "b" * 301 + ",,,,,,,", "part_name"),
        ("a,b,,,,,,," + "x" * 1001, "Bore"),
        ("a,b,," + "x" * 201 + ",,,,,", "category"),
    ],
)
def test_a_bad_cell_is_named_and_the_rows_around_it_are_read(cells: str, field: str) -> None:
    first, bad, last = read(HEADER + "x,y,,,,,,,\n" + cells + "\nz,y,,,,,,,\n")
    assert isinstance(bad, RowError)
    assert (bad.line, bad.field) == (3, field)
    assert bad.reason
    assert (first.sku, last.sku) == ("x", "z")


def test_one_sku_twice_is_named_with_both_lines_also_in_another_normal_form() -> None:
    _, error = read("sku,part_name\ncaf\u00e9,a\ncafe\u0301,b\n")
    assert (error.line, error.field) == (3, "sku")
    assert "line 2" in error.reason


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("", "header"),
        ("\n", "header"),
        (",,\n", "header"),
        ("sku\n", "part_name"),
        ("part_name\n", "sku"),
        ("sku,part_name,Bore,Bore\n", "Bore"),
        ("sku,part_name," + "x" * 201 + "\n", "x" * 40),
        ("sku|part_name\n", "sku"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused(header: str, field: str) -> None:
    with pytest.raises(ImportFileError) as refused:
        read(header + ("a,b,c\n" if header else ""))
    assert field in {error.field for error in refused.value.errors}
    assert all(error.line == 1 for error in refused.value.errors)


@pytest.mark.parametrize("rest", ['a,"b\n', 'a,"b"x\n', f'a,"{"x" * 200_000}"\n'])
def test_broken_quotes_and_endless_cells_end_the_file_with_an_error(rest: str) -> None:
    good, error = read("sku,part_name\nx,y\n" + rest)
    assert good.sku == "x"
    assert error.field == "row"
    assert "not valid CSV" in error.reason


def test_empty_lines_are_no_rows() -> None:
    assert len(read("sku,part_name\n\na,b\n\n")) == 1


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_header_says_which_separator_the_file_has(separator: str) -> None:
    (row,) = read(f"sku{separator}part_name{separator}Bore\na{separator}b{separator}1.5\n")
    assert (row.sku, row.part_name, row.specifications) == ("a", "b", ((Specification("Bore"), "1.5"),))


def test_a_spreadsheets_own_line_about_the_separator_is_followed_and_counted() -> None:
    good, bad = read("sep=;\r\nsku;part_name\r\na;b\r\nc\r\n")
    assert (good.sku, good.line, bad.line) == ("a", 3, 4)


def test_a_name_in_the_header_may_have_the_separator_and_line_breaks_in_quotes() -> None:
    (row,) = read('sku;part_name;"Bore; d,\nnominal"\na;b;7\n')
    assert row.specifications == ((Specification("Bore; d, nominal"), "7"),)


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        (["SKU", "Name", "Qty", "Brand", "MPN"], ["sku", "part_name", "current_stock", "manufacturer", "manufacturer_number"]),
        (["Part-Number", "PRODUCT NAME"], ["sku", "part_name"]),
        (["Part number", "sku", "part_name", "Name"], [Specification("Part number"), "sku", "part_name", Specification("Name")]),
        (["Manufacturer's number", "Min. stock"], ["manufacturer_number", "min_stock_level"]),
    ],
)
def test_columns_are_known_by_the_names_that_other_systems_give_them(names: list[str], fields: list[object]) -> None:
    assert read_columns(names) == fields


@given(st.tuples(st.text(min_size=1), st.text(), st.text()))
def test_every_specification_has_a_header_that_is_read_as_it(parts: tuple[str, str, str]) -> None:
    specification = Specification(*(normalised(part) for part in parts))
    assume(specification.name)
    assert read_columns([normalised(header_of(specification))]) == [specification]


def test_a_unit_and_a_group_stand_in_the_header() -> None:
    assert read_columns(["Bore [mm]", "Dimensions: Bore [mm]", ": Price", "Ratio 1:2", r"A \[b\]"]) == [
        Specification("Bore", "mm"), Specification("Bore", "mm", "Dimensions"), Specification("Price"),
        Specification("Ratio 1:2"), Specification("A [b]"),
    ]  # fmt: skip


def test_a_part_has_one_value_of_a_specification_whatever_its_unit() -> None:
    good, bad = read("sku,part_name,Bore [mm],Bore [in]\na,b,5,\nc,d,5,6\n")
    assert good.sku == "a"
    assert (bad.line, bad.field) == (3, "Bore")


def test_a_column_without_a_name_must_be_empty() -> None:
    good, bad = read("sku,part_name,\na,b,\nc,d,e\n")
    assert good.sku == "a"
    assert (bad.line, bad.field) == (3, "column 3")


def test_a_byte_that_is_not_utf8_is_named_in_its_line() -> None:
    text = "sku,part_name\na,b\nc,Größe\n".encode("latin-1").decode(errors="surrogateescape")
    good, bad = read(text)
    assert (good.sku, bad.line, bad.field) == ("a", 3, "part_name")
    assert "0xF6" in bad.reason
