"""Which inputs are the same password, and which cannot be one."""

import pytest

from app.domain.passwords import normal_email, objection, possible_forms, prepared, weakness

COMPOSED, DECOMPOSED = "Résumé für Åsa", "Re\u0301sume\u0301 fu\u0308r A\u030asa"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (COMPOSED, DECOMPOSED), ("한국어 비밀번호", "한국어 비밀번호"), ("pass\u00a0word\u3000x", "pass word x"), ("Å", "\u212b"),
        ("q\u0323\u0307", "q\u0307\u0323"),
    ],
)  # fmt: skip
def test_what_looks_the_same_is_the_same_however_it_is_typed(one: str, other: str) -> None:
    assert prepared(one) == prepared(other)


@pytest.mark.parametrize(
    "other", ["CORRECT HORSE", "correct  horse", " correct horse", "correct horse ", "correct\uff0dhorse", "ﬁ"]
)
def test_nothing_else_is_changed(other: str) -> None:
    assert prepared(other) == other
    assert prepared(other) != prepared("correct horse")


def test_a_hash_of_any_earlier_form_is_found() -> None:
    assert {COMPOSED, DECOMPOSED} <= {*possible_forms(COMPOSED)} & {*possible_forms(DECOMPOSED)}
    assert "pass\u00a0word" in possible_forms("pass\u00a0word")
    assert possible_forms("correct horse") == ["correct horse"]


@pytest.mark.parametrize(
    "password", ["", "1234567", "e\u0301" * 7, "x" * 1001, "with\tatab", "with\nalinefeed", "nul\0byte!", "\ud800" * 8]
)
def test_what_cannot_be_set(password: str) -> None:
    assert objection(password)


@pytest.mark.parametrize("password", ["12345678", "        ", "é" * 8, "🔑" * 8, "👩\u200d👩\u200d👧 family", "x" * 1000])
def test_what_can_be_set(password: str) -> None:
    assert objection(password) is None


@pytest.mark.parametrize(
    "password",
    [
        "12345678", "password1", "Password1", "PASSWORD1", "iloveyou", "lockstep", "Lockstep2026!", "shop-keller-26",
        "zoë.keller@shop.example", "Zoë.Keller@shop.example", "kellerzoë99", "Keller-Zoë", "1234keller",
    ],
)  # fmt: skip
def test_what_is_guessed_first_is_weak(password: str) -> None:
    assert weakness(password, "zoë.keller@shop.example", "Zoë Keller")


@pytest.mark.parametrize("password", ["correct horse battery staple", "keller but in winter", "a lockstep of horses"])
def test_what_nobody_guesses_first_is_not(password: str) -> None:
    assert weakness(password, "zoë.keller@shop.example", "Zoë Keller") is None


def test_an_email_address_is_kept_composed_and_without_spaces_around_it() -> None:
    assert normal_email(" Zoe\u0308@shop.example\u00a0") == "Zoë@shop.example"
