"""Passkeys: added by their owner, good for a log-in and a step-up, and for nothing that was not signed just for it."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.container import Container
from app.services import passkeys
from app.services.login_limits import ACCOUNT_LIMITS, CLIENT_LIMITS, PAIR_LIMITS
from tests.flow.device import PRESENT, VERIFIED, Device

PAIR, ACCOUNT, CLIENT = (limits[0].amount for limits in (PAIR_LIMITS, ACCOUNT_LIMITS, CLIENT_LIMITS))
AUTH, USERS = "/api/v1/auth", "/api/v1/admin/users"
Refused = Callable[..., dict[str, Any]]
LoggedIn = Callable[..., tuple[FlaskClient, str]]


class Owner:
    """A member of staff with a passkey."""

    def __init__(self, logged_in: LoggedIn) -> None:
        self.client, token = logged_in("viewer")
        self.client.environ_base["HTTP_X_CSRF_TOKEN"] = token
        self.me = self.client.get(f"{AUTH}/me").get_json()["user"]
        self.device = Device()
        answer = self.add(self.device)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        self.passkey = answer.get_json()

    def offer(self) -> dict[str, Any]:
        return dict(self.client.post(f"{AUTH}/passkeys/offer").get_json())

    def add(self, device: Device, offer: dict[str, Any] | None = None) -> TestResponse:
        given = offer or self.offer()
        sent = {"name": "Laptop", "ticket": given["ticket"], "credential": device.make(given["options"])}
        return self.client.post(f"{AUTH}/passkeys", json=sent)


@pytest.fixture
def owner(logged_in: LoggedIn) -> Owner:
    return Owner(logged_in)


@pytest.fixture
def client(browser: Callable[[], FlaskClient]) -> FlaskClient:
    """One whose attempts are nobody else's."""
    return browser()


def answer_of(client: FlaskClient, device: Device) -> dict[str, Any]:
    given = client.post(f"{AUTH}/passkey-challenge").get_json()
    return {"ticket": given["ticket"], "credential": device.use(given["options"])}


def log_in(client: FlaskClient, device: Device) -> TestResponse:
    return client.post(f"{AUTH}/login/passkey", json=answer_of(client, device))


def test_a_passkey_logs_its_owner_in_and_its_use_is_noted(owner: Owner, client: FlaskClient) -> None:
    assert owner.passkey["last_used_at"] is None
    answer = log_in(client, owner.device)
    assert answer.status_code == 200
    assert answer.get_json()["user"] == owner.me
    assert client.get(f"{AUTH}/me").get_json()["user"] == owner.me
    (listed,) = owner.client.get(f"{AUTH}/passkeys").get_json()["items"]
    assert (listed["id"], listed["name"]) == (owner.passkey["id"], "Laptop")
    assert listed["last_used_at"] is not None
    # By the same device again: it counts its uses.
    assert log_in(client, owner.device).status_code == 200


def test_an_answer_counts_once_and_none_counts_that_was_asked_for_before_it(
    owner: Owner, client: FlaskClient, refused: Refused
) -> None:
    # As devices that share their passkeys do: nothing but the challenge tells these answers apart.
    owner.device.counts = False
    early = client.post(f"{AUTH}/passkey-challenge").get_json()
    sent = answer_of(client, owner.device)
    assert client.post(f"{AUTH}/login/passkey", json=sent).status_code == 200
    assert refused(client.post(f"{AUTH}/login/passkey", json=sent), 401)["code"] == "wrong_passkey"
    late = {"ticket": early["ticket"], "credential": owner.device.use(early["options"])}
    refused(client.post(f"{AUTH}/login/passkey", json=late), 401)


def test_a_device_whose_count_goes_back_is_a_copy(owner: Owner, client: FlaskClient, refused: Refused) -> None:
    assert log_in(client, owner.device).status_code == 200
    owner.device.uses -= 1
    refused(log_in(client, owner.device), 401)


@pytest.mark.parametrize(
    ("name", "value"),
    [("origin", "https://phishing.example"), ("host", "phishing.example"), ("flags", PRESENT), ("flags", VERIFIED)],
)
def test_what_was_signed_for_another_page_or_without_its_owner_opens_nothing(
    name: str, value: Any, owner: Owner, client: FlaskClient, refused: Refused
) -> None:
    setattr(owner.device, name, value)
    refused(log_in(client, owner.device), 401)
    fresh = Device(**{name: value})
    assert "credential" in refused(owner.add(fresh), 422)["errors"]


def test_a_challenge_that_is_over_forged_or_made_for_something_else_is_none(
    owner: Owner, client: FlaskClient, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = answer_of(client, owner.device)
    refused(client.post(f"{AUTH}/login/passkey", json=sent | {"ticket": "forged"}), 401)
    offer = owner.offer()
    mixed = {"ticket": offer["ticket"], "credential": owner.device.use(offer["options"])}
    refused(client.post(f"{AUTH}/login/passkey", json=mixed), 401)
    given = client.post(f"{AUTH}/passkey-challenge").get_json()
    assert "ticket" in refused(owner.add(Device(), given), 422)["errors"]
    monkeypatch.setattr(passkeys, "CHALLENGE_LASTS", -1)
    refused(log_in(client, owner.device), 401)


@pytest.mark.parametrize("credential", [{}, {"id": 7}, {"id": "!"}, {"id": "AAAA", "response": {}}, {"id": "AAAA" * 10_000}])
def test_what_is_no_answer_of_a_passkey_is_refused(credential: Any, owner: Owner, client: FlaskClient, refused: Refused) -> None:
    given = client.post(f"{AUTH}/passkey-challenge").get_json()
    refused(client.post(f"{AUTH}/login/passkey", json={"ticket": given["ticket"], "credential": credential}), 401)
    offer = owner.offer()
    body = {"name": "x", "ticket": offer["ticket"], "credential": credential}
    refused(owner.client.post(f"{AUTH}/passkeys", json=body), 422)


def test_a_passkey_is_added_once_and_belongs_to_one_person(owner: Owner, logged_in: LoggedIn, refused: Refused) -> None:
    other = Owner(logged_in)
    assert "credential" in refused(other.add(owner.device), 422)["errors"]
    assert "ticket" in refused(other.add(Device(), owner.offer()), 422)["errors"]
    refused(other.client.delete(f"{AUTH}/passkeys/{owner.passkey['id']}"), 404)


def test_nobody_has_more_than_twenty(owner: Owner, refused: Refused) -> None:
    for _ in range(passkeys.MAX_PASSKEYS - 1):
        assert owner.add(Device()).status_code == 201
    assert refused(owner.add(Device()), 409)["code"] == "too_many_passkeys"
    assert len(owner.offer()["options"]["excludeCredentials"]) == passkeys.MAX_PASSKEYS


def test_one_that_is_removed_opens_nothing_and_the_trail_names_it(
    owner: Owner, client: FlaskClient, refused: Refused, deliver: Callable[[], None], container: Container
) -> None:
    assert owner.client.delete(f"{AUTH}/passkeys/{owner.passkey['id']}").status_code == 204
    refused(log_in(client, owner.device), 401)
    deliver()
    removed, added, _ = container.parts.admin.audit({"table_name": "users", "record_id": owner.me["id"]}, None, 10).items
    assert added["new_values"] == {"passkey": "Laptop", "version": 2}
    assert removed["old_values"] == {"passkey": "Laptop", "version": 2}
    assert owner.client.get(f"{AUTH}/me").status_code == 200


def test_the_other_sessions_that_a_removed_one_opened_end_with_it(
    owner: Owner, client: FlaskClient, browser: Callable[[], FlaskClient]
) -> None:
    other = Device()
    assert owner.add(other).status_code == 201
    thief, kept = browser(), browser()
    for opened, device in ((client, owner.device), (thief, owner.device), (kept, other)):
        answer = log_in(opened, device)
        assert answer.status_code == 200
        opened.environ_base["HTTP_X_CSRF_TOKEN"] = answer.get_json()["csrf_token"]
    assert client.delete(f"{AUTH}/passkeys/{owner.passkey['id']}").status_code == 204
    found = [one.get(f"{AUTH}/me").status_code for one in (client, thief, kept, owner.client)]
    assert found == [200, 401, 200, 200]


def test_a_deactivated_person_does_not_get_in_by_it(
    owner: Owner, client: FlaskClient, api: Callable[[str], FlaskClient], refused: Refused
) -> None:
    api("admin").put(f"{USERS}/{owner.me['id']}", json={"is_active": False})
    refused(log_in(client, owner.device), 401)


def test_an_administrator_takes_all_of_them(
    owner: Owner, client: FlaskClient, api: Callable[[str], FlaskClient], refused: Refused, container: Container,
    deliver: Callable[[], None],
) -> None:  # fmt: skip
    admin = api("admin")
    # A change of nothing answers what is.
    assert admin.put(f"{USERS}/{owner.me['id']}", json={}).get_json()["passkeys"] == 1
    assert admin.delete(f"{USERS}/{owner.me['id']}/second-factor").status_code == 204
    refused(log_in(client, owner.device), 401)
    assert owner.client.get(f"{AUTH}/me").status_code == 401
    deliver()
    taken, *_ = container.parts.admin.audit({"table_name": "users", "record_id": owner.me["id"]}, None, 10).items
    assert taken["old_values"] == {"passkeys": ["Laptop"], "version": 2}
    assert taken["new_values"] == {"passkeys": [], "version": 3}


def test_a_passkey_proves_who_its_owner_is_and_nobody_elses_does(
    owner: Owner, logged_in: LoggedIn, aged: Callable[[], None], refused: Refused
) -> None:
    other = Owner(logged_in)
    aged()
    wrong = {"passkey": answer_of(owner.client, other.device)}
    assert "passkey" in refused(owner.client.post(f"{AUTH}/step-up", json=wrong), 422)["errors"]
    assert owner.client.post(f"{AUTH}/passkeys/offer").status_code == 403
    right = {"passkey": answer_of(owner.client, owner.device)}
    assert owner.client.post(f"{AUTH}/step-up", json=right).status_code == 204
    assert owner.client.post(f"{AUTH}/passkeys/offer").status_code == 200


def fail(client: FlaskClient, device: Device) -> TestResponse:
    return client.post(f"{AUTH}/login/passkey", json=answer_of(client, device) | {"ticket": "forged"})


def test_log_ins_by_passkey_are_as_limited_as_those_by_password_and_together_with_them(
    owner: Owner, client: FlaskClient, browser: Callable[[], FlaskClient], refused: Refused
) -> None:
    for number in range(PAIR):
        wrong = {"email": owner.me["email"], "password": "wrong"}
        answer = client.post(f"{AUTH}/login", json=wrong) if number % 2 else fail(client, owner.device)
        assert answer.status_code == 401
    waiting = log_in(client, owner.device)
    assert refused(waiting, 429)["code"] == "too_many_requests"
    assert 0 < int(waiting.headers["Retry-After"]) <= 60
    refused(client.post(f"{AUTH}/login", json=wrong), 429)
    # Somebody else there gets in, and the owner does elsewhere.
    assert fail(client, Device()).status_code == 401
    assert log_in(browser(), owner.device).status_code == 200


def test_who_tries_passkeys_of_nobody_or_one_from_everywhere_is_stopped_too_but_not_the_browser_that_it_knows(
    owner: Owner, client: FlaskClient, browser: Callable[[], FlaskClient]
) -> None:
    assert [fail(client, Device()).status_code for _ in range(CLIENT + 2)] == [401] * CLIENT + [429] * 2
    one_each = [fail(browser(), owner.device).status_code for _ in range(ACCOUNT + 2)]
    assert one_each == [401] * ACCOUNT + [429] * 2
    assert log_in(browser(), owner.device).status_code == 429
    assert log_in(owner.client, owner.device).status_code == 200
    assert log_in(owner.client, owner.device).status_code == 200


def test_only_the_public_half_is_kept(owner: Owner, container: Container) -> None:
    with container.reading.connect() as connection:
        row = connection.execute(text("SELECT * FROM passkeys WHERE id = :id"), owner.passkey).one()
    assert row.public_key
    assert row.user_id == owner.me["id"]


@pytest.mark.parametrize("host", ["a_b", "shop.example:99999", "shop.example:0", "%41", "a,b"])
def test_where_no_page_can_be_there_are_no_passkeys(host: str, client: FlaskClient, refused: Refused) -> None:
    refused(client.post(f"{AUTH}/passkey-challenge", headers={"Host": host}), 400)
