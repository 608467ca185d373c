"""A password is the same however a keyboard encodes it, and those of earlier releases keep working."""

from collections.abc import Callable
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from app.container import Container
from app.contract.events import Actor
from app.domain.errors import InvalidFieldError
from app.services import staff as people
from app.services.authentication import HASHER
from app.store import users

LOGIN = "/api/v1/auth/login"
COMPOSED, DECOMPOSED = "Passwort für Zoé", "Passwort fu\u0308r Zoe\u0301"
SPACED, PLAIN = "drei\u00a0rote\u2003Rosen", "drei rote Rosen"


@pytest.fixture
def log_in(browser: Callable[[], FlaskClient]) -> Callable[[str, str], int]:
    """Log in from a fresh address; return the status."""
    return lambda email, password: browser().post(LOGIN, json={"email": email, "password": password}).status_code


@pytest.fixture
def old_hand(container: Container, actor: Actor) -> Callable[[str], str]:
    """Make members of staff as an earlier release did, which hashed the password as typed; return the address."""

    def make(password: str) -> str:
        email = f"{uuid4().hex}@shop.example"
        container.transactions.run(actor, lambda uow: users.create_user(uow, email, "Zoé", HASHER.hash(password), "editor"))
        return email

    return make


def kept(container: Container, email: str) -> str:
    with container.reading.connect() as connection:
        return str(
            connection.execute(text("SELECT password_hash FROM users WHERE email = :email"), {"email": email}).scalar_one()
        )


@pytest.mark.parametrize(
    ("set_as", "typed"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED), (SPACED, PLAIN), (PLAIN, SPACED), (COMPOSED, COMPOSED)]
)
def test_a_password_is_the_same_however_it_is_typed(
    set_as: str, typed: str, container: Container, actor: Actor, log_in: Callable[[str, str], int]
) -> None:
    email = f"{uuid4().hex}@shop.example"
    people.create_user(container.transactions, actor, email, "Zoé", set_as, "editor")
    assert log_in(email, typed) == 200
    assert log_in(email, typed.upper()) == 401


@pytest.mark.parametrize("password", [COMPOSED, DECOMPOSED, SPACED, PLAIN, "short", "tab\there"])
def test_what_an_earlier_release_has_hashed_goes_on_working_and_is_kept_anew(
    password: str,
    container: Container,
    old_hand: Callable[[str], str],
    log_in: Callable[[str, str], int],
    events: Callable[[], int],
) -> None:
    email = old_hand(password)
    before, told = kept(container, email), events()
    assert log_in(email, password) == 200
    assert log_in(email, password) == 200
    assert log_in(email, password + "x") == 401
    # Only a password that was not in today's normal form gets a new hash, and that is not a change of the user.
    assert (kept(container, email) == before) == (password in {COMPOSED, PLAIN, "short", "tab\there"})
    assert events() == told


@pytest.mark.parametrize(("hashed", "typed"), [(DECOMPOSED, COMPOSED), (COMPOSED, DECOMPOSED), (SPACED, PLAIN)])
def test_after_the_first_log_in_it_may_be_typed_either_way(
    hashed: str, typed: str, old_hand: Callable[[str], str], log_in: Callable[[str, str], int]
) -> None:
    email = old_hand(hashed)
    assert log_in(email, hashed) == 200
    assert log_in(email, typed) == 200


def test_a_decomposed_hash_is_met_by_the_composed_text_at_once(
    old_hand: Callable[[str], str], log_in: Callable[[str, str], int]
) -> None:
    assert log_in(old_hand(DECOMPOSED), COMPOSED) == 200


def test_a_hash_of_cheaper_parameters_is_made_anew(container: Container, actor: Actor, log_in: Callable[[str, str], int]) -> None:
    cheap = HASHER.__class__(time_cost=1, memory_cost=8192, parallelism=1).hash(PLAIN)
    email = f"{uuid4().hex}@shop.example"
    container.transactions.run(actor, lambda uow: users.create_user(uow, email, "Zoé", cheap, "editor"))
    assert log_in(email, PLAIN) == 200
    assert not HASHER.check_needs_rehash(kept(container, email))


def test_an_address_is_the_same_in_whatever_case_and_form(
    container: Container, actor: Actor, log_in: Callable[[str, str], int]
) -> None:
    mark = uuid4().hex
    people.create_user(container.transactions, actor, f"Zoe\u0301.{mark}@Shop.example", "Zoé", PLAIN, "editor")
    for typed in (f"Zoé.{mark}@Shop.example", f"ZOE\u0301.{mark}@SHOP.EXAMPLE", f" zoé.{mark}@shop.example "):
        assert log_in(typed, PLAIN) == 200
    people.set_role(container.transactions, actor, f"ZOÉ.{mark}@shop.example", "viewer")


def test_a_password_that_is_tried_first_is_not_set_and_one_that_is_set_goes_on(
    container: Container, actor: Actor, log_in: Callable[[str, str], int]
) -> None:
    email = f"quentin.{uuid4().hex}@shop.example"
    people.create_user(container.transactions, actor, email, "Zoé", "password1", "editor", may_be_weak=True)
    for weak in ("Password1", "Zoé's 2026", "quentin-1"):
        with pytest.raises(InvalidFieldError, match="password"):
            people.set_password(container.transactions, actor, email, weak)
        with pytest.raises(InvalidFieldError, match="password"):
            people.create_user(container.transactions, actor, email, "Zoé", weak, "editor")
    assert log_in(email, "password1") == 200


@pytest.mark.parametrize("password", ["seven77", "e\u0301" * 7, "with\ta tab", "x" * 1001])
def test_a_password_that_cannot_be_typed_again_or_is_guessed_at_once_is_not_set(
    password: str, container: Container, actor: Actor
) -> None:
    with pytest.raises(InvalidFieldError):
        people.set_password(container.transactions, actor, "anybody@shop.example", password)
