"""What the answer being made is made of, as far as it is read through the cache.

An HTTP cache in front of the shop is told the names, so that it drops the answer when one of them changes. A process that keeps
the answer has the cache confirm the rest before it sends it again (docs/adr/0019).
"""

import math
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field

from app.cache.scripting import Call
from app.contract import cache_keys


@dataclass(frozen=True, slots=True)
class Proof:
    """What must hold for an answer to be the one that would be made now.

    Attributes:
        epoch: of the cache.
        call: of `confirm.lua`, with the keys of the epoch, of generations, of entries and of lists; how many of them are tokens,
            and what the cache said of each.
        names: as in `Sources`.
        kinds: of the reads that it took.
        until: when the answer is made anew in any case (monotonic seconds).
    """

    epoch: str
    call: Call
    names: frozenset[str]
    kinds: tuple[str, ...]
    until: float


@dataclass(slots=True)
class Sources:
    """What has been read for an answer.

    Attributes:
        names: the keys of parts, and the generations of lists.
        tokens: the epoch and the generations, by their keys, as the cache said them.
        bodies: what the cache calls the bodies that it had, by their keys: never the same again for another one.
        kinds: of the reads that were counted.
        until: when it has to be read anew in any case (monotonic seconds).
        are_whole: whether that is all, and fits together: nothing came from the database, or changed between two reads.
    """

    names: set[str] = field(default_factory=set)
    tokens: dict[str, bytes] = field(default_factory=dict)
    bodies: dict[str, bytes] = field(default_factory=dict)
    kinds: list[str] = field(default_factory=list)
    until: float = math.inf
    are_whole: bool = True

    def add(self, tokens: Mapping[str, bytes], bodies: Mapping[str, bytes]) -> None:
        """Note what the cache has said."""
        for known, said in ((self.tokens, tokens), (self.bodies, bodies)):
            if any(known.setdefault(key, value) != value for key, value in said.items()):
                self.are_whole = False

    def proof(self) -> Proof | None:
        """Return what has to be confirmed before the answer may be sent again; None if nothing would confirm it."""
        if not self.are_whole or cache_keys.EPOCH not in self.tokens:
            return None
        generations = {key: token for key, token in self.tokens.items() if key != cache_keys.EPOCH}
        epoch = self.tokens[cache_keys.EPOCH]
        said = [len(self.tokens), epoch, *generations.values(), *self.bodies.values()]
        call = Call("confirm", [cache_keys.EPOCH, *generations, *self.bodies], said)
        return Proof(epoch.decode(), call, frozenset(self.names), tuple(self.kinds), self.until)


_NOTED: ContextVar[Sources | None] = ContextVar("sources", default=None)


def note_sources() -> Sources:
    """Return what everything is noted in that is read from now on in this context (`contextvars`)."""
    noted = Sources()
    _NOTED.set(noted)
    return noted


def sources() -> Sources:
    """Return what has been read for the answer being made; to be thrown away if nobody wants to know."""
    return _NOTED.get() or Sources()
