"""One-time codes at a log-in: how they are turned on and off, and that each opens the panel once."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pyotp import TOTP
from sqlalchemy import text
from werkzeug.test import TestResponse

from app.container import Container
from app.services.login_limits import PAIR_LIMITS
from tests.flow.credentials import PASSWORD

AUTH, USERS = "/api/v1/auth", "/api/v1/admin/users"
STEP = 30
Refused = Callable[..., dict[str, Any]]
Browser = Callable[[], FlaskClient]
Staff = Callable[..., str]


class Clock:
    """The time by which codes are checked."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0


@pytest.fixture
def clock(container: Container, monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(container.second_factors, "_now", lambda: made.now)
    return made


class Guarded:
    """A member of staff with an authenticator app."""

    def __init__(self, clock: Clock, browser: Browser, email: str) -> None:
        self._clock, self._browser, self.email = clock, browser, email
        self.client = browser()
        token = self.client.post(f"{AUTH}/login", json={"email": email, "password": PASSWORD}).get_json()["csrf_token"]
        self.client.environ_base["HTTP_X_CSRF_TOKEN"] = token
        self.offer = self.client.post(f"{AUTH}/second-factor").get_json()
        answer = self.turn_on(self.code())
        assert answer.status_code == 200, answer.get_data(as_text=True)
        self.recovery_codes: list[str] = answer.get_json()["recovery_codes"]

    def turn_on(self, code: str) -> TestResponse:
        return self.client.put(f"{AUTH}/second-factor", json={"ticket": self.offer["ticket"], "code": code})

    def code(self, steps: int = 0) -> str:
        return TOTP(self.offer["secret"]).at(int(self._clock.now) + steps * STEP)

    def log_in(self, password: str = PASSWORD, client: FlaskClient | None = None, **more: str) -> TestResponse:
        sent = {"email": self.email, "password": password, **more}
        return (client or self._browser()).post(f"{AUTH}/login", json=sent)

    def turn_off(self, password: str, code: str) -> TestResponse:
        return self.client.post(f"{AUTH}/second-factor/off", json={"password": password, "code": code})

    @property
    def state(self) -> dict[str, Any]:
        return dict(self.client.get(f"{AUTH}/second-factor").get_json())


@pytest.fixture
def guarded(clock: Clock, browser: Browser, staff: Staff) -> Guarded:
    return Guarded(clock, browser, staff("viewer"))


def test_with_a_second_factor_the_password_alone_opens_nothing(guarded: Guarded, clock: Clock, refused: Refused) -> None:
    clock.now += STEP
    answer = guarded.log_in()
    assert refused(answer, 401)["code"] == "second_factor_required"
    assert "Set-Cookie" not in answer.headers
    entered = guarded.log_in(code=guarded.code())
    assert entered.status_code == 200
    assert entered.get_json()["user"]["email"] == guarded.email


def test_a_wrong_password_is_answered_alike_whatever_the_code(guarded: Guarded, clock: Clock, refused: Refused) -> None:
    clock.now += STEP
    right = refused(guarded.log_in("wrong", code=guarded.code()), 401)
    none = refused(guarded.log_in("wrong"), 401)
    unknown = refused(guarded.log_in("wrong", email="nobody@shop.example"), 401)
    assert right | {"request_id": ""} == none | {"request_id": ""} == unknown | {"request_id": ""}
    # Nor has the right code been used up by it.
    assert guarded.log_in(code=guarded.code()).status_code == 200


def test_each_code_opens_once_and_none_before_it_does(guarded: Guarded, clock: Clock, refused: Refused) -> None:
    assert refused(guarded.log_in(code=guarded.code()), 401)["code"] == "wrong_code"
    clock.now += 5 * STEP
    used, earlier = guarded.code(), guarded.code(-1)
    assert guarded.log_in(code=f"{used[:3]} {used[3:]}").status_code == 200
    refused(guarded.log_in(code=used), 401)
    refused(guarded.log_in(code=earlier), 401)
    clock.now += STEP
    assert guarded.log_in(code=guarded.code()).status_code == 200


@pytest.mark.parametrize(("steps", "status"), [(-2, 401), (-1, 200), (0, 200), (1, 200), (2, 401)])
def test_a_clock_may_be_one_step_off(steps: int, status: int, guarded: Guarded, clock: Clock) -> None:
    clock.now += 5 * STEP
    assert guarded.log_in(code=guarded.code(steps)).status_code == status


def test_a_recovery_code_opens_once_however_it_is_typed(guarded: Guarded, container: Container) -> None:
    first, second = guarded.recovery_codes[:2]
    assert len({*guarded.recovery_codes}) == 10
    assert guarded.log_in(code=first.upper().replace("-", " ")).status_code == 200
    assert guarded.log_in(code=first).status_code == 401
    assert guarded.state["recovery_codes"] == 9
    with container.reading.connect() as connection:
        kept = str(connection.execute(text("SELECT array_agg(f::text) FROM second_factors f")).scalar_one())
    assert second not in kept
    assert second.replace("-", "") not in kept
    assert guarded.offer["secret"] not in kept


def test_wrong_codes_count_as_wrong_passwords_and_a_missing_one_does_not(
    guarded: Guarded, clock: Clock, browser: Browser, refused: Refused
) -> None:
    clock.now += STEP
    client = browser()
    for _ in range(PAIR_LIMITS[0].amount):
        refused(guarded.log_in(client=client), 401)
    for _ in range(PAIR_LIMITS[0].amount):
        refused(guarded.log_in(client=client, code="000000" if guarded.code() != "000000" else "000001"), 401)
    assert refused(guarded.log_in(client=client, code=guarded.code()), 429)["code"] == "too_many_requests"
    assert guarded.log_in(code=guarded.code()).status_code == 200


def test_the_offer_is_an_address_for_apps_and_a_picture_of_it_that_the_policy_lets_be_shown(guarded: Guarded) -> None:
    offer = guarded.offer
    assert offer["uri"].startswith("otpauth://totp/Lockstep:")
    assert f"secret={offer['secret']}" in offer["uri"]
    assert offer["qr_code"].startswith("data:image/svg+xml")
    assert guarded.client.post(f"{AUTH}/second-factor").get_json()["secret"] != offer["secret"]


def test_an_offer_is_taken_with_its_own_code_once_and_by_whom_it_was_made_to(
    clock: Clock, browser: Browser, staff: Staff, guarded: Guarded, refused: Refused
) -> None:
    assert refused(guarded.turn_on(guarded.code()), 409)["code"] == "second_factor_on"
    other = Guarded(clock, browser, staff("viewer"))
    clock.now += STEP
    assert other.turn_off(PASSWORD, other.code()).status_code == 204
    assert "code" in refused(other.turn_on("123"), 422)["errors"]
    other.offer = guarded.offer
    assert "ticket" in refused(other.turn_on(other.code()), 422)["errors"]
    other.offer = guarded.offer | {"ticket": "forged"}
    assert "ticket" in refused(other.turn_on(other.code()), 422)["errors"]
    assert other.state == {"since": None, "recovery_codes": 0}


def test_turning_it_on_ends_the_other_sessions_and_goes_on_in_this_one(clock: Clock, browser: Browser, staff: Staff) -> None:
    email, elsewhere = staff("viewer"), browser()
    elsewhere.post(f"{AUTH}/login", json={"email": email, "password": PASSWORD})
    here = Guarded(clock, browser, email)
    assert here.client.get(f"{AUTH}/me").status_code == 200
    assert elsewhere.get(f"{AUTH}/me").status_code == 401
    assert here.state["since"] is not None


def test_it_is_turned_off_with_the_password_and_a_code_and_with_nothing_less(
    guarded: Guarded, clock: Clock, refused: Refused
) -> None:
    clock.now += STEP
    assert "password" in refused(guarded.turn_off("wrong", guarded.code()), 422)["errors"]
    assert "code" in refused(guarded.turn_off(PASSWORD, "123456 7"), 422)["errors"]
    refused(guarded.log_in(), 401)
    assert guarded.turn_off(PASSWORD, guarded.recovery_codes[0]).status_code == 204
    assert guarded.log_in().status_code == 200
    refused(guarded.turn_off(PASSWORD, guarded.code()), 404)


def test_who_has_one_proves_who_they_are_by_password_and_code(
    guarded: Guarded, clock: Clock, aged: Callable[[], None], refused: Refused
) -> None:
    def prove(**sent: str) -> TestResponse:
        return guarded.client.post(f"{AUTH}/step-up", json=sent)

    def status() -> int:
        return guarded.client.post(f"{AUTH}/second-factor").status_code

    clock.now += STEP
    aged()
    refused(prove(), 422)
    assert "password" in refused(prove(code=guarded.code()), 422)["errors"]
    assert "password" in refused(prove(password="wrong"), 422)["errors"]
    assert "password" in refused(prove(password="wrong", code=guarded.code()), 422)["errors"]
    assert "code" in refused(prove(password=PASSWORD), 422)["errors"]
    assert "code" in refused(prove(password=PASSWORD, code="000000" if guarded.code() != "000000" else "1"), 422)["errors"]
    assert status() == 403
    assert prove(password=PASSWORD, code=guarded.code()).status_code == 204
    assert status() == 200
    aged()
    assert "code" in refused(prove(password=PASSWORD, code=guarded.code()), 422)["errors"]
    assert status() == 403


def test_who_has_no_second_factor_proves_nothing_by_a_code(
    logged_in: Callable[..., tuple[FlaskClient, str]], refused: Refused
) -> None:
    client, token = logged_in()
    answer = client.post(f"{AUTH}/step-up", json={"code": "123456"}, headers={"X-CSRF-Token": token})
    assert "password" in refused(answer, 422)["errors"]


def test_proofs_count_as_attempts_to_log_in(guarded: Guarded, refused: Refused) -> None:
    for _ in range(PAIR_LIMITS[0].amount):
        refused(guarded.client.post(f"{AUTH}/step-up", json={"password": "wrong"}), 422)
    refused(guarded.client.post(f"{AUTH}/step-up", json={"password": PASSWORD}), 429)


def test_an_administrator_takes_it_from_whoever_lost_it_and_the_trail_says_so_without_secrets(
    guarded: Guarded, api: Callable[[str], FlaskClient], deliver: Callable[[], None], container: Container, refused: Refused
) -> None:
    admin = api("admin")
    number = guarded.client.get(f"{AUTH}/me").get_json()["user"]["id"]
    # A change of nothing answers what is.
    member = admin.put(f"{USERS}/{number}", json={}).get_json()
    assert member["has_second_factor"]
    url = f"{USERS}/{member['id']}/second-factor"
    refused(admin.delete(url, headers={"If-Match": '"1"'}), 412)
    assert admin.delete(f"{url}?reason=lost").status_code == 204
    refused(admin.delete(url), 404)
    assert guarded.client.get(f"{AUTH}/me").status_code == 401
    assert guarded.log_in().status_code == 200
    deliver()
    off, on, _created = container.parts.admin.audit({"table_name": "users", "record_id": member["id"]}, None, 10).items
    assert (on["new_values"], off["new_values"]) == (
        {"second_factor": True, "version": 2}, {"second_factor": False, "version": 3},
    )  # fmt: skip
    assert off["reason"] == "lost"


def test_the_command_line_takes_it_away_too(guarded: Guarded, app: Flask) -> None:
    done = app.test_cli_runner().invoke(args=["disable-second-factor", guarded.email])
    assert (done.exit_code, guarded.log_in().status_code) == (0, 200)
    again = app.test_cli_runner().invoke(args=["disable-second-factor", guarded.email])
    assert again.exit_code == 1
    assert "no user" in again.output


def test_who_lost_both_is_let_in_by_two_steps_neither_of_which_does_alone(
    guarded: Guarded, api: Callable[[str], FlaskClient], refused: Refused
) -> None:
    admin, number = api("admin"), guarded.client.get(f"{AUTH}/me").get_json()["user"]["id"]
    reset = admin.post(f"{USERS}/{number}/password").get_json()["password"]
    assert refused(guarded.log_in(reset), 401)["code"] == "second_factor_required"
    assert admin.delete(f"{USERS}/{number}/second-factor").status_code == 204
    assert guarded.log_in(reset).status_code == 200


def test_so_is_the_last_administrator_by_two_commands(guarded: Guarded, app: Flask, refused: Refused) -> None:
    def run(*arguments: str) -> None:
        done = app.test_cli_runner().invoke(args=arguments, input="another good password\n" * 2)
        assert done.exit_code == 0, done.output

    run("set-role", guarded.email, "admin")
    run("set-password", guarded.email)
    assert refused(guarded.log_in("another good password"), 401)["code"] == "second_factor_required"
    run("disable-second-factor", guarded.email)
    assert guarded.log_in("another good password").status_code == 200


@pytest.fixture
def ear(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    from structlog.testing import capture_logs

    with capture_logs() as lines:
        yield lines


def test_no_code_and_no_secret_is_logged(guarded: Guarded, clock: Clock, ear: list[dict[str, Any]]) -> None:
    clock.now += STEP
    code = guarded.code()
    guarded.log_in()
    guarded.log_in(code=guarded.recovery_codes[0])
    guarded.log_in(code=code)
    guarded.log_in(code=code)
    everything = repr(ear)
    assert not re.search(rf"\b{code}\b", everything)
    assert guarded.recovery_codes[0] not in everything
    assert guarded.offer["secret"] not in everything
