"""How the synchronisation is doing, and what staff can do about it."""

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.api.auth import actor, require
from app.api.context import container, cursors, principal
from app.api.idempotency import keyed_call
from app.api.languages import said
from app.api.parsing import StrictParser
from app.api.rendering import json_response
from app.api.schemas.answers import DeadLetterPageSchema, ReconciliationSchema, ReplayedSchema, SyncStatusSchema
from app.api.schemas.parts import PageQuerySchema
from app.api.schemas.sync import DiscardedSchema, DiscardSchema, ReconcileQuerySchema, ReplayQuerySchema
from app.services.intent import Intent
from app.store.paging import Position

blueprint = Blueprint("admin_sync", __name__, url_prefix="/api/v1/admin/sync", description="Synchronisation")
blueprint.ARGUMENTS_PARSER = StrictParser()


def _intent() -> Intent:
    return Intent(actor(), call=keyed_call())


@blueprint.route("/status", methods=["GET"])
@require("viewer", "sync")
@blueprint.response(200, SyncStatusSchema)
def status() -> Response:
    """For each effect: pending, oldest age, retries, failures, dead, latency; also the last reconciliation, what was found to
    differ from the truth and why, the cache's figures, and which workers and servers are well."""
    found = container().sync_control.status()
    if not principal().may("admin"):
        # Whoever opens it can shut workers down.
        found["flower"] = None
    return json_response(found)


@blueprint.route("/dead-letters", methods=["GET"])
@require("viewer", "sync")
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, DeadLetterPageSchema)
def dead_letters(query: dict[str, Any]) -> Response:
    """List deliveries that were given up on, each with its last error."""
    after = cursors().read("dead letters", query["cursor"])
    rows = container().sync_control.dead_letters((after.id, after.key) if after else (0, ""), query["limit"])
    shown = rows[: query["limit"]]
    following = Position(shown[-1]["effect"], shown[-1]["id"]) if len(rows) > len(shown) else None
    return json_response({"items": shown, "next_cursor": cursors().write("dead letters", following)})


@blueprint.route("/dead-letters/<bigid:event_id>/replay", methods=["POST"])
@require("admin", "sync")
@blueprint.arguments(ReplayQuerySchema, location="query")
@blueprint.response(200, ReplayedSchema)
def replay_one(query: dict[str, Any], event_id: int) -> Response:
    """Retry one event's dead deliveries; `effect` and `error` limit this to some of them."""
    return json_response({"replayed": container().sync_control.replay(_intent(), event_id, **query)})


@blueprint.route("/replay", methods=["POST"])
@require("admin", "sync")
@blueprint.arguments(ReplayQuerySchema, location="query")
@blueprint.response(200, ReplayedSchema)
def replay_all(query: dict[str, Any]) -> Response:
    """Retry all dead deliveries, or those of an `effect`, or whose last error begins with `error`."""
    return json_response({"replayed": container().sync_control.replay(_intent(), **query)})


@blueprint.route("/dead-letters/<bigid:event_id>/discard", methods=["POST"])
@require("admin", "sync")
@blueprint.arguments(DiscardSchema)
@blueprint.response(200, DiscardedSchema)
def discard_one(body: dict[str, Any], event_id: int) -> Response:
    """Give up one event's dead deliveries for good; `effect` and `error` limit this to some of them. It is audited."""
    return json_response({"discarded": container().sync_control.discard(_intent(), event_id=event_id, **body)})


@blueprint.route("/discard", methods=["POST"])
@require("admin", "sync")
@blueprint.arguments(DiscardSchema)
@blueprint.response(200, DiscardedSchema)
def discard_all(body: dict[str, Any]) -> Response:
    """Give up all dead deliveries for good, or those of an `effect`, or whose last error begins with `error`. It is audited."""
    return json_response({"discarded": container().sync_control.discard(_intent(), **body)})


@blueprint.route("/reconcile", methods=["POST"])
@require("admin", "sync")
@blueprint.arguments(ReconcileQuerySchema, location="query")
@blueprint.response(200, ReconciliationSchema)
def reconcile(query: dict[str, Any]) -> Response:
    """Compare PostgreSQL with every copy of its data now, and repair what differs unless `dry_run`."""
    report = container().sync_control.reconcile(_intent(), dry_run=query["dry_run"])
    return json_response({**report, "skipped": said(report["skipped"])} if "skipped" in report else report)
