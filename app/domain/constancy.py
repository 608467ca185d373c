"""For how long something has been as it is, by the clock of whoever looks."""

import time
from collections.abc import Callable


class Constancy:
    """Remembers since when something has been seen under the same name. Thread-safe, if a name that has gone never returns.

    Args:
        now: a monotonic clock in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._seen = ("", now())

    def note(self, name: str) -> None:
        """Note what it was called when it was looked at, which must have been before this call."""
        if name != self._seen[0]:
            self._seen = (name, self._now())

    def held(self, seconds: float) -> str:
        """Return the name that has been the only one seen for so long, "" if there is none.

        Whoever looks after this call and finds that name knows that it has been called so for all that time.
        """
        name, since = self._seen
        return name if self._now() - since >= seconds else ""
