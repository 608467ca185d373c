"""A part's pictures: upload, order, alternative text, deletion."""

from typing import Any

from flask import Response, g
from flask_smorest import Blueprint

from app.api.auth import actor, require
from app.api.parsing import StrictParser, takes_file
from app.api.preconditions import expected, heeds_if_match
from app.api.rendering import json_response
from app.api.schemas.answers import ContentAnswerSchema
from app.api.schemas.images import ImageAltSchema, ImageOrderSchema, ImageUploadSchema
from app.api.schemas.parts import BodilessWriteSchema
from app.api.turns import Turns
from app.domain.pictures import MOST_BYTES
from app.services.content import current_state
from app.services.images import kept_picture

blueprint = Blueprint("admin_images", __name__, url_prefix="/api/v1/admin/parts", description="Pictures, for staff")
blueprint.ARGUMENTS_PARSER = StrictParser()

# A picture at work takes up to half a gigabyte and a processor for some seconds, so that others wait for their turn.
_AT_WORK = Turns(at_once=1, waiting=7, patience=20.0)


@blueprint.route("/<id:part_id>/images", methods=["POST"])
@require("editor")
@heeds_if_match
@takes_file(MOST_BYTES)
@blueprint.arguments(ImageUploadSchema, location="files")
@blueprint.response(201, ContentAnswerSchema)
def add_image(form: dict[str, Any], part_id: int) -> Response:
    """Add a picture behind the part's other ones: JPEG, PNG or WebP, at most 15 MB and 40 million pixels.

    It is encoded anew, upright and without metadata. Its smaller sizes are made afterwards; until then their addresses answer
    with the picture itself.
    """
    condition = expected(form.get("version"))
    g.core.parts.check_room_for_image(actor(), part_id, condition)
    with _AT_WORK.turn():
        picture = g.offload(kept_picture, g.core.storage, form["image"].read())
    content = g.core.parts.add_image_with_sync(actor(), part_id, picture, form["alt"], condition, form["reason"])
    return json_response(current_state(content), 201, {"Location": f"/media/{picture.digest}.{picture.extension}"})


@blueprint.route("/<id:part_id>/images/order", methods=["PUT"])
@require("editor")
@heeds_if_match
@blueprint.arguments(ImageOrderSchema)
@blueprint.response(200, ContentAnswerSchema)
def order_images(body: dict[str, Any], part_id: int) -> Response:
    """Put the part's pictures into an order; name each of them once."""
    condition, order = expected(body.get("version")), body["image_ids"]
    return json_response(current_state(g.core.parts.order_images_with_sync(actor(), part_id, order, condition, body["reason"])))


@blueprint.route("/<id:part_id>/images/<id:image_id>", methods=["PUT"])
@require("editor")
@heeds_if_match
@blueprint.arguments(ImageAltSchema)
@blueprint.response(200, ContentAnswerSchema)
def describe_image(body: dict[str, Any], part_id: int, image_id: int) -> Response:
    """Write a picture's alternative text."""
    condition, alt = expected(body.get("version")), body["alt"]
    content = g.core.parts.describe_image_with_sync(actor(), part_id, image_id, alt, condition, body["reason"])
    return json_response(current_state(content))


@blueprint.route("/<id:part_id>/images/<id:image_id>", methods=["DELETE"])
@require("editor")
@heeds_if_match
@blueprint.arguments(BodilessWriteSchema, location="query")
@blueprint.response(200, ContentAnswerSchema)
def delete_image(query: dict[str, Any], part_id: int, image_id: int) -> Response:
    """Show a picture no more; earlier content versions keep it."""
    condition = expected(query["version"])
    content = g.core.parts.delete_image_with_sync(actor(), part_id, image_id, condition, query["reason"])
    return json_response(current_state(content))
