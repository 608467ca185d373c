"""`sync.reconcile`: compares PostgreSQL with every copy of its data, and repairs what differs by the ordinary means.

Five comparisons: overdue deliveries; records that were delivered but are missing or say something else; counts of facets; rows
written around the application; cache entries, lists and the category tree that disagree with PostgreSQL. Differences are
counted by kind, explained and logged. The newest rows of the audit trail's hash chain are verified too.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.cache.manager import CacheManager, CacheUnavailableError
from app.contract import cache_keys
from app.contract.drift import Checked, Difference, Drift, DriftKind, Outcome
from app.contract.events import Actor
from app.contract.formats import rfc3339
from app.contract.task_names import Effect
from app.monitoring import SyncMonitoring
from app.store import audit_chain, drift, facet_counts, outbox, positions, reconciliation, users
from app.store.transaction import TransactionManager
from app.sync.reconciliation import cached_copies, records
from app.sync.reconciliation.adoption import Adopt, edited_directly
from app.sync.reconciliation.cached_copies import (
    BY,
    CATEGORIES,
    TREE,
    CachedList,
    EntryLook,
    ListLook,
    differing_parts,
    drifted_list,
    drifted_parts,
    list_of,
    look_at_list,
)
from app.sync.reconciliation.repair import drop
from app.sync.wakeup import WakeUps

log = structlog.get_logger()

# About how long a run takes, in seconds, unless it is told otherwise: a caller is waiting for it. The next one goes on.
SECONDS = 2.0
# The share of that for the records; half of the rest is for the parts that were changed last.
FOR_RECORDS = 1 / 4
# What is compared of the records that are there, and of the lists, in proportion.
FOR_COMPARING = 1 / 10
FOR_LISTS = 1 / 5
FOR_COUNTS = 1 / 20
RECENT_SECONDS = 900
RECENT_EVENTS = 2000
# The newest rows of the audit trail, which a run verifies; `flask audit verify` checks all of it.
AUDIT_ROWS = 2000
LOCK = "reconcile"
PARTS, LISTS, COUNTS = "parts", "lists", "facet counts"
# Findings of a kind that a run explains.
MAX_EXPLAINED = 20
CHECKS = {Effect.PERSIST_AUDIT: Checked.AUDIT, Effect.SNAPSHOT_CONTENT: Checked.SNAPSHOT}
WHAT = {DriftKind.CACHE_LIST: Checked.LIST, DriftKind.CACHE_TREE: Checked.TREE}
CACHED = (DriftKind.CACHE_STALE, DriftKind.CACHE_AHEAD, DriftKind.CACHE_WRONG, DriftKind.CACHE_LIST, DriftKind.CACHE_TREE)
# Parts compared at once. Small, as this may run in a web process, which does nothing else while it compares.
PORTION = 50
AWAY = (CacheUnavailableError, OperationalError, PoolTimeoutError)


@dataclass(slots=True)
class Findings:
    """What a run found, by kind, each with a few examples."""

    found: dict[str, int] = field(default_factory=dict)
    examples: dict[str, list[Any]] = field(default_factory=dict)
    explained: list[Drift] = field(default_factory=list)
    checks: Counter[tuple[Checked, Outcome]] = field(default_factory=Counter)
    parts: dict[str, EntryLook] = field(default_factory=dict)
    lists: list[ListLook] = field(default_factory=list)
    looked_at: float = 0.0

    def explain(self, drifts: Sequence[Drift]) -> None:
        """Keep why something differs, as many of each kind as anybody will read."""
        for one in drifts:
            if sum(one.kind == other.kind for other in self.explained) < MAX_EXPLAINED:
                self.explained.append(one)

    def checked(self, what: Checked, count: int, differing: int) -> None:
        """Count comparisons, and those that showed a difference."""
        self.checks[what, Outcome.EQUAL] += count - differing
        self.checks[what, Outcome.DRIFT] += differing

    def add(self, kind: str, items: Sequence[Any]) -> None:
        """Add differences of one kind."""
        # The value of a member: names in JSON must be plain texts.
        kind = str(kind)
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
            overdue = outbox.overdue(connection, 1.0).effects
        findings.add("overdue_effects", overdue)
        if not dry_run:
            self._wake_ups.send_now(overdue)
        self._check_records(findings, seconds * FOR_RECORDS, dry_run=dry_run)
        chain = self._check_audit_chain()
        self._check_what_records_say(findings, seconds * FOR_COMPARING, dry_run=dry_run)
        self._check_counts(findings, seconds * FOR_COUNTS, dry_run=dry_run)
        checked = self._check_parts(findings, began + seconds, portion, dry_run=dry_run)
        self._look_at_lists(findings, seconds * FOR_LISTS, dry_run=dry_run)
        self._look_again(findings, dry_run=dry_run)
        report = {
            "dry_run": dry_run,
            "parts_checked": checked,
            "found": findings.found,
            "examples": findings.examples,
            "explained": [drift.explained(one) for one in findings.explained],
            "audit_chain": chain,
            **self._places(),
            "seconds": round(time.monotonic() - began, 3),
        }
        reconciliation.finish_run(self._engine, run_id, report)
        if not dry_run:
            with self._reading.connect() as connection:
                drift.record(connection, [one for one in findings.explained if one.kind not in records.WRONG.values()])
            for kind, count in findings.found.items():
                self._monitoring.record_drift(kind, count)
            for (what, outcome), count in findings.checks.items():
                self._monitoring.record_checks(what, outcome, count)
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
            findings.explain(
                [
                    Drift(records.KINDS[effect], subject, (Difference("", None, "a record"),), BY, since, is_repaired=not dry_run)
                    for subject, since in records.subjects(self._reading, missing[:MAX_EXPLAINED])
                ]
            )
            if not dry_run:
                self._wake_ups.send_now([effect])

    def _check_what_records_say(self, findings: Findings, seconds: float, *, dry_run: bool) -> None:
        for kind in records.WRONG.values():
            findings.add(kind, [])
        for counts, wrong in records.wrong(self._reading, seconds, move=not dry_run):
            for effect, count in counts.items():
                findings.checked(CHECKS[effect], count, sum(effect is other for other, _drift in wrong))
            for effect, one in wrong:
                event_id = one.since.event_id if one.since else 0
                log.error("record rewritten", **_logged(one))
                findings.add(one.kind, [event_id])
                findings.explain([replace(one, is_repaired=not dry_run)])
                if not dry_run:
                    with self._reading.connect() as connection:
                        # Kept before it is put right: nobody will know what it said afterwards.
                        drift.record(connection, [replace(one, is_repaired=True)])
                        outbox.deliver_again(connection, effect, [event_id], "record rewritten")
                    self._wake_ups.send_now([effect])

    def _check_audit_chain(self) -> dict[str, Any]:
        """Verify the newest audit rows, and return up to which row how many of them were, and where the chain is broken.

        A rewritten trail cannot be repaired, so this is not a finding: it needs a person.
        """
        found = audit_chain.verify_newest(self._reading, AUDIT_ROWS)
        self._monitoring.record_audit_chain(holds=not found.broken)
        if found.broken:
            log.error("audit trail broken", places=found.broken)
        return {"verified_to": found.head.last_id, "rows": found.length, "broken": list(found.broken)}

    def _check_counts(self, findings: Findings, seconds: float, *, dry_run: bool) -> None:
        """Count the facets of categories anew, and last those of parts in none, until all have come round or time is up."""
        findings.add(DriftKind.FACET_COUNTS, [])
        deadline = time.monotonic() + seconds
        with self._reading.connect() as connection:
            place = positions.find(connection, COUNTS)
        category: int | None = place.position if place else 0
        while category is not None and time.monotonic() < deadline:
            # What is not committed is taken back.
            with self._engine.connect() as connection:
                category = facet_counts.next_category(connection, category)
                wrong = facet_counts.recount(connection, category)
                positions.move(connection, COUNTS, category or 0)
                if not dry_run:
                    connection.commit()
            if wrong:
                log.error("counts of facets differed", category=category, wrong=wrong)
                findings.add(DriftKind.FACET_COUNTS, [category])
                subject = f"category {category}" if category else "parts without a category"
                differing = Difference("", f"{wrong} wrong counts", "what counting gives")
                findings.explain([Drift(DriftKind.FACET_COUNTS, subject, (differing,), BY, is_repaired=not dry_run)])

    def _check_parts(self, findings: Findings, deadline: float, portion: int, *, dry_run: bool) -> int:
        """Compare the parts that were changed last, and then others until the deadline; return how many."""
        with self._reading.connect() as connection:
            system = users.system(connection)
            recent = reconciliation.recently_changed(connection, RECENT_SECONDS, RECENT_EVENTS)
            place = positions.find(connection, PARTS)
        checks = [
            partial(self._check_rows, findings, Actor(system.id, system.name), dry_run=dry_run),
            partial(self._check_cache, findings),
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
            findings.add(kind, suspects if dry_run else self._adopted(findings, actor, DriftKind(kind), suspects, adopt))

    def _adopted(self, findings: Findings, actor: Actor, kind: DriftKind, suspects: Sequence[int], adopt: Adopt) -> list[int]:
        """Return those of the suspects that did need adopting: a write may have come between two of our reads, so each is checked
        again under its lock. One that cannot be adopted is reported, and keeps no other from it."""
        adopted = []
        for part_id in suspects:
            try:
                if wrong := self._transactions.run(actor, partial(adopt, part_id)):
                    adopted.append(part_id)
                    findings.explain([Drift(kind, f"part {part_id}", wrong, BY, is_repaired=True)])
            except Exception as error:  # noqa: BLE001 — whatever it is, it is that part's alone
                log.error("not adopted", part_id=part_id, error=repr(error))
                findings.add("not_adopted", [part_id])
        return adopted

    def _check_cache(self, findings: Findings, part_ids: Sequence[int]) -> None:
        if "cache_not_compared" in findings.found:
            # A cache that does not answer serves nobody; the next run compares it.
            return
        try:
            self._confirm()
            findings.parts |= differing_parts(self._reading, self._cache, part_ids)
        except CacheUnavailableError as error:
            self._not_compared(findings, error)
            return
        findings.looked_at = time.monotonic()
        findings.checked(Checked.PART, len(part_ids), 0)

    def _look_at_lists(self, findings: Findings, seconds: float, *, dry_run: bool) -> None:
        """Look at the tree, the list of categories, and for so many seconds at other lists, where the run before has ended."""
        if "cache_not_compared" in findings.found:
            return
        deadline = time.monotonic() + seconds
        with self._reading.connect() as connection:
            place = positions.find(connection, LISTS)
        cursor = place.position if place else 0
        try:
            self._confirm()
            self._look_at(findings, Checked.TREE, [TREE])
            self._look_at(findings, Checked.LIST, [CATEGORIES])
            # Once round if there is time, from wherever it begins.
            for _circle in range(2 if cursor else 1):
                while True:
                    cursor, lists = self._cache.some_lists(cursor)
                    self._look_at(findings, Checked.LIST, [list_of(key, body) for key, body in lists.items()])
                    if not cursor or time.monotonic() > deadline:
                        break
                if time.monotonic() > deadline:
                    break
        except CacheUnavailableError as error:
            self._not_compared(findings, error)
            return
        if not dry_run:
            with self._reading.connect() as connection:
                positions.move(connection, LISTS, cursor)

    def _look_at(self, findings: Findings, what: Checked, copies: Sequence[CachedList]) -> None:
        findings.lists += [look for copy in copies if (look := look_at_list(self._reading, self._cache, copy))]
        findings.looked_at = time.monotonic()
        findings.checked(what, len(copies), 0)

    def _look_again(self, findings: Findings, *, dry_run: bool) -> None:
        """Look once more at what differed, when it can no longer be right, and repair what is wrong for certain."""
        if "cache_not_compared" in findings.found:
            return
        drifts: list[Drift] = []
        if findings.parts or findings.lists:
            time.sleep(max(0.0, findings.looked_at + cached_copies.BOUND - time.monotonic()))
            try:
                self._confirm()
                part_ids = sorted({cache_keys.parse_part_key(key)[0] for key in findings.parts})
                now = differing_parts(self._reading, self._cache, part_ids)
                with self._reading.connect() as connection:
                    drifts += drifted_parts(connection, findings.parts, now)
                drifts += [one for look in findings.lists if (one := drifted_list(self._reading, self._cache, look))]
                for one in () if dry_run else drifts:
                    drop(self._cache, one)
            except CacheUnavailableError as error:
                self._not_compared(findings, error)
                return
        for kind in CACHED:
            of_kind = [one for one in drifts if one.kind is kind]
            findings.add(kind, sorted({_named(one) for one in of_kind}))
        for one in drifts:
            log.error("a cached copy differed from the database", **_logged(one))
            findings.checked(WHAT.get(one.kind, Checked.PART), 0, 1)
        findings.explain([replace(one, is_repaired=not dry_run) for one in drifts])

    def _not_compared(self, findings: Findings, error: CacheUnavailableError) -> None:
        log.warning("cache not compared", error=str(error))
        findings.add("cache_not_compared", [str(error)])


def _named(one: Drift) -> Any:
    """Return a part by its number, a list by its key."""
    kind, _, number = one.subject.partition(" ")
    return int(number) if kind == "part" else one.subject


def _logged(one: Drift) -> dict[str, Any]:
    return {name: value for name, value in drift.explained(one).items() if name != "repaired"}


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
