"""One owner at a time for a LOCKSTEP_HOME, and no process left in it once the owner has gone."""

import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from config import REPOSITORY, Settings
from devserver.errors import StartError
from devserver.process import is_alive

_PATIENCE_SECONDS = 40.0
# Its standard input ends when the supervisor does, however that happens. It is a shell that waits for that: Python would keep
# 23 MB meanwhile.
_GUARDIAN = 'read -r _; exec "$0" "$@"'


class Tenancy:
    """Holds LOCKSTEP_HOME while its block runs, and ensures that no child outlives it.

    The lock is shared with a guardian process, which kills the children if this process is killed. So the lock is released
    only when the last of them has gone, and a start right after a kill waits for that.
    """

    def __init__(self, settings: Settings) -> None:
        """Prepare to take the home of `settings`."""
        self._home = settings.home
        self._run = settings.run_directory
        self._private = [settings.run_directory, settings.socket_directory]

    def __enter__(self) -> Self:
        """Take the home.

        Raises:
            StartError: another process has it, or it cannot be written to.
        """
        try:
            for directory in self._private:
                _make_private(directory)
            self._lock = os.open(self._run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StartError(f"LOCKSTEP_HOME {self._home} cannot be used: {error}") from error
        self._take_lock()
        for stale in self._run.glob("*.pid"):
            stale.unlink()
        self._guardian = subprocess.Popen(
            ["sh", "-c", _GUARDIAN, sys.executable, "-m", "devserver.guardian", str(self._run)],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            pass_fds=[self._lock],
            start_new_session=True,
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Dismiss the guardian and release the home."""
        self._guardian.communicate()
        os.close(self._lock)

    def _take_lock(self) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not _try_lock(self._lock):
            holder = os.pread(self._lock, 20, 0).decode().strip()
            if not holder or is_alive(int(holder)) or time.monotonic() > deadline:
                os.close(self._lock)
                raise StartError(
                    f"Lockstep already runs in {self._home} (process {holder or 'unknown'}).\n"
                    "Stop it first, or set LOCKSTEP_HOME, PORT and FLOWER_PORT to run a second copy beside it."
                )
            time.sleep(0.05)
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, str(os.getpid()).encode(), 0)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _make_private(directory: Path) -> None:
    """Create a directory that only we can enter; refuse one that belongs to another user."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_uid != os.geteuid():
        raise PermissionError(f"{directory} belongs to another user")
    directory.chmod(0o700)
