"""Maps every error to `application/problem+json` (RFC 9457), in one place."""

import errno
from collections.abc import Callable
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, TypeVar

import structlog
from flask import Flask, Response, request
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

from app.api.context import container, request_id
from app.api.languages import explained, name_language, said
from app.api.rendering import json_response
from app.domain import errors
from app.services.intent import PreconditionFailedError

log = structlog.get_logger()

View = TypeVar("View", bound=Callable[..., Any])

# The first matching class wins, so subclasses come before their bases.
STATUSES: tuple[tuple[type[errors.LockstepError], int], ...] = (
    (PreconditionFailedError, 412),
    (errors.ConcurrencyError, 409),
    (errors.InsufficientStockError, 409),
    (errors.DuplicateError, 409),
    (errors.CategoryNotEmptyError, 409),
    (errors.ArchivedError, 409),
    (errors.ImportOverError, 409),
    (errors.ImportNotUndoableError, 409),
    (errors.LastAdministratorError, 409),
    (errors.SystemUserError, 409),
    (errors.SecondFactorOnError, 409),
    (errors.TooManyPasskeysError, 409),
    (errors.KeyInUseError, 409),
    (errors.KeyReusedError, 422),
    (errors.NotFoundError, 404),
    (errors.InvalidFieldError, 422),
    (errors.UnauthenticatedError, 401),
    (errors.SecondFactorRequiredError, 401),
    (errors.ForbiddenError, 403),
    (errors.TooManyRequestsError, 429),
    (errors.BusyError, 503),
    (errors.DatabaseConsistencyError, 503),
    (errors.StorageUnavailableError, 503),
)
CODES = {
    400: "bad_request", 401: "unauthenticated", 403: "forbidden", 404: "not_found", 405: "method_not_allowed",
    408: "request_timeout", 409: "conflict", 412: "precondition_failed", 413: "payload_too_large",
    415: "unsupported_media_type", 422: "validation_failed", 429: "too_many_requests", 500: "internal_error",
    503: "unavailable",
}  # fmt: skip
RETRY_AFTER = {"Retry-After": "1"}
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def may_answer(*statuses: int) -> Callable[[View], View]:
    """Declare in the OpenAPI document that a view may answer these problems besides those implied by its path and method."""

    def note(view: View) -> View:
        view.also_answers = statuses  # type: ignore[attr-defined] # read by app.api.openapi
        return view

    return note


def problem(status: int, detail: str, code: str | None = None, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """Return a problem document, in the language that the call asks for. `more` holds its extension members, such as `errors` or
    `current`."""
    if "errors" in more:
        more["errors"] = said(more["errors"])
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": said(detail),
        "code": code or CODES.get(status, "error"),
        "request_id": request_id(),
        **explained(more, "rows", "detail"),
    }
    return name_language(json_response(body, status, headers, content_type="application/problem+json"))


def register(app: Flask) -> None:
    """Make `app` answer every error as a problem."""
    app.register_error_handler(errors.LockstepError, _domain_error)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(PoolTimeoutError, _database_away)
    app.register_error_handler(DBAPIError, _database_error)
    app.register_error_handler(OSError, _system_error)
    app.register_error_handler(Exception, _unexpected)


def _domain_error(error: errors.LockstepError) -> Response:
    status = next(status for kind, status in STATUSES if isinstance(error, kind))
    more: dict[str, Any] = {}
    if isinstance(error, errors.ConcurrencyError | errors.InsufficientStockError):
        more["current"] = error.current
    if error.rows:
        more["rows"] = error.rows
    if isinstance(error, errors.ConcurrencyError):
        container().monitoring.record_conflict(error.entity)
    if isinstance(error, errors.StorageUnavailableError):
        log.error("storage away", path=request.path, error=str(error.__cause__).splitlines()[:1])
    if isinstance(error, errors.InvalidFieldError):
        more["errors"] = {error.field: [error.message]}
    if isinstance(error, errors.DuplicateError):
        more["errors"] = {error.field: [error.detail]}
        if error.holder:
            more["taken_by"] = asdict(error.holder)
    headers = RETRY_AFTER if status == 503 or isinstance(error, errors.KeyInUseError) else None
    if isinstance(error, errors.TooManyRequestsError):
        headers = {"Retry-After": str(error.seconds)}
    return problem(status, error.detail, error.code, headers, **more)


def http_error(error: HTTPException) -> Response:
    """Return Flask's, Werkzeug's and webargs' own refusals as problems."""
    status = error.code or 500
    data: dict[str, Any] = getattr(error, "data", None) or {}
    headers = {name: value for name, value in error.get_headers() if name in {"Allow", "Retry-After"}}
    messages = data.get("messages")
    if status == 422 and isinstance(messages, dict):
        fields = _by_field(messages)
        named = ", ".join(fields)
        return problem(422, f"These fields do not fit: {named}. See `errors` for what each expects.", errors=fields)
    if status == 413:
        return problem(413, f"The body is too long: at most {request.max_content_length:,} bytes are read here.", headers=headers)
    return problem(status, str(data.get("detail") or error.description or ""), data.get("code"), headers)


def _by_field(messages: dict[str, Any]) -> dict[str, Any]:
    """Drop webargs' top level (json, query, …): the caller knows where it put its fields."""
    fields: dict[str, Any] = {}
    for located in messages.values():
        fields |= located if isinstance(located, dict) else {"body": located}
    return dict(_named(fields))


def _named(messages: Any) -> Any:
    """Return messages with every key as text; marshmallow names the elements of a list by their numbers."""
    return {str(name): _named(value) for name, value in messages.items()} if isinstance(messages, dict) else messages


def _database_away(error: PoolTimeoutError) -> Response:
    container().monitoring.record_pool_timeout()
    log.error("no database connection to be had", path=request.path, error=str(error))
    return problem(503, "The database is busy or away. Try again in a moment.", "database_unavailable", RETRY_AFTER)


def _database_error(error: DBAPIError) -> Response:
    if isinstance(error, OperationalError) or error.connection_invalidated:
        log.error("database away", path=request.path, error=str(error.orig))
        return problem(503, "The database is busy or away. Try again in a moment.", "database_unavailable", RETRY_AFTER)
    return _unexpected(error)


def _system_error(error: OSError) -> Response:
    if error.errno in _DISK_FULL:
        log.error("disk full", path=request.path, error=str(error))
        return problem(503, "There is no room left to keep this. Try again later.", "storage_unavailable", RETRY_AFTER)
    return _unexpected(error)


def _unexpected(error: Exception) -> Response:
    log.exception("unexpected error", path=request.path, exc_info=error)
    return problem(500, "Something went wrong on our side. Quote the request_id when you report it.")
