"""What became of a change: the journey of one event."""

from uuid import UUID

from flask import Response
from flask_smorest import Blueprint

from app.api.auth import require
from app.api.context import container
from app.api.rendering import json_response
from app.api.schemas.sync import JourneySchema

blueprint = Blueprint("admin_events", __name__, url_prefix="/api/v1/admin/events", description="What became of a change")


@blueprint.route("/<uuid:event_id>", methods=["GET"])
@require("viewer", "read")
@blueprint.response(200, JourneySchema)
def journey(event_id: UUID) -> Response:
    """Return what an event was, and what became of each of its effects. Writes name their events in `X-Event-IDs`."""
    return json_response(container().sync_control.journey(str(event_id)))
