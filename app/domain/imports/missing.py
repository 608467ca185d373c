"""What other systems write where they have no value: `NULL`, `nan`, `N/A`. Exactly so: Na is sodium, and Nan a name."""

from collections.abc import Collection

# By programs, in any column: SQL, MySQL's dumps, pandas, JavaScript.
_BY_PROGRAMS = frozenset(("NULL", "null", "(null)", "<null>", "[NULL]", "\\N", "NaN", "nan", "NAN", "NaT", "<NA>", "undefined"))
# By people, too. In a specification they may be a value (Coating: None, Polarity: -), so there they stay.
_BY_PEOPLE = frozenset(("-", "--", "–", "—", "N/A", "n/a", "N.A.", "n.a.", "NA", "None", "none", "NONE"))
_EVERY = _BY_PROGRAMS | _BY_PEOPLE


def has_missing(cells: Collection[str]) -> bool:
    """Whether some of a row's cells may stand for no value."""
    return not _EVERY.isdisjoint(map(str.strip, cells))


def is_missing(cell: str, *, is_specification: bool) -> bool:
    """Whether a cell stands for no value."""
    return cell.strip() in (_BY_PROGRAMS if is_specification else _EVERY)


def is_meant(cell: str, *, is_specification: bool) -> bool:
    """Whether a cell was protected by an apostrophe, as an export does: it means what stands behind that."""
    return cell.startswith("'") and is_missing(cell.lstrip("'"), is_specification=is_specification)


def protected(value: str, *, is_specification: bool) -> str:
    """Return a cell that no import takes for no value."""
    return "'" + value if is_missing(value.lstrip("'"), is_specification=is_specification) else value
