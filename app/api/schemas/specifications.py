"""What a query's fields `spec.NAME`, `spec.NAME.min` and `spec.NAME.max` narrow a list to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from marshmallow import ValidationError, validate

from app.api.parsing import Text
from app.domain.measures import SpecificationFilter, comparable
from app.store.specifications.reading import typed

PREFIX = "spec."
# Specifications that a list is narrowed by at a time, and values of each.
MAX_NAMES = 10
MAX_VALUES = 20
_TEXT = Text(validate=validate.Length(min=1, max=200))


@dataclass(slots=True)
class _Asked:
    """What is asked of one name, in whatever spelling."""

    name: str
    values: set[str] = field(default_factory=set)
    bounds: dict[str, str] = field(default_factory=dict)


def specification_filters(sent: Mapping[str, list[Any]]) -> tuple[SpecificationFilter, ...]:
    """Return the filters in the fields of a query that begin with `PREFIX`, the same in whatever order they were sent.

    Raises:
        ValidationError: with what is wrong, field by field.
    """
    errors: dict[str, list[str]] = {}
    found: dict[str, _Asked] = {}
    for sent_as, values in sent.items():
        name, bound = _parted(sent_as)
        try:
            name = _TEXT.deserialize(name)
            texts = [_TEXT.deserialize(one) for one in values[: MAX_VALUES + 1]]
            _take(found.setdefault(name.casefold(), _Asked(name)), bound, texts)
        except ValidationError as error:
            errors[sent_as] = [str(message) for message in error.messages]
    if len(found) > MAX_NAMES:
        errors[PREFIX + next(reversed(found.values())).name] = [f"Filter by at most {MAX_NAMES} specifications."]
    for asked in found.values():
        if wrong := _wrong_bounds(asked.bounds):
            errors[f"{PREFIX}{asked.name}.max"] = [wrong]
    if errors:
        raise ValidationError(errors)
    return tuple(
        SpecificationFilter(asked.name, tuple(sorted(asked.values)), asked.bounds.get("min"), asked.bounds.get("max"))
        for _name, asked in sorted(found.items())
    )


def _parted(sent_as: str) -> tuple[str, str]:
    """Return the name in a field's name, and which bound it is, if any."""
    name, _dot, bound = sent_as.removeprefix(PREFIX).rpartition(".")
    return (name, bound) if bound in {"min", "max"} and name else (sent_as.removeprefix(PREFIX), "")


def _take(asked: _Asked, bound: str, values: list[str]) -> None:
    if not bound:
        asked.values.update(values)
        if len(asked.values) > MAX_VALUES:
            raise ValidationError(f"Choose at most {MAX_VALUES} values.")
        return
    if len(values) > 1 or bound in asked.bounds:
        raise ValidationError("Send this field once.")
    number = typed(values[0])
    if number.unit is None or number.low != number.high:
        raise ValidationError("Give a number, with its unit if it has one, such as 25 mm.")
    asked.bounds[bound] = values[0]


def _wrong_bounds(bounds: Mapping[str, str]) -> str | None:
    if len(bounds) < len(("min", "max")):
        return None
    low, high = typed(bounds["min"]), typed(bounds["max"])
    # A number without a unit means that in which the shop measures.
    if low.unit is None or high.unit is None or (not low.unit.name) != (not high.unit.name):
        return None
    if comparable(low.unit) != comparable(high.unit):
        return f"Give it in a unit of the same kind as the other bound, {bounds['min']}."
    return f"Is less than the other bound, {bounds['min']}; swap them." if low.ends() > high.ends() else None
