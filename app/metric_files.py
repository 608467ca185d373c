"""The files in which the processes of a machine share their metrics, made so that a full disk ends nobody.

prometheus_client maps files that it has only made longer. Without room behind them the first write is SIGBUS, which ends the
process. Here the room is reserved first; what cannot be reserved is kept in memory, where the other processes do not see it.
"""

import os
from pathlib import Path
from typing import IO, Any

from prometheus_client import mmap_dict, values

_PIECE = 1 << 16


class _Reserved:
    """A file that grows by reserving room, and that becomes a piece of memory when there is none."""

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
    """prometheus_client's dictionary in a file, whose room is reserved."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:  # noqa: FBT001, FBT002 — as there
        """Open `filename`, and make it if it is to be written."""
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
    """Make prometheus_client keep its values in such files; before the first metric is made."""
    values.MmapedDict = ReservedDict  # type: ignore[attr-defined] # the one place that names its class


def _reserve(descriptor: int, size: int) -> None:
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:
        os.ftruncate(descriptor, size)


def _memory(size: int) -> IO[bytes]:
    memory = os.fdopen(os.memfd_create("lockstep-metrics"), "r+b", buffering=0)
    os.ftruncate(memory.fileno(), size)
    return memory
