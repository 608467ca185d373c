"""The customers' namespace, as storefronts rely on it."""

from collections.abc import Callable

import pytest

from bench.system import Client, System, wait_until
from tests.faults.inspection import query
from tests.live.conftest import Listener

Connect = Callable[..., Listener]


def stock(client: Client, part_id: int, **body: object) -> dict:
    answer = client.call("PUT", f"/admin/parts/{part_id}/stock", body)
    assert answer.status == 200, answer
    return answer.body


def test_watch_answers_with_the_full_state_of_what_differs_and_leaves_out_what_is_held(
    client: Client, connect: Connect, part_id: int
) -> None:
    page = connect()
    answer = page.call("watch", {"parts": {str(part_id): None}})
    [part] = answer["parts"]
    assert part == client.call("GET", f"/parts/{part_id}").body
    assert page.call("watch", {"parts": {str(part_id): part["versions"]}}) == {"parts": [], "gone": []}
    behind = part["versions"] | {"stock": 0}
    assert page.call("watch", {"parts": {str(part_id): behind}})["parts"] == [part]


def test_a_watched_part_sends_its_changes_and_an_unwatched_one_none(client: Client, connect: Connect, part_id: int) -> None:
    page, other = connect(), connect()
    page.call("watch", {"parts": {str(part_id): None}})
    written = stock(client, part_id, current_stock=41)
    assert page.heard("stock.updated", part_id=part_id, version=written["version"])
    event = next(data for name, data in page.events if data["version"] == written["version"] and name == "stock.updated")
    assert event["type"] == "stock.updated"
    assert event["data"]["current_stock"] == 41
    assert "reserved_quantity" not in event["data"]
    assert "min_stock_level" not in event["data"]
    assert page.call("unwatch", {"parts": [str(part_id)]})["error"]["errors"].keys() == {"parts.0"}
    # In JSON this is the same number.
    assert page.call("unwatch", {"parts": [float(part_id)]}) == {"watched": 0}
    heard = len(page.events)
    other.call("watch", {"parts": {str(part_id): None}})
    written = stock(client, part_id, current_stock=42)
    assert other.heard("stock.updated", version=written["version"])
    assert len(page.events) == heard


def test_a_change_by_hand_reaches_an_open_page(system: System, connect: Connect, part_id: int) -> None:
    page = connect()
    page.call("watch", {"parts": {str(part_id): None}})
    query(system, "UPDATE stock_levels SET current_stock = 43 WHERE part_id = %s RETURNING id", part_id)
    query(system, "UPDATE parts SET part_name = 'By hand' WHERE id = %s RETURNING id", part_id)
    assert page.heard("stock.updated", part_id=part_id, version=2)
    assert page.heard("content.updated", part_id=part_id, version=2)
    assert {data["data"].get("current_stock", data["data"].get("part_name")) for _name, data in page.events} == {43, "By hand"}


def test_parts_that_customers_may_not_see_are_gone_and_an_archived_one_says_so(
    client: Client, connect: Connect, part_id: int
) -> None:
    page = connect()
    draft = client.call("POST", "/admin/parts", {"sku": f"D-{part_id}", "part_name": "Draft"}).body["id"]
    answer = page.call("watch", {"parts": {str(draft): None, str(part_id): None, "2000000000": None, "9999999999": None}})
    assert sorted(answer["gone"]) == sorted([draft, 2_000_000_000, 9_999_999_999])
    client.call("DELETE", f"/admin/parts/{part_id}")
    assert page.heard("part.deleted", part_id=part_id, data={})
    client.call("POST", f"/admin/parts/{part_id}/restore")
    assert page.heard("part.restored", part_id=part_id)
    client.call("PUT", f"/admin/parts/{draft}", {"status": "published"})
    assert page.heard("part.restored", part_id=draft)


def test_the_catalog_token_changes_when_lists_may_differ_and_is_announced(client: Client, connect: Connect, part_id: int) -> None:
    page = connect()
    assert wait_until(lambda: page.call("watch", {"catalog": True}) == page.call("watch", {"catalog": True}))
    token = page.call("watch", {"catalog": True})["catalog"]
    client.call("PUT", f"/admin/parts/{part_id}", {"part_name": "Another name"})
    assert wait_until(lambda: any(name == "catalog.changed" and data["catalog"] != token for name, data in page.events))
    assert page.call("watch", {"catalog": True})["catalog"] != token


def test_a_rename_of_a_category_is_announced_and_shown_at_once_and_gives_no_part_a_new_version(
    client: Client, connect: Connect, part_id: int
) -> None:
    category = client.call("POST", "/admin/categories", {"name": f"Before {part_id}"}).body
    client.call("PUT", f"/admin/parts/{part_id}", {"category_id": category["id"]})
    page = connect()
    answer = page.call("watch", {"parts": {str(part_id): None}, "categories": True})
    [part] = answer["parts"]
    assert client.call("PUT", f"/admin/categories/{category['id']}", {"name": f"After {part_id}"}).status == 200
    for _ in range(20):
        shown = client.call("GET", f"/parts/{part_id}").body
        assert shown["category"]["path"] == [{"id": category["id"], "name": f"After {part_id}", "slug": category["slug"]}]
    assert shown["versions"] == part["versions"]
    changed = "categories.changed"
    assert wait_until(lambda: any(name == changed and data["categories"] != answer["categories"] for name, data in page.events))
    later = page.call("watch", {"parts": {str(part_id): part["versions"]}, "categories": True})
    assert (later["parts"], later["categories"] != answer["categories"]) == ([], True)


@pytest.mark.parametrize(
    "body",
    [
        "text", 5, [], {"parts": []}, {"parts": {"a": None}}, {"parts": {"1": {"content": "3"}}}, {"parts": {"1": 7}},
        {"parts": {"0": None}}, {"parts": {"99999999999999999999": None}}, {"unknown": 1}, {"parts": {"1": {"stock": 1.5}}},
        {"parts": {"1_0": None}}, {"parts": {" 1": None}}, {"parts": {"\u0661": None}}, {"parts": {"01": None}}, {"catalog": 1},
        {"parts": {"1": {"shelf": 1}}}, {"parts": {"1": {"stock": 10**30}}},
    ],
)  # fmt: skip
def test_a_watch_that_makes_no_sense_gets_an_error_and_the_connection_stays(connect: Connect, body: object) -> None:
    page = connect()
    assert page.call("watch", body)["error"]["code"] == "invalid"
    assert page.call("watch", {}) == {"parts": [], "gone": []}


@pytest.mark.parametrize("version", [-5, 0, 2_000_000_000])
def test_versions_that_never_were_are_answered_with_the_present_state(connect: Connect, part_id: int, version: int) -> None:
    held = {"content": version, "stock": version, "price": version}
    assert [part["id"] for part in connect().call("watch", {"parts": {str(part_id): held}})["parts"]] == [part_id]


def test_a_connection_may_watch_200_parts_and_no_more(connect: Connect) -> None:
    page = connect()
    page.call("watch", {"parts": {str(n): None for n in range(1, 151)}})
    assert page.call("watch", {"parts": {str(n): None for n in range(101, 202)}})["error"]["code"] == "too_many_parts"
    assert "error" not in page.call("watch", {"parts": {str(n): None for n in range(101, 201)}})


def test_a_client_can_neither_send_events_to_others_nor_join_rooms_by_name(connect: Connect, part_id: int) -> None:
    villain, page = connect(), connect()
    page.call("watch", {"parts": {str(part_id): None}})
    for event in ("stock.updated", "catalog.changed", "join", "enter_room", "connect", "disconnect"):
        villain.client.emit(event, {"part_id": part_id, "room": "everything"}, namespace="/customers")
    assert villain.call("watch", {}) == {"parts": [], "gone": []}
    assert page.call("watch", {}) == {"parts": [], "gone": []}
    assert page.events == []


@pytest.mark.parametrize("event", ["connect", "disconnect"])
def test_the_librarys_own_calls_cannot_be_sent_as_events(connect: Connect, event: str) -> None:
    page = connect()
    page.call("watch", {"parts": {str(n): None for n in range(1, 201)}})
    page.client.emit(event, {}, namespace="/customers")
    assert page.call("watch", {"parts": {"201": None}})["error"]["code"] == "too_many_parts"


@pytest.mark.parametrize(
    "message",
    [
        "garbage",
        "9",
        "2/customers,",
        "2/customers,{}",
        '2/customers,["watch",',
        '2/customers,[["watch"]]',
        '2/customers,["watch",{"parts":{"\\ud800":null}}]',
        "2/customers," + "[" * 20_000,
        b"x",
    ],
    ids=lambda message: repr(message[:20]),
)
def test_a_message_of_another_protocol_cuts_off_who_sends_it_and_nobody_else(connect: Connect, message: str | bytes) -> None:
    villain, page = connect(), connect()
    villain.client.eio.send(message)
    assert wait_until(lambda: not villain.client.connected)
    assert page.call("watch", {}) == {"parts": [], "gone": []}


def test_a_flood_cuts_off_who_sends_it_and_nobody_else(connect: Connect, part_id: int) -> None:
    villain, page = connect(), connect()
    for _ in range(1000):
        if not villain.client.connected:
            break
        villain.client.emit("nonsense", {}, namespace="/customers")
    assert wait_until(lambda: not villain.client.connected)
    assert [part["id"] for part in page.call("watch", {"parts": {str(part_id): None}})["parts"]] == [part_id]


def test_a_huge_message_cuts_off_who_sends_it_and_nobody_else(connect: Connect, part_id: int) -> None:
    villain, page = connect(), connect()
    villain.client.emit("watch", {"parts": {}, "padding": "x" * 1_000_000}, namespace="/customers")
    assert wait_until(lambda: not villain.client.connected)
    assert [part["id"] for part in page.call("watch", {"parts": {str(part_id): None}})["parts"]] == [part_id]
