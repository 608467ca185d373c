"""`python -m bench.latency`: how long a write, a change on an open page and a cached read take. Prints; asserts nothing.

Starts its own stack, or uses the one at LOCKSTEP_URL with the API key LOCKSTEP_KEY.
"""

import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.page import Page
from bench.system import Answer, Client, System, own_stack, wait_until

WRITES = 300
READS = 2000
READERS = 4
# Seconds between two writes, so that they do not overlap.
PAUSE = 0.02
BODY = {"delta": 1, "reason": "bench"}


@contextmanager
def target() -> Iterator[System]:
    """Provide the system to measure."""
    url, key = os.environ.get("LOCKSTEP_URL"), os.environ.get("LOCKSTEP_KEY")
    if url and key:
        yield System(url.rstrip("/"), key)
        return
    with tempfile.TemporaryDirectory(prefix="lockstep-") as home, own_stack(Path(home)) as system:
        yield system


def row(name: str, seconds: Sequence[float]) -> tuple[str, ...]:
    """Return a line of the table, in milliseconds."""
    cuts = quantiles(seconds, n=100)
    return name, *(f"{1000 * value:.1f}" for value in (cuts[49], cuts[94], cuts[98], max(seconds))), str(len(seconds))


def timed(client: Client, method: str, path: str, body: Any = None) -> tuple[float, float, Answer]:
    """Return when a call began and ended, and its answer."""
    began = time.perf_counter()
    answer = client.call(method, path, body)
    return began, time.perf_counter(), answer


def measure_writes(system: System, part: int) -> list[tuple[str, ...]]:
    """Write one at a time with a page open."""
    arrivals: dict[int, tuple[float, float]] = {}

    def arrived(event: dict[str, Any], at: float) -> None:
        committed = datetime.fromisoformat(event["timestamp"])
        arrivals[event["version"]] = at, (datetime.now(UTC) - committed).total_seconds()

    client = system.client()
    calls: dict[int, tuple[float, float]] = {}
    with Page(system.url, [part], on_event=arrived):
        for number in range(WRITES + 20):
            began, ended, answer = timed(client, "POST", f"/admin/parts/{part}/stock/adjustments", BODY)
            if number >= 20:  # the first ones open connections
                calls[answer.body["version"]] = began, ended
            time.sleep(PAUSE)
        wait_until(lambda: calls.keys() <= arrivals.keys())
    client.close()
    seen = sorted(calls.keys() & arrivals.keys())
    return [
        row("acknowledged stock write", [ended - began for began, ended in calls.values()]),
        row("request begun -> open page", [arrivals[v][0] - calls[v][0] for v in seen]),
        row("commit (event's time) -> open page", [arrivals[v][1] for v in seen]),
        row("acknowledgement -> open page", [arrivals[v][0] - calls[v][1] for v in seen]),
    ]


def measure_reads(system: System, parts: Sequence[int]) -> tuple[list[tuple[str, ...]], str]:
    """Read what is cached, alone and concurrently."""
    client = system.client()
    for part in parts:
        client.call("GET", f"/parts/{part}")
    alone = [timed(client, "GET", f"/parts/{parts[number % len(parts)]}") for number in range(READS // 4)]
    client.close()
    together: list[tuple[float, float, Answer]] = []

    def read() -> None:
        own = system.client()
        together.extend(timed(own, "GET", f"/parts/{parts[number % len(parts)]}") for number in range(READS // READERS))
        own.close()

    threads = [threading.Thread(target=read) for _ in range(READERS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - began
    hits = sum(answer.cache == "HIT" for _, _, answer in together) / len(together)
    rows = [
        row("cached read, alone", [end - start for start, end, _ in alone]),
        row(f"cached read, {READERS} side by side", [end - start for start, end, _ in together]),
    ]
    return rows, f"{len(together) / took:.0f} cached reads a second with {READERS} clients on this machine; {hits:.0%} hits"


def main() -> None:
    """Measure and print."""
    with target() as system:
        parts = system.make_parts(10)
        writes = measure_writes(system, parts[0])
        reads, throughput = measure_reads(system, parts)
    table = Table("ms", "p50", "p95", "p99", "max", "count")
    for line in (*writes, *reads):
        table.add_row(*line)
    Console().print(table)
    print(throughput)


if __name__ == "__main__":
    main()
