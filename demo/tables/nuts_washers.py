"""Nuts (ISO 4032, 4035, 7040, 10511) and plain washers (ISO 7089, 7090, 7092, 7093-1).

Nuts: s width across flats (nominal), m height (max; for lock nuts over the insert).
Washers: d1 clearance hole (nominal), d2 outside diameter (nominal), h thickness (nominal).
"""

from demo.table import read_table

ISO_4032 = read_table("""
    thread   s     m
    M1.6     3.2   1.3
    M2       4     1.6
    M2.5     5     2
    M3       5.5   2.4
    M4       7     3.2
    M5       8     4.7
    M6      10     5.2
    M8      13     6.8
    M10     16     8.4
    M12     18    10.8
    M16     24    14.8
    M20     30    18
    M24     36    21.5
    M30     46    25.6
    M36     55    31
""")

ISO_4035 = read_table("""
    thread   s     m
    M2       4     1.2
    M2.5     5     1.6
    M3       5.5   1.8
    M4       7     2.2
    M5       8     2.7
    M6      10     3.2
    M8      13     4
    M10     16     5
    M12     18     6
    M16     24     8
    M20     30    10
    M24     36    12
    M30     46    15
    M36     55    18
""")

ISO_7040 = read_table("""
    thread   s     m
    M3       5.5   4.5
    M4       7     6
    M5       8     6.8
    M6      10     8
    M8      13     9.5
    M10     16    11.9
    M12     18    14.9
    M16     24    19.1
    M20     30    22.8
    M24     36    27.1
""")

ISO_10511 = read_table("""
    thread   s     m
    M3       5.5   3.9
    M4       7     5
    M5       8     5
    M6      10     6
    M8      13     6.76
    M10     16     8.56
    M12     18    10.23
    M16     24    12.42
    M20     30    14.9
""")

ISO_7089 = read_table("""
    thread   d1     d2    h
    M1.6     1.7    4    0.3
    M2       2.2    5    0.3
    M2.5     2.7    6    0.5
    M3       3.2    7    0.5
    M4       4.3    9    0.8
    M5       5.3   10    1
    M6       6.4   12    1.6
    M8       8.4   16    1.6
    M10     10.5   20    2
    M12     13     24    2.5
    M16     17     30    3
    M20     21     37    3
    M24     25     44    4
    M30     31     56    4
    M36     37     66    5
""")

# The same dimensions as ISO 7089, with a chamfer on one face, from M5 upwards.
ISO_7090 = read_table("""
    thread   d1     d2    h
    M5       5.3   10    1
    M6       6.4   12    1.6
    M8       8.4   16    1.6
    M10     10.5   20    2
    M12     13     24    2.5
    M16     17     30    3
    M20     21     37    3
    M24     25     44    4
    M30     31     56    4
    M36     37     66    5
""")

ISO_7092 = read_table("""
    thread   d1     d2    h
    M1.6     1.7    3.5  0.3
    M2       2.2    4.5  0.3
    M2.5     2.7    5    0.5
    M3       3.2    6    0.5
    M4       4.3    8    0.5
    M5       5.3    9    1
    M6       6.4   11    1.6
    M8       8.4   15    1.6
    M10     10.5   18    1.6
    M12     13     20    2
    M16     17     28    2.5
    M20     21     34    3
    M24     25     39    4
    M30     31     50    4
    M36     37     60    5
""")

ISO_7093_1 = read_table("""
    thread   d1     d2    h
    M3       3.2    9    0.8
    M4       4.3   12    1
    M5       5.3   15    1
    M6       6.4   18    1.6
    M8       8.4   24    2
    M10     10.5   30    2.5
    M12     13     37    3
    M16     17     50    3
    M20     21     60    4
    M24     25     72    5
    M30     33     92    6
    M36     39    110    8
""")
