"""What spreadsheets do to cells: we export no formulas, and recognise a part number that a spreadsheet has mangled."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.spreadsheets import damage_of, spreadsheet_safe, unescaped


@pytest.mark.parametrize(
    "cell",
    [
        "4.00638E+12", "4,00638E+12", "4.006381333931e+12", "4E+12", "1.2E-05", "1.2E-5", "1.00E+05", "4.006381333931E12",
        "1-Mar", "01-Mar", "Mar-01", "1-Mar-24", "3-Dec-2024", "01. Mrz", "1. Okt", "Mrz 15", "01-mars", "12-dic", "1-août",
        "05.maj", "5.sty", "05-Oca", "5-mei", "05/mai", "05.май", "5月5日", "05월 05일", "2024-03-04 00:00:00",
        "mars-05", "févr-10", "mrt-05", "maj-05", "мар.05", "5-мар", "12-дек-2024", "5-3月", "3-5월", "1/2/2024 0:00",
        "01.02.2024 00:00", "1-2-2024 0:00:00", "12:30:00", "0:05:00", "1:30:00 PM", "4006381333931.0", "1001.0",
    ],
)  # fmt: skip
def test_what_a_spreadsheet_has_made_of_a_part_number_is_known(cell: str) -> None:
    assert damage_of(cell) is not None


@pytest.mark.parametrize(
    "cell",
    [
        "1E5", "2E10", "12E45", "E12", "E+H", "MAR-01", "DEC-10", "10-DEC", "M-ar01", "1-MARK", "Mar-1x", "MAY",
        "4006381333931", "6204",
        "05.Mai", "5.maj2", "set-10", "MARS-05", "мар.5", "5-марс", "5-3-1月", "1/2.2024 0:00", "1/2/2024 0:30",
        "05/12", "3/out2", "5月",
        "12:30", "12:30:0", "1.0", "100.0", "1001.00", "1001.5",
        "1.5KE10", "1-3", "2N2222", "1.2E", "Sep", "100E-6V", "1.5", "2024-03-01", "",
    ],
)  # fmt: skip
def test_a_part_number_that_may_be_true_is_left_alone(cell: str) -> None:
    assert damage_of(cell) is None


@given(
    st.text() | st.sampled_from(["4.00638E+12", "'1-Mar", "''=x", "=1", "'", "'x", "-1.5E+10", "' =x", "#N/A", "'#REF!", "####"])
)
def test_what_is_kept_from_a_spreadsheet_is_read_as_it_was(text: str) -> None:
    safe = spreadsheet_safe(text)
    assert unescaped(safe) == text
    assert safe[:1] not in {"=", "+", "-", "@", "\t", "\r"}
    assert damage_of(safe) is None


@pytest.mark.parametrize(("cell", "text"), [('="00123"', "00123"), ("'4.00638E+12", "4.00638E+12"), ("'x", "'x"), ("'=1", "=1")])
def test_a_cell_that_was_kept_as_text_is_that_text(cell: str, text: str) -> None:
    assert unescaped(cell) == text
