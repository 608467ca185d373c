"""Which parts could take the place of another."""

from typing import Any

import pytest

from app.domain.alternatives import most_alike
from app.store.units import unit_of


def _bore(value: str, unit: str = "") -> list[dict[str, Any]]:
    return [{"name": "Bore", "value": value, "unit": unit}]


@pytest.mark.parametrize("same", [("25.40", "mm"), ("25,4 mm", ""), ("2.54", "cm"), ("1", "in"), ('1"', "")])
def test_a_measure_is_the_same_in_every_unit_and_however_it_is_written(same: tuple[str, str]) -> None:
    assert most_alike(_bore("25.4", "mm"), {1: _bore("25", "mm"), 2: _bore(*same)}, unit_of) == [2]


@pytest.mark.parametrize("other", [("25.4", "kg"), ("25.4", ""), ("25.4", "MM of something"), ("M25.4", "")])
def test_the_same_number_of_something_else_is_another(other: tuple[str, str]) -> None:
    assert most_alike(_bore("25.4", "mm"), {1: _bore(*other)}, unit_of) == []


def test_threads_of_one_size_with_another_pitch_are_others() -> None:
    assert most_alike(_bore("M8 x 1"), {1: _bore("M8"), 2: _bore("m8 x 1")}, unit_of) == [2]


def test_words_are_the_same_in_any_case() -> None:
    assert most_alike(_bore("Open"), {1: _bore("sealed"), 2: _bore("OPEN")}, unit_of) == [2]
