"""`sync.reconcile`: compares PostgreSQL with every copy of its data, and repairs what differs by the ordinary means.

Four comparisons: overdue deliveries; records that were delivered but are missing; rows written around the application; cache
entries, lists and the category tree that disagree with PostgreSQL. Differences are counted by kind and logged. The newest rows of
the audit trail's hash chain are verified too.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.cache.manager import CacheManager, CacheUnavailableError
from app.contract import cache_keys
from app.contract.events import Actor, ListFacet
from app.contract.formats import rfc3339
from app.monitoring import SyncMonitoring
from app.store import audit_chain, outbox, positions, reconciliation, users
from app.store.transaction import TransactionManager
from app.sync.reconciliation import records
from app.sync.reconciliation.adoption import Adopt, edited_directly
from app.sync.reconciliation.cached_copies import differing_lists, differing_parts, tree_differs
from app.sync.wakeup import WakeUps

log = structlog.get_logger()

# About how long a run takes, in seconds, unless it is told otherwise: a caller is waiting for it. The next one goes on.
SECONDS = 2.0
# The share of that for the records; half of the rest is for the parts that were changed last.
FOR_RECORDS = 1 / 4
RECENT_SECONDS = 900
RECENT_EVENTS = 2000
# The newest rows of the audit trail, which a run verifies; `flask audit verify` checks all of it.
AUDIT_ROWS = 2000
LOCK = "reconcile"
PARTS = "parts"
# Parts compared at once. Small, as this may run in a web process, which does nothing else while it compares.
PORTION = 50
AWAY = (CacheUnavailableError, OperationalError, PoolTimeoutError)


@dataclass(slots=True)
class Findings:
    """What a run found, by kind, each with a few examples."""

    found: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[Any]] = field(default_factory=dict)

    def add(self, kind: str, items: Sequence[Any]) -> None:
        """Add differences of one kind."""
        self.found[kind] = self.found.get(kind, 0) + len(items)
        self.examples.setdefault(kind, []).extend(items[: 5 - len(self.examples.get(kind, []))])


class Reconciliation:
    """Runs reconciliations, one at a time in the whole system."""

    def __init__(
        self, engine: Engine, reading: Engine, transactions: TransactionManager, cache: CacheManager, wake_ups: WakeUps,
        confirm: Callable[[], None], monitoring: SyncMonitoring,
    ) -> None:  # fmt: skip
        """Wire it up; `confirm` finds out which cache is in use, in a process that does not sweep."""
        self._engine = engine
        self._reading = reading
        self._transactions = transactions
        self._cache = cache
        self._wake_ups = wake_ups
        self._confirm = confirm
        self._monitoring = monitoring

    def run(self, *, dry_run: bool = False, seconds: float = SECONDS, portion: int = PORTION) -> dict[str, Any]:
        """Compare, repair unless `dry_run`, and return the report; `{"skipped": …}` while another run is in progress.

        Args:
            seconds: about how long this may take. What was changed last comes first; of the rest, as much as there is time for,
                from where the run before has ended.
            portion: how many parts are compared at once: more is faster, and keeps an event loop from others for longer.
        """
        with self._reading.connect() as connection:
            if not reconciliation.try_lock(connection, LOCK):
                return {"skipped": "another reconciliation is running"}
            try:
                return self._run(seconds, portion, dry_run=dry_run)
            finally:
                reconciliation.unlock(connection, LOCK)

    def _run(self, seconds: float, portion: int, *, dry_run: bool) -> dict[str, Any]:
        began = time.monotonic()
        run_id = reconciliation.begin_run(self._engine, "reconcile", dry_run=dry_run)
        findings = Findings()
        with self._reading.connect() as connection:
            overdue = outbox.overdue_effects(connection, 1.0)
        findings.add("overdue_effects", [str(effect) for effect in overdue])
        if not dry_run:
            self._wake_ups.send_now(overdue)
        self._check_records(findings, seconds * FOR_RECORDS, dry_run=dry_run)
        self._check_audit_chain()
        checked = self._check_parts(findings, began + seconds, portion, dry_run=dry_run)
        self._check_lists(findings, dry_run=dry_run)
        report = {
            "dry_run": dry_run,
            "parts_checked": checked,
            "found": findings.found,
            "examples": findings.examples,
            **self._places(),
            "seconds": round(time.monotonic() - began, 3),
        }
        reconciliation.finish_run(self._engine, run_id, report)
        if not dry_run:
            for kind, count in findings.found.items():
                self._monitoring.record_drift(kind, count)
            self._monitoring.record_reconciliation("success", time.time())
        return report

    def _places(self) -> dict[str, Any]:
        """Return where the next run goes on among the parts, and when everything had last been compared."""
        with self._reading.connect() as connection:
            parts, events = positions.find(connection, PARTS), positions.find(connection, records.OLD)
        ended = {"parts": parts and parts.round_ended_at, "events": events and events.round_ended_at}
        return {
            "next_after": parts.position if parts else 0,
            "all_compared_at": {name: at and rfc3339(at) for name, at in ended.items()},
        }

    def _check_records(self, findings: Findings, seconds: float, *, dry_run: bool) -> None:
        for kind in records.KINDS.values():
            findings.add(kind, [])
        for effect, missing in records.missing(self._reading, seconds, repair=not dry_run):
            log.error("records missing", kind=records.KINDS[effect], events=missing[:20])
            findings.add(records.KINDS[effect], missing)
            if not dry_run:
                self._wake_ups.send_now([effect])

    def _check_audit_chain(self) -> None:
        """Verify the newest audit rows. A rewritten trail cannot be repaired, so this is not a finding: it needs a person."""
        found = audit_chain.verify_newest(self._reading, AUDIT_ROWS)
        self._monitoring.record_audit_chain(holds=not found.broken)
        if found.broken:
            log.error("audit trail broken", places=found.broken)

    def _check_parts(self, findings: Findings, deadline: float, portion: int, *, dry_run: bool) -> int:
        """Compare the parts that were changed last, and then others until the deadline; return how many."""
        with self._reading.connect() as connection:
            system = users.system(connection)
            recent = reconciliation.recently_changed(connection, RECENT_SECONDS, RECENT_EVENTS)
            place = positions.find(connection, PARTS)
        checks = [
            partial(self._check_rows, findings, Actor(system.id, system.name), dry_run=dry_run),
            partial(self._check_cache, findings, dry_run=dry_run),
        ]
        halfway = (time.monotonic() + deadline) / 2
        checked: set[int] = set()
        for start in range(0, len(recent), portion):
            if start and time.monotonic() > halfway:
                break
            _compare(findings, recent[start : start + portion], checks)
            checked.update(recent[start : start + portion])
        after = place.position if place else 0
        while True:
            with self._reading.connect() as connection:
                chosen = reconciliation.part_slice(connection, after, portion)
            _compare(findings, [part_id for part_id in chosen if part_id not in checked], checks)
            checked.update(chosen)
            after = chosen[-1] if chosen else after
            is_last = len(chosen) < portion
            if not dry_run:
                with self._reading.connect() as connection:
                    positions.move(connection, PARTS, after)
                    if is_last:
                        positions.begin_round(connection, PARTS)
            if is_last or time.monotonic() > deadline:
                return len(checked)

    def _check_rows(self, findings: Findings, actor: Actor, part_ids: Sequence[int], *, dry_run: bool) -> None:
        with self._reading.connect() as connection:
            drifted = edited_directly(connection, part_ids)
        for kind, (suspects, adopt) in drifted.items():
            findings.add(kind, suspects if dry_run else self._adopted(findings, actor, suspects, adopt))

    def _adopted(self, findings: Findings, actor: Actor, suspects: Sequence[int], adopt: Adopt) -> list[int]:
        """Return those of the suspects that did need adopting: a write may have come between two of our reads, so each is checked
        again under its lock. One that cannot be adopted is reported, and keeps no other from it."""
        adopted = []
        for part_id in suspects:
            try:
                if self._transactions.run(actor, partial(adopt, part_id)):
                    adopted.append(part_id)
            except Exception as error:  # noqa: BLE001 — whatever it is, it is that part's alone
                log.error("not adopted", part_id=part_id, error=repr(error))
                findings.add("not_adopted", [part_id])
        return adopted

    def _check_cache(self, findings: Findings, part_ids: Sequence[int], *, dry_run: bool) -> None:
        if "cache_not_compared" in findings.found:
            # A cache that does not answer serves nobody; the next run compares it.
            return
        try:
            self._confirm()
            differing = differing_parts(self._reading, self._cache, part_ids)
        except CacheUnavailableError as error:
            self._not_compared(findings, error)
            return
        findings.add("cache_part", sorted(differing))
        for part_id, fields in differing.items():
            log.error("cache differed from the database", part_id=part_id, fields=fields)
            if not dry_run:
                self._cache.invalidate_part_cache(part_id)

    def _check_lists(self, findings: Findings, *, dry_run: bool) -> None:
        if "cache_not_compared" in findings.found:
            return
        try:
            self._confirm()
            lists = differing_lists(self._reading, self._cache)
            tree = [cache_keys.category_tree()] if tree_differs(self._reading, self._cache) else []
        except CacheUnavailableError as error:
            self._not_compared(findings, error)
            return
        findings.add("cache_list", lists)
        findings.add("cache_tree", tree)
        if lists and not dry_run:
            log.error("cached lists differed from the database", lists=lists)
            self._cache.drop(lists)
        if tree:
            log.error("the cached category tree differed from the database")
            if not dry_run:
                # With its generation's token, which is what keeps the copies that processes hold valid.
                self._cache.drop([*tree, cache_keys.generation(ListFacet.CATEGORIES)])

    def _not_compared(self, findings: Findings, error: CacheUnavailableError) -> None:
        log.warning("cache not compared", error=str(error))
        findings.add("cache_not_compared", [str(error)])


def _compare(findings: Findings, part_ids: Sequence[int], checks: Sequence[Callable[[Sequence[int]], None]]) -> None:
    """Check a portion of parts. One that cannot even be compared is reported, and keeps no other from it.

    Raises:
        CacheUnavailableError, OperationalError, TimeoutError: if the cache or the database is away.
    """
    for check in checks:
        try:
            check(part_ids)
        except AWAY:
            raise
        except Exception:  # noqa: BLE001 — the next loop finds out whose it is
            _one_by_one(findings, part_ids, check)


def _one_by_one(findings: Findings, part_ids: Sequence[int], check: Callable[[Sequence[int]], None]) -> None:
    for part_id in part_ids:
        try:
            check([part_id])
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001 — whatever it is, it is that part's alone
            log.error("not compared", part_id=part_id, error=repr(error))
            findings.add("not_compared", [part_id])
