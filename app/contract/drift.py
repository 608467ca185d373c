"""What a copy of the truth can be found to say wrongly, and how that is explained."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

# Characters of a value that a report shows: a description may have a hundred thousand.
SHOWN = 200


class DriftKind(StrEnum):
    """What differs from PostgreSQL, and how. What an operator does about each is in docs/operations.md."""

    # What customers are served of a part: an older version, one that there never was, or the right one with another content.
    CACHE_STALE = "cache_stale"
    CACHE_AHEAD = "cache_ahead"
    CACHE_WRONG = "cache_wrong"
    CACHE_LIST = "cache_list"
    CACHE_TREE = "cache_tree"
    # The answer is right, but not the tag by which clients recognise it.
    ETAG_WRONG = "etag_wrong"
    # An open page that has not been told of a change.
    PAGE_BEHIND = "page_behind"
    # Records of events that were delivered.
    AUDIT_MISSING = "audit_missing"
    AUDIT_WRONG = "audit_wrong"
    SNAPSHOT_MISSING = "snapshot_missing"
    SNAPSHOT_WRONG = "snapshot_wrong"
    # Rows that were changed around the application, with their triggers switched off.
    STOCK_ROW = "stock_row"
    CONTENT_ROW = "content_row"
    PRICE_ROW = "price_row"
    LEGACY_PRICE = "legacy_price"
    PRICE_BOUNDARY = "price_boundary"
    # How many parts of a category say something, as facets show it.
    FACET_COUNTS = "facet_counts"


class Checked(StrEnum):
    """What is compared with PostgreSQL."""

    # A part that was changed 0.25, 2 or 60 s ago, and one of those in the cache, read as customers do, in each web process.
    CHANGED = "changed"
    SAMPLED = "sampled"
    # What an open page says that it holds.
    PAGE = "page"
    # By reconciliation: what the cache holds, and what is recorded.
    PART = "part"
    LIST = "list"
    TREE = "tree"
    AUDIT = "audit"
    SNAPSHOT = "snapshot"


class Outcome(StrEnum):
    """What came of a comparison."""

    EQUAL = "equal"
    # It differed, as it may for two seconds after a commit, and then no more.
    LATE = "late"
    # Nothing was cached that could be wrong, or it was being written all the time.
    SKIPPED = "skipped"
    DRIFT = "drift"


@dataclass(frozen=True, slots=True)
class Difference:
    """A field, by its path, with what it said and what it should have said."""

    field: str
    found: Any
    expected: Any


@dataclass(frozen=True, slots=True)
class Since:
    """The event that a copy does not know of, or that it tells wrongly: the first of them, as can be told; `at` is its moment
    (RFC 3339)."""

    event_id: int
    version: int
    at: str


@dataclass(frozen=True, slots=True)
class Drift:
    """One difference between the truth and a copy of it. `process` is the one that served it, or `reconcile`, which looks at what
    all processes share."""

    kind: DriftKind
    subject: str
    differences: tuple[Difference, ...]
    process: str
    since: Since | None = None
    is_repaired: bool = False


def differences(found: Any, expected: Any, path: str = "") -> tuple[Difference, ...]:
    """Return where two JSON values differ, objects field by field; what is missing counts as null."""
    return tuple(_differences(found, expected, path))


def _differences(found: Any, expected: Any, path: str) -> Iterator[Difference]:
    if isinstance(found, Mapping) and isinstance(expected, Mapping):
        for name in sorted(found.keys() | expected.keys()):
            yield from _differences(found.get(name), expected.get(name), f"{path}.{name}" if path else str(name))
    elif found != expected:
        yield Difference(path, found, expected)


def shortened(value: Any) -> Any:
    """Return a value as a report shows it: what is long, as the beginning of its text."""
    text = value if isinstance(value, str) else str(value)
    return f"{text[:SHOWN]}…" if len(text) > SHOWN else value
