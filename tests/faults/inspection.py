"""What must be true of the whole system after any fault: compares what clients were told with the database and its copies."""

import http.client
import os
import shutil
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row

from bench.page import Page
from bench.recording import Write
from bench.system import START_STOCK, NoAnswerError, System, close_all, wait_until

PROCESSES = ("web-1", "web-2", "worker-live", "worker", "beat", "postgres", "valkey")


def database(system: System) -> psycopg.Connection[dict[str, Any]]:
    """Return a connection to the system's database, alongside the application's own."""
    assert system.stack is not None
    url = system.stack.settings.database_url.replace("postgresql+psycopg://", "postgresql://")
    return psycopg.connect(url, autocommit=True, row_factory=dict_row)


def query(system: System, statement: str, *parameters: Any) -> list[dict[str, Any]]:
    """Return the rows of a statement."""
    with database(system) as connection:
        return connection.execute(statement.encode(), parameters).fetchall()


def pid(system: System, name: str, other_than: int = 0) -> int:
    """Return the pid of a process of the stack, or of its successor."""
    assert system.stack is not None
    return system.stack.pid(name, other_than=other_than, within=30)


def kill(system: System, name: str) -> int:
    """Kill a process as a power cut would; return its pid."""
    victim = pid(system, name)
    os.kill(victim, signal.SIGKILL)
    return victim


def valkey_data(system: System) -> Path:
    """Return the directory of Valkey's data."""
    assert system.stack is not None
    return system.stack.settings.home / "valkey"


@contextmanager
def dead_valkey(system: System) -> Iterator[None]:
    """Valkey is down and cannot be started, since a file stands where its data should be."""
    data = valkey_data(system)
    aside = data.with_name("valkey-aside")
    data.rename(aside)
    data.touch()
    kill(system, "valkey")
    try:
        yield
    finally:
        data.unlink()
        aside.rename(data)


def empty_valkey(system: System) -> int:
    """Kill Valkey together with its data; return its pid."""
    pid(system, "valkey")
    shutil.rmtree(valkey_data(system))  # it keeps writing to unlinked files; its successor finds nothing
    return kill(system, "valkey")


def readiness(system: System) -> tuple[int, dict[str, Any]]:
    """Return the status and body of /readyz, 0 if nobody answers."""
    try:
        answer = httpx.get(f"{system.url}/readyz", timeout=5)
    except httpx.HTTPError:
        return 0, {}
    return answer.status_code, answer.json()


def owed(system: System) -> int:
    """Return how many deliveries are not done."""
    return int(query(system, "SELECT count(*) AS n FROM outbox_deliveries WHERE state <> 'done'")[0]["n"])


def importing(system: System) -> int:
    """Return how many imports are not finished."""
    unfinished = "SELECT count(*) AS n FROM import_jobs WHERE state IN ('queued', 'checking', 'importing')"
    return int(query(system, unfinished)[0]["n"])


def settled(system: System, within: float = 90.0) -> None:
    """Wait until every process is back, everything answers, and nothing is owed."""
    for name in PROCESSES:
        pid(system, name)

    def calm() -> bool:
        try:
            return readiness(system)[1].get("status") == "ok" and owed(system) == 0 and importing(system) == 0
        except psycopg.OperationalError:
            return False

    assert wait_until(calm, within, every=0.1), (readiness(system), owed(system), importing(system))
    close_all(system.clients_of_every_process())


def complaints(system: System, parts: Sequence[int], writes: Sequence[Write], *pages: Page) -> list[str]:
    """Return everything that is wrong once the system has come to rest; empty if all is well."""
    found = [*_about_writes(system, writes), *_about_records(system, parts)]
    truth = _truth(system, parts)
    clients = system.clients_of_every_process()
    try:
        for client in clients:
            shown = {part: client.call("GET", f"/parts/{part}").body for part in parts}
            found += _about_answers(shown, truth)
    finally:
        close_all(clients)
    for page in pages:
        held = page.shown()
        found += [f"a page shows part {p} as {held.get(p)}, not {shown[p]}" for p in parts if held.get(p) != shown[p]]
        found += [f"a page went back: {step}" for step in page.went_back]
    return found


def _about_writes(system: System, writes: Sequence[Write]) -> Iterable[str]:
    ids = [write.request_id for write in writes]
    events = query(system, "SELECT request_id, aggregate_id, aspect, version FROM outbox_events WHERE request_id = ANY(%s)", ids)
    stocks = query(system, "SELECT part_id, current_stock FROM stock_levels WHERE part_id = ANY(%s)", [w.part for w in writes])
    count = Counter((event["request_id"], event["aggregate_id"]) for event in events)
    named = {(e["request_id"], e["aggregate_id"], e["aspect"], e["version"]) for e in events}
    together: dict[str, set[int]] = defaultdict(set)
    for write in writes:
        done = count[write.request_id, write.part]
        together[write.request_id].add(done)
        if write.status == http.HTTPStatus.OK:
            if done != 1 or (write.request_id, write.part, write.aspect, write.version) not in named:
                yield f"acknowledged, but not in the outbox as it was: {write}"
        elif done > (write.status != http.HTTPStatus.CONFLICT):
            yield f"done more than once: {write}"
    yield from (f"done for some of its parts only: {request_id}" for request_id, done in together.items() if len(done) > 1)
    # A write without an answer counts if it has left its event; so a difference is an update that another one has undone.
    sums = Counter({row["part_id"]: START_STOCK for row in stocks})
    for write in writes:
        sums[write.part] += write.delta * count[write.request_id, write.part]
    for row in stocks:
        if row["current_stock"] != sums[row["part_id"]]:
            yield f"part {row['part_id']} has {row['current_stock']}, the changes add up to {sums[row['part_id']]}"


# Per aspect: the versions of the row, of the events, of the audit trail and of the snapshots must be 1, 2, …, n.
_RECORDS = """
    SELECT e.aggregate_id AS part, e.aspect, array_agg(e.version ORDER BY e.version) AS events,
           (SELECT array_agg(l.version ORDER BY l.version) FROM data_change_logs l
            WHERE l.event_id IN (SELECT event_id FROM outbox_events o WHERE o.aggregate_type = 'part'
                                 AND o.aggregate_id = e.aggregate_id AND o.aspect = e.aspect)) AS audited,
           CASE WHEN e.aspect = 'content' THEN (SELECT array_agg(v.version_number ORDER BY v.version_number)
            FROM part_content_versions v WHERE v.part_id = e.aggregate_id) END AS snapshots,
           CASE e.aspect WHEN 'content' THEN p.version WHEN 'price' THEN p.price_version ELSE s.version END AS version,
           (SELECT count(*) FROM part_content_versions v WHERE v.part_id = e.aggregate_id AND v.is_active) AS active
    FROM outbox_events e JOIN parts p ON p.id = e.aggregate_id JOIN stock_levels s ON s.part_id = p.id
    WHERE e.aggregate_type = 'part' AND e.aggregate_id = ANY(%s)
    GROUP BY e.aggregate_id, e.aspect, p.version, p.price_version, s.version
"""


def _about_records(system: System, parts: Sequence[int]) -> Iterable[str]:
    for row in query(system, _RECORDS, list(parts)):
        expected = list(range(1, row["version"] + 1))
        where = f"part {row['part']} {row['aspect']}"
        if row["events"] != expected:
            yield f"{where}: version {row['version']}, events {row['events']}"
        if row["audited"] != expected:
            yield f"{where}: version {row['version']}, audited {row['audited']}"
        if row["aspect"] == "content" and (row["snapshots"] != expected or row["active"] != 1):
            yield f"{where}: version {row['version']}, snapshots {row['snapshots']}, {row['active']} active"


_TRUTH = """
    SELECT p.id, p.part_name, p.version AS content, s.version AS stock, p.price_version AS price, s.current_stock
    FROM parts p JOIN stock_levels s ON s.part_id = p.id WHERE p.id = ANY(%s)
"""


def _truth(system: System, parts: Sequence[int]) -> dict[int, dict[str, Any]]:
    return {row["id"]: row for row in query(system, _TRUTH, list(parts))}


def _about_answers(shown: dict[int, Any], truth: dict[int, dict[str, Any]]) -> Iterable[str]:
    for part, row in truth.items():
        answer = shown[part]
        versions = {aspect: row[aspect] for aspect in ("content", "stock", "price")}
        seen = (answer.get("versions"), answer.get("part_name"), answer.get("stock", {}).get("current_stock"))
        if seen != (versions, row["part_name"], row["current_stock"]):
            yield f"part {part} is answered as {seen}, is {versions}, {row['part_name']}, {row['current_stock']}"


def assert_converges(check: Callable[[], list[str]], within: float) -> float:
    """Wait until `check` finds nothing to complain about; return how many seconds it took."""
    began, found = time.monotonic(), ["not looked at yet"]
    while found:
        try:
            found = check()
        except (NoAnswerError, OSError, TimeoutError, psycopg.OperationalError, AttributeError) as error:
            found = [f"not answered: {error!r}"]
        took = time.monotonic() - began
        assert not found or took < within, f"after {took:.1f} s {len(found)} complaints, such as {found[:5]}"
    return took
