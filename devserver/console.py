"""What people see: every line of every process, with its name before it, and a log file for each."""

import contextlib
import logging
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path

from honcho.colour import get_colours  # type: ignore[import-untyped]  # publishes no types
from honcho.printer import Message, Printer  # type: ignore[import-untyped]  # publishes no types

_FILE_BYTES = 5_000_000
_OLD_FILES = 2
_NAME_WIDTH = 8

Output = Callable[[str], None]


class _PatientHandler(RotatingFileHandler):
    """A full disk neither stops the system's output nor adds a traceback to each of its lines."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        """Let the line go."""


class LogFile:
    """`<name>.log` in a directory: each line with its time; begun anew when it grows large, a few old ones kept."""

    def __init__(self, directory: Path, name: str) -> None:
        """Append to the file, which appears with the first line."""
        directory.mkdir(parents=True, exist_ok=True)
        self._handler = _PatientHandler(
            directory / f"{name}.log", maxBytes=_FILE_BYTES, backupCount=_OLD_FILES, encoding="utf-8", delay=True
        )
        self._handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))

    def write(self, line: str) -> None:
        """Append one line."""
        self._handler.handle(logging.makeLogRecord({"msg": line}))

    def close(self) -> None:
        """Close the file."""
        self._handler.close()


class Console:
    """The terminal that `make run` was typed in, and the log files beside it. Colours only if it is a terminal."""

    def __init__(self, logs: Path) -> None:
        """Keep the log files in the directory `logs`."""
        self._logs = logs
        self._printer = Printer(sys.stdout, width=_NAME_WIDTH)
        self._colours = get_colours()
        self._lock = threading.Lock()
        self.say = self.output("lockstep")

    def output(self, name: str) -> Output:
        """Return what takes the lines of one process; several at a time stay together."""
        log = LogFile(self._logs, name)
        colour = next(self._colours)

        def write(line: str) -> None:
            log.write(line)
            # The reader of our output may leave (`make run | head`); the system runs on.
            with self._lock, contextlib.suppress(OSError):
                self._printer.write(Message("line", f"{line}\n", datetime.now().astimezone(), name, colour))

        return write

    def quiet_output(self, name: str) -> Output:
        """Return what takes the lines of a process that only its log file is to show."""
        return LogFile(self._logs, name).write
