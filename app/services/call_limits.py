"""How many calls a member of staff, or an API key, may make: a token bucket for each, in each web process.

Not in Valkey: every call would wait for it, and the limit would depend on it. A connection stays with one process, so whoever
uses one is limited to exactly what the setting says; whoever uses many, to that in each process (docs/adr/0023).
"""

import math
from typing import NamedTuple

from app.domain.buckets import Allowance, Buckets
from app.domain.quotas import Quota

# Of how many seconds one may make the calls at once.
AT_ONCE = 10


class Taken(NamedTuple):
    """What came of a call: what is left, in how many seconds another may be made if this one may not (else 0), and whether it
    is the first one refused since the caller last had all that it may."""

    quota: Quota
    wait: int
    is_first_refused: bool


class CallLimits:
    """Counts the calls of each caller.

    Args:
        per_second: how many a caller may make in the long run.
    """

    def __init__(self, per_second: int) -> None:
        self._amount = per_second * AT_ONCE
        self._buckets = Buckets(Allowance(per_second, self._amount))
        self._refused: set[str] = set()

    def take(self, caller: str) -> Taken:
        """Count a call, unless it is one too many."""
        bucket = self._buckets.of(caller)
        if not bucket.wait(self._amount):
            self._refused.discard(caller)
        wait = bucket.wait(1)
        is_first_refused = bool(wait) and caller not in self._refused
        if wait:
            self._refused.add(caller)
        else:
            bucket.take(1)
        quota = Quota("calls", self._amount, AT_ONCE, bucket.left, math.ceil(bucket.wait(self._amount)))
        return Taken(quota, math.ceil(wait), is_first_refused)
