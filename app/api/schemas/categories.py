"""Bodies, queries and responses of the category calls."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from app.api.parsing import Quantity, StrictSchema, Text, WholeNumber
from app.api.schemas.answers import CategorySchema, PersonSchema, page_of
from app.api.schemas.images import ALT
from app.api.schemas.parts import BodilessWriteSchema, PageQuerySchema
from app.domain.content import MAX_CATEGORY_DESCRIPTION
from app.domain.stock import MAX_QUANTITY

_ID = validate.Range(min=1, max=MAX_QUANTITY)


def _no_separator(name: str) -> None:
    if ">" in name:
        raise ValidationError("A name has no >: catalog files separate the levels of the tree by it.")


def _name(*, required: bool) -> Text:
    # `_no_separator` in JSON Schema, for the OpenAPI document.
    return Text(required=required, validate=[validate.Length(min=1, max=200), _no_separator], metadata={"not": {"pattern": ">"}})


def _slug() -> fields.String:
    error = "Use lower-case letters, digits and single hyphens between them, and at least one letter."
    pattern = r"^([0-9]+-)*[0-9]*[a-z][a-z0-9]*(-[a-z0-9]+)*\Z"
    return fields.String(validate=[validate.Length(max=200), validate.Regexp(pattern, error=error)])


def _description(**options: Any) -> Text:
    return Text(
        multiline=True, validate=validate.Length(max=MAX_CATEGORY_DESCRIPTION),
        metadata={"description": "What customers read on its page, and search engines; text, or HTML, which is sanitised."},
        **options,
    )  # fmt: skip


def _reason() -> Text:
    return Text(validate=validate.Length(max=500), load_default=None)


class CategoryQuerySchema(PageQuerySchema):
    """Which page of the categories; without `limit` all of them, since a tree needs them all."""

    limit = WholeNumber(load_default=None, validate=validate.Range(min=1, max=200))


class CategoryCreateSchema(StrictSchema):
    """A new category; its slug defaults to one made from its name, and without a parent it is at the top level."""

    name = _name(required=True)
    parent_id = Quantity(load_default=None, allow_none=True, validate=_ID)
    slug = _slug()
    description = _description(load_default="")
    reason = _reason()


class CategoryPictureSchema(StrictSchema):
    """What the category's picture shows, for those who cannot see it."""

    alt = Text(required=True, validate=ALT)


class CategoryUpdateSchema(StrictSchema):
    """Fields of a category to change; those left out stay as they are. `parent_id` null moves it to the top level, `picture` null
    takes its picture away."""

    name = _name(required=False)
    parent_id = Quantity(allow_none=True, validate=_ID)
    slug = _slug()
    description = _description()
    picture = fields.Nested(CategoryPictureSchema, allow_none=True)
    version = Quantity(validate=_ID)
    reason = _reason()


class CategoryDeleteQuerySchema(BodilessWriteSchema):
    """Which category takes over the contents of the deleted one."""

    target = WholeNumber(load_default=None, validate=_ID)


class AdminCategorySchema(CategorySchema):
    """A category, as staff see it; it counts only its own parts that are not archived."""

    child_count = fields.Integer(required=True)
    updated_at = fields.DateTime(required=True)
    changed_by = fields.Nested(PersonSchema, required=True, allow_none=True)
    changed_at = fields.DateTime(required=True)


AdminCategoryPageSchema: type[Schema] = page_of(AdminCategorySchema, "AdminCategoryPage")
