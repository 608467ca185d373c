"""Where work goes that would keep the event loop busy for too long."""

from collections.abc import Callable
from typing import Any

# Runs a function with its arguments outside the event loop, if there is one, and returns its result. The function must not use
# the database or the cache: their connections belong to the loop's own thread.
Offload = Callable[..., Any]


def at_once(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function right here, in a process without an event loop."""
    return function(*arguments)
