"""Probes a child's health over HTTP and kills one that no longer answers, so that its keeper starts another."""

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
_FIRST_PERIOD_SECONDS = 0.25
_ANSWER_SECONDS = 5.0
# Much longer than a garbage collection, a load spike or a short database outage lasts.
_SILENCE_SECONDS = 15.0
# A process that has not answered at all yet is still starting, but not for longer than this.
_START_SECONDS = 60.0


class Prober(threading.Thread):
    """Probes one child for as long as it is wanted."""

    def __init__(self, child: Child, probe: Path, *, say: Callable[[str], None]) -> None:
        """Probe `child` at its UNIX socket `probe`."""
        super().__init__(name=f"prober of {child.name}", daemon=True)
        self._child = child
        self._probe = probe
        self._say = say
        self._pid = 0
        self._has_answered = False
        self._heard_at = 0.0

    def run(self) -> None:
        """Probe the child until it is no longer wanted."""
        while not self._child.unwanted.wait(_PERIOD_SECONDS if self._has_answered else _FIRST_PERIOD_SECONDS):
            self._look()

    def _look(self) -> None:
        if not self._child.running:
            return
        pid = self._child.pid
        if pid != self._pid:
            self._pid, self._has_answered, self._heard_at = pid, False, time.monotonic()
        patience = _SILENCE_SECONDS if self._has_answered else _START_SECONDS
        if _answers(self._probe):
            self._has_answered, self._heard_at = True, time.monotonic()
        elif time.monotonic() - self._heard_at > patience:
            self._say(f"{self._child.name} has not answered for {patience:.0f} s; ending it")
            # It may be suspended, or not respond to a gentler signal.
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _answers(probe: Path) -> bool:
    with suppress(OSError), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(_ANSWER_SECONDS)
        client.connect(str(probe))
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return client.recv(64).startswith(b"HTTP/1.1 200")
    return False
