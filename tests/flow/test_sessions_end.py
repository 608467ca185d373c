"""A session ends when its basis changes: the password, the role, the active flag, or a new log-in that replaces it."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.container import Container
from app.contract.events import Actor
from app.domain.errors import InvalidFieldError, NotFoundError
from app.services import staff as people
from app.services.authentication import COOKIE, digest
from app.store import users
from tests.flow.credentials import PASSWORD

LOGIN = "/api/v1/auth/login"
ME = "/api/v1/auth/me"
OTHER = "another horse, another battery"
Change = Callable[[Container, Actor, str], object]

CHANGES: dict[str, Change] = {
    "another password": lambda container, actor, email: people.set_password(container.transactions, actor, email, OTHER),
    "another role": lambda container, actor, email: people.set_role(container.transactions, actor, email, "viewer"),
    "a deactivation": lambda container, actor, email: people.deactivate_user(container.transactions, actor, email),
    "everything anew": lambda container, actor, email: people.create_user(
        container.transactions, actor, email, "Kim", OTHER, "editor"
    ),
    "a password and a name": lambda container, actor, email: people.create_user(
        container.transactions, actor, email, "Kim", PASSWORD, "editor"
    ),
}


@pytest.fixture
def member(browser: Callable[[], FlaskClient], staff: Callable[..., str]) -> tuple[str, FlaskClient, FlaskClient]:
    """A member of staff's address, and two browsers in which they are logged in."""
    email = staff("editor")
    clients = browser(), browser()
    for client in clients:
        assert client.post(LOGIN, json={"email": email, "password": PASSWORD}).status_code == 200
    return email, *clients


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_of_rights_ends_every_session_of_that_person_and_nobody_elses(
    change: str,
    member: tuple[str, FlaskClient, FlaskClient],
    logged_in: Callable[..., tuple[FlaskClient, str]],
    container: Container,
    actor: Actor,
) -> None:
    email, *clients = member
    colleague, _ = logged_in()
    CHANGES[change](container, actor, email)
    assert [client.get(ME).status_code for client in clients] == [401, 401]
    assert colleague.get(ME).status_code == 200


def test_a_change_that_is_not_committed_ends_nothing(
    member: tuple[str, FlaskClient, FlaskClient], container: Container, actor: Actor
) -> None:
    email, client, _ = member
    with container.transactions.atomic_operation(actor) as unit_of_work:
        row = users.lock_user(unit_of_work, email)
        assert row is not None
        users.change_user(unit_of_work, row, role="viewer")
    assert client.get(ME).status_code == 200


def test_another_name_or_what_is_so_already_ends_nothing(
    member: tuple[str, FlaskClient, FlaskClient], container: Container, actor: Actor, events: Callable[[], int]
) -> None:
    email, client, _ = member
    before = events()
    people.set_role(container.transactions, actor, email, "editor")
    assert events() == before
    with container.transactions.atomic_operation(actor) as unit_of_work:
        row = users.lock_user(unit_of_work, email)
        assert row is not None
        users.change_user(unit_of_work, row, name="Kim Newname")
        unit_of_work.commit()
    assert client.get(ME).get_json()["user"]["name"] == "Kim Newname"


def test_a_deactivation_that_is_taken_back_revives_neither_cookies_nor_keys(
    member: tuple[str, FlaskClient, FlaskClient], client: FlaskClient, container: Container, actor: Actor
) -> None:
    email, browser, _ = member
    key = people.create_key(container.transactions, actor, "a key", "viewer", browser.get(ME).get_json()["user"]["id"])
    headers = {"Authorization": f"Bearer {key}"}
    assert client.get(ME, headers=headers).status_code == 200
    people.deactivate_user(container.transactions, actor, email)
    people.activate_user(container.transactions, actor, email)
    assert browser.get(ME).status_code == 401
    assert client.get(ME, headers=headers).status_code == 401
    assert browser.post(LOGIN, json={"email": email, "password": PASSWORD}).status_code == 200


def test_a_key_never_does_more_than_the_person_that_it_acts_as(
    member: tuple[str, FlaskClient, FlaskClient], client: FlaskClient, container: Container, actor: Actor
) -> None:
    email, browser, _ = member
    key = people.create_key(container.transactions, actor, "a key", "admin", browser.get(ME).get_json()["user"]["id"])
    headers = {"Authorization": f"Bearer {key}"}
    for role, may in (("editor", 422), ("viewer", 403)):
        people.set_role(container.transactions, actor, email, role)
        assert client.get(ME, headers=headers).get_json()["user"]["role"] == role
        assert client.post("/api/v1/admin/categories", json={"nonsense": 1}, headers=headers).status_code == may
        # Open panels are asked about in the same way.
        assert users.rights(container.reading, [digest(key)], scope="read", idle=timedelta(hours=8)) == {digest(key): role}


def test_a_deactivation_past_the_application_is_not_revived_either(
    member: tuple[str, FlaskClient, FlaskClient], container: Container, actor: Actor
) -> None:
    email, browser, _ = member
    with container.reading.connect() as connection:
        connection.execute(text("UPDATE users SET is_active = false WHERE email = :email"), {"email": email})
    people.activate_user(container.transactions, actor, email)
    assert browser.get(ME).status_code == 401


def test_a_new_log_in_ends_the_session_whose_cookie_it_is_sent_with_and_no_other(
    member: tuple[str, FlaskClient, FlaskClient], browser: Callable[[], FlaskClient]
) -> None:
    email, client, elsewhere = member
    old = client.get_cookie(COOKIE)
    assert old is not None
    assert client.post(LOGIN, json={"email": email, "password": PASSWORD}).status_code == 200
    assert client.get(ME).status_code == 200
    stale = browser()
    stale.set_cookie(COOKIE, old.value)
    assert stale.get(ME).status_code == 401
    assert elsewhere.get(ME).status_code == 200


def test_a_failed_log_in_ends_nothing(member: tuple[str, FlaskClient, FlaskClient]) -> None:
    email, client, _ = member
    assert client.post(LOGIN, json={"email": email, "password": "wrong"}).status_code == 401
    assert client.get(ME).status_code == 200


def test_a_log_in_with_the_old_password_does_not_slip_in_beside_the_change(
    member: tuple[str, FlaskClient, FlaskClient], browser: Callable[[], FlaskClient], container: Container, actor: Actor
) -> None:
    """It has read the user and checked the password before the change is committed, and would open its session afterwards."""
    email, late = member[0], browser()
    statuses: list[int] = []
    log_in = threading.Thread(
        target=lambda: statuses.append(late.post(LOGIN, json={"email": email, "password": PASSWORD}).status_code)
    )
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO user_sessions%'"
    )
    with container.transactions.atomic_operation(actor) as unit_of_work:
        row = users.lock_user(unit_of_work, email)
        assert row is not None
        users.change_user(unit_of_work, row, password_hash="nobody's")
        log_in.start()
        with container.reading.connect() as connection:
            while not connection.execute(waiting).scalar_one():
                assert log_in.is_alive()
        unit_of_work.commit()
    log_in.join()
    assert statuses == [401]


def test_the_trail_tells_of_the_change_and_of_the_keys_but_of_no_password(
    member: tuple[str, FlaskClient, FlaskClient], container: Container, actor: Actor, deliver: Callable[[], None]
) -> None:
    email, client, _ = member
    user_id = client.get(ME).get_json()["user"]["id"]
    key = people.create_key(container.transactions, actor, f"key of {email}", "viewer", user_id)
    people.set_password(container.transactions, actor, email, OTHER)
    people.deactivate_user(container.transactions, actor, email)
    deliver()
    rows = container.parts.admin.audit({"table_name": "users", "record_id": user_id}, None, 10).items
    assert [row["new_values"].get("password") for row in rows] == [None, "changed", "set"]
    assert rows[0]["new_values"]["is_active"] is False
    [revoked] = [
        row for row in container.parts.admin.audit({"table_name": "api_keys", "operation": "UPDATE"}, None, 50).items
        if row["new_values"]["revoked_at"] and row["changed_by"] == actor.user_id
    ][:1]  # fmt: skip
    assert revoked["old_values"]["revoked_at"] is None
    assert not any(secret in str([*rows, revoked]) for secret in (OTHER, PASSWORD, key))


REFUSED: dict[str, Callable[[Container, Actor], Any]] = {
    "set_password": lambda container, actor: people.set_password(container.transactions, actor, users.SYSTEM_EMAIL, OTHER),
    "set_role": lambda container, actor: people.set_role(container.transactions, actor, users.SYSTEM_EMAIL.upper(), "admin"),
    "deactivate": lambda container, actor: people.deactivate_user(container.transactions, actor, users.SYSTEM_EMAIL),
    "create": lambda container, actor: people.create_user(
        container.transactions, actor, f" {users.SYSTEM_EMAIL}", "x", OTHER, "admin"
    ),
    "of nobody": lambda container, actor: people.set_password(
        container.transactions, actor, f"{uuid4().hex}@shop.example", OTHER
    ),
    "activate the active": lambda container, actor: people.activate_user(container.transactions, actor, users.SYSTEM_EMAIL),
}


@pytest.mark.parametrize("call", REFUSED)
def test_neither_the_system_nor_nobody_can_be_changed(
    call: str, container: Container, actor: Actor, events: Callable[[], int]
) -> None:
    before = events()
    with pytest.raises((NotFoundError, InvalidFieldError)):
        REFUSED[call](container, actor)
    assert events() == before
