"""The messages of Socket.IO, described for storefronts that generate their types from the OpenAPI document."""

from marshmallow import Schema, fields

from app.api.schemas.answers import (
    ImageSchema,
    PersonSchema,
    PublicBaseSchema,
    PublicPartSchema,
    PublicPriceSchema,
    PublicStockSchema,
    ShownSpecificationSchema,
    items_of,
    nested,
    one_of,
    required,
)
from app.contract.effects import EFFECTS
from app.contract.task_names import Effect
from app.domain.stock import MAX_QUANTITY


class _EventSchema(Schema):
    id = required(fields.UUID)
    part_id = required(fields.Integer, metadata={"maximum": MAX_QUANTITY})
    version = required(fields.Integer)
    timestamp = required(fields.DateTime)


class EventStockSchema(PublicStockSchema):
    """The stock aspect, as an event carries it."""

    updated_at = required(fields.DateTime)


class EventContentSchema(PublicBaseSchema):
    """The content aspect, as an event carries it."""

    description = required(fields.String)
    images = items_of(ImageSchema)
    specifications = items_of(ShownSpecificationSchema)


class EventPriceSchema(Schema):
    """The price aspect, as an event carries it."""

    price = nested(PublicPriceSchema, allow_none=True)
    version = required(fields.Integer)
    updated_at = required(fields.DateTime)


class StockUpdatedEventSchema(_EventSchema):
    """Socket.IO `stock.updated` on `/customers`."""

    type = one_of("stock.updated")
    data = nested(EventStockSchema)


class ContentUpdatedEventSchema(_EventSchema):
    """Socket.IO `content.updated` and `part.restored` on `/customers`."""

    type = one_of("content.updated", "part.restored")
    data = nested(EventContentSchema)


class PriceUpdatedEventSchema(_EventSchema):
    """Socket.IO `price.updated` on `/customers`."""

    type = one_of("price.updated")
    data = nested(EventPriceSchema)


class PartDeletedEventSchema(_EventSchema):
    """Socket.IO `part.deleted` on `/customers`."""

    type = one_of("part.deleted")
    data = required(fields.Dict)


class WatchAnswerSchema(Schema):
    """The acknowledgement of Socket.IO `watch`."""

    parts = items_of(PublicPartSchema)
    gone = fields.List(fields.Integer(), required=True)
    catalog = fields.String()


class HeldVersionsSchema(Schema):
    """The versions that a page holds of one part; one that it does not hold is left out or null."""

    content = fields.Integer(allow_none=True)
    stock = fields.Integer(allow_none=True)
    price = fields.Integer(allow_none=True)


class WatchRequestSchema(Schema):
    """What Socket.IO `watch` takes: the parts that a page shows, by id, at most 200."""

    parts = fields.Dict(keys=fields.String(), values=fields.Nested(HeldVersionsSchema, allow_none=True))
    catalog = fields.Boolean()


class UnwatchRequestSchema(Schema):
    """What Socket.IO `unwatch` takes."""

    parts = required(fields.List, cls_or_instance=fields.Integer())


class SeenRequestSchema(Schema):
    """What Socket.IO `seen` takes: the id of an event that the page has shown."""

    id = required(fields.UUID)


class RefusalSchema(Schema):
    """What is wrong with a message."""

    code = one_of("invalid", "too_many_parts")
    message = required(fields.String)
    errors = fields.Dict()


class WatchRefusalSchema(Schema):
    """The acknowledgement of a message that was refused."""

    error = nested(RefusalSchema)


class CatalogChangedEventSchema(Schema):
    """Socket.IO `catalog.changed` on `/customers`: lists may differ."""

    catalog = required(fields.String)


class ResyncEventSchema(Schema):
    """Socket.IO `resync`: the server may have missed something; watch again, after a jitter."""


class AdminEventSchema(Schema):
    """Every event on `/admin`: the same envelope, with the panel's whole state of the aspect and who did it."""

    id = required(fields.UUID)
    type = one_of(*(str(kind) for kind, effects in EFFECTS.items() if Effect.BROADCAST in effects))
    part_id = required(fields.Integer, metadata={"description": "The part's or category's id."})
    version = required(fields.Integer)
    data = required(fields.Dict)
    timestamp = required(fields.DateTime)
    actor = nested(PersonSchema)


EVENTS = (
    StockUpdatedEventSchema,
    ContentUpdatedEventSchema,
    PriceUpdatedEventSchema,
    PartDeletedEventSchema,
    CatalogChangedEventSchema,
    ResyncEventSchema,
    WatchRequestSchema,
    WatchAnswerSchema,
    WatchRefusalSchema,
    UnwatchRequestSchema,
    SeenRequestSchema,
    AdminEventSchema,
)
