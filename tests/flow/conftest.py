"""Fixtures shared by the tests through HTTP."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.container import Container
from app.contract.events import Actor
from app.services.authentication import ROLES, SCOPES, hash_password
from app.store import users
from tests.flow.credentials import PASSWORD

_PASSWORD_HASH = hash_password(PASSWORD)


@pytest.fixture
def editor(api: Callable[[str], FlaskClient]) -> FlaskClient:
    """A client with an editor's API key."""
    return api("editor")


@pytest.fixture
def events(container: Container) -> Callable[[], int]:
    """Count the events written so far: a request that changes nothing does not change the count."""

    def count() -> int:
        with container.reading.connect() as connection:
            return int(connection.execute(text("SELECT COALESCE(max(id), 0) FROM outbox_events")).scalar_one())

    return count


@pytest.fixture
def refused() -> Callable[..., dict[str, Any]]:
    """Check that an answer is a problem document of the given status."""

    def check(response: TestResponse, *statuses: int) -> dict[str, Any]:
        assert response.status_code in statuses, response.get_data(as_text=True)
        assert response.content_type == "application/problem+json"
        body = response.get_json()
        assert body.keys() >= {"type", "title", "status", "detail", "code", "request_id"}
        assert body["status"] == response.status_code
        assert body["request_id"] == response.headers["X-Request-ID"]
        assert re.fullmatch(r"[a-z_]+", body["code"])
        return body

    return check


@pytest.fixture
def everybody(api: Callable[[str], FlaskClient], client: FlaskClient) -> dict[str, FlaskClient]:
    """A client of each role, and one without a login under the name `nobody`."""
    return {"nobody": client, **{role: api(role) for role in ROLES}}


@pytest.fixture
def limited(api: Callable[..., FlaskClient]) -> dict[str, FlaskClient]:
    """A client with an administrator's key of each scope alone, and one without scopes under the name `unlimited`."""
    return {"unlimited": api("admin"), **{scope: api("admin", scopes=[scope]) for scope in SCOPES}}


@pytest.fixture
def staff(container: Container, actor: Actor) -> Callable[..., str]:
    """Make members of staff with the password `PASSWORD`; return the address."""

    def make(role: str = "editor") -> str:
        email = f"{uuid4().hex}@shop.example"
        container.transactions.run(actor, lambda uow: users.create_user(uow, email, f"Test {role}", _PASSWORD_HASH, role))
        return email

    return make


@pytest.fixture
def browser(app: Flask, container: Container) -> Callable[[], FlaskClient]:
    """Make clients that keep cookies, each from an address of its own, so that none uses up another's login attempts."""

    def make() -> FlaskClient:
        made = app.test_client()
        made.environ_base["REMOTE_ADDR"] = "2001:db8:" + ":".join(re.findall("....", uuid4().hex[:8])) + "::1"
        return made

    return make


@pytest.fixture
def aged(container: Container) -> Callable[[], None]:
    """Make every session one that was opened eleven minutes ago, and not proven since."""

    def age() -> None:
        with container.engine.begin() as connection:
            made = text("UPDATE user_sessions SET created_at = created_at - interval '11 minutes', proven_at = NULL")
            connection.execute(made)

    return age


@pytest.fixture
def logged_in(browser: Callable[[], FlaskClient], staff: Callable[..., str]) -> Callable[..., tuple[FlaskClient, str]]:
    """Make logged-in clients with their CSRF token."""

    def make(role: str = "editor") -> tuple[FlaskClient, str]:
        made = browser()
        response = made.post("/api/v1/auth/login", json={"email": staff(role), "password": PASSWORD})
        assert response.status_code == 200, response.get_data(as_text=True)
        return made, response.get_json()["csrf_token"]

    return make
