"""Belts: narrow V-belts by section and datum length, timing belts by pitch, length and width."""

from collections.abc import Iterator
from decimal import Decimal

from demo.part import Part
from demo.table import Row
from demo.tables.belts import DATUM_LENGTHS, TIMING_LENGTHS, TIMING_PITCHES, TIMING_WIDTHS, V_SECTIONS

_V_PRICE_PER_MM = {
    "SPZ": Decimal("0.0055"),
    "SPA": Decimal("0.0070"),
    "SPB": Decimal("0.0110"),
    "SPC": Decimal("0.0190"),
}
_V_USES = {
    "SPZ": "The smallest narrow section, for fans, pumps and small machine tools.",
    "SPA": "A middle section for compressors, ventilators and woodworking machines of a few kilowatts.",
    "SPB": "A strong section for mills, crushers and large fans, mostly in sets of several belts.",
    "SPC": "The largest narrow section, for heavy drives in quarries, mines and presses.",
}
_TIMING_USES = {
    "8M": "It drives spindles, conveyors and pumps without slip and without lubrication.",
    "14M": "It replaces chains in heavy drives such as mills, presses and conveyors, without slip and without lubrication.",
}


def parts() -> Iterator[Part]:
    """Every V-belt, then every timing belt."""
    for row in V_SECTIONS:
        for length in DATUM_LENGTHS:
            if row.mm("from") <= length <= row.mm("to"):
                yield _v_belt(row, length)
    for section, lengths in TIMING_LENGTHS.items():
        for length in lengths:
            for width in TIMING_WIDTHS[section]:
                yield _timing_belt(section, length, width)


def _v_belt(row: Row, length: int) -> Part:
    section = row["section"]
    return Part(
        sku=f"{section}-{length}",
        name=f"Narrow V-belt {section} {length}",
        description=(
            f"Wrapped narrow V-belt of section {section} to ISO 4184 with a datum length of {length} mm, "
            f"{row['top_width']} mm wide at the top and {row['height']} mm high.",
            "Polyester cords in a chloroprene body carry the pull; the fabric cover conducts static charge away.",
            _V_USES[section],
        ),
        category=("Power transmission", "V-belts", f"Section {section}"),
        list_price=Decimal(2) + length * _V_PRICE_PER_MM[section],
        specifications={
            "Standard": "ISO 4184",
            "Material": "Chloroprene rubber, polyester cords",
            "Belt section": section,
            "Datum length Ld [mm]": str(length),
            "Datum width [mm]": row["datum_width"],
            "Top width [mm]": row["top_width"],
            "Belt height [mm]": row["height"],
        },
    )


def _timing_belt(section: str, length: int, width: int) -> Part:
    pitch = TIMING_PITCHES[section]
    teeth = length // pitch
    return Part(
        sku=f"HTD-{length}-{section}-{width}",
        name=f"Timing belt HTD {length}-{section}-{width}",
        description=(
            f"Endless timing belt to ISO 13050 with curvilinear (HTD) teeth of {pitch} mm pitch: {teeth} teeth, "
            f"pitch length {length} mm, {width} mm wide.",
            "Glass fibre cords in chloroprene rubber keep the length constant; nylon fabric covers the teeth.",
            _TIMING_USES[section],
        ),
        category=("Power transmission", "Timing belts", f"Pitch {section}"),
        list_price=Decimal("2.50") + length * width * pitch * Decimal("0.00007"),
        specifications={
            "Standard": "ISO 13050",
            "Material": "Chloroprene rubber, glass fibre cords",
            "Belt section": section,
            "Tooth pitch [mm]": str(pitch),
            "Number of teeth": str(teeth),
            "Pitch length Lp [mm]": str(length),
            "Belt width [mm]": str(width),
        },
    )
