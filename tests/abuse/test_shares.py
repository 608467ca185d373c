"""How much of a web process one address gets while others are there, whatever it asks for."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil  # type: ignore[import-untyped]  # publishes no types

from app.domain.fairness import PROCESSOR
from bench.abuse import Target, under_attack
from bench.system import Client, System, close_all

GREEDY = "127.3.0.1"
# What a process does for nobody in particular: connections and heads of requests, what is sent to pages, its own checks.
BESIDES = 0.1
# The greedy one first takes what it may have at once; then it is looked at for so many seconds.
AT_FIRST, LOOKED_AT = 4.0, 5.0


@contextmanager
def _others(system: System) -> Iterator[None]:
    """Somebody else asks both processes for a little, now and then."""
    clients, ended = system.clients_of_every_process(), threading.Event()

    def ask(client: Client) -> None:
        while not ended.wait(0.5):
            client.call("GET", "/categories")

    threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
        close_all(clients)


def _spent(webs: list[psutil.Process]) -> float:
    return sum(sum(web.cpu_times()[:2]) for web in webs)


def test_beside_others_what_an_address_sends_takes_a_bounded_share_of_the_processor(
    system: System, many_parts: list[int]
) -> None:
    assert system.stack is not None
    webs = [psutil.Process(system.stack.pid(f"web-{n}")) for n in (1, 2)]
    target = Target(system.url, "", many_parts, GREEDY)
    with _others(system), under_attack("watches", target, AT_FIRST + LOOKED_AT + 1):
        time.sleep(AT_FIRST)
        before, began = _spent(webs), time.monotonic()
        time.sleep(LOOKED_AT)
        share = (_spent(webs) - before) / (time.monotonic() - began) / len(webs)
    assert share < PROCESSOR.per_second + BESIDES, share
