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
# 05.maj, 5-Oca, 05/mai, 05.май, 5月5日: Polish and Scandinavian, Turkish, Dutch, Portuguese, Russian, Chinese, Japanese, Korean.
_FOREIGN = (
    r"[0-9]{1,2}\.(?:sty|lut|kwi|maj|cze|lip|sie|wrz|paź|lis|gru|янв|фев|мар|апр|май|июн|июл|авг|сен|окт|ноя|дек)"
    r"|[0-9]{1,2}[.-](?:Oca|Şub|Nis|Haz|Tem|Ağu|Eyl|Eki|Kas|Ara)|[0-9]{1,2}-(?:mrt|mei|maj|okt)"
    r"|[0-9]{1,2}[月월] ?[0-9]{1,2}[日일]|[0-9]{1,2}/(?:jan|fev|mar|abr|mai|jun|jul|ago|set|out|nov|dez)"
    r"|[0-9]{1,2}-(?:янв|фев|мар|апр|май|июн|июл|авг|сен|окт|ноя|дек)(?:-[0-9]{2,4})?|[0-9]{1,2}-[0-9]{1,2}[月월]"
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}[ T]00:00:00|[0-9]{1,2}(?P<mark>[/.-])[0-9]{1,2}(?P=mark)[0-9]{4} 0?0:00(?::00)?"
    # Month and year, which they make of MARS5. Not of months that are words of other numbers: set-10, mar-05.
    r"|(?:janv|févr|mars|avr|juin|juil|août|déc)\.?-[0-9]{2}|(?:mrt|mei|maj|okt)-[0-9]{2}"
    r"|(?:янв|фев|мар|апр|май|июн|июл|авг|сен|окт|ноя|дек)\.[0-9]{2}"
)
_DATE = (
    rf"[0-9]{{1,2}}(?:-|\. ){_TITLED}(?:[- ][0-9]{{2,4}})?|{_TITLED}[- ][0-9]{{2}}|[0-9]{{1,2}}-{_SMALL}\.?(?:-[0-9]{{2,4}})?"
    f"|{_FOREIGN}"
)
# What stands in place of a value that a spreadsheet cannot calculate, in its own language, or for which a column is too narrow.
_ERROR = r"#(?:¡?[^\W\d_]+(?:/(?:[^\W\d_]+|0))?[!?]|N/A|N/D|N/B|N/T|NV|YOK|Н/Д|#{3,})"
# 12:30:00 for 12:30 or 1230, and 40063.0 for 40063, of which a program made a number with a fraction.
_TIME = r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?: ?[AaPp][Mm])?"
_FRACTION = r"[0-9]{4,}\.0"
_NUMBER = re.compile(f"{_EXPONENT}|{_FRACTION}")
ERROR = re.compile(rf"\s*{_ERROR}\s*\Z")
# What a spreadsheet has made of a part number.
_MANGLED = f"{_EXPONENT}|{_FRACTION}|{_DATE}|{_TIME}"
DAMAGED = re.compile(rf"\s*(?:{_MANGLED})\s*\Z")
# What a spreadsheet takes for a formula, or would change, also after leading apostrophes; and what we would take for its error.
_UNSAFE = re.compile(rf"'*(?:[=+\-@\t\r]|(?:{_MANGLED}|{_ERROR})\Z)")
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
    return "a rounded number" if _NUMBER.fullmatch(cell.strip()) else "a date or a time"
