"""Metrics on a disk without room: the process lives, and counts in memory."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config import REPOSITORY

COUNT = """
from app import metric_files
metric_files.install()
from prometheus_client import Counter
counter = Counter("things_total", "Things.", ["name"])
counter.labels("first").inc()
for number in range(5_000):
    counter.labels(f"a name of some length, and number {number}").inc()
counter.labels("first").inc()
print(counter.labels("first")._value.get())
"""


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Callable[[int], Path]]:
    """Mount a disk of so many bytes, if we may."""

    def mount(size: int) -> Path:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "lockstep-test", str(tmp_path)]
        if subprocess.run(command, capture_output=True, check=False).returncode:
            pytest.skip("needs to mount a small disk, which this account may not")
        return tmp_path

    yield mount
    if tmp_path.is_mount():
        subprocess.run(["umount", "--lazy", tmp_path], check=True)


def count(directory: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", COUNT], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False,
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(directory)},
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stderr)
    return done.stdout.strip()


@pytest.mark.parametrize("size", [4_096, 65_536, 100_000, 262_144])
def test_without_room_a_process_goes_on_counting(disk: Callable[[int], Path], size: int) -> None:
    assert count(disk(size)) == "2.0"


def test_what_is_mapped_has_its_room_reserved(tmp_path: Path) -> None:
    assert count(tmp_path) == "2.0"
    [file] = tmp_path.glob("counter_*.db")
    assert file.stat().st_blocks * 512 >= file.stat().st_size > 65_536


def test_without_a_directory_a_process_goes_on_counting(tmp_path: Path) -> None:
    assert count(tmp_path / "nowhere") == "2.0"
