"""Screws and bolts: one part for each thread, length and grade."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import NamedTuple

from demo.families import grades
from demo.families.grades import Grade
from demo.part import Part
from demo.table import Row, millimetres
from demo.tables import screws
from demo.tables.threads import THREADS, lengths

_SOCKET = "Hexagon socket size s [mm]"
_FLATS = "Width across flats s [mm]"
_HEAD = {"dk": "Head diameter dk [mm]", "k": "Head height k [mm]"}
_PRICE_OF_STARTING = Decimal("0.07")
_PRICE_PER_MM3 = Decimal("0.00009")


class Family(NamedTuple):
    """One screw standard: its names, which cells of its table give which specification, and its use."""

    standard: str
    code: str
    name: str
    category: str
    rows: tuple[Row, ...]
    cells: Mapping[str, str]
    grades: tuple[Grade, ...]
    shape: str
    use: str


FAMILIES = (
    Family(
        "ISO 4762",
        "ISO4762",
        "socket head cap screw",
        "Socket head cap screws",
        screws.ISO_4762,
        {**_HEAD, "s": _SOCKET},
        (grades.STEEL_8_8, grades.STEEL_12_9, grades.STAINLESS_A2_70),
        "cylinder head {dk} mm wide and {k} mm high, driven by a hexagon key of {s} mm",
        "Its slim head fits into a counterbore, so it holds guide rails, motors and fixture plates together.",
    ),
    Family(
        "ISO 10642",
        "ISO10642",
        "hexagon socket countersunk screw",
        "Countersunk screws",
        screws.ISO_10642,
        {**_HEAD, "s": _SOCKET},
        (grades.STEEL_10_9,),
        "90 degree countersunk head with a theoretical diameter of {dk} mm, driven by a hexagon key of {s} mm",
        "It sits flush with the surface of covers, linear guides and hinges; the head limits the load it can take.",
    ),
    Family(
        "ISO 7380-1",
        "ISO7380-1",
        "hexagon socket button head screw",
        "Button head screws",
        screws.ISO_7380_1,
        {**_HEAD, "s": _SOCKET},
        (grades.STEEL_10_9, grades.STAINLESS_A2_70),
        "low round head {dk} mm wide and {k} mm high, driven by a hexagon key of {s} mm",
        "The smooth head leaves nothing to catch on: for guards, panels and aluminium profile frames.",
    ),
    Family(
        "ISO 4014",
        "ISO4014",
        "hexagon head bolt",
        "Hexagon bolts",
        screws.ISO_4014,
        {"s": _FLATS, "k": _HEAD["k"]},
        (grades.STEEL_8_8,),
        "head {k} mm high for a spanner of {s} mm, with a plain shank under the head",
        "The shank lies in the joint and takes shear, as in steel frames, flanges and bearing housings.",
    ),
    Family(
        "ISO 4017",
        "ISO4017",
        "hexagon head screw",
        "Hexagon screws",
        screws.ISO_4017,
        {"s": _FLATS, "k": _HEAD["k"]},
        (grades.STEEL_8_8, grades.STAINLESS_A2_70),
        "head {k} mm high for a spanner of {s} mm, threaded up to the head",
        "It clamps parts of any thickness to a tapped hole or with a nut, in machines, brackets and vehicles.",
    ),
    Family(
        "ISO 4026",
        "ISO4026",
        "set screw with flat point",
        "Set screws with flat point",
        screws.ISO_4026,
        {"s": _SOCKET, "dp": "Flat point diameter dp [mm]"},
        (grades.HARDENED_45H,),
        "headless, with a flat point of {dp} mm, driven by a hexagon key of {s} mm",
        "The flat point holds adjusting rings and hubs without marking the shaft deeply, so the seat can be changed.",
    ),
    Family(
        "ISO 4027",
        "ISO4027",
        "set screw with cone point",
        "Set screws with cone point",
        screws.ISO_4027,
        {"s": _SOCKET},
        (grades.HARDENED_45H,),
        "headless, with a cone point, driven by a hexagon key of {s} mm",
        "The cone point seats in a countersink of the shaft and fixes hubs, pulleys and levers for good.",
    ),
)


def parts() -> Iterator[Part]:
    """Every screw, standard by standard, then by thread, length and grade."""
    for family in FAMILIES:
        for row in family.rows:
            for length in lengths(row):
                for grade in family.grades:
                    yield _screw(family, row, length, grade)


def _screw(family: Family, row: Row, length: int, grade: Grade) -> Part:
    thread = THREADS[row["thread"]]
    designation = f"{row['thread']}x{length}"
    specifications = {
        "Standard": family.standard,
        "Material": grade.material,
        "Surface finish": grade.finish,
        "Property class": grade.property_class,
        "Thread": row["thread"],
        "Thread pitch P [mm]": thread["pitch"],
        "Nominal length l [mm]": str(length),
        "Tapping drill [mm]": thread["drill"],
        **{specification: row[cell] for cell, specification in family.cells.items()},
    }
    if not family.category.startswith("Set screws"):
        specifications["Clearance hole [mm]"] = thread["hole"]
    if family.standard == "ISO 4014":
        specifications["Thread length b [mm]"] = millimetres(_thread_length(_diameter(row), length))
    return Part(
        sku=f"{family.code}-{designation}-{grade.code}",
        name=f"{family.standard} {designation} {family.name}, {grade.title}",
        description=(
            f"{family.name.capitalize()} to {family.standard} with {row['thread']} thread (pitch {thread['pitch']} mm), "
            f"{length} mm long: {family.shape.format_map(row)}.",
            grade.sentence,
            family.use,
        ),
        category=("Fasteners", "Screws and bolts", family.category),
        list_price=(_PRICE_OF_STARTING + _volume(row, length) * _PRICE_PER_MM3) * grade.price_factor,
        specifications=specifications,
    )


def _diameter(row: Row) -> Decimal:
    return Decimal(row["thread"].removeprefix("M"))


def _thread_length(diameter: Decimal, length: int) -> Decimal:
    """The thread length b of ISO 4014: 2d + 6 up to 125 mm, 2d + 12 above, up to 200 mm."""
    return 2 * diameter + (6 if length <= 125 else 12)


def _volume(row: Row, length: int) -> Decimal:
    """The approximate volume in mm3, for the price: shank and head as cylinders; set screws have no head."""
    diameter = _diameter(row)
    head_diameter = Decimal(row["dk"] if "dk" in row else row["s"])
    head_height = Decimal(row.get("k", "0"))
    return Decimal("0.785") * (diameter**2 * length + head_diameter**2 * head_height)
