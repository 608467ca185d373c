"""Bodies and responses of the log-in calls."""

from marshmallow import Schema, fields, validate

from app.api.parsing import StrictSchema, Text
from app.api.schemas.answers import nested, nullable, page_of, required
from app.domain.passwords import LONGEST


def _password(*, required: bool = True) -> fields.String:
    return fields.String(required=required, validate=validate.Length(min=1, max=LONGEST))


def _code(*, required: bool = True) -> Text:
    """Return a one-time code of an authenticator app, or a recovery code."""
    return Text(required=required, validate=validate.Length(min=1, max=64))


class LoginSchema(StrictSchema):
    """A log-in. Lengths are capped, since hashing a password is expensive."""

    email = Text(required=True, validate=validate.Length(min=1, max=320))
    password = _password()
    code = _code(required=False)


class PasswordSchema(StrictSchema):
    """A change of password."""

    current_password = _password()
    new_password = _password()


class FactorOfferSchema(Schema):
    """A new secret for an authenticator app: as text, as the address that apps read, and that as a QR code (a data URI)."""

    ticket = required(fields.String)
    secret = required(fields.String)
    uri = required(fields.String)
    qr_code = required(fields.String)


class FactorOnSchema(StrictSchema):
    """The ticket of an offer, and the app's present code."""

    ticket = Text(required=True, validate=validate.Length(min=1, max=500))
    code = _code()


class FactorOffSchema(StrictSchema):
    """The password, and a code of the app or a recovery code."""

    password = _password()
    code = _code()


class PasskeySchema(Schema):
    """One of the caller's passkeys."""

    id = required(fields.Integer)
    name = required(fields.String)
    created_at = required(fields.DateTime)
    last_used_at = nullable(fields.DateTime)


class PasskeysSchema(Schema):
    """All of the caller's passkeys, oldest first."""

    items = fields.List(nested(PasskeySchema), required=True)


class PasskeyOptionsSchema(Schema):
    """What a browser makes or asks for a passkey with (WebAuthn's options as JSON), and the ticket to answer with."""

    ticket = required(fields.String)
    options = required(fields.Dict)


class PasskeyAnswerSchema(StrictSchema):
    """The ticket of a challenge, and what the browser answers (`PublicKeyCredential.toJSON()`)."""

    ticket = Text(required=True, validate=validate.Length(min=1, max=500))
    credential = fields.Dict(required=True)


class PasskeyCreateSchema(PasskeyAnswerSchema):
    """A new passkey, with a name to know it by."""

    name = Text(required=True, validate=validate.Length(min=1, max=200))


class StepUpSchema(StrictSchema):
    """The password, with a code if there is a second factor, or a passkey's answer."""

    password = _password(required=False)
    code = _code(required=False)
    passkey = fields.Nested(PasskeyAnswerSchema)


class RecoveryCodesSchema(Schema):
    """Codes to log in with once each when the app is lost; shown only here."""

    recovery_codes = fields.List(fields.String(), required=True)


class FactorSchema(Schema):
    """Since when one has a second factor, null without one, and how many recovery codes are left."""

    since = nullable(fields.DateTime)
    recovery_codes = required(fields.Integer)


class OwnSessionSchema(Schema):
    """One of the caller's own sessions. `last_seen_at` is exact to a minute."""

    id = required(fields.Integer)
    created_at = required(fields.DateTime)
    expires_at = required(fields.DateTime)
    last_seen_at = required(fields.DateTime)
    ip_address = nullable(fields.String)
    user_agent = nullable(fields.String)
    is_current = required(fields.Boolean)


OwnSessionPageSchema = page_of(OwnSessionSchema, "OwnSessionPage")
