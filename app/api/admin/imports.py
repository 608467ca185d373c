"""Catalog files: upload, progress, errors. The import itself runs in workers."""

import csv
import io
from typing import Any

from flask import Response
from flask_smorest import Blueprint

from app.api.auth import actor, require
from app.api.context import container, cursors, offload
from app.api.idempotency import keyed_call
from app.api.languages import explained, said
from app.api.parsing import StrictParser, takes_file
from app.api.rendering import json_response, page_body
from app.api.schemas.bulk import DryRunQuerySchema
from app.api.schemas.imports import ImportJobDetailSchema, ImportJobPageSchema, ImportQuerySchema, ImportUploadSchema
from app.api.schemas.parts import PageQuerySchema
from app.domain.imports.columns import Why
from app.domain.imports.options import Options, mapping_of
from app.domain.spreadsheets import BYTE_ORDER_MARK, spreadsheet_safe
from app.services.imports.jobs import MAX_BYTES, keep
from app.services.intent import Intent
from app.store.paging import Page, Position

blueprint = Blueprint("admin_imports", __name__, url_prefix="/api/v1/admin/imports", description="Catalog files, for staff")
blueprint.ARGUMENTS_PARSER = StrictParser()

ERROR_COLUMNS = ("line", "field", "reason")


def _told(job: dict[str, Any]) -> dict[str, Any]:
    """Return a job with what it explains in the caller's language: it is kept in English, for whoever reads it."""
    for rows in ("errors", "notices", "conflicts"):
        job = explained(job, rows, "reason")
    columns = {"columns": [_column_told(column) for column in job["columns"]]} if "columns" in job else {}
    return {**job, "failure": said(job["failure"]), **columns}


def _column_told(column: dict[str, str]) -> dict[str, str]:
    """Return a column of a file with its remarks in the caller's language; a specification's first is its name in the file."""
    became, detail = column["became"], column["detail"]
    remarks = [detail] if became in list(Why) else detail.split("; ")
    names = int(became == "specification")
    return {**column, "detail": "; ".join([*remarks[:names], *said(remarks[names:])])}


@blueprint.route("", methods=["POST"])
@require("editor", "imports:write")
@takes_file(MAX_BYTES)
@blueprint.arguments(ImportQuerySchema, location="query")
@blueprint.arguments(ImportUploadSchema, location="files")
@blueprint.response(202, ImportJobDetailSchema)
def start_import(query: dict[str, Any], form: dict[str, Any]) -> Response:
    """Import a catalog file: CSV of at most 50 MB. The whole file is checked first; nothing is applied if any row is invalid.

    The response is the job; its progress is at its Location, and sent on Socket.IO as `import.progress`. A dry run reports what
    would be done and writes nothing. Once the file has been analysed, `columns` lists every column and how it is used, even if
    the file is refused because some of them need to be identified.
    """
    file, dry_run = form["file"], query["dry_run"] or form.get("dry_run", False)
    digest, size = offload(keep, container().storage, file.stream)
    options = Options(
        form.get("currency"), form.get("category_separator"), tuple(form.get("ignore", ())),
        tuple(form.get("as_specification", ())), mapping_of(form.get("map", ())),
    )  # fmt: skip
    job = container().import_jobs.create(
        actor(), digest, size, file.filename or "", form.get("encoding"), options, dry_run=bool(dry_run), call=keyed_call()
    )
    return json_response(_told(job), 202, {"Location": f"/api/v1/admin/imports/{job['id']}"})


@blueprint.route("", methods=["GET"])
@require("viewer", "read")
@blueprint.arguments(PageQuerySchema, location="query")
@blueprint.response(200, ImportJobPageSchema)
def list_imports(query: dict[str, Any]) -> Response:
    """List imports, newest first."""
    after, limit = cursors().read("imports", query["cursor"]), query["limit"]
    jobs = [_told(job) for job in container().import_jobs.jobs(after.id if after else None, limit)]
    last = jobs[limit - 1]["id"] if len(jobs) > limit else None
    page = Page(jobs[:limit], Position(str(last), last) if last else None)
    return json_response(page_body(page, cursors().write("imports", page.next)))


@blueprint.route("/<id:job_id>", methods=["GET"])
@require("viewer", "read")
@blueprint.response(200, ImportJobDetailSchema)
def get_import(job_id: int) -> Response:
    """Return one import: its progress, its result, and how each column of its file is used."""
    return json_response(_told(container().import_jobs.job(job_id)))


@blueprint.route("/<id:job_id>/cancel", methods=["POST"])
@require("editor", "imports:write")
@blueprint.response(200, ImportJobDetailSchema)
def cancel_import(job_id: int) -> Response:
    """Cancel an import that has not ended: nothing more of its file is applied, and what was applied stays.

    The answer says how far it came (`rows_done`). Cancelled again, it stays as it is; 409 `import_over` if it ended otherwise.
    """
    return json_response(_told(container().import_jobs.cancel(Intent(actor(), call=keyed_call()), job_id)))


@blueprint.route("/<id:job_id>/undo", methods=["POST"])
@require("editor", "imports:write", step_up=True)
@blueprint.arguments(DryRunQuerySchema, location="query")
@blueprint.response(202, ImportJobDetailSchema)
def undo_import(query: dict[str, Any], job_id: int) -> Response:
    """Undo an import that has ended: parts that it created are archived, and what it changed becomes what it was before.

    What somebody has changed since stays, and is listed in `conflicts`; with `dry_run` that is all that happens. It is done by a
    job of its own, like an import: the response is that job, `undoes` names this one, and its progress is at its Location.
    Categories that the import made stay.
    """
    job = container().import_jobs.undo(Intent(actor(), call=keyed_call()), job_id, dry_run=query["dry_run"])
    return json_response(_told(job), 202, {"Location": f"/api/v1/admin/imports/{job['id']}"})


@blueprint.route("/<id:job_id>/errors.csv", methods=["GET"])
@require("viewer", "read")
@blueprint.response(200, {"type": "string"}, content_type="text/csv")
def download_errors(job_id: int) -> Response:
    """Download what is wrong with the file, line by line, safe to open in a spreadsheet."""
    out = io.StringIO()
    out.write(BYTE_ORDER_MARK)
    writer = csv.writer(out)
    writer.writerow(ERROR_COLUMNS)
    for error in _told(container().import_jobs.job(job_id))["errors"]:
        writer.writerow([spreadsheet_safe(str(error[column])) for column in ERROR_COLUMNS])
    disposition = {"Content-Disposition": f'attachment; filename="import-{job_id}-errors.csv"'}
    return Response(out.getvalue(), content_type="text/csv; charset=utf-8", headers=disposition)
