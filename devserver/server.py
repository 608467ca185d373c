"""A child that others connect to: it counts as started once it answers."""

import abc
import time

from devserver.errors import StartError
from devserver.process import Child

# Recovery after a crash replays at most `max_wal_size` of PostgreSQL's log.
_START_SECONDS = 120.0
_POLL_SECONDS = 0.03


class Server(Child, abc.ABC):
    """A database-like server with its own data, which is restarted whatever state that was left in."""

    @abc.abstractmethod
    def prepare(self) -> None:
        """Put everything in place for a start; runs before each attempt, so it also cleans up after a crash."""

    @abc.abstractmethod
    def answers(self) -> bool:
        """Whether it accepts connections and has what its clients need."""

    def revive(self) -> None:
        """Start it and wait until it answers, retrying while leftovers of a killed predecessor keep it from starting.

        Raises:
            StartError: it did not answer within two minutes.
        """
        deadline = time.monotonic() + _START_SECONDS
        while not self.unwanted.is_set():
            self.prepare()
            super().revive()
            if self._becomes_ready(deadline):
                return
            if time.monotonic() > deadline:
                self.kill()
                raise StartError(f"{self.name} does not start. Its last words:\n{self.last_words}")
            self.unwanted.wait(0.2)

    def _becomes_ready(self, deadline: float) -> bool:
        while self.running and time.monotonic() < deadline:
            if self.answers():
                return True
            self.unwanted.wait(_POLL_SECONDS)
        return False
