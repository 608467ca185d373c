"""The directory in which the processes share their metrics: in memory if there is such a place, where no full disk reaches it."""

import hashlib
import os
import shutil
from pathlib import Path

from config import Settings

_MEMORY = Path("/dev/shm")


def empty_metrics_directory(settings: Settings) -> None:
    """Make `run/metrics` anew, as a link into memory if possible: the processes of the run before would be counted with ours."""
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
