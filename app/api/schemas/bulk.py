"""Bodies and answers of changes of many parts at once."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from app.api.parsing import Flag, Items, Quantity, StrictSchema, Switch, Text
from app.api.schemas.answers import PersonSchema, items_of, nested, nullable, one_of, required
from app.api.schemas.parts import STATUSES
from app.domain.errors import ArchivedError, ConcurrencyError, InsufficientStockError, InvalidFieldError, NotFoundError
from app.domain.stock import MAX_QUANTITY, Stock
from app.services.bulk import MAX_PARTS, PLACE

_ID = validate.Range(min=1, max=MAX_QUANTITY)
_QUANTITY = validate.Range(min=0, max=MAX_QUANTITY)
_QUANTITIES = Stock(0).quantities().keys()


class DryRunQuerySchema(StrictSchema):
    """Whether to say only what would be done."""

    dry_run = Flag(load_default=False)


class StockChangeSchema(StrictSchema):
    """A part, by `part_id` or `sku`, one of them, and its stock: quantities to set, those left out stay as they are; or `delta`
    alone, which adds to what is on hand. With `version`, only if nobody has changed the stock since."""

    part_id = Quantity(validate=_ID)
    sku = Text(identifier=True, validate=validate.Length(min=1, max=100))
    current_stock = Quantity(validate=_QUANTITY)
    reserved_quantity = Quantity(validate=_QUANTITY)
    min_stock_level = Quantity(validate=_QUANTITY)
    delta = Quantity(validate=validate.Range(min=-MAX_QUANTITY, max=MAX_QUANTITY))
    version = Quantity(validate=_ID)

    @validates_schema
    def _one_kind(self, data: dict[str, Any], **_options: Any) -> None:
        if len(data.keys() & {"part_id", "sku"}) != 1:
            raise ValidationError("Send part_id or sku, one of them.", "part_id")
        if ("delta" in data) == bool(data.keys() & _QUANTITIES):
            raise ValidationError("Send quantities to set, or delta alone.", "delta" if "delta" in data else "current_stock")


class _BulkSchema(StrictSchema):
    reason = Text(validate=validate.Length(max=500), load_default=None)
    on_conflict = fields.String(
        load_default="fail", validate=validate.OneOf(("fail", "skip")),
        metadata={"description": "`fail`: all rows or none; `skip`: rows that cannot be made are left out."},
    )  # fmt: skip


class StockBulkSchema(_BulkSchema):
    """Stock to set or adjust, each part once."""

    changes = Items(fields.Nested(StockChangeSchema), least=1, most=MAX_PARTS, required=True)


class PlaceSchema(StrictSchema):
    """Where parts are to stand; what is left out stays. A `category_id` of null is no category. `archived` is sent alone: true
    archives, false restores as it was."""

    status = fields.String(validate=validate.OneOf(STATUSES))
    category_id = Quantity(validate=_ID, allow_none=True)
    archived = Switch()

    @validates_schema
    def _something(self, data: dict[str, Any], **_options: Any) -> None:
        given = data.keys() & set(PLACE)
        if not given:
            raise ValidationError("Send status, category_id or both, or archived.", "status")
        if "archived" in given and len(given) > 1:
            raise ValidationError("Send archived alone; change the rest before or afterwards.", "archived")


class PartChangeSchema(PlaceSchema):
    """A part, and where it is to stand. With `version`, only if nobody has changed its content since."""

    part_id = Quantity(validate=_ID, required=True)
    version = Quantity(validate=_ID)


class PartBulkSchema(_BulkSchema):
    """Parts, each once, and what they are to be given: `part_ids` and `set`, all the same; or `changes`, each its own."""

    part_ids = Items(Quantity(validate=_ID), least=1, most=MAX_PARTS)
    set_ = fields.Nested(PlaceSchema, data_key="set")
    changes = Items(fields.Nested(PartChangeSchema), least=1, most=MAX_PARTS)

    @validates_schema
    def _one_form(self, data: dict[str, Any], **_options: Any) -> None:
        alike = data.keys() & {"part_ids", "set_"}
        if "changes" in data and alike:
            raise ValidationError("Send either changes, or part_ids and set.", "changes")
        if "changes" not in data and len(alike) < 2:
            raise ValidationError("Send part_ids and set, or changes.", "set" if "part_ids" in alike else "part_ids")


class StockFiguresSchema(Schema):
    """A part's stock."""

    current_stock = required(fields.Integer)
    reserved_quantity = required(fields.Integer)
    min_stock_level = required(fields.Integer)
    available_stock = required(fields.Integer)
    is_in_stock = required(fields.Boolean)
    is_low_stock = required(fields.Boolean)
    version = required(fields.Integer)


class PlaceFiguresSchema(Schema):
    """Where a part stands."""

    status = one_of(*STATUSES, "archived")
    category_id = nullable(fields.Integer)
    version = required(fields.Integer)


class _BulkRowSchema(Schema):
    index = required(fields.Integer, metadata={"description": "Its place in what was sent, from 0."})
    part_id = nullable(fields.Integer)
    sku = nullable(fields.String)
    outcome = one_of(
        "changed", "unchanged", ArchivedError.code, ConcurrencyError.code, InsufficientStockError.code, InvalidFieldError.code,
        NotFoundError.code,
    )  # fmt: skip
    detail = nullable(fields.String)
    changed_by = nested(PersonSchema, allow_none=True)
    changed_at = nullable(fields.DateTime)


class StockBulkRowSchema(_BulkRowSchema):
    """What became of one change. `outcome` is the code of what kept it from being made, which `detail` explains; `changed_by` and
    `changed_at` say who wrote what was there before, and when."""

    before = nested(StockFiguresSchema, allow_none=True)
    after = nested(StockFiguresSchema, allow_none=True)


class PartBulkRowSchema(_BulkRowSchema):
    """What became of one part; `outcome`, `detail`, `changed_by` and `changed_at` as in a bulk of stock."""

    before = nested(PlaceFiguresSchema, allow_none=True)
    after = nested(PlaceFiguresSchema, allow_none=True)


class _BulkAnswerSchema(Schema):
    dry_run = required(fields.Boolean)
    changed = required(fields.Integer)
    unchanged = required(fields.Integer)
    refused = required(fields.Integer)
    open_pages = nullable(fields.Integer)


class StockBulkAnswerSchema(_BulkAnswerSchema):
    """What became of each change, in the order in which they were sent. `open_pages` is how many pages of customers show one of
    the parts now; null if that was not known in time."""

    rows = items_of(StockBulkRowSchema)


class PartBulkAnswerSchema(_BulkAnswerSchema):
    """What became of each part, in the order in which they were sent; `open_pages` as in a bulk of stock."""

    rows = items_of(PartBulkRowSchema)
