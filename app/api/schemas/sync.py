"""Queries, bodies and answers of the synchronisation calls."""

from marshmallow import Schema, fields, validate

from app.api.parsing import Flag, StrictSchema, Text
from app.api.schemas.answers import FailureSchema, PersonSchema, items_of, nested, nullable, one_of, required
from app.contract.task_names import Effect


class ReplayQuerySchema(StrictSchema):
    """Which dead deliveries: of which effect, and what their last error begins with; by default all."""

    effect = fields.String(load_default=None, validate=validate.OneOf([str(effect) for effect in Effect]))
    error = Text(load_default=None, multiline=True, validate=validate.Length(min=1, max=2000))


class DiscardSchema(ReplayQuerySchema):
    """Which dead deliveries, and why they may be given up."""

    reason = Text(required=True, validate=validate.Length(min=1, max=500))


class ReconcileQuerySchema(StrictSchema):
    """Whether to repair what is found."""

    dry_run = Flag(load_default=False)


class DiscardedSchema(Schema):
    """How many deliveries were given up."""

    discarded = required(fields.Integer)


class EffectJourneySchema(Schema):
    """What became of one effect of an event; `ms` is the time from the commit to it, `failures` the latest attempts that failed,
    oldest first."""

    state = one_of("pending", "done", "dead", "discarded")
    attempts = required(fields.Integer)
    done_at = nullable(fields.DateTime)
    ms = nullable(fields.Float)
    last_error = nullable(fields.String)
    failures = items_of(FailureSchema)


class JourneySchema(Schema):
    """What an event was, and what became of each of its effects. `pages` is how many customers' pages were told of it, kept
    for a quarter of an hour; null if none was, since a newer event of the aspect was told or no page shows it, or it is not
    known."""

    event_id = required(fields.UUID)
    type = required(fields.String)
    aggregate_type = required(fields.String)
    aggregate_id = required(fields.Integer)
    aspect = required(fields.String)
    version = required(fields.Integer)
    committed_at = required(fields.DateTime)
    actor = nested(PersonSchema, allow_none=True)
    request_id = nullable(fields.String)
    effects = fields.Dict(keys=fields.String(), values=fields.Nested(EffectJourneySchema), required=True)
    pages = nullable(fields.Integer)


class PropagationSchema(Schema):
    """From the commit to the pages' being told, in milliseconds, in the last `window_seconds`; null if nothing was told. What an
    empty shop was filled with before it was started does not count."""

    window_seconds = required(fields.Integer)
    p50_ms = nullable(fields.Float)
    p95_ms = nullable(fields.Float)
    p99_ms = nullable(fields.Float)


class OverviewSchema(Schema):
    """What needs somebody's attention. Low and out of stock are counted without archived parts, `changes_today` since midnight
    UTC and up to 100,000, `open_pages` those of customers; `last_reconciliation` is null before the first."""

    low_stock = required(fields.Integer)
    out_of_stock = required(fields.Integer)
    drafts = required(fields.Integer)
    archived = required(fields.Integer)
    dead_letters = required(fields.Integer)
    oldest_pending_seconds = required(fields.Float)
    propagation = nested(PropagationSchema)
    last_reconciliation = nullable(fields.Dict)
    open_pages = required(fields.Integer)
    changes_today = required(fields.Integer)


# Up to 200 ids, with commas between.
_IDS = "^[1-9][0-9]{0,9}(,[1-9][0-9]{0,9}){0,199}$"


class OpenPagesQuerySchema(StrictSchema):
    """Parts, by their ids."""

    part_ids = fields.String(required=True, validate=validate.Regexp(_IDS, error="Send up to 200 ids, such as 1,2,3."))


class OpenPagesSchema(Schema):
    """How many pages of customers show each part, by id; parts that none shows are left out. Null if it was not known in time."""

    open_pages = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True, allow_none=True)
