"""A real Prometheus beside a real system finds what the rules and the dashboard ask for (incidents: test_incidents.py)."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import socketio

from bench.system import System, wait_until
from devserver.ports import free_ports
from tests.ops.watchers import RULES, Prometheus, prometheus, read_by_all

# Set up by nobody here.
OPTIONAL = ("backup_last_success", "tls_certificate")


@pytest.fixture
def watching(system: System, tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus with our rules."""
    with prometheus(tmp_path, system.address, RULES, tells=free_ports(1)[0]) as made:
        yield made


def test_whatever_the_rules_and_the_dashboard_ask_for_is_found(system: System, watching: Prometheus) -> None:
    [part_id] = system.make_parts(1)
    with closing(system.client()) as client, socketio.SimpleClient() as page:
        for _ in range(2):
            client.call("GET", f"/parts/{part_id}")
        client.call("PUT", f"/admin/parts/{part_id}/stock", {"current_stock": 1, "version": 99})
        assert client.call("POST", "/admin/sync/reconcile").status == 200
        page.connect(system.url, namespace="/customers", transports=["websocket"])
        page.emit("nonsense", {})
        httpx.post(f"{system.url}/api/v1/auth/login", json={"email": "nobody@example.com", "password": "wrong"})

        def missing() -> list[str]:
            asked = [selector for selector in read_by_all() if not selector.startswith(OPTIONAL)]
            return [selector for selector in asked if not watching.ask("series", **{"match[]": selector})]

        assert wait_until(lambda: missing() == []), missing()
