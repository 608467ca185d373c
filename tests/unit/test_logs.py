"""What a web process logs when a client provokes errors."""

import json
import subprocess
import sys

from config import REPOSITORY

FLOOD = """
import logging, structlog, sys
from app.logs import configure

configure(development=False, limited=True)
log = structlog.get_logger()

def fail(number):
    raise ValueError(number)

for number in range(2_000):
    log.warning("unreadable", number=number)
    logging.getLogger("library").error("cannot %s", number)
    try:
        fail(number)
    except ValueError:
        log.exception("unexpected error")
        logging.getLogger("library").exception("broken")
log.warning("another kind")
try:
    raise KeyError("elsewhere")
except KeyError:
    log.exception("unexpected error")
"""


def test_each_kind_of_line_is_written_once_a_second_and_no_kind_hides_another() -> None:
    done = subprocess.run([sys.executable, "-c", FLOOD], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=True)
    lines = done.stderr.splitlines()
    seconds = 30
    assert len(lines) < seconds * 12
    for kind in ("unreadable", "cannot", "broken", "another kind", "ValueError", "KeyError"):
        assert any(kind in line for line in lines), kind


IN_PRODUCTION = """
import logging, structlog, warnings
from app.logs import SECURITY, TRACE, configure

configure(development=DEVELOPMENT, limited=True)
try:
    raise ValueError("first\\nsecond")
except ValueError:
    logging.getLogger("library").exception("broken by %s", "it")
    structlog.get_logger().exception("broken by us")
warnings.warn("old-fashioned")
security, trace = structlog.get_logger(channel=SECURITY), structlog.get_logger(channel=TRACE)
for number in range(50):
    security.info("known", actor="Ada", number=number)
    security.warning("unknown", address="192.0.2.1")
security.warning("unknown", address="192.0.2.2")
trace.info("request", actor="Ada")
raise KeyError("the end")
"""


def _said(*, development: bool) -> list[str]:
    program = IN_PRODUCTION.replace("DEVELOPMENT", str(development))
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stderr.splitlines()


def test_in_production_every_line_is_json_libraries_tracebacks_and_what_ends_the_process_too() -> None:
    lines = [json.loads(line) for line in _said(development=False)]
    by_event = {line["event"]: line for line in lines}
    for broken in ("broken by it", "broken by us"):
        assert "second" in by_event[broken]["exception"]
        assert {"level", "timestamp"} <= by_event[broken].keys()
    assert by_event["broken by it"]["logger"] == "library"
    assert any("old-fashioned" in event for event in by_event)
    assert "KeyError" in by_event["the process ends"]["exception"]


def test_who_floods_the_security_log_keeps_nobody_else_out_of_it() -> None:
    lines = [json.loads(line) for line in _said(development=False)]
    security = [line for line in lines if line.get("channel") == "security"]
    assert sum(line["event"] == "known" for line in security) == 50
    seconds = 30
    assert sum(line.get("address") == "192.0.2.1" for line in security) < seconds
    assert sum(line.get("address") == "192.0.2.2" for line in security) == 1


def test_in_development_the_lines_of_requests_are_left_out() -> None:
    text = "\n".join(_said(development=True))
    assert "known" in text
    assert "request" not in text
