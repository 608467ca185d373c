"""How processes log: readable lines in development, JSON in production; web processes are rate-limited.

Any client can make a web process log an error as often as it likes. So each kind of line is logged at most once a second,
together with how many were withheld. What somebody did who is known (`actor`) is always logged.

Two logs are told apart by `channel`: SECURITY (log-ins, refusals, revocations, changes of rights), and in production TRACE: a
line for each request of staff and each batch of deliveries, with the ids that tie them together.
"""

import logging
import sys
import time
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import structlog

SECURITY, TRACE = "security", "trace"
# Kinds remembered; beyond that, all are forgotten.
_MAX_KINDS = 1_000


class OncePerSecond:
    """Lets one line of each kind through per second."""

    def __init__(self) -> None:
        self._last: dict[object, float] = {}
        self._withheld: dict[object, int] = {}

    def withheld(self, kind: object) -> int | None:
        """Return None to withhold a line of this kind, or how many have been withheld since the last one."""
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
    """Set up logging for this process. Libraries' messages are shown from WARNING up.

    Args:
        limited: whether to show each kind of line at most once a second.
    """
    limiter = OncePerSecond()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s") if development else _json_of_libraries())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if limited:
        handler.addFilter(_Limit(limiter))
    if not development:
        logging.captureWarnings(True)  # noqa: FBT003 — as the standard library has it
        sys.excepthook = _log_uncaught

    def limit(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        kind: tuple[object, ...] = (event.get("level"), event.get("event"), _origin(event.get("exc_info")))
        if event.get("channel") in {SECURITY, TRACE}:
            if event.get("actor"):
                return event
            # Whoever floods the log keeps nobody else out of it.
            kind += (event.get("address"),)
        count = limiter.withheld(kind)
        if count is None:
            raise structlog.DropEvent
        if count:
            event["withheld"] = count
        return event

    renderer: structlog.typing.Processor = structlog.processors.JSONRenderer(default=str)
    if development:
        renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            *([_without_trace] if development else []),
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


def _json_of_libraries() -> logging.Formatter:
    """Return what turns libraries' records into lines like ours."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str),
        ],
    )


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log what ends a process; a Ctrl-C as ever."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    logging.getLogger("uncaught").critical("the process ends", exc_info=(kind, error, trace))


def _without_trace(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if event.get("channel") == TRACE:
        raise structlog.DropEvent
    return event


def _origin(exc_info: Any) -> object:
    """Return what distinguishes one error from another: its class, and the line that raised it."""
    error = exc_info[1] if isinstance(exc_info, tuple) else sys.exc_info()[1] if exc_info is True else exc_info
    if not isinstance(error, BaseException):
        return None
    trace: TracebackType | None = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return type(error), trace and (trace.tb_frame.f_code.co_filename, trace.tb_lineno)
