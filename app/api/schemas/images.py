"""Bodies of the picture calls."""

from marshmallow import validate

from app.api.parsing import File, Items, Quantity, StrictSchema, Text, WholeNumber
from app.domain.pictures import MAX_PICTURES
from app.domain.stock import MAX_QUANTITY

_ID = validate.Range(min=1, max=MAX_QUANTITY)
ALT = validate.Length(max=300)
_REASON = validate.Length(max=500)


class ImageUploadSchema(StrictSchema):
    """A picture to show. Only the file's content matters, not its name."""

    image = File(required=True)
    alt = Text(load_default="", validate=ALT)
    version = WholeNumber(validate=_ID)
    reason = Text(load_default=None, validate=_REASON)


class ImageAltSchema(StrictSchema):
    """What a picture shows, for those who cannot see it."""

    alt = Text(required=True, validate=ALT)
    version = Quantity(validate=_ID)
    reason = Text(load_default=None, validate=_REASON)


class ImageOrderSchema(StrictSchema):
    """All pictures of a part, the first one first."""

    image_ids = Items(Quantity(validate=_ID), most=MAX_PICTURES, required=True)
    version = Quantity(validate=_ID)
    reason = Text(load_default=None, validate=_REASON)
