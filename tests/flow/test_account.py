"""A user's own password and sessions."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.container import Container
from app.domain.addresses import parse_address
from app.services.authentication import COOKIE
from app.services.login_limits import PAIR_LIMITS
from tests.flow.credentials import PASSWORD

AUTH = "/api/v1/auth"
OTHER = "Zoé's other password"
Refused = Callable[..., dict[str, Any]]
Browser = Callable[[], FlaskClient]


class Person:
    """A member of staff in one of their browsers."""

    def __init__(self, client: FlaskClient, email: str, password: str = PASSWORD) -> None:
        self.client, self.email = client, email
        answer = client.post(
            f"{AUTH}/login", json={"email": email, "password": password}, headers={"User-Agent": "Browser\x1b 1.0"}
        )
        assert answer.status_code == 200
        self.csrf = {"X-CSRF-Token": answer.get_json()["csrf_token"]}

    @property
    def is_in(self) -> bool:
        return self.client.get(f"{AUTH}/me").status_code == 200

    def change(self, current: str, wanted: str, **more: str) -> Any:
        return self.client.put(
            f"{AUTH}/password", json={"current_password": current, "new_password": wanted, **more}, headers=self.csrf
        )

    def sessions(self, query: str = "") -> dict[str, Any]:
        return dict(self.client.get(f"{AUTH}/sessions{query}").get_json())


@pytest.fixture
def people(browser: Browser, staff: Callable[..., str]) -> tuple[Person, Person]:
    """One member of staff in two browsers."""
    email = staff("viewer")
    return Person(browser(), email), Person(browser(), email)


def test_another_password_ends_all_sessions_and_goes_on_in_this_browser_with_a_new_one(
    people: tuple[Person, Person], browser: Browser
) -> None:
    here, elsewhere = people
    old = here.client.get_cookie(COOKIE)
    assert old is not None
    answer = here.change(PASSWORD, OTHER)
    assert answer.status_code == 200
    assert here.is_in
    assert answer.get_json()["csrf_token"] != here.csrf["X-CSRF-Token"]
    assert not elsewhere.is_in
    stale = browser()
    stale.set_cookie(COOKIE, old.value)
    assert stale.get(f"{AUTH}/me").status_code == 401
    assert browser().post(f"{AUTH}/login", json={"email": here.email, "password": PASSWORD}).status_code == 401
    assert Person(browser(), here.email, "Zoe\u0301's other password").is_in


@pytest.mark.parametrize("wanted", ["short", "with\ta tab in it", "password1", "Test viewer 1", "", "x" * 1001, 12345678, None])
def test_a_new_password_that_does_not_fit_changes_nothing(wanted: Any, people: tuple[Person, Person], refused: Refused) -> None:
    here, elsewhere = people
    assert "new_password" in refused(here.change(PASSWORD, wanted), 422)["errors"]
    assert here.is_in
    assert elsewhere.is_in


def test_the_present_password_is_asked_for_as_often_as_at_a_log_in(people: tuple[Person, Person], refused: Refused) -> None:
    here, elsewhere = people
    tries = PAIR_LIMITS[0].amount
    for _ in range(tries):
        assert "current_password" in refused(here.change("wrong", OTHER), 422)["errors"]
    assert refused(here.change(PASSWORD, OTHER), 429)["code"] == "too_many_requests"
    assert here.is_in
    assert elsewhere.change(PASSWORD, OTHER).status_code == 200


def test_it_needs_the_csrf_token_and_takes_nothing_else(people: tuple[Person, Person], refused: Refused) -> None:
    here, _ = people
    refused(here.change(PASSWORD, OTHER, email="somebody@else.example"), 422)
    here.csrf = {}
    refused(here.change(PASSWORD, OTHER), 403)


def test_a_machine_has_neither_password_nor_sessions(
    api: Callable[[str], FlaskClient], client: FlaskClient, refused: Refused
) -> None:
    calls = [
        ("PUT", "password", {"current_password": "x", "new_password": OTHER}),
        ("GET", "sessions", None),
        ("DELETE", "sessions/1", None),
        ("GET", "second-factor", None),
        ("POST", "second-factor", None),
        ("PUT", "second-factor", {"ticket": "x", "code": "x"}),
        ("POST", "second-factor/off", {"password": "x", "code": "x"}),
        ("POST", "step-up", {"password": "x"}),
        ("GET", "passkeys", None),
        ("POST", "passkeys/offer", None),
        ("POST", "passkeys", {"ticket": "x", "credential": {}, "name": "x"}),
        ("DELETE", "passkeys/1", None),
    ]
    for method, path, body in calls:
        refused(api("admin").open(f"{AUTH}/{path}", method=method, json=body), 403)
        refused(client.open(f"{AUTH}/{path}", method=method, json=body), 401)


def test_ones_sessions_are_listed_with_their_origin_newest_first_and_in_pages(people: tuple[Person, Person]) -> None:
    here, elsewhere = people
    items = here.sessions()["items"]
    assert [item["is_current"] for item in items] == [False, True]
    assert items[0]["ip_address"] == parse_address(elsewhere.client.environ_base["REMOTE_ADDR"])
    assert {item["user_agent"] for item in items} == {"Browser 1.0"}
    assert all(item["created_at"] <= item["last_seen_at"] < item["expires_at"] for item in items)
    assert not {"token", "token_digest", "csrf_token"} & items[0].keys()
    first = here.sessions("?limit=1")
    second = here.sessions(f"?limit=1&cursor={first['next_cursor']}")
    assert first["items"] + second["items"] == items
    assert second["next_cursor"] is None


def test_a_session_of_ones_own_can_be_ended_and_nobody_elses(
    people: tuple[Person, Person], browser: Browser, staff: Callable[..., str], refused: Refused
) -> None:
    here, elsewhere = people
    stranger = Person(browser(), staff("admin"))
    elsewhere_id, here_id = (item["id"] for item in here.sessions()["items"])
    for number in (elsewhere_id, 2**31 - 1, 2**31, 0):
        refused(stranger.client.delete(f"{AUTH}/sessions/{number}", headers=stranger.csrf), 404)
    refused(here.client.delete(f"{AUTH}/sessions/{elsewhere_id}"), 403)
    assert here.client.delete(f"{AUTH}/sessions/{elsewhere_id}", headers=here.csrf).status_code == 204
    assert (here.is_in, elsewhere.is_in) == (True, False)
    refused(here.client.delete(f"{AUTH}/sessions/{elsewhere_id}", headers=here.csrf), 404)
    assert here.client.delete(f"{AUTH}/sessions/{here_id}", headers=here.csrf).status_code == 204
    assert not here.is_in


def test_an_expired_session_is_not_listed(people: tuple[Person, Person], container: Container) -> None:
    here, _ = people
    [other, _] = here.sessions()["items"]
    with container.reading.connect() as connection:
        connection.execute(text("UPDATE user_sessions SET expires_at = now() WHERE id = :id"), {"id": other["id"]})
    assert [item["is_current"] for item in here.sessions()["items"]] == [True]
