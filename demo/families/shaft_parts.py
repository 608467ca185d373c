"""What sits on or in a shaft: retaining rings, dowel pins, split pins and parallel keys."""

from collections.abc import Iterator
from decimal import Decimal

from demo.part import Part
from demo.table import Row
from demo.tables import pins_keys
from demo.tables.retaining_rings import DIN_471, DIN_472, GROOVE_WIDTHS


def parts() -> Iterator[Part]:
    """Rings, pins, split pins and keys, in that order."""
    for standard, rows in (("DIN 471", DIN_471), ("DIN 472", DIN_472)):
        for row in rows:
            yield _retaining_ring(standard, row)
    for row in pins_keys.ISO_8734:
        for length in _within(row, pins_keys.PIN_LENGTHS):
            yield _dowel_pin(row, length)
    for row in pins_keys.ISO_1234:
        for length in _within(row, pins_keys.SPLIT_PIN_LENGTHS):
            yield _split_pin(row, length)
    for row in pins_keys.DIN_6885:
        for length in _within(row, pins_keys.KEY_LENGTHS):
            yield _parallel_key(row, length)


def _within(row: Row, lengths: tuple[int, ...]) -> Iterator[int]:
    return (length for length in lengths if row.mm("from") <= length <= row.mm("to"))


def _retaining_ring(standard: str, row: Row) -> Part:
    on_shaft = standard == "DIN 471"
    place = "shaft" if on_shaft else "bore"
    width = GROOVE_WIDTHS[row["s"]]
    size = f"{row['d1']}x{row['s']}"
    diameter = "Shaft diameter d1 [mm]" if on_shaft else "Housing bore diameter [mm]"
    return Part(
        sku=f"{standard.replace(' ', '')}-{size}",
        name=f"{standard} retaining ring for {row['d1']} mm {place}, {row['s']} mm thick",
        description=(
            f"Retaining ring to {standard}, normal type, for {place}s of {row['d1']} mm: ring thickness {row['s']} mm, "
            f"groove diameter {row['d2']} mm, groove width {width} mm (H13).",
            "Phosphated spring steel: it springs back into its groove and can be taken out and used again.",
            f"It holds bearings, gears and rollers axially {'on a shaft' if on_shaft else 'in a bore'} and is fitted with "
            f"{'external' if on_shaft else 'internal'} circlip pliers.",
        ),
        category=("Shaft components", "Retaining rings", f"{standard} for {'shafts' if on_shaft else 'bores'}"),
        list_price=Decimal("0.06") + row.mm("d1") * row.mm("s") * Decimal("0.003"),
        specifications={
            "Standard": standard,
            "Material": "Spring steel C67S or C75S",
            "Surface finish": "Phosphated",
            diameter: row["d1"],
            "Ring thickness s [mm]": row["s"],
            "Groove diameter d2 [mm]": row["d2"],
            "Groove width m [mm]": width,
        },
    )


def _dowel_pin(row: Row, length: int) -> Part:
    return Part(
        sku=f"ISO8734-{row['d']}m6x{length}-A",
        name=f"ISO 8734 dowel pin {row['d']}x{length}, hardened steel",
        description=(
            f"Parallel pin to ISO 8734, {row['d']} mm in diameter (tolerance m6) and {length} mm long, "
            f"with {row['c']} mm chamfers.",
            "Through-hardened (type A) and ground, it is pressed into reamed H7 holes.",
            "It fixes the position of dies, jigs and gearbox halves to hundredths of a millimetre.",
        ),
        category=("Shaft components", "Dowel pins"),
        list_price=Decimal("0.08") + row.mm("d") ** 2 * length * Decimal("0.00012"),
        specifications={
            "Standard": "ISO 8734",
            "Material": "Steel, through-hardened",
            "Pin diameter d [mm]": row["d"],
            "Pin tolerance": "m6",
            "Nominal length l [mm]": str(length),
            "Chamfer c [mm]": row["c"],
        },
    )


def _split_pin(row: Row, length: int) -> Part:
    size = f"{row['hole']}x{length}"
    return Part(
        sku=f"ISO1234-{size}-ZN",
        name=f"ISO 1234 split pin {size}, zinc plated",
        description=(
            f"Split pin to ISO 1234 of nominal size {row['hole']} mm, which is the diameter of its hole, and {length} mm long; "
            f"shank {row['d']} mm and eye {row['c']} mm at most.",
            "Soft zinc-plated steel: the legs are bent open once and the pin is thrown away afterwards.",
            "It secures castle nuts, clevis pins and axles against coming off.",
        ),
        category=("Shaft components", "Split pins"),
        list_price=Decimal("0.04") + row.mm("d") ** 2 * length * Decimal("0.00009"),
        specifications={
            "Standard": "ISO 1234",
            "Material": "Steel",
            "Surface finish": "Zinc plated (ISO 4042)",
            "Pin hole diameter [mm]": row["hole"],
            "Nominal length l [mm]": str(length),
            "Shank diameter d max [mm]": row["d"],
            "Eye width c max [mm]": row["c"],
        },
    )


def _parallel_key(row: Row, length: int) -> Part:
    size = f"{row['b']}x{row['h']}x{length}"
    return Part(
        sku=f"DIN6885-A-{size}-C45",
        name=f"DIN 6885 A {size} parallel key, C45",
        description=(
            f"Parallel key to DIN 6885-1, form A with both ends round: {row['b']} mm wide, {row['h']} mm high, {length} mm long.",
            f"It belongs to shafts over {row['over']} up to {row['up_to']} mm, "
            f"with a keyway {row['t1']} mm deep in the shaft and {row['t2']} mm in the hub.",
            "Bright drawn steel C45+C passes torque between a shaft and a pulley, gear or coupling.",
        ),
        category=("Shaft components", "Parallel keys", f"Section {row['b']} x {row['h']} mm"),
        list_price=Decimal("0.12") + row.mm("b") * row.mm("h") * length * Decimal("0.00012"),
        specifications={
            "Standard": "DIN 6885-1",
            "Material": "Steel C45+C (1.0503)",
            "Nominal length l [mm]": str(length),
            "Key width b [mm]": row["b"],
            "Key height h [mm]": row["h"],
            "Shaft diameter [mm]": f"{row['over']}…{row['up_to']}",
            "Shaft keyway depth t1 [mm]": row["t1"],
            "Hub keyway depth t2 [mm]": row["t2"],
        },
    )
