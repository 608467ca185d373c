"""What one line of the catalog is, and the columns that the catalog has."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

REQUIRED_COLUMNS = (
    "sku",
    "part_name",
    "description",
    "category",
    "price",
    "currency",
    "current_stock",
    "min_stock_level",
)

# Every other column is a specification of that name, with the unit in brackets: a number, or one of `RANGES`.
# In the order of the file: what identifies a part first, then its dimensions from large to small.
SPECIFICATION_COLUMNS = (
    "Standard",
    "Material",
    "Surface finish",
    "Property class",
    "Thread",
    "Thread pitch P [mm]",
    "Nominal length l [mm]",
    "Thread length b [mm]",
    "Clearance hole [mm]",
    "Tapping drill [mm]",
    "Width across flats s [mm]",
    "Hexagon socket size s [mm]",
    "Head diameter dk [mm]",
    "Head height k [mm]",
    "Nut height m [mm]",
    "Flat point diameter dp [mm]",
    "Dimension series",
    "Closure",
    "Bore diameter d [mm]",
    "Outside diameter D [mm]",
    "Width B [mm]",
    "Height T [mm]",
    "Thickness h [mm]",
    "Dash size",
    "Inside diameter d1 [mm]",
    "Cross-section d2 [mm]",
    "Hardness [Shore A]",
    "Operating temperature [°C]",
    "Seal type",
    "Shaft diameter d1 [mm]",
    "Housing bore diameter [mm]",
    "Ring thickness s [mm]",
    "Groove diameter d2 [mm]",
    "Groove width m [mm]",
    "Belt section",
    "Datum length Ld [mm]",
    "Datum width [mm]",
    "Top width [mm]",
    "Belt height [mm]",
    "Tooth pitch [mm]",
    "Number of teeth",
    "Pitch length Lp [mm]",
    "Belt width [mm]",
    "Pin diameter d [mm]",
    "Pin tolerance",
    "Chamfer c [mm]",
    "Pin hole diameter [mm]",
    "Shank diameter d max [mm]",
    "Eye width c max [mm]",
    "Key width b [mm]",
    "Key height h [mm]",
    "Shaft diameter [mm]",
    "Shaft keyway depth t1 [mm]",
    "Hub keyway depth t2 [mm]",
)

RANGES = ("Operating temperature [°C]", "Shaft diameter [mm]")

COLUMNS = REQUIRED_COLUMNS + SPECIFICATION_COLUMNS


@dataclass(frozen=True, slots=True)
class Part:
    """A standard part before the shop's own figures (price to the cent, stock) are added to it.

    `description` holds its sentences, `list_price` is in EUR and not yet rounded,
    `specifications` maps names from SPECIFICATION_COLUMNS to their text.
    """

    sku: str
    name: str
    description: tuple[str, ...]
    category: tuple[str, ...]
    list_price: Decimal
    specifications: Mapping[str, str]


def is_numeric(column: str) -> bool:
    """Whether every filled cell of a column is a plain decimal number."""
    return (column.endswith("]") and column not in RANGES) or column in {
        "price",
        "current_stock",
        "min_stock_level",
        "Number of teeth",
    }
