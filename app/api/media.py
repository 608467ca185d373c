"""Serves pictures and their smaller sizes from our own origin. URLs are content-addressed, so what they serve never changes."""

import re

from flask import Blueprint, Response, abort, request

from app.api.context import container, offload
from app.services.images import served_picture

blueprint = Blueprint("media", __name__)

_NAME = re.compile(r"([0-9a-f]{64})(?:\.(jpg|png)|-([1-9][0-9]{0,3})\.webp)", re.ASCII)
_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


@blueprint.get("/media/<path:name>")
def media(name: str) -> Response:
    """Return a picture or one of its variants; until a variant has been made, the picture itself, marked as not cacheable."""
    named = _NAME.fullmatch(name)
    if named is None:
        abort(404, "There is no such file.")
    digest, extension, width = named.groups()
    found = offload(served_picture, container().storage, digest, extension, int(width) if width else None)
    if found is None:
        abort(404, "There is no such file.")
    response = Response(found.data, content_type=_TYPES[found.extension])
    # Storefronts of other origins show the pictures that the public API names.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if found.is_final:
        response.set_etag(name)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.make_conditional(request)
    else:
        response.headers["Cache-Control"] = "no-store"
    return response
