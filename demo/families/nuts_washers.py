"""Nuts and plain washers: one part for each thread and grade."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from demo.families import grades
from demo.families.grades import Grade
from demo.part import Part
from demo.table import Row
from demo.tables import nuts_washers
from demo.tables.threads import THREADS


class Family(NamedTuple):
    """One nut or washer standard, and its use."""

    standard: str
    name: str
    category: str
    rows: tuple[Row, ...]
    grades: tuple[Grade, ...]
    shape: str
    use: str


NUTS = (
    Family(
        "ISO 4032",
        "hexagon nut",
        "Hexagon nuts",
        nuts_washers.ISO_4032,
        (grades.NUT_8, grades.NUT_10, grades.NUT_A2_70, grades.NUT_A4_80),
        "regular nut (style 1), {m} mm high, for a spanner of {s} mm",
        "The standard nut for bolted joints in machines and steelwork.",
    ),
    Family(
        "ISO 4035",
        "thin hexagon nut",
        "Thin nuts",
        nuts_washers.ISO_4035,
        (grades.NUT_04, grades.NUT_A2_035),
        "chamfered thin nut, {m} mm high, for a spanner of {s} mm",
        "Used as a lock nut on adjusting screws, rod ends and spindles, or where height is short.",
    ),
    Family(
        "ISO 7040",
        "prevailing torque nut with nylon insert",
        "Lock nuts",
        nuts_washers.ISO_7040,
        (grades.NUT_8, grades.NUT_10, grades.NUT_A2_70),
        "regular lock nut, {m} mm high over its nylon ring, for a spanner of {s} mm",
        "The ring grips the thread, so the joint holds under vibration even without preload; up to 120 °C.",
    ),
    Family(
        "ISO 10511",
        "thin prevailing torque nut with nylon insert",
        "Lock nuts",
        nuts_washers.ISO_10511,
        (grades.NUT_04, grades.NUT_A2_035),
        "thin lock nut, {m} mm high over its nylon ring, for a spanner of {s} mm",
        "It keeps joints of levers, castors and linkages from coming loose where a full nut has no room; up to 120 °C.",
    ),
)

WASHERS = (
    Family(
        "ISO 7089",
        "plain washer",
        "Plain washers",
        nuts_washers.ISO_7089,
        (grades.WASHER_200HV, grades.WASHER_300HV, grades.WASHER_A2),
        "hole {d1} mm, outside diameter {d2} mm, thickness {h} mm, normal series without chamfer",
        "It spreads the clamping force under screw heads and nuts and protects painted surfaces.",
    ),
    Family(
        "ISO 7090",
        "chamfered plain washer",
        "Plain washers",
        nuts_washers.ISO_7090,
        (grades.WASHER_200HV, grades.WASHER_300HV, grades.WASHER_A2),
        "hole {d1} mm, outside diameter {d2} mm, thickness {h} mm, normal series with a chamfered edge",
        "The chamfer gives a clean edge on visible joints, under hexagon bolts and nuts.",
    ),
    Family(
        "ISO 7092",
        "small plain washer",
        "Small washers",
        nuts_washers.ISO_7092,
        (grades.WASHER_200HV, grades.WASHER_A2),
        "hole {d1} mm, outside diameter {d2} mm, thickness {h} mm, small series",
        "The small outside diameter goes with cylinder head screws and into counterbores.",
    ),
    Family(
        "ISO 7093-1",
        "large plain washer",
        "Large washers",
        nuts_washers.ISO_7093_1,
        (grades.WASHER_200HV, grades.WASHER_A2),
        "hole {d1} mm, outside diameter {d2} mm, thickness {h} mm, large series",
        "Three times as wide as the thread, it carries on wood, plastics, sheet metal and slotted holes.",
    ),
)


def parts() -> Iterator[Part]:
    """Every nut, then every washer."""
    for family in NUTS:
        for row in family.rows:
            for grade in family.grades:
                yield _nut(family, row, grade)
    for family in WASHERS:
        for row in family.rows:
            for grade in family.grades:
                yield _washer(family, row, grade)


def _nut(family: Family, row: Row, grade: Grade) -> Part:
    pitch = THREADS[row["thread"]]["pitch"]
    return Part(
        sku=_sku(family, row, grade),
        name=f"{family.standard} {row['thread']} {family.name}, {grade.title}",
        description=(
            f"{family.name.capitalize()} to {family.standard} with {row['thread']} thread (pitch {pitch} mm): "
            f"{family.shape.format_map(row)}.",
            grade.sentence,
            family.use,
        ),
        category=("Fasteners", "Nuts", family.category),
        list_price=(Decimal("0.04") + row.mm("s") ** 2 * row.mm("m") * Decimal("0.00006")) * grade.price_factor,
        specifications={
            "Standard": family.standard,
            "Material": grade.material,
            "Surface finish": grade.finish,
            "Property class": grade.property_class,
            "Thread": row["thread"],
            "Thread pitch P [mm]": pitch,
            "Width across flats s [mm]": row["s"],
            "Nut height m [mm]": row["m"],
        },
    )


def _washer(family: Family, row: Row, grade: Grade) -> Part:
    material = "A2 stainless" if grade is grades.WASHER_A2 else grade.title
    return Part(
        sku=_sku(family, row, grade),
        name=f"{family.standard} {row['thread']} {family.name}, {material}",
        description=(
            f"{family.name.capitalize()} to {family.standard} for {row['thread']} threads: {family.shape.format_map(row)}.",
            grade.sentence,
            family.use,
        ),
        category=("Fasteners", "Washers", family.category),
        list_price=(Decimal("0.03") + row.mm("d2") ** 2 * row.mm("h") * Decimal("0.00005")) * grade.price_factor,
        specifications={
            "Standard": family.standard,
            "Material": grade.material,
            "Surface finish": grade.finish,
            "Property class": grade.property_class,
            "Thread": row["thread"],
            "Bore diameter d [mm]": row["d1"],
            "Outside diameter D [mm]": row["d2"],
            "Thickness h [mm]": row["h"],
        },
    )


def _sku(family: Family, row: Row, grade: Grade) -> str:
    return f"{family.standard.replace(' ', '')}-{row['thread']}-{grade.code}"
