"""What the log says of who came in, who was refused, and whose rights changed; and the ids that tie a change's lines together."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient

from app.api import account, auth, rate_limits, request_context
from app.contract.task_names import Effect
from app.domain import buckets
from app.services.call_limits import AT_ONCE, CallLimits
from app.sync import delivery, security
from tests.flow.credentials import PASSWORD

LOGIN = "/api/v1/auth/login"
Lines = Callable[..., list[dict[str, Any]]]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Lines:
    """Return the lines of a name that were logged, in the test's own ear instead of on the terminal."""
    ear = structlog.testing.LogCapture()
    for module in (account, auth, rate_limits, security):
        monkeypatch.setattr(module, "security", _into(ear, "security"))
    monkeypatch.setattr(request_context, "trace", _into(ear, "trace"))
    monkeypatch.setattr(delivery, "trace", _into(ear, "trace"))

    def named(event: str, **values: Any) -> list[dict[str, Any]]:
        return [line for line in ear.entries if line["event"] == event and values.items() <= line.items()]

    return named


def _into(ear: structlog.testing.LogCapture, channel: str) -> Any:
    return structlog.wrap_logger(SimpleNamespace(), processors=[structlog.contextvars.merge_contextvars, ear], channel=channel)


def test_log_ins_and_those_refused_are_logged_without_what_was_typed(
    browser: Callable[[], FlaskClient], staff: Callable[..., str], lines: Lines
) -> None:
    email, client = staff(), browser()
    client.post(LOGIN, json={"email": email, "password": "a wrong one"})
    client.post(LOGIN, json={"email": "my password", "password": "x"})
    client.post(LOGIN, json={"email": email, "password": PASSWORD}, headers={"X-Request-ID": "request-of-mine"})
    first, second = lines("log_in_refused", reason="unauthenticated")
    assert (first["account"], second["account"]) == (email, None)
    assert first["address"]
    [entered] = lines("log_in", request_id="request-of-mine", account=email)
    assert entered["actor_id"]
    everything = repr(lines("log_in_refused") + lines("log_in"))
    assert "a wrong one" not in everything
    assert PASSWORD not in everything


def test_log_ins_over_the_limit_are_refused_log_ins_in_the_log_and_the_metrics(
    browser: Callable[[], FlaskClient], lines: Lines
) -> None:
    def counted() -> float:
        text = client.get("/metrics").get_data(as_text=True)
        return float(next(line for line in text.splitlines() if line.startswith("login_failures_total")).split()[1])

    client, email = browser(), f"{uuid4().hex}@shop.example"
    client.post(LOGIN, json={"email": email, "password": "x"})
    before = counted()
    for _ in range(10):
        last = client.post(LOGIN, json={"email": email, "password": "x"})
    assert last.status_code == 429
    assert counted() == before + 10
    assert lines("log_in_refused", reason=last.get_json()["code"], account=email)


def test_of_calls_beyond_the_limit_one_line_tells_for_each_burst_and_the_metrics_of_each(
    app: Flask, api: Callable[[str], FlaskClient], lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr(buckets, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(rate_limits, "REFUSED_AFTER", 0)
    context = app.extensions["lockstep_context"]
    monkeypatch.setitem(app.extensions, "lockstep_context", replace(context, call_limits=CallLimits(per_second=1)))
    client = api("viewer")

    def counted() -> float:
        text = app.test_client().get("/metrics").get_data(as_text=True)
        return float(next(line for line in text.splitlines() if line.startswith('call_refusals_total{kind="key"}')).split()[1])

    app.extensions["lockstep"].monitoring.prime()
    before = counted()
    for pause, bursts in ((0.0, 1), (2.0, 1), (AT_ONCE, 2)):
        now[0] += pause
        statuses = [client.get("/api/v1/auth/me").status_code for _ in range(AT_ONCE + 5)]
        assert statuses[-5:] == [429] * 5
        found = lines("calls_refused")
        assert len(found) == bursts
    assert found[0]["caller"] == f"key {found[0]['api_key']}"
    assert found[0]["actor"]
    assert counted() == before + 5 + 13 + 5


def test_refusals_say_who_wanted_what(api: Callable[[str], FlaskClient], client: FlaskClient, lines: Lines) -> None:
    assert api("viewer").get("/api/v1/admin/users").status_code == 403
    [refused] = lines("access_refused", reason="role")
    assert (refused["has"], refused["needs"], refused["path"]) == ("viewer", "admin", "/api/v1/admin/users")
    assert refused["api_key"]
    client.get("/api/v1/admin/parts", headers={"Authorization": "Bearer lk_forged"})
    [forged] = lines("access_refused", reason="unauthenticated")
    assert "forged" not in repr(forged)
    # Nobody is told of by a request that sends nothing: that is what every expired session does.
    client.get("/api/v1/admin/parts")
    assert len(lines("access_refused")) == 2


def test_changes_of_rights_are_logged_with_who_made_them(api: Callable[[str], FlaskClient], lines: Lines) -> None:
    administrator = api("admin")
    made = administrator.post("/api/v1/admin/users", json={"email": f"{uuid4().hex}@shop.example", "role": "viewer"}).get_json()
    administrator.put(f"/api/v1/admin/users/{made['id']}", json={"role": "editor"})
    administrator.put(f"/api/v1/admin/users/{made['id']}", json={"is_active": False})
    key = administrator.post("/api/v1/admin/api-keys", json={"name": "till", "role": "stock"}).get_json()
    administrator.delete(f"/api/v1/admin/api-keys/{key['id']}")
    [created] = lines("user.created", subject=made["id"])
    raised, locked_out = lines("user.updated", subject=made["id"])
    assert (created["role"], raised["role"], locked_out["is_active"]) == ("viewer", "editor", False)
    [granted], [revoked] = lines("api_key.created", subject=key["id"]), lines("api_key.revoked", subject=key["id"])
    assert granted["role"] == "stock"
    for line in (created, raised, locked_out, granted, revoked):
        assert line["api_key"]
        assert line["request_id"]
    everything = repr(lines("user.created") + lines("api_key.created"))
    assert made["password"] not in everything
    assert key["key"] not in everything


def test_sessions_that_are_ended_and_passwords_that_are_not_changed_are_logged(
    logged_in: Callable[..., tuple[FlaskClient, str]], lines: Lines
) -> None:
    client, token = logged_in()
    headers = {"X-CSRF-Token": token}
    wrong = {"current_password": "wrong", "new_password": "quite another horse"}
    client.put("/api/v1/auth/password", json=wrong, headers=headers)
    assert lines("password_change_refused")[0]["actor_id"]
    client.post("/api/v1/auth/logout", headers={"X-CSRF-Token": "forged"})
    assert lines("access_refused", reason="forbidden")
    client.post("/api/v1/auth/logout", headers=headers)
    assert lines("log_out")[0]["actor_id"]


def test_a_change_can_be_followed_from_its_request_to_each_batch(
    api: Callable[[str], FlaskClient],
    new_part: Callable[..., int],
    deliver: Callable[[], None],
    client: FlaskClient,
    lines: Lines,
) -> None:
    part_id, request_id = new_part(), f"request-{uuid4().hex}"
    answer = api("stock").put(
        f"/api/v1/admin/parts/{part_id}/stock", json={"current_stock": 3}, headers={"X-Request-ID": request_id}
    )
    deliver()
    [asked] = lines("request", request_id=request_id)
    assert (asked["method"], asked["status"], asked["event_ids"]) == ("PUT", 200, [answer.headers["X-Event-IDs"]])
    assert (asked["route"], bool(asked["api_key"])) == ("/api/v1/admin/parts/<id:part_id>/stock", True)
    batches = [line for line in lines("delivered") if answer.headers["X-Event-IDs"] in line["event_ids"]]
    assert Effect.PERSIST_AUDIT in {batch["effect"] for batch in batches}
    assert all(request_id in batch["request_ids"] and batch["actor_ids"] for batch in batches)
    client.get(f"/api/v1/parts/{part_id}", headers={"X-Request-ID": "a-customers-request"})
    assert lines("request", request_id="a-customers-request") == []


def test_the_command_line_shows_the_whole_journey_of_an_event_and_of_a_request(
    app: Flask, api: Callable[[str], FlaskClient], new_part: Callable[..., int], deliver: Callable[[], None]
) -> None:
    part_id, request_id, shown = new_part(), f"request-{uuid4().hex}", app.test_cli_runner()
    stock, headers = f"/api/v1/admin/parts/{part_id}/stock", {"X-Request-ID": request_id}
    event_id = api("stock").put(stock, json={"current_stock": 3}, headers=headers).headers["X-Event-IDs"]
    owed = shown.invoke(args=["sync", "trace", event_id]).output
    assert "persist_audit pending" in owed
    deliver()
    for name in (event_id, request_id):
        done = shown.invoke(args=["sync", "trace", name])
        assert (done.exit_code, f"event {event_id}: stock.updated of part {part_id}, version 2" in done.output) == (0, True)
        assert f"in request {request_id}" in done.output
        for effect in (Effect.BROADCAST, Effect.PERSIST_AUDIT):
            assert f"  {effect} done after " in done.output
    nothing = shown.invoke(args=["sync", "trace", str(uuid4())])
    assert nothing.exit_code == 1
    assert "is neither an event nor a request" in nothing.output
