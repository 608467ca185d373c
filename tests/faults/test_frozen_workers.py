"""Pages do not wait for workers: whoever commits tells them itself."""

import os
import signal
from contextlib import ExitStack

from bench.page import Page
from bench.system import System, close_all, wait_until
from tests.faults.inspection import complaints, pid, settled


def test_pages_are_told_while_every_worker_is_frozen_and_the_records_follow_when_they_thaw(system: System) -> None:
    parts = system.make_parts(2)
    settled(system)
    with Page(system.url, parts, watch_every=600) as page:
        clients = system.clients_of_every_process()
        with ExitStack() as thaw:
            for name in ("worker-live", "worker"):
                os.kill(pid(system, name), signal.SIGSTOP)
                thaw.callback(os.kill, pid(system, name), signal.SIGCONT)
            for part, client in zip(parts, clients, strict=True):
                written = client.call("PUT", f"/admin/parts/{part}/stock", {"current_stock": 7}).body
                told = lambda part=part, version=written["version"]: page.shown()[part]["versions"]["stock"] == version  # noqa: E731
                assert wait_until(told)
        close_all(clients)
        settled(system)
        assert complaints(system, parts, [], page) == []
