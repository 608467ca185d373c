"""What is read from the text of a specification."""

import time

import pytest

from app.domain import measures
from app.domain.measures import THREAD, class_in, read
from app.domain.search import words_of
from app.store.units import unit_of

LENGTH, VOLTAGE, RESISTANCE = "[length]", unit_of("V"), unit_of("ohm")
assert VOLTAGE is not None
assert RESISTANCE is not None

# A value and the unit beside it, and what they say: the lower and the upper end in the unit, and in the base unit of which
# dimension.
NUMBERS: tuple[tuple[str, str, float, float, float, str], ...] = (
    ("25 mm", "", 25, 25, 0.025, LENGTH),
    ("25", "mm", 25, 25, 0.025, LENGTH),
    ("25mm", "", 25, 25, 0.025, LENGTH),
    ("25 mm", "mm", 25, 25, 0.025, LENGTH),
    ("25 MM", "", 25, 25, 0.025, LENGTH),
    ("2.5 cm", "", 2.5, 2.5, 0.025, LENGTH),
    ("0.984 in", "", 0.984, 0.984, 0.0249936, LENGTH),
    ("1 inch", "", 1, 1, 0.0254, LENGTH),
    ("2 inches", "", 2, 2, 0.0508, LENGTH),
    ('1/4"', "", 0.25, 0.25, 0.00635, LENGTH),
    ("1/4", "in", 0.25, 0.25, 0.00635, LENGTH),
    ("1 1/2 in", "", 1.5, 1.5, 0.0381, LENGTH),
    ('1-1/2"', "", 1.5, 1.5, 0.0381, LENGTH),
    ("1½″", "", 1.5, 1.5, 0.0381, LENGTH),
    ("3 Zoll", "", 3, 3, 0.0762, LENGTH),
    ("5 mil", "", 5, 5, 0.000127, LENGTH),
    ("1,5 mm", "", 1.5, 1.5, 0.0015, LENGTH),
    (",5 mm", "", 0.5, 0.5, 0.0005, LENGTH),
    ("0,125 in", "", 0.125, 0.125, 0.003175, LENGTH),
    ("1,250 mm", "", 1250, 1250, 1.25, LENGTH),
    ("1 250 mm", "", 1250, 1250, 1.25, LENGTH),
    ("1\u00a0250 mm", "", 1250, 1250, 1.25, LENGTH),
    ("1'250 mm", "", 1250, 1250, 1.25, LENGTH),
    ("1.250,5 mm", "", 1250.5, 1250.5, 1.2505, LENGTH),
    ("1,250.5 mm", "", 1250.5, 1250.5, 1.2505, LENGTH),
    ("1.250.000 mm", "", 1250000, 1250000, 1250, LENGTH),
    ("1.250 mm", "", 1.25, 1.25, 0.00125, LENGTH),
    ("1,250,000.5", "mm", 1250000.5, 1250000.5, 1250.0005, LENGTH),
    ("0", "mm", 0, 0, 0, LENGTH),
    ("12V", "", 12, 12, 12, VOLTAGE.dimension),
    ("24 V DC", "", 24, 24, 24, VOLTAGE.dimension),
    ("230 VAC", "", 230, 230, 230, VOLTAGE.dimension),
    ("4k7", "", 4700, 4700, 4700, RESISTANCE.dimension),
    ("4K7", "Ω", 4700, 4700, 4700, RESISTANCE.dimension),
    ("4.7 kΩ", "", 4.7, 4.7, 4700, RESISTANCE.dimension),
    ("4,7 kohm", "", 4.7, 4.7, 4700, RESISTANCE.dimension),
    ("2R2", "", 2.2, 2.2, 2.2, RESISTANCE.dimension),
    ("R47", "", 0.47, 0.47, 0.47, RESISTANCE.dimension),
    ("10k", "", 10000, 10000, 10000, RESISTANCE.dimension),
    ("1M5", "", 1.5e6, 1.5e6, 1.5e6, RESISTANCE.dimension),
    ("8.8", "", 8.8, 8.8, 8.8, ""),
    ("1e6", "", 1e6, 1e6, 1e6, ""),
    ("70", "Shore A", 70, 70, 70, "=shore a"),
    ("58", "HRC", 58, 58, 58, "=hrc"),
    ("5 %", "", 5, 5, 0.05, ""),
    ("−5 °C", "", -5, -5, 268.15, "[temperature]"),
    ("25 ℃", "", 25, 25, 298.15, "[temperature]"),
    ("+85 °C", "", 85, 85, 358.15, "[temperature]"),
    ("212 °F", "", 212, 212, 373.15, "[temperature]"),
    ("10…30 V", "", 10, 30, 10, VOLTAGE.dimension),
    ("10...30 V", "", 10, 30, 10, VOLTAGE.dimension),
    ("10..30", "V", 10, 30, 10, VOLTAGE.dimension),
    ("10 V … 30 V", "", 10, 30, 10, VOLTAGE.dimension),
    ("10–30 V", "", 10, 30, 10, VOLTAGE.dimension),
    ("10 bis 30 V", "", 10, 30, 10, VOLTAGE.dimension),
    ("-40 to 85 °C", "", -40, 85, 233.15, "[temperature]"),
    ("-40…+85°C", "", -40, 85, 233.15, "[temperature]"),
    ("-40 - 85", "°C", -40, 85, 233.15, "[temperature]"),
    ("1.5-2 mm", "", 1.5, 2, 0.0015, LENGTH),
    ("±5 %", "", -5, 5, -0.05, ""),
    ("+/-5 %", "", -5, 5, -0.05, ""),
    ("10 ±0.5 mm", "", 9.5, 10.5, 0.0095, LENGTH),
    ("M8", "", 8, 8, 0.008, THREAD),
    ("M1.6", "", 1.6, 1.6, 0.0016, THREAD),
    ("M 8 x 1,25", "", 8, 8, 0.008, THREAD),
    ("M8×40", "", 8, 8, 0.008, THREAD),
)
# Two ways to say the same.
SAME: tuple[tuple[str, str], ...] = (
    ("10 kN", "10000 N"), ("10µF", "10 μF"), ("10uF", "0.01 mF"), ("10u0", "10 µF"), ("4n7", "4.7 nF"), ("100 bar", "10 MPa"),
    ("10 Nm", "10 N·m"), ("1 kNm", "1000 N*m"), ("1000 rpm", "1 000 rpm"), ("1 m³/h", "1 m3/h"), ("1 L", "1000 ml"),
    ("1 t", "1000 kg"),
    ("25.4 mm", '1"'), ("10 lbf", "44.482216152605 N"), ("3 Stück", "3 pcs"), ("2 mm²", "2 mm^2"), ("90 °", "90 deg"),
)  # fmt: skip
WORDS = (
    ("Open", ""), ("A2-70", ""), ("8.8-ZN", ""), ("6205-2RS", ""), ("25-52-15", ""), ("10-30", ""), ("100Cr6", ""),
    ("16MnCr5", ""), ("2RS", ""), ("2Z", ""), ("C45+C", ""), ("004", ""), ("04", ""), ("1/2", ""), ("100 x 200 mm", ""),
    ("Bearing steel 100Cr6 (1.3505)", ""),
    ("30…10 V", ""),
    ("1.2.3", ""), ("5 parsnips", ""), ("5 k", ""), ("10 V - 30 A", ""), ("", ""), ("", "mm"), ("mm", "mm"), ("3 dB", ""),
    ("1/0 in", ""),
    ("12,34,56", ""), ("Shore A 70", ""), ("x" * 1000, ""),
)  # fmt: skip


@pytest.mark.parametrize(
    ("value", "unit", "low", "high", "base", "dimension"), NUMBERS, ids=[f"{one[0]} {one[1]}" for one in NUMBERS]
)
def test_a_number_is_read_with_its_unit(value: str, unit: str, low: float, high: float, base: float, dimension: str) -> None:
    reading = read(value, unit, unit_of)
    assert reading.unit is not None
    assert (float(reading.low), float(reading.high), reading.unit.dimension) == (low, high, dimension)
    assert reading.ends()[0] == base


@pytest.mark.parametrize(("one", "other"), SAME, ids=[f"{one}, {other}" for one, other in SAME])
def test_one_measure_in_two_spellings_is_one(one: str, other: str) -> None:
    first, second = read(one, "", unit_of), read(other, "", unit_of)
    assert first.ends() == second.ends()
    assert first.unit
    assert second.unit
    assert first.unit.dimension == second.unit.dimension


@pytest.mark.parametrize(("value", "unit"), WORDS, ids=[f"{value[:30]} {unit}" for value, unit in WORDS])
def test_what_is_no_measure_is_words(value: str, unit: str) -> None:
    assert read(value, unit, unit_of).unit is None


def test_words_have_no_ends() -> None:
    with pytest.raises(ValueError, match="words"):
        read("Open", "", unit_of).ends()


@pytest.mark.parametrize(
    "hostile",
    ["10**10**10", "9" * 10_000, "1e999999999", "1" + " 000" * 5000, "1 " + "a " * 5000, "1…" * 50, "1,2" * 33, "-" * 100,
     "1/" * 50, "±" * 100, "1 m" + "*m" * 48, "1 m**99999999", "1 " + "k" * 90, "M" + "1" * 99, "1-" * 50,
     "1 __import__('os')", "1 " + "–" * 97],
)  # fmt: skip
def test_hostile_texts_are_words_and_take_no_time(hostile: str) -> None:
    read("1 mm", "", unit_of)
    began = time.thread_time()
    assert read(hostile, "", unit_of).unit is None
    assert read("5", hostile, unit_of).unit is None or len(hostile) <= measures.MAX_UNIT
    # Seconds of this thread; what calculates takes for ever.
    assert time.thread_time() - began < 1


def test_a_unit_of_the_shops_own_is_taken_from_what_is_typed_only_where_somebody_asks() -> None:
    assert read("70 Shore A", "", unit_of).unit is None
    typed = measures.typed("70 Shore A", unit_of)
    assert typed.unit == measures.own_unit("shore a")
    assert typed.low == 70


@pytest.mark.parametrize("text", ["Ø25 mm", "ø 25 mm", "⌀25mm", " ∅ 2.5 cm"])
def test_a_diameter_may_be_typed_with_its_sign(text: str) -> None:
    assert measures.typed(text, unit_of).ends() == read("25 mm", "", unit_of).ends()


def test_numbers_sort_as_texts_and_come_back_from_the_base_unit_as_they_were() -> None:
    numbers = [-273.15, -40.0, -0.5, -0.0, 0.0, 1e-12, 0.025, 0.0254, 1.0, 25.0, 1e15]
    places = [measures.place(number, number) for number in numbers]
    assert places == sorted(places)
    assert measures.place(-0.0, 0.0) == measures.place(0.0, 0.0)
    inch, celsius = unit_of("in"), unit_of("°C")
    assert inch
    assert celsius
    assert [measures.shown(read(value, "", unit_of).ends()[0], inch) for value in ("25.4 mm", '1/3"', "1000000 in")] == [
        "1",
        "0.33333333333",
        "1000000",
    ]
    assert [measures.shown(read(value, "", unit_of).ends()[0], celsius) for value in ("-40 °C", "0 °C")] == ["-40", "0"]


def test_what_is_typed_with_decimals_is_rounded_and_a_fraction_is_not() -> None:
    roundings = {value: float(read(value, "", unit_of).rounding) for value in ("0.984 in", "1 in", '1/4"', "1.5 in", "4k7")}
    assert roundings == {"0.984 in": 0.0005, "1 in": 0, '1/4"': 0, "1.5 in": 0.003, "4k7": 0}


def test_the_words_of_a_thread_are_one_however_it_is_spaced() -> None:
    assert {measures.said(value) for value in ("M8x1.25", "M8 x 1,25", "M 8×1.25")} == {"M8x1.25"}
    assert measures.said("  Open ", "") == "Open"
    assert measures.said("A", "grade") == "A grade"


@pytest.mark.parametrize(
    ("name", "value", "unit", "read"),
    [
        ("Property class", "45 H", "", "45H"), ("Property class", "45", "H", "45H"), ("Tolerance class", "6g", "", "6g"),
        ("hardness", "45H", "", "45H"), ("Grade (ISO)", "8,8 S", "", "8.8S"), ("Festigkeitsklasse", "45 H", "", "45H"),
        ("Inductance", "45 H", "", None), ("Grade", "500 MPa", "", None), ("Insulation class", "155 °C", "", None),
        ("Classification", "45 H", "", None), ("Property class", "10.9", "", None), ("Property class", "A2-70", "", None),
    ],
)  # fmt: skip
def test_in_a_column_of_classes_a_number_with_a_letter_is_no_quantity(name: str, value: str, unit: str, read: str | None) -> None:
    assert class_in(name, value, unit) == read


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("10mm bore bearing", [("10mm", (), ("bore", "bearing"))]), ("bearing bore 10 mm", [("10 mm", ("bore", "bearing"), ())]),
        ("bore d: 0,5 in", [("0,5 in", ("bore",), ())]), ('shaft 1 1/2" (length 5 cm)',
        [('1 1/2"', ("shaft",), ("length",)), ("5 cm", ("length",), ())]), ("thread m8", [("m8", ("thread",), ())]),
        ("width 9 mm seal", [("9 mm", ("width",), ("seal",))]), ("8 m8 x 40 iso", []), ("length 40", []), ("6205 2rs skf", []),
        ("10 mm", []), ("5 parsnips long", []), ("bore", []), ("", []),
    ],
)  # fmt: skip
def test_a_measure_in_a_search_is_a_number_with_a_known_unit_beside_words_of_letters(
    typed: str, read: list[tuple[str, tuple[str, ...], tuple[str, ...]]]
) -> None:
    found = measures.beside(words_of(typed), unit_of)
    assert [(typed, one.before, one.after) for one in found for typed in one.values if typed.islower() or '"' in typed] == read


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("voltage 24 V", {"24 V"}), ("10 MPa pressure", {"10 mPa", "10 MPa"}), ("force 10kN", {"10kn", "10kN"}),
        ("torque 5 Nm", {"5 nm", "5 Nm"}), ("12 VDC supply", {"12 Vdc"}), ("80 °C temperature", {"80 °C"}),
        ("capacity 100 µF", {"100 µF"}), ("4.7kΩ resistance", {"4.7kΩ"}), ("5 N·m torque", {"5 N·m"}),
        ("5 kWh energy", {"5 kWh"}),
        ("range 5-24 V", {"5-24 V"}), ("10k resistor", {"10k"}), ("thread M8", {"m8"}), ("height 10 inch", {"10 inch"}),
    ],
)  # fmt: skip
def test_capitals_of_a_unit_are_guessed_since_words_of_a_search_have_none(typed: str, meant: set[str]) -> None:
    (one,) = measures.beside(words_of(typed), unit_of)
    assert set(one.values) == meant


def test_only_words_that_follow_one_another_on_one_side_of_a_measure_name_a_specification() -> None:
    (one,) = measures.beside(("bearing", "bore", "diameter", "10mm", "wide"), unit_of)
    assert [one.named(words.__contains__) for words in ({"diameter"}, {"diameter", "bore"}, {"bore"}, {"wide", "diameter"})] == [
        1, 2, 0, 1,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("typed", "names", "said"),
    [
        ("bearing bore 1 1/2 in", {"bore"}, "bore 1 1/2 in"), ("seal bore d: 10 mm wide", {"bore"}, "bore d: 10 mm"),
        ("bearing 10mm d bore x", {"bore"}, "10mm d bore"), ("bore diameter 10mm", {"diameter"}, "diameter 10mm"),
        ("bore 10mm inner diameter x", {"bore", "inner", "diameter"}, "10mm inner diameter"), ("bore 10mm", {"width"}, "10mm"),
    ],
)  # fmt: skip
def test_a_measure_and_the_words_of_a_name_stand_together_in_a_search(typed: str, names: set[str], said: str) -> None:
    (one,) = measures.beside(words_of(typed), unit_of)
    assert [words_of(typed)[place] for place in one.places(names.__contains__)] == said.split()
