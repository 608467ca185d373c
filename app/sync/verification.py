"""Reads what has been changed as customers do, through this web process, and compares it with PostgreSQL (docs/adr/0014).

Each web process has such a thread. A part that was changed is read 0.25, 2 and 60 seconds later, and in between one of those in
the cache, any. What differs is looked at again when it can no longer be a change on its way, and only then called drift.
"""

import heapq
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.cache.manager import CacheManager, CacheUnavailableError
from app.contract import cache_keys
from app.contract.drift import Checked, Difference, Drift, DriftKind, Outcome, Since, differences
from app.contract.events import Aspect
from app.domain.errors import BusyError
from app.monitoring import SyncMonitoring
from app.store import categories, drift, outbox
from app.sync.reconciliation.cached_copies import BOUND
from app.sync.reconciliation.repair import drop

log = structlog.get_logger()

# Seconds after the change: when everybody should have it, when everybody must, and when it may have been overwritten by what is
# late.
AGES = (0.25, 2.0, 60.0)
# Seconds between two steps of the thread; in each, one part is read at most. A quarter of the steps may begin to follow a change.
STEP = 0.25
# The same in a process that nobody is connected to.
STEP_IDLE = 1.0
FOLLOWED_EVERY = 4
# Steps without anything due after which a part of the cache is read.
SAMPLED_EVERY = 4
# Changes among which a step chooses; checks that are waiting; looks at what does not stay the same for long enough.
CHOSEN_FROM = 50
MAX_WAITING = 400
MAX_LOOKS = 5
# What is found again this soon is not reported again, in seconds: it has not been repaired by then, or it is planted faster.
SILENT = 30.0
AWAY = (SQLAlchemyError, CacheUnavailableError, BusyError)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a customer was answered about a part: None if there is none. `is_tagged` says that its ETag is that of its content."""

    part: dict[str, Any] | None
    is_tagged: bool = True


@dataclass(frozen=True, slots=True)
class Look:
    """An answer and what it should have been, in which state of the part's categories."""

    answer: Answer
    truth: dict[str, Any] | None
    places: Mapping[int, int]

    @property
    def agrees(self) -> bool:
        """Whether the answer is right."""
        return self.answer.part == self.truth and self.answer.is_tagged


@dataclass(frozen=True, slots=True, order=True)
class _Check:
    """A part to be read at a moment (monotonic seconds), and what was seen when it was read before."""

    due: float
    part_id: int = field(compare=False)
    what: Checked = field(compare=False)
    looks: tuple[Look, ...] = field(compare=False, default=())


class Verifier:
    """Verifies what one web process serves, a few reads a second, and nothing while it does not serve from the cache.

    Args:
        reading: the database, with every statement its own transaction.
        ask: answers a customer's request for a part, as this process does.
        truth: reads a part as customers should see it, from the database alone.
    """

    def __init__(
        self, reading: Engine, cache: CacheManager, ask: Callable[[int], Answer], truth: Callable[[int], dict[str, Any] | None],
        monitoring: SyncMonitoring,
    ) -> None:  # fmt: skip
        self._reading = reading
        self._cache = cache
        self._ask = ask
        self._truth = truth
        self._monitoring = monitoring
        self._process = drift.this_process()
        self._waiting: list[_Check] = []
        self._followed: int | None = None
        self._steps = 0
        self._told: dict[tuple[str, str], float] = {}

    def start(self, is_idle: Callable[[], bool]) -> None:
        """Verify from now on, in a thread of its own, and less often while the process `is_idle`."""
        threading.Thread(target=self._run, args=(is_idle,), name="verification", daemon=True).start()

    def _run(self, is_idle: Callable[[], bool]) -> None:
        while True:
            time.sleep(STEP_IDLE if is_idle() else STEP)
            try:
                self.step()
            except AWAY as error:
                log.warning("not verified", error=str(error).splitlines()[0])
            except Exception:
                # Nothing may end the thread; the next step is about another part.
                log.exception("a verification failed")

    def step(self) -> None:
        """Follow a change that was just committed, and read one part that is due, or any that is cached.

        Raises:
            SQLAlchemyError, CacheUnavailableError, BusyError: if that is not possible now.
        """
        if not self._cache.is_fresh:
            return
        self._steps += 1
        if self._steps % FOLLOWED_EVERY == 1:
            self._follow()
        now = time.monotonic()
        if self._waiting and self._waiting[0].due <= now:
            self._check(heapq.heappop(self._waiting))
        elif self._steps % SAMPLED_EVERY == 0 and (part_id := self._cache.any_part()) is not None:
            self._check(_Check(now, part_id, Checked.SAMPLED))

    def _follow(self) -> None:
        """Choose one of the changes that were committed since the last time, and read its part when it is of certain ages."""
        with self._reading.connect() as connection:
            if self._followed is None:
                self._followed = outbox.newest(connection)
            changes = outbox.part_changes(connection, self._followed, CHOSEN_FROM)
        if not changes:
            return
        self._followed = changes[0].id
        chosen, now = random.choice(changes), time.monotonic()
        for age in AGES:
            self._wait(_Check(now + age, chosen.part_id, Checked.CHANGED))

    def _wait(self, check: _Check) -> None:
        if len(self._waiting) < MAX_WAITING:
            heapq.heappush(self._waiting, check)

    def _check(self, check: _Check) -> None:
        if not check.looks and not self._is_cached(check.part_id):
            self._monitoring.record_checks(check.what, Outcome.SKIPPED)
            return
        look = self._look(check.part_id)
        if look.agrees:
            self._monitoring.record_checks(check.what, Outcome.LATE if check.looks else Outcome.EQUAL)
        elif check.looks and (found := self._proven(check, look)):
            self._monitoring.record_checks(check.what, Outcome.DRIFT)
            self._report(found, check.part_id)
        elif len(check.looks) >= MAX_LOOKS:
            self._monitoring.record_checks(check.what, Outcome.SKIPPED)
        else:
            self._wait(replace(check, due=time.monotonic() + BOUND, looks=(*check.looks, look)))

    def _is_cached(self, part_id: int) -> bool:
        keys = [cache_keys.part(part_id), cache_keys.part_stock(part_id), cache_keys.part_prices(part_id)]
        return bool(self._cache.peek(keys))

    def _look(self, part_id: int) -> Look:
        # What may be committed in between makes another look necessary, and no more.
        answer, truth = self._ask(part_id), self._truth(part_id)
        with self._reading.connect() as connection:
            return Look(answer, truth, categories.versions_of(connection, _path(answer.part) | _path(truth)))

    def _proven(self, check: _Check, look: Look) -> Drift | None:
        """Return what is wrong for certain: older than what was true at the last look, `BOUND` ago; or, if nothing has changed
        since then, different from it."""
        last, part, subject = check.looks[-1], look.answer.part, f"part {check.part_id}"
        held, present, before = _versions(part), _versions(look.truth), _versions(last.truth)
        behind = [aspect for aspect, version in held.items() if version < before.get(aspect, 0)]
        has_moved = (last.truth, last.places) != (look.truth, look.places)
        if has_moved and not behind:
            return None
        wrong = differences(part, look.truth, "" if part and look.truth else "part")
        kind, since = DriftKind.CACHE_WRONG, None
        with self._reading.connect() as connection:
            if not wrong and not look.answer.is_tagged:
                return Drift(DriftKind.ETAG_WRONG, subject, (Difference("ETag", "of another content", None),), self._process)
            behind = behind or [aspect for aspect, version in held.items() if version < present.get(aspect, 0)]
            if behind:
                kind = DriftKind.CACHE_STALE
                since = drift.since(connection, "part", check.part_id, behind[0], held[behind[0]] + 1)
            elif any(version > present.get(aspect, version) for aspect, version in held.items()):
                kind = DriftKind.CACHE_AHEAD
            elif wrong and all(one.field.startswith("category.") for one in wrong):
                kind = DriftKind.CACHE_TREE
                since = _newest(drift.newest_of(connection, "category", category_id) for category_id in sorted(look.places))
            since = since or _newest(
                drift.since(connection, "part", check.part_id, aspect, present.get(aspect, 1)) for aspect in _aspects(wrong)
            )
        return Drift(kind, subject, wrong, self._process, since)

    def _report(self, found: Drift, part_id: int) -> None:
        """Repair what was found, see whether that helped, and tell."""
        try:
            drop(self._cache, found)
            found = replace(found, is_repaired=self._look(part_id).agrees)
        except AWAY as error:
            log.warning("not known whether a repair helped", error=str(error).splitlines()[0])
        now, what = time.monotonic(), (found.kind, found.subject)
        self._told = {told: at for told, at in self._told.items() if now - at < SILENT}
        self._monitoring.record_drift(found.kind, 1)
        if what in self._told:
            return
        self._told[what] = now
        log.error("an answer differed from the database", **drift.explained(found))
        with self._reading.connect() as connection:
            drift.record(connection, [found])


def _versions(part: Mapping[str, Any] | None) -> dict[str, int]:
    return dict(part["versions"]) if part else {}


def _path(part: Mapping[str, Any] | None) -> set[int]:
    return {step["id"] for step in part["category"]["path"]} if part and part["category"] else set()


def _aspects(wrong: tuple[Difference, ...]) -> list[str]:
    """Return the aspects that fields belong to."""
    names = {one.field.partition(".")[0] for one in wrong}
    own = {str(aspect) for aspect in (Aspect.STOCK, Aspect.PRICE) if aspect in names}
    return sorted(own | ({str(Aspect.CONTENT)} if names - own else set()))


def _newest(events: Any) -> Since | None:
    return max((one for one in events if one), key=lambda one: one.event_id, default=None)
