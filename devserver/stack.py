"""The whole system as a child process of a test."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from config import REPOSITORY, load_settings
from devserver.errors import StartError
from devserver.ports import free_ports

_READY_SECONDS = 150.0
_STOP_SECONDS = 90.0
_READY_LINE = "Lockstep runs."


class Stack:
    """`make run` in its own LOCKSTEP_HOME, ready for use inside the block.

    Without PORT and FLOWER_PORT in `environ` it takes free ones. `pid("worker")` is a process that you may kill; the stack
    restarts it, and `pid` then returns the new one.
    """

    def __init__(
        self, home: Path, environ: Mapping[str, str] | None = None, *, arguments: Sequence[str] = (), prefix: Sequence[str] = (),
        sources: Path = REPOSITORY,
    ) -> None:  # fmt: skip
        """Describe the stack: `environ` adds to our own environment, `arguments` go to `python -m devserver` in `sources`, and
        `prefix` is a command that runs it, such as `ip netns exec NAME`."""
        ports = dict(zip(("PORT", "FLOWER_PORT"), map(str, free_ports(2)), strict=True))
        self.environ = os.environ | ports | dict(environ or {}) | {"LOCKSTEP_HOME": str(home)}
        self.settings = load_settings(self.environ)
        self.url = f"http://{self.settings.bind}:{self.settings.port}"
        self.log = home / f"stack-{self.settings.port}.log"
        self._command = [*prefix, sys.executable, "-m", "devserver", *arguments]
        self._sources = sources
        self._popen: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        """Start it and wait until it is ready."""
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Stop it; the data stays."""
        self.stop()

    def start(self) -> None:
        """Start it and wait until it is ready.

        Raises:
            StartError: with its output.
        """
        # The terminal output contains the passwords.
        with open(self.log, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as log:
            self._popen = subprocess.Popen(
                self._command,
                cwd=self._sources,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + _READY_SECONDS
        while _READY_LINE not in self.output():
            if self._popen.poll() is not None or time.monotonic() > deadline:
                self.stop()
                raise StartError(f"The stack does not start:\n{self.output()}")
            time.sleep(0.05)

    def output(self) -> str:
        """Return what it has printed since its latest start."""
        return self.log.read_text(errors="replace")

    def pid(self, name: str, *, other_than: int = 0, within: float = 15.0) -> int:
        """Return the pid of one of its processes, such as `web-1`; wait for it if it is being restarted.

        Args:
            name: as in `LOCKSTEP_HOME/run/<name>.pid`.
            other_than: the pid of a killed process whose successor is wanted.
            within: seconds to wait.

        Raises:
            TimeoutError: there is no such process.
        """
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            pid = self._read_pid(name)
            if pid not in (0, other_than):
                return pid
            time.sleep(0.02)
        raise TimeoutError(f"no {name} but {other_than} within {within} s; the stack says:\n{self.output()}")

    @property
    def started(self) -> bool:
        """Whether it was ever started; it may have ended since."""
        return self._popen is not None

    @property
    def supervisor_pid(self) -> int:
        """The pid of the supervisor itself."""
        return self._started().pid

    def stop(self) -> int:
        """Stop it as Ctrl-C does; return its exit code, 0 for a clean stop."""
        supervisor = self._started()
        supervisor.send_signal(signal.SIGINT)
        try:
            return supervisor.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self) -> None:
        """Kill the supervisor; everything that it runs ends shortly afterwards."""
        supervisor = self._started()
        supervisor.kill()
        supervisor.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._popen is None:
            raise RuntimeError("the stack was never started")
        return self._popen

    def _read_pid(self, name: str) -> int:
        try:
            return int((self.settings.run_directory / f"{name}.pid").read_text())
        except FileNotFoundError:
            return 0
