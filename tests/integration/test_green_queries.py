"""psycopg must wait through eventlet's hub: otherwise one slow query stops every connection of a web process."""

import os
import subprocess
import sys

from config import REPOSITORY
from devserver import EmbeddedServers

PROGRAM = """
import sys
import warnings
warnings.simplefilter("ignore")
import eventlet
eventlet.monkey_patch()
from sqlalchemy import text
if sys.argv[1:] == ["green"]:
    from app.live import waiting
    waiting.install()
from app.store.database import connect
from config import load_settings

engine, ticks, running = connect(load_settings().database_url), [0], [True]

def tick():
    while running[0]:
        ticks[0] += 1
        eventlet.sleep(0.01)

with engine.connect() as connection:
    other = eventlet.spawn(tick)
    connection.execute(text("SELECT pg_sleep(0.5)"))
    # More than the connection takes at once, in both directions.
    assert connection.execute(text("SELECT reverse(:much)"), {"much": "x" * 20_000_000}).scalar_one() == "x" * 20_000_000
    running[0] = False
    other.wait()
print(ticks[0])
"""


def _ticks(servers: EmbeddedServers, *arguments: str) -> int:
    environ = {name: value for name, value in os.environ.items() if name != "PSYCOPG_WAIT_FUNC"} | servers.environ
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], env=environ, cwd=REPOSITORY, capture_output=True, text=True, timeout=60,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return int(done.stdout)


def test_other_green_threads_run_while_a_query_is_slow(servers: EmbeddedServers) -> None:
    assert _ticks(servers, "green") >= 10


def test_otherwise_they_stand_still(servers: EmbeddedServers) -> None:
    """If this fails, psycopg supports eventlet by itself, and `app.live.waiting` may go."""
    assert _ticks(servers) <= 3
