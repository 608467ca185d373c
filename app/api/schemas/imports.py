"""Queries, bodies and answers of the import calls."""

from marshmallow import Schema, fields, validate

from app.api.parsing import File, Flag, Items, StrictSchema, Text
from app.api.schemas.described import described
from app.contract.messages import states
from app.domain.currencies import CURRENCIES
from app.domain.imports.columns import KNOWN, Why
from app.domain.imports.options import SEPARATORS
from app.services.imports.files import ENCODINGS

MAX_OF_A_NAME = 400
# Werkzeug reads at most a thousand parts of a form.
MAX_NAMED = 400
# A field of the part, and the column that says it.
MAPPING = f"^(?:{'|'.join(KNOWN)})=[^\\u0000-\\u001f\\u007f-\\u009f]{{1,{MAX_OF_A_NAME}}}$"


class ImportUploadSchema(StrictSchema):
    """A catalog file as CSV. `encoding` counts if its first bytes do not state it, `currency` for prices that state none: by
    default the one that all present prices have, if there is one. `category_separator` is what stands between the levels of
    categories, if the file does not show it. `ignore` and `as_specification` name columns, as often as there are some; `map` is
    `FIELD=COLUMN`, such as `price=Sale price`."""

    # Without defaults: a form has no null, so the document should not offer one.
    file = File(required=True)
    dry_run = Flag()
    encoding = fields.String(validate=validate.OneOf(ENCODINGS))
    currency = fields.String(validate=validate.OneOf(sorted(CURRENCIES)))
    category_separator = fields.String(validate=validate.OneOf(SEPARATORS))
    ignore = Items(Text(validate=validate.Length(1, MAX_OF_A_NAME)), most=MAX_NAMED)
    as_specification = Items(Text(validate=validate.Length(1, MAX_OF_A_NAME)), most=MAX_NAMED)
    map = Items(fields.String(validate=validate.Regexp(MAPPING)), most=len(KNOWN))


class ImportQuerySchema(StrictSchema):
    """Whether the import is only rehearsed; the form may say so as well."""

    dry_run = Flag(load_default=None)


@described(states.ImportJob)
class ImportJobSchema(Schema):
    """An import: how far it is, and what came of it."""


class ImportColumnSchema(Schema):
    """A column of the file, and what became of it: a field of the part, `specification`, or why it is not read."""

    name = fields.String(required=True)
    became = fields.String(required=True, validate=validate.OneOf((*KNOWN, "specification", *Why, "nothing")))
    detail = fields.String(required=True)


class ImportJobDetailSchema(ImportJobSchema):
    """An import, and what became of each column of its file; none until the file has been looked through."""

    columns = fields.List(fields.Nested(ImportColumnSchema), required=True)


class ImportJobPageSchema(Schema):
    """One page of imports, newest first."""

    items = fields.List(fields.Nested(ImportJobSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)
