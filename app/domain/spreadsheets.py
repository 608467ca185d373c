"""What spreadsheets do to the cells of a CSV: which they would take for formulas, and what they make of part numbers."""

import re

# With it a spreadsheet knows that a CSV is UTF-8; without it it reads accents and signs wrongly.
BYTE_ORDER_MARK = "\ufeff"
# 4.00638E+12 of 4006381333931, as spreadsheets, Python and Java write it. 1E5 is left alone: none of them writes that.
_EXPONENT = r"[+-]?[0-9](?:[.,][0-9]+[Ee][+-]?[0-9]{1,3}|[Ee][+-][0-9]{2,3})"
# 1-Mar of 1-3 or MAR1, in the letters in which spreadsheets write months: Mar-01, 01. Mrz, 01-mars. MAR-01 is left alone.
_TITLED = r"(?:Jan|Feb|Mar|Mrz|Mär|Apr|May|Mai|Jun|Jul|Aug|Sep|Oct|Okt|Nov|Dec|Dez)"
_SMALL = (
    r"(?:janv|févr|mars|avr|mai|juin|juil|août|sept|oct|nov|déc|ene|feb|mar|abr|may|jun|jul|ago|sep|dic|gen|mag|giu|lug|set|ott)"
)
_DATE = rf"[0-9]{{1,2}}(?:-|\. ){_TITLED}(?:[- ][0-9]{{2,4}})?|{_TITLED}[- ][0-9]{{2}}|[0-9]{{1,2}}-{_SMALL}\.?(?:-[0-9]{{2,4}})?"
_NUMBER = re.compile(_EXPONENT)
_CHANGED = re.compile(f"{_EXPONENT}|{_DATE}")
# What a spreadsheet takes for a formula, or would change, also behind apostrophes of its own.
_UNSAFE = re.compile(rf"'*(?:[=+\-@\t\r]|(?:{_EXPONENT}|{_DATE})\Z)")
# How some systems keep a spreadsheet from eating the zeros of ="00123". Our own export has an apostrophe before it.
_KEPT_TEXT = re.compile(r'="([^"]*)"')


def spreadsheet_safe(value: str) -> str:
    """Return a cell that a spreadsheet takes as it stands: an apostrophe is before a formula and what it would change."""
    return "'" + value if _UNSAFE.match(value) else value


def unescaped(cell: str) -> str:
    """Return what a cell says that was kept from a spreadsheet by `spreadsheet_safe`, or as ="00123"."""
    if kept := _KEPT_TEXT.fullmatch(cell):
        return kept[1]
    return cell[1:] if cell.startswith("'") and _UNSAFE.match(cell) else cell


def damage_of(cell: str) -> str | None:
    """Return what a spreadsheet has made of a part number, or None if it has not: the number behind it is lost."""
    if not _CHANGED.fullmatch(cell):
        return None
    return "a rounded number" if _NUMBER.fullmatch(cell) else "a date"
