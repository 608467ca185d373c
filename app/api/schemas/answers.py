"""What answers and events look like. They document: views write their answers themselves, and tests hold the two together."""

from typing import Any

from marshmallow import Schema, fields, validate

from app.domain.stock import LARGEST_QUANTITY
from app.services.authentication import ROLES


def _required(kind: type[fields.Field[Any]], **options: Any) -> fields.Field[Any]:
    return kind(required=True, **options)


def _nullable(kind: type[fields.Field[Any]]) -> fields.Field[Any]:
    return kind(required=True, allow_none=True)


def _nested(schema: type[Schema], **options: Any) -> fields.Nested:
    return fields.Nested(schema, required=True, **options)


def _one_of(*values: str) -> fields.String:
    return fields.String(required=True, validate=validate.OneOf(values))


def _items(schema: type[Schema]) -> fields.List[Any]:
    return fields.List(fields.Nested(schema), required=True)


def page_of(item: type[Schema], name: str) -> type[Schema]:
    """Return the schema of a page of `item`."""
    members = {"items": _items(item), "next_cursor": _nullable(fields.String)}
    return Schema.from_dict(members, name=name)


class PersonSchema(Schema):
    """Who did something."""

    id = _required(fields.Integer)
    name = _required(fields.String)


class CategoryRefSchema(Schema):
    """A category, named."""

    id = _required(fields.Integer)
    name = _required(fields.String)
    slug = _required(fields.String)


class PartCategorySchema(CategoryRefSchema):
    """A part's category, with the way to it from the root."""

    path = _items(CategoryRefSchema)


class CategorySchema(CategoryRefSchema):
    """A node of the category tree."""

    parent_id = _nullable(fields.Integer)
    version = _required(fields.Integer)
    part_count = _required(fields.Integer)


class ImageSchema(Schema):
    """A picture."""

    id = _required(fields.Integer)
    url = _required(fields.String)
    alt = _required(fields.String)
    width = _required(fields.Integer)
    height = _required(fields.Integer)


class ShownSpecificationSchema(Schema):
    """A named property of a part."""

    name = _required(fields.String)
    value = _required(fields.String)
    unit = _required(fields.String)
    group = _required(fields.String)


class PublicStockSchema(Schema):
    """Stock, as customers see it."""

    current_stock = _required(fields.Integer)
    available_stock = _required(fields.Integer)
    is_in_stock = _required(fields.Boolean)
    is_low_stock = _required(fields.Boolean)
    version = _required(fields.Integer)


class TierSchema(Schema):
    """The price from a quantity on."""

    min_quantity = _required(fields.Integer)
    amount = _required(fields.String)


class ShortPriceSchema(Schema):
    """The price of one piece."""

    amount = _required(fields.String)
    currency = _required(fields.String)
    version = _required(fields.Integer)


class PublicPriceSchema(ShortPriceSchema):
    """The price of one piece, and of more."""

    tiers = _items(TierSchema)


class VersionsSchema(Schema):
    """The version of each aspect."""

    content = _required(fields.Integer)
    stock = _required(fields.Integer)
    price = _required(fields.Integer)


class _PublicBaseSchema(Schema):
    id = _required(fields.Integer)
    sku = _required(fields.String)
    slug = _required(fields.String)
    part_name = _required(fields.String)
    category = _nested(PartCategorySchema, allow_none=True)
    manufacturer = _nullable(fields.String)
    manufacturer_number = _nullable(fields.String)
    version = _required(fields.Integer)
    updated_at = _required(fields.DateTime)


class PublicPartSchema(_PublicBaseSchema):
    """A part, as customers see it."""

    description = _required(fields.String)
    images = _items(ImageSchema)
    specifications = _items(ShownSpecificationSchema)
    price = _nested(PublicPriceSchema, allow_none=True)
    stock = _nested(PublicStockSchema)
    versions = _nested(VersionsSchema)


class PublicListItemSchema(_PublicBaseSchema):
    """A part in a list."""

    image = _nested(ImageSchema, allow_none=True)
    price = _nested(ShortPriceSchema, allow_none=True)
    stock = _nested(PublicStockSchema)
    versions = _nested(VersionsSchema)


PublicPartPageSchema = page_of(PublicListItemSchema, "PublicPartPage")
CategoryPageSchema = page_of(CategorySchema, "CategoryPage")


class AdminStockSchema(PublicStockSchema):
    """Stock, as staff see it; also what a stock write answers."""

    part_id = _required(fields.Integer)
    reserved_quantity = _required(fields.Integer)
    min_stock_level = _required(fields.Integer)
    last_updated_by = _nullable(fields.Integer)
    last_updated_by_name = _nullable(fields.String)
    updated_at = _required(fields.DateTime)


class AdminListItemSchema(Schema):
    """A row of the grid."""

    id = _required(fields.Integer)
    sku = _required(fields.String)
    slug = _required(fields.String)
    part_name = _required(fields.String)
    status = _one_of("draft", "published", "archived")
    category = _nested(CategoryRefSchema, allow_none=True)
    version = _required(fields.Integer)
    updated_at = _required(fields.DateTime)
    stock = _nested(AdminStockSchema)
    price = _nested(ShortPriceSchema, allow_none=True)


AdminPartPageSchema = page_of(AdminListItemSchema, "AdminPartPage")


class ContentStateSchema(_PublicBaseSchema):
    """Content, as staff see it."""

    description = _required(fields.String)
    images = _items(ImageSchema)
    specifications = _items(ShownSpecificationSchema)
    status = _one_of("draft", "published", "archived")
    category_id = _nullable(fields.Integer)
    last_updated_by = _nullable(fields.Integer)
    last_updated_by_name = _nullable(fields.String)


class ContentAnswerSchema(ContentStateSchema):
    """What a content write answers."""

    changed_by = _nested(PersonSchema, allow_none=True)
    changed_at = _required(fields.DateTime)


class ShownPriceLineSchema(Schema):
    """One line of a price list."""

    currency = _required(fields.String)
    amount = _required(fields.String)
    min_quantity = _required(fields.Integer)
    valid_from = _nullable(fields.DateTime)
    valid_to = _nullable(fields.DateTime)


class PriceListAnswerSchema(Schema):
    """A part's price list."""

    part_id = _required(fields.Integer)
    prices = _items(ShownPriceLineSchema)
    version = _required(fields.Integer)
    updated_at = _required(fields.DateTime)
    changed_by = _nested(PersonSchema, allow_none=True)
    changed_at = _required(fields.DateTime)


class AdminPartSchema(ContentStateSchema):
    """A part with everything."""

    created_at = _required(fields.DateTime)
    stock = _nested(AdminStockSchema)
    price = _nested(PriceListAnswerSchema)
    versions = _nested(VersionsSchema)


class VersionListItemSchema(Schema):
    """A content version, in a list."""

    version_number = _required(fields.Integer)
    created_at = _required(fields.DateTime)
    created_by = _required(fields.Integer)
    created_by_name = _required(fields.String)
    change_summary = _nullable(fields.String)
    is_active = _required(fields.Boolean)


class VersionSchema(VersionListItemSchema):
    """A content version with what it said."""

    content_snapshot = _required(fields.Dict)


VersionPageSchema = page_of(VersionListItemSchema, "VersionPage")


class AuditRowSchema(Schema):
    """One change of one record."""

    id = _required(fields.Integer)
    event_id = _required(fields.UUID)
    table_name = _required(fields.String)
    record_id = _required(fields.Integer)
    part_id = _nullable(fields.Integer)
    operation = _one_of("INSERT", "UPDATE", "DELETE")
    version = _required(fields.Integer)
    old_values = _nullable(fields.Dict)
    new_values = _nullable(fields.Dict)
    changed_by = _nullable(fields.Integer)
    changed_by_name = _nullable(fields.String)
    changed_at = _required(fields.DateTime)
    ip_address = _nullable(fields.String)
    user_agent = _nullable(fields.String)
    request_id = _nullable(fields.String)
    reason = _nullable(fields.String)


AuditPageSchema = page_of(AuditRowSchema, "AuditPage")


class LatencySchema(Schema):
    """From the change to its effect, in milliseconds, of the latest deliveries; null if there are none."""

    p50 = _nullable(fields.Float)
    p95 = _nullable(fields.Float)
    p99 = _nullable(fields.Float)


class EffectStatusSchema(Schema):
    """How one effect is doing."""

    pending = _required(fields.Integer)
    oldest_age_seconds = _required(fields.Float)
    dead = _required(fields.Integer)
    latency_ms = _nested(LatencySchema)


class CacheStatusSchema(Schema):
    """How the cache is doing, as this web process sees it."""

    fresh = _required(fields.Boolean)
    hit_rate = fields.Dict(keys=fields.String(), values=fields.Float(), required=True)


class SyncStatusSchema(Schema):
    """How the synchronisation is doing."""

    effects = fields.Dict(keys=fields.String(), values=fields.Nested(EffectStatusSchema), required=True)
    last_reconciliation = _nullable(fields.Dict)
    cache = _nested(CacheStatusSchema)


class DeadLetterSchema(Schema):
    """A delivery that was given up on."""

    id = _required(fields.Integer)
    effect = _required(fields.String)
    attempts = _required(fields.Integer)
    last_error = _nullable(fields.String)
    created_at = _required(fields.DateTime)
    event_uuid = _required(fields.UUID)
    type = _required(fields.String)
    aggregate_type = _required(fields.String)
    aggregate_id = _required(fields.Integer)
    version = _required(fields.Integer)
    payload = _required(fields.Dict)
    request_id = _nullable(fields.String)


DeadLetterPageSchema = page_of(DeadLetterSchema, "DeadLetterPage")


class ReplayedSchema(Schema):
    """How many deliveries are due again."""

    replayed = _required(fields.Integer)


class ReconciliationSchema(Schema):
    """What a reconciliation found, by kind, with a few examples; or why it was skipped."""

    skipped = fields.String()
    dry_run = fields.Boolean()
    parts_checked = fields.Integer()
    found = fields.Dict(keys=fields.String(), values=fields.Integer())
    examples = fields.Dict(keys=fields.String())
    next_after = fields.Integer()
    seconds = fields.Float()


class UserSchema(PersonSchema):
    """A member of staff."""

    email = _required(fields.String)
    role = _one_of(*ROLES)


class SessionSchema(Schema):
    """Who is logged in, and the token for unsafe methods."""

    user = _nested(UserSchema)
    csrf_token = _nullable(fields.String)


class ProblemSchema(Schema):
    """An error (RFC 9457)."""

    type = _required(fields.String)
    title = _required(fields.String)
    status = _required(fields.Integer)
    detail = _required(fields.String)
    code = _required(fields.String)
    request_id = _nullable(fields.String)
    errors = fields.Dict(keys=fields.String(), metadata={"description": "For 422: field -> messages."})
    current = fields.Dict(metadata={"description": "For 409 and 412: the present values, version, who changed them and when."})


class _EventSchema(Schema):
    id = _required(fields.UUID)
    part_id = _required(fields.Integer, metadata={"maximum": LARGEST_QUANTITY})
    version = _required(fields.Integer)
    timestamp = _required(fields.DateTime)


class EventStockSchema(PublicStockSchema):
    """The stock aspect, as an event carries it."""

    updated_at = _required(fields.DateTime)


class EventContentSchema(_PublicBaseSchema):
    """The content aspect, as an event carries it."""

    description = _required(fields.String)
    images = _items(ImageSchema)
    specifications = _items(ShownSpecificationSchema)


class EventPriceSchema(Schema):
    """The price aspect, as an event carries it."""

    price = _nested(PublicPriceSchema, allow_none=True)
    version = _required(fields.Integer)
    updated_at = _required(fields.DateTime)


class StockUpdatedEventSchema(_EventSchema):
    """Socket.IO `stock.updated` on `/customers`."""

    type = _one_of("stock.updated")
    data = _nested(EventStockSchema)


class ContentUpdatedEventSchema(_EventSchema):
    """Socket.IO `content.updated` and `part.restored` on `/customers`."""

    type = _one_of("content.updated", "part.restored")
    data = _nested(EventContentSchema)


class PriceUpdatedEventSchema(_EventSchema):
    """Socket.IO `price.updated` on `/customers`."""

    type = _one_of("price.updated")
    data = _nested(EventPriceSchema)


class PartDeletedEventSchema(_EventSchema):
    """Socket.IO `part.deleted` on `/customers`."""

    type = _one_of("part.deleted")
    data = _required(fields.Dict)


class WatchAnswerSchema(Schema):
    """The acknowledgement of Socket.IO `watch`."""

    parts = _items(PublicPartSchema)
    gone = fields.List(fields.Integer(), required=True)
    catalog = fields.String()


EVENTS = (
    StockUpdatedEventSchema,
    ContentUpdatedEventSchema,
    PriceUpdatedEventSchema,
    PartDeletedEventSchema,
    WatchAnswerSchema,
)
