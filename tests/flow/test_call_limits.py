"""How many calls one member of staff, or one API key, may make, and what answers say of it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import SimpleNamespace
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.api import rate_limits
from app.container import Container
from app.domain import buckets
from app.factory import create_app
from app.services.call_limits import AT_ONCE
from config import load_settings
from tests.flow.credentials import PASSWORD

PER_SECOND = 5
MAX_CALLS = PER_SECOND * AT_ONCE
ME, LOGIN = "/api/v1/auth/me", "/api/v1/auth/login"
Api = Callable[..., FlaskClient]
Wait = Callable[[float], None]


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch) -> Wait:
    """Let seconds pass for the limits, for which time stands still otherwise."""
    now = [1_000.0]
    monkeypatch.setattr(buckets, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def passing(seconds: float) -> None:
        now[0] += seconds

    return passing


@pytest.fixture
def strict(container: Container, wait: Wait, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    """An application that lets nobody make more than a few calls, refuses more without delay, and has no cache."""
    monkeypatch.setattr(rate_limits, "REFUSED_AFTER", 0)
    made = create_app(replace(load_settings(), calls_per_second=PER_SECOND, redis_url="redis://127.0.0.1:1/1"))
    yield made
    made.extensions["lockstep"].close()


@pytest.fixture
def key(api: Api, strict: Flask) -> Callable[[str], FlaskClient]:
    """Make clients of that application that send an API key of the given role; all keys act as one user."""

    def make(role: str) -> FlaskClient:
        made = strict.test_client()
        made.environ_base["HTTP_AUTHORIZATION"] = api(role).environ_base["HTTP_AUTHORIZATION"]
        return made

    return make


@pytest.fixture
def person(strict: Flask, staff: Callable[..., str]) -> Callable[..., FlaskClient]:
    """Make browsers in which somebody is logged in to that application."""

    def make(email: str | None = None) -> FlaskClient:
        made = strict.test_client()
        made.environ_base["REMOTE_ADDR"] = "2001:db8:" + ":".join(re.findall("....", uuid4().hex[:8])) + "::1"
        assert made.post(LOGIN, json={"email": email or staff(), "password": PASSWORD}).status_code == 200
        return made

    return make


def left(answer: TestResponse, name: str = "calls") -> tuple[int, int]:
    """Return how many are left by the answer, and in how many seconds all of them are."""
    [found] = re.findall(rf'"{name}";r=(\d+);t=(\d+)', answer.headers["RateLimit"])
    return int(found[0]), int(found[1])


def used_up(client: FlaskClient) -> TestResponse:
    """Make all the calls that a client may make; return the answer to the first that it may not."""
    answers = [client.get(ME) for _ in range(MAX_CALLS)]
    assert {answer.status_code for answer in answers} == {200}
    return client.get(ME)


def test_answers_count_down_to_the_refusal_which_says_when_to_come_back(
    key: Api, wait: Wait, refused: Callable[..., dict[str, object]]
) -> None:
    client = key("viewer")
    answers = [client.get(ME) for _ in range(MAX_CALLS)]
    assert {answer.headers["RateLimit-Policy"] for answer in answers} == {f'"calls";q={MAX_CALLS};w={AT_ONCE}'}
    assert [left(answer)[0] for answer in answers] == [*range(MAX_CALLS - 1, -1, -1)]
    assert [left(answers[0])[1], left(answers[-1])[1]] == [1, AT_ONCE]
    answer = client.get(ME, headers={"Accept-Language": "de"})
    assert refused(answer, 429)["code"] == "too_many_requests"
    assert "Versuchen Sie es in 1 s noch einmal" in answer.get_json()["detail"]
    assert (answer.headers["Retry-After"], left(answer)) == ("1", (0, AT_ONCE))
    wait(1 / PER_SECOND)
    assert [client.get(ME).status_code for _ in range(2)] == [200, 429]
    wait(AT_ONCE)
    assert left(client.get(ME)) == (MAX_CALLS - 1, 1)


def test_who_asks_again_at_once_is_kept_waiting_for_the_refusal(key: Api, strict: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[float] = []
    in_use: list[int] = []

    def sleep(seconds: float) -> None:
        held.append(seconds)
        in_use.append(strict.extensions["lockstep"].engine.pool.checkedout())

    monkeypatch.setattr(rate_limits, "REFUSED_AFTER", 0.7)
    monkeypatch.setattr(rate_limits, "time", SimpleNamespace(sleep=sleep))
    client = key("viewer")
    assert used_up(client).status_code == client.get(ME).status_code == 429
    assert held == [0.7, 0.7]
    assert in_use == [0, 0], "nobody waits for their connection to the database"


def test_nobody_else_feels_it(key: Api, person: Callable[[], FlaskClient], client: FlaskClient) -> None:
    busy, other, browser = key("admin"), key("admin"), person()
    assert used_up(busy).status_code == 429
    assert left(other.get(ME)) == left(browser.get(ME)) == (MAX_CALLS - 1, 1)
    assert client.get("/api/v1/parts").status_code == 200


def test_a_person_is_one_in_all_of_their_sessions(staff: Callable[..., str], person: Callable[..., FlaskClient]) -> None:
    email = staff()
    first, second, somebody = person(email), person(email), person()
    assert used_up(first).status_code == second.get(ME).status_code == 429
    assert somebody.get(ME).status_code == 200
    # Who is kept waiting can log in all the same.
    person(email)


def test_what_the_role_does_not_allow_counts_and_what_nobody_has_made_does_not(key: Api, strict: Flask) -> None:
    client, nobody = key("viewer"), strict.test_client()
    answer = client.get("/api/v1/admin/users")
    assert (answer.status_code, left(answer)[0]) == (403, MAX_CALLS - 1)
    answer = nobody.get(ME)
    assert answer.status_code == 401
    assert "RateLimit" not in answer.headers


def test_a_write_that_was_refused_takes_effect_once_when_it_is_sent_again(
    key: Api, wait: Wait, new_part: Callable[..., int], events: Callable[[], int]
) -> None:
    client, part = key("stock"), new_part(stock=7)
    body, headers = {"delta": -2, "reason": "sold"}, {"Idempotency-Key": uuid4().hex}
    assert used_up(client).status_code == 429
    before = events()

    def sold() -> TestResponse:
        return client.post(f"/api/v1/admin/parts/{part}/stock/adjustments", json=body, headers=headers)

    assert [sold().status_code for _ in range(2)] == [429, 429]
    assert events() == before
    wait(1)
    answers = [sold() for _ in range(2)]
    assert [(answer.status_code, answer.get_json()["current_stock"]) for answer in answers] == [(200, 5)] * 2
    assert "Idempotency-Replayed" in answers[1].headers


def test_log_ins_say_how_many_attempts_are_left(browser: Callable[[], FlaskClient], staff: Callable[..., str]) -> None:
    client, email = browser(), staff()

    def tried(password: str) -> TestResponse:
        return client.post(LOGIN, json={"email": email, "password": password})

    wrong = [tried("wrong") for _ in range(3)]
    assert [left(answer, "log-ins")[0] for answer in wrong] == [9, 8, 7]
    assert {answer.headers["RateLimit-Policy"] for answer in wrong} == {'"log-ins";q=10;w=60'}
    assert 0 < left(wrong[-1], "log-ins")[1] <= 60
    # Who gets in has used none up, and is counted as a browser that is known from then on.
    assert [left(tried(PASSWORD), "log-ins")[0] for _ in range(2)] == [7, 10]
    assert [tried("wrong").status_code for _ in range(11)][-1] == 429
    over = tried(PASSWORD)
    assert left(over, "log-ins") == (0, int(over.headers["Retry-After"]))


def test_proofs_tell_both_limits(logged_in: Callable[..., tuple[FlaskClient, str]]) -> None:
    client, token = logged_in()
    answer = client.post("/api/v1/auth/step-up", json={"password": "wrong"}, headers={"X-CSRF-Token": token})
    assert answer.status_code == 422
    assert left(answer, "log-ins")[0] == 9
    assert left(answer)[0] > 0
    assert answer.headers["RateLimit-Policy"].count('";q=') == 2
