"""Category paths: split at the separator that the column shows, or asked about; names keep their punctuation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.content import normalised
from app.domain.imports.options import NO_SEPARATOR, SEPARATORS
from app.domain.imports.paths import (
    EmptyLevelError,
    SeveralPathsError,
    UndecidedPathsError,
    find_style,
    reader_of,
    written,
)

Path = tuple[str, ...]


def read(cells: list[str], chosen: str | None = None, shop_roots: set[str] | None = None, *, several: bool = False) -> list[Path]:
    """Read a column's cells in the style that they suggest."""
    path_of = reader_of(find_style(cells, chosen, shop_roots or set(), several=several))
    return [path_of(cell) for cell in cells]


@pytest.mark.parametrize(
    ("cells", "paths"),
    [
        (["Transistors -> NPN"], [("Transistors", "NPN")]),
        (["Transistors-->NPN", "Transistors"], [("Transistors", "NPN"), ("Transistors",)]),
        (["A>B", "A >> B", "A > B > C"], [("A", "B"), ("A", "B"), ("A", "B", "C")]),
        (["A => B"], [("A", "B")]), (["A → B"], [("A", "B")]), (["A » B"], [("A", "B")]), (["A›B"], [("A", "B")]),
        (["A ⟩ B"], [("A", "B")]), (["A ‣ B"], [("A", "B")]), (["A ↦ B"], [("A", "B")]),
        (["A::B"], [("A", "B")]), (["A &gt; B"], [("A", "B")]), (["A|B", "A | C"], [("A", "B"), ("A", "C")]),
        (["Tools / Drills / Cordless"], [("Tools", "Drills", "Cordless")]),
        (["Tools / Drills", "Tools / Saws"], [("Tools", "Drills"), ("Tools", "Saws")]),
        (["Tools/Drills", "Tools/Saws", "Paint"], [("Tools", "Drills"), ("Tools", "Saws"), ("Paint",)]),
        (["/Tools/Drills/", "/Tools/"], [("Tools", "Drills"), ("Tools",)]),
        (["Tools", "Tools/Saws"], [("Tools",), ("Tools", "Saws")]),
        (["Tools"], [("Tools",)]), (["Tools", ""], [("Tools",), ()]),
        (["A ⟶ B"], [("A", "B")]), (["A ➤ B", "A"], [("A", "B"), ("A",)]), (["A ≫ B"], [("A", "B")]), (["A ~> B"], [("A", "B")]),
        (["A —> B"], [("A", "B")]), (["紧固件／螺栓", "紧固件／螺母"], [("紧固件", "螺栓"), ("紧固件", "螺母")]),
        (["紧固件｜螺栓"], [("紧固件", "螺栓")]),
    ],
)  # fmt: skip
def test_a_column_is_read_with_the_separator_that_it_shows(cells: list[str], paths: list[Path]) -> None:
    assert read(cells) == paths


@pytest.mark.parametrize(
    ("cells", "paths"),
    [
        (["Power > AC/DC converters", "Nuts/Bolts"], [("Power", "AC/DC converters"), ("Nuts/Bolts",)]),
        (["Power > A | B"], [("Power", "A | B")]),
        (["Power|I/O Modules", "Power|Nuts/Bolts"], [("Power", "I/O Modules"), ("Power", "Nuts/Bolts")]),
        (["All / I/O Modules / DC"], [("I/O Modules", "DC")]),
        (["AC/DC converters", "AC/DC adapters", "I/O Modules", '3/8" bolts'],
         [("AC/DC converters",), ("AC/DC adapters",), ("I/O Modules",), ('3/8" bolts',)]),
        (["Passive > Resistors >1W", "Fuses >= 10 A"], [("Passive", "Resistors >1W"), ("Fuses >= 10 A",)]),
        (["Ateliers > Gamme «Pro»"], [("Ateliers", "Gamme «Pro»")]),
        (["Office > Print, Copy, Scan & Fax > 3D"], [("Office", "Print, Copy, Scan & Fax", "3D")]),
        (["Nuts, bolts > M3"], [("Nuts, bolts", "M3")]),
        ([r"Tools/AC\/DC", "Tools/Saws"], [("Tools", "AC/DC"), ("Tools", "Saws")]),
        (["Screws #8", "Screws #10"], [("Screws #8",), ("Screws #10",)]), (["No. 8", "No. 10"], [("No. 8",), ("No. 10",)]),
        (["Size M3.5", "Size M2.5"], [("Size M3.5",), ("Size M2.5",)]),
        ([r"Nuts\/Bolts", r"Nuts\/Washers"], [("Nuts/Bolts",), ("Nuts/Washers",)]),
        ([r"A \> B > C", r"A\\ > B"], [("A > B", "C"), ("A\\", "B")]),
    ],
)  # fmt: skip
def test_a_sign_that_belongs_to_a_name_stays_in_it(cells: list[str], paths: list[Path]) -> None:
    assert read(cells) == paths


@pytest.mark.parametrize(
    ("cells", "options"),
    [
        (["Electronics/Resistors"], ["/", "none"]), (["Nuts/Bolts", "Washers"], ["/", "none"]),
        (["Nuts / Bolts", "Washers"], ["' / '", "none"]), (["Tools/Drills/Cordless"], ["/", "none"]),
        (["Power/AC/DC converters", "Power/Fuses"], ["/", "none"]), (["A > B", "C -> D"], ["'>'", "'->'"]),
        (["A > B", "Tools/Saws", "Tools/Drills"], ["'>'", "/"]), (["A » B", "C » D", "A > E"], ["'>'", "'»'"]),
        (["Tools\\Saws"], ["'\\'", "none"]), (["Tools: Saws", "Tools: Drills"], [":", "none"]),
        (["Tools - Saws", "Tools - Drills"], ["' - '", "none"]), (["Tools — Saws", "Tools — Drills"], ["' – '", "none"]),
        (["Tools · Saws", "Tools · Drills"], ["'·'", "none"]), (["Tools, Saws", "Tools, Drills"], [",", "none"]),
        (["Tools#Saws", "Tools#Drills"], ["'#'", "none"]), (["Tools.Saws.Band", "Tools.Drills"], [".", "none"]),
        (['["Tools","Saws"]', '["Tools","Drills"]'], [",", "none"]), (["工具、锯", "工具、钻"], [",", "none"]),
    ],
)  # fmt: skip
def test_what_may_mean_two_things_is_asked_about_by_the_option_that_says_it(cells: list[str], options: list[str]) -> None:
    with pytest.raises(UndecidedPathsError) as asked:
        read(cells)
    assert all(f"--category-separator {option}" in str(asked.value) for option in options)
    assert "category_separator" in str(asked.value)


@pytest.mark.parametrize(
    ("cell", "chosen", "path"),
    [
        ("Nuts/Bolts", NO_SEPARATOR, ("Nuts/Bolts",)), ("Power/AC/DC", "/", ("Power", "AC", "DC")),
        (r"Power/AC\/DC", "/", ("Power", "AC/DC")), ("Tools / I/O", " / ", ("Tools", "I/O")), ("A > B", NO_SEPARATOR, ("A > B",)),
        ("Tools\\Saws", "\\", ("Tools", "Saws")), ("Tools: Saws", ":", ("Tools", "Saws")), ("A, B", ",", ("A", "B")),
        ("Hex - nuts - M3", " - ", ("Hex", "nuts", "M3")), ("A-B", " - ", ("A-B",)), ("A — B", " – ", ("A", "B")),
        ("A.B", ".", ("A", "B")), ("工具、锯", ",", ("工具", "锯")), ("A • B", "·", ("A", "B")), ("A #1", "#", ("A", "1")),
    ],
)  # fmt: skip
def test_a_separator_that_somebody_has_named_is_taken_at_their_word(cell: str, chosen: str, path: Path) -> None:
    assert read([cell], chosen) == [path]


@pytest.mark.parametrize(
    ("cell", "several", "path"),
    [
        ("Default Category/Gear,Default Category/Gear/Bags", True, ("Gear", "Bags")),
        ("Default Category/Gear,Default Category/Gear/Bags", False, ("Gear", "Bags")),
        ("Wear > Men, Wear > Men > Shirts, Wear", True, ("Wear", "Men", "Shirts")),
        ("Wear > Men|Wear > Men > Shirts", False, ("Wear", "Men", "Shirts")),
        ("Wear > Men > Shirts; Wear > Men", False, ("Wear", "Men", "Shirts")),
        ("Default Category|Default Category/Gear|Default Category/Gear/Bags", True, ("Gear", "Bags")),
        ("Gear|Gear/Bags", False, ("Gear", "Bags")), ("Gear/Bags|Gear", False, ("Gear", "Bags")),
    ],
)  # fmt: skip
def test_of_several_paths_of_one_branch_the_deepest_counts(cell: str, several: bool, path: Path) -> None:
    assert read([cell], several=several) == [path]


@pytest.mark.parametrize(
    ("cell", "several"),
    [
        ("Wear > Men, Wear > Women", True),
        ("Wear > Men,Tools > Saws", False),
        ("Wear > Men | Tools > Saws", False),
        ("A, B > C", True),
        ("Gear/Bags|Gear/Tents", True),
    ],
)
def test_paths_of_two_branches_are_refused(cell: str, several: bool) -> None:
    with pytest.raises(SeveralPathsError):
        read([cell], several=several)


@pytest.mark.parametrize("cell", ["A >  > B", "A > ", " > A", "A > B > > C"])
def test_a_level_without_a_name_is_refused(cell: str) -> None:
    with pytest.raises(EmptyLevelError):
        read([cell])


@pytest.mark.parametrize(
    ("cells", "shop_roots", "paths"),
    [
        (["All / Saleable / Office"], set(), [("Saleable", "Office")]), (["All / Saleable", "All"], set(), [("Saleable",), ()]),
        (["Root Catalog/Default Category/Gear"], set(), [("Gear",)]), (["Home > Tools"], set(), [("Tools",)]),
        (["Startseite > Werkzeug"], set(), [("Werkzeug",)]), (["Accueil > Vis", "Accueil > Clés"], set(), [("Vis",), ("Clés",)]),
        (["Home > Tools"], {"Home"}, [("Home", "Tools")]), ([r"\Home > Tools"], set(), [("Home", "Tools")]),
        (["Home > Tools", "Garden > Tools"], set(), [("Home", "Tools"), ("Garden", "Tools")]), (["Home"], set(), [("Home",)]),
        (["Tools > All > Saws"], set(), [("Tools", "All", "Saws")]),
    ],
)  # fmt: skip
def test_a_root_that_all_paths_have_and_no_customer_sees_is_left_out(
    cells: list[str], shop_roots: set[str], paths: list[Path]
) -> None:
    style = find_style(cells, None, shop_roots, several=False)
    assert read(cells, None, shop_roots) == paths
    assert [root in style.description() for root in style.roots] == [True] * len(style.roots)


NAMES = st.text(alphabet="aB1 />-=|\\,;:&gt»›.~^–—·•#、／｜⟶", min_size=1, max_size=8) | st.sampled_from(
    ["Home", "All", "AC/DC", "Nuts, bolts", "Screws - inch", "x &gt; y", "\\Home", "root", ">1W", "a::b", "none"]
)
PATHS = st.lists(NAMES.map(normalised).filter(bool), min_size=1, max_size=4).map(tuple)


@given(st.lists(PATHS, min_size=1, max_size=6))
def test_whatever_the_names_of_categories_their_paths_are_read_as_they_were_written(paths: list[Path]) -> None:
    assert read([written(path) for path in paths]) == paths


@given(st.lists(st.text(alphabet="aB />-|\\,;:»", max_size=12).map(normalised), max_size=5), st.sampled_from([None, *SEPARATORS]))
def test_a_column_of_whatever_cells_is_read_or_refused_by_its_own_errors(cells: list[str], chosen: str | None) -> None:
    try:
        style = find_style(cells, chosen, (), several=False)
    except UndecidedPathsError:
        assert chosen is None
        return
    for cell in cells:
        try:
            path = reader_of(style)(cell)
        except (EmptyLevelError, SeveralPathsError):
            continue
        assert all(level.strip() == level and level for level in path)
