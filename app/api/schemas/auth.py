"""Bodies of the log-in."""

from marshmallow import fields, validate

from app.api.parsing import StrictSchema, Text


class LoginSchema(StrictSchema):
    """Who logs in. The lengths are capped, since a password is hashed at some expense."""

    email = Text(required=True, validate=validate.Length(min=1, max=320))
    password = fields.String(required=True, validate=validate.Length(min=1, max=1000))
