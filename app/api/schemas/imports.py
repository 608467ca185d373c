"""Queries, bodies and answers of the import calls."""

from marshmallow import Schema, fields, validate

from app.api.parsing import File, Flag, StrictSchema
from app.api.schemas.described import described
from app.contract.messages import states
from app.domain.currencies import CURRENCIES
from app.services.import_files import ENCODINGS


class ImportUploadSchema(StrictSchema):
    """A catalog file as CSV. `encoding` counts if its first bytes do not state it, `currency` for prices that state none: by
    default the one that all present prices have, if there is one."""

    # Without defaults: a form has no null, so the document should not offer one.
    file = File(required=True)
    dry_run = Flag()
    encoding = fields.String(validate=validate.OneOf(ENCODINGS))
    currency = fields.String(validate=validate.OneOf(sorted(CURRENCIES)))


class ImportQuerySchema(StrictSchema):
    """Whether the import is only rehearsed; the form may say so as well."""

    dry_run = Flag(load_default=None)


@described(states.ImportJob)
class ImportJobSchema(Schema):
    """An import: how far it is, and what came of it."""


class ImportJobPageSchema(Schema):
    """One page of imports, newest first."""

    items = fields.List(fields.Nested(ImportJobSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
