"""JSON Schema (2020-12, as OpenAPI 3.1 has it) of what type hints say: TypedDicts are objects without any further members."""

import inspect
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

JsonSchema = dict[str, Any]

_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}
_REFERENCE = "#/components/schemas/"


def schema_of(hint: Any) -> JsonSchema:
    """Return the schema of a type; TypedDicts within are referred to by their names.

    Raises:
        TypeError: at a type that JSON does not have.
    """
    if is_typeddict(hint):
        return {"$ref": _REFERENCE + hint.__name__}
    if hint in _SCALARS:
        return {"type": _SCALARS[hint]}
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return schema_of(arguments[0]) | dict(arguments[1:])
    if origin is NotRequired:
        return schema_of(arguments[0])
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin in (Union, UnionType):
        return _either([schema_of(one) for one in arguments])
    if origin is list:
        return {"type": "array", "items": schema_of(arguments[0])}
    if origin is dict:
        return _mapping(*arguments)
    raise TypeError(f"JSON has no {hint!r}")


def object_schema(shape: type) -> JsonSchema:
    """Return the schema of a TypedDict itself."""
    members = members_of(shape)
    return {
        "type": "object",
        "description": inspect.cleandoc(shape.__doc__ or ""),
        "properties": {name: schema_of(hint) for name, hint in members.items()},
        "required": [name for name in members if name in shape.__required_keys__],  # type: ignore[attr-defined] # of TypedDicts
        "additionalProperties": False,
    }


def members_of(shape: type) -> dict[str, Any]:
    """Return the members of a TypedDict with their types, in the order in which they are written."""
    return get_type_hints(shape, include_extras=True)


def shapes_within(*hints: Any) -> dict[str, type]:
    """Return all TypedDicts that these types are made of, by name.

    Raises:
        TypeError: if two have the same name.
    """
    found: dict[str, type] = {}
    waiting = [*hints]
    while waiting:
        hint = waiting.pop()
        if not is_typeddict(hint):
            waiting += [one for one in get_args(hint) if not isinstance(one, str | tuple)]
        elif found.setdefault(hint.__name__, hint) is not hint:
            raise TypeError(f"Two shapes are called {hint.__name__}")
        else:
            waiting += [one for one in members_of(hint).values() if one not in found.values()]
    return dict(sorted(found.items()))


def whole_schema(hint: Any) -> JsonSchema:
    """Return the schema of a type together with all that it refers to, as a document of its own."""
    components = {name: object_schema(shape) for name, shape in shapes_within(hint).items()}
    return schema_of(hint) | {"components": {"schemas": components}}


def _either(schemas: list[JsonSchema]) -> JsonSchema:
    # Short where it can be: a scalar that may be null.
    scalar, *others = schemas
    if others == [{"type": "null"}] and isinstance(scalar.get("type"), str) and "enum" not in scalar:
        return scalar | {"type": [scalar["type"], "null"]}
    return {"anyOf": schemas}


def _mapping(keys: Any, values: Any) -> JsonSchema:
    schema: JsonSchema = {"type": "object", "additionalProperties": schema_of(values)}
    names = {keyword: value for keyword, value in schema_of(keys).items() if keyword != "type"}
    return schema | ({"propertyNames": names} if names else {})
