"""Figures that are of the last minutes, from counts that only grow."""

import os
from pathlib import Path

from app.monitoring import WINDOW, Counted, Reads, RecentFigures, exposition, figures


def test_the_hit_rate_is_of_the_last_minutes_and_of_what_was_read_then() -> None:
    now, reads = 0.0, {"part": Reads(0, 100)}
    recent = RecentFigures(lambda: Counted(dict(reads), 7), lambda: now)
    # What was before this process is nothing that it saw.
    assert recent.now() == ({}, 7)
    reads["part"], reads["list"], now = Reads(10, 120), Reads(1, 4), 20.0
    assert recent.now().hit_rates == {"part": 0.5, "list": 0.25}
    reads["part"], now = Reads(40, 150), WINDOW + 10.0
    assert recent.now().hit_rates == {"part": 0.8, "list": 0.25}
    # Both times so far are before the window now, and the later one is where it begins.
    now = WINDOW + 30.0
    assert recent.now().hit_rates == {"part": 1.0}
    now = 2 * WINDOW + 40.0
    assert recent.now().hit_rates == {}


def test_a_file_that_a_process_is_just_creating_or_that_is_just_gone_is_left_out(tmp_path: Path) -> None:
    (tmp_path / f"counter_{os.getpid()}.db").touch()
    # Listed, and not there when it is looked at.
    (tmp_path / f"gauge_livesum_{os.getpid()}.db").symlink_to(tmp_path / "gone")
    assert figures(tmp_path) == Counted({}, 0)
    assert b"cache_hit_rate" in exposition(tmp_path, [])
