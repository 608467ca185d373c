"""A part's pictures: upload, order, alternative text, deletion."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.api.admin.uploads import uploaded
from app.api.auth import require
from app.api.context import container
from app.api.intent import heeds_if_match, intent_of
from app.api.parsing import StrictParser, takes_file
from app.api.rendering import json_response
from app.api.schemas.answers import ContentAnswerSchema
from app.api.schemas.images import ImageAltSchema, ImageOrderSchema, ImageUploadSchema
from app.api.schemas.parts import BodilessWriteSchema
from app.domain.pictures import MAX_BYTES
from app.services.images import kept_picture

blueprint = Blueprint("admin_images", __name__, url_prefix="/api/v1/admin/parts", description="Pictures, for staff")
blueprint.ARGUMENTS_PARSER = StrictParser()


@blueprint.route("/<id:part_id>/images", methods=["POST"])
@require("editor", "content:write")
@heeds_if_match
@takes_file(MAX_BYTES)
@blueprint.arguments(ImageUploadSchema, location="files")
@blueprint.response(201, ContentAnswerSchema)
def add_image(form: dict[str, Any], part_id: int) -> Response:
    """Add a picture after the part's other ones: JPEG, PNG or WebP, at most 15 MB and 40 million pixels.

    It is re-encoded, upright and without metadata. Its smaller sizes are made afterwards; until then their URLs return the
    picture itself.
    """
    intent = intent_of(form)
    content = container().parts.check_room_for_image(intent, part_id)
    if content is None:
        picture = uploaded(kept_picture, form["image"])
        content = container().parts.add_image_with_sync(intent, part_id, picture, form["alt"])
    return json_response(content, 201, {"Location": content["images"][-1]["url"]})


@blueprint.route("/<id:part_id>/images/order", methods=["PUT"])
@require("editor", "content:write")
@heeds_if_match
@blueprint.arguments(ImageOrderSchema)
@blueprint.response(200, ContentAnswerSchema)
def order_images(body: dict[str, Any], part_id: int) -> Response:
    """Set the order of the part's pictures; name each of them once."""
    content = container().parts.order_images_with_sync(intent_of(body), part_id, body["image_ids"])
    return json_response(content)


@blueprint.route("/<id:part_id>/images/<id:image_id>", methods=["PUT"])
@require("editor", "content:write")
@heeds_if_match
@blueprint.arguments(ImageAltSchema)
@blueprint.response(200, ContentAnswerSchema)
def describe_image(body: dict[str, Any], part_id: int, image_id: int) -> Response:
    """Set a picture's alternative text."""
    content = container().parts.describe_image_with_sync(intent_of(body), part_id, image_id, body["alt"])
    return json_response(content)


@blueprint.route("/<id:part_id>/images/<id:image_id>", methods=["DELETE"])
@require("editor", "content:write")
@heeds_if_match
@blueprint.arguments(BodilessWriteSchema, location="query")
@blueprint.response(200, ContentAnswerSchema)
def delete_image(query: dict[str, Any], part_id: int, image_id: int) -> Response:
    """Remove a picture from the part; earlier content versions keep it."""
    content = container().parts.delete_image_with_sync(intent_of(query), part_id, image_id)
    return json_response(content)
