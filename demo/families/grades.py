"""The strength classes and finishes in which we stock threaded fasteners and washers (ISO 898-1, 898-2, 3506-1, 3506-2)."""

from decimal import Decimal
from typing import NamedTuple


class Grade(NamedTuple):
    """A material with its strength class and finish; `sentence` follows the description of the part's shape."""

    code: str
    property_class: str
    material: str
    finish: str
    sentence: str
    price_factor: Decimal

    @property
    def title(self) -> str:
        """Class and finish in a few words, for a part's name."""
        if self.material.startswith("Stainless"):
            return f"{self.property_class} stainless"
        return f"{self.property_class} {self.finish.split(' (')[0].lower()}"


STEEL_8_8 = Grade(
    "8.8-ZN",
    "8.8",
    "Steel, quenched and tempered",
    "Zinc plated (ISO 4042)",
    "Property class 8.8 (nominal tensile strength 800 MPa) with zinc plating is the everyday grade for machines indoors.",
    Decimal("1.00"),
)
STEEL_10_9 = Grade(
    "10.9",
    "10.9",
    "Alloy steel, quenched and tempered",
    "Plain (black)",
    "Property class 10.9 has a nominal tensile strength of 1000 MPa; the plain black surface is lightly oiled.",
    Decimal("1.15"),
)
STEEL_12_9 = Grade(
    "12.9",
    "12.9",
    "Alloy steel, quenched and tempered",
    "Plain (black)",
    "Property class 12.9 (nominal tensile strength 1200 MPa) is for highly preloaded joints in tools, dies and fixtures.",
    Decimal("1.25"),
)
STAINLESS_A2_70 = Grade(
    "A2-70",
    "A2-70",
    "Stainless steel A2 (1.4301)",
    "Plain",
    "Stainless steel A2-70 (tensile strength 700 MPa) stays bright outdoors and in food plants, but not in sea water.",
    Decimal("1.70"),
)
HARDENED_45H = Grade(
    "45H",
    "45H",
    "Alloy steel, quenched and tempered",
    "Plain (black)",
    "Hardness class 45H (450 HV at least) lets the point bite into the shaft without being crushed.",
    Decimal("1.00"),
)

NUT_8 = Grade(
    "8-ZN",
    "8",
    "Steel",
    "Zinc plated (ISO 4042)",
    "Property class 8 matches screws of class 8.8.",
    Decimal("1.00"),
)
NUT_10 = Grade(
    "10",
    "10",
    "Steel, quenched and tempered",
    "Plain",
    "Property class 10 matches screws of class 10.9.",
    Decimal("1.15"),
)
NUT_04 = Grade(
    "04-ZN",
    "04",
    "Steel",
    "Zinc plated (ISO 4042)",
    "As a thin nut it has the reduced loadability of property class 04.",
    Decimal("1.00"),
)
NUT_A2_70 = Grade(
    "A2-70",
    "A2-70",
    "Stainless steel A2 (1.4301)",
    "Plain",
    "Stainless steel A2-70 resists rain and cleaning agents; grease the thread against galling.",
    Decimal("1.80"),
)
NUT_A4_80 = Grade(
    "A4-80",
    "A4-80",
    "Stainless steel A4 (1.4401)",
    "Plain",
    "Stainless steel A4-80 contains molybdenum and withstands chlorides, as on boats and in swimming pools.",
    Decimal("2.60"),
)
NUT_A2_035 = Grade(
    "A2-035",
    "A2-035",
    "Stainless steel A2 (1.4301)",
    "Plain",
    "In stainless steel A2 it has the reduced loadability of class 035.",
    Decimal("1.80"),
)

WASHER_200HV = Grade(
    "200HV-ZN",
    "200 HV",
    "Steel",
    "Zinc plated (ISO 4042)",
    "Hardness class 200 HV suits screws up to class 8.8.",
    Decimal("1.00"),
)
WASHER_300HV = Grade(
    "300HV-ZN",
    "300 HV",
    "Steel, quenched and tempered",
    "Zinc plated (ISO 4042)",
    "Quenched and tempered to 300 HV, it does not sink in under screws of class 10.9.",
    Decimal("1.40"),
)
WASHER_A2 = Grade(
    "A2",
    "200 HV",
    "Stainless steel A2 (1.4301)",
    "Plain",
    "Stainless steel A2 goes with A2-70 screws outdoors and in food plants.",
    Decimal("1.80"),
)
