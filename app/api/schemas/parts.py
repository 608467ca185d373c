"""Bodies and queries of the part calls."""

from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from app.api.parsing import Flag, Items, Moment, Money, Quantity, SearchText, StrictSchema, Text, WholeNumber
from app.domain.content import MAX_DESCRIPTION, SLUG, alike
from app.domain.currencies import CURRENCIES
from app.domain.pricing import PriceLine
from app.domain.stock import MAX_QUANTITY

STATUSES = ("draft", "published")


def _stock_quantity(**options: Any) -> Quantity:
    return Quantity(validate=validate.Range(min=0, max=MAX_QUANTITY), **options)


def _identifier(**options: Any) -> Quantity:
    return Quantity(validate=validate.Range(min=1, max=MAX_QUANTITY), **options)


def _reason() -> Text:
    return Text(validate=validate.Length(max=500), load_default=None)


class SpecificationSchema(StrictSchema):
    """A named property of a part."""

    name = Text(required=True, validate=validate.Length(min=1, max=200))
    value = Text(required=True, validate=validate.Length(min=1, max=1000))
    unit = Text(load_default="", validate=validate.Length(max=40))
    group = Text(load_default="", validate=validate.Length(max=100))


def currency_code(**options: Any) -> fields.String:
    """Return a member that names a currency."""
    known = validate.OneOf(sorted(CURRENCIES), error="Use an ISO 4217 code in capitals, such as EUR.")
    return fields.String(validate=known, **options)


class PriceLineSchema(StrictSchema):
    """One line of a price list. The amount is the price of one piece, with up to six decimals in every currency."""

    currency = currency_code(required=True)
    amount = Money(required=True)
    min_quantity = Quantity(load_default=1, validate=validate.Range(min=1, max=MAX_QUANTITY))
    valid_from = Moment(load_default=None, allow_none=True)
    valid_to = Moment(load_default=None, allow_none=True)

    @validates_schema
    def _period(self, data: dict[str, Any], **_options: Any) -> None:
        if data["valid_from"] and data["valid_to"] and data["valid_to"] <= data["valid_from"]:
            raise ValidationError("Must be after valid_from.", "valid_to")


def price_lines(lines: list[dict[str, Any]]) -> list[PriceLine]:
    """Return validated price lines in the domain's form.

    Raises:
        ValidationError: if two lines say something about the same quantity, currency and beginning.
    """
    tiers = [(line["currency"], line["min_quantity"], line["valid_from"]) for line in lines]
    if len(set(tiers)) != len(tiers):
        raise ValidationError("Two lines have the same currency, min_quantity and valid_from; keep one.", "prices")
    return [PriceLine(**line) for line in lines]


def unique_names(specifications: list[dict[str, Any]]) -> None:
    """Refuse two specifications of one name in one group.

    Raises:
        ValidationError: naming the field.
    """
    names = [(alike(one["group"]), alike(one["name"])) for one in specifications]
    if len(set(names)) != len(names):
        raise ValidationError("Two specifications of a group have the same name; keep one.", "specifications")


class SpecificationListSchema(StrictSchema):
    """A part's whole list of specifications, in the order in which they are shown."""

    specifications = Items(fields.Nested(SpecificationSchema), most=200, required=True)
    version = _identifier()
    reason = _reason()

    @validates_schema
    def _names(self, data: dict[str, Any], **_options: Any) -> None:
        unique_names(data["specifications"])


class InitialStockSchema(StrictSchema):
    """The stock that a part begins with."""

    current_stock = _stock_quantity(load_default=0)
    reserved_quantity = _stock_quantity(load_default=0)
    min_stock_level = _stock_quantity(load_default=0)


class _ContentFields(StrictSchema):
    slug = fields.String(
        validate=[
            validate.Length(max=200),
            validate.Regexp(SLUG, error="Use lower-case Latin letters, digits and single hyphens, and at least one letter."),
        ]
    )
    description = Text(multiline=True, validate=validate.Length(max=MAX_DESCRIPTION))
    category_id = _identifier(allow_none=True)
    manufacturer = Text(validate=validate.Length(max=200), allow_none=True)
    manufacturer_number = Text(identifier=True, validate=validate.Length(max=100), allow_none=True)
    status = fields.String(validate=validate.OneOf(STATUSES, error="Use draft or published; DELETE archives a part."))


class PartCreateSchema(_ContentFields):
    """A new part."""

    sku = Text(identifier=True, required=True, validate=validate.Length(min=1, max=100))
    part_name = Text(required=True, validate=validate.Length(min=1, max=300))
    specifications = Items(fields.Nested(SpecificationSchema), most=200, load_default=list)
    prices = Items(fields.Nested(PriceLineSchema), most=100, load_default=list)
    stock = fields.Nested(InitialStockSchema, load_default=dict)

    @validates_schema
    def _lists(self, data: dict[str, Any], **_options: Any) -> None:
        unique_names(data["specifications"])
        price_lines(data["prices"])


class PartUpdateSchema(_ContentFields):
    """Content fields to change; those left out stay as they are."""

    sku = Text(identifier=True, validate=validate.Length(min=1, max=100))
    part_name = Text(validate=validate.Length(min=1, max=300))
    version = _identifier()
    reason = _reason()


class StockUpdateSchema(StrictSchema):
    """Quantities to set; those left out stay as they are."""

    current_stock = _stock_quantity()
    reserved_quantity = _stock_quantity()
    min_stock_level = _stock_quantity()
    version = _identifier()
    reason = _reason()


class StockAdjustmentSchema(StrictSchema):
    """Pieces that came (+) or went (-)."""

    delta = Quantity(required=True, validate=validate.Range(min=-MAX_QUANTITY, max=MAX_QUANTITY))
    reason = Text(validate=validate.Length(min=1, max=500), load_default=None)


class PriceListSchema(StrictSchema):
    """A part's whole price list."""

    prices = Items(fields.Nested(PriceLineSchema), most=100, required=True)
    version = _identifier()
    reason = _reason()

    @validates_schema
    def _tiers(self, data: dict[str, Any], **_options: Any) -> None:
        price_lines(data["prices"])


class PageQuerySchema(StrictSchema):
    """Which page of a list."""

    limit = WholeNumber(load_default=50, validate=validate.Range(min=1, max=200))
    cursor = fields.String(load_default=None, validate=validate.Length(max=4000))


class PartQuerySchema(PageQuerySchema):
    """What both lists of parts take."""

    q = SearchText(load_default="", validate=validate.Length(max=200))
    category = Text(load_default=None, validate=validate.Length(max=240))


ADMIN_SORTS = tuple(sign + name for name in ("sku", "part_name", "available", "updated_at") for sign in ("", "-"))


class AdminPartQuerySchema(PartQuerySchema):
    """The panel's grid."""

    status = fields.String(load_default=None, validate=validate.OneOf((*STATUSES, "archived")))
    low_stock = Flag(load_default=None)
    out_of_stock = Flag(load_default=None)
    currency = currency_code(load_default=None, metadata={"description": "Of the prices shown: no other one will do."})
    sort = fields.String(load_default="sku", validate=validate.OneOf(ADMIN_SORTS))


class BodilessWriteSchema(StrictSchema):
    """The version that the writer saw, and why they write, where a call has no body."""

    version = WholeNumber(load_default=None, validate=validate.Range(min=1, max=MAX_QUANTITY))
    reason = _reason()
