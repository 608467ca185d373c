"""`Idempotency-Key`: an unsafe call that carries one may be sent again, and takes effect once (docs/subsystems/retries.md).

Views pass `keyed_call()` to the unit of work that makes the change, most of them inside `intent_of`. A repeated call runs the
view again, and gets from the unit of work what the first one returned, so the same code renders the same answer.
"""

import hashlib
import re
from collections.abc import Callable
from typing import Any, TypeVar

import orjson
from flask import Flask, Response, request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest

from app.api.context import container, note_call, noted_call, offload, principal
from app.store.idempotency import KeyedCall

View = TypeVar("View", bound=Callable[..., Any])

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def register(app: Flask) -> None:
    """Mark the answers of `app` that repeat an earlier one, and count them."""

    @app.after_request
    def mark(response: Response) -> Response:
        call = noted_call()
        if call is not None and call.is_replay:
            response.headers[REPLAYED] = "true"
            container().monitoring.record_replay()
        return response


def sent_key() -> str | None:
    """Return the key that the current request carries, if any.

    Raises:
        BadRequest: if it is not 1 to 255 visible ASCII characters.
    """
    key = request.headers.get(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise BadRequest(f"{HEADER}: send 1 to 255 visible ASCII characters, such as a UUID.")
    return key


def keyed_call() -> KeyedCall | None:
    """Return the current call by its key, if it carries one."""
    key = sent_key()
    if key is None:
        return None
    call = KeyedCall(principal().identity, key, _fingerprint())
    note_call(call)
    return call


def keeps_no_answer(reason: str) -> Callable[[View], View]:
    """Declare why a view's answers are not kept for repeated calls; the OpenAPI document says so."""

    def note(view: View) -> View:
        view.keeps_no_answer = reason  # type: ignore[attr-defined] # read by app.api.openapi
        return view

    return note


def _fingerprint() -> bytes:
    """Return the digest of all that the current request asks for."""
    asked = [request.method, request.path, request.query_string.decode("latin-1"), request.headers.get("If-Match")]
    if request.mimetype == "multipart/form-data":
        # Not its bytes: each time a browser sends a form, it makes up another boundary.
        parts: list[tuple[str, FileStorage | str]] = [*request.files.items(multi=True), *request.form.items(multi=True)]
        body = orjson.dumps([[name, _content(value)] for name, value in parts])
    else:
        body = request.get_data(cache=True)
    return hashlib.sha256(orjson.dumps(asked) + body).digest()


def _content(value: FileStorage | str) -> str | list[str | None]:
    return value if isinstance(value, str) else [value.filename, offload(_digest, value)]


def _digest(file: FileStorage) -> str:
    file.seek(0)
    digest = hashlib.file_digest(file.stream, "sha256").hexdigest()  # type: ignore[arg-type] # Werkzeug's are real files
    file.seek(0)
    return digest
