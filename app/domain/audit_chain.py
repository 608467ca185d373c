"""The audit trail's hash chain: each row's hash covers the row and the previous hash, so that no row can be changed, removed or
inserted without changing every hash after it.

After B. Schneier and J. Kelsey, "Secure Audit Logs to Support Computer Forensics" (ACM TISSEC 2, 1999).
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

GENESIS = "0" * 64
COLUMNS = (
    "event_id", "table_name", "record_id", "part_id", "operation", "version", "old_values", "new_values", "changed_by",
    "api_key_id", "changed_at", "ip_address", "user_agent", "request_id", "reason",
)  # fmt: skip
# A report names at most this many broken places: one is enough to know, and a rewritten table would list every row.
MAX_NAMED = 20


def digest(row: Mapping[str, Any]) -> str:
    """Return the digest of a row, taken over a canonical JSON text that is the same before the row is stored and after it is
    read back: keys sorted, ASCII only, times in UTC with microseconds.
    """
    canonical = json.dumps({name: row[name] for name in COLUMNS}, sort_keys=True, separators=(",", ":"), default=_plain)
    return hashlib.sha256(canonical.encode()).hexdigest()


def link(previous: str, row_digest: str) -> str:
    """Return the hash of a row that follows one whose hash is `previous`."""
    return hashlib.sha256((previous + row_digest).encode()).hexdigest()


def _plain(value: object) -> str:
    return value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else str(value)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ends, according to the row of `audit_chain`. `last_id` is None while it is empty.

    `beyond` counts the rows past that end at the same moment; an append changes both together, so it should be 0.
    """

    last_id: int | None
    last_hash: str
    length: int
    beyond: int = 0


@dataclass(frozen=True, slots=True)
class _Misfit:
    """A row that does not fit, and the hash before it: the next row shows whether this one was inserted."""

    id: int
    why: str
    before: str


class Verifier:
    """Walks the rows in id order and notes where the chain is broken.

    Args:
        head: the end that the chain should have.
        noted: the id and hash of an end noted earlier, which must still be a row of the chain.
        previous: the hash before the first row seen, if not the whole chain is walked.
    """

    def __init__(self, head: Head, noted: tuple[int, str] | None = None, previous: str = GENESIS) -> None:
        self.broken: list[str] = []
        self.length = 0
        self._head = head
        self._noted = noted
        self._whole = previous == GENESIS
        self._previous = previous
        self._last_id: int | None = None
        self._misfit: _Misfit | None = None

    def see(self, row: Mapping[str, Any]) -> None:
        """Check the next row."""
        self.length += 1
        misfit, row_digest = None, digest(row)
        continues_before_misfit = self._misfit is not None and row["hash"] == link(self._misfit.before, row_digest)
        if row["hash"] != link(self._previous, row_digest) and not continues_before_misfit:
            misfit = _Misfit(row["id"], self._place(row["id"]), self._previous)
        if self._misfit is not None:
            inserted = f"row {self._misfit.id} was inserted: the row after it continues the chain without it"
            self._note(inserted if continues_before_misfit else self._misfit.why)
        self._misfit = misfit
        if self._noted is not None and row["id"] == self._noted[0]:
            self._check_noted(row["hash"], self._noted)
        self._previous, self._last_id = row["hash"], row["id"]

    def _place(self, row_id: int) -> str:
        if self._last_id is not None and row_id == self._last_id + 1:
            return f"row {row_id} was changed, or its hash was"
        after = "the beginning" if self._last_id is None else f"row {self._last_id}"
        return f"row {row_id} does not follow {after}: rows between them are missing, or it was changed"

    def _check_noted(self, stored: str, noted: tuple[int, str]) -> None:
        if stored != noted[1]:
            self._note(f"row {noted[0]} has another hash than the one noted: the chain was rewritten")
        self._noted = None

    def finish(self) -> None:
        """Compare the end of the rows with the head."""
        if self._misfit is not None:
            self._note(self._misfit.why)
        if self._last_id != self._head.last_id:
            self._note(f"the tail is cut off: the last row is {self._last_id}, the head says {self._head.last_id}")
        elif self._previous != self._head.last_hash:
            self._note("the head's hash is not that of the last row")
        if self._head.beyond:
            self._note(f"{self._head.beyond} rows were inserted behind the head")
        if self._whole and self.length != self._head.length:
            self._note(f"there are {self.length} rows, the head counts {self._head.length}")
        if self._noted is not None:
            self._note(f"row {self._noted[0]}, noted earlier as the head, is not part of the chain")

    def _note(self, what: str) -> None:
        if len(self.broken) < MAX_NAMED:
            self.broken.append(what)
