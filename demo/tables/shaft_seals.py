"""Rotary shaft lip seals to ISO 6194-1 (DIN 3760): shaft diameter d1, housing bores that go with it, width b."""

from demo.table import read_table

# `bores` lists the housing bore diameters that are standard for this shaft and width, separated by commas.
ISO_6194 = read_table("""
    d1   bores      b
      6  16,22      7
      7  22         7
      8  22,24      7
      9  22         7
     10  22,25      7
     12  24,25,30   7
     15  26,30,35   7
     16  30         7
     18  30,35      7
     20  35,40      7
     22  35,40,47   7
     25  40,47,52   7
     28  40,47,52   7
     30  42,47,52   7
     32  45,47,52   8
     35  50,52,55   8
     38  55,58,62   8
     40  55,62      8
     42  55,62      8
     45  62,65      8
     50  68,72      8
     55  72,80      8
     60  80,85      8
     65  85,90     10
     70  90,95     10
     75  95,100    10
     80  100,110   10
     85  110,120   12
     90  120       12
     95  120       12
    100  125       12
    110  140       12
    120  150       12
    130  160       12
    140  170       15
    150  180       15
    160  190       15
    170  200       15
    180  210       15
    190  220       15
    200  230       15
""")
