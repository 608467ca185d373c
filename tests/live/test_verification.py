"""Each web process verifies what it serves, beside everything else that it does."""

from typing import Any

import httpx
from redis import Redis

from app.contract import cache_keys
from bench.system import Client, System, wait_until
from tests.faults.inspection import settled


def verified(system: System) -> float:
    """Return how many changes all web processes have followed so far."""
    lines = httpx.get(f"{system.url}/metrics").text.splitlines()
    return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith('verification_checks_total{kind="changed"'))


def test_a_stale_entry_planted_after_a_write_does_not_last(system: System, client: Client, part_id: int) -> None:
    assert system.stack is not None
    settings, path = system.stack.settings, f"/parts/{part_id}"
    key = settings.prefix + cache_keys.part_stock(part_id)
    with Redis.from_url(settings.redis_url) as valkey:
        assert wait_until(lambda: client.call("GET", path).body and valkey.hget(key, "body"))
        old, before = valkey.hget(key, "body"), verified(system)
        assert client.call("PUT", f"/admin/parts/{part_id}/stock", {"current_stock": 43}).status == 200
        assert wait_until(lambda: client.call("GET", path).body and valkey.hget(key, "version") == b"2")
        assert old is not None
        # Or the sweep, which applies each invalidation once more, would repair it.
        settled(system)
        valkey.hdel(key, "floor")
        valkey.hset(key, mapping={"body": old, "version": 1})
        assert client.call("GET", path).body["stock"]["current_stock"] != 43
        assert wait_until(lambda: client.call("GET", path).body["stock"]["current_stock"] == 43, within=70)

    def found() -> list[dict[str, Any]]:
        latest = client.call("GET", "/admin/sync/status").body["drift"]["latest"]
        return [one for one in latest if one["subject"] == f"part {part_id}"]

    assert wait_until(lambda: bool(found()))
    assert {(one["kind"], one["since"]["version"]) for one in found()} == {("cache_stale", 2)}
    assert wait_until(lambda: verified(system) > before)
