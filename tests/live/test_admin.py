"""The panel's namespace, and who gets in."""

import http.client
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
import socketio
from redis import Redis

from app.monitoring import SyncMonitoring
from app.sync.publisher import EventPublisher
from bench.system import Client, System, wait_until
from tests.live.conftest import ADMIN, CUSTOMERS, Listener


@pytest.mark.parametrize("auth", [None, {"api_key": "lsk_wrong"}, {"api_key": 5}, "text"])
def test_without_a_valid_session_or_key_nobody_gets_in(connect: Callable[..., Listener], auth: object) -> None:
    with pytest.raises(socketio.exceptions.ConnectionError):
        connect(ADMIN, auth=auth)


def test_staff_hear_of_everything_with_who_did_it(
    system: System, client: Client, connect: Callable[..., Listener], part_id: int
) -> None:
    panel = connect(ADMIN, auth={"api_key": system.key})
    written = client.call("PUT", f"/admin/parts/{part_id}/stock", {"reserved_quantity": 3}).body
    this = {"part_id": part_id, "version": written["version"]}
    assert panel.heard("stock.updated", **this)
    event = next(data for name, data in panel.events if name == "stock.updated" and this.items() <= data.items())
    assert event["data"]["reserved_quantity"] == 3
    assert event["actor"]["name"] == "Lockstep"


def test_a_panel_is_told_now_and_then_that_there_is_a_bulk_of_changes(
    system: System, client: Client, connect: Callable[..., Listener], part_id: int
) -> None:
    assert system.stack is not None
    panel = connect(ADMIN, auth={"api_key": system.key})
    settings = system.stack.settings
    with Redis.from_url(settings.redis_url) as valkey:
        for _ in range(50):
            EventPublisher(valkey, settings.prefix, SyncMonitoring()).tell_staff("resync", {})
    # What comes after them over the channel.
    written = client.call("PUT", f"/admin/parts/{part_id}/stock", {"reserved_quantity": 4}).body
    assert panel.heard("stock.updated", part_id=part_id, version=written["version"])
    assert panel.heard("resync")
    assert sum(name == "resync" for name, _ in panel.events) <= 3


def test_panels_of_whichever_process_see_who_has_a_part_open_until_their_connection_ends(
    system: System, connect: Callable[..., Listener], part_id: int
) -> None:
    # New connections are distributed among the processes.
    panels = [connect(ADMIN, auth={"api_key": system.key}) for _ in range(6)]
    watching, opening = panels[0], panels[-1]
    answer = opening.call("open", {"part_id": part_id, "field": "part_name"})
    (person,) = answer["people"]
    assert (person["name"], person["field"]) == ("Lockstep", "part_name")
    for panel in panels:
        assert panel.heard("presence", part_id=part_id, people=answer["people"])
    first, second = watching.call("open", {"part_id": part_id})["people"]
    assert (first, second["field"]) == (person, None)
    assert opening.call("close", {"part_id": part_id}) == {"open": 0}
    assert panels[1].heard("presence", part_id=part_id, people=[second])
    watching.client.disconnect()
    assert opening.heard("presence", part_id=part_id, people=[])
    assert opening.call("open", {"part_id": part_id, "field": "no field"})["error"]["code"] == "invalid"


def test_a_bulk_says_how_many_pages_of_all_processes_show_one_of_its_parts_and_a_call_says_it_of_each(
    system: System, client: Client, connect: Callable[..., Listener]
) -> None:
    first, second, other, unseen = system.make_parts(4)
    shown = [[first], [first, second], [second], [other], [], [first]]
    for parts in shown:
        connect().call("watch", {"parts": {str(part): None for part in parts}})
    changes = [{"part_id": part, "delta": 1} for part in (first, second)]
    # A process may be too busy to answer in time.
    assert wait_until(lambda: client.call("POST", "/admin/stock/bulk?dry_run=true", {"changes": changes}).body["open_pages"] == 4)
    expected = {str(first): 3, str(second): 2}
    asked = f"/admin/open-pages?part_ids={first},{second},{unseen}"
    assert wait_until(lambda: client.call("GET", asked).body["open_pages"] == expected)
    answer = client.call("POST", "/admin/parts/bulk", {"part_ids": [other], "set": {"status": "draft"}})
    assert (answer.status, answer.body["changed"]) == (200, 1)


def test_the_overview_counts_the_pages_that_customers_have_open_in_all_processes(
    system: System, client: Client, connect: Callable[..., Listener]
) -> None:
    def open_pages() -> int:
        return int(client.call("GET", "/admin/overview").body["open_pages"])

    # Those of the tests before are still being closed.
    assert wait_until(lambda: open_pages() == 0)
    connect(ADMIN, auth={"api_key": system.key})
    # The kernel spreads them over the processes.
    pages = [connect(CUSTOMERS) for _ in range(8)]
    assert wait_until(lambda: open_pages() == len(pages))


def test_an_events_journey_tells_how_many_pages_were_told_of_it_by_all_processes(
    client: Client, connect: Callable[..., Listener], part_id: int
) -> None:
    pages = [connect(CUSTOMERS) for _ in range(8)]
    for page in pages[:5]:
        page.call("watch", {"parts": {str(part_id): None}})
    written = client.call("PUT", f"/admin/parts/{part_id}/stock", {"reserved_quantity": 5}).body
    assert pages[0].heard("stock.updated", part_id=part_id, version=written["version"])
    event_id = next(data["id"] for name, data in pages[0].events if name == "stock.updated")

    def journey() -> dict[str, Any]:
        return dict(client.call("GET", f"/admin/events/{event_id}").body)

    assert wait_until(lambda: journey()["pages"] == 5)
    assert wait_until(lambda: journey()["effects"]["broadcast"]["state"] == "done")


def test_a_panel_of_whichever_process_follows_a_write_to_the_pages_that_were_told(
    system: System, client: Client, connect: Callable[..., Listener], part_id: int
) -> None:
    pages = [connect(CUSTOMERS) for _ in range(6)]
    for page in pages[:4]:
        page.call("watch", {"parts": {str(part_id): None}})
    # The kernel spreads them over the processes.
    panels = [connect(ADMIN, auth={"api_key": system.key}) for _ in range(4)]
    client.call("PUT", f"/admin/parts/{part_id}", {"part_name": "Followed"})
    assert panels[0].heard("content.updated", part_id=part_id)
    event_id = next(data["id"] for name, data in panels[0].events if name == "content.updated" and data["part_id"] == part_id)
    answers = [panel.call("follow", {"event_ids": [event_id]}) for panel in panels]
    effects = {"invalidate_cache", "broadcast", "persist_audit", "snapshot_content"}
    for panel, answer in zip(panels, answers, strict=True):

        def seen(panel: Listener = panel, answer: Any = answer) -> dict[str, Any]:
            told = [data for name, data in list(panel.events) if name == "delivery.settled" and data["event_id"] == event_id]
            return {one["effect"]: one for one in [*answer["settled"], *told]}

        assert {one["effect"] for one in [*answer["settled"], *answer["pending"]]} == effects
        assert wait_until(lambda seen=seen: seen().keys() == effects and seen()["broadcast"].get("pages") == 4)
    # All say the same as the journey does.
    journey = client.call("GET", f"/admin/events/{event_id}").body
    assert {effect: one["ms"] for effect, one in seen().items()} == {
        effect: one["ms"] for effect, one in journey["effects"].items()
    }
    assert panels[0].call("follow", {"event_ids": [event_id]})["pending"] == []
    assert panels[0].call("follow", {"event_ids": ["this"]})["error"]["code"] == "invalid"


def test_a_page_of_another_origin_is_refused(system: System) -> None:
    parts = urlsplit(system.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    headers = {
        "Origin": "https://evil.example", "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }  # fmt: skip
    connection.request("GET", "/socket.io/?EIO=4&transport=websocket", headers=headers)
    assert connection.getresponse().status == 400
    connection.close()


def test_polling_is_refused_so_that_any_process_can_serve_any_connection(system: System) -> None:
    parts = urlsplit(system.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", "/socket.io/?EIO=4&transport=polling")
    assert connection.getresponse().status == 400
    connection.close()
