"""Screws and bolts: ISO 4762, ISO 10642, ISO 7380-1, ISO 4014, ISO 4017, ISO 4026 and ISO 4027.

dk: head diameter (max, without knurl); k: head height; s: socket size or width across flats (nominal);
dp: flat point diameter (max). `from` and `to` bound the lengths that we keep, within the standard's commercial range.
"""

from demo.table import read_table

# Hexagon socket head cap screws.
ISO_4762 = read_table("""
    thread   dk     k     s   from   to
    M2       3.8    2     1.5   4    20
    M2.5     4.5    2.5   2     5    25
    M3       5.5    3     2.5   5    30
    M4       7      4     3     6    40
    M5       8.5    5     4     8    50
    M6      10      6     5    10    60
    M8      13      8     6    12    80
    M10     16     10     8    16   100
    M12     18     12    10    20   120
    M16     24     16    14    30   120
    M20     30     20    17    40   120
    M24     36     24    19    50   120
    M30     45     30    22    60   120
""")

# Hexagon socket countersunk head screws; dk is the theoretical sharp diameter, k the greatest head height.
ISO_10642 = read_table("""
    thread   dk      k      s   from  to
    M3       6.72    1.86   2     8   30
    M4       8.96    2.48   2.5   8   40
    M5      11.2     3.1    3     8   50
    M6      13.44    3.72   4    10   60
    M8      17.92    4.96   5    12   80
    M10     22.4     6.2    6    16  100
    M12     26.88    7.44   8    20  100
    M16     33.6     8.8   10    30  100
    M20     40.32   10.16  12    40  100
""")

# Hexagon socket button head screws.
ISO_7380_1 = read_table("""
    thread   dk     k     s   from  to
    M3       5.7    1.65  2     6   20
    M4       7.6    2.2   2.5   8   25
    M5       9.5    2.75  3    10   30
    M6      10.5    3.3   4    10   40
    M8      14      4.4   5    12   50
    M10     17.5    5.5   6    16   50
    M12     21      6.6   8    20   60
""")

# Hexagon head bolts with a shank.
ISO_4014 = read_table("""
    thread   s     k    from  to
    M6      10    4      30   60
    M8      13    5.3    40   80
    M10     16    6.4    45  100
    M12     18    7.5    50  120
    M16     24   10      65  160
    M20     30   12.5    80  160
    M24     36   15      90  160
    M30     46   18.7   110  160
""")

# Hexagon head screws, threaded to the head.
ISO_4017 = read_table("""
    thread   s     k    from  to
    M3       5.5   2      6   30
    M4       7     2.8    8   40
    M5       8     3.5   10   50
    M6      10     4     12   60
    M8      13     5.3   16   80
    M10     16     6.4   20  100
    M12     18     7.5   25  100
    M16     24    10     30  100
    M20     30    12.5   40  100
    M24     36    15     50  100
""")

# Hexagon socket set screws with flat point (ISO 4026) and with cone point (ISO 4027).
ISO_4026 = read_table("""
    thread  s     dp    from  to
    M3      1.5   2       4   16
    M4      2     2.5     4   20
    M5      2.5   3.5     5   25
    M6      3     4       6   30
    M8      4     5.5     8   40
    M10     5     7      10   40
    M12     6     8.5    12   50
    M16     8    12      16   60
""")

ISO_4027 = read_table("""
    thread  s     from  to
    M3      1.5     4   16
    M4      2       5   20
    M5      2.5     6   25
    M6      3       8   30
    M8      4      10   40
    M10     5      12   40
    M12     6      16   50
""")
