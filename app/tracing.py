"""Traces for OpenTelemetry: from a request by its unit of work to what pages are sent, across processes.

Off, and next to free, in a process that does not call `start`. What follows a commit happens elsewhere, so the trace's context
goes with the event (a W3C `traceparent` in its payload) and with what web processes are told to emit.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.otlp import RequestSpan, Tracing

# One for a process: there is one collector, and those who follow a request are passed nothing.
_tracing: "Tracing | None" = None
_NOTHING = nullcontext()


def start(process: str) -> None:
    """Trace this process from now on.

    Args:
        process: what it is, such as `web`.
    """
    global _tracing
    # An extra, which is not installed everywhere.
    from app.otlp import Tracing

    _tracing = Tracing(process)


def stop() -> None:
    """Send what has not been sent yet, if the collector takes it soon, and trace no more."""
    global _tracing
    if _tracing is not None:
        ended, _tracing = _tracing, None
        ended.close()


def is_on() -> bool:
    """Return whether this process is traced."""
    return _tracing is not None


def request(method: str, header: Callable[[str], str | None]) -> "RequestSpan | None":
    """Begin the span of a request, which continues its caller's trace; None if nothing is traced. The caller ends it.

    Args:
        header: gives the value of the request's header of a name, if there is one.
    """
    return None if _tracing is None else _tracing.request(method, header)


def span(name: str) -> AbstractContextManager[object]:
    """Measure a block as a part of what is being done."""
    return _NOTHING if _tracing is None else _tracing.span(name)


def traceparent() -> str | None:
    """Return what others need to continue the present trace; None if there is none."""
    return None if _tracing is None else _tracing.traceparent()


def following(
    name: str, traceparents: Sequence[str | None], attributes: Mapping[str, str | int] | None = None
) -> AbstractContextManager[Sequence[str | None] | None]:
    """Measure a block as a part of each of the traces that caused it. Gives their continuations, in the same order; None if none
    is traced."""
    return _NOTHING if _tracing is None else _tracing.following(name, traceparents, attributes)
