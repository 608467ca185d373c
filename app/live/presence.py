"""Who has which part open: kept in Valkey, for all web processes, and forgotten by itself. No promise rests on it.

A panel says `open` every ten seconds. What has not been said again for `LIFETIME` is dropped by whichever process looks next, and
that one tells the panels, so that one whose process died does not stay for ever.
"""

import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import structlog
from redis import Redis
from redis.exceptions import RedisError

from app.contract.formats import rfc3339
from app.contract.messages.staff import PresenceEvent, PresentPerson
from app.contract.messages.states import Person

log = structlog.get_logger()

# Seconds after the last beat; and between two looks for those that are silent.
LIFETIME = 30.0
SWEEP_EVERY = 2.0
# Parts that one connection may have open.
MAX_OPEN = 20
KEY = "presence"
_SCRIPT = Path(__file__).with_suffix(".lua").read_text()


class Presence:
    """What this process knows of its own connections, and all processes together of everybody.

    Args:
        client: a client of the server that all web processes share.
        prefix: what every key there begins with.
        tell: tells all panels that a part's people have changed.
        lifetime: seconds for which a beat counts.
    """

    def __init__(self, client: Redis, prefix: str, tell: Callable[[PresenceEvent], None], lifetime: float = LIFETIME) -> None:
        self._script = client.register_script(_SCRIPT)
        self._key = prefix + KEY
        self._tell = tell
        self._lifetime = round(lifetime * 1000)
        self._open: dict[str, set[int]] = {}

    def enter(self, connection: str) -> None:
        """Note a connection that may open parts."""
        self._open[connection] = set()

    def opened(self, connection: str) -> set[int]:
        """Return the parts that a connection has open."""
        return self._open.get(connection, set())

    def open(self, connection: str, part_id: int, person: Person, field: str | None) -> list[PresentPerson]:
        """Note that somebody has a part open, still or from now on, and return everybody who has.

        Raises:
            RedisError: if the server is down or slow; nothing may have been noted.
        """
        self.opened(connection).add(part_id)
        value = orjson.dumps({"id": person["id"], "name": person["name"], "field": field})
        people = self._run("open", part_id, connection, value)
        if connection not in self._open:
            # It ended meanwhile, and has closed what was open before.
            self._run("close", part_id, connection)
        return people.get(part_id, [])

    def close(self, connection: str, part_id: int) -> None:
        """Note that a connection has a part open no longer.

        Raises:
            RedisError: if the server is down or slow; then it is forgotten by itself.
        """
        self.opened(connection).discard(part_id)
        self._run("close", part_id, connection)

    def leave(self, connection: str) -> None:
        """Close everything that a connection had open, which has ended."""
        for part_id in self._open.pop(connection, set()):
            try:
                self._run("close", part_id, connection)
            except RedisError as error:
                log.warning("presence not ended, it lapses", error=str(error))
                return

    def sweep(self) -> None:
        """Forget what has not been said for too long.

        Raises:
            RedisError: if the server is down or slow.
        """
        self._run()

    def start(self) -> None:
        """Sweep until the process ends, in a thread of its own."""
        threading.Thread(target=self._sweep_forever, name="presence", daemon=True).start()

    def _sweep_forever(self) -> None:
        while True:
            time.sleep(SWEEP_EVERY)
            try:
                self.sweep()
            except Exception as error:  # noqa: BLE001 — whatever it is, the next sweep may succeed
                log.warning("presence not swept", error=repr(error))

    def _run(self, *what: Any) -> dict[int, list[PresentPerson]]:
        """Run the script, tell of what has changed, and return the people of the parts that it speaks of."""
        found: dict[int, list[PresentPerson]] = {}
        for part, is_changed, values in self._script(keys=[self._key], args=[self._lifetime, *what]):
            part_id, people = int(part), _people(values)
            found[part_id] = people
            if is_changed:
                self._tell({"part_id": part_id, "people": people})
        return found


def _people(values: Sequence[bytes]) -> list[PresentPerson]:
    """Return the people of a part, whoever has had it open for longest first; each once for each field."""
    people: dict[tuple[int, str | None], PresentPerson] = {}
    for since, _, person in sorted((value.partition(b" ") for value in values), key=lambda parts: int(parts[0])):
        who = orjson.loads(person)
        at = rfc3339(datetime.fromtimestamp(int(since) / 1000, UTC))
        people.setdefault((who["id"], who["field"]), {"id": who["id"], "name": who["name"], "field": who["field"], "since": at})
    return list(people.values())
