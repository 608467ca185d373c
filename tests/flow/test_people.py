"""Staff and API keys through the API: who gets in, who no longer does, and that some administrator always can."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.container import Container
from app.contract.events import Actor
from app.domain.errors import LastAdministratorError
from app.services import staff as people
from app.store import users
from tests.flow.credentials import PASSWORD

API = "/api/v1"
USERS, KEYS = f"{API}/admin/users", f"{API}/admin/api-keys"
Api = Callable[[str], FlaskClient]
Refused = Callable[..., dict[str, Any]]


@pytest.fixture
def admin(api: Api) -> FlaskClient:
    return api("admin")


@pytest.fixture
def member(admin: FlaskClient) -> dict[str, Any]:
    """A member of staff as the call that added them answered."""
    answer = admin.post(USERS, json={"email": f"{uuid4().hex}@shop.example", "name": "Ana", "role": "stock"})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return dict(answer.get_json())


@pytest.fixture
def log_in(browser: Callable[[], FlaskClient]) -> Callable[[str, str], tuple[FlaskClient, int]]:
    """Try to log in from a browser of its own; return it with the status."""

    def attempt(email: str, password: str) -> tuple[FlaskClient, int]:
        client = browser()
        answer = client.post(f"{API}/auth/login", json={"email": email, "password": password})
        client.environ_base["HTTP_X_CSRF_TOKEN"] = answer.get_json().get("csrf_token", "")
        return client, answer.status_code

    return attempt


@pytest.fixture
def alone(container: Container, staff: Callable[..., str]) -> Iterator[int]:
    """The id of the only administrator who can log in."""
    email = staff("admin")
    with container.engine.begin() as connection:
        found = connection.execute(text("SELECT id FROM users WHERE email = :email"), {"email": email}).scalar_one()
        others = list(
            connection.execute(
                text("UPDATE users SET is_active = false WHERE role = 'admin' AND is_active AND password_hash IS NOT NULL"
                     " AND id <> :id RETURNING id"), {"id": found},
            ).scalars()
        )  # fmt: skip
    yield int(found)
    with container.engine.begin() as connection:
        connection.execute(text("UPDATE users SET is_active = true WHERE id = ANY(:ids)"), {"ids": others})


def all_of(client: FlaskClient, url: str) -> list[dict[str, Any]]:
    found, cursor = [], ""
    while cursor is not None:
        page = client.get(f"{url}?limit=200" + (f"&cursor={cursor}" if cursor else "")).get_json()
        found += page["items"]
        cursor = page["next_cursor"]
    return found


def shown(client: FlaskClient, url: str, id_: int) -> dict[str, Any]:
    (one,) = [item for item in all_of(client, url) if item["id"] == id_]
    return one


def test_a_new_member_of_staff_logs_in_with_the_password_that_is_shown_once(
    member: dict[str, Any], admin: FlaskClient, log_in: Any, deliver: Callable[[], None], container: Container
) -> None:
    browser, status = log_in(member["email"], member["password"])
    assert status == 200
    assert browser.get(f"{API}/auth/me").get_json()["user"]["role"] == "stock"
    listed = shown(admin, USERS, member["id"])
    assert listed == {name: value for name, value in member.items() if name != "password"}
    assert (listed["version"], listed["is_active"], listed["changed_by"]["name"]) == (1, True, "Lockstep")
    deliver()
    (row,) = container.parts.admin.audit({"table_name": "users", "record_id": member["id"]}, None, 10).items
    assert (row["operation"], row["new_values"]["email"]) == ("INSERT", member["email"])
    with container.reading.connect() as connection:
        kept = connection.execute(
            text("SELECT string_agg(payload::text, '') FROM outbox_events WHERE aggregate_type = 'user'")
        ).scalar_one()
    assert member["password"] not in kept


def test_the_staff_is_listed_in_pages_without_the_system_user(admin: FlaskClient, staff: Callable[..., str]) -> None:
    emails = {staff("viewer") for _ in range(3)}
    first = admin.get(f"{USERS}?limit=1").get_json()
    second = admin.get(f"{USERS}?limit=1&cursor={first['next_cursor']}").get_json()
    assert first["items"][0]["id"] < second["items"][0]["id"]
    listed = {one["email"] for one in all_of(admin, USERS)}
    assert emails <= listed
    assert users.SYSTEM_EMAIL not in listed


def test_another_password_is_chosen_by_the_person_and_lasts(member: dict[str, Any], admin: FlaskClient, log_in: Any) -> None:
    browser, _ = log_in(member["email"], member["password"])
    assert shown(admin, USERS, member["id"])["password_expires_at"] is not None
    body = {"current_password": member["password"], "new_password": PASSWORD}
    assert browser.put(f"{API}/auth/password", json=body).status_code == 200
    assert shown(admin, USERS, member["id"])["password_expires_at"] is None


def test_a_one_time_password_that_was_not_replaced_in_time_opens_nothing(
    member: dict[str, Any], container: Container, log_in: Any
) -> None:
    with container.engine.begin() as connection:
        connection.execute(text("UPDATE users SET password_expires_at = now() WHERE id = :id"), {"id": member["id"]})
    assert log_in(member["email"], member["password"])[1] == 401


def test_a_reset_gives_another_one_time_password_and_ends_every_session(
    member: dict[str, Any], admin: FlaskClient, log_in: Any
) -> None:
    browser, _ = log_in(member["email"], member["password"])
    answer = admin.post(f"{USERS}/{member['id']}/password", json={"version": 1, "reason": "forgotten"})
    reset = answer.get_json()
    assert (answer.status_code, reset["version"], reset["changed_by"]["name"]) == (200, 2, "Lockstep")
    assert browser.get(f"{API}/auth/me").status_code == 401
    assert log_in(member["email"], member["password"])[1] == 401
    assert log_in(member["email"], reset["password"])[1] == 200


CHANGES: dict[str, tuple[dict[str, Any], int]] = {
    "role": ({"role": "editor"}, 401), "is_active": ({"is_active": False}, 401), "name": ({"name": "Ana Maria"}, 200),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_role_or_activity_ends_the_sessions_and_a_name_does_not(
    change: str, member: dict[str, Any], admin: FlaskClient, log_in: Any
) -> None:
    wanted, afterwards = CHANGES[change]
    browser, _ = log_in(member["email"], member["password"])
    answer = admin.put(f"{USERS}/{member['id']}", json=wanted | {"version": 1, "reason": "because"})
    assert (answer.status_code, answer.get_json()["version"], answer.get_json()[change]) == (200, 2, wanted[change])
    assert browser.get(f"{API}/auth/me").status_code == afterwards


def test_what_is_so_already_makes_no_version_and_no_event(
    member: dict[str, Any], admin: FlaskClient, events: Callable[[], int]
) -> None:
    before = events()
    same = {name: member[name] for name in ("email", "name", "role", "is_active")}
    answer = admin.put(f"{USERS}/{member['id']}", json=same)
    assert (answer.status_code, answer.get_json()["version"], events()) == (200, 1, before)


def test_whoever_changes_what_somebody_else_has_changed_meanwhile_is_told_what_and_by_whom(
    member: dict[str, Any], admin: FlaskClient, logged_in: Any, refused: Refused, events: Callable[[], int]
) -> None:
    colleague, token = logged_in("admin")
    name = colleague.get(f"{API}/auth/me").get_json()["user"]["name"]
    url = f"{USERS}/{member['id']}"
    assert colleague.put(url, json={"role": "viewer"}, headers={"X-CSRF-Token": token}).status_code == 200
    before = events()
    stale: list[tuple[int, Any]] = [
        (409, admin.put(url, json={"role": "editor", "version": 1})),
        (412, admin.put(url, json={"role": "editor"}, headers={"If-Match": '"1"'})),
        (409, admin.post(f"{url}/password", json={"version": 1})),
    ]
    for status, answer in stale:
        problem = refused(answer, status)
        current = problem["current"]
        assert problem["code"] == "concurrent_modification"
        assert (current["role"], current["version"], current["changed_by"]["name"]) == ("viewer", 2, name)
        assert current["changed_at"]
    assert events() == before


def test_an_address_belongs_to_one_person_however_it_is_written(
    member: dict[str, Any], admin: FlaskClient, staff: Callable[..., str], refused: Refused, events: Callable[[], int]
) -> None:
    other = staff("viewer")
    before = events()
    for answer in (
        admin.post(USERS, json={"email": member["email"].upper(), "role": "admin"}),
        admin.post(USERS, json={"email": users.SYSTEM_EMAIL, "role": "admin"}),
        admin.put(f"{USERS}/{member['id']}", json={"email": other.upper()}),
    ):
        problem = refused(answer, 409)
        assert (problem["code"], problem["errors"].keys()) == ("duplicate", {"email"})
    assert events() == before
    moved = admin.put(f"{USERS}/{member['id']}", json={"email": member["email"].upper()})
    assert (moved.status_code, moved.get_json()["email"]) == (200, member["email"].upper())


BAD_USERS = [
    {}, {"email": "a@b.example"}, {"email": "nobody", "role": "viewer"}, {"email": "a b@c.example", "role": "viewer"},
    {"email": None, "role": "viewer"}, {"email": "a@b.example", "role": "owner"}, {"email": "a@b.example", "role": 1},
    {"email": "a@b.example", "role": "viewer", "is_active": "true"}, {"email": "a@b.example", "role": "viewer", "is_active": 1},
    {"email": "a@b.example", "role": "viewer", "name": ""}, {"email": "a@b.example", "role": "viewer", "name": "x" * 201},
    {"email": "a@b.example", "role": "viewer", "password": "chosen by me"}, {"email": "a@b.example", "role": "viewer", "id": 7},
]  # fmt: skip
BAD_CHANGES = [
    {"version": "1"}, {"version": 0}, {"is_active": None}, {"role": None}, {"name": 5}, {"password": "x"}, {"password_hash": "x"},
]  # fmt: skip
BAD_KEYS = [
    {}, {"name": "till"}, {"role": "stock"}, {"name": "", "role": "stock"}, {"name": "till", "role": "owner"},
    {"name": "till", "role": "stock", "expires_at": "2020-01-01T00:00:00Z"}, {"name": "till", "role": "stock", "key": "mine"},
    {"name": "till", "role": "stock", "expires_at": "tomorrow"}, {"name": "till", "role": "stock", "expires_at": 1767225600},
    {"name": "till", "role": "stock", "last_used_at": None}, {"name": "till", "role": "stock", "user_id": 2},
    {"name": "till", "role": "stock", "scopes": []}, {"name": "till", "role": "stock", "scopes": ["write"]},
    {"name": "till", "role": "stock", "scopes": "read"}, {"name": "till", "role": "stock", "scopes": ["none"]},
]  # fmt: skip


def test_what_does_not_fit_is_refused_and_changes_nothing(
    member: dict[str, Any], admin: FlaskClient, refused: Refused, events: Callable[[], int]
) -> None:
    before = events()
    for body in BAD_USERS:
        refused(admin.post(USERS, json=body), 422)
    for body in BAD_CHANGES:
        refused(admin.put(f"{USERS}/{member['id']}", json=body), 422)
    for body in BAD_KEYS:
        refused(admin.post(KEYS, json=body), 422)
    refused(admin.post(f"{USERS}/{member['id']}/password", json={"password": "mine"}), 422)
    assert events() == before


def test_nobody_changes_the_system_user_or_somebody_who_is_not_there(
    admin: FlaskClient, container: Container, refused: Refused, events: Callable[[], int]
) -> None:
    with container.reading.connect() as connection:
        system = users.system(connection).id
    before = events()
    for id_, status in ((system, 409), (2**31 - 1, 404)):
        for answer in (
            admin.put(f"{USERS}/{id_}", json={"role": "viewer"}), admin.put(f"{USERS}/{id_}", json={"is_active": False}),
            admin.post(f"{USERS}/{id_}/password"),
        ):  # fmt: skip
            assert refused(answer, status)["code"] == {409: "system_user", 404: "not_found"}[status]
    refused(admin.delete(f"{KEYS}/2147483647"), 404)
    assert events() == before


def test_the_last_administrator_keeps_that_role_whoever_asks(
    alone: int, admin: FlaskClient, container: Container, actor: Actor, refused: Refused, events: Callable[[], int]
) -> None:
    email, before = shown(admin, USERS, alone)["email"], events()
    for change in ({"role": "editor"}, {"is_active": False}):
        problem = refused(admin.put(f"{USERS}/{alone}", json=change), 409)
        assert problem["code"] == "last_administrator"
        assert "administrator" in problem["detail"]
    for command in (
        lambda: people.set_role(container.transactions, actor, email, "viewer"),
        lambda: people.deactivate_user(container.transactions, actor, email),
        lambda: people.create_user(container.transactions, actor, email, "Kim", PASSWORD, "viewer"),
    ):
        with pytest.raises(LastAdministratorError):
            command()
    assert events() == before
    assert admin.put(f"{USERS}/{alone}", json={"name": "Still here"}).status_code == 200
    other = admin.post(USERS, json={"email": f"{uuid4().hex}@shop.example", "role": "admin"}).get_json()["id"]
    assert admin.put(f"{USERS}/{alone}", json={"role": "editor"}).status_code == 200
    refused(admin.put(f"{USERS}/{other}", json={"role": "editor"}), 409)


def test_two_administrators_who_take_each_others_rights_at_once_leave_one(
    alone: int, admin: FlaskClient, container: Container, actor: Actor
) -> None:
    other = admin.post(USERS, json={"email": f"{uuid4().hex}@shop.example", "role": "admin"}).get_json()["id"]
    statuses: list[int] = []
    demote = threading.Thread(target=lambda: statuses.append(admin.put(f"{USERS}/{other}", json={"role": "viewer"}).status_code))
    waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%lockstep: staff%'")
    with container.transactions.atomic_operation(actor) as unit_of_work:
        row = users.lock_user_by_id(unit_of_work, alone)
        assert row is not None
        users.change_user(unit_of_work, row, role="viewer")
        demote.start()
        with container.reading.connect() as connection:
            while not connection.execute(waiting).scalar_one():
                assert demote.is_alive()
        unit_of_work.commit()
    demote.join()
    assert statuses == [409]


@pytest.fixture
def key(admin: FlaskClient) -> dict[str, Any]:
    """An API key as the call that made it answered."""
    answer = admin.post(KEYS, json={"name": f"till {uuid4().hex}", "role": "stock", "expires_at": "2100-01-01T00:00:00Z"})
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return dict(answer.get_json())


@pytest.fixture
def use(client: FlaskClient) -> Callable[[dict[str, Any]], int]:
    """Ask something with a key; return the status."""
    return lambda key: client.get(f"{API}/admin/parts", headers={"Authorization": f"Bearer {key['key']}"}).status_code


def test_a_key_is_shown_once_works_and_is_worthless_once_revoked(
    key: dict[str, Any], admin: FlaskClient, use: Any, refused: Refused, deliver: Callable[[], None], container: Container
) -> None:
    assert shown(admin, KEYS, key["id"]) == {name: value for name, value in key.items() if name != "key"}
    assert (key["role"], key["expires_at"], key["last_used_at"]) == ("stock", "2100-01-01T00:00:00.000000Z", None)
    assert use(key) == 200
    refused(admin.delete(f"{KEYS}/{key['id']}?version=2"), 409)
    assert use(key) == 200
    assert admin.delete(f"{KEYS}/{key['id']}?version=1&reason=lost").status_code == 204
    assert use(key) == 401
    assert all(one["id"] != key["id"] for one in all_of(admin, KEYS))
    refused(admin.delete(f"{KEYS}/{key['id']}"), 404)
    deliver()
    revoked, made = container.parts.admin.audit({"table_name": "api_keys", "record_id": key["id"]}, None, 10).items
    assert (made["new_values"]["expires_at"], revoked["reason"]) == (key["expires_at"], "lost")
    assert key["key"] not in str([made, revoked])


def test_a_key_is_limited_to_the_scopes_that_it_was_made_with(
    admin: FlaskClient, use: Any, deliver: Callable[[], None], container: Container, key: dict[str, Any]
) -> None:
    body = {"name": f"till {uuid4().hex}", "role": "stock", "scopes": ["stock:write", "read", "stock:write"]}
    made = admin.post(KEYS, json=body).get_json()
    assert made["scopes"] == shown(admin, KEYS, made["id"])["scopes"] == ["stock:write", "read"]
    assert (use(made), use(admin.post(KEYS, json=body | {"scopes": ["stock:write"]}).get_json())) == (200, 403)
    assert (key["scopes"], use(key)) == (None, 200)
    deliver()
    [said] = container.parts.admin.audit({"table_name": "api_keys", "record_id": made["id"]}, None, 10).items
    assert said["new_values"]["scopes"] == made["scopes"]


def test_a_key_that_has_expired_is_refused(key: dict[str, Any], use: Any, container: Container) -> None:
    assert use(key) == 200
    with container.engine.begin() as connection:
        connection.execute(text("UPDATE api_keys SET expires_at = now() WHERE id = :id"), {"id": key["id"]})
    assert use(key) == 401


def test_the_use_of_a_key_is_noted_once_a_minute(
    key: dict[str, Any], admin: FlaskClient, use: Any, container: Container, events: Callable[[], int]
) -> None:
    before = events()
    use(key)
    first = shown(admin, KEYS, key["id"])["last_used_at"]
    assert first is not None
    use(key)
    assert shown(admin, KEYS, key["id"])["last_used_at"] == first
    with container.engine.begin() as connection:
        connection.execute(
            text("UPDATE api_keys SET last_used_at = :at WHERE id = :id"),
            {"at": datetime.now(UTC) - timedelta(seconds=61), "id": key["id"]},
        )
    use(key)
    assert shown(admin, KEYS, key["id"])["last_used_at"] > first
    assert (shown(admin, KEYS, key["id"])["version"], events()) == (1, before)


def test_a_use_that_cannot_be_noted_fails_nothing(
    key: dict[str, Any], admin: FlaskClient, use: Any, container: Container
) -> None:
    with container.engine.begin() as connection:
        connection.exec_driver_sql("CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'full'; END $$")
        connection.exec_driver_sql("CREATE TRIGGER fails BEFORE UPDATE ON api_keys FOR EACH ROW EXECUTE FUNCTION fail()")
    try:
        assert use(key) == 200
        assert shown(admin, KEYS, key["id"])["last_used_at"] is None
    finally:
        with container.engine.begin() as connection:
            connection.exec_driver_sql("DROP FUNCTION fail() CASCADE")
