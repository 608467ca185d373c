"""What people see: every line of every process, with its name before it, and a log file for each, for its owner alone."""

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from honcho.colour import get_colours  # type: ignore[import-untyped]  # publishes no types
from honcho.printer import Message, Printer  # type: ignore[import-untyped]  # publishes no types

_FILE_BYTES = 5_000_000
_OLD_FILES = 2
_NAME_WIDTH = 8
_OWNER_ONLY = 0o600

Output = Callable[[str], None]


class _PrivateHandler(RotatingFileHandler):
    """Its files are for their owner alone. A full disk neither stops the output nor adds a traceback to each of its lines."""

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _OWNER_ONLY)
        return TextIOWrapper(open(descriptor, "ab"), encoding=self.encoding)  # noqa: PTH123  # the handler closes it

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        """Let the line go."""


class LogFile:
    """`<name>.log` in a directory: each line with its time; begun anew when it grows large, a few old ones kept."""

    def __init__(self, directory: Path, name: str) -> None:
        """Append to the file, which appears with the first line."""
        directory.mkdir(parents=True, exist_ok=True)
        # Those of an older release everybody could read.
        for there_already in directory.glob(f"{name}.log*"):
            there_already.chmod(_OWNER_ONLY)
        self._handler = _PrivateHandler(
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
        self._own_log = LogFile(logs, "lockstep")
        self._own_colour = next(self._colours)

    def say(self, text: str, *, secret: str = "") -> None:
        """Say something ourselves. What follows as `secret` only the terminal is told, in the same breath."""
        self._own_log.write(text)
        self._show("lockstep", self._own_colour, text + secret)

    def output(self, name: str) -> Output:
        """Return what takes the lines of one process; several at a time stay together."""
        log = LogFile(self._logs, name)
        colour = next(self._colours)

        def write(line: str) -> None:
            log.write(line)
            self._show(name, colour, line)

        return write

    def quiet_output(self, name: str) -> Output:
        """Return what takes the lines of a process that only its log file is to show."""
        return LogFile(self._logs, name).write

    def _show(self, name: str, colour: str, text: str) -> None:
        # The reader of our output may leave (`make run | head`); the system runs on.
        with self._lock, contextlib.suppress(OSError):
            self._printer.write(Message("line", f"{text}\n", datetime.now().astimezone(), name, colour))
