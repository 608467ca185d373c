"""A Valkey that several shops share: whatever a running system keeps or says there begins with its namespace."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import httpx
from redis import Redis

from app.factory import publisher
from bench.system import System, wait_until
from config import Settings
from tests.live.conftest import ADMIN, Listener


@contextmanager
def confined(settings: Settings) -> Iterator[Redis]:
    """Have the server refuse our processes all other names, as docs/operations.md advises; yield a client that may use any."""
    with Redis.from_url(settings.redis_url) as owner:
        owner.execute_command("ACL SETUSER watcher on nopass allkeys allchannels allcommands")
    with Redis.from_url(settings.redis_url, username="watcher", password="any") as watcher:
        watcher.execute_command("ACL LOG RESET")
        # A subscription by pattern, as Celery's to its control channel, needs the same pattern among its rights.
        control = f"{settings.prefix}/0.celery.pidbox"
        watcher.execute_command(f"ACL SETUSER default resetkeys resetchannels ~{settings.prefix}* &{settings.prefix}* &{control}")
        try:
            yield watcher
        finally:
            watcher.execute_command("ACL SETUSER default allkeys allchannels")


def tour(system: System, page: Listener, panel: Listener) -> None:
    """Do a little of everything that uses Valkey, and see that it works."""
    client = system.client()
    part, other = system.make_parts(2)
    page.call("watch", {"parts": {str(part): None}, "catalog": True})
    written = client.call("PUT", f"/admin/parts/{part}/stock", {"current_stock": 0}).body
    # Lists do not look at how much is left, but at whether anything is.
    assert page.heard("stock.updated", part_id=part, version=written["version"])
    assert page.heard("catalog.changed")
    assert panel.heard("stock.updated", part_id=part)
    client.call("PUT", f"/admin/parts/{part}", {"part_name": "Renamed"})
    client.call("PUT", f"/admin/parts/{part}/prices", {"prices": [{"currency": "EUR", "amount": "2.00"}]})
    for path in (f"/parts/{part}", f"/pdp/{other}", "/parts?q=bench&in_stock=true", "/parts/facets", "/categories"):
        assert wait_until(lambda path=path: client.call("GET", path).cache == "HIT"), path
    assert client.call("POST", "/auth/login", {"email": "nobody@shop.example", "password": "a wrong one"}).status == 401
    assert client.call("POST", "/admin/sync/reconcile").status == 200
    answer = httpx.post(
        f"{system.url}/api/v1/admin/imports",
        headers={"Authorization": f"Bearer {system.key}"},
        files={"file": ("parts.csv", f"sku,part_name\nSHARED-{part},Imported\n".encode())},
    )
    assert panel.heard("import.progress", id=answer.json()["id"], state="done")
    client.close()


def test_a_running_shop_touches_nothing_in_valkey_but_what_is_its_own(system: System, connect: Callable[..., Listener]) -> None:
    assert system.stack is not None
    settings = system.stack.settings
    page, panel = connect(), connect(ADMIN, auth={"api_key": system.key})
    with confined(settings) as valkey, valkey.pubsub() as everything:
        everything.psubscribe("*")
        tour(system, page, panel)
        assert publisher(settings).control.ping(timeout=2) != []
        refused = valkey.execute_command("ACL LOG")
        heard = set()
        while (message := everything.get_message(timeout=0.1)) is not None:
            heard.add(message["channel"].decode())
    assert refused == []
    assert f"{settings.prefix}live" in heard
    assert [channel for channel in heard if not channel.startswith((settings.prefix, "*"))] == []
    kept = set()
    for database in range(16):
        with Redis.from_url(settings.redis_url.replace("db=1", f"db={database}")) as client:
            kept |= {name.decode() for name in client.scan_iter()}
    assert {settings.prefix + name for name in ("epoch", "parts:generation:availability", "_kombu.binding.sync.live")} <= kept
    assert [name for name in kept if not name.startswith(settings.prefix)] == []
    # Neither does another shop's command reach our workers.
    assert publisher(replace(settings, namespace="other")).control.ping(timeout=0.5) == []
