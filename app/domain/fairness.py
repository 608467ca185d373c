"""What one caller may take while there are others: so much of what is dear, and so much of the processor's time, whatever it is
for. How many turns it has at a time is up to `app.domain.turns`.

A caller who is alone, such as a proxy in front of everybody or a load generator, is not held up at all.
"""

import time
from collections.abc import Callable

from app.domain.buckets import Allowance, Buckets

# Dear things that one caller may begin: a page is two, and many people may share an address.
SHARE = Allowance(per_second=5, at_once=15)
# Seconds of this process's processor time that one caller may have, each second and at once: a few pages that are opened, and no
# more, since others wait meanwhile. Of what waits for more, each begins when what the one before is expected to take, in seconds,
# has been paid off.
PROCESSOR = Allowance(per_second=0.1, at_once=0.1)
EXPECTED = 0.001
# Seconds for which somebody counts as there after asking for something.
THERE_FOR = 10.0


class Presence:
    """Knows whether a caller is alone.

    Args:
        now: a monotonic clock in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        # The last two callers that differ, and when they last asked.
        self._last = self._other = ("", float("-inf"))

    def has_others(self, caller: str) -> bool:
        """Note that a caller asks for something; return whether others have, too, a moment ago."""
        now = self._now()
        if caller != self._last[0]:
            self._other = self._last
        self._last = (caller, now)
        return now - self._other[1] <= THERE_FOR


class Shares:
    """Who may have how much of what is dear."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._presence = Presence(now)
        self._buckets = Buckets(SHARE)

    def admits(self, caller: str) -> bool:
        """Whether a caller may begin something dear now; counts it."""
        is_contested = self._presence.has_others(caller)
        return self._buckets.of(caller).draw(1) or not is_contested


class Spending:
    """What each caller has had of the processor's time, and how long it rests after having had too much."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._presence = Presence(now)
        self._buckets = Buckets(PROCESSOR)
        # Told whom this thread serves from now on, or "" for nobody. Set by whoever calls `spent`; else nobody spends anything.
        self.serves: Callable[[str], object] = str

    def spent(self, caller: str, seconds: float) -> None:
        """Count what a caller has had."""
        self._buckets.of(caller).take(seconds)

    def rest(self, caller: str) -> float:
        """Return in how many seconds something may be begun for a caller, which is expected to be begun then."""
        bucket = self._buckets.of(caller)
        wait = bucket.wait(0)
        if not self._presence.has_others(caller):
            # Nobody had to wait for it, and whoever comes now is no reason to make up for it.
            bucket.forgive()
            return 0.0
        if wait:
            bucket.take(EXPECTED)
        return wait
