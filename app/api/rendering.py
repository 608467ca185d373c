"""How responses are written: JSON in UTF-8, pages of lists, entity tags."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sized
from threading import Lock
from typing import Any, Generic, TypeVar

import orjson
from flask import Response, request
from itsdangerous import BadData, URLSafeSerializer
from itsdangerous.encoding import base64_decode, base64_encode
from werkzeug.exceptions import BadRequest

from app.store.paging import Page, Position

T = TypeVar("T")
Bytes = TypeVar("Bytes", bound=Sized)


class KeptBytes(Generic[Bytes]):
    """An LRU cache of what is made of the same again and again, up to a number of bytes. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[Hashable, Bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Hashable, make: Callable[[], Bytes]) -> Bytes:
        """Return what `make` returns, or returned before for this key."""
        found = self.find(key)
        if found is None:
            found = make()
            self.keep(key, found)
        return found

    def find(self, key: Hashable) -> Bytes | None:
        """Return what is kept for this key."""
        with self._lock:
            if key not in self._kept:
                return None
            self._kept.move_to_end(key)
            return self._kept[key]

    def keep(self, key: Hashable, made: Bytes) -> None:
        """Keep what was made for this key."""
        with self._lock:
            before = self._kept.pop(key, None)
            self._size += len(made) - (0 if before is None else len(before))
            self._kept[key] = made
            while self._size > self._most:
                self._size -= len(self._kept.popitem(last=False)[1])


def json_response(
    body: Any, status: int = 200, headers: dict[str, str] | None = None, content_type: str = "application/json"
) -> Response:
    """Return `body` as JSON."""
    return Response(orjson.dumps(body), status, headers, content_type=content_type)


def etag_of(body: bytes) -> str:
    """Return the strong entity tag of a body: equal bytes, equal tag, even after a database restore."""
    return hashlib.blake2b(body, digest_size=12).hexdigest()


def digest_of(question: Any) -> str:
    """Return a digest of a list's query, so that its cursors are valid for no other."""
    return hashlib.blake2b(orjson.dumps(question), digest_size=9).hexdigest()


def public_response(body: Any, cache_result: str) -> Response:
    """Return public JSON with a strong ETag, for which `app.api.content_coding` answers 304 to clients that hold it."""
    data = orjson.dumps(body)
    return tagged_response(data, etag_of(data), cache_result)


def tagged_response(data: bytes, tag: str, cache_result: str) -> Response:
    """Return public JSON that has this entity tag."""
    response = Response(data, content_type="application/json")
    response.set_etag(tag)
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Cache"] = cache_result
    return response


def moved_response(path: str, *, keeps_query: bool = True) -> Response:
    """Redirect the client to another path of ours, as a rule with its query.

    Not cacheable without revalidation: browsers would keep a 301 for good, and loop should the old path come back into use.
    """
    query = request.query_string.decode("ascii", "ignore") if keeps_query else ""
    location = f"{path}?{query}" if query else path
    return Response(status=301, headers={"Location": location, "Cache-Control": "no-cache"})


class Cursors:
    """Writes and reads cursors: positions signed together with the query they belong to, so that none can be forged.

    Args:
        secret: the application's secret key.
    """

    def __init__(self, secret: str) -> None:
        self._serializer = URLSafeSerializer(secret, salt="cursor")

    def write(self, scope: str, position: Position | None) -> str | None:
        """Return the cursor for the page that continues after `position`."""
        return None if position is None else str(self._serializer.dumps([scope, position.key, position.id, position.meant]))

    def read(self, scope: str, cursor: str | None) -> Position | None:
        """Return the position in a cursor.

        Raises:
            BadRequest: if it was not written here for this list and order.
        """
        if cursor is None:
            return None
        signature = cursor.rpartition(".")[2]
        try:
            # The last character of a signature has unused bits; accept only the form that we write.
            is_whole = base64_encode(base64_decode(signature)) == signature.encode()
            made_for, key, part_id, meant = self._serializer.loads(cursor) if is_whole else (None, "", 0, ())
        except (BadData, ValueError, TypeError):
            made_for = None
        if made_for != scope:
            raise BadRequest("cursor: not one of this list; take `next_cursor` of the page before, or leave it out")
        return Position(key, part_id, tuple(map(tuple, meant)))


def page_body(page: Page[T], cursor: str | None, show: Callable[[T], Any] = lambda item: item) -> dict[str, Any]:
    """Return the body of one page of a list."""
    return {"items": [show(item) for item in page.items], "next_cursor": cursor}
