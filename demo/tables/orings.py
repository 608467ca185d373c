"""O-rings of the AS568 dash sizes, which ISO 3601-1 adopts. AS568 gives them in inches, and so does this table.

Each cross-section lists the inside diameters of consecutive dash numbers from its first one on.
"""

from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

_MM_PER_INCH = Decimal("25.4")


class DashSeries(NamedTuple):
    """O-rings of one cross-section: the inch diameters of dash numbers `first`, `first` + 1, …"""

    first: int
    cross_section: str
    inside_diameters: tuple[str, ...]


def to_mm(inches: str) -> Decimal:
    """Inches in millimetres to two decimals, as ISO 3601-1 prints them."""
    return (Decimal(inches) * _MM_PER_INCH).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _series(first: int, cross_section: str, diameters: str) -> DashSeries:
    return DashSeries(first, cross_section, tuple(diameters.split()))


AS568 = (
    # -004 … -050
    _series(4, "0.070", """
                                0.070 0.101 0.114 0.145 0.176 0.208
        0.239 0.301 0.364 0.426 0.489 0.551 0.614 0.676 0.739 0.801
        0.864 0.926 0.989 1.051 1.114 1.176 1.239 1.301 1.364 1.489
        1.614 1.739 1.864 1.989 2.114 2.239 2.364 2.489 2.614 2.739
        2.864 2.989 3.239 3.489 3.739 3.989 4.239 4.489 4.739 4.989
        5.239
    """),
    # -102 … -160
    _series(102, "0.103", """
                    0.049 0.081 0.112 0.143 0.174 0.206 0.237 0.299
        0.362 0.424 0.487 0.549 0.612 0.674 0.737 0.799 0.862 0.924
        0.987 1.049 1.112 1.174 1.237 1.299 1.362 1.424 1.487 1.549
        1.612 1.674 1.737 1.799 1.862 1.925 1.987 2.050 2.112 2.175
        2.237 2.300 2.362 2.425 2.487 2.550 2.612 2.675 2.737 2.800
        2.862 2.987 3.237 3.487 3.737 3.987 4.237 4.487 4.737 4.987
        5.237
    """),
    # -201 … -258
    _series(201, "0.139", """
              0.171 0.234 0.296 0.359 0.421 0.484 0.546 0.609 0.671
        0.734 0.796 0.859 0.921 0.984 1.046 1.109 1.171 1.234 1.296
        1.359 1.421 1.484 1.609 1.734 1.859 1.984 2.109 2.234 2.359
        2.484 2.609 2.734 2.859 2.984 3.109 3.234 3.359 3.484 3.609
        3.734 3.859 3.984 4.109 4.234 4.359 4.484 4.609 4.734 4.859
        4.984 5.109 5.234 5.359 5.484 5.609 5.734 5.859 5.984
    """),
    # -309 … -349
    _series(309, "0.210", """
                                                              0.412
        0.475 0.537 0.600 0.662 0.725 0.787 0.850 0.912 0.975 1.037
        1.100 1.162 1.225 1.287 1.350 1.475 1.600 1.725 1.850 1.975
        2.100 2.225 2.350 2.475 2.600 2.725 2.850 2.975 3.100 3.225
        3.350 3.475 3.600 3.725 3.850 3.975 4.100 4.225 4.350 4.475
    """),
    # -425 … -445
    _series(425, "0.275", """
                                      4.475 4.600 4.725 4.850 4.975
        5.100 5.225 5.350 5.475 5.600 5.725 5.850 5.975 6.225 6.475
        6.725 6.975 7.225 7.475 7.725 7.975
    """),
)  # fmt: skip
