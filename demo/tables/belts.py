"""Belts: narrow V-belts to ISO 4184 (DIN 7753-1) and curvilinear timing belts of the sections 8M and 14M (ISO 13050)."""

from demo.table import read_table

# Nominal section of ISO 4184, and the datum lengths that we keep (within the standard's range).
V_SECTIONS = read_table("""
    section  datum_width  top_width  height  from    to
    SPZ       8.5         10          8       630   3550
    SPA      11           13         10       800   4500
    SPB      14           17         14      1250   8000
    SPC      19           22         18      2000  10000
""")

# Datum lengths: the R 40 series of preferred numbers as belt makers round it (every second one is R 20).
DATUM_LENGTHS = (
    630, 670, 710, 750, 800, 850, 900, 950,
    1000, 1060, 1120, 1180, 1250, 1320, 1400, 1500, 1600, 1700, 1800, 1900,
    2000, 2120, 2240, 2360, 2500, 2650, 2800, 3000, 3150, 3350, 3550, 3750,
    4000, 4250, 4500, 4750, 5000, 5300, 5600, 6000, 6300, 6700, 7100, 7500,
    8000, 8500, 9000, 9500, 10000,
)  # fmt: skip

# Timing belts: tooth pitch, then pitch lengths and widths.
TIMING_PITCHES = {"8M": 8, "14M": 14}
TIMING_LENGTHS = {
    "8M": (
        480, 560, 600, 640, 720, 800, 880, 960, 1040, 1120, 1200,
        1280, 1440, 1600, 1760, 1800, 2000, 2400, 2600, 2800,
    ),
    "14M": (
        966, 1190, 1400, 1610, 1778, 1890, 2100, 2310, 2450,
        2590, 2800, 3150, 3360, 3500, 3850, 4326, 4578,
    ),
}  # fmt: skip
TIMING_WIDTHS = {"8M": (20, 30, 50), "14M": (40, 55, 85)}
