"""Clocks that can be set while the processes that tell the time by them run: Debian's libfaketime, preloaded into these."""

from pathlib import Path

from bench.debian import unpacked

# libfaketime 0.9.10 fails calls of clock_nanosleep, by which Python sleeps, if monotonic clocks are left alone. eventlet has a
# module of `time` of its own, hence the second part.
_SLEEP = """
import time
from importlib.machinery import BuiltinImporter
from select import select


def sleep(seconds):
    select((), (), (), seconds)


def exec_module(module, original=BuiltinImporter.exec_module):
    original(module)
    if module.__name__ == "time":
        module.sleep = sleep


time.sleep = sleep
BuiltinImporter.exec_module = staticmethod(exec_module)
"""


class Clocks:
    """One clock for each kind of process of each host, and one for PostgreSQL. They are right until they are set.

    Only what is of the day is set; monotonic clocks go on as they do when somebody sets the time of a machine.

    Args:
        folder: an existing one, for what the clocks show.

    Raises:
        bench.debian.UnavailableError: if there is no libfaketime to be had.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        (folder / "sitecustomize.py").write_text(_SLEEP)
        self._library = next(unpacked("faketime", ["libfaketime"]).glob("usr/lib/*/faketime/libfaketimeMT.so.1"))

    def of(self, name: str) -> dict[str, str]:
        """Return the variables with which a process tells the time by the clock of this name."""
        self.set(name, 0)
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._folder / name),
            # Processes of one machine, such as PostgreSQL's, never disagree about the time, as they would until each had noticed.
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Otherwise a wait with a time limit that is told by a monotonic clock ends at once. So Python's threads wait for each
            # other: two that compute took 75 s for what takes 1 s, and a web process stood still while it read its metrics.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            "PYTHONPATH": str(self._folder),
        }

    def set(self, name: str, seconds: int) -> None:
        """Set a clock to so many seconds ahead of the right time; behind it, if that is negative."""
        draft = self._folder / f".{name}"
        draft.write_text(f"{seconds:+d}")
        draft.replace(self._folder / name)
