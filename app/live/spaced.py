"""Something that may be asked for very often, and is worth doing now and then."""

import threading
import time
from collections.abc import Callable


def _after(seconds: float, call: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, call)
    timer.daemon = True
    timer.start()


class Spaced:
    """Calls a function when asked to, but not again for some seconds: then once for all the requests that came meanwhile.

    Args:
        every: the seconds between two calls.
        clock: tells the time in seconds.
        after: calls a function after so many seconds, without waiting for it.
    """

    def __init__(
        self, call: Callable[[], None], every: float, clock: Callable[[], float] = time.monotonic,
        after: Callable[[float, Callable[[], None]], None] = _after,
    ) -> None:  # fmt: skip
        self._call = call
        self._every = every
        self._clock = clock
        self._after = after
        self._last = float("-inf")
        self._is_due = False

    def request(self) -> None:
        """Have it called, now or soon."""
        if self._is_due:
            return
        self._is_due = True
        pause = self._last + self._every - self._clock()
        if pause > 0:
            self._after(pause, self._happen)
        else:
            self._happen()

    def _happen(self) -> None:
        # Before the call: whoever asks while it runs means what comes after it.
        self._is_due = False
        self._last = self._clock()
        self._call()
