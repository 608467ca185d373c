"""A real Prometheus beside a real system: it finds what the rules ask for, and an alert fires and resolves."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
import socketio
import yaml

from bench.system import System, wait_until
from tests.faults.inspection import dead_valkey
from tests.ops.watchers import RULES, Prometheus, prometheus, read_by_all

# Set up by nobody here.
OPTIONAL = ("backup_last_success", "tls_certificate")


@pytest.fixture
def watching(system: System, tmp_path: Path) -> Iterator[Prometheus]:
    """A Prometheus with our rules, which reports the cache's death within seconds."""
    rules = yaml.safe_load(RULES.read_text())
    [alert] = [rule for group in rules["groups"] for rule in group["rules"] if rule.get("alert") == "CacheDown"]
    alert["for"] = "2s"
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump(rules))
    with prometheus(tmp_path, system.address, file) as made:
        yield made


def test_the_death_of_valkey_is_reported_alone_and_its_return_too(system: System, watching: Prometheus) -> None:
    assert wait_until(lambda: watching.ask("query", query="cache_up == 1")["result"] != [])
    assert "CacheDown" not in watching.firing()
    before = set(watching.firing())
    with dead_valkey(system):
        assert wait_until(lambda: "CacheDown" in watching.firing())
        alert = watching.firing()["CacheDown"]
        assert set(watching.firing()) - before == {"CacheDown"}
    assert alert["labels"]["severity"] == "page"
    assert alert["annotations"]["summary"] == f"Valkey does not answer {system.address}"
    assert wait_until(lambda: "CacheDown" not in watching.firing())


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
