"""Seals: O-rings in two rubbers, rotary shaft seals in two types."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from demo.part import Part
from demo.table import Row
from demo.tables.orings import AS568, to_mm
from demo.tables.shaft_seals import ISO_6194


class Rubber(NamedTuple):
    """An elastomer: hardness in Shore A, usual service temperatures in degrees Celsius."""

    code: str
    name: str
    hardness: str
    coldest: str
    hottest: str
    sentence: str
    price_factor: Decimal


NBR = Rubber(
    "NBR70",
    "Nitrile rubber (NBR)",
    "70",
    "-30",
    "100",
    "Nitrile rubber of 70 Shore A withstands mineral oil, hydraulic fluid and water from -30 to 100 °C.",
    Decimal("1.0"),
)
FKM = Rubber(
    "FKM75",
    "Fluorocarbon rubber (FKM)",
    "75",
    "-20",
    "200",
    "Fluorocarbon rubber of 75 Shore A withstands fuels, hot oil and many chemicals from -20 to 200 °C.",
    Decimal("4.5"),
)

_ORING_USES = {
    "0.070": "For small static seals: valve cartridges, fittings, sensor housings and cover plates.",
    "0.103": "A general purpose section for pneumatic cylinders, plugs and pump covers.",
    "0.139": "The section most used in hydraulic cylinders and flanges, static or reciprocating.",
    "0.210": "A strong section for hydraulic pistons and large flanges under high pressure.",
    "0.275": "The largest section, for big cylinders, manholes and filter housings.",
}


class SealType(NamedTuple):
    """A rotary shaft seal with the letters that DIN 3760 gives it."""

    code: str
    name: str
    rubber: Rubber
    sentence: str
    price_factor: Decimal


SEAL_TYPES = (
    SealType(
        "A-NBR",
        "A (rubber covered, one lip)",
        NBR,
        "The rubber-covered case seals in its bore even where the housing is of light metal; one spring-loaded lip of NBR.",
        Decimal("1.00"),
    ),
    SealType(
        "AS-FKM",
        "AS (rubber covered, with dust lip)",
        FKM,
        "Sealing lip and dust lip of FKM allow high surface speeds and hot oil, up to 200 °C.",
        Decimal("3.20"),
    ),
)


def parts() -> Iterator[Part]:
    """Every O-ring by dash number, then every shaft seal."""
    for series in AS568:
        for dash, inches in enumerate(series.inside_diameters, start=series.first):
            for rubber in (NBR, FKM):
                yield _oring(dash, series.cross_section, inches, rubber)
    for row in ISO_6194:
        for bore in row["bores"].split(","):
            for seal in SEAL_TYPES:
                yield _shaft_seal(row, bore, seal)


def _oring(dash: int, cross_section: str, inches: str, rubber: Rubber) -> Part:
    inside, section = to_mm(inches), to_mm(cross_section)
    number = f"{dash:03d}"
    return Part(
        sku=f"OR-{number}-{rubber.code}",
        name=f"O-ring AS568-{number}, {inside} x {section} mm, {rubber.code}",
        description=(
            f"O-ring to ISO 3601-1, AS568 dash size {number}: inside diameter {inside} mm ({inches} in), "
            f"cross-section {section} mm ({cross_section} in).",
            rubber.sentence,
            _ORING_USES[cross_section],
        ),
        category=("Seals", "O-rings", f"Cross-section {section} mm"),
        list_price=(Decimal("0.12") + (inside + section) * section**2 * Decimal("0.0004")) * rubber.price_factor,
        specifications={
            "Standard": "ISO 3601-1",
            "Material": rubber.name,
            "Dash size": number,
            "Inside diameter d1 [mm]": str(inside),
            "Cross-section d2 [mm]": str(section),
            "Hardness [Shore A]": rubber.hardness,
            "Operating temperature [°C]": f"{rubber.coldest}…{rubber.hottest}",
        },
    )


def _shaft_seal(row: Row, bore: str, seal: SealType) -> Part:
    size = f"{row['d1']}x{bore}x{row['b']}"
    return Part(
        sku=f"OS-{size}-{seal.code}",
        name=f"Rotary shaft seal {size}, {seal.code.replace('-', ' ')}",
        description=(
            f"Rotary shaft lip seal to ISO 6194-1 for shafts of {row['d1']} mm in a bore of {bore} mm, {row['b']} mm wide.",
            seal.sentence,
            "Keeps oil or grease in gearboxes, pumps, motors and wheel hubs that are not under pressure.",
        ),
        category=("Seals", "Rotary shaft seals", f"Type {seal.code.replace('-', ' ')}"),
        list_price=(Decimal("1.30") + Decimal(bore) * row.mm("b") * Decimal("0.006")) * seal.price_factor,
        specifications={
            "Standard": "ISO 6194-1",
            "Material": seal.rubber.name,
            "Seal type": seal.name,
            "Shaft diameter d1 [mm]": row["d1"],
            "Housing bore diameter [mm]": bore,
            "Width B [mm]": row["b"],
            "Operating temperature [°C]": f"{seal.rubber.coldest}…{seal.rubber.hottest}",
        },
    )
