"""One child process: its group, its pid file and its output. Knows nothing of what the child is."""

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


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and only waits to be reaped does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def never() -> bool:
    """Tell a stop not to hurry."""
    return False


class Child:
    """A program that runs in a process group of its own, so that it can be ended with all that it started.

    Its pid file holds the program's own pid (no shell in between) for as long as it runs. `start` and `stop` are for
    whoever owns the child; `revive` and `wait` for whoever keeps it alive, in another thread if need be: once the
    owner has asked it to stop, it is not started again.
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
        """Describe the child; `output` is given each line that it prints, `directory` is where it works.

        `probe` is the UNIX socket at which it says by HTTP whether it is well, if it does.
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

    def command(self) -> list[str]:
        """Return the program and its arguments, as they are at this start."""
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
        """Whether it runs now."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def last_words(self) -> str:
        """The last lines that it printed, to explain a failure."""
        return "\n".join(self._tail)

    def start(self) -> None:
        """Start it, unless it runs."""
        if not self.running:
            self.unwanted.clear()
            self.revive()

    def revive(self) -> None:
        """Start it, unless it has been asked to stop meanwhile."""
        self._bury()
        with self._lock:
            if not self.unwanted.is_set():
                self._spawn()

    def wait(self) -> int:
        """Wait for its end, however long; return the exit code, negative for a signal."""
        code = self._started().wait()
        self._bury()
        return code

    def run(self) -> int:
        """Start it and wait for its end: for a program that is over by itself."""
        self.start()
        return self.wait()

    def ask_to_stop(self) -> None:
        """Ask it to end, and let nobody start it again. Does not wait."""
        with self._lock:
            self.unwanted.set()
            if self._popen is not None:
                self._popen.send_signal(self.stop_signal)

    def end_by(self, deadline: float, *, hurry: Callable[[], bool] = never) -> None:
        """Wait for its end until `deadline` (of `time.monotonic`) or until `hurry()`; then kill it and its group."""
        while self.running and time.monotonic() < deadline and not hurry():
            time.sleep(_POLL_SECONDS)
        self.kill()

    def stop(self, within: float = 30.0) -> None:
        """Ask it to end and give it `within` seconds."""
        self.ask_to_stop()
        self.end_by(time.monotonic() + within)

    def kill(self) -> None:
        """Kill it at once, as a power cut would; does nothing if it is dead."""
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
        # On a full disk it has none, and runs all the same.
        with contextlib.suppress(OSError):
            _write_whole(self.pid_file, f"{self._popen.pid}\n")
        self._reader = threading.Thread(target=self._read, args=(self._popen.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stream: IO[bytes]) -> None:
        with stream:
            for raw in stream:
                line = raw.decode(errors="replace").rstrip()
                self._tail.append(line)
                self._output(line)

    def _bury(self) -> None:
        """End what the dead process left running in its group, take in its last output and remove its pid file."""
        if self._popen is None or self._buried or self.running:
            return
        self._buried = True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL)
        if self._reader is not None:
            self._reader.join(timeout=0.2)
        self.pid_file.unlink(missing_ok=True)


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader finds the old text or the new one, never a part."""
    draft = path.with_name(f".{path.name}")
    draft.write_text(text)
    draft.replace(path)
