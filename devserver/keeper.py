"""Keeps one child alive."""

import signal
import threading
import time
from collections.abc import Callable

from devserver.errors import StartError
from devserver.process import Child

_SETTLED_SECONDS = 5.0
_FIRST_DELAY = 0.25
_MAX_DELAY = 1.0


class Keeper(threading.Thread):
    """Starts its child, and restarts it whenever it dies, until the child is asked to stop.

    If the very first start fails, that is reported in `failure` and not retried, since the cause is rarely transient.
    """

    def __init__(self, child: Child, *, say: Callable[[str], None], on_death: Callable[[int], None]) -> None:
        """Keep `child` alive; `on_death` is given the pid of each process that died."""
        super().__init__(name=f"keeper of {child.name}", daemon=True)
        self.child = child
        self.deaths = 0
        self.failure: str | None = None
        self.started = threading.Event()
        self._say = say
        self._on_death = on_death

    def run(self) -> None:
        """Keep the child alive until it is no longer wanted."""
        delay = 0.0
        while not self.child.unwanted.wait(delay):
            began = time.monotonic()
            try:
                self.child.revive()
            except (StartError, OSError) as error:
                if not self.started.is_set():
                    self.failure = str(error)
                    return
                self._say(str(error))
            else:
                self.started.set()
                self._watch()
            settled = time.monotonic() - began > _SETTLED_SECONDS
            delay = 0.0 if settled or self.deaths == 1 else min(_MAX_DELAY, delay * 2 or _FIRST_DELAY)

    def _watch(self) -> None:
        if self.child.unwanted.is_set():
            return
        code = self.child.wait()
        self.deaths += 1
        self._on_death(self.child.pid)
        if not self.child.unwanted.is_set():
            self._say(f"{self.child.name} {_describe(code)}; starting it again")


def _describe(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
