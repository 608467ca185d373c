"""How processes log: readable lines in development, JSON in production; in web processes no more than anybody can read.

Whoever comes from outside can make a web process complain as often as they like. So it says each kind of thing once a second, and
then how often it did not.
"""

import logging
import sys
import time
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog

# Kinds that are remembered; beyond it all begin anew.
_MAX_KINDS = 1_000


class OncePerSecond:
    """Lets one line of each kind through a second."""

    def __init__(self) -> None:
        self._last: dict[object, float] = {}
        self._withheld: dict[object, int] = {}

    def withheld(self, kind: object) -> int | None:
        """Return None if a line of this kind is to be withheld, else how many were since the last one."""
        now = time.monotonic()
        if now - self._last.get(kind, float("-inf")) < 1:
            self._withheld[kind] = self._withheld.get(kind, 0) + 1
            return None
        if len(self._last) >= _MAX_KINDS:
            self._last.clear()
        self._last[kind] = now
        return self._withheld.pop(kind, 0)


class _Limit(logging.Filter):
    """Limits what libraries log."""

    def __init__(self, limiter: OncePerSecond) -> None:
        super().__init__()
        self._limiter = limiter

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be shown."""
        count = self._limiter.withheld((record.name, record.levelno, record.msg, _origin(record.exc_info)))
        if count:
            record.msg = f"{record.getMessage()} (and {count} more)"
            record.args = None
        return count is not None


def configure(*, development: bool, limited: bool = False) -> None:
    """Set up logging for this process. Libraries' own messages come through from WARNING on.

    Args:
        limited: whether each kind of line is shown once a second at most.
    """
    limiter = OncePerSecond()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    if limited:
        for handler in logging.getLogger().handlers:
            handler.addFilter(_Limit(limiter))

    def limit(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        count = limiter.withheld((event.get("level"), event.get("event"), _origin(event.get("exc_info"))))
        if count is None:
            raise structlog.DropEvent
        if count:
            event["withheld"] = count
        return event

    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer()
    if development:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            *([limit] if limited else []),
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info if not development else structlog.processors.ExceptionPrettyPrinter(),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )


def _origin(exc_info: Any) -> object:
    """Return what distinguishes one error from another: its class, and the line that raised it."""
    error = exc_info[1] if isinstance(exc_info, tuple) else sys.exc_info()[1] if exc_info is True else exc_info
    if not isinstance(error, BaseException):
        return None
    trace: TracebackType | None = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return type(error), trace and (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
