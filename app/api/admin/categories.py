"""The panel's category tree: list, create, rename, move, delete."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.api.admin.uploads import uploaded
from app.api.auth import require
from app.api.context import container, cursors
from app.api.errors import may_answer
from app.api.intent import heeds_if_match, intent_of
from app.api.parsing import StrictParser, takes_file
from app.api.rendering import json_response, page_body
from app.api.schemas.categories import (
    AdminCategoryPageSchema,
    AdminCategorySchema,
    CategoryCreateSchema,
    CategoryDeleteQuerySchema,
    CategoryQuerySchema,
    CategoryUpdateSchema,
)
from app.api.schemas.images import ImageUploadSchema
from app.domain.pictures import MAX_BYTES
from app.services.images import kept_in_all_sizes
from app.store.paging import page_by_name

blueprint = Blueprint("admin_categories", __name__, url_prefix="/api/v1/admin/categories", description="The category tree")
blueprint.ARGUMENTS_PARSER = StrictParser()


@blueprint.route("", methods=["GET"])
@require("viewer", "read")
@blueprint.arguments(CategoryQuerySchema, location="query")
@blueprint.response(200, AdminCategoryPageSchema)
def list_categories(query: dict[str, Any]) -> Response:
    """List categories by name, each with its parent and how many parts and subcategories it has."""
    after = cursors().read("admin categories", query["cursor"])
    page = page_by_name(container().parts.admin.categories(), query["limit"], after)
    return json_response(page_body(page, cursors().write("admin categories", page.next)))


@blueprint.route("", methods=["POST"])
@require("editor", "content:write")
@may_answer(409)
@blueprint.arguments(CategoryCreateSchema)
@blueprint.response(201, AdminCategorySchema)
def create_category(body: dict[str, Any]) -> Response:
    """Create a category."""
    made = container().parts.create_category_with_sync(
        intent_of(body), body["name"], body["parent_id"], body.get("slug"), body["description"]
    )
    return json_response(made, 201, {"Location": f"/api/v1/admin/categories/{made['id']}"})


@blueprint.route("/<id:category_id>", methods=["GET"])
@require("viewer", "read")
@blueprint.response(200, AdminCategorySchema)
def get_category(category_id: int) -> Response:
    """Return one category."""
    return json_response(container().parts.admin.category(category_id))


@blueprint.route("/<id:category_id>", methods=["PUT"])
@require("editor", "content:write")
@heeds_if_match
@blueprint.arguments(CategoryUpdateSchema)
@blueprint.response(200, AdminCategorySchema)
def update_category(body: dict[str, Any], category_id: int) -> Response:
    """Rename, move or describe a category, or its picture. Parts below it show its new path at once, and keep their versions."""
    return json_response(container().parts.update_category_with_sync(intent_of(body), category_id, body))


@blueprint.route("/<id:category_id>/picture", methods=["POST"])
@require("editor", "content:write")
@heeds_if_match
@takes_file(MAX_BYTES)
@blueprint.arguments(ImageUploadSchema, location="files")
@blueprint.response(200, AdminCategorySchema)
def set_category_picture(form: dict[str, Any], category_id: int) -> Response:
    """Give a category a picture, in place of the one that it had: JPEG, PNG or WebP, at most 15 MB and 40 million pixels.

    It is re-encoded, upright and without metadata, and made in smaller sizes. `PUT` on the category describes it and takes it
    away.
    """
    intent = intent_of(form)
    category = container().parts.check_room_for_category_picture(intent, category_id)
    if category is None:
        picture = uploaded(kept_in_all_sizes, form["image"])
        changes = {"picture": picture.named() | {"alt": form["alt"]}}
        category = container().parts.update_category_with_sync(intent, category_id, changes)
    return json_response(category)


@blueprint.route("/<id:category_id>", methods=["DELETE"])
@require("editor", "content:write")
@heeds_if_match
@blueprint.arguments(CategoryDeleteQuerySchema, location="query")
@blueprint.response(200, AdminCategorySchema)
def delete_category(query: dict[str, Any], category_id: int) -> Response:
    """Delete a category that is empty, or whose parts and subcategories `target` takes over; returns it as it was.

    The parts that were directly in it get their next content version.
    """
    return json_response(container().parts.delete_category_with_sync(intent_of(query), category_id, query["target"]))
