"""Bodies and answers of the log-in."""

from marshmallow import Schema, fields, validate

from app.api.parsing import StrictSchema, Text
from app.api.schemas.answers import nullable, page_of, required
from app.domain.passwords import LONGEST


def _password() -> fields.String:
    return fields.String(required=True, validate=validate.Length(min=1, max=LONGEST))


class LoginSchema(StrictSchema):
    """Who logs in. The lengths are capped, since a password is hashed at some expense."""

    email = Text(required=True, validate=validate.Length(min=1, max=320))
    password = _password()


class PasswordSchema(StrictSchema):
    """Another password."""

    current_password = _password()
    new_password = _password()


class OwnSessionSchema(Schema):
    """A session of one's own."""

    id = required(fields.Integer)
    created_at = required(fields.DateTime)
    expires_at = required(fields.DateTime)
    ip_address = nullable(fields.String)
    user_agent = nullable(fields.String)
    is_current = required(fields.Boolean)


OwnSessionPageSchema = page_of(OwnSessionSchema, "OwnSessionPage")
