"""How old the events are that pages report to have shown: the database is asked once for each event, not for each report."""

import time
from collections import OrderedDict
from collections.abc import Callable

from app.domain.buckets import Allowance, TokenBucket

# Events whose age a process remembers.
MAX_EVENTS = 1000
# Events that it asks the database about. Anybody can report ids that it does not know.
_LOOKUPS = Allowance(per_second=20, at_once=40)


class Seen:
    """The ages of reported events.

    Args:
        ask: returns an event's age in milliseconds, or None if there is no such event.
    """

    def __init__(self, ask: Callable[[str], float | None]) -> None:
        self._ask = ask
        self._lookups = TokenBucket(_LOOKUPS)
        # When each was written (monotonic milliseconds); None: unknown, or somebody is asking.
        self._written: OrderedDict[str, float | None] = OrderedDict()

    def age_ms(self, event_id: str) -> float | None:
        """Return how long ago an event was written, in milliseconds; None if there is none, or too many are being asked for."""
        now = time.monotonic() * 1000
        if event_id in self._written:
            written = self._written[event_id]
            return None if written is None else now - written
        if not self._lookups.draw(1):
            return None
        self._written[event_id] = None
        if len(self._written) > MAX_EVENTS:
            self._written.popitem(last=False)
        age = self._ask(event_id)
        if age is not None:
            self._written[event_id] = time.monotonic() * 1000 - age
        return age
