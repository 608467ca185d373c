"""Queries, bodies and answers of content versions and the audit trail."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.api.parsing import Flag, Items, Moment, Quantity, StrictSchema, Text, WholeNumber
from app.api.schemas.answers import (
    ContentAnswerSchema,
    ImageSchema,
    PartCategorySchema,
    PublicPriceSchema,
    PublicStockSchema,
    ShownSpecificationSchema,
)
from app.api.schemas.parts import PageQuerySchema
from app.contract.events import Source
from app.domain.stock import MAX_QUANTITY
from app.services.versions import RESTORABLE

_ID = validate.Range(min=1, max=MAX_QUANTITY)


class DiffQuerySchema(StrictSchema):
    """Which version to compare with; the newest if left out."""

    to = WholeNumber(load_default=None, validate=_ID)


class VersionsQuerySchema(PageQuerySchema):
    """Which page of a part's versions; with `source` only of those that came by this way."""

    source = fields.String(load_default=None, validate=validate.OneOf([str(source) for source in Source]))


class RestoreQuerySchema(StrictSchema):
    """Whether to say only what would change."""

    dry_run = Flag(load_default=False)


class RestoreSchema(StrictSchema):
    """What of the version to restore; everything but the status if `fields` is left out."""

    fields_ = Items(
        fields.String(validate=validate.OneOf(RESTORABLE)), least=1, most=len(RESTORABLE), load_default=None, data_key="fields"
    )
    version = Quantity(load_default=None, validate=_ID)
    reason = Text(load_default=None, validate=validate.Length(max=500))


class MomentQuerySchema(StrictSchema):
    """Which moment."""

    at = Moment(required=True)


class AuditFilterSchema(StrictSchema):
    """Which changes."""

    part_id = WholeNumber(validate=_ID)
    table_name = Text(validate=validate.Length(max=100))
    record_id = WholeNumber(validate=_ID)
    operation = fields.String(validate=validate.OneOf(("INSERT", "UPDATE", "DELETE")))
    request_id = Text(validate=validate.Length(min=1, max=64))
    changed_by = WholeNumber(validate=_ID)
    since = Moment(data_key="from")
    until = Moment(data_key="to")

    @validates_schema
    def _period(self, data: dict[str, Any], **_options: Any) -> None:
        if "since" in data and "until" in data and data["since"] > data["until"]:
            raise ValidationError("Must not be before `from`.", "to")


class AuditQuerySchema(AuditFilterSchema, PageQuerySchema):
    """Which changes, and which page of them."""


class WordsSchema(Schema):
    """A piece of a text: what is equal or deleted joins to the old text, what is equal or inserted to the new one."""

    op = fields.String(required=True, validate=validate.OneOf(("equal", "insert", "delete")))
    text = fields.String(required=True)


class PlacedItemSchema(Schema):
    """An item that was added or removed, with its position counted from 0."""

    position = fields.Integer(required=True)
    item = fields.Dict(required=True)


class ChangedItemSchema(Schema):
    """An item that says something else, with its new position."""

    position = fields.Integer(required=True)
    old = fields.Dict(required=True)
    new = fields.Dict(required=True)


class MovedItemSchema(Schema):
    """An item that stands elsewhere."""

    from_ = fields.Integer(required=True, data_key="from")
    to = fields.Integer(required=True)
    item = fields.Dict(required=True)


class ItemsDifferenceSchema(Schema):
    """What differs between two lists."""

    added = fields.List(fields.Nested(PlacedItemSchema), required=True)
    removed = fields.List(fields.Nested(PlacedItemSchema), required=True)
    changed = fields.List(fields.Nested(ChangedItemSchema), required=True)
    moved = fields.List(fields.Nested(MovedItemSchema), required=True)


class FieldDifferenceSchema(Schema):
    """A field that differs: lists with `items`, all others with `old` and `new`, texts also with `words`."""

    field = fields.String(required=True)
    old = fields.Raw(allow_none=True)
    new = fields.Raw(allow_none=True)
    words = fields.List(fields.Nested(WordsSchema))
    items = fields.Nested(ItemsDifferenceSchema)


class VersionDiffSchema(Schema):
    """What leads from one content version to another."""

    part_id = fields.Integer(required=True)
    from_ = fields.Integer(required=True, data_key="from")
    to = fields.Integer(required=True)
    changes = fields.List(fields.Nested(FieldDifferenceSchema), required=True)


class BlockedSchema(Schema):
    """What stands in the way of a restore."""

    field = fields.String(required=True)
    reason = fields.String(required=True)


class KeptSchema(Schema):
    """What the version said otherwise, and a restore leaves as it is because it was not chosen."""

    field = fields.String(required=True)
    present = fields.String(required=True)
    then = fields.String(required=True)
    reason = fields.String(required=True)


class RestorePreviewSchema(Schema):
    """What a restore would change."""

    part_id = fields.Integer(required=True)
    version = fields.Integer(required=True)
    restored_from = fields.Integer(required=True)
    changes = fields.List(fields.Nested(FieldDifferenceSchema), required=True)
    kept = fields.List(fields.Nested(KeptSchema), required=True)
    blocked = fields.List(fields.Nested(BlockedSchema), required=True)


class RestoredSchema(ContentAnswerSchema):
    """A part's content after a restore."""

    restored_from = fields.Integer(required=True)


class PartThenSchema(Schema):
    """A part as customers saw it."""

    id = fields.Integer(required=True)
    sku = fields.String(required=True)
    slug = fields.String(required=True, allow_none=True)
    part_name = fields.String(required=True)
    description = fields.String(required=True)
    category = fields.Nested(PartCategorySchema, required=True, allow_none=True)
    manufacturer = fields.String(required=True, allow_none=True)
    manufacturer_number = fields.String(required=True, allow_none=True)
    specifications = fields.List(fields.Nested(ShownSpecificationSchema), required=True)
    images = fields.List(fields.Nested(ImageSchema), required=True)
    price = fields.Nested(PublicPriceSchema, required=True, allow_none=True)
    stock = fields.Nested(PublicStockSchema, required=True, allow_none=True)
    version = fields.Integer(required=True)
    updated_at = fields.DateTime(required=True)


class AsOfSchema(Schema):
    """A part at a moment. `complete` is false if something of that time is not recorded yet, or no longer known."""

    part_id = fields.Integer(required=True)
    at = fields.DateTime(required=True)
    visible = fields.Boolean(required=True)
    reason = fields.String(required=True, allow_none=True, validate=validate.OneOf(("not_created", "draft", "archived")))
    complete = fields.Boolean(required=True)
    version_number = fields.Integer(required=True, allow_none=True)
    part = fields.Nested(PartThenSchema, required=True, allow_none=True)
