"""Logging in and out: the cookie, the CSRF token, API keys, and what a stranger learns from a refusal."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from app.container import Container
from app.contract.rooms import ADMIN
from app.factory import create_app
from app.live.admin import AdminNamespace
from config import load_settings
from tests.flow.credentials import PASSWORD

LOGIN = "/api/v1/auth/login"
Refused = Callable[..., dict[str, Any]]
Browser = Callable[[], FlaskClient]


def test_logging_in_sets_a_cookie_that_scripts_cannot_read_and_returns_the_csrf_token(
    browser: Browser, staff: Callable[..., str]
) -> None:
    email = staff("stock")
    client = browser()
    response = client.post(LOGIN, json={"email": email.upper(), "password": PASSWORD})
    assert response.status_code == 200
    assert response.get_json()["user"] | {"id": 0} == {"id": 0, "email": email, "name": "Test stock", "role": "stock"}
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert client.get("/api/v1/auth/me").get_json() == response.get_json()


@pytest.fixture
def production(app: Flask) -> Iterator[Flask]:
    """An application as in production."""
    made = create_app(replace(load_settings(), environment="production", allowed_hosts=("shop.example",)))
    yield made
    made.extensions["lockstep"].engine.dispose()


def test_in_production_cookies_are_of_https_and_of_that_very_host_alone(
    production: Flask, staff: Callable[..., str], refused: Refused
) -> None:
    client = production.test_client()
    at_shop: dict[str, Any] = {"base_url": "https://shop.example"}
    response = client.post(LOGIN, json={"email": staff(), "password": PASSWORD}, **at_shop)
    session, device = response.headers.getlist("Set-Cookie")
    assert session.startswith("__Host-lockstep_session=")
    assert device.startswith("__Secure-lockstep_device=")
    for cookie in (session, device):
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= {*cookie.split("; ")}
        assert "Domain" not in cookie
    assert "Path=/" in session.split("; ")
    assert client.get("/api/v1/auth/me", **at_shop).status_code == 200
    # What a page of a neighbouring host or of plain HTTP could have set counts for nothing.
    token = session.partition("=")[2].partition(";")[0]
    plain = production.test_client()
    plain.set_cookie("lockstep_session", token, domain="shop.example")
    refused(plain.get("/api/v1/auth/me", **at_shop), 401)
    with production.test_request_context(headers={"Cookie": f"lockstep_session={token}"}, **at_shop):
        assert _panel(production)._principal(None) is None
    with production.test_request_context(headers={"Cookie": f"__Host-lockstep_session={token}"}, **at_shop):
        assert _panel(production)._principal(None) is not None
    csrf = {"X-CSRF-Token": response.get_json()["csrf_token"]}
    (over,) = client.post("/api/v1/auth/logout", headers=csrf, **at_shop).headers.getlist("Set-Cookie")
    assert {"Secure", "Path=/", "Max-Age=0"} <= {*over.split("; ")}
    refused(client.get("/api/v1/auth/me", **at_shop), 401)


def _panel(app: Flask) -> AdminNamespace:
    return AdminNamespace(ADMIN, app.extensions["lockstep"], app.extensions["lockstep_authenticator"])


def test_only_a_digest_of_the_sessions_token_is_kept(browser: Browser, staff: Callable[..., str], container: Container) -> None:
    client = browser()
    client.post(LOGIN, json={"email": staff(), "password": PASSWORD})
    token = client.get_cookie("lockstep_session")
    assert token is not None
    with container.reading.connect() as connection:
        kept = connection.execute(text("SELECT count(*) FROM user_sessions WHERE token_digest = :t"), {"t": token.value})
        assert kept.scalar_one() == 0


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(
    browser: Browser, staff: Callable[..., str], refused: Refused
) -> None:
    wrong = refused(browser().post(LOGIN, json={"email": staff(), "password": "wrong"}), 401)
    unknown = refused(browser().post(LOGIN, json={"email": "nobody@shop.example", "password": "wrong"}), 401)
    assert wrong | {"request_id": ""} == unknown | {"request_id": ""}


def test_nobody_can_log_in_as_the_system(browser: Browser, refused: Refused) -> None:
    refused(browser().post(LOGIN, json={"email": "system@lockstep.invalid", "password": "x"}), 401)


def test_a_deactivated_member_of_staff_is_out_at_once(
    logged_in: Callable[..., tuple[FlaskClient, str]], container: Container, refused: Refused
) -> None:
    client, _ = logged_in()
    user_id = client.get("/api/v1/auth/me").get_json()["user"]["id"]
    with container.reading.connect() as connection:
        connection.execute(text("UPDATE users SET is_active = false WHERE id = :id"), {"id": user_id})
    refused(client.get("/api/v1/auth/me"), 401)


def test_an_expired_session_is_nobodys(
    logged_in: Callable[..., tuple[FlaskClient, str]], container: Container, refused: Refused
) -> None:
    client, _ = logged_in()
    user_id = client.get("/api/v1/auth/me").get_json()["user"]["id"]
    with container.reading.connect() as connection:
        connection.execute(text("UPDATE user_sessions SET expires_at = now() WHERE user_id = :id"), {"id": user_id})
    refused(client.get("/api/v1/auth/me"), 401)


def test_a_session_that_nobody_uses_for_the_idle_time_is_nobodys(
    logged_in: Callable[..., tuple[FlaskClient, str]], container: Container, refused: Refused
) -> None:
    client, _ = logged_in()
    me = client.get("/api/v1/auth/me").get_json()["user"]["id"]
    idle = timedelta(minutes=container.settings.session_idle_minutes)
    assert idle == timedelta(hours=8)
    _last_seen(container, me, idle - timedelta(minutes=1))
    assert client.get("/api/v1/auth/sessions").get_json()["items"]
    _last_seen(container, me, idle)
    refused(client.get("/api/v1/auth/me"), 401)


def test_a_use_keeps_a_session_open_and_is_noted_once_a_minute_but_not_what_a_panel_does_by_itself(
    logged_in: Callable[..., tuple[FlaskClient, str]], container: Container
) -> None:
    client, _ = logged_in()
    me = client.get("/api/v1/auth/me").get_json()["user"]["id"]
    for ago, headers, is_noted in (
        (timedelta(seconds=50), {}, False), (timedelta(hours=7), {"X-Unattended": "1"}, False), (timedelta(hours=7), {}, True),
    ):  # fmt: skip
        before = _last_seen(container, me, ago)
        assert client.get("/api/v1/auth/me", headers=headers).status_code == 200
        assert (_last_seen(container, me) > before) == is_noted


def _last_seen(container: Container, user_id: int, ago: timedelta | None = None) -> datetime:
    """Return when somebody's session was last used, made to be so long ago if wanted."""
    with container.reading.connect() as connection:
        moment: datetime = connection.execute(
            text(
                "UPDATE user_sessions SET last_seen_at = COALESCE(clock_timestamp() - CAST(:ago AS interval), last_seen_at)"
                " WHERE user_id = :id RETURNING last_seen_at"
            ),
            {"ago": ago, "id": user_id},
        ).scalar_one()
    return moment


def test_after_repeated_failures_even_the_right_password_has_to_wait(
    browser: Browser, staff: Callable[..., str], refused: Refused
) -> None:
    client, email = browser(), staff()
    for _ in range(10):
        refused(client.post(LOGIN, json={"email": email, "password": "wrong"}), 401)
    waiting = client.post(LOGIN, json={"email": email, "password": PASSWORD})
    assert refused(waiting, 429)["code"] == "too_many_requests"
    assert int(waiting.headers["Retry-After"]) > 0
    assert browser().post(LOGIN, json={"email": email, "password": PASSWORD}).status_code == 200


def test_logging_out_makes_the_cookie_worthless(logged_in: Callable[..., tuple[FlaskClient, str]], refused: Refused) -> None:
    client, csrf = logged_in()
    cookie = client.get_cookie("lockstep_session")
    assert cookie is not None
    assert client.post("/api/v1/auth/logout", headers={"X-CSRF-Token": csrf}).status_code == 204
    assert client.get_cookie("lockstep_session") is None
    client.set_cookie("lockstep_session", cookie.value)
    refused(client.get("/api/v1/auth/me"), 401)


@pytest.mark.parametrize("token", [None, "", "wrong", "ünïcode", "x" * 5000])
def test_with_the_cookie_an_unsafe_method_needs_the_sessions_csrf_token(
    token: str | None, logged_in: Callable[..., tuple[FlaskClient, str]], new_part: Callable[..., int], refused: Refused,
    events: Callable[[], int],
) -> None:  # fmt: skip
    client, _ = logged_in()
    part_id = new_part()
    before = events()
    headers = {} if token is None else {"X-CSRF-Token": token}
    refused(client.put(f"/api/v1/admin/parts/{part_id}/stock", json={"current_stock": 1}, headers=headers), 403)
    assert events() == before


def test_another_sessions_csrf_token_does_not_help(
    logged_in: Callable[..., tuple[FlaskClient, str]], new_part: Callable[..., int], refused: Refused
) -> None:
    client, own = logged_in()
    _, foreign = logged_in()
    url = f"/api/v1/admin/parts/{new_part()}/stock"
    refused(client.put(url, json={"current_stock": 1}, headers={"X-CSRF-Token": foreign}), 403)
    assert client.put(url, json={"current_stock": 1}, headers={"X-CSRF-Token": own}).status_code == 200


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
def test_a_form_of_another_site_changes_nothing(
    content_type: str, logged_in: Callable[..., tuple[FlaskClient, str]], new_part: Callable[..., int], refused: Refused
) -> None:
    client, csrf = logged_in()
    url = f"/api/v1/admin/parts/{new_part()}/stock"
    body = b'{"current_stock": 1}'
    refused(client.put(url, data=body, content_type=content_type), 403)
    refused(client.put(url, data=body, content_type=content_type, headers={"X-CSRF-Token": csrf}), 415)


def test_an_api_key_needs_neither_cookie_nor_csrf_token(api: Callable[[str], FlaskClient], new_part: Callable[..., int]) -> None:
    response = api("stock").put(f"/api/v1/admin/parts/{new_part()}/stock", json={"current_stock": 1})
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer ", "Bearer lsk_wrong", "Basic YTpi", "lsk_x", "Bearer lsk_\xe9", "Bearer é" * 99]
)
def test_a_wrong_key_is_refused_even_beside_a_valid_cookie(
    value: str, logged_in: Callable[..., tuple[FlaskClient, str]], refused: Refused
) -> None:
    client, _ = logged_in()
    refused(client.get("/api/v1/auth/me", headers={"Authorization": value}), 401)


def test_a_revoked_key_is_worthless(api: Callable[[str], FlaskClient], container: Container, refused: Refused) -> None:
    client = api("viewer")
    assert client.get("/api/v1/auth/me").status_code == 200
    with container.reading.connect() as connection:
        connection.execute(text("UPDATE api_keys SET revoked_at = now() WHERE id = (SELECT max(id) FROM api_keys)"))
    refused(client.get("/api/v1/auth/me"), 401)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "a@b.example"},
        {"email": "a@b.example", "password": ""},
        {"email": "a@b.example", "password": 5},
        {"email": ["a@b.example"], "password": "x"},
        {"email": "a@b.example", "password": "x" * 1001},
        {"email": "a" * 321, "password": "x"},
        {"email": "a\x00b@b.example", "password": "x"},
        {"email": "a@b.example", "password": "x", "role": "admin"},
    ],
)
def test_a_log_in_that_cannot_be_right_is_refused_before_any_work(
    body: dict[str, Any], browser: Browser, refused: Refused
) -> None:
    assert refused(browser().post(LOGIN, json=body), 422)["errors"]


def test_a_password_of_a_megabyte_is_refused(browser: Browser, refused: Refused) -> None:
    refused(browser().post(LOGIN, json={"email": "a@b.example", "password": "x" * 1_000_000}), 413)
