"""Which parts could take the place of another."""

from collections.abc import Mapping, Sequence
from typing import Any


def most_alike(wanted: Sequence[Mapping[str, Any]], others: Mapping[int, Sequence[Mapping[str, Any]]]) -> list[int]:
    """Return the parts that have specifications in common with another part, those with the most first.

    Args:
        wanted: the other part's specifications; without any, every part will do.
        others: the specifications of each part, the nearest first: among equals that order stays.
    """
    if not wanted:
        return list(others)
    asked = {_said(one) for one in wanted}
    in_common = {part_id: len(asked & {_said(one) for one in own}) for part_id, own in others.items()}
    return sorted((part_id for part_id, count in in_common.items() if count), key=lambda part_id: -in_common[part_id])


def _said(specification: Mapping[str, Any]) -> tuple[str, str, str]:
    return (
        specification["name"].casefold(),
        specification["value"].casefold(),
        # A unit's case tells a milli from a mega.
        specification["unit"],
    )
