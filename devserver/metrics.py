"""The directory in which the processes share their metrics: in memory where possible, so that a full disk does not affect it."""

import hashlib
import os
import shutil
from pathlib import Path

from config import Settings

_MEMORY = Path("/dev/shm")


def empty_metrics_directory(settings: Settings) -> None:
    """Recreate `run/metrics`, as a link into memory if possible: processes of the previous run would be counted with ours."""
    directory = settings.metrics_directory
    forget_metrics(directory)
    try:
        place = _MEMORY / f"lockstep-{os.geteuid()}-{hashlib.sha256(os.fsencode(directory)).hexdigest()[:12]}"
        shutil.rmtree(place, ignore_errors=True)
        # Fails if somebody else has put something there.
        place.mkdir(mode=0o700)
        directory.symlink_to(place)
    except OSError:
        directory.mkdir(exist_ok=True)


def forget_metrics(directory: Path) -> None:
    """Remove the directory, and what it links to."""
    if directory.is_symlink():
        shutil.rmtree(directory.readlink(), ignore_errors=True)
        directory.unlink()
    shutil.rmtree(directory, ignore_errors=True)
