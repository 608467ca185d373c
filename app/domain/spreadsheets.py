"""What spreadsheets do to the cells of a CSV: which they take for formulas, and what they turn part numbers into."""

import re

# Tells a spreadsheet that a CSV is UTF-8; without it, accents and symbols are misread.
BYTE_ORDER_MARK = "\ufeff"
# 4.00638E+12 for 4006381333931, as spreadsheets, Python and Java write it. 1E5 is left alone: none of them writes that.
_EXPONENT = r"[+-]?[0-9](?:[.,][0-9]+[Ee][+-]?[0-9]{1,3}|[Ee][+-][0-9]{2,3})"
# 1-Mar for 1-3 or MAR1, with months in the case that spreadsheets use: Mar-01, 01. Mrz, 01-mars. MAR-01 is left alone.
_TITLED = r"(?:Jan|Feb|Mar|Mrz|Mär|Apr|May|Mai|Jun|Jul|Aug|Sep|Oct|Okt|Nov|Dec|Dez)"
_SMALL = (
    r"(?:janv|févr|mars|avr|mai|juin|juil|août|sept|oct|nov|déc|ene|feb|mar|abr|may|jun|jul|ago|sep|dic|gen|mag|giu|lug|set|ott)"
)
_DATE = rf"[0-9]{{1,2}}(?:-|\. ){_TITLED}(?:[- ][0-9]{{2,4}})?|{_TITLED}[- ][0-9]{{2}}|[0-9]{{1,2}}-{_SMALL}\.?(?:-[0-9]{{2,4}})?"
_NUMBER = re.compile(_EXPONENT)
# What a spreadsheet has made of a part number.
DAMAGED = re.compile(rf"\s*(?:{_EXPONENT}|{_DATE})\s*\Z")
# What a spreadsheet takes for a formula, or would change, also after leading apostrophes.
_UNSAFE = re.compile(rf"'*(?:[=+\-@\t\r]|(?:{_EXPONENT}|{_DATE})\Z)")
# How some systems keep a spreadsheet from eating leading zeros: ="00123". Our own export puts an apostrophe before such a cell.
_KEPT_TEXT = re.compile(r'="([^"]*)"')


def spreadsheet_safe(value: str) -> str:
    """Return a cell that a spreadsheet leaves as it is: formulas, and what it would change, get a leading apostrophe."""
    return "'" + value if _UNSAFE.match(value) else value


def unescaped(cell: str) -> str:
    """Return the value of a cell that was protected from spreadsheets by `spreadsheet_safe` or as ="00123"."""
    if kept := _KEPT_TEXT.fullmatch(cell):
        return kept[1]
    return cell[1:] if cell.startswith("'") and _UNSAFE.match(cell) else cell


def damage_of(cell: str) -> str | None:
    """Return what a spreadsheet turned a part number into, or None if it is intact; the original number is lost."""
    if not DAMAGED.match(cell):
        return None
    return "a rounded number" if _NUMBER.fullmatch(cell.strip()) else "a date"
