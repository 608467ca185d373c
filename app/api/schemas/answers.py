"""What answers look like. They document: views write their answers themselves, and tests hold the two together."""

from typing import Any

from marshmallow import Schema, fields, validate

from app.api.schemas.described import described
from app.contract.drift import DriftKind
from app.contract.events import Source
from app.contract.messages import states
from app.services.authentication import ROLES


def required(kind: type[fields.Field[Any]], **options: Any) -> fields.Field[Any]:
    """Return a member that is always there."""
    return kind(required=True, **options)


def nullable(kind: type[fields.Field[Any]]) -> fields.Field[Any]:
    """Return a member that is always there and may be null."""
    return kind(required=True, allow_none=True)


def nested(schema: type[Schema], **options: Any) -> fields.Nested:
    """Return a member that is an object."""
    return fields.Nested(schema, required=True, **options)


def one_of(*values: str) -> fields.String:
    """Return a member that is one of these words."""
    return fields.String(required=True, validate=validate.OneOf(values))


def items_of(schema: type[Schema]) -> fields.List[Any]:
    """Return a member that is a list of objects."""
    return fields.List(fields.Nested(schema), required=True)


def how_met() -> fields.String:
    """Return the member that says how a search was met."""
    return fields.String(
        required=True, validate=validate.OneOf(("exact", "similar")),
        metadata={
            "description": "`similar` if no part holds all words of `q` as they were typed, or says in its specifications what"
            " some of them do: words like them were looked for instead, or some were left out."
        },
    )  # fmt: skip


def page_of(item: type[Schema], name: str) -> type[Schema]:
    """Return the schema of a page of `item`."""
    members = {"items": items_of(item), "next_cursor": nullable(fields.String)}
    return Schema.from_dict(members, name=name)


@described(states.Person)
class PersonSchema(Schema):
    """Who did something."""


@described(states.CategoryRef)
class CategoryRefSchema(Schema):
    """A category, named."""


@described(states.PartCategory)
class PartCategorySchema(Schema):
    """A part's category, with the way to it from the root."""


@described(states.ImageSize)
class ImageSizeSchema(Schema):
    """A smaller size of a picture, in WebP."""


@described(states.Picture)
class PictureSchema(Schema):
    """A picture, and the sizes in which it can be had; see `srcset` in HTML."""


@described(states.Image)
class ImageSchema(Schema):
    """One of a part's pictures."""


class CategorySchema(CategoryRefSchema):
    """A node of the category tree."""

    parent_id = nullable(fields.Integer)
    description = fields.String(
        required=True, metadata={"description": "Text, or HTML of a few harmless elements; empty if there is none."}
    )
    picture = nested(PictureSchema, allow_none=True)
    version = required(fields.Integer)
    part_count = required(fields.Integer)


@described(states.ShownSpecification)
class ShownSpecificationSchema(Schema):
    """A named property of a part."""


@described(states.PublicStock)
class PublicStockSchema(Schema):
    """Stock, as customers see it."""


@described(states.Tier)
class TierSchema(Schema):
    """The price from a quantity on."""


@described(states.ShortPrice)
class ShortPriceSchema(Schema):
    """The price of one piece."""


@described(states.OtherPrice)
class OtherPriceSchema(Schema):
    """The price of one piece, and of more, in another currency."""


@described(states.PublicPrice)
class PublicPriceSchema(Schema):
    """The price of one piece, and of more; in other currencies as well, if there are any."""


@described(states.Versions)
class VersionsSchema(Schema):
    """The version of each aspect."""


@described(states.PublicBase)
class PublicBaseSchema(Schema):
    """What every form of a part has."""


@described(states.PublicPart)
class PublicPartSchema(Schema):
    """A part, as customers see it."""


class PublicListItemSchema(PublicBaseSchema):
    """A part in a list."""

    image = nested(ImageSchema, allow_none=True)
    price = nested(ShortPriceSchema, allow_none=True)
    stock = nested(PublicStockSchema)
    versions = nested(VersionsSchema)
    specifications = fields.List(
        fields.Nested(ShownSpecificationSchema), metadata={"description": "If they were asked for by `include=specifications`."}
    )


CategoryPageSchema = page_of(CategorySchema, "CategoryPage")


@described(states.AdminStock)
class AdminStockSchema(Schema):
    """Stock, as staff see it; also what a stock write answers."""


class AdminListItemSchema(Schema):
    """A row of the grid. `updated_at` and `changed_by` tell of one and the same change: the latest of content, stock or price.
    `thumbnail` is the address of the first picture, at most 160 pixels wide."""

    id = required(fields.Integer)
    sku = required(fields.String)
    slug = required(fields.String)
    part_name = required(fields.String)
    status = one_of("draft", "published", "archived")
    category = nested(CategoryRefSchema, allow_none=True)
    version = required(fields.Integer)
    updated_at = required(fields.DateTime)
    changed_by = nested(PersonSchema, allow_none=True)
    stock = nested(AdminStockSchema)
    price = nested(ShortPriceSchema, allow_none=True)
    thumbnail = nullable(fields.String)


class AdminPartPageSchema(page_of(AdminListItemSchema, "PageOfAdminParts")):  # type: ignore[misc]
    """A page of the panel's list."""

    match = how_met()


@described(states.ContentState)
class ContentStateSchema(Schema):
    """Content, as staff see it."""


class ContentAnswerSchema(ContentStateSchema):
    """What a content write answers."""

    changed_by = nested(PersonSchema, allow_none=True)
    changed_at = required(fields.DateTime)


class NoticeSchema(Schema):
    """What was dropped from a text because it is not allowed in one."""

    field = required(fields.String)
    kind = one_of("element", "attribute", "address", "comment")
    name = required(fields.String, metadata={"description": "Of the element or the attribute; of an address its scheme."})
    count = required(fields.Integer)
    message = required(fields.String)


class UpdatedContentSchema(ContentAnswerSchema):
    """What a change of content fields answers."""

    notices = fields.List(fields.Nested(NoticeSchema))


@described(states.ShownPriceLine)
class ShownPriceLineSchema(Schema):
    """One line of a price list."""


class PriceListAnswerSchema(Schema):
    """A part's price list."""

    part_id = required(fields.Integer)
    prices = items_of(ShownPriceLineSchema)
    version = required(fields.Integer)
    updated_at = required(fields.DateTime)
    changed_by = nested(PersonSchema, allow_none=True)
    changed_at = required(fields.DateTime)


class AdminPartSchema(ContentStateSchema):
    """A part with everything."""

    created_at = required(fields.DateTime)
    stock = nested(AdminStockSchema)
    price = nested(PriceListAnswerSchema)
    versions = nested(VersionsSchema)


class CreatedPartSchema(AdminPartSchema):
    """A new part with everything."""

    notices = fields.List(fields.Nested(NoticeSchema))


class VersionListItemSchema(Schema):
    """A content version, in a list. `source` says by which way it came, `kind` what happened, `fields` which fields changed (of
    specifications and pictures, how many items); `message` is the reason that somebody gave, or the name of the imported file,
    `restored_from` the version that was brought back, `import_id` the import that was made or, with `undo`, undone. All of them
    are null if an older release wrote the version."""

    version_number = required(fields.Integer)
    created_at = required(fields.DateTime)
    created_by = required(fields.Integer)
    created_by_name = required(fields.String)
    change_summary = nullable(fields.String)
    source = fields.String(required=True, allow_none=True, validate=validate.OneOf([str(source) for source in Source]))
    kind = fields.String(
        required=True, allow_none=True, validate=validate.OneOf(("created", "archived", "unarchived", "changed"))
    )
    fields_ = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True, allow_none=True, data_key="fields")
    message = nullable(fields.String)
    restored_from = nullable(fields.Integer)
    import_id = nullable(fields.Integer)
    is_active = required(fields.Boolean)


class VersionSchema(VersionListItemSchema):
    """A content version with what it said."""

    content_snapshot = required(fields.Dict)


VersionPageSchema = page_of(VersionListItemSchema, "VersionPage")


class AuditRowSchema(Schema):
    """One change of one record."""

    id = required(fields.Integer)
    event_id = required(fields.UUID)
    table_name = required(fields.String)
    record_id = required(fields.Integer)
    part_id = nullable(fields.Integer)
    operation = one_of("INSERT", "UPDATE", "DELETE")
    version = required(fields.Integer)
    old_values = nullable(fields.Dict)
    new_values = nullable(fields.Dict)
    changed_by = nullable(fields.Integer)
    changed_by_name = nullable(fields.String)
    api_key_id = nullable(fields.Integer)
    api_key_name = nullable(fields.String)
    changed_at = required(fields.DateTime)
    ip_address = nullable(fields.String)
    user_agent = nullable(fields.String)
    request_id = nullable(fields.String)
    reason = nullable(fields.String)


AuditPageSchema = page_of(AuditRowSchema, "AuditPage")


class LatencySchema(Schema):
    """From the change to its effect, in milliseconds, of the deliveries that were made in the last `window_seconds`, the latest
    4,000 of all effects at most; null if there are none."""

    p50 = nullable(fields.Float)
    p95 = nullable(fields.Float)
    p99 = nullable(fields.Float)
    deliveries = required(fields.Integer)


class EffectStatusSchema(Schema):
    """How one effect is doing. Of the pending ones `retries` wait for another attempt; `failures` are the deliveries that have
    failed in the last `window_seconds`, whatever has become of them since."""

    pending = required(fields.Integer)
    oldest_age_seconds = required(fields.Float)
    retries = required(fields.Integer)
    failures = required(fields.Integer)
    dead = required(fields.Integer)
    latency_ms = nested(LatencySchema)


class CacheStatusSchema(Schema):
    """How the cache is doing, as this web process sees it. `hit_rate` is the share of reads that each kind of cache answered in
    the last `window_seconds`; a kind that nobody read is left out."""

    fresh = required(fields.Boolean)
    hit_rate = fields.Dict(keys=fields.String(), values=fields.Float(), required=True)
    window_seconds = required(fields.Integer)


class DifferenceSchema(Schema):
    """A field, by its path, with what it said and what it should have said; long values are shortened."""

    field = required(fields.String)
    found = fields.Raw(required=True, allow_none=True)
    expected = fields.Raw(required=True, allow_none=True)


class SinceSchema(Schema):
    """The event that a copy does not know of, or that it tells wrongly."""

    event_id = required(fields.Integer)
    version = required(fields.Integer)
    at = required(fields.DateTime)


class DriftSchema(Schema):
    """A difference that was found between the truth and a copy of it. `process` is the one that served it, or `reconcile`, which
    looks at what all processes share. `since` is null if that cannot be told."""

    kind = one_of(*DriftKind)
    subject = required(fields.String)
    process = required(fields.String)
    differences = items_of(DifferenceSchema)
    since = fields.Nested(SinceSchema, required=True, allow_none=True)
    repaired = required(fields.Boolean)
    found_at = fields.DateTime()


class DriftKindSchema(Schema):
    """How often a kind of drift was found, and when last; `repeating` says that it comes back after its repair."""

    found = required(fields.Integer)
    not_repaired = required(fields.Integer)
    last_found_at = required(fields.DateTime)
    repeating = required(fields.Boolean)


class DriftStatusSchema(Schema):
    """What was found in the last `window_seconds`, by kind, and the latest findings, newest first."""

    window_seconds = required(fields.Integer)
    kinds = fields.Dict(keys=fields.String(), values=fields.Nested(DriftKindSchema), required=True)
    latest = items_of(DriftSchema)


class ComponentsSchema(Schema):
    """What the synchronisation depends on, as this web process sees it: `degraded` is a cache that nobody may be served from
    yet, and a broker that did not take the last wake-ups. Without the database there is no answer at all."""

    database = one_of("ok")
    cache = one_of("ok", "degraded", "away")
    broker = one_of("ok", "degraded")


class WorkerSchema(Schema):
    """A worker that is alive, and how many seconds ago it said so."""

    name = required(fields.String)
    queues = fields.List(fields.String(), required=True)
    seen_seconds = required(fields.Float)


class SyncStatusSchema(Schema):
    """How the synchronisation is doing. `workers` is null if it is not known which are alive, since Valkey is away, and so is
    `beat_last_tick_seconds`, which is also null if beat has not been heard of in a day. `open_pages` are those of customers.
    `flower`, for administrators, is where Flower opens: a path of this host, or its address on the server itself; null if it does
    not run."""

    effects = fields.Dict(keys=fields.String(), values=fields.Nested(EffectStatusSchema), required=True)
    window_seconds = required(fields.Integer)
    last_reconciliation = nullable(fields.Dict)
    drift = nested(DriftStatusSchema)
    cache = nested(CacheStatusSchema)
    components = nested(ComponentsSchema)
    workers = fields.List(fields.Nested(WorkerSchema), required=True, allow_none=True)
    beat_last_tick_seconds = nullable(fields.Float)
    open_pages = required(fields.Integer)
    flower = nullable(fields.String)


class FailureSchema(Schema):
    """An attempt at a delivery that failed; they are counted from 1, and anew after a replay."""

    attempt = required(fields.Integer)
    at = required(fields.DateTime)
    error = required(fields.String)


class DeadLetterSchema(Schema):
    """A delivery that was given up on. `failures` are its latest attempts, twelve at most, oldest first; what an older release
    has tried is missing."""

    id = required(fields.Integer)
    effect = required(fields.String)
    attempts = required(fields.Integer)
    last_error = nullable(fields.String)
    failures = items_of(FailureSchema)
    created_at = required(fields.DateTime)
    event_uuid = required(fields.UUID)
    type = required(fields.String)
    aggregate_type = required(fields.String)
    aggregate_id = required(fields.Integer)
    version = required(fields.Integer)
    payload = required(fields.Dict)
    request_id = nullable(fields.String)


DeadLetterPageSchema = page_of(DeadLetterSchema, "DeadLetterPage")


class ReplayedSchema(Schema):
    """How many deliveries are due again."""

    replayed = required(fields.Integer)


class AuditChainSchema(Schema):
    """The newest rows of the audit trail, as they were verified: up to which row, how many, and where the chain is broken."""

    verified_to = nullable(fields.Integer)
    rows = required(fields.Integer)
    broken = fields.List(fields.String(), required=True)


class ReconciliationSchema(Schema):
    """What a reconciliation found, by kind, with a few examples; or why it was skipped."""

    skipped = fields.String()
    dry_run = fields.Boolean()
    parts_checked = fields.Integer()
    found = fields.Dict(keys=fields.String(), values=fields.Integer())
    examples = fields.Dict(keys=fields.String())
    explained = fields.List(fields.Nested(DriftSchema))
    audit_chain = fields.Nested(AuditChainSchema)
    next_after = fields.Integer()
    all_compared_at = fields.Dict(keys=fields.String(), values=fields.String(allow_none=True))
    seconds = fields.Float()


class UserSchema(PersonSchema):
    """A member of staff."""

    email = required(fields.String)
    role = one_of(*ROLES)


class SessionSchema(Schema):
    """Who is logged in, and the token for unsafe methods."""

    user = nested(UserSchema)
    csrf_token = nullable(fields.String)


class ProblemSchema(Schema):
    """An error (RFC 9457)."""

    type = required(fields.String)
    title = required(fields.String)
    status = required(fields.Integer)
    detail = required(fields.String)
    code = required(fields.String)
    request_id = nullable(fields.String)
    errors = fields.Dict(keys=fields.String(), metadata={"description": "For 422: field -> messages."})
    taken_by = fields.Dict(
        metadata={"description": "For 409 `duplicate`: the part that has the value, as `part_id`, and whether it is `archived`."}
    )
    rows = fields.List(
        fields.Dict(), metadata={"description": "For a bulk: the rows that keep it from being made, in the form of its answer's."}
    )
    withdrawn = fields.Dict(
        metadata={
            "description": "For 404 of the page of a part that is no longer sold: `breadcrumbs`, `related` and `alternatives` as"
            " on any page, and of the `part` its last `id`, `sku`, `slug`, `part_name` and `category`."
        }
    )
    current = fields.Dict(metadata={"description": "For 409 and 412: the present values, version, who changed them and when."})
