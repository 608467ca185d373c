"""Reading import files: what a row means, and every bad file named by line and field."""

import json
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain.content import normalised
from app.domain.imports.columns import Specification, Unread, Why, header_of, read_header
from app.domain.imports.errors import ImportFileError, RowError
from app.domain.imports.names import PRIVATE, SYNONYMS
from app.domain.imports.options import NO_OPTIONS, Options
from app.domain.imports.rows import ImportRow, read_rows
from app.domain.imports.survey import Layout, survey

HEADER = "sku,part_name,description,category,price,currency,current_stock,min_stock_level,Bore\n"


def read(text: str, options: Options = NO_OPTIONS) -> list[ImportRow | RowError]:
    lines = text.splitlines(keepends=True)
    return list(read_rows(lines, survey(lines, options).layout))


def columns_of(names: list[str]) -> list[object]:
    return list(read_header(names).columns)


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
        ("a,b,,,-1,EUR,,,", "price"),
        ("a,b,,,10000000000,EUR,,,", "price"),
        ("a,b,,,Infinity,EUR,,,", "price"),
        ("a,b,,,1.00,,,,", "currency"),
        ("a,b,,,1.00,ZZZ,,,", "currency"),
        ("a,b,,,1.00,US Dollar,,,", "currency"),
        ("a,b,,,,,1.5,,", "current_stock"),
        ("a,b,,,,,-1,,", "current_stock"),
        ("a,b,,,,,2147483648,,", "current_stock"),
        ("a,b,,,,,,x,", "min_stock_level"),
        ("a,b,,,,,,1e3,", "min_stock_level"),
        ("a,b,,,,,1²,,", "current_stock"),
        ("a,b,,A > > B,,,,,", "category"),
        ("a,b,,,,,,,,,,", "row"),
        ("a\x00,b,,,,,,,", "sku"),
        ("a,b\u202e,,,,,,,", "part_name"),
        ("a\u200b,b,,,,,,,", "sku"),
        ("a\u200db,b,,,,,,,", "sku"),
        ("a\ufe0f,b,,,,,,,", "sku"),
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
        ("sku^part_name\n", "sku"),
        ("sku,part_name" + ",x" * 999 + "\n", "header"),
        ("sku,part_name" + ",x" * 9_000_000 + "\n", "header"),
        ('sku,part_name,"x\n', "header"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused(header: str, field: str) -> None:
    with pytest.raises(ImportFileError) as refused:
        read(header + ("a,b,c\n" if header.strip(",\n") else ""))
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


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
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
    assert columns_of(names) == fields


# What headers are made of, and what has a meaning in them.
_PIECES = st.lists(st.sampled_from([*"#()[]:* \\.$€", "sku", "part", "number", "price", "cost", "in", "EUR"]), max_size=5).map(
    "".join
)


@given(st.tuples(st.text(min_size=1) | _PIECES, st.text() | _PIECES, st.text() | _PIECES))
def test_every_specification_has_a_header_that_is_read_as_it(parts: tuple[str, str, str]) -> None:
    specification = Specification(*(normalised(part) for part in parts))
    assume(specification.name)
    assert columns_of([normalised(header_of(specification))]) == [specification]


def test_a_unit_and_a_group_stand_in_the_header() -> None:
    assert columns_of(["Bore [mm]", "Dimensions: Bore [mm]", ": Price", "Ratio 1:2", r"A \[b\]"]) == [
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


def test_blank_lines_before_the_header_are_counted_and_passed_over() -> None:
    good, bad = read("\r\n;;;\r\nsku;name\r\na;b\r\nc\r\n")
    assert (good.sku, good.line, bad.line) == ("a", 4, 5)


def test_a_broken_header_is_read_with_its_own_separator_so_that_the_error_names_what_is_wrong() -> None:
    with pytest.raises(ImportFileError) as refused:
        read("sku;name;Bore;Bore\na;b;1;2\n")
    assert [error.field for error in refused.value.errors] == ["Bore"]
    with pytest.raises(ImportFileError) as refused:
        read("article number;Bore\na;1\n")
    assert [(error.field, "product name" in error.reason) for error in refused.value.errors] == [("part_name", True)]


# The headers of exports as these systems write them, shortened to what means something here: a field, None for a specification,
# "-" for what is private, and "?" for what somebody has to decide.
SYSTEMS = {
    "WooCommerce": (
        "SKU|Name|Published|Is featured?|Visibility in catalog|Short description|Description|Date sale price starts|Tax status"
        "|Tax class|In stock?|Stock|Low stock amount|Backorders allowed?|Weight (kg)|Purchase note|Sale price|Regular price"
        "|Categories|Meta: _sale_price",
        ["sku", "part_name", "status", "?", "?", None, "description", "?", "?", "?", "?", "current_stock", "min_stock_level", "?",
         None, "?", "?", "price", "category", "?"]),
    "Shopify": ("Handle|Title|Body (HTML)|Vendor|Status|Published|Variant SKU|Variant Inventory Qty|Variant Price"
        "|Variant Compare At Price|Variant Taxable|Cost per item",
        [None, "part_name", "description", "-", "status", "?", "sku", "current_stock", "price", "?", "?", "-"]),
    "Magento": (
        "sku|categories|name|description|product_online|tax_class_name|visibility|price|special_price|qty|allow_backorders",
        ["sku", "category", "part_name", "description", "status", "?", "?", "price", "?", "current_stock", "?"]),
    "Odoo": ("External ID|Name|Internal Reference|Sales Price|Cost|Quantity On Hand|Can be Sold|Internal Notes",
        [None, "part_name", "sku", "price", "-", "current_stock", "?", "?"]),
    "InvenTree": ("Name|IPN|Description|In Stock|Minimum Stock|Active|Notes",
        ["part_name", "sku", "description", "current_stock", "min_stock_level", "status", "?"]),
    "PrestaShop": ("Name *|Reference #|Active (0/1)|Categories (x,y,z...)|Price tax excluded|On sale (0/1)|Manufacturer|Quantity"
        "|Supplier|Available for order (0 = No, 1 = Yes)",
        ["part_name", "sku", "status", "category", "?", "?", "manufacturer", "current_stock", "-", "?"]),
    "LCSC": ("LCSC Part Number|Manufacture Part Number|Manufacturer|Name|Unit Price($)",
        ["sku", "manufacturer_number", "manufacturer", "part_name", "price"]),
    "Mouser": ("Mouser #:|Mfr. #:|Manufacturer|Item Description|Unit Price (USD)|Availability|Lifecycle Status",
        ["sku", "manufacturer_number", "manufacturer", "part_name", "price", "?", "?"]),
    "a German ERP": ("Artikelnummer|Bezeichnung|Preis EUR|Bestand|Hersteller|Einkaufspreis (EUR)|Sonderpreis|MwSt.-Satz"
        "|Mindestbestand|Steuerspannung [V]|Kugellager|Auslaufartikel|Interne Notiz",
        ["sku", "part_name", "price", "current_stock", "manufacturer", "-", "?", "?", "min_stock_level", None, None, "?", "?"]),
    "a French list": ("Reference|Title|Prix TTC|TVA|En solde|Disponibilité|Diamètre interne [mm]|Remarque|Fournisseur",
        ["sku", "part_name", "?", "?", "?", "?", None, "?", "?"]),
    "a Spanish list": ("SKU|Name|Precio|IVA|Existencias|Estado|Diámetro interno|Visible en tienda|Observaciones",
        ["sku", "part_name", "?", "?", "current_stock", "?", None, "?", "?"]),
    "a French shop": ("ID|Référence|Nom|Catégorie|Prix (HT)|Quantité|Marque|Seuil de stock|Règle de taxe|Éco-participation|Poids",
        [None, "sku", "part_name", "category", "?", "current_stock", "manufacturer", "min_stock_level", "?", "?", None]),
    "a Polish list": ("Indeks|Nazwa|Kategoria|Cena zakupu|Ilość|Kod producenta|Dostawca|Średnica|Aktywny",
        ["sku", "part_name", "category", "?", "current_stock", "manufacturer_number", "?", None, "?"]),
    "a Turkish list": ("STOK KODU|ÜRÜN ADI|Kategori|Alış Fiyatı|KDV|Stok Miktarı|Marka|Çap [mm]|Tedarikçi|Maliyet",
        ["sku", "part_name", "category", "?", "?", "current_stock", "manufacturer", None, "?", "?"]),
    "a Russian list": ("Артикул|Наименование|Категория|Закупочная цена|Остаток|Производитель|Диаметр [мм]|Скидка",
        ["sku", "part_name", "category", "?", "current_stock", "manufacturer", None, "?"]),
    "a Chinese list": ("货号|商品名称|分类|成本价|进价|库存|品牌|供应商|直径|备注",
        ["sku", "part_name", "category", "?", "?", "current_stock", "manufacturer", "?", None, "?"]),
    "SAP": ("Material Number|Material Description|Moving Average Price|Safety Stock|Profit Center|Deletion flag|Net Weight",
        ["sku", "part_name", "?", "min_stock_level", "?", "?", None]),
    "a database": ("PartNumber|ProductName|price_usd|QtyOnHand|UnitCost|CostPrice EUR|IsInStock|discountPercent|StockStatus",
        ["sku", "part_name", "price", "current_stock", "-", "-", "?", "?", "?"]),
    "a list": ("Part #|Mfr Part No.|Manufacturer Part Number|Product Name|Price (EUR)|Qty Available|Package|MSRP"
        "|Discontinued|Price (USD)",
        ["sku", None, "manufacturer_number", "part_name", "price", "current_stock", None, "?", "?", "?"]),
    "a shop of parts": ("sku|name|Active power [W]|Internal thread|Weight|Net weight|Visible wavelength|Inside diameter|Taxonomy"
        "|Radioactive|Widerstandsklasse|Bestandteile|: Sale price|Sizes: Bore [mm]",
        ["sku", "part_name", None, None, None, None, None, None, None, None, None, None, None, None]),
}  # fmt: skip
READ_AS = {Why.PRIVATE: "-", Why.UNDECIDED: "?"}


@pytest.mark.parametrize("system", SYSTEMS)
def test_the_headers_of_other_systems_exports_are_known(system: str) -> None:
    header, fields = SYSTEMS[system]
    columns = columns_of(header.split("|"))
    assert [
        READ_AS[one.why] if isinstance(one, Unread) else None if isinstance(one, Specification) else one for one in columns
    ] == fields


def test_each_name_stands_for_one_thing() -> None:
    names = [name for synonyms in SYNONYMS.values() for name in synonyms] + [*PRIVATE]
    assert len(names) == len(set(names))
    assert all(columns_of([name.upper()]) == [field] for field, synonyms in SYNONYMS.items() for name in synonyms)


def test_what_a_part_costs_the_shop_and_who_supplies_it_is_not_read_unless_it_is_meant_for_customers() -> None:
    (row,) = read("sku,name,Cost,Supplier,: Cost\na,b,3.10,Acme,low\n")
    assert row.specifications == ((Specification("Cost"), "low"),)


PRICES = "sku,name,price,stock,currency\n"


@pytest.mark.parametrize(
    ("price", "amount"),
    [
        ("12", "12"), ("12.5", "12.5"), ("12,50", "12.5"), ("1,234.50", "1234.5"), ("1.234,50", "1234.5"), ("1 234,50", "1234.5"),
        ("1\u202f234,50", "1234.5"), ("1'234.50", "1234.5"), ("1,234,567", "1234567"), ("1.234.567,8", "1234567.8"),
        ("12.5000", "12.5"), ("0.500", "0.5"), (".50", "0.5"), ("1234.500", "1234.5"), ("€ 12.50", "12.5"), ("12,50 €", "12.5"),
        ("EUR 12.50", "12.5"), ("12.50 EUR", "12.5"), ("€1.234,50", "1234.5"), ("0", "0"), ("0.00", "0"),
        ("0.0042", "0.0042"), ("0,0042", "0.0042"), ("€ 0,000001", "0.000001"), ("1.2345", "1.2345"),
        ("0.004", "0.004"), ("1.2500", "1.25"), ("12.3456780", "12.345678"), ("12,–", "12"), ("12.-", "12"),
        ("€ 1.234,--", "1234"), ("12,- EUR", "12"), ("1,23,456.50", "123456.5"), ("12,34,567", "1234567"),
    ],
)  # fmt: skip
def test_a_price_that_can_mean_one_thing_is_read_however_it_is_written(price: str, amount: str) -> None:
    (row,) = read(PRICES + f'a,b,"{price}",,EUR\n')
    assert row.price == (Decimal(amount), "EUR")


@pytest.mark.parametrize(
    "price",
    [
        "1,234", "1.234", "12.345", "€ 1.234", "0.0000001", "12.3456789", "12.50 USD", "$ 12.50", "12.50 each",
        "12.50/100", "1.20 - 3.40",
        "1,23,4", "1.2.3", "12.", "1e2", "(5.00)", "on request", "+5", "€", "12,345,67", "1 23,50",
        "1,2,345", "12,-5", "1,23,45", "12²", "99999999999",
    ],
)  # fmt: skip
def test_a_price_that_can_mean_two_things_or_none_is_refused(price: str) -> None:
    (error,) = read(PRICES + f'a,b,"{price}",,EUR\n')
    assert isinstance(error, RowError)
    assert error.field in {"price", "currency"}


@pytest.mark.parametrize("nothing", ["", "-", "n/a", "—"])
def test_no_price_and_no_count_say_nothing(nothing: str) -> None:
    (row,) = read(PRICES + f"a,b,{nothing},{nothing},{nothing}\n")
    assert (row.price, row.current_stock) == (None, None)


@pytest.mark.parametrize(
    ("count", "meaning"),
    [("5.0", 5), ("5,00", 5), ("10.0000", 10), ("1,234.00", 1234), ("1 200", 1200), ("1,234,567", 1234567), ("007", 7)],
)
def test_a_count_that_is_surely_whole_is_read_however_it_is_written(count: str, meaning: int) -> None:
    (row,) = read(PRICES + f'a,b,,"{count}",\n')
    assert row.current_stock == meaning


@pytest.mark.parametrize("count", ["1,200", "10.000", "1.5", "0,5", "100+", ">100", "In stock", "-3", "3000000000", "9" * 5000])
def test_a_count_that_may_not_be_whole_is_refused(count: str) -> None:
    (error,) = read(PRICES + f'a,b,,"{count}",\n')
    assert isinstance(error, RowError)
    assert error.field == "current_stock"


@pytest.mark.parametrize(("proof", "price", "count"), [("12.50", "1234", 1200), ("1,234.50", "1234", 1200), ("12,50", "1.23", 1)])
def test_the_files_other_numbers_say_what_an_ambiguous_one_means(proof: str, price: str, count: int) -> None:
    ambiguous = '"1,234","1,200"' if count > 1 else '"1,230","1,000"'
    row, _ = read(PRICES + f'a,b,{ambiguous},EUR\nc,d,"{proof}",,EUR\n')
    assert (row.price, row.current_stock) == ((Decimal(price), "EUR"), count)


def test_numbers_that_contradict_each_other_say_nothing_about_an_ambiguous_one() -> None:
    *_, error = read(PRICES + 'a,b,12.50,,EUR\nc,d,"12,50",,EUR\ne,f,"1,234",,EUR\n')
    assert (error.line, error.field) == (4, "price")
    assert "1.234 or 1234" in error.reason


@pytest.mark.parametrize(
    ("header", "price", "currency"),
    [
        ("Price (EUR)", "12.50", "EUR"), ("Unit price in USD", "$12.50", "USD"), ("Price [GBP]", "£ 12.50", "GBP"),
        ("Price €", "12.50", "EUR"), ("Unit Price($)", "US$ 12.50", "USD"), ("price", "£12.50", "GBP"),
        ("price", "12.50 chf", "CHF"), ("price", "12.50 TL", "TRY"), ("price", "12.50 tl", "TRY"), ("price", "Fr. 12.50", "CHF"),
        ("price", "SFr.12.50", "CHF"), ("price", "12.50 грн.", "UAH"), ("price", "12.50 лв", "BGN"), ("price", "12.50円", "JPY"),
        ("price", "12.50 ZŁ", "PLN"), ("price", "NT$ 12.50", "TWD"),
    ],
)  # fmt: skip
def test_the_header_or_the_price_itself_may_state_the_currency(header: str, price: str, currency: str) -> None:
    (row,) = read(f"sku,name,{header}\na,b,{price}\n")
    assert row.price == (Decimal("12.50"), currency)


@pytest.mark.parametrize(
    ("header", "price"),
    [
        ("price", "12.50"),
        ("price", "$12.50"),
        ("Price (EUR)", "£12.50"),
        ("Unit Price($)", "12.50"),
        ("price", "Rs. 12.50"),
        ("price", "12.50 руб."),
        ("price", "12.50元"),
        ("price", "kr. 12.50"),
    ],
)
def test_a_price_whose_currency_is_not_stated_once_and_for_all_is_refused(header: str, price: str) -> None:
    (error,) = read(f"sku,name,{header}\na,b,{price}\n")
    assert (error.line, error.field) == (2, "currency")


@pytest.mark.parametrize("currency", ["eur", "EUR", "€"])
def test_a_currency_is_known_in_small_letters_and_by_its_sign(currency: str) -> None:
    (row,) = read(PRICES + f"a,b,1.00,,{currency}\n")
    assert row.price == (Decimal("1.00"), "EUR")


@pytest.mark.parametrize(
    ("cell", "status"), [("Active", "published"), ("1", "published"), ("TRUE", "published"), ("0", "draft"), ("-1", "draft")]
)
def test_what_other_systems_do_not_show_becomes_a_draft(cell: str, status: str) -> None:
    (row,) = read(f"sku,name,published\na,b,{cell}\n")
    assert row.status == status
    (error,) = read("sku,name,status\na,b,obsolete\n")
    assert error.field == "status"


@pytest.mark.parametrize(
    ("cell", "path"),
    [
        ("A>B", ("A", "B")), ("A >> B", ("A", "B")), ('"A, A > B"', ("A", "B")), ('"A > B, A > B > C, A"', ("A", "B", "C")),
        ('"Nuts\\, bolts > M3"', ("Nuts, bolts", "M3")), ("", ()),
    ],
)  # fmt: skip
def test_several_categories_that_lie_below_each_other_are_one_place(cell: str, path: tuple[str, ...]) -> None:
    (row,) = read(f"sku,name,Categories\na,b,{cell}\n")
    assert row.category == path


def test_several_categories_in_several_places_are_refused_and_a_comma_in_a_name_is_not() -> None:
    (error,) = read('sku,name,Categories\na,b,"A > B, C"\n')
    assert error.field == "category"
    (row,) = read('sku,name,Category\na,b,"Nuts, bolts > M3"\n')
    assert row.category == ("Nuts, bolts", "M3")


def test_what_an_editor_left_in_a_text_is_taken_out_but_never_in_what_a_part_is_known_by() -> None:
    (row,) = read('sku,name,description,Hint\na,"Ball\nbearing\u00ad \u200b 6204","two\nlines\ufeff","a\r\n b\tc"\n')
    assert (row.part_name, row.description) == ("Ball bearing  6204", "two\nlines")
    assert row.specifications == ((Specification("Hint"), "a b c"),)
    for sku in ('"a\nb"', "a\u00adb"):
        (error,) = read(f"sku,name\n{sku},x\n")
        assert error.field == "sku"


def test_a_number_that_was_kept_from_a_spreadsheet_is_read_as_its_text() -> None:
    (row,) = read('sku,name\n"=""00123""",b\n')
    assert row.sku == "00123"
    (row,) = read('sku,name\n\'=""x"",b\n')
    assert row.sku == '=""x""'


def test_a_row_with_more_specifications_than_a_part_may_have_is_refused() -> None:
    names = ",".join(f"S{n}" for n in range(201))
    good, bad = read(f"sku,name,{names}\na,b,,{','.join('x' * 200)}\nc,d,{','.join('x' * 201)}\n")
    assert good.sku == "a"
    assert (bad.line, bad.field) == (3, "row")


def test_unbalanced_quotes_are_reported_where_their_row_begins() -> None:
    *_, error = read('sku,name\na,b\nc,"d\ne,f\n')
    assert error.line == 3


@pytest.mark.parametrize(
    ("header", "price", "currency"),
    [("price", "12.50", "CAD"), ("price", "$12.50", "CAD"), ("price", "€12.50", "EUR"), ("Price (USD)", "12.50", "USD")],
)
def test_the_currency_named_for_the_file_counts_only_where_the_file_leaves_it_open(
    header: str, price: str, currency: str
) -> None:
    (row,) = read(f"sku,name,{header}\na,b,{price}\n", Options(currency="CAD"))
    assert isinstance(row, ImportRow)
    assert row.price == (Decimal("12.50"), currency)


@pytest.mark.parametrize(
    ("price", "currency"),
    [
        ("Rs. 1,250", "PKR"),
        ("Rs.1,250", "INR"),
        ("1,250 руб.", "RUB"),
        ("1,250 р.", "BYN"),
        ("1,250元", "CNY"),
        ("1,250 kr.", "DKK"),
    ],
)
def test_of_a_sign_of_several_currencies_the_one_named_for_the_file_is_meant(price: str, currency: str) -> None:
    (first, row) = read(f'sku,name,price\nx,y,"1,000.5"\na,b,"{price}"\n', Options(currency=currency))
    assert (first.price, row.price) == ((Decimal("1000.5"), currency), (Decimal(1250), currency))


def test_a_sign_that_cannot_mean_the_currency_named_for_the_file_is_refused() -> None:
    (error,) = read("sku,name,price\na,b,$12.50\n", Options(currency="EUR"))
    assert isinstance(error, RowError)
    assert error.field == "currency"


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#NAME?", "#BEZUG!", "#DIV/0!", "#NV", "#¡REF!", "#ЗНАЧ!", "########"])
def test_what_a_spreadsheet_could_not_calculate_is_no_value(error: str) -> None:
    for at, field in enumerate(("sku", "part_name", "Bore")):
        cells = ["a", "b", "c"]
        cells[at] = f" {error}"
        (refused,) = read(f"sku,part_name,Bore\n{','.join(cells)}\n")
        assert isinstance(refused, RowError)
        assert (refused.field, error in refused.reason) == (field, True)
    (meant,) = read(f"sku,part_name,Bore\n#8-32,'{error},#10\n")
    assert (meant.sku, meant.part_name, meant.specifications) == ("#8-32", error, ((Specification("Bore"), "#10"),))  # type: ignore[union-attr]


def test_a_column_that_another_system_has_encoded_as_html_is_decoded() -> None:
    """Many shops' exports are; `&gt;` separates categories, and a description is HTML anyway."""
    text = (
        "sku,part_name,manufacturer,description,category,price,Thread\n"
        "B&amp;W-1,Nuts &amp; Bolts,O&#039;Neil,a &amp; b,Nuts &amp; Bolts &gt; Hex,&euro;12.50,1/4&quot;\n"
        "2,Ring&nbsp;&Oslash;&#x32;0,A &lt; B,R&D,Nuts &amp; Bolts &gt; A&#38;B,&pound;3,&frac12;\n"
    )
    first, second = read(text)
    assert isinstance(first, ImportRow)
    assert isinstance(second, ImportRow)
    assert (first.sku, first.part_name, first.manufacturer) == ("B&W-1", "Nuts & Bolts", "O'Neil")
    assert (first.category, first.price) == (("Nuts & Bolts", "Hex"), (Decimal("12.50"), "EUR"))
    assert first.specifications == ((Specification("Thread"), '1/4"'),)
    assert (second.part_name, second.manufacturer) == ("Ring\u00a0Ø20", "A < B")
    assert (second.category, second.price) == (("Nuts & Bolts", "A&B"), (Decimal(3), "GBP"))
    assert second.specifications == ((Specification("Thread"), "½"),)
    assert (first.description, second.description) == ("a &amp; b", "R&D")


def test_digits_and_signs_as_wide_as_a_chinese_character_are_those_of_a_number_and_raised_ones_are_not() -> None:
    header = "sku,part_name,price,currency,current_stock\n"
    (row,) = read(f"{header}a,b,１，２３４．５０,EUR,１０\n")
    assert isinstance(row, ImportRow)
    assert (row.price, row.current_stock) == ((Decimal("1234.50"), "EUR"), 10)
    (error,) = read(f"{header}a,b,1,EUR,1²\n")
    assert isinstance(error, RowError)
    assert error.field == "current_stock"


def test_entities_beside_a_bare_ampersand_anywhere_in_the_column_stay_and_the_import_says_so() -> None:
    """Then the column is not encoded, and a text may be about HTML. What is no entity is a bare ampersand, too."""
    for other in ("Nuts & Bolts", "AT&T", "R&D;", "?a=1&copy=2"):
        lines = ["sku,part_name,maker\n", *[f"{number},x,Black &amp; Co\n" for number in range(2000)], f"z,Use &amp;,{other}\n"]
        found = survey(lines, NO_OPTIONS)
        rows = list(read_rows(lines, found.layout))
        assert rows[0] == ImportRow(2, "0", "x", manufacturer="Black &amp; Co")
        assert rows[-1] == ImportRow(2002, "z", "Use &", manufacturer=other)
        assert [column["detail"] for column in found.columns] == [
            "", "HTML entities are decoded", "HTML entities stay as written, since the column has bare ampersands, too"
        ]  # fmt: skip


def test_how_entities_are_read_is_kept_with_the_job_and_an_earlier_releases_job_goes_on_as_it_began() -> None:
    lines = ["sku,part_name\n", "a,Nuts &amp; Bolts\n"]
    layout = survey(lines, NO_OPTIONS).layout
    kept = json.loads(json.dumps(layout.to_json()))
    assert Layout.from_json(NO_OPTIONS, kept) == layout
    del kept["encoded"]
    assert list(read_rows(lines, Layout.from_json(NO_OPTIONS, kept))) == [ImportRow(2, "a", "Nuts &amp; Bolts")]


MISSING = ["NULL", "null", "(null)", "\\N", "NaN", "nan", "NaT", "<NA>", "undefined"]


@pytest.mark.parametrize("nothing", [*MISSING, " NULL ", "-", "–", "N/A", "n/a", "NA", "None", "none"])
def test_what_stands_for_no_value_is_none_and_the_import_says_so(nothing: str) -> None:
    header = "sku,part_name,category,manufacturer,status,price,currency,current_stock,description\n"
    lines = [
        header,
        f"a,b,{nothing},{nothing},{nothing},{nothing},{nothing},{nothing},{nothing}\n",
        "c,d,A/B,,,,,,\n",
        "e,f,A/C,,,,,,\n",
    ]
    found = survey(lines, NO_OPTIONS)
    row = next(iter(read_rows(lines, found.layout)))
    assert row == ImportRow(2, "a", "b", "", (), manufacturer="")
    assert [one["name"] for one in found.columns if "NULL, - and the like" in one["detail"]] == header.strip().split(",")[2:]
    (error,) = read(f"sku,part_name\na,{nothing}\n")
    assert isinstance(error, RowError)
    assert (error.field, error.reason) == ("part_name", "is required")


@pytest.mark.parametrize("nothing", MISSING)
def test_a_specification_that_a_program_left_out_is_none_and_what_people_write_of_one_stays(nothing: str) -> None:
    (row,) = read(f"sku,part_name,Bore,Coating,Polarity,Symbol\na,b,{nothing},None,-,Na\n")
    assert isinstance(row, ImportRow)
    assert [value for _, value in row.specifications] == ["", "None", "-", "Na"]


@pytest.mark.parametrize("meant", ["NULL", "N/A", "'NULL", "-"])
def test_an_apostrophe_before_it_says_that_it_is_a_value(meant: str) -> None:
    (row,) = read(f"sku,part_name,Bore\n'{meant},'{meant},'{meant}\n")
    assert isinstance(row, ImportRow)
    assert (row.sku, row.part_name) == (meant, meant)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Torx-SchlÃ¼ssel 5", "Schlüssel"), ("5 Â°C", "°C"), ("a,Ã˜8", "Ø8"), ("M8 â€“ zinc", "–"), ("Ð‘Ð¾Ð»Ñ‚", "Болт"),
        ("GroÃŸ", "Groß"), ("Å\x81Ã³dÅº", "Łódź"), ("Ø½", ""), ("CAFÉ® SÃO Âge", ""), ("schön 5 °C – Łódź", ""),
    ],
)  # fmt: skip
def test_an_encoding_that_was_mistaken_before_is_said_with_what_was_meant(written: str, meant: str) -> None:
    columns = survey(["sku,part_name,Legend\n", f'a,b,"{written}"\n'], NO_OPTIONS).columns
    assert [one["detail"] for one in columns[:2]] == ["", ""]
    assert ("in a mistaken encoding" in columns[2]["detail"]) == bool(meant)
    assert meant in columns[2]["detail"]


def test_two_columns_alike_have_one_value_in_a_row() -> None:
    first, second = read("sku,part_name,Color, color [RAL]\na,b,red,\nc,d,red,3000\n")
    assert isinstance(first, ImportRow)
    assert isinstance(second, RowError)
    assert second.reason == "has a value in two columns; keep one"
