"""Dimension tables written as aligned text, so that they can be compared with the printed standard."""

from decimal import Decimal


class Row(dict[str, str]):
    """One line of a table: heading -> cell, exactly as it is written."""

    def mm(self, heading: str) -> Decimal:
        """The cell as a number; millimetres unless the table says otherwise."""
        return Decimal(self[heading])


def read_table(text: str) -> tuple[Row, ...]:
    """The rows under the headings in the first line; cells are separated by white space.

    Raises ValueError when a line has more or fewer cells than there are headings.
    """
    lines = [line.split() for line in text.strip().splitlines()]
    headings = lines[0]
    for cells in lines[1:]:
        if len(cells) != len(headings):
            raise ValueError(f"expected the cells {headings}, found {cells}")
    return tuple(Row(zip(headings, cells, strict=True)) for cells in lines[1:])


def millimetres(number: Decimal) -> str:
    """A number as the standards print it: no exponent, no trailing zeros."""
    return f"{number.normalize():f}"
