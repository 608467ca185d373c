"""Decides how much of what customers ask must be refused, so that what is accepted is answered soon.

A process that is offered more than it can do has a queue in front of everything, which it sees as lag: how long a newcomer waits
for a turn. While that does not go away, and is made of many requests, first more and more of what is dear is refused, and only
when that alone does not help, also of what is cheap. Sources: Nichols and Jacobson, "Controlling queue delay" (2012), for telling
a standing queue by the least delay of an interval; Zhou et al., "Overload control for scaling WeChat microservices" (SoCC 2018),
for measuring the wait and not the work, and for shedding by priority.

Before that comes one caller who asks for so much that is dear that others would have to wait for it.
"""

import math
import random
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar

from app.domain.fairness import Shares, Spending
from app.domain.turns import Turns

# Requests of one caller that a process works on at a time while there are others; the rest wait, for so many seconds at most.
# What others ask waits for these turns only, however many requests are sent.
AT_ONCE = 4
PATIENCE = 5.0
# A lag in seconds that is too much if it is there throughout an interval. A cached read waits for three or four turns. A hundred
# clients that each wait for their answer before they ask again cause less, and slow down by themselves.
TARGET = 0.1
# Customers' requests under way, below which the lag is not theirs: the machine is busy with something else, or one caller's
# request takes long. Refusing anybody would not help.
FEW = 10
# Seconds between two looks, and how many looks make an interval: few, since under load each takes as long as the lag.
LOOK_EVERY = 0.02
LOOKS = 3
# How fast the level rises and falls, per interval. Up to 1 it is the share of dear things that is refused, the rest that of all.
RISES, FALLS = 0.2, 0.04
# Seconds that a caller who asked for more than its share of what is dear waits for the refusal, keeping its place meanwhile: who
# asks again at once would otherwise be refused a thousand times a second, at the cost of all others.
REFUSED_AFTER = 0.5
# Of everything a little is admitted: a list that everybody wants has to be loaded by somebody.
MAX_SHED = 0.95

_caller: ContextVar[str] = ContextVar("caller", default="")
_has_exceeded: ContextVar[bool] = ContextVar("has_exceeded", default=False)


class Pressure:
    """How much is refused now: nothing, until `watch` has begun. Thread-safe.

    Args:
        chance: returns a number from 0 to 1, at random.
    """

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._level = 0.0
        self._under_way = 0
        self._crowded = threading.Event()
        self._shares = Shares()
        self._places = Turns(math.inf, math.inf, PATIENCE, share=AT_ONCE)
        self.spending = Spending()

    def begun(self, caller: str) -> None:
        """Wait until this caller's turn has come, and count its request, which is what this thread does now, until `ended`.

        Raises:
            BusyError: too many others of the same caller are waiting.
        """
        self._places.take(caller)
        try:
            # With its place: what else the caller asks waits behind it.
            if rest := self.spending.rest(caller):
                time.sleep(min(rest, PATIENCE))
        except BaseException:
            self._places.give_back(caller)
            raise
        self.spending.serves(caller)
        self._under_way += 1
        if self._under_way >= FEW:
            self._crowded.set()
        _caller.set(caller)

    def ended(self) -> None:
        """Count it no more; if it was for more than the caller's share, only after a while."""
        self._under_way -= 1
        self.spending.serves("")
        try:
            if _has_exceeded.get():
                time.sleep(REFUSED_AFTER)
        finally:
            self._places.give_back(self.caller())
            _caller.set("")
            _has_exceeded.set(False)

    def note(self, lag: float) -> None:
        """Take into account the least lag of an interval, in seconds."""
        change = RISES if lag > TARGET and self._under_way >= FEW else -FALLS
        self._level = min(2.0, max(0.0, self._level + change))

    @staticmethod
    def caller() -> str:
        """Return whom this thread serves, or "" if that is no customer."""
        return _caller.get()

    def admits_dear(self) -> bool:
        """Whether something dear, such as a search that nobody has asked before, may be begun by whoever this thread serves."""
        caller = self.caller()
        if caller and not self._shares.admits(caller):
            _has_exceeded.set(True)
            return False
        return self._chance() >= min(MAX_SHED, self._level)

    def admits(self) -> bool:
        """Whether anything at all may be begun for a customer."""
        return self._chance() >= min(MAX_SHED, self._level - 1)

    def watch(self) -> None:
        """From now on, while there are many requests, follow the lag of the calling thread's event loop in a green thread."""
        threading.Thread(target=self._watch, name="pressure", daemon=True).start()

    def _watch(self) -> None:
        while True:
            self._crowded.wait()
            self._crowded.clear()
            while self._under_way >= FEW or self._level > 0:
                self.note(min(_lag() for _ in range(LOOKS)))


def _lag() -> float:
    """Return how many seconds pass before the turn of this thread comes, once it is due."""
    before = time.monotonic()
    time.sleep(LOOK_EVERY)
    return time.monotonic() - before - LOOK_EVERY
