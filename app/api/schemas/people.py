"""Bodies and answers of the calls about staff and API keys."""

from marshmallow import Schema, fields, validate

from app.api.parsing import Items, Moment, Quantity, StrictSchema, Switch, Text
from app.api.schemas.answers import PersonSchema, UserSchema, nested, nullable, one_of, page_of, required
from app.domain.stock import MAX_QUANTITY
from app.services.authentication import ROLES, SCOPES

# What a password is delivered to is up to the administrator; here the address is the name that somebody logs in with.
_EMAIL = r"^[!-?A-~]{1,64}@[!-?A-~]{1,255}\Z"


def _email(*, required: bool) -> fields.String:
    return fields.String(
        required=required, validate=validate.Regexp(_EMAIL, error="Give an e-mail address, such as ana@shop.example.")
    )


def _name(*, required: bool) -> Text:
    return Text(required=required, validate=validate.Length(min=1, max=200))


def _role(*, required: bool) -> fields.String:
    return fields.String(required=required, validate=validate.OneOf(ROLES))


def _reason() -> Text:
    return Text(validate=validate.Length(max=500), load_default=None)


def _version() -> Quantity:
    return Quantity(validate=validate.Range(min=1, max=MAX_QUANTITY))


def _scope() -> fields.String:
    return fields.String(validate=validate.OneOf(SCOPES))


class StaffCreateSchema(StrictSchema):
    """A new member of staff; the name defaults to the address."""

    email = _email(required=True)
    name = _name(required=False)
    role = _role(required=True)
    is_active = Switch(load_default=True)
    reason = _reason()


class StaffUpdateSchema(StrictSchema):
    """What to change about a member of staff; what is left out stays as it is."""

    email = _email(required=False)
    name = _name(required=False)
    role = _role(required=False)
    is_active = Switch()
    version = _version()
    reason = _reason()


class PasswordResetSchema(StrictSchema):
    """The version that the administrator saw, and why."""

    version = _version()
    reason = _reason()


class KeyCreateSchema(StrictSchema):
    """A new API key; without `expires_at` it is valid until revoked, and without `scopes` it may do all that its role may."""

    name = _name(required=True)
    role = _role(required=True)
    scopes = Items(_scope(), least=1, most=50, load_default=None, allow_none=True)
    expires_at = Moment(load_default=None, allow_none=True)
    reason = _reason()


class StaffMemberSchema(UserSchema):
    """A member of staff. `password_expires_at` is that of a one-time password, null once they have chosen their own."""

    is_active = required(fields.Boolean)
    password_expires_at = nullable(fields.DateTime)
    has_second_factor = required(fields.Boolean)
    passkeys = required(fields.Integer)
    version = required(fields.Integer)
    created_at = required(fields.DateTime)
    updated_at = required(fields.DateTime)
    changed_by = nested(PersonSchema, allow_none=True)
    changed_at = required(fields.DateTime)


class StaffPasswordSchema(StaffMemberSchema):
    """A member of staff with their one-time password, which is shown here only."""

    password = required(fields.String)


StaffPageSchema: type[Schema] = page_of(StaffMemberSchema, "StaffPage")


class ApiKeySchema(Schema):
    """An API key. `scopes` is what it is limited to within its role, null for nothing. `last_used_at` is exact to a minute."""

    id = required(fields.Integer)
    name = required(fields.String)
    role = one_of(*ROLES)
    scopes = fields.List(_scope(), required=True, allow_none=True)
    acts_as = nested(PersonSchema)
    created_at = required(fields.DateTime)
    expires_at = nullable(fields.DateTime)
    last_used_at = nullable(fields.DateTime)
    version = required(fields.Integer)


class NewApiKeySchema(ApiKeySchema):
    """An API key with the key itself, which is shown here only."""

    key = required(fields.String)


ApiKeyPageSchema: type[Schema] = page_of(ApiKeySchema, "ApiKeyPage")
