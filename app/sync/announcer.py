"""Tells open pages of a commit from the process that made it, instead of waking a worker for that (docs/adr/0011).

Most of that it has claimed by writing it (docs/adr/0021), so it publishes what it still holds, and then settles it. The rest it
claims, publishes and settles as a worker does. Whatever happens to it, others make up for it: for an error and for a backlog it
wakes a worker itself, and when the process dies or freezes, another one's sweep finds the delivery.
"""

import threading
import time
from collections import deque
from collections.abc import Sequence

import structlog

from app.contract.task_names import Effect
from app.domain.buckets import Allowance, TokenBucket
from app.store.transaction import CommittedEvent
from app.sync.delivery import DeliveryService
from app.sync.publisher import BULK
from app.sync.wakeup import WakeUps

log = structlog.get_logger()

# Broadcasts per claim, which an event loop encodes in a few milliseconds. A backlog of more is a worker's.
AT_ONCE = 25
# A claim of one costs nearly as much as a claim of many. So this thread may take a third of the process's time in the long run,
# and rests once it has taken more: the busier the process, the more is told at once. It saves up enough for some commits that
# follow each other, each of which is told at once.
SHARE = Allowance(per_second=1 / 3, at_once=0.2)
# Seconds for which it rests at most, however long a batch took.
LONGEST_REST = 0.1


class Announcer:
    """Delivers broadcasts in a thread of its own, those of several commits together if they come faster than it is."""

    def __init__(self, deliveries: DeliveryService, wake_ups: WakeUps) -> None:
        self._deliveries = deliveries
        self._wake_ups = wake_ups
        self._signal = threading.Event()
        self._seconds = TokenBucket(SHARE)
        self._has_started = False
        self._is_due = False
        self._own: deque[CommittedEvent] = deque()

    def start(self) -> None:
        """From now on deliver the broadcasts for which this process would have woken a worker."""
        threading.Thread(target=self._run, name="announcer", daemon=True).start()
        self._wake_ups.take_over(Effect.BROADCAST, self._begin)
        self._has_started = True

    def tells(self, events: int) -> bool:
        """Whether to claim the broadcasts of so many events as they are written, for `tell`."""
        return self._has_started and len(self._own) + events <= BULK

    def tell(self, committed: Sequence[CommittedEvent]) -> None:
        """Tell pages of what was claimed, and invalidated since; returns at once."""
        self._own.extend(committed)
        self._signal.set()

    def _begin(self) -> None:
        self._is_due = True
        self._signal.set()

    def _run(self) -> None:
        while True:
            self._signal.wait()
            self._signal.clear()
            began = time.monotonic()
            if self._own:
                self.tell_own()
            if self._is_due:
                self._is_due = False
                self.announce()
            # A batch that took long has waited for a server, not worked.
            self._seconds.take(min(time.monotonic() - began, SHARE.at_once))
            time.sleep(min(self._seconds.wait(0), LONGEST_REST))

    def tell_own(self) -> None:
        """Deliver what this process holds. What fails is due again, to whoever looks first, as soon as its lease ends."""
        own = [self._own.popleft() for _ in range(len(self._own))]
        try:
            self._deliveries.deliver_own(own)
        except Exception as error:  # noqa: BLE001 — nothing may end the thread
            log.warning("pages not told by this process", error=repr(error))

    def announce(self) -> None:
        """Deliver what is due, or wake a worker for what this process cannot or should not deliver itself."""
        try:
            has_more = self._deliveries.deliver_once(Effect.BROADCAST, AT_ONCE)
        except Exception as error:  # noqa: BLE001 — nothing may end the thread, and a worker may succeed
            log.warning("pages not told by this process", error=repr(error))
            has_more = True
        if has_more:
            self._wake_ups.send_now([Effect.BROADCAST])
