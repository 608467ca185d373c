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
from app.contract.task_names import Effect
from app.monitoring import SyncMonitoring
from app.store import audit_chain, outbox, reconciliation, users
from app.store.transaction import TransactionManager
from app.sync.reconciliation.adoption import Adopt, edited_directly
from app.sync.reconciliation.cached_copies import differing_lists, differing_parts, tree_differs
from app.sync.wakeup import WakeUps

log = structlog.get_logger()

# Parts that one run looks at; the next run continues where it ended.
SLICE = 2000
RECENT_SECONDS = 900
# The newest rows of the audit trail, which a run verifies; `flask audit verify` checks all of it.
AUDIT_ROWS = 2000
RECORD_DAYS = 7
LOCK = "reconcile"
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

    def run(self, *, dry_run: bool = False) -> dict[str, Any]:
        """Compare, repair unless `dry_run`, and return the report; `{"skipped": …}` while another run is in progress."""
        with self._reading.connect() as connection:
            if not reconciliation.try_lock(connection, LOCK):
                return {"skipped": "another reconciliation is running"}
            try:
                return self._run(dry_run=dry_run)
            finally:
                reconciliation.unlock(connection, LOCK)

    def _run(self, *, dry_run: bool) -> dict[str, Any]:
        began = time.monotonic()
        run_id = reconciliation.begin_run(self._engine, "reconcile", dry_run=dry_run)
        findings = Findings()
        with self._reading.connect() as connection:
            overdue = outbox.overdue_effects(connection, 1.0)
            part_ids, next_after = self._choose_parts()
        findings.add("overdue_effects", [str(effect) for effect in overdue])
        if not dry_run:
            self._wake_ups.send_now(overdue)
        self._check_records(findings, dry_run=dry_run)
        self._check_audit_chain()
        self._check_rows(findings, part_ids, dry_run=dry_run)
        self._check_cache(findings, part_ids, dry_run=dry_run)
        report = {
            "dry_run": dry_run,
            "parts_checked": len(part_ids),
            "found": findings.found,
            "examples": findings.examples,
            "next_after": next_after,
            "seconds": round(time.monotonic() - began, 3),
        }
        reconciliation.finish_run(self._engine, run_id, report)
        if not dry_run:
            for kind, count in findings.found.items():
                self._monitoring.record_drift(kind, count)
            self._monitoring.record_reconciliation("success", time.time())
        return report

    def _choose_parts(self) -> tuple[list[int], int]:
        """Return the parts to look at: recently changed ones and the next slice of all; and where the next run starts."""
        with self._reading.connect() as connection:
            last = reconciliation.last_run(connection, "reconcile")
            after = int(last.report.get("next_after", 0)) if last else 0
            chosen = reconciliation.part_slice(connection, after, SLICE)
            recent = reconciliation.recently_changed(connection, RECENT_SECONDS, SLICE)
        next_after = chosen[-1] if len(chosen) == SLICE else 0
        return sorted({*chosen, *recent}), next_after

    def _check_records(self, findings: Findings, *, dry_run: bool) -> None:
        for effect, kind in ((Effect.PERSIST_AUDIT, "audit_missing"), (Effect.SNAPSHOT_CONTENT, "snapshot_missing")):
            with self._engine.begin() as connection:
                missing = reconciliation.missing_records(connection, effect, RECORD_DAYS, repair=not dry_run)
            if missing:
                log.error("records missing", kind=kind, events=missing[:20])
                findings.add(kind, missing)
                if not dry_run:
                    self._wake_ups.send_now([effect])

    def _check_audit_chain(self) -> None:
        """Verify the newest audit rows. A rewritten trail cannot be repaired, so this is not a finding: it needs a person."""
        found = audit_chain.verify_newest(self._reading, AUDIT_ROWS)
        self._monitoring.record_audit_chain(holds=not found.broken)
        if found.broken:
            log.error("audit trail broken", places=found.broken)

    def _check_rows(self, findings: Findings, part_ids: Sequence[int], *, dry_run: bool) -> None:
        with self._reading.connect() as connection:
            system = users.system(connection)
        actor = Actor(system.id, system.name)

        def check(portion: Sequence[int]) -> None:
            with self._reading.connect() as connection:
                drifted = edited_directly(connection, portion)
            for kind, (suspects, adopt) in drifted.items():
                findings.add(kind, suspects if dry_run else self._adopted(findings, actor, suspects, adopt))

        _in_portions(findings, part_ids, check)

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
        differing: dict[int, list[str]] = {}
        try:
            self._confirm()
            _in_portions(
                findings, part_ids, lambda portion: differing.update(differing_parts(self._reading, self._cache, portion))
            )
            lists = differing_lists(self._reading, self._cache)
            tree = [cache_keys.category_tree()] if tree_differs(self._reading, self._cache) else []
        except CacheUnavailableError as error:
            # A cache that does not answer serves nobody; the next run compares it.
            log.warning("cache not compared", error=str(error))
            findings.add("cache_not_compared", [str(error)])
            return
        findings.add("cache_part", sorted(differing))
        findings.add("cache_list", lists)
        findings.add("cache_tree", tree)
        for part_id, fields in differing.items():
            log.error("cache differed from the database", part_id=part_id, fields=fields)
            if not dry_run:
                self._cache.invalidate_part_cache(part_id)
        if lists and not dry_run:
            log.error("cached lists differed from the database", lists=lists)
            self._cache.drop(lists)
        if tree:
            log.error("the cached category tree differed from the database")
            if not dry_run:
                # With its generation's token, which is what keeps the copies that processes hold valid.
                self._cache.drop([*tree, cache_keys.generation(ListFacet.CATEGORIES)])


def _in_portions(findings: Findings, part_ids: Sequence[int], check: Callable[[Sequence[int]], None]) -> None:
    """Check parts in portions. One that cannot even be compared is reported, and keeps no other from it.

    Raises:
        CacheUnavailableError, OperationalError, TimeoutError: if the cache or the database is away.
    """
    for start in range(0, len(part_ids), PORTION):
        portion = part_ids[start : start + PORTION]
        try:
            check(portion)
        except AWAY:
            raise
        except Exception:  # noqa: BLE001 — the next loop finds out whose it is
            _one_by_one(findings, portion, check)


def _one_by_one(findings: Findings, part_ids: Sequence[int], check: Callable[[Sequence[int]], None]) -> None:
    for part_id in part_ids:
        try:
            check([part_id])
        except AWAY:
            raise
        except Exception as error:  # noqa: BLE001 — whatever it is, it is that part's alone
            log.error("not compared", part_id=part_id, error=repr(error))
            findings.add("not_compared", [part_id])
