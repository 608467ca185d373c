"""What a write states besides its values: who makes it, why, which state they saw (`If-Match`, or `version` in
the body), and by which `Idempotency-Key` they may send it again."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from flask import request
from werkzeug.exceptions import BadRequest

from app.api.auth import actor
from app.api.idempotency import keyed_call
from app.services.intent import Expected, Intent

View = TypeVar("View", bound=Callable[..., Any])

_TAG = re.compile(r'"(\d{1,10})"')


def intent_of(sent: dict[str, Any]) -> Intent:
    """Pop `version` and `reason` from a loaded body, form or query; return the intent that they and the request express.

    Raises:
        BadRequest: if `If-Match` is not a single strong tag, or states a different version from the body.
    """
    return Intent(actor(), _expected(sent.pop("version", None)), sent.pop("reason", None), keyed_call())


def _expected(version: int | None) -> Expected:
    """Return the version that the current request expects: its `If-Match` (a strong tag such as `"7"`), or the body's."""
    header = request.headers.get("If-Match")
    if header is None:
        return Expected(version)
    found = _TAG.fullmatch(header.strip())
    if found is None:
        raise BadRequest('If-Match: send the one version that you saw, as a strong tag such as "7".')
    stated = int(found.group(1))
    if version is not None and version != stated:
        raise BadRequest("If-Match and `version` state different versions; send one of them.")
    return Expected(stated, by_header=True)


def heeds_if_match(view: View) -> View:
    """Declare in the OpenAPI document that a view calls `intent_of`: it takes If-Match and may answer 409 and 412."""
    view.heeds_if_match = True  # type: ignore[attr-defined] # read by app.api.openapi
    return view
