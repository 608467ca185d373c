"""Which parts could take the place of another."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from app.domain.measures import THREAD, UnitOf, read, tidy


def most_alike(
    wanted: Sequence[Mapping[str, Any]], others: Mapping[int, Sequence[Mapping[str, Any]]], unit_of: UnitOf
) -> list[int]:
    """Return the parts that have specifications in common with another part, those with the most first. Measures are the same in
    every unit (25.4 mm, 1 in).

    Args:
        wanted: the other part's specifications; without any, every part will do.
        others: the specifications of each part, the nearest first: among equals that order stays.
        unit_of: looks a unit up.
    """
    if not wanted:
        return list(others)

    def said(specifications: Sequence[Mapping[str, Any]]) -> set[tuple[str, object]]:
        return {(one["name"].casefold(), _said(one["value"], one["unit"], unit_of)) for one in specifications}

    asked = said(wanted)
    in_common = {part_id: len(asked & said(own)) for part_id, own in others.items()}
    return sorted((part_id for part_id, count in in_common.items() if count), key=lambda part_id: -in_common[part_id])


# The parts of a category have most values in common, and each is read for each page that is not cached.
@lru_cache(maxsize=16_384)
def _said(value: str, unit: str, unit_of: UnitOf) -> object:
    reading = read(value, unit, unit_of)
    # Threads of one size differ in their pitch.
    if reading.unit is None or reading.unit.dimension == THREAD:
        # A unit's case tells a milli from a mega.
        return tidy(value).casefold(), tidy(unit)
    return reading.unit.dimension, reading.ends()
