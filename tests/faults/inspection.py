"""What must be true of the whole system after any fault: compares what clients were told with the database and its copies."""

import http.client
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import psycopg
from psycopg.rows import dict_row

from bench.page import Page
from bench.system import Client, NoAnswerError, System, close_all, wait_until

PROCESSES = ("web-1", "web-2", "worker-live", "worker", "beat", "postgres", "valkey")


@dataclass(frozen=True, slots=True)
class Write:
    """A write as its client knows it. Without an answer, or with a refusal, it may or may not have happened."""

    request_id: str
    part: int
    aspect: str
    version: int | None
    status: int | None
    seconds: float


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


def settled(system: System, within: float = 60.0) -> None:
    """Wait until every process is back, everything answers, and nothing is owed."""
    for name in PROCESSES:
        pid(system, name)

    def calm() -> bool:
        try:
            return readiness(system)[1].get("status") == "ok" and owed(system) == 0
        except psycopg.OperationalError:
            return False

    assert wait_until(calm, within, every=0.1), (readiness(system), owed(system))
    close_all(system.clients_of_every_process())


class Writers:
    """Threads that write stock and content of some parts until stopped or done, and remember what they were told.

    Args:
        pause: seconds between two writes of one thread.
        most: answered writes after which all stop.
    """

    def __init__(self, system: System, parts: Sequence[int], threads: int = 4, pause: float = 0.0, most: int = 10**9) -> None:
        self.writes: list[Write] = []
        self._system = system
        self._parts = parts
        self._pause = pause
        self._most = most
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,), daemon=True) for n in range(threads)]

    def __enter__(self) -> "Writers":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop them, each after its current write."""
        self._stopped.set()
        self.join()

    def join(self) -> None:
        """Wait until they are done."""
        for thread in self._threads:
            thread.join()

    @property
    def acknowledged(self) -> list[Write]:
        """The writes that were answered with success."""
        return [write for write in self.writes if write.status == http.HTTPStatus.OK]

    def _run(self, thread: int) -> None:
        client, number = self._system.client(), 0
        while not self._stopped.is_set() and len(self.acknowledged) < self._most:
            number += 1
            part = self._parts[(number * 7 + thread * 13) % len(self._parts)]
            self.writes.append(write_once(client, part, f"{thread}-{number}-{time.time_ns()}", number))
            if self.writes[-1].status != http.HTTPStatus.OK:
                self._stopped.wait(0.05)
            self._stopped.wait(self._pause)
        client.close()


def write_once(client: Client, part: int, request_id: str, number: int) -> Write:
    """Change one part: its stock by setting or adjusting it, or every third time its content."""
    match number % 3:
        case 0:
            method, path, aspect = "PUT", f"/admin/parts/{part}", "content"
            body: dict[str, Any] = {"part_name": f"Part {request_id}"}
        case 1:
            method, path, aspect = "PUT", f"/admin/parts/{part}/stock", "stock"
            body = {"current_stock": int(request_id.rsplit("-", 1)[1]) % 1_000_000_007}
        case _:
            method, path, aspect = "POST", f"/admin/parts/{part}/stock/adjustments", "stock"
            body = {"delta": 1, "reason": "counted"}
    began = time.monotonic()
    try:
        answer = client.call(method, path, body, request_id)
    except NoAnswerError:
        return Write(request_id, part, aspect, None, None, time.monotonic() - began)
    version = answer.body["version"] if answer.status == http.HTTPStatus.OK else None
    return Write(request_id, part, aspect, version, answer.status, time.monotonic() - began)


def complaints(system: System, parts: Sequence[int], writes: Sequence[Write], page: Page | None) -> list[str]:
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
    if page is not None:
        found += [f"the page shows part {p} otherwise" for p in parts if page.shown().get(p) != shown[p]]
        found += [f"the page went back: {step}" for step in page.went_back]
    return found


def _about_writes(system: System, writes: Sequence[Write]) -> Iterable[str]:
    ids = [write.request_id for write in writes]
    events = query(system, "SELECT request_id, aggregate_id, aspect, version FROM outbox_events WHERE request_id = ANY(%s)", ids)
    count = Counter(event["request_id"] for event in events)
    named = {(e["request_id"], e["aggregate_id"], e["aspect"], e["version"]) for e in events}
    for write in writes:
        if write.status == http.HTTPStatus.OK:
            if count[write.request_id] != 1 or (write.request_id, write.part, write.aspect, write.version) not in named:
                yield f"acknowledged, but not in the outbox as it was: {write}"
        elif count[write.request_id] > 1:
            yield f"done more than once: {write}"


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
