"""Whatever the API explains has a German text."""

import ast
import inspect
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from marshmallow import fields, validate
from werkzeug import exceptions

# With it comes every schema, wherever it is.
import app.factory  # noqa: F401
from app.api.errors import CODES
from app.api.languages import Catalogue, catalogue_of
from app.api.parsing import StrictSchema
from app.domain.errors import LockstepError
from app.domain.imports.errors import ImportFileError, RowError
from app.domain.imports.options import Options
from app.domain.imports.rows import read_rows
from app.domain.imports.survey import survey
from app.services.rich_text import notices
from config import REPOSITORY

# Of these, what is raised is never answered, or by other means.
ELSEWHERE = {"commands", "live"}
# What is said by these functions is passed on by whoever raises: their texts are what they return.
REASONS = {"objection", "weakness", "forbidden_characters", "refusal_of", "forbidden", "_why_not", "_what_blocks"}
# What is wrong with a file of the catalog is raised or noted by these.
FAULTS = {"RefusedCellError", "RowError"}
# What only a command is refused with, and what a page of the site cannot be made for.
NEVER_ANSWERED = {
    "there is no 7user 7", "there is no user 7 who has a second factor", "no working API key has the name or id 7",
    "Asked for part 7, it answered 7.",
}  # fmt: skip


class _Sevens(Formatter):
    """Fills every hole with a seven."""

    def get_value(self, key: int | str, args: Any, kwargs: Any) -> str:
        return "7"


def below(kind: type) -> Iterator[type]:
    for one in kind.__subclasses__():
        yield one
        yield from below(one)


def of_field(field: fields.Field[Any]) -> Iterator[str]:
    yield from field.error_messages.values()
    for validator in field.validators:
        yield from of_validator(validator)
    if isinstance(field, fields.List):
        yield from of_field(field.inner)


def of_validator(validator: Any) -> Iterator[str]:
    if isinstance(validator, validate.Length | validate.Range):
        is_both = validator.min is not None and validator.max is not None
        one = validator.message_min if validator.max is None else validator.message_max
        exactly = getattr(validator, "equal", None) is not None
        yield validator.error or (validator.message_equal if exactly else validator.message_all if is_both else one)
    elif hasattr(validator, "error"):
        yield validator.error
    elif isinstance(validator, validate.And):
        for each in validator.validators:
            yield from of_validator(each)
    else:
        # A function, which raises what is found in its source.
        assert inspect.isfunction(validator), validator


def of_schemas() -> Iterator[tuple[str, str]]:
    for kind in below(StrictSchema):
        for text in kind().error_messages.values():  # type: ignore[attr-defined] # every schema has them
            yield kind.__name__, text
        for name, field in kind._declared_fields.items():  # type: ignore[attr-defined] # so do they
            for text in of_field(field):
                yield f"{kind.__name__}.{name}", text


def in_source() -> Iterator[tuple[str, str]]:
    """Yield every text with which something is raised that is answered, and where; each hole in it filled."""
    raised = {one.__name__ for one in (*below(LockstepError), *below(exceptions.HTTPException))}
    raised |= {"ValidationError", "abort", "problem", *FAULTS}
    for path in sorted((REPOSITORY / "app").rglob("*.py")):
        if not ELSEWHERE & {*path.relative_to(REPOSITORY).parts}:
            for text in of_module(path, raised):
                yield str(path.relative_to(REPOSITORY)), text


def of_module(path: Path, raised: set[str]) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = assignments(tree.body)
    yield from of_scope(tree, constants, raised)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            assigned = constants | assignments([*ast.walk(node)])
            yield from of_scope(node, assigned, raised)
            if node.name in REASONS:
                yield from of_returns(node, assigned)


def assignments(nodes: Sequence[ast.AST]) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return found


def of_scope(scope: ast.AST, assigned: dict[str, list[ast.expr]], raised: set[str]) -> Iterator[str]:
    for node in ast.walk(scope):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            given = [*(node.args if name in raised else []), *(one.value for one in node.keywords if one.arg == "error")]
            for argument in given:
                yield from sentences(argument, assigned)


def of_returns(function: ast.FunctionDef, assigned: dict[str, list[ast.expr]]) -> Iterator[str]:
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is not None:
            yield from sentences(node.value, assigned)


def of_constant(value: object) -> Iterator[str]:
    """Yield a text that has a space; the others are names of fields and codes."""
    if isinstance(value, str) and " " in value:
        yield value


def sentences(node: ast.expr, assigned: dict[str, list[ast.expr]]) -> Iterator[str]:
    """Yield what an argument may say."""
    if isinstance(node, ast.Name):
        for value in assigned.get(node.id, []):
            yield from sentences(value, {})
    elif isinstance(node, ast.JoinedStr):
        filled = (part.value if isinstance(part, ast.Constant) else known(part, assigned) for part in node.values)
        yield from of_constant("".join(map(str, filled)))
    elif isinstance(node, ast.Constant):
        yield from of_constant(node.value)
    elif isinstance(node, ast.IfExp | ast.BoolOp | ast.Dict | ast.DictComp | ast.List):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                yield from sentences(child, assigned)


def known(part: ast.expr, assigned: dict[str, list[ast.expr]]) -> str:
    """Return a constant of the same module that fills a hole of a text, else a seven."""
    value = part.value if isinstance(part, ast.FormattedValue) else part
    values = assigned.get(value.id, []) if isinstance(value, ast.Name) else []
    return next((str(one.value) for one in values if isinstance(one, ast.Constant) and isinstance(one.value, str)), "7")


def of_classes() -> Iterator[tuple[str, str]]:
    for kind in below(LockstepError):
        yield kind.__name__, inspect.cleandoc(kind.__doc__ or "")
    for status in CODES:
        yield str(status), exceptions.default_exceptions[status].description or ""


@pytest.fixture(scope="module")
def german() -> Catalogue:
    return catalogue_of("de")


@pytest.mark.parametrize(("where", "some"), [(of_schemas, 500), (in_source, 80), (of_classes, 30)])
def test_whatever_may_be_answered_has_a_german_text(german: Catalogue, where: Any, some: int) -> None:
    found = {(place, _Sevens().vformat(text, (), {})) for place, text in where()}
    assert len([*where()]) > some
    lacking = {(place, text) for place, text in found if german.said(text) == text and text not in NEVER_ANSWERED}
    assert lacking == set()


def test_what_differs_each_time_is_kept_and_what_is_part_of_the_catalogue_is_said_too(german: Catalogue) -> None:
    taken = (
        "sku 'is empty' is taken by the archived part 7; restore that part (POST /api/v1/admin/parts/7/restore),"
        " or choose another one"
    )
    assert german.said(taken) == (
        "sku 'is empty' ist vergeben an das archivierte Teil 7; stellen Sie jenes Teil wieder her"
        " (POST /api/v1/admin/parts/7/restore), oder wählen Sie etwas anderes"
    )
    assert german.said("Longer than maximum length 10,000.") == "Zu lang: höchstens 10.000."
    assert german.said("Must be one of: 1,2.") == "Erlaubt ist eines von: 1,2."
    assert german.said("new_password: the password must have at least 12 characters") == (
        "new_password: das Passwort muss mindestens 12 Zeichen haben"
    )
    assert german.said("spec.Bore.min: Bore is not measured in threads. Leave the unit away.") == (
        "spec.Bore.min: Bore wird nicht in Gewinden gemessen. Lassen Sie die Einheit weg."
    )
    assert german.said("Nobody knows this.") == "Nobody knows this."


def test_the_german_texts_have_the_holes_of_the_english_ones() -> None:
    texts = json.loads((REPOSITORY / "app" / "api" / "texts" / "de.json").read_text(encoding="utf-8"))
    for english, text in texts.items():
        assert holes(text) == holes(english)


def holes(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_each_kind_of_what_is_dropped_from_a_description_has_a_german_text(german: Catalogue) -> None:
    typed = "<!-- a --><p onclick='b'>c<font>d</font><script>e</script><a href='javascript:f'>g</a></p>"
    found = [
        one["message"] for one in (*notices({"description": typed})["notices"], *notices({"description": typed * 2})["notices"])
    ]
    assert len(found) == 10
    assert [message for message in found if german.said(message) == message] == []


FILES = {
    "": "the file is empty",
    "name,stock": "this column is required",
    "part_name,Manufacturer number": "or take the manufacturer's number for it",
    "sku,part_name,Weight,Weight": "stands there 2 times",
    f"sku,part_name,{'x' * 400}": "the name is longer",
    f"sku,part_name,Size [{'x' * 300}]": "the unit is longer",
    f"sku,part_name,{'x' * 300}: Size": "the group is longer",
    "sku,part_name,visible": "may decide something",
    "sku,part_name,category\nA,B,Bolts/Nuts\nC,D,Rings": "may separate levels",
    'sku,part_name\nA,B\nC,"D" x': "not valid CSV",
    "sku,part_name\nA,B,C,D,E": "has 5 cells",
    'sku,part_name,price\nA,B,"1,234"': "may mean",
    "sku,part_name,price\nA,B,1": "a price needs a currency",
    "sku,part_name,price\nA,B,1 $": "state which",
    "sku,part_name,current_stock\nA,B,x": "a whole number",
    "sku,part_name\n01-Jan,B": "a spreadsheet has made",
    "sku,part_name\nA\u200b,B": "which is not allowed; remove it",
}


@pytest.mark.parametrize(("file", "expected"), FILES.items())
def test_what_is_wrong_with_a_file_of_the_catalog_has_a_german_text(german: Catalogue, file: str, expected: str) -> None:
    reasons = [reason for _line, _field, reason in wrong_with(file)]
    assert any(expected in reason for reason in reasons)
    assert [reason for reason in reasons if german.said(reason) == reason] == []


def wrong_with(file: str) -> list[RowError]:
    lines = file.splitlines(keepends=True)
    try:
        found = survey(lines, Options(), ())
    except ImportFileError as error:
        return error.errors
    return [row for row in read_rows(lines, found.layout) if isinstance(row, RowError)]


def test_what_somebody_typed_cannot_make_the_catalogue_go_deeper_and_deeper(german: Catalogue) -> None:
    texts = Catalogue({"{field}: {message}": "{field} – {message}"})
    assert texts.said("a: b") == "a – b"
    assert texts.said("a: " * 300 + "b").count("–") == 3
    for shape in json.loads((REPOSITORY / "app/api/texts/de.json").read_text(encoding="utf-8")):
        german.said((shape.replace("{", "").replace("}", "") * 200)[:1000])
