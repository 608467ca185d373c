"""Metric coarse threads: what every screw and nut of one size shares."""

from demo.table import Row, read_table

# pitch: ISO 261; As: nominal stress area in mm2, ISO 898-1; hole: medium clearance hole, ISO 273;
# drill: tapping drill, ISO 2306.
THREADS: dict[str, Row] = {
    row["thread"]: row
    for row in read_table("""
        thread  pitch    As   hole  drill
        M1.6     0.35   1.27   1.8   1.25
        M2       0.4    2.07   2.4   1.6
        M2.5     0.45   3.39   2.9   2.05
        M3       0.5    5.03   3.4   2.5
        M4       0.7    8.78   4.5   3.3
        M5       0.8   14.2    5.5   4.2
        M6       1     20.1    6.6   5
        M8       1.25  36.6    9     6.8
        M10      1.5   58     11     8.5
        M12      1.75  84.3   13.5  10.2
        M16      2    157     17.5  14
        M20      2.5  245     22    17.5
        M24      3    353     26    21
        M30      3.5  561     33    26.5
        M36      4    817     39    32
    """)
}

# Preferred nominal lengths, from ISO 888 (without 55 and 65 mm, which are rarely stocked).
PREFERRED_LENGTHS = (
    2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 30, 35, 40, 45, 50, 60,
    70, 80, 90, 100, 110, 120, 130, 140, 150, 160, 180, 200,
)  # fmt: skip


def lengths(row: Row) -> tuple[int, ...]:
    """The preferred lengths from the row's `from` to its `to`, both included."""
    return tuple(n for n in PREFERRED_LENGTHS if row.mm("from") <= n <= row.mm("to"))
