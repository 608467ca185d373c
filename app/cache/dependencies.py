"""What the answer being made depends on: the keys of the parts that were read for it, and the generations of its lists.

An HTTP cache in front of the shop is told of it, so that it drops the answer when one of them changes.
"""

from collections.abc import Iterable
from contextvars import ContextVar

_NOTED: ContextVar[set[str] | None] = ContextVar("dependencies", default=None)


def note_dependencies() -> set[str]:
    """Return a set to which the keys are added that are read from now on in this context (`contextvars`)."""
    noted: set[str] = set()
    _NOTED.set(noted)
    return noted


def depends_on(keys: Iterable[str]) -> None:
    """Note that the answer being made depends on these keys, if somebody wants to know."""
    if (noted := _NOTED.get()) is not None:
        noted.update(keys)
