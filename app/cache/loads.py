"""Loads from the database, as one process makes them: shared by all who want the same, and bounded in number.

Without that an overload would feed itself: slow loads make more of them, which make each slower.
"""

import threading
import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, TypeVar, cast

from app.domain.errors import BusyError
from app.domain.turns import Turns

T = TypeVar("T")

# Loads at a time, together fewer than a web process has connections, so that writers and staff always get one. Dear ones are as
# many as keep a process busy; more would only keep the database from the others, and from the proof of freshness.
AT_ONCE = 4
DEAR_AT_ONCE = 2
# Of either, this many are left to others while there are any: one caller's loads keep neither the process nor the database from
# them.
LEFT = 1
# How many more wait for their turn, and for how many seconds before they are refused: in a burst, and in a standing queue.
WAITING = 100
PATIENCE = 1.0
STANDING = 0.1
# Seconds that somebody waits for another's load: its own wait, and as long as a statement may take.
LONGEST = PATIENCE + 6.0
# How many results are kept for so many seconds, for those who read the same token before the result is in the cache.
KEPT, KEPT_FOR = 64, 1.0


class _Load:
    """One load, awaited by any number of callers."""

    def __init__(self, after: "_Load | None" = None) -> None:
        self.after = after
        self._ended = threading.Event()
        self._value: Any = None
        self._error: Exception | None = None

    def run(self, turn: AbstractContextManager[None], begin: Callable[[], None], load: Callable[[], T]) -> T:
        """Load once the load before has ended and it is our turn, and hand the result to whoever waits."""
        self._error = BusyError()
        try:
            if self.after is not None:
                self.after.ended()
                self.after = None
            with turn:
                begin()
                self._value = load()
            self._error = None
        except Exception as error:
            self._error = error
            raise
        finally:
            self._ended.set()
        return cast("T", self._value)

    def ended(self) -> bool:
        """Wait for its end; return whether it came."""
        return self._ended.wait(LONGEST)

    def result(self) -> Any:
        """Wait for its end and return what it loaded.

        Raises:
            BusyError: if that takes too long.
            Exception: what the load raised.
        """
        if not self.ended():
            raise BusyError
        if self._error is not None:
            raise self._error
        return self._value


class Loads:
    """The loads of one process. Thread-safe, for threads green and real.

    Args:
        admits_dear: whether a dear load may be begun now.
        caller: whom this thread serves.
    """

    def __init__(self, admits_dear: Callable[[], bool] = lambda: True, caller: Callable[[], str] = str) -> None:
        self._admits_dear = admits_dear
        self._caller = caller
        self._turns = {
            is_dear: Turns(at_once, WAITING, PATIENCE, STANDING, share=at_once - LEFT)
            for is_dear, at_once in ((False, AT_ONCE), (True, DEAR_AT_ONCE))
        }
        self._lock = threading.Lock()
        self._under: dict[tuple[str, str], _Load] = {}
        self._kept: dict[tuple[str, str], tuple[float, _Load]] = {}
        self._waiting: dict[Hashable, _Load] = {}
        self._running: dict[Hashable, _Load] = {}

    def under(
        self, tokens: Mapping[str, str], load: Callable[[list[str]], Mapping[str, T]], *, dear: bool = False
    ) -> dict[str, T]:
        """Return the values of keys, each under the token that the caller has just read for it; those that are being loaded under
        the same token are not loaded again.

        Such a token must change with every invalidation: then whoever reads it may have what was loaded under it before.

        Raises:
            BusyError: if too many loads are under way, or dear ones are being refused.
        """
        own, value = _Load(), cast("dict[str, T]", {})
        with self._lock:
            others = {name: self._under[name] for name in tokens.items() if name in self._under}
            names = [name for name in tokens.items() if name not in others]
            if names and dear and not self._admits_dear():
                raise BusyError
            self._under.update(dict.fromkeys(names, own))
        if names:
            try:
                value |= own.run(self._turn(dear=dear), lambda: None, lambda: load([key for key, _token in names]))
            finally:
                with self._lock:
                    for name in names:
                        del self._under[name]
                        if value:
                            self._keep(name, own)
        return value | _values(others)

    def join(self, tokens: Mapping[str, str]) -> dict[str, Any]:
        """Return the values of those keys that are being loaded here under these tokens, once they are, or were a moment ago:
        whoever loads may wait for the event loop, or for another process, before the cache has it.

        Raises:
            Exception: what their loads raise.
        """
        with self._lock:
            others = {name: load for name in tokens.items() if (load := self._under.get(name) or self._recent(name))}
        return _values(others)

    def _recent(self, name: tuple[str, str]) -> _Load | None:
        until, load = self._kept.get(name, (0.0, None))
        return load if time.monotonic() < until else None

    def _keep(self, name: tuple[str, str], load: _Load) -> None:
        if len(self._kept) >= KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[name] = (time.monotonic() + KEPT_FOR, load)

    def shared(self, key: Hashable, load: Callable[[], T], *, dear: bool = False) -> T:
        """Return what a load with this key returns that begins after this call; callers who have no token share it.

        Raises:
            BusyError: if too many loads are under way, or dear ones are being refused.
        """
        with self._lock:
            found = self._waiting.get(key)
            if found is None:
                if dear and not self._admits_dear():
                    raise BusyError
                own = self._waiting[key] = _Load(self._running.get(key))
        if found is not None:
            return cast("T", found.result())

        def begin() -> None:
            with self._lock:
                del self._waiting[key]
                self._running[key] = own

        try:
            return own.run(self._turn(dear=dear), begin, load)
        finally:
            with self._lock:
                for place in (self._waiting, self._running):
                    if place.get(key) is own:
                        del place[key]

    def _turn(self, *, dear: bool) -> AbstractContextManager[None]:
        return self._turns[dear].turn(self._caller())


def _values(loads: Mapping[tuple[str, str], _Load]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for load in _each_once(loads.values()):
        loaded = load.result()
        values |= {key: loaded[key] for (key, _token), its in loads.items() if its is load and key in loaded}
    return values


def _each_once(loads: Iterable[_Load]) -> list[_Load]:
    return list(dict.fromkeys(loads))
