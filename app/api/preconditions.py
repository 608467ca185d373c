"""`If-Match`, and the `version` of a body: what the writer saw."""

import re
from collections.abc import Callable
from typing import Any, TypeVar

from flask import request
from werkzeug.exceptions import BadRequest

from app.services.preconditions import Expected

View = TypeVar("View", bound=Callable[..., Any])

_TAG = re.compile(r'"(\d{1,10})"')


def expected(version: int | None) -> Expected:
    """Return what the present request demands: its `If-Match` (a version as a strong tag, such as `"7"`) or the body's version.

    Raises:
        BadRequest: for `*`, weak tags, lists of tags, or anything else that is not one version.
    """
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
    """Say in the OpenAPI document that a view asks `expected`: it takes If-Match and may answer 409 and 412."""
    view.heeds_if_match = True  # type: ignore[attr-defined] # read by app.api.openapi
    return view
