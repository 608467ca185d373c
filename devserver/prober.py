"""Asks a child by HTTP whether it is well, and ends one that does not answer any more, so that its keeper starts another."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from devserver.process import Child

_PERIOD_SECONDS = 2.0
_ANSWER_SECONDS = 5.0
# Much longer than a garbage collection, a busy machine or a moment without the database may last.
_SILENCE_SECONDS = 15.0


class Prober(threading.Thread):
    """Probes one child for as long as it is wanted. A child that has not answered yet is still starting, and left alone."""

    def __init__(self, child: Child, probe: Path, *, say: Callable[[str], None]) -> None:
        """Ask `child` at its UNIX socket `probe`."""
        super().__init__(name=f"prober of {child.name}", daemon=True)
        self._child = child
        self._probe = probe
        self._say = say
        self._heard_pid = 0
        self._heard_at = 0.0

    def run(self) -> None:
        """Do it; ends when the child is no longer wanted."""
        while not self._child.unwanted.wait(_PERIOD_SECONDS):
            self._look()

    def _look(self) -> None:
        if not self._child.running:
            return
        pid = self._child.pid
        if _answers(self._probe):
            self._heard_pid, self._heard_at = pid, time.monotonic()
        elif pid == self._heard_pid and time.monotonic() - self._heard_at > _SILENCE_SECONDS:
            self._say(f"{self._child.name} has not answered for {_SILENCE_SECONDS:.0f} s; ending it")
            # It may be stopped, or deaf to anything milder.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _answers(probe: Path) -> bool:
    with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_ANSWER_SECONDS)
        client.connect(str(probe))
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return client.recv(64).startswith(b"HTTP/1.1 200")
    return False
