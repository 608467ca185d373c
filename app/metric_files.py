"""The files in which the processes of a machine share their metrics, made so that a full disk kills no process.

prometheus_client maps files that it has only extended. If no disk space backs them, the first write raises SIGBUS, which kills
the process. Here the space is allocated first; if that fails, the values stay in memory, where other processes do not see them.
"""

import os
from pathlib import Path
from typing import IO, Any

import psutil  # type: ignore[import-untyped]  # publishes no types
from prometheus_client import mmap_dict, values

_PIECE = 1 << 16


class _Reserved:
    """A file that allocates space before it grows, and that is replaced by memory when there is none."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def fileno(self) -> int:
        return self._file.fileno()

    def close(self) -> None:
        self._file.close()

    def truncate(self, size: int) -> None:
        try:
            _reserve(self.fileno(), size)
        except OSError:
            memory = _memory(size)
            old = os.fstat(self.fileno()).st_size
            os.pwrite(memory.fileno(), os.pread(self.fileno(), min(old, size), 0), 0)
            self._file.close()
            self._file = memory


class ReservedDict(mmap_dict.MmapedDict):
    """prometheus_client's file-backed dictionary, with its space allocated in advance."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:  # noqa: FBT001, FBT002 — as there
        """Open `filename`; create it unless in read mode."""
        memory: IO[bytes] | None = None
        if not read_mode:
            try:
                with Path(filename).open("ab") as file:
                    _reserve(file.fileno(), max(_PIECE, file.tell()))
            except OSError:
                memory = _memory(_PIECE)
                filename = f"/proc/self/fd/{memory.fileno()}"
        super().__init__(filename, read_mode)  # type: ignore[no-untyped-call] # untyped there
        if memory is not None:
            memory.close()
        self._f: Any = _Reserved(self._f)


def install() -> None:
    """Make prometheus_client use such files. Call this before the first metric is created."""
    values.MmapedDict = ReservedDict  # type: ignore[attr-defined] # the one place that names its class


def living(directory: Path) -> set[int]:
    """Return the processes of this machine that share their metrics in `directory`, and live."""
    return {pid for pid in {_pid(file) for file in directory.glob("*.db")} if psutil.pid_exists(pid)}


def counting(directory: Path) -> list[Path]:
    """Return the files that count: what the dead have counted stays, what they said of their present does not."""
    alive = living(directory)
    files = filter(_has_content, directory.glob("*.db"))
    return [file for file in files if not file.name.startswith("gauge_live") or _pid(file) in alive]


def _has_content(file: Path) -> bool:
    """Return whether a file is whole: one that is just being created has no length yet, at which the library fails, and one of a
    process that has just ended may be gone."""
    try:
        return file.stat().st_size > 0
    except FileNotFoundError:
        return False


def _pid(file: Path) -> int:
    return int(file.stem.rpartition("_")[2])


def _reserve(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.ftruncate(descriptor, size)


def _memory(size: int) -> IO[bytes]:
    memory = os.fdopen(os.memfd_create("lockstep-metrics"), "r+b", buffering=0)
    os.ftruncate(memory.fileno(), size)
    return memory
