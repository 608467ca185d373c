"""Watches over the panel's open connections: each ends with the session or key that it was opened with.

Whatever ends those (a log-out, a revoked key, a changed role or password, expiry, idleness, a manual change in psql) ends them in
PostgreSQL, which is therefore polled twice a second, with one query for all connections of the process. This needs no message to
arrive. While the database does not answer, nobody's right can be verified, and a connection not verified for `PROOF_LASTS`
seconds is dropped; it reconnects by itself once the database is back.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.services.authentication import Principal

log = structlog.get_logger()

# Seconds.
CHECK_EVERY = 0.5
PROOF_LASTS = 2.0


@dataclass(slots=True)
class _Guest:
    principal: Principal
    proven_at: float


class Standing:
    """Who is connected, with which right, and when that was last verified.

    Args:
        rights: returns the role of each of the given credentials (digests) that is still valid.
        end: ends a connection whose right has ended.
        drop: drops a connection whose right cannot be verified.
    """

    def __init__(
        self, rights: Callable[[Sequence[str]], Mapping[str, str]], end: Callable[[str], None], drop: Callable[[str], None]
    ) -> None:
        self._rights = rights
        self._end = end
        self._drop = drop
        self._guests: dict[str, _Guest] = {}

    def admit(self, sid: str, principal: Principal, proven_at: float) -> None:
        """Watch over a connection whose right was verified at `proven_at` (of `time.monotonic`)."""
        self._guests[sid] = _Guest(principal, proven_at)

    def principal(self, sid: str) -> Principal | None:
        """Return who a connection belongs to; None if it has ended."""
        guest = self._guests.get(sid)
        return guest.principal if guest else None

    def forget(self, sid: str) -> bool:
        """Stop watching a connection that has ended; return whether it was being watched."""
        return self._guests.pop(sid, None) is not None

    def start(self) -> None:
        """Watch until the process ends, in two threads: unverified connections are dropped even while a query hangs."""
        for part in (self.check, self.drop_unproven):
            threading.Thread(target=_forever, args=(part,), name=part.__name__, daemon=True).start()

    def check(self) -> None:
        """End the connections whose session or key has ended, or whose role has changed."""
        guests = list(self._guests.items())
        if not guests:
            return
        asked_at = time.monotonic()
        try:
            rights = self._rights(list({guest.principal.digest for _, guest in guests}))
        except SQLAlchemyError as error:
            log.warning("the right of open panels cannot be proven", error=type(error).__name__)
            return
        for sid, guest in guests:
            if rights.get(guest.principal.digest) == guest.principal.role:
                guest.proven_at = asked_at
            elif sid in self._guests:
                _surely(self._end, sid)

    def drop_unproven(self) -> None:
        """Drop the connections whose right was last verified too long ago."""
        now = time.monotonic()
        for sid, guest in list(self._guests.items()):
            if now - guest.proven_at > PROOF_LASTS:
                _surely(self._drop, sid)


def _forever(part: Callable[[], None]) -> None:
    while True:
        time.sleep(CHECK_EVERY)
        _surely(part)


def _surely(do: Callable[..., None], *arguments: str) -> None:
    """Do something; if it fails, the remaining connections still get their turn, and this one is retried."""
    try:
        do(*arguments)
    except Exception as error:  # noqa: BLE001 — if the watch died, everybody could stay
        log.error("the watch over open panels stumbled", error=repr(error))
