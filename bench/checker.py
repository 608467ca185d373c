"""Judges a history of reads and writes that clients recorded: was any answer older, or newer, than it may be?

Per part and aspect the versions are totally ordered and every write creates exactly one, so each rule is a sweep over the
operations in order of time, with a running maximum: O(n log n), whereas checking linearisability in general is NP-complete.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

# How long anything that is out of date may be served, in seconds, even if its successor was never acknowledged.
BOUND = 2.0


class Kind(StrEnum):
    """What a client did."""

    READ = "read"
    WRITE = "write"
    COMMIT = "commit"  # the database was seen to hold the version, whether or not its writer was answered


class Rule(StrEnum):
    """What a history may violate."""

    FRESHNESS = "freshness"  # a read sees at least what was acknowledged before it began
    STALENESS = "staleness"  # a read sees at least what somebody has been shown, or the database has held, for two seconds
    FUTURE = "future"  # a read sees nothing whose write had not begun before the read ended
    MONOTONIC = "monotonic"  # within a session, a read sees at least what the session has read before
    OWN_WRITES = "own-writes"  # within a session, a read sees at least what the session has written before
    ORDER = "order"  # a write that began after another was acknowledged creates a higher version; none is assigned twice


@dataclass(frozen=True, slots=True)
class Operation:
    """One call as its client saw it, timed in seconds by one clock. A write without an answer has no version and never ends."""

    kind: Kind
    session: int
    part: int
    aspect: str
    version: int | None
    start: float
    end: float = math.inf


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule broken by `operation`, whose version should have been at least (for FUTURE, at most) `bound`."""

    rule: Rule
    operation: Operation
    bound: int

    def __str__(self) -> str:
        one = self.operation
        return (
            f"{self.rule}: session {one.session} had {one.aspect} version {one.version} of part {one.part}"
            f" at {one.start:.4f}..{one.end:.4f}, bound {self.bound}"
        )


def check(history: Iterable[Operation]) -> list[Violation]:
    """Return every violation in `history`."""
    groups: dict[tuple[int, str], list[Operation]] = defaultdict(list)
    for operation in history:
        groups[operation.part, operation.aspect].append(operation)
    return [violation for group in groups.values() for violation in _check_group(group)]


def _check_group(group: Sequence[Operation]) -> list[Violation]:
    reads = sorted((o for o in group if o.kind is Kind.READ), key=lambda o: o.start)
    writes = [o for o in group if o.kind is Kind.WRITE]
    sessions: dict[int, list[Operation]] = defaultdict(list)
    for read in reads:
        sessions[read.session].append(read)
    violations = _older(Rule.FRESHNESS, reads, writes) + _from_the_future(reads, writes) + _disordered(writes)
    violations += _older(Rule.STALENESS, reads, [o for o in group if o.kind is not Kind.WRITE], BOUND)
    for session, own in sessions.items():
        violations += _older(Rule.MONOTONIC, own, own)
        violations += _older(Rule.OWN_WRITES, own, [w for w in writes if w.session == session])
    return violations


def _older(rule: Rule, reads: Sequence[Operation], before: Iterable[Operation], grace: float = 0.0) -> list[Violation]:
    """Return the `reads` (sorted by start) that saw less than an operation of `before` that had ended when they began, and for
    more than `grace` seconds."""
    ended = sorted((o.end + grace, o.version) for o in before if o.version is not None)
    violations, floor, at = [], 0, 0
    for read in reads:
        while at < len(ended) and ended[at][0] < read.start:
            floor = max(floor, ended[at][1])
            at += 1
        if read.version is not None and read.version < floor:
            violations.append(Violation(rule, read, floor))
    return violations


def _from_the_future(reads: Sequence[Operation], writes: Sequence[Operation]) -> list[Violation]:
    """Return the reads of versions that cannot have existed when they ended.

    A version's own write must have begun. If that is unknown, because its write was never answered, enough unanswered writes
    must have begun on top of the highest answered one.
    """
    if not writes:
        return []
    begun = {w.version: w.start for w in writes if w.version is not None}
    first = min(begun, default=None)
    if first is None:
        return []
    starts = sorted(writes, key=lambda w: w.start)
    violations, highest, unanswered, at = [], first - 1, 0, 0
    for read in sorted(reads, key=lambda r: r.end):
        while at < len(starts) and starts[at].start <= read.end:
            version = starts[at].version
            if version is None:
                unanswered += 1
            else:
                highest = max(highest, version)
            at += 1
        version = read.version or 0
        bound = highest if version in begun else max(highest, first - 1) + unanswered
        if version > bound or begun.get(version, -math.inf) > read.end:
            violations.append(Violation(Rule.FUTURE, read, bound))
    return violations


def _disordered(writes: Sequence[Operation]) -> list[Violation]:
    answered = [w for w in writes if w.version is not None]
    by_version = sorted(answered, key=lambda w: w.version or 0)
    twice = [Violation(Rule.ORDER, b, (a.version or 0) + 1) for a, b in pairwise(by_version) if a.version == b.version]
    return twice + _older(Rule.ORDER, sorted(answered, key=lambda w: w.start), answered)
