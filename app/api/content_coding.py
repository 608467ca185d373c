"""Compressed answers: what a client takes, and an entity tag for each coding of the same content (RFC 9110, 8.4, 8.8.3, 12.5.3).

Nothing that holds a secret is compressed beside what somebody else may have put into it: its length would tell (BREACH).
"""

import gzip
from collections import OrderedDict
from collections.abc import Callable, Collection
from threading import Lock

import brotli
from flask import Flask, Response, request

from app.api.rendering import etag_of

# The first is taken where a client likes several alike.
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "br": lambda data: bytes(brotli.compress(data, mode=brotli.MODE_TEXT, quality=4)),
    # With a time in it, equal bodies would not be equal bytes.
    "gzip": lambda data: gzip.compress(data, compresslevel=5, mtime=0),
}
# Shorter JSON fits a packet or two as it is, and compressing it would cost more than it saves.
LEAST = 1024
# Bytes of compressed answers that a process keeps: some thousands of lists and pages.
KEPT = 8_000_000


class CompressedAnswers:
    """The compressed forms of the answers asked for last, so that what is asked for again is not compressed again."""

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._size = 0
        self._kept: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._lock = Lock()

    def get(self, digest: str, coding: str, data: bytes) -> bytes:
        """Return `data`, whose digest this is, in a coding."""
        key = digest, coding
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = CODINGS[coding](data)
        with self._lock:
            self._size += len(made) - len(self._kept.pop(key, b""))
            self._kept[key] = made
            while self._size > self._most:
                self._size -= len(self._kept.popitem(last=False)[1])
        return made


def register(app: Flask) -> None:
    """Compress the JSON that the API is asked for where the client takes that, and answer 304 to who holds what is tagged."""
    answers = CompressedAnswers()

    @app.after_request
    def finish(response: Response) -> Response:
        if response.status_code != 200 or response.mimetype != "application/json" or request.method not in {"GET", "HEAD"}:
            return response
        # A session's answers have its token in them.
        if not request.path.startswith("/api/v1/") or request.path.startswith("/api/v1/auth/"):
            return response
        base, _weak = response.get_etag()
        coding = chosen(CODINGS)
        declare(response, None)
        if base and is_held(response, base, coding):
            return response
        data = response.get_data()
        if coding and (len(data) >= LEAST or refuses_identity()):
            # What staff read is not cached: the same bytes are hardly ever asked for twice.
            is_cached = not request.path.startswith("/api/v1/admin/")
            made = answers.get(base or etag_of(data), coding, data) if is_cached else CODINGS[coding](data)
            response.set_data(made)
            declare(response, coding)
            if base:
                response.set_etag(tag(base, coding))
        return response


def chosen(available: Collection[str]) -> str | None:
    """Return the coding that the client likes best of those, or None: it likes the content as it is better, or takes none.

    A client that refuses everything that there is gets the content as it is, which RFC 9110 (12.4.1) allows.
    """
    accepted = request.accept_encodings
    best = max((coding for coding in CODINGS if coding in available), key=accepted.quality, default=None)
    if best is None or accepted.quality(best) <= 0 or accepted.quality(best) < accepted.quality("identity"):
        return None
    return best


def refuses_identity() -> bool:
    """Return whether the client says that it does not take content as it is."""
    accepted = request.accept_encodings
    return accepted.find("identity") >= 0 and accepted.quality("identity") <= 0


def tag(base: str, coding: str | None) -> str:
    """Return the entity tag of content in a coding. A strong tag names bytes, so each coding has one of its own."""
    return f"{base}-{coding}" if coding else base


def declare(response: Response, coding: str | None) -> None:
    """Say which coding an answer has, and that another client may get another one."""
    response.vary.add("Accept-Encoding")
    if coding:
        response.content_encoding = coding


def is_held(response: Response, base: str, coding: str | None) -> bool:
    """Tag an answer that is about to go out in a coding; make it 304 if the client holds the content in any of them."""
    sent = tag(base, coding)
    held = next((one for one in (sent, base, *(tag(base, c) for c in CODINGS)) if request.if_none_match.contains_weak(one)), None)
    response.set_etag(held or sent)
    if held:
        response.status_code = 304
    return held is not None
