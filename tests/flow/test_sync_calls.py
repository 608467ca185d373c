"""What became of a change, what is done about deliveries that were given up, and the shop at a glance."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.api import request_context
from app.container import Container
from app.contract import cache_keys
from app.contract.task_names import Effect
from app.store import reconciliation
from app.sync.heartbeats import Heartbeats
from app.sync.reconciliation.reconcile import LOCK

ADMIN = "/api/v1/admin"
AUDIT = Effect.PERSIST_AUDIT
Api = Callable[[str], FlaskClient]
Refused = Callable[..., dict[str, Any]]
Deliver = Callable[[], None]
NewPart = Callable[..., int]


def ids_of(answer: TestResponse) -> list[str]:
    assert answer.status_code < 300, answer.get_data(as_text=True)
    return [str(UUID(one)) for one in answer.headers["X-Event-IDs"].split(",")]


@pytest.fixture
def admin(api: Api) -> FlaskClient:
    return api("admin")


@pytest.fixture
def journey(api: Api) -> Callable[[str], dict[str, Any]]:
    viewer = api("viewer")
    return lambda event_id: dict(viewer.get(f"{ADMIN}/events/{event_id}").get_json())


def test_a_write_names_its_event_which_tells_what_became_of_each_effect(
    admin: FlaskClient, new_part: NewPart, deliver: Deliver, journey: Callable[[str], dict[str, Any]]
) -> None:
    part_id = new_part()
    answer = admin.put(f"{ADMIN}/parts/{part_id}/stock", json={"current_stock": 3}, headers={"X-Request-ID": "till-00000042"})
    (event_id,) = ids_of(answer)
    owed = journey(event_id)
    # No web process has told anybody.
    assert (owed["type"], owed["aggregate_id"], owed["version"]) == ("stock.updated", part_id, 2)
    assert (owed["request_id"], owed["actor"]["name"], owed["pages"]) == ("till-00000042", "Lockstep", None)
    assert owed["effects"].keys() == {"invalidate_cache", "broadcast", "persist_audit"}
    assert owed["effects"]["persist_audit"] == {
        "state": "pending", "attempts": 0, "done_at": None, "ms": None, "last_error": None, "failures": [],
    }  # fmt: skip
    deliver()
    told = journey(event_id)
    for effect in told["effects"].values():
        assert (effect["state"], effect["last_error"]) == ("done", None)
        assert effect["done_at"] >= told["committed_at"]
        assert effect["ms"] >= 0


def test_a_write_names_every_event_and_one_that_changes_nothing_none(
    admin: FlaskClient, journey: Callable[[str], dict[str, Any]]
) -> None:
    body = {"sku": uuid4().hex, "part_name": "New", "prices": [{"currency": "EUR", "amount": "1.5"}]}
    made = admin.post(f"{ADMIN}/parts", json=body)
    kinds = [journey(event_id)["type"] for event_id in ids_of(made)]
    assert sorted(kinds) == ["part.created", "price.created", "stock.created"]
    url = f"{ADMIN}/parts/{made.get_json()['id']}"
    (one,) = ids_of(admin.put(url, json={"part_name": "Newer"}))
    assert journey(one)["type"] == "content.updated"
    for nothing in (admin.put(url, json={"part_name": "Newer"}), admin.get(url), admin.put(url, json={"part_name": 5})):
        assert "X-Event-IDs" not in nothing.headers


def test_of_very_many_events_the_first_are_named(admin: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_context, "MAX_EVENT_IDS", 2)
    body = {"sku": uuid4().hex, "part_name": "New", "prices": [{"currency": "EUR", "amount": "1.5"}]}
    assert len(ids_of(admin.post(f"{ADMIN}/parts", json=body))) == 2


@pytest.mark.parametrize("event_id", ["3f0c7e6a-1f0e-4f0e-9a51-5d9b6f4f7c01", "17", "x", "3f0c7e6a-1f0e-4f0e-9a51-5d9b6f4f7c01x"])
def test_an_event_that_is_not_there_is_not_found(event_id: str, admin: FlaskClient, refused: Refused) -> None:
    refused(admin.get(f"{ADMIN}/events/{event_id}"), 404)


@pytest.fixture
def dead(admin: FlaskClient, new_part: NewPart, container: Container) -> Callable[..., tuple[int, str]]:
    """Make a stock write whose effect is a dead letter; return the event's id and UUID."""

    def make(effect: Effect = AUDIT, error: str = "KeyError: 'table_name'", part_id: int | None = None) -> tuple[int, str]:
        url = f"{ADMIN}/parts/{part_id or new_part()}/stock/adjustments"
        (event_uuid,) = ids_of(admin.post(url, json={"delta": 1}))
        with container.engine.begin() as connection:
            event_id = connection.execute(
                text("""
                    UPDATE outbox_deliveries d SET state = 'dead', attempts = 12, last_error = :error
                    FROM outbox_events e WHERE e.id = d.event_id AND e.event_id = :event_id AND d.effect = :effect RETURNING e.id
                """),
                {"error": error, "event_id": event_uuid, "effect": effect},
            ).scalar_one()
        return int(event_id), event_uuid

    return make


def test_a_discarded_dead_letter_is_neither_owed_nor_dead_and_the_trail_says_who_gave_it_up_and_why(
    dead: Callable[..., tuple[int, str]], admin: FlaskClient, journey: Any, deliver: Deliver, container: Container,
    refused: Refused, new_part: NewPart,
) -> None:  # fmt: skip
    part_id = new_part()
    event_id, event_uuid = dead(part_id=part_id)
    deliver()
    before = admin.get(f"{ADMIN}/overview").get_json()["dead_letters"]
    url = f"{ADMIN}/sync/dead-letters/{event_id}"
    answer = admin.post(f"{url}/discard", json={"reason": "of a shelf that is gone"})
    assert (answer.status_code, answer.get_json()) == (200, {"discarded": 1})
    assert journey(event_uuid)["effects"][AUDIT] | {"done_at": 0} == {
        "state": "discarded", "attempts": 12, "done_at": 0, "ms": None, "last_error": "KeyError: 'table_name'",
        "failures": [],
    }  # fmt: skip
    assert admin.get(f"{ADMIN}/overview").get_json()["dead_letters"] == before - 1
    refused(admin.post(f"{url}/discard", json={"reason": "again"}), 404)
    refused(admin.post(f"{url}/replay"), 404)
    # Its record is missing, and stays so: reconciliation looks for what was delivered.
    deliver()
    assert container.reconciliation.run()["found"]["audit_missing"] == 0
    deliver()
    assert journey(event_uuid)["effects"][AUDIT]["state"] == "discarded"
    then = admin.get(f"{ADMIN}/parts/{part_id}/as-of", query_string={"at": datetime.now(UTC).isoformat()}).get_json()
    assert then["complete"] is False
    row = admin.get(f"{ADMIN}/audit?table_name=dead_letters").get_json()["items"][0]
    assert (row["reason"], row["changed_by_name"], row["old_values"]) == (
        "of a shelf that is gone", "Lockstep", {"state": "dead"},
    )  # fmt: skip
    assert row["new_values"] == {
        "state": "discarded", "deliveries": {"persist_audit": 1}, "event_ids": [event_uuid], "error": None,
    }  # fmt: skip
    assert journey(ids_of(answer)[0])["type"] == "dead_letters.discarded"


def test_a_part_is_not_known_completely_if_the_record_of_a_category_was_discarded(
    admin: FlaskClient, new_part: NewPart, deliver: Deliver, container: Container
) -> None:
    part_id = new_part()
    (event_uuid,) = ids_of(admin.post(f"{ADMIN}/categories", json={"name": uuid4().hex}))
    then = f"{ADMIN}/parts/{part_id}/as-of"
    with container.engine.begin() as connection:
        made_dead = text("UPDATE outbox_deliveries SET state = 'dead' WHERE effect = 'persist_audit' AND event_id ="
                         " (SELECT id FROM outbox_events WHERE event_id = :id)")  # fmt: skip
        connection.execute(made_dead, {"id": event_uuid})
    deliver()
    assert admin.post(f"{ADMIN}/sync/discard", json={"reason": "lost"}).get_json()["discarded"] >= 1
    assert admin.get(then, query_string={"at": datetime.now(UTC).isoformat()}).get_json()["complete"] is False


@pytest.mark.parametrize(("call", "answer"), [("discard", "discarded"), ("replay", "replayed")])
def test_an_effect_and_the_beginning_of_an_error_mean_all_that_match(
    call: str, answer: str, dead: Callable[..., tuple[int, str]], admin: FlaskClient, journey: Any, deliver: Deliver
) -> None:
    admin.post(f"{ADMIN}/sync/discard", json={"reason": "of the tests before"})
    wanted, error = f"ValueError: {uuid4().hex}", "TypeError: x"
    matching = [dead(AUDIT, f"{wanted} of part {n}")[1] for n in range(2)]
    others = [dead(AUDIT, error)[1], dead(Effect.BROADCAST, f"{wanted} of part 3")[1]]

    def send(**which: str) -> int:
        path = f"{ADMIN}/sync/{call}"
        if call == "discard":
            return int(admin.post(path, json=which | {"reason": "because"}).get_json()[answer])
        return int(admin.post(path, query_string=which).get_json()[answer])

    assert send(effect="persist_audit", error=f"{wanted} of") == 2
    assert send(effect="persist_audit", error=f"{wanted} of") == 0
    states = [journey(event_uuid)["effects"] for event_uuid in (*matching, *others)]
    left = {"discard": "discarded", "replay": "pending"}[call]
    assert [effects[AUDIT]["state"] for effects in states[:3]] == [left, left, "dead"]
    assert states[3][Effect.BROADCAST]["state"] == "dead"
    assert send(error="TypeError") == 1
    assert send() == 1


BAD_DISCARDS: list[dict[str, Any]] = [
    {}, {"reason": ""}, {"reason": None}, {"reason": 5}, {"reason": "x" * 501}, {"reason": "x", "effect": "sync.broadcast"},
    {"reason": "x", "effect": 1}, {"reason": "x", "error": ""}, {"reason": "x", "error": ["a"]}, {"reason": "x", "all": True},
]  # fmt: skip


def test_what_does_not_say_which_and_why_discards_nothing(
    dead: Callable[..., tuple[int, str]], admin: FlaskClient, refused: Refused, events: Callable[[], int], journey: Any
) -> None:
    event_id, event_uuid = dead()
    before = events()
    for body in BAD_DISCARDS:
        refused(admin.post(f"{ADMIN}/sync/discard", json=body), 422)
        refused(admin.post(f"{ADMIN}/sync/dead-letters/{event_id}/discard", json=body), 422)
    refused(admin.post(f"{ADMIN}/sync/dead-letters/{2**63 - 1}/discard", json={"reason": "x"}), 404)
    refused(admin.post(f"{ADMIN}/sync/replay?error="), 422)
    refused(admin.post(f"{ADMIN}/sync/replay?reason=x"), 422)
    assert (events(), journey(event_uuid)["effects"][AUDIT]["state"]) == (before, "dead")


def test_the_overview_counts_what_needs_attention(
    admin: FlaskClient, api: Api, new_part: NewPart, deliver: Deliver, dead: Callable[..., tuple[int, str]],
    container: Container,
) -> None:  # fmt: skip
    viewer = api("viewer")

    def look() -> dict[str, Any]:
        return dict(viewer.get(f"{ADMIN}/overview").get_json())

    before = look()
    assert before.keys() == {
        "low_stock", "out_of_stock", "drafts", "archived", "dead_letters", "oldest_pending_seconds", "propagation",
        "last_reconciliation", "open_pages", "changes_today",
    }  # fmt: skip
    new_part(stock=10)
    new_part(stock=0)
    low = new_part(stock=10, status="draft")
    admin.put(f"{ADMIN}/parts/{low}/stock", json={"reserved_quantity": 7, "min_stock_level": 3})
    gone = new_part(stock=0)
    admin.delete(f"{ADMIN}/parts/{gone}")
    deliver()
    dead()
    container.reconciliation.run()
    after = look()
    rise = {name: after[name] - before[name] for name in ("low_stock", "out_of_stock", "drafts", "archived", "dead_letters")}
    assert rise == {"low_stock": 2, "out_of_stock": 1, "drafts": 1, "archived": 1, "dead_letters": 1}
    for name in ("low_stock", "out_of_stock"):
        listed = {flag: viewer.get(f"{ADMIN}/parts?{name}={flag}&limit=200").get_json()["items"] for flag in ("true", "false")}
        assert after[name] == len(listed["true"])
        assert len(listed["true"]) + len(listed["false"]) == len(viewer.get(f"{ADMIN}/parts?limit=200").get_json()["items"])
    assert after["changes_today"] > before["changes_today"]
    assert after["oldest_pending_seconds"] > 0
    assert after["propagation"].keys() == {"window_seconds", "p50_ms", "p95_ms", "p99_ms"}
    assert after["propagation"]["p50_ms"] <= after["propagation"]["p99_ms"]
    assert after["last_reconciliation"] == admin.get(f"{ADMIN}/sync/status").get_json()["last_reconciliation"]


def test_the_status_says_who_is_alive_and_what_is_well_and_of_what_is_not_known_that_it_is_not(
    api: Api, container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    def status() -> dict[str, Any]:
        return dict(api("admin").get(f"{ADMIN}/sync/status").get_json())

    control = container.sync_control
    monkeypatch.setattr(control, "_cache", SimpleNamespace(is_fresh=True))
    monkeypatch.setattr(control, "_flower", lambda: "http://127.0.0.1:5555/")
    with Redis.from_url(container.settings.redis_url) as valkey:
        mine = Heartbeats(valkey, container.settings.prefix)
        mine.worker("live@here", ["sync.live"])
        mine.beat()
        well = status()
        valkey.delete(container.settings.prefix + cache_keys.worker("live@here"))
    assert ("live@here", ["sync.live"]) in [(one["name"], one["queues"]) for one in well["workers"]]
    assert well["beat_last_tick_seconds"] is not None
    assert (well["components"]["database"], well["components"]["cache"]) == ("ok", "ok")
    assert (well["flower"], well["open_pages"]) == ("http://127.0.0.1:5555/", 0)
    assert "live@here" not in [one["name"] for one in status()["workers"]]
    # Whoever opens it can shut workers down.
    assert api("editor").get(f"{ADMIN}/sync/status").get_json()["flower"] is None

    monkeypatch.setattr(control, "_cache", SimpleNamespace(is_fresh=False))
    monkeypatch.setattr(control, "_flower", lambda: None)
    assert status()["components"]["cache"] == "degraded"
    with Redis(port=1, socket_connect_timeout=0.1) as nowhere:
        monkeypatch.setattr(control, "_heartbeats", Heartbeats(nowhere, ""))
        away = status()
    assert (away["workers"], away["beat_last_tick_seconds"], away["flower"]) == (None, None, None)
    assert away["components"]["cache"] == "away"


def test_why_nothing_was_compared_is_said_in_the_language_of_the_caller(admin: FlaskClient, container: Container) -> None:
    with container.engine.connect() as connection:
        assert reconciliation.try_lock(connection, LOCK)
        answer = admin.post(f"{ADMIN}/sync/reconcile", headers={"Accept-Language": "de"})
        reconciliation.unlock(connection, LOCK)
    assert answer.get_json() == {"skipped": "ein anderer Abgleich läuft gerade"}
