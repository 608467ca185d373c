"""Wake-ups: Celery messages that say "something is due", never what.

The database is the truth, so a wake-up may be lost, duplicated or late without harm. At most one is queued per effect or task;
sending happens in the background, never in a request; and a circuit breaker spares a broker that is down or silent. What the
broker did not accept is tried again until it does, so that a process notices its return even if nothing else happens.
"""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Protocol

import structlog
from redis import Redis
from redis.exceptions import RedisError

from app.contract import cache_keys
from app.contract.effects import LIVE
from app.contract.task_names import Effect, queue_of, task_of
from app.domain.breaker import CircuitBreaker
from app.monitoring import SyncMonitoring

log = structlog.get_logger()

# If a queued wake-up is lost with the broker's data, the next one may be sent after this many milliseconds.
QUEUED_FOR_MS = 1000
# A wake-up that nobody has taken for this many seconds may go: the sweep sends newer ones. It is RabbitMQ that measures this.
# Not Celery's `expires`, a time by the sender's clock: a worker whose clock is ahead would throw every message away.
EXPIRES = 10
# A task that keeps records, or does what nobody waits for, is woken at most every so many seconds: a worker takes longer to begin
# than over each record, so under load many are made at once. The first write after a pause wakes it immediately.
RECORDS_EVERY = 0.25


class TaskSender(Protocol):
    """The part of a Celery application used here: sending a task by name."""

    def send_task(self, name: str, *, queue: str, expiration: float, ignore_result: bool) -> object:
        """Send one task message."""


class WakeUps:
    """Sends coalesced wake-ups from its own thread.

    Args:
        sender: a Celery application whose publishing fails fast.
        flags: where the "already queued" flags are kept; if it is unavailable, wake-ups are not coalesced.
        prefix: what the flags' names begin with.
    """

    def __init__(self, sender: TaskSender, flags: Redis, prefix: str, monitoring: SyncMonitoring) -> None:
        self._sender = sender
        self._flags = flags
        self._prefix = prefix
        self._monitoring = monitoring
        self._breaker = CircuitBreaker()
        self._wanted: set[str] = set()
        self._rests_until: dict[str, float] = {}
        self._own: dict[str, Callable[[], None]] = {}
        self._signal = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def broker_answers(self) -> bool:
        """Whether the broker accepted the last wake-ups."""
        return not self._breaker.is_open

    def take_over(self, wanted: str, begin: Callable[[], None]) -> None:
        """Have this process itself do what it would wake a worker for: a request calls `begin`, which must return at once."""
        self._own[wanted] = begin

    def request(self, wanted: Iterable[str]) -> None:
        """Request wake-ups, of effects or of tasks by name, and return at once. Thread-safe."""
        wanted = set(wanted)
        for one in wanted & self._own.keys():
            self._own[one]()
        if not (wanted := wanted - self._own.keys()):
            return
        self._wanted.update(wanted)
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._run, name="wake-ups", daemon=True)
                    self._thread.start()
        self._signal.set()

    def taken(self, wanted: str) -> None:
        """Note that a queued wake-up has started its work, so that the next change queues another."""
        try:
            self._flags.delete(self._prefix + cache_keys.wake_up(wanted))
        except RedisError:
            log.warning("wake-up flag not cleared; it expires by itself", wanted=wanted)

    def send_now(self, wanted: Iterable[str]) -> bool:
        """Send wake-ups from the calling thread; return whether all were accepted or already queued."""
        # A list, so that one failure does not skip the rest.
        return all([self._send(one) for one in wanted])  # noqa: C419

    def _run(self) -> None:
        while True:
            self._signal.wait(self._pause())
            self._signal.clear()
            now = time.monotonic()
            # Most urgent first: pages and caches, then records, then other tasks.
            for one in [*(effect for effect in Effect if effect in self._wanted), *self._wanted.difference(Effect)]:
                if self._rests_until.get(one, now) > now:
                    continue
                self._wanted.discard(one)
                if not self._send(one):
                    self._wanted.add(one)
                elif one not in LIVE:
                    self._rests_until[one] = time.monotonic() + RECORDS_EVERY

    def _pause(self) -> float | None:
        """Return how many seconds to wait for something new, at most, before what is wanted already is tried again."""
        now = time.monotonic()
        rests = (self._rests_until.get(one, now) - now for one in [*self._wanted])
        return min((rest for rest in rests if rest > 0), default=self._breaker.pause) if self._wanted else None

    def _send(self, wanted: str) -> bool:
        if not self._breaker.allows():
            return False
        try:
            if not self._claim_flag(wanted):
                return True
            task = task_of(wanted)
            self._sender.send_task(task, queue=queue_of(task), expiration=EXPIRES, ignore_result=True)
        except Exception as error:  # noqa: BLE001 — under eventlet a broker's timeout surfaces as anything, even AttributeError
            self._breaker.failed()
            self._monitoring.record_failed_wake_up()
            log.warning("wake-up not sent", wanted=wanted, error=repr(error))
            return False
        self._breaker.succeeded()
        return True

    def _claim_flag(self, wanted: str) -> bool:
        try:
            return bool(self._flags.set(self._prefix + cache_keys.wake_up(wanted), 1, nx=True, px=QUEUED_FOR_MS))
        except RedisError:
            return True
