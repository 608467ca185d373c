"""What every write is told besides its values: who makes it, why, and which present state it expects."""

from dataclasses import dataclass
from typing import Any

from app.contract.events import Actor
from app.domain.errors import ConcurrencyError
from app.store.idempotency import KeyedCall


class PreconditionFailedError(ConcurrencyError):
    """Concurrent modification detected"""

    code = "concurrent_modification"


@dataclass(frozen=True, slots=True)
class Expected:
    """The version that the writer saw. `by_header` says how it was stated: in `If-Match` (412) or in the body (409)."""

    version: int | None = None
    by_header: bool = False

    def check(self, entity: str, present: int, current: dict[str, Any]) -> None:
        """Refuse the write if a version was stated and it is not the present one.

        Raises:
            ConcurrencyError: with the current state, so that the writer can recover.
        """
        if self.version is not None and self.version != present:
            raise (PreconditionFailedError if self.by_header else ConcurrencyError)(entity, current)


# Accepts whatever version is present.
ANY = Expected()


@dataclass(frozen=True, slots=True)
class Intent:
    """Somebody's wish to change something: who, the version they saw, the reason they gave, and the call by which they may
    state the same wish again, each if any."""

    actor: Actor
    expected: Expected = ANY
    reason: str | None = None
    call: KeyedCall | None = None
