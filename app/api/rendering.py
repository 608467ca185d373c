"""How answers are written: JSON in UTF-8, pages of lists, entity tags."""

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

import orjson
from flask import Response, request
from itsdangerous import BadData, URLSafeSerializer
from itsdangerous.encoding import base64_decode, base64_encode
from werkzeug.exceptions import BadRequest

from app.store.paging import Page, Position

T = TypeVar("T")


def json_response(
    body: Any, status: int = 200, headers: dict[str, str] | None = None, content_type: str = "application/json"
) -> Response:
    """Return `body` as JSON."""
    return Response(orjson.dumps(body), status, headers, content_type=content_type)


def etag_of(body: bytes) -> str:
    """Return the strong entity tag of a body: equal bytes, equal tag, also across a restored database."""
    return hashlib.blake2b(body, digest_size=12).hexdigest()


def digest_of(question: Any) -> str:
    """Return a short name of a list's question, so that its cursors hold for no other one."""
    return hashlib.blake2b(orjson.dumps(question), digest_size=9).hexdigest()


def public_response(body: Any, cache_result: str) -> Response:
    """Return public JSON with a strong ETag, for which `app.api.content_coding` answers 304 to who holds it already."""
    data = orjson.dumps(body)
    response = Response(data, content_type="application/json")
    response.set_etag(etag_of(data))
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Cache"] = cache_result
    return response


def moved_response(path: str) -> Response:
    """Send the client to a path of ours, with the query that it came with.

    Browsers would keep such an answer for good, and go in a circle should the path come back.
    """
    query = request.query_string.decode("ascii", "ignore")
    location = f"{path}?{query}" if query else path
    return Response(status=301, headers={"Location": location, "Cache-Control": "no-cache"})


class Cursors:
    """Makes and reads cursors: positions signed together with the question they belong to, so that none can be forged.

    Args:
        secret: the application's secret key.
    """

    def __init__(self, secret: str) -> None:
        self._serializer = URLSafeSerializer(secret, salt="cursor")

    def write(self, scope: str, position: Position | None) -> str | None:
        """Return the cursor of a page that continues after `position`."""
        return None if position is None else str(self._serializer.dumps([scope, position.key, position.id, position.meant]))

    def read(self, scope: str, cursor: str | None) -> Position | None:
        """Return the position in a cursor.

        Raises:
            BadRequest: if it was not made here, for this list and order.
        """
        if cursor is None:
            return None
        signature = cursor.rpartition(".")[2]
        try:
            # The last letter of a signature has bits that mean nothing; what was not written here is not read either.
            is_whole = base64_encode(base64_decode(signature)) == signature.encode()
            made_for, key, part_id, meant = self._serializer.loads(cursor) if is_whole else (None, "", 0, ())
        except (BadData, ValueError, TypeError):
            made_for = None
        if made_for != scope:
            raise BadRequest("cursor: not one of this list; take `next_cursor` of the page before, or leave it out")
        return Position(key, part_id, tuple(map(tuple, meant)))


def page_body(page: Page[T], cursor: str | None, show: Callable[[T], Any] = lambda item: item) -> dict[str, Any]:
    """Return a list answer."""
    return {"items": [show(item) for item in page.items], "next_cursor": cursor}
