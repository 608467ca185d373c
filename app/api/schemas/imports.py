"""Queries, bodies and answers of the import calls."""

from marshmallow import Schema, fields, validate

from app.api.parsing import File, Flag, StrictSchema
from app.api.schemas.answers import PersonSchema
from app.domain.currencies import CURRENCIES
from app.services.imports.files import ENCODINGS

STATES = ("queued", "checking", "importing", "done", "refused", "failed")


class ImportUploadSchema(StrictSchema):
    """A catalogue file as CSV. `encoding` counts if its first bytes do not state it, `currency` for prices that state none: by
    default the one that all present prices have, if there is one."""

    # Without defaults: a form has no null, so the document should not offer one.
    file = File(required=True)
    dry_run = Flag()
    encoding = fields.String(validate=validate.OneOf(ENCODINGS))
    currency = fields.String(validate=validate.OneOf(sorted(CURRENCIES)))


class ImportQuerySchema(StrictSchema):
    """Whether the import is only rehearsed; the form may say so as well."""

    dry_run = Flag(load_default=None)


class ImportErrorSchema(Schema):
    """One thing that is wrong with a file."""

    line = fields.Integer(required=True)
    field = fields.String(required=True)
    reason = fields.String(required=True)


class ImportJobSchema(Schema):
    """An import: how far it is, and what came of it. `errors` holds the first 200 of `error_count`."""

    id = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    file_name = fields.String(required=True)
    dry_run = fields.Boolean(required=True)
    rows_total = fields.Integer(required=True, allow_none=True)
    rows_done = fields.Integer(required=True)
    created = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    unchanged = fields.Integer(required=True)
    errors = fields.List(fields.Nested(ImportErrorSchema), required=True)
    error_count = fields.Integer(required=True)
    failure = fields.String(required=True, allow_none=True)
    created_by = fields.Nested(PersonSchema, required=True)
    created_at = fields.DateTime(required=True)
    finished_at = fields.DateTime(required=True, allow_none=True)


class ImportJobPageSchema(Schema):
    """One page of imports, newest first."""

    items = fields.List(fields.Nested(ImportJobSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
