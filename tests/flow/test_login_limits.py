"""How often one may guess: per account and client, per account, per client; counted before hashing; and never a 500."""

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.api.auth import DEVICE_COOKIE
from app.container import Container
from app.domain.errors import BusyError, UnauthenticatedError
from app.domain.turns import Turns
from app.factory import create_app
from app.services import login_limits
from app.services.authentication import HASHES_AT_ONCE, MAX_WAITING, Authenticator, Caller
from app.services.login_limits import ACCOUNT_LIMITS, CLIENT_LIMITS, PAIR_LIMITS
from bench.system import wait_until
from config import load_settings
from tests.flow.credentials import PASSWORD

LOGIN = "/api/v1/auth/login"
PAIR, ACCOUNT, CLIENT = (limits[0].amount for limits in (PAIR_LIMITS, ACCOUNT_LIMITS, CLIENT_LIMITS))
Staff = Callable[..., str]
Browser = Callable[[], FlaskClient]


def guess(client: FlaskClient, email: str, password: str = "wrong", address: str | None = None) -> TestResponse:
    headers = {} if address is None else {"X-Forwarded-For": address}
    return client.post(LOGIN, json={"email": email, "password": password}, headers=headers)


def unknown() -> str:
    return f"{uuid4().hex}@shop.example"


@pytest.fixture
def behind_proxies(container: Container) -> Iterator[Callable[[int], FlaskClient]]:
    """Make clients of applications that trust the given number of proxies."""
    made: list[Flask] = []

    def make(hops: int) -> FlaskClient:
        made.append(create_app(replace(load_settings(), trusted_proxies=hops)))
        return made[-1].test_client()

    yield make
    for app in made:
        app.extensions["lockstep"].close()


@pytest.fixture
def proxied(behind_proxies: Callable[[int], FlaskClient]) -> FlaskClient:
    """A client of an application behind one proxy."""
    return behind_proxies(1)


@pytest.mark.parametrize(
    "addresses",
    [
        "192.0.2.{low}:{port}", "[2001:db8:{site}::1]:{port}", "2001:db8:{site}::{many}", "[2001:db8:{site}::{many}:1]:{port}",
        "::ffff:192.0.2.{low}", "2001:db8:{site}::1%eth{many}", "10.9.8.{many}, 192.0.2.{low}:{port}",
    ],
)  # fmt: skip
def test_one_client_is_one_whatever_its_address_is_dressed_in(addresses: str, proxied: FlaskClient, staff: Staff) -> None:
    email, low, site = staff(), uuid4().int % 250 + 1, uuid4().hex[:4]
    for number in range(PAIR):
        sent = addresses.format(low=low, site=site, port=4000 + number, many=number + 1)
        assert guess(proxied, email, address=sent).status_code == 401
    sent = addresses.format(low=low, site=site, port=5000, many=99)
    waiting = guess(proxied, email, PASSWORD, address=sent)
    assert waiting.status_code == 429
    assert 0 < int(waiting.headers["Retry-After"]) <= 60
    assert waiting.get_json()["code"] == "too_many_requests"
    assert guess(proxied, email, PASSWORD, address=f"198.51.100.{low}").status_code == 200


def test_clients_for_whom_the_proxy_names_no_address_are_one(proxied: FlaskClient, staff: Staff) -> None:
    email = staff()
    proxied.environ_base["REMOTE_ADDR"] = f"2001:db8:{uuid4().hex[:4]}::1"
    junk = [
        "unknown",
        "_hidden",
        "192.0.2.1:99999",
        "[192.0.2.1]",
        "1.2.3",
        "<script>",
        "a" * 500,
        "192.0.2.1 192.0.2.2",
        "-",
        "0x1.2.3.4",
    ]
    assert [guess(proxied, email, address=sent).status_code for sent in junk] == [401] * PAIR
    assert guess(proxied, email, PASSWORD, address="something else").status_code == 429
    assert guess(proxied, email, PASSWORD, address="192.0.2.77").status_code == 200


def test_what_an_untrusted_proxy_says_counts_for_nothing(browser: Browser, staff: Staff) -> None:
    client, email = browser(), staff()
    for number in range(PAIR):
        assert guess(client, email, address=f"192.0.2.{number}").status_code == 401
    assert guess(client, email, PASSWORD, address="192.0.2.99").status_code == 429


def test_ten_failures_keep_out_nobody_else_behind_the_same_address(browser: Browser, staff: Staff) -> None:
    client, victim, colleague = browser(), staff(), staff()
    assert [guess(client, victim).status_code for _ in range(PAIR + 5)] == [401] * PAIR + [429] * 5
    assert guess(client, colleague, PASSWORD).status_code == 200


def test_who_tries_all_accounts_from_one_address_is_stopped_too(browser: Browser, staff: Staff) -> None:
    client = browser()
    answers = [guess(client, unknown()).status_code for _ in range(CLIENT + 3)]
    assert answers == [401] * CLIENT + [429] * 3
    assert guess(client, staff(), PASSWORD).status_code == 429


def test_guesses_at_one_account_from_everywhere_are_stopped_but_not_the_browser_that_it_knows(
    browser: Browser, staff: Staff
) -> None:
    email = staff()
    at_home, elsewhere = browser(), browser()
    assert guess(at_home, email, PASSWORD).status_code == 200
    answers = Counter(guess(client, email).status_code for client in (browser() for _ in range(8)) for _ in range(PAIR))
    assert answers == {401: ACCOUNT, 429: 8 * PAIR - ACCOUNT}
    assert guess(elsewhere, email, PASSWORD).status_code == 429
    # From another network, too, and as often as anybody may guess.
    at_home.environ_base["REMOTE_ADDR"] = "198.51.100.200"
    assert guess(at_home, email.upper(), PASSWORD).status_code == 200
    at_home.delete_cookie("lockstep_session")
    assert [guess(at_home, email).status_code for _ in range(PAIR + 1)] == [401] * PAIR + [429]


def test_what_a_browser_is_known_by_holds_for_that_account_and_cannot_be_made_up(browser: Browser, staff: Staff) -> None:
    own, other = staff(), staff()
    client = browser()
    assert guess(client, own, PASSWORD).status_code == 200
    known = client.get_cookie(DEVICE_COOKIE, path="/api/v1/auth")
    assert known is not None
    assert known.http_only
    for value, email in ((known.value, other), (known.value[:-1], own), ("x", own), ("", own)):
        stranger = browser()
        stranger.set_cookie(DEVICE_COOKIE, value, path="/api/v1/auth")
        for _ in range(PAIR):
            assert guess(stranger, email).status_code == 401
        assert guess(stranger, email, PASSWORD).status_code == 429


def test_who_gets_in_is_not_counted(browser: Browser, staff: Staff) -> None:
    client, email = browser(), staff()
    for _ in range(PAIR - 1):
        assert guess(client, email).status_code == 401
    client_without_memory = [guess(browser_of(client), email, PASSWORD).status_code for _ in range(3 * PAIR)]
    assert {*client_without_memory} == {200}
    assert guess(client, email).status_code == 401
    assert guess(client, email).status_code == 429


def browser_of(client: FlaskClient) -> FlaskClient:
    """Another browser at the same address."""
    made = client.application.test_client()
    made.environ_base |= client.environ_base
    return made


def test_what_gets_no_verdict_is_not_counted(browser: Browser, staff: Staff, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    client, email = browser(), staff()
    authenticator = app.extensions["lockstep_authenticator"]
    with monkeypatch.context() as busy:
        busy.setattr(authenticator, "_turns", Turns(at_once=0, waiting=0, patience=1.0))
        for _ in range(2 * PAIR):
            answer = guess(client, email)
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "1"
    assert guess(client, email, PASSWORD).status_code == 200


def test_an_account_that_does_not_exist_is_limited_like_one_that_does(browser: Browser) -> None:
    client, email = browser(), unknown()
    assert [guess(client, form).status_code for form in [email, email.upper(), f" {email} "] * 4] == [401] * PAIR + [429] * 2


def test_of_guesses_at_the_same_moment_no_more_get_a_verdict(app: Flask, browser: Browser, staff: Staff) -> None:
    email, together, answers = staff(), threading.Barrier(60), Counter[int]()
    environ: Any = browser().environ_base

    def run() -> None:
        client = app.test_client()
        client.environ_base |= environ
        together.wait()
        answers[guess(client, email).status_code] += 1

    threads = [threading.Thread(target=run) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {401: PAIR, 429: 60 - PAIR}


class Guessing:
    """Guesses at an authenticator, each of which is looked at only when it may be."""

    def __init__(self, app: Flask) -> None:
        real = app.extensions["lockstep_authenticator"]
        self._authenticator = Authenticator(real._engine, real._reading, self._look, real._check_factor, real.idle)
        self._may_go_on = threading.Semaphore(0)
        # The addresses whose guesses are being looked at or were, in their order.
        self.looked_at: list[str] = []
        self.refused = 0
        self._threads: list[threading.Thread] = []

    def begin(self, address: str) -> None:
        """Guess, and wait until that is being looked at, waits or is refused."""
        known = self._known()
        self._threads.append(threading.Thread(target=self._guess, args=(address,), name=address))
        self._threads[-1].start()
        assert wait_until(lambda: self._known() > known)

    def go_on(self) -> None:
        """Answer one that is being looked at."""
        looked_at = len(self.looked_at)
        waiting = self._waiting()
        self._may_go_on.release()
        assert wait_until(lambda: len(self.looked_at) > looked_at or not waiting)

    def end(self) -> None:
        for _ in self._threads:
            self._may_go_on.release()
        for thread in self._threads:
            thread.join()

    def _guess(self, address: str) -> None:
        with suppress(UnauthenticatedError):
            try:
                self._authenticator.log_in(unknown(), "wrong", Caller(address))
            except BusyError:
                self.refused += 1

    def _look(self, *_arguments: Any) -> None:
        self.looked_at.append(threading.current_thread().name)
        self._may_go_on.acquire()

    def _waiting(self) -> int:
        return sum(map(len, self._authenticator._turns._waiting.values()))

    def _known(self) -> int:
        return len(self.looked_at) + self.refused + self._waiting()


@pytest.fixture
def guessing(app: Flask) -> Iterator[Guessing]:
    guesses = Guessing(app)
    yield guesses
    guesses.end()


def test_passwords_are_looked_at_a_few_at_once_and_who_comes_when_too_many_wait_is_told_so_at_once(guessing: Guessing) -> None:
    for _ in range(HASHES_AT_ONCE + MAX_WAITING):
        guessing.begin("192.0.2.1")
    assert (len(guessing.looked_at), guessing.refused) == (HASHES_AT_ONCE, 0)
    guessing.begin("192.0.2.1")
    assert (len(guessing.looked_at), guessing.refused) == (HASHES_AT_ONCE, 1)
    guessing.end()
    assert (len(guessing.looked_at), guessing.refused) == (HASHES_AT_ONCE + MAX_WAITING, 1)


def test_nobody_waits_for_all_guesses_of_somebody_else(guessing: Guessing) -> None:
    for number in range(HASHES_AT_ONCE + 10):
        guessing.begin(f"2001:db8::{number}")
    guessing.begin("192.0.2.1")
    guessing.go_on()
    guessing.go_on()
    assert "192.0.2.1" in guessing.looked_at


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/1", "unix:///nowhere/valkey.sock"])
def test_while_valkey_is_away_a_process_counts_by_itself(url: str, container: Container, staff: Staff) -> None:
    app = create_app(replace(load_settings(), redis_url=url))
    client, email = app.test_client(), staff()
    client.environ_base["REMOTE_ADDR"] = f"2001:db8:{uuid4().hex[:4]}::1"
    assert [guess(client, email).status_code for _ in range(PAIR + 3)] == [401] * PAIR + [429] * 3
    client.environ_base["REMOTE_ADDR"] = f"2001:db8:{uuid4().hex[:4]}::1"
    assert guess(client, email, PASSWORD).status_code == 200
    app.extensions["lockstep"].close()


def test_while_valkey_is_late_what_is_not_counted_is_not_looked_at(
    container: Container, staff: Staff, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Valkey that accepts connections and says nothing counts as merely late until it has been so several times in a row."""
    monkeypatch.setattr(login_limits, "TIMEOUT", 0.05)
    with socket.create_server(("127.0.0.1", 0), backlog=200) as silent:
        app = create_app(replace(load_settings(), redis_url=f"redis://127.0.0.1:{silent.getsockname()[1]}/1"))
        client, email = app.test_client(), staff()
        answers = [guess(client, email) for _ in range(PAIR + 5)]
        assert [answer.status_code for answer in answers] == [503] * 2 + [401] * PAIR + [429] * 3
        assert all(int(answer.headers["Retry-After"]) > 0 for answer in answers if answer.status_code != 401)
        app.extensions["lockstep"].close()
