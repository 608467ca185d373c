"""A file's header: the user's own mapping of columns comes first, and no column that matters is guessed silently."""

import pytest

from app.domain.imports.columns import Specification, Unread, Why, described, read_header
from app.domain.imports.errors import ImportFileError
from app.domain.imports.options import NO_OPTIONS, Options, mapping_of
from app.domain.imports.rows import ImportRow, read_rows
from app.domain.imports.survey import Layout, survey
from app.domain.imports.words import deciding_word, names_part_number


def read(text: str, options: Options = NO_OPTIONS) -> list[ImportRow]:
    lines = text.splitlines(keepends=True)
    rows = list(read_rows(lines, survey(lines, options).layout))
    assert all(isinstance(row, ImportRow) for row in rows), rows
    return rows  # type: ignore[return-value]


def refusal(text: str, options: Options = NO_OPTIONS) -> ImportFileError:
    with pytest.raises(ImportFileError) as refused:
        read(text, options)
    return refused.value


@pytest.mark.parametrize(
    "name",
    [
        "Active in shop", "Visibility in catalog", "Sale price", "Price (tax excl.)", "Purchase note", "On sale", "Tax class",
        "In stock?", "Stock status", "Backorders allowed?", "Discount", "MSRP", "VAT", "Discontinued", "Visibility",
        "is_in_stock", "compareAtPrice", "special-price", "Out of stock", "Internal", "Internal notes", "Online", "Hidden", "EOL",
        "Staff comment", "RRP incl. VAT", "Verfügbarkeit", "Sichtbar im Shop", "Sonderpreis", "MwSt", "Mehrwertsteuersatz",
        "Interner Kommentar",
        "Lieferantennummer", "UVP", "Rabattgruppe", "Auf Lager", "Prix promotionnel", "Taux de TVA", "En rupture", "Coût",
        "Marge", "Visibilité", "Actif en boutique", "Precio de oferta", "Impuesto", "Descuento %", "Disponible",
        "Visible en tienda",
        "Proveedor", "Sconto", "Prijs", "Moms", "Meta: _sale_price", "Variant Compare At Price",
        "Alış Fiyatı", "MALİYET", "İndirim", "Cena zakupu", "Promocja", "Uwagi", "Nákupní cena", "Dodavatel", "Beszerzési ár",
        "Inköpspris", "Indkøbspris", "Ostohinta", "Preț", "Opmerkingen", "Закупочная цена", "Себестоимость", "Поставщик",
        "Активен", "Собівартість", "Κόστος", "成本价", "进价", "供應商", "税率", "原価", "仕入先", "公開", "원가", "공급사",
        "تكلفة", "ราคาทุน", "מחיר עלות", "लागत",
    ],
)  # fmt: skip
def test_a_column_that_decides_something_is_asked_about_and_not_read(name: str) -> None:
    (column,) = read_header([name]).columns
    assert isinstance(column, Unread)
    assert column.why is Why.UNDECIDED
    error = refusal(f"sku,name,{name}\na,b,1\n")
    ((line, field, reason),) = error.errors
    assert (line, field) == (1, name[:40])
    for option in ("--ignore", "--as-specification", "--map", "as_specification"):
        assert option in reason
    assert error.columns[2] | {"detail": ""} == {"name": name, "became": "undecided", "detail": ""}


@pytest.mark.parametrize(
    "name",
    [
        "Withdrawn", "Phase-out date", "Phased out", "Quarantine", "Hold", "Blacklisted", "Embargo until", "Restricted",
        "Purchasable", "Exclusive customer", "Do not list", "Do not publish", "Einstand", "Закуп",
        "Subcategory", "Sub-category", "Category 2", "category_level_3", "Unterkategorie", "Kategorie 1", "Sous-catégorie",
        "Main category",
    ],
)  # fmt: skip
def test_whether_and_where_a_part_is_sold_is_no_specification(name: str) -> None:
    assert deciding_word(name) is not None


@pytest.mark.parametrize(
    "name",
    [
        "Weight", "Net weight", "Internal diameter", "Internal thread", "Active power [W]", "Active area", "Visible wavelength",
        "Clearance hole (mm)", "Material", "Colour", "Taxonomy", "Costar", "Radioactivity", "Filetage interne",
        "Diamètre intérieur", "Charbon actif", "Steuerspannung", "Steuerung", "Kugellager", "Lagerluft", "Bestandteile",
        "Temperaturbeständigkeit",
        "Aktivkohle", "Diámetro interno", "Potencia activa", "Voltage supply", "Standard", "Cache size", "Length", "Reductive",
        "Housing bore diameter (mm)", "Interpretation", "Notch", "Salespoint-free",
        "Çap [mm]", "Ağırlık", "Średnica wewnętrzna", "Průměr", "Diameter hål", "Диаметр", "Складная ручка", "Центр", "Διάμετρος",
        "直径", "重量", "外径", "두께", "Widerstand [Ω]", "Ø [mm]", "Größe", "Sperrholz", "Wandstärke µm",
        "Phase", "Number of phases", "Outer diameter", "Holding torque", "Restricted substances",
        "Overvoltage category", "Overvoltage category 3",
    ],
)  # fmt: skip
def test_a_measure_or_a_property_is_a_specification(name: str) -> None:
    assert deciding_word(name) is None
    assert isinstance(read_header([name]).columns[0], Specification)


def test_what_somebody_says_of_a_column_counts() -> None:
    text = "sku,name,Sale price,On sale,Visibility,Bore\na,b,1.00,yes,hidden,7\n"
    options = Options(
        currency="EUR", ignore=("visibility", "Bore"), as_specification=("On sale",), mapping=(("price", "Sale price"),)
    )
    (row,) = read(text, options)
    assert row.specifications == ((Specification("On sale"), "yes"),)
    assert row.price is not None
    assert (str(row.price[0]), row.price[1]) == ("1.00", "EUR")
    lines = text.splitlines(keepends=True)
    assert [(one["name"], one["became"]) for one in survey(lines, options).columns] == [
        ("sku", "sku"), ("name", "part_name"), ("Sale price", "price"), ("On sale", "specification"), ("Visibility", "ignored"),
        ("Bore", "ignored"),
    ]  # fmt: skip


def test_a_mapped_column_wins_and_the_one_that_it_displaces_is_asked_about() -> None:
    text = "sku,name,price,Price tax excluded\na,b,12.00,10.00\n"
    mapping = (("price", "Price tax excluded"),)
    assert [field for _, field, _ in refusal(text, Options("EUR", mapping=mapping)).errors] == ["price"]
    (row,) = read(text, Options("EUR", mapping=mapping, ignore=("price",)))
    assert row.price is not None
    assert str(row.price[0]) == "10.00"


@pytest.mark.parametrize(
    ("options", "field"),
    [
        (Options(ignore=("Boer",)), "Boer"), (Options(as_specification=("Boer",)), "Boer"),
        (Options(mapping=(("price", "Boer"),)), "Boer"), (Options(mapping=(("colour", "Bore"),)), "colour"),
        (Options(ignore=("Bore",), as_specification=("bore",)), "Bore"),
        (Options(mapping=(("price", "Bore"), ("price", "Width"))), "price"),
    ],
)  # fmt: skip
def test_an_option_that_fits_no_column_or_contradicts_another_is_refused(options: Options, field: str) -> None:
    assert field in [error.field for error in refusal("sku,name,Bore,Width\na,b,1,2\n", options).errors]


@pytest.mark.parametrize("header", ["Bore,Bore", "Stock,stock", "Regular price,Regular price", "MPN,MPN", "On sale,on-sale"])
def test_the_same_name_twice_is_asked_about(header: str) -> None:
    first = header.split(",")[0]
    (doubled,) = [error for error in refusal(f"sku,name,{header}\na,b,1,2\n").errors if "2 times (columns 3, 4)" in error.reason]
    assert doubled.field == first
    assert "--ignore" in doubled.reason
    (row,) = read(f"sku,name,{header}\na,b,1,2\n", Options(ignore=(first,)))
    assert (row.specifications, row.price, row.current_stock) == ((), None, None)


@pytest.mark.parametrize("header", ["SKU,MPN,Brand", "SKU,Manufacturer part number,Brand", "SKU,Herstellernummer,Marke"])
def test_a_file_without_names_but_with_a_manufacturers_number_says_what_to_map(header: str) -> None:
    text = f"{header}\na,6204-2RS,SKF\n"
    number = header.split(",")[1]
    (error,) = refusal(text).errors
    assert error.field == "part_name"
    assert f"part_name={number}" in error.reason
    (row,) = read(text, Options(mapping=(("part_name", number),)))
    assert (row.part_name, row.manufacturer_number) == ("6204-2RS", "6204-2RS")


def test_a_file_without_skus_may_take_the_manufacturers_numbers_for_them() -> None:
    (error,) = refusal("name,MPN\nBearing,6204\n").errors
    assert "sku=MPN" in error.reason
    (row,) = read("name,MPN\nBearing,6204\n", Options(mapping=mapping_of(["sku=MPN"])))
    assert (row.sku, row.manufacturer_number) == ("6204", "6204")


@pytest.mark.parametrize("column", ["SKU", "MPN", "EAN", "GTIN-13", "Barcode", "Order number"])
def test_a_number_that_a_spreadsheet_has_rounded_is_refused_where_parts_are_known_by_it(column: str) -> None:
    header = "name,sku,SKU" if column != "SKU" else "name,SKU"
    header = f"sku,name,{column}" if column != "SKU" else header
    for cell in ("4.00638E+12", '"4,00638E+12"', "1-Mar"):
        lines = [f"{header}\n", f"a,b,{cell}\n" if column != "SKU" else f"b,{cell}\n"]
        (error,) = read_rows(lines, survey(lines, NO_OPTIONS).layout)
        assert "spreadsheet" in getattr(error, "reason", "")
    kept = "'4.00638E+12"
    (row,) = read(f"{header}\na,b,{kept}\n" if column != "SKU" else f"{header}\nb,{kept}\n")
    assert "4.00638E+12" in (row.sku, row.manufacturer_number, *(value for _, value in row.specifications))


@pytest.mark.parametrize(("name", "is_one"), [("Resistance", False), ("Number of teeth", False), ("EAN13", True)])
def test_a_measured_value_with_an_exponent_is_a_value(name: str, is_one: bool) -> None:
    assert names_part_number(name) is is_one
    if not is_one:
        (row,) = read(f"sku,name,{name}\na,b,1.2E-05\n")
        assert row.specifications == ((Specification(name), "1.2E-05"),)


def test_a_row_that_is_short_at_its_end_has_empty_cells_there() -> None:
    short, full = read("sku,name,manufacturer,Bore\na,b\nc,d,SKF,7\n")
    assert (short.manufacturer, short.specifications) == ("", ((Specification("Bore"), ""),))
    assert full.specifications == ((Specification("Bore"), "7"),)


def test_what_became_of_every_column_is_said() -> None:
    header = read_header(["SKU", "MPN", "Bore [mm]", "Sizes: Width", "Cost", "", "Tags"], Options(ignore=("Tags",)))
    assert [(one["became"], one["detail"]) for one in described(header)] == [
        ("sku", ""), ("manufacturer_number", ""), ("specification", "Bore; unit mm"), ("specification", "Width; group Sizes"),
        ("private", "not read: what a part costs the shop and who supplies it is not for customers"),
        ("nothing", "it has no name, so its cells must be empty"), ("ignored", "not read, as asked"),
    ]  # fmt: skip


def test_categories_are_judged_by_the_whole_column_and_the_answer_says_how() -> None:
    rows = [f"a{n},b,Nuts/Bolts\n" for n in range(2000)] + ["c,d,Power/Fuses\n", "e,f,Power/Switches\n"]
    found = survey(["sku,name,Category\n", *rows], NO_OPTIONS)
    assert found.columns[2] == {"name": "Category", "became": "category", "detail": 'levels separated by "/"'}
    error = refusal("sku,name,Category,Sale price\n" + "".join(rows[:1500]))
    assert [one.field for one in error.errors] == ["Sale price", "Category"]
    assert "--category-separator" in error.errors[1].reason


def test_options_and_layout_come_back_from_json() -> None:
    options = Options("EUR", "/", ("A", "B=C"), ("D",), (("price", "X=Y"),))
    assert Options.from_json("EUR", options.to_json()) == options
    assert Options.from_json(None, {}) == NO_OPTIONS
    lines = ["sku,name,price,categories\n", 'a,b,"1,50",All/Tools\n', 'c,d,"1,50",All/Saws\n']
    layout = survey(lines, options=Options("EUR")).layout
    assert layout.paths.roots == ("All",)
    assert Layout.from_json(Options("EUR"), layout.to_json()) == layout
