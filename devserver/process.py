"""One child process: its group, its pid file and its output. Knows nothing about what the child does."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import psutil  # type: ignore[import-untyped]  # publishes no types

_TAIL_LINES = 12
_POLL_SECONDS = 0.03
# How often a pid file that could not be written is tried again.
_PID_FILE_SECONDS = 1.0


def is_alive(pid: int) -> bool:
    """Whether the process is running; a zombie is not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def never() -> bool:
    """Return False: a `hurry` for a stop that never hurries."""
    return False


class Child:
    """A program that runs in its own process group, so that it can be killed together with everything that it started.

    Its pid file holds the program's own pid (no shell in between) for as long as it runs, or from
    when the disk has room for it. `start` and `stop` are for the
    child's owner; `revive` and `wait` for whoever keeps it alive, possibly in another thread: once the owner has asked
    it to stop, it is not restarted.
    """

    stop_signal = signal.SIGTERM

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        run_directory: Path,
        output: Callable[[str], None],
        environment: Mapping[str, str],
        directory: Path | None = None,
        probe: Path | None = None,
    ) -> None:
        """Describe the child; `output` is given each line that it prints, `directory` is its working directory.

        `probe` is the UNIX socket on which it reports its health over HTTP, if it does.
        """
        self.name = name
        self.pid_file = run_directory / f"{name}.pid"
        self.probe = probe
        self.unwanted = threading.Event()
        self._command = list(command)
        self._environment = dict(environment)
        self._directory = directory
        self._output = output
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._lock = threading.Lock()
        self._popen: subprocess.Popen[bytes] | None = None
        self._reader: threading.Thread | None = None
        self._buried = False
        self._has_pid_file = False

    def command(self) -> list[str]:
        """Return the program and its arguments, evaluated at each start."""
        return self._command

    @property
    def pid(self) -> int:
        """The pid of the latest start.

        Raises:
            RuntimeError: it was never started.
        """
        return self._started().pid

    @property
    def running(self) -> bool:
        """Whether it is running."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def last_words(self) -> str:
        """The last lines that it printed, to explain a failure."""
        return "\n".join(self._tail)

    def start(self) -> None:
        """Start it, unless it is already running."""
        if not self.running:
            self.unwanted.clear()
            self.revive()

    def revive(self) -> None:
        """Start it again, unless it has been asked to stop in the meantime."""
        self._bury()
        with self._lock:
            if not self.unwanted.is_set():
                self._spawn()

    def wait(self) -> int:
        """Wait until it ends, however long that takes; return the exit code, negative for a signal."""
        child = self._started()
        while not self._has_pid_file and child.poll() is None:
            self._write_pid_file()
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(_PID_FILE_SECONDS)
        code = child.wait()
        self._bury()
        return code

    def run(self) -> int:
        """Start it and wait until it ends: for a program that ends by itself."""
        self.start()
        return self.wait()

    def ask_to_stop(self) -> None:
        """Ask it to end, and prevent restarts. Does not wait."""
        with self._lock:
            self.unwanted.set()
            if self._popen is not None:
                self._popen.send_signal(self.stop_signal)

    def end_by(self, deadline: float, *, hurry: Callable[[], bool] = never) -> None:
        """Wait for it to end, until `deadline` (of `time.monotonic`) or `hurry()`; then kill it and its group."""
        while self.running and time.monotonic() < deadline and not hurry():
            time.sleep(_POLL_SECONDS)
        self.kill()

    def stop(self, within: float = 30.0) -> None:
        """Ask it to end, and kill it after `within` seconds."""
        self.ask_to_stop()
        self.end_by(time.monotonic() + within)

    def kill(self) -> None:
        """Kill it at once, as a power cut would; no effect if it is dead."""
        if self._popen is not None:
            self._popen.kill()
            self._popen.wait()
            self._bury()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._popen is None:
            raise RuntimeError(f"{self.name} was never started")
        return self._popen

    def _spawn(self) -> None:
        self._tail.clear()
        self._buried = False
        self._popen = subprocess.Popen(
            self.command(),
            env=self._environment,
            cwd=self._directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._write_pid_file()
        self._reader = threading.Thread(target=self._read, args=(self._popen.stdout,), daemon=True)
        self._reader.start()

    def _write_pid_file(self) -> None:
        # On a full disk it has none, and runs all the same.
        try:
            _write_whole(self.pid_file, f"{self.pid}\n")
        except OSError:
            self._has_pid_file = False
        else:
            self._has_pid_file = True

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            for raw in stream:
                line = raw.decode(errors="replace").rstrip()
                self._tail.append(line)
                self._output(line)

    def _bury(self) -> None:
        """Kill what the dead process left running in its group, collect its last output and remove its pid file."""
        if self._popen is None or self._buried or self.running:
            return
        self._buried = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        if self._reader is not None:
            self._reader.join(timeout=0.2)
        self.pid_file.unlink(missing_ok=True)


def _write_whole(path: Path, text: str) -> None:
    """Write a file atomically: a reader finds the old text or the new one, never part of it."""
    draft = path.with_name(f".{path.name}")
    draft.write_text(text)
    draft.replace(path)
