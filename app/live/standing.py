"""Keeps watch over the panel's open connections: each ends with the session or key that let it in.

Whatever ends these (a log-out, a revoked key, another role or password, time, somebody at the database's own prompt) ends them in
PostgreSQL; so that is asked, for all connections of the process in one query, twice a second. It holds without any message.
While the database does not answer, nobody's right is proven, and a connection that was not proven for `PROOF_LASTS` seconds is
dropped; it comes back by itself once the database does.
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
    """Who is connected, by which right, and when that was last proven.

    Args:
        rights: returns the role of each of the given credentials (digests) that still counts.
        end: ends a connection whose right has ended.
        drop: drops a connection whose right cannot be proven.
    """

    def __init__(
        self, rights: Callable[[Sequence[str]], Mapping[str, str]], end: Callable[[str], None], drop: Callable[[str], None]
    ) -> None:
        self._rights = rights
        self._end = end
        self._drop = drop
        self._guests: dict[str, _Guest] = {}

    def admit(self, sid: str, principal: Principal, proven_at: float) -> None:
        """Watch over a connection, whose right was proven at this moment of `time.monotonic`."""
        self._guests[sid] = _Guest(principal, proven_at)

    def forget(self, sid: str) -> bool:
        """Watch no more over a connection that has ended; return whether it was one of these."""
        return self._guests.pop(sid, None) is not None

    def start(self) -> None:
        """Watch until the process ends. Unproven connections are dropped also while the database keeps us waiting."""
        for part in (self.check, self.drop_unproven):
            threading.Thread(target=_forever, args=(part,), name=part.__name__, daemon=True).start()

    def check(self) -> None:
        """End the connections whose session or key has ended, or gives another role by now."""
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
        """Drop the connections whose right was last proven too long ago."""
        now = time.monotonic()
        for sid, guest in list(self._guests.items()):
            if now - guest.proven_at > PROOF_LASTS:
                _surely(self._drop, sid)


def _forever(part: Callable[[], None]) -> None:
    while True:
        time.sleep(CHECK_EVERY)
        _surely(part)


def _surely(do: Callable[..., None], *arguments: str) -> None:
    """Do something; if it fails, the connections that come after still have their turn, and this one has another."""
    try:
        do(*arguments)
    except Exception as error:  # noqa: BLE001 — a watch that ended would let everybody stay
        log.error("the watch over open panels stumbled", error=repr(error))
