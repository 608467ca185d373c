"""Compressed responses: negotiation, and an entity tag for each coding of the same content (RFC 9110, 8.4, 8.8.3, 12.5.3).

Nothing that contains a secret is compressed together with content others may have put there: its length would leak it (BREACH).
"""

import gzip
import zlib
from collections.abc import Callable, Collection, Generator, Iterable, Iterator

import brotli
from flask import Flask, Response, request

from app.api.rendering import KeptBytes, etag_of

# In order of preference, where a client has none.
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda data: bytes(brotli.compress(data, mode=brotli.MODE_TEXT, quality=4)),
    # With a timestamp, equal bodies would not give equal bytes.
    "gzip": lambda data: gzip.compress(data, compresslevel=5, mtime=0),
}
# Tells zlib to write gzip.
_GZIP = 16
# Shorter JSON fits into a packet or two anyway, and compressing it would cost more than it saves.
MIN_BYTES = 1024
# Bytes of compressed responses that a process keeps: several thousand lists and pages.
KEPT = 8_000_000


class CompressedAnswers:
    """An LRU cache of compressed responses, so that repeated requests are not compressed again."""

    def __init__(self, most: int = KEPT) -> None:
        self._kept: KeptBytes[bytes] = KeptBytes(most)

    def get(self, digest: str, coding: str, data: bytes) -> bytes:
        """Return `data`, which has this digest, in the given coding."""
        return self._kept.get(f"{digest}-{coding}", lambda: CODINGS[coding](data))


def register(app: Flask) -> None:
    """Compress the API's JSON and the customers' pages where the client accepts that, and answer 304 if the client already holds
    the tagged content."""
    answers = CompressedAnswers()

    @app.after_request
    def finish(response: Response) -> Response:
        if response.status_code != 200 or request.method not in {"GET", "HEAD"}:
            return response
        if response.mimetype == "text/csv":
            return _packed(response)
        if not _is_compressible(response):
            return response
        base, _weak = response.get_etag()
        coding = chosen(CODINGS)
        declare(response, None)
        if base and is_held(response, base, coding):
            return response
        data = response.get_data()
        if coding and (len(data) >= MIN_BYTES or refuses_identity()):
            # Responses to staff are not cached: the same bytes are hardly ever requested twice.
            is_cached = not request.path.startswith("/api/v1/admin/")
            made = answers.get(base or etag_of(data), coding, data) if is_cached else CODINGS[coding](data)
            response.set_data(made)
            declare(response, coding)
            if base:
                response.set_etag(tag(base, coding))
        return response


def _packed(response: Response) -> Response:
    """Return a table that is sent piece by piece in gzip, if the client accepts that: it becomes a tenth, and is never whole."""
    declare(response, None)
    if chosen({"gzip"}):
        if isinstance(rows := response.response, Generator):
            # It holds a connection to the database, whoever hangs up.
            response.call_on_close(rows.close)
        response.response = _pieces_packed(response.iter_encoded())
        response.headers.pop("Content-Length", None)
        declare(response, "gzip")
    return response


def _pieces_packed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(level=5, wbits=zlib.MAX_WBITS | _GZIP)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


def _is_compressible(response: Response) -> bool:
    if response.mimetype == "text/html":
        # A shell has been compressed by the build.
        return request.endpoint == "site.web" and response.content_encoding is None
    # Responses to log-ins contain the session's CSRF token.
    is_api = request.path.startswith("/api/v1/") and not request.path.startswith("/api/v1/auth/")
    return response.mimetype == "application/json" and is_api


def chosen(available: Collection[str]) -> str | None:
    """Return the available coding that the client prefers, or None if it prefers the content uncompressed or accepts none.

    A client that refuses everything on offer gets the content uncompressed, which RFC 9110 (12.4.1) allows.
    """
    accepted = request.accept_encodings
    best = max((coding for coding in CODINGS if coding in available), key=accepted.quality, default=None)
    if best is None or accepted.quality(best) <= 0 or accepted.quality(best) < accepted.quality("identity"):
        return None
    return best


def refuses_identity() -> bool:
    """Return whether the client refuses uncompressed content."""
    accepted = request.accept_encodings
    return accepted.find("identity") >= 0 and accepted.quality("identity") <= 0


def tag(base: str, coding: str | None) -> str:
    """Return the entity tag of content in a coding. A strong tag identifies bytes, so each coding has its own."""
    return f"{base}-{coding}" if coding else base


def declare(response: Response, coding: str | None) -> None:
    """Set a response's coding, and declare that it varies by client."""
    response.vary.add("Accept-Encoding")
    if coding:
        response.content_encoding = coding


def is_held(response: Response, base: str, coding: str | None) -> bool:
    """Tag a response that is about to be sent in a coding; make it 304 if the client holds the content in any coding."""
    sent = tag(base, coding)
    held = next((one for one in (sent, base, *(tag(base, c) for c in CODINGS)) if request.if_none_match.contains_weak(one)), None)
    response.set_etag(held or sent)
    if held:
        response.status_code = 304
    return held is not None
