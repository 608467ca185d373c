"""How psycopg waits for PostgreSQL in a web process: in one turn of the event loop.

Its own `wait_selector` does so too, but makes a selector and two timers for each answer, which takes longer than reading it.
"""

from typing import TypeVar

import psycopg.waiting
from eventlet.green.select import select
from eventlet.hubs import trampoline
from psycopg.abc import PQGen
from psycopg.waiting import READY_R, READY_W, WAIT_R, WAIT_W

T = TypeVar("T")


def wait(gen: PQGen[T], fileno: int, interval: float = 0.0, timeout: float | None = None) -> T:
    """Return what `gen` returns at its end; while it waits for the connection, others run."""
    if timeout is not None:
        return psycopg.waiting.wait_selector(gen, fileno, interval, timeout)
    try:
        wanted = next(gen)
        while True:
            if wanted == WAIT_R:
                trampoline(fileno, read=True)
                ready = int(READY_R)
            else:
                # There is more to send than the network takes at once.
                read, write, _ = select([fileno] if wanted & WAIT_R else [], [fileno] if wanted & WAIT_W else [], [])
                ready = (READY_R if read else 0) | (READY_W if write else 0)
            wanted = gen.send(ready)
    except StopIteration as end:
        result: T = end.value
        return result


def install() -> None:
    """Have psycopg wait like this in this process. Without it, every query would stop all connections."""
    psycopg.waiting.wait = wait
