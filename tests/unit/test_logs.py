"""What a web process writes when somebody makes it complain."""

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
