"""What must hold in the tables and in the finished lines; if any check fails, the generator writes nothing."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import pairwise

from demo.part import REQUIRED_COLUMNS, SPECIFICATION_COLUMNS, is_numeric
from demo.table import Row
from demo.tables import belts, nuts_washers, orings, pins_keys, retaining_rings, screws
from demo.tables.bearings import DEEP_GROOVE
from demo.tables.shaft_seals import ISO_6194
from demo.tables.threads import THREADS
from demo.tables.thrust_bearings import THRUST

MINIMUM_ROWS = 2000
_SKU = re.compile(r"[A-Z0-9][A-Za-z0-9.-]*")

# Tables whose named columns never decrease from row to row.
_ORDERED_TABLES: dict[str, tuple[tuple[Row, ...], tuple[str, ...]]] = {
    "ISO 4762": (screws.ISO_4762, ("dk", "k", "s", "to")),
    "ISO 10642": (screws.ISO_10642, ("dk", "k", "s", "to")),
    "ISO 7380-1": (screws.ISO_7380_1, ("dk", "k", "s", "to")),
    "ISO 4014": (screws.ISO_4014, ("s", "k", "to")),
    "ISO 4017": (screws.ISO_4017, ("s", "k", "to")),
    "ISO 4026": (screws.ISO_4026, ("s", "dp", "to")),
    "ISO 4027": (screws.ISO_4027, ("s", "to")),
    "ISO 4032": (nuts_washers.ISO_4032, ("s", "m")),
    "ISO 4035": (nuts_washers.ISO_4035, ("s", "m")),
    "ISO 7040": (nuts_washers.ISO_7040, ("s", "m")),
    "ISO 10511": (nuts_washers.ISO_10511, ("s", "m")),
    "ISO 7089": (nuts_washers.ISO_7089, ("d1", "d2", "h")),
    "ISO 7090": (nuts_washers.ISO_7090, ("d1", "d2", "h")),
    "ISO 7092": (nuts_washers.ISO_7092, ("d1", "d2", "h")),
    "ISO 7093-1": (nuts_washers.ISO_7093_1, ("d1", "d2", "h")),
    "DIN 471": (retaining_rings.DIN_471, ("d1", "s", "d2")),
    "DIN 472": (retaining_rings.DIN_472, ("d1", "s", "d2")),
    "ISO 8734": (pins_keys.ISO_8734, ("d", "c", "to")),
    "ISO 1234": (pins_keys.ISO_1234, ("hole", "d", "c", "to")),
    "DIN 6885-1": (pins_keys.DIN_6885, ("b", "h", "over", "up_to", "t1", "t2", "to")),
    "ISO 6194-1": (ISO_6194, ("d1", "b")),
    "ISO 4184": (belts.V_SECTIONS, ("datum_width", "top_width", "height", "from", "to")),
    "threads": (tuple(THREADS.values()), ("pitch", "As", "hole", "drill")),
    **{f"bearings {series}": (rows, ("d", "D")) for series, rows in DEEP_GROOVE.items()},
    **{f"bearings {series}": (rows, ("d", "D", "T")) for series, rows in THRUST.items()},
}


class CatalogError(Exception):
    """The tables or the finished lines contradict themselves; the message says where."""


def check_tables() -> None:
    """Raise CatalogError when a dimension table cannot be right."""
    for name, (rows, columns) in _ORDERED_TABLES.items():
        for before, after in pairwise(rows):
            for column in columns:
                _require(before.mm(column) <= after.mm(column), f"{name}: {column} falls", dict(after))
    for rows in (*DEEP_GROOVE.values(), *THRUST.values()):
        for row in rows:
            height = row.mm("B") if "B" in row else row.mm("T")
            _require(row.mm("d") < row.mm("D"), "bore not smaller than outside diameter", dict(row))
            _require(height < row.mm("D"), "bearing wider than its diameter", dict(row))
    _check_metric_threads()
    _check_round_parts()
    _check_lengths()


def _check_metric_threads() -> None:
    """The stress area of ISO 898-1 follows from diameter and pitch, which ties three columns together."""
    for row in THREADS.values():
        diameter = Decimal(row["thread"].removeprefix("M"))
        area = Decimal("0.7854") * (diameter - Decimal("0.9382") * row.mm("pitch")) ** 2
        _require(abs(area - row.mm("As")) <= row.mm("As") / 100, "stress area off", dict(row))
        _require(row.mm("drill") < diameter < row.mm("hole"), "drill, thread and hole out of order", dict(row))
        _require(abs(diameter - row.mm("pitch") - row.mm("drill")) <= Decimal("0.05"), "tapping drill off", dict(row))


def _check_round_parts() -> None:
    for table in (nuts_washers.ISO_7089, nuts_washers.ISO_7090, nuts_washers.ISO_7092, nuts_washers.ISO_7093_1):
        for row in table:
            diameter = Decimal(row["thread"].removeprefix("M"))
            _require(diameter < row.mm("d1") < row.mm("d2"), "washer diameters out of order", dict(row))
    for row in retaining_rings.DIN_471:
        _require(row.mm("d2") < row.mm("d1"), "DIN 471: groove not below the shaft", dict(row))
    for row in retaining_rings.DIN_472:
        _require(row.mm("d2") > row.mm("d1"), "DIN 472: groove not beyond the bore", dict(row))
    for row in ISO_6194:
        _require(all(Decimal(bore) > row.mm("d1") for bore in row["bores"].split(",")), "seal bore too small", dict(row))
    for row in pins_keys.ISO_1234:
        _require(row.mm("d") < row.mm("hole"), "ISO 1234: shank does not fit its hole", dict(row))
    for row in pins_keys.DIN_6885:
        clearance = row.mm("t1") + row.mm("t2") - row.mm("h")
        _require(0 < clearance < 1, "DIN 6885-1: keyways do not match the height", dict(row))
    for before, after in pairwise(pins_keys.DIN_6885):
        _require(before["up_to"] == after["over"], "DIN 6885-1: gap between shaft ranges", dict(after))


def _check_lengths() -> None:
    for series in orings.AS568:
        diameters = [Decimal(inches) for inches in series.inside_diameters]
        _rising(f"O-rings from -{series.first:03d}", diameters)
    _rising("datum lengths", [Decimal(n) for n in belts.DATUM_LENGTHS])
    for section, lengths in belts.TIMING_LENGTHS.items():
        _rising(f"timing belts {section}", [Decimal(n) for n in lengths])
        for length in lengths:
            _require(length % belts.TIMING_PITCHES[section] == 0, "not a whole number of teeth", (section, length))


def check_lines(lines: Sequence[Mapping[str, str]]) -> None:
    """Raise CatalogError when a finished line, or all of them together, break a promise of the catalog."""
    _require(len(lines) >= MINIMUM_ROWS, f"fewer than {MINIMUM_ROWS} parts", len(lines))
    for column in ("sku", "part_name"):
        twice = [value for value, count in Counter(line[column] for line in lines).items() if count > 1]
        _require(not twice, f"{column} not unique", twice[:5])
    for line in lines:
        _check_line(line)
    _check_families(lines)
    used = {name for line in lines for name in line}
    _require(used >= set(SPECIFICATION_COLUMNS), "unused columns", set(SPECIFICATION_COLUMNS) - used)


def _check_families(lines: Sequence[Mapping[str, str]]) -> None:
    """The parts of a category have the same specifications, so that it can be shown as a table and filtered by each of them."""
    families: dict[str, set[str]] = {}
    for line in lines:
        columns = {name for name, value in line.items() if value and name in SPECIFICATION_COLUMNS}
        known = families.setdefault(line["category"], columns)
        _require(known == columns, f"{line['category']} is not described alike: {sorted(known ^ columns)}", line["sku"])


def _check_line(line: Mapping[str, str]) -> None:
    sku = line["sku"]
    for column in (*REQUIRED_COLUMNS, "Standard", "Material"):
        _require(bool(line.get(column)), f"{column} is empty", sku)
    unknown = set(line) - set(REQUIRED_COLUMNS) - set(SPECIFICATION_COLUMNS)
    _require(not unknown, f"unknown columns {unknown}", sku)
    _require(bool(_SKU.fullmatch(sku)), "SKU with other than plain ASCII letters, digits, '.' and '-'", sku)
    for column, value in line.items():
        _require(value == value.strip() and "{" not in value, f"untidy {column}", sku)
        if is_numeric(column):
            _require(_is_number(value), f"{column} is no number: {value!r}", sku)
            _require(Decimal(value) > 0 or column == "current_stock", f"{column} too small", sku)


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _rising(name: str, numbers: Iterable[Decimal]) -> None:
    for before, after in pairwise(numbers):
        _require(before < after, f"{name}: not rising", (str(before), str(after)))


def _require(holds: bool, problem: str, where: object) -> None:
    if not holds:
        raise CatalogError(f"{problem}: {where}")
