"""The audit trail: who changed what, when, from where; in pages, or as one file."""

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import orjson
from flask import Response
from flask_smorest import Blueprint

from app.api.auth import require
from app.api.context import container, cursors
from app.api.parsing import StrictParser
from app.api.rendering import json_response, page_body
from app.api.schemas.answers import AuditPageSchema
from app.api.schemas.history import AuditFilterSchema, AuditQuerySchema
from app.domain.spreadsheets import BYTE_ORDER_MARK, spreadsheet_safe

blueprint = Blueprint("admin_audit", __name__, url_prefix="/api/v1/admin", description="Audit trail")
blueprint.ARGUMENTS_PARSER = StrictParser()

COLUMNS = (
    "id", "changed_at", "changed_by", "changed_by_name", "api_key_id", "api_key_name", "operation", "table_name", "record_id",
    "part_id", "version", "reason", "old_values", "new_values", "ip_address", "user_agent", "request_id", "event_id",
)  # fmt: skip
ROWS_A_PIECE = 20
# Some spreadsheets split cells at semicolons and tabs, whatever delimiter the file uses.
_WITHIN = re.compile(r"([;\t\r\n]\s*)([=+\-@])")


@blueprint.route("/audit", methods=["GET"])
@require("viewer", "audit:read")
@blueprint.arguments(AuditQuerySchema, location="query")
@blueprint.response(200, AuditPageSchema)
def list_audit(query: dict[str, Any]) -> Response:
    """List changes, newest first: who, when, from where, old and new."""
    limit, cursor = query.pop("limit"), query.pop("cursor")
    page = container().parts.admin.audit(query, cursors().read("audit", cursor), limit)
    return json_response(page_body(page, cursors().write("audit", page.next)))


@blueprint.route("/audit.csv", methods=["GET"])
@require("viewer", "audit:read")
@blueprint.arguments(AuditFilterSchema, location="query")
@blueprint.response(200, {"type": "string"}, content_type="text/csv")
def export_audit(query: dict[str, Any]) -> Response:
    """Download the matching changes as CSV, newest first, as recorded so far, in a file safe to open in a spreadsheet."""
    rows = container().parts.admin.audit_rows(query)
    return Response(
        _csv(rows), content_type="text/csv; charset=utf-8", headers={"Content-Disposition": 'attachment; filename="audit.csv"'}
    )


def _csv(rows: Iterator[dict[str, Any]]) -> Iterator[str]:
    """Yield the file in pieces of bounded size."""
    piece = io.StringIO()
    piece.write(BYTE_ORDER_MARK)
    writer = csv.writer(piece)
    writer.writerow(COLUMNS)
    for number, row in enumerate(rows, 1):
        writer.writerow([_cell(row[column]) for column in COLUMNS])
        if number % ROWS_A_PIECE == 0:
            yield piece.getvalue()
            piece.seek(0)
            piece.truncate()
    yield piece.getvalue()


def _cell(value: Any) -> str:
    """Return a cell that no spreadsheet takes for a formula; JSON in it keeps its meaning."""
    if isinstance(value, dict):
        return _WITHIN.sub(lambda found: f"{found[1]}\\u{ord(found[2]):04x}", orjson.dumps(value).decode())
    return "" if value is None else spreadsheet_safe(_WITHIN.sub(r"\1'\2", str(value)))
