"""Schemas of what `app.contract.messages` describes, for answers of HTTP that carry the same."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import jsonschema_rs
from marshmallow import Schema, ValidationError, fields

from app.contract.messages.json_schema import JsonSchema, members_of, schema_of, whole_schema

S = TypeVar("S", bound=type[Schema])

# The shape that a schema class stands for.
SHAPES: dict[type[Schema], type] = {}


class Described(fields.Raw):
    """A member of a described shape; `schema` says so in the document."""

    def __init__(self, hint: Any, *, required: bool) -> None:
        validator = jsonschema_rs.validator_for(whole_schema(hint), validate_formats=True)

        def check(value: Any) -> None:
            if errors := [error.message for error in validator.iter_errors(value)]:
                raise ValidationError(errors)

        super().__init__(required=required, allow_none=validator.is_valid(None), validate=check)
        self.schema: JsonSchema = schema_of(hint)


def described(shape: type) -> Callable[[S], S]:
    """Give a schema class the members of a TypedDict."""

    def decorate(schema: S) -> S:
        required: frozenset[str] = shape.__required_keys__  # type: ignore[attr-defined] # of TypedDicts
        members = {name: Described(hint, required=name in required) for name, hint in members_of(shape).items()}
        made = schema.from_dict(cast("dict[str, fields.Field[Any]]", members), name=schema.__name__)
        SHAPES[made] = shape
        return cast("S", made)

    return decorate
