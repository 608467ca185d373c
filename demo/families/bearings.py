"""Ball bearings: one part for each size and closure."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from demo.part import Part
from demo.table import Row
from demo.tables import bearings, thrust_bearings


class Closure(NamedTuple):
    """How the sides of a bearing are closed, with its DIN 623-1 suffix."""

    suffix: str
    name: str
    sentence: str
    price_factor: Decimal


OPEN = Closure(
    "",
    "Open",
    "Open on both sides, it is lubricated by the oil or grease of the machine around it.",
    Decimal("1.00"),
)
SHIELDED = Closure(
    "2Z",
    "Shielded on both sides (2Z)",
    "Two steel shields hold the grease filling and keep coarse dirt out without rubbing, so it suits high speeds.",
    Decimal("1.08"),
)
SEALED = Closure(
    "2RS",
    "Sealed on both sides (2RS)",
    "Two rubbing seals of nitrile rubber keep dust and splash water out; it is greased for life.",
    Decimal("1.16"),
)

# The narrow and the heavy series are sold only open.
_CLOSURES = {"160": (OPEN,), "64": (OPEN,)}
_ALL_CLOSURES = (OPEN, SHIELDED, SEALED)

_USES = {
    "618": "The slimmest section of the range: for robot joints, encoders and hollow shafts where radial space is scarce.",
    "619": "A thin section for gearboxes, instruments and spindles that must stay small around a thick shaft.",
    "160": "A narrow, extra light section for large shafts under small loads, as in textile and packaging machines.",
    "60": "The extra light series: common in electric motors, pumps and machine tools that run fast under moderate load.",
    "62": "The light series is the usual first choice for electric motors, conveyor rollers, fans and gearboxes.",
    "63": "The medium series carries more than the 62 series on the same shaft: for gearboxes, compressors and vehicles.",
    "64": "The heavy series carries the highest radial load on a given shaft, as in old gearboxes, winches and crushers.",
}
_SMALLEST_OF_FULL_SIZE = 10
_MINIATURE_USE = "A miniature size for small motors, instruments, printers, skates and model making."


def parts() -> Iterator[Part]:
    """Every deep groove bearing, then every thrust bearing."""
    for series, rows in bearings.DEEP_GROOVE.items():
        for row in rows:
            for closure in _CLOSURES.get(series, _ALL_CLOSURES):
                yield _deep_groove(series, row, closure)
    for series, rows in thrust_bearings.THRUST.items():
        for row in rows:
            yield _thrust(series, row)


def _deep_groove(series: str, row: Row, closure: Closure) -> Part:
    designation = f"{row['size']}-{closure.suffix}" if closure.suffix else row["size"]
    dimension_series = bearings.DIMENSION_SERIES[series]
    size = f"{row['d']}x{row['D']}x{row['B']} mm"
    return Part(
        sku=designation,
        name=f"Deep groove ball bearing {designation}, {size}",
        description=(
            f"Single-row deep groove ball bearing to ISO 15, dimension series {dimension_series}: "
            f"bore {row['d']} mm, outside diameter {row['D']} mm, width {row['B']} mm.",
            closure.sentence,
            _USES[series] if row.mm("d") >= _SMALLEST_OF_FULL_SIZE else _MINIATURE_USE,
        ),
        category=("Bearings", "Deep groove ball bearings", f"Series {series}"),
        list_price=(Decimal("2.20") + row.mm("D") ** 2 * row.mm("B") * Decimal("0.000085")) * closure.price_factor,
        specifications={
            "Standard": "ISO 15",
            "Material": "Bearing steel 100Cr6 (1.3505)",
            "Dimension series": dimension_series,
            "Closure": closure.name,
            "Bore diameter d [mm]": row["d"],
            "Outside diameter D [mm]": row["D"],
            "Width B [mm]": row["B"],
        },
    )


def _thrust(series: str, row: Row) -> Part:
    dimension_series = thrust_bearings.DIMENSION_SERIES[series]
    size = f"{row['d']}x{row['D']}x{row['T']} mm"
    return Part(
        sku=row["size"],
        name=f"Thrust ball bearing {row['size']}, {size}",
        description=(
            f"Single-direction thrust ball bearing to ISO 104, dimension series {dimension_series}, "
            f"for shafts of {row['d']} mm: outside diameter {row['D']} mm, height {row['T']} mm.",
            "It takes axial load from one side only and no radial load; "
            "shaft washer, ball cage and housing washer can be fitted one by one.",
            "Used under worm shafts, crane hooks, jacks and drill spindles.",
        ),
        category=("Bearings", "Thrust ball bearings", f"Series {series}"),
        list_price=Decimal("3.10") + row.mm("D") ** 2 * row.mm("T") * Decimal("0.00011"),
        specifications={
            "Standard": "ISO 104",
            "Material": "Bearing steel 100Cr6 (1.3505)",
            "Dimension series": dimension_series,
            "Closure": OPEN.name,
            "Bore diameter d [mm]": row["d"],
            "Outside diameter D [mm]": row["D"],
            "Height T [mm]": row["T"],
        },
    )
