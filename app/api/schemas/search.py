"""Queries and answers of the customers' lists, facets and product pages."""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema, ValidationError, fields, pre_load, validate, validates, validates_schema

from app.api.parsing import Flag, Gathered, Items, Money, Quantity, SearchText, StrictSchema, Text, WholeNumber, gathered
from app.api.schemas.answers import (
    PartCategorySchema,
    PublicListItemSchema,
    PublicPartSchema,
    TierSchema,
    VersionsSchema,
    how_met,
)
from app.api.schemas.parts import PageQuerySchema, currency_code
from app.api.schemas.specifications import MAX_NAMES, MAX_VALUES, PREFIX, specification_filters
from app.domain.stock import MAX_QUANTITY
from app.store.restocked import MAX_RESTOCKED

SORTS = ("relevance", "name", "-name", "price", "-price", "newest")
_BY_SPECIFICATION = re.compile(r"-?spec\.\S.{0,199}")


class FilterQuerySchema(StrictSchema):
    """What the customers' lists and facets are narrowed to."""

    @pre_load
    def _gather(self, data: Mapping[str, Any], **_options: Any) -> dict[str, Any]:
        sent, others = gathered(data, PREFIX)
        if "spec" in others:
            raise ValidationError({"spec": ["Unknown field."]})
        return others | ({"spec": specification_filters(sent)} if sent else {})

    specifications = Gathered(
        PREFIX,
        data_key="spec",
        load_default=(),
        metadata={
            "default": {},
            "description": "By specifications, each by its name in any case: `spec.Bore diameter d=25 mm`, which may be sent"
            " several times, for any of the values, and `spec.Bore diameter d.min=0.5 in` and `.max` for numbers, in any"
            f" unit that measures the same. At most {MAX_NAMES} names, all of which must fit, and {MAX_VALUES} values of each.",
        },
    )

    q = SearchText(
        load_default="",
        validate=validate.Length(max=200),
        metadata={"description": "Words and part numbers, or their beginnings, in any order; the first ten count."},
    )
    category = Text(load_default=None, validate=validate.Length(max=240))
    manufacturer = Text(load_default=None, validate=validate.Length(max=200))
    in_stock = Flag(load_default=None)
    min_price = Money(load_default=None)
    max_price = Money(load_default=None)
    currency = currency_code(
        load_default=None,
        metadata={
            "description": "Of the prices that are shown, compared and filtered: parts without a price in it come last, and"
            " are in no range. By default the shop's currency, or the one that most parts have a price in."
        },
    )


class PublicPartQuerySchema(FilterQuerySchema, PageQuerySchema):
    """The customers' list."""

    sort = Text(
        load_default=None,
        metadata={
            "description": "By default `relevance` if there is a `q`, else `name`, which is also what `relevance` is then. By a"
            " specification: `spec.NAME`, or `-spec.NAME`; parts without it come last.",
            "anyOf": [{"type": "string", "enum": SORTS}, {"type": "string", "pattern": f"^{_BY_SPECIFICATION.pattern}$"}],
        },
    )
    include = fields.String(
        load_default=None, validate=validate.OneOf(("specifications",)),
        metadata={"description": "What the parts of the list have besides: their `specifications`."},
    )  # fmt: skip

    @validates("sort")
    def _known(self, sort: str | None, **_options: Any) -> None:
        if sort is not None and sort not in SORTS and not _BY_SPECIFICATION.fullmatch(sort):
            raise ValidationError(f"Must be one of: {', '.join(SORTS)}; or spec. or -spec. and the name of a specification.")


class PublicPartPageSchema(Schema):
    """A page of the customers' list."""

    items = fields.List(fields.Nested(PublicListItemSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
    match = how_met()


class RestockedQuerySchema(StrictSchema):
    """How many of the parts that are back in stock."""

    limit = WholeNumber(load_default=8, validate=validate.Range(min=1, max=MAX_RESTOCKED))


class RestockedSchema(Schema):
    """Parts that are back in stock."""

    items = fields.List(
        fields.Nested(PublicListItemSchema), required=True,
        metadata={"description": "Those that customers could see while there were none; a new part is not back."},
    )  # fmt: skip


MAX_SKUS = 50


def currency_shown() -> fields.String:
    """Return the query field that says which prices are shown."""
    return currency_code(
        load_default=None,
        metadata={"description": "Of the prices shown: no other one will do. By default the shop's, or else the part's own."},
    )


class SkusQuerySchema(StrictSchema):
    """Parts by their SKUs, each exactly as the shop writes it."""

    sku = Items(
        Text(identifier=True, validate=validate.Length(min=1, max=100)), least=1, most=MAX_SKUS, required=True,
        metadata={"description": f"Once for each part: 1 to {MAX_SKUS} SKUs that differ.", "uniqueItems": True},
    )  # fmt: skip
    currency = currency_shown()

    @validates("sku")
    def _differ(self, skus: list[str], **_options: Any) -> None:
        if repeated := sorted({sku for sku in skus if skus.count(sku) > 1}):
            raise ValidationError(f"Ask for each SKU once; there is more than one of {', '.join(repeated)}.")


class PartsBySkuSchema(Schema):
    """Parts in the order in which they were asked for."""

    items = fields.List(fields.Nested(PublicListItemSchema), required=True)
    missing = fields.List(
        fields.String(), required=True, metadata={"description": "The SKUs that no part has which customers may see."}
    )


MAX_LINES = 500


class LookupLineSchema(StrictSchema):
    """A line of a list: a SKU exactly as the shop writes it, or whatever stands in its place."""

    sku = Text(identifier=True, validate=validate.Length(min=1, max=100))
    text = SearchText(
        validate=validate.Length(min=1, max=200),
        metadata={"description": "A SKU or a manufacturer's number in any spelling, or words to suggest parts for."},
    )
    quantity = Quantity(load_default=1, validate=validate.Range(min=1, max=MAX_QUANTITY))

    @validates_schema
    def _one(self, data: dict[str, Any], **_options: Any) -> None:
        if ("sku" in data) == ("text" in data):
            raise ValidationError("Send either sku or text.", "sku")


class LookupSchema(StrictSchema):
    """A list of what somebody needs."""

    lines = Items(fields.Nested(LookupLineSchema), least=1, most=MAX_LINES, required=True)


class LookupQuerySchema(StrictSchema):
    """How a list is answered."""

    currency = currency_shown()


class LookedUpLineSchema(Schema):
    """What is known about a line: the part that it means, or those that it may mean, if any."""

    asked = fields.String(required=True, metadata={"description": "The line's `sku` or `text`."})
    quantity = fields.Integer(required=True)
    part = fields.Nested(PublicListItemSchema, required=True, allow_none=True)
    candidates = fields.List(fields.Nested(PublicListItemSchema), required=True)
    currency = fields.String(required=True, allow_none=True)
    tiers = fields.List(fields.Nested(TierSchema), required=True)
    unit_price = fields.String(
        required=True, allow_none=True,
        metadata={"description": "Of one piece when so many are bought; null if so few are not sold, or there is no price."},
    )  # fmt: skip
    line_total = fields.String(required=True, allow_none=True, metadata={"description": "Rounded once, half up."})
    available = fields.Integer(required=True, allow_none=True)
    shortfall = fields.Integer(
        required=True, allow_none=True, metadata={"description": "How many are missing; other lines are not taken into account."}
    )
    substitutes = fields.List(
        fields.Nested(PublicListItemSchema), required=True,
        metadata={"description": "Parts in stock next to it in its category, if some are missing."},
    )  # fmt: skip


class LookedUpSchema(Schema):
    """The lines, in the order in which they were sent."""

    lines = fields.List(fields.Nested(LookedUpLineSchema), required=True)


class SuggestQuerySchema(StrictSchema):
    """What somebody has typed so far."""

    q = SearchText(load_default="", validate=validate.Length(max=200))
    limit = WholeNumber(load_default=8, validate=validate.Range(min=1, max=20))


class SuggestedPartSchema(Schema):
    """A part, named."""

    id = fields.Integer(required=True)
    sku = fields.String(required=True)
    slug = fields.String(required=True)
    part_name = fields.String(required=True)


class SuggestionsSchema(Schema):
    """What may be meant, the best first. Without a `q` there is nothing."""

    parts = fields.List(fields.Nested(SuggestedPartSchema), required=True)
    categories = fields.List(
        fields.Nested(PartCategorySchema),
        required=True,
        metadata={"description": "Those whose names have words that begin so, and that have parts in them or below."},
    )
    match = how_met()


class CategoryFacetSchema(Schema):
    """A category with the number of parts in it and below it."""

    id = fields.Integer(required=True)
    slug = fields.String(required=True)
    name = fields.String(required=True)
    parent_id = fields.Integer(required=True, allow_none=True)
    count = fields.Integer(required=True)


class ManufacturerFacetSchema(Schema):
    """A manufacturer with the number of its parts."""

    value = fields.String(required=True)
    count = fields.Integer(required=True)


class AvailabilityFacetSchema(Schema):
    """How many parts can be sold now, and how many not."""

    in_stock = fields.Integer(required=True)
    out_of_stock = fields.Integer(required=True)


class PriceFacetSchema(Schema):
    """The lowest and the highest price of one piece."""

    min = fields.String(required=True)
    max = fields.String(required=True)


class SpecificationValueSchema(Schema):
    """A value of a specification with the number of parts that it would leave."""

    value = fields.String(
        required=True,
        metadata={
            "description": "Of a range, in its `unit`: `25`, or `10…30`. Otherwise with the unit that it may have. Sent back as"
            " `spec.NAME` with the facet's unit behind it, it finds these parts."
        },
    )  # fmt: skip
    count = fields.Integer(required=True)


class SpecificationFacetSchema(Schema):
    """A specification that a category can be filtered by."""

    name = fields.String(required=True)
    unit = fields.String(
        required=True, metadata={"description": "That most parts use; of `min`, `max` and the values of a range."}
    )
    kind = fields.String(
        required=True, validate=validate.OneOf(("values", "range")),
        metadata={"description": "`range` if nearly all values are numbers that can be compared."},
    )  # fmt: skip
    values = fields.List(
        fields.Nested(SpecificationValueSchema), required=True,
        metadata={"description": "In order: the hundred that most parts have; of a range all, if they are at most twenty."},
    )  # fmt: skip
    min = fields.String(required=True, allow_none=True, metadata={"description": "Of a range."})
    max = fields.String(required=True, allow_none=True)


class FacetsSchema(Schema):
    """How many parts each choice of a filter would leave, counted with all other filters and without its own."""

    categories = fields.List(fields.Nested(CategoryFacetSchema), required=True)
    manufacturers = fields.List(
        fields.Nested(ManufacturerFacetSchema), required=True, metadata={"description": "The fifty with the most parts."}
    )
    availability = fields.Nested(AvailabilityFacetSchema, required=True)
    price = fields.Nested(PriceFacetSchema, required=True, allow_none=True)
    specifications = fields.List(
        fields.Nested(SpecificationFacetSchema), required=True,
        metadata={
            "description": "Those of the parts in the `category`, in the order in which these list them, the most common first;"
            " none without a `category`."
        },
    )  # fmt: skip
    currency = fields.String(
        required=True, allow_none=True, metadata={"description": "Of these prices, and of those that the filters mean."}
    )
    total = fields.Integer(required=True, metadata={"description": "The parts that fit all filters."})
    match = how_met()


class BreadcrumbSchema(Schema):
    """A step on the way to a part's category."""

    name = fields.String(required=True)
    slug = fields.String(required=True)
    url = fields.String(required=True)


class ProductPageSchema(Schema):
    """All that a product page needs."""

    part = fields.Nested(PublicPartSchema, required=True)
    breadcrumbs = fields.List(fields.Nested(BreadcrumbSchema), required=True)
    related = fields.List(fields.Nested(PublicListItemSchema), required=True)
    alternatives = fields.List(
        fields.Nested(PublicListItemSchema),
        required=True,
        metadata={
            "description": "Up to four parts of its category in stock; if it has specifications, those that agree in any, "
            "the most alike first, else those whose names are next to its own."
        },
    )
    tiers = fields.List(fields.Nested(TierSchema), required=True)
    json_ld = fields.Dict(
        required=True,
        metadata={"description": "A schema.org Product, Offer and BreadcrumbList; set it as the text of a script element."},
    )
    versions = fields.Nested(VersionsSchema, required=True)
