"""Pins and keys: dowel pins to ISO 8734, split pins to ISO 1234, parallel keys to DIN 6885-1."""

from demo.table import read_table

# Parallel pins of hardened steel, type A. d: diameter, c: chamfer.
ISO_8734 = read_table("""
    d     c     from  to
    1.5   0.3    6    16
    2     0.35   6    20
    2.5   0.4    6    24
    3     0.5    8    30
    4     0.63  10    40
    5     0.8   12    50
    6     1.2   16    60
    8     1.6   18    80
    10    2     24   100
    12    2.5   28   100
    16    3     40   100
    20    3.5   50   100
""")

PIN_LENGTHS = (6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 30, 32, 35, 40, 45, 50, 60, 70, 80, 90, 100)

# Split pins. hole: nominal size, which is the diameter of the hole; d: shank (max); c: eye (max).
ISO_1234 = read_table("""
    hole  d     c    from  to
    1.6   1.4   2.8  10    25
    2     1.8   3.6  12    36
    2.5   2.3   4.6  16    45
    3.2   2.9   5.8  20    56
    4     3.7   7.4  25    71
    5     4.6   9.2  32    90
    6.3   5.9  11.8  40   112
    8     7.5  15    50   125
""")

SPLIT_PIN_LENGTHS = (10, 12, 16, 20, 25, 28, 32, 36, 40, 45, 50, 56, 63, 71, 80, 90, 100, 112, 125)

# Parallel keys, form A (both ends round). b x h: section; over … up_to: shaft diameters; t1, t2: depth in shaft and hub.
DIN_6885 = read_table("""
    b    h    over  up_to   t1    t2   from  to
    2    2      6     8     1.2   1      6    20
    3    3      8    10     1.8   1.4    6    36
    4    4     10    12     2.5   1.8    8    45
    5    5     12    17     3     2.3   10    56
    6    6     17    22     3.5   2.8   14    70
    8    7     22    30     4     3.3   18    90
    10   8     30    38     5     3.3   22   110
    12   8     38    44     5     3.3   28   140
    14   9     44    50     5.5   3.8   36   160
    16  10     50    58     6     4.3   45   180
    18  11     58    65     7     4.4   50   200
    20  12     65    75     7.5   4.9   56   200
""")

KEY_LENGTHS = (
    6, 8, 10, 12, 14, 16, 18, 20, 22, 25, 28, 32, 36, 40, 45, 50, 56, 63, 70, 80, 90, 100, 110, 125, 140, 160, 180, 200,
)  # fmt: skip
